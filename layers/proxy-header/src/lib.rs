//! The PROXY protocol of HAProxy, versions 1 and 2, as layers without I/O. A proxy writes a header
//! in front of the bytes of each connection, with the addresses of the client. The server behind
//! the proxy reads it.
//!
//! Both layers driven by hand:
//!
//! ```
//! use wirestack_layer::{Instant, Layer, Pipe, Flows};
//! use wirestack_proxy_header::{Accepts, Client, Header, Server};
//!
//! # let now = Instant::ORIGIN;
//! let header = Header::tcp("192.0.2.1:4711".parse()?, "192.0.2.7:443".parse()?);
//! let (mut client, mut server) = (Client::v1(header)?, Server::new(Accepts::Both));
//! let [mut there, mut back, mut request, mut answer] = <[Pipe; 4]>::default();
//! request.write(b"hello");
//! client.process(Flows::new(&mut back, &mut there, &mut request, &mut answer), now);
//! assert_eq!(there.unread(), b"PROXY TCP4 192.0.2.1 192.0.2.7 4711 443\r\nhello");
//!
//! let [mut from_app, mut to_app] = <[Pipe; 2]>::default();
//! server.process(Flows::new(&mut there, &mut back, &mut from_app, &mut to_app), now);
//! let header = server.header().unwrap();
//! assert_eq!(header.source(), Some("192.0.2.1:4711".parse()?));
//! assert_eq!(to_app.unread(), b"hello");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! ```text
//!   client                               server
//!     | header  ----------------------->  |    it is never answered
//!     | <============ tunnel ==========>  |    both layers are transparent
//! ```
//!
//! # Contents
//!
//! * [`Client`], [`Server`], [`Accepts`]: the two layers.
//! * [`Header`], [`Addresses`], [`TransportProtocol`]: the addresses; [`Tlv`], [`TlsInfo`]: the
//!   values behind them.
//! * [`ProxyHeaderError`]: errors in a received header; [`HeaderError`]: errors in a header to be
//!   sent.
//!
//! Both layers follow the text of HAProxy, `doc/proxy-protocol.txt`.
//!
//! # Features
//!
//! * `std`, on by default, turns on the feature `std` of `wirestack-layer`. Without it the crate is
//!   `no_std` and needs `alloc`.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![no_std]
#![warn(clippy::std_instead_of_core, clippy::std_instead_of_alloc)]
#![warn(clippy::alloc_instead_of_core)]

extern crate alloc;

mod client;
mod error;
mod header;
mod prefix;
mod server;
mod tlv;
mod v1;
mod v2;

pub use client::Client;
pub use error::{HeaderError, ProxyHeaderError};
pub use header::{Addresses, Header, TransportProtocol};
pub use server::{Accepts, Server};
pub use tlv::{TlsInfo, Tlv, kind};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
