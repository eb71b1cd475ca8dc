//! The link between two peers: it carries bytes, cuts them into chunks and makes faults.

use crate::rng::Rng;
use std::time::Duration;
use wirestack_layer::{End, Error, Flow, Instant, Pipe, Place};

/// The chunks in which a link carries bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Chunking {
    /// Everything at once, with the end.
    Whole,
    /// A random number of bytes at once, at most this one, and the end on its own.
    Chunks(usize),
    /// The bytes before this offset first, then the rest.
    Split(usize),
    /// Everything, but this much later.
    Delayed(Duration),
}

/// A fault of a link, at an offset.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// The link ends there, cleanly or with a reset.
    Cut { clean: bool },
    /// One byte is changed: XOR with this mask.
    Flip(u8),
    /// One byte is lost.
    Lose,
    /// These bytes are inserted.
    Insert(Vec<u8>),
}

/// One direction of a link.
#[derive(Debug)]
pub(crate) struct Direction {
    chunking: Chunking,
    fault: Option<(usize, Fault)>,
    /// True if an abort arrives as a reset, false if it arrives as a clean end.
    pub(crate) shows_aborts: bool,
    /// True while the link carries nothing.
    pub(crate) stalled: bool,
    /// The offset behind which it carries nothing.
    until: Option<usize>,
    /// All bytes that were carried.
    pub(crate) transcript: Vec<u8>,
    ready: Option<Instant>,
}

impl Direction {
    pub(crate) fn new(chunking: Chunking) -> Self {
        Self {
            chunking,
            fault: None,
            shows_aborts: true,
            stalled: false,
            until: None,
            transcript: Vec::new(),
            ready: None,
        }
    }

    /// Returns the number of bytes that were carried.
    pub(crate) fn carried(&self) -> usize {
        self.transcript.len()
    }

    /// Sets a fault, this many bytes from now.
    pub(crate) fn break_after(&mut self, bytes: usize, fault: Fault) {
        self.fault = Some((self.carried() + bytes, fault));
    }

    /// Carries only so many bytes from now on.
    pub(crate) fn carry_only(&mut self, bytes: usize) {
        self.until = Some(self.carried() + bytes);
    }

    /// Carries everything again.
    pub(crate) fn carry_all(&mut self) {
        self.until = None;
    }

    /// Returns the time at which the delayed bytes arrive.
    pub(crate) fn ready(&self) -> Option<Instant> {
        self.ready
    }

    /// Carries the bytes that wait and have room. Returns `true` if anything changed.
    pub(crate) fn carry(
        &mut self,
        from: &mut Pipe,
        to: &mut Pipe,
        rng: &mut Rng,
        now: Instant,
    ) -> bool {
        if to.is_closed() {
            // They are lost, like bytes that are sent to a closed socket.
            let lost = !from.is_empty();
            from.discard();
            return lost;
        }
        let due = matches!(&self.fault,
            Some((at, Fault::Cut { .. } | Fault::Insert(_))) if *at <= self.carried());
        let waits = due || !from.is_empty() || from.is_closed();
        if self.stalled || !waits || !self.arrives(now) {
            return false;
        }
        let done = self.carried();
        let mut n = from.len().min(to.room());
        match self.chunking {
            Chunking::Chunks(most) => n = n.min(1 + rng.below(most)),
            Chunking::Split(at) if done < at => n = n.min(at - done),
            _ => {}
        }
        if let Some(until) = self.until {
            n = n.min(until.saturating_sub(done));
        }
        let fault_hit = self.fault.take_if(|(at, _)| *at <= done + n);
        match fault_hit {
            Some((at, fault)) => self.apply(at - done, fault, from, to),
            None => {
                self.pass(n, from, to);
                let apart = n > 0 && self.chunking != Chunking::Whole;
                if !apart && let Some(end) = from.end().cloned() {
                    match end {
                        End::Aborted(_) if self.shows_aborts => to.abort(reset()),
                        _ => to.finish(),
                    }
                    return true;
                }
                n > 0
            }
        }
    }

    fn arrives(&mut self, now: Instant) -> bool {
        let Chunking::Delayed(by) = self.chunking else {
            return true;
        };
        let arrives = *self.ready.get_or_insert(now + by) <= now;
        if arrives {
            self.ready = None;
        }
        arrives
    }

    /// Carries the `n` bytes before the fault, then makes the fault.
    fn apply(&mut self, n: usize, fault: Fault, from: &mut Pipe, to: &mut Pipe) -> bool {
        self.pass(n, from, to);
        let at = self.carried();
        match fault {
            // A whole link brings the end with the last bytes, another one brings it on its own.
            Fault::Cut { clean } if n == 0 || self.chunking == Chunking::Whole => {
                if clean {
                    to.finish();
                } else {
                    to.abort(reset());
                }
            }
            Fault::Insert(bytes) => {
                to.write(&bytes);
                self.transcript.extend_from_slice(&bytes);
            }
            Fault::Flip(mask) if !from.is_empty() => {
                let byte = from.take(1)[0] ^ mask;
                to.write(&[byte]);
                self.transcript.push(byte);
            }
            Fault::Lose if !from.is_empty() => from.consume(1),
            later => {
                self.fault = Some((at, later));
                return n > 0;
            }
        }
        true
    }

    fn pass(&mut self, n: usize, from: &mut Pipe, to: &mut Pipe) {
        if n > 0 {
            let bytes = from.take(n);
            self.transcript.extend_from_slice(&bytes);
            // Drivers write into pipes, and layers push.
            match self.transcript.len() % 2 {
                0 => to.push(bytes),
                _ => to.write(&bytes),
            }
        }
    }
}

/// Returns the error of a broken connection, as a driver makes it.
pub(crate) fn reset() -> Error {
    Error::peer(LINK, "connection reset").at(Place::Wire)
}

/// The name of the link in errors.
pub(crate) const LINK: &str = "link";
