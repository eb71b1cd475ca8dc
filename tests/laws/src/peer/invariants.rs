//! The laws that can be checked after each single call of `process`.

use super::flows::{Outputs, OwnedFlows};
use crate::context::Context;
use crate::law::Law;
use crate::subject::Endpoint;
use crate::traffic::Traffic;
use wirestack_layer::{End, Error, Flow, Instant, Progress};

/// The bounds that a layer has promised, and the states that it has reached.
pub(super) struct Invariants {
    /// The largest unit that may be in flight, in bytes.
    pub(super) unit: usize,
    /// The number of bytes that the layer may require.
    pub(super) memory: usize,
    pub(super) was_open: bool,
    pub(super) was_transparent: bool,
}

impl Invariants {
    /// Checks everything that can be seen after a call.
    pub(super) fn check<F: Traffic>(&mut self, call: &Call<'_, F>) {
        call.deadline();
        call.limits(self.unit);
        call.end_of_wire();
        call.stop_of_wire();
        call.end_of_app();
        call.memory(self.memory);
        call.unread();
        let (open, transparent) = call.states(self.was_open, self.was_transparent);
        (self.was_open, self.was_transparent) = (open, transparent);
    }
}

/// A call of `process` that has just returned.
pub(super) struct Call<'a, F: Traffic> {
    pub(super) context: &'a Context,
    pub(super) who: &'static str,
    pub(super) now: Instant,
    pub(super) layer: &'a Endpoint<F>,
    pub(super) flows: &'a OwnedFlows<F>,
    pub(super) before: Outputs,
    pub(super) after: Outputs,
}

impl<F: Traffic> Call<'_, F> {
    fn fail(&self, law: Law, seen: String) -> ! {
        self.context.broken(law, self.who, seen)
    }

    fn deadline(&self) {
        if let Some(deadline) = self.layer.deadline()
            && deadline <= self.now
        {
            let late = self.now - deadline;
            self.fail(Law::Deadline, format!("a deadline {late:?} ago"));
        }
    }

    /// Checks that the layer wrote nothing behind an end, and not more than there was room for.
    fn limits(&self, unit: usize) {
        let Self { before, after, .. } = self;
        for (flow, before, after) in [
            ("to_wire", before.to_wire, after.to_wire),
            ("to_app", before.to_app, after.to_app),
        ] {
            if before.closed && after.held > before.held {
                self.fail(Law::Termination, format!("{flow} grew after its end"));
            }
            if after.held > before.held.max(after.limit + unit) {
                let (held, limit) = (after.held, after.limit);
                let seen = format!(
                    "{flow} holds {held} bytes, but its limit is {limit} and a unit {unit}"
                );
                self.fail(Law::Backpressure, seen);
            }
        }
    }

    fn end_of_wire(&self) {
        let from_app = &self.flows.from_app;
        if !self.after.to_wire.closed {
            return;
        }
        if !from_app.is_empty() {
            let seen = "to_wire has ended, but from_app is not discarded";
            self.fail(Law::Termination, seen.into());
        }
        if !from_app.is_closed() && from_app.stopped().is_none() {
            let seen = "to_wire has ended, but from_app is not stopped";
            self.fail(Law::Termination, seen.into());
        }
    }

    fn stop_of_wire(&self) {
        let OwnedFlows {
            from_app, to_wire, ..
        } = self.flows;
        let Some(stop) = to_wire.stopped() else {
            return;
        };
        let seen = match from_app.stopped() {
            _ if from_app.is_closed() => None,
            None => Some("from_app is not".to_string()),
            Some(error) if error.origin() == stop.origin() => None,
            // The layer had stopped it before the wire was stopped.
            Some(_) if self.before.stopped => None,
            // Or the layer failed by itself, before it looked at the wire.
            Some(error) if self.failed_with(error) => None,
            Some(error) => Some(format!("from_app says \"{error}\"")),
        };
        if let Some(seen) = seen {
            self.fail(Law::Cancellation, format!("to_wire is stopped, but {seen}"));
        }
        if !from_app.is_empty() {
            self.fail(Law::Cancellation, "from_app is not discarded".into());
        }
    }

    fn failed_with(&self, error: &Error) -> bool {
        match self.flows.to_app.closed() {
            Some(End::Aborted(seen)) => seen.to_string() == error.to_string(),
            _ => false,
        }
    }

    fn end_of_app(&self) {
        let unread = self.flows.from_wire.len();
        if self.after.to_app.closed && unread > 0 && !self.waits_below() {
            let seen = "to_app has ended, but from_wire is not discarded";
            self.fail(Law::Termination, seen.into());
        }
    }

    /// Returns `true` for a stack whose upper layer may be over while a lower one waits: for the
    /// rest of a unit, for room to answer, or for the application.
    fn waits_below(&self) -> bool {
        let OwnedFlows {
            from_wire, to_wire, ..
        } = self.flows;
        let for_rest = from_wire.required() > from_wire.len();
        self.layer.depth() > 1 && (for_rest || to_wire.room() == 0 || self.is_parked())
    }

    fn is_parked(&self) -> bool {
        matches!(self.layer.progress(), Progress::Deciding(_))
    }

    fn memory(&self, memory: usize) {
        let required = self.flows.from_wire.required();
        if required > memory {
            let seen = format!("{required} bytes are required, but {memory} is all there may be");
            self.fail(Law::Robustness, seen);
        }
    }

    /// Checks that a layer with room has read what it can, and has noticed the end.
    fn unread(&self) {
        let OwnedFlows {
            from_wire,
            to_wire,
            to_app,
            ..
        } = self.flows;
        let is_full = to_app.room() == 0 || to_wire.room() == 0;
        if self.is_parked() || is_full || self.after.to_app.closed {
            return;
        }
        let (unread, required) = (from_wire.len(), from_wire.required());
        // An error may wait until the application has taken what came before it.
        if from_wire.is_closed() && to_app.is_empty() {
            let seen =
                format!("from_wire has ended with {unread} bytes unread, but to_app goes on");
            self.fail(Law::Robustness, seen);
        }
        if unread > 0 && required <= unread {
            let seen = format!(
                "{unread} bytes are left unread, and {required} are required (see `Pipe::require`)"
            );
            self.fail(Law::Demand, seen);
        }
    }

    /// Checks that an open layer stays open, and a transparent one transparent. Returns both
    /// states.
    fn states(&self, was_open: bool, was_transparent: bool) -> (bool, bool) {
        let (open, transparent) = (self.layer.is_open(), self.layer.is_transparent());
        let progress = self.layer.progress();
        let waits = matches!(progress, Progress::Opening(_) | Progress::Deciding(_));
        if open && waits {
            let seen = format!("`is_open()` is true, but `progress()` says: {progress}");
            self.fail(Law::Honesty, seen);
        }
        if !open && progress == Progress::Open && !self.after.to_app.closed {
            let seen = "`is_open()` is false, but `progress()` says: open";
            self.fail(Law::Honesty, seen.into());
        }
        for (now, was, what) in [
            (open, was_open, "open"),
            (transparent, was_transparent, "transparent"),
        ] {
            if was && !now {
                self.fail(Law::Transparency, format!("it is no longer {what}"));
            }
        }
        if transparent && !open {
            self.fail(
                Law::Transparency,
                "it is transparent before it is open".into(),
            );
        }
        if transparent && self.layer.deadline().is_some() {
            let seen = "it is transparent, and has a deadline";
            self.fail(Law::Transparency, seen.into());
        }
        (open, transparent)
    }
}
