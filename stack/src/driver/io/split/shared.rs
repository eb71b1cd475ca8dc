//! The connection that two halves and a task share.

use crate::driver::io::Connection;
use crate::driver::io::wakers::{Half, Wakers};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use wirestack_layer::Layer;

/// The connection, and the wakers of its halves.
pub(super) struct Shared<L: Layer> {
    pub(super) connection: Mutex<Connection<L>>,
    pub(super) wakers: Arc<Wakers>,
    /// The waker for the transport and the timer, which remember one only: it wakes all halves.
    pub(super) wake_all: Waker,
}

impl<L> Shared<L>
where
    L: Layer,
{
    #[inline]
    pub(super) fn lock(&self) -> MutexGuard<'_, Connection<L>> {
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Does the same as [`with`](Self::with), and less where `at_once` has a result and no other part
    /// waits: then nobody has to be woken, and nothing has to move on the wire.
    #[inline(always)]
    pub(super) fn with_or_at_once<T, S>(
        &self,
        half: Half,
        cx: &mut Context<'_>,
        state: &mut S,
        at_once: impl FnOnce(&mut Connection<L>, &mut S) -> Option<T>,
        act: impl FnOnce(&mut Connection<L>, &mut Context<'_>, &mut S) -> Poll<T>,
    ) -> Poll<T> {
        let mut connection = self.lock();
        if !self.wakers.is_awaited_beside(half)
            && let Some(done) = at_once(&mut connection, state)
        {
            return Poll::Ready(done);
        }
        self.with_locked(connection, half, cx, |connection, cx| {
            act(connection, cx, state)
        })
    }

    /// Polls the connection for a half. Registers its waker if it has to wait, and wakes the other
    /// halves if something has moved.
    #[inline]
    pub(super) fn with<T>(
        &self,
        half: Half,
        cx: &mut Context<'_>,
        act: impl FnOnce(&mut Connection<L>, &mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        self.with_locked(self.lock(), half, cx, act)
    }

    #[inline]
    fn with_locked<T>(
        &self,
        mut connection: MutexGuard<'_, Connection<L>>,
        half: Half,
        cx: &mut Context<'_>,
        act: impl FnOnce(&mut Connection<L>, &mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let seen = self.wakers.count();
        // Another part registers under the lock that is held here, so none begins to wait now.
        let before = self
            .wakers
            .is_awaited_beside(half)
            .then(|| connection.revision());
        let result = act(&mut connection, &mut Context::from_waker(&self.wake_all));
        let moved = before.is_some_and(|before| connection.revision() != before);
        // The parts are woken below, and never under the lock.
        connection.forget_tasks();
        let is_late = result.is_pending() && self.wakers.register(half, cx.waker(), seen);
        drop(connection);
        if is_late {
            self.wakers.wake(half);
        }
        if moved {
            self.wakers.wake_others(half); // they may have waited for what moved
        }
        result
    }
}
