//! The methods that build stacks.

use crate::{BoxLayer, Stack};
use wirestack_layer::{Error, Layer, Pipe};

/// Methods that put layers over one another, for every layer.
///
/// ```
/// use wirestack_layer::{Flow, Instant};
/// use wirestack_nest::{Engine, Nest};
/// use wirestack_socks as socks;
///
/// # let now = Instant::ORIGIN;
/// // One layer over another one: read it from the application down to the wire.
/// let outer = socks::Client::new(socks::Address::new("inner.test", 1080)?);
/// let inner = socks::Client::new(socks::Address::new("example.org", 80)?);
/// let stack = inner.over(outer);
/// # drop(stack);
///
/// // A layer that is chosen by a fact of the layer below.
/// let socks = socks::Client::new(socks::Address::new("inner.test", 1080)?);
/// let target = socks::Address::new("example.org", 80)?;
/// let stack = socks.then(|socks| {
///     let target = socks.bound().cloned().unwrap_or(target); // known once `socks` is open
///     Ok(socks::Client::new(target))
/// });
/// let mut engine = Engine::new(stack.boxed()); // boxed: its type names no layers
/// engine.process(now);
/// assert_eq!(engine.to_wire().unread(), [5, 1, 0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Nest: Layer + Sized {
    /// Puts this layer over `lower`. `websocket.over(tls).over(socks)` reads from the application
    /// down to the wire.
    fn over<L>(self, lower: L) -> Stack<L, Self>
    where
        L: Layer<In = Pipe, Out = Pipe>,
    {
        Stack::new(lower, self)
    }

    /// Puts a layer over this one that `choose` returns once this one is open. It chooses by a fact
    /// of this layer, such as the protocol that ALPN negotiated.
    ///
    /// # Errors
    ///
    /// An error of `choose` ends the stack in both directions with that error.
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
    fn boxed(self) -> BoxLayer<Self::In, Self::Out>
    where
        Self: Send + 'static,
    {
        BoxLayer::new(self)
    }
}

impl<T: Layer> Nest for T {}
