//! One connection for two tasks: its halves, and a handle to one that a background task drives.

mod websocket;

use super::Connection;
use super::wakers::{Half, HalfGuard, Wakers};
use futures_core::Stream;
use futures_sink::Sink;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use wirestack_layer::{ByteSize, Error, Layer, Pipe, Queue};
use wirestack_nest::Engine;

impl<L> Connection<L>
where
    L: Layer,
{
    /// Splits the connection for two tasks. Each half drives both directions while it is polled;
    /// when neither is, nothing moves. The transport closes when both are dropped.
    pub fn split(self) -> (Reader<L>, Writer<L>) {
        Handle::new(self).split()
    }
}

impl<L> Connection<L>
where
    L: Layer,
{
    /// Returns a handle, and a future that drives the connection, to be spawned anywhere. Pongs and time-outs then go on while nobody reads, until the application's side is
    /// full. The future ends with the connection, or when the handle and its halves are dropped.
    pub fn driven(self) -> (Handle<L>, impl Future<Output = ()> + use<L>) {
        let handle = Handle::new(self);
        let shared = handle.shared.clone();
        let driver = poll_fn(move |cx| {
            loop {
                if shared.wakers.abandoned.load(Ordering::Acquire) {
                    return Poll::Ready(());
                }
                let advanced = shared.with(Half::Background, cx, |connection, cx| {
                    connection.advance(cx).map(|()| connection.is_over())
                });
                if ready!(advanced) {
                    return Poll::Ready(());
                }
            }
        });
        (handle, driver)
    }
}

impl<L> Connection<L>
where
    L: Layer<In: Send, Out: Send> + Send + 'static,
{
    /// Drives the connection in a task of its runtime (a thread, on threads), and returns a handle.
    pub fn spawn(self) -> Handle<L> {
        let runtime = self.runtime.clone();
        let (handle, driver) = self.driven();
        runtime.spawn(Box::pin(driver));
        handle
    }
}

/// A connection that a background task may drive, with all that a connection can do.
pub struct Handle<L: Layer> {
    shared: Arc<Shared<L>>,
    guard: Arc<HalfGuard>,
}

/// The half that receives.
pub struct Reader<L: Layer>(Handle<L>);

/// The half that sends.
pub struct Writer<L: Layer>(Handle<L>);

impl<L> Handle<L>
where
    L: Layer,
{
    fn new(connection: Connection<L>) -> Self {
        let wakers = Arc::<Wakers>::default();
        Self {
            guard: Arc::new(HalfGuard(wakers.clone())),
            shared: Arc::new(Shared {
                connection: Mutex::new(connection),
                fan: Waker::from(wakers.clone()),
                wakers,
            }),
        }
    }

    /// Splits the handle for two tasks.
    pub fn split(self) -> (Reader<L>, Writer<L>) {
        let other = Self {
            shared: self.shared.clone(),
            guard: self.guard.clone(),
        };
        (Reader(self), Writer(other))
    }

    /// Reads facts from the stack, or takes a decision in it.
    pub fn with<T>(&self, act: impl FnOnce(&mut Engine<L>) -> T) -> T {
        let result = act(self.shared.lock().engine());
        self.shared.wakers.wake_all();
        result
    }
}

impl<L> Reader<L>
where
    L: Layer,
{
    /// Reads facts from the stack, or takes a decision in it.
    pub fn with<T>(&self, act: impl FnOnce(&mut Engine<L>) -> T) -> T {
        self.0.with(act)
    }
}

impl<L> Writer<L>
where
    L: Layer,
{
    /// Reads facts from the stack, or takes a decision in it.
    pub fn with<T>(&self, act: impl FnOnce(&mut Engine<L>) -> T) -> T {
        self.0.with(act)
    }
}

macro_rules! shows {
    ($($holder:ident)*) => {$(
        impl<L: Layer> fmt::Debug for $holder<L> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($holder)).finish_non_exhaustive()
            }
        }
    )*};
}
shows!(Handle Reader Writer);

/// A connection, and the wakers of its halves.
struct Shared<L: Layer> {
    connection: Mutex<Connection<L>>,
    wakers: Arc<Wakers>,
    /// The waker that the transport and the timer have, which remember only one: it wakes all.
    fan: Waker,
}

impl<L> Shared<L>
where
    L: Layer,
{
    fn lock(&self) -> MutexGuard<'_, Connection<L>> {
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(
        &self,
        half: Half,
        cx: &mut Context<'_>,
        act: impl FnOnce(&mut Connection<L>, &mut Context<'_>) -> T,
    ) -> T {
        self.wakers.register(half, cx.waker());
        let mut connection = self.lock();
        let before = connection.revision();
        let result = act(&mut connection, &mut Context::from_waker(&self.fan));
        let moved = connection.revision() != before;
        drop(connection);
        if moved {
            self.wakers.wake_but(half); // what moved may be what another one waits for
        }
        result
    }
}

// --- messages ---

/// The receiving methods of a connection, for what holds a part of it.
macro_rules! receives {
    ($holder:ident, $handle:ident => $at:expr) => {
        impl<L, I, O> $holder<L>
        where
            L: Layer<In = Queue<I>, Out = Queue<O>>,
            I: ByteSize,
            O: ByteSize,
        {
            /// Receives the next message; `None` is a clean end. Dropping the future loses nothing.
            ///
            /// # Errors
            ///
            /// The error that ended the stack, once, behind every message that came before it.
            pub async fn next(&mut self) -> Option<Result<O, Error>> {
                let $handle = &*self;
                poll_fn(|cx| $at.with(Half::Reader, cx, |c, cx| c.receive(cx))).await
            }
        }

        impl<L, O> Stream for $holder<L>
        where
            L: Layer<In = Queue<O>, Out = Queue<O>>,
            O: ByteSize,
        {
            type Item = Result<O, Error>;
            fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
                let $handle = &*self;
                $at.with(Half::Reader, cx, |c, cx| c.receive(cx))
            }
        }

        impl<L> $holder<L>
        where
            L: Layer<In = Pipe, Out = Pipe>,
        {
            pub(crate) fn poll_take(
                &mut self,
                cx: &mut Context<'_>,
                most: usize,
                take: impl FnMut(&[u8]),
            ) -> Poll<io::Result<usize>> {
                let $handle = &*self;
                $at.with(Half::Reader, cx, |c, cx| c.poll_take(cx, most, take))
            }
        }
    };
}
receives!(Handle, handle => handle.shared);
receives!(Reader, reader => reader.0.shared);

/// The sending methods of a connection, for what holds a part of it.
macro_rules! sends {
    ($holder:ident, $handle:ident => $at:expr) => {
        impl<L, I, O> $holder<L>
        where
            L: Layer<In = Queue<I>, Out = Queue<O>>,
            I: ByteSize,
            O: ByteSize,
        {
            /// Sends a message and waits until it has left. A message is accepted wholly or not at
            /// all: if the future is dropped while it waits for room, it was not accepted.
            ///
            /// # Errors
            ///
            /// The error that ended the stack.
            pub async fn send(&mut self, message: I) -> Result<(), Error> {
                self.feed(message).await?;
                self.flushed().await
            }

            /// Accepts a message as soon as there is room, without sending it yet. A message is
            /// accepted wholly or not at all.
            ///
            /// # Errors
            ///
            /// The error that ended the stack.
            pub async fn feed(&mut self, message: I) -> Result<(), Error> {
                let $handle = &*self;
                let mut message = Some(message);
                poll_fn(|cx| {
                    $at.with(Half::Writer, cx, |c, cx| {
                        ready!(c.make_room(cx))?;
                        message.take().into_iter().for_each(|m| c.start(m));
                        Poll::Ready(Ok(()))
                    })
                })
                .await
            }

            /// Waits until every accepted message has left. Dropping the future loses nothing.
            ///
            /// # Errors
            ///
            /// The error that ended the stack.
            pub async fn flushed(&mut self) -> Result<(), Error> {
                let $handle = &*self;
                poll_fn(|cx| $at.with(Half::Writer, cx, |c, cx| c.flush(cx))).await
            }
        }

        impl<L, I> Sink<I> for $holder<L>
        where
            L: Layer<In = Queue<I>, Out = Queue<I>>,
            I: ByteSize,
        {
            type Error = Error;
            fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
                let $handle = &*self;
                $at.with(Half::Writer, cx, |c, cx| c.make_room(cx))
            }

            fn start_send(self: Pin<&mut Self>, message: I) -> Result<(), Error> {
                let $handle = &*self;
                $at.lock().start(message);
                Ok(())
            }

            fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
                let $handle = &*self;
                $at.with(Half::Writer, cx, |c, cx| c.flush(cx))
            }

            fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
                let $handle = &*self;
                $at.with(Half::Writer, cx, |c, cx| c.end(cx))
            }
        }

        impl<L> $holder<L>
        where
            L: Layer<In = Pipe, Out = Pipe>,
        {
            pub(crate) fn poll_put(
                &mut self,
                cx: &mut Context<'_>,
                bytes: &[u8],
            ) -> Poll<io::Result<usize>> {
                let $handle = &*self;
                $at.with(Half::Writer, cx, |c, cx| c.poll_put(cx, bytes))
            }

            pub(crate) fn poll_left(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                let $handle = &*self;
                $at.with(Half::Writer, cx, |c, cx| c.poll_left(cx))
            }

            pub(crate) fn poll_finish(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                let $handle = &*self;
                $at.with(Half::Writer, cx, |c, cx| c.poll_finish(cx))
            }
        }
    };
}
sends!(Handle, handle => handle.shared);
sends!(Writer, writer => writer.0.shared);
