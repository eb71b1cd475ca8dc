use crate::Error;
use alloc::boxed::Box;

/// The end of a flow. It travels behind the last byte.
///
/// An abort carries its reason. So the reason passes through every layer above, behind everything
/// that was delivered before it.
///
/// ```
/// use wirestack_layer::{End, Error, Flow, Pipe};
///
/// let mut pipe = Pipe::new();
/// pipe.abort(Error::local("demo", "the program ends"));
/// match pipe.end() {
///     Some(End::Finished) => unreachable!("it was cut short"),
///     Some(End::Aborted(error)) => assert_eq!(error.origin(), "demo"),
///     None => unreachable!("more may come"),
/// }
/// ```
#[derive(Clone, Debug)]
pub enum End {
    /// The writer is done.
    Finished,
    /// The flow was cut short, for this reason.
    Aborted(Error),
}

/// The end that the reader gives to a flow: it wants no more, for a reason. A stop travels against
/// the bytes, and overtakes them.
///
/// It is the STOP_SENDING of QUIC (RFC 9000 §3.5), and the EPIPE of a socket.
///
/// ```
/// use wirestack_layer::{Error, Flow, Pipe, Stop};
///
/// let mut pipe = Pipe::new();
/// pipe.stop(Stop::from(Error::peer("wire", "the socket is closed")));
/// assert!(pipe.stop_state().is_some_and(|stop| !stop.lost));
/// ```
#[derive(Clone, Debug)]
pub struct Stop {
    /// The reason.
    pub error: Error,
    /// `true` if bytes or items that were written before the stop are lost.
    pub lost: bool,
}

impl Stop {
    /// Stores this stop in `seen`, the stop of a flow. The first reason stays; a later stop can
    /// only add that something is lost. Returns `true` if anything changed.
    ///
    /// ```
    /// use wirestack_layer::{Error, Stop};
    ///
    /// // In a flow of one's own: its `stop` keeps the first reason.
    /// let mut seen = None;
    /// assert!(Stop::from(Error::local("demo", "first")).put(&mut seen));
    /// assert!(!Stop::from(Error::local("demo", "second")).put(&mut seen));
    /// assert_eq!(seen.unwrap().error.to_string(), "demo: first");
    /// ```
    pub fn put(self, seen: &mut Option<Box<Self>>) -> bool {
        match seen {
            None => *seen = Some(Box::new(self)),
            Some(seen) if self.lost && !seen.lost => seen.lost = true,
            Some(_) => return false,
        }
        true
    }
}

/// Creates a stop with which nothing is lost.
impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self { error, lost: false }
    }
}

/// A flow in one direction, of bytes or of items: a bounded queue with an end.
///
/// ```
/// use wirestack_layer::{End, Error, Flow, Pipe};
///
/// let mut pipe = Pipe::with_limit(100);
/// pipe.write(b"last words");
/// pipe.finish(); // the writer ends it
/// assert!(pipe.is_closed() && !pipe.is_empty());
/// assert!(pipe.end().is_none()); // the reader has not read all
/// pipe.discard();
/// assert!(matches!(pipe.end(), Some(End::Finished)));
///
/// let mut other = Pipe::new();
/// other.write(b"bytes");
/// assert!(other.room() > 0 && other.stopped().is_none());
/// other.refuse(Error::peer("demo", "nobody reads")); // the reader wants no more
/// assert!(other.stopped().is_some() && other.refused().is_some());
/// let before = other.revision();
/// other.abort(Error::local("demo", "given up"));
/// assert!(other.closed().is_some() && other.revision() > before);
/// ```
///
/// The words below: an end goes with the bytes, a stop against them.
///
/// ```
/// use wirestack_layer::{End, Error, Flow, Pipe, Stop};
///
/// let (mut below, mut above) = (Pipe::new(), Pipe::new());
/// above.close(End::Finished); // the same as `finish`
/// below.write(b"lost");
/// below.lose(Error::peer("wire", "the socket is closed")); // these bytes are never read
/// assert!(below.stop_state().is_some_and(|stop| stop.lost));
/// let mut third = Pipe::new();
/// third.stop_with(&below); // a layer between them passes the stop on
/// assert!(third.stopped().is_some());
/// third.stop(Stop::from(Error::local("demo", "another reason"))); // the first one stays
/// assert_eq!(third.stopped().map(Error::origin), Some("wire"));
/// ```
pub trait Flow {
    /// Ends the flow. The first end stays; later ones are ignored.
    fn close(&mut self, end: End);

    /// Returns the end, even while unread bytes or items are before it: no more will come.
    ///
    /// A parser that has a part of a unit asks this. A reader asks [`end`](Self::end).
    fn closed(&self) -> Option<&End>;

    /// Returns `true` if there are no unread bytes or items.
    fn is_empty(&self) -> bool;

    /// Returns how many bytes a writer may add before it should wait.
    ///
    /// A unit that was begun may be completed beyond it; none may be begun at zero.
    fn room(&self) -> usize;

    /// Discards the unread bytes or items: nobody will read them.
    fn discard(&mut self);

    /// Stops the flow on the reader's side: the reader wants no more. The first reason stays.
    ///
    /// Later writes are discarded at once. Unread bytes or items stay for the reader.
    fn stop(&mut self, stop: Stop);

    /// Returns the stop of the reader, if there is one, even while there are unread bytes or items.
    fn stop_state(&self) -> Option<&Stop>;

    /// Returns a number that changes whenever something goes in or out, or the flow ends or is
    /// stopped.
    fn revision(&self) -> u64;

    /// Returns the end once everything before it has been read.
    #[inline]
    fn end(&self) -> Option<&End> {
        self.closed().filter(|_| self.is_empty())
    }

    /// Returns the error with which the reader stopped the flow. A writer asks this before it
    /// writes.
    #[inline]
    fn stopped(&self) -> Option<&Error> {
        self.stop_state().map(|stop| &stop.error)
    }

    /// Returns the error of a stop that lost something which had been written. A writer asks this
    /// when it flushes or closes.
    #[inline]
    fn refused(&self) -> Option<&Error> {
        self.stop_state()
            .filter(|stop| stop.lost)
            .map(|stop| &stop.error)
    }

    /// Stops the flow and discards the unread bytes or items. If there were any, they are lost.
    fn refuse(&mut self, error: Error) {
        let lost = !self.is_empty();
        self.stop(Stop { error, lost });
        self.discard();
    }

    /// Stops the flow and discards the unread bytes or items. Some that were read before are lost
    /// too, as when a socket breaks.
    fn lose(&mut self, error: Error) {
        self.stop(Stop { error, lost: true });
        self.discard();
    }

    /// Stops this flow if `to`, the flow that it feeds, is stopped, with the same error: nobody
    /// would read the result.
    #[inline]
    fn stop_with(&mut self, to: &impl Flow) {
        if let Some(stop) = to.stop_state() {
            stop_as(self, stop);
        }
    }

    /// Returns `true` if the writer has ended the flow.
    #[inline]
    fn is_closed(&self) -> bool {
        self.closed().is_some()
    }

    /// Ends the flow cleanly.
    fn finish(&mut self) {
        self.close(End::Finished);
    }

    /// Ends the flow with an error.
    fn abort(&mut self, error: Error) {
        self.close(End::Aborted(error));
    }
}

/// Stops a flow as the flow that it feeds was stopped.
#[cold]
fn stop_as(flow: &mut (impl Flow + ?Sized), stop: &Stop) {
    let lost = stop.lost || !flow.is_empty();
    if flow.stop_state().is_none_or(|seen| lost && !seen.lost) {
        let error = stop.error.clone();
        flow.stop(Stop { error, lost });
    }
    flow.discard();
}
