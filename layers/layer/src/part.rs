//! Finding a layer in a stack by its type.

use crate::layer::Layer;
use core::any::{Any, TypeId};

/// Facts and decisions, found in a layer or a stack of layers by type.
///
/// Layers are told apart by [`TypeId`], so a layer that borrows something cannot be found. To
/// search a layer that is lent as `layer: &mut T`, search the `T`: `(*layer).part()`.
///
/// ```
/// # use wirestack_layer::{Instant, Layer, Pipe, Flows, Progress};
/// use wirestack_layer::LayerExt;
///
/// struct Greeter {
///     greeted: u32,
/// }
/// # impl Layer for Greeter {
/// #     type In = Pipe;
/// #     type Out = Pipe;
/// #     fn name(&self) -> &'static str { "greeter" }
/// #     fn process(&mut self, _: Flows<'_>, _: Instant) {}
/// #     fn is_open(&self) -> bool { true }
/// #     fn progress(&self) -> Progress { Progress::Open }
/// # }
/// let mut stack: Box<dyn Layer<In = Pipe, Out = Pipe>> = Box::new(Greeter { greeted: 0 });
/// stack.part_mut::<Greeter>().unwrap().greeted += 1;
/// assert_eq!(stack.part::<Greeter>().unwrap().greeted, 1);
/// assert!(stack.nth_part::<Greeter>(1).is_none());
/// assert!(stack.layer_at(0).unwrap().is::<Greeter>());
/// ```
pub trait LayerExt: Layer {
    /// Returns the topmost layer of type `T`, to read facts.
    fn part<T: Any>(&self) -> Option<&T>
    where
        Self: 'static,
    {
        self.nth_part(0)
    }

    /// Returns the topmost layer of type `T`, to decide.
    fn part_mut<T: Any>(&mut self) -> Option<&mut T>
    where
        Self: 'static,
    {
        self.nth_part_mut(0)
    }

    /// Returns the `nth` layer of type `T`, from the top down, to read facts: TLS in TLS has two.
    fn nth_part<T: Any>(&self, nth: usize) -> Option<&T>
    where
        Self: 'static,
    {
        self.find_part(&mut nth_of::<T>(nth))?.downcast_ref()
    }

    /// Returns the `nth` layer of type `T`, from the top down, to decide.
    ///
    /// ```
    /// use wirestack_layer::{Error, LayerExt, Tunnel};
    ///
    /// let mut tunnel = Tunnel::new("open", async |_| Ok::<(), Error>(()));
    /// assert!(tunnel.nth_part_mut::<Tunnel>(0).is_some());
    /// assert!(tunnel.nth_part_mut::<Tunnel>(1).is_none()); // there is no second one
    /// ```
    fn nth_part_mut<T: Any>(&mut self, nth: usize) -> Option<&mut T>
    where
        Self: 'static,
    {
        self.find_part_mut(&mut nth_of::<T>(nth))?.downcast_mut()
    }
}

impl<T: Layer + ?Sized> LayerExt for T {}

/// Returns a closure that wants the `nth` type which is `T`.
fn nth_of<T: Any>(mut nth: usize) -> impl FnMut(TypeId) -> bool {
    move |part| {
        if part != TypeId::of::<T>() {
            return false;
        }
        let before = nth;
        nth = nth.saturating_sub(1);
        before == 0
    }
}
