//! Turns of tasks, for executors that leave it to each task when it lets others run.

use std::cell::Cell;
use std::task::{Context, Poll};

/// Returns the result of a read. After [`MOST_READS`] on this thread that all had bytes, the next
/// one is pending, and its task is woken at once: a peer that sends faster than its bytes are
/// processed would hold the thread for ever. tokio does the same by itself.
pub(super) fn in_turns<T>(
    cx: &mut Context<'_>,
    read: impl FnOnce(&mut Context<'_>) -> Poll<T>,
) -> Poll<T> {
    if READS.get() >= MOST_READS {
        READS.set(0);
        cx.waker().wake_by_ref();
        return Poll::Pending;
    }
    let read = read(cx);
    READS.set(if read.is_ready() { READS.get() + 1 } else { 0 });
    read
}

thread_local! {
    static READS: Cell<u32> = const { Cell::new(0) };
}

/// The most reads in a row, as many as tokio allows.
const MOST_READS: u32 = 128;

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Wake, Waker};

    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_task_whose_peer_always_has_bytes_lets_others_run_and_is_woken() {
        let woken = Arc::new(Woken(AtomicUsize::new(0)));
        let waker = Waker::from(woken.clone());
        let cx = &mut Context::from_waker(&waker);
        for turn in 1..4 {
            let reads = (0..).take_while(|_| in_turns(cx, |_| Poll::Ready(())).is_ready());
            assert_eq!(reads.count(), 128);
            assert_eq!(woken.0.load(Ordering::Relaxed), turn);
        }
        for _ in 0..1000 {
            assert!(in_turns(cx, |_| Poll::Ready(())).is_ready());
            assert!(in_turns(cx, |_| Poll::<()>::Pending).is_pending());
        }
        assert_eq!(
            woken.0.load(Ordering::Relaxed),
            3,
            "a task that waits is not woken"
        );
    }
}
