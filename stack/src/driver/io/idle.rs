//! The time without anything to carry, after which a relay ends.

use crate::driver::runtime::{AsyncTimer, Runtime};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use wirestack_layer::Instant;

/// A timer that expires when nothing has moved for a time.
pub(crate) struct IdleTimer {
    runtime: Arc<dyn Runtime>,
    allowed: Duration,
    /// A count that changes whenever something moves, as it was at the last look.
    seen: Option<u64>,
    /// `None` if the time never comes.
    due: Option<Instant>,
    timer: Option<Pin<Box<dyn AsyncTimer>>>,
}

impl IdleTimer {
    pub(crate) fn new(runtime: Arc<dyn Runtime>, allowed: Duration) -> Self {
        Self {
            runtime,
            allowed,
            seen: None,
            due: None,
            timer: None,
        }
    }

    pub(crate) fn allowed(&self) -> Duration {
        self.allowed
    }

    /// Ready if `moves` has not changed for the whole time.
    pub(crate) fn poll_idle(&mut self, moves: u64, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.seen != Some(moves) {
            self.seen = Some(moves);
            self.due = self.runtime.now().checked_add(self.allowed);
        }
        let Some(due) = self.due else {
            return Poll::Pending;
        };
        // A timer that expires too early costs less than one that is moved with every byte.
        let timer = &mut self.timer;
        let timer = timer.get_or_insert_with(|| self.runtime.new_timer(due));
        loop {
            ready!(timer.as_mut().poll_expired(cx))?;
            if due <= self.runtime.now() {
                return Poll::Ready(Ok(()));
            }
            timer.as_mut().reset(due);
        }
    }
}

/// The cause of an error: a relay had nothing to carry for too long.
///
/// ```
/// use wirestack::{Error, RelayIdle};
///
/// fn is_idle(error: &Error) -> bool {
///     error.cause::<RelayIdle>().is_some_and(|idle| !idle.allowed.is_zero())
/// }
/// ```
#[derive(Debug, thiserror::Error)]
#[error("nothing was relayed in either direction for {allowed:?}")]
#[non_exhaustive]
pub struct RelayIdle {
    /// The time in which something had to be relayed.
    pub allowed: Duration,
}

/// The default time without a byte after which a relay ends.
pub(super) const RELAY_IDLE: Duration = Duration::from_secs(600);
