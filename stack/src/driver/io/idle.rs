//! The time without anything to carry, after which a relay ends.

use crate::driver::runtime::{AsyncTimer, Runtime};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;
use wirestack_layer::Instant;

/// A timer that expires when nothing has moved for a time.
pub(crate) struct IdleTimer {
    runtime: Arc<dyn Runtime>,
    allowed: Duration,
    /// A count that changes whenever something moves, as it was at the last look.
    seen: Option<u64>,
    /// The time of that look; `None` before the first one.
    moved: Option<Instant>,
    set: Option<SetTimer>,
}

/// A timer that is set, and the task that it wakes.
struct SetTimer {
    timer: Pin<Box<dyn AsyncTimer>>,
    waker: Waker,
    /// Before this time it has not expired, however inexact it is.
    rests_until: Instant,
}

impl IdleTimer {
    pub(crate) fn new(runtime: Arc<dyn Runtime>, allowed: Duration) -> Self {
        Self {
            runtime,
            allowed,
            seen: None,
            moved: None,
            set: None,
        }
    }

    pub(crate) fn allowed(&self) -> Duration {
        self.allowed
    }

    /// Ready if `moves` has not changed for the whole time.
    #[inline]
    pub(crate) fn poll_idle(&mut self, moves: u64, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.seen != Some(moves) {
            self.seen = Some(moves);
            let now = self.runtime.now();
            self.moved = Some(now);
            // Most calls are for bytes that moved, long before a timer for earlier ones expires.
            if let Some(set) = &self.set
                && now < set.rests_until
                && set.waker.will_wake(cx.waker())
            {
                return Poll::Pending;
            }
            self.set_timer(now, cx);
        }
        self.poll_timer(cx)
    }

    /// Sets the timer for a time without moves that begins now.
    fn set_timer(&mut self, now: Instant, cx: &Context<'_>) {
        let (Some(due), Some(rests_until)) = (
            now.checked_add(self.allowed),
            now.checked_add(self.allowed / 2),
        ) else {
            self.set = None; // the time never comes
            return;
        };
        match &mut self.set {
            Some(set) => {
                set.timer.as_mut().reset(due);
                set.rests_until = rests_until;
            }
            none => {
                *none = Some(SetTimer {
                    timer: self.runtime.new_timer(due),
                    waker: cx.waker().clone(),
                    rests_until,
                });
            }
        }
    }

    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let (Some(set), Some(moved)) = (&mut self.set, self.moved) else {
                return Poll::Pending;
            };
            set.waker.clone_from(cx.waker());
            ready!(set.timer.as_mut().poll_expired(cx))?;
            let due = moved.checked_add(self.allowed);
            if due.is_some_and(|due| due <= self.runtime.now()) {
                return Poll::Ready(Ok(()));
            }
            self.set_timer(moved, cx);
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
