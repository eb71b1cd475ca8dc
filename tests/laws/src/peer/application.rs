//! The application on top of a layer.

use crate::traffic::Traffic;
use wirestack_layer::{End, Error};

/// An application: the items that it sends, and those that it has received.
pub(crate) struct Application<F: Traffic> {
    /// The items that it sends. The first `fed` are handed over, and `end` follows the last.
    sent: Vec<F::Item>,
    fed: usize,
    end: Option<End>,
    pub(crate) got: Vec<F::Item>,
    /// True while it reads.
    pub(crate) reads: bool,
    /// True while it makes decisions.
    pub(crate) decides: bool,
}

impl<F: Traffic> Application<F> {
    pub(super) fn new() -> Self {
        Self {
            sent: Vec::new(),
            fed: 0,
            end: None,
            got: Vec::new(),
            reads: true,
            decides: true,
        }
    }

    pub(crate) fn send(&mut self, items: &[F::Item]) {
        self.sent.extend_from_slice(items);
    }

    /// Ends its flow behind everything that it sends. The first end counts.
    pub(crate) fn close(&mut self, end: End) {
        self.end.get_or_insert(end);
    }

    pub(crate) fn abort(&mut self) {
        self.close(End::Aborted(Error::local("app", "had enough")));
    }

    pub(crate) fn aborts(&self) -> bool {
        matches!(self.end, Some(End::Aborted(_)))
    }

    pub(crate) fn sent(&self) -> &[F::Item] {
        &self.sent
    }

    /// Hands over as many items as the flow has room for.
    pub(super) fn feed(&mut self, from_app: &mut F) {
        if from_app.is_closed() {
            return;
        }
        self.fed += from_app.put(&self.sent[self.fed..]);
        if from_app.stopped().is_some() {
            self.fed = self.sent.len(); // a stopped flow discards what is written
        }
        if self.fed == self.sent.len()
            && let Some(end) = self.end.clone()
        {
            from_app.close(end);
        }
    }

    /// Takes everything that waits, if the application reads.
    pub(super) fn read(&mut self, to_app: &mut F) {
        if self.reads {
            to_app.drain(&mut self.got);
        }
    }

    /// Returns `true` if everything was handed over.
    pub(super) fn is_fed(&self) -> bool {
        self.fed == self.sent.len()
    }

    /// Returns the number of bytes that were handed over.
    pub(super) fn fed(&self) -> usize {
        self.sent[..self.fed].iter().map(F::byte_size).sum()
    }
}
