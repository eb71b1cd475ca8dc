//! The goodbye of a connection: when its server ends, and when it takes too long.

use crate::driver::shutdown::Waiter;
use std::time::Duration;
use wirestack_layer::Layer;
use wirestack_nest::Engine;

/// The signal by which a server ends, and what a connection says to its stack then.
pub(super) struct Goodbye<L: Layer> {
    pub(super) signal: Waiter,
    pub(super) say: fn(&mut Engine<L>),
}

/// The goodbyes of the layers took too long.
#[derive(Debug, thiserror::Error)]
#[error("not finished after {timeout:?}")]
pub(super) struct Unfinished {
    pub(super) timeout: Duration,
}
