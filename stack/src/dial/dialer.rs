use super::desk::{Desks, Outcome};
use super::error::{DialError, Phase, Reason, Retry, WayFailed};
use super::learnt::{Learnt, Seeds};
use super::opening::RedirectError;
use super::plan::Plan;
use super::race::{Race, Turn};
use super::step::{AttemptId, Destination, Job, LookupId, QuestionId, Step, Timeouts};
use super::trace::{Event, Trace};
use super::url::Endpoint;
use super::way::{First, Way};
use crate::auth::{Credentials, Input};
use crate::{End, Engine, Error, Flow, Layer, Place, Progress, Seed};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use std::collections::VecDeque;
use std::mem;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};
use wirestack_http1 as http1;
use wirestack_http2 as http2;

/// Connecting, as a state machine: it says what to do and is told what happened, so that no driver
/// ever decides anything.
///
/// A driver calls [`step`](Self::step) until it says [`Wait`](Step::Wait), carries out what it says,
/// reports what happened, and calls `step` again. Whenever something moved in the stack of an open
/// attempt, and after each answer to a question, it calls [`observe`](Self::observe).
///
/// The ways to the target are tried in order; on each, the addresses of the first name by Happy
/// Eyeballs (RFC 8305); a layer that needs a new connection gets one, five times at most; and so
/// often a redirect is followed, if that is wanted. Everything has a time-out.
pub struct Dialer<L: Layer> {
    plan: Plan<L>,
    seeds: Seeds,
    timeouts: Timeouts,
    retries: usize,
    due: Option<Instant>,
    trace: Trace,
    /// The ways that are left, the present one first.
    ways: VecDeque<Way>,
    failed: Vec<WayFailed>,
    redirects: Vec<Retry>,
    /// A stack that waits for an attempt to open.
    built: Option<L>,
    learnt: Learnt,
    desks: Desks,
    /// What the authenticator of a hop said when it would not go on.
    given_up: Option<GivenUp>,
    steps: VecDeque<Step>,
    ids: u32,
    state: State,
}

enum GivenUp {
    Because(String),
    /// It wants a new connection.
    ToReconnect,
}

enum State {
    /// The ways are to be found.
    Start,
    /// The first way that is left is to be gone.
    Way,
    Racing(Race),
    Opening(Opening),
    Ready(AttemptId),
    Over,
}

/// An open connection, and which layer is opening on it, since when.
struct Opening {
    attempt: AttemptId,
    /// Where it leads, and what else is known.
    to: Destination,
    race: Race,
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
            seeds: Seeds::new(seed),
            timeouts,
            retries: RETRIES,
            due: now.checked_add(timeouts.total),
            ways: VecDeque::new(),
            failed: Vec::new(),
            redirects: Vec::new(),
            built: None,
            learnt: Learnt::default(),
            desks: Desks::default(),
            given_up: None,
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
                State::Way => {
                    self.go(now);
                    continue;
                }
                State::Racing(race) => match race.turn(&self.timeouts, now) {
                    Turn::Wait(until) => until,
                    turn => {
                        self.take_turn(turn, now);
                        continue;
                    }
                },
                State::Opening(opening) => {
                    let until = opening.since.checked_add(self.timeouts.layer);
                    let until = until.filter(|_| !self.desks.is_asking());
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
        match self.plan.0.ways() {
            Ok(ways) => {
                self.ways = ways.into();
                self.state = State::Way;
            }
            Err(error) => self.end(Reason::Invalid(error), now),
        }
    }
    /// Begins with the first way that is left.
    fn go(&mut self, now: Instant) {
        let Some(way) = self.ways.front() else {
            let reason = match self.failed.len() {
                1 => self.failed.pop().map(|failed| failed.reason),
                _ => None,
            };
            let tried = mem::take(&mut self.failed);
            return self.end(reason.unwrap_or(Reason::NoWay { tried }), now);
        };
        if self.ways.len() + self.failed.len() > 1 {
            self.trace.add(now, Event::Way(way.name.clone()));
        }
        self.learnt = Learnt::default();
        self.desks = Desks::new(way, || self.seeds.seed());
        let first = way.first.clone();
        if !self.build(now) {
            return;
        }
        self.state = State::Racing(match first {
            First::Unix(path) => Race::to(vec![Destination::Unix(path)]),
            First::Endpoint(Endpoint { host, port }) => match host.parse::<IpAddr>() {
                Ok(ip) => Race::to(vec![Destination::Tcp(SocketAddr::new(ip, port))]),
                Err(_) => {
                    let lookup = LookupId(self.id());
                    let endpoint = Endpoint { host, port };
                    let host = endpoint.host.clone();
                    self.trace.add(now, Event::Resolving(endpoint));
                    let resolve = Step::Resolve { lookup, host, port };
                    self.steps.push_back(resolve);
                    Race::looking_up(lookup, now)
                }
            },
        });
    }
    fn build(&mut self, now: Instant) -> bool {
        let Some(way) = self.ways.front() else {
            return false;
        };
        match self.plan.0.build(way, &mut self.seeds, &self.learnt) {
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
    fn take_turn(&mut self, turn: Turn, now: Instant) {
        match turn {
            Turn::Open(to) => {
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
            Turn::Close(attempt) => {
                self.trace.add(now, Event::Closed { attempt });
                self.steps.push_back(Step::Close { attempt });
            }
            Turn::Late => self.time_out(self.timeouts.resolve, false, now),
            Turn::Lost(tried) => {
                let part = self.part(0);
                self.next_way(Reason::Unreached { part, tried }, now);
            }
            Turn::Wait(_) => {}
        }
    }
    /// Gives up what is under way because it, or everything, takes too long.
    fn time_out(&mut self, after: Duration, all: bool, now: Instant) {
        let (phase, place, seen) = match &self.state {
            State::Opening(it) if self.desks.is_asking() => (Phase::Ask, it.open, 0),
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
            false => self.next_way(reason, now),
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
                    self.next_way(Reason::NotResolved { part, error }, now);
                }
            }
            None => self.trace.add(now, Event::Resolved(n)),
        }
    }
    /// Says that the connection of an attempt is open, and returns the stack to drive on it; `None`
    /// if the attempt is no longer wanted.
    pub fn opened(&mut self, attempt: AttemptId, now: Instant) -> Option<Engine<L>> {
        let State::Racing(race) = &mut self.state else {
            return None;
        };
        let (winner, losers) = race.win(attempt)?;
        let layer = self.built.take()?;
        let race = mem::replace(race, Race::to(Vec::new()));
        let to = winner.to;
        let event = Event::Connected {
            attempt,
            to: to.clone(),
        };
        self.trace.add(now, event);
        for attempt in losers {
            self.trace.add(now, Event::Closed { attempt });
            self.steps.push_back(Step::Close { attempt });
        }
        self.state = State::Opening(Opening {
            attempt,
            to,
            race,
            open: 0,
            since: now,
            seen_before: 0,
            seen: 0,
            what: "the first bytes",
        });
        Some(Engine::new(layer))
    }
    /// Says that an attempt could not be opened, and why.
    pub fn refused(&mut self, attempt: AttemptId, error: Error, now: Instant) {
        let State::Racing(race) = &mut self.state else {
            return;
        };
        let why = error.to_string();
        if let Some(to) = race.lose(attempt, error, now) {
            self.trace.add(now, Event::Refused { attempt, to, why });
            self.steps.push_back(Step::Close { attempt });
        }
    }
    /// Answers [`Step::Ask`]; `None` if nobody knows.
    pub fn credentials(&mut self, question: QuestionId, given: Option<Credentials>, now: Instant) {
        self.desks.answer(question, Input::Credentials(given));
        self.answered(now);
    }
    /// Answers [`Step::Exchange`].
    pub fn replied(&mut self, question: QuestionId, reply: Result<Bytes, Error>, now: Instant) {
        self.desks.answer(question, Input::Reply(reply));
        self.answered(now);
    }
    /// Takes back the work of [`Step::Run`] when it has run.
    pub fn ran(&mut self, job: Job, now: Instant) {
        self.desks.take_back(job);
        self.answered(now);
    }
    fn answered(&mut self, now: Instant) {
        if let State::Opening(opening) = &mut self.state {
            opening.since = now;
            self.trace.add(now, Event::Answered);
        }
    }
    /// Looks at the stack of an attempt, after each time that something moved in it.
    pub fn observe(&mut self, attempt: AttemptId, engine: &mut Engine<L>, now: Instant) {
        if !matches!(&self.state, State::Opening(it) if it.attempt == attempt) {
            return;
        }
        let mut open = self.look(engine, now);
        while self.serve(open, engine, now) {
            engine.process(now);
            open = self.look(engine, now);
        }
        if engine.is_open() {
            self.trace.add(now, Event::Ready);
            self.state = State::Ready(attempt);
            return;
        }
        match engine.to_app().closed() {
            None => {}
            Some(End::Aborted(error)) => {
                let error = error.clone();
                let ended = engine.from_wire().closed().is_some();
                self.layer_failed(error, open, ended, now);
            }
            Some(End::Finished) => {
                let error = Error::peer("dialer", EndedEarly).at(Place::Layer(open));
                self.layer_failed(error, open, true, now);
            }
        }
    }
    /// Notes which layers are open; returns how many.
    fn look(&mut self, engine: &mut Engine<L>, now: Instant) -> usize {
        let layers = engine.describe();
        let open = layers.iter().take_while(|layer| layer.open).count();
        let State::Opening(opening) = &mut self.state else {
            return open;
        };
        let before = opening.open;
        opening.seen = engine.from_wire().total();
        if open > before {
            (opening.open, opening.since) = (open, now);
            opening.seen_before = opening.seen;
        }
        if let Some(Progress::Opening(what)) = layers.get(open).map(|layer| layer.progress) {
            opening.what = what;
        }
        for (place, layer) in layers.iter().enumerate().take(open).skip(before) {
            let event = Event::LayerOpen {
                name: layer.name,
                part: self.part(place),
                facts: layer.facts.clone(),
            };
            self.trace.add(now, event);
        }
        open
    }
    /// Lets the authenticator of a hop answer for the layer that waits for it; whether the stack can
    /// go on.
    fn serve(&mut self, open: usize, engine: &mut Engine<L>, now: Instant) -> bool {
        let Some(way) = self.ways.front() else {
            return false;
        };
        let ids = &mut self.ids;
        let id = || {
            *ids += 1;
            QuestionId(*ids)
        };
        match self.desks.serve(way, open, engine, self.retries, id) {
            Outcome::Nothing => return false,
            Outcome::Told => return true,
            Outcome::GaveUp(why) => self.given_up = Some(GivenUp::Because(why)),
            Outcome::Reconnect => self.given_up = Some(GivenUp::ToReconnect),
            Outcome::Ask(step) => {
                let what = match &step {
                    Step::Ask { asked, .. } => format!("credentials for {}", asked.hop),
                    Step::Exchange { .. } => "an exchange with another server".to_owned(),
                    _ => "work that takes time".to_owned(),
                };
                self.trace.add(now, Event::Asking(what));
                self.steps.push_back(step);
                return false;
            }
        }
        true
    }
    fn layer_failed(&mut self, error: Error, open: usize, ended: bool, now: Instant) {
        self.trace.add(now, Event::Failed(error.to_string()));
        let given_up = self.given_up.take();
        let again = match &given_up {
            Some(GivenUp::ToReconnect) => true,
            Some(GivenUp::Because(_)) => false,
            None => error.new_connection().is_some(),
        };
        if again {
            return self.again(error, now);
        }
        let place = match error.place() {
            Place::Layer(place) => place,
            _ => open,
        };
        let of_target = self.ways.front().is_none_or(|way| way.hop(place).is_none());
        let refusal = refusal(&error).map(|(status, fields)| (status, fields.clone()));
        if let Some((status, fields)) = refusal.as_ref().filter(|_| of_target)
            && self.redirected(*status, fields, now)
        {
            return;
        }
        let reason = match given_up {
            Some(GivenUp::Because(why)) => {
                let part = self.part(place);
                Reason::NotAuthenticated { part, error, why }
            }
            _ => self.at_layer(error, open),
        };
        // What the target says, it would say by any way.
        match of_target && (refusal.is_some() || !ended) {
            true => self.end(reason, now),
            false => self.next_way(reason, now),
        }
    }
    /// Connects once more, as a layer wishes.
    fn again(&mut self, error: Error, now: Instant) {
        self.trace.add(now, Event::Again(error.to_string()));
        self.learnt.add(error);
        if self.learnt.len() > self.retries {
            let chain = mem::take(&mut self.learnt).into_chain();
            let chain = chain.into_iter().map(Retry::Layer).collect();
            return self.next_way(Reason::TooManyConnections { chain }, now);
        }
        self.desks.disconnect();
        let State::Opening(opening) = mem::replace(&mut self.state, State::Way) else {
            return;
        };
        let attempt = opening.attempt;
        self.steps.push_back(Step::Close { attempt });
        if self.build(now) {
            // What answered once is asked first again.
            let known = opening.race.again(&opening.to);
            self.state = State::Racing(Race::to(known));
        }
    }
    /// Follows a redirect of the target; whether that is what its answer was.
    fn redirected(&mut self, status: StatusCode, fields: &HeaderMap, now: Instant) -> bool {
        let follows = matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308);
        let location = fields.get(header::LOCATION).filter(|_| follows);
        let Some(location) = location.and_then(|it| str::from_utf8(it.as_bytes()).ok()) else {
            return false;
        };
        let part = self.part(usize::MAX);
        let Some(followed) = self.plan.0.follow(location) else {
            return false;
        };
        let status = status.as_u16();
        let to = self.plan.0.target();
        let many = self.redirects.len() >= self.retries;
        let error = match followed {
            Ok(()) if many => Some(RedirectError::TooMany),
            Ok(()) => None,
            Err(error) => Some(error),
        };
        let shown = location.split(['?', '#']).next().unwrap_or_default();
        let shown = if error.is_none() { &to } else { shown };
        let retry = Retry::Redirect {
            status,
            to: shown.to_owned(),
        };
        self.redirects.push(retry);
        if let Some(error) = error {
            let chain = mem::take(&mut self.redirects);
            self.end(Reason::Redirect { part, error, chain }, now);
            return true;
        }
        self.trace.add(now, Event::Redirected { status, to });
        self.close(now);
        self.failed.clear();
        self.state = State::Start;
        true
    }
    fn at_layer(&self, error: Error, open: usize) -> Reason {
        let place = match error.place() {
            Place::Layer(place) => place,
            _ => open,
        };
        let part = self.part(place);
        Reason::Layer { part, error }
    }
    fn part(&self, place: usize) -> String {
        let way = self.ways.front();
        way.map_or_else(|| self.plan.0.target(), |way| way.part(place))
    }
    /// Leaves this way and takes the next one.
    fn next_way(&mut self, reason: Reason, now: Instant) {
        self.close(now);
        self.built = None;
        if let Some(way) = self.ways.pop_front() {
            let way = way.name;
            self.failed.push(WayFailed { way, reason });
        }
        self.state = State::Way;
    }
    /// Closes every attempt.
    fn close(&mut self, now: Instant) {
        self.desks.disconnect();
        match mem::replace(&mut self.state, State::Over) {
            State::Opening(Opening { attempt, .. }) => {
                self.steps.push_back(Step::Close { attempt });
            }
            State::Racing(mut race) => {
                for attempt in race.stop() {
                    self.trace.add(now, Event::Closed { attempt });
                    self.steps.push_back(Step::Close { attempt });
                }
            }
            _ => {}
        }
    }
    fn end(&mut self, reason: Reason, now: Instant) {
        self.close(now);
        let reason = match (self.failed.is_empty(), self.ways.pop_front()) {
            (false, Some(way)) => {
                let mut tried = mem::take(&mut self.failed);
                let way = way.name;
                tried.push(WayFailed { way, reason });
                Reason::NoWay { tried }
            }
            _ => reason,
        };
        let error = DialError::new(reason, self.trace.clone());
        self.steps.push_back(Step::Failed(error));
    }
}

/// The final response that says no, if that is what an error is about.
fn refusal(error: &Error) -> Option<(StatusCode, &HeaderMap)> {
    if let Some(http1::Cause::Refused(refusal)) = error.cause() {
        return Some((refusal.status, &refusal.headers));
    }
    match error.cause() {
        Some(http2::Cause::Refused(refusal)) => Some((refusal.status, &refusal.headers)),
        _ => None,
    }
}

#[derive(Debug, thiserror::Error)]
#[error("ended before every layer was open")]
struct EndedEarly;

/// How often each may be wanted: a new connection, a redirect, credentials.
const RETRIES: usize = 5;
