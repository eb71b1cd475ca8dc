//! The wakers of a connection that is shared by two halves and a background task.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
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
///
/// A part registers only when it has to wait, and while it holds the lock of the connection. So a
/// call that does not wait takes no lock but that one. A wake-up between the poll of the transport
/// and the registration is not lost: it is seen in the count of wake-ups.
#[derive(Default)]
pub(super) struct Wakers {
    /// One slot for each [`Half`], by its number.
    waiting: Mutex<[Option<Waker>; 3]>,
    /// The parts that wait, as bits. It changes under the lock of `waiting` only.
    waiters: AtomicU32,
    /// The number of times that all were woken.
    wakes: AtomicU32,
    /// Every handle and half has been dropped.
    pub(super) abandoned: AtomicBool,
}

impl Wakers {
    /// Returns the number of wake-ups so far, for [`register`](Self::register).
    #[inline]
    pub(super) fn count(&self) -> u32 {
        self.wakes.load(Ordering::Acquire)
    }

    /// Registers a part that waits since the wake-ups numbered `seen`. The caller holds the lock of
    /// the connection. Returns `true` if the part has to be [woken](Self::wake) at once, without
    /// that lock.
    #[must_use]
    pub(super) fn register(&self, half: Half, waker: &Waker, seen: u32) -> bool {
        let mut waiting = self.lock();
        match &mut waiting[half as usize] {
            Some(old) => old.clone_from(waker), // clones only another one
            none => *none = Some(waker.clone()),
        }
        self.waiters.fetch_or(bit(half as usize), Ordering::Relaxed);
        drop(waiting);
        self.wakes.load(Ordering::Acquire) != seen || self.abandoned.load(Ordering::Acquire)
    }

    /// Wakes a part.
    pub(super) fn wake(&self, half: Half) {
        self.wake_one(half as usize);
    }

    /// Returns `true` if another part waits. The caller holds the lock of the connection.
    #[inline]
    pub(super) fn is_awaited_beside(&self, half: Half) -> bool {
        self.waiters_beside(half) != 0
    }

    /// Wakes the other parts. The caller has held the lock of the connection since they registered.
    pub(super) fn wake_others(&self, half: Half) {
        self.wake_each(self.waiters_beside(half));
    }

    fn waiters_beside(&self, half: Half) -> u32 {
        self.waiters.load(Ordering::Relaxed) & !bit(half as usize)
    }

    pub(super) fn wake_all(&self) {
        self.wakes.fetch_add(1, Ordering::AcqRel);
        self.wake_each(ALL);
    }

    fn wake_each(&self, halves: u32) {
        (0..3)
            .filter(|half| halves & bit(*half) != 0)
            .for_each(|half| self.wake_one(half));
    }

    fn wake_one(&self, half: usize) {
        let mut waiting = self.lock();
        let waker = waiting[half].take();
        self.waiters.fetch_and(!bit(half), Ordering::Relaxed);
        drop(waiting);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, [Option<Waker>; 3]> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Wakers {
    fn wake(self: Arc<Self>) {
        self.wake_all();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.wake_all();
    }
}

/// A guard that every handle and half holds. When the last one is dropped, the background task
/// ends.
pub(super) struct HalfGuard(pub(super) Arc<Wakers>);

impl Drop for HalfGuard {
    fn drop(&mut self) {
        self.0.abandoned.store(true, Ordering::Release);
        self.0.wake_all();
    }
}

fn bit(half: usize) -> u32 {
    1 << half
}

const ALL: u32 = 0b111;
