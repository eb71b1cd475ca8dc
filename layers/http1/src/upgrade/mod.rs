//! Upgrade: another protocol on the same connection (RFC 9110 §7.8).
//!
//! It is the mechanism alone, for any token. WebSocket opens with it; `h2c`, `tls/1.0` or a
//! protocol of one's own can too.

mod client;
mod server;
mod token;

pub use client::Client;
pub use server::Server;
pub use token::{has_content, offers};
