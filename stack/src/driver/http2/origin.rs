//! The server that an HTTP/2 connection leads to.

use http::HeaderValue;

/// The origin of an HTTP/2 connection, for the WebSockets that are opened on it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origin {
    /// Scheme and authority of its WebSockets, such as `wss://example.org`.
    pub(crate) url: String,
    /// The credentials of the URL, for the server.
    pub(crate) authorization: Option<HeaderValue>,
}
