//! Connections for threads: each call waits until it is done.
//!
//! A thread waits by itself for its sockets and timers, in `poll(2)`: there is no other thread in the
//! background. Everything else of this crate works in threads too, in [`block_on`].
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut socket = wirestack::connect("wss://example.org/chat")
//!     .via("http://proxy.test:3128")
//!     .blocking()?;
//! socket.send("hello".into())?;
//! while let Some(message) = socket.next() {
//!     println!("{:?}", message?);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Linux is what it is tested on. For macOS and Windows it is compiled by the tests of this project,
//! and not run.
#![allow(
    clippy::disallowed_methods,
    reason = "its calls wait by the clock of the system"
)]

mod calls;

use crate::connect::{Connect, ConnectStream};
use crate::driver::io as driver;
use crate::driver::runtime::threads::block_until;
use crate::driver::runtime::{IntoTransport, Threads};
use std::any::Any;
use std::io;
use std::time::{Duration, Instant};
use wirestack_dial::BoxSocket;
use wirestack_dial::{DialError, Trace};
use wirestack_layer::{Error, Layer, Queue, Status, origin};
use wirestack_nest::{BoxTunnel, Engine};
use wirestack_websocket::{Message, Payload};

pub use crate::driver::runtime::threads::block_on;

/// A [`Connection`](crate::Connection), or a half of one, whose calls wait.
#[derive(Debug)]
pub struct Blocking<C> {
    inner: C,
    timeout: Option<Duration>,
}

/// A connection whose calls wait: [`Read`](io::Read) and [`Write`](io::Write) where it carries bytes.
pub type Connection<L> = Blocking<driver::Connection<L>>;

/// The half of a connection that receives.
pub type Reader<L> = Blocking<driver::Reader<L>>;

/// The half of a connection that sends.
pub type Writer<L> = Blocking<driver::Writer<L>>;

/// A WebSocket whose calls wait: of messages, unless it is of their parts or of bytes.
pub type WebSocket<F = Queue<Message>> = Connection<BoxSocket<F>>;

/// A stream of bytes whose calls wait.
pub type ByteStream = Connection<BoxTunnel>;

/// Connects a WebSocket, through the proxy that the environment names, if any. For more than a URL, say
/// it to [`connect`](fn@crate::connect), and connect with [`Connect::blocking`].
///
/// # Errors
///
/// The error names the hop that failed, and what it waited for.
pub fn connect(url: &str) -> Result<WebSocket, DialError> {
    crate::connect(url).blocking()
}

/// Opens a stream of bytes, through the proxy that the environment names, if any. For more than a URL,
/// say it to [`connect_stream`](crate::connect_stream), and connect with [`ConnectStream::blocking`].
///
/// # Errors
///
/// The error names the hop that failed, and what it waited for.
pub fn connect_stream(url: &str) -> Result<ByteStream, DialError> {
    crate::connect_stream(url).blocking()
}

impl<C> Blocking<C> {
    fn new(inner: C, timeout: Option<Duration>) -> Self {
        Self { inner, timeout }
    }

    /// Sets how long each call may wait, instead of for ever. A call that waited so long fails with
    /// [`TimedOut`], and loses nothing: another call goes on where it stopped.
    pub fn set_timeout(&mut self, timeout: Option<Duration>) {
        self.timeout = timeout;
    }

    /// Waits for anything that the connection can do asynchronously.
    ///
    /// # Errors
    ///
    /// [`TimedOut`].
    pub fn wait<'a, T, F>(&'a mut self, act: impl FnOnce(&'a mut C) -> F) -> Result<T, Error>
    where
        F: Future<Output = T> + 'a,
    {
        let until = self.timeout.and_then(|it| Instant::now().checked_add(it));
        let late = || Error::local(origin::CONNECTION, TimedOut);
        block_until(until, act(&mut self.inner)).ok_or_else(late)
    }

    /// Returns the connection itself.
    pub fn get_ref(&self) -> &C {
        &self.inner
    }

    /// Returns the connection itself, which works in [`block_on`] only.
    pub fn into_inner(self) -> C {
        self.inner
    }
}

impl<L: Layer> Connection<L> {
    /// Runs a stack on a transport, such as a socket of the standard library that was connected or
    /// accepted.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn from_transport(io: impl IntoTransport, engine: Engine<L>) -> Result<Self, Error> {
        let inner = driver::Connection::from_transport_on(Threads::shared(), io, engine)?;
        Ok(Self::new(inner, None))
    }

    /// Returns the stack, to read facts and to decide.
    pub fn engine(&mut self) -> &mut Engine<L> {
        self.inner.engine()
    }

    /// Returns the topmost layer of type `T`, to read facts.
    pub fn part<T: Any>(&self) -> Option<&T>
    where
        L: 'static,
    {
        self.inner.part()
    }

    /// Returns the topmost layer of type `T`, to decide.
    pub fn part_mut<T: Any>(&mut self) -> Option<&mut T>
    where
        L: 'static,
    {
        self.inner.part_mut()
    }

    /// Returns the `nth` layer of type `T`, from the top down, to read facts: TLS in TLS has two.
    pub fn nth_part<T: Any>(&self, nth: usize) -> Option<&T>
    where
        L: 'static,
    {
        self.inner.nth_part(nth)
    }

    /// Returns the `nth` layer of type `T`, from the top down, to decide.
    pub fn nth_part_mut<T: Any>(&mut self, nth: usize) -> Option<&mut T>
    where
        L: 'static,
    {
        self.inner.nth_part_mut(nth)
    }

    /// Returns the state of each layer, from the wire up.
    pub fn describe(&self) -> Vec<Status<'_>> {
        self.inner.describe()
    }

    /// Sets how long `shutdown` may take: see
    /// [`Connection::set_close_timeout`](crate::Connection::set_close_timeout).
    pub fn set_close_timeout(&mut self, timeout: Duration) {
        self.inner.set_close_timeout(timeout);
    }

    /// Waits until `fact` finds what it looks for.
    ///
    /// # Errors
    ///
    /// The error that ended the stack, or [`TimedOut`].
    pub fn wait_for<T>(
        &mut self,
        fact: impl FnMut(&mut Engine<L>) -> Option<T>,
    ) -> Result<T, Error> {
        self.wait(|it| it.wait_for(fact))?
    }

    /// Waits until every layer is open.
    ///
    /// # Errors
    ///
    /// The error that ended the stack, or [`TimedOut`].
    pub fn open(&mut self) -> Result<(), Error> {
        self.wait(driver::Connection::open)?
    }

    /// Ends the application's side, lets every layer say goodbye and waits for the end of the transport,
    /// at most so long. What still arrives is thrown away.
    ///
    /// # Errors
    ///
    /// The error that ended the stack, or the time-out.
    pub fn finish(self, timeout: Duration) -> Result<(), Error> {
        block_on(self.inner.finish(timeout))
    }

    /// Splits the connection for two threads.
    ///
    /// # Errors
    ///
    /// The calls of the transport block by themselves: one thread would wait for the other's.
    pub fn split(self) -> io::Result<(Reader<L>, Writer<L>)> {
        if self.inner.is_blocking() {
            let text = "a transport whose calls block cannot be split for two threads";
            return Err(io::Error::new(io::ErrorKind::Unsupported, text));
        }
        let (reader, writer) = self.inner.split();
        let timeout = self.timeout;
        Ok((Reader::new(reader, timeout), Writer::new(writer, timeout)))
    }
}

macro_rules! connects {
    ($builder:ident $(, $form:ident)? => $layer:ty) => {
        impl$(<$form: Payload>)? $builder$(<$form>)? {
            /// Connects, and waits for it in this thread. Unless a runtime was named, the connection
            /// runs on [`Threads`](crate::runtime::Threads).
            ///
            /// # Errors
            ///
            /// The error names the hop that failed, and what it waited for.
            pub fn blocking(self) -> Result<Connection<$layer>, DialError> {
                Ok(self.blocking_traced()?.0)
            }

            /// Connects and waits as [`blocking`](Self::blocking), and returns the connection with what
            /// was done for it.
            ///
            /// # Errors
            ///
            /// The error names the hop that failed, and what it waited for.
            pub fn blocking_traced(self) -> Result<(Connection<$layer>, Trace), DialError> {
                let (connection, trace) = block_on(self.on_threads().traced())?;
                Ok((Connection::new(connection, None), trace))
            }

            fn on_threads(mut self) -> Self {
                self.spec.context = self.spec.context.runtime_or(Threads::shared());
                self
            }
        }
    };
}
connects!(Connect, F => BoxSocket<F>);
connects!(ConnectStream => BoxTunnel);

/// A call waited as long as it may.
#[derive(Debug, thiserror::Error)]
#[error("timed out; nothing is lost")]
#[non_exhaustive]
pub struct TimedOut;
