//! The changes that a builder makes to the hops of its routes.

use std::sync::Arc;
use wirestack_dial::{Hop, Plan};

/// The changes of each hop, in the order in which they were asked for.
#[derive(Clone, Default)]
pub(crate) struct HopChanges(Vec<Arc<dyn Fn(Hop) -> Hop + Send + Sync>>);

impl HopChanges {
    pub(super) fn add(&mut self, change: impl Fn(Hop) -> Hop + Send + Sync + 'static) {
        self.0.push(Arc::new(change));
    }

    /// Changes a hop.
    pub(super) fn change(&self, hop: Hop) -> Hop {
        self.0.iter().fold(hop, |hop, change| change(hop))
    }

    /// Lets a plan change its hops.
    pub(super) fn in_plan<L>(self, plan: Plan<L>) -> Plan<L> {
        if self.0.is_empty() {
            return plan;
        }
        plan.each_hop(move |hop| self.change(hop))
    }
}
