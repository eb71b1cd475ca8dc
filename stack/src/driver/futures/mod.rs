//! The driver over the traits of `futures-io`, on any executor.
//!
//! What an executor has to bring is the small trait [`Runtime`]: how to connect, to look a name up and to
//! wait until a time. With the feature `smol`, `Smol` is one that is ready.
//!
//! ```no_run
//! # #[cfg(feature = "smol")]
//! # fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use wirestack::futures::{Smol, connect};
//! use wirestack::websocket::Message;
//!
//! smol::block_on(async {
//!     let mut socket = connect(Smol, "wss://example.org/chat")
//!         .via("http://proxy.test:3128")
//!         .await?;
//!     socket.send(Message::text("hello")).await?;
//!     println!("{:?}", socket.next().await);
//!     Ok(())
//! })
//! # }
//! ```
//!
//! * [`connect`], [`connect_stream`]: by URL, through any number of proxies.
//! * [`Connection`]: any stack on any transport; [`Handle`], [`Reader`], [`Writer`] share one.
//! * [`dial`], [`Outside`], [`Resolve`]: carries out a [`Dialer`](crate::Dialer) of one's own.
//! * [`relay`]: joins two streams of bytes.
//!
//! A connection of bytes has two things called `close`: with a code and a reason it is that of a
//! WebSocket that carries bytes; the one that ends what is written is `AsyncWriteExt::close(&mut it)`.

mod bytes;
mod runtime;
#[cfg(feature = "smol")]
mod smol;

pub use self::runtime::Runtime;
#[cfg(feature = "smol")]
pub use self::smol::{Smol, SmolTransport};
pub use crate::driver::polled::{
    Closed, Connection, Ended, Found, Handle, Outside, Reader, Relayed, Resolve, Writer, dial,
    relay,
};

use crate::connect::{Connect, ConnectStream};
use crate::websocket::Message;
use crate::{BoxSocket, BoxTunnel, Queue};

/// A WebSocket that [`connect`] opened: of messages, unless it is of their parts or of bytes.
pub type WebSocket<R, F = Queue<Message>> = Connection<<R as Runtime>::Stream, BoxSocket<F>, R>;

/// A stream of bytes that [`connect_stream`] opened.
pub type ByteStream<R> = Connection<<R as Runtime>::Stream, BoxTunnel, R>;

/// Connects a WebSocket to a `ws://` or `wss://` URL, through the hops given by
/// [`via`](Connect::via), or else by the proxy that the environment names (see
/// [`Environment`](crate::dial::Environment)). Await what it returns.
pub fn connect<R: Runtime>(runtime: R, url: &str) -> Connect<Queue<Message>, Outside<R>> {
    Connect::new(url, Outside::new(runtime))
}

/// Opens a stream of bytes to a `tcp://host:port` or `tls://host:port` URL, through the hops given
/// by [`via`](ConnectStream::via). Await what it returns.
pub fn connect_stream<R: Runtime>(runtime: R, url: &str) -> ConnectStream<Outside<R>> {
    ConnectStream::new(url, Outside::new(runtime))
}
