use super::{Bug, Gate, Record, Records};
use std::any::{Any, TypeId};
use wirestack_layer::Instant;
use wirestack_layer::{End, Error, Flow, Flows, Layer, Pipe, Progress, Queue, Status};

/// [`Records`] over a [`Gate`], joined by two pipes.
pub(crate) struct Over {
    bug: Bug,
    lower: Gate,
    upper: Records,
    up: Pipe,
    down: Pipe,
}

impl Over {
    pub(crate) fn new(lower: Gate, bug: Bug) -> Self {
        // Both sides have it, so it is seen on the wire and nowhere else.
        let upper = if bug == Bug::GreetsOtherwise {
            bug
        } else {
            Bug::None
        };
        Self {
            bug,
            lower,
            upper: Records::new(upper),
            up: Pipe::with_limit(JOINT),
            down: Pipe::with_limit(JOINT),
        }
    }
}

impl Layer for Over {
    type In = Queue<Record>;
    type Out = Queue<Record>;
    fn name(&self) -> &'static str {
        self.upper.name()
    }

    fn process(&mut self, p: Flows<'_, Self::In, Self::Out>, now: Instant) {
        let place = match self.bug {
            Bug::ForgetsThePlace => 0,
            _ => 1,
        };
        loop {
            let before = self.up.revision() + self.down.revision();
            let lower = Flows::new(p.from_wire, p.to_wire, &mut self.down, &mut self.up);
            self.lower.process(lower, now);
            if self.bug == Bug::ForgetsTheEnd
                && let Some(End::Aborted(_)) = self.up.closed()
            {
                p.to_app.abort(Error::peer("over", "the joint broke"));
            }
            let upper = Flows::new(&mut self.up, &mut self.down, p.from_app, p.to_app);
            self.upper.process(upper.at_index(place), now);
            if self.up.revision() + self.down.revision() == before {
                return;
            }
        }
    }

    fn deadline(&self) -> Option<Instant> {
        let lower = self.lower.deadline().into_iter();
        lower.chain(self.upper.deadline()).min()
    }

    fn is_flushed(&self) -> bool {
        self.down.is_empty() && self.lower.is_flushed() && self.upper.is_flushed()
    }

    fn is_open(&self) -> bool {
        self.lower.is_open() && self.upper.is_open()
    }

    fn progress(&self) -> Progress {
        match self.lower.progress() {
            Progress::Open => self.upper.progress(),
            lower => lower,
        }
    }

    fn visit<'a>(&'a self, visitor: &mut dyn FnMut(Status<'a>)) {
        if self.bug != Bug::HidesTheLower {
            self.lower.visit(visitor);
        }
        self.upper.visit(visitor);
    }

    fn depth(&self) -> usize {
        2
    }

    fn layer_at(&self, index: usize) -> Option<&dyn Any> {
        match index {
            0 => self.lower.layer_at(0),
            _ => self.upper.layer_at(index - 1),
        }
    }

    fn layer_at_mut(&mut self, index: usize) -> Option<&mut dyn Any> {
        match index {
            0 => self.lower.layer_at_mut(0),
            _ => self.upper.layer_at_mut(index - 1),
        }
    }

    fn find_part(&self, wanted: &mut dyn FnMut(TypeId) -> bool) -> Option<&dyn Any> {
        let upper = self.upper.find_part(wanted);
        upper.or_else(|| self.lower.find_part(wanted))
    }

    fn find_part_mut(&mut self, wanted: &mut dyn FnMut(TypeId) -> bool) -> Option<&mut dyn Any> {
        match self.upper.find_part_mut(wanted) {
            Some(part) => Some(part),
            None => self.lower.find_part_mut(wanted),
        }
    }
}

/// The limit of each direction of the joint, in bytes.
pub(crate) const JOINT: usize = 1000;
