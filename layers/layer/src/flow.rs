use crate::Error;
use alloc::boxed::Box;

/// How a flow ended. It travels behind the last byte.
///
/// An abort carries its reason, so a cause passes through every layer above in its place: behind
/// everything that was delivered before it.
#[derive(Clone, Debug)]
pub enum End {
    /// The writer said that it was done.
    Finished,
    /// The flow was cut short, and this is why.
    Aborted(Error),
}

/// The reader's end of a flow: it wants no more, and this is why. A stop travels against the bytes, and
/// overtakes them.
///
/// QUIC has STOP_SENDING for it (RFC 9000 §3.5), and a socket EPIPE.
#[derive(Clone, Debug)]
pub struct Stop {
    /// The reason.
    pub error: Error,
    /// True if bytes or items that were written before the stop are lost.
    pub lost: bool,
}

impl Stop {
    /// Stores a stop in the place of a flow. The first reason stays; a later stop can only add that
    /// something is lost. Returns `true` if anything changed.
    pub fn put(self, seen: &mut Option<Box<Self>>) -> bool {
        match seen {
            None => *seen = Some(Box::new(self)),
            Some(seen) if self.lost && !seen.lost => seen.lost = true,
            Some(_) => return false,
        }
        true
    }
}

impl From<Error> for Stop {
    /// Nothing is lost.
    fn from(error: Error) -> Self {
        Self { error, lost: false }
    }
}

/// What every flow can do, whatever it carries.
pub trait Flow {
    /// Ends the flow. The first end stays; later ones are ignored.
    fn close(&mut self, end: End);
    /// Returns the end, even while something waits before it: what is there is all there will be.
    ///
    /// This is what the parser of a partial unit asks; see [`end`](Self::end) for a reader.
    fn closed(&self) -> Option<&End>;
    /// Returns whether nothing waits to be read.
    fn is_empty(&self) -> bool;
    /// Returns how much a writer may add before it should stop, in bytes.
    ///
    /// A unit that was begun may be completed beyond it; none may be begun at zero.
    fn room(&self) -> usize;
    /// Throws away what waits: nobody will read it.
    fn discard(&mut self);
    /// Stops the flow on the reader's side: no more is wanted, for this reason. The first reason stays.
    ///
    /// Later writes are discarded at once. What waits already stays for the reader.
    fn stop(&mut self, stop: Stop);
    /// Returns the stop of the reader, if there is one, whatever still waits.
    fn stop_state(&self) -> Option<&Stop>;
    /// Returns a number that changes whenever something goes in or out, or the flow ends or is
    /// stopped.
    fn revision(&self) -> u64;

    /// Returns the end once everything before it has been read.
    fn end(&self) -> Option<&End> {
        self.closed().filter(|_| self.is_empty())
    }

    /// Returns the error with which the reader stopped the flow. A writer asks this before it writes.
    fn stopped(&self) -> Option<&Error> {
        self.stop_state().map(|stop| &stop.error)
    }

    /// Returns the error of a stop that lost something which had been written. A writer asks this
    /// when it flushes or closes.
    fn refused(&self) -> Option<&Error> {
        self.stop_state()
            .filter(|stop| stop.lost)
            .map(|stop| &stop.error)
    }

    /// Stops the flow and discards what waits. If something waited, it is lost.
    fn refuse(&mut self, error: Error) {
        let lost = !self.is_empty();
        self.stop(Stop { error, lost });
        self.discard();
    }

    /// Stops the flow and discards what waits. Something that was read before is lost too, as when a
    /// socket breaks.
    fn lose(&mut self, error: Error) {
        self.stop(Stop { error, lost: true });
        self.discard();
    }

    /// Stops this flow if the flow that it feeds is stopped, with the same error: nobody would read
    /// what is made of it.
    fn stop_with(&mut self, to: &impl Flow) {
        if let Some(stop) = to.stop_state() {
            let lost = stop.lost || !self.is_empty();
            if self.stop_state().is_none_or(|seen| lost && !seen.lost) {
                let error = stop.error.clone();
                self.stop(Stop { error, lost });
            }
            self.discard();
        }
    }

    /// Returns whether the writer has ended the flow.
    fn is_closed(&self) -> bool {
        self.closed().is_some()
    }

    /// Ends the flow cleanly.
    fn finish(&mut self) {
        self.close(End::Finished);
    }

    /// Ends the flow with a reason.
    fn abort(&mut self, error: Error) {
        self.close(End::Aborted(error));
    }
}
