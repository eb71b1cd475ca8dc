//! Conversations in which one side speaks and the link makes a fault.

use crate::law::Law;
use crate::role::Role;
use crate::subject::Subject;
use crate::traffic::Traffic;
use crate::world::{Cutting, Fault, Setting, World, difference};

/// The part of a conversation that has a fault.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Phase {
    /// True if both sides have opened before.
    pub(crate) open: bool,
    /// The side that reads the fault.
    pub(crate) to: Role,
}

impl Phase {
    /// Returns the phases in which something can go wrong at a place that is the same every time.
    pub(crate) fn all<F: Traffic>(subject: &Subject<F>) -> Vec<Self> {
        let phases = |open| [Role::Server, Role::Client].map(|to| Self { open, to });
        let mut all = Vec::new();
        if !subject.refused {
            all.extend(phases(true));
        }
        if subject.same_bytes {
            all.extend(phases(false));
        }
        all
    }

    /// Returns how many bytes are read while both sides open, or of a monologue after that.
    pub(crate) fn length<F: Traffic>(self, subject: &Subject<F>) -> usize {
        let from = self.to.peer();
        let opened = Self { open: true, ..self };
        let mut world = opened.start(subject, None, Cutting::Whole);
        let opening = world.carried()[from as usize];
        if !self.open {
            return opening;
        }
        speak(&mut world, from, &subject.items());
        world.carried()[from as usize] - opening
    }

    /// Compares a fault in a lump with the same fault byte by byte, and returns the lump.
    pub(crate) fn compare<'a, F: Traffic>(
        self,
        subject: &'a Subject<F>,
        at: usize,
        fault: &Fault,
        law: Law,
    ) -> World<'a, F> {
        let to = self.to;
        let [apart, whole] = [Cutting::Chunks(1), Cutting::Whole].map(|cutting| {
            let mut world = self.start(subject, Some((at, fault.clone())), cutting);
            speak(&mut world, to.peer(), &subject.items());
            world
        });
        if self.open || subject.same_bytes {
            let outcomes = [&apart, &whole].map(|world| world.outcome());
            let [(wanted, wanted_end), (seen, seen_end)] = [outcomes[0].of(to), outcomes[1].of(to)];
            if let Some(what) = difference(seen, wanted) {
                whole.fail(law, to.name(), format!("in one lump, {what}"));
            }
            if seen_end != wanted_end {
                let what = format!("in one lump, to_app {seen_end}; byte by byte, it {wanted_end}");
                whole.fail(law, to.name(), what);
            }
        }
        whole
    }

    /// Starts a world in which one side will say everything and finish.
    fn start<F: Traffic>(
        self,
        subject: &Subject<F>,
        fault: Option<(usize, Fault)>,
        cutting: Cutting,
    ) -> World<'_, F> {
        let Self { open, to } = self;
        let what = match &fault {
            Some((at, fault)) => {
                format!("{fault:?} at {at} of what the {to:?} reads (open: {open})")
            }
            None => format!("the {to:?} reads"),
        };
        let setting = Setting::cut(subject.largest_limit(), cutting);
        let mut world = World::new(subject, setting, what);
        if open {
            world.settle();
        }
        if let Some((at, fault)) = fault {
            world.ways[to.peer() as usize].break_after(at, fault);
        }
        world
    }
}

fn speak<F: Traffic>(world: &mut World<'_, F>, from: Role, items: &[F::Item]) {
    world.send(from, items);
    world.finish(from);
    world.settle();
}
