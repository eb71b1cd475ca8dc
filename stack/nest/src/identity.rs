//! The neutral layer: it changes nothing, over or under any other layer.

use wirestack_layer::{Flows, Instant, Layer, Pipe, Progress};

/// The layer that passes all bytes on unchanged: the stack of a plain connection.
///
/// ```
/// use wirestack_layer::{Flow, Instant};
/// use wirestack_nest::{Engine, Identity};
///
/// let mut engine = Engine::new(Identity);
/// engine.from_app().write(b"hello");
/// engine.process(Instant::ORIGIN);
/// assert_eq!(engine.to_wire().unread(), b"hello");
/// ```
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

    fn process_untimed(&mut self, mut flows: Flows<'_>) -> bool {
        flows.pass_through();
        true
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
