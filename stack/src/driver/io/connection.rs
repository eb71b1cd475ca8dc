//! A connection: a stack that runs on a transport.

use super::goodbye::{Goodbye, Unfinished};
use crate::driver::error::{no_runtime_error, socket};
use crate::driver::runtime::{AsyncTimer, IntoTransport, Runtime, Transport, current, sleep};
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Poll, Waker, ready};
use std::time::Duration;
use wirestack_dial::RouteTaken;
use wirestack_layer::{End, Error, Flow, Instant, Layer, Pipe, origin};
use wirestack_nest::{BoxLayer, Engine, Stack};

/// A stack that runs on a transport, on every [`Runtime`].
///
/// If the application's side of the stack is bytes, the connection is `AsyncRead` and `AsyncWrite`
/// of tokio (feature `tokio`) and of `futures-io` (feature `futures`). If it is messages, the
/// connection is a `Stream` and a `Sink`.
///
/// A connection has no task of its own: each call drives both directions while it is polled. To
/// read and write in two tasks, [`split`](Self::split) it. To answer pings and to keep time-outs
/// while no call waits, [`spawn`](Self::spawn) it.
///
/// Dropping a connection closes the transport at once. The layers cannot say goodbye then, as they
/// do with [`finish`](Self::finish).
///
/// ```no_run
/// # #[cfg(feature = "tokio")]
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
/// use tokio::io::{AsyncReadExt, AsyncWriteExt};
/// use wirestack::{Connection, Engine, socks};
///
/// let socket = tokio::net::TcpStream::connect("proxy.test:1080").await?;
/// let layer = socks::Client::new(socks::Address::new("example.org", 80)?);
/// let mut connection = Connection::from_transport(socket, Engine::new(layer))?;
/// connection.set_open_timeout(Duration::from_secs(10));
/// connection.open().await?; // the proxy has opened the tunnel
///
/// connection.write_all(b"GET / HTTP/1.0\r\n\r\n").await?;
/// connection.read_to_end(&mut Vec::new()).await?;
/// connection.finish(Duration::from_secs(1)).await?;
/// # Ok(())
/// # }
/// ```
///
/// What it knows, and the layers in it:
///
/// ```
/// use std::time::Duration;
/// use wirestack::{WebSocket, tls, websocket};
///
/// fn look(socket: &mut WebSocket) {
///     println!("{} on {:?}", socket.progress(), socket.runtime());
///     println!("{:?} to {:?}", socket.local_addr(), socket.peer_addr());
///     if let Some(socket) = socket.transport::<tokio::net::TcpStream>() {
///         println!("TTL {:?}", socket.ttl());
///     }
///     if let Some(tls) = socket.part::<tls::Client>() {
///         println!("ALPN {:?}", tls.alpn());
///     }
///     println!("TLS in TLS: {}", socket.nth_part::<tls::Client>(1).is_some());
///     println!("over HTTP {:?}", socket.http_version());
///     println!("closed by {:?}", socket.closed_by());
///     let timeout = socket.close_timeout();
///     socket.set_close_timeout(timeout * 2);
///     socket.set_write_timeout(Duration::from_secs(10)); // for a peer that takes nothing
/// }
/// ```
pub struct Connection<L: Layer> {
    pub(super) engine: Engine<L>,
    pub(super) io: Option<Box<dyn Transport>>,
    pub(crate) runtime: Arc<dyn Runtime>,
    /// The timer for the deadline of the stack, and the time at which it expires.
    pub(super) timer: Option<(Instant, Pin<Box<dyn AsyncTimer>>)>,
    pub(super) writing: Writing,
    /// The error that ended the stack was returned to a reader of messages.
    pub(super) error_taken: bool,
    /// The last read was large, so the next one gets a large buffer.
    pub(super) reads_much: bool,
    /// The transport buffers bytes that it could not send when it was last flushed.
    pub(super) is_buffering: bool,
    /// The number of flushes of the transport that ended later than they began.
    pub(super) late_flushes: u32,
    /// A read was tried since the last flush.
    pub(super) was_read: bool,
    /// The task that waits to read.
    pub(super) reader: Option<Waker>,
    /// The task that waits to write.
    pub(super) writer: Option<Waker>,
    /// In milliseconds.
    pub(super) close_timeout: u32,
    /// The timer of `shutdown`.
    pub(super) closing: Option<Pin<Box<dyn AsyncTimer>>>,
    /// The goodbye at the end of the server.
    pub(super) goodbye: Option<Box<Goodbye<L>>>,
    /// The route by which a dialer has opened it.
    pub(crate) route: Option<RouteTaken>,
}

/// The state of the direction to the transport.
pub(super) enum Writing {
    Open,
    /// All bytes have left, and the transport has been shut down.
    Shut,
    /// The transport refused bytes. The error is taken once everything before it has been read.
    Broken(Option<Box<Error>>),
}

impl<L> Connection<L>
where
    L: Layer,
{
    /// Runs a stack on a transport, for example on a connected or accepted socket. It uses the
    /// [current](crate::runtime::current) runtime.
    ///
    /// If the transport supports it, small writes leave at once (`TCP_NODELAY`), and a stack that
    /// aborts its wire resets the transport.
    ///
    /// # Errors
    ///
    /// There is no current runtime, or the runtime cannot use the transport.
    ///
    /// ```no_run
    /// # #[cfg(feature = "blocking")]
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use wirestack::{Connection, Engine, socks};
    ///
    /// // A socket of the standard library works on every runtime.
    /// let socket = std::net::TcpStream::connect("proxy.test:1080")?;
    /// let layer = socks::Client::new(socks::Address::new("example.org", 80)?);
    /// wirestack::blocking::block_on(async {
    ///     let mut connection = Connection::from_transport(socket, Engine::new(layer))?;
    ///     connection.open().await
    /// })?;
    /// # Ok(())
    /// # }
    /// # #[cfg(not(feature = "blocking"))]
    /// # fn main() {}
    /// ```
    pub fn from_transport(io: impl IntoTransport, engine: Engine<L>) -> Result<Self, Error> {
        Self::from_transport_on(current().map_err(no_runtime_error)?, io, engine)
    }

    /// Runs a stack on a transport, on the given runtime.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use wirestack::runtime::Runtime;
    /// use wirestack::{Connection, Engine, Error, Identity};
    ///
    /// /// Runs a stack on the runtime of a library, which is not the current one.
    /// fn on(
    ///     runtime: Arc<dyn Runtime>,
    ///     socket: std::net::TcpStream,
    /// ) -> Result<Connection<Identity>, Error> {
    ///     Connection::from_transport_on(runtime, socket, Engine::new(Identity))
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// The runtime cannot use the transport.
    pub fn from_transport_on(
        runtime: Arc<dyn Runtime>,
        io: impl IntoTransport,
        engine: Engine<L>,
    ) -> Result<Self, Error> {
        let io = io.into_transport(&*runtime).map_err(socket)?;
        Ok(Self::new(runtime, io, engine))
    }

    pub(crate) fn new(
        runtime: Arc<dyn Runtime>,
        io: Box<dyn Transport>,
        engine: Engine<L>,
    ) -> Self {
        io.set_nodelay();
        Self {
            engine,
            io: Some(io),
            runtime,
            timer: None,
            writing: Writing::Open,
            error_taken: false,
            reads_much: false,
            is_buffering: false,
            late_flushes: 0,
            was_read: false,
            reader: None,
            writer: None,
            close_timeout: CLOSE_TIMEOUT_MS,
            closing: None,
            goodbye: None,
            route: None,
        }
    }

    /// Boxes the stack, so that connections with different stacks have one type.
    ///
    /// ```
    /// use wirestack::websocket::Client;
    /// use wirestack::{Connection, WebSocket};
    ///
    /// /// Gives a WebSocket of a stack of one's own the type that all have.
    /// fn plain(socket: Connection<Client>) -> WebSocket {
    ///     socket.boxed()
    /// }
    /// ```
    pub fn boxed(self) -> Connection<Boxed<L>>
    where
        L: Send + 'static,
    {
        self.map_engine(Engine::boxed)
    }

    /// Puts another layer over the running stack. See [`Engine::push_layer`].
    ///
    /// ```
    /// use tokio::io::{duplex, AsyncWriteExt};
    /// use wirestack::runtime::TokioTransport;
    /// use wirestack::{Connection, Engine, Identity, http1};
    ///
    /// #[tokio::main(flavor = "current_thread")]
    /// async fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     let (ours, mut theirs) = duplex(1000);
    ///     let plain = Connection::from_transport(TokioTransport::new(ours), Engine::new(Identity))?;
    ///     let mut tunnel = plain.push_layer(http1::connect::Client::new("example.org", 22)?);
    ///     theirs.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
    ///     tunnel.open().await?;
    ///     let proxy: &http1::connect::Client = tunnel.part().expect("in the stack");
    ///     assert_eq!(proxy.response().unwrap().status(), 200);
    ///     Ok(())
    /// }
    /// ```
    pub fn push_layer<U>(self, upper: U) -> Connection<Stack<L, U>>
    where
        L: Layer<In = Pipe, Out = Pipe>,
        U: Layer<In: Default, Out: Default>,
    {
        self.map_engine(|engine| engine.push_layer(upper))
    }

    pub(super) fn map_engine<M: Layer>(
        self,
        map: impl FnOnce(Engine<L>) -> Engine<M>,
    ) -> Connection<M> {
        Connection {
            engine: map(self.engine),
            io: self.io,
            runtime: self.runtime,
            timer: self.timer,
            writing: self.writing,
            error_taken: self.error_taken,
            reads_much: self.reads_much,
            is_buffering: self.is_buffering,
            late_flushes: self.late_flushes,
            was_read: self.was_read,
            reader: None, // the tasks that waited have given it away
            writer: None,
            close_timeout: self.close_timeout,
            closing: self.closing,
            goodbye: None,
            route: self.route,
        }
    }

    /// Returns the engine of the stack, to read facts from and to take decisions in.
    ///
    /// ```
    /// use wirestack::{Connection, Flow, Identity};
    ///
    /// /// Returns the number of bytes that the application has not read.
    /// fn unread(connection: &mut Connection<Identity>) -> usize {
    ///     connection.engine().to_app().len()
    /// }
    /// ```
    #[inline]
    pub fn engine(&mut self) -> &mut Engine<L> {
        &mut self.engine
    }

    pub(crate) fn now(&self) -> Instant {
        self.runtime.now()
    }

    /// Drives the connection until `fact` returns a value, for example the request that a server
    /// layer has received.
    ///
    /// Dropping the future loses nothing: all state is in the connection.
    ///
    /// ```
    /// use wirestack::{Connection, proxy_header};
    ///
    /// /// Returns the address of a client behind a load balancer.
    /// async fn client_of(
    ///     connection: &mut Connection<proxy_header::Server>,
    /// ) -> Result<Option<std::net::SocketAddr>, wirestack::Error> {
    ///     let header = |engine: &mut wirestack::Engine<proxy_header::Server>| {
    ///         engine.part::<proxy_header::Server>()?.header().cloned()
    ///     };
    ///     Ok(connection.wait_for(header).await?.source())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// The error that ended the stack, or [`Ended`] if it ended cleanly before `fact` returned a
    /// value.
    pub async fn wait_for<T>(
        &mut self,
        mut fact: impl FnMut(&mut Engine<L>) -> Option<T>,
    ) -> Result<T, Error> {
        poll_fn(|cx| {
            loop {
                self.process_in_time(cx);
                if let Some(found) = fact(&mut self.engine) {
                    self.process_and_write(cx); // `fact` may have decided something for the peer
                    return Poll::Ready(Ok(found));
                }
                let error = match self.engine.to_app().closed() {
                    Some(End::Aborted(error)) => error.clone(),
                    Some(End::Finished) => Error::peer(origin::CONNECTION, Ended),
                    None => {
                        ready!(self.advance(cx));
                        continue;
                    }
                };
                self.process_and_write(cx); // the layers' last bytes, such as an alert
                return Poll::Ready(Err(error));
            }
        })
        .await
    }

    /// Drives the connection until every layer is open.
    ///
    /// Dropping the future loses nothing.
    ///
    /// # Errors
    ///
    /// The same as those of [`wait_for`](Self::wait_for).
    pub async fn open(&mut self) -> Result<(), Error> {
        self.wait_for(|engine| engine.is_open().then_some(())).await
    }

    /// Ends the application's side, lets every layer say goodbye, and waits until the transport has
    /// ended, for at most `timeout`. Bytes and messages that still arrive are discarded.
    ///
    /// A server that refuses a client should end the connection so. Closing a socket with unread
    /// bytes resets it, and the reset may reach the client before the refusal.
    ///
    /// # Errors
    ///
    /// The error that ended the stack, or the time-out.
    pub async fn finish(mut self, timeout: Duration) -> Result<(), Error> {
        let runtime = self.runtime.clone();
        let mut late = pin!(sleep(&*runtime, timeout));
        self.engine.from_app().finish();
        poll_fn(|cx| {
            let mut turns = 0;
            loop {
                self.engine.to_app().discard();
                if self.io.is_none() {
                    return Poll::Ready(match self.engine.to_app().closed() {
                        Some(End::Aborted(error)) => Err(error.clone()),
                        _ => Ok(()),
                    });
                }
                turns += 1;
                let is_enough = turns == MAX_TURNS;
                if is_enough || self.advance(cx).is_pending() {
                    if is_enough {
                        self.runtime.yield_now(cx); // a peer that sends without a pause has its time too
                    }
                    let late = ready!(late.as_mut().poll(cx));
                    late.map_err(|error| Error::local(origin::RUNTIME, error))?;
                    return Poll::Ready(Err(Error::peer(
                        origin::CONNECTION,
                        Unfinished { timeout },
                    )));
                }
            }
        })
        .await
    }
}

// No field is ever pinned in its place.
impl<L: Layer> Unpin for Connection<L> {}

/// A boxed stack: its type names only the flows of the application's side.
///
/// ```
/// use wirestack::{BoxTunnel, Connection, Engine, Identity};
///
/// /// Connections over any layers are one type.
/// fn plain(socket: tokio::net::TcpStream) -> Result<Connection<BoxTunnel>, wirestack::Error> {
///     Ok(Connection::from_transport(socket, Engine::new(Identity))?.boxed())
/// }
/// ```
pub type Boxed<L> = BoxLayer<<L as Layer>::In, <L as Layer>::Out>;

/// The cause of an error: the stack ended cleanly before the awaited event.
///
/// ```
/// use wirestack::{ConnectionClosed, Ended, Error};
///
/// /// Returns `true` for the ends that are worth no line in a log.
/// fn is_ordinary(error: &Error) -> bool {
///     error.cause::<Ended>().is_some() || error.cause::<ConnectionClosed>().is_some()
/// }
/// ```
#[derive(Debug, thiserror::Error)]
#[error("ended before the awaited event")]
#[non_exhaustive]
pub struct Ended;

/// The default time for `shutdown`, in milliseconds.
const CLOSE_TIMEOUT_MS: u32 = 10_000;

/// The number of reads of `finish` after which other tasks, and its time-out, have their turn.
const MAX_TURNS: usize = 64;
