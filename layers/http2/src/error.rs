use crate::NAME;
use bytes::Bytes;
use h2::Reason;
use http::{HeaderMap, StatusCode};
use std::fmt;
use std::time::Duration;
use wirestack_layer::Error;

/// Why a connection or a stream failed: what [`Error::cause`] of this crate's errors is.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Http2Error {
    /// A request that cannot be sent.
    #[error("not a request to connect with: {0}")]
    BadRequest(&'static str),
    /// More streams than [`Settings::streams`](crate::Settings::streams).
    #[error("there are {0} streams already, and no more are allowed")]
    TooManyStreams(u32),
    /// The peer said nothing, or not that it speaks HTTP/2.
    #[error("no SETTINGS frame came within {0:?}")]
    NoSettings(Duration),
    /// The server's SETTINGS do not offer extended CONNECT (RFC 8441 §3).
    #[error("the server does not offer extended CONNECT")]
    NotOffered,
    /// The server refused a request.
    #[error("refused: {0}")]
    Refused(Box<Refusal>),
    /// This side gave up before the request was sent, or would not have its answer.
    #[error("given up on this side")]
    GivenUp,
    /// This side refused the request.
    #[error("the request was refused here with status {}", .0.as_u16())]
    RefusedHere(StatusCode),
    /// The peer reset the stream.
    #[error("the peer reset the stream: {0}")]
    Reset(Reason),
    /// The peer said GOAWAY before it came to this stream, or with an error.
    #[error("the peer is going away: {0}")]
    GoAway(Reason),
    /// The peer broke the protocol.
    #[error("the peer broke the protocol: {0}")]
    Protocol(String),
    /// "a frame of any other type MUST be treated as a stream error" (RFC 9113 §8.5).
    #[error("fields after the data of a tunnel")]
    Trailers,
    /// The wire ended while streams were open.
    #[error("the wire ended while streams were open")]
    Truncated,
    /// The connection ended before a tunnel.
    #[error("the connection ended before a tunnel was asked for")]
    NoTunnel,
    /// No answer to a PING.
    #[error("no answer to a PING within {0:?}")]
    NoPong(Duration),
    /// The application ended the connection before the stream.
    #[error("the connection was closed on this side")]
    Closed,
}

/// A final response that says no: its status, its fields, and the start of its body.
#[derive(Clone)]
#[non_exhaustive]
pub struct Refusal {
    /// The status code.
    pub status: StatusCode,
    /// The fields.
    pub headers: HeaderMap,
    /// The start of the body, within [`Settings::excerpt`](crate::Settings::excerpt).
    pub body: Bytes,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status)
    }
}

impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refusal")
            .field("status", &self.status)
            .field("headers", &self.headers)
            .field("body", &String::from_utf8_lossy(&self.body))
            .finish()
    }
}

/// What a layer learns for the next connection to the same server: not to ask it for extended
/// CONNECT again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotOffered;

/// What a layer learns for the next connection to the same proxy, which asked for credentials and
/// then left: that they can be sent at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Challenged;

pub(crate) fn local(cause: Http2Error) -> Error {
    Error::local(NAME, cause)
}

pub(crate) fn peer(cause: Http2Error) -> Error {
    Error::peer(NAME, cause)
}

/// What h2 says, typed; `None` for what is the wire's, whose own end knows more.
pub(crate) fn typed(error: &h2::Error) -> Option<Error> {
    if error.is_io() {
        return None;
    }
    let reason = error.reason().unwrap_or(Reason::INTERNAL_ERROR);
    Some(match (error.is_remote(), error.is_go_away()) {
        (true, true) => peer(Http2Error::GoAway(reason)),
        (true, false) => peer(Http2Error::Reset(reason)),
        (false, _) if error.is_library() => peer(Http2Error::Protocol(error.to_string())),
        (false, _) => local(Http2Error::Protocol(error.to_string())),
    })
}
