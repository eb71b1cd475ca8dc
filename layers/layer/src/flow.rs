use crate::Error;

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
    /// Returns a number that changes whenever something goes in or out, or the flow ends.
    fn moves(&self) -> u64;

    /// Returns the end once everything before it has been read.
    fn end(&self) -> Option<&End> {
        self.closed().filter(|_| self.is_empty())
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
