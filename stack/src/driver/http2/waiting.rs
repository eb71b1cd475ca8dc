//! The wakers of the tasks that wait for a shared connection, and which of them drives it.

use std::mem;
use std::task::Waker;
use wirestack_http2::{StreamId, StreamMap};

/// The wakers of waiting tasks, by the event that they wait for.
#[derive(Default)]
pub(super) struct Waiting {
    /// The drivers by their numbers. The last one was polled last and drives; the others take its
    /// place.
    drivers: Vec<(u64, Waker)>,
    leader: Option<Leader>,
    streams: StreamMap<Slots>,
    flushers: StreamMap<Waker>,
    connection: Vec<Waker>,
    /// Where wakers are, to find another leader without a search. Some of them have been taken.
    listed: Vec<(StreamId, usize)>,
    /// Counts the calls of leaders.
    calls: u64,
    /// The call because of which the alarm runs.
    watched: Option<u64>,
    /// Several tasks have waited for the peer of one stream to leave.
    has_shared: bool,
}

/// A task that waits, and drives the connection where no driver does. Its waker is at its place too.
struct Leader {
    place: Place,
    waker: Waker,
    /// It was woken, and has not been polled since.
    is_called: bool,
}

/// The wakers of one stream, at [`READER`], [`WRITER`] and [`LEAVER`].
#[derive(Default)]
pub(super) struct Slots {
    wakers: [Option<Waker>; 3],
    is_listed: [bool; 3],
    /// The other tasks that wait for the peer to leave: any number of them may.
    leavers: Vec<Waker>,
}

impl Slots {
    /// Takes the wakers of the tasks that wait for the peer to leave.
    pub(super) fn take_leavers(&mut self) -> Vec<Waker> {
        let mut leavers = mem::take(&mut self.leavers);
        leavers.extend(self.wakers[LEAVER].take());
        leavers
    }

    /// Adds a task that waits for the peer to leave. Returns `true` if another one does too.
    fn add_leaver(&mut self, waker: &Waker) -> bool {
        self.leavers.retain(|known| !known.will_wake(waker));
        let last = self.wakers[LEAVER].replace(waker.clone());
        let other = last.filter(|last| !last.will_wake(waker));
        self.leavers.extend(other);
        !self.leavers.is_empty()
    }
}

impl Waiting {
    /// Takes the waker of a reader.
    pub(super) fn take_reader(&mut self, id: StreamId) -> Option<Waker> {
        self.streams.get_mut(&id)?.wakers[READER].take()
    }

    /// Takes the wakers of a writer, and of a task that waits until nobody reads what is written.
    pub(super) fn take_writers(&mut self, id: StreamId) -> [Option<Waker>; 2] {
        let slots = self.streams.get_mut(&id);
        slots.map_or([None, None], |slots| {
            [WRITER, LEAVER].map(|half| slots.wakers[half].take())
        })
    }

    /// Takes the other wakers of tasks that wait until nobody reads what is written.
    pub(super) fn take_other_leavers(&mut self, id: StreamId) -> Vec<Waker> {
        let slots = self.streams.get_mut(&id);
        slots.map_or_else(Vec::new, |slots| mem::take(&mut slots.leavers))
    }

    /// Takes the wakers that were registered for an event of a stream.
    pub(super) fn take_own(&mut self, interest: Interest) -> [Option<Waker>; 2] {
        let (Some((id, half)), false) = (interest.place(), matches!(interest, Interest::Left(_)))
        else {
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

    /// Takes the wakers of the flushing tasks for whose stream `is_flushed` returns `true`. Returns
    /// these streams.
    pub(super) fn take_flushers(
        &mut self,
        woken: &mut Woken,
        mut is_flushed: impl FnMut(StreamId) -> bool,
    ) -> Vec<StreamId> {
        let flushed = self.flushers.extract_if(|id, _| is_flushed(*id));
        let (flushed, wakers): (Vec<_>, Vec<_>) = flushed.unzip();
        woken.add_all(wakers);
        flushed
    }

    pub(super) fn has_flushers(&self) -> bool {
        !self.flushers.is_empty()
    }

    /// Returns `true` if a task waits until this stream has flushed.
    pub(super) fn flushes(&self, id: StreamId) -> bool {
        !self.flushers.is_empty() && self.flushers.contains_key(&id)
    }

    pub(super) fn has_driver(&self) -> bool {
        !self.drivers.is_empty()
    }

    pub(super) fn register_driver(&mut self, number: u64, waker: &Waker) {
        self.leader = None;
        match self.drivers.last_mut() {
            Some((last, old)) if *last == number => old.clone_from(waker),
            _ => {
                self.drivers.retain(|(known, _)| *known != number);
                self.drivers.push((number, waker.clone()));
            }
        }
    }

    /// Notes that a driver has been dropped. Returns the wakers of those that may have to drive now:
    /// another driver, or the tasks that wait.
    pub(super) fn remove_driver(&mut self, number: u64) -> Vec<Waker> {
        let before = self.drivers.len();
        self.drivers.retain(|(known, _)| *known != number);
        match self.drivers.last() {
            _ if self.drivers.len() == before => Vec::new(), // it has never driven
            Some((_, next)) => vec![next.clone()],
            None => self.take_all(),
        }
    }

    /// Registers the waker of a task that has to wait. Returns the wakers in whose place it is now.
    pub(super) fn register(&mut self, interest: Interest, waker: &Waker) -> [Option<Waker>; 2] {
        let (id, half, flusher) = match interest {
            Interest::Read(id) => (id, READER, None),
            Interest::Write(id) => (id, WRITER, None),
            Interest::Left(id) => (id, LEAVER, None),
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
        if self.drivers.is_empty() && !mem::replace(&mut slots.is_listed[half], true) {
            self.listed.push((id, half));
        }
        if half == LEAVER {
            self.has_shared |= slots.add_leaver(waker);
            return [None, None];
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
    pub(super) fn part(&mut self, place: Place, waker: &Waker) -> Part {
        if self.has_driver() {
            return Part::Driven;
        }
        match &mut self.leader {
            Some(Leader {
                place: leading,
                is_called: false,
                waker: old,
            }) => {
                if *leading != place {
                    return Part::Follows;
                }
                old.clone_from(waker);
            }
            leader => {
                *leader = Some(Leader {
                    place,
                    waker: waker.clone(),
                    is_called: false,
                });
            }
        }
        Part::Leads
    }

    /// Calls the task that drives. Returns its waker, and `true` if the alarm has to be started;
    /// `None` if nobody drives.
    pub(super) fn call(&mut self) -> Option<(Waker, bool)> {
        if let Some((_, waker)) = self.drivers.last() {
            return Some((waker.clone(), false));
        }
        let leader = self.leader.as_mut()?;
        let waker = leader.waker.clone();
        if !mem::replace(&mut leader.is_called, true) {
            self.calls += 1;
        }
        // Without others, nobody waits for the answer.
        let others = self.listed.len() + self.connection.len() + usize::from(self.has_shared);
        let starts_alarm = self.watched.is_none() && others > 1;
        if starts_alarm {
            self.watched = Some(self.calls);
        }
        Some((waker, starts_alarm))
    }

    /// Notes that the time of the alarm is over.
    pub(super) fn alarm(&mut self) -> Alarmed {
        let watched = self.watched.take();
        let is_called = self.leader.as_ref().is_some_and(|it| it.is_called);
        if !is_called {
            return Alarmed::Answered;
        }
        if watched == Some(self.calls) {
            return Alarmed::NoAnswer(self.take_all());
        }
        self.watched = Some(self.calls);
        Alarmed::CalledAgain
    }

    /// Ends the part of the task that leads from this place. Returns the place of the next leader,
    /// which has to be called.
    pub(super) fn next_leader(&mut self, place: Place) -> Option<Place> {
        let Leader { waker, .. } = self.leader.as_ref().filter(|it| it.place == place)?;
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
        self.calls += u64::from(leader.is_some());
        self.leader = next.map(|(place, waker)| Leader {
            place,
            waker,
            is_called: true,
        });
        leader
    }

    /// Takes the wakers of all waiting tasks. Then none of them leads.
    pub(super) fn take_all(&mut self) -> Vec<Waker> {
        self.leader = None;
        self.listed.clear();
        let mut woken: Vec<_> = mem::take(&mut self.connection);
        woken.extend(mem::take(&mut self.flushers).into_values());
        for slots in self.streams.values_mut() {
            slots.is_listed = [false; 3];
            woken.extend(slots.wakers.iter_mut().filter_map(Option::take));
            woken.append(&mut slots.leavers);
        }
        woken
    }

    /// Forgets the wakers of a stream, and returns them.
    pub(super) fn forget(&mut self, id: StreamId) -> (Option<Slots>, Option<Waker>) {
        let forgotten = (self.streams.remove(&id), self.flushers.remove(&id));
        let Self {
            listed, streams, ..
        } = self;
        // The list must not grow with the streams that have gone.
        if listed.len() > 4 * streams.len() + MAX_GONE {
            listed.retain(|(id, _)| streams.contains_key(id));
        }
        forgotten
    }
}

/// What the leader has done when the time of the alarm is over.
pub(super) enum Alarmed {
    Answered,
    /// It has answered, and was called again since.
    CalledAgain,
    /// It has not answered. All wakers are here, and nobody leads.
    NoAnswer(Vec<Waker>),
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

/// The event that a task waits for.
#[derive(Clone, Copy)]
pub(super) enum Interest {
    Read(StreamId),
    Write(StreamId),
    /// Nobody waits for the answer to the request of the stream any more. Another task may write it.
    Left(StreamId),
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
            Self::Left(id) => Some((id, LEAVER)),
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

/// The index of the reader's waker.
const READER: usize = 0;

/// The index of the writer's waker.
const WRITER: usize = 1;

/// The index of the waker of a task that waits for the peer to leave.
const LEAVER: usize = 2;

/// The number of streams that have gone and may still be listed.
const MAX_GONE: usize = 64;
