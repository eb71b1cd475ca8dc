//! What servers and proxies decide, without I/O.

mod access;
#[cfg(feature = "digest")]
mod digest;
mod proxy;
mod sniff;
mod udp_relay;
mod websocket;

pub use access::Policy;
pub use proxy::{Gate, Refused, Wants};
pub use sniff::speaks_http2;
pub use udp_relay::{Datagrams, Outgoing};
pub use websocket::{Verdict, answer, over_http2};
