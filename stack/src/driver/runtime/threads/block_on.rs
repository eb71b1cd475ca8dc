//! Waiting for a future in the thread that needs its result.

use super::system::Notifier;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::AsFd;
use std::cell::RefCell;
use std::io;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

/// Waits for a future in this thread, and returns its result.
///
/// Inside of it, [`Threads`](crate::runtime::Threads) is the current runtime, for
/// [`connect`](fn@crate::connect) and for everything else.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use wirestack::blocking::block_on;
///
/// block_on(async {
///     let http2 = wirestack::connect_http2("wss://example.org").await?;
///     let mut chat = http2.websocket("/chat").await?;
///     chat.send("hello").await?;
///     Ok(())
/// })
/// # }
/// ```
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    match block_for(None, future) {
        Some(result) => result,
        None => unreachable!("it waits without a time limit"),
    }
}

/// Waits for a future in this thread, no longer than `limit`; `None` if it was not ready by then.
pub(crate) fn block_for<T>(limit: Option<Duration>, future: impl Future<Output = T>) -> Option<T> {
    let until = limit.and_then(|limit| Instant::now().checked_add(limit));
    let waker = CallGuard::begin();
    let _guard = CallGuard;
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(result) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Some(result);
        }
        if until.is_some_and(|until| until <= Instant::now()) {
            return None;
        }
        sleep_until_woken(until);
    }
}

/// Returns `true` if this thread polls a future of [`block_on`], and has not entered a tokio
/// runtime inside of it.
pub(in super::super) fn is_current() -> bool {
    CALLS.with_borrow(|calls| calls.last().is_some_and(|call| call.tokio == tokio_id()))
}

/// Wakes the task when a socket is ready.
pub(super) fn wait_for_socket<T>(
    socket: &Arc<impl AsFd + Send + Sync + 'static>,
    flags: PollFlags,
    cx: &Context<'_>,
) -> Poll<io::Result<T>> {
    wait(cx, |call| {
        let known = call.sockets.iter().any(|interest| {
            Weak::as_ptr(&interest.socket).addr() == Arc::as_ptr(socket).addr()
                && interest.flags == flags
                && interest.waker.will_wake(cx.waker())
        });
        if !known {
            let socket: Arc<Pollable> = socket.clone();
            call.sockets.push(Interest {
                socket: Arc::downgrade(&socket),
                flags,
                waker: cx.waker().clone(),
            });
        }
    })
}

/// Wakes the task at a time.
pub(super) fn wait_for_time<T>(id: u64, at: Instant, cx: &Context<'_>) -> Poll<io::Result<T>> {
    wait(cx, |call| {
        let waker = cx.waker();
        match call.timers.iter_mut().find(|timer| timer.id == id) {
            Some(timer) => {
                timer.at = at;
                timer.waker.clone_from(waker);
            }
            None => call.timers.push(Due {
                id,
                at,
                waker: waker.clone(),
            }),
        }
    })
}

/// Forgets a timer that was dropped.
pub(super) fn forget_timer(id: u64) {
    let forget = |calls: &RefCell<Vec<Waiting>>| {
        for call in calls.borrow_mut().iter_mut() {
            call.timers.retain(|timer| timer.id != id);
        }
    };
    let _ = CALLS.try_with(forget); // fails while the thread ends, and then no call waits
}

/// Returns a number that no other timer has.
pub(super) fn next_timer_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

thread_local! {
    /// The calls of `block_on` in this thread, the innermost last.
    static CALLS: RefCell<Vec<Waiting>> = const { RefCell::new(Vec::new()) };
    /// The state of the last call, whose buffers the next call uses again.
    static SPARE: RefCell<Option<Waiting>> = const { RefCell::new(None) };
}

/// The sockets and timers that the future of a call waits for.
///
/// An interest stays until its task is woken, as a future that holds many tasks polls only the
/// woken ones again.
struct Waiting {
    sleeper: Arc<Sleeper>,
    waker: Waker,
    sockets: Vec<Interest>,
    timers: Vec<Due>,
    /// The sockets of the current call of `poll`.
    held: Vec<Arc<Pollable>>,
    tokio: TokioId,
}

/// A socket that a task waits for.
struct Interest {
    /// A weak reference: a socket that is dropped is closed, also while a task waits for it.
    socket: Weak<Pollable>,
    flags: PollFlags,
    waker: Waker,
}

type Pollable = dyn AsFd + Send + Sync;

/// A timer that a task waits for.
struct Due {
    id: u64,
    at: Instant,
    waker: Waker,
}

/// A guard that ends a call of `block_on` when it is dropped.
struct CallGuard;

impl CallGuard {
    fn begin() -> Waker {
        let mut waiting = SPARE.take().unwrap_or_else(Waiting::new);
        waiting.tokio = tokio_id();
        let waker = waiting.waker.clone();
        CALLS.with_borrow_mut(|calls| calls.push(waiting));
        waker
    }
}

impl Drop for CallGuard {
    fn drop(&mut self) {
        let Some(mut call) = CALLS.with_borrow_mut(Vec::pop) else {
            return;
        };
        call.sockets.clear();
        call.timers.clear();
        SPARE.set(Some(call));
    }
}

impl Waiting {
    fn new() -> Self {
        let sleeper = Arc::new(Sleeper {
            notified: AtomicBool::new(false),
            asleep: AtomicBool::new(false),
            notifier: Notifier::new().ok(),
        });
        Self {
            waker: Waker::from(sleeper.clone()),
            sleeper,
            sockets: Vec::new(),
            timers: Vec::new(),
            held: Vec::new(),
            tokio: None,
        }
    }
}

/// Adds an interest to the innermost call, with `add`.
fn wait<T>(cx: &Context<'_>, add: impl FnOnce(&mut Waiting)) -> Poll<io::Result<T>> {
    CALLS.with_borrow_mut(|calls| {
        let call = calls.last_mut();
        // Another executor has its own wakers. Only then the look-up of the tokio runtime is
        // needed.
        match call.filter(|call| call.waker.will_wake(cx.waker()) || call.tokio == tokio_id()) {
            Some(call) => {
                add(call);
                Poll::Pending
            }
            None => Poll::Ready(Err(io::Error::other(NotInBlockOn))),
        }
    })
}

/// Sleeps until an interest of the innermost call is ready, or until `until`.
fn sleep_until_woken(until: Option<Instant>) {
    // Wakers run without a borrow, as they may run any code.
    let Some(mut call) = CALLS.with_borrow_mut(Vec::pop) else {
        return;
    };
    let Waiting {
        sleeper,
        sockets,
        timers,
        held,
        ..
    } = &mut call;
    sleeper.sleep(sockets, timers, held, until);
    CALLS.with_borrow_mut(|calls| calls.push(call));
}

/// The waker of a thread that sleeps in `poll`.
struct Sleeper {
    notified: AtomicBool,
    asleep: AtomicBool,
    /// `None` if the system had no socket left: the thread then wakes up at short intervals.
    notifier: Option<Notifier>,
}

impl Sleeper {
    /// Sleeps, then wakes the tasks whose socket or timer is ready, and removes their interests.
    fn sleep(
        &self,
        sockets: &mut Vec<Interest>,
        timers: &mut Vec<Due>,
        held: &mut Vec<Arc<Pollable>>,
        until: Option<Instant>,
    ) {
        self.asleep.store(true, Ordering::SeqCst);
        if !self.notified.load(Ordering::SeqCst) {
            let due = timers.iter().map(|timer| timer.at).chain(until).min();
            let left = due.map(|due| due.saturating_duration_since(Instant::now()));
            let left = match &self.notifier {
                Some(_) => left,
                None => {
                    Some(left.map_or(MAX_SLEEP_UNNOTIFIED, |left| left.min(MAX_SLEEP_UNNOTIFIED)))
                }
            };
            self.poll(sockets, held, left);
        }
        self.asleep.store(false, Ordering::SeqCst);
        if !timers.is_empty() {
            let now = Instant::now();
            timers.retain(|timer| {
                let waits = timer.at > now;
                if !waits {
                    timer.waker.wake_by_ref();
                }
                waits
            });
        }
        self.notified.store(false, Ordering::SeqCst);
    }

    fn poll(
        &self,
        sockets: &mut Vec<Interest>,
        held: &mut Vec<Arc<Pollable>>,
        left: Option<Duration>,
    ) {
        // A socket that another thread drops meanwhile is closed as soon as this one wakes.
        sockets.retain(|interest| {
            let socket = interest.socket.upgrade();
            socket.map(|socket| held.push(socket)).is_some()
        });
        let notifier = self.notifier.as_ref();
        let first = usize::from(notifier.is_some());
        let fd = |at: usize| match notifier {
            Some(notifier) if at == 0 => PollFd::new(notifier, PollFlags::IN),
            _ => PollFd::from_borrowed_fd(held[at - first].as_fd(), sockets[at - first].flags),
        };
        let count = first + held.len();
        let mut few: [PollFd<'_>; MAX_STACK_FDS];
        let mut many = Vec::new();
        let fds = if (1..=MAX_STACK_FDS).contains(&count) {
            few = std::array::from_fn(|at| fd(at.min(count - 1)));
            &mut few[..count]
        } else {
            many.extend((0..count).map(fd));
            &mut many[..]
        };
        let left = left.and_then(|left| Timespec::try_from(left.min(MAX_SLEEP)).ok());
        let _ = poll(fds, left.as_ref()); // after an interruption, no socket is ready
        self.asleep.store(false, Ordering::SeqCst);
        if let Some(notifier) = notifier
            && !fds[0].revents().is_empty()
        {
            notifier.clear();
        }
        let mut ready = fds[first..].iter().map(|fd| !fd.revents().is_empty());
        sockets.retain(|interest| {
            let is_ready = ready.next() == Some(true);
            if is_ready {
                interest.waker.wake_by_ref();
            }
            !is_ready
        });
        held.clear();
    }
}

impl Wake for Sleeper {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let was_notified = self.notified.swap(true, Ordering::SeqCst);
        if !was_notified
            && self.asleep.load(Ordering::SeqCst)
            && let Some(notifier) = &self.notifier
        {
            notifier.notify();
        }
    }
}

#[cfg(feature = "tokio")]
type TokioId = Option<tokio::runtime::Id>;
#[cfg(not(feature = "tokio"))]
type TokioId = Option<()>;

/// Returns the id of the tokio runtime that this is called in.
fn tokio_id() -> TokioId {
    #[cfg(feature = "tokio")]
    return tokio::runtime::Handle::try_current()
        .ok()
        .map(|handle| handle.id());
    #[cfg(not(feature = "tokio"))]
    None
}

#[derive(Debug, thiserror::Error)]
#[error(
    "a socket or timer of the runtime `Threads` was used outside of \
     `wirestack::blocking::block_on`: wait for it inside"
)]
struct NotInBlockOn;

/// The number of descriptors that `poll` waits for without an allocation.
const MAX_STACK_FDS: usize = 4;

/// The longest sleep of a thread without a notifier.
const MAX_SLEEP_UNNOTIFIED: Duration = Duration::from_millis(10);

/// The longest sleep that `poll` supports on every system.
const MAX_SLEEP: Duration = Duration::from_secs(1 << 20);
