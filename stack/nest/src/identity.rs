//! The neutral layer: over or under any layer, it makes no difference.

use wirestack_layer::Instant;
use wirestack_layer::{Layer, Pipe, Ports, Progress};

/// The layer that changes nothing: the stack of a plain connection.
#[derive(Clone, Copy, Debug, Default)]
pub struct Identity;

impl Layer for Identity {
    type In = Pipe;
    type Out = Pipe;

    fn name(&self) -> &'static str {
        "identity"
    }
    fn process(&mut self, mut ports: Ports<'_>, _now: Instant) {
        ports.tunnel();
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
