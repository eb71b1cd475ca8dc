//! HTTP/1.1 CONNECT and Upgrade as sans-I/O layers, client and server.
//!
//! Both begin as one exchange of HTTP/1.1 and leave a plain tunnel: [`connect`] asks a proxy for a
//! tunnel to a host (RFC 9110 §9.3.6), [`upgrade`] asks a server to go on with another protocol (RFC
//! 9110 §7.8). A client sends its request at once; a server parks at the request until its
//! application decides. Once open, a layer is transparent, and what lay behind the heads is the
//! tunnel's first data.
//!
//! ```
//! use wirestack_http1::connect::Client;
//! use wirestack_layer::{Flow, Layer, Pipe, Flows};
//!
//! # let now = wirestack_layer::Instant::ORIGIN;
//! let mut client = Client::new("2001:db8::1", 443)?.with_basic("Aladdin", "open sesame")?;
//! let [mut from_wire, mut to_wire, mut from_app, mut to_app] = <[Pipe; 4]>::default();
//!
//! client.process(Flows::new(&mut from_wire, &mut to_wire, &mut from_app, &mut to_app), now);
//! let request = "CONNECT [2001:db8::1]:443 HTTP/1.1\r\n\
//!     Host: [2001:db8::1]:443\r\n\
//!     Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n";
//! assert_eq!(to_wire.unread(), request.as_bytes());
//! to_wire.discard();
//!
//! from_wire.write(b"HTTP/1.1 200 Connection established\r\n\r\nSSH-2.0-x");
//! client.process(Flows::new(&mut from_wire, &mut to_wire, &mut from_app, &mut to_app), now);
//! assert!(client.is_transparent());
//! assert_eq!(client.status().facts.to_string(), "200 Connection established");
//! assert_eq!(to_app.unread(), b"SSH-2.0-x");
//! # Ok::<(), wirestack_layer::Error>(())
//! ```
//!
//! ```text
//!      client                               server
//!   +----------+   CONNECT host:port   +----------+
//!   |          |---------------------->|  parked  |   the application: accept,
//!   |          |                       |  at the  |   reject or challenge
//!   |          |<----------------------| request  |
//!   +----------+   1xx ... 200 or 407  +----------+
//!        |               |                   |
//!     tunnel          refusal             tunnel
//! ```
//!
//! This crate cannot be `no_std`: its requests and header fields are types of the crate `http`, and
//! `http` does not compile without the standard library.
//!
//! # Contents
//!
//! * [`connect`]: [`Client`](connect::Client), [`Server`](connect::Server) and its
//!   [`Request`](connect::Request); [`Challenged`](connect::Challenged), a proxy's wish for
//!   credentials on a new connection.
//! * [`upgrade`]: [`Client`](upgrade::Client) and [`Server`](upgrade::Server).
//! * [`basic_credentials`]: the field of Basic authentication, for servers too.
//! * [`Refusal`]: an answer that says no, with the start of its body; [`proxy_challenges`]: what a 407
//!   asks for.
//! * [`Http1Error`]: why a handshake failed, found by [`Error::cause`](wirestack_layer::Error::cause).
//! * [`Limits`]: what a handshake may cost in bytes and in time.

mod answering;
mod asking;
mod basic;
mod body;
pub mod connect;
mod error;
mod head;
mod limits;
mod refusal;
mod tunnel;
pub mod upgrade;

pub use basic::basic_credentials;
pub use error::Http1Error;
pub use limits::Limits;
pub use refusal::{Refusal, proxy_challenges};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
