//! Running work that blocks on another thread, and waiting for its result.

use super::{BoxFuture, Runtime};
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::thread;

/// Runs work on a thread of the runtime that may block, and returns its result; `None` if the work
/// panicked or never ran.
pub(crate) fn run_blocking<T: Send + 'static>(
    runtime: &(impl Runtime + ?Sized),
    work: impl FnOnce() -> T + Send + 'static,
) -> BoxFuture<Option<T>> {
    let worker = Worker(Arc::new(Mutex::new(Outcome {
        result: None,
        is_over: false,
        waker: None,
    })));
    let outcome = worker.0.clone();
    runtime.spawn_blocking(Box::new(move || {
        let result = work();
        locked(&worker.0).result = Some(result);
    }));
    Box::pin(poll_fn(move |cx| {
        let mut outcome = locked(&outcome);
        if outcome.is_over {
            return Poll::Ready(outcome.result.take());
        }
        outcome.waker = Some(cx.waker().clone());
        Poll::Pending
    }))
}

/// Runs work on a new thread. If the system cannot start one, the work is dropped.
pub(super) fn on_new_thread(work: Box<dyn FnOnce() + Send>) {
    let _ = thread::Builder::new()
        .name("wirestack".to_owned())
        .spawn(work);
}

struct Outcome<T> {
    result: Option<T>,
    is_over: bool,
    waker: Option<Waker>,
}

/// A guard that the work holds. It is dropped when the work is over, also by a panic.
struct Worker<T>(Arc<Mutex<Outcome<T>>>);

impl<T> Drop for Worker<T> {
    fn drop(&mut self) {
        let mut outcome = locked(&self.0);
        outcome.is_over = true;
        let waker = outcome.waker.take();
        drop(outcome);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
