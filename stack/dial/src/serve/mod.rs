//! The decisions of WebSocket servers and proxy servers, without I/O.

mod accepting;
mod access;
mod connect_info;
#[cfg(feature = "digest")]
mod digest;
mod proxy;
mod sniff;
mod timeouts;
mod udp_relay;
mod websocket;

pub use accepting::{AcceptRetry, AfterError};
pub use access::{AccessPolicy, InvalidNetwork, Network, Ports};
pub use connect_info::{ConnectInfo, TlsInfo};
pub use proxy::{ProxyError, ProxyRequest, ProxyServer, ProxyTarget};
pub use sniff::{below_http, speaks_http2};
pub use timeouts::ProxyTimeouts;
pub use udp_relay::{RelayedDatagram, UdpRelay};
pub use websocket::{
    Decision, answer_over_http1, answer_over_http2, late_decision, offer_over_http1,
    offer_over_http2, other_request_over_http1, refusal,
};
