//! HTTP/2 (RFC 9113) as sans-I/O layers: tunnels by CONNECT, and other protocols on a stream by
//! extended CONNECT (RFC 8441). The crate [`h2`] does the frames, the fields and the flow
//! control. It is driven here without a socket and without a runtime.
//!
//! A client and a server, driven by hand:
//!
//! ```
//! use wirestack_http2::{
//!     Client, ConnectRequest, RequestKind, Server, Http2Config, request_kind,
//! };
//! use wirestack_layer::{Flow, Flows, Layer, Pipe};
//!
//! # let now = wirestack_layer::Instant::ORIGIN;
//! let mut head = http::Request::new(());
//! *head.uri_mut() = "https://example.org/chat".parse()?;
//! let mut client = Client::new(ConnectRequest::extended("websocket", head)?, Http2Config::default());
//! let mut server = Server::new(Http2Config::server());
//!
//! // Two wires, and an application on each side.
//! let [mut up, mut down, mut asked, mut heard, mut said, mut got] = <[Pipe; 6]>::default();
//! asked.write(b"any protocol"); // it waits until the tunnel is open
//! while heard.is_empty() {
//!     client.process(Flows::new(&mut down, &mut up, &mut asked, &mut got), now);
//!     server.process(Flows::new(&mut up, &mut down, &mut said, &mut heard), now);
//!     if let Some(request) = server.request() {
//!         assert_eq!(request_kind(request), RequestKind::Protocol("websocket"));
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
//! # What can happen
//!
//! | layer | fact | decision | when |
//! |---|---|---|---|
//! | `Client` | `awaiting` | `authorize`, `give_up` | before each request, at the 2xx (*) |
//! | | `response` | | once the tunnel is open |
//! | `Server` | `request` | `accept`, `reject` | at a CONNECT |
//! | `Connection` | `offers_extended_connect` | | of a client: once the server's SETTINGS are in |
//! | | `Streams::arrived`: a request | `Streams::respond`, `respond_streaming` | of a server: at each request |
//! | | `Streams::arrived`: a response | | of a client: at each 2xx; others end the stream |
//!
//! (*) if the client [awaits authorization](Client::awaiting_authorization).
//!
//! # Ends
//!
//! * END_STREAM is a clean end of one direction. The other direction goes on.
//! * If an application aborts, its stream is reset (CANCEL). The bytes before the abort leave
//!   first, as far as the peer's window allows.
//! * If the peer resets a stream, that is an abort with [`Http2Error::Reset`]. A reset behind
//!   END_STREAM takes nothing back: the peer only wants no more (RFC 9113 §8.1).
//! * A [`Client`] and a [`Server`] end their connection with GOAWAY after their one stream. A
//!   [`Connection`] does so when its application has finished and the last stream has ended.
//! * If the wire ends while streams are open, each is aborted behind everything that had arrived,
//!   with the cause of the wire if it has one.
//!
//! # Memory
//!
//! The windows bound the bytes that arrive; [`Http2Config::send_buffer`] and the flows bound those
//! that leave. A stream whose reader does not read holds up no more than the windows allow.
//!
//! # Contents
//!
//! * [`Client`], [`Server`]: one tunnel. [`ProxyClient`], [`Awaiting`], [`Challenged`]: answering
//!   the challenges of a proxy.
//! * [`Connection`], [`Streams`], [`StreamId`], [`Head`], [`StreamPipe`],
//!   [`StreamMap`]: many streams.
//! * [`ConnectRequest`]: a CONNECT to send. [`request_kind`], [`RequestKind`]: the kind of a
//!   request that arrived.
//! * [`Http2Config`], [`Keepalive`]: limits and time-outs.
//! * [`Http2Error`], [`Refusal`], [`Reason`]: errors, and their details. [`UseHttp1`],
//!   [`Unprocessed`]: hints for the next connection.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod answer;
mod client;
mod config;
mod connection;
mod error;
mod first_bytes;
mod frames;
mod goaway;
mod head;
mod io;
mod keepalive;
mod lent;
mod lingering;
mod pending_stream;
mod pieces;
mod request;
mod server;
mod session;
mod stream;
mod stream_id;
mod stream_pipe;
mod streams;
mod times;
mod tunnel;
mod waiting;

pub use client::Client;
pub use config::Http2Config;
pub use connection::Connection;
pub use error::{Http2Error, Unprocessed, UseHttp1};
pub use h2::Reason;
pub use head::Head;
pub use request::{ConnectRequest, RequestKind, request_kind};
pub use server::Server;
pub use stream_id::{StreamId, StreamIdHasher, StreamMap};
pub use stream_pipe::StreamPipe;
pub use streams::Streams;
pub use wirestack_http::{Awaiting, Challenged, ProxyClient, Refusal};
pub use wirestack_layer::Keepalive;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
