//! The end of a server's connection behind its last answer.

use super::Connection;
use crate::driver::runtime::AsyncTimer;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use wirestack_nest::BoxTunnel;

/// The wait for the end of a client behind the end of this side. Bytes that still come are thrown
/// away: a socket that is closed with unread bytes is reset, and "the client's TCP stack will [...]
/// possibly erase the client's unread data", which is the last answer (RFC 9112 §9.6).
pub(crate) struct Lingering {
    allowed: Duration,
    timer: Option<Pin<Box<dyn AsyncTimer>>>,
    /// `true` once nobody waits for the client any more.
    is_over: Arc<AtomicBool>,
}

impl Lingering {
    /// Creates a wait of at most this time, and the flag that ends it.
    pub(crate) fn new(allowed: Duration) -> (Self, Arc<AtomicBool>) {
        let is_over = Arc::<AtomicBool>::default();
        let lingering = Self {
            allowed,
            timer: None,
            is_over: is_over.clone(),
        };
        (lingering, is_over)
    }

    /// Ready once the client has ended its direction, or its time is over.
    pub(crate) fn poll_end(
        &mut self,
        io: &mut Connection<BoxTunnel>,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        if self.is_over.load(Ordering::Relaxed) {
            return Poll::Ready(());
        }
        let runtime = io.runtime().clone();
        let due = runtime.now().checked_add(self.allowed);
        let timer = match (&mut self.timer, due) {
            (Some(timer), _) => Some(timer),
            (none, Some(due)) => Some(none.insert(runtime.new_timer(due))),
            (None, None) => None,
        };
        if timer.is_some_and(|timer| timer.as_mut().poll_expired(cx).is_ready()) {
            return Poll::Ready(());
        }
        for _ in 0..MAX_READS {
            match io.poll_read_bytes(cx, usize::MAX, |_| ()) {
                Poll::Ready(Ok(n)) if n > 0 => {}
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => return Poll::Pending,
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl fmt::Debug for Lingering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lingering").finish_non_exhaustive()
    }
}

/// The number of reads after which other tasks have their turn.
const MAX_READS: usize = 64;
