//! Who waits for a connection that is in several hands.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Wake, Waker};

/// Who is polling.
#[derive(Clone, Copy)]
pub(super) enum Hand {
    Reader,
    Writer,
    Driver,
}

#[derive(Default)]
pub(super) struct Wakers {
    waiting: [Mutex<Option<Waker>>; 3],
    pub(super) abandoned: AtomicBool,
}

impl Wakers {
    pub(super) fn register(&self, hand: Hand, waker: &Waker) {
        let mut slot = self.slot(hand as usize);
        match &mut *slot {
            Some(old) => old.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
    }
    pub(super) fn wake_but(&self, hand: Hand) {
        for other in (0..3).filter(|other| *other != hand as usize) {
            self.wake_one(other);
        }
    }
    pub(super) fn wake_all(&self) {
        (0..3).for_each(|hand| self.wake_one(hand));
    }
    fn wake_one(&self, hand: usize) {
        let waker = self.slot(hand).take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
    fn slot(&self, hand: usize) -> MutexGuard<'_, Option<Waker>> {
        self.waiting[hand]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Wakers {
    fn wake(self: Arc<Self>) {
        self.wake_all();
    }
}

/// Held by every handle and half: when the last is gone, the task that drives ends.
pub(super) struct Hold(pub(super) Arc<Wakers>);

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.abandoned.store(true, Ordering::Release);
        self.0.wake_one(Hand::Driver as usize);
    }
}
