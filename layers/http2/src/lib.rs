//! HTTP/2 (RFC 9113) as a sans-I/O layer: tunnels by CONNECT, and other protocols on a stream by
//! extended CONNECT (RFC 8441).
//!
//! Frames, HPACK and flow control are the crate [`h2`]'s, which is driven here without a socket and
//! without a runtime.

mod client;
mod connection;
mod error;
mod keepalive;
mod request;
mod server;
mod settings;
mod side;
mod stream;
mod streams;
mod tunnel;
mod wire;

pub use client::Client;
pub use connection::Connection;
pub use error::{Cause, NotOffered, Refusal};
pub use h2::Reason;
pub use request::{Asks, Request, asks};
pub use server::Server;
pub use settings::{Keepalive, Settings};
pub use streams::{Head, Lent, StreamId, Streams};

/// The name of these layers in errors and traces.
const NAME: &str = "http2";
