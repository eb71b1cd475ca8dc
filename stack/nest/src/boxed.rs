//! A boxed stack, out of which finished tunnels fall.

use crate::{Identity, Stack};
use std::any::{Any, TypeId};
use std::fmt;
use wirestack_layer::{Flow, Flows, Instant, Layer, Pipe, Progress, Status};

/// A boxed layer or stack: its type names only the flows of the application's side. [`Nest::boxed`]
/// returns it.
///
/// A boxed stack of two boxes whose lower one has become transparent is taken apart: from then on
/// the upper box is called alone, as if there had never been a tunnel. The finished layers are kept,
/// so that searches, facts and indices stay as they were.
///
/// [`Nest::boxed`]: crate::Nest::boxed
///
/// ```
/// use wirestack_layer::{Instant, Layer};
/// use wirestack_nest::{BoxTunnel, Engine, Identity, Nest};
///
/// let tunnels: BoxTunnel = Identity.boxed().over(Identity.boxed()).boxed();
/// let mut engine = Engine::new(tunnels);
/// engine.process(Instant::ORIGIN);
/// assert_eq!(engine.layer().depth(), 2); // nothing is forgotten
/// ```
pub struct BoxLayer<In = Pipe, Out = Pipe> {
    top: Box<dyn Layer<In = In, Out = Out> + Send>,
    /// `top` is a stack of two boxes, which may be taken apart.
    is_stack: bool,
    /// The number of finished layers.
    below: usize,
    /// The finished layers, from the wire up.
    finished: Vec<BoxTunnel>,
}

/// A boxed stack with bytes on both sides: the type that a route of any number of proxies has.
///
/// ```
/// use wirestack_nest::{BoxTunnel, Identity, Nest};
/// use wirestack_socks::{Address, Client};
///
/// /// Layers of any number are one type.
/// fn below(through_proxy: bool) -> Result<BoxTunnel, wirestack_socks::AddressError> {
///     Ok(if through_proxy {
///         Client::new(Address::new("example.org", 443)?).boxed()
///     } else {
///         Identity.boxed()
///     })
/// }
/// assert!(below(true).is_ok());
/// ```
pub type BoxTunnel = BoxLayer<Pipe, Pipe>;

impl<In: Flow + 'static, Out: Flow + 'static> BoxLayer<In, Out> {
    /// Boxes a layer.
    pub fn new<L>(layer: L) -> Self
    where
        L: Layer<In = In, Out = Out> + Send + 'static,
    {
        let top: Box<dyn Any + Send> = Box::new(layer);
        let top = match top.downcast::<Self>() {
            Ok(boxed) => return *boxed,
            Err(top) => top,
        };
        let Ok(top) = top.downcast::<L>() else {
            unreachable!("it was made of an `L`");
        };
        Self {
            top,
            is_stack: TypeId::of::<L>() == TypeId::of::<Stack<BoxTunnel, Self>>(),
            below: 0,
            finished: Vec::new(),
        }
    }

    /// Takes the stack apart if its lower layer has finished.
    fn take_apart(&mut self) {
        while self.is_stack {
            let top = (*self.top).as_any_mut();
            let Some(stack) = top.downcast_mut::<Stack<BoxTunnel, Self>>() else {
                return;
            };
            let Some((lower, upper)) = stack.take_apart(|| BoxLayer::new(Identity)) else {
                return;
            };
            self.below += lower.depth() + upper.below;
            self.finished.push(lower);
            self.finished.extend(upper.finished);
            self.top = upper.top;
            self.is_stack = upper.is_stack;
        }
    }
}

impl<In: Flow + 'static, Out: Flow + 'static> Layer for BoxLayer<In, Out> {
    type In = In;
    type Out = Out;

    fn name(&self) -> &'static str {
        self.top.name()
    }

    #[inline]
    fn process(&mut self, mut flows: Flows<'_, In, Out>, now: Instant) {
        flows.index += self.below;
        self.top.process(flows, now);
        if self.is_stack {
            self.take_apart();
        }
    }

    #[inline]
    fn process_untimed(&mut self, mut flows: Flows<'_, In, Out>) -> bool {
        flows.index += self.below;
        self.top.process_untimed(flows)
    }

    #[inline]
    fn deadline(&self) -> Option<Instant> {
        self.top.deadline()
    }

    fn is_open(&self) -> bool {
        self.top.is_open() // what has finished has been open
    }

    fn is_transparent(&self) -> bool {
        self.top.is_transparent()
    }

    #[inline]
    fn is_flushed(&self) -> bool {
        self.top.is_flushed()
    }

    fn carries_half_close(&self) -> bool {
        let below = self.finished.iter().all(Layer::carries_half_close);
        below && self.top.carries_half_close()
    }

    fn progress(&self) -> Progress {
        let mut below = self.finished.iter().map(Layer::progress);
        let unopened = below.find(|progress| *progress != Progress::Open);
        unopened.unwrap_or_else(|| self.top.progress())
    }

    fn facts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.top.facts(f)
    }

    fn status(&self) -> Status<'_> {
        self.top.status()
    }

    fn visit<'a>(&'a self, visitor: &mut dyn FnMut(Status<'a>)) {
        for tunnel in &self.finished {
            tunnel.visit(visitor);
        }
        self.top.visit(visitor);
    }

    fn depth(&self) -> usize {
        self.below + self.top.depth()
    }

    fn find_part(&self, wanted: &mut dyn FnMut(TypeId) -> bool) -> Option<&dyn Any>
    where
        Self: 'static,
    {
        if let Some(part) = self.top.find_part(wanted) {
            return Some(part);
        }
        let mut below = self.finished.iter().rev();
        below.find_map(|tunnel| tunnel.find_part(wanted))
    }

    fn find_part_mut(&mut self, wanted: &mut dyn FnMut(TypeId) -> bool) -> Option<&mut dyn Any>
    where
        Self: 'static,
    {
        if let Some(part) = self.top.find_part_mut(wanted) {
            return Some(part);
        }
        let mut below = self.finished.iter_mut().rev();
        below.find_map(|tunnel| tunnel.find_part_mut(wanted))
    }

    fn layer_at(&self, mut index: usize) -> Option<&dyn Any>
    where
        Self: 'static,
    {
        for tunnel in &self.finished {
            match index.checked_sub(tunnel.depth()) {
                Some(above) => index = above,
                None => return tunnel.layer_at(index),
            }
        }
        self.top.layer_at(index)
    }

    fn layer_at_mut(&mut self, mut index: usize) -> Option<&mut dyn Any>
    where
        Self: 'static,
    {
        for tunnel in &mut self.finished {
            match index.checked_sub(tunnel.depth()) {
                Some(above) => index = above,
                None => return tunnel.layer_at_mut(index),
            }
        }
        self.top.layer_at_mut(index)
    }
}

impl<In, Out> fmt::Debug for BoxLayer<In, Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoxLayer").finish_non_exhaustive()
    }
}
