use crate::{End, Error, Flow, Pipe, Place};
use core::fmt;

/// The four flows that meet in a layer, and the index of the layer in its stack.
///
/// The flows belong to the caller: a driver, a test, or the stack that joins this layer to its
/// neighbours.
///
/// ```
/// use wirestack_layer::{Error, Flow, Flows, Pipe};
///
/// let [mut from_wire, mut to_wire, mut from_app, mut to_app] = <[Pipe; 4]>::default();
/// from_app.write(b"hello");
/// let mut flows = Flows::new(&mut from_wire, &mut to_wire, &mut from_app, &mut to_app);
/// flows.propagate_stop(); // a layer begins with this
/// flows.reborrow().pass_through(); // it changes nothing any more
/// assert_eq!(flows.to_wire.unread(), b"hello");
/// assert!(!flows.propagate_abort() && flows.revision() > 0);
/// flows.at_index(2).fail(Error::peer("demo", "a fault")); // all four directions end
/// assert!(to_app.is_closed() && to_wire.is_closed());
/// from_wire.discard();
/// ```
pub struct Flows<'a, In = Pipe, Out = Pipe> {
    /// Bytes that arrived.
    pub from_wire: &'a mut Pipe,
    /// Bytes to be sent.
    pub to_wire: &'a mut Pipe,
    /// Bytes or items that the application sends.
    pub from_app: &'a mut In,
    /// Bytes or items that the application receives.
    pub to_app: &'a mut Out,
    /// The number of layers below this one.
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

    /// Throws both inputs away. A layer that is over does so on every call, so that no writer waits
    /// for it.
    pub fn discard(&mut self) {
        self.from_wire.discard();
        self.from_app.discard();
    }

    /// Ends both directions with an error. The peer gets what was written so far. The application
    /// gets the error, behind everything that was delivered. Both inputs are stopped with it.
    pub fn fail(&mut self, error: Error) {
        let error = error.at(Place::Layer(self.index));
        self.to_wire.finish();
        self.from_wire.refuse(error.clone());
        self.from_app.refuse(error.clone());
        self.to_app.abort(error);
    }

    /// Propagates a stop of `to_wire` to `from_app`: nothing that the application sends can leave
    /// any more. Every layer calls this first in `process`, unless it calls
    /// [`pass_through`](Flows::pass_through). Bytes from the wire are still read.
    pub fn propagate_stop(&mut self) {
        self.from_app.stop_with(self.to_wire);
    }

    /// Propagates an abort. An aborted wire ends the application's side with the same error; an
    /// aborted application ends both. Returns `true` if there was one. A layer calls it while its
    /// handshake waits.
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
    /// Passes everything through, as a transparent layer does: in both directions as many bytes as
    /// there is room for, then the end; and stops the other way.
    pub fn pass_through(&mut self) {
        self.from_wire.transfer_to(self.to_app);
        self.from_app.transfer_to(self.to_wire);
    }
}

impl<In, Out> fmt::Debug for Flows<'_, In, Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flows")
            .field("index", &self.index)
            .finish_non_exhaustive()
    }
}
