use crate::goaway::debug_data;
use h2::Reason;
use http::StatusCode;
use std::time::Duration;
use wirestack_http::Refusal;
use wirestack_layer::{Error, Escaped, FirstBytes, SeenProtocol};

/// The reason why a connection or a stream failed: the [cause](Error::cause) of each error of this
/// crate.
///
/// ```
/// use wirestack_http2::{ConnectRequest, Http2Error};
///
/// let error = ConnectRequest::tunnel("not a host", 22).unwrap_err();
/// assert!(matches!(error.cause(), Some(Http2Error::BadRequest(_))));
/// ```
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
    /// The server allowed no stream for this time: its SETTINGS_MAX_CONCURRENT_STREAMS is 0 (RFC
    /// 9113 §6.5.2).
    #[error("the server allowed no streams within {0:?} (SETTINGS_MAX_CONCURRENT_STREAMS is 0)")]
    NoStreams(Duration),
    /// The fields of a request or a response were begun, and not whole in time.
    #[error("the fields of a request or a response were not whole within {0:?}")]
    HeadTimedOut(Duration),
    /// The peer opened no window in time for the bytes that wait on a stream.
    #[error("the peer took none of the bytes that wait on the stream within {0:?}")]
    WriteTimedOut(Duration),
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
    #[error(
        "the peer sent GOAWAY with {}{}",
        self::reason(reason),
        said(debug_data)
    )]
    GoAway {
        /// The reason.
        reason: Reason,
        /// The peer's text about it (RFC 9113 §6.8): at most 1,000 bytes, perhaps none.
        debug_data: String,
    },
    /// The peer broke the protocol.
    #[error("the peer broke the protocol: {0}")]
    Protocol(String),
    /// h2 does not send it, for this reason.
    #[error("it cannot be sent: {0}")]
    NotSent(String),
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

/// A hint for the next connection to the same server: it should speak HTTP/1.1. The server does not
/// offer extended CONNECT, or it said HTTP_1_1_REQUIRED.
///
/// ```
/// use wirestack_http2::UseHttp1;
/// use wirestack_layer::Error;
///
/// /// Returns `true` if the next connection has to leave HTTP/2.
/// fn leaves_http2(error: &Error) -> bool {
///     error.retry_hint::<UseHttp1>().is_some()
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UseHttp1;

/// A hint for the next connection to the same server: it may carry the same request. The server has
/// guaranteed that it did not process the request (RFC 9113 §8.7), or the request was never sent.
///
/// ```
/// use wirestack_http2::Unprocessed;
/// use wirestack_layer::Error;
///
/// /// Returns `true` if the request may be sent again, also one that must not be done twice.
/// fn may_repeat(error: &Error) -> bool {
///     error.retry_hint::<Unprocessed>().is_some()
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unprocessed;

pub(crate) fn local(cause: Http2Error) -> Error {
    Error::local(NAME, cause)
}

pub(crate) fn peer(cause: Http2Error) -> Error {
    Error::peer(NAME, cause)
}

/// Returns the error of a stream whose request had no response when it failed, with its hint.
///
/// h2 gives a stream the GOAWAY of the peer only if that names a lower last stream: "the request was
/// not processed" (RFC 9113 §6.8).
pub(crate) fn unanswered(error: &h2::Error) -> Option<Error> {
    let failed = typed(error)?;
    let refused = error.is_go_away() || error.reason() == Some(Reason::REFUSED_STREAM);
    Some(if error.is_remote() && refused && !failed.can_retry() {
        failed.retry_on_new_connection(Unprocessed)
    } else {
        failed
    })
}

/// Returns the error of a request that was never sent, because `error` came before.
pub(crate) fn unsent(error: Error) -> Error {
    if error.can_retry() {
        return error;
    }
    error.retry_on_new_connection(Unprocessed)
}

/// Returns the typed error of an error of h2; `None` for one of the wire, whose end has the error
/// itself.
pub(crate) fn typed(error: &h2::Error) -> Option<Error> {
    if error.is_io() {
        return None;
    }
    let reason = error.reason().unwrap_or(Reason::INTERNAL_ERROR);
    let failed = match (error.is_remote(), error.is_go_away()) {
        (true, true) => peer(Http2Error::GoAway {
            reason,
            debug_data: debug_data(error),
        }),
        (true, false) => peer(Http2Error::Reset(reason)),
        (false, _) if error.is_library() => peer(Http2Error::Protocol(self::reason(&reason))),
        // The fault is on this side: a connection has no number left for a stream, for example.
        (false, _) => local(Http2Error::NotSent(Escaped::excerpt(error).to_string())),
    };
    Some(match reason {
        Reason::HTTP_1_1_REQUIRED if error.is_remote() => failed.retry_on_new_connection(UseHttp1),
        _ => failed,
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

/// Shows the name of a reason and its meaning (RFC 9113 §7): `CANCEL (stream no longer needed)`.
fn reason(reason: &Reason) -> String {
    format!("{reason:?} ({reason})")
}

/// Shows what a peer says, if it says something.
fn said(text: &str) -> String {
    match text {
        "" => String::new(),
        text => format!(": \"{}\"", Escaped::excerpt(text)),
    }
}

/// The name of these layers in errors and traces.
pub(crate) const NAME: &str = "http2";
