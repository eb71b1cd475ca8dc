//! Turns: how many exchanges with one server are made at once, on all runtimes of this process.

use std::collections::{HashMap, VecDeque};
use std::future::poll_fn;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

/// A turn with a server. The next one begins when it is dropped.
pub(super) struct Turn {
    server: String,
    /// The number of this turn while it waits for its beginning.
    waiting: Option<u64>,
}

/// Waits until fewer than [`AT_ONCE`] turns with this server are being had.
pub(super) async fn turn(server: &str) -> Turn {
    let mut turn = Turn {
        server: server.to_owned(),
        waiting: None,
    };
    poll_fn(|cx| turn.poll(cx.waker())).await;
    turn
}

/// The turns with one server: those that are being had, and those that wait, the first one first.
#[derive(Default)]
struct Lane {
    busy: usize,
    waiting: VecDeque<(u64, Waker)>,
    next: u64,
}

impl Lane {
    /// Returns the waker of the turn that may begin now, if one may.
    fn next(&self) -> Option<Waker> {
        let next = self.waiting.front().filter(|_| self.busy < AT_ONCE);
        next.map(|(_, waker)| waker.clone())
    }
}

impl Turn {
    fn poll(&mut self, waker: &Waker) -> Poll<()> {
        let mut lanes = lanes();
        let lane = lanes.entry(self.server.clone()).or_default();
        let is_first = match (self.waiting, lane.waiting.front()) {
            (Some(own), Some((first, _))) => own == *first,
            (None, first) => first.is_none(),
            (Some(_), None) => true,
        };
        if is_first && lane.busy < AT_ONCE {
            lane.busy += 1;
            if self.waiting.take().is_some() {
                lane.waiting.pop_front();
            }
            // If several turns have ended, each of them has woken this one.
            let next = lane.next();
            drop(lanes);
            if let Some(next) = next {
                next.wake();
            }
            return Poll::Ready(());
        }
        match self.waiting {
            None => {
                self.waiting = Some(lane.next);
                lane.waiting.push_back((lane.next, waker.clone()));
                lane.next += 1;
            }
            Some(own) => {
                let place = lane.waiting.iter_mut().find(|(number, _)| *number == own);
                if let Some((_, old)) = place {
                    old.clone_from(waker);
                }
            }
        }
        Poll::Pending
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut lanes = lanes();
        let Some(lane) = lanes.get_mut(&self.server) else {
            return;
        };
        match self.waiting {
            Some(own) => lane.waiting.retain(|(number, _)| *number != own),
            None => lane.busy -= 1,
        }
        let next = lane.next();
        if lane.busy == 0 && lane.waiting.is_empty() {
            lanes.remove(&self.server);
        }
        drop(lanes);
        if let Some(next) = next {
            next.wake();
        }
    }
}

/// A KDC takes few connections at a time: the backlog of MIT's is 5, and a connection behind it is
/// tried again after 1 s and 3 s.
const AT_ONCE: usize = 4;

static LANES: LazyLock<Mutex<HashMap<String, Lane>>> = LazyLock::new(Mutex::default);

fn lanes() -> MutexGuard<'static, HashMap<String, Lane>> {
    LANES.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::Future;
    use std::pin::pin;
    use std::task::Context;

    #[test]
    fn turns_with_a_server_begin_in_order_and_four_at_once() {
        let mut cx = Context::from_waker(Waker::noop());
        let mut begun = Vec::new();
        for _ in 0..AT_ONCE {
            let Poll::Ready(turn) = pin!(turn("tcp://one:88")).poll(&mut cx) else {
                panic!("it waits");
            };
            begun.push(turn);
        }
        let mut fifth = Box::pin(turn("tcp://one:88"));
        let mut sixth = Box::pin(turn("tcp://one:88"));
        let mut seventh = Box::pin(turn("tcp://one:88"));
        assert!(fifth.as_mut().poll(&mut cx).is_pending());
        assert!(sixth.as_mut().poll(&mut cx).is_pending());
        assert!(seventh.as_mut().poll(&mut cx).is_pending());
        // Another server has its own turns.
        assert!(pin!(turn("tcp://two:88")).poll(&mut cx).is_ready());
        begun.pop();
        assert!(sixth.as_mut().poll(&mut cx).is_pending()); // the fifth comes first
        drop(fifth); // given up
        let Poll::Ready(turn) = sixth.as_mut().poll(&mut cx) else {
            panic!("it waits");
        };
        assert!(seventh.as_mut().poll(&mut cx).is_pending());
        drop(turn);
        assert!(seventh.as_mut().poll(&mut cx).is_ready());
        drop((begun, sixth, seventh));
        assert!(!lanes().contains_key("tcp://one:88"));
        assert!(!lanes().contains_key("tcp://two:88"));
    }

    #[test]
    fn the_next_turn_is_woken_at_the_end_of_one_before_it() {
        use std::sync::Arc;
        use std::sync::atomic::{AtomicUsize, Ordering};
        struct Count(AtomicUsize);
        impl std::task::Wake for Count {
            fn wake(self: Arc<Self>) {
                self.0.fetch_add(1, Ordering::Relaxed);
            }
        }
        let count = Arc::new(Count(AtomicUsize::new(0)));
        let waker = Waker::from(count.clone());
        let mut cx = Context::from_waker(&waker);
        let mut turns: Vec<_> = (0..AT_ONCE + 2)
            .map(|_| Box::pin(turn("tcp://three:88")))
            .collect();
        let mut begun = Vec::new();
        for turn in &mut turns {
            if let Poll::Ready(turn) = turn.as_mut().poll(&mut cx) {
                begun.push(turn);
            }
        }
        assert_eq!((begun.len(), count.0.load(Ordering::Relaxed)), (AT_ONCE, 0));
        drop(turns.remove(AT_ONCE)); // one that waits is given up: nobody has a turn by that
        assert_eq!(count.0.load(Ordering::Relaxed), 0);
        drop(begun.pop());
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn two_turns_that_end_at_once_make_room_for_two() {
        use std::sync::Arc;
        use std::sync::atomic::{AtomicUsize, Ordering};
        #[derive(Default)]
        struct Count(AtomicUsize);
        impl std::task::Wake for Count {
            fn wake(self: Arc<Self>) {
                self.0.fetch_add(1, Ordering::Relaxed);
            }
        }
        let mut begun = Vec::new();
        for _ in 0..AT_ONCE {
            let mut cx = Context::from_waker(Waker::noop());
            if let Poll::Ready(turn) = pin!(turn("tcp://four:88")).poll(&mut cx) {
                begun.push(turn);
            }
        }
        let counts = [Arc::<Count>::default(), Arc::<Count>::default()];
        let wakers = counts.clone().map(Waker::from);
        let [first, second] = &wakers;
        let mut fifth = Box::pin(turn("tcp://four:88"));
        let mut sixth = Box::pin(turn("tcp://four:88"));
        assert!(
            fifth
                .as_mut()
                .poll(&mut Context::from_waker(first))
                .is_pending()
        );
        assert!(
            sixth
                .as_mut()
                .poll(&mut Context::from_waker(second))
                .is_pending()
        );
        begun.truncate(AT_ONCE - 2); // before the fifth, which is woken, runs
        let turn = fifth.as_mut().poll(&mut Context::from_waker(first));
        assert!(turn.is_ready());
        assert_eq!(counts[1].0.load(Ordering::Relaxed), 1);
        assert!(
            sixth
                .as_mut()
                .poll(&mut Context::from_waker(second))
                .is_ready()
        );
    }
}
