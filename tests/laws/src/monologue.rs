//! Conversations in which one peer sends and the link makes a fault.

use crate::law::Law;
use crate::role::Role;
use crate::simulation::{Chunking, Fault, Setting, Simulation, difference};
use crate::subject::{Subject, WireBytes};
use crate::traffic::Traffic;

/// The part of a conversation that has a fault.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Phase {
    /// True if both peers are open before.
    pub(crate) open: bool,
    /// The peer that reads the fault.
    pub(crate) to: Role,
}

impl Phase {
    /// Returns the phases in which a fault at one offset always hits the same byte of the protocol.
    pub(crate) fn all<F: Traffic>(subject: &Subject<F>) -> Vec<Self> {
        let phases = |open| [Role::Server, Role::Client].map(|to| Self { open, to });
        let mut all = Vec::new();
        if !subject.refused {
            all.extend(phases(true));
        }
        if subject.wire_bytes == WireBytes::Same {
            all.extend(phases(false));
        }
        all
    }

    /// Returns the number of bytes that are read in this phase.
    pub(crate) fn length<F: Traffic>(self, subject: &Subject<F>) -> usize {
        let from = self.to.other();
        let opened = Self { open: true, ..self };
        let mut simulation = opened.start(subject, None, Chunking::Whole);
        let opening = simulation.carried()[from as usize];
        if !self.open {
            return opening;
        }
        speak(&mut simulation, from, &subject.items());
        simulation.carried()[from as usize] - opening
    }

    /// Compares a fault among bytes that arrive whole with the same fault among bytes that arrive
    /// one by one. Returns the first simulation.
    pub(crate) fn compare<'a, F: Traffic>(
        self,
        subject: &'a Subject<F>,
        at: usize,
        fault: &Fault,
        law: Law,
    ) -> Simulation<'a, F> {
        let to = self.to;
        let [apart, whole] = [Chunking::Chunks(1), Chunking::Whole].map(|chunking| {
            let mut simulation = self.start(subject, Some((at, fault.clone())), chunking);
            speak(&mut simulation, to.other(), &subject.items());
            simulation
        });
        if self.open || subject.wire_bytes == WireBytes::Same {
            let outcomes = [&apart, &whole].map(|simulation| simulation.outcome());
            let [(wanted, wanted_end), (seen, seen_end)] = [outcomes[0].of(to), outcomes[1].of(to)];
            if let Some(what) = difference(seen, wanted) {
                whole.fail(law, to.name(), format!("in one piece, {what}"));
            }
            if seen_end != wanted_end {
                let what =
                    format!("in one piece, to_app {seen_end}; byte by byte, it {wanted_end}");
                whole.fail(law, to.name(), what);
            }
        }
        whole
    }

    /// Starts a simulation in which one peer will send everything and finish.
    fn start<F: Traffic>(
        self,
        subject: &Subject<F>,
        fault: Option<(usize, Fault)>,
        chunking: Chunking,
    ) -> Simulation<'_, F> {
        let Self { open, to } = self;
        let what = match &fault {
            Some((at, fault)) => {
                format!("{fault:?} at {at} of what the {to:?} reads (open: {open})")
            }
            None => format!("the {to:?} reads"),
        };
        let setting = Setting::chunked(subject.largest_limit(), chunking);
        let mut simulation = Simulation::new(subject, setting, what);
        if open {
            simulation.settle();
        }
        if let Some((at, fault)) = fault {
            simulation.directions[to.other() as usize].break_after(at, fault);
        }
        simulation
    }
}

fn speak<F: Traffic>(simulation: &mut Simulation<'_, F>, from: Role, items: &[F::Item]) {
    simulation.send(from, items);
    simulation.finish(from);
    simulation.settle();
}
