use crate::deflate::Deflate;
use std::time::Duration;
use wirestack_http1::Limits;
use wirestack_layer::Keepalive;

/// The limits, time-outs and extensions of a WebSocket.
///
/// The limits of received frames and messages hold for an application that receives whole messages.
/// Parts and bytes are limited only by the room of the flow.
///
/// ```
/// use std::time::Duration;
/// use wirestack_layer::Keepalive;
/// use wirestack_websocket::{Deflate, WebSocketConfig};
///
/// let config = WebSocketConfig::default()
///     .max_message(1024 * 1024)
///     .deflate(Deflate::default())
///     .keepalive(Keepalive::new(Duration::from_secs(30), Duration::from_secs(10)));
/// assert_eq!(config.max_message, 1024 * 1024);
/// ```
///
/// ```
/// use std::time::Duration;
/// use wirestack_http1::Limits;
/// use wirestack_websocket::{Deflate, Keepalive, WebSocketConfig};
///
/// let config = WebSocketConfig::default()
///     .max_message(1 << 20)
///     .max_frame(256 * 1024)
///     .max_fragments(100)
///     .largest_frame_sent(64 * 1024)
///     .close_timeout(Duration::from_secs(5))
///     .keepalive(Keepalive::new(Duration::from_secs(30), Duration::from_secs(10)))
///     .deflate(Deflate::default())
///     .head(Limits::default().head(16 * 1024));
/// assert_eq!((config.max_message, config.max_fragments), (1 << 20, 100));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct WebSocketConfig {
    /// The longest payload of one received frame, in bytes; 16 MiB.
    pub max_frame: usize,
    /// The longest received message, all its fragments together, in bytes; 16 MiB.
    pub max_message: usize,
    /// The most frames of one received message; 131,072. This bounds the work that empty fragments
    /// can cause.
    pub max_fragments: usize,
    /// The longest payload of one sent frame, in bytes. A longer message is sent in fragments, so
    /// that control frames can be sent between them. No limit by default; 0 counts as 1.
    pub largest_frame_sent: usize,
    /// The time-out of the closing, from the first Close frame on; 10 seconds.
    pub close_timeout: Duration,
    /// Pings for a silent peer; none by default. A connection that fails sends a Close frame of
    /// 1011 first.
    pub keepalive: Option<Keepalive>,
    /// Compression, if the peer agrees; none by default, for the reason that [`Deflate`] gives.
    #[cfg(feature = "deflate")]
    pub deflate: Option<Deflate>,
    #[cfg(not(feature = "deflate"))]
    pub(crate) deflate: Option<Deflate>,
    /// The limits of the HTTP/1.1 head that opens the connection.
    pub head: Limits,
}

impl Default for WebSocketConfig {
    fn default() -> Self {
        Self {
            max_frame: 16 << 20,
            max_message: 16 << 20,
            max_fragments: 128 << 10,
            largest_frame_sent: usize::MAX,
            close_timeout: Duration::from_secs(10),
            keepalive: None,
            deflate: None,
            head: Limits::default(),
        }
    }
}

impl WebSocketConfig {
    /// Sets the longest payload of one received frame, in bytes.
    #[must_use]
    pub fn max_frame(mut self, max_frame: usize) -> Self {
        self.max_frame = max_frame;
        self
    }

    /// Sets the longest received message, all its fragments together, in bytes.
    #[must_use]
    pub fn max_message(mut self, max_message: usize) -> Self {
        self.max_message = max_message;
        self
    }

    /// Sets the most frames of one received message.
    #[must_use]
    pub fn max_fragments(mut self, max_fragments: usize) -> Self {
        self.max_fragments = max_fragments;
        self
    }

    /// Sets the longest payload of one sent frame, in bytes.
    #[must_use]
    pub fn largest_frame_sent(mut self, largest_frame_sent: usize) -> Self {
        self.largest_frame_sent = largest_frame_sent;
        self
    }

    /// Sets the time-out of the closing, from the first Close frame on.
    #[must_use]
    pub fn close_timeout(mut self, close_timeout: Duration) -> Self {
        self.close_timeout = close_timeout;
        self
    }

    /// Sets pings for a silent peer.
    #[must_use]
    pub fn keepalive(mut self, keepalive: impl Into<Option<Keepalive>>) -> Self {
        self.keepalive = keepalive.into();
        self
    }

    /// Sets compression, if the peer agrees.
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn deflate(mut self, deflate: impl Into<Option<Deflate>>) -> Self {
        self.deflate = deflate.into();
        self
    }

    /// Sets the limits of the HTTP/1.1 head that opens the connection.
    #[must_use]
    pub fn head(mut self, head: Limits) -> Self {
        self.head = head;
        self
    }
}
