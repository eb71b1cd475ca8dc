use crate::{AnyLayer, Flow, Flows, Instant, Progress, Status};
use alloc::boxed::Box;
use core::any::{Any, TypeId};
use core::fmt;

/// A protocol without I/O. (Not the `Layer` of tower, which decorates services.)
///
/// A layer has to write four methods: [`name`](Self::name), [`process`](Self::process),
/// [`is_open`](Self::is_open) and [`progress`](Self::progress). Only layers that hold layers
/// override the last group of methods, from [`visit`](Self::visit) on.
///
/// A `&mut T` or a `Box<T>` of a layer is a layer too.
///
/// The caller of a layer, such as a driver, calls [`process`](Self::process) whenever a flow has
/// changed or the [`deadline`](Self::deadline) has come. A call too many does nothing.
///
/// A layer that holds another one overrides the last group too:
///
/// ```
/// use std::any::{Any, TypeId};
/// use std::fmt;
/// use wirestack_layer::{Flows, Instant, Layer, Progress, Status};
///
/// /// Counts the calls of a layer.
/// struct Counted<L> {
///     inner: L,
///     calls: usize,
/// }
///
/// impl<L: Layer> Layer for Counted<L> {
///     type In = L::In;
///     type Out = L::Out;
///
///     fn name(&self) -> &'static str {
///         self.inner.name()
///     }
///
///     fn process(&mut self, flows: Flows<'_, L::In, L::Out>, now: Instant) {
///         self.calls += 1;
///         self.inner.process(flows, now);
///     }
///
///     fn process_untimed(&mut self, flows: Flows<'_, L::In, L::Out>) -> bool {
///         self.calls += 1;
///         self.inner.process_untimed(flows)
///     }
///
///     fn deadline(&self) -> Option<Instant> {
///         self.inner.deadline()
///     }
///
///     fn is_open(&self) -> bool {
///         self.inner.is_open()
///     }
///
///     fn is_flushed(&self) -> bool {
///         self.inner.is_flushed()
///     }
///
///     fn carries_half_close(&self) -> bool {
///         self.inner.carries_half_close()
///     }
///
///     fn progress(&self) -> Progress {
///         self.inner.progress()
///     }
///
///     fn facts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
///         write!(f, "{} calls", self.calls)
///     }
///
///     fn visit<'a>(&'a self, visitor: &mut dyn FnMut(Status<'a>)) {
///         self.inner.visit(visitor);
///     }
///
///     fn depth(&self) -> usize {
///         self.inner.depth()
///     }
///
///     fn find_part(&self, wanted: &mut dyn FnMut(TypeId) -> bool) -> Option<&dyn Any>
///     where
///         Self: 'static,
///     {
///         self.inner.find_part(wanted)
///     }
///
///     fn find_part_mut(&mut self, wanted: &mut dyn FnMut(TypeId) -> bool) -> Option<&mut dyn Any>
///     where
///         Self: 'static,
///     {
///         self.inner.find_part_mut(wanted)
///     }
///
///     fn layer_at(&self, index: usize) -> Option<&dyn Any>
///     where
///         Self: 'static,
///     {
///         self.inner.layer_at(index)
///     }
///
///     fn layer_at_mut(&mut self, index: usize) -> Option<&mut dyn Any>
///     where
///         Self: 'static,
///     {
///         self.inner.layer_at_mut(index)
///     }
/// }
/// ```
///
/// # The laws
///
/// Every layer keeps them, alone and nested; the crate `wirestack-laws` checks them.
///
/// 1. **Fragmentation**: the application sees the same, wherever the input is cut into pieces.
/// 2. **Ordering**: an error or an end comes after everything that precedes it. (An abort may
///    overtake bytes that a closed window holds back.)
/// 3. **Idempotence**: a second call of `process` with nothing new moves nothing and changes
///    nothing. Bytes that leave `to_wire` are nothing new if it had room before.
/// 4. **Deadline**: after `process(now)`, `deadline()` is `None` or later than `now`. While it is
///    `None`, time changes nothing.
/// 5. **Termination**: a flow ends once, and nothing is written to it afterwards. A layer that is
///    over discards its inputs, and stops `from_app` if the application has not ended it.
/// 6. **Backpressure**: with no room, no new unit is started. A flow gets at most one unit too
///    many.
/// 7. **Demand**: a layer that leaves bytes unread while it has room has asked for more, with
///    [`Pipe::require`](crate::Pipe::require).
/// 8. **Associativity**: however layers are grouped into stacks, boxed or not, they behave the
///    same.
/// 9. **Robustness**: no bytes make it panic, nothing hangs, and memory stays within the stated
///    limits. A handshake that waits ends if the application aborts.
/// 10. **Transparency**: a transparent layer stays transparent, and nothing changes if it is
///     bypassed.
/// 11. **Cancellation**: when `to_wire` is stopped, so is `from_app`, in the same call and with the
///     same error; bytes that arrive are still read. If `to_app` is stopped, its peer does not wait.
/// 12. **Honesty**: what it says about itself is true: [`is_open`](Self::is_open),
///     [`is_flushed`](Self::is_flushed), [`progress`](Self::progress), and the blame and the place of
///     its errors.
///
/// ```
/// use wirestack_layer::{Flows, Instant, Layer, Pipe, Progress};
///
/// /// A layer that passes everything on.
/// struct Wire;
///
/// impl Layer for Wire {
///     type In = Pipe;
///     type Out = Pipe;
///
///     fn name(&self) -> &'static str {
///         "wire"
///     }
///
///     fn process(&mut self, mut flows: Flows<'_>, _now: Instant) {
///         flows.pass_through();
///     }
///
///     fn is_open(&self) -> bool {
///         true
///     }
///
///     fn is_transparent(&self) -> bool {
///         true
///     }
///
///     fn progress(&self) -> Progress {
///         Progress::Open
///     }
/// }
///
/// assert_eq!((Wire.depth(), Wire.deadline()), (1, None));
/// assert!(Wire.is_flushed() && Wire.status().open);
/// ```
pub trait Layer: AnyLayer {
    /// The flow that the application writes: bytes for a tunnel, messages for a WebSocket.
    type In: Flow;

    /// The flow that the application reads.
    type Out: Flow;

    /// Returns the name that errors and traces use, such as `tls`.
    fn name(&self) -> &'static str;

    /// Moves everything that can move, then returns.
    ///
    /// It returns nothing, because errors travel in the flows. A layer that fails writes the
    /// message that its protocol has for that, and calls [`Flows::fail`], once; the error is then
    /// the last thing in `to_app`. A layer passes an abort of `from_wire` up and one of `from_app`
    /// down, each behind the bytes before it. It passes an abort of the wire up even while it waits
    /// for its application's decision.
    fn process(&mut self, flows: Flows<'_, Self::In, Self::Out>, now: Instant);

    /// Moves what can move without a look at the time, and returns `true` if
    /// [`process`](Self::process) would move no more now. It sets no deadline, and is called only
    /// while there is none. A driver then reads no clock.
    fn process_untimed(&mut self, flows: Flows<'_, Self::In, Self::Out>) -> bool {
        let _ = flows;
        false
    }

    /// Returns the time at which `process` must be called again, even if nothing arrives.
    fn deadline(&self) -> Option<Instant> {
        None
    }

    /// Returns `true` if the handshake has succeeded, so that the application is heard. Once
    /// `true`, it stays so.
    fn is_open(&self) -> bool;

    /// Returns `true` if the layer is a plain tunnel from now on, which changes nothing.
    ///
    /// A stack then takes it out of the path: it is not called again.
    fn is_transparent(&self) -> bool {
        false
    }

    /// Returns `true` if everything that was taken from `from_app` has gone to `to_wire`.
    ///
    /// A layer need not override it if it takes from `from_app` only what it can send at once.
    fn is_flushed(&self) -> bool {
        true
    }

    /// Returns `true` if one direction can end while the other goes on.
    fn carries_half_close(&self) -> bool {
        true
    }

    /// Returns the step that the layer is at, for errors and traces. It is
    /// [`Opening`](Progress::Opening) or [`Deciding`](Progress::Deciding) only until the layer is open.
    fn progress(&self) -> Progress;

    /// Writes the facts that the layer learnt while it opened, in one line without secrets: the TLS
    /// version, the bound address. Writes nothing if there are none.
    ///
    /// [`status`](Self::status) shows it.
    ///
    /// # Errors
    ///
    /// Those of the formatter.
    fn facts(&self, _f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }

    /// Returns the state of this layer, which shows as a line: `tls: open (TLS 1.3)`. A stack
    /// returns the state of the whole; [`visit`](Self::visit) shows each layer in it.
    fn status(&self) -> Status<'_> {
        self.own_status()
    }

    // --- only layers that hold layers override these ---

    /// Shows `visitor` the state of each layer in here, from the wire up.
    ///
    /// Only a layer that holds layers overrides it: it visits them.
    fn visit<'a>(&'a self, visitor: &mut dyn FnMut(Status<'a>)) {
        visitor(self.status());
    }

    /// Returns the number of layers in here, itself included.
    ///
    /// Only a layer that holds layers overrides it: it adds theirs.
    fn depth(&self) -> usize {
        1
    }

    /// Returns the first layer in here, from the top down, whose type is wanted.
    ///
    /// A layer that holds layers overrides it to ask them, the upper one first. A layer with a part
    /// of its own, such as the `Control` of a WebSocket, overrides it to show that part too.
    /// Applications call [`LayerExt::part`](crate::LayerExt::part) instead.
    fn find_part(&self, wanted: &mut dyn FnMut(TypeId) -> bool) -> Option<&dyn Any>
    where
        Self: 'static,
    {
        let me = self.as_any();
        wanted(me.type_id()).then_some(me)
    }

    /// Returns the same as [`find_part`](Self::find_part), to be changed.
    fn find_part_mut(&mut self, wanted: &mut dyn FnMut(TypeId) -> bool) -> Option<&mut dyn Any>
    where
        Self: 'static,
    {
        let me = self.as_any_mut();
        wanted((*me).type_id()).then_some(me)
    }

    /// Returns the layer with this index, counted from the wire up, to read facts. Errors name this
    /// index as [`Place::Layer`](crate::Place::Layer).
    ///
    /// Only a layer that holds layers overrides it: the indices of the upper one follow those of
    /// the lower one.
    fn layer_at(&self, index: usize) -> Option<&dyn Any>
    where
        Self: 'static,
    {
        (index == 0).then(|| self.as_any())
    }

    /// Returns the same as [`layer_at`](Self::layer_at), to be changed.
    fn layer_at_mut(&mut self, index: usize) -> Option<&mut dyn Any>
    where
        Self: 'static,
    {
        (index == 0).then(|| self.as_any_mut())
    }
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
        Status::new(self.name(), self.is_open(), self.progress(), self)
    }

    fn write_facts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.facts(f)
    }
}

/// Implements `Layer` for a layer that is lent or boxed: it does the same as the layer itself.
macro_rules! pass_on {
    ($layer:ty) => {
        impl<T: Layer + ?Sized> Layer for $layer {
            type In = T::In;
            type Out = T::Out;

            fn name(&self) -> &'static str {
                (**self).name()
            }

            fn process(&mut self, flows: Flows<'_, T::In, T::Out>, now: Instant) {
                (**self).process(flows, now);
            }

            fn process_untimed(&mut self, flows: Flows<'_, T::In, T::Out>) -> bool {
                (**self).process_untimed(flows)
            }

            fn deadline(&self) -> Option<Instant> {
                (**self).deadline()
            }

            fn is_open(&self) -> bool {
                (**self).is_open()
            }

            fn is_transparent(&self) -> bool {
                (**self).is_transparent()
            }

            fn is_flushed(&self) -> bool {
                (**self).is_flushed()
            }

            fn carries_half_close(&self) -> bool {
                (**self).carries_half_close()
            }

            fn progress(&self) -> Progress {
                (**self).progress()
            }

            fn facts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                (**self).facts(f)
            }

            fn status(&self) -> Status<'_> {
                (**self).status()
            }

            fn visit<'a>(&'a self, visitor: &mut dyn FnMut(Status<'a>)) {
                (**self).visit(visitor);
            }

            fn depth(&self) -> usize {
                (**self).depth()
            }

            fn find_part(&self, wanted: &mut dyn FnMut(TypeId) -> bool) -> Option<&dyn Any>
            where
                Self: 'static,
            {
                (**self).find_part(wanted)
            }

            fn find_part_mut(
                &mut self,
                wanted: &mut dyn FnMut(TypeId) -> bool,
            ) -> Option<&mut dyn Any>
            where
                Self: 'static,
            {
                (**self).find_part_mut(wanted)
            }

            fn layer_at(&self, index: usize) -> Option<&dyn Any>
            where
                Self: 'static,
            {
                (**self).layer_at(index)
            }

            fn layer_at_mut(&mut self, index: usize) -> Option<&mut dyn Any>
            where
                Self: 'static,
            {
                (**self).layer_at_mut(index)
            }
        }
    };
}
pass_on!(Box<T>);
pass_on!(&mut T);
