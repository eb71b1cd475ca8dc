//! Nesting: a stack of two layers, which is itself a layer.

use std::any::{Any, TypeId};
use std::fmt;
use std::mem;
use wirestack_layer::{End, Error, Flow, Flows, Instant, Layer, Pipe, Place, Progress, Status};

/// The layer `U` over the layer `L`: the application's side of `L` is the wire of `U`.
///
/// [`Nest::over`] and [`Nest::then`] build it. A stack is itself a layer, so stacks nest.
///
/// [`Nest::over`]: crate::Nest::over
/// [`Nest::then`]: crate::Nest::then
///
/// Two flows join the layers: the *joint*. The first time that the lower layer is transparent, the
/// joint dissolves: its bytes join the outer flows in order, and the lower layer never runs again.
/// So a finished tunnel copies no bytes.
///
/// ```
/// use wirestack_layer::Layer;
/// use wirestack_nest::{Engine, Nest, Stack};
/// use wirestack_socks as socks;
///
/// // Two SOCKS proxies, one behind the other: two ways to write the same stack.
/// let first = socks::Address::new("inner.test", 1080)?;
/// let second = socks::Address::new("example.org", 80)?;
/// let stack = socks::Client::new(second.clone()).over(socks::Client::new(first.clone()));
/// let same = Stack::new(socks::Client::new(first), socks::Client::new(second));
/// assert_eq!((stack.depth(), same.depth()), (2, 2));
///
/// let engine = Engine::new(stack); // a stack runs in an engine
/// assert!(!engine.is_open());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// ```
/// use wirestack_nest::{Identity, Stack};
/// use wirestack_socks::{Address, Client};
///
/// let socks = Client::new(Address::new("example.org", 443)?);
/// let stack = Stack::new(socks, Identity) // as `Identity.over(socks)`
///     .with_limit(16 * 1024) // of each direction between the two
///     .with_bypass(false); // the flows pass through the joint always
/// assert!(stack.lower().bound().is_none() && stack.upper().is_some());
/// let later = Stack::later(Identity, |_lower| Ok(Identity)); // chosen once the lower one is open
/// assert!(later.upper().is_none());
/// # Ok::<(), wirestack_socks::AddressError>(())
/// ```
pub struct Stack<L, U> {
    lower: L,
    upper: Upper<L, U>,
    up: Pipe,
    down: Pipe,
    bypass: bool,
    dissolved: bool,
}

enum Upper<L, U> {
    Later(Choose<L, U>),
    Now(U),
    Never,
}

type Choose<L, U> = Box<dyn FnOnce(&mut L) -> Result<U, Error> + Send>;

impl<L, U> Stack<L, U> {
    /// Puts `upper` over `lower`.
    pub fn new(lower: L, upper: U) -> Self {
        Self::with(lower, Upper::Now(upper))
    }

    /// Puts a layer over `lower` that `choose` returns once `lower` is open. See
    /// [`Nest::then`](crate::Nest::then).
    pub fn later(
        lower: L,
        choose: impl FnOnce(&mut L) -> Result<U, Error> + Send + 'static,
    ) -> Self {
        Self::with(lower, Upper::Later(Box::new(choose)))
    }

    fn with(lower: L, upper: Upper<L, U>) -> Self {
        Self::joined(lower, upper, Pipe::new(), Pipe::new())
    }

    fn joined(lower: L, upper: Upper<L, U>, up: Pipe, down: Pipe) -> Self {
        Self {
            lower,
            upper,
            up,
            down,
            bypass: true,
            dissolved: false,
        }
    }

    /// Puts `upper` over a `lower` that has been running, with the flows of its application's side.
    pub(crate) fn over_running(lower: L, upper: U, up: Pipe, down: Pipe) -> Self {
        Self::joined(lower, Upper::Now(upper), up, down)
    }

    /// Limits each direction of the joint to `limit` bytes; the default is 64 KiB.
    #[must_use]
    pub fn with_limit(mut self, limit: usize) -> Self {
        self.up.set_limit(limit);
        self.down.set_limit(limit);
        self
    }

    /// Sets whether the joint dissolves when the lower layer is transparent, as it does by default.
    /// The law kit compares both.
    #[must_use]
    pub fn with_bypass(mut self, bypass: bool) -> Self {
        self.bypass = bypass;
        self
    }

    /// Takes a dissolved stack apart, and leaves a lower layer in it that is not used.
    pub(crate) fn take_apart(&mut self, unused: impl FnOnce() -> L) -> Option<(L, U)> {
        if !self.dissolved {
            return None;
        }
        match mem::replace(&mut self.upper, Upper::Never) {
            Upper::Now(upper) => Some((mem::replace(&mut self.lower, unused()), upper)),
            other => {
                self.upper = other;
                None
            }
        }
    }

    /// Returns the lower layer.
    pub fn lower(&self) -> &L {
        &self.lower
    }

    /// Returns the upper layer; `None` until it has been chosen.
    pub fn upper(&self) -> Option<&U> {
        match &self.upper {
            Upper::Now(upper) => Some(upper),
            _ => None,
        }
    }
}

impl<L, U> Stack<L, U>
where
    L: Layer<In = Pipe, Out = Pipe>,
    U: Layer,
{
    /// Runs both layers, in turn, until the joint no longer moves or dissolves.
    fn settle(&mut self, flows: &mut Flows<'_, U::In, U::Out>, now: Instant) {
        let mut first = true;
        loop {
            let seen_above = self.state();
            let lower = Flows::new(flows.from_wire, flows.to_wire, &mut self.down, &mut self.up);
            self.lower.process(lower.at_index(flows.index), now);
            if self.lower.is_open() {
                self.choose_upper(flows);
            }
            if !mem::take(&mut first) && self.state() == seen_above {
                return;
            }
            let seen_below = self.state();
            let Upper::Now(upper) = &mut self.upper else {
                self.pass_end_on(flows);
                if self.state() == seen_above {
                    return;
                }
                continue; // the lower layer has not seen an end that was passed on
            };
            if self.bypass && self.lower.is_transparent() {
                self.up.prepend_to(flows.from_wire);
                self.down.transfer_all_to(flows.to_wire);
                self.dissolved = true;
                return;
            }
            if !self.lower.is_open() && is_undisturbed(&self.up, &self.down, flows) {
                return; // the times of the upper layer begin when it can reach its peer
            }
            let index = flows.index + self.lower.depth();
            let joint = Flows::new(&mut self.up, &mut self.down, flows.from_app, flows.to_app);
            upper.process(joint.at_index(index), now);
            if self.state() == seen_below {
                return;
            }
        }
    }

    fn choose_upper(&mut self, flows: &mut Flows<'_, U::In, U::Out>) {
        if let Upper::Later(_) = self.upper
            && let Upper::Later(choose) = mem::replace(&mut self.upper, Upper::Never)
        {
            match choose(&mut self.lower) {
                Ok(upper) => self.upper = Upper::Now(upper),
                Err(error) => {
                    let error = error.at(Place::Layer(flows.index + self.lower.depth()));
                    self.down.abort(error.clone());
                    self.up.refuse(error.clone());
                    flows.from_app.refuse(error.clone());
                    flows.to_app.abort(error);
                }
            }
        }
    }

    /// Passes ends and aborts on while there is no upper layer: it is not chosen yet, or never will
    /// be.
    fn pass_end_on(&mut self, flows: &mut Flows<'_, U::In, U::Out>) {
        flows.from_app.stop_with(&self.down);
        if let Upper::Never = self.upper {
            self.up.discard();
            flows.from_app.discard();
        } else if let Some(end) = self.up.closed().cloned() {
            let error = match &end {
                End::Aborted(error) => error.clone(),
                End::Finished => Error::peer(self.lower.name(), "ended before it was open"),
            };
            flows.to_app.close(end);
            self.down.finish();
            self.upper = Upper::Never;
            flows.from_app.refuse(error);
        } else if let Some(End::Aborted(_)) = flows.from_app.closed() {
            // As an upper layer does while its handshake waits.
            let index = flows.index + self.lower.depth();
            let joint = Flows::new(&mut self.up, &mut self.down, flows.from_app, flows.to_app);
            joint.at_index(index).propagate_abort();
            self.upper = Upper::Never;
        }
    }

    /// Returns the state whose changes concern the other layer: bytes and ends, and what a reader
    /// requires. A writer may wait for that.
    fn state(&self) -> (u64, usize) {
        let revision = self.up.revision() + self.down.revision();
        (revision, self.up.required() + self.down.required())
    }
}

/// Returns `true` if there is no end and no stop that an upper layer would have to pass on.
fn is_undisturbed<I: Flow, O: Flow>(up: &Pipe, down: &Pipe, flows: &Flows<'_, I, O>) -> bool {
    let is_ended = up.is_closed() || flows.from_app.is_closed();
    !is_ended && down.stop_state().is_none() && flows.to_app.stop_state().is_none()
}

impl<L, U> Layer for Stack<L, U>
where
    L: Layer<In = Pipe, Out = Pipe>,
    U: Layer,
{
    type In = U::In;
    type Out = U::Out;

    fn name(&self) -> &'static str {
        self.upper().map_or_else(|| self.lower.name(), U::name)
    }

    fn process(&mut self, mut flows: Flows<'_, U::In, U::Out>, now: Instant) {
        if !self.dissolved {
            self.settle(&mut flows, now);
        }
        if self.dissolved
            && let Upper::Now(upper) = &mut self.upper
        {
            let index = flows.index + self.lower.depth();
            upper.process(flows.at_index(index), now);
        }
    }

    fn process_untimed(&mut self, flows: Flows<'_, U::In, U::Out>) -> bool {
        if let (true, Upper::Now(upper)) = (self.dissolved, &mut self.upper) {
            let index = flows.index + self.lower.depth();
            return upper.process_untimed(flows.at_index(index));
        }
        false
    }

    fn deadline(&self) -> Option<Instant> {
        let upper = self.upper().and_then(U::deadline);
        let lower = self.lower.deadline().filter(|_| !self.dissolved);
        lower.into_iter().chain(upper).min()
    }

    fn is_open(&self) -> bool {
        self.lower.is_open() && self.upper().is_some_and(U::is_open)
    }

    fn is_transparent(&self) -> bool {
        self.dissolved && self.upper().is_some_and(U::is_transparent)
    }

    fn is_flushed(&self) -> bool {
        let below = self.dissolved || (self.down.is_empty() && self.lower.is_flushed());
        below && self.upper().is_none_or(U::is_flushed)
    }

    fn carries_half_close(&self) -> bool {
        self.lower.carries_half_close() && self.upper().is_none_or(U::carries_half_close)
    }

    fn progress(&self) -> Progress {
        match (self.lower.progress(), self.upper()) {
            (Progress::Open, Some(upper)) => upper.progress(),
            (lower, _) => lower,
        }
    }

    fn facts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.upper() {
            Some(upper) => upper.facts(f),
            None => self.lower.facts(f),
        }
    }

    fn visit<'a>(&'a self, visitor: &mut dyn FnMut(Status<'a>)) {
        self.lower.visit(visitor);
        if let Some(upper) = self.upper() {
            upper.visit(visitor);
        }
    }

    fn depth(&self) -> usize {
        self.lower.depth() + self.upper().map_or(0, U::depth)
    }

    fn find_part(&self, wanted: &mut dyn FnMut(TypeId) -> bool) -> Option<&dyn Any>
    where
        Self: 'static,
    {
        let upper = self.upper().and_then(|upper| upper.find_part(wanted));
        upper.or_else(|| self.lower.find_part(wanted))
    }

    fn find_part_mut(&mut self, wanted: &mut dyn FnMut(TypeId) -> bool) -> Option<&mut dyn Any>
    where
        Self: 'static,
    {
        if let Upper::Now(upper) = &mut self.upper
            && let Some(part) = upper.find_part_mut(wanted)
        {
            return Some(part);
        }
        self.lower.find_part_mut(wanted)
    }

    fn layer_at(&self, index: usize) -> Option<&dyn Any>
    where
        Self: 'static,
    {
        match index.checked_sub(self.lower.depth()) {
            Some(above) => self.upper()?.layer_at(above),
            None => self.lower.layer_at(index),
        }
    }

    fn layer_at_mut(&mut self, index: usize) -> Option<&mut dyn Any>
    where
        Self: 'static,
    {
        match (index.checked_sub(self.lower.depth()), &mut self.upper) {
            (Some(above), Upper::Now(upper)) => upper.layer_at_mut(above),
            (Some(_), _) => None,
            (None, _) => self.lower.layer_at_mut(index),
        }
    }
}

impl<L, U> fmt::Debug for Stack<L, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stack").finish_non_exhaustive()
    }
}
