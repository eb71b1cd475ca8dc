//! One connection for several tasks: its two halves, and a handle to a connection that a task
//! drives.

mod messages;
mod shared;
mod websocket;

use super::Connection;
use super::wakers::{Half, HalfGuard, Wakers};
use futures_core::Stream;
use futures_sink::Sink;
use shared::Shared;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker, ready};
use wirestack_layer::{ByteSize, Error, Layer, Pipe, Queue};
use wirestack_nest::Engine;

impl<L> Connection<L>
where
    L: Layer,
{
    /// Splits the connection for two tasks: into the half that sends and the half that receives, in
    /// the order of `StreamExt::split` of the crate `futures`. Each half drives both directions while it is polled.
    /// When neither half is polled, nothing moves. The transport closes when both are dropped.
    ///
    /// ```
    /// use wirestack::WebSocket;
    ///
    /// async fn talk(socket: WebSocket) -> Result<(), wirestack::Error> {
    ///     let (mut writer, mut reader) = socket.split();
    ///     let reading = tokio::spawn(async move {
    ///         while let Some(Ok(message)) = reader.next().await {
    ///             println!("{message:?}");
    ///         }
    ///     });
    ///     writer.send("hello").await?;
    ///     writer.close(1000, "done").await?; // the reader ends too
    ///     let _ = reading.await;
    ///     Ok(())
    /// }
    /// ```
    pub fn split(self) -> (Writer<L>, Reader<L>) {
        Handle::new(self).split()
    }
}

impl<L> Connection<L>
where
    L: Layer,
{
    /// Returns a handle, and a future that drives the connection. Spawn the future on any executor:
    /// pings are then answered and time-outs kept while no call waits, until the flow to the
    /// application is full. The future ends with the connection, or when the handle and its halves
    /// are dropped.
    ///
    /// ```
    /// use wirestack::WebSocket;
    ///
    /// async fn talk(socket: WebSocket) -> Result<(), wirestack::Error> {
    ///     let (mut handle, driver) = socket.driven();
    ///     let driving = tokio::spawn(driver); // on a task of your own choice
    ///     handle.send("hello").await?;
    ///     handle.close(1000, "").await?;
    ///     let _ = driving.await;
    ///     Ok(())
    /// }
    /// ```
    pub fn driven(self) -> (Handle<L>, impl Future<Output = ()> + use<L>) {
        let handle = Handle::new(self);
        let shared = handle.shared.clone();
        let driver = poll_fn(move |cx| {
            loop {
                if shared.wakers.abandoned.load(Ordering::Acquire) {
                    return Poll::Ready(());
                }
                let advanced = shared.with(Half::Background, cx, |connection, cx| {
                    if connection.is_over() {
                        return Poll::Ready(true); // a half may have closed it
                    }
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
    /// Drives the connection in a task of its runtime, and returns a handle. On
    /// [`Threads`](crate::runtime::Threads) that task is a thread.
    ///
    /// ```
    /// use wirestack::WebSocket;
    ///
    /// async fn say_hourly(socket: WebSocket) -> Result<(), wirestack::Error> {
    ///     let mut handle = socket.spawn(); // pings are answered meanwhile
    ///     loop {
    ///         handle.send("still here").await?;
    ///         tokio::time::sleep(std::time::Duration::from_secs(3600)).await;
    ///     }
    /// }
    /// ```
    pub fn spawn(self) -> Handle<L> {
        let runtime = self.runtime.clone();
        let (handle, driver) = self.driven();
        runtime.spawn(Box::pin(driver));
        handle
    }
}

/// A connection that may be driven by a background task. It has the methods of a
/// [`Connection`] for reading, writing and closing.
///
/// [`Connection::spawn`] and [`Connection::driven`] return it.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let mut socket = wirestack::connect("wss://example.org/chat").await?.spawn();
/// socket.send("hello").await?; // from now on, pings are answered in the background
/// let (writer, reader) = socket.split();
/// # drop((reader, writer));
/// # Ok(())
/// # }
/// ```
///
/// ```
/// use wirestack::{WebSocketHandle, websocket};
///
/// async fn talk(mut handle: WebSocketHandle) -> Result<(), wirestack::Error> {
///     handle.feed("one").await?;
///     handle.feed("two").await?;
///     handle.flushed().await?; // both have left
///     println!("{:?}", handle.ping("").await?);
///     println!("{:?}", handle.next().await);
///     println!("{}", handle.with(|engine| engine.progress()));
///     handle.close(1000, "done").await
/// }
/// ```
pub struct Handle<L: Layer> {
    shared: Arc<Shared<L>>,
    guard: Arc<HalfGuard>,
}

/// The half of a connection that receives. [`Connection::split`] returns it.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use wirestack::{BoxSocket, Reader};
///
/// async fn print_all(mut reader: Reader<BoxSocket>) -> Result<(), wirestack::Error> {
///     while let Some(message) = reader.next().await {
///         println!("{:?}", message?);
///     }
///     Ok(())
/// }
///
/// let (mut writer, reader) = wirestack::connect("wss://example.org/chat").await?.split();
/// wirestack::runtime::spawn(async move {
///     let _ = print_all(reader).await;
/// })?;
/// writer.send("hello").await?;
/// # Ok(())
/// # }
/// ```
///
/// ```
/// use wirestack::WebSocketReader;
/// use wirestack::websocket::Client;
///
/// /// Reads to the end, and says what the server has agreed to.
/// async fn read(mut reader: WebSocketReader) -> Result<usize, wirestack::Error> {
///     let client = |client: &Client| client.subprotocol().map(str::to_owned);
///     println!("{:?}", reader.with(|engine| engine.part().and_then(client)));
///     let mut count = 0;
///     while let Some(message) = reader.next().await {
///         message?;
///         count += 1;
///     }
///     Ok(count)
/// }
/// ```
pub struct Reader<L: Layer>(Handle<L>);

/// The half of a connection that sends. [`Connection::split`] returns it.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use wirestack::websocket::CloseCode;
///
/// let (mut writer, _reader) = wirestack::connect("wss://example.org/chat").await?.spawn().split();
/// writer.send("hello").await?;
/// writer.close(CloseCode::NORMAL, "done").await?;
/// # Ok(())
/// # }
/// ```
///
/// ```
/// use wirestack::WebSocketWriter;
///
/// async fn say(mut writer: WebSocketWriter) -> Result<(), wirestack::Error> {
///     writer.feed("one").await?;
///     writer.send("two").await?; // both leave
///     println!("{:?}", writer.ping("").await?); // while the reader is read
///     println!("{}", writer.with(|engine| engine.progress()));
///     writer.flushed().await?;
///     writer.close(1000, "done").await
/// }
/// ```
pub struct Writer<L: Layer>(Handle<L>);

impl<L> Handle<L>
where
    L: Layer,
{
    fn new(mut connection: Connection<L>) -> Self {
        connection.forget_tasks(); // those that wait from now on are all woken by one waker
        let wakers = Arc::<Wakers>::default();
        Self {
            guard: Arc::new(HalfGuard(wakers.clone())),
            shared: Arc::new(Shared {
                connection: Mutex::new(connection),
                wake_all: Waker::from(wakers.clone()),
                wakers,
            }),
        }
    }

    /// Splits the handle for two tasks, as [`Connection::split`] does. A background task goes on driving the connection.
    pub fn split(self) -> (Writer<L>, Reader<L>) {
        let other = Self {
            shared: self.shared.clone(),
            guard: self.guard.clone(),
        };
        (Writer(self), Reader(other))
    }

    /// Calls `act` with the engine of the stack, to read facts from it or to take a decision in it.
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
    /// Calls `act` with the engine of the stack, to read facts from it or to take a decision in it.
    pub fn with<T>(&self, act: impl FnOnce(&mut Engine<L>) -> T) -> T {
        self.0.with(act)
    }
}

impl<L> Writer<L>
where
    L: Layer,
{
    /// Calls `act` with the engine of the stack, to read facts from it or to take a decision in it.
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

// --- messages ---

/// Implements the receiving methods of a connection for a handle or a half.
macro_rules! receives {
    ($holder:ident, $handle:ident => $at:expr) => {
        impl<L, I, O> $holder<L>
        where
            L: Layer<In = Queue<I>, Out = Queue<O>>,
            I: ByteSize,
            O: ByteSize,
        {
            /// Receives the next message; `None` is a clean end. Dropping the future loses no
            /// message.
            ///
            /// # Errors
            ///
            /// The error that ended the stack, behind all messages that arrived before it. It is
            /// returned once; then comes `None`.
            pub async fn next(&mut self) -> Option<Result<O, Error>> {
                let $handle = &*self;
                poll_fn(|cx| $at.receive(cx)).await
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
                $at.receive(cx)
            }
        }

        impl<L> $holder<L>
        where
            L: Layer<In = Pipe, Out = Pipe>,
        {
            pub(crate) fn poll_read_bytes(
                &mut self,
                cx: &mut Context<'_>,
                max: usize,
                take: impl FnMut(&[u8]),
            ) -> Poll<io::Result<usize>> {
                let $handle = &*self;
                $at.with(Half::Reader, cx, |c, cx| c.poll_read_bytes(cx, max, take))
            }
        }
    };
}
receives!(Handle, handle => handle.shared);
receives!(Reader, reader => reader.0.shared);

/// Implements the sending methods of a connection for a handle or a half.
macro_rules! sends {
    ($holder:ident, $handle:ident => $at:expr) => {
        impl<L, I, O> $holder<L>
        where
            L: Layer<In = Queue<I>, Out = Queue<O>>,
            I: ByteSize,
            O: ByteSize,
        {
            /// Sends a message and waits until it has left. A message is accepted as a whole or not
            /// at all: if the future is dropped while it waits for room, the message was not
            /// accepted.
            ///
            /// # Errors
            ///
            /// The error that ended the stack, or [`ConnectionClosed`](crate::ConnectionClosed).
            pub async fn send(&mut self, message: impl Into<I>) -> Result<(), Error> {
                let $handle = &*self;
                let mut message = Some(message.into());
                poll_fn(|cx| $at.with(Half::Writer, cx, |c, cx| c.poll_send(cx, &mut message)))
                    .await
            }

            /// Accepts a message as soon as there is room, and does not send it yet. A message is
            /// accepted as a whole or not at all.
            ///
            /// # Errors
            ///
            /// The error that ended the stack, or [`ConnectionClosed`](crate::ConnectionClosed).
            pub async fn feed(&mut self, message: impl Into<I>) -> Result<(), Error> {
                let $handle = &*self;
                let mut message = Some(message.into());
                poll_fn(|cx| $at.poll_feed(cx, &mut message)).await
            }

            /// Waits until every accepted message has left. Dropping the future loses no message.
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
                $at.with(Half::Writer, cx, |c, cx| c.poll_send_ready(cx))
            }

            fn start_send(self: Pin<&mut Self>, message: I) -> Result<(), Error> {
                let $handle = &*self;
                $at.lock().start_message(message)
            }

            fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
                let $handle = &*self;
                $at.with(Half::Writer, cx, |c, cx| c.flush(cx))
            }

            fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
                let $handle = &*self;
                $at.with(Half::Writer, cx, |c, cx| c.finish_and_flush(cx))
            }
        }

        impl<L> $holder<L>
        where
            L: Layer<In = Pipe, Out = Pipe>,
        {
            pub(crate) fn poll_write_bytes(
                &mut self,
                cx: &mut Context<'_>,
                bytes: &[u8],
            ) -> Poll<io::Result<usize>> {
                let $handle = &*self;
                $at.with(Half::Writer, cx, |c, cx| c.poll_write_bytes(cx, bytes))
            }

            pub(crate) fn poll_flush_bytes(
                &mut self,
                cx: &mut Context<'_>,
            ) -> Poll<io::Result<()>> {
                let $handle = &*self;
                $at.with(Half::Writer, cx, |c, cx| c.poll_flush_bytes(cx))
            }

            pub(crate) fn poll_shutdown_bytes(
                &mut self,
                cx: &mut Context<'_>,
            ) -> Poll<io::Result<()>> {
                let $handle = &*self;
                $at.with(Half::Writer, cx, |c, cx| c.poll_shutdown_bytes(cx))
            }
        }
    };
}
sends!(Handle, handle => handle.shared);
sends!(Writer, writer => writer.0.shared);
