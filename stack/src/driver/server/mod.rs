//! Servers, one client at a time: WebSockets over both versions of HTTP, and proxies.

mod proxy;
mod udp_relay;
mod websocket;

pub use proxy::serve_proxy;
pub use websocket::{ServerSocket, WebSocketServer};
