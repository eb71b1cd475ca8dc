//! The state that the clones and streams of an HTTP/2 connection share, and the wakers of waiting
//! tasks.

use super::origin::Origin;
use crate::driver::io::Connection;
use bytes::Bytes;
use http::Response;
use std::collections::VecDeque;
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use wirestack_dial::BoxHttp2;
use wirestack_http2::{Head, StreamId, StreamMap, Streams};
use wirestack_layer::{End, Error, Flow, Instant};

/// The state that clones and streams share, with the wakers of their tasks.
pub(super) struct Shared {
    state: Mutex<State>,
    pub(super) wakers: Arc<Wakers>,
    /// The waker for the transport and the timer: it wakes the driver, or else all tasks.
    wake_all: Waker,
    pub(super) origin: Option<Origin>,
}

pub(super) struct State {
    pub(super) connection: Connection<BoxHttp2>,
    /// The responses that were not taken yet.
    pub(super) responses: StreamMap<Response<Bytes>>,
    /// The requests that were not accepted yet.
    pub(super) requests: VecDeque<(StreamId, http::Request<()>)>,
    /// The streams whose responses have just arrived.
    answered: Vec<StreamId>,
    /// The deadline of the connection that its driver knows.
    pub(super) deadline: Option<Instant>,
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

impl Shared {
    pub(super) fn new(connection: Connection<BoxHttp2>) -> (Arc<Self>, Arc<HoldGuard>) {
        let wakers = Arc::<Wakers>::default();
        let guard = Arc::new(HoldGuard(wakers.clone()));
        let shared = Arc::new(Self {
            state: Mutex::new(State {
                connection,
                responses: StreamMap::default(),
                requests: VecDeque::new(),
                answered: Vec::new(),
                deadline: None,
            }),
            wake_all: Waker::from(wakers.clone()),
            wakers,
            origin: None,
        });
        (shared, guard)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls `act` with the connection, then wakes the tasks whose event has come. Wakers run
    /// outside of the lock, as they may run any code.
    pub(super) fn act_and_wake<T>(&self, act: impl FnOnce(&mut State, &mut Context<'_>) -> T) -> T {
        let mut state = self.lock();
        let result = act(&mut state, &mut Context::from_waker(&self.wake_all));
        let woken = state.ready_wakers(&self.wakers);
        drop(state);
        woken.into_iter().for_each(Waker::wake);
        result
    }

    /// Repeats `attempt` until it is ready, and drives the connection in between if no driver runs.
    pub(super) fn wait<T>(
        &self,
        interest: Interest,
        cx: &mut Context<'_>,
        mut attempt: impl FnMut(&mut State) -> Poll<T>,
    ) -> Poll<T> {
        let mut state = self.lock();
        let before = state.connection.revision();
        let tried = attempt(&mut state);
        if tried.is_ready() {
            if state.connection.revision() != before {
                self.send(state);
            }
            return tried;
        }
        // Under the lock: a call that moves something sees the waker, or this call sees what was moved.
        let old = self.wakers.register(interest, cx.waker());
        if self.wakers.has_driver() {
            if state.connection.revision() != before {
                self.send(state);
            } else {
                drop(state);
            }
            drop(old); // outside of the lock, as it may run any code
            return tried;
        }
        drop(state);
        drop(old);
        self.act_and_wake(|state, cx| {
            let mut must_wait = false;
            loop {
                let before = state.connection.revision();
                let tried = attempt(state);
                if tried.is_ready() || must_wait {
                    if state.connection.revision() != before {
                        state.connection.process_and_write(cx);
                    }
                    return tried;
                }
                // `attempt` runs once more: `advance` may have processed something before it waits.
                must_wait = state.connection.advance(cx).is_pending() && !state.take_heads();
            }
        })
    }

    /// Sends the bytes that streams have written.
    pub(super) fn transmit(&self) {
        self.send(self.lock());
    }

    /// Sends the bytes that streams have written, or lets the driver do it: it gathers what many
    /// streams write. With one stream there is nothing to gather, and the way over the driver's
    /// task would be longer.
    fn send(&self, mut state: MutexGuard<'_, State>) {
        let gathers = state.streams().len() > 1;
        if gathers && self.wakers.has_driver() {
            drop(state);
            self.wakers.wake_driver();
            return;
        }
        state
            .connection
            .process_and_write(&mut Context::from_waker(&self.wake_all));
        // The driver waits for the deadline that it knows, and for the end.
        let deadline = state.connection.engine().deadline();
        let is_news = mem::replace(&mut state.deadline, deadline) != deadline
            || state.connection.is_over()
            || state.connection.engine().to_wire().stop_state().is_some();
        let woken = state.ready_wakers(&self.wakers);
        drop(state);
        woken.into_iter().for_each(Waker::wake);
        if is_news {
            self.wakers.wake_driver();
        }
    }

    /// Forgets the wakers of a stream.
    pub(super) fn forget_wakers(&self, id: StreamId) {
        let mut waiting = self.wakers.waiting();
        let removed = (waiting.streams.remove(&id), waiting.flushers.remove(&id));
        drop(waiting);
        drop(removed); // outside of the lock, as it may run any code
    }

    /// Notes that the driver has been dropped: from now on, each waiting call drives the
    /// connection.
    pub(super) fn remove_driver(&self) {
        let state = self.lock(); // a call that counts on the driver has registered its waker
        *self.wakers.driver() = None;
        drop(state);
        self.wakers.wake_all();
    }
}

impl State {
    /// Returns the flow of the streams that the application writes to.
    pub(super) fn streams(&mut self) -> &mut Streams {
        self.connection.engine().from_app()
    }

    /// Returns the error that aborted a stream, or the whole connection.
    pub(super) fn abort_error(&mut self, id: StreamId) -> Option<Error> {
        let to_app = self.connection.engine().to_app();
        let whole = match to_app.closed() {
            Some(End::Aborted(error)) => Some(error.clone()),
            _ => None,
        };
        match to_app.read(id) {
            Some(pipe) => match pipe.closed() {
                Some(End::Aborted(error)) => Some(error.clone()),
                _ => None,
            },
            None => whole,
        }
    }

    /// Returns the error of every further write to a stream, if no write is possible any more.
    pub(super) fn write_error(&mut self, id: StreamId) -> Option<Error> {
        let aborted = self.abort_error(id);
        aborted.or_else(|| self.streams().write(id)?.stopped().cloned())
    }

    /// Returns the error because of which bytes of a stream will never be delivered.
    pub(super) fn undelivered_error(&mut self, id: StreamId) -> Option<Error> {
        let aborted = self.abort_error(id);
        aborted.or_else(|| self.streams().write(id)?.refused().cloned())
    }

    /// Returns the next request that has arrived.
    pub(super) fn next_request(&mut self) -> Option<(StreamId, http::Request<()>)> {
        let next = self.requests.pop_front();
        self.take_heads();
        next.or_else(|| self.requests.pop_front())
    }

    /// Returns `true` if nobody waits for the answer to a request any more.
    pub(super) fn is_left(&mut self, id: StreamId) -> bool {
        self.write_error(id).is_some() || self.streams().write(id).is_none()
    }

    /// Takes the requests and responses that have arrived, for the tasks that wait for them, and
    /// returns `true` if there were any. A client may reset its streams faster than anybody accepts
    /// them: requests beyond a limit stay in the layer, which bounds them.
    pub(super) fn take_heads(&mut self) -> bool {
        let mut any = false;
        while self.requests.len() < MAX_REQUESTS
            && let Some((id, head)) = self.connection.engine().to_app().arrived()
        {
            any = true;
            match head {
                Head::Response(response) => {
                    self.responses.insert(id, response);
                    self.answered.push(id);
                }
                Head::Request(request) => self.requests.push_back((id, request)),
            }
        }
        any
    }

    /// Returns the wakers of the tasks whose event has come.
    fn ready_wakers(&mut self, wakers: &Wakers) -> Vec<Waker> {
        self.take_heads();
        let mut woken = Vec::new();
        let engine = self.connection.engine();
        let mut waiting = wakers.waiting();
        let mut wake = |id: StreamId, half: usize| {
            let both = waiting.streams.get_mut(&id);
            woken.extend(both.and_then(|both| both[half].take()));
        };
        self.answered.drain(..).for_each(|id| wake(id, READER));
        while let Some(id) = engine.to_app().readable() {
            wake(id, READER);
        }
        while let Some(id) = engine.from_app().writable() {
            wake(id, WRITER);
        }
        if !waiting.flushers.is_empty() && engine.is_drained() {
            // A stream whose window is closed has more to flush, and would only wait again.
            waiting.flushers.retain(|id, waker| {
                let pipe = engine.from_app().write(*id);
                let waits = pipe.is_some_and(|pipe| !pipe.is_empty());
                if !waits {
                    woken.push(waker.clone());
                }
                waits
            });
        }
        if !self.requests.is_empty() || engine.to_app().is_closed() {
            woken.append(&mut waiting.connection);
        }
        woken
    }
}

/// The wakers of waiting tasks, and of the driver.
#[derive(Default)]
pub(super) struct Wakers {
    driver: Mutex<Option<Waker>>,
    waiting: Mutex<Waiting>,
    /// Every clone and every stream has been dropped.
    abandoned: AtomicBool,
}

/// The wakers of waiting tasks, by the event that they wait for.
#[derive(Default)]
struct Waiting {
    /// For each stream, at [`READER`] and [`WRITER`].
    streams: StreamMap<[Option<Waker>; 2]>,
    flushers: StreamMap<Waker>,
    connection: Vec<Waker>,
}

impl Wakers {
    /// Registers a waker. Returns the wakers in whose place it is now.
    fn register(&self, interest: Interest, waker: &Waker) -> [Option<Waker>; 2] {
        let waiting = &mut *self.waiting();
        let (id, half, flusher) = match interest {
            Interest::Read(id) => (id, READER, None),
            Interest::Write(id) => (id, WRITER, None),
            Interest::Flush(id) => (id, WRITER, waiting.flushers.insert(id, waker.clone())),
            Interest::Connection => {
                let waiting = &mut waiting.connection;
                if !waiting.iter().any(|other| other.will_wake(waker)) {
                    waiting.push(waker.clone());
                }
                return [None, None];
            }
        };
        let slot = &mut waiting.streams.entry(id).or_default()[half];
        let is_known = slot.as_ref().is_some_and(|old| old.will_wake(waker));
        let old = if is_known {
            None
        } else {
            slot.replace(waker.clone())
        };
        [old, flusher]
    }

    pub(super) fn register_driver(&self, waker: &Waker) {
        match &mut *self.driver() {
            Some(old) => old.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
    }

    pub(super) fn is_abandoned(&self) -> bool {
        self.abandoned.load(Ordering::Acquire)
    }

    fn has_driver(&self) -> bool {
        self.driver().is_some()
    }

    /// Wakes the driver. Returns `false` if there is none.
    fn wake_driver(&self) -> bool {
        let driver = self.driver().clone();
        driver.map(Waker::wake).is_some()
    }

    fn wake_all(&self) {
        let mut waiting = self.waiting();
        let mut woken: Vec<_> = mem::take(&mut waiting.connection);
        woken.extend(mem::take(&mut waiting.flushers).into_values());
        for both in waiting.streams.values_mut() {
            woken.extend(both.iter_mut().filter_map(Option::take));
        }
        drop(waiting);
        woken.into_iter().for_each(Waker::wake);
    }

    fn driver(&self) -> MutexGuard<'_, Option<Waker>> {
        self.driver.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Wakers {
    fn wake(self: Arc<Self>) {
        if !self.wake_driver() {
            self.wake_all();
        }
    }
}

/// A guard that every clone and every stream holds. When the last one is dropped, the driver closes
/// the connection.
pub(super) struct HoldGuard(Arc<Wakers>);

impl Drop for HoldGuard {
    fn drop(&mut self) {
        self.0.abandoned.store(true, Ordering::Release);
        self.0.wake_driver();
    }
}

/// The number of requests that wait to be accepted, beside those in the layer.
const MAX_REQUESTS: usize = 16;

/// The index of the reader's waker.
const READER: usize = 0;

/// The index of the writer's waker.
const WRITER: usize = 1;
