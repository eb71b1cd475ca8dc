use std::time::Duration;
use wirestack_layer::{Instant, Keepalive};

/// Watches for a silent peer.
#[derive(Debug)]
pub(crate) struct Watch {
    config: Option<Keepalive>,
    /// The count of bytes that had come from the wire at the last look.
    heard: u64,
    state: State,
}

/// A time that is `None` never comes.
#[derive(Clone, Copy, Debug)]
enum State {
    NotBegun,
    /// A ping is sent at this time, unless something arrives before.
    Quiet(Option<Instant>),
    /// A ping was sent, and something must arrive before this time.
    Waiting(Option<Instant>),
}

/// The action that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Nothing,
    Ping,
    GiveUp(Duration),
}

impl Watch {
    pub(crate) fn new(config: Option<Keepalive>) -> Self {
        Self {
            config,
            heard: 0,
            state: State::NotBegun,
        }
    }

    /// Returns `true` if nobody watches.
    #[inline]
    pub(crate) fn is_off(&self) -> bool {
        self.config.is_none()
    }

    #[inline]
    pub(crate) fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::NotBegun => None,
            State::Quiet(at) | State::Waiting(at) => at,
        }
    }

    /// Compares the time. `heard` bytes have come from the wire in all. If some of them are
    /// `unread`, this side is the one that waits, not the peer.
    pub(crate) fn process(&mut self, now: Instant, heard: u64, unread: bool) -> Action {
        let Some(Keepalive { interval, timeout }) = self.config else {
            return Action::Nothing;
        };
        let came = self.heard != heard;
        self.heard = heard;
        match self.state {
            State::Quiet(Some(at)) if at <= now && !came && !unread => {
                self.state = State::Waiting(now.checked_add(timeout));
                Action::Ping
            }
            State::Waiting(Some(until)) if until <= now && !came && !unread => {
                Action::GiveUp(timeout)
            }
            State::Quiet(Some(at)) | State::Waiting(Some(at)) if now < at && !came => {
                Action::Nothing
            }
            _ => {
                self.state = State::Quiet(now.checked_add(interval));
                Action::Nothing
            }
        }
    }
}

/// The payload of these pings. Any byte that arrives is an answer.
pub(crate) const PAYLOAD: &[u8] = b"alive?";
