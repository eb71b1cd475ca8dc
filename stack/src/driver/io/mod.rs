//! Connections on any runtime: a stack on a transport, and how one is opened.

mod bytes;
mod connect;
mod connection;
mod context;
mod dial;
#[cfg(feature = "futures")]
mod futures;
mod messages;
mod pump;
mod reconnect;
mod relay;
mod split;
#[cfg(feature = "tokio")]
mod tokio;
mod wakers;
mod websocket;

pub(super) use connect::dial_http2;
pub use connect::{
    ByteStream, Connect, ConnectHttp2, ConnectStream, Connector, WebSocket, connect, connect_http2,
    connect_stream,
};
pub use connection::{Boxed, Connection, Ended};
pub use context::DialContext;
pub(super) use context::OpenedStream;
pub use dial::Dialed;
pub(super) use dial::no_runtime;
pub use messages::Closed;
pub use reconnect::{NotConnected, ReconnectEvent, Reconnecting};
pub use relay::{Relayed, relay};
pub use split::{Handle, Reader, Writer};
