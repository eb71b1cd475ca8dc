mod failing;
pub(crate) mod happy_eyeballs;
mod opening;
pub(crate) mod proxy_auth;
pub(crate) mod step;

use crate::dialer::happy_eyeballs::{HappyEyeballs, NextAttempt};
use crate::dialer::proxy_auth::ProxyAuth;
use crate::dialer::step::{Step, Timeouts};
use crate::plan::Plan;
use crate::plan::hints::{RetryHints, SeedStream};
use crate::plan::path::{FirstHop, Route};
use crate::report::error::{Phase, Reason, Retry, RouteFailed};
use crate::report::event::Event;
use crate::report::id::{AttemptId, Destination, LookupId};
use crate::report::trace::Trace;
use crate::route::endpoint::Endpoint;
use std::collections::VecDeque;
use std::mem;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use wirestack_layer::Instant;
use wirestack_layer::{Error, Layer, Place, Seed};

/// Connecting, as a state machine: it says what to do and is told what happened, so that no driver
/// ever decides anything.
///
/// A driver calls [`step`](Self::step) until it says [`Wait`](Step::Wait), carries out what it says,
/// reports what happened, and calls `step` again. Whenever something moved in the stack of an open
/// attempt, it calls [`observe`](Self::observe).
///
/// The ways to the target are tried in order; on each, the addresses of the first name by Happy
/// Eyeballs (RFC 8305); a layer that needs a new connection gets one, five times at most; and so
/// often a redirect is followed, if that is wanted. Everything has a time-out.
pub struct Dialer<L: Layer> {
    plan: Plan<L>,
    seeds: SeedStream,
    timeouts: Timeouts,
    retries: usize,
    due: Option<Instant>,
    trace: Trace,
    /// The ways that are left, the present one first.
    routes: VecDeque<Route>,
    failed: Vec<RouteFailed>,
    redirects: Vec<Retry>,
    /// A stack that waits for an attempt to open.
    built: Option<L>,
    hints: RetryHints,
    proxy_auth: ProxyAuth,
    steps: VecDeque<Step>,
    ids: u32,
    state: State,
}

enum State {
    /// The ways are to be found.
    Start,
    /// The first way that is left is to be gone.
    Route,
    Racing(HappyEyeballs),
    Opening(OpeningAttempt),
    Ready(AttemptId),
    Over,
}

/// An open connection, and which layer is opening on it, since when.
struct OpeningAttempt {
    attempt: AttemptId,
    /// Where it leads, and what else is known.
    to: Destination,
    race: HappyEyeballs,
    open: usize,
    since: Instant,
    seen_before: u64,
    seen: u64,
    what: &'static str,
}

impl<L: Layer> Dialer<L>
where
    L::In: Default,
    L::Out: Default,
{
    /// Creates a dialer that starts at `now`. The seed is where all randomness of its layers comes
    /// from.
    pub fn new(plan: Plan<L>, timeouts: Timeouts, seed: Seed, now: Instant) -> Self {
        Self {
            trace: Trace::new(now),
            seeds: SeedStream::new(seed),
            timeouts,
            retries: RETRIES,
            due: now.checked_add(timeouts.total),
            routes: VecDeque::new(),
            failed: Vec::new(),
            redirects: Vec::new(),
            built: None,
            hints: RetryHints::default(),
            proxy_auth: ProxyAuth::default(),
            steps: VecDeque::new(),
            ids: 0,
            state: State::Start,
            plan,
        }
    }

    /// Sets how many new connections the layers may ask for on each way, how many redirects are
    /// followed, and how often each proxy may ask for credentials, instead of 5.
    #[must_use]
    pub fn with_retries(mut self, retries: usize) -> Self {
        self.retries = retries;
        self
    }

    /// Returns how long it may take.
    pub fn timeouts(&self) -> Timeouts {
        self.timeouts
    }

    /// Returns what was done so far.
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// Returns the next thing to do.
    pub fn step(&mut self, now: Instant) -> Step {
        loop {
            if let Some(step) = self.steps.pop_front() {
                return step;
            }
            let until = match &mut self.state {
                State::Ready(attempt) => return Step::Ready { attempt: *attempt },
                State::Over => return Step::Wait { until: None },
                _ if self.due.is_some_and(|due| due <= now) => {
                    self.time_out(self.timeouts.total, true, now);
                    continue;
                }
                State::Start => {
                    self.start(now);
                    continue;
                }
                State::Route => {
                    self.go(now);
                    continue;
                }
                State::Racing(race) => match race.turn(&self.timeouts, now) {
                    NextAttempt::Wait(until) => until,
                    turn => {
                        self.take_turn(turn, now);
                        continue;
                    }
                },
                State::Opening(opening) => {
                    let until = opening.since.checked_add(self.timeouts.layer);
                    let until = until.filter(|_| !self.proxy_auth.is_asking());
                    if until.is_some_and(|until| until <= now) {
                        self.time_out(self.timeouts.layer, false, now);
                        continue;
                    }
                    until
                }
            };
            let until = until.into_iter().chain(self.due).min();
            return Step::Wait { until };
        }
    }

    fn start(&mut self, now: Instant) {
        match self.plan.0.routes() {
            Ok(routes) => {
                // Those that failed are not gone again.
                self.routes = routes.into_iter().skip(self.failed.len()).collect();
                self.state = State::Route;
            }
            Err(error) => self.end(Reason::Invalid(error), now),
        }
    }

    /// Begins with the first way that is left.
    fn go(&mut self, now: Instant) {
        let Some(route) = self.routes.front() else {
            let reason = match self.failed.len() {
                1 => self.failed.pop().map(|failed| failed.reason),
                _ => None,
            };
            let tried = mem::take(&mut self.failed);
            return self.end(reason.unwrap_or(Reason::AllRoutesFailed { tried }), now);
        };
        if self.routes.len() + self.failed.len() > 1 {
            self.trace.add(now, Event::Route(route.name.clone()));
        }
        self.hints = RetryHints::default();
        self.proxy_auth = ProxyAuth::new(route, || self.seeds.seed());
        let first = route.first.clone();
        let later = matches!(&first, FirstHop::Shared(share) if share.is_origin);
        if !later && !self.build(now) {
            return;
        }
        self.state = State::Racing(match first {
            FirstHop::Shared(share) => HappyEyeballs::to(vec![Destination::Stream(share)]),
            FirstHop::Unix(path) => HappyEyeballs::to(vec![Destination::Unix(path)]),
            FirstHop::Endpoint(Endpoint { host, port }) => match host.parse::<IpAddr>() {
                Ok(ip) => HappyEyeballs::to(vec![Destination::Tcp(SocketAddr::new(ip, port))]),
                Err(_) => {
                    let lookup = LookupId(self.id());
                    let endpoint = Endpoint { host, port };
                    let host = endpoint.host.clone();
                    self.trace.add(now, Event::Resolving(endpoint));
                    let resolve = Step::Resolve { lookup, host, port };
                    self.steps.push_back(resolve);
                    HappyEyeballs::looking_up(lookup, now)
                }
            },
        });
    }

    fn build(&mut self, now: Instant) -> bool {
        let Some(route) = self.routes.front() else {
            return false;
        };
        match self.plan.0.build(route, &mut self.seeds, &self.hints) {
            Ok(layer) => self.built = Some(layer),
            // What an earlier connection failed with, and a new one would.
            Err(error) if matches!(error.place(), Place::Layer(_)) => {
                let reason = self.at_layer(error, 0);
                self.end(reason, now);
            }
            Err(error) => self.end(Reason::Invalid(error), now),
        }
        self.built.is_some()
    }

    fn id(&mut self) -> u32 {
        self.ids += 1;
        self.ids
    }

    fn take_turn(&mut self, turn: NextAttempt, now: Instant) {
        match turn {
            NextAttempt::Open(to) => {
                let attempt = AttemptId(self.id());
                if let State::Racing(race) = &mut self.state {
                    race.started(attempt, to.clone(), now);
                }
                let event = Event::Connecting {
                    attempt,
                    to: to.clone(),
                };
                self.trace.add(now, event);
                self.steps.push_back(Step::Open { attempt, to });
            }
            NextAttempt::Close(attempt) => {
                self.trace.add(now, Event::Closed { attempt });
                self.steps.push_back(Step::Close { attempt });
            }
            NextAttempt::Late => self.time_out(self.timeouts.resolve, false, now),
            NextAttempt::Lost(tried) => {
                let part = self.part(0);
                self.next_route(Reason::Unreached { part, tried }, now);
            }
            NextAttempt::Wait(_) => {}
        }
    }

    /// Gives up what is under way because it, or everything, takes too long.
    fn time_out(&mut self, after: Duration, all: bool, now: Instant) {
        let (phase, place, seen) = match &self.state {
            State::Opening(it) if self.proxy_auth.is_asking() => (Phase::Ask, it.open, 0),
            State::Opening(it) => (Phase::Layer(it.what), it.open, it.seen - it.seen_before),
            State::Racing(race) if !race.is_looking_up() => (Phase::Connect, 0, 0),
            _ => (Phase::Resolve, 0, 0),
        };
        let part = self.part(place);
        let reason = Reason::TimedOut {
            after,
            part,
            phase,
            seen,
        };
        match all {
            true => self.end(reason, now),
            false => self.next_route(reason, now),
        }
    }

    /// Takes what was found for a look-up so far; more will follow.
    pub fn found(&mut self, lookup: LookupId, found: Vec<SocketAddr>, now: Instant) {
        if let State::Racing(race) = &mut self.state {
            let n = found.len();
            if race.found(lookup, found, false, &self.timeouts, now) {
                self.trace.add(now, Event::Resolved(n));
            }
        }
    }

    /// Takes what was found for a look-up, or the rest of it.
    pub fn resolved(
        &mut self,
        lookup: LookupId,
        found: Result<Vec<SocketAddr>, Error>,
        now: Instant,
    ) {
        let State::Racing(race) = &mut self.state else {
            return;
        };
        let (found, error) = match found {
            Ok(found) => (found, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        let n = found.len();
        let alone = race.is_looking_up();
        if !race.found(lookup, found, true, &self.timeouts, now) {
            return;
        }
        match error {
            Some(error) => {
                self.trace.add(now, Event::NotResolved(error.to_string()));
                if alone {
                    let part = self.part(0);
                    self.next_route(Reason::NotResolved { part, error }, now);
                }
            }
            // The rest may be nothing, which tells nothing.
            None if n > 0 || alone => self.trace.add(now, Event::Resolved(n)),
            None => {}
        }
    }

    /// Says that an attempt could not be opened, and why.
    pub fn refused(&mut self, attempt: AttemptId, error: Error, now: Instant) {
        let State::Racing(race) = &mut self.state else {
            return;
        };
        if let Some(Destination::Stream(share)) = race.to_of(attempt) {
            let share = share.clone();
            return self.no_stream(attempt, share, error, now);
        }
        let why = error.to_string();
        if let Some(to) = race.lose(attempt, error, now) {
            self.trace.add(now, Event::Refused { attempt, to, why });
            self.steps.push_back(Step::Close { attempt });
        }
    }
}

/// How often each may be wanted: a new connection, a redirect, credentials.
const RETRIES: usize = 5;
