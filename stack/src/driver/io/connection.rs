//! A stack on a transport.

use crate::driver::error::{none_here, socket};
use crate::driver::runtime::{AsyncTimer, IntoTransport, Runtime, Transport, current, sleep};
use std::any::Any;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Poll, Waker, ready};
use std::time::Duration;
use wirestack_layer::Instant;
use wirestack_layer::{End, Error, Flow, Layer, Pipe, Progress, Status, origin};
use wirestack_nest::{Engine, Stack};

/// A stack on a transport: moves bytes between the two whenever it is polled.
///
/// Where the application's side is bytes, it is `AsyncRead` and `AsyncWrite` of tokio (feature `tokio`)
/// and of `futures-io` (feature `futures`). Where it is messages, it is a `Stream` and a `Sink`. It works
/// on every [`Runtime`]. Nothing is spawned: each call drives both directions while it is polled.
/// Use [`split`](Self::split) to read and write in two tasks, and [`spawn`](Self::spawn) to keep pongs
/// and time-outs going while nobody reads.
///
/// Dropping a connection closes the transport at once, without the goodbyes of the layers; see
/// [`finish`](Self::finish).
pub struct Connection<L: Layer> {
    pub(super) engine: Engine<L>,
    pub(super) io: Option<Box<dyn Transport>>,
    pub(crate) runtime: Arc<dyn Runtime>,
    /// When it expires, and the timer.
    pub(super) timer: Option<(Instant, Pin<Box<dyn AsyncTimer>>)>,
    pub(super) writing: Writing,
    /// The error that ended the stack was handed to a reader of messages.
    pub(super) error_taken: bool,
    /// The last read was large: the next one is worth a large buffer.
    pub(super) reads_much: bool,
    /// Something was read, or tried to be, since the last flush.
    pub(super) was_read: bool,
    /// The task that waits to read.
    pub(super) reader: Option<Waker>,
    /// In milliseconds.
    pub(super) close_timeout: u32,
    /// Expires when this direction has not ended in time.
    pub(super) closing: Option<Pin<Box<dyn AsyncTimer>>>,
}

pub(super) enum Writing {
    Open,
    /// Everything has left and the transport was told.
    Shut,
    /// The transport refused bytes; what is still to be read comes before the error.
    Broken(Option<Box<Error>>),
}

impl<L> Connection<L>
where
    L: Layer,
{
    /// Runs a stack on a transport, such as a socket that was connected or accepted, on the runtime that
    /// this is called in.
    ///
    /// Small writes leave at once, and a stack that aborts its wire resets the transport, where the
    /// transport can do that.
    ///
    /// # Errors
    ///
    /// There is no runtime here, or the runtime cannot use the transport.
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
        Self::from_transport_on(current().map_err(none_here)?, io, engine)
    }

    /// Runs a stack on a transport, on this runtime.
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
            was_read: false,
            reader: None,
            close_timeout: CLOSE_TIMEOUT,
            closing: None,
        }
    }

    /// Boxes the stack, so that connections with different stacks have one type.
    pub fn boxed(self) -> Connection<Boxed<L>>
    where
        L: Send + 'static,
    {
        self.change(Engine::boxed)
    }

    /// Puts another layer over the stack while it runs; see [`Engine::push_layer`].
    pub fn push_layer<U>(self, upper: U) -> Connection<Stack<L, U>>
    where
        L: Layer<In = Pipe, Out = Pipe>,
        U: Layer<In: Default, Out: Default>,
    {
        self.change(|engine| engine.push_layer(upper))
    }

    fn change<M: Layer>(self, change: impl FnOnce(Engine<L>) -> Engine<M>) -> Connection<M> {
        Connection {
            engine: change(self.engine),
            io: self.io,
            runtime: self.runtime,
            timer: self.timer,
            writing: self.writing,
            error_taken: self.error_taken,
            reads_much: self.reads_much,
            was_read: self.was_read,
            reader: self.reader,
            close_timeout: self.close_timeout,
            closing: self.closing,
        }
    }

    /// Returns the stack, to read facts and to decide.
    pub fn engine(&mut self) -> &mut Engine<L> {
        &mut self.engine
    }

    /// Returns the topmost layer of type `T`, to read facts.
    pub fn part<T: Any>(&self) -> Option<&T>
    where
        L: 'static,
    {
        self.engine.part()
    }

    /// Returns the topmost layer of type `T`, to decide.
    pub fn part_mut<T: Any>(&mut self) -> Option<&mut T>
    where
        L: 'static,
    {
        self.engine.part_mut()
    }

    /// Returns the `nth` layer of type `T`, from the top down, to read facts: TLS in TLS has two.
    pub fn nth_part<T: Any>(&self, nth: usize) -> Option<&T>
    where
        L: 'static,
    {
        self.engine.nth_part(nth)
    }

    /// Returns the `nth` layer of type `T`, from the top down, to decide.
    pub fn nth_part_mut<T: Any>(&mut self, nth: usize) -> Option<&mut T>
    where
        L: 'static,
    {
        self.engine.nth_part_mut(nth)
    }

    /// Returns the stream that the connection runs on, if it is a `T` and not closed yet: a socket of
    /// tokio, smol or the standard library, or what an adapter wraps.
    pub fn transport<T: Any>(&self) -> Option<&T> {
        self.io.as_ref()?.as_any().downcast_ref()
    }

    /// Returns the address of this end of the socket.
    ///
    /// # Errors
    ///
    /// The transport is no socket, is closed, or those of the system.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.as_ref().map_or_else(closed, |io| io.local_addr())
    }

    /// Returns the address of the other end of the socket, which may be a proxy.
    ///
    /// # Errors
    ///
    /// The transport is no socket, is closed, or those of the system.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.io.as_ref().map_or_else(closed, |io| io.peer_addr())
    }

    /// Returns what the stack is waiting for.
    pub fn progress(&self) -> Progress {
        self.engine.progress()
    }

    /// Returns the state of each layer, from the wire up.
    pub fn describe(&self) -> Vec<Status<'_>> {
        self.engine.describe()
    }

    /// Gives the stack so long to open, from now on.
    pub fn set_open_timeout(&mut self, allowed: Duration) {
        self.engine.set_open_timeout(allowed, self.now());
    }

    /// Sets how long `shutdown` of a stream of bytes may take, counted from its first call: 10 s unless
    /// set. After it the connection is cut short, and the call fails. To send much to a slow peer before
    /// the end, flush first, which has no limit.
    ///
    /// A WebSocket has a [time-out of its own](crate::websocket::Settings::close_timeout).
    pub fn set_close_timeout(&mut self, timeout: Duration) {
        self.close_timeout = timeout.as_millis().try_into().unwrap_or(u32::MAX);
    }

    /// Returns the runtime that the connection runs on.
    pub fn runtime(&self) -> &Arc<dyn Runtime> {
        &self.runtime
    }

    pub(crate) fn now(&self) -> Instant {
        self.runtime.now()
    }

    /// Drives until `fact` finds what it looks for, such as the request that a server layer parks
    /// at.
    ///
    /// Dropping the future loses nothing: all state is in the connection.
    ///
    /// # Errors
    ///
    /// The error that ended the stack; a stack that ended well without the fact is
    /// [`Ended`].
    pub async fn wait_for<T>(
        &mut self,
        mut fact: impl FnMut(&mut Engine<L>) -> Option<T>,
    ) -> Result<T, Error> {
        poll_fn(|cx| {
            loop {
                self.process();
                if let Some(found) = fact(&mut self.engine) {
                    self.push(cx); // the peer may be waiting for what made it true
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
                self.push(cx); // the layers' last words
                return Poll::Ready(Err(error));
            }
        })
        .await
    }

    /// Drives until every layer is open.
    ///
    /// Dropping the future loses nothing.
    ///
    /// # Errors
    ///
    /// As [`wait_for`](Self::wait_for).
    pub async fn open(&mut self) -> Result<(), Error> {
        self.wait_for(|engine| engine.is_open().then_some(())).await
    }

    /// Ends the application's side, lets every layer say goodbye and waits for the end of the
    /// transport, at most `timeout` long. What still arrives is thrown away.
    ///
    /// A server that refuses should end so: closing a socket with unread bytes resets it, and a
    /// reset may overtake the refusal.
    ///
    /// # Errors
    ///
    /// The error that ended the stack, or the time-out.
    pub async fn finish(mut self, timeout: Duration) -> Result<(), Error> {
        let runtime = self.runtime.clone();
        let mut late = pin!(sleep(&*runtime, timeout));
        self.engine.from_app().finish();
        poll_fn(|cx| {
            loop {
                self.engine.to_app().discard();
                if self.io.is_none() {
                    return Poll::Ready(match self.engine.to_app().closed() {
                        Some(End::Aborted(error)) => Err(error.clone()),
                        _ => Ok(()),
                    });
                }
                if self.advance(cx).is_pending() {
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

fn closed<T>() -> io::Result<T> {
    Err(io::ErrorKind::NotConnected.into())
}

/// Shows the layers and their state, from the wire up.
impl<L: Layer> fmt::Debug for Connection<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut layers = f.debug_list();
        for status in self.describe() {
            layers.entry(&format_args!("{status}"));
        }
        layers.finish()
    }
}

// Nothing in here is ever pinned in its place.
impl<L: Layer> Unpin for Connection<L> {}

/// A stack in a box, of which only the flows of the application's side are known.
pub type Boxed<L> = Box<dyn Layer<In = <L as Layer>::In, Out = <L as Layer>::Out> + Send>;

/// The stack ended well before what was waited for.
#[derive(Debug, thiserror::Error)]
#[error("ended before what was waited for")]
#[non_exhaustive]
pub struct Ended;

/// The goodbyes took too long.
#[derive(Debug, thiserror::Error)]
#[error("not finished after {timeout:?}")]
struct Unfinished {
    timeout: Duration,
}

/// How long `shutdown` may take unless it is set, in milliseconds.
const CLOSE_TIMEOUT: u32 = 10_000;
