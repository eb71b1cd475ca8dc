//! One connection in several hands: halves for two tasks, and a handle to one that is driven in the
//! background.

use super::wakers::{Hand, Hold, Wakers};
use super::{Connection, Runtime, Wire};
use crate::websocket::Payload;
use crate::{Engine, Error, Layer, Pipe, Queue, Weigh};
use bytes::Bytes;
use futures_core::Stream;
use futures_sink::Sink;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

impl<S, L, R> Connection<S, L, R>
where
    S: Wire<R>,
    R: Runtime,
    L: Layer,
{
    /// Splits the connection for two tasks. Each half drives both directions while it is polled;
    /// when neither is, nothing moves. The transport closes when both are dropped.
    pub fn split(self) -> (Reader<S, L, R>, Writer<S, L, R>) {
        Handle::new(self).split()
    }
}

impl<S, L, R> Connection<S, L, R>
where
    S: Wire<R>,
    R: Runtime,
    L: Layer,
{
    /// Splits the driving off: returns a handle, and a future that drives the connection wherever it is
    /// spawned. Pongs and time-outs then go on while nobody reads, until the application's side is
    /// full. The future ends with the connection, or when the handle and its halves are dropped.
    pub fn driven(self) -> (Handle<S, L, R>, impl Future<Output = ()> + use<S, L, R>) {
        let handle = Handle::new(self);
        let shared = handle.shared.clone();
        let driver = poll_fn(move |cx| {
            loop {
                if shared.wakers.abandoned.load(Ordering::Acquire) {
                    return Poll::Ready(());
                }
                let advanced = shared.with(Hand::Driver, cx, |connection, cx| {
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

/// A connection that may be driven elsewhere: all that the connection can do, from here.
pub struct Handle<S, L: Layer, R: Runtime> {
    shared: Arc<Shared<S, L, R>>,
    hold: Arc<Hold>,
}

/// The half that receives.
pub struct Reader<S, L: Layer, R: Runtime>(Handle<S, L, R>);

/// The half that sends.
pub struct Writer<S, L: Layer, R: Runtime>(Handle<S, L, R>);

impl<S, L, R> Handle<S, L, R>
where
    S: Wire<R>,
    R: Runtime,
    L: Layer,
{
    fn new(connection: Connection<S, L, R>) -> Self {
        let wakers = Arc::<Wakers>::default();
        Self {
            hold: Arc::new(Hold(wakers.clone())),
            shared: Arc::new(Shared {
                connection: Mutex::new(connection),
                fan: Waker::from(wakers.clone()),
                wakers,
            }),
        }
    }
    /// Splits the handle for two tasks.
    pub fn split(self) -> (Reader<S, L, R>, Writer<S, L, R>) {
        let other = Self {
            shared: self.shared.clone(),
            hold: self.hold.clone(),
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

impl<S, L, R> Reader<S, L, R>
where
    S: Wire<R>,
    R: Runtime,
    L: Layer,
{
    /// Reads facts from the stack, or takes a decision in it.
    pub fn with<T>(&self, act: impl FnOnce(&mut Engine<L>) -> T) -> T {
        self.0.with(act)
    }
}

impl<S, L, R> Writer<S, L, R>
where
    S: Wire<R>,
    R: Runtime,
    L: Layer,
{
    /// Reads facts from the stack, or takes a decision in it.
    pub fn with<T>(&self, act: impl FnOnce(&mut Engine<L>) -> T) -> T {
        self.0.with(act)
    }
}

/// A connection and whoever waits for it.
struct Shared<S, L: Layer, R: Runtime> {
    connection: Mutex<Connection<S, L, R>>,
    wakers: Arc<Wakers>,
    /// What the transport and the timer wake: all who wait, as they remember only the last waker.
    fan: Waker,
}

impl<S, L, R> Shared<S, L, R>
where
    S: Wire<R>,
    R: Runtime,
    L: Layer,
{
    fn lock(&self) -> MutexGuard<'_, Connection<S, L, R>> {
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
    fn with<T>(
        &self,
        hand: Hand,
        cx: &mut Context<'_>,
        act: impl FnOnce(&mut Connection<S, L, R>, &mut Context<'_>) -> T,
    ) -> T {
        self.wakers.register(hand, cx.waker());
        let mut connection = self.lock();
        let before = connection.moves();
        let result = act(&mut connection, &mut Context::from_waker(&self.fan));
        let moved = connection.moves() != before;
        drop(connection);
        if moved {
            self.wakers.wake_but(hand); // what moved may be what another one waits for
        }
        result
    }
}

// --- messages ---

/// The receiving methods of a connection, for what holds a part of it.
macro_rules! receives {
    ($holder:ident, $handle:ident => $at:expr) => {
        impl<S, L, I, O, R> $holder<S, L, R>
        where
            S: Wire<R>,
            R: Runtime,
            L: Layer<In = Queue<I>, Out = Queue<O>>,
            I: Weigh,
            O: Weigh,
        {
            /// Receives the next message; `None` is a clean end. Dropping the future loses nothing.
            ///
            /// # Errors
            ///
            /// What ended the stack, once, behind every message that came before it.
            pub async fn next(&mut self) -> Option<Result<O, Error>> {
                let $handle = &*self;
                poll_fn(|cx| $at.with(Hand::Reader, cx, |c, cx| c.receive(cx))).await
            }
        }
        impl<S, L, O, R> Stream for $holder<S, L, R>
        where
            S: Wire<R>,
            R: Runtime,
            L: Layer<In = Queue<O>, Out = Queue<O>>,
            O: Weigh,
        {
            type Item = Result<O, Error>;
            fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
                let $handle = &*self;
                $at.with(Hand::Reader, cx, |c, cx| c.receive(cx))
            }
        }
        impl<S, L, R> $holder<S, L, R>
        where
            S: Wire<R>,
            R: Runtime,
            L: Layer<In = Pipe, Out = Pipe>,
        {
            pub(in crate::driver) fn poll_take(
                &mut self,
                cx: &mut Context<'_>,
                most: usize,
                take: impl FnMut(&[u8]),
            ) -> Poll<io::Result<usize>> {
                let $handle = &*self;
                $at.with(Hand::Reader, cx, |c, cx| c.poll_take(cx, most, take))
            }
        }
    };
}
receives!(Handle, handle => handle.shared);
receives!(Reader, reader => reader.0.shared);

/// The sending methods of a connection, for what holds a part of it.
macro_rules! sends {
    ($holder:ident, $handle:ident => $at:expr) => {
        impl<S, L, I, O, R> $holder<S, L, R>
        where
            S: Wire<R>,
            R: Runtime,
            L: Layer<In = Queue<I>, Out = Queue<O>>,
            I: Weigh,
            O: Weigh,
        {
            /// Sends a message and waits until it has left. A message is accepted wholly or not at
            /// all: if the future is dropped while it waits for room, it was not accepted.
            ///
            /// # Errors
            ///
            /// What ended the stack.
            pub async fn send(&mut self, message: I) -> Result<(), Error> {
                self.feed(message).await?;
                self.flushed().await
            }
            /// Accepts a message as soon as there is room, without sending it yet. A message is
            /// accepted wholly or not at all.
            ///
            /// # Errors
            ///
            /// What ended the stack.
            pub async fn feed(&mut self, message: I) -> Result<(), Error> {
                let $handle = &*self;
                let mut message = Some(message);
                poll_fn(|cx| {
                    $at.with(Hand::Writer, cx, |c, cx| {
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
            /// What ended the stack.
            pub async fn flushed(&mut self) -> Result<(), Error> {
                let $handle = &*self;
                poll_fn(|cx| $at.with(Hand::Writer, cx, |c, cx| c.flush(cx))).await
            }
        }
        impl<S, L, I, R> Sink<I> for $holder<S, L, R>
        where
            S: Wire<R>,
            R: Runtime,
            L: Layer<In = Queue<I>, Out = Queue<I>>,
            I: Weigh,
        {
            type Error = Error;
            fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
                let $handle = &*self;
                $at.with(Hand::Writer, cx, |c, cx| c.make_room(cx))
            }
            fn start_send(self: Pin<&mut Self>, message: I) -> Result<(), Error> {
                let $handle = &*self;
                $at.lock().start(message);
                Ok(())
            }
            fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
                let $handle = &*self;
                $at.with(Hand::Writer, cx, |c, cx| c.flush(cx))
            }
            fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
                let $handle = &*self;
                $at.with(Hand::Writer, cx, |c, cx| c.end(cx))
            }
        }
        impl<S, L, R> $holder<S, L, R>
        where
            S: Wire<R>,
            R: Runtime,
            L: Layer<In = Pipe, Out = Pipe>,
        {
            pub(in crate::driver) fn poll_put(
                &mut self,
                cx: &mut Context<'_>,
                bytes: &[u8],
            ) -> Poll<io::Result<usize>> {
                let $handle = &*self;
                $at.with(Hand::Writer, cx, |c, cx| c.poll_put(cx, bytes))
            }
            pub(in crate::driver) fn poll_left(
                &mut self,
                cx: &mut Context<'_>,
            ) -> Poll<io::Result<()>> {
                let $handle = &*self;
                $at.with(Hand::Writer, cx, |c, cx| c.poll_left(cx))
            }
            pub(in crate::driver) fn poll_finish(
                &mut self,
                cx: &mut Context<'_>,
            ) -> Poll<io::Result<()>> {
                let $handle = &*self;
                $at.with(Hand::Writer, cx, |c, cx| c.poll_finish(cx))
            }
        }
    };
}
sends!(Handle, handle => handle.shared);
sends!(Writer, writer => writer.0.shared);

// --- WebSockets ---

macro_rules! pings {
    ($holder:ident, $handle:ident => $at:expr) => {
        impl<S, L, F, R> $holder<S, L, R>
        where
            S: Wire<R>,
            R: Runtime,
            L: Layer<In = F, Out = F>,
            F: Payload,
        {
            /// Sends a ping of up to 125 bytes, and returns how long its answer took. Messages that
            /// come before the answer wait to be received.
            ///
            /// # Errors
            ///
            /// A payload that is too long, too many pings without an answer, or what ended the stack.
            pub async fn ping(&mut self, payload: impl Into<Bytes>) -> Result<Duration, Error> {
                let $handle = &*self;
                let ping = $at.lock().begin_ping(payload.into())?;
                poll_fn(|cx| $at.with(Hand::Writer, cx, |c, cx| c.answer(ping, cx))).await
            }
        }
    };
}
pings!(Handle, handle => handle.shared);
pings!(Writer, writer => writer.0.shared);
