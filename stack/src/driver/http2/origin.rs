use http::HeaderValue;

/// Where an HTTP/2 connection leads.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// Scheme and authority, of a WebSocket.
    pub url: String,
    /// What a WebSocket shows the server of who asks.
    pub authorization: Option<HeaderValue>,
}
