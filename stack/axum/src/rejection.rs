//! The answer to a request for no WebSocket.

use axum_core::body::Body;
use axum_core::response::{IntoResponse, Response};
use bytes::Bytes;
use http::StatusCode;
use std::fmt;

/// The answer to a request that opens no WebSocket: it is no handshake, or its connection cannot be
/// upgraded. It is a response, and an error.
///
/// ```
/// use http::Request;
/// use wirestack_axum::WebSocketUpgrade;
///
/// let (mut parts, ()) = Request::get("/").body(()).unwrap().into_parts();
/// let rejection = WebSocketUpgrade::from_parts(&mut parts).unwrap_err(); // no upgrade is asked for
/// assert_eq!(rejection.status(), 426);
/// ```
pub struct WebSocketRejection(Box<http::Response<Bytes>>);

/// Shows the same as `Display`: it is what `main` prints.
impl fmt::Debug for WebSocketRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl WebSocketRejection {
    pub(crate) fn new(response: Box<http::Response<Bytes>>) -> Self {
        Self(response)
    }

    pub(crate) fn text(status: StatusCode, text: &str) -> Self {
        Self(wirestack::refusal(status, text))
    }

    /// Returns the status of the answer.
    pub fn status(&self) -> StatusCode {
        self.0.status()
    }
}

impl IntoResponse for WebSocketRejection {
    fn into_response(self) -> Response {
        self.0.map(Body::from)
    }
}

impl fmt::Display for WebSocketRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = String::from_utf8_lossy(self.0.body());
        write!(f, "no WebSocket: {}: {}", self.status(), text.trim_end())
    }
}

impl std::error::Error for WebSocketRejection {}
