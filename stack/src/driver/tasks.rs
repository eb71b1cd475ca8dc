//! A set of tasks that belong together, on any runtime.

use super::runtime::{BoxFuture, Runtime};
use std::collections::{HashMap, VecDeque};
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// A set of tasks with results of one type. When the set is dropped, each task that still runs is
/// woken and ends.
pub(crate) struct Tasks<T>(Arc<Mutex<State<T>>>);

struct State<T> {
    next_id: u64,
    /// The running tasks by their number, each with its waker.
    running: HashMap<u64, Option<Waker>>,
    done: VecDeque<T>,
    /// The waker of the task that waits for a result.
    joining: Option<Waker>,
    is_dropped: bool,
}

impl<T: Send + 'static> Tasks<T> {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(State {
            next_id: 0,
            running: HashMap::new(),
            done: VecDeque::new(),
            joining: None,
            is_dropped: false,
        })))
    }

    /// Runs a task.
    pub(crate) fn spawn(
        &self,
        runtime: &dyn Runtime,
        task: impl Future<Output = T> + Send + 'static,
    ) {
        let mut task: BoxFuture<T> = Box::pin(task);
        let guard = Guard::new(&self.0);
        runtime.spawn(Box::pin(async move {
            let result = poll_fn(|cx| {
                if guard.is_dropped(cx) {
                    return Poll::Ready(None);
                }
                task.as_mut().poll(cx).map(Some)
            });
            let result = result.await;
            drop(task); // before the result can be seen
            if let Some(result) = result {
                locked(&guard.tasks).done.push_back(result);
            }
        }));
    }

    /// Returns the number of tasks that run. [`poll_join`](Self::poll_join) wakes its task when one
    /// has ended.
    pub(crate) fn running(&self) -> usize {
        locked(&self.0).running.len()
    }

    /// Waits for the next result; `None` if no task runs. A task that panicked has no result.
    pub(crate) fn poll_join(&self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let mut state = locked(&self.0);
        if let Some(result) = state.done.pop_front() {
            return Poll::Ready(Some(result));
        }
        if state.running.is_empty() {
            return Poll::Ready(None);
        }
        state.joining = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Waits for the next result. See [`poll_join`](Self::poll_join).
    pub(crate) async fn join(&self) -> Option<T> {
        poll_fn(|cx| self.poll_join(cx)).await
    }
}

impl<T> Drop for Tasks<T> {
    fn drop(&mut self) {
        let mut state = locked(&self.0);
        state.is_dropped = true;
        let running: Vec<_> = state
            .running
            .values_mut()
            .filter_map(Option::take)
            .collect();
        drop(state);
        running.into_iter().for_each(Waker::wake);
    }
}

/// A guard that each task holds. It is dropped when the task is over, also by a panic.
struct Guard<T> {
    tasks: Arc<Mutex<State<T>>>,
    id: u64,
}

impl<T> Guard<T> {
    fn new(tasks: &Arc<Mutex<State<T>>>) -> Self {
        let mut state = locked(tasks);
        let id = state.next_id;
        state.next_id += 1;
        state.running.insert(id, None);
        Self {
            tasks: tasks.clone(),
            id,
        }
    }

    fn is_dropped(&self, cx: &Context<'_>) -> bool {
        let mut state = locked(&self.tasks);
        if let Some(waker) = state.running.get_mut(&self.id) {
            match waker {
                Some(known) => known.clone_from(cx.waker()),
                none => *none = Some(cx.waker().clone()),
            }
        }
        state.is_dropped
    }
}

impl<T> Drop for Guard<T> {
    fn drop(&mut self) {
        let mut state = locked(&self.tasks);
        state.running.remove(&self.id);
        let joining = state.joining.take();
        drop(state);
        if let Some(waker) = joining {
            waker.wake();
        }
    }
}

fn locked<T>(state: &Mutex<State<T>>) -> MutexGuard<'_, State<T>> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
