//! The sans-I/O face of a whole stack.

use crate::Stack;
use std::any::Any;
use std::time::{Duration, Instant};
use wirestack_layer::{Error, Flow, Layer, LayerExt, Pipe, Place, Ports, Progress, Status};

/// A stack together with its four outer flows: bytes in and out at the bottom, whatever the top
/// layer speaks at the top.
///
/// A driver puts what it read into [`from_wire`](Self::from_wire), calls
/// [`process`](Self::process), sends what is in [`to_wire`](Self::to_wire), and comes back at the
/// [`deadline`](Self::deadline). That is all there is to driving, whatever the stack.
///
/// ```
/// use wirestack::{Engine, Flow, Nest, socks};
///
/// # #[allow(clippy::disallowed_methods)] // a doctest is its own driver
/// # let now = std::time::Instant::now();
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
    opening: Option<Opening>,
    /// What the flows said after the last call: the same again means that nothing is new.
    seen: Option<u64>,
    #[cfg(feature = "tracing")]
    observed: crate::observed::Observed,
}

/// How long a stack may take to open.
struct Opening {
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
    pub fn grow<U>(self, upper: U) -> Engine<Stack<L, U>>
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
            observed: self.observed,
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
            observed: self.observed,
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
            observed: Default::default(),
        }
    }
    /// Gives the stack `allowed` to open, from `now` on; then the wire is aborted with
    /// [`OpeningTimedOut`] and every layer ends with that cause.
    pub fn open_within(&mut self, allowed: Duration, now: Instant) {
        self.seen = None;
        self.opening = now
            .checked_add(allowed)
            .map(|until| Opening { allowed, until });
    }
    /// Moves everything that can move.
    pub fn process(&mut self, now: Instant) {
        if self.seen == Some(self.moves()) && self.deadline().is_none_or(|due| now < due) {
            return; // the law of quiet: nothing would move
        }
        if let Some(Opening { allowed, until }) = self.opening {
            if self.layer.is_open() {
                self.opening = None;
            } else if until <= now {
                self.opening = None;
                let progress = self.layer.progress();
                self.break_wire(Error::peer(
                    "opening",
                    OpeningTimedOut { allowed, progress },
                ));
            }
        }
        let ports = Ports::new(
            &mut self.from_wire,
            &mut self.to_wire,
            &mut self.from_app,
            &mut self.to_app,
        );
        self.layer.process(ports, now);
        self.seen = Some(self.moves());
        #[cfg(feature = "tracing")]
        self.observed.note(&self.layer, self.to_app.closed());
    }
    /// Returns whether [`process`](Self::process) would do nothing at any time: a driver then need not
    /// look at its clock.
    #[inline]
    pub(crate) fn is_idle(&self) -> bool {
        self.seen == Some(self.moves()) && self.deadline().is_none()
    }
    /// Sends some of what is for the wire. A stack that left room in this flow did not wait for any, so
    /// that what leaves is no news to it (the law of room).
    #[inline]
    pub(crate) fn send<T>(&mut self, send: impl FnOnce(&mut Pipe) -> T) -> T {
        let is_news = self.to_wire.room() == 0 || self.seen != Some(self.moves());
        let sent = send(&mut self.to_wire);
        if !is_news {
            self.seen = Some(self.moves());
        }
        sent
    }
    /// Returns a number that changes whenever something moves in the four outer flows.
    pub fn moves(&self) -> u64 {
        let wire = self.from_wire.moves() + self.to_wire.moves();
        wire + self.from_app.moves() + self.to_app.moves()
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
    /// Returns whether what the stack took has left, whatever the application's flow still holds.
    pub(crate) fn has_left(&self) -> bool {
        self.to_wire.is_empty() && self.layer.is_flushed()
    }
    /// Returns what the stack is waiting for.
    pub fn progress(&self) -> Progress {
        self.layer.progress()
    }
    /// Returns the state of each layer, from the wire up; each shows as a line.
    ///
    /// ```
    /// use wirestack::{Engine, Nest, http1, socks};
    ///
    /// # #[allow(clippy::disallowed_methods)] // a doctest is its own driver
    /// # let now = std::time::Instant::now();
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
#[derive(Debug, thiserror::Error)]
#[error("not open after {allowed:?}: {progress}")]
#[non_exhaustive]
pub struct OpeningTimedOut {
    /// How long it had.
    pub allowed: Duration,
    /// What it was waiting for.
    pub progress: Progress,
}
