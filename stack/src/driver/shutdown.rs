//! The signal by which a server ends.

use std::collections::HashMap;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// The signal by which a server ends gracefully. All clones are the same signal.
///
/// [`serve`](crate::serve) makes one and gives it to each connection. A server whose loop is your
/// own makes one itself.
///
/// ```
/// # #[cfg(feature = "blocking")]
/// # fn main() {
/// use wirestack::Shutdown;
///
/// let shutdown = Shutdown::new();
/// let other = shutdown.clone();
/// assert!(!other.has_started());
/// shutdown.start();
/// wirestack::blocking::block_on(other.started()); // returns at once
/// # }
/// # #[cfg(not(feature = "blocking"))]
/// # fn main() {}
/// ```
#[derive(Clone, Default)]
pub struct Shutdown(Arc<State>);

#[derive(Default)]
struct State {
    has_started: AtomicBool,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    next_id: u64,
    wakers: HashMap<u64, Waker>,
}

impl Shutdown {
    /// Creates a signal that has not been given.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives the signal. Another call does nothing.
    pub fn start(&self) {
        self.0.has_started.store(true, Ordering::SeqCst);
        let wakers = std::mem::take(&mut self.waiting().wakers);
        wakers.into_values().for_each(Waker::wake);
    }

    /// Returns `true` if the signal was given.
    pub fn has_started(&self) -> bool {
        self.0.has_started.load(Ordering::SeqCst)
    }

    /// Waits for the signal.
    pub async fn started(&self) {
        let mut waiter = self.waiter();
        poll_fn(|cx| waiter.poll_started(cx)).await;
    }

    pub(crate) fn waiter(&self) -> Waiter {
        Waiter {
            shutdown: self.clone(),
            registered: None,
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// A task that waits for the signal, and is woken by it.
pub(crate) struct Waiter {
    shutdown: Shutdown,
    /// The number of this waiter and its last waker.
    registered: Option<(u64, Waker)>,
}

impl Waiter {
    pub(crate) fn poll_started(&mut self, cx: &Context<'_>) -> Poll<()> {
        if self.shutdown.has_started() {
            return Poll::Ready(());
        }
        // A connection asks at each turn, so the usual case takes no lock.
        if let Some((_, waker)) = &self.registered
            && waker.will_wake(cx.waker())
        {
            return Poll::Pending;
        }
        let mut waiting = self.shutdown.waiting();
        let id = self.registered.take().map_or_else(
            || {
                waiting.next_id += 1;
                waiting.next_id
            },
            |(id, _)| id,
        );
        waiting.wakers.insert(id, cx.waker().clone());
        drop(waiting);
        self.registered = Some((id, cx.waker().clone()));
        // It may have been given before the waker was there.
        if self.shutdown.has_started() {
            return Poll::Ready(());
        }
        Poll::Pending
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        if let Some((id, _)) = &self.registered {
            self.shutdown.waiting().wakers.remove(id);
        }
    }
}

impl std::fmt::Debug for Shutdown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Shutdown")
            .field(&self.has_started())
            .finish()
    }
}
