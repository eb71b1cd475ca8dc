//! The driver on tokio.
//!
//! * [`connect`], [`connect_stream`]: by URL, through any number of proxies.
//! * [`Connection`]: any stack on any transport; [`Handle`], [`Reader`], [`Writer`] share one.
//! * [`connect_http2`], [`Http2`], [`Http2Stream`]: many streams over one connection.
//! * [`WebSocketServer`]: WebSockets over HTTP/1.1 and HTTP/2 at one address.
//! * [`relay`], [`serve_proxy`]: what a proxy does.
//! * [`Pool`]: HTTP/2 connections that many share.
//! * [`dial`], [`Outside`], [`Resolve`]: carries out a [`Dialer`](crate::Dialer) of one's own.

mod bytes;
mod connect;
mod connection;
mod dial;
mod http2;
mod hub;
mod messages;
mod outside;
mod pool;
mod proxy;
mod reconnect;
mod relay;
mod resolve;
mod serve;
mod shared;
mod stream;
mod transport;
mod websocket;

pub use connect::{
    ByteStream, Connect, ConnectHttp2, ConnectStream, WebSocket, connect, connect_http2,
    connect_stream,
};
pub use connection::{Connection, Ended};
pub use dial::dial;
#[cfg(feature = "hickory")]
#[doc(no_inline)]
pub use hickory_resolver;
pub use http2::{Driver, Http2, Incoming};
pub use messages::Closed;
pub use outside::Outside;
pub use pool::Pool;
pub use proxy::serve_proxy;
pub use reconnect::{News, NotConnected, Reconnecting};
pub use relay::{Relayed, relay};
pub use resolve::{Found, Resolve, System};
pub use serve::{ServerSocket, WebSocketServer};
pub use shared::{Handle, Reader, Writer};
pub use stream::{Http2Stream, Http2WebSocket};
pub use transport::Transport;

use crate::Error;
use connection::now;
use std::io;

/// An error of the transport below every layer. A transport that is itself made of layers tells its
/// own.
fn socket(error: io::Error) -> Error {
    match error.downcast::<Error>() {
        Ok(error) => error,
        Err(error) => Error::peer("wire", error).at(crate::Place::Wire),
    }
}
