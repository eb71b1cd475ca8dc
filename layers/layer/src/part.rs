//! Finding a layer in a stack by its type.

use crate::status::Facts;
use crate::{Layer, Status};
use core::any::{Any, TypeId};
use core::fmt;

/// A layer as a value of any type: it can be found by its type, and shown.
///
/// Every layer has it, there is nothing to write. It is what lets [`Layer`] have default methods
/// that work in a `Box<dyn Layer>`.
pub trait AnyLayer {
    /// Returns the layer as something that can be downcast.
    fn as_any(&self) -> &dyn Any
    where
        Self: 'static;
    /// Returns the layer as something that can be downcast and changed.
    fn as_any_mut(&mut self) -> &mut dyn Any
    where
        Self: 'static;
    /// Returns the state of this layer; see [`Layer::status`].
    fn own_status(&self) -> Status<'_>;
    /// Writes what the layer learnt; see [`Layer::facts`].
    ///
    /// # Errors
    ///
    /// Those of the formatter.
    fn write_facts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result;
}

impl<T: Layer> AnyLayer for T {
    fn as_any(&self) -> &dyn Any
    where
        Self: 'static,
    {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any
    where
        Self: 'static,
    {
        self
    }

    fn own_status(&self) -> Status<'_> {
        Status {
            name: self.name(),
            open: self.is_open(),
            progress: self.progress(),
            facts: Facts(self),
        }
    }

    fn write_facts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.facts(f)
    }
}

/// Facts and decisions, found in a layer or a stack of layers by type.
///
/// Layers are told apart by [`TypeId`], so a type that borrows something cannot be looked into. A layer
/// that is lent as `layer: &mut T` is looked into through the `T`: `(*layer).part()`.
///
/// ```
/// # use wirestack_layer::Instant;
/// # use wirestack_layer::{Layer, Pipe, Flows, Progress};
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
