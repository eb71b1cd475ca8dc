//! Which address is connected to: Happy Eyeballs (RFC 8305).

use crate::dialer::step::Timeouts;
use crate::report::error::Unreached;
use crate::report::id::{AttemptId, Destination, LookupId};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;
use wirestack_layer::Error;
use wirestack_layer::Instant;

/// A look-up and the attempts to connect to what it finds: a new one each time that one fails, or
/// that 250 ms have passed; the first that is open wins.
pub(crate) struct HappyEyeballs {
    lookup: Option<(LookupId, Instant)>,
    /// What was found, in the order in which it is tried.
    known: Vec<Destination>,
    /// Not tried yet, IPv6 and IPv4 apart.
    left: [VecDeque<SocketAddr>; 2],
    other: VecDeque<Destination>,
    /// Which kind was tried last.
    last: Option<usize>,
    /// Until when IPv6 addresses are waited for.
    patience: Option<Instant>,
    running: Vec<Attempt>,
    /// When another attempt may join those that run.
    next: Option<Instant>,
    failed: Vec<Unreached>,
}

#[derive(Clone)]
pub(crate) struct Attempt {
    pub(crate) id: AttemptId,
    pub(crate) to: Destination,
    since: Instant,
}

/// What a race does next.
pub(crate) enum NextAttempt {
    Open(Destination),
    Close(AttemptId),
    Wait(Option<Instant>),
    /// The look-up took too long, and nothing had been found.
    Late,
    /// Nothing is left.
    Lost(Vec<Unreached>),
}

impl HappyEyeballs {
    /// Begins with a look-up.
    pub(crate) fn looking_up(lookup: LookupId, now: Instant) -> Self {
        let mut race = Self::to(Vec::new());
        race.lookup = Some((lookup, now));
        race
    }

    /// Begins with what is known, in this order.
    pub(crate) fn to(known: Vec<Destination>) -> Self {
        Self {
            lookup: None,
            other: known.iter().cloned().collect(),
            known,
            left: Default::default(),
            last: None,
            patience: None,
            running: Vec::new(),
            next: None,
            failed: Vec::new(),
        }
    }

    /// Where an attempt leads.
    pub(crate) fn to_of(&self, id: AttemptId) -> Option<&Destination> {
        let mut running = self.running.iter();
        running.find(|it| it.id == id).map(|it| &it.to)
    }

    /// Returns what is known, `first` at its head.
    pub(crate) fn again(self, first: &Destination) -> Vec<Destination> {
        let mut known = self.known;
        known.retain(|to| to != first);
        known.insert(0, first.clone());
        known
    }

    pub(crate) fn is_looking_up(&self) -> bool {
        self.lookup.is_some() && self.known.is_empty()
    }

    /// Takes addresses that were found; more may follow until it is `over`.
    pub(crate) fn found(
        &mut self,
        lookup: LookupId,
        found: Vec<SocketAddr>,
        over: bool,
        timeouts: &Timeouts,
        now: Instant,
    ) -> bool {
        if self.lookup.is_none_or(|(id, _)| id != lookup) {
            return false;
        }
        // The resolver's order says which kind goes first, where it found both at once.
        let kinds = || found.iter().map(|address| kind(*address));
        if self.known.is_empty() && kinds().any(|it| it == 0) && kinds().any(|it| it == 1) {
            self.last = kinds().next().map(|first| 1 - first);
        }
        for address in found {
            if !self.known.contains(&Destination::Tcp(address)) {
                self.known.push(Destination::Tcp(address));
                self.left[kind(address)].push_back(address);
            }
        }
        if over {
            self.lookup = None;
        }
        let waits = self.lookup.is_some() && self.left[0].is_empty() && self.last.is_none();
        self.patience = match self.patience {
            Some(until) if waits => Some(until),
            _ => waits
                .then(|| now.checked_add(timeouts.resolution_delay))
                .flatten(),
        };
        true
    }

    /// Says what to do next.
    pub(crate) fn turn(&mut self, timeouts: &Timeouts, now: Instant) -> NextAttempt {
        let late = |attempt: &Attempt| due(attempt.since, allowed(attempt, timeouts), now);
        if let Some(at) = self.running.iter().position(late) {
            let id = self.running[at].id;
            let late = crate::report::error::Late(allowed(&self.running[at], timeouts));
            let error = Error::peer("wire", late);
            self.lose(id, error, now);
            return NextAttempt::Close(id);
        }
        if let Some((_, since)) = self.lookup
            && due(since, timeouts.resolve, now)
        {
            if self.known.is_empty() {
                return NextAttempt::Late;
            }
            (self.lookup, self.patience) = (None, None);
        }
        let patient = self.patience.is_some_and(|until| now < until);
        let may = self.running.is_empty() || self.next.is_none_or(|next| next <= now);
        if may
            && !patient
            && let Some(to) = self.pop()
        {
            self.next = now.checked_add(timeouts.attempt_delay);
            return NextAttempt::Open(to);
        }
        if self.running.is_empty() && self.lookup.is_none() && !self.has_more() {
            return NextAttempt::Lost(std::mem::take(&mut self.failed));
        }
        let running = self.running.iter();
        let attempts = running.map(|it| (it.since, allowed(it, timeouts)));
        let lookup = self.lookup.map(|(_, since)| (since, timeouts.resolve));
        let ends = attempts.chain(lookup);
        let ends = ends.filter_map(|(since, allowed)| since.checked_add(allowed));
        let more = self.has_more() && !self.running.is_empty();
        let starts = self.next.filter(|_| more);
        let patience = self.patience.filter(|_| patient);
        NextAttempt::Wait(ends.chain(starts).chain(patience).min())
    }

    /// Says that what was popped is under way.
    pub(crate) fn started(&mut self, id: AttemptId, to: Destination, since: Instant) {
        self.running.push(Attempt { id, to, since });
    }

    /// Takes an attempt out that failed; the next one need not wait.
    pub(crate) fn lose(
        &mut self,
        id: AttemptId,
        error: Error,
        now: Instant,
    ) -> Option<Destination> {
        let at = self.running.iter().position(|attempt| attempt.id == id)?;
        let to = self.running.remove(at).to;
        self.failed.push(Unreached {
            to: to.clone(),
            error,
        });
        self.next = Some(now);
        Some(to)
    }

    /// Takes the winner, and those that lost.
    pub(crate) fn win(&mut self, id: AttemptId) -> Option<(Attempt, Vec<AttemptId>)> {
        let at = self.running.iter().position(|attempt| attempt.id == id)?;
        let winner = self.running.swap_remove(at);
        let losers = self.running.drain(..).map(|attempt| attempt.id).collect();
        self.lookup = None;
        Some((winner, losers))
    }

    /// Ends it, and returns the attempts that are to be closed.
    pub(crate) fn stop(&mut self) -> Vec<AttemptId> {
        self.lookup = None;
        self.running.drain(..).map(|attempt| attempt.id).collect()
    }

    fn has_more(&self) -> bool {
        !self.other.is_empty() || self.left.iter().any(|left| !left.is_empty())
    }

    fn pop(&mut self) -> Option<Destination> {
        if let Some(to) = self.other.pop_front() {
            return Some(to);
        }
        let turn = self.last.map_or(0, |last| 1 - last);
        let kind = if self.left[turn].is_empty() {
            1 - turn
        } else {
            turn
        };
        let address = self.left[kind].pop_front()?;
        self.last = Some(kind);
        Some(Destination::Tcp(address))
    }
}

/// How long an attempt may take. A connection for streams is a dialling of its own.
fn allowed(attempt: &Attempt, timeouts: &Timeouts) -> Duration {
    match attempt.to {
        Destination::Stream(_) => timeouts.total,
        _ => timeouts.connect,
    }
}

fn kind(address: SocketAddr) -> usize {
    usize::from(address.is_ipv4())
}

fn due(since: Instant, allowed: Duration, now: Instant) -> bool {
    since.checked_add(allowed).is_some_and(|due| due <= now)
}
