//! The times by which the peer must have done something.

use crate::config::Http2Config;
use std::time::Duration;
use wirestack_layer::Instant;

/// The time limits of a connection. A time that is `None` never comes.
pub(crate) struct TimeLimits {
    opening: Duration,
    head: Duration,
    idle: Option<Duration>,
    write: Duration,
    state: State,
    /// The number of field blocks that had begun at the last look, and the time by which the last
    /// one must be whole.
    heading: Option<(u64, Option<Instant>)>,
    /// The time of the next look at the streams whose bytes wait for a window.
    streams: Option<Instant>,
}

#[derive(Clone, Copy)]
enum State {
    NotBegun,
    /// The SETTINGS of the peer must be in by this time.
    Opening(Option<Instant>),
    /// There are streams or their last bytes, or there may be none for ever.
    Busy,
    /// There is no stream, and one must come by this time.
    Idle(Option<Instant>),
    /// The application has finished and the last stream has ended. The connection must be over by
    /// this time.
    Finishing(Option<Instant>),
    /// The peer was told that the connection ends at once.
    Ending,
}

/// The state of a connection, as far as times depend on it.
pub(crate) struct Seen {
    pub(crate) opened: bool,
    /// There are streams, or h2 holds bytes for which the wire has no room.
    pub(crate) is_busy: bool,
    pub(crate) finishing: bool,
    /// The number of field blocks that have begun, if the last one is not whole yet.
    pub(crate) heading: Option<u64>,
}

/// The wait of a stream for its peer.
#[derive(Clone, Copy)]
pub(crate) struct Wait {
    since: Instant,
    pub(crate) for_what: WaitFor,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum WaitFor {
    /// Bytes wait for a window of the peer.
    Window,
    /// The time for that is over, but a program may not have driven the connection for long. A
    /// window may have arrived in the meantime.
    LastTry,
    /// A refusal is known, and its error has room for more of its body.
    RefusalBody,
}

impl Wait {
    pub(crate) fn begin(for_what: WaitFor, since: Instant) -> Self {
        Self { since, for_what }
    }
}

/// The duty that a peer has missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Overdue {
    Settings(Duration),
    Head(Duration),
    /// No stream came: the connection ends with a GOAWAY.
    Idle,
}

impl TimeLimits {
    pub(crate) fn new(config: &Http2Config) -> Self {
        Self {
            opening: config.opening,
            head: config.head_timeout,
            idle: config.idle_timeout,
            write: config.write_timeout,
            state: State::NotBegun,
            heading: None,
            streams: None,
        }
    }

    /// Returns the duty that the peer has missed by now, if there is one.
    pub(crate) fn look(&mut self, seen: &Seen, now: Instant) -> Option<Overdue> {
        let is_past = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        match (seen.heading, self.heading) {
            (None, _) => self.heading = None,
            (Some(number), Some((known, due))) if number == known => {
                if is_past(due) {
                    return Some(Overdue::Head(self.head));
                }
            }
            (Some(number), _) => self.heading = Some((number, now.checked_add(self.head))),
        }
        self.state = match self.state {
            State::Ending => State::Ending,
            State::NotBegun if !seen.opened => State::Opening(now.checked_add(self.opening)),
            State::Opening(due) if !seen.opened => {
                if is_past(due) {
                    return Some(Overdue::Settings(self.opening));
                }
                State::Opening(due)
            }
            _ if seen.is_busy => State::Busy,
            State::Idle(due) if !seen.finishing => {
                if is_past(due) {
                    self.state = State::Ending;
                    return Some(Overdue::Idle);
                }
                State::Idle(due)
            }
            State::Finishing(due) => {
                if is_past(due) {
                    self.state = State::Ending;
                    return Some(Overdue::Idle);
                }
                State::Finishing(due)
            }
            _ if seen.finishing => State::Finishing(now.checked_add(self.opening)),
            _ => match self.idle {
                Some(idle) => State::Idle(now.checked_add(idle)),
                None => State::Busy,
            },
        };
        None
    }

    /// Notes that a stream waits for the peer.
    pub(crate) fn stream_waits(&mut self, wait: Wait) {
        self.streams = self.streams.into_iter().chain(self.due(wait)).min();
    }

    /// Returns `true` once, when it is time to look at the streams that wait. Each that still
    /// waits is then to be noted again.
    pub(crate) fn must_look_at_streams(&mut self, now: Instant) -> bool {
        self.streams.take_if(|at| *at <= now).is_some()
    }

    /// Returns `true` if a stream has waited too long. If the wire takes nothing, it is not the
    /// stream that waits for a window.
    pub(crate) fn gives_up(&self, wait: &mut Option<Wait>, blocked: bool, now: Instant) -> bool {
        let Some(late) = wait.take_if(|wait| self.due(*wait).is_some_and(|due| due <= now)) else {
            return false;
        };
        if !blocked && late.for_what == WaitFor::Window {
            *wait = Some(Wait::begin(WaitFor::LastTry, now));
        }
        match late.for_what {
            WaitFor::Window => false,
            WaitFor::LastTry => !blocked,
            WaitFor::RefusalBody => true,
        }
    }

    fn due(&self, wait: Wait) -> Option<Instant> {
        wait.since.checked_add(match wait.for_what {
            WaitFor::Window => self.write,
            WaitFor::LastTry => self.write.min(LAST_TRY),
            WaitFor::RefusalBody => REFUSAL_BODY,
        })
    }

    pub(crate) fn write_timeout(&self) -> Duration {
        self.write
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        let state = match self.state {
            State::NotBegun | State::Busy | State::Ending => None,
            State::Opening(due) | State::Idle(due) | State::Finishing(due) => due,
        };
        let heading = self.heading.and_then(|(_, due)| due);
        state.into_iter().chain(heading).chain(self.streams).min()
    }
}

/// The longest time of the last try.
const LAST_TRY: Duration = Duration::from_secs(1);

/// The time for the body of a refusal, as in HTTP/1.1: it only explains what is known already.
const REFUSAL_BODY: Duration = Duration::from_secs(2);
