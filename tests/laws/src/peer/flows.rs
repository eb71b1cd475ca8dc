//! The four flows of a layer.

use crate::traffic::Traffic;
use wirestack_layer::{Flow, Flows, Pipe};

/// The four flows of a layer, owned.
pub(crate) struct OwnedFlows<F> {
    pub(crate) from_wire: Pipe,
    pub(crate) to_wire: Pipe,
    pub(crate) from_app: F,
    pub(crate) to_app: F,
    /// The limit of each of them.
    limit: usize,
}

impl<F: Traffic> OwnedFlows<F> {
    pub(super) fn with_limit(limit: usize) -> Self {
        Self {
            from_wire: Pipe::with_limit(limit),
            to_wire: Pipe::with_limit(limit),
            from_app: F::with_limit(limit),
            to_app: F::with_limit(limit),
            limit,
        }
    }

    pub(super) fn flows(&mut self) -> Flows<'_, F, F> {
        Flows::new(
            &mut self.from_wire,
            &mut self.to_wire,
            &mut self.from_app,
            &mut self.to_app,
        )
    }

    /// Returns a number that changes whenever one of the flows does.
    pub(super) fn revision(&self) -> u64 {
        self.each_moves().iter().sum()
    }

    /// Returns such a number for each flow, in the order of [`NAMES`].
    pub(super) fn each_moves(&self) -> [u64; 4] {
        [
            self.from_wire.revision(),
            self.to_wire.revision(),
            self.from_app.revision(),
            self.to_app.revision(),
        ]
    }

    pub(super) fn outputs(&self) -> Outputs {
        Outputs {
            to_wire: Output {
                held: self.to_wire.len(),
                limit: self.limit.max(self.to_wire.required()),
                closed: self.to_wire.is_closed(),
            },
            to_app: Output {
                held: self.to_app.held(),
                limit: self.limit,
                closed: self.to_app.is_closed(),
            },
            stopped: self.from_app.stopped().is_some(),
        }
    }
}

/// The names of the flows.
pub(super) const NAMES: [&str; 4] = ["from_wire", "to_wire", "from_app", "to_app"];

/// The state of the flows that a layer writes to.
#[derive(Clone, Copy)]
pub(super) struct Outputs {
    pub(super) to_wire: Output,
    pub(super) to_app: Output,
    /// True if the layer has stopped its application.
    pub(super) stopped: bool,
}

#[derive(Clone, Copy)]
pub(super) struct Output {
    /// The number of bytes that wait.
    pub(super) held: usize,
    pub(super) limit: usize,
    pub(super) closed: bool,
}
