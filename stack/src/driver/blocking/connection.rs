use super::wire::{Moved, TURN, Wire};
use super::{Socket, Transport};
use crate::driver::socket;
use crate::{End, Engine, Error, Flow, Layer, Pipe, Progress, Stack, Status};
use std::any::Any;
use std::mem;
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

/// A stack on a transport: moves bytes between the two while a call waits.
///
/// Where the application's side is bytes it is [`Read`](std::io::Read) and [`Write`](std::io::Write);
/// where it is messages, there are [`next`](Self::next) and [`send`](Self::send). A call drives both
/// directions: what is written to a peer that does not read until it is read from gets there. Between
/// calls nothing moves: no ping is answered. Use [`split`](Self::split) to read and write in two
/// threads.
///
/// Dropping a connection closes the transport at once, without the goodbyes of the layers; see
/// [`finish`](Self::finish).
pub struct Connection<S, L: Layer> {
    wire: Option<Wire<S>>,
    engine: Engine<L>,
    writing: Writing,
    patience: Option<Duration>,
    /// The error that ended the stack was handed to a reader of messages.
    told: bool,
}

enum Writing {
    Open,
    /// Everything has left and the transport was told.
    Shut,
    /// The transport refused bytes; what is still to be read comes before the error.
    Broken(Option<Error>),
}

impl<S: Socket, L: Layer> Connection<S, L> {
    /// Joins a transport and a stack.
    pub fn new(io: S, engine: Engine<L>) -> Self {
        Self {
            wire: Some(Wire::new(io)),
            engine,
            writing: Writing::Open,
            patience: None,
            told: false,
        }
    }
    /// Sets how long each call may wait, instead of for ever. A call that waited in vain fails with
    /// [`TimedOut`]; nothing is lost by it.
    pub fn set_timeout(&mut self, patience: Option<Duration>) {
        self.patience = patience;
    }
    /// Boxes the stack, so that connections with different stacks have one type.
    pub fn boxed(self) -> Connection<S, Box<dyn Layer<In = L::In, Out = L::Out> + Send>>
    where
        L: Send + 'static,
    {
        self.change(Engine::boxed)
    }
    /// Puts another layer over the stack while it runs; see [`Engine::grow`].
    pub fn grow<U>(self, upper: U) -> Connection<S, Stack<L, U>>
    where
        L: Layer<In = Pipe, Out = Pipe>,
        U: Layer<In: Default, Out: Default>,
    {
        self.change(|engine| engine.grow(upper))
    }
    fn change<M: Layer>(self, change: impl FnOnce(Engine<L>) -> Engine<M>) -> Connection<S, M> {
        Connection {
            wire: self.wire,
            engine: change(self.engine),
            writing: self.writing,
            patience: self.patience,
            told: self.told,
        }
    }
    pub(super) fn into_parts(self) -> (Option<S>, Engine<L>, Option<Duration>) {
        (self.wire.map(|wire| wire.io), self.engine, self.patience)
    }
    /// Returns the stack, to read facts and to decide.
    pub fn engine(&mut self) -> &mut Engine<L> {
        &mut self.engine
    }
    /// Returns the topmost layer of type `T`.
    pub fn part<T: Any>(&mut self) -> Option<&mut T> {
        self.engine.part()
    }
    /// Returns the transport, unless it has been closed.
    pub fn transport(&self) -> Option<&S> {
        self.wire.as_ref().map(|wire| &wire.io)
    }
    /// Returns what the stack is waiting for.
    pub fn progress(&self) -> Progress {
        self.engine.progress()
    }
    /// Returns the state of each layer, from the wire up.
    pub fn describe(&self) -> Vec<Status> {
        self.engine.describe()
    }
    /// Gives the stack so long to open, from now on.
    pub fn open_within(&mut self, allowed: Duration) {
        self.engine.open_within(allowed, Instant::now());
    }
    /// Waits until `fact` finds what it looks for, such as the request that a server layer parks at.
    ///
    /// # Errors
    ///
    /// The error that ended the stack; a stack that ended well without the fact is [`Ended`]; or
    /// [`TimedOut`].
    pub fn until<T>(
        &mut self,
        mut fact: impl FnMut(&mut Engine<L>) -> Option<T>,
    ) -> Result<T, Error> {
        self.wait(|engine| {
            if let Some(found) = fact(engine) {
                return Some(Ok(found));
            }
            Some(Err(match engine.to_app().closed()? {
                End::Aborted(error) => error.clone(),
                End::Finished => Error::peer("connection", Ended),
            }))
        })?
    }
    /// Waits until every layer is open.
    ///
    /// # Errors
    ///
    /// As [`until`](Self::until).
    pub fn open(&mut self) -> Result<(), Error> {
        self.until(|engine| engine.is_open().then_some(()))
    }
    /// Ends the application's side, lets every layer say goodbye and waits for the end of the
    /// transport, at most `patience` long. What still arrives is thrown away.
    ///
    /// # Errors
    ///
    /// The error that ended the stack, or [`TimedOut`].
    pub fn finish(mut self, patience: Duration) -> Result<(), Error> {
        self.engine.from_app().finish();
        let until = Instant::now().checked_add(patience);
        loop {
            self.engine.to_app().discard();
            if self.wire.is_none() {
                return match self.engine.to_app().closed() {
                    Some(End::Aborted(error)) => Err(error.clone()),
                    _ => Ok(()),
                };
            }
            self.advance(until)?;
        }
    }

    /// Waits until `done` has something to say, at most as long as a call may.
    pub(super) fn wait<T>(
        &mut self,
        mut done: impl FnMut(&mut Engine<L>) -> Option<T>,
    ) -> Result<T, Error> {
        let until = self.patience.and_then(|it| Instant::now().checked_add(it));
        loop {
            self.process();
            if let Some(result) = done(&mut self.engine) {
                self.push(); // the peer may be waiting for what made it true
                return Ok(result);
            }
            self.advance(until)?;
        }
    }
    /// Waits until all that was handed over has left.
    pub(super) fn left(&mut self) -> Result<(), Error> {
        self.wait(|engine| match engine.to_app().closed() {
            Some(End::Aborted(error)) => Some(Err(error.clone())),
            _ => engine.is_flushed().then_some(Ok(())),
        })?
    }
    /// Moves bytes until something has moved that the application may see.
    ///
    /// # Errors
    ///
    /// [`TimedOut`] if `until` came first.
    pub(super) fn advance(&mut self, until: Option<Instant>) -> Result<(), Error> {
        let before = self.engine.moves();
        self.process();
        let wrote = self.write(until);
        if wrote || self.engine.moves() != before {
            self.process();
            return Ok(());
        }
        if self.wire.is_none() {
            return Err(Error::peer("connection", Ended));
        }
        let from_wire = self.engine.from_wire();
        let can_read = from_wire.room() > 0 && !from_wire.is_closed();
        if can_read && self.read(until) {
            self.process();
            return Ok(());
        }
        // What could still be read came before the error of writing.
        if let Writing::Broken(error) = &mut self.writing
            && let Some(error) = error.take()
        {
            self.engine.break_wire(error);
            self.process();
            return Ok(());
        }
        if until.is_some_and(|until| until <= Instant::now()) {
            return Err(Error::local("connection", TimedOut));
        }
        if can_read || !self.engine.to_wire().is_empty() {
            return Ok(()); // whoever waits there has waited
        }
        let Some(due) = limit(self.engine.deadline()) else {
            return Err(Error::local("connection", Full));
        };
        thread::park_timeout(limit(until).map_or(due, |left| left.min(due)));
        Ok(())
    }
    /// Processes and writes as far as the transport takes it without a wait.
    pub(super) fn push(&mut self) {
        loop {
            self.process();
            if !self.write(Some(Instant::now())) {
                return;
            }
        }
    }
    /// Whether the error that ended the stack is still to be told.
    pub(super) fn tell_once(&mut self) -> bool {
        !mem::replace(&mut self.told, true)
    }
    fn process(&mut self) {
        self.engine.process(Instant::now());
    }
    /// Writes what there is; whether something moved.
    fn write(&mut self, until: Option<Instant>) -> bool {
        let Some(wire) = &mut self.wire else {
            self.engine.to_wire().discard();
            return false;
        };
        if let Writing::Broken(_) = self.writing {
            self.engine.to_wire().discard();
            return self.shut_or_close();
        }
        let mut moved = false;
        while !self.engine.to_wire().is_empty() {
            // A peer that does not take may want to be heard first.
            let limit = limit(until).map_or(TURN, |left| left.min(TURN));
            match wire.write(self.engine.to_wire(), Some(limit)) {
                Moved::Bytes(_) => moved = true,
                Moved::TimedOut => break,
                Moved::Broken(error) => {
                    self.writing = Writing::Broken(Some(socket(error)));
                    break;
                }
            }
        }
        self.shut_or_close() || moved
    }
    /// Ends the transport as the stack ended its wire; whether something changed.
    fn shut_or_close(&mut self) -> bool {
        let Some(wire) = &mut self.wire else {
            return false;
        };
        match self.engine.to_wire().end() {
            Some(End::Aborted(_)) => {
                wire.io.cut();
                self.wire = None;
                true
            }
            Some(End::Finished) => {
                if let Writing::Open = self.writing {
                    let _ = wire.io.finish();
                    self.writing = Writing::Shut;
                }
                if self.engine.from_wire().is_closed() {
                    self.wire = None;
                    return true;
                }
                false
            }
            None => false,
        }
    }
    /// Reads once; whether something arrived.
    fn read(&mut self, until: Option<Instant>) -> bool {
        let due = self.engine.deadline();
        let writing =
            !self.engine.to_wire().is_empty() || matches!(self.writing, Writing::Broken(_));
        let turn = writing.then_some(TURN);
        let limit = [limit(until), limit(due), turn].into_iter().flatten().min();
        let Some(wire) = &mut self.wire else {
            return false;
        };
        let from_wire = self.engine.from_wire();
        match wire.read(from_wire, limit) {
            Moved::Bytes(0) => from_wire.finish(),
            Moved::Bytes(_) => {}
            Moved::TimedOut => return false,
            Moved::Broken(error) => self.engine.break_wire(socket(error)),
        }
        true
    }
}

/// How long it is until then.
fn limit(until: Option<Instant>) -> Option<Duration> {
    until.map(|until| until.saturating_duration_since(Instant::now()))
}

impl<L: Layer> Connection<TcpStream, L> {
    /// Joins a TCP connection and a stack. Small writes leave at once (`TCP_NODELAY`), and a stack
    /// that aborts its wire resets the connection, so that the peer cannot take it for an end.
    pub fn tcp(io: TcpStream, engine: Engine<L>) -> Self {
        let _ = io.set_nodelay(true); // fails on a dead socket only, which the next read tells
        Self::new(io, engine)
    }
}

impl<L: Layer> Connection<Transport, L> {
    /// Joins what was dialled or accepted and a stack, as [`tcp`](Self::tcp) does.
    pub fn dialled(io: Transport, engine: Engine<L>) -> Self {
        if let Transport::Tcp(io) = &io {
            let _ = io.set_nodelay(true);
        }
        Self::new(io, engine)
    }
}

/// The stack ended well before what was waited for.
#[derive(Debug, thiserror::Error)]
#[error("ended before what was waited for")]
#[non_exhaustive]
pub struct Ended;

/// A call waited as long as it may.
#[derive(Debug, thiserror::Error)]
#[error("timed out; nothing is lost")]
#[non_exhaustive]
pub struct TimedOut;

/// Nothing more can arrive before what is there is read.
#[derive(Debug, thiserror::Error)]
#[error("what has arrived has to be read before anything else can")]
struct Full;
