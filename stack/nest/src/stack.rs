//! Nesting: a stack of two layers is a layer.

use std::any::{Any, TypeId};
use std::fmt;
use std::mem;
use wirestack_layer::Instant;
use wirestack_layer::{End, Error, Flow, Flows, Layer, Pipe, Place, Progress, Status};

/// `U` over `L`: what `L` hands its application is `U`'s wire.
///
/// Built by [`Nest::over`] and [`Nest::then`]; a stack is itself a layer, so stacks nest. The first
/// time the lower layer is transparent, the joint dissolves: what waits in it joins the outer flows
/// in order, and the lower layer never runs again. A finished tunnel costs nothing.
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

    /// Puts a layer over `lower` that is chosen once `lower` is open.
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

    /// Puts `upper` over a `lower` that has been running, with what lies on its application's side.
    pub(crate) fn grown(lower: L, upper: U, up: Pipe, down: Pipe) -> Self {
        Self::joined(lower, Upper::Now(upper), up, down)
    }

    /// Limits each direction of the joint to `limit` bytes, instead of 64 KiB.
    #[must_use]
    pub fn with_limit(mut self, limit: usize) -> Self {
        self.up.set_limit(limit);
        self.down.set_limit(limit);
        self
    }

    /// Says whether a transparent lower layer is taken out of the path, as it is by default. The law
    /// kit compares both.
    #[must_use]
    pub fn with_bypass(mut self, bypass: bool) -> Self {
        self.bypass = bypass;
        self
    }

    /// Returns the lower layer.
    pub fn lower(&self) -> &L {
        &self.lower
    }

    /// Returns the upper layer, once it has been chosen.
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
    fn settle(&mut self, p: &mut Flows<'_, U::In, U::Out>, now: Instant) {
        let mut first = true;
        loop {
            let seen_above = self.revision();
            let lower = Flows::new(p.from_wire, p.to_wire, &mut self.down, &mut self.up);
            self.lower.process(lower.at_index(p.index), now);
            if self.lower.is_open() {
                self.choose(p);
            }
            if !mem::take(&mut first) && self.revision() == seen_above {
                return;
            }
            let seen_below = self.revision();
            let Upper::Now(upper) = &mut self.upper else {
                return self.pass_end(p);
            };
            if self.bypass && self.lower.is_transparent() {
                self.up.prepend_to(p.from_wire);
                self.down.transfer_all_to(p.to_wire);
                self.dissolved = true;
                return;
            }
            let place = p.index + self.lower.depth();
            let joint = Flows::new(&mut self.up, &mut self.down, p.from_app, p.to_app);
            upper.process(joint.at_index(place), now);
            if self.revision() == seen_below {
                return;
            }
        }
    }

    fn choose(&mut self, p: &mut Flows<'_, U::In, U::Out>) {
        if let Upper::Later(_) = self.upper
            && let Upper::Later(choose) = mem::replace(&mut self.upper, Upper::Never)
        {
            match choose(&mut self.lower) {
                Ok(upper) => self.upper = Upper::Now(upper),
                Err(error) => {
                    let error = error.at(Place::Layer(p.index + self.lower.depth()));
                    self.down.abort(error.clone());
                    self.up.refuse(error.clone());
                    p.from_app.refuse(error.clone());
                    p.to_app.abort(error);
                }
            }
        }
    }

    /// Stands in for a layer above that is not chosen yet, or never will be.
    fn pass_end(&mut self, p: &mut Flows<'_, U::In, U::Out>) {
        p.from_app.stop_with(&self.down);
        if let Upper::Never = self.upper {
            self.up.discard();
            p.from_app.discard();
        } else if let Some(end) = self.up.closed().cloned() {
            let error = match &end {
                End::Aborted(error) => error.clone(),
                End::Finished => Error::peer(self.lower.name(), "ended before it was open"),
            };
            p.to_app.close(end);
            self.down.finish();
            self.upper = Upper::Never;
            p.from_app.refuse(error);
        }
    }

    fn revision(&self) -> u64 {
        self.up.revision() + self.down.revision()
    }
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

    fn process(&mut self, mut p: Flows<'_, U::In, U::Out>, now: Instant) {
        if !self.dissolved {
            self.settle(&mut p, now);
        }
        if self.dissolved
            && let Upper::Now(upper) = &mut self.upper
        {
            let place = p.index + self.lower.depth();
            upper.process(p.at_index(place), now);
        }
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
}

/// A tunnel of bytes over bytes, boxed: what a route of any length folds into.
pub type BoxTunnel = Box<dyn Layer<In = Pipe, Out = Pipe> + Send>;

/// Putting layers over one another.
pub trait Nest: Layer + Sized {
    /// Puts this layer over `lower`: `websocket.over(tls).over(socks)` reads from the application
    /// down.
    fn over<L>(self, lower: L) -> Stack<L, Self>
    where
        L: Layer<In = Pipe, Out = Pipe>,
    {
        Stack::new(lower, self)
    }

    /// Puts a layer over this one that is chosen by a fact from below once this one is open, such
    /// as the protocol that ALPN agreed on.
    ///
    /// An error of `choose` ends the stack in both directions, with that error.
    fn then<U>(
        self,
        choose: impl FnOnce(&mut Self) -> Result<U, Error> + Send + 'static,
    ) -> Stack<Self, U>
    where
        Self: Layer<In = Pipe, Out = Pipe>,
        U: Layer,
    {
        Stack::later(self, choose)
    }

    /// Boxes this layer, so that stacks of different layers have one type.
    fn boxed(self) -> Box<dyn Layer<In = Self::In, Out = Self::Out> + Send>
    where
        Self: Send + 'static,
    {
        Box::new(self)
    }
}

impl<T: Layer> Nest for T {}
