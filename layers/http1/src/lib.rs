//! HTTP/1.1 CONNECT and Upgrade as sans-I/O layers, client and server.
//!
//! [`connect`] asks a proxy for a tunnel to a host (RFC 9110 §9.3.6). [`upgrade`] asks a server for
//! another protocol on the same connection (RFC 9110 §7.8). Both begin with one exchange of
//! HTTP/1.1 and leave a plain tunnel. A client sends its request at once; a server waits at the
//! request until its application decides. Once open, a layer is transparent, and the bytes behind
//! the heads are the first data of the tunnel.
//!
//! ```
//! use http::header::PROXY_AUTHORIZATION;
//! use wirestack_http1::{basic_credentials, connect::Client};
//! use wirestack_layer::{Flow, Flows, Layer, Pipe};
//!
//! # let now = wirestack_layer::Instant::ORIGIN;
//! let credentials = basic_credentials("Aladdin", "open sesame")?;
//! let mut client = Client::new("2001:db8::1", 443)?.with_header(PROXY_AUTHORIZATION, credentials);
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
//!   |          |---------------------->|  waits   |   the application: accept,
//!   |          |                       |  at the  |   reject or challenge
//!   |          |<----------------------| request  |
//!   +----------+   1xx ... 200 or 407  +----------+
//!        |               |                   |
//!     tunnel          refusal             tunnel
//! ```
//!
//! # What can happen
//!
//! | layer | fact | decision | when |
//! |---|---|---|---|
//! | `connect::Client` | `awaiting` | `authorize`, `give_up` | before each request, at the 2xx (*) |
//! | | `response` | | once the tunnel is open |
//! | `connect::Server` | `request` | `accept`, `reject`, `challenge` | at each CONNECT |
//! | `upgrade::Client` | `response` | | once the tunnel is open |
//! | `upgrade::Server` | `request`, `offers` | `accept`, `reject` | at the request |
//!
//! (*) if the client [awaits authorization](connect::Client::awaiting_authorization).
//!
//! A handshake that fails ends both directions. Its error is the last thing in the application's
//! flow, with an [`Http1Error`] as the cause; a server has answered its client before.
//!
//! This crate cannot be `no_std`: its requests and header fields are types of the crate `http`, and
//! `http` does not compile without the standard library.
//!
//! # Contents
//!
//! * [`connect`]: [`Client`](connect::Client), [`Server`](connect::Server) and its
//!   [`ConnectRequest`](connect::ConnectRequest).
//! * [`upgrade`]: [`Client`](upgrade::Client) and [`Server`](upgrade::Server).
//! * [`ProxyClient`], [`Awaiting`], [`Challenged`]: answering the challenges of a proxy.
//! * [`Challenge`], [`basic_challenge`], [`basic_credentials`], [`BadCredentials`]: challenges, and
//!   the fields of Basic authentication.
//! * [`ForwardedRequests`]: the requests that a proxy forwards itself, without a tunnel.
//! * [`Refusal`]: a final response that refuses, with the start of its body.
//! * [`Http1Error`]: why a handshake failed, found by
//!   [`Error::cause`](wirestack_layer::Error::cause).
//! * [`Limits`]: the cost of a handshake in bytes and in time.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod body;
mod client_handshake;
pub mod connect;
mod error;
mod facts;
mod forwarded;
mod head;
mod host;
mod limits;
mod server_handshake;
mod tunnel;
pub mod upgrade;

pub use error::Http1Error;
pub use forwarded::ForwardedRequests;
pub use limits::Limits;
pub use wirestack_http::{
    Awaiting, BadCredentials, Challenge, Challenged, ProxyClient, Refusal, basic_challenge,
    basic_credentials,
};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
