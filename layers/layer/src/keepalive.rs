use core::time::Duration;

/// The times after which a layer with pings of its own gives a silent peer up.
///
/// An unused connection may break without a sign, and proxies end connections that are silent for
/// long. HTTP/2 sends PING frames (RFC 9113 §6.7), WebSocket Ping frames (RFC 6455 §5.5.2).
///
/// ```
/// use std::time::Duration;
/// use wirestack_layer::Keepalive;
///
/// let keepalive = Keepalive::new(Duration::from_secs(30), Duration::from_secs(10));
/// assert_eq!(keepalive.interval, Duration::from_secs(30));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keepalive {
    /// The time without any byte from the peer after which a ping is sent: at least a millisecond.
    pub interval: Duration,
    /// The further time without an answer after which the connection fails.
    pub timeout: Duration,
}

impl Keepalive {
    /// Creates the times: a ping after `interval` without a byte, and an end after `timeout` more.
    ///
    /// ```
    /// use core::time::Duration;
    /// use wirestack_layer::Keepalive;
    ///
    /// let keepalive = Keepalive::new(Duration::from_secs(30), Duration::from_secs(10));
    /// assert_eq!(keepalive.interval, Duration::from_secs(30));
    /// ```
    pub const fn new(interval: Duration, timeout: Duration) -> Self {
        Self { interval, timeout }
    }
}
