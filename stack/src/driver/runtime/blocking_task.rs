//! The result of work that runs on another thread.

use super::{BoxFuture, Runtime};
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::thread;

/// Runs work that blocks on a thread of the runtime; `None` if it panicked or never ran.
pub(crate) fn run_blocking<T: Send + 'static>(
    runtime: &(impl Runtime + ?Sized),
    work: impl FnOnce() -> T + Send + 'static,
) -> BoxFuture<Option<T>> {
    let worker = Worker(Arc::new(Mutex::new(Outcome {
        result: None,
        over: false,
        waker: None,
    })));
    let outcome = worker.0.clone();
    runtime.spawn_blocking(Box::new(move || {
        let result = work();
        locked(&worker.0).result = Some(result);
    }));
    Box::pin(poll_fn(move |cx| {
        let mut outcome = locked(&outcome);
        if outcome.over {
            return Poll::Ready(outcome.result.take());
        }
        outcome.waker = Some(cx.waker().clone());
        Poll::Pending
    }))
}

/// Runs work on a new thread. Where the system has none to give, the work is dropped.
pub(super) fn on_new_thread(work: Box<dyn FnOnce() + Send>) {
    let _ = thread::Builder::new()
        .name("wirestack".to_owned())
        .spawn(work);
}

struct Outcome<T> {
    result: Option<T>,
    over: bool,
    waker: Option<Waker>,
}

/// Held by the work: dropped when it is over, also by a panic.
struct Worker<T>(Arc<Mutex<Outcome<T>>>);

impl<T> Drop for Worker<T> {
    fn drop(&mut self) {
        let mut outcome = locked(&self.0);
        outcome.over = true;
        let waker = outcome.waker.take();
        drop(outcome);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

fn locked<T>(outcome: &Mutex<T>) -> MutexGuard<'_, T> {
    outcome.lock().unwrap_or_else(PoisonError::into_inner)
}
