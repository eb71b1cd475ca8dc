//! The loop that accepts clients, and servers that serve one client per call: WebSocket servers
//! over both versions of HTTP, and proxies.

mod accept;
pub(crate) mod deciding;
pub(crate) mod entry;
#[cfg(feature = "proxy-server")]
pub(crate) mod hyper_timer;
pub(crate) mod outgoing;
pub(crate) mod proxy;
mod udp_relay;
mod websocket;
mod websocket_http2;
mod websocket_loop;
mod websocket_serving;

pub use accept::{Accepted, Serve, serve};
pub use proxy::serve_proxy;
pub use websocket::{ServerSocket, WebSocketServer};
