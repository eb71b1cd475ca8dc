//! The time-outs of a proxy server.

use crate::dialer::step::Timeouts;
use std::time::Duration;

/// The time-outs of a proxy server, after the handshake of its client.
///
/// ```
/// use std::time::Duration;
/// use wirestack_dial::serve::{AccessPolicy, ProxyServer, ProxyTimeouts};
///
/// // For tunnels that are silent for long, and clients that wait for a slow peer.
/// let timeouts = ProxyTimeouts::default()
///     .idle(Duration::from_secs(3600))
///     .bind(Duration::from_secs(120));
/// let server = ProxyServer::socks(AccessPolicy::loopback()).with_timeouts(timeouts);
/// assert_eq!(server.timeouts(), timeouts);
/// ```
///
/// ```
/// use std::time::Duration;
/// use wirestack_dial::Timeouts;
/// use wirestack_dial::serve::ProxyTimeouts;
///
/// let timeouts = ProxyTimeouts::default()
///     .connect(Timeouts::default().connect(Duration::from_secs(3)))
///     .udp_idle(Duration::from_secs(60));
/// assert_eq!(timeouts.connect.connect, Duration::from_secs(3));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProxyTimeouts {
    /// The time-outs of connecting to a target.
    pub connect: Timeouts,
    /// The time in which the peer of a BIND request has to connect: 60 s.
    pub bind: Duration,
    /// The time without a byte in either direction after which a tunnel is cut: 10 minutes, as in
    /// nginx.
    pub idle: Duration,
    /// The time without a datagram in either direction after which a UDP association ends: 5
    /// minutes, which RFC 4787 §4.3 recommends for a NAT.
    pub udp_idle: Duration,
}

impl ProxyTimeouts {
    /// Sets the time-outs of connecting to a target.
    #[must_use]
    pub fn connect(self, connect: Timeouts) -> Self {
        Self { connect, ..self }
    }

    /// Sets the time in which the peer of a BIND request has to connect.
    #[must_use]
    pub fn bind(self, bind: Duration) -> Self {
        Self { bind, ..self }
    }

    /// Sets the time without a byte in either direction after which a tunnel is cut.
    #[must_use]
    pub fn idle(self, idle: Duration) -> Self {
        Self { idle, ..self }
    }

    /// Sets the time without a datagram in either direction after which a UDP association ends.
    #[must_use]
    pub fn udp_idle(self, udp_idle: Duration) -> Self {
        Self { udp_idle, ..self }
    }
}

impl Default for ProxyTimeouts {
    fn default() -> Self {
        Self {
            connect: Timeouts::default(),
            bind: Duration::from_secs(60),
            idle: Duration::from_secs(600),
            udp_idle: Duration::from_secs(300),
        }
    }
}
