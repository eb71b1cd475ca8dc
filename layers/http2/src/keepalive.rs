use h2::{Ping, PingPong};
use std::task::{Context, Poll};
use std::time::Duration;
use wirestack_layer::{Instant, Keepalive};

/// Sends a PING to a silent peer, and waits for its answer.
pub(crate) struct Pinger {
    config: Keepalive,
    ping: PingPong,
    state: State,
}

#[derive(Clone, Copy)]
enum State {
    /// A PING leaves at this time, unless something arrives before.
    Quiet(Instant),
    /// A PING has left, and its answer must be in by this time.
    Waiting(Instant),
    /// The time is so far away that no clock reaches it.
    Never,
}

impl Pinger {
    pub(crate) fn new(config: Keepalive, ping: PingPong, now: Instant) -> Self {
        let state = quiet(config, now);
        Self {
            config,
            ping,
            state,
        }
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::Quiet(at) | State::Waiting(at) => Some(at),
            State::Never => None,
        }
    }

    pub(crate) fn timeout(&self) -> Duration {
        self.config.timeout
    }

    /// Notes that something arrived. It is a sign of life, although the answer may still wait behind
    /// what the peer is sent.
    pub(crate) fn heard(&mut self, now: Instant) {
        self.state = quiet(self.config, now);
    }

    /// Sends a PING if it is time. Returns `true` if the answer to one is overdue.
    pub(crate) fn process(&mut self, now: Instant, cx: &mut Context<'_>) -> bool {
        if let Poll::Ready(Ok(_)) = self.ping.poll_pong(cx) {
            self.state = quiet(self.config, now);
        }
        match self.state {
            State::Quiet(at) if at <= now => {
                let until = now.checked_add(self.config.timeout);
                self.state = until.map_or(State::Never, State::Waiting);
                let _ = self.ping.send_ping(Ping::opaque()); // fails on a dead connection only
                false
            }
            State::Waiting(until) => until <= now,
            _ => false,
        }
    }
}

fn quiet(config: Keepalive, now: Instant) -> State {
    now.checked_add(config.interval.max(SHORTEST_INTERVAL))
        .map_or(State::Never, State::Quiet)
}

/// The shortest time before a PING: the answer to one would ask for the next one at once.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(1);
