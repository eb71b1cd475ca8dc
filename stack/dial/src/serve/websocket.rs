//! What a WebSocket server makes of a client's first words, in either version of HTTP.

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use wirestack_http2::{RequestKind, request_kind};
use wirestack_websocket::{Accept, Offer, Server, Settings};

/// What a server decides: to accept, or this response.
pub type Verdict = Result<Accept, Box<Response<Bytes>>>;

/// Reads what a request on a stream of an HTTP/2 connection asks for, or says no.
pub fn over_http2(request: &Request<()>) -> Result<Offer<'_>, Box<Response<Bytes>>> {
    match request_kind(request) {
        // Clients and proxies write the token as they please.
        RequestKind::Protocol(name) if name.eq_ignore_ascii_case("websocket") => {
            Offer::of_http2(request)
        }
        RequestKind::Protocol(_) => Err(plain(StatusCode::NOT_IMPLEMENTED)),
        RequestKind::Tunnel(_) => Err(plain(StatusCode::METHOD_NOT_ALLOWED)),
        _ => Err(plain(StatusCode::NOT_FOUND)),
    }
}

/// Answers it: the WebSocket that was accepted, with the fields of the response, or the response
/// that says no.
pub fn answer(
    offer: &Offer<'_>,
    verdict: Verdict,
    settings: Settings,
) -> Result<(Server, HeaderMap), Box<Response<Bytes>>> {
    match Server::from_request(offer, verdict?, settings) {
        Ok((server, response)) => Ok((server, response.into_parts().0.headers)),
        Err(_) => Err(plain(StatusCode::INTERNAL_SERVER_ERROR)), // a subprotocol nobody offered
    }
}

fn plain(status: StatusCode) -> Box<Response<Bytes>> {
    let mut response = Response::new(Bytes::from(format!("{status}\n")));
    *response.status_mut() = status;
    response.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_websockets_are_asked_about() {
        let get = Request::new(());
        assert_eq!(over_http2(&get).unwrap_err().status(), 404);
    }
}
