//! WebSocket (RFC 6455) as sans-I/O layers, client and server: bytes on the side of the wire, and
//! messages on the side of the application.
//!
//! A server, driven by hand:
//!
//! ```
//! use wirestack_layer::{Flow, Flows, Layer, Pipe, Queue};
//! use wirestack_websocket::{Accept, Message, Server, WebSocketConfig};
//!
//! # let now = wirestack_layer::Instant::ORIGIN;
//! let [mut from_wire, mut to_wire] = <[Pipe; 2]>::default();
//! let [mut from_app, mut to_app] = <[Queue<Message>; 2]>::default();
//! let mut server = Server::new(WebSocketConfig::default());
//! let mut turn = |server: &mut Server, bytes: &[u8]| {
//!     from_wire.write(bytes);
//!     server.process(Flows::new(&mut from_wire, &mut to_wire, &mut from_app, &mut to_app), now);
//!     (to_app.pop(), to_wire.take(to_wire.len()))
//! };
//!
//! turn(&mut server, b"GET /chat HTTP/1.1\r\nHost: example.org\r\nUpgrade: websocket\r\n\
//!     Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
//!     Sec-WebSocket-Version: 13\r\n\r\n");
//! assert_eq!(server.request().unwrap().uri(), "/chat");
//! server.accept(Accept::new())?;
//!
//! // A masked text frame and a ping, byte for byte.
//! let frames = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58\x89\x80\x00\x00\x00\x00";
//! let (message, sent) = turn(&mut server, frames);
//! assert_eq!(message, Some(Message::text("Hello")));
//! assert!(sent.starts_with(b"HTTP/1.1 101 ") && sent.ends_with(b"\x8a\x00")); // and a pong
//! # Ok::<(), wirestack_layer::Error>(())
//! ```
//!
//! ```text
//!          messages   messages           or bytes, in a tunnel
//!             |          ^
//!        +----v----------+----+
//!        | fragments    UTF-8 |
//!        | masks       limits |   pings and Close frames are answered here
//!        | headers    headers |
//!        +----+----------^----+
//!        |  HTTP/1.1 upgrade  |   gone once open
//!        +----+----------^----+
//!             v          |
//!           bytes      bytes
//! ```
//!
//! # All that can happen
//!
//! | fact | read from | since when |
//! |---|---|---|
//! | a request awaits a decision | [`Server::request`] | it arrived, until the decision |
//! | the server's response | [`Client::response`] | open |
//! | open | [`is_open`](wirestack_layer::Layer::is_open) | the handshake is done |
//! | the subprotocol | [`Control::subprotocol`] | open |
//! | the compression | [`Control::compression`] | open |
//! | a message, a part or bytes | `to_app` | open |
//! | a ping was answered | [`Control::pong`], [`Control::pong_to`] | its pong is read |
//! | the peer closed | [`Control::closed`], [`Control::closed_by`] | its Close frame is read |
//! | the peer has sent all | `to_app` finishes | its Close frame is read |
//! | something failed | `to_app` aborts, with a [`WebSocketError`] | see [Ends](#ends) |
//!
//! | decision | made by | when |
//! |---|---|---|
//! | accept or reject the request | [`Server::accept`], [`Server::reject`] | it awaits a decision |
//! | send a message | `from_app` | at any time; it is sent once open |
//! | send a ping | [`Control::ping`] | at any time; it is sent once open |
//! | set code and reason of the Close frame | [`Control::close`] | before `from_app` finishes |
//! | close | `from_app` finishes | at any time |
//! | break off | `from_app` aborts | at any time |
//!
//! All else happens by itself: pings are answered, a silent peer is asked ([`Keepalive`]), a Close
//! frame is answered, and closing has a [time-out](WebSocketConfig::close_timeout).
//!
//! # Ends
//!
//! * An application that finishes closes: its queued messages are sent, then a Close frame with
//!   1000 or with the code and reason that [`close`](Control::close) set. Messages still arrive
//!   until the peer's Close frame.
//! * The peer's Close frame ends what the application receives. The end is clean for the codes 1000
//!   and 1001, without a code, and if the frame answers ours with the same code; otherwise it is an
//!   abort with [`WebSocketError::Closed`]. Queued messages are still sent, then the answer.
//! * A peer that closes in the middle of a message, and was not asked to, leaves an abort with
//!   [`WebSocketError::UnfinishedMessage`].
//! * After both Close frames, a server ends the connection, and a client waits for this end. All of
//!   this takes no longer than [`WebSocketConfig::close_timeout`].
//! * If the connection ends without a Close frame, the application gets an abort with
//!   [`WebSocketError::Cut`].
//! * If the peer breaks the protocol or a limit, it gets a Close frame, and the application gets an
//!   abort with the [`WebSocketError`], behind all that was received before.
//! * If the application aborts, the wire is aborted without a Close frame, so that the peer does
//!   not take it for a clean end.
//!
//! # Contents
//!
//! * [`Client`], [`Server`], [`WebSocketConfig`]: the layers.
//! * [`Socket`], [`Role`], [`Control`]: the type behind both, and its pings and closing.
//! * [`Message`], [`Text`], [`Part`], [`Payload`]: what the application sends and receives.
//! * [`ClientRequest`], [`Offer`], [`Accept`]: the opening handshake. [`Origins`]: the web pages
//!   that may begin one.
//! * [`CloseFrame`], [`CloseCode`], [`Closer`]: the closing handshake.
//! * [`PingToken`], [`Pong`], [`Keepalive`]: pings.
//! * [`Deflate`], [`Compression`]: compression.
//! * [`WebSocketError`]: the causes of errors.
//!
//! # Standard library
//!
//! This crate cannot be `no_std`: its requests and header fields are types of the crate `http`, and
//! `http` does not compile without the standard library.
//!
//! # Features
//!
//! * `deflate`: Compression of messages: permessage-deflate (RFC 7692).

#![cfg_attr(docsrs, feature(doc_cfg))]

mod accept;
mod client;
mod close;
mod close_code;
mod config;
mod connection;
mod control;
#[cfg(feature = "deflate")]
mod deflate;
#[cfg(not(feature = "deflate"))]
#[path = "no_deflate.rs"]
mod deflate;
mod error;
mod extension;
mod frame;
mod handshake;
mod keepalive;
mod mask;
mod message;
mod origins;
mod ping;
mod receive;
mod request;
mod send;
mod server;
mod socket;
mod text;
mod upgrading;
mod utf8;

pub use accept::Accept;
pub use client::{Client, ClientRole};
pub use close::{CloseFrame, Closer};
pub use close_code::CloseCode;
pub use config::WebSocketConfig;
pub use control::Control;
#[cfg(feature = "deflate")]
pub use deflate::{Compression, Deflate};
pub use error::WebSocketError;
pub use handshake::Offer;
pub use message::{Message, Part, Payload};
pub use origins::{InvalidOrigin, Origins};
pub use ping::{PingToken, Pong};
pub use request::ClientRequest;
pub use server::{Server, ServerRole};
pub use socket::Socket;
pub use text::Text;
pub use upgrading::Role;
pub use wirestack_layer::Keepalive;

/// The name of the layers.
const NAME: &str = "websocket";

/// "All control frames MUST have a payload length of 125 bytes or less" (RFC 6455 §5.5).
const MAX_CONTROL: usize = 125;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
