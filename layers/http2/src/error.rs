use h2::Reason;
use http::StatusCode;
use std::time::Duration;
use wirestack_http::Refusal;
use wirestack_layer::{Error, Escaped, FirstBytes, SeenProtocol};

/// The reason why a connection or a stream failed: the [cause](Error::cause) of each error of this
/// crate.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Http2Error {
    /// The request cannot be sent, for this reason.
    #[error("not a request to connect with: {0}")]
    BadRequest(&'static str),
    /// A stream would be one more than [`Http2Config::streams`](crate::Http2Config::streams).
    #[error("there are {0} streams already, and no more are allowed")]
    TooManyStreams(u32),
    /// The peer sent no SETTINGS in time.
    #[error("no SETTINGS frame came within {0:?}: the peer may speak no HTTP/2")]
    NoSettings(Duration),
    /// The peer begins with another protocol.
    #[error("saw {seen} where HTTP/2 was wanted{advice}", seen = .0, advice = advice(.0))]
    NotHttp2(FirstBytes),
    /// The server's SETTINGS do not offer extended CONNECT (RFC 8441 §3).
    #[error(
        "the server does not offer extended CONNECT, which a WebSocket over HTTP/2 needs (RFC 8441)"
    )]
    NotOffered,
    /// The server refused a request.
    #[error("{}", .0.describe())]
    Refused(Box<Refusal>),
    /// The application gave up: before the request, or at the response that opens.
    #[error("given up on this side")]
    GivenUp,
    /// The application refused the request with this status.
    #[error("the request was refused here with status {}", .0.as_u16())]
    RefusedHere(StatusCode),
    /// The peer reset the stream.
    #[error("the peer reset the stream with {}", reason(.0))]
    Reset(Reason),
    /// The peer sent GOAWAY before it processed this stream, or with an error.
    #[error("the peer sent GOAWAY with {}", reason(.0))]
    GoAway(Reason),
    /// The peer broke the protocol.
    #[error("the peer broke the protocol: {0}")]
    Protocol(String),
    /// The peer sent fields behind the data of a tunnel: "a frame of any other type MUST be treated
    /// as a stream error" (RFC 9113 §8.5).
    #[error("fields after the data of a tunnel")]
    Trailers,
    /// The wire ended while streams were open.
    #[error("the connection ended while streams were open")]
    Truncated,
    /// The connection ended before a tunnel was asked for.
    #[error("the connection ended before a tunnel was asked for")]
    NoTunnel,
    /// The peer did not answer a PING in time.
    #[error("no answer to a PING within {0:?}")]
    NoPong(Duration),
    /// The application closed the connection, or its stream.
    #[error("the connection was closed on this side")]
    Closed,
}

/// A hint for the next connection to the same server: not to ask for extended CONNECT again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotOffered;

pub(crate) fn local(cause: Http2Error) -> Error {
    Error::local(NAME, cause)
}

pub(crate) fn peer(cause: Http2Error) -> Error {
    Error::peer(NAME, cause)
}

/// Returns the typed error of an error of h2; `None` for one of the wire, whose end has the error
/// itself.
pub(crate) fn typed(error: &h2::Error) -> Option<Error> {
    if error.is_io() {
        return None;
    }
    let reason = error.reason().unwrap_or(Reason::INTERNAL_ERROR);
    Some(match (error.is_remote(), error.is_go_away()) {
        (true, true) => peer(Http2Error::GoAway(reason)),
        (true, false) => peer(Http2Error::Reset(reason)),
        (false, _) if error.is_library() => peer(Http2Error::Protocol(self::reason(&reason))),
        (false, _) => local(Http2Error::Protocol(told(error))),
    })
}

/// Returns the advice for a peer that speaks another protocol.
fn advice(seen: &FirstBytes) -> &'static str {
    use SeenProtocol as P;
    match seen.protocol() {
        Some(P::HttpResponse) => ": the server speaks HTTP/1 only, or refuses",
        Some(P::HttpRequest) => ": the client speaks HTTP/1",
        Some(P::Tls) => ": the peer speaks TLS, use h2://, https:// or wss://",
        Some(P::Socks5 | P::Socks4 | P::Socks4Reply) => ": this is SOCKS, use socks5h://",
        Some(P::ProxyHeader) => ": a load balancer sends it, and this port expects none",
        Some(P::Markup) => ": something between answers for the server",
        Some(P::Ssh | P::Greeting220 | P::Imap | P::Pop3) => {
            ": this is the port of another service"
        }
        _ => "",
    }
}

/// Returns the text of an error that h2 found in its use.
fn told(error: &h2::Error) -> String {
    match error.reason() {
        Some(reason) => self::reason(&reason),
        None => Escaped::excerpt(error).to_string(),
    }
}

/// Shows the name of a reason and its meaning (RFC 9113 §7): `CANCEL (stream no longer needed)`.
fn reason(reason: &Reason) -> String {
    format!("{reason:?} ({reason})")
}

/// The name of these layers in errors and traces.
pub(crate) const NAME: &str = "http2";
