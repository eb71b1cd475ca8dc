//! Handshakes as straight-line code.

mod wire;

pub use wire::{Parsed, ReadError, Wire};

use crate::{AnyLayer, End, Error, Flow, Flows, Instant, Layer, Pipe, Progress};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use core::any::{Any, TypeId};
use core::fmt;
use core::mem;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use spin::Mutex;
use wire::{Lent, Wait};

/// A layer that is a handshake, written as an `async` block, and then a plain tunnel.
///
/// The block talks to a [`Wire`]. It reads, writes, and asks the application for a decision. When
/// it returns `Ok`, the tunnel is open, and the bytes behind the handshake are the tunnel's. When
/// it returns an error, the layer [fails](Flows::fail) with it. The block may await nothing but the
/// methods of its wire: there is no runtime here. [`process`](Layer::process) polls the block with
/// a waker that does nothing, because a layer is called whenever something has changed.
///
/// ```
/// use wirestack_layer::{Error, Tunnel};
///
/// fn client(password: &'static str) -> Tunnel {
///     Tunnel::new("password", async move |wire| {
///         wire.write(format!("{password}\n")).await;
///         match wire.read_array("the answer").await? {
///             [b'+'] => Ok(()),
///             _ => Err(Error::peer("password", "the password was refused")),
///         }
///     })
/// }
///
/// fn server(password: &'static str) -> Tunnel {
///     Tunnel::new("password", async move |wire| {
///         let right = wire.read_line(100, "the password").await? == password;
///         wire.write(if right { "+" } else { "-" }).await;
///         if right { Ok(()) } else { Err(Error::peer("password", "a wrong password")) }
///     })
/// }
/// # use wirestack_layer::{Layer, Pipe, Flows};
/// # let now = wirestack_layer::Instant::ORIGIN;
/// # let [mut up, mut down, mut a, mut b, mut c, mut d] = <[Pipe; 6]>::default();
/// # let (mut client, mut server) = (client("sesame"), server("sesame"));
/// # client.process(Flows::new(&mut down, &mut up, &mut a, &mut b), now);
/// # server.process(Flows::new(&mut up, &mut down, &mut c, &mut d), now);
/// # client.process(Flows::new(&mut down, &mut up, &mut a, &mut b), now);
/// # assert!(client.is_open() && server.is_open());
/// ```
///
/// # State
///
/// A block and the application around it share a state of type `T`. The block changes it by
/// [`Wire::state`], the application by [`state_mut`](Self::state_mut). In a stack,
/// [`LayerExt::part_mut`](crate::LayerExt::part_mut) finds the tunnel by its type, and the state by
/// the type of the state. The [facts](Layer::facts) are the state as its `Display` shows it. A
/// plain `Tunnel` has a `String` for its state, which is empty until [`Wire::learn`] fills it.
///
/// A server that asks its application, which answers in the state:
///
/// ```
/// use std::fmt;
/// use wirestack_layer::{Error, Tunnel};
///
/// #[derive(Default)]
/// struct Door {
///     /// The guest's name.
///     guest: Option<String>,
///     /// The application's answer.
///     opens: Option<bool>,
/// }
///
/// impl fmt::Display for Door {
///     fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
///         f.write_str(self.guest.as_deref().unwrap_or_default())
///     }
/// }
///
/// fn door() -> Tunnel<Door> {
///     Tunnel::with_state("door", Door::default(), async |wire| {
///         let guest = wire.read_line(64, "the guest's name").await?;
///         let guest = String::from_utf8_lossy(&guest).into_owned();
///         wire.state(|door| door.guest = Some(guest));
///         if wire.decide("the guest", |door| door.opens).await {
///             Ok(())
///         } else {
///             Err(Error::local("door", "the application turned the guest away"))
///         }
///     })
/// }
/// # use wirestack_layer::{Layer, LayerExt, Pipe, Flows, Progress};
/// # let now = wirestack_layer::Instant::ORIGIN;
///
/// # let [mut from_wire, mut to_wire, mut from_app, mut to_app] = <[Pipe; 4]>::default();
/// # let mut layer = door();
/// # from_wire.write(b"Alice\n");
/// # layer.process(Flows::new(&mut from_wire, &mut to_wire, &mut from_app, &mut to_app), now);
/// assert_eq!(layer.progress(), Progress::Deciding("the guest"));
/// let door: &mut Door = layer.part_mut().unwrap();
/// door.opens = Some(door.guest.as_deref() == Some("Alice"));
/// # layer.process(Flows::new(&mut from_wire, &mut to_wire, &mut from_app, &mut to_app), now);
/// assert!(layer.is_transparent());
/// ```
///
/// # When to use it
///
/// For protocols that are a handshake and nothing more. The memory of the block is freed once it
/// has returned. A protocol that frames the application's bytes goes on as long as the connection,
/// in both directions at once. That is no straight line: implement [`Layer`] for it.
pub struct Tunnel<T = String> {
    name: &'static str,
    /// `None` only while the block runs, which then has it. Boxed, because it moves on each poll.
    state: Option<Box<T>>,
    phase: Phase<T>,
}

enum Phase<T> {
    Opening(Handshake<T>),
    Open,
    Over,
}

struct Handshake<T> {
    block: Block,
    /// The buffers and the state of the block, for its wire, while the block runs.
    lent: Arc<Mutex<Lent<T>>>,
    wait: Wait,
}

type Block = Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>;

impl Tunnel {
    /// Creates a layer of this name from its handshake. The state is a line of facts.
    pub fn new<F>(name: &'static str, handshake: impl FnOnce(Wire) -> F) -> Self
    where
        F: Future<Output = Result<(), Error>> + Send + 'static,
    {
        Self::with_state(name, String::new(), handshake)
    }
}

impl<T: Send + 'static> Tunnel<T> {
    /// Creates a layer of this name from its handshake and its first state.
    pub fn with_state<F>(name: &'static str, state: T, handshake: impl FnOnce(Wire<T>) -> F) -> Self
    where
        F: Future<Output = Result<(), Error>> + Send + 'static,
    {
        let lent = Arc::new(Mutex::new(Lent::new()));
        let block = Box::pin(handshake(Wire::new(name, lent.clone())));
        let wait = Wait::default();
        let handshake = Handshake { block, lent, wait };
        Self {
            name,
            state: Some(Box::new(state)),
            phase: Phase::Opening(handshake),
        }
    }

    /// Returns the state that the handshake and the application share.
    ///
    /// # Panics
    ///
    /// If the handshake has panicked: then there is no state.
    pub fn state(&self) -> &T {
        self.state.as_deref().expect(LOST)
    }

    /// Returns the state that the handshake and the application share, for the application to
    /// decide.
    ///
    /// ```
    /// use wirestack_layer::{Error, Tunnel};
    ///
    /// let mut tunnel = Tunnel::with_state("demo", 0_u8, async |_| Ok::<(), Error>(()));
    /// *tunnel.state_mut() += 1; // a decision of the application
    /// assert_eq!(*tunnel.state(), 1);
    /// ```
    ///
    /// # Panics
    ///
    /// If the handshake has panicked: then there is no state.
    pub fn state_mut(&mut self) -> &mut T {
        self.state.as_deref_mut().expect(LOST)
    }
}

impl<T> Tunnel<T> {
    /// Returns `true` if the handshake has failed, or was aborted.
    ///
    /// ```
    /// use wirestack_layer::{Error, Flow, Flows, Instant, Layer, Pipe, Tunnel};
    ///
    /// let mut tunnel = Tunnel::new("demo", async |wire| {
    ///     wire.read(1, "the answer").await?;
    ///     Ok::<(), Error>(())
    /// });
    /// let [mut from_wire, mut to_wire, mut from_app, mut to_app] = <[Pipe; 4]>::default();
    /// from_wire.finish(); // before the answer
    /// let flows = Flows::new(&mut from_wire, &mut to_wire, &mut from_app, &mut to_app);
    /// tunnel.process(flows, Instant::ORIGIN);
    /// assert!(tunnel.is_over());
    /// ```
    pub fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Over)
    }
}

impl<T> Handshake<T> {
    /// Polls the block if it may have something to do.
    fn run(
        &mut self,
        state: &mut Option<Box<T>>,
        flows: &mut Flows<'_>,
    ) -> Poll<Result<(), Error>> {
        let (from_wire, to_wire) = (&mut *flows.from_wire, &mut *flows.to_wire);
        let room = match to_wire.stopped() {
            Some(_) => usize::MAX, // bytes that are written there are thrown away
            None => to_wire.room(),
        };
        let mut polled = Poll::Pending;
        if self.wait.goes_on(from_wire, room) {
            let finished = matches!(from_wire.closed(), Some(End::Finished));
            from_wire.drain(|unread| {
                to_wire.fill(|to_wire| {
                    let mut lent = wire::lock(&self.lent);
                    (lent.finished, lent.room) = (finished, room);
                    lent.state = Some(state.take().expect(LOST));
                    mem::swap(&mut lent.unread, unread);
                    mem::swap(&mut lent.to_wire, to_wire);
                    drop(lent);
                    let context = &mut Context::from_waker(Waker::noop());
                    polled = self.block.as_mut().poll(context);
                    let mut lent = wire::lock(&self.lent);
                    mem::swap(&mut lent.unread, unread);
                    mem::swap(&mut lent.to_wire, to_wire);
                    *state = lent.state.take();
                    self.wait = lent.wait;
                });
            });
        }
        if polled.is_pending() {
            self.wait.require(from_wire);
        }
        polled
    }
}

impl<T: fmt::Display + Send + 'static> Layer for Tunnel<T> {
    type In = Pipe;
    type Out = Pipe;

    fn name(&self) -> &'static str {
        self.name
    }

    fn process(&mut self, flows: Flows<'_>, _now: Instant) {
        self.process_untimed(flows);
    }

    fn process_untimed(&mut self, mut flows: Flows<'_>) -> bool {
        if let Phase::Opening(handshake) = &mut self.phase {
            flows.propagate_stop();
            match handshake.run(&mut self.state, &mut flows) {
                Poll::Ready(Ok(())) => self.phase = Phase::Open,
                Poll::Ready(Err(error)) => {
                    self.phase = Phase::Over;
                    flows.fail(error);
                    return true;
                }
                Poll::Pending => {
                    if flows.propagate_abort() {
                        self.phase = Phase::Over;
                    }
                    return true;
                }
            }
        }
        match self.phase {
            Phase::Open => flows.pass_through(),
            _ => flows.discard(),
        }
        true
    }

    fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Open)
    }

    fn is_transparent(&self) -> bool {
        self.is_open()
    }

    fn progress(&self) -> Progress {
        match &self.phase {
            Phase::Opening(handshake) => handshake.wait.progress(),
            Phase::Open => Progress::Open,
            Phase::Over => Progress::Over,
        }
    }

    fn facts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.state().fmt(f)
    }

    fn find_part(&self, wanted: &mut dyn FnMut(TypeId) -> bool) -> Option<&dyn Any> {
        let me = self.as_any();
        if wanted(me.type_id()) {
            return Some(me);
        }
        wanted(TypeId::of::<T>()).then(|| self.state() as _)
    }

    fn find_part_mut(&mut self, wanted: &mut dyn FnMut(TypeId) -> bool) -> Option<&mut dyn Any> {
        if wanted(TypeId::of::<Self>()) {
            return Some(self.as_any_mut());
        }
        wanted(TypeId::of::<T>()).then(|| self.state_mut() as _)
    }
}

impl<T: fmt::Debug> fmt::Debug for Tunnel<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Tunnel");
        shown.field("name", &self.name);
        if let Some(state) = &self.state {
            shown.field("state", state);
        }
        shown.finish_non_exhaustive()
    }
}

const LOST: &str = "the handshake of a `Tunnel` has panicked, and its state is lost";
