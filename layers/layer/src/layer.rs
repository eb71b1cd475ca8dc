use crate::Instant;
use crate::{AnyLayer, End, Error, Flow, Pipe, Place, Status};
use alloc::boxed::Box;
use core::any::{Any, TypeId};
use core::fmt;

/// The four flows that meet in a layer, and the index of the layer in its stack.
///
/// The flows belong to whoever drives the layer: a driver, a test, or the stack that joins this
/// layer to its neighbours.
pub struct Flows<'a, In = Pipe, Out = Pipe> {
    /// Bytes that arrived.
    pub from_wire: &'a mut Pipe,
    /// Bytes to be sent.
    pub to_wire: &'a mut Pipe,
    /// What the application sends.
    pub from_app: &'a mut In,
    /// What the application receives.
    pub to_app: &'a mut Out,
    /// How many layers are below this one.
    pub index: usize,
}

impl<'a, In: Flow, Out: Flow> Flows<'a, In, Out> {
    /// Joins four flows, with no layer below.
    pub fn new(
        from_wire: &'a mut Pipe,
        to_wire: &'a mut Pipe,
        from_app: &'a mut In,
        to_app: &'a mut Out,
    ) -> Self {
        Self {
            from_wire,
            to_wire,
            from_app,
            to_app,
            index: 0,
        }
    }

    /// Returns the same flows for the layer with this index, counted from the wire up.
    #[must_use]
    pub fn at_index(self, index: usize) -> Self {
        Self { index, ..self }
    }

    /// Lends the flows for one call.
    pub fn reborrow(&mut self) -> Flows<'_, In, Out> {
        Flows {
            from_wire: self.from_wire,
            to_wire: self.to_wire,
            from_app: self.from_app,
            to_app: self.to_app,
            index: self.index,
        }
    }

    /// Throws both inputs away, as a layer that is over does on every call: whoever writes to it
    /// must not wait for it.
    pub fn discard(&mut self) {
        self.from_wire.discard();
        self.from_app.discard();
    }

    /// Ends both directions: the peer gets what was written so far, the application gets the cause,
    /// behind everything that was delivered, and the writers of the inputs are told it too.
    pub fn fail(&mut self, error: Error) {
        let error = error.at(Place::Layer(self.index));
        self.to_wire.finish();
        self.from_wire.refuse(error.clone());
        self.from_app.refuse(error.clone());
        self.to_app.abort(error);
    }

    /// Propagates a stop of `to_wire` to `from_app`: what the application sends cannot leave any more.
    /// Every layer calls this first in `process`, unless it calls [`pass_through`](Flows::pass_through). What comes
    /// from the wire is still read.
    pub fn propagate_stop(&mut self) {
        self.from_app.stop_with(self.to_wire);
    }

    /// Gives up if one of the sides has cut its flow short while the layer waits for the other one, and
    /// returns whether it did: an abort of the wire goes up, one of the application in both
    /// directions.
    pub fn propagate_abort(&mut self) -> bool {
        self.propagate_stop();
        if let Some(End::Aborted(error)) = self.from_wire.closed().cloned() {
            self.fail(error);
        } else if let Some(End::Aborted(error)) = self.from_app.closed().cloned() {
            self.to_wire.abort(error.clone());
            self.fail(error);
        } else {
            return false;
        }
        true
    }

    /// Returns a number that changes whenever something moves in any of the four flows.
    pub fn revision(&self) -> u64 {
        let wire = self.from_wire.revision() + self.to_wire.revision();
        wire + self.from_app.revision() + self.to_app.revision()
    }
}

impl Flows<'_> {
    /// Moves everything there is room for, ends too, and stops the other way, in both directions:
    /// what a transparent layer does.
    pub fn pass_through(&mut self) {
        self.from_wire.transfer_to(self.to_app);
        self.from_app.transfer_to(self.to_wire);
    }
}

/// A protocol without I/O. (Not the `Layer` of tower, which decorates services.)
///
/// Four methods have to be written: [`name`](Self::name), [`process`](Self::process),
/// [`is_open`](Self::is_open) and [`progress`](Self::progress). The last group of methods, from
/// [`visit`](Self::visit) on, is overridden only by layers that hold layers.
///
/// A layer lent as `&mut T`, or in a box, is a layer too.
///
/// Whoever drives a layer calls [`process`](Self::process) whenever a flow has changed or the
/// [`deadline`](Self::deadline) has come; a call too many does nothing.
///
/// # The laws
///
/// Every layer keeps them, alone and nested; the crate `wirestack-laws` checks them.
///
/// 1. **Fragmentation**: cutting the input differently changes nothing that the application sees.
/// 2. **Ordering**: an error or an end comes after everything that precedes it. (An abort may
///    overtake bytes that a closed window holds back.)
/// 3. **Idempotence**: `process` again with nothing new moves nothing and changes nothing.
/// 4. **Deadline**: after `process(now)`, `deadline()` is `None` or later than `now`.
/// 5. **Termination**: a flow ends once and nothing is written after; a layer that is over discards
///    its inputs, and stops what its application has not ended.
/// 6. **Backpressure**: with no room, no new unit is started; overshoot is at most one unit.
/// 7. **Demand**: a layer that leaves bytes unread while it has room has asked for more, with
///    [`Pipe::require`].
/// 8. **Associativity**: every grouping, boxed or not, is indistinguishable.
/// 9. **Robustness**: no bytes panic, and memory stays within the stated limits.
/// 10. **Transparency**: a transparent layer stays so; bypassed or not, it is indistinguishable.
/// 11. **Cancellation**: when `to_wire` is stopped, so is `from_app`, in the same call and with the
///     same error; what arrives is still heard.
pub trait Layer: AnyLayer {
    /// What the application sends: bytes for a tunnel, messages for a WebSocket.
    type In: Flow;
    /// What the application receives.
    type Out: Flow;

    /// Returns the name that errors and traces use, such as `tls`.
    fn name(&self) -> &'static str;
    /// Moves everything that can move, then returns.
    ///
    /// Nothing is returned because errors travel in the flow: a layer that fails writes what its
    /// protocol says about it and calls [`Flows::fail`], once; the error is then the last thing in
    /// `to_app`. An abort of `from_wire` is passed up, one of `from_app` down, each in its place.
    /// A layer that waits for its application's decision still heeds an abort of the wire.
    fn process(&mut self, flows: Flows<'_, Self::In, Self::Out>, now: Instant);
    /// Returns when `process` must be called again even if nothing arrives.
    fn deadline(&self) -> Option<Instant> {
        None
    }

    /// Returns whether the handshake has succeeded and the application may be heard; once true, it
    /// stays so.
    fn is_open(&self) -> bool;
    /// Returns whether the layer is, from now on and for ever, a plain tunnel that changes nothing.
    ///
    /// A stack then takes it out of the path: it is not called again.
    fn is_transparent(&self) -> bool {
        false
    }

    /// Returns whether everything that was taken from `from_app` has gone to `to_wire`. A layer that
    /// leaves in `from_app` what it cannot send yet has nothing to add.
    fn is_flushed(&self) -> bool {
        true
    }

    /// Returns whether one direction can end while the other goes on.
    fn carries_half_close(&self) -> bool {
        true
    }

    /// Returns what the layer is waiting for, for errors and traces.
    fn progress(&self) -> Progress;
    /// Writes what the layer learnt while it opened, in one line without secrets: the TLS version,
    /// the bound address. Writes nothing if there is nothing to tell.
    ///
    /// [`status`](Self::status) shows it.
    ///
    /// # Errors
    ///
    /// Those of the formatter.
    fn facts(&self, _f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }

    /// Returns the state of this layer, which shows as a line: `tls: open (TLS 1.3)`. That of a stack is
    /// the state of the whole; [`visit`](Self::visit) shows each layer in it.
    fn status(&self) -> Status<'_> {
        self.own_status()
    }

    // --- only layers that hold layers override these ---

    /// Shows the state of each layer in here, from the wire up.
    ///
    /// Only a layer that holds layers overrides it: it visits them.
    fn visit<'a>(&'a self, visitor: &mut dyn FnMut(Status<'a>)) {
        visitor(self.status());
    }

    /// Returns how many layers are in here, itself included.
    ///
    /// Only a layer that holds layers overrides it: it adds theirs.
    fn depth(&self) -> usize {
        1
    }

    /// Returns the first layer in here, from the top down, whose type is wanted.
    ///
    /// Only a layer that holds layers overrides it: it asks them, the upper one first.
    /// [`LayerExt::part`](crate::LayerExt::part) is the way to call it.
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
}

/// What a layer is doing, and what it waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress {
    /// In its handshake, waiting for this from the peer: `the CONNECT response`.
    Opening(&'static str),
    /// Waiting for its application to decide on this: `the CONNECT request`.
    Deciding(&'static str),
    /// Open: the application is heard.
    Open,
    /// Closing, waiting for this from the peer: `the peer's close frame`.
    Closing(&'static str),
    /// Over, well or badly.
    Over,
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Opening(what) => write!(f, "opening, waiting for {what}"),
            Self::Deciding(what) => write!(f, "waiting for a decision on {what}"),
            Self::Open => f.write_str("open"),
            Self::Closing(what) => write!(f, "closing, waiting for {what}"),
            Self::Over => f.write_str("over"),
        }
    }
}

/// A layer that is lent or boxed does what the layer itself does.
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
        }
    };
}
pass_on!(Box<T>);
pass_on!(&mut T);

impl Pipe {
    /// Returns the error of a reader that was stopped in the middle of something: the reason of an
    /// abort, or `cause` if the writer finished there; `None` while more may come.
    pub fn truncation(
        &self,
        layer: &'static str,
        cause: impl Into<crate::BoxError>,
    ) -> Option<Error> {
        match self.closed()? {
            End::Finished => Some(Error::peer(layer, cause)),
            End::Aborted(error) => Some(error.clone()),
        }
    }
}
