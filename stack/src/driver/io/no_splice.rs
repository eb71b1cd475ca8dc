//! The same as `splice`, where the system or the runtime has nothing of the kind.

use crate::driver::runtime::Transport;
use std::io;
use std::task::Context;

/// Moves no bytes: relays copy them.
#[derive(Default)]
pub(super) struct Splice(());

/// The result of moving bytes.
#[allow(dead_code, reason = "only a splice has these results")]
pub(super) enum Step {
    Slow,
    Moved,
    Pending,
    Read,
    ReadFailed(io::Error),
    WriteFailed(io::Error),
}

impl Splice {
    pub(super) fn is_busy(&self) -> bool {
        false
    }

    pub(super) fn moved(&self) -> u64 {
        0
    }

    pub(super) fn connects(&self, _: &dyn Transport, _: &dyn Transport) -> bool {
        false
    }

    pub(super) fn advance(
        &mut self,
        _: &dyn Transport,
        _: &dyn Transport,
        _: &mut Context<'_>,
    ) -> Step {
        Step::Read
    }

    pub(super) fn take_rest(&mut self) -> Vec<u8> {
        Vec::new()
    }
}
