//! A simulation of dialing: the network in memory, and a fake clock.

use crate::network::{End, Host, Network, Peer};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use wirestack_dial::{
    Answer, AttemptId, Credentials, DialError, Dialer, LookupId, QuestionId, Step,
};
use wirestack_layer::{Error, Flow, Instant, Layer};
use wirestack_nest::Engine;

/// Numbers that follow from a seed and look random.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        // SplitMix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }

    pub(crate) fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len() as u64) as usize]
    }
}

/// The result of dialing, and its cost.
pub(crate) struct Run {
    pub(crate) result: Result<(), DialError>,
    pub(crate) took: Duration,
    /// The number of attempts.
    pub(crate) opened: usize,
    /// The largest number of attempts at the same time.
    pub(crate) at_once: usize,
}

/// Carries out the steps of a dialer.
pub(crate) struct Simulation<'a, L: Layer + 'static> {
    dialer: Dialer<L>,
    network: Arc<Network>,
    dice: &'a mut Dice,
    /// The answer to every question for credentials.
    credentials: Option<Credentials>,
    now: Instant,
    events: Vec<(Instant, Event)>,
    lookups: HashMap<LookupId, String>,
    attempts: HashMap<AttemptId, Attempt<L>>,
    opened: usize,
    at_once: usize,
}

enum Event {
    Found(LookupId),
    Refused(AttemptId),
    Opened(AttemptId),
    Answered(QuestionId, Answer),
}

struct Attempt<L: Layer + 'static> {
    to: SocketAddr,
    link: Option<Link<L>>,
}

/// An open connection: its two ends.
struct Link<L: Layer + 'static> {
    engine: Engine<L>,
    peer: Peer,
    ended: bool,
}

impl<'a, L: Layer + 'static> Simulation<'a, L>
where
    L::In: Default,
    L::Out: Default,
{
    pub(crate) fn new(
        dialer: Dialer<L>,
        network: Network,
        dice: &'a mut Dice,
        credentials: Option<Credentials>,
    ) -> Self {
        Self {
            dialer,
            network: Arc::new(network),
            dice,
            credentials,
            now: Instant::ORIGIN,
            events: Vec::new(),
            lookups: HashMap::new(),
            attempts: HashMap::new(),
            opened: 0,
            at_once: 0,
        }
    }

    pub(crate) fn run(mut self) -> Run {
        for _ in 0..100_000 {
            self.at_once = self.at_once.max(self.attempts.len());
            if let Some(result) = self.step() {
                assert!(self.attempts.is_empty(), "attempts are left open");
                return Run {
                    result,
                    took: self.now - Instant::ORIGIN,
                    opened: self.opened,
                    at_once: self.at_once,
                };
            }
        }
        panic!("it never ends: {}", self.dialer.trace());
    }

    fn step(&mut self) -> Option<Result<(), DialError>> {
        let soon = self.later(300);
        match self.dialer.step(self.now) {
            Step::Resolve { lookup, host, .. } => {
                self.lookups.insert(lookup, host);
                self.events.push((soon, Event::Found(lookup)));
            }
            Step::Open { attempt, to } => {
                self.opened += 1;
                let to = to.address().unwrap();
                self.attempts.insert(attempt, Attempt { to, link: None });
                match self.network.hosts.get(&to) {
                    Some(Host::Opens(..)) => self.events.push((soon, Event::Opened(attempt))),
                    Some(Host::Hangs) => {}
                    _ => self.events.push((soon, Event::Refused(attempt))),
                }
            }
            Step::Close { attempt } => {
                let closed = self.attempts.remove(&attempt);
                assert!(closed.is_some(), "closed what is not open");
            }
            Step::Ask { question, .. } => {
                let typed = self.later(20_000); // by hand
                let answer = Answer::Credentials(self.credentials.clone());
                self.events.push((typed, Event::Answered(question, answer)));
            }
            Step::Fetch {
                question,
                url,
                data,
            } => {
                assert_eq!((&*url, &*data), ("kdc://here", &b"ticket?"[..]));
                let reply = Answer::Reply(Ok(bytes::Bytes::from_static(b"ticket")));
                self.events.push((soon, Event::Answered(question, reply)));
            }
            Step::MakeTls { mut task } => {
                task.run();
                self.dialer.made_tls(Some(task), self.now);
            }
            Step::SpawnBlocking { question, mut task } => {
                task.run();
                let ran = Event::Answered(question, Answer::Ran(task));
                self.events.push((soon, ran));
            }
            Step::Find { .. } => panic!("the routes are known here"),
            Step::Ready { attempt } => {
                let ready = self.attempts.remove(&attempt).expect("is open");
                assert!(ready.link.is_some_and(|link| link.engine.is_open()));
                return Some(Ok(()));
            }
            Step::Failed(error) => return Some(Err(error)),
            Step::Wait { until } => {
                if !self.move_bytes() {
                    self.wait(until);
                }
            }
        }
        None
    }

    /// Returns a time up to so many milliseconds from now.
    fn later(&mut self, millis: u64) -> Instant {
        self.now + Duration::from_millis(self.dice.below(millis))
    }

    /// Goes to the time of the next event, and lets it happen.
    fn wait(&mut self, until: Option<Instant>) {
        let links = self.attempts.values().filter_map(|it| it.link.as_ref());
        let deadlines = links.filter_map(|link| link.engine.deadline());
        let events = self.events.iter().map(|(at, _)| *at);
        let next = events.chain(until).chain(deadlines).min();
        self.now = next.expect("nothing will ever happen").max(self.now);
        while let Some(at) = self.events.iter().position(|(at, _)| *at <= self.now) {
            let (_, event) = self.events.swap_remove(at);
            self.happen(event);
        }
    }

    fn happen(&mut self, event: Event) {
        let now = self.now;
        match event {
            Event::Found(lookup) => {
                let found = self.network.names.get(&self.lookups[&lookup]).cloned();
                let found = found.ok_or_else(|| Error::local("resolver", "no such name"));
                self.dialer.resolved(lookup, found, now);
            }
            Event::Refused(attempt) => {
                let refused = Error::peer("wire", "connection refused");
                self.dialer.refused(attempt, refused, now);
            }
            Event::Opened(attempt) => self.open(attempt),
            Event::Answered(question, answer) => {
                let asking = self.attempts.get_mut(&question.attempt());
                let link = asking.and_then(|it| it.link.as_mut());
                let engine = link.map(|link| &mut link.engine);
                self.dialer.answer(question, answer, engine, now);
            }
        }
    }

    fn open(&mut self, attempt: AttemptId) {
        let Some(mut engine) = self.dialer.opened(attempt, self.now) else {
            return;
        };
        let it = self.attempts.get_mut(&attempt).expect("is open");
        let Some(Host::Opens(service, fault)) = self.network.hosts.get(&it.to) else {
            panic!("opened what does not open");
        };
        engine.process(self.now);
        self.dialer.observe(attempt, &mut engine, self.now);
        it.link = Some(Link {
            engine,
            peer: Peer::new(&self.network, service, *fault),
            ended: false,
        });
    }

    /// Moves bytes on one connection. Returns `false` if there are none.
    fn move_bytes(&mut self) -> bool {
        for (attempt, it) in &mut self.attempts {
            let Some(link) = &mut it.link else {
                continue;
            };
            if link.move_bytes(self.now) {
                self.dialer.observe(*attempt, &mut link.engine, self.now);
                return true;
            }
        }
        false
    }
}

impl<L: Layer> Link<L> {
    fn move_bytes(&mut self, now: Instant) -> bool {
        let before = self.engine.revision();
        self.engine.process(now);
        let bytes = self.engine.to_wire().unread().to_vec();
        self.engine.to_wire().discard();
        if !self.ended {
            let (reply, end) = self.peer.receive(&bytes, now);
            self.engine.from_wire().write(&reply);
            match end {
                None => {}
                Some(End::Finished) => self.engine.from_wire().finish(),
                Some(End::Reset) => {
                    let reset = Error::peer("wire", "connection reset");
                    self.engine.break_wire(reset);
                }
            }
            self.ended = end.is_some();
        }
        self.engine.process(now);
        self.engine.revision() != before
    }
}
