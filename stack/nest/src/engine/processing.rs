//! Running the layers of an engine, and no more often than needed.

use super::Engine;
use crate::opening::{OpenDeadline, OpeningTimedOut};
use crate::writing::WriteTimedOut;
use wirestack_layer::{Error, Flow, Flows, Instant, Layer, Pipe, Place, origin};

impl<L: Layer> Engine<L> {
    /// Runs the layers until nothing more can move. Calling it again changes nothing, until bytes
    /// arrive or leave, a decision is taken or the [`deadline`](Self::deadline) has come.
    pub fn process(&mut self, now: Instant) {
        self.watch_writing(now);
        if self.processed == Some(self.revision()) && self.deadline().is_none_or(|due| now < due) {
            return; // nothing would move: the law of idempotence
        }
        if self.opening.is_some() {
            self.watch_opening(now);
        }
        let flows = Flows::new(
            &mut self.from_wire,
            &mut self.to_wire,
            &mut self.from_app,
            &mut self.to_app,
        );
        self.layer.process(flows, now);
        self.watch_writing(now);
        self.processed = Some(self.revision());
        self.layers_deadline = self.layer.deadline();
        if self.opening.is_some() && self.layer.is_open() {
            self.opening = None;
        }
        #[cfg(feature = "tracing")]
        self.spans.record(&self.layer, self.to_app.closed());
    }

    /// Does the same as [`process`](Self::process), and calls `clock` only if the time matters.
    ///
    /// While a stack has no deadline and does nothing but carry bytes or messages, most calls need no
    /// time.
    ///
    /// ```
    /// use wirestack_layer::Flow;
    /// use wirestack_nest::{Engine, Identity};
    ///
    /// # let now = wirestack_layer::Instant::ORIGIN;
    /// let mut engine = Engine::new(Identity);
    /// engine.process(now);
    /// engine.from_wire().write(b"hello");
    /// engine.process_with(|| unreachable!("bytes that arrive need no time"));
    /// assert_eq!(engine.to_app().unread(), b"hello");
    /// ```
    #[inline]
    pub fn process_with(&mut self, clock: impl FnOnce() -> Instant) {
        if !self.may_have_deadline() {
            if self.processed == Some(self.revision()) {
                return;
            }
            let flows = Flows::new(
                &mut self.from_wire,
                &mut self.to_wire,
                &mut self.from_app,
                &mut self.to_app,
            );
            if self.layer.process_untimed(flows) {
                self.processed = Some(self.revision());
                #[cfg(feature = "tracing")]
                self.spans.record(&self.layer, self.to_app.closed());
                return;
            }
        }
        self.process(clock());
    }

    /// Returns `false` if [`deadline`](Self::deadline) returns `None`, without asking the layers unless
    /// the application has decided something.
    ///
    /// ```
    /// use wirestack_nest::{Engine, Identity};
    ///
    /// assert!(!Engine::new(Identity).may_have_deadline()); // nothing waits for anybody
    /// ```
    #[inline]
    pub fn may_have_deadline(&self) -> bool {
        self.layers_deadline.is_some()
            || self.opening.is_some()
            || !self.to_wire.is_empty()
            || (self.processed.is_none() && !self.has_no_deadline())
    }

    /// Returns `true` if the layers have no deadline, after a decision that may have changed it.
    #[cold]
    fn has_no_deadline(&self) -> bool {
        self.layer.deadline().is_none()
    }

    /// Breaks the wire of a stack that does not open in time.
    #[cold]
    fn watch_opening(&mut self, now: Instant) {
        let is_open = self.layer.is_open();
        let late = |opening: &mut OpenDeadline| is_open || opening.until <= now;
        if let Some(OpenDeadline { allowed, .. }) = self.opening.take_if(late)
            && !is_open
        {
            let progress = self.layer.progress();
            let late = OpeningTimedOut { allowed, progress };
            self.break_wire(Error::peer(origin::ENGINE, late));
        }
    }

    /// Gives a peer up that takes none of the waiting bytes.
    #[inline]
    fn watch_writing(&mut self, now: Instant) {
        if !self.to_wire.is_empty() {
            self.watch_waiting(now);
        }
    }

    fn watch_waiting(&mut self, now: Instant) {
        let waiting = self.to_wire.len();
        let sent = self.to_wire.total().wrapping_sub(waiting as u64);
        if self.writing.is_late(sent, now) {
            let allowed = self.writing.allowed;
            let error = Error::peer(origin::ENGINE, WriteTimedOut { allowed, waiting });
            self.to_wire.lose(error.clone().at(Place::Wire));
            self.break_wire(error);
        }
    }

    /// Returns `true` if [`process`](Self::process) would do nothing, at any time: nothing has
    /// moved since the last call, and there is no deadline. A driver then does not have to read its
    /// clock.
    #[inline]
    pub fn is_idle(&self) -> bool {
        self.processed == Some(self.revision())
            && self.layers_deadline.is_none()
            && self.opening.is_none()
            && (self.to_wire.is_empty() || self.writing.deadline().is_none())
    }

    /// Returns `true` if nothing waits in [`to_wire`](Self::to_wire), which has neither ended nor
    /// been stopped: a driver has nothing to do there.
    #[inline]
    pub fn is_wire_quiet(&self) -> bool {
        self.to_wire.is_empty() && !self.to_wire.is_closed() && self.to_wire.stop_state().is_none()
    }

    /// Lends [`to_wire`](Self::to_wire) to `send`, which sends bytes and consumes them, and returns
    /// its result.
    ///
    /// This saves calls of the layers. A stack that had left room in this flow was not waiting for
    /// room, so [`process`](Self::process) does not run it merely because bytes have left.
    #[inline]
    pub fn transmit<T>(&mut self, send: impl FnOnce(&mut Pipe) -> T) -> T {
        let must_run = self.to_wire.room() == 0 || self.processed != Some(self.revision());
        let sent = send(&mut self.to_wire);
        if !must_run {
            self.processed = Some(self.revision());
        }
        sent
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Nest;
    use std::time::Duration;
    use wirestack_layer::Tunnel;

    fn greeting() -> Tunnel {
        Tunnel::new("greeting", async |wire| {
            wire.write("hello").await;
            let [_] = wire.read_array("the answer").await?;
            Ok(())
        })
    }

    #[test]
    fn a_handshake_is_processed_without_a_look_at_the_clock() {
        let untimed = || -> Instant { unreachable!("a handshake needs no time") };
        let mut engine = Engine::new(greeting().boxed());
        engine.process_with(untimed);
        engine.to_wire().discard();
        engine.from_wire().write(b"+");
        assert!(engine.part_mut::<Tunnel>().is_some(), "a decision, perhaps");
        engine.process_with(untimed);
        assert!(engine.is_open());
    }

    #[test]
    fn a_time_out_of_the_opening_needs_the_time() {
        let mut engine = Engine::new(greeting().boxed());
        let now = Instant::ORIGIN;
        engine.set_open_timeout(Duration::from_secs(1), now);
        engine.process_with(|| now);
        engine.to_wire().discard();
        engine.process_with(|| now.checked_add(Duration::from_secs(1)).unwrap());
        assert!(engine.to_app().is_closed());
    }
}
