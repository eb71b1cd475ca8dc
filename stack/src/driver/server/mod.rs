//! The loop that accepts clients, and servers that serve one client per call: WebSocket servers
//! over both versions of HTTP, and proxies.

mod accept;
mod deciding;
mod entry;
#[cfg(feature = "proxy-server")]
mod forward_proxy;
mod outgoing;
mod proxy;
mod udp_relay;
mod websocket;
mod websocket_http2;
mod websocket_loop;

pub use accept::{Accepted, Serve, serve};
#[cfg(feature = "proxy-server")]
pub use forward_proxy::ForwardProxy;
pub use proxy::serve_proxy;
pub use websocket::{ServerSocket, WebSocketServer};
