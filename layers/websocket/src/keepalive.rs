use std::time::Duration;
use wirestack_layer::{Instant, Keepalive};

/// Watches for a silent peer.
#[derive(Debug)]
pub(crate) struct Watch {
    config: Option<Keepalive>,
    /// The number of bytes that had come from the wire at the last look.
    heard: u64,
    /// The number of bytes that had left for the wire at the last look.
    left: u64,
    state: State,
}

/// A time that is `None` never comes.
#[derive(Clone, Copy, Debug)]
enum State {
    NotBegun,
    /// A ping is due at this time, unless something arrives before.
    Quiet(Option<Instant>),
    /// A ping waits for room on the wire, of which some bytes must leave before this time.
    Due(Option<Instant>),
    /// A ping was sent, and something must arrive before `until`. The time begins again while the
    /// bytes before the ping leave: it is behind `end` bytes.
    Waiting {
        until: Option<Instant>,
        end: u64,
    },
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
            // While this side is busy, the time begins again: it has to come later than now.
            config: config.map(|Keepalive { interval, timeout }| {
                Keepalive::new(interval.max(SHORTEST_INTERVAL), timeout)
            }),
            heard: 0,
            left: 0,
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
            State::Quiet(at) | State::Due(at) | State::Waiting { until: at, .. } => at,
        }
    }

    /// Returns `true` if a ping waits for room.
    pub(crate) fn is_due(&self) -> bool {
        matches!(self.state, State::Due(_))
    }

    /// Notes that a ping is written to the wire, behind the first `end` bytes that have to leave.
    pub(crate) fn pinged(&mut self, now: Instant, end: u64) {
        if let Some(Keepalive { timeout, .. }) = self.config {
            let until = now.checked_add(timeout);
            self.state = State::Waiting { until, end };
        }
    }

    /// Compares the time. `heard` bytes have come from the wire in all, and `left` bytes have left
    /// for it. If this side is `busy` with what has come, it is the one that is waited for, and not
    /// the peer.
    pub(crate) fn process(&mut self, now: Instant, heard: u64, left: u64, busy: bool) -> Action {
        let Some(Keepalive { interval, timeout }) = self.config else {
            return Action::Nothing;
        };
        let came = std::mem::replace(&mut self.heard, heard) != heard;
        let before = std::mem::replace(&mut self.left, left);
        if !came && left != before {
            match &mut self.state {
                State::Due(until) => *until = now.checked_add(timeout),
                State::Waiting { until, end } if before < *end => {
                    *until = now.checked_add(timeout);
                }
                _ => {}
            }
        }
        match self.state {
            State::Quiet(Some(at)) if at <= now && !came && !busy => {
                self.state = State::Due(now.checked_add(timeout));
                Action::Ping
            }
            State::Due(Some(until))
            | State::Waiting {
                until: Some(until), ..
            } if until <= now && !came && !busy => Action::GiveUp(timeout),
            State::Quiet(Some(at))
            | State::Due(Some(at))
            | State::Waiting {
                until: Some(at), ..
            } if now < at && !came => Action::Nothing,
            _ => {
                self.state = State::Quiet(now.checked_add(interval));
                Action::Nothing
            }
        }
    }
}

/// The shortest time between two looks.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(1);

/// The payload of these pings. Any byte that arrives is an answer.
pub(crate) const PAYLOAD: &[u8] = b"alive?";
