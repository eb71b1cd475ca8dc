//! A connection in two hands: a reader's thread and a writer's.

use super::bytes::{put, take, waited};
use super::connection::TimedOut;
use super::messages::{Received, answered, begin_close, begin_ping, closed, has_room, received};
use super::wire::{Moved, Wire};
use super::{Connection, Socket};
use crate::driver::socket;
use crate::websocket::{CloseCode, Payload};
use crate::{End, Engine, Error, Flow, Layer, Pipe, Queue, Weigh};
use bytes::Bytes;
use std::io::{self, Read, Write};
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

impl<S: Socket, L: Layer> Connection<S, L> {
    /// Splits the connection for two threads. The reader hears the peer for both, so pongs and
    /// time-outs go on while it waits, and a writer that waits for the peer needs it. Whoever is left
    /// when the other one is dropped goes on alone; the transport closes when both are.
    ///
    /// # Errors
    ///
    /// Those of the system, when the transport cannot have two handles.
    pub fn split(self) -> io::Result<(Reader<S, L>, Writer<S, L>)> {
        let (io, engine, patience) = self.into_parts();
        let closed = || io::Error::from(io::ErrorKind::NotConnected);
        let incoming = io.ok_or_else(closed)?;
        let outgoing = incoming.try_clone()?;
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                engine,
                left: Pipe::new(),
                writing: false,
                broken: None,
                shut: false,
            }),
            outgoing: Mutex::new(Wire::new(outgoing)),
            moved: Condvar::new(),
        });
        let reader = Reader {
            incoming: Some(Wire::new(incoming)),
            arrived: Pipe::new(),
            told: false,
            hand: Hand::new(&shared, patience),
        };
        let writer = Writer {
            hand: Hand::new(&shared, patience),
        };
        Ok((reader, writer))
    }
}

/// The half that receives.
pub struct Reader<S: Socket, L: Layer> {
    hand: Hand<S, L>,
    incoming: Option<Wire<S>>,
    /// What was read while nobody could take it in.
    arrived: Pipe,
    told: bool,
}

/// The half that sends.
pub struct Writer<S: Socket, L: Layer> {
    hand: Hand<S, L>,
}

/// What both halves have.
struct Hand<S, L: Layer> {
    shared: Arc<Shared<S, L>>,
    patience: Option<Duration>,
}

/// Whoever writes holds `outgoing` first and `state` second, and never `state` while it waits.
struct Shared<S, L: Layer> {
    state: Mutex<State<L>>,
    outgoing: Mutex<Wire<S>>,
    /// Something moved in the state.
    moved: Condvar,
}

struct State<L: Layer> {
    engine: Engine<L>,
    /// What was taken off the engine and has not left yet.
    left: Pipe,
    /// Somebody is writing what was there.
    writing: bool,
    /// Why the transport takes no more: told when there is nothing more to read.
    broken: Option<Error>,
    /// Everything has left and the transport was told.
    shut: bool,
}

impl<L: Layer> State<L> {
    fn process(&mut self) {
        self.engine.process(Instant::now());
    }
    fn is_flushed(&self) -> bool {
        self.left.is_empty() && !self.writing && self.engine.is_flushed()
    }
    /// Whether there is something to tell the transport.
    fn has_news(&mut self) -> bool {
        let to_wire = self.engine.to_wire();
        let ends = to_wire.end().is_some() && !self.shut;
        !self.left.is_empty() || !to_wire.is_empty() || ends
    }
}

impl<S: Socket, L: Layer> Hand<S, L> {
    fn new(shared: &Arc<Shared<S, L>>, patience: Option<Duration>) -> Self {
        Self {
            shared: shared.clone(),
            patience,
        }
    }
    fn until(&self) -> Option<Instant> {
        self.patience.and_then(|it| Instant::now().checked_add(it))
    }
    fn lock(&self) -> MutexGuard<'_, State<L>> {
        locked(&self.shared.state)
    }
    /// Reads facts from the stack, or takes a decision in it.
    fn with<T>(&self, act: impl FnOnce(&mut Engine<L>) -> T) -> T {
        let mut state = self.lock();
        let result = act(&mut state.engine);
        state.process();
        drop(state);
        self.shared.moved.notify_all();
        self.write();
        result
    }
    /// Writes what there is, unless the other half does.
    fn write(&self) {
        loop {
            let Ok(mut outgoing) = self.shared.outgoing.try_lock() else {
                return; // who holds it looks again when it is done
            };
            let stuck = self.write_all(&mut outgoing);
            drop(outgoing);
            if stuck || !self.lock().has_news() {
                return;
            }
        }
    }
    /// Writes until there is nothing more, or the transport takes nothing for a while; whether that
    /// was it.
    fn write_all(&self, outgoing: &mut Wire<S>) -> bool {
        loop {
            let mut state = self.lock();
            let mut left = mem::take(&mut state.left);
            let to_wire = state.engine.to_wire();
            to_wire.pour(&mut left);
            let end = to_wire.end().cloned();
            if state.broken.is_some() {
                left.discard();
            }
            let ends = end.filter(|_| left.is_empty() && !mem::replace(&mut state.shut, true));
            state.writing = !left.is_empty();
            state.process(); // there is room now
            drop(state);
            match ends {
                Some(End::Finished) => {
                    let _ = outgoing.io.finish();
                }
                Some(End::Aborted(_)) => outgoing.io.cut(),
                None => {}
            }
            if left.is_empty() {
                self.shared.moved.notify_all();
                return false;
            }
            let moved = outgoing.write(&mut left, Some(TURN));
            let mut state = self.lock();
            (state.left, state.writing) = (left, false);
            match moved {
                Moved::Bytes(_) => {}
                Moved::TimedOut => return true,
                Moved::Broken(error) => {
                    let error = socket(error);
                    if Arc::strong_count(&self.shared) == 1 {
                        state.engine.break_wire(error.clone()); // nobody else will find it out
                    }
                    state.broken = Some(error);
                }
            }
            drop(state);
            self.shared.moved.notify_all();
        }
    }
    /// Writes, and waits until `done` has something to say.
    fn wait<T>(&self, mut done: impl FnMut(&mut State<L>) -> Option<T>) -> Result<T, Error> {
        let until = self.until();
        loop {
            self.write();
            let mut state = self.lock();
            state.process();
            if let Some(result) = done(&mut state) {
                drop(state);
                self.shared.moved.notify_all();
                self.write();
                return Ok(result);
            }
            if until.is_some_and(|until| until <= Instant::now()) {
                return Err(Error::local("connection", TimedOut));
            }
            if !state.has_news() {
                // The reader tells what it hears; the end of the time is looked for turn by turn.
                drop(self.shared.moved.wait_timeout(state, LOOK));
            }
        }
    }
}

impl<S: Socket, L: Layer> Reader<S, L> {
    /// Sets how long each call may wait, instead of for ever.
    pub fn set_timeout(&mut self, patience: Option<Duration>) {
        self.hand.patience = patience;
    }
    /// Reads facts from the stack, or takes a decision in it.
    pub fn with<T>(&self, act: impl FnOnce(&mut Engine<L>) -> T) -> T {
        self.hand.with(act)
    }
    /// Hears the peer until `done` has something to say.
    fn hear<T>(&mut self, mut done: impl FnMut(&mut Engine<L>) -> Option<T>) -> Result<T, Error> {
        let until = self.hand.until();
        loop {
            let mut state = self.hand.lock();
            self.arrived.pour(state.engine.from_wire());
            state.process();
            let found = done(&mut state.engine);
            state.process(); // there may be room now
            let writing = state.has_news();
            let can_read = self.arrived.is_empty() && !self.arrived.is_closed();
            let due = state.engine.deadline();
            drop(state);
            self.hand.shared.moved.notify_all();
            self.hand.write();
            if let Some(found) = found {
                return Ok(found);
            }
            let now = Instant::now();
            if until.is_some_and(|until| until <= now) {
                return Err(Error::local("connection", TimedOut));
            }
            let far = now + if writing { TURN } else { LOOK };
            let limit = [until, due, Some(far)].into_iter().flatten().min();
            let limit = limit.map(|at| at.saturating_duration_since(now));
            match &mut self.incoming {
                Some(incoming) if can_read => match incoming.read(&mut self.arrived, limit) {
                    Moved::Bytes(0) => self.arrived.finish(),
                    Moved::Bytes(_) => {}
                    Moved::TimedOut => self.tell_broken(),
                    Moved::Broken(error) => self.arrived.abort(socket(error)),
                },
                _ => {
                    let state = self.hand.lock();
                    let limit = limit.unwrap_or(LOOK);
                    drop(self.hand.shared.moved.wait_timeout(state, limit));
                }
            }
        }
    }
    /// A transport that takes nothing and has nothing more to say is broken.
    fn tell_broken(&mut self) {
        if let Some(error) = self.hand.lock().broken.clone() {
            self.arrived.abort(error);
        }
    }
}

impl<S: Socket, L: Layer> Writer<S, L> {
    /// Sets how long each call may wait, instead of for ever.
    pub fn set_timeout(&mut self, patience: Option<Duration>) {
        self.hand.patience = patience;
    }
    /// Reads facts from the stack, or takes a decision in it.
    pub fn with<T>(&self, act: impl FnOnce(&mut Engine<L>) -> T) -> T {
        self.hand.with(act)
    }
    fn left(&self) -> Result<(), Error> {
        self.hand
            .wait(|state| match state.engine.to_app().closed() {
                Some(End::Aborted(error)) => Some(Err(error.clone())),
                _ => state.is_flushed().then_some(Ok(())),
            })?
    }
}

impl<S, L, I, O> Reader<S, L>
where
    S: Socket,
    L: Layer<In = Queue<I>, Out = Queue<O>>,
    I: Weigh,
    O: Weigh,
{
    /// Receives the next message, as [`Connection::next`] does.
    ///
    /// # Errors
    ///
    /// As there.
    #[expect(
        clippy::should_implement_trait,
        reason = "its time-out does not end it"
    )]
    pub fn next(&mut self) -> Option<Result<O, Error>> {
        match self.hear(|engine| received(engine.to_app())) {
            Ok(Received::Message(message)) => Some(Ok(message)),
            Ok(Received::End(End::Finished)) => None,
            Ok(Received::End(End::Aborted(error))) => {
                let told = mem::replace(&mut self.told, true);
                (!told).then_some(Err(error))
            }
            Err(error) => Some(Err(error)),
        }
    }
}

impl<S, L, I, O> Writer<S, L>
where
    S: Socket,
    L: Layer<In = Queue<I>, Out = Queue<O>>,
    I: Weigh,
    O: Weigh,
{
    /// Sends a message and waits until it has left, as [`Connection::send`] does.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn send(&mut self, message: I) -> Result<(), Error> {
        self.feed(message)?;
        self.flushed()
    }
    /// Accepts a message, as [`Connection::feed`] does.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn feed(&mut self, message: I) -> Result<(), Error> {
        let mut message = Some(message);
        self.hand.wait(|state| {
            let engine = &mut state.engine;
            let room = has_room(engine)?;
            if room.is_ok() {
                message
                    .take()
                    .into_iter()
                    .for_each(|it| engine.from_app().push(it));
                engine.process(Instant::now());
            }
            Some(room)
        })?
    }
    /// Waits until every accepted message has left.
    ///
    /// # Errors
    ///
    /// What ended the stack, or [`TimedOut`].
    pub fn flushed(&mut self) -> Result<(), Error> {
        self.left()
    }
}

impl<S, L, F> Writer<S, L>
where
    S: Socket,
    L: Layer<In = F, Out = F>,
    F: Payload,
{
    /// Sends a ping, as [`Connection::ping`] does; the reader has to be at work.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn ping(&mut self, payload: impl Into<Bytes>) -> Result<Duration, Error> {
        let ping = self.with(|engine| begin_ping(engine, payload.into()))?;
        self.hand.wait(|state| answered(&mut state.engine, ping))?
    }
    /// Closes, as [`Connection::close`] does; messages that still arrive are thrown away.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), Error> {
        self.with(|engine| begin_close(engine, code, reason))?;
        self.hand.wait(|state| closed(&mut state.engine))??;
        self.left()
    }
}

impl<S: Socket, L: Layer<In = Pipe, Out = Pipe>> Read for Reader<S, L> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        let taken = self.hear(|engine| take(engine.to_app(), buf));
        taken.map_err(|error| waited(&error))?
    }
}

impl<S: Socket, L: Layer<In = Pipe, Out = Pipe>> Write for Writer<S, L> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let put = self.hand.wait(|state| {
            let ended = state.engine.to_app().closed().cloned();
            put(ended, state.engine.from_app(), bytes)
        });
        put.map_err(|error| waited(&error))?
    }
    fn flush(&mut self) -> io::Result<()> {
        self.left().map_err(|error| waited(&error))
    }
}

impl<S: Socket, L: Layer<In = Pipe, Out = Pipe>> Writer<S, L> {
    /// Ends the direction that is written to.
    ///
    /// # Errors
    ///
    /// What ended the stack, or [`TimedOut`].
    pub fn shutdown(&mut self) -> Result<(), Error> {
        self.with(|engine| engine.from_app().finish());
        self.left()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How long one direction waits while the other one has something to do.
const TURN: Duration = Duration::from_millis(10);

/// After which it is looked whether something has become due meanwhile.
const LOOK: Duration = Duration::from_millis(200);
