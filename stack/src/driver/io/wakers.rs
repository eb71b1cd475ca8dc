//! The wakers of a connection that is shared by two halves and a background task.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Wake, Waker};

/// One of the three parts of the program that poll a shared connection.
#[derive(Clone, Copy)]
pub(super) enum Half {
    Reader,
    Writer,
    Background,
}

/// The waker of each part that waits.
#[derive(Default)]
pub(super) struct Wakers {
    /// One slot for each [`Half`], by its number.
    waiting: [Mutex<Option<Waker>>; 3],
    /// Every handle and half has been dropped.
    pub(super) abandoned: AtomicBool,
}

impl Wakers {
    pub(super) fn register(&self, half: Half, waker: &Waker) {
        let mut slot = self.slot(half as usize);
        match &mut *slot {
            Some(old) => old.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
    }

    pub(super) fn wake_others(&self, half: Half) {
        for other in (0..3).filter(|other| *other != half as usize) {
            self.wake_one(other);
        }
    }

    pub(super) fn wake_all(&self) {
        (0..3).for_each(|half| self.wake_one(half));
    }

    fn wake_one(&self, half: usize) {
        let waker = self.slot(half).take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn slot(&self, half: usize) -> MutexGuard<'_, Option<Waker>> {
        self.waiting[half]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Wakers {
    fn wake(self: Arc<Self>) {
        self.wake_all();
    }
}

/// A guard that every handle and half holds. When the last one is dropped, the background task
/// ends.
pub(super) struct HalfGuard(pub(super) Arc<Wakers>);

impl Drop for HalfGuard {
    fn drop(&mut self) {
        self.0.abandoned.store(true, Ordering::Release);
        self.0.wake_one(Half::Background as usize);
    }
}
