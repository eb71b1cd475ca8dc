//! The driver on tokio.
//!
//! * [`connect`], [`connect_stream`]: by URL, through any number of proxies.
//! * [`Connection`]: any stack on any transport; [`Handle`], [`Reader`], [`Writer`] share one.
//! * [`relay`], [`serve_proxy`]: what a proxy does.
//! * [`dial`]: carries out a [`Dialer`](crate::Dialer) of one's own.

mod bytes;
mod connect;
mod connection;
mod dial;
mod messages;
mod proxy;
mod relay;
mod shared;
mod websocket;

pub use connect::{ByteStream, Connect, ConnectStream, WebSocket, connect, connect_stream};
pub use connection::{Connection, Ended};
pub use dial::dial;
pub use messages::Closed;
pub use proxy::serve_proxy;
pub use relay::{Relayed, relay};
pub use shared::{Handle, Reader, Writer};

use crate::Error;
use connection::now;
use std::io;

/// An error of the transport below every layer.
fn socket(error: io::Error) -> Error {
    Error::peer("wire", error).at(crate::Place::Wire)
}
