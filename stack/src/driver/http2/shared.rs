//! The state that the clones and streams of an HTTP/2 connection share.

use super::flushing::Flushing;
use super::origin::Origin;
use super::waiting::{Interest, Part, Place, Slots, Woken};
use super::wakers::Wakers;
use crate::driver::io::Connection;
use bytes::Bytes;
use http::Response;
use std::collections::VecDeque;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use wirestack_dial::BoxHttp2;
use wirestack_http2::{Head, StreamId, StreamMap, Streams};
use wirestack_layer::{End, Error, Flow, Instant};

/// The state that clones and streams share, with the wakers of their tasks.
pub(super) struct Shared {
    state: Mutex<State>,
    pub(super) wakers: Arc<Wakers>,
    /// The waker for the transport and the timer: it wakes the task that drives the connection.
    waker: Waker,
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
    pub(super) flushing: Flushing,
    /// The deadline of the connection that its driver knows.
    pub(super) deadline: Option<Instant>,
    /// The place of the waiting task that leads. It may be an old one: then the wakers know better.
    leader: Option<Place>,
}

impl Shared {
    pub(super) fn new(connection: Connection<BoxHttp2>) -> (Arc<Self>, Arc<HoldGuard>) {
        let wakers = Wakers::new(connection.runtime.clone());
        let guard = Arc::new(HoldGuard(wakers.clone()));
        let shared = Arc::new(Self {
            state: Mutex::new(State {
                connection,
                responses: StreamMap::default(),
                requests: VecDeque::new(),
                answered: Vec::new(),
                flushing: Flushing::default(),
                deadline: None,
                leader: None,
            }),
            waker: Waker::from(wakers.clone()),
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
        let result = act(&mut state, &mut Context::from_waker(&self.waker));
        let woken = state.ready_wakers(&self.wakers, None);
        drop(state);
        woken.wake();
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
            let has_leader = state.replace_leader(interest, &self.wakers);
            if state.connection.revision() != before {
                self.send(state);
            } else {
                drop(state);
            }
            if has_leader {
                self.wakers.call();
            }
            return tried;
        }
        // Under the lock: a call that moves something sees the waker, or this call sees what was moved.
        let (part, old) = self.wakers.register(interest, cx.waker());
        if part == Part::Driven {
            if state.connection.revision() != before {
                self.send(state);
            } else {
                drop(state);
            }
            drop(old); // outside of the lock, as it may run any code
            return tried;
        }
        if part == Part::Leads {
            state.leader = Some(interest.place());
        }
        // One that follows drives too. A transport may wake only the thread that waits for it.
        let cx = &mut Context::from_waker(&self.waker);
        let tried = loop {
            let advanced = state.connection.advance(cx);
            let must_wait = advanced.is_pending() && !state.take_heads();
            let before = state.connection.revision();
            let tried = attempt(&mut state);
            if tried.is_ready() || must_wait {
                if state.connection.revision() != before {
                    state.connection.process_and_write(cx);
                }
                break tried;
            }
        };
        let woken = if state.connection.revision() == before {
            Woken::default() // nothing has happened
        } else {
            let done = tried.is_ready().then_some(interest);
            state.ready_wakers(&self.wakers, done)
        };
        let has_leader = tried.is_ready() && state.replace_leader(interest, &self.wakers);
        drop(state);
        drop(old);
        woken.wake();
        if has_leader {
            self.wakers.call();
        }
        tried
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
            self.wakers.call_driver();
            return;
        }
        state
            .connection
            .process_and_write(&mut Context::from_waker(&self.waker));
        // The driver waits for the deadline that it knows, and for the end.
        let deadline = state.connection.engine().deadline();
        let is_news = mem::replace(&mut state.deadline, deadline) != deadline
            || state.connection.is_over()
            || state.connection.engine().to_wire().stop_state().is_some();
        let woken = state.ready_wakers(&self.wakers, None);
        drop(state);
        woken.wake();
        if is_news {
            self.wakers.call_driver();
        }
    }

    /// Forgets the wakers of a stream that is used no more. The tasks that wait until nobody waits for
    /// an answer on it end.
    pub(super) fn forget_wakers(&self, id: StreamId) {
        let mut state = self.lock();
        let mut forgotten = self.wakers.forget(id);
        let led = matches!(state.leader, Some(Some((leader, _))) if leader == id);
        let has_leader = led && state.next_leader(&self.wakers);
        drop(state);
        let leavers = forgotten.0.as_mut().map(Slots::take_leavers);
        drop(forgotten); // outside of the lock, as it may run any code
        leavers.into_iter().flatten().for_each(Waker::wake);
        if has_leader {
            self.wakers.call();
        }
    }

    /// Notes that a driver has been dropped: from now on another one drives the connection, or each
    /// waiting call does.
    pub(super) fn remove_driver(&self, number: u64) {
        let state = self.lock(); // a call that counts on the driver has registered its waker
        let woken = self.wakers.remove_driver(number);
        drop(state);
        woken.into_iter().for_each(Waker::wake);
    }
}

impl State {
    /// Ends the part of a task that leads and has to wait no more. Returns `true` if another task
    /// leads from now on, which has to be called.
    fn replace_leader(&mut self, interest: Interest, wakers: &Wakers) -> bool {
        self.leader == Some(interest.place()) && self.next_leader(wakers)
    }

    fn next_leader(&mut self, wakers: &Wakers) -> bool {
        let place = self.leader.take();
        self.leader = place.and_then(|place| wakers.next_leader(place));
        self.leader.is_some()
    }

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

    /// Returns `true` if nobody waits for the answer to a request any more, or it has had its answer
    /// and its stream is used no more.
    pub(super) fn is_left(&mut self, id: StreamId) -> bool {
        let is_forgotten = self.connection.engine().to_app().read(id).is_none();
        is_forgotten || self.write_error(id).is_some() || self.streams().write(id).is_none()
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

    /// Returns the wakers of the tasks whose event has come. The task that is `done` has waited for
    /// one of them, runs, and is not woken.
    fn ready_wakers(&mut self, wakers: &Wakers, done: Option<Interest>) -> Woken {
        self.take_heads();
        let mut woken = Woken::default();
        let is_drained = self.connection.is_drained();
        let engine = self.connection.engine();
        let mut waiting = wakers.lock();
        if let Some(interest) = done {
            woken.spare(waiting.take_own(interest));
        }
        for id in self.answered.drain(..) {
            woken.add(waiting.take_reader(id));
        }
        while let Some(id) = engine.to_app().readable() {
            woken.add(waiting.take_reader(id));
        }
        while let Some(id) = engine.from_app().writable() {
            if waiting.flushes(id) && is_taken(engine.from_app(), id) {
                self.flushing.begin();
            }
            let writers = waiting.take_writers(id);
            writers.into_iter().for_each(|waker| woken.add(waker));
            woken.add_all(waiting.take_other_leavers(id));
        }
        if is_drained {
            // A stream whose window is closed has more to flush, and would only wait again.
            let streams = engine.from_app();
            let is_taken = |id| is_taken(streams, id);
            self.flushing.end(&mut waiting, &mut woken, is_taken);
        }
        if !self.requests.is_empty() || engine.to_app().is_closed() {
            woken.add_all(waiting.take_connection());
        }
        woken
    }
}

/// Returns `true` if the connection has taken all bytes that a stream has written.
pub(super) fn is_taken(streams: &mut Streams, id: StreamId) -> bool {
    streams.write(id).is_none_or(|pipe| pipe.is_empty())
}

/// A guard that every clone and every stream holds. When the last one is dropped, the driver closes
/// the connection.
pub(super) struct HoldGuard(Arc<Wakers>);

impl Drop for HoldGuard {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

/// The number of requests that wait to be accepted, beside those in the layer.
const MAX_REQUESTS: usize = 16;
