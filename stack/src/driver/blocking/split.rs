//! A connection in two hands: a reader's thread and a writer's.

use super::bytes::{put, take, waited};
use super::connection::TimedOut;
use super::messages::{Received, answered, begin_close, begin_ping, closed, has_room, received};
use super::shared::{Hand, LOOK, Shared, State};
use super::wire::{Moved, TURN, Wire};
use super::{Connection, Socket};
use crate::driver::socket;
use crate::websocket::{CloseCode, Payload};
use crate::{End, Engine, Error, Flow, Layer, Pipe, Queue, Weigh};
use bytes::Bytes;
use std::io::{self, Read, Write};
use std::mem;
use std::sync::{Arc, Condvar, Mutex};
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
            incoming: Wire::new(incoming),
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
    incoming: Wire<S>,
    /// What was read while nobody could take it in.
    arrived: Pipe,
    told: bool,
}

/// The half that sends.
pub struct Writer<S: Socket, L: Layer> {
    hand: Hand<S, L>,
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
            let before = state.engine.moves();
            self.arrived.pour(state.engine.from_wire());
            state.process();
            let found = done(&mut state.engine);
            state.process(); // there may be room now
            let more = !self.arrived.is_empty() && state.engine.moves() != before;
            let writing = state.has_news();
            let can_read = self.arrived.is_empty() && !self.arrived.is_closed();
            let due = state.engine.deadline();
            drop(state);
            self.hand.shared.moved.notify_all();
            self.hand.write();
            if let Some(found) = found {
                return Ok(found);
            }
            if more {
                continue;
            }
            let now = Instant::now();
            if until.is_some_and(|until| until <= now) {
                return Err(Error::local("connection", TimedOut));
            }
            let far = now + if writing { TURN } else { LOOK };
            let limit = [until, due, Some(far)].into_iter().flatten().min();
            let limit = limit.map(|at| at.saturating_duration_since(now));
            if !can_read {
                let state = self.hand.lock();
                let limit = limit.unwrap_or(LOOK);
                drop(self.hand.shared.moved.wait_timeout(state, limit));
                continue;
            }
            match self.incoming.read(&mut self.arrived, limit) {
                Moved::Bytes(0) => self.arrived.finish(),
                Moved::Bytes(_) => {}
                Moved::TimedOut => self.tell_broken(),
                Moved::Broken(error) => self.arrived.abort(socket(error)),
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
