//! The tasks that wait for a shared connection, and the one of them that drives it.

use crate::driver::runtime::{AsyncTimer, Runtime};
use std::mem;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;
use wirestack_http2::{StreamId, StreamMap};

/// The wakers of waiting tasks, and the task that drives the connection.
///
/// It is the waker for the transport and for its timer. An event of these wakes one task only: the
/// driver, or else the waiting task that leads. That one reads, and wakes those for which something
/// has arrived. A leader that has nothing to wait for any more appoints another one.
///
/// A task may also stop to wait without a word: a future was dropped, and its stream was not. Such a
/// leader does not answer. So an [alarm](Alarm) runs while a leader is called, and wakes all.
pub(super) struct Wakers {
    waiting: Mutex<Waiting>,
    alarm: Mutex<Option<Pin<Box<dyn AsyncTimer>>>>,
    alarm_waker: Waker,
    runtime: Arc<dyn Runtime>,
    /// Every clone and every stream has been dropped.
    abandoned: AtomicBool,
}

/// The event that a task waits for.
#[derive(Clone, Copy)]
pub(super) enum Interest {
    Read(StreamId),
    Write(StreamId),
    /// All bytes of the stream have left.
    Flush(StreamId),
    Connection,
}

/// The place of a waker: the half of a stream, or the connection.
pub(super) type Place = Option<(StreamId, usize)>;

impl Interest {
    pub(super) fn place(self) -> Place {
        match self {
            Self::Read(id) => Some((id, READER)),
            Self::Write(id) | Self::Flush(id) => Some((id, WRITER)),
            Self::Connection => None,
        }
    }
}

/// The part of a task that has to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// There is a driver.
    Driven,
    /// It drives the connection for all that wait.
    Leads,
    /// Another task drives it.
    Follows,
}

impl Wakers {
    pub(super) fn new(runtime: Arc<dyn Runtime>) -> Arc<Self> {
        Arc::new_cyclic(|wakers: &Weak<Self>| Self {
            waiting: Mutex::default(),
            alarm: Mutex::default(),
            alarm_waker: Waker::from(Arc::new(Alarm(wakers.clone()))),
            runtime,
            abandoned: AtomicBool::new(false),
        })
    }

    /// Registers the waker of a task that has to wait. Returns its part, and the wakers in whose
    /// place it is now: they may run any code when they are dropped.
    pub(super) fn register(&self, interest: Interest, waker: &Waker) -> (Part, [Option<Waker>; 2]) {
        let mut waiting = self.lock();
        let old = waiting.register(interest, waker);
        (waiting.part(interest.place(), waker), old)
    }

    pub(super) fn register_driver(&self, waker: &Waker) {
        match &mut self.lock().driving {
            Driving::Driver(old) => old.clone_from(waker),
            other => *other = Driving::Driver(waker.clone()),
        }
    }

    /// Notes that the driver has been dropped. Returns the wakers of all waiting tasks: one of them
    /// leads from now on.
    pub(super) fn remove_driver(&self) -> Vec<Waker> {
        self.lock().take_all()
    }

    pub(super) fn has_driver(&self) -> bool {
        matches!(self.lock().driving, Driving::Driver(_))
    }

    /// Ends the part of the task that leads from this place. Returns the place of the next leader,
    /// which has to be [called](Self::call).
    pub(super) fn next_leader(&self, place: Place) -> Option<Place> {
        self.lock().next_leader(place)
    }

    /// Forgets the wakers of a stream. Returns them, as they may run any code when they are dropped.
    pub(super) fn forget(&self, id: StreamId) -> (Option<Slots>, Option<Waker>) {
        let mut waiting = self.lock();
        let forgotten = (waiting.streams.remove(&id), waiting.flushers.remove(&id));
        waiting.shorten();
        forgotten
    }

    /// Wakes the task that drives the connection, or all that wait if there is none.
    pub(super) fn call(&self) {
        let waiting = self.lock();
        if let Driving::Nobody = waiting.driving {
            return self.wake_all(waiting);
        }
        self.wake_driving(waiting);
    }

    /// Wakes the task that drives the connection, if there is one.
    pub(super) fn wake_driver(&self) {
        self.wake_driving(self.lock());
    }

    fn wake_driving(&self, mut waiting: MutexGuard<'_, Waiting>) {
        let (waker, must_watch) = match &mut waiting.driving {
            Driving::Nobody => return,
            Driving::Driver(waker) => (waker.clone(), false),
            Driving::Leader {
                waker, is_called, ..
            } => {
                *is_called = true;
                (waker.clone(), true)
            }
        };
        let must_watch = must_watch && waiting.has_others() && !mem::replace(&mut waiting.watches, true);
        drop(waiting);
        waker.wake();
        if must_watch {
            self.watch();
        }
    }

    /// Notes that every clone and every stream has been dropped.
    pub(super) fn abandon(&self) {
        self.abandoned.store(true, Ordering::Release);
        self.wake_driver();
    }

    pub(super) fn is_abandoned(&self) -> bool {
        self.abandoned.load(Ordering::Acquire)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake_all(&self, mut waiting: MutexGuard<'_, Waiting>) {
        let woken = waiting.take_all();
        drop(waiting);
        woken.into_iter().for_each(Waker::wake);
    }

    /// Starts the time in which a leader that was called has to answer.
    fn watch(&self) {
        let at = self.runtime.now().checked_add(ANSWER_TIMEOUT);
        let runs = at.is_some_and(|at| {
            let mut alarm = self.alarm.lock().unwrap_or_else(PoisonError::into_inner);
            let timer = match &mut *alarm {
                Some(timer) => {
                    timer.as_mut().reset(at);
                    timer
                }
                none => none.insert(self.runtime.new_timer(at)),
            };
            let expired = timer.as_mut().poll_expired(&mut Context::from_waker(&self.alarm_waker));
            matches!(expired, Poll::Pending)
        });
        if !runs {
            self.ring();
        }
    }

    /// Wakes all if the leader has not answered.
    fn ring(&self) {
        let mut waiting = self.lock();
        waiting.watches = false;
        if let Driving::Leader { is_called: true, .. } = waiting.driving {
            self.wake_all(waiting);
        }
    }
}

impl Wake for Wakers {
    fn wake(self: Arc<Self>) {
        self.call();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.call();
    }
}

/// The waker of the timer that runs while a leader is called.
struct Alarm(Weak<Wakers>);

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        if let Some(wakers) = self.0.upgrade() {
            wakers.ring();
        }
    }
}

/// The wakers of waiting tasks, by the event that they wait for.
#[derive(Default)]
pub(super) struct Waiting {
    driving: Driving,
    streams: StreamMap<Slots>,
    flushers: StreamMap<Waker>,
    connection: Vec<Waker>,
    /// Where wakers are, to find another leader without a search. Some of them have been taken.
    listed: Vec<(StreamId, usize)>,
    /// The alarm runs.
    watches: bool,
}

/// The task that drives the connection.
#[derive(Default)]
enum Driving {
    /// No task.
    #[default]
    Nobody,
    /// The driver.
    Driver(Waker),
    /// A task that waits, with its waker at this place too.
    Leader {
        place: Place,
        waker: Waker,
        /// It was woken, and has not been polled since.
        is_called: bool,
    },
}

/// The wakers of one stream, at [`READER`] and [`WRITER`].
#[derive(Default)]
pub(super) struct Slots {
    wakers: [Option<Waker>; 2],
    is_listed: [bool; 2],
}

impl Waiting {
    /// Takes the waker of a reader.
    pub(super) fn take_reader(&mut self, id: StreamId) -> Option<Waker> {
        self.streams.get_mut(&id)?.wakers[READER].take()
    }

    /// Takes the waker of a writer.
    pub(super) fn take_writer(&mut self, id: StreamId) -> Option<Waker> {
        self.streams.get_mut(&id)?.wakers[WRITER].take()
    }

    /// Takes the wakers that were registered for an event of a stream.
    pub(super) fn take_own(&mut self, interest: Interest) -> [Option<Waker>; 2] {
        let Some((id, half)) = interest.place() else {
            return [None, None]; // other tasks may wait for the same
        };
        let flusher = match interest {
            Interest::Flush(id) => self.flushers.remove(&id),
            _ => None,
        };
        let slots = self.streams.get_mut(&id);
        [slots.and_then(|slots| slots.wakers[half].take()), flusher]
    }

    /// Takes the wakers of the tasks that wait for requests, or for the end of the connection.
    pub(super) fn take_connection(&mut self) -> Vec<Waker> {
        mem::take(&mut self.connection)
    }

    /// Takes the wakers of the flushing tasks for whose stream `is_flushed` returns `true`.
    pub(super) fn take_flushers(
        &mut self,
        woken: &mut Woken,
        mut is_flushed: impl FnMut(StreamId) -> bool,
    ) {
        self.flushers.retain(|id, waker| {
            let waits = !is_flushed(*id);
            if !waits {
                woken.add(Some(waker.clone()));
            }
            waits
        });
    }

    pub(super) fn has_flushers(&self) -> bool {
        !self.flushers.is_empty()
    }

    fn register(&mut self, interest: Interest, waker: &Waker) -> [Option<Waker>; 2] {
        let (id, half, flusher) = match interest {
            Interest::Read(id) => (id, READER, None),
            Interest::Write(id) => (id, WRITER, None),
            Interest::Flush(id) => (id, WRITER, self.flushers.insert(id, waker.clone())),
            Interest::Connection => {
                let waiting = &mut self.connection;
                if !waiting.iter().any(|other| other.will_wake(waker)) {
                    waiting.push(waker.clone());
                }
                return [None, None];
            }
        };
        let slots = self.streams.entry(id).or_default();
        let is_driven = matches!(self.driving, Driving::Driver(_));
        if !is_driven && !mem::replace(&mut slots.is_listed[half], true) {
            self.listed.push((id, half));
        }
        let slot = &mut slots.wakers[half];
        let is_known = slot.as_ref().is_some_and(|old| old.will_wake(waker));
        let old = if is_known {
            None
        } else {
            slot.replace(waker.clone())
        };
        [old, flusher]
    }

    /// Returns the part of a task that waits. It leads if nobody does, or if the leader has not
    /// answered yet.
    fn part(&mut self, place: Place, waker: &Waker) -> Part {
        match &mut self.driving {
            Driving::Driver(_) => return Part::Driven,
            Driving::Leader {
                place: leading,
                is_called: false,
                waker: old,
            } => {
                if *leading != place {
                    return Part::Follows;
                }
                old.clone_from(waker);
            }
            driving => {
                *driving = Driving::Leader {
                    place,
                    waker: waker.clone(),
                    is_called: false,
                };
            }
        }
        Part::Leads
    }

    /// Returns `true` if other tasks wait beside the leader, or may wait.
    fn has_others(&self) -> bool {
        self.listed.len() + self.connection.len() > 1
    }

    fn next_leader(&mut self, place: Place) -> Option<Place> {
        let Driving::Leader {
            place: leading,
            waker,
            ..
        } = &self.driving
        else {
            return None;
        };
        if *leading != place {
            return None;
        }
        let mut next = None;
        while let Some((id, half)) = self.listed.last().copied() {
            if let Some(slots) = self.streams.get_mut(&id) {
                let other = slots.wakers[half].as_ref();
                if let Some(other) = other.filter(|other| !other.will_wake(waker)) {
                    next = Some((Some((id, half)), other.clone()));
                    break;
                }
                slots.is_listed[half] = false;
            }
            self.listed.pop();
        }
        let next = next.or_else(|| {
            let mut others = self.connection.iter().rev();
            let other = others.find(|other| !other.will_wake(waker))?;
            Some((None, other.clone()))
        });
        let leader = next.as_ref().map(|(place, _)| *place);
        self.driving = next.map_or(Driving::Nobody, |(place, waker)| Driving::Leader {
            place,
            waker,
            is_called: true,
        });
        leader
    }

    /// Takes the wakers of all waiting tasks. Then nobody drives.
    fn take_all(&mut self) -> Vec<Waker> {
        self.driving = Driving::Nobody;
        self.listed.clear();
        let mut woken: Vec<_> = mem::take(&mut self.connection);
        woken.extend(mem::take(&mut self.flushers).into_values());
        for slots in self.streams.values_mut() {
            slots.is_listed = [false; 2];
            woken.extend(slots.wakers.iter_mut().filter_map(Option::take));
        }
        woken
    }

    /// Keeps the list from growing with the streams that have gone.
    fn shorten(&mut self) {
        let Self { listed, streams, .. } = self;
        if listed.len() > 4 * streams.len() + MAX_GONE {
            listed.retain(|(id, _)| streams.contains_key(id));
        }
    }
}

/// Wakers that are to be woken: mostly one, without an allocation.
#[derive(Default)]
pub(super) struct Woken {
    first: Option<Waker>,
    others: Vec<Waker>,
    /// They are not woken, but dropped outside of the lock, as that may run any code.
    spared: [Option<Waker>; 2],
}

impl Woken {
    pub(super) fn add(&mut self, waker: Option<Waker>) {
        if self.first.is_none() {
            self.first = waker;
        } else {
            self.others.extend(waker);
        }
    }

    pub(super) fn add_all(&mut self, wakers: Vec<Waker>) {
        self.others.extend(wakers);
    }

    pub(super) fn spare(&mut self, wakers: [Option<Waker>; 2]) {
        self.spared = wakers;
    }

    pub(super) fn wake(self) {
        let woken = self.first.into_iter().chain(self.others);
        woken.for_each(Waker::wake);
    }
}

/// The time in which a leader that was called has to be polled. Beyond it all waiting tasks are
/// woken. It is far longer than a task that is alive needs, on a machine that is not overloaded.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(50);

/// The index of the reader's waker.
const READER: usize = 0;

/// The index of the writer's waker.
const WRITER: usize = 1;

/// The number of streams that have gone and may still be listed.
const MAX_GONE: usize = 64;
