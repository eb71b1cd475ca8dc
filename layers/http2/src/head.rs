use bytes::Bytes;
use std::fmt;
use wirestack_http::SafeDebug;

/// The head of a request or response.
///
/// ```
/// use wirestack_http2::{ConnectRequest, Head, Streams};
///
/// let mut streams = Streams::default();
/// streams.open(ConnectRequest::tunnel("example.org", 22)?)?;
/// match streams.arrived() {
///     Some((_, Head::Request(request))) => assert_eq!(request.uri(), "example.org:22"),
///     Some((_, Head::Response(_))) => unreachable!("responses come from servers"),
///     None => unreachable!("it has just been opened"),
/// }
/// # Ok::<(), wirestack_layer::Error>(())
/// ```
#[derive(Clone)]
pub enum Head {
    /// A request of a client. [`request_kind`](crate::request_kind) returns its kind.
    Request(http::Request<()>),
    /// A response of a server. A 2xx to a CONNECT opens the tunnel; every other response has a
    /// body.
    Response(http::Response<Bytes>),
}

/// Shows neither user, query nor values of fields: they may be secrets.
impl fmt::Debug for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(request) => SafeDebug(request).fmt(f),
            Self::Response(response) => SafeDebug(response).fmt(f),
        }
    }
}

/// The mark of an interim response, behind which another one follows.
#[derive(Clone, Copy)]
pub(crate) struct Interim;

/// The mark of a response whose content follows as the bytes of its stream.
#[derive(Clone, Copy)]
pub(crate) struct ContentFollows;
