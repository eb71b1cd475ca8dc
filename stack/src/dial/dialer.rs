use super::error::{DialError, Phase, Reason, Unreached};
use super::plan::{Learnt, Plan, Seeds};
use super::trace::{Event, Trace};
use crate::{End, Engine, Error, Flow, Layer, Place, Progress, Seed};
use std::collections::VecDeque;
use std::mem;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

/// Connecting, as a state machine: it says what to do and is told what happened, so that no driver
/// ever decides anything.
///
/// A driver calls [`step`](Self::step) until it says [`Wait`](Step::Wait), carries out what it says,
/// reports with [`resolved`](Self::resolved), [`opened`](Self::opened), [`refused`](Self::refused)
/// and [`observe`](Self::observe), and calls `step` again. The addresses of the first name are tried
/// in order; a layer that needs a new connection gets one, five times at most.
pub struct Dialer<L: Layer> {
    plan: Plan<L>,
    seeds: Seeds,
    timeouts: Timeouts,
    due: Option<Instant>,
    trace: Trace,
    /// A stack that waits for an attempt to open.
    built: Option<L>,
    learnt: Learnt,
    found: Vec<SocketAddr>,
    left: VecDeque<SocketAddr>,
    tried: Vec<Unreached>,
    closing: VecDeque<AttemptId>,
    ids: u32,
    state: State,
}

/// What a driver has to do next.
#[derive(Debug)]
#[non_exhaustive]
pub enum Step {
    /// Look this name up, then call [`Dialer::resolved`].
    Resolve {
        /// Names the look-up in the answer.
        lookup: LookupId,
        /// What to look up.
        host: String,
        /// The port that the addresses shall have.
        port: u16,
    },
    /// Open a connection to this address, then call [`Dialer::opened`] or [`Dialer::refused`].
    Open {
        /// Names the attempt from now on.
        attempt: AttemptId,
        /// Where to connect to.
        address: SocketAddr,
    },
    /// Forget this attempt and close what it holds.
    Close {
        /// The attempt.
        attempt: AttemptId,
    },
    /// Everything is established: the connection of this attempt is the one.
    Ready {
        /// The attempt.
        attempt: AttemptId,
    },
    /// There is nothing to do before this time, or before something happens.
    Wait {
        /// When to call [`Dialer::step`] again at the latest.
        until: Option<Instant>,
    },
    /// It cannot be done.
    Failed(DialError),
}

/// Names a look-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LookupId(u32);

/// Names an attempt to connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AttemptId(u32);

/// How long connecting may take, part by part and in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// For looking the first name up: 10 s.
    pub resolve: Duration,
    /// For each address to be connected to: 10 s.
    pub connect: Duration,
    /// For each layer to open: 10 s.
    pub layer: Duration,
    /// For everything together: 60 s.
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            resolve: Duration::from_secs(10),
            connect: Duration::from_secs(10),
            layer: Duration::from_secs(10),
            total: Duration::from_secs(60),
        }
    }
}

/// How many connections may fail with the wish for a new one.
const CONNECTIONS: usize = 5;

enum State {
    Start,
    Resolving(LookupId, Instant),
    /// The next address is to be tried.
    Next,
    Connecting(Attempt, Instant),
    Opening(Attempt, Waiting),
    Ready(AttemptId),
    Failed(DialError),
    Over,
}

#[derive(Clone, Copy)]
struct Attempt {
    id: AttemptId,
    address: SocketAddr,
}

/// Which layer is opening, since when.
#[derive(Clone, Copy)]
struct Waiting {
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
            plan,
            seeds: Seeds::new(seed),
            timeouts,
            due: now.checked_add(timeouts.total),
            trace: Trace::new(now),
            built: None,
            learnt: Learnt::default(),
            found: Vec::new(),
            left: VecDeque::new(),
            tried: Vec::new(),
            closing: VecDeque::new(),
            ids: 0,
            state: State::Start,
        }
    }
    /// Returns what was done so far.
    pub fn trace(&self) -> &Trace {
        &self.trace
    }
    /// Returns the next thing to do.
    pub fn step(&mut self, now: Instant) -> Step {
        loop {
            if let Some(attempt) = self.closing.pop_front() {
                return Step::Close { attempt };
            }
            match &self.state {
                State::Start => {
                    if let Some(step) = self.start(now) {
                        return step;
                    }
                }
                State::Next => {
                    if let Some(step) = self.next(now) {
                        return step;
                    }
                }
                State::Ready(attempt) => return Step::Ready { attempt: *attempt },
                State::Over => return Step::Wait { until: None },
                State::Failed(_) => {
                    if let State::Failed(error) = mem::replace(&mut self.state, State::Over) {
                        return Step::Failed(error);
                    }
                }
                State::Resolving(..) | State::Connecting(..) | State::Opening(..) => {
                    let until = self.until();
                    if until.is_none_or(|until| now < until) {
                        return Step::Wait { until };
                    }
                    self.time_out(now);
                }
            }
        }
    }
    fn start(&mut self, now: Instant) -> Option<Step> {
        if self.built.is_none() && !self.build() {
            return None;
        }
        let endpoint = self.plan.endpoint().clone();
        if let Ok(ip) = endpoint.host.parse::<IpAddr>() {
            self.found = vec![SocketAddr::new(ip, endpoint.port)];
            self.left = self.found.clone().into();
            self.state = State::Next;
            return None;
        }
        let lookup = LookupId(self.id());
        self.state = State::Resolving(lookup, now);
        let (host, port) = (endpoint.host.clone(), endpoint.port);
        self.trace.add(now, Event::Resolving(endpoint));
        Some(Step::Resolve { lookup, host, port })
    }
    fn next(&mut self, now: Instant) -> Option<Step> {
        if self.built.is_none() && !self.build() {
            return None;
        }
        let Some(address) = self.left.pop_front() else {
            let part = self.plan.part(0);
            let tried = mem::take(&mut self.tried);
            self.fail(Reason::Unreached { part, tried });
            return None;
        };
        let id = AttemptId(self.id());
        self.state = State::Connecting(Attempt { id, address }, now);
        self.trace.add(now, Event::Connecting(address));
        let attempt = id;
        Some(Step::Open { attempt, address })
    }
    fn build(&mut self) -> bool {
        match self.plan.build(&mut self.seeds, &self.learnt) {
            Ok(layer) => self.built = Some(layer),
            // What an earlier connection failed with, and a new one would.
            Err(error) if matches!(error.place(), Place::Layer(_)) => self.fail_at(error, 0),
            Err(error) => self.fail(Reason::Invalid(error)),
        }
        self.built.is_some()
    }
    fn id(&mut self) -> u32 {
        self.ids += 1;
        self.ids
    }
    /// When the present state has lasted too long.
    fn until(&self) -> Option<Instant> {
        let part = match self.state {
            State::Resolving(_, since) => since.checked_add(self.timeouts.resolve),
            State::Connecting(_, since) => since.checked_add(self.timeouts.connect),
            State::Opening(_, waiting) => waiting.since.checked_add(self.timeouts.layer),
            _ => None,
        };
        part.into_iter().chain(self.due).min()
    }
    fn time_out(&mut self, now: Instant) {
        let all = self.due.is_some_and(|due| due <= now);
        let (phase, place, seen, allowed) = match self.state {
            State::Resolving(..) => (Phase::Resolve, 0, 0, self.timeouts.resolve),
            State::Connecting(attempt, _) if !all => {
                let late = TimedOut(self.timeouts.connect);
                return self.refused(attempt.id, Error::peer("wire", late), now);
            }
            State::Connecting(..) => (Phase::Connect, 0, 0, self.timeouts.connect),
            State::Opening(_, waiting) => (
                Phase::Layer(waiting.what),
                waiting.open,
                waiting.seen - waiting.seen_before,
                self.timeouts.layer,
            ),
            _ => return,
        };
        self.close();
        self.fail(Reason::TimedOut {
            after: if all { self.timeouts.total } else { allowed },
            part: self.plan.part(place),
            phase,
            seen,
        });
    }
    /// Says what was found for a look-up.
    pub fn resolved(
        &mut self,
        lookup: LookupId,
        found: Result<Vec<SocketAddr>, Error>,
        now: Instant,
    ) {
        let State::Resolving(current, _) = self.state else {
            return;
        };
        if current != lookup {
            return;
        }
        match found {
            Ok(found) => {
                self.trace.add(now, Event::Resolved(found.len()));
                self.left = found.iter().copied().collect();
                self.found = found;
                self.state = State::Next;
            }
            Err(error) => {
                self.trace.add(now, Event::Failed(error.to_string()));
                let part = self.plan.part(0);
                self.fail(Reason::NotResolved { part, error });
            }
        }
    }
    /// Says that the connection of an attempt is open, and returns the stack to drive on it; `None`
    /// if the attempt is no longer wanted.
    pub fn opened(&mut self, attempt: AttemptId, now: Instant) -> Option<Engine<L>> {
        let State::Connecting(current, _) = self.state else {
            return None;
        };
        if current.id != attempt {
            return None;
        }
        let layer = self.built.take()?;
        self.trace.add(now, Event::Connected(current.address));
        let waiting = Waiting {
            open: 0,
            since: now,
            seen_before: 0,
            seen: 0,
            what: "the first bytes",
        };
        self.state = State::Opening(current, waiting);
        Some(Engine::new(layer))
    }
    /// Says that an attempt could not be opened, and why.
    pub fn refused(&mut self, attempt: AttemptId, error: Error, now: Instant) {
        let State::Connecting(current, _) = self.state else {
            return;
        };
        if current.id == attempt {
            self.trace.add(now, Event::Failed(error.to_string()));
            let address = current.address;
            self.tried.push(Unreached { address, error });
            self.closing.push_back(attempt);
            self.state = State::Next;
        }
    }
    /// Looks at the stack of an attempt, after each time that something moved in it.
    pub fn observe(&mut self, attempt: AttemptId, engine: &mut Engine<L>, now: Instant) {
        let State::Opening(current, mut waiting) = self.state else {
            return;
        };
        if current.id != attempt {
            return;
        }
        let layers = engine.describe();
        let open = layers.iter().take_while(|layer| layer.open).count();
        waiting.seen = engine.from_wire().total();
        for (place, layer) in layers.iter().enumerate().take(open).skip(waiting.open) {
            let event = Event::LayerOpen {
                name: layer.name,
                part: self.plan.part(place),
                facts: layer.facts.clone(),
            };
            self.trace.add(now, event);
        }
        if open > waiting.open {
            (waiting.open, waiting.since) = (open, now);
            waiting.seen_before = waiting.seen;
        }
        if let Some(Progress::Opening(what)) = layers.get(open).map(|layer| layer.progress) {
            waiting.what = what;
        }
        self.state = State::Opening(current, waiting);
        if engine.is_open() {
            self.trace.add(now, Event::Ready);
            self.state = State::Ready(attempt);
            return;
        }
        match engine.to_app().closed() {
            None => {}
            Some(End::Aborted(error)) => self.layer_failed(error.clone(), open, now),
            Some(End::Finished) => {
                let error = Error::peer("dialer", EndedEarly).at(Place::Layer(open));
                self.layer_failed(error, open, now);
            }
        }
    }
    fn layer_failed(&mut self, error: Error, open: usize, now: Instant) {
        self.trace.add(now, Event::Failed(error.to_string()));
        self.close();
        if error.new_connection().is_none() {
            return self.fail_at(error, open);
        }
        self.trace.add(now, Event::Again(error.to_string()));
        self.learnt.add(error);
        if self.learnt.len() > CONNECTIONS {
            let chain = mem::take(&mut self.learnt).into_chain();
            return self.fail(Reason::TooManyConnections { chain });
        }
        // What answered once is asked first again.
        self.left = self.found.iter().copied().collect();
        self.tried.clear();
        self.state = State::Next;
    }
    fn fail_at(&mut self, error: Error, open: usize) {
        let place = match error.place() {
            Place::Layer(place) => place,
            _ => open,
        };
        let part = self.plan.part(place);
        self.fail(Reason::Layer { part, error });
    }
    fn close(&mut self) {
        if let State::Connecting(attempt, _) | State::Opening(attempt, _) = self.state {
            self.closing.push_back(attempt.id);
        }
    }
    fn fail(&mut self, reason: Reason) {
        let error = DialError::new(reason, self.trace.clone());
        self.state = State::Failed(error);
    }
}

#[derive(Debug, thiserror::Error)]
#[error("timed out after {0:?}")]
struct TimedOut(Duration);

#[derive(Debug, thiserror::Error)]
#[error("ended before every layer was open")]
struct EndedEarly;
