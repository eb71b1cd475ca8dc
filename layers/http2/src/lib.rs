//! HTTP/2 (RFC 9113) as sans-I/O layers: tunnels by CONNECT, and other protocols on a stream by
//! extended CONNECT (RFC 8441). Frames, fields and flow control are the crate [`h2`]'s, which is
//! driven here without a socket and without a runtime.
//!
//! A client and a server, driven by hand:
//!
//! ```
//! use wirestack_http2::{Asks, Client, Request, Server, Settings, asks};
//! use wirestack_layer::{Flow, Layer, Pipe, Flows};
//!
//! # let now = wirestack_layer::Instant::ORIGIN;
//! let mut head = http::Request::new(());
//! *head.uri_mut() = "https://example.org/chat".parse()?;
//! let mut client = Client::new(Request::extended("websocket", head)?, Settings::default())?;
//! let mut server = Server::new(Settings::server());
//!
//! // Two wires, and an application on each side.
//! let [mut up, mut down, mut asked, mut heard, mut said, mut got] = <[Pipe; 6]>::default();
//! asked.write(b"any protocol"); // it waits until the tunnel is open
//! while heard.is_empty() {
//!     client.process(Flows::new(&mut down, &mut up, &mut asked, &mut got), now);
//!     server.process(Flows::new(&mut up, &mut down, &mut said, &mut heard), now);
//!     if let Some(request) = server.request() {
//!         assert_eq!(asks(request), Asks::Protocol("websocket"));
//!         server.accept(http::HeaderMap::new());
//!     }
//! }
//! assert_eq!(heard.unread(), b"any protocol");
//! assert_eq!(client.response().unwrap().status(), 200);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! ```text
//!        bytes  bytes            requests, responses, and the bytes of each stream
//!          |      ^                     |                ^
//!   +------v------+------+     +--------v----------------+--------+
//!   |  Client, Server:   |     |           Connection:            |
//!   |     one stream     |     |           many streams           |
//!   +------+------^------+     +--------+----------------^--------+
//!          v      |                     v                |
//!        bytes  bytes                 bytes            bytes
//! ```
//!
//! # Ends
//!
//! * END_STREAM is a clean end of one direction; the other goes on.
//! * An application that aborts resets its stream (CANCEL), behind what was sent before it, as far as
//!   the peer's window lets that leave. A stream that the peer resets is an abort with
//!   [`Http2Error::Reset`]. Behind END_STREAM a reset takes nothing back: it only says that the peer wants no
//!   more (RFC 9113 §8.1).
//! * After its one stream, a [`Client`] and a [`Server`] end their connection with GOAWAY; a
//!   [`Connection`] does when its application has finished and the last stream has ended.
//! * A wire that ends while streams are open is an abort of each, with the wire's own cause where it
//!   has one, behind everything that had arrived.
//!
//! # Memory
//!
//! What arrives is bounded by the windows, what leaves by [`Settings::send_buffer`] and the flows.
//! Each stream waits for its own reader: the windows are what one that does not read can hold up.
//!
//! # Contents
//!
//! * [`Client`], [`Server`]: one tunnel.
//! * [`Connection`], [`Streams`], [`StreamId`], [`Head`], [`Lent`]: many streams.
//! * [`Request`], [`asks`], [`Asks`]: what is asked for.
//! * [`Settings`], [`Keepalive`]: limits and time-outs.
//! * [`Http2Error`], [`Refusal`], [`Reason`], [`NotOffered`]: what can go wrong.

mod client;
mod connection;
mod error;
mod frames;
mod keepalive;
mod request;
mod server;
mod settings;
mod side;
mod stream;
mod streams;
mod tunnel;
mod wire;

pub use client::{Client, Parked};
pub use connection::Connection;
pub use error::{Challenged, Http2Error, NotOffered, Refusal};
pub use h2::Reason;
pub use request::{Asks, Request, asks};
pub use server::Server;
pub use settings::{Keepalive, Settings};
pub use streams::{Head, Lent, StreamId, Streams};

/// The name of these layers in errors and traces.
const NAME: &str = "http2";

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
