//! WebSocket (RFC 6455) as sans-I/O layers: a client, a server, and nothing between them and the
//! wire but bytes.
//!
//! A server, driven by hand:
//!
//! ```
//! use wirestack_layer::{Flow, Layer, Pipe, Flows, Queue};
//! use wirestack_websocket::{Accept, Message, Server, Settings};
//!
//! # let now = wirestack_layer::Instant::ORIGIN;
//! let [mut from_wire, mut to_wire] = <[Pipe; 2]>::default();
//! let [mut from_app, mut to_app] = <[Queue<Message>; 2]>::default();
//! let mut server = Server::new(Settings::default());
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
//!        | masks       limits |   pings, pongs and Close frames are answered in here
//!        | headers    headers |
//!        +----+----------^----+
//!        |  HTTP/1.1 upgrade  |   gone once open
//!        +----+----------^----+
//!             v          |
//!           bytes      bytes
//! ```
//!
//! # Ends
//!
//! * An application that finishes closes: what it queued goes out, then a Close frame with 1000 or
//!   what [`Client::close`] set. Messages still come in until the peer's Close frame.
//! * The peer's Close frame ends what the application receives: cleanly for 1000, 1001, no code, and
//!   an echo of our own; for every other code it is aborted with [`WebSocketError::Closed`]. What the
//!   application had queued still goes out, then the answer.
//! * After both, a server ends the connection and a client waits for that. All this takes no longer
//!   than [`Settings::close_timeout`].
//! * A connection that ends without a Close frame is an abort, with [`WebSocketError::Cut`].
//! * Whatever breaks the protocol or a limit is answered with a Close frame, then fails with its own
//!   [`WebSocketError`], behind everything that was received before it.
//! * An application that aborts aborts the wire, without a Close frame: the peer does not take it for
//!   a clean end.
//!
//! This crate cannot be `no_std`: its requests and header fields are types of the crate `http`, and
//! `http` does not compile without the standard library.
//!
//! # Contents
//!
//! * [`Client`], [`Server`], [`Settings`]: the layers.
//! * [`Message`], [`Text`], [`Payload`]: what the application sends and receives.
//! * [`Request`], [`Offer`], [`Accept`]: the opening handshake.
//! * [`CloseCode`], [`Closed`], [`Closer`]: the closing handshake.
//! * [`PingToken`], [`Pong`], [`Keepalive`]: pings.
//! * [`WebSocketError`]: what can go wrong.

mod client;
mod close;
mod connection;
mod deflate;
mod error;
mod extension;
mod frame;
mod handshake;
mod keepalive;
mod mask;
mod message;
mod opening;
mod ping;
mod receive;
mod request;
mod send;
mod server;
mod settings;
mod utf8;

pub use client::Client;
pub use close::{CloseCode, Closed, Closer};
pub use deflate::{Compression, Deflate};
pub use error::WebSocketError;
pub use handshake::{Accept, Offer};
pub use message::{Message, Part, Payload, Text};
pub use ping::{PingToken, Pong};
pub use request::Request;
pub use server::Server;
pub use settings::{Keepalive, Settings};

use http::StatusCode;
use std::fmt;

/// The name of the layers.
const NAME: &str = "websocket";

/// "All control frames MUST have a payload length of 125 bytes or less" (RFC 6455 §5.5).
const MAX_CONTROL: usize = 125;

/// Writes what a layer tells about its opening.
fn write_facts(
    f: &mut fmt::Formatter<'_>,
    status: Option<StatusCode>,
    subprotocol: Option<&str>,
    compression: Option<&Compression>,
) -> fmt::Result {
    let status = status.as_ref().map(StatusCode::as_str);
    let subprotocol = subprotocol.map(|name| ["subprotocol ", name]);
    let parts = [
        status.map(|status| ["", status]),
        subprotocol,
        compression.map(|_| ["", "compressed"]),
    ];
    for (n, [what, part]) in parts.into_iter().flatten().enumerate() {
        let comma = if n == 0 { "" } else { ", " };
        write!(f, "{comma}{what}{part}")?;
    }
    Ok(())
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
