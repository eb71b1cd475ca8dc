//! Waiting for a future in the thread that needs its result.

use super::sleeper::{Due, Interest, Interests, Sleeper, Waitable};
use rustix::event::PollFlags;
use std::cell::RefCell;
use std::io;
use std::mem;
use std::pin::pin;
use std::ptr;
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
    let call = Call::begin();
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(result) = future.as_mut().poll(&mut Context::from_waker(&call.waker)) {
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
    CALLS.with_borrow_mut(|calls| {
        calls
            .innermost()
            .is_some_and(|call| call.tokio == tokio_id())
    })
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
        let task = (!call.owns(cx.waker())).then_some(cx.waker());
        let known = call.interests.sockets.iter().any(|interest| {
            Weak::as_ptr(&interest.socket).addr() == Arc::as_ptr(socket).addr()
                && interest.flags == flags
                && match (&interest.waker, task) {
                    (Some(waker), Some(task)) => waker.will_wake(task),
                    (None, None) => true,
                    _ => false,
                }
        });
        if !known {
            let socket = Arc::downgrade(socket) as Weak<dyn Waitable>;
            call.interests.sockets.push(Interest {
                socket,
                flags,
                waker: task.cloned(),
            });
        }
    })
}

/// Wakes the task at a time.
pub(super) fn wait_for_time<T>(id: u64, at: Instant, cx: &Context<'_>) -> Poll<io::Result<T>> {
    wait(cx, |call| {
        let waker = cx.waker();
        match call
            .interests
            .timers
            .iter_mut()
            .find(|timer| timer.id == id)
        {
            Some(timer) => {
                timer.at = at;
                timer.waker.clone_from(waker);
            }
            None => call.interests.timers.push(Due {
                id,
                at,
                waker: waker.clone(),
            }),
        }
    })
}

/// Forgets a timer that was dropped.
pub(super) fn forget_timer(id: u64) {
    let forget = |calls: &RefCell<Calls>| {
        for call in &mut calls.borrow_mut().all {
            call.interests.timers.retain(|timer| timer.id != id);
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
    static CALLS: RefCell<Calls> = const { RefCell::new(Calls { all: Vec::new(), running: 0 }) };
}

/// The calls of `block_on` in this thread, the innermost last, and behind them what the next call
/// uses again.
struct Calls {
    all: Vec<Waiting>,
    running: usize,
}

impl Calls {
    #[inline]
    fn innermost(&mut self) -> Option<&mut Waiting> {
        self.all.get_mut(self.running.wrapping_sub(1))
    }

    /// Ends the innermost call. Returns what is left of it, and of nested calls that have ended.
    #[inline]
    fn end(&mut self) -> Option<(Interests, Vec<Waiting>)> {
        self.running -= 1;
        let is_clean = self.all[self.running].interests.is_empty();
        if is_clean && self.all.len() == self.running + 1 {
            return None;
        }
        let left = mem::take(&mut self.all[self.running].interests);
        Some((left, self.all.split_off(self.running + 1)))
    }
}

/// The sockets and timers that the future of a call waits for.
///
/// An interest stays until its task is woken, as a future that holds many tasks polls only the
/// woken ones again.
struct Waiting {
    sleeper: Arc<Sleeper>,
    interests: Interests,
    tokio: TokioId,
}

/// A call of `block_on`, until it is dropped.
struct Call {
    waker: Waker,
}

impl Call {
    fn begin() -> Self {
        let tokio = tokio_id();
        CALLS.with_borrow_mut(|calls| {
            if calls.running == calls.all.len() {
                calls.all.push(Waiting::new());
            }
            let call = &mut calls.all[calls.running];
            calls.running += 1;
            call.tokio = tokio;
            Self {
                waker: Waker::from(call.sleeper.clone()),
            }
        })
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        // What a waker frees may be anything: it is dropped without a borrow.
        let _left = CALLS.try_with(|calls| calls.borrow_mut().end()); // fails while the thread ends
    }
}

impl Waiting {
    fn new() -> Self {
        Self {
            sleeper: Arc::new(Sleeper::new()),
            interests: Interests::default(),
            tokio: None,
        }
    }

    /// Returns `true` if this waker is that of the call itself.
    fn owns(&self, waker: &Waker) -> bool {
        ptr::eq(waker.data(), Arc::as_ptr(&self.sleeper).cast())
    }

    /// Returns the only socket that the future waits for, if it waits for its bytes, and nothing else
    /// can wake this thread.
    fn only_source(&self) -> Option<Arc<dyn Waitable>> {
        let [only] = &self.interests.sockets[..] else {
            return None;
        };
        let waits_for_bytes = self.interests.timers.is_empty() && only.flags == PollFlags::IN;
        // A task or a thread that could wake it would hold a waker.
        let is_alone = only.waker.is_none() && Arc::strong_count(&self.sleeper) == OWN_REFERENCES;
        if !waits_for_bytes || !is_alone {
            return None;
        }
        // A waker that another thread has called and dropped is seen in the flag below.
        fence(Ordering::Acquire);
        if self.sleeper.is_notified() {
            return None;
        }
        only.socket.upgrade()
    }
}

/// Adds an interest to the innermost call, with `add`.
fn wait<T>(cx: &Context<'_>, add: impl FnOnce(&mut Waiting)) -> Poll<io::Result<T>> {
    CALLS.with_borrow_mut(|calls| {
        let call = calls.innermost();
        // Another executor has its own wakers. Only then the look-up of the tokio runtime is
        // needed.
        match call.filter(|call| call.owns(cx.waker()) || call.tokio == tokio_id()) {
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
    let source = || CALLS.with_borrow_mut(|calls| calls.innermost()?.only_source());
    if until.is_none()
        && let Some(socket) = source()
        && socket.sleep_in_read()
    {
        let clear = |call: &mut Waiting| call.interests.sockets.clear();
        CALLS.with_borrow_mut(|calls| calls.innermost().map(clear));
        return;
    }
    // Wakers run without a borrow, as they may run any code.
    let take = |call: &mut Waiting| (call.sleeper.clone(), mem::take(&mut call.interests));
    let taken = CALLS.with_borrow_mut(|calls| calls.innermost().map(take));
    let Some((sleeper, mut interests)) = taken else {
        return;
    };
    sleeper.sleep(&mut interests, until);
    CALLS.with_borrow_mut(|calls| {
        if let Some(call) = calls.innermost() {
            interests.append(&mut call.interests); // of a waker that has polled something
            call.interests = interests;
        }
    });
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

/// The references to a sleeper while only its own thread has a waker: that of [`Waiting`] and that of
/// [`Call`].
const OWN_REFERENCES: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fd::{AsFd, BorrowedFd};
    use std::future::poll_fn;
    use std::net::{Ipv4Addr, UdpSocket};
    use std::sync::atomic::AtomicUsize;

    /// A socket that is ready, and that counts the sleeps in its read.
    struct Ready(UdpSocket, AtomicUsize);

    impl Waitable for Ready {
        fn fd(&self) -> BorrowedFd<'_> {
            self.0.as_fd()
        }

        fn sleep_in_read(&self) -> bool {
            self.1.fetch_add(1, Ordering::Relaxed);
            true
        }
    }

    /// Returns the number of sleeps in the read of a socket that a future waits for once. `act` is
    /// called in the first poll.
    fn sleeps_in_read(flags: PollFlags, act: impl Fn(&Context<'_>)) -> usize {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        socket.connect(socket.local_addr().unwrap()).unwrap();
        socket.send(b"ready").unwrap();
        let socket = Arc::new(Ready(socket, AtomicUsize::new(0)));
        let mut has_waited = false;
        block_on(poll_fn(|cx| {
            if mem::replace(&mut has_waited, true) {
                return Poll::Ready(());
            }
            act(cx);
            wait_for_socket::<()>(&socket, flags, cx).map(|_| ())
        }));
        socket.1.load(Ordering::Relaxed)
    }

    #[test]
    fn a_thread_sleeps_in_a_read_only_if_nothing_else_can_wake_it() {
        assert_eq!(sleeps_in_read(PollFlags::IN, |_| {}), 1);
        assert_eq!(sleeps_in_read(PollFlags::OUT, |_| {}), 0, "a write");
        let kept = RefCell::new(Vec::new());
        let keep = |cx: &Context<'_>| kept.borrow_mut().push(cx.waker().clone());
        assert_eq!(
            sleeps_in_read(PollFlags::IN, keep),
            0,
            "a waker is elsewhere"
        );
        assert_eq!(sleeps_in_read(PollFlags::IN, |_| {}), 0, "it still is");
        kept.borrow_mut().clear();
        assert_eq!(sleeps_in_read(PollFlags::IN, |_| {}), 1, "it was dropped");
        let late = Instant::now() + Duration::from_secs(3600);
        let timed = |cx: &Context<'_>| drop(wait_for_time::<()>(next_timer_id(), late, cx));
        assert_eq!(sleeps_in_read(PollFlags::IN, timed), 0, "a timer");
        assert_eq!(
            sleeps_in_read(PollFlags::IN, |cx| cx.waker().wake_by_ref()),
            0
        );
        let other = Arc::new(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
        let both = |cx: &Context<'_>| drop(wait_for_socket::<()>(&other, PollFlags::IN, cx));
        assert_eq!(sleeps_in_read(PollFlags::IN, both), 0, "another socket");
        let nested = |_: &Context<'_>| assert_eq!(sleeps_in_read(PollFlags::IN, |_| {}), 1);
        assert_eq!(
            sleeps_in_read(PollFlags::IN, nested),
            1,
            "behind a nested call"
        );
    }

    #[test]
    fn a_call_with_a_time_limit_sleeps_in_no_read() {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let socket = Arc::new(Ready(socket, AtomicUsize::new(0)));
        let limit = Some(Duration::from_millis(1));
        let waits = poll_fn(|cx| wait_for_socket::<()>(&socket, PollFlags::IN, cx));
        assert!(block_for(limit, waits).is_none());
        assert_eq!(socket.1.load(Ordering::Relaxed), 0);
    }
}
