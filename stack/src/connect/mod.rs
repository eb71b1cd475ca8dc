//! The fronts: connecting by URL, and what is built on it.

mod associate;
mod builders;
#[cfg(feature = "hyper")]
mod hyper;
mod reconnect;
mod spec;

pub use associate::{Associate, associate};
pub use builders::{Connect, ConnectHttp2, ConnectStream, Connector, Prepared};
#[cfg(feature = "hyper")]
pub use hyper::{Connecting, HyperStream};
pub use reconnect::{NotConnected, ReconnectEvent, Reconnecting};

use crate::driver::dial::{DialContext, Dialed, no_runtime};
use crate::driver::error::seed;
use crate::driver::http2::Http2;
use crate::driver::io::Connection;
use crate::driver::runtime::BoxFuture;
use wirestack_dial::{BoxSocket, DialError, Dialer, Trace};
use wirestack_layer::{Layer, Queue};
use wirestack_nest::BoxTunnel;
use wirestack_websocket::{Message, Payload};

/// A WebSocket that [`connect`](fn@crate::connect) opened: of messages, unless it is of their parts or of
/// bytes.
pub type WebSocket<F = Queue<Message>> = Connection<BoxSocket<F>>;

/// A stream of bytes that [`connect_stream`](crate::connect_stream) opened.
pub type ByteStream = Connection<BoxTunnel>;

/// Connects a WebSocket to a `ws://` or `wss://` URL, through the proxies given by
/// [`via`](Connect::via), or else by the proxy that the environment names (see
/// [`Environment`](crate::dial::Environment)).
///
/// It runs on whatever runtime it is awaited in: tokio, smol, or
/// [`blocking::block_on`](crate::blocking::block_on). Without a future,
/// [`blocking`](Connect::blocking) connects and waits.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let mut socket = wirestack::connect("wss://example.org/chat")
///     .via("http://proxy.test:3128")
///     .await?;
/// socket.send("hello".into()).await?;
/// while let Some(message) = socket.next().await {
///     println!("{:?}", message?);
/// }
/// # Ok(())
/// # }
/// ```
pub fn connect(url: &str) -> Connect {
    Connect::new(url, DialContext::new())
}

/// Opens a stream of bytes to a `tcp://host:port`, `tls://host:port`, `http://` or `https://` URL,
/// through the proxies given by [`via`](ConnectStream::via), or else by the proxy that the
/// environment names.
///
/// ```no_run
/// # #[cfg(feature = "tokio")]
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use tokio::io::AsyncWriteExt;
///
/// let mut stream = wirestack::connect_stream("tls://example.org:465")
///     .via("socks5h://proxy.test:1080")
///     .await?;
/// stream.write_all(b"EHLO me\r\n").await?;
/// # Ok(())
/// # }
/// ```
pub fn connect_stream(url: &str) -> ConnectStream {
    ConnectStream::new(url, DialContext::new())
}

/// Opens an HTTP/2 connection for many streams to a `wss://`, `https://`, `ws://` or `http://` URL,
/// through the proxies given by [`via`](ConnectHttp2::via); without TLS, with prior knowledge.
/// User and password in the URL are sent with each WebSocket by Basic authentication.
///
/// Nothing runs in the background unless you say so: each call that waits for a stream drives the
/// connection, and [`Http2::spawn`] gives it a task of its own.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use wirestack::websocket::Message;
///
/// let http2 = wirestack::connect_http2("wss://example.org").await?;
/// http2.spawn();
/// let mut chat = http2.websocket("/chat").await?;
/// let mut news = http2.websocket("/news").await?;
/// chat.send(Message::text("hello")).await?;
/// println!("{:?}", news.next().await);
/// # Ok(())
/// # }
/// ```
pub fn connect_http2(url: &str) -> ConnectHttp2 {
    ConnectHttp2::new(url, DialContext::new())
}

/// Carries out what was prepared.
async fn dial_prepared<L>(prepared: Prepared<L>) -> Result<Dialed<L>, DialError>
where
    L: Layer<In: Default, Out: Default> + 'static,
{
    let Prepared {
        plan,
        timeouts,
        context,
    } = prepared;
    let runtime = context.find_runtime().map_err(no_runtime)?;
    let dialer = Dialer::new(context.share(plan), timeouts, seed(), runtime.now());
    context.dial(dialer).await
}

macro_rules! connects {
    ($builder:ident $(, $form:ident)? => $layer:ty) => {
        impl$(<$form: Payload>)? $builder$(<$form>)? {
            /// Connects, and returns the connection with what was done for it.
            ///
            /// # Errors
            ///
            /// The error names the hop that failed, and what it waited for.
            pub async fn traced(self) -> Result<Dialed<$layer>, DialError> {
                let now = self.spec.context.find_runtime().map_err(no_runtime)?.now();
                dial_prepared(self.prepare(now)?).await
            }
        }

        impl$(<$form: Payload>)? IntoFuture for $builder$(<$form>)? {
            type Output = Result<Connection<$layer>, DialError>;
            type IntoFuture = BoxFuture<Self::Output>;
            fn into_future(self) -> Self::IntoFuture {
                Box::pin(async { Ok(self.traced().await?.0) })
            }
        }
    };
}
connects!(Connect, F => BoxSocket<F>);
connects!(ConnectStream => BoxTunnel);

impl ConnectHttp2 {
    /// Connects, and returns the connection with what was done for it.
    ///
    /// # Errors
    ///
    /// The error names the hop that failed, and what it waited for.
    pub async fn traced(self) -> Result<(Http2, Trace), DialError> {
        let now = self.spec.context.find_runtime().map_err(no_runtime)?.now();
        let (prepared, origin) = self.prepare(now)?;
        let (connection, trace) = dial_prepared(prepared).await?;
        Ok((Http2::new(connection).with_origin(origin), trace))
    }
}

impl IntoFuture for ConnectHttp2 {
    type Output = Result<Http2, DialError>;
    type IntoFuture = BoxFuture<Self::Output>;
    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async { Ok(self.traced().await?.0) })
    }
}

impl Default for Connector {
    fn default() -> Self {
        Self::new(DialContext::new())
    }
}
