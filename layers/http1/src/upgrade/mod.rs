//! Upgrade: another protocol on the same connection (RFC 9110 §7.8).
//!
//! The mechanism only, for any token: WebSocket opens with it, and so can `h2c`, `tls/1.0` or a
//! protocol of one's own.

mod client;
mod server;

pub use client::Client;
pub use server::Server;

/// Returns whether the text is `token` or `token/token`, as the name of a protocol is.
fn is_protocol(text: &str) -> bool {
    let mut parts = text.splitn(2, '/');
    parts.all(|part| !part.is_empty() && part.bytes().all(is_token))
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
