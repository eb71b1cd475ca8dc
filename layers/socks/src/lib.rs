//! SOCKS4, SOCKS4a and SOCKS5 (RFC 1928, RFC 1929) as layers without I/O: a client that asks a
//! proxy for a connection, and the server of such a proxy. Both speak CONNECT and BIND; in SOCKS5
//! also UDP ASSOCIATE, IPv6, and a user name with a password. No name is looked up here.
//!
//! A client driven by hand, through its whole handshake and into the tunnel:
//!
//! ```
//! use wirestack_layer::{Instant, Layer, Pipe, Flows};
//! use wirestack_socks::{Address, Client};
//!
//! # let now = Instant::ORIGIN;
//! let mut client = Client::new(Address::new("example.org", 443)?);
//! let [mut from_wire, mut to_wire, mut from_app, mut to_app] = <[Pipe; 4]>::default();
//! from_app.write(b"hello"); // held back until the proxy has connected
//!
//! let choice = b"\x05\x00";
//! let reply = b"\x05\x00\x00\x01\x7f\x00\x00\x01\x12\x67welcome";
//! for received in [&b""[..], choice, reply] {
//!     from_wire.write(received);
//!     let flows = Flows::new(&mut from_wire, &mut to_wire, &mut from_app, &mut to_app);
//!     client.process(flows, now);
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
//! BIND has a second reply, when its peer has connected. A client of SOCKS4 sends nothing but its
//! request.
//!
//! # Contents
//!
//! * [`Client`], [`Server`]: the two layers, for all versions and commands.
//! * [`Command`], [`Version`], [`Request`]: the request of a client.
//! * [`Address`], [`Host`]: the target of a request, and the address that was bound for it.
//! * [`Reply`]: the codes with which a proxy answers.
//! * [`datagram`]: the header of the datagrams that a proxy relays after UDP ASSOCIATE.
//! * [`SocksError`]: errors in the handshake; [`AddressError`], [`PasswordError`] and
//!   [`Socks4Error`]: errors in a request to be sent.
//!
//! # Features
//!
//! * `std`, on by default, turns on the feature `std` of `wirestack-layer`. Without it the crate is
//!   `no_std` and needs `alloc`.
//! * `socks5-proto`, off by default: conversions between [`Address`], [`Command`], [`Reply`] and
//!   the types of the same names in the crate `socks5-proto`. **That crate is GPL-3.0-or-later**:
//!   with this feature on, the whole program is under the GPL. Nothing else here needs it.
//!
//! # Not supported
//!
//! GSSAPI (RFC 1961), although RFC 1928 §3 asks every implementation to support it. Hardly any
//! does, so a proxy that offered nothing else would have no clients. It needs a library of the
//! system. And it wraps every byte that follows, so the tunnel behind it would not be transparent.
//!
//! Fragments of datagrams, which are optional (RFC 1928 §7): [`datagram::parse`] returns an error
//! for them, so that they are dropped.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![no_std]
#![warn(clippy::std_instead_of_core, clippy::std_instead_of_alloc)]
#![warn(clippy::alloc_instead_of_core)]

extern crate alloc;

mod address;
mod asked;
mod client;
pub mod datagram;
mod error;
mod handshake;
mod login;
mod names;
mod reply;
mod request;
mod server;
mod server_handshake;
mod server_login;
mod server_state;
#[cfg(feature = "socks5-proto")]
mod socks5_proto;
mod wire;

pub use address::{Address, AddressError, Host};
pub use client::Client;
pub use error::{PasswordError, Socks4Error, SocksError};
pub use reply::Reply;
pub use request::{Command, Request, Version};
pub use server::Server;
#[cfg(feature = "socks5-proto")]
pub use socks5_proto::UnassignedReply;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
