//! CONNECT: a tunnel through a proxy (RFC 9110 §9.3.6).

mod client;
mod server;
mod target;

pub use client::Client;
pub use server::{ConnectRequest, Server};
