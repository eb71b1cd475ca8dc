//! Connecting by URL.

use super::dial::{Dialed, no_runtime};
use super::{Connection, DialContext};
use crate::connect::{self, Prepared};
use crate::dial::{Asked, Credentials, DialError, Dialer, Share, Timeouts, Trace};
use crate::driver::error::seed;
use crate::driver::http2::{Http2, Pool};
use crate::driver::runtime::{BoxFuture, Resolve, Runtime};
use crate::websocket::{Message, Payload};
use crate::{BoxSocket, BoxTunnel, Error, Layer, Queue};
use std::sync::Arc;

/// A WebSocket about to be connected: await it.
pub type Connect<F = Queue<Message>> = connect::Connect<F, DialContext>;

/// A stream of bytes about to be opened: await it.
pub type ConnectStream = connect::ConnectStream<DialContext>;

/// An HTTP/2 connection about to be opened: await it.
pub type ConnectHttp2 = connect::ConnectHttp2<DialContext>;

/// Proxies, TLS and timeouts, set once and used for many connections. With the feature `hyper` it is a
/// connector for clients made of `hyper`.
pub type Connector = connect::Connector<DialContext>;

/// A WebSocket that [`connect`](fn@crate::connect) opened: of messages, unless it is of their parts or of
/// bytes.
pub type WebSocket<F = Queue<Message>> = Connection<BoxSocket<F>>;

/// A stream of bytes that [`connect_stream`](crate::connect_stream) opened.
pub type ByteStream = Connection<BoxTunnel>;

/// Connects a WebSocket to a `ws://` or `wss://` URL, through the proxies given by
/// [`via`](connect::Connect::via), or else by the proxy that the environment names (see
/// [`Environment`](crate::dial::Environment)).
///
/// It runs on whatever runtime it is awaited in: tokio, smol, or
/// [`blocking::block_on`](crate::blocking::block_on). Without a future,
/// [`blocking`](connect::Connect::blocking) connects and waits.
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
/// through the proxies given by [`via`](connect::ConnectStream::via), or else by the proxy that the
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
/// through the proxies given by [`via`](connect::ConnectHttp2::via); without TLS, with prior knowledge.
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
async fn dial_prepared<L>(prepared: Prepared<L, DialContext>) -> Result<Dialed<L>, DialError>
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

/// Makes an HTTP/2 connection for streams.
pub(in crate::driver) async fn dial_http2(
    share: &Share,
    timeouts: Timeouts,
    context: &DialContext,
) -> Result<Http2, Error> {
    let plan = share.plan().map_err(|error| Error::local("route", error))?;
    let now = context.find_runtime().map(|it| it.now());
    let now = now.map_err(crate::driver::error::none_here)?;
    match context.dial(Dialer::new(plan, timeouts, seed(), now)).await {
        Ok((connection, _)) => Ok(Http2::new(connection)),
        Err(error) => Err(match error.layer_error() {
            Some(error) => error.clone(),
            None => Error::peer("dialer", error),
        }),
    }
}

macro_rules! with_context {
    ($builder:ident $(, $form:ident)?) => {
        impl$(<$form: Payload>)? connect::$builder<$($form,)? DialContext> {
            /// Runs on this, instead of the runtime that it is awaited in.
            pub fn runtime(mut self, runtime: Arc<dyn Runtime>) -> Self {
                self.context = self.context.runtime(runtime);
                self
            }

            /// Looks names up with this resolver, instead of that of the runtime.
            pub fn resolver(mut self, resolver: impl Resolve + 'static) -> Self {
                self.context = self.context.resolver(resolver);
                self
            }

            /// Asks this for credentials when an HTTP proxy that is
            /// [`asking`](crate::dial::Hop::asking) wants some.
            pub fn credentials<Fut>(
                mut self,
                ask: impl Fn(Asked) -> Fut + Send + Sync + 'static,
            ) -> Self
            where
                Fut: Future<Output = Option<Credentials>> + Send + 'static,
            {
                self.context = self.context.credentials(ask);
                self
            }

            /// Uses connections of this pool: one to the last HTTP/2 proxy on the way, or to a server
            /// that offers WebSockets over HTTP/2. See [`Plan::sharing`](crate::dial::Plan::sharing).
            pub fn sharing(mut self, pool: &Pool) -> Self {
                self.context = self.context.pool(pool.clone());
                self
            }
        }
    };
}
with_context!(Connect, F);
with_context!(ConnectStream);
with_context!(ConnectHttp2);
with_context!(Connector);

macro_rules! connects {
    ($builder:ident $(, $form:ident)? => $layer:ty) => {
        impl$(<$form: Payload>)? connect::$builder<$($form,)? DialContext> {
            /// Connects, and returns the connection with what was done for it.
            ///
            /// # Errors
            ///
            /// The error names the hop that failed, and what it waited for.
            pub async fn traced(self) -> Result<Dialed<$layer>, DialError> {
                let now = self.context.find_runtime().map_err(no_runtime)?.now();
                dial_prepared(self.prepare(now)?).await
            }
        }

        impl$(<$form: Payload>)? IntoFuture for connect::$builder<$($form,)? DialContext> {
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
        let now = self.context.find_runtime().map_err(no_runtime)?.now();
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
