//! A WebSocket to open on an HTTP/2 connection.

use super::fields::{Fields, with_fields};
use crate::driver::http2::{Http2, Http2WebSocket};
use crate::driver::runtime::BoxFuture;
use std::fmt;
use wirestack_layer::Error;
use wirestack_websocket::WebSocketConfig;

/// A WebSocket to open on an [`Http2`] connection: await it. [`Http2::websocket`] returns it.
///
/// ```
/// use wirestack::Http2;
/// use wirestack::websocket::WebSocketConfig;
///
/// async fn join(http2: &Http2, room: &str) -> Result<(), wirestack::Error> {
///     let mut socket = http2
///         .websocket(format!("/rooms/{room}"))
///         .subprotocol("chat")
///         .bearer("a-token") // or `basic_auth("ada", "secret")`
///         .user_agent("my-client/1.0")
///         .origin("https://example.org")
///         .config(WebSocketConfig::default().max_message(64 * 1024))
///         .await?;
///     socket.send("hello").await
/// }
/// ```
#[must_use = "a builder does nothing until it is awaited"]
pub struct OpenWebSocket {
    http2: Http2,
    path: String,
    fields: Fields,
    config: WebSocketConfig,
}

impl Http2 {
    /// Opens a WebSocket at a path of the connected server (RFC 8441). The path may have a query.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let http2 = wirestack::connect_http2("wss://example.org").await?;
    /// let mut chat = http2.websocket("/chat").bearer("secret").await?;
    /// chat.send("hello").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// When it is awaited: the connection was not opened from a URL, the path or a field is invalid,
    /// or the errors of [`websocket_with`](Self::websocket_with).
    pub fn websocket(&self, path: impl Into<String>) -> OpenWebSocket {
        OpenWebSocket {
            http2: self.clone(),
            path: path.into(),
            fields: Fields::default(),
            config: WebSocketConfig::default(),
        }
    }
}

impl OpenWebSocket {
    /// Sets the limits of the WebSocket.
    pub fn config(mut self, config: WebSocketConfig) -> Self {
        self.config = config;
        self
    }

    async fn open(self) -> Result<Http2WebSocket, Error> {
        let origin = self.http2.origin()?;
        let path = self.path.strip_prefix('/').unwrap_or(&self.path);
        let url = format!("{}/{path}", origin.url);
        let request = self.fields.request(&url, origin.authorization.clone())?;
        self.http2.websocket_with(request, self.config).await
    }
}

with_fields!(OpenWebSocket);

impl IntoFuture for OpenWebSocket {
    type Output = Result<Http2WebSocket, Error>;
    type IntoFuture = BoxFuture<Self::Output>;
    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.open())
    }
}

/// Shows no query: it may be a secret.
impl fmt::Debug for OpenWebSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.split('?').next();
        f.debug_struct("OpenWebSocket")
            .field("path", &path.unwrap_or_default())
            .finish_non_exhaustive()
    }
}
