//! The HTTP/1.1 upgrade below the framing, until it is open.

use crate::message::Payload;
use crate::{NAME, WebSocketError};
use wirestack_layer::Instant;
use wirestack_layer::{End, Error, Flow, Flows, Layer, Pipe};

/// An upgrade, and the joint above it.
///
/// It is driven in place rather than nested, because its outcome has to be checked before the
/// application is heard, and because it is gone once it is open.
#[derive(Debug)]
pub(crate) struct Opening<U> {
    pub(crate) upgrade: U,
    up: Pipe,
    down: Pipe,
}

impl<U: Layer<In = Pipe, Out = Pipe>> Opening<U> {
    pub(crate) fn new(upgrade: U) -> Self {
        Self {
            upgrade,
            up: Pipe::new(),
            down: Pipe::new(),
        }
    }

    /// Goes on as far as possible, and returns whether the upgrade is open; the bytes behind it are
    /// then what is next on the wire.
    pub(crate) fn process<F: Payload>(
        &mut self,
        p: &mut Flows<'_, F, F>,
        now: Instant,
    ) -> Result<bool, Error> {
        let flows = Flows::new(p.from_wire, p.to_wire, &mut self.down, &mut self.up);
        self.upgrade.process(flows.at_index(p.index), now);
        if self.upgrade.is_open() {
            self.up.prepend_to(p.from_wire);
            return Ok(true);
        }
        if let Some(error) = self.up.truncation(NAME, WebSocketError::Cut) {
            return Err(error);
        }
        match p.from_app.closed() {
            Some(End::Aborted(error)) => {
                p.to_wire.abort(error.clone());
                Err(error.clone())
            }
            _ => Ok(false),
        }
    }
}
