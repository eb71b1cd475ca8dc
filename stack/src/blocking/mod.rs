//! Connections for threads: each call waits until it is done.
//!
//! A thread waits by itself for its sockets and timers, in `poll(2)`. There is no background
//! thread. Everything else in this crate works in threads too, inside of [`block_on`].
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut socket = wirestack::connect("wss://example.org/chat")
//!     .via("http://proxy.test:3128")
//!     .blocking()?;
//! socket.send("hello")?;
//! while let Some(message) = socket.next() {
//!     println!("{:?}", message?);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! The tests of this project run it on Linux. For macOS and Windows, they compile it and do not run
//! it.

mod builders;
mod calls;
mod reconnect;

use crate::connect::WebSocketRequest;
use crate::driver::io as driver;
use crate::driver::runtime::threads::block_for;
use crate::driver::runtime::{IntoTransport, Threads};
use std::any::Any;
use std::io;
use std::time::Duration;
use wirestack_dial::BoxSocket;
use wirestack_dial::{DialError, RouteError, RouteTaken, Target};
use wirestack_layer::{Error, Layer, Queue, Status, origin};
use wirestack_nest::{BoxTunnel, Engine};
use wirestack_websocket::Message;

pub use crate::driver::runtime::threads::block_on;
pub use reconnect::Reconnecting;

/// A [`Connection`](crate::Connection), or one of its halves, whose calls wait until they are done.
///
/// ```
/// use std::time::Duration;
/// use wirestack::blocking::{self, WebSocket};
///
/// fn talk(url: &str) -> Result<(), Box<dyn std::error::Error>> {
///     let mut socket: WebSocket = blocking::connect(url)?;
///     socket.set_timeout(Some(Duration::from_secs(10))); // for each call
///     socket.set_close_timeout(Duration::from_secs(1));
///     socket.set_write_timeout(Duration::from_secs(10));
///     println!("{:?} by {:?}", socket.subprotocol(), socket.route().is_some());
///     println!("{:?} {:?}", socket.http_version(), socket.response());
///     println!("compressed: {}", socket.compression().is_some());
///     for layer in socket.describe() {
///         println!("{layer}");
///     }
///     socket.feed("one")?;
///     socket.send("two")?; // both leave
///     socket.flushed()?;
///     println!("{:?}", socket.ping("")?);
///     while let Some(message) = socket.next() {
///         println!("{:?}", message?);
///     }
///     println!("{:?} {:?}", socket.closed(), socket.closed_by());
///     socket.close(1000, "done")?;
///     Ok(socket.finish(Duration::from_secs(1))?)
/// }
/// ```
///
/// ```
/// use std::time::Duration;
/// use wirestack::blocking::WebSocket;
/// use wirestack::{Layer, tls, websocket};
///
/// /// Each layer can be looked at, and everything asynchronous can be called.
/// fn look(mut socket: WebSocket) -> Result<(), wirestack::Error> {
///     println!("{} at {:?}", socket.engine().progress(), socket.get_ref().peer_addr());
///     if let Some(tls) = socket.part::<tls::Client>() {
///         println!("ALPN {:?}", tls.alpn());
///     }
///     if let Some(outer) = socket.nth_part::<tls::Client>(1) {
///         println!("the proxy is reached by TLS too: {:?}", outer.alpn());
///     }
///     if let Some(client) = socket.part_mut::<websocket::Client>() {
///         println!("{:?}", client.status()); // `nth_part_mut` for the ones below it
///     }
///     socket.wait_for(|engine| engine.is_idle().then_some(()))?; // or any other fact
///     let asynchronous: wirestack::WebSocket = socket.into_inner();
///     wirestack::blocking::block_on(asynchronous.finish(Duration::from_secs(1)))
/// }
/// ```
#[derive(Debug)]
pub struct Blocking<C> {
    inner: C,
    timeout: Option<Duration>,
}

/// A connection whose calls wait: [`Read`](io::Read) and [`Write`](io::Write) where it carries
/// bytes.
///
/// ```
/// use std::net::TcpStream;
/// use wirestack::blocking::Connection;
/// use wirestack::{Engine, Error, socks};
///
/// /// A tunnel of SOCKS, over a socket of the standard library.
/// fn tunnel(proxy: TcpStream) -> Result<Connection<socks::Client>, Error> {
///     let layer = socks::Client::new(socks::Address::new("example.org", 80).expect("a name"));
///     let mut connection = Connection::from_transport(proxy, Engine::new(layer))?;
///     connection.open()?;
///     Ok(connection) // `Read` and `Write`
/// }
/// ```
pub type Connection<L> = Blocking<driver::Connection<L>>;

/// The half of a connection that receives. Its calls wait.
///
/// ```
/// use wirestack::blocking::Reader;
/// use wirestack::dial::BoxSocket;
///
/// /// Prints what arrives, in a thread of its own.
/// fn print_all(mut reader: Reader<BoxSocket>) {
///     while let Some(Ok(message)) = reader.next() {
///         println!("{message:?}");
///     }
///     println!("the layers: {:?}", reader.with(|engine| engine.progress()));
/// }
/// ```
pub type Reader<L> = Blocking<driver::Reader<L>>;

/// The half of a connection that sends. Its calls wait.
///
/// ```
/// use wirestack::blocking::Writer;
/// use wirestack::dial::BoxSocket;
///
/// /// The half that sends, in a thread of its own.
/// fn say(writer: &mut Writer<BoxSocket>, lines: &[String]) -> Result<(), wirestack::Error> {
///     for line in lines {
///         writer.feed(line.as_str())?; // it waits for room
///     }
///     writer.flushed() // all have left
/// }
/// ```
pub type Writer<L> = Blocking<driver::Writer<L>>;

/// A WebSocket whose calls wait. It carries messages, or parts of messages (`Queue<Part>`), or
/// bytes (`Pipe`).
///
/// ```
/// use wirestack::Pipe;
/// use wirestack::blocking::WebSocket;
///
/// /// Closes a WebSocket that carries bytes in place of messages.
/// fn end(mut bytes: WebSocket<Pipe>) -> Result<(), wirestack::Error> {
///     bytes.close_websocket(1000, "done")
/// }
/// ```
pub type WebSocket<F = Queue<Message>> = Connection<BoxSocket<F>>;

/// A stream of bytes whose calls wait.
///
/// ```
/// use std::io::Write;
/// use wirestack::blocking::ByteStream;
///
/// /// Sends a line, and ends the direction to the server.
/// fn send(mut stream: ByteStream, line: &str) -> std::io::Result<()> {
///     writeln!(stream, "{line}")?;
///     stream.shutdown()
/// }
/// ```
pub type ByteStream = Connection<BoxTunnel>;

/// Connects a WebSocket, through the proxy of the environment if there is one. To set more than a
/// URL, use [`connect`](fn@crate::connect) and then
/// [`Connect::blocking`](crate::Connect::blocking).
///
/// ```
/// use wirestack::blocking;
///
/// fn greet(url: &str) -> Result<(), Box<dyn std::error::Error>> {
///     let mut socket = blocking::connect(url)?;
///     socket.send("hello")?;
///     Ok(())
/// }
/// assert!(greet("ws://127.0.0.1:1/").is_err()); // nobody listens there
/// ```
///
/// # Errors
///
/// The error names the hop that failed, and the event that it waited for.
pub fn connect<R>(request: R) -> Result<WebSocket, DialError>
where
    R: TryInto<WebSocketRequest, Error: Into<RouteError>>,
{
    crate::connect(request).blocking()
}

/// Opens a stream of bytes, through the proxy of the environment if there is one. To set more than
/// a URL, use [`connect_stream`](crate::connect_stream) and then
/// [`ConnectStream::blocking`](crate::ConnectStream::blocking).
///
/// ```
/// use std::io::{Read, Write};
/// use wirestack::blocking;
///
/// fn page(url: &str) -> Result<String, Box<dyn std::error::Error>> {
///     let mut stream = blocking::connect_stream(url)?; // such as tls://example.org:443
///     stream.write_all(b"GET / HTTP/1.0\r\n\r\n")?;
///     let mut answer = String::new();
///     stream.read_to_string(&mut answer)?;
///     Ok(answer)
/// }
/// assert!(page("tcp://127.0.0.1:1").is_err());
/// ```
///
/// # Errors
///
/// The error names the hop that failed, and the event that it waited for.
pub fn connect_stream<T>(url: T) -> Result<ByteStream, DialError>
where
    T: TryInto<Target, Error: Into<RouteError>>,
{
    crate::connect_stream(url).blocking()
}

impl<C> Blocking<C> {
    fn new(inner: C, timeout: Option<Duration>) -> Self {
        Self { inner, timeout }
    }

    /// Sets how long each call may wait; `None`, the default, has no limit. A call that takes
    /// longer fails with [`TimedOut`]. What was accepted or read stays, and the next call goes on
    /// with it; a message that found no room is not accepted.
    pub fn set_timeout(&mut self, timeout: Option<Duration>) {
        self.timeout = timeout;
    }

    /// Waits for the future that `act` makes from the connection: so every asynchronous method of
    /// it can be called.
    ///
    /// ```
    /// use wirestack::blocking::WebSocket;
    ///
    /// /// Calls a method that has no form that waits.
    /// fn header(socket: &mut WebSocket) -> Result<(), wirestack::Error> {
    ///     socket.wait(|socket| socket.send("hello"))??;
    ///     println!("{:?}", socket.get_ref().peer_addr());
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`TimedOut`].
    pub fn wait<'a, T, F>(&'a mut self, act: impl FnOnce(&'a mut C) -> F) -> Result<T, Error>
    where
        F: Future<Output = T> + 'a,
    {
        let timed_out = || Error::local(origin::CONNECTION, TimedOut);
        block_for(self.timeout, act(&mut self.inner)).ok_or_else(timed_out)
    }

    /// Returns the asynchronous connection.
    pub fn get_ref(&self) -> &C {
        &self.inner
    }

    /// Returns the asynchronous connection. It works inside of [`block_on`] only.
    pub fn into_inner(self) -> C {
        self.inner
    }
}

impl<L: Layer> Connection<L> {
    /// Runs a stack on a transport, for example on a connected or accepted socket of the standard
    /// library.
    ///
    /// ```
    /// use std::io::{Read, Write};
    /// use std::net::{TcpListener, TcpStream};
    /// use wirestack::blocking::Connection;
    /// use wirestack::{Engine, Identity};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let listener = TcpListener::bind("127.0.0.1:0")?;
    /// let socket = TcpStream::connect(listener.local_addr()?)?;
    /// let (mut peer, _) = listener.accept()?;
    ///
    /// let mut connection = Connection::from_transport(socket, Engine::new(Identity))?;
    /// connection.write_all(b"hello")?;
    /// let mut bytes = [0; 5];
    /// peer.read_exact(&mut bytes)?;
    /// assert_eq!(&bytes, b"hello");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The error of the system.
    pub fn from_transport(io: impl IntoTransport, engine: Engine<L>) -> Result<Self, Error> {
        let inner = driver::Connection::from_transport_on(Threads::shared(), io, engine)?;
        Ok(Self::new(inner, None))
    }

    /// Returns the engine of the stack, to read facts from and to take decisions in.
    pub fn engine(&mut self) -> &mut Engine<L> {
        self.inner.engine()
    }

    /// Returns the topmost layer of type `T`, to read facts from.
    pub fn part<T: Any>(&self) -> Option<&T>
    where
        L: 'static,
    {
        self.inner.part()
    }

    /// Returns the topmost layer of type `T`, to take a decision in.
    pub fn part_mut<T: Any>(&mut self) -> Option<&mut T>
    where
        L: 'static,
    {
        self.inner.part_mut()
    }

    /// Returns the `nth` layer of type `T`, counted from the top down from 0, to read facts from.
    /// TLS in TLS has two.
    pub fn nth_part<T: Any>(&self, nth: usize) -> Option<&T>
    where
        L: 'static,
    {
        self.inner.nth_part(nth)
    }

    /// Returns the `nth` layer of type `T`, counted from the top down, to take a decision in.
    pub fn nth_part_mut<T: Any>(&mut self, nth: usize) -> Option<&mut T>
    where
        L: 'static,
    {
        self.inner.nth_part_mut(nth)
    }

    /// Returns the route by which the connection was opened. See
    /// [`Connection::route`](crate::Connection::route).
    pub fn route(&self) -> Option<&RouteTaken> {
        self.inner.route()
    }

    /// Returns the state of each layer, from the wire up. Each one displays as a line.
    pub fn describe(&self) -> Vec<Status<'_>> {
        self.inner.describe()
    }

    /// Sets how long `shutdown` may take. See
    /// [`Connection::set_close_timeout`](crate::Connection::set_close_timeout).
    pub fn set_close_timeout(&mut self, timeout: Duration) {
        self.inner.set_close_timeout(timeout);
    }

    /// Sets the time in which the peer has to take some of the bytes that wait for it. See
    /// [`Connection::set_write_timeout`](crate::Connection::set_write_timeout).
    pub fn set_write_timeout(&mut self, timeout: Duration) {
        self.inner.set_write_timeout(timeout);
    }

    /// Waits until `fact` returns a value, for example the request that a server layer has
    /// received.
    ///
    /// # Errors
    ///
    /// The error that ended the stack, [`Ended`](crate::Ended) if it ended cleanly before, or
    /// [`TimedOut`].
    pub fn wait_for<T>(
        &mut self,
        fact: impl FnMut(&mut Engine<L>) -> Option<T>,
    ) -> Result<T, Error> {
        self.wait(|connection| connection.wait_for(fact))?
    }

    /// Waits until every layer is open.
    ///
    /// ```
    /// use std::net::TcpStream;
    /// use wirestack::blocking::Connection;
    /// use wirestack::{Engine, http1};
    ///
    /// fn tunnel(proxy: TcpStream) -> Result<(), wirestack::Error> {
    ///     let layer = http1::connect::Client::new("example.org", 22)?;
    ///     let mut connection = Connection::from_transport(proxy, Engine::new(layer))?;
    ///     connection.open()?;
    ///     let layer: &http1::connect::Client = connection.part().expect("in the stack");
    ///     println!("{:?}", layer.response());
    ///     assert!(connection.engine().is_open());
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// The error that ended the stack, or [`TimedOut`].
    pub fn open(&mut self) -> Result<(), Error> {
        self.wait(driver::Connection::open)?
    }

    /// Ends the application's side, lets every layer say goodbye, and waits until the transport has
    /// ended, for at most `timeout`. Bytes and messages that still arrive are discarded.
    ///
    /// # Errors
    ///
    /// The error that ended the stack, or the time-out.
    pub fn finish(self, timeout: Duration) -> Result<(), Error> {
        block_on(self.inner.finish(timeout))
    }

    /// Splits the connection for two threads: into the half that sends and the half that receives.
    ///
    /// ```
    /// use wirestack::blocking::WebSocket;
    ///
    /// fn talk(socket: WebSocket) -> Result<(), Box<dyn std::error::Error>> {
    ///     let (mut writer, mut reader) = socket.split()?;
    ///     let reading = std::thread::spawn(move || {
    ///         while let Some(Ok(message)) = reader.next() {
    ///             println!("{message:?}");
    ///         }
    ///     });
    ///     writer.send("hello")?;
    ///     writer.close(1000, "done")?; // the reader ends too
    ///     let _ = reading.join();
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// The calls of the transport block, as those of [`StdTransport`](crate::runtime::StdTransport)
    /// do: one thread would have to wait for the other one.
    pub fn split(self) -> io::Result<(Writer<L>, Reader<L>)> {
        if self.inner.is_blocking() {
            let text = "the calls of this transport block, so the connection cannot be split \
                        for two threads: use a socket";
            return Err(io::Error::new(io::ErrorKind::Unsupported, text));
        }
        let (writer, reader) = self.inner.split();
        let timeout = self.timeout;
        Ok((Writer::new(writer, timeout), Reader::new(reader, timeout)))
    }
}

/// The cause of an error: a call took longer than [`Blocking::set_timeout`] allows.
///
/// ```
/// use wirestack::Error;
/// use wirestack::blocking::TimedOut;
///
/// /// Returns `true` if the call may be made again.
/// fn is_late(error: &Error) -> bool {
///     error.cause::<TimedOut>().is_some()
/// }
/// ```
#[derive(Debug, thiserror::Error)]
#[error("the call timed out; what was accepted or read goes on with another call")]
#[non_exhaustive]
pub struct TimedOut;
