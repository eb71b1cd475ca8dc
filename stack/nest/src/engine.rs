//! The sans-I/O face of a whole stack.

use crate::Stack;
use std::any::Any;
use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;
use wirestack_layer::Instant;
use wirestack_layer::{Error, Flow, Flows, Layer, LayerExt, Pipe, Place, Progress, Status, origin};

/// A stack together with its four outer flows: bytes in and out at the bottom, and at the top the flows
/// of the top layer.
///
/// A driver puts the bytes that it read into [`from_wire`](Self::from_wire), calls
/// [`process`](Self::process), sends the bytes in [`to_wire`](Self::to_wire), and comes back at the
/// [`deadline`](Self::deadline). That is all there is to driving, for every stack.
///
/// # By hand, over anything that reads and writes
///
/// The loop below drives any stack over any [`Read`](std::io::Read) and [`Write`](std::io::Write). Here
/// two threads run it on the two ends of a TCP connection: a client asks a SOCKS proxy for a tunnel.
///
/// ```
/// # #![allow(clippy::disallowed_methods, clippy::disallowed_types)] // a doctest is its own driver
/// use std::io::{self, Read, Write};
/// use std::net::{TcpListener, TcpStream};
/// use wirestack_layer::Instant;
/// use wirestack_nest::Engine;
/// use wirestack_layer::{Flow, Layer};
/// use wirestack_socks as socks;
///
/// /// Drives a stack until `done` returns true or nothing more will be received.
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
///             continue; // there is room again, so the stack may have more to send
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
///     let asked = |engine: &mut Engine<socks::Server>| engine.layer().request().is_some();
///     drive(&mut engine, &mut server_io, asked)?;
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
/// Two things depend on the stream, as `Read` and `Write` have no word for them. If the stack has a
/// [`deadline`](Self::deadline), the read must not wait longer (`TcpStream::set_read_timeout`). When
/// `to_wire` [has ended](Flow::end), the peer is told (`TcpStream::shutdown`).
///
/// # Over no stream at all
///
/// ```
/// use wirestack_layer::Flow;
/// use wirestack_nest::{Engine, Nest};
/// use wirestack_socks as socks;
///
/// # let now = wirestack_layer::Instant::ORIGIN;
/// // Two SOCKS proxies, one behind the other, by hand.
/// let nearest = socks::Client::new(socks::Address::new("inner.test", 1080)?);
/// let farther = socks::Client::new(socks::Address::new("example.org", 80)?);
/// let mut engine = Engine::new(farther.over(nearest));
/// engine.from_app().write(b"GET / HTTP/1.0\r\n\r\n");
///
/// engine.process(now);
/// assert_eq!(engine.to_wire().unread(), [5, 1, 0]); // a greeting: "no authentication"
/// engine.to_wire().discard();
///
/// engine.from_wire().write(&[5, 0]);
/// engine.process(now);
/// assert_eq!(&engine.to_wire().unread()[..4], [5, 1, 0, 3]); // CONNECT to a name
/// assert!(!engine.is_open());
/// assert_eq!(engine.progress().to_string(), "opening, waiting for the reply to CONNECT");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Engine<L: Layer> {
    layer: L,
    from_wire: Pipe,
    to_wire: Pipe,
    from_app: L::In,
    to_app: L::Out,
    opening: Option<OpenDeadline>,
    /// What the flows said after the last call: the same again means that nothing is new.
    seen: Option<u64>,
    #[cfg(feature = "tracing")]
    spans: crate::spans::Spans,
}

/// How long a stack may take to open.
struct OpenDeadline {
    allowed: Duration,
    until: Instant,
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
    /// Puts another layer over the stack while it runs, such as one that was chosen by what has
    /// arrived: all that waits on the application's side becomes the new layer's wire.
    pub fn push_layer<U>(self, upper: U) -> Engine<Stack<L, U>>
    where
        U: Layer<In: Default, Out: Default>,
    {
        let stack = Stack::grown(self.layer, upper, self.to_app, self.from_app);
        Engine {
            layer: stack,
            from_wire: self.from_wire,
            to_wire: self.to_wire,
            from_app: U::In::default(),
            to_app: U::Out::default(),
            opening: self.opening,
            seen: None,
            #[cfg(feature = "tracing")]
            spans: self.spans,
        }
    }
}

impl<L: Layer> Engine<L> {
    /// Boxes the stack, so that engines of different stacks have one type.
    pub fn boxed(self) -> Engine<Box<dyn Layer<In = L::In, Out = L::Out> + Send>>
    where
        L: Send + 'static,
    {
        Engine {
            layer: Box::new(self.layer),
            from_wire: self.from_wire,
            to_wire: self.to_wire,
            from_app: self.from_app,
            to_app: self.to_app,
            opening: self.opening,
            seen: None,
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
            seen: None,
            #[cfg(feature = "tracing")]
            spans: Default::default(),
        }
    }

    /// Gives the stack `allowed` to open, from `now` on; then the wire is aborted with
    /// [`OpeningTimedOut`] and every layer ends with that cause.
    pub fn set_open_timeout(&mut self, allowed: Duration, now: Instant) {
        self.seen = None;
        self.opening = now
            .checked_add(allowed)
            .map(|until| OpenDeadline { allowed, until });
    }

    /// Moves everything that can move.
    pub fn process(&mut self, now: Instant) {
        if self.seen == Some(self.revision()) && self.deadline().is_none_or(|due| now < due) {
            return; // the law Idempotence: nothing would move
        }
        if let Some(OpenDeadline { allowed, until }) = self.opening {
            if self.layer.is_open() {
                self.opening = None;
            } else if until <= now {
                self.opening = None;
                let progress = self.layer.progress();
                self.break_wire(Error::peer(
                    origin::ENGINE,
                    OpeningTimedOut { allowed, progress },
                ));
            }
        }
        let flows = Flows::new(
            &mut self.from_wire,
            &mut self.to_wire,
            &mut self.from_app,
            &mut self.to_app,
        );
        self.layer.process(flows, now);
        self.seen = Some(self.revision());
        #[cfg(feature = "tracing")]
        self.spans.note(&self.layer, self.to_app.closed());
    }

    /// Returns whether [`process`](Self::process) would do nothing at any time: nothing has moved since
    /// the last call, and there is no deadline. A driver then need not look at its clock.
    #[inline]
    pub fn is_idle(&self) -> bool {
        self.seen == Some(self.revision()) && self.deadline().is_none()
    }

    /// Lends the flow to the wire, to send bytes from it and to consume what was sent; returns the result
    /// of `send`.
    ///
    /// It is what a driver may do with [`to_wire`](Self::to_wire), and saves calls: a stack that had left
    /// room in this flow was not waiting for room, so the next [`process`](Self::process) need not run it
    /// because some bytes have left.
    #[inline]
    pub fn transmit<T>(&mut self, send: impl FnOnce(&mut Pipe) -> T) -> T {
        let is_news = self.to_wire.room() == 0 || self.seen != Some(self.revision());
        let sent = send(&mut self.to_wire);
        if !is_news {
            self.seen = Some(self.revision());
        }
        sent
    }

    /// Returns a number that changes whenever something moves in the four outer flows.
    pub fn revision(&self) -> u64 {
        let wire = self.from_wire.revision() + self.to_wire.revision();
        wire + self.from_app.revision() + self.to_app.revision()
    }

    /// Says that the connection below broke, and why. What had arrived is still delivered.
    pub fn break_wire(&mut self, error: Error) {
        self.from_wire.abort(error.at(Place::Wire));
    }

    /// Returns when [`process`](Self::process) must be called even if nothing arrives.
    pub fn deadline(&self) -> Option<Instant> {
        let opening = self.opening.as_ref().filter(|_| !self.layer.is_open());
        let opening = opening.map(|opening| opening.until);
        opening.into_iter().chain(self.layer.deadline()).min()
    }

    /// Returns where to put bytes that arrived.
    pub fn from_wire(&mut self) -> &mut Pipe {
        &mut self.from_wire
    }

    /// Returns the bytes to be sent.
    pub fn to_wire(&mut self) -> &mut Pipe {
        &mut self.to_wire
    }

    /// Returns where to put what the application sends.
    pub fn from_app(&mut self) -> &mut L::In {
        &mut self.from_app
    }

    /// Returns what the application receives.
    pub fn to_app(&mut self) -> &mut L::Out {
        &mut self.to_app
    }

    /// Returns whether every layer is open.
    pub fn is_open(&self) -> bool {
        self.layer.is_open()
    }

    /// Returns whether nothing will move any more: both directions have ended on both sides, and
    /// what was sent has left.
    pub fn is_over(&self) -> bool {
        self.to_wire.end().is_some() && self.to_app.is_closed()
    }

    /// Returns whether everything that the application handed over has left, the wire's flow too.
    pub fn is_flushed(&self) -> bool {
        self.from_app.is_empty() && self.to_wire.is_empty() && self.layer.is_flushed()
    }

    /// Returns whether everything that the stack has taken from the application has left. The
    /// application's flow may still hold more, which [`is_flushed`](Self::is_flushed) asks for too.
    pub fn is_drained(&self) -> bool {
        self.to_wire.is_empty() && self.layer.is_flushed()
    }

    /// Returns what the stack is waiting for.
    pub fn progress(&self) -> Progress {
        self.layer.progress()
    }

    /// Returns the state of each layer, from the wire up; each shows as a line.
    ///
    /// ```
    /// use wirestack_nest::{Engine, Nest};
    /// use {wirestack_http1 as http1, wirestack_socks as socks};
    ///
    /// # let now = wirestack_layer::Instant::ORIGIN;
    /// let gate = socks::Client::new(socks::Address::new("proxy.test", 3128)?);
    /// let proxy = http1::connect::Client::new("example.org", 22)?;
    /// let mut engine = Engine::new(proxy.over(gate));
    /// engine.from_wire().write(b"\x05\x00\x05\x00\x00\x01\x7f\0\0\x01\x12\x67");
    /// engine.process(now);
    /// let lines: Vec<_> = engine.describe().iter().map(ToString::to_string).collect();
    /// assert_eq!(lines, [
    ///     "socks: open (bound 127.0.0.1:4711)",
    ///     "connect: opening, waiting for the CONNECT response",
    /// ]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn describe(&self) -> Vec<Status<'_>> {
        let mut all = Vec::new();
        self.layer.visit(&mut |status| all.push(status));
        all
    }

    /// Returns the topmost layer of type `T`, to read facts.
    pub fn part<T: Any>(&self) -> Option<&T>
    where
        L: 'static,
    {
        self.layer.part()
    }

    /// Returns the topmost layer of type `T`, to decide. The next [`process`](Self::process) asks every
    /// layer what has become possible.
    pub fn part_mut<T: Any>(&mut self) -> Option<&mut T>
    where
        L: 'static,
    {
        self.layer_mut().part_mut()
    }

    /// Returns the `nth` layer of type `T`, from the top down, to read facts: TLS in TLS has two.
    pub fn nth_part<T: Any>(&self, nth: usize) -> Option<&T>
    where
        L: 'static,
    {
        self.layer.nth_part(nth)
    }

    /// Returns the `nth` layer of type `T`, from the top down, to decide.
    pub fn nth_part_mut<T: Any>(&mut self, nth: usize) -> Option<&mut T>
    where
        L: 'static,
    {
        self.layer_mut().nth_part_mut(nth)
    }

    /// Returns the stack itself, to read facts.
    pub fn layer(&self) -> &L {
        &self.layer
    }

    /// Returns the stack itself, to decide.
    pub fn layer_mut(&mut self) -> &mut L {
        self.seen = None; // a decision moves no flow
        &mut self.layer
    }
}

/// A stack that did not open in the time it was given.
#[derive(Debug)]
#[non_exhaustive]
pub struct OpeningTimedOut {
    /// How long it had.
    pub allowed: Duration,
    /// What it was waiting for.
    pub progress: Progress,
}

impl fmt::Display for OpeningTimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not open after {:?}: {}", self.allowed, self.progress)
    }
}

impl StdError for OpeningTimedOut {}
