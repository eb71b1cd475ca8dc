//! The decisions of WebSocket servers and proxy servers, without I/O.

mod accepting;
mod access;
mod access_record;
mod connect_info;
#[cfg(feature = "digest")]
mod digest;
mod forward;
mod proxy;
mod proxy_login;
mod proxy_request;
mod sniff;
mod timeouts;
mod udp_relay;
mod users;
mod websocket;

pub use accepting::{AcceptRetry, AfterError};
pub use access::{AccessPolicy, InvalidNetwork, Network, Ports};
pub use access_record::AccessRecord;
pub use connect_info::{ConnectInfo, TlsInfo};
pub use forward::{ForwardError, forward_request, forward_response};
pub use proxy::ProxyServer;
pub use proxy_request::{ProxyError, ProxyRequest, ProxyTarget};
pub use sniff::{ProxyProtocol, below_http, below_proxy, proxy_protocol, speaks_http2};
pub use timeouts::ProxyTimeouts;
pub use udp_relay::{RelayedDatagram, UdpRelay};
pub use users::UserList;
pub use websocket::{
    Decision, answer_over_http1, answer_over_http2, late_decision, offer_over_http1,
    offer_over_http2, other_request_over_http1, refusal,
};
