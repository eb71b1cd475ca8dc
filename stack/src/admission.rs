//! What a WebSocket server makes of a client's first words, in either version of HTTP.

use crate::Pipe;
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use wirestack_http2::{Asks, asks};
use wirestack_websocket::{Accept, Offer, Server, Settings};

/// What a server decides: to accept, or this response.
pub(crate) type Verdict = Result<Accept, Box<Response<Bytes>>>;

/// Whether a client begins with the preface of HTTP/2 (RFC 9113 §3.4); `None` until that is clear.
pub(crate) fn speaks_http2(begun: &mut Pipe) -> Option<bool> {
    let seen = begun.unread();
    let n = seen.len().min(PREFACE.len());
    match seen[..n] == PREFACE[..n] {
        true if n < PREFACE.len() => None,
        same => Some(same),
    }
}

/// Reads what a request on a stream of an HTTP/2 connection asks for, or says no.
pub(crate) fn over_http2(request: &Request<()>) -> Result<Offer<'_>, Box<Response<Bytes>>> {
    match asks(request) {
        // Clients and proxies write the token as they please.
        Asks::Protocol(name) if name.eq_ignore_ascii_case("websocket") => Offer::of_http2(request),
        Asks::Protocol(_) => Err(plain(StatusCode::NOT_IMPLEMENTED)),
        Asks::Tunnel(_) => Err(plain(StatusCode::METHOD_NOT_ALLOWED)),
        _ => Err(plain(StatusCode::NOT_FOUND)),
    }
}

/// Answers it: the WebSocket that was accepted, with the fields of the response, or the response
/// that says no.
pub(crate) fn answer(
    offer: &Offer<'_>,
    verdict: Verdict,
    settings: Settings,
) -> Result<(Server, HeaderMap), Box<Response<Bytes>>> {
    match Server::answered(offer, verdict?, settings) {
        Ok((server, response)) => Ok((server, response.into_parts().0.headers)),
        Err(_) => Err(plain(StatusCode::INTERNAL_SERVER_ERROR)), // a subprotocol nobody offered
    }
}

fn plain(status: StatusCode) -> Box<Response<Bytes>> {
    let mut response = Response::new(Bytes::from(format!("{status}\n")));
    *response.status_mut() = status;
    response.into()
}

/// No HTTP/1.1 request begins so.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_tell_the_version() {
        for n in 0..=PREFACE.len() + 5 {
            let text = [PREFACE, b"hello"].concat();
            let mut begun = Pipe::new();
            begun.write(&text[..n]);
            let wanted = (n >= PREFACE.len()).then_some(true);
            assert_eq!(speaks_http2(&mut begun), wanted, "{n} bytes");
        }
        for text in [
            &b"G"[..],
            b"GET / HTTP/1.1\r\n",
            b"PRI * HTTP/1.1\r\n",
            b"\x16\x03",
        ] {
            let mut begun = Pipe::new();
            begun.write(text);
            assert_eq!(speaks_http2(&mut begun), Some(false));
        }
    }

    #[test]
    fn only_websockets_are_asked_about() {
        let get = Request::new(());
        assert_eq!(over_http2(&get).unwrap_err().status(), 404);
    }
}
