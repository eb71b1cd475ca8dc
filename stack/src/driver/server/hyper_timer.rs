//! A clock for `hyper`.

use crate::driver::runtime::{AsyncTimer, Runtime};
use hyper::rt::{Sleep, Timer};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// The clock of a runtime.
pub(crate) struct HyperTimer(pub(crate) Arc<dyn Runtime>);

impl Timer for HyperTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        let due = self.0.now().checked_add(duration);
        Box::pin(HyperSleep {
            timer: due.map(|due| Mutex::new(self.0.new_timer(due))),
        })
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        self.sleep(deadline.saturating_duration_since(Instant::now()))
    }
}

/// A wait of `hyper`.
struct HyperSleep {
    /// `None` if the time never comes.
    timer: Option<Mutex<Pin<Box<dyn AsyncTimer>>>>,
}

impl Sleep for HyperSleep {}

impl Future for HyperSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(timer) = &mut self.timer else {
            return Poll::Pending;
        };
        let timer = timer.get_mut().unwrap_or_else(PoisonError::into_inner);
        // A runtime without timers makes it late at once, as nothing would ever end it.
        timer.as_mut().poll_expired(cx).map(drop)
    }
}
