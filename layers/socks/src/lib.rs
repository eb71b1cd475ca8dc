//! SOCKS5 (RFC 1928, RFC 1929) as layers without I/O: a client that asks a proxy for a connection,
//! and the server that such a proxy needs. They speak CONNECT, to IPv4, IPv6 and names, without
//! authentication or with a user name and a password. GSSAPI, which RFC 1928 §3 asks every
//! implementation to support, is not spoken here, as in nearly all others.
//!
//! A client driven by hand, through its whole handshake and into the tunnel:
//!
//! ```
//! use std::time::Instant;
//! use wirestack_layer::{Layer, Pipe, Ports};
//! use wirestack_socks::{Address, Client};
//!
//! # #[allow(clippy::disallowed_methods)] // a doctest is its own driver
//! # let now = Instant::now();
//! let mut client = Client::new(Address::new("example.org", 443)?);
//! let [mut from_wire, mut to_wire, mut from_app, mut to_app] = <[Pipe; 4]>::default();
//! from_app.write(b"hello"); // held back until the proxy has connected
//!
//! let choice = b"\x05\x00";
//! let reply = b"\x05\x00\x00\x01\x7f\x00\x00\x01\x12\x67welcome";
//! for received in [&b""[..], choice, reply] {
//!     from_wire.write(received);
//!     let ports = Ports::new(&mut from_wire, &mut to_wire, &mut from_app, &mut to_app);
//!     client.process(ports, now);
//! }
//! assert_eq!(client.bound(), Some(&Address::new("127.0.0.1", 4711)?));
//! assert_eq!(to_wire.take(3), b"\x05\x01\x00"[..]);
//! assert_eq!(to_wire.unread(), b"\x05\x01\x00\x03\x0bexample.org\x01\xbbhello");
//! assert_eq!(to_app.unread(), b"welcome");
//! # Ok::<(), wirestack_socks::AddressError>(())
//! ```
//!
//! ```text
//!   client                                  server
//!     | methods offered  ------------------>  |
//!     |  <------------------  method chosen   |
//!     | user and password  ---------------->  |    only if chosen
//!     |  <-------------------------  status   |
//!     | CONNECT example.org:443  ---------->  |    its application decides
//!     |  <------------  reply, bound address  |
//!     | <=============== tunnel ============> |    both layers are transparent
//! ```
//!
//! # Contents
//!
//! * [`Client`], [`Server`]: the two layers.
//! * [`Address`], [`Host`]: where to connect, and what was bound for it.
//! * [`Reply`]: the codes with which a proxy answers.
//! * [`Cause`]: what can go wrong in the handshake; [`AddressError`] and [`PasswordError`]: what
//!   cannot be asked for.

mod address;
mod client;
pub mod datagram;
mod error;
mod handshake;
mod login;
mod reply;
mod request;
mod server;
mod wire;

pub use address::{Address, AddressError, Host};
pub use client::Client;
pub use error::{Cause, PasswordError, Socks4Error};
pub use reply::Reply;
pub use request::{Command, Request, Version};
pub use server::Server;

/// The name of both layers.
const NAME: &str = "socks";
