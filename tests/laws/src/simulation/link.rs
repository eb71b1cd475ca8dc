//! A link: what it carries, how it cuts it, and the faults that it makes.

use crate::rng::Rng;
use std::time::Duration;
use wirestack_layer::Instant;
use wirestack_layer::{Error, Flow, Pipe};

/// How a link cuts the bytes that it carries.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Chunking {
    /// Everything at once, and the end with it.
    Whole,
    /// At most so many bytes at once, by chance, and the end on its own.
    Chunks(usize),
    /// Everything up to this offset first, the rest later.
    Split(usize),
    /// Everything so much later.
    Delayed(Duration),
}

/// What a link does wrong, at an offset.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// It ends there, cleanly or not.
    Cut { clean: bool },
    /// One byte is changed by this mask.
    Flip(u8),
    /// One byte is lost.
    Lose,
    /// These bytes come in between.
    Insert(Vec<u8>),
}

/// One direction of a link.
#[derive(Debug)]
pub(crate) struct Direction {
    chunking: Chunking,
    fault: Option<(usize, Fault)>,
    /// Whether an abort arrives as one, as a reset does, or as a plain end.
    pub(crate) shows_aborts: bool,
    /// Whether nothing is carried for now.
    pub(crate) stalled: bool,
    /// Everything that was carried.
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
            transcript: Vec::new(),
            ready: None,
        }
    }

    /// Returns how many bytes were carried.
    pub(crate) fn carried(&self) -> usize {
        self.transcript.len()
    }

    /// Sets what will go wrong, so many bytes from now.
    pub(crate) fn break_after(&mut self, bytes: usize, fault: Fault) {
        self.fault = Some((self.carried() + bytes, fault));
    }

    /// Returns when what waits will arrive.
    pub(crate) fn ready(&self) -> Option<Instant> {
        self.ready
    }

    /// Carries what there is and may be, and returns whether anything changed.
    pub(crate) fn carry(
        &mut self,
        from: &mut Pipe,
        to: &mut Pipe,
        rng: &mut Rng,
        now: Instant,
    ) -> bool {
        if to.is_closed() {
            // Falls into the void, like bytes sent to a closed socket.
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
        let fault_hit = self.fault.take_if(|(at, _)| *at <= done + n);
        match fault_hit {
            Some((at, fault)) => self.apply(at - done, fault, from, to),
            None => {
                self.pass(n, from, to);
                let apart = n > 0 && self.chunking != Chunking::Whole;
                if !apart && let Some(end) = from.end().cloned() {
                    match end {
                        wirestack_layer::End::Aborted(_) if self.shows_aborts => to.abort(reset()),
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

    /// Carries the `n` bytes before the fault and lets it happen.
    fn apply(&mut self, n: usize, fault: Fault, from: &mut Pipe, to: &mut Pipe) -> bool {
        self.pass(n, from, to);
        let at = self.carried();
        match fault {
            // The end comes with the last bytes if the link carries in lumps, else on its own.
            Fault::Cut { clean } if n == 0 || self.chunking == Chunking::Whole => match clean {
                true => to.finish(),
                false => to.abort(reset()),
            },
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
            // Pipes are filled by drivers, which write, and by layers below, which may push.
            match self.transcript.len() % 2 {
                0 => to.push(bytes),
                _ => to.write(&bytes),
            }
        }
    }
}

/// Returns the error of a connection that broke, as a driver makes it.
pub(crate) fn reset() -> Error {
    Error::peer(LINK, "connection reset").at(wirestack_layer::Place::Wire)
}

/// The name of what carries the bytes, in errors.
pub(crate) const LINK: &str = "link";
