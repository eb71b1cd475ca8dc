//! The state machine that connects.

mod failing;
pub(crate) mod finding;
pub(crate) mod happy_eyeballs;
mod opening;
pub(crate) mod proxy_auth;
mod racing;
mod routing;
pub(crate) mod step;

use crate::dialer::finding::Finding;
use crate::dialer::happy_eyeballs::{HappyEyeballs, NextAttempt};
use crate::dialer::proxy_auth::ProxyAuth;
use crate::dialer::step::{Step, Timeouts};
use crate::plan::Plan;
use crate::plan::hints::{RetryHints, SeedStream};
use crate::plan::route::{FirstHop, Route};
use crate::plan::tls_task::TlsTask;
use crate::report::error::{Phase, Reason, Retry, RouteFailed};
use crate::report::event::Event;
use crate::report::id::{AttemptId, Destination, LookupId};
use crate::report::route_taken::RouteTaken;
use crate::report::trace::Trace;
use crate::route::login::MakeScheme;
use std::collections::VecDeque;
use std::fmt;
use std::mem;
use std::sync::Arc;
use std::time::Duration;
use wirestack_layer::{Instant, Layer, Place};

/// The state machine that carries out a [`Plan`]: it tells a driver each [`Step`], and the driver
/// tells it the results.
///
/// A driver calls [`step`](Self::step) until it returns [`Wait`](Step::Wait), carries out each
/// step, reports the results, and calls `step` again. Whenever something moved in the stack of an
/// open attempt, it calls [`observe`](Self::observe).
///
/// It tries the routes to the target in order. On each route it races the addresses of the first
/// name by Happy Eyeballs (RFC 8305). A layer that needs a new connection gets one, at most five
/// times. If the plan follows redirects, it follows at most five. Everything has a timeout.
///
/// ```
/// use wirestack_dial::{Dialer, Plan, Routes, Step, Target, Timeouts};
/// use wirestack_layer::{Instant, Seed};
///
/// let target: Target = "tcp://example.org:22".parse()?;
/// let plan = Plan::stream(Routes::direct(), target, None, None)?;
/// let (seed, now) = (Seed::new([7; 32]), Instant::ORIGIN);
/// let mut dialer = Dialer::new(plan, Timeouts::default(), seed, now).with_retries(1);
/// let Step::Resolve { lookup, .. } = dialer.step(now) else { panic!("a name is looked up") };
/// dialer.resolved(lookup, Ok(vec!["192.0.2.7:22".parse()?]), now);
/// let Step::Open { attempt, .. } = dialer.step(now) else { panic!("an address is known") };
/// assert!(dialer.opened(attempt, now).is_some());
/// assert!(dialer.trace().events().count() > 2 && dialer.timeouts() == Timeouts::default());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Dialer<L: Layer> {
    plan: Plan<L>,
    seeds: SeedStream,
    timeouts: Timeouts,
    retries: usize,
    due: Option<Instant>,
    trace: Trace,
    /// The routes that are left, the present one first.
    routes: VecDeque<Route>,
    failed: Vec<RouteFailed>,
    redirects: Vec<Retry>,
    /// The stack for the attempt that opens first.
    built: Option<L>,
    hints: RetryHints,
    proxy_auth: ProxyAuth,
    /// Makes the scheme of the user who is logged in.
    ticket: Option<Arc<MakeScheme>>,
    steps: VecDeque<Step>,
    ids: u32,
    /// The number of sources that have been asked for the routes to the present target.
    sources: usize,
    /// The route of the connection that is ready.
    taken: Option<RouteTaken>,
    state: State,
}

enum State {
    /// Before the routes are known.
    Start,
    /// The routes are being found.
    Finding(Finding),
    /// Before the first of the routes that are left is tried.
    Route,
    /// The TLS settings of the present route are being made.
    MakingTls,
    Racing(HappyEyeballs),
    Opening(OpeningAttempt),
    Ready(AttemptId),
    Over,
}

/// An open connection whose layers open one after another, from the wire up.
struct OpeningAttempt {
    attempt: AttemptId,
    to: Destination,
    /// The race that the attempt won; it knows the other addresses.
    race: HappyEyeballs,
    /// The number of layers that are open.
    open: usize,
    /// The time when the present layer began to open.
    since: Instant,
    /// The number of bytes that had been received then.
    seen_before: u64,
    /// The number of bytes that have been received.
    seen: u64,
    /// The message that the present layer waits for.
    what: &'static str,
}

impl<L: Layer> Dialer<L>
where
    L::In: Default,
    L::Out: Default,
{
    /// Creates a dialer that starts at `now`. All randomness of its layers comes from the seed: a
    /// [`Seed`](wirestack_layer::Seed), or a [`SeedStream`] that draws one if it is needed.
    pub fn new(
        plan: Plan<L>,
        timeouts: Timeouts,
        seed: impl Into<SeedStream>,
        now: Instant,
    ) -> Self {
        Self {
            trace: Trace::new(now),
            seeds: seed.into(),
            timeouts,
            retries: DEFAULT_RETRIES,
            due: now.checked_add(timeouts.total),
            routes: VecDeque::new(),
            failed: Vec::new(),
            redirects: Vec::new(),
            built: None,
            hints: RetryHints::default(),
            proxy_auth: ProxyAuth::default(),
            ticket: None,
            steps: VecDeque::with_capacity(1), // most dialings have one at a time
            ids: 0,
            sources: 0,
            taken: None,
            state: State::Start,
            plan,
        }
    }

    /// Sets three limits, which are 5 by default: new connections that layers may ask for on each
    /// route, redirects, and challenges of each proxy.
    #[must_use]
    pub fn with_retries(mut self, retries: usize) -> Self {
        self.retries = retries;
        self
    }

    /// Returns the timeouts.
    pub fn timeouts(&self) -> Timeouts {
        self.timeouts
    }

    /// Returns the record of all steps so far.
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// Takes the record of all steps so far. It begins anew.
    ///
    /// ```
    /// use wirestack_dial::{Dialer, Plan, Routes, Timeouts};
    /// use wirestack_layer::{Instant, Seed};
    ///
    /// let target = "tcp://192.0.2.7:22".parse()?;
    /// let plan = Plan::stream(Routes::direct(), target, None, None)?;
    /// let (seed, now) = (Seed::new([7; 32]), Instant::ORIGIN);
    /// let mut dialer = Dialer::new(plan, Timeouts::default(), seed, now);
    /// dialer.step(now);
    /// assert!(dialer.take_trace().events().count() > 0 && dialer.trace().events().count() == 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn take_trace(&mut self) -> Trace {
        self.trace.take()
    }

    /// Returns the route by which the connection was opened, once there is
    /// [one](Step::Ready).
    ///
    /// ```
    /// use wirestack_dial::{Dialer, RouteTaken};
    /// use wirestack_nest::BoxTunnel;
    ///
    /// /// Says how the connection was made, once `Step::Ready` has come.
    /// fn log(dialer: &Dialer<BoxTunnel>) -> String {
    ///     dialer.route_taken().map_or("not open".to_owned(), RouteTaken::to_string)
    /// }
    /// ```
    pub fn route_taken(&self) -> Option<&RouteTaken> {
        self.taken.as_ref()
    }

    /// Returns the next step for the driver.
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
                    self.look_for_routes(now);
                    continue;
                }
                State::Finding(finding) => {
                    let until = finding.since.checked_add(self.timeouts.find_routes);
                    if until.is_some_and(|until| until <= now) {
                        self.time_out(self.timeouts.find_routes, true, now);
                        continue;
                    }
                    until
                }
                State::Route => {
                    self.try_next_route(now);
                    continue;
                }
                State::MakingTls => None,
                State::Racing(race) => match race.next(&self.timeouts, now) {
                    NextAttempt::Wait(until) => until,
                    next => {
                        self.apply_next_attempt(next, now);
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

    fn list_routes(&mut self, now: Instant) {
        if self.failed.is_empty() && self.redirects.is_empty() {
            for skipped in self.plan.0.skipped() {
                self.trace.add(now, Event::RouteSkipped(skipped.clone()));
            }
        }
        match self.plan.0.routes() {
            Ok(routes) => {
                // After `unshare` the routes are listed again: those that failed come first.
                self.routes = routes.into_iter().skip(self.failed.len()).collect();
                self.state = State::Route;
            }
            Err(error) => self.end(Reason::Invalid(error), now),
        }
    }

    fn try_next_route(&mut self, now: Instant) {
        let Some(route) = self.routes.front() else {
            let reason = match self.failed.len() {
                1 => self.failed.pop().map(|failed| failed.reason),
                _ => None,
            };
            let tried = mem::take(&mut self.failed);
            return self.end(reason.unwrap_or(Reason::AllRoutesFailed { tried }), now);
        };
        if self.routes.len() + self.failed.len() > 1 {
            self.trace.add(now, Event::Route(route.name()));
        }
        self.hints = RetryHints::default();
        self.proxy_auth = ProxyAuth::default();
        let first = route.first.clone();
        // On a stream to the target, the stack is built with the response that opens the stream.
        let is_built_later = matches!(
            &first,
            FirstHop::Known(Destination::Stream(share)) if share.is_origin
        );
        let task = (!is_built_later).then(|| self.plan.0.tls_task(route));
        if let Some(task) = task.flatten() {
            self.trace.add(now, Event::MakingTls);
            self.steps.push_back(Step::MakeTls { task });
            self.state = State::MakingTls;
            return;
        }
        self.start_route(first, is_built_later, now);
    }

    /// Takes the TLS settings that were made, or `None` if the work never ran.
    ///
    /// ```
    /// use wirestack_dial::{Dialer, Plan, Routes, Step, Timeouts};
    /// use wirestack_layer::{Instant, Seed};
    ///
    /// let now = Instant::ORIGIN;
    /// let plan = Plan::stream(Routes::direct(), "tls://192.0.2.7:443".parse()?, None, None)?;
    /// let mut dialer = Dialer::new(plan, Timeouts::default(), Seed::new([7; 32]), now);
    /// let Step::MakeTls { mut task } = dialer.step(now) else { panic!("it has no settings yet") };
    /// task.run(); // on a thread that may block: it reads the system's roots
    /// dialer.made_tls(Some(task), now);
    /// assert!(matches!(dialer.step(now), Step::Open { .. } | Step::Failed(_)));
    /// # Ok::<(), wirestack_dial::RouteError>(())
    /// ```
    pub fn made_tls(&mut self, task: Option<TlsTask>, now: Instant) {
        let State::MakingTls = self.state else {
            return;
        };
        self.trace.add(now, Event::MadeTls);
        match task.and_then(TlsTask::into_made) {
            Some(Ok(made)) => self.plan.0.set_tls(made),
            Some(Err(error)) => return self.end(Reason::Invalid(error), now),
            // They are made where they are needed.
            None => {}
        }
        if let Some(route) = self.routes.front() {
            let first = route.first.clone();
            self.start_route(first, false, now);
        }
    }

    /// Builds the stack for the present route, and looks for the first address.
    fn start_route(&mut self, first: FirstHop, is_built_later: bool, now: Instant) {
        if !is_built_later && !self.build(now) {
            return;
        }
        self.state = State::Racing(match first {
            FirstHop::Known(to) => HappyEyeballs::to(vec![to]),
            FirstHop::Name(endpoint) => {
                let lookup = LookupId(self.next_id());
                let (host, port) = (endpoint.host.clone(), endpoint.port);
                self.trace.add(now, Event::Resolving(endpoint));
                let resolve = Step::Resolve { lookup, host, port };
                self.steps.push_back(resolve);
                HappyEyeballs::looking_up(lookup, now)
            }
        });
    }

    /// Builds the stack for the next connection. Returns `false` after it ended the dialing
    /// instead.
    fn build(&mut self, now: Instant) -> bool {
        let Some(route) = self.routes.front() else {
            return false;
        };
        match self.plan.0.build(route, &mut self.seeds, &self.hints) {
            Ok(layer) => self.built = Some(layer),
            // An error of an earlier connection: a new one would fail with it again.
            Err(error) if matches!(error.place(), Place::Layer(_)) => {
                let reason = self.at_layer(error, 0);
                self.end(reason, now);
            }
            Err(error) => self.end(Reason::Invalid(error), now),
        }
        self.built.is_some()
    }

    fn next_id(&mut self) -> u32 {
        self.ids += 1;
        self.ids
    }

    /// Gives up the present route, or all of them, because `after` has passed.
    fn time_out(&mut self, after: Duration, all: bool, now: Instant) {
        let (phase, place, seen) = match &self.state {
            State::Opening(opening) if self.proxy_auth.is_asking() => (Phase::Ask, opening.open, 0),
            State::Opening(at) if self.proxy_auth.is_waiting() => (Phase::LogIn, at.open, 0),
            State::Opening(opening) => {
                let seen = opening.seen - opening.seen_before;
                (Phase::Layer(opening.what), opening.open, seen)
            }
            State::Racing(race) if !race.is_looking_up() => (Phase::Connect, 0, 0),
            State::MakingTls => (Phase::MakeTls, 0, 0),
            State::Finding(finding) => (Phase::FindRoutes(finding.what), 0, 0),
            _ => (Phase::Resolve, 0, 0),
        };
        let part = match &self.state {
            State::Finding(finding) => finding.source.clone(),
            _ => self.part(place),
        };
        let reason = Reason::TimedOut {
            after,
            part,
            phase,
            seen,
        };
        if all {
            self.end(reason, now);
        } else {
            self.next_route(reason, now);
        }
    }
}

impl<L: Layer> fmt::Debug for Dialer<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dialer")
            .field("plan", &self.plan)
            .finish_non_exhaustive()
    }
}

/// The default limit of new connections, of redirects, and of challenges.
const DEFAULT_RETRIES: usize = 5;
