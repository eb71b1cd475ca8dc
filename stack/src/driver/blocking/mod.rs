//! The driver of sockets and threads: nothing is polled, every call waits.
//!
//! ```no_run
//! use wirestack::websocket::Message;
//!
//! let mut socket = wirestack::blocking::connect("wss://example.org/chat")
//!     .via("http://proxy.test:3128")
//!     .connect()?;
//! socket.send(Message::text("hello"))?;
//! println!("{:?}", socket.next());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! * [`connect`], [`connect_stream`]: by URL, through any number of proxies.
//! * [`Connection`]: any stack on any [`Socket`]; [`split`](Connection::split) for two threads.
//! * [`dial`], [`Outside`]: carries out a [`Dialer`](crate::Dialer) of one's own.

mod bytes;
mod connect;
mod connection;
mod dial;
mod messages;
mod outside;
mod shared;
mod socket;
mod split;
mod wire;

pub use connect::{ByteStream, Connect, ConnectStream, WebSocket, connect, connect_stream};
pub use connection::{Connection, Ended, TimedOut};
pub use dial::dial;
pub use messages::Closed;
pub use outside::Outside;
pub use socket::{Socket, Transport};
pub use split::{Reader, Writer};
