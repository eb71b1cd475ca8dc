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

    /// Polls the connection for a half. Registers its waker if it has to wait, and wakes the other
    /// halves if something has moved.
    #[inline]
    pub(super) fn with<T>(
        &self,
        half: Half,
        cx: &mut Context<'_>,
        act: impl FnOnce(&mut Connection<L>, &mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let mut connection = self.lock();
        let seen = self.wakers.count();
        // Another part registers under the lock that is held here, so none begins to wait now.
        let before = self
            .wakers
            .is_awaited_beside(half)
            .then(|| connection.revision());
        let result = act(&mut connection, &mut Context::from_waker(&self.wake_all));
        let moved = before.is_some_and(|before| connection.revision() != before);
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
