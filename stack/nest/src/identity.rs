//! The neutral layer: over or under any layer, it makes no difference.

use wirestack_layer::Instant;
use wirestack_layer::{Flows, Layer, Pipe, Progress};

/// The layer that changes nothing: the stack of a plain connection.
#[derive(Clone, Copy, Debug, Default)]
pub struct Identity;

impl Layer for Identity {
    type In = Pipe;
    type Out = Pipe;

    fn name(&self) -> &'static str {
        "identity"
    }

    fn process(&mut self, mut flows: Flows<'_>, _now: Instant) {
        flows.pass_through();
    }

    fn is_open(&self) -> bool {
        true
    }

    fn is_transparent(&self) -> bool {
        true
    }

    fn progress(&self) -> Progress {
        Progress::Open
    }
}
