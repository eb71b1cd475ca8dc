//! Waiting for a future in the thread that wants its result.

use super::system::Bell;
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
/// Inside of it, [`connect`](fn@crate::connect) and all the rest run on
/// [`Threads`](crate::runtime::Threads).
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use wirestack::blocking::block_on;
///
/// block_on(async {
///     let http2 = wirestack::connect_http2("wss://example.org").await?;
///     let mut chat = http2.websocket("/chat").await?;
///     chat.send("hello".into()).await?;
///     Ok(())
/// })
/// # }
/// ```
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    match block_until(None, future) {
        Some(result) => result,
        None => unreachable!("it waits without a limit"),
    }
}

/// Waits for a future in this thread until a time; `None` if it was not ready by then.
pub(crate) fn block_until<T>(until: Option<Instant>, future: impl Future<Output = T>) -> Option<T> {
    let waker = Call::begin();
    let _call = Call;
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(result) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Some(result);
        }
        if until.is_some_and(|until| until <= Instant::now()) {
            return None;
        }
        sleep(until);
    }
}

/// Returns whether this thread polls a future of [`block_on`], and no future of a tokio runtime that was
/// entered inside of it.
pub(in super::super) fn is_current() -> bool {
    CALLS.with_borrow(|calls| calls.last().is_some_and(|call| call.tokio == tokio_id()))
}

/// Waits until a socket is ready: its task is woken then.
pub(super) fn wait_for_socket<T>(
    socket: &Arc<impl AsFd + Send + Sync + 'static>,
    flags: PollFlags,
    cx: &Context<'_>,
) -> Poll<io::Result<T>> {
    wait(cx, |call| {
        let known = call.sockets.iter().any(|it| {
            Weak::as_ptr(&it.socket).addr() == Arc::as_ptr(socket).addr()
                && it.flags == flags
                && it.waker.will_wake(cx.waker())
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

/// Waits until a time: the task is woken then.
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

/// Forgets a timer that is not waited for any more.
pub(super) fn forget_timer(id: u64) {
    let forget = |calls: &RefCell<Vec<Waiting>>| {
        for call in calls.borrow_mut().iter_mut() {
            call.timers.retain(|timer| timer.id != id);
        }
    };
    let _ = CALLS.try_with(forget); // not while the thread ends
}

/// Returns a number that no other timer has.
pub(super) fn next_timer_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

thread_local! {
    /// The calls of `block_on` that this thread is in, the innermost last.
    static CALLS: RefCell<Vec<Waiting>> = const { RefCell::new(Vec::new()) };
    /// The state that the next call takes over, with its buffers.
    static SPARE: RefCell<Option<Waiting>> = const { RefCell::new(None) };
}

/// The sockets and timers that the future of a call waits for.
///
/// An interest stays until its task is woken: a future that holds many tasks polls only those again
/// that were woken.
struct Waiting {
    sleeper: Arc<Sleeper>,
    waker: Waker,
    sockets: Vec<Interest>,
    timers: Vec<Due>,
    /// The sockets that are polled at the moment.
    held: Vec<Arc<Pollable>>,
    tokio: TokioId,
}

struct Interest {
    /// Weak: a socket that was dropped is closed, also while something waits for it.
    socket: Weak<Pollable>,
    flags: PollFlags,
    waker: Waker,
}

type Pollable = dyn AsFd + Send + Sync;

struct Due {
    id: u64,
    at: Instant,
    waker: Waker,
}

/// A call of `block_on`: dropped at its end.
struct Call;

impl Call {
    fn begin() -> Waker {
        let mut waiting = SPARE.take().unwrap_or_else(Waiting::new);
        waiting.tokio = tokio_id();
        let waker = waiting.waker.clone();
        CALLS.with_borrow_mut(|calls| calls.push(waiting));
        waker
    }
}

impl Drop for Call {
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
            bell: Bell::new().ok(),
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

/// Notes an interest of the innermost call.
fn wait<T>(cx: &Context<'_>, note: impl FnOnce(&mut Waiting)) -> Poll<io::Result<T>> {
    CALLS.with_borrow_mut(|calls| {
        let call = calls.last_mut();
        // Another executor has wakers of its own: only then is it worth asking whether it is tokio.
        match call.filter(|call| call.waker.will_wake(cx.waker()) || call.tokio == tokio_id()) {
            Some(call) => {
                note(call);
                Poll::Pending
            }
            None => Poll::Ready(Err(io::Error::other(NotInBlockOn))),
        }
    })
}

/// Sleeps until something that the innermost call waits for has come, or until a time.
fn sleep(until: Option<Instant>) {
    // Wakers run without a borrow: nobody knows what they do.
    let Some(mut own) = CALLS.with_borrow_mut(Vec::pop) else {
        return;
    };
    let Waiting {
        sleeper,
        sockets,
        timers,
        held,
        ..
    } = &mut own;
    sleeper.sleep(sockets, timers, held, until);
    CALLS.with_borrow_mut(|calls| calls.push(own));
}

struct Sleeper {
    notified: AtomicBool,
    asleep: AtomicBool,
    /// There is none if the system had no socket left: then it looks up now and then.
    bell: Option<Bell>,
}

impl Sleeper {
    /// Sleeps, wakes those whose socket or time has come, and takes them out.
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
            let left = match &self.bell {
                Some(_) => left,
                None => Some(left.map_or(LOOK_UP, |left| left.min(LOOK_UP))),
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
        // What another thread drops meanwhile is closed as soon as this one wakes.
        sockets.retain(|it| {
            it.socket
                .upgrade()
                .map(|socket| held.push(socket))
                .is_some()
        });
        let bell = self.bell.as_ref();
        let first = usize::from(bell.is_some());
        let fd = |at: usize| match bell {
            Some(bell) if at == 0 => PollFd::new(bell, PollFlags::IN),
            _ => PollFd::from_borrowed_fd(held[at - first].as_fd(), sockets[at - first].flags),
        };
        let count = first + held.len();
        let mut few: [PollFd<'_>; FEW];
        let mut many = Vec::new();
        let fds = if (1..=FEW).contains(&count) {
            few = std::array::from_fn(|at| fd(at.min(count - 1)));
            &mut few[..count]
        } else {
            many.extend((0..count).map(fd));
            &mut many[..]
        };
        let left = left.and_then(|left| Timespec::try_from(left.min(MAX_SLEEP)).ok());
        let _ = poll(fds, left.as_ref()); // if it was interrupted, nothing is ready
        self.asleep.store(false, Ordering::SeqCst);
        if let Some(bell) = bell
            && !fds[0].revents().is_empty()
        {
            bell.silence();
        }
        let mut ready = fds[first..].iter().map(|fd| !fd.revents().is_empty());
        sockets.retain(|it| {
            let ready = ready.next() == Some(true);
            if ready {
                it.waker.wake_by_ref();
            }
            !ready
        });
        held.clear();
    }
}

impl Wake for Sleeper {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let known = self.notified.swap(true, Ordering::SeqCst);
        if !known
            && self.asleep.load(Ordering::SeqCst)
            && let Some(bell) = &self.bell
        {
            bell.ring();
        }
    }
}

#[cfg(feature = "tokio")]
type TokioId = Option<tokio::runtime::Id>;
#[cfg(not(feature = "tokio"))]
type TokioId = Option<()>;

/// Names the tokio runtime that this is called in.
fn tokio_id() -> TokioId {
    #[cfg(feature = "tokio")]
    return tokio::runtime::Handle::try_current().ok().map(|it| it.id());
    #[cfg(not(feature = "tokio"))]
    None
}

#[derive(Debug, thiserror::Error)]
#[error(
    "a socket or timer of the runtime `Threads` works only inside of `wirestack::blocking::block_on`"
)]
struct NotInBlockOn;

/// How many sockets are waited for without an allocation.
const FEW: usize = 4;

/// How long a thread without a bell sleeps at most.
const LOOK_UP: Duration = Duration::from_millis(10);

/// The longest time that every system's `poll` can wait.
const MAX_SLEEP: Duration = Duration::from_secs(1 << 20);
