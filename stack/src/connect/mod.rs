//! The fronts: connecting by URL, and what is built on it.

mod associate;
mod builders;
mod certificates;
mod fields;
mod hop_changes;
#[cfg(feature = "hyper")]
mod hyper;
mod logins;
mod open_websocket;
mod reconnect;
mod request;
mod routed;
mod shown;
mod spec;
mod stacked;
#[cfg(feature = "system-proxy")]
mod system;
mod then;

pub use associate::{Associate, associate};
pub use builders::{Connect, ConnectHttp2, ConnectStream, Connector};
#[cfg(feature = "hyper")]
pub use hyper::{Connecting, HyperStream};
pub use open_websocket::OpenWebSocket;
pub use reconnect::{NotConnected, QueueFull, ReconnectEvent, ReconnectHandle, Reconnecting};
pub use request::WebSocketRequest;
pub use then::ConnectLayer;

use crate::driver::dial::{DialContext, Dialed, no_runtime};
use crate::driver::error::seeds;
use crate::driver::http2::Http2;
use crate::driver::io::{Connection, Handle, Reader, Writer};
use crate::driver::runtime::BoxFuture;
use wirestack_dial::{BoxSocket, DialError, Dialer, Plan, RouteError, Target, Timeouts, Trace};
use wirestack_layer::{Error, Layer, Queue};
use wirestack_nest::BoxTunnel;
use wirestack_websocket::{Message, Payload};

/// A WebSocket that [`connect`](fn@crate::connect) opened. `F` is the form of its data: messages,
/// parts of messages, or bytes.
///
/// It has one type for every transport: a TCP or a Unix socket, a stream of HTTP/2, an upgraded
/// connection of `hyper`. A [`ServerSocket`](crate::ServerSocket) has the same type, and
/// [`Connection::boxed`] turns all others into it.
///
/// ```
/// use wirestack::{WebSocket, WebSocketHandle, WebSocketReader, WebSocketWriter};
///
/// /// Stores a WebSocket: no generics are needed.
/// struct Session {
///     socket: WebSocket,
/// }
///
/// impl Session {
///     fn split(self) -> (WebSocketWriter, WebSocketReader) {
///         self.socket.split()
///     }
///
///     fn shared(self) -> WebSocketHandle {
///         self.socket.spawn()
///     }
/// }
/// ```
pub type WebSocket<F = Queue<Message>> = Connection<BoxSocket<F>>;

/// The half of a [`WebSocket`] that receives, and the one of a [`ServerSocket`](crate::ServerSocket):
/// [`Connection::split`] returns it.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use wirestack::{WebSocketReader, WebSocketWriter};
///
/// struct Chat {
///     reader: WebSocketReader,
///     writer: WebSocketWriter,
/// }
///
/// let (writer, reader) = wirestack::connect("wss://example.org/chat").await?.split();
/// let mut chat = Chat { reader, writer };
/// chat.writer.send("hello").await?;
/// println!("{:?}", chat.reader.next().await);
/// # Ok(())
/// # }
/// ```
pub type WebSocketReader<F = Queue<Message>> = Reader<BoxSocket<F>>;

/// The half of a [`WebSocket`] that sends, and the one of a [`ServerSocket`](crate::ServerSocket):
/// [`Connection::split`] returns it.
///
/// ```
/// use wirestack::WebSocketWriter;
///
/// async fn say(writer: &mut WebSocketWriter, text: &str) -> Result<(), wirestack::Error> {
///     writer.feed(text.to_owned()).await?; // it waits for room
///     writer.flushed().await // it has left this program
/// }
/// ```
pub type WebSocketWriter<F = Queue<Message>> = Writer<BoxSocket<F>>;

/// A [`WebSocket`] that a background task drives, and the one of a
/// [`ServerSocket`](crate::ServerSocket): [`Connection::spawn`] returns it.
///
/// ```
/// use wirestack::WebSocketHandle;
///
/// /// A task of its own answers pings and keeps the time-outs meanwhile.
/// async fn leave(mut handle: WebSocketHandle) -> Result<(), wirestack::Error> {
///     handle.ping("there?").await?;
///     handle.close(1000, "done").await
/// }
/// ```
pub type WebSocketHandle<F = Queue<Message>> = Handle<BoxSocket<F>>;

/// A stream of bytes that [`connect_stream`](crate::connect_stream) opened.
///
/// ```
/// use tokio::io::{AsyncReadExt, AsyncWriteExt};
/// use wirestack::ByteStream;
///
/// async fn ask(stream: &mut ByteStream) -> std::io::Result<String> {
///     stream.write_all(b"GET / HTTP/1.0\r\n\r\n").await?;
///     let mut answer = String::new();
///     stream.read_to_string(&mut answer).await?;
///     Ok(answer)
/// }
/// ```
pub type ByteStream = Connection<BoxTunnel>;

/// Connects a WebSocket to a `ws://` or `wss://` URL, through the proxies of
/// [`via`](Connect::via), or else through the proxy that the environment names (see
/// [`Environment`](crate::dial::Environment)).
///
/// It runs on the runtime where it is awaited: tokio, smol, or
/// [`blocking::block_on`](crate::blocking::block_on). [`blocking`](Connect::blocking) connects and
/// waits in the calling thread.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let mut socket = wirestack::connect("wss://example.org/chat")
///     .via("http://proxy.test:3128")
///     .await?;
/// socket.send("hello").await?;
/// while let Some(message) = socket.next().await {
///     println!("{:?}", message?);
/// }
/// # Ok(())
/// # }
/// ```
///
/// The URL may be a `&str`, a `String`, a `Uri`, a whole request, or a `Url` (feature `url`): see
/// [`WebSocketRequest`]. One that makes no sense is an error when the builder is awaited, as
/// everything else is.
pub fn connect<R>(request: R) -> Connect
where
    R: TryInto<WebSocketRequest, Error: Into<RouteError>>,
{
    Connect::new(request, DialContext::new())
}

/// Opens a stream of bytes to a `tcp://host:port`, `tls://host:port`, `http://` or `https://` URL,
/// through the proxies of [`via`](ConnectStream::via), or else through the proxy that the
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
pub fn connect_stream<T>(url: T) -> ConnectStream
where
    T: TryInto<Target, Error: Into<RouteError>>,
{
    ConnectStream::new(url, DialContext::new())
}

/// Opens an HTTP/2 connection for many streams to a `wss://`, `https://`, `ws://` or `http://` URL,
/// through the proxies of [`via`](ConnectHttp2::via); without TLS, with prior knowledge.
/// User and password in the URL are sent with each WebSocket by Basic authentication.
///
/// Nothing runs in the background by default: each call that waits for a stream drives the
/// connection. [`Http2::spawn`] gives the connection a task of its own.
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
pub fn connect_http2<T>(url: T) -> ConnectHttp2
where
    T: TryInto<Target, Error: Into<RouteError>>,
{
    ConnectHttp2::new(url, DialContext::new())
}

/// Carries out a plan.
async fn dial<L>(
    plan: Result<Plan<L>, Error>,
    timeouts: Timeouts,
    mut context: DialContext,
) -> Result<Dialed<L>, DialError>
where
    L: Layer<In: Default, Out: Default> + 'static,
{
    let now = context.keep_runtime().map_err(no_runtime)?.now();
    let plan = plan.map_err(|error| DialError::invalid(error, now))?;
    let plan = context.share(plan);
    let dialing = context.begin(Dialer::new(plan, timeouts, seeds(), now))?;
    dialing.await
}

macro_rules! connects {
    ($builder:ident $(, $form:ident)? => $layer:ty) => {
        impl$(<$form: Payload>)? $builder$(<$form>)? {
            /// Connects, and returns the connection with the [`Trace`] of the steps.
            ///
            /// ```no_run
            /// #[tokio::main]
            /// async fn main() -> Result<(), Box<dyn std::error::Error>> {
            ///     let (socket, trace) = wirestack::connect("wss://example.org/chat").traced().await?;
            ///     print!("{}", trace.waterfall()); // each step, and how long it took
            ///     drop(socket);
            ///     Ok(())
            /// }
            /// ```
            ///
            /// # Errors
            ///
            /// [`DialError`] names the hop that failed, and the event that it waited for.
            pub async fn traced(self) -> Result<Dialed<$layer>, DialError> {
                self.dialing().await
            }

            /// Does the same. The future is smaller than one that would have to make the plan.
            fn dialing(
                self,
            ) -> impl Future<Output = Result<Dialed<$layer>, DialError>> + Send + use<$($form)?> {
                let (timeouts, context) = (self.spec.timeouts, self.spec.context.clone());
                dial(self.plan(), timeouts, context)
            }
        }

        impl$(<$form: Payload>)? IntoFuture for $builder$(<$form>)? {
            type Output = Result<Connection<$layer>, DialError>;
            type IntoFuture = BoxFuture<Self::Output>;
            fn into_future(self) -> Self::IntoFuture {
                let dialing = self.dialing();
                Box::pin(async { Ok(dialing.await?.0) })
            }
        }
    };
}
connects!(Connect, F => BoxSocket<F>);
connects!(ConnectStream => BoxTunnel);

impl ConnectHttp2 {
    /// Connects, and returns the connection with the [`Trace`] of the steps.
    ///
    /// ```no_run
    /// #[tokio::main]
    /// async fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     let (http2, trace) = wirestack::connect_http2("wss://example.org").traced().await?;
    ///     print!("{}", trace.waterfall());
    ///     http2.close().await?;
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`DialError`] names the hop that failed, and the event that it waited for.
    pub async fn traced(self) -> Result<(Http2, Trace), DialError> {
        let (timeouts, context) = (self.spec.timeouts, self.spec.context.clone());
        let (plan, origin) = match self.plan_and_origin() {
            Ok((plan, origin)) => (Ok(plan), Some(origin)),
            Err(error) => (Err(error), None),
        };
        let (connection, trace) = dial(plan, timeouts, context).await?;
        let http2 = Http2::new(connection);
        let http2 = http2.with_origin(origin.unwrap_or_default());
        Ok((http2, trace))
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
