use super::{Runtime, Wire};
use crate::{Engine, Error, Flow, Layer, Pipe, Progress, Stack, Status};
use std::any::Any;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Poll, ready};
use std::time::{Duration, Instant};

/// A stack on a transport: moves bytes between the two whenever it is polled.
///
/// Where the application's side is bytes it is `AsyncRead` and `AsyncWrite`, of tokio and of
/// `futures_io`; where it is messages, a `Stream` and a `Sink`. Nothing is spawned: whoever polls drives, in both directions.
/// Use [`split`](Self::split) to read and write in two tasks, and [`driven`](Self::driven) to keep
/// pongs and time-outs going while nobody reads.
///
/// Dropping a connection closes the transport at once, without the goodbyes of the layers; see
/// [`finish`](Self::finish).
pub struct Connection<S, L: Layer, R: Runtime> {
    pub(super) io: Option<S>,
    pub(super) engine: Engine<L>,
    pub(super) runtime: R,
    /// When it is due, and what waits for that.
    pub(super) timer: Option<(Instant, R::Timer)>,
    pub(super) cut: fn(&S),
    pub(super) writing: Writing,
    /// The error that ended the stack was handed to a reader of messages.
    pub(super) told: bool,
    /// The last read was large: the next one is worth a large buffer.
    pub(super) busy: bool,
}

pub(super) enum Writing {
    Open,
    /// Everything has left and the transport was told.
    Shut,
    /// The transport refused bytes; what is still to be read comes before the error.
    Broken(Option<Error>),
}

impl<S, L, R> Connection<S, L, R>
where
    S: Wire<R>,
    R: Runtime,
    L: Layer,
{
    /// Joins a transport and a stack.
    ///
    /// A stack that aborts its wire merely closes a transport of unknown kind; with
    /// [`dialled`](Connection::dialled) the peer sees a reset.
    pub fn new(io: S, engine: Engine<L>) -> Self
    where
        R: Default,
    {
        Self::on(R::default(), io, engine)
    }
    /// Joins a transport and a stack on this runtime.
    pub fn on(runtime: R, io: S, engine: Engine<L>) -> Self {
        Self::with(runtime, io, engine, |_| {})
    }
    pub(in crate::driver) fn with(runtime: R, io: S, engine: Engine<L>, cut: fn(&S)) -> Self {
        Self {
            io: Some(io),
            engine,
            runtime,
            timer: None,
            cut,
            writing: Writing::Open,
            told: false,
            busy: false,
        }
    }
    /// Boxes the stack, so that connections with different stacks have one type.
    pub fn boxed(self) -> Connection<S, Boxed<L>, R>
    where
        L: Send + 'static,
    {
        self.change(Engine::boxed)
    }
    /// Puts another layer over the stack while it runs; see [`Engine::grow`].
    pub fn grow<U>(self, upper: U) -> Connection<S, Stack<L, U>, R>
    where
        L: Layer<In = Pipe, Out = Pipe>,
        U: Layer<In: Default, Out: Default>,
    {
        self.change(|engine| engine.grow(upper))
    }
    fn change<M: Layer>(self, change: impl FnOnce(Engine<L>) -> Engine<M>) -> Connection<S, M, R> {
        Connection {
            io: self.io,
            engine: change(self.engine),
            runtime: self.runtime,
            timer: self.timer,
            cut: self.cut,
            writing: self.writing,
            told: self.told,
            busy: self.busy,
        }
    }
    /// Returns the stack, to read facts and to decide.
    pub fn engine(&mut self) -> &mut Engine<L> {
        &mut self.engine
    }
    /// Returns the topmost layer of type `T`.
    pub fn part<T: Any>(&mut self) -> Option<&mut T> {
        self.engine.part()
    }
    /// Returns the transport, unless it has been closed.
    pub fn transport(&self) -> Option<&S> {
        self.io.as_ref()
    }
    /// Returns what the stack is waiting for.
    pub fn progress(&self) -> Progress {
        self.engine.progress()
    }
    /// Returns the state of each layer, from the wire up.
    pub fn describe(&self) -> Vec<Status> {
        self.engine.describe()
    }
    /// Gives the stack so long to open, from now on.
    pub fn open_within(&mut self, allowed: Duration) {
        self.engine.open_within(allowed, self.now());
    }
    pub(in crate::driver) fn now(&self) -> Instant {
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
    pub async fn until<T>(
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
                    Some(crate::End::Aborted(error)) => error.clone(),
                    Some(crate::End::Finished) => Error::peer("connection", Ended),
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
    /// As [`until`](Self::until).
    pub async fn open(&mut self) -> Result<(), Error> {
        self.until(|engine| engine.is_open().then_some(())).await
    }
    /// Ends the application's side, lets every layer say goodbye and waits for the end of the
    /// transport, at most `patience` long. What still arrives is thrown away.
    ///
    /// A server that refuses should end so: closing a socket with unread bytes resets it, and a
    /// reset may overtake the refusal.
    ///
    /// # Errors
    ///
    /// The error that ended the stack, or the patience.
    pub async fn finish(mut self, patience: Duration) -> Result<(), Error> {
        self.engine.from_app().finish();
        let late = self.now().checked_add(patience);
        let mut late = late.map(|until| self.runtime.timer(until));
        poll_fn(|cx| {
            loop {
                self.engine.to_app().discard();
                if self.io.is_none() {
                    return Poll::Ready(match self.engine.to_app().closed() {
                        Some(crate::End::Aborted(error)) => Err(error.clone()),
                        _ => Ok(()),
                    });
                }
                if self.advance(cx).is_pending() {
                    let Some(late) = &mut late else {
                        return Poll::Pending;
                    };
                    ready!(Pin::new(late).poll(cx));
                    return Poll::Ready(Err(Error::peer("connection", Unfinished { patience })));
                }
            }
        })
        .await
    }
}

// Nothing in here is ever pinned in its place.
impl<S, L: Layer, R: Runtime> Unpin for Connection<S, L, R> {}

impl<L: Layer, R: Runtime> Connection<R::Transport, L, R> {
    /// Joins what was dialled or accepted and a stack. Small writes leave at once, and a stack that
    /// aborts its wire resets the transport where that can be, so that the peer cannot take it for an
    /// end.
    pub fn dialled(io: R::Transport, engine: Engine<L>) -> Self
    where
        R: Default,
    {
        Self::dialled_on(R::default(), io, engine)
    }
    /// Does the same on this runtime.
    pub fn dialled_on(runtime: R, io: R::Transport, engine: Engine<L>) -> Self {
        R::undelay(&io);
        Self::with(runtime, io, engine, R::cut)
    }
}

/// A stack in a box, of which only the flows of the application's side are known.
pub type Boxed<L> = Box<dyn Layer<In = <L as Layer>::In, Out = <L as Layer>::Out> + Send>;

/// The stack ended well before what was waited for.
#[derive(Debug, thiserror::Error)]
#[error("ended before what was waited for")]
#[non_exhaustive]
pub struct Ended;

/// The goodbyes took too long.
#[derive(Debug, thiserror::Error)]
#[error("not finished after {patience:?}")]
struct Unfinished {
    patience: Duration,
}
