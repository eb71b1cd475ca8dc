use crate::Keepalive;
use std::time::Duration;
use wirestack_layer::Instant;

/// Watches whether the peer lives.
#[derive(Debug)]
pub(crate) struct Watch {
    settings: Option<Keepalive>,
    /// How many bytes had come from the wire.
    heard: u64,
    state: State,
}

/// A time that is `None` never comes.
#[derive(Clone, Copy, Debug)]
enum State {
    NotBegun,
    /// A ping leaves then, unless something arrives before.
    Quiet(Option<Instant>),
    /// A ping left, and something must arrive by then.
    Waiting(Option<Instant>),
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Duty {
    Nothing,
    Ping,
    GiveUp(Duration),
}

impl Watch {
    pub(crate) fn new(settings: Option<Keepalive>) -> Self {
        Self {
            settings,
            heard: 0,
            state: State::NotBegun,
        }
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::NotBegun => None,
            State::Quiet(at) | State::Waiting(at) => at,
        }
    }

    /// Looks at the clock. `heard` bytes have come from the wire; `unread` ones among them say that
    /// it is this side that does not go on.
    pub(crate) fn process(&mut self, now: Instant, heard: u64, unread: bool) -> Duty {
        let Some(Keepalive { interval, timeout }) = self.settings else {
            return Duty::Nothing;
        };
        let came = self.heard != heard;
        self.heard = heard;
        match self.state {
            State::Quiet(Some(at)) if at <= now && !came && !unread => {
                self.state = State::Waiting(now.checked_add(timeout));
                Duty::Ping
            }
            State::Waiting(Some(until)) if until <= now && !came && !unread => {
                Duty::GiveUp(timeout)
            }
            State::Quiet(Some(at)) | State::Waiting(Some(at)) if now < at && !came => Duty::Nothing,
            _ => {
                self.state = State::Quiet(now.checked_add(interval));
                Duty::Nothing
            }
        }
    }
}

/// What a ping of the watch carries: any byte that comes back will do.
pub(crate) const PAYLOAD: &[u8] = b"alive?";
