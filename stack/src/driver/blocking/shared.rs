//! A connection and the two hands that hold it.

use super::Socket;
use super::connection::TimedOut;
use super::wire::{Moved, TURN, Wire};
use crate::driver::socket;
use crate::{End, Engine, Error, Flow, Layer, Pipe};
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What both halves have.
pub(super) struct Hand<S, L: Layer> {
    pub(super) shared: Arc<Shared<S, L>>,
    pub(super) patience: Option<Duration>,
}

/// Whoever writes holds `outgoing` first and `state` second, and never `state` while it waits.
pub(super) struct Shared<S, L: Layer> {
    pub(super) state: Mutex<State<L>>,
    pub(super) outgoing: Mutex<Wire<S>>,
    /// Something moved in the state.
    pub(super) moved: Condvar,
}

pub(super) struct State<L: Layer> {
    pub(super) engine: Engine<L>,
    /// What was taken off the engine and has not left yet.
    pub(super) left: Pipe,
    /// Somebody is writing what was there.
    pub(super) writing: bool,
    /// Why the transport takes no more: told when there is nothing more to read.
    pub(super) broken: Option<Error>,
    /// Everything has left and the transport was told.
    pub(super) shut: bool,
}

impl<L: Layer> State<L> {
    pub(super) fn process(&mut self) {
        self.engine.process(Instant::now());
    }
    pub(super) fn is_flushed(&self) -> bool {
        self.left.is_empty() && !self.writing && self.engine.is_flushed()
    }
    /// Whether there is something to tell the transport.
    pub(super) fn has_news(&mut self) -> bool {
        let to_wire = self.engine.to_wire();
        let ends = to_wire.end().is_some() && !self.shut;
        !self.left.is_empty() || !to_wire.is_empty() || ends
    }
}

impl<S: Socket, L: Layer> Hand<S, L> {
    pub(super) fn new(shared: &Arc<Shared<S, L>>, patience: Option<Duration>) -> Self {
        Self {
            shared: shared.clone(),
            patience,
        }
    }
    pub(super) fn until(&self) -> Option<Instant> {
        self.patience.and_then(|it| Instant::now().checked_add(it))
    }
    pub(super) fn lock(&self) -> MutexGuard<'_, State<L>> {
        locked(&self.shared.state)
    }
    /// Reads facts from the stack, or takes a decision in it.
    pub(super) fn with<T>(&self, act: impl FnOnce(&mut Engine<L>) -> T) -> T {
        let mut state = self.lock();
        let result = act(&mut state.engine);
        state.process();
        drop(state);
        self.shared.moved.notify_all();
        self.write();
        result
    }
    /// Writes what there is; whether the other half does it.
    pub(super) fn write(&self) -> bool {
        loop {
            let Ok(mut outgoing) = self.shared.outgoing.try_lock() else {
                return true; // who holds it looks again when it is done
            };
            let stuck = self.write_all(&mut outgoing);
            drop(outgoing);
            if stuck || !self.lock().has_news() {
                return false;
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
    pub(super) fn wait<T>(
        &self,
        mut done: impl FnMut(&mut State<L>) -> Option<T>,
    ) -> Result<T, Error> {
        let until = self.until();
        loop {
            let elsewhere = self.write();
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
            if elsewhere || !state.has_news() {
                // The reader tells what it hears; the end of the time is looked for turn by turn.
                let turn = if state.has_news() { TURN } else { LOOK };
                drop(self.shared.moved.wait_timeout(state, turn));
            }
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// After which it is looked whether something has become due meanwhile.
pub(super) const LOOK: Duration = Duration::from_millis(200);
