//! Tasks of a runtime that belong together.

use super::runtime::{BoxFuture, Runtime};
use std::collections::{HashMap, VecDeque};
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// Tasks with results of one type. When the set is dropped, each task that still runs is woken, and
/// ends instead of going on.
pub(super) struct Tasks<T>(Arc<Mutex<State<T>>>);

struct State<T> {
    next: u64,
    /// The tasks that run, and what wakes each.
    running: HashMap<u64, Option<Waker>>,
    done: VecDeque<T>,
    joins: Option<Waker>,
    is_dropped: bool,
}

impl<T: Send + 'static> Tasks<T> {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(State {
            next: 0,
            running: HashMap::new(),
            done: VecDeque::new(),
            joins: None,
            is_dropped: false,
        })))
    }

    /// Runs a task.
    pub(super) fn spawn(
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
            drop(task); // before the set hears that it is over
            if let Some(result) = result {
                locked(&guard.tasks).done.push_back(result);
            }
        }));
    }

    /// Waits for the next result; `None` if no task runs. A task that panicked has none.
    pub(super) fn poll_join(&self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let mut state = locked(&self.0);
        if let Some(result) = state.done.pop_front() {
            return Poll::Ready(Some(result));
        }
        if state.running.is_empty() {
            return Poll::Ready(None);
        }
        state.joins = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Waits for the next result, as [`poll_join`](Self::poll_join).
    pub(super) async fn join(&self) -> Option<T> {
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

/// Held by a task: dropped when it is over, also by a panic.
struct Guard<T> {
    tasks: Arc<Mutex<State<T>>>,
    id: u64,
}

impl<T> Guard<T> {
    fn new(tasks: &Arc<Mutex<State<T>>>) -> Self {
        let mut state = locked(tasks);
        let id = state.next;
        state.next += 1;
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
        let joins = state.joins.take();
        drop(state);
        if let Some(joins) = joins {
            joins.wake();
        }
    }
}

fn locked<T>(state: &Mutex<State<T>>) -> MutexGuard<'_, State<T>> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
