//! Connecting by URL.

use super::{Connection, Http2, Outside, Pool, Transport};
use crate::connect;
use crate::dial::{DialError, Trace};
use crate::driver::polled::{Runtime, go};
use crate::websocket::{Message, Payload};
use crate::{BoxSocket, BoxTunnel, Queue};
use std::pin::Pin;

/// A WebSocket about to be connected: await it.
pub type Connect<F = Queue<Message>> = connect::Connect<F, Outside>;

/// A stream of bytes about to be opened: await it.
pub type ConnectStream = connect::ConnectStream<Outside>;

/// An HTTP/2 connection about to be opened: await it.
pub type ConnectHttp2 = connect::ConnectHttp2<Outside>;

/// A way that any number of connections go, to whatever target. With the feature `hyper` it is a
/// connector for clients made of `hyper`.
pub type Connector = connect::Connector<Outside>;

/// A WebSocket that [`connect`](fn@connect) opened: of messages, unless it is of their parts or of bytes.
pub type WebSocket<F = Queue<Message>> = Connection<Transport, BoxSocket<F>>;

/// A stream of bytes that [`connect_stream`] opened.
pub type ByteStream = Connection<Transport, BoxTunnel>;

/// Connects a WebSocket to a `ws://` or `wss://` URL, through the hops given by
/// [`via`](connect::Connect::via), or else by the proxy that the environment names (see
/// [`Environment`](crate::dial::Environment)).
///
/// A `wss://` server that speaks HTTP/2 and offers WebSockets over it (RFC 8441) is spoken to in
/// that, every other one in HTTP/1.1. User and password in the URL are sent to the server by Basic
/// authentication.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use wirestack::websocket::Message;
///
/// let mut socket = wirestack::tokio::connect("wss://example.org/chat")
///     .via("socks5h://me:secret@gate.test:1080")
///     .via("http://proxy.test:3128")
///     .await?;
/// socket.send(Message::text("hello")).await?;
/// while let Some(message) = socket.next().await {
///     println!("{:?}", message?);
/// }
/// # Ok(())
/// # }
/// ```
pub fn connect(url: &str) -> Connect {
    Connect::new(url, Outside::default())
}

/// Opens a stream of bytes to a `tcp://host:port` or `tls://host:port` URL, through the hops given
/// by [`via`](connect::ConnectStream::via).
pub fn connect_stream(url: &str) -> ConnectStream {
    ConnectStream::new(url, Outside::default())
}

/// Opens an HTTP/2 connection for many streams to a `wss://`, `https://`, `ws://` or `http://` URL,
/// through the hops given by [`via`](connect::ConnectHttp2::via); without TLS, with prior knowledge. User and
/// password in the URL are sent with each WebSocket by Basic authentication.
///
/// Nothing runs in the background unless you say so: whoever waits for a stream drives the
/// connection, and [`Http2::spawn`] gives it a task of its own.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use wirestack::websocket::Message;
///
/// let http2 = wirestack::tokio::connect_http2("wss://example.org").await?;
/// http2.spawn();
/// let mut chat = http2.websocket("/chat").await?;
/// let mut news = http2.websocket("/news").await?;
/// chat.send(Message::text("hello")).await?;
/// println!("{:?}", news.next().await);
/// # Ok(())
/// # }
/// ```
pub fn connect_http2(url: &str) -> ConnectHttp2 {
    ConnectHttp2::new(url, Outside::default())
}

/// What is shared on tokio.
macro_rules! shares {
    ($builder:ident $(, $form:ident)?) => {
        impl$(<$form: Payload>)? connect::$builder<$($form,)? Outside> {
            /// Uses connections of this pool: one to the last HTTP/2 proxy on the way, or to a server
            /// that offers WebSockets over HTTP/2. See [`Plan::sharing`](crate::dial::Plan::sharing).
            pub fn sharing(mut self, pool: &Pool) -> Self {
                self.outside = self.outside.pool(pool.clone());
                self
            }
        }
    };
}
shares!(Connect, F);
shares!(ConnectStream);
shares!(ConnectHttp2);
shares!(Connector);

impl Default for Connector {
    fn default() -> Self {
        Self::new(Outside::default())
    }
}

impl ConnectHttp2 {
    /// Connects, and tells what was done for it too.
    ///
    /// # Errors
    ///
    /// What connecting failed at, hop by hop.
    pub async fn traced(self) -> Result<(Http2, Trace), DialError> {
        let now = self.outside.runtime.now();
        let (prepared, origin) = self.prepare(now)?;
        let (connection, trace) = go(prepared).await?;
        Ok((Http2::new(connection).with_origin(origin), trace))
    }
}

impl IntoFuture for ConnectHttp2 {
    type Output = Result<Http2, DialError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;
    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async { Ok(self.traced().await?.0) })
    }
}
