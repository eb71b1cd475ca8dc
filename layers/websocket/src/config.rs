use crate::Deflate;
use std::time::Duration;
use wirestack_http1::Limits;
use wirestack_layer::Keepalive;

/// The limits, time-outs and extensions of a WebSocket.
///
/// The limits of received frames and messages hold for an application that receives whole messages.
/// Parts and bytes are limited only by the room of the flow.
///
/// ```
/// use wirestack_websocket::WebSocketConfig;
///
/// let mut config = WebSocketConfig::default();
/// config.max_message = 1024 * 1024;
/// config.largest_frame_sent = 16 * 1024;
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
    pub deflate: Option<Deflate>,
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
