//! A connection that is shared by its streams, and the wakers of what each waits for.

use super::origin::Origin;
use crate::driver::io::Connection;
use bytes::Bytes;
use http::Response;
use std::collections::{HashMap, VecDeque};
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use wirestack_dial::BoxHttp2;
use wirestack_http2::{Head, StreamId, Streams};
use wirestack_layer::{End, Error, Flow};

/// The state that clones and streams share.
pub(super) struct Shared {
    state: Mutex<State>,
    pub(super) wakers: Arc<Wakers>,
    /// The waker that the transport and the timer have: it wakes all.
    fan: Waker,
    pub(super) origin: Option<Origin>,
}

pub(super) struct State {
    pub(super) connection: Connection<BoxHttp2>,
    /// Responses that nobody has taken yet.
    pub(super) responses: HashMap<StreamId, Response<Bytes>>,
    pub(super) requests: VecDeque<(StreamId, http::Request<()>)>,
    /// Streams whose responses have just arrived.
    answered: Vec<StreamId>,
}

/// The event that a task waits for.
#[derive(Clone, Copy)]
pub(super) enum Interest {
    Read(StreamId),
    Write(StreamId),
    /// Until all has left.
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
                responses: HashMap::new(),
                requests: VecDeque::new(),
                answered: Vec::new(),
            }),
            fan: Waker::from(wakers.clone()),
            wakers,
            origin: None,
        });
        (shared, guard)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Acts on the connection, then wakes the tasks that waited for what happened. Wakers run outside
    /// of the lock, as they may run any code.
    pub(super) fn locked<T>(&self, act: impl FnOnce(&mut State, &mut Context<'_>) -> T) -> T {
        let mut state = self.lock();
        let result = act(&mut state, &mut Context::from_waker(&self.fan));
        let woken = state.ready_wakers(&self.wakers);
        drop(state);
        woken.into_iter().for_each(Waker::wake);
        result
    }

    /// Tries until it is ready, and drives in between unless a driver does.
    pub(super) fn wait<T>(
        &self,
        interest: Interest,
        cx: &mut Context<'_>,
        mut attempt: impl FnMut(&mut State) -> Poll<T>,
    ) -> Poll<T> {
        self.wakers.register(interest, cx.waker());
        self.locked(|state, fan| {
            let mut waits = self.wakers.is_driven();
            loop {
                let before = state.connection.revision();
                let tried = attempt(state);
                if tried.is_ready() || waits {
                    if state.connection.revision() != before {
                        self.push(state, fan);
                    }
                    return tried;
                }
                // The last word is the attempt's: it sees what was processed before the wait.
                waits = state.connection.advance(fan).is_pending();
                state.sort();
            }
        })
    }

    /// Sends what was handed over at the application's side.
    pub(super) fn progress(&self) {
        self.locked(|state, fan| self.push(state, fan));
    }

    fn push(&self, state: &mut State, fan: &mut Context<'_>) {
        if !self.wakers.wake_driver() {
            state.connection.push(fan);
        }
    }

    /// Forgets the wakers of a stream.
    pub(super) fn dismiss(&self, id: StreamId) {
        self.wakers.streams().remove(&id);
    }
}

impl State {
    /// Returns the streams that the application writes to.
    pub(super) fn streams(&mut self) -> &mut Streams {
        self.connection.engine().from_app()
    }

    /// Returns the error of a stream that was cut short.
    pub(super) fn cut_short(&mut self, id: StreamId) -> Option<Error> {
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

    /// Returns the error that every write to a stream fails with, if nothing can be written any more.
    pub(super) fn refused(&mut self, id: StreamId) -> Option<Error> {
        let cut = self.cut_short(id);
        cut.or_else(|| self.streams().write(id)?.stopped().cloned())
    }

    /// Returns the error of a stop that lost something which had been written to a stream.
    pub(super) fn lost(&mut self, id: StreamId) -> Option<Error> {
        let cut = self.cut_short(id);
        cut.or_else(|| self.streams().write(id)?.refused().cloned())
    }

    /// Moves requests and responses that arrived to where waiting tasks look for them.
    fn sort(&mut self) {
        while let Some((id, head)) = self.connection.engine().to_app().arrived() {
            match head {
                Head::Response(response) => {
                    self.responses.insert(id, response);
                    self.answered.push(id);
                }
                Head::Request(request) => self.requests.push_back((id, request)),
            }
        }
    }

    /// Returns the wakers of the tasks that have something to do now.
    fn ready_wakers(&mut self, wakers: &Wakers) -> Vec<Waker> {
        self.sort();
        let mut woken = Vec::new();
        let engine = self.connection.engine();
        let mut streams = wakers.streams();
        let mut wake = |id: StreamId, at: usize| {
            woken.extend(streams.get_mut(&id).and_then(|both| both[at].take()));
        };
        self.answered.drain(..).for_each(|id| wake(id, 0));
        while let Some(id) = engine.to_app().readable() {
            wake(id, 0);
        }
        while let Some(id) = engine.from_app().writable() {
            wake(id, 1);
        }
        drop(streams);
        if engine.is_drained() {
            woken.extend(mem::take(&mut *locked(&wakers.flushers)).into_values());
        }
        if !self.requests.is_empty() || engine.to_app().is_closed() {
            woken.append(&mut locked(&wakers.connection));
        }
        woken
    }
}

/// The wakers of waiting tasks, by what they wait for.
#[derive(Default)]
pub(super) struct Wakers {
    driver: Mutex<Option<Waker>>,
    /// By stream: the reader's, and the writer's.
    streams: Mutex<HashMap<StreamId, [Option<Waker>; 2]>>,
    flushers: Mutex<HashMap<StreamId, Waker>>,
    connection: Mutex<Vec<Waker>>,
    abandoned: AtomicBool,
}

impl Wakers {
    fn register(&self, interest: Interest, waker: &Waker) {
        let (id, at) = match interest {
            Interest::Read(id) => (id, 0),
            Interest::Write(id) => (id, 1),
            Interest::Flush(id) => {
                locked(&self.flushers).insert(id, waker.clone());
                (id, 1)
            }
            Interest::Connection => {
                let mut waiting = locked(&self.connection);
                if !waiting.iter().any(|other| other.will_wake(waker)) {
                    waiting.push(waker.clone());
                }
                return;
            }
        };
        match &mut self.streams().entry(id).or_default()[at] {
            Some(old) => old.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
    }

    pub(super) fn drive(&self, waker: &Waker) {
        match &mut *self.driver() {
            Some(old) => old.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
    }

    /// Notes that the driver is gone: each waiting call drives again.
    pub(super) fn undriven(&self) {
        *self.driver() = None;
        self.wake_everyone();
    }

    pub(super) fn is_abandoned(&self) -> bool {
        self.abandoned.load(Ordering::Acquire)
    }

    fn is_driven(&self) -> bool {
        self.driver().is_some()
    }

    fn wake_driver(&self) -> bool {
        let driver = self.driver().clone();
        driver.inspect(Waker::wake_by_ref).is_some()
    }

    fn wake_everyone(&self) {
        let mut woken: Vec<_> = mem::take(&mut *locked(&self.connection));
        woken.extend(mem::take(&mut *locked(&self.flushers)).into_values());
        for both in self.streams().values_mut() {
            woken.extend(both.iter_mut().filter_map(Option::take));
        }
        woken.into_iter().for_each(Waker::wake);
    }

    fn driver(&self) -> MutexGuard<'_, Option<Waker>> {
        locked(&self.driver)
    }

    fn streams(&self) -> MutexGuard<'_, HashMap<StreamId, [Option<Waker>; 2]>> {
        locked(&self.streams)
    }
}

impl Wake for Wakers {
    fn wake(self: Arc<Self>) {
        if !self.wake_driver() {
            self.wake_everyone();
        }
    }
}

/// Held by every clone and every stream.
pub(super) struct HoldGuard(Arc<Wakers>);

impl Drop for HoldGuard {
    fn drop(&mut self) {
        self.0.abandoned.store(true, Ordering::Release);
        self.0.wake_driver();
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
