//! A stack with its four outer flows, to be driven without I/O.

mod processing;
mod settled;

use crate::opening::OpenDeadline;
use crate::writing::WriteWatch;
use crate::{BoxLayer, Stack};
use core::fmt;
use std::time::Duration;
use wirestack_layer::{Error, Flow, Instant, Layer, Pipe, Place};

/// A stack with its four outer flows: bytes in and out on the wire side, and the flows of the top
/// layer on the application's side.
///
/// A driver does four things, for every stack:
///
/// 1. It puts the bytes that it read into [`from_wire`](Self::from_wire).
/// 2. It calls [`process`](Self::process).
/// 3. It sends the bytes in [`to_wire`](Self::to_wire).
/// 4. It calls `process` again at the [`deadline`](Self::deadline).
///
/// ```
/// use wirestack_layer::{Error, Layer, Tunnel};
/// use wirestack_nest::{Engine, Nest};
///
/// let open = || Tunnel::new("open", async |_| Ok::<(), Error>(()));
/// let mut engine = Engine::new(open().over(open()));
/// assert!(engine.part::<Tunnel>().is_some() && engine.nth_part::<Tunnel>(1).is_some());
/// assert!(engine.nth_part_mut::<Tunnel>(1).is_some_and(|lower| !lower.is_over()));
/// assert_eq!(engine.layer_mut().depth(), 2);
/// ```
///
/// # A loop for every stream
///
/// This loop drives any stack over any [`Read`](std::io::Read) and [`Write`](std::io::Write). Two
/// threads run it on the two ends of a TCP connection: a client asks a SOCKS proxy for a tunnel.
///
/// ```
/// # #![allow(clippy::disallowed_methods, clippy::disallowed_types)] // a doctest is its own driver
/// use std::io::{self, Read, Write};
/// use std::net::{TcpListener, TcpStream};
/// use wirestack_layer::{Flow, Instant, Layer};
/// use wirestack_nest::Engine;
/// use wirestack_socks as socks;
///
/// /// Drives a stack until `done` returns `true` or nothing more will be received.
/// fn drive<L: Layer>(
///     engine: &mut Engine<L>,
///     io: &mut (impl Read + Write),
///     mut done: impl FnMut(&mut Engine<L>) -> bool,
/// ) -> io::Result<()> {
///     let mut buffer = [0; 4096];
///     loop {
///         engine.process(Instant::now());
///         let waiting = engine.to_wire().len();
///         io.write_all(&engine.to_wire().take(waiting))?;
///         if done(engine) || engine.to_app().is_closed() {
///             return Ok(());
///         }
///         if waiting > 0 {
///             continue; // the flow has room again: the stack may have more to send
///         }
///         match io.read(&mut buffer)? {
///             0 => engine.from_wire().finish(),
///             n => engine.from_wire().write(&buffer[..n]),
///         }
///     }
/// }
///
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let mut client_io = TcpStream::connect(listener.local_addr()?)?;
/// let (mut server_io, _) = listener.accept()?;
///
/// let server = std::thread::spawn(move || -> io::Result<Vec<u8>> {
///     let mut engine = Engine::new(socks::Server::new());
///     let has_request = |engine: &mut Engine<socks::Server>| engine.layer().request().is_some();
///     drive(&mut engine, &mut server_io, has_request)?;
///     let bound = socks::Address::new("192.0.2.1", 4711).expect("an address");
///     engine.part_mut::<socks::Server>().expect("the server").accept(bound);
///     drive(&mut engine, &mut server_io, |engine| engine.to_app().len() == 5)?;
///     Ok(engine.to_app().unread().to_vec())
/// });
///
/// let target = socks::Address::new("example.org", 80)?;
/// let mut engine = Engine::new(socks::Client::new(target));
/// engine.from_app().write(b"hello"); // it leaves as soon as the tunnel is open
/// drive(&mut engine, &mut client_io, |engine| engine.is_open() && engine.is_flushed())?;
/// assert_eq!(server.join().expect("the server")?, b"hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Two things depend on the kind of stream and are missing above. A read must not wait longer than
/// until the [`deadline`](Self::deadline) (`TcpStream::set_read_timeout`). When `to_wire` [has
/// ended](Flow::end), the driver ends the stream (`TcpStream::shutdown`).
///
/// The [page of this crate](crate) shows a stack without a stream.
///
/// ```
/// use std::time::Duration;
/// use wirestack_layer::{Error, Flow, Instant, Pipe};
/// use wirestack_nest::{Engine, Identity};
///
/// let mut engine = Engine::with_flows(Identity, Pipe::with_limit(1000), Pipe::new()).boxed();
/// engine.set_open_timeout(Duration::from_secs(10), Instant::ORIGIN);
/// engine.set_write_timeout(Duration::from_secs(30));
/// assert_eq!(engine.write_timeout(), Duration::from_secs(30));
///
/// let before = engine.revision();
/// engine.from_app().write(b"hello");
/// engine.process(Instant::ORIGIN);
/// assert!(engine.revision() > before && engine.is_open());
/// let sent = engine.transmit(|to_wire| to_wire.take(to_wire.len())); // to the socket
/// assert_eq!(sent, "hello");
/// assert!(engine.is_drained() && engine.is_idle() && engine.is_wire_quiet());
/// assert_eq!(engine.deadline(), None);
///
/// engine.break_wire(Error::peer("wire", "the socket is reset"));
/// engine.process(Instant::ORIGIN);
/// assert!(engine.to_app().is_closed()); // the application hears of it
/// engine.from_app().finish();
/// engine.process(Instant::ORIGIN);
/// assert!(engine.is_over());
/// ```
pub struct Engine<L: Layer> {
    layer: L,
    from_wire: Pipe,
    to_wire: Pipe,
    from_app: L::In,
    to_app: L::Out,
    opening: Option<OpenDeadline>,
    writing: WriteWatch,
    /// The revision of the flows after the last call; `None` if a decision may have been taken
    /// since.
    processed: Option<u64>,
    /// The deadline of the layers after the last call.
    layers_deadline: Option<Instant>,
    #[cfg(feature = "tracing")]
    spans: crate::spans::Spans,
}

impl<L: Layer> Engine<L>
where
    L::In: Default,
    L::Out: Default,
{
    /// Creates an engine whose flows have their default limits.
    pub fn new(layer: L) -> Self {
        Self::with_flows(layer, L::In::default(), L::Out::default())
    }
}

impl<L: Layer<In = Pipe, Out = Pipe>> Engine<L> {
    /// Puts another layer over the running stack, for example a layer that was chosen by the first
    /// bytes. The bytes that wait on the application's side become the wire of the new layer.
    ///
    /// ```
    /// use wirestack_layer::{Flow, Instant};
    /// use wirestack_nest::{Engine, Identity};
    /// use wirestack_socks as socks;
    ///
    /// let mut engine = Engine::new(Identity);
    /// engine.from_wire().write(&[5, 1, 0]);
    /// engine.process(Instant::ORIGIN);
    /// assert_eq!(engine.to_app().unread()[0], 5); // the client speaks SOCKS5
    ///
    /// let mut engine = engine.push_layer(socks::Server::new());
    /// engine.process(Instant::ORIGIN);
    /// assert_eq!(engine.to_wire().unread(), [5, 0]);
    /// ```
    pub fn push_layer<U>(self, upper: U) -> Engine<Stack<L, U>>
    where
        U: Layer<In: Default, Out: Default>,
    {
        let stack = Stack::over_running(self.layer, upper, self.to_app, self.from_app);
        Engine {
            layer: stack,
            from_wire: self.from_wire,
            to_wire: self.to_wire,
            from_app: U::In::default(),
            to_app: U::Out::default(),
            opening: self.opening,
            writing: self.writing,
            processed: None,
            layers_deadline: None,
            #[cfg(feature = "tracing")]
            spans: self.spans,
        }
    }
}

impl<L: Layer> Engine<L> {
    /// Boxes the stack, so that engines of different stacks have one type.
    pub fn boxed(self) -> Engine<BoxLayer<L::In, L::Out>>
    where
        L: Send + 'static,
    {
        Engine {
            layer: BoxLayer::new(self.layer),
            from_wire: self.from_wire,
            to_wire: self.to_wire,
            from_app: self.from_app,
            to_app: self.to_app,
            opening: self.opening,
            writing: self.writing,
            processed: None,
            layers_deadline: None,
            #[cfg(feature = "tracing")]
            spans: self.spans,
        }
    }

    /// Creates an engine around the given flows of the application's side.
    pub fn with_flows(layer: L, from_app: L::In, to_app: L::Out) -> Self {
        Self {
            layer,
            from_wire: Pipe::new(),
            to_wire: Pipe::new(),
            from_app,
            to_app,
            opening: None,
            writing: WriteWatch::default(),
            processed: None,
            layers_deadline: None,
            #[cfg(feature = "tracing")]
            spans: Default::default(),
        }
    }

    /// Sets how long the stack may take to open, counted from `now`. A stack that is not open by
    /// then has its wire aborted with [`OpeningTimedOut`](crate::OpeningTimedOut), and every layer ends with that cause.
    pub fn set_open_timeout(&mut self, allowed: Duration, now: Instant) {
        self.processed = None;
        self.opening = now
            .checked_add(allowed)
            .map(|until| OpenDeadline { allowed, until });
    }

    /// Sets the time in which the peer has to take some of the bytes that wait in
    /// [`to_wire`](Self::to_wire). The default is 60 s; with [`Duration::MAX`] it may take none for
    /// ever.
    ///
    /// When the time is over, the driver has up to a second for a last try. A peer that then still
    /// takes nothing is given up: its wire is aborted with [`WriteTimedOut`](crate::WriteTimedOut), the waiting bytes are
    /// lost, and the driver resets the connection. A peer that takes a byte now and then is slow,
    /// and is waited for.
    pub fn set_write_timeout(&mut self, allowed: Duration) {
        self.writing.allowed = allowed;
    }

    /// Returns the time of [`set_write_timeout`](Self::set_write_timeout).
    pub fn write_timeout(&self) -> Duration {
        self.writing.allowed
    }

    /// Returns a number that changes whenever something moves in the four outer flows.
    #[inline]
    pub fn revision(&self) -> u64 {
        let wire = self.from_wire.revision() + self.to_wire.revision();
        wire + self.from_app.revision() + self.to_app.revision()
    }

    /// Aborts the wire because the connection below has failed. The layers still deliver the bytes
    /// that arrived before.
    pub fn break_wire(&mut self, error: Error) {
        self.from_wire.abort(error.at(Place::Wire));
    }

    /// Returns the time at which [`process`](Self::process) must be called even if nothing arrives.
    pub fn deadline(&self) -> Option<Instant> {
        let opening = self.opening.as_ref().filter(|_| !self.layer.is_open());
        let opening = opening.map(|opening| opening.until);
        let writing = if self.to_wire.is_empty() {
            None
        } else {
            self.writing.deadline()
        };
        let layers = match self.processed {
            Some(_) => self.layers_deadline,
            None => self.layer.deadline(), // a decision may have changed it
        };
        let early = opening.into_iter().chain(layers);
        early.chain(writing).min()
    }

    /// Returns the flow for bytes that arrived from the peer.
    #[inline]
    pub fn from_wire(&mut self) -> &mut Pipe {
        &mut self.from_wire
    }

    /// Returns the flow of bytes that are to be sent to the peer.
    #[inline]
    pub fn to_wire(&mut self) -> &mut Pipe {
        &mut self.to_wire
    }

    /// Returns the flow for bytes or messages that the application sends.
    #[inline]
    pub fn from_app(&mut self) -> &mut L::In {
        &mut self.from_app
    }

    /// Returns the flow of bytes or messages that the application receives.
    #[inline]
    pub fn to_app(&mut self) -> &mut L::Out {
        &mut self.to_app
    }

    /// Returns `true` if no layer changes anything any more: what the wire brings is what the
    /// application gets, in both directions. Bytes may still wait in the flows.
    ///
    /// ```
    /// use wirestack_nest::{Engine, Identity};
    ///
    /// assert!(Engine::new(Identity).is_transparent());
    /// ```
    pub fn is_transparent(&self) -> bool {
        self.layer.is_transparent()
    }

    /// Returns `true` if every layer is open.
    pub fn is_open(&self) -> bool {
        self.layer.is_open()
    }

    /// Returns `true` if nothing will move any more: both directions have ended on both sides, and
    /// all bytes have left.
    pub fn is_over(&self) -> bool {
        self.to_wire.end().is_some() && self.to_app.is_closed()
    }

    /// Returns `true` if everything that the application wrote has left, also out of
    /// [`to_wire`](Self::to_wire).
    #[inline]
    pub fn is_flushed(&self) -> bool {
        self.from_app.is_empty() && self.to_wire.is_empty() && self.layer.is_flushed()
    }

    /// Returns `true` if everything that the stack has taken from the application has left. Unlike
    /// [`is_flushed`](Self::is_flushed), it ignores what still waits in
    /// [`from_app`](Self::from_app).
    pub fn is_drained(&self) -> bool {
        self.to_wire.is_empty() && self.layer.is_flushed()
    }

    /// Returns the stack itself, to read facts from.
    pub fn layer(&self) -> &L {
        &self.layer
    }

    /// Returns the stack itself, to take a decision in.
    pub fn layer_mut(&mut self) -> &mut L {
        self.processed = None; // a decision moves no flow
        &mut self.layer
    }
}

impl<L: Layer> fmt::Debug for Engine<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("layers", &format_args!("{:?}", self.describe()))
            .finish_non_exhaustive()
    }
}
