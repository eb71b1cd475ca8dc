//! A peer: a layer, its flows and its application.

mod application;
mod ends;
mod flows;
mod invariants;
mod snapshot;

use crate::context::Context;
use crate::law::Law;
use crate::role::Role;
use crate::subject::{Endpoint, Subject};
use crate::traffic::Traffic;
use application::Application;
pub(crate) use ends::{Ended, Ends};
use flows::{NAMES, OwnedFlows};
use invariants::{Call, Invariants};
use snapshot::{LayerState, Snapshot};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use wirestack_layer::{Flow, Flows, Instant, Layer};

/// One side of a conversation: a layer, its flows and its application.
///
/// It checks the invariants after each call of `process`.
pub(crate) struct Peer<'a, F: Traffic> {
    subject: &'a Subject<F>,
    role: Role,
    layer: Box<Endpoint<F>>,
    pub(crate) flows: OwnedFlows<F>,
    pub(crate) app: Application<F>,
    /// True if the layer is taken out of the path once it is transparent.
    pub(crate) bypass: bool,
    invariants: Invariants,
    snapshots: usize,
}

impl<'a, F: Traffic> Peer<'a, F> {
    pub(crate) fn new(subject: &'a Subject<F>, role: Role, limit: usize) -> Self {
        let make = match role {
            Role::Client => &subject.client,
            Role::Server => &subject.server,
        };
        Self {
            subject,
            role,
            layer: make(),
            flows: OwnedFlows::with_limit(limit),
            app: Application::new(),
            bypass: false,
            snapshots: 0,
            invariants: Invariants {
                unit: subject.unit,
                memory: subject.memory,
                was_open: false,
                was_transparent: false,
            },
        }
    }

    /// Allows an item of this size in flight.
    pub(crate) fn expect(&mut self, item: usize) {
        let unit = self.subject.unit + item;
        self.invariants.unit = self.invariants.unit.max(unit);
    }

    /// Does the action of the application besides sending and receiving.
    pub(crate) fn poke(&mut self) {
        (self.subject.poke)(&mut *self.layer);
    }

    // --- calls of the layer ---

    /// Processes, decides, reads and writes until nothing moves. Returns `true` if anything did.
    pub(crate) fn process(&mut self, context: &Context, now: Instant) -> bool {
        let start = self.flows.revision();
        let mut decided = false;
        for _ in 0..ROUNDS {
            let before = self.flows.revision();
            self.app.feed(&mut self.flows.from_app);
            // Every other call is first tried without the time. If that was all, then the call with
            // the time changes nothing.
            let untimed = self.snapshots.is_multiple_of(2) && self.deadline().is_none();
            if !(untimed && self.step_with(context, now, Endpoint::<F>::process_untimed)) {
                self.step(context, now);
            } else if self.deadline().is_some() {
                let seen = "`process_untimed` sets a deadline, which no driver asks for then";
                context.broken(Law::Deadline, self.who(), seen);
            }
            let snapshot = self.snapshot();
            self.step(context, now);
            self.unchanged(context, &snapshot, "a second call at the same time");
            let again = self.app.decides && (self.subject.decide)(&mut *self.layer);
            decided |= again;
            self.app.read(&mut self.flows.to_app);
            if !again && self.flows.revision() == before {
                return decided || self.flows.revision() != start;
            }
        }
        context.broken(Law::Idempotence, self.who(), "it never comes to rest")
    }

    /// Calls a layer that has nothing to do, a moment later.
    pub(crate) fn idle(&mut self, context: &Context, later: Instant) {
        let deadline = self.deadline();
        if deadline.is_none_or(|deadline| later < deadline) {
            let before = self.snapshot();
            self.step(context, later);
            if deadline.is_some() {
                return self.unchanged(context, &before, "a call before the deadline");
            }
            let after = Snapshot::of(&*self.layer, &self.flows, before.facts);
            if before != after {
                let changes = before.changes(&after);
                let seen = format!("`deadline()` is None, but a call later {changes}");
                context.broken(Law::Deadline, self.who(), seen);
            }
        }
    }

    /// Calls a layer after bytes have left `to_wire`, in which there was room before. A driver does
    /// not call it for that.
    pub(crate) fn relieved(&mut self, context: &Context, now: Instant) {
        let before = self.flows.each_moves();
        self.step(context, now);
        if self.flows.each_moves() != before {
            let seen = "it waited for bytes to leave to_wire, although there was room: \
                        no driver calls it for that (is a unit held back until it fits?)";
            context.broken(Law::Idempotence, self.who(), seen);
        }
    }

    fn unchanged(&self, context: &Context, before: &Snapshot, what: &str) {
        let after = Snapshot::of(&*self.layer, &self.flows, before.facts);
        if *before != after {
            let seen = before.changes(&after);
            context.broken(Law::Idempotence, self.who(), format!("{what} {seen}"));
        }
    }

    /// Calls `process` once and checks everything that can be seen.
    fn step(&mut self, context: &Context, now: Instant) {
        self.step_with(context, now, |layer, flows| {
            layer.process(flows, now);
            true
        });
    }

    /// Calls the layer once by `call`, returns its result, and checks everything that can be seen.
    fn step_with(
        &mut self,
        context: &Context,
        now: Instant,
        call: impl FnOnce(&mut Endpoint<F>, Flows<'_, F, F>) -> bool,
    ) -> bool {
        let before = self.flows.outputs();
        let flows = self.flows.flows();
        if self.bypass && self.layer.is_transparent() {
            F::tunnel(flows);
            return true;
        }
        let layer = &mut *self.layer;
        let ran = catch_unwind(AssertUnwindSafe(|| call(layer, flows)));
        let result = match ran {
            Ok(result) => result,
            Err(panic) => self.panicked(context, &*panic),
        };
        if !result {
            return false; // it goes on with another call
        }
        self.invariants.check(&Call {
            context,
            who: self.role.name(),
            now,
            layer: &*self.layer,
            flows: &self.flows,
            before,
            after: self.flows.outputs(),
        });
        true
    }

    fn panicked(&self, context: &Context, panic: &(dyn Any + Send)) -> ! {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or(panic.downcast_ref::<&str>().copied());
        let text = text.unwrap_or("something");
        // A pipe panics with these words if something is written behind its end.
        let law = if text.contains("had ended") {
            Law::Termination
        } else {
            Law::Robustness
        };
        context.broken(law, self.who(), format!("a panic: {text}"))
    }

    // --- observations ---

    pub(crate) fn who(&self) -> &'static str {
        self.role.name()
    }

    /// Returns `true` if one direction can end while the other goes on.
    pub(crate) fn carries_half_close(&self) -> bool {
        self.layer.carries_half_close()
    }

    pub(crate) fn is_flushed(&self) -> bool {
        self.layer.is_flushed()
    }

    /// Returns `true` if the layer says that everything which it was given has left.
    pub(crate) fn has_left(&self) -> bool {
        let flows = &self.flows;
        self.app.is_fed()
            && flows.from_app.is_empty()
            && flows.to_wire.is_empty()
            && self.is_flushed()
    }

    /// Returns `true` if the layer has taken all that its application sent, or has stopped it.
    pub(crate) fn is_relieved(&self) -> bool {
        let from_app = &self.flows.from_app;
        from_app.stopped().is_some() || (self.app.is_fed() && from_app.is_empty())
    }

    pub(crate) fn is_open(&self) -> bool {
        self.layer.is_open()
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        let bypassed = self.bypass && self.layer.is_transparent();
        self.layer.deadline().filter(|_| !bypassed)
    }

    /// Returns `true` if both directions have ended and everything was read.
    pub(crate) fn is_over(&self) -> bool {
        self.flows.to_wire.end().is_some() && self.flows.to_app.end().is_some()
    }

    /// Returns the number of bytes that the layer has taken from its application.
    pub(crate) fn taken(&self) -> usize {
        self.app.fed() - self.flows.from_app.held()
    }

    /// Returns how the flows to the application and to the wire ended.
    pub(crate) fn ends(&self) -> Ends {
        Ends {
            app: self.flows.to_app.end().into(),
            wire: self.flows.to_wire.end().into(),
        }
    }

    /// Returns why the application may send no more, and `true` if something is lost.
    pub(crate) fn stopped(&self) -> Option<(String, bool)> {
        let stop = self.flows.from_app.stop_state()?;
        Some((stop.error.to_string(), stop.lost))
    }

    /// Returns the state of each layer, from the wire up.
    pub(crate) fn layers(&self) -> Vec<LayerState> {
        snapshot::layer_states(&*self.layer, true)
    }

    /// Returns what waits in its flows, and its progress, in words.
    pub(crate) fn state(&self) -> String {
        let flows = &self.flows;
        let waits = [
            flows.from_wire.len(),
            flows.to_wire.len(),
            flows.from_app.held(),
            flows.to_app.held(),
        ];
        let mut waits = NAMES.iter().zip(waits).filter(|(_, waits)| *waits > 0);
        let first = waits
            .next()
            .map_or("nothing waits".to_owned(), |(name, n)| {
                format!("{n} bytes wait in {name}")
            });
        let others: String = waits.map(|(name, n)| format!(", {n} in {name}")).collect();
        let who = self.who();
        format!("{who}: {}; {first}{others}", self.layer.progress())
    }

    fn snapshot(&mut self) -> Snapshot {
        self.snapshots += 1;
        let facts = self.snapshots < MANY || self.snapshots.is_multiple_of(SOME);
        Snapshot::of(&*self.layer, &self.flows, facts)
    }
}

/// From this number of snapshots on, only one of [`SOME`] looks at the facts: to write them takes
/// most of the time of a test with many steps.
const MANY: usize = 1000;
const SOME: usize = 32;

/// More rounds than any peer needs to come to rest.
const ROUNDS: usize = 1 << 22;
