//! Dialling in the simulated network, on a fake clock.

use crate::support::net::{End, Host, Net, Node};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use wirestack::Instant;
use wirestack::dial::{
    Answer, AttemptId, Credentials, DialError, Dialer, LookupId, QuestionId, Step,
};
use wirestack::{Engine, Error, Flow, Layer};

/// Chooses at random, from a seed.
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

/// How a dialling went.
pub(crate) struct Run {
    pub(crate) result: Result<(), DialError>,
    pub(crate) took: Duration,
    pub(crate) opened: usize,
    pub(crate) at_once: usize,
}

enum Event {
    Found(LookupId),
    Refused(AttemptId),
    Opened(AttemptId),
    Answered(QuestionId, Answer),
}

struct Attempt<L: Layer + 'static> {
    to: std::net::SocketAddr,
    link: Option<(Engine<L>, Node)>,
    told_end: bool,
}

/// Carries a dialler's steps out until it is done. What it asks for, `asked` gives.
pub(crate) fn run<L: Layer + 'static>(
    mut dialer: Dialer<L>,
    net: &Arc<Net>,
    start: Instant,
    dice: &mut Dice,
    given: Option<Credentials>,
) -> Run
where
    L::In: Default,
    L::Out: Default,
{
    let mut now = start;
    let mut events: Vec<(Instant, Event)> = Vec::new();
    let mut lookups: HashMap<LookupId, (String, u16)> = HashMap::new();
    let mut attempts: HashMap<AttemptId, Attempt<L>> = HashMap::new();
    let (mut opened, mut at_once) = (0, 0);
    for _ in 0..100_000 {
        at_once = at_once.max(attempts.len());
        let soon = now + Duration::from_millis(dice.below(300));
        match dialer.step(now) {
            Step::Resolve { lookup, host, port } => {
                lookups.insert(lookup, (host, port));
                events.push((soon, Event::Found(lookup)));
            }
            Step::Open { attempt, to } => {
                opened += 1;
                let to = to.address().unwrap();
                let link = None;
                let told_end = false;
                attempts.insert(attempt, Attempt { to, link, told_end });
                match net.hosts.get(&to) {
                    Some(Host::Opens(..)) => events.push((soon, Event::Opened(attempt))),
                    Some(Host::Hangs) => {}
                    _ => events.push((soon, Event::Refused(attempt))),
                }
            }
            Step::Close { attempt } => {
                assert!(
                    attempts.remove(&attempt).is_some(),
                    "closed what is not open"
                );
            }
            Step::Ask { question, .. } => {
                let typed = now + Duration::from_millis(dice.below(20_000)); // by hand
                events.push((
                    typed,
                    Event::Answered(question, Answer::Credentials(given.clone())),
                ));
            }
            Step::Fetch {
                question,
                url,
                data,
            } => {
                assert_eq!((&*url, &*data), ("kdc://here", &b"ticket?"[..]));
                let reply = Answer::Reply(Ok(bytes::Bytes::from_static(b"ticket")));
                events.push((soon, Event::Answered(question, reply)));
            }
            Step::SpawnBlocking { question, mut task } => {
                task.run();
                events.push((soon, Event::Answered(question, Answer::Ran(task))));
            }
            Step::Ready { attempt } => {
                let ready = attempts.remove(&attempt).expect("is open");
                assert!(ready.link.is_some_and(|(engine, _)| engine.is_open()));
                assert!(attempts.is_empty(), "attempts are left open");
                let (result, took) = (Ok(()), now - start);
                return Run {
                    result,
                    took,
                    opened,
                    at_once,
                };
            }
            Step::Failed(error) => {
                assert!(attempts.is_empty(), "attempts are left open");
                let (result, took) = (Err(error), now - start);
                return Run {
                    result,
                    took,
                    opened,
                    at_once,
                };
            }
            Step::Wait { until } => {
                if pump(&mut dialer, &mut attempts, now) {
                    continue;
                }
                let due = attempts
                    .values()
                    .filter_map(|it| it.link.as_ref()?.0.deadline());
                let next = events
                    .iter()
                    .map(|(at, _)| *at)
                    .chain(until)
                    .chain(due)
                    .min();
                now = next.expect("nothing will ever happen").max(now);
                while let Some(at) = events.iter().position(|(at, _)| *at <= now) {
                    let (_, event) = events.swap_remove(at);
                    happen(event, &mut dialer, &lookups, &mut attempts, net, now);
                }
            }
        }
    }
    panic!("it never ends: {}", dialer.trace());
}

fn happen<L: Layer + 'static>(
    event: Event,
    dialer: &mut Dialer<L>,
    lookups: &HashMap<LookupId, (String, u16)>,
    attempts: &mut HashMap<AttemptId, Attempt<L>>,
    net: &Arc<Net>,
    now: Instant,
) where
    L::In: Default,
    L::Out: Default,
{
    match event {
        Event::Found(lookup) => {
            let (host, _) = &lookups[&lookup];
            let found = net.names.get(host).cloned();
            let found = found.ok_or_else(|| Error::local("resolver", "no such name"));
            dialer.resolved(lookup, found, now);
        }
        Event::Refused(attempt) => {
            dialer.refused(attempt, Error::peer("wire", "connection refused"), now);
        }
        Event::Opened(attempt) => {
            let engine = dialer.opened(attempt, now);
            let Some(mut engine) = engine else { return };
            let it = attempts.get_mut(&attempt).expect("is open");
            let Some(Host::Opens(service, flaw)) = net.hosts.get(&it.to) else {
                panic!("opened what does not open");
            };
            engine.process(now);
            dialer.observe(attempt, &mut engine, now);
            it.link = Some((engine, Node::new(net, service, *flaw)));
        }
        Event::Answered(question, answer) => {
            let asking = attempts.get_mut(&question.attempt());
            let engine = asking.and_then(|it| it.link.as_mut());
            dialer.answer(question, answer, engine.map(|(engine, _)| engine), now);
        }
    }
}

/// Moves bytes; whether any moved.
fn pump<L: Layer + 'static>(
    dialer: &mut Dialer<L>,
    attempts: &mut HashMap<AttemptId, Attempt<L>>,
    now: Instant,
) -> bool
where
    L::In: Default,
    L::Out: Default,
{
    for (attempt, it) in attempts {
        let Some((engine, node)) = &mut it.link else {
            continue;
        };
        let before = engine.revision();
        engine.process(now);
        let bytes = engine.to_wire().unread().to_vec();
        engine.to_wire().discard();
        if !it.told_end {
            let (says, end) = node.hear(&bytes, now);
            engine.from_wire().write(&says);
            match end {
                None => {}
                Some(End::Finished) => engine.from_wire().finish(),
                Some(End::Reset) => engine.break_wire(Error::peer("wire", "connection reset")),
            }
            it.told_end = end.is_some();
        }
        engine.process(now);
        if engine.revision() != before {
            dialer.observe(*attempt, engine, now);
            return true;
        }
    }
    false
}
