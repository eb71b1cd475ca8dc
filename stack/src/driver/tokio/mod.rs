//! The driver on tokio.
//!
//! * [`connect`], [`connect_stream`]: by URL, through any number of proxies.
//! * [`Connection`]: any stack on any transport; [`Handle`], [`Reader`], [`Writer`] share one.
//! * [`connect_http2`], [`Http2`], [`Http2Stream`]: many streams over one connection.
//! * [`WebSocketServer`]: WebSockets over HTTP/1.1 and HTTP/2 at one address.
//! * [`relay`], [`serve_proxy`]: what a proxy does.
//! * [`associate`]: datagrams through a proxy of SOCKS5.
//! * [`Pool`]: HTTP/2 connections that many share.
//! * [`dial`], [`Outside`], [`Resolve`]: carries out a [`Dialer`](crate::Dialer) of one's own.

mod associate;
mod bytes;
mod connect;
mod connection;
mod datagrams;
#[cfg(feature = "hickory")]
mod hickory;
mod http2;
mod hub;
#[cfg(feature = "hyper")]
mod hyper;
mod pool;
mod proxy;
mod reconnect;
mod runtime;
mod serve;
mod stream;
mod transport;

#[cfg(feature = "hyper")]
pub use self::hyper::{Connecting, HyperStream};
pub use crate::driver::polled::{Closed, Ended, Found, Relayed, Resolve, dial, relay};
pub use associate::{Associate, Association, DatagramSender, associate};
pub use connect::{
    ByteStream, Connect, ConnectHttp2, ConnectStream, Connector, WebSocket, connect, connect_http2,
    connect_stream,
};
pub use connection::{Connection, Handle, Outside, Reader, Writer};
#[cfg(feature = "hickory")]
#[doc(no_inline)]
pub use hickory_resolver;
pub use http2::{Driver, Http2, Incoming};
pub use pool::Pool;
pub use proxy::serve_proxy;
pub use reconnect::{News, NotConnected, Reconnecting};
pub use runtime::Tokio;
pub use serve::{ServerSocket, WebSocketServer};
pub use stream::{Http2Stream, Http2WebSocket};
pub use transport::Transport;
