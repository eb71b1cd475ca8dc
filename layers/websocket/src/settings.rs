use crate::Deflate;
use std::time::Duration;
use wirestack_http1::Limits;

/// The limits of a WebSocket, and what it does by itself.
///
/// The limits of received frames and messages hold where whole messages are handed over: what is
/// taken in parts, or as bytes, is bounded by nothing but the room for it.
///
/// ```
/// use wirestack_websocket::Settings;
///
/// let mut settings = Settings::default();
/// settings.max_message = 1024 * 1024;
/// settings.largest_frame_sent = 16 * 1024;
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// The longest payload of one received frame, in bytes; 16 MiB.
    pub max_frame: usize,
    /// The longest received message, all its fragments together, in bytes; 16 MiB.
    pub max_message: usize,
    /// How many frames one received message may come in; 131,072. It bounds the work that empty
    /// fragments can cause.
    pub max_fragments: usize,
    /// The longest payload of one sent frame, in bytes: a longer message goes out in fragments, with
    /// room for control frames between them. No limit by default; 0 counts as 1.
    pub largest_frame_sent: usize,
    /// How long the closing may take, from the first Close frame on; 10 seconds.
    pub close_timeout: Duration,
    /// Whether to ask a silent peer for a sign of life; not by default.
    pub keepalive: Option<Keepalive>,
    /// How to compress messages, if the peer agrees; not by default, for the reason that
    /// [`Deflate`] gives.
    pub deflate: Option<Deflate>,
    /// The limits of the HTTP/1.1 head that opens the connection.
    pub head: Limits,
}

/// When to ping a silent peer, and how long to wait for anything from it.
///
/// A connection that nobody uses may be gone without a sign, and proxies end one that is silent for
/// long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keepalive {
    /// How long nothing may arrive before a ping is sent.
    pub interval: Duration,
    /// How long after that still nothing may arrive before the connection fails, with a Close frame
    /// of 1011.
    pub timeout: Duration,
}

impl Default for Settings {
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
