//! The decisions of WebSocket servers and proxy servers, without I/O.

mod access;
#[cfg(feature = "digest")]
mod digest;
mod proxy;
mod sniff;
mod udp_relay;
mod websocket;

pub use access::AccessPolicy;
pub use proxy::{ProxyError, ProxyRequest, ProxyServer};
pub use sniff::speaks_http2;
pub use udp_relay::{RelayedDatagram, UdpRelay};
pub use websocket::{Verdict, answer, over_http2};
