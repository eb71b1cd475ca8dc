//! The observable state of a peer.

use super::flows::{NAMES, OwnedFlows};
use crate::subject::Endpoint;
use crate::traffic::Traffic;
use std::time::Duration;
use wirestack_layer::{Instant, Progress, Status};

/// Everything about a peer that can be seen without changing it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Snapshot {
    moves: [u64; 4],
    required: usize,
    deadline: Option<Instant>,
    layers: Vec<LayerState>,
    /// `true` if the facts of the layers are seen too.
    pub(super) facts: bool,
    open: bool,
    transparent: bool,
}

impl Snapshot {
    pub(super) fn of<F: Traffic>(layer: &Endpoint<F>, flows: &OwnedFlows<F>, facts: bool) -> Self {
        Self {
            facts,
            moves: flows.each_moves(),
            required: flows.from_wire.required(),
            deadline: layer.deadline(),
            layers: layer_states(layer, facts),
            open: layer.is_open(),
            transparent: layer.is_transparent(),
        }
    }

    /// Returns the changes from this snapshot to a later one, in words.
    pub(super) fn changes(&self, after: &Self) -> String {
        let moved = (0..4).filter(|i| self.moves[*i] != after.moves[*i]);
        let mut all: Vec<String> = moved.map(|i| format!("moves {}", NAMES[i])).collect();
        if self.required != after.required {
            all.push(format!(
                "requires {} instead of {}",
                after.required, self.required
            ));
        }
        match (self.deadline, after.deadline) {
            (Some(before), Some(after)) if before != after => {
                let later = after.saturating_duration_since(before);
                let earlier = before.saturating_duration_since(after);
                all.push(if later > Duration::ZERO {
                    format!("makes the deadline {later:?} later")
                } else {
                    format!("makes the deadline {earlier:?} earlier")
                });
            }
            (Some(_), None) => all.push("drops the deadline".into()),
            (None, Some(_)) => all.push("sets a deadline".into()),
            _ => {}
        }
        if self.layers != after.layers {
            all.push(format!("changes {:?} to {:?}", self.layers, after.layers));
        }
        if (self.open, self.transparent) != (after.open, after.transparent) {
            all.push("opens it or makes it transparent".into());
        }
        all.join(", ")
    }
}

/// The state of one layer at some moment.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LayerState {
    name: &'static str,
    open: bool,
    pub(crate) progress: Progress,
    facts: String,
}

impl LayerState {
    fn of(status: Status<'_>, facts: bool) -> Self {
        Self {
            name: status.name,
            open: status.open,
            progress: status.progress,
            facts: if facts {
                status.facts.to_string()
            } else {
                String::new()
            },
        }
    }
}

/// Returns the state of each layer in a stack, from the wire up.
pub(super) fn layer_states<F: Traffic>(layer: &Endpoint<F>, facts: bool) -> Vec<LayerState> {
    let mut all = Vec::new();
    layer.visit(&mut |status| all.push(LayerState::of(status, facts)));
    all
}
