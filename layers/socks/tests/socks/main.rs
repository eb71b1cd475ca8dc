//! Both sides of SOCKS, without a socket.
#![allow(clippy::disallowed_methods)] // a test is its own driver

mod bind;
mod datagram;
mod junk;
mod kit;
mod oracle;
mod pitfalls;
mod socks4;
mod transcripts;
