//! The race of the addresses of a name: Happy Eyeballs (RFC 8305).

use crate::dialer::step::Timeouts;
use crate::never::NEVER;
use crate::report::error::Unreached;
use crate::report::id::{AttemptId, Destination, LookupId};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::ops::Range;
use std::time::Duration;
use wirestack_layer::{Error, Instant, origin};

/// A look-up and the attempts to connect to its addresses. An attempt starts when the last one
/// failed or 250 ms after it; the first that opens wins.
pub(crate) struct HappyEyeballs {
    lookup: Option<(LookupId, Instant)>,
    /// All destinations that are known, tried or not.
    known: Vec<Destination>,
    /// The addresses of the look-up that are not tried yet: IPv6, then IPv4.
    untried: [VecDeque<SocketAddr>; 2],
    /// The places in `known` of the destinations that are tried first, in this order.
    first: Range<usize>,
    /// The family (an index of `untried`) that was tried last.
    last_family: Option<usize>,
    /// The end of the time in which IPv6 addresses may still arrive.
    wait_for_ipv6: Option<Instant>,
    running: Vec<Attempt>,
    /// The time from which another attempt may join those that run.
    next_start: Instant,
    failed: Vec<Unreached>,
}

#[derive(Clone)]
pub(crate) struct Attempt {
    pub(crate) id: AttemptId,
    pub(crate) to: Destination,
    since: Instant,
}

/// The next action of a race.
pub(crate) enum NextAttempt {
    Open(Destination),
    Close(AttemptId),
    Wait(Option<Instant>),
    /// The look-up took too long and found no address.
    LookupTimedOut,
    /// No destination is left.
    AllFailed(Vec<Unreached>),
}

impl HappyEyeballs {
    /// Starts a race with a look-up.
    pub(crate) fn looking_up(lookup: LookupId, now: Instant) -> Self {
        let mut race = Self::to(Vec::new());
        race.lookup = Some((lookup, now));
        race
    }

    /// Starts a race to known destinations, tried in this order.
    pub(crate) fn to(known: Vec<Destination>) -> Self {
        Self {
            lookup: None,
            first: 0..known.len(),
            known,
            untried: Default::default(),
            last_family: None,
            wait_for_ipv6: None,
            running: Vec::new(),
            next_start: Instant::ORIGIN,
            failed: Vec::new(),
        }
    }

    /// Returns the destination of an attempt.
    pub(crate) fn to_of(&self, id: AttemptId) -> Option<&Destination> {
        let mut running = self.running.iter();
        let attempt = running.find(|attempt| attempt.id == id)?;
        Some(&attempt.to)
    }

    /// Returns all known destinations for another race, with `first` at the head.
    pub(crate) fn again(self, first: &Destination) -> Vec<Destination> {
        let mut known = self.known;
        known.retain(|to| to != first);
        known.insert(0, first.clone());
        known
    }

    pub(crate) fn is_looking_up(&self) -> bool {
        self.lookup.is_some() && self.known.is_empty()
    }

    /// Takes addresses of the look-up; more may follow unless it is `over`. Returns `false` if the
    /// race does not wait for this look-up.
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
        // If the first answer has both families, the resolver's order decides which comes first.
        let families = || found.iter().map(|address| family(*address));
        let has = |wanted| families().any(|family| family == wanted);
        if self.known.is_empty() && has(IPV6) && has(IPV4) {
            self.last_family = families().next().map(other_family);
        }
        for address in found {
            if !self.known.contains(&Destination::Tcp(address)) {
                self.known.push(Destination::Tcp(address));
                self.untried[family(address)].push_back(address);
            }
        }
        if over {
            self.lookup = None;
        }
        let waits =
            self.lookup.is_some() && self.untried[IPV6].is_empty() && self.last_family.is_none();
        self.wait_for_ipv6 = match self.wait_for_ipv6 {
            _ if !waits => None,
            None => Some(now.checked_add(timeouts.resolution_delay).unwrap_or(NEVER)),
            until => until,
        };
        true
    }

    /// Returns the next action.
    pub(crate) fn next(&mut self, timeouts: &Timeouts, now: Instant) -> NextAttempt {
        let is_late = |attempt: &Attempt| is_due(attempt.since, allowed(attempt, timeouts), now);
        if let Some(late) = self.running.iter().find(|attempt| is_late(attempt)) {
            let id = late.id;
            let late = crate::report::error::Late(allowed(late, timeouts));
            let error = Error::peer(origin::WIRE, late);
            self.lose(id, error, now);
            return NextAttempt::Close(id);
        }
        if let Some((_, since)) = self.lookup
            && is_due(since, timeouts.resolve, now)
        {
            if self.known.is_empty() {
                return NextAttempt::LookupTimedOut;
            }
            (self.lookup, self.wait_for_ipv6) = (None, None);
        }
        let waits_for_ipv6 = self.wait_for_ipv6.is_some_and(|until| now < until);
        let may_start = self.running.is_empty() || self.next_start <= now;
        if may_start
            && !waits_for_ipv6
            && let Some(to) = self.take_next()
        {
            self.next_start = now.checked_add(timeouts.attempt_delay).unwrap_or(NEVER);
            return NextAttempt::Open(to);
        }
        if self.running.is_empty() && self.lookup.is_none() && !self.has_more() {
            return NextAttempt::AllFailed(std::mem::take(&mut self.failed));
        }
        let running = self.running.iter();
        let attempts = running.map(|attempt| (attempt.since, allowed(attempt, timeouts)));
        let lookup = self.lookup.map(|(_, since)| (since, timeouts.resolve));
        let ends = attempts.chain(lookup);
        let ends = ends.filter_map(|(since, allowed)| since.checked_add(allowed));
        let can_start = self.has_more() && !self.running.is_empty();
        let start = can_start.then_some(self.next_start);
        let ipv6 = self.wait_for_ipv6.filter(|_| waits_for_ipv6);
        NextAttempt::Wait(ends.chain(start).chain(ipv6).min())
    }

    /// Records that the attempt to a destination has started.
    pub(crate) fn started(&mut self, id: AttemptId, to: Destination, since: Instant) {
        self.running.push(Attempt { id, to, since });
    }

    /// Removes an attempt that failed, and lets the next one start at once.
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
        self.next_start = now;
        Some(to)
    }

    /// Ends the race, and returns the winner and the attempts that lost.
    pub(crate) fn win(&mut self, id: AttemptId) -> Option<(Attempt, Vec<AttemptId>)> {
        let at = self.running.iter().position(|attempt| attempt.id == id)?;
        let winner = self.running.swap_remove(at);
        let losers = self.running.drain(..).map(|attempt| attempt.id).collect();
        self.lookup = None;
        Some((winner, losers))
    }

    /// Ends the race, and returns the attempts to close.
    pub(crate) fn stop(&mut self) -> Vec<AttemptId> {
        self.lookup = None;
        self.running.drain(..).map(|attempt| attempt.id).collect()
    }

    fn has_more(&self) -> bool {
        !self.first.is_empty() || self.untried.iter().any(|family| !family.is_empty())
    }

    /// Takes the next destination; the families take turns (RFC 8305 §4).
    fn take_next(&mut self) -> Option<Destination> {
        if let Some(at) = self.first.next() {
            return self.known.get(at).cloned();
        }
        let wanted = self.last_family.map_or(IPV6, other_family);
        let family = if self.untried[wanted].is_empty() {
            other_family(wanted)
        } else {
            wanted
        };
        let address = self.untried[family].pop_front()?;
        self.last_family = Some(family);
        Some(Destination::Tcp(address))
    }
}

/// Returns the time that an attempt may take. A shared connection is dialed with all its own
/// timeouts.
fn allowed(attempt: &Attempt, timeouts: &Timeouts) -> Duration {
    match attempt.to {
        Destination::Stream(_) => timeouts.total,
        _ => timeouts.connect,
    }
}

fn family(address: SocketAddr) -> usize {
    if address.is_ipv4() { IPV4 } else { IPV6 }
}

fn other_family(family: usize) -> usize {
    1 - family
}

fn is_due(since: Instant, allowed: Duration, now: Instant) -> bool {
    since.checked_add(allowed).is_some_and(|due| due <= now)
}

const IPV6: usize = 0;
const IPV4: usize = 1;
