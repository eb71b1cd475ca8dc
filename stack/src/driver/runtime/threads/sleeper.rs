//! The sleep of a thread in `poll(2)`, and what ends it.

use super::system::Notifier;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::BorrowedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Wake, Waker};
use std::time::{Duration, Instant};

/// The waker of a thread that sleeps in `poll`.
pub(super) struct Sleeper {
    notified: AtomicBool,
    asleep: AtomicBool,
    /// `None` if the system had no socket left: the thread then wakes up at short intervals.
    notifier: Option<Notifier>,
}

impl Sleeper {
    pub(super) fn new() -> Self {
        Self {
            notified: AtomicBool::new(false),
            asleep: AtomicBool::new(false),
            notifier: Notifier::new().ok(),
        }
    }

    /// Returns `true` if it was woken since the last sleep.
    pub(super) fn is_notified(&self) -> bool {
        self.notified.load(Ordering::SeqCst)
    }

    /// Sleeps, then wakes the tasks whose socket or timer is ready, and removes their interests.
    pub(super) fn sleep(&self, interests: &mut Interests, until: Option<Instant>) {
        let Interests {
            sockets,
            timers,
            held,
        } = interests;
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
        // A read, so that what another thread wrote before it notified is seen behind this.
        self.notified.swap(false, Ordering::SeqCst);
    }

    fn poll(
        &self,
        sockets: &mut Vec<Interest>,
        held: &mut Vec<Arc<dyn Waitable>>,
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
            _ => PollFd::from_borrowed_fd(held[at - first].fd(), sockets[at - first].flags),
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
            if is_ready && let Some(waker) = &interest.waker {
                waker.wake_by_ref();
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

/// A socket that a thread can wait for.
pub(super) trait Waitable: Send + Sync + 'static {
    fn fd(&self) -> BorrowedFd<'_>;

    /// Waits in a read of this socket, which keeps what it brings for the next poll. Returns `false`
    /// if it has not waited.
    fn sleep_in_read(&self) -> bool {
        false
    }
}

/// The sockets and timers that tasks wait for.
#[derive(Default)]
pub(super) struct Interests {
    pub(super) sockets: Vec<Interest>,
    pub(super) timers: Vec<Due>,
    /// The sockets of the current call of `poll`.
    held: Vec<Arc<dyn Waitable>>,
}

impl Interests {
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.sockets.is_empty() && self.timers.is_empty()
    }

    /// Moves what others wait for to this one.
    #[inline]
    pub(super) fn append(&mut self, others: &mut Self) {
        if !others.is_empty() {
            self.sockets.append(&mut others.sockets);
            self.timers.append(&mut others.timers);
        }
    }
}

/// A socket that a task waits for.
pub(super) struct Interest {
    /// A weak reference: a socket that is dropped is closed, also while a task waits for it.
    pub(super) socket: Weak<dyn Waitable>,
    pub(super) flags: PollFlags,
    /// `None` for the task of the call itself, which is polled after each sleep.
    pub(super) waker: Option<Waker>,
}

/// A timer that a task waits for.
pub(super) struct Due {
    pub(super) id: u64,
    pub(super) at: Instant,
    pub(super) waker: Waker,
}

/// The number of descriptors that `poll` waits for without an allocation.
const MAX_STACK_FDS: usize = 4;

/// The longest sleep of a thread without a notifier.
const MAX_SLEEP_UNNOTIFIED: Duration = Duration::from_millis(10);

/// The longest sleep that `poll` supports on every system.
const MAX_SLEEP: Duration = Duration::from_secs(1 << 20);
