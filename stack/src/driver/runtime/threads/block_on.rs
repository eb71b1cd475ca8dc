//! Waiting for a future in the thread that needs its result.

use super::sleeper::{Due, Interest, Sleeper, Waitable};
use rustix::event::PollFlags;
use std::cell::RefCell;
use std::io;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering, fence};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};
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

/// Calls `act`, and waits if the socket is not ready for it.
pub(super) fn attempt<S: Waitable, T>(
    io: &Arc<S>,
    flags: PollFlags,
    cx: &Context<'_>,
    mut act: impl FnMut(&S) -> io::Result<T>,
) -> Poll<io::Result<T>> {
    loop {
        match act(io) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                return wait_for_socket(io, flags, cx);
            }
            done => return Poll::Ready(done),
        }
    }
}

/// Wakes the task when a socket is ready.
pub(super) fn wait_for_socket<T>(
    socket: &Arc<impl Waitable>,
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
            let socket: Arc<dyn Waitable> = socket.clone();
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
    held: Vec<Arc<dyn Waitable>>,
    tokio: TokioId,
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
        let sleeper = Arc::new(Sleeper::new());
        Self {
            waker: Waker::from(sleeper.clone()),
            sleeper,
            sockets: Vec::new(),
            timers: Vec::new(),
            held: Vec::new(),
            tokio: None,
        }
    }

    /// Sleeps in the read of the only socket that the future waits for, if nothing else can wake
    /// this thread. Returns `false` if it has not slept.
    fn sleep_in_read(&mut self) -> bool {
        let [only] = &self.sockets[..] else {
            return false;
        };
        let waits_for_bytes = self.timers.is_empty() && only.flags == PollFlags::IN;
        // Whoever could wake it holds a waker.
        if !waits_for_bytes
            || !only.waker.will_wake(&self.waker)
            || Arc::strong_count(&self.sleeper) != OWN_WAKERS
        {
            return false;
        }
        // A waker that another thread has called and dropped is seen in the flag below.
        fence(Ordering::Acquire);
        if self.sleeper.is_notified() {
            return false;
        }
        let Some(socket) = only.socket.upgrade() else {
            return false;
        };
        let has_slept = socket.sleep_in_read();
        if has_slept {
            self.sockets.clear();
        }
        has_slept
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
    if until.is_none() && call.sleep_in_read() {
        CALLS.with_borrow_mut(|calls| calls.push(call));
        return;
    }
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

/// The references to a sleeper while only its own thread has wakers: those of [`Waiting`], that of the
/// call, and that of the only interest.
const OWN_WAKERS: usize = 4;
