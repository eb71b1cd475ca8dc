//! The driver of a dialer, whose network is two functions.

use super::kdc::Kdc;
use super::proxy::Manner;
use bytes::Bytes;
use chacha20::ChaCha12Rng;
use chacha20::rand_core::Rng;
use std::io;
use wirestack_dial::{Answer, Dialer, Hop, Plan, Routes, Step, Target, Timeouts};
use wirestack_kerberos::Kerberos;
use wirestack_layer::{Error, Flow, Instant, Seed};

/// A proxy, and the KDC of its realm.
#[derive(Default)]
pub(crate) struct Network {
    pub(crate) kdc: Kdc,
    pub(crate) other_kdc: Option<Kdc>,
    pub(crate) manner: Manner,
    /// `true` if the proxy closes the connection with each 407.
    pub(crate) closes: bool,
    /// The answers of the KDC that stand before its own.
    pub(crate) fakes: Vec<Vec<u8>>,
    /// The answer of the KDC that is changed, and how.
    pub(crate) changes: Option<(usize, ChaCha12Rng)>,
    /// The KDCs that cannot be reached.
    pub(crate) dead: Vec<&'static str>,
    /// The KDCs that were asked.
    pub(crate) asked: Vec<String>,
    pub(crate) connections: usize,
}

impl Network {
    fn exchange(&mut self, url: &str, data: &[u8]) -> Result<Bytes, Error> {
        self.asked.push(url.to_owned());
        if self.dead.contains(&url) {
            let error = io::Error::other("nobody there");
            return Err(Error::peer("dialer", error));
        }
        if !self.fakes.is_empty() {
            return Ok(self.fakes.remove(0).into());
        }
        let mut answer = match &mut self.other_kdc {
            Some(other) if url.contains("other") => other.answer(data),
            _ => self.kdc.answer(data),
        };
        if let Some((stage, random)) = &mut self.changes
            && self.asked.len() == *stage + 1
        {
            change(&mut answer, random);
        }
        Ok(answer.into())
    }
}

/// Changes some octets.
fn change(answer: &mut Vec<u8>, random: &mut ChaCha12Rng) {
    for _ in 0..1 + random.next_u32() % 3 {
        let at = random.next_u32() as usize % answer.len();
        match random.next_u32() % 4 {
            0 => answer.truncate(at.max(1)),
            1 => answer.insert(at, random.next_u32().to_le_bytes()[0]),
            _ => answer[at] ^= 1 << (random.next_u32() % 8),
        }
    }
}

/// Dials through the proxy. The error is its text, in which no secret stands.
pub(crate) fn dial(network: &mut Network, kerberos: &Kerberos) -> Result<(), String> {
    let hop: Hop = "http://proxy.test:3128".parse().unwrap();
    dial_by(network, hop.scheme(kerberos.clone().scheme()))
}

/// Dials through this hop.
pub(crate) fn dial_by(network: &mut Network, hop: Hop) -> Result<(), String> {
    let target: Target = "tcp://example.org:22".parse().unwrap();
    let plan = Plan::stream(Routes::hops(vec![hop]), target, None, None).unwrap();
    let now = Instant::ORIGIN;
    let mut dialer = Dialer::new(plan, Timeouts::default(), Seed::new([7; 32]), now);
    let mut open = None;
    loop {
        let step = dialer.step(now);
        let shown = format!("{step:?}");
        assert!(!shown.contains(super::PASSWORD), "{shown}");
        match step {
            Step::Resolve { lookup, .. } => {
                dialer.resolved(lookup, Ok(vec!["192.0.2.1:3128".parse().unwrap()]), now);
            }
            Step::Open { attempt, .. } => {
                network.connections += 1;
                let mut engine = dialer.opened(attempt, now).unwrap();
                engine.process(now);
                dialer.observe(attempt, &mut engine, now);
                open = Some((attempt, engine));
            }
            Step::Close { .. } => open = None,
            Step::Fetch {
                question,
                url,
                data,
            } => {
                let reply = network.exchange(&url, &data);
                let engine = open.as_mut().map(|(_, engine)| engine);
                dialer.answer(question, Answer::Reply(reply), engine, now);
            }
            Step::SpawnBlocking { question, mut task } => {
                task.run();
                let engine = open.as_mut().map(|(_, engine)| engine);
                dialer.answer(question, Answer::Ran(task), engine, now);
            }
            Step::Ready { .. } => return Ok(()),
            Step::Failed(error) => {
                let text = error.to_string();
                let shown = format!("{text} {error:?} {}", error.trace());
                assert!(!shown.contains(super::PASSWORD), "{shown}");
                return Err(text);
            }
            Step::Wait { .. } => {
                let (attempt, engine) = open.as_mut().expect("a connection");
                engine.process(now);
                let request = engine.to_wire().unread().to_vec();
                assert!(!request.is_empty(), "the dialer waits for nothing");
                engine.to_wire().discard();
                let request = String::from_utf8(request).unwrap();
                let mut kdc = &network.kdc;
                if let Some(other) = &network.other_kdc {
                    kdc = other;
                }
                let answer = network.manner.answer(&request, kdc);
                let is_refusal = answer.contains(" 407 ");
                engine.from_wire().write(answer.as_bytes());
                if network.closes && is_refusal {
                    engine.from_wire().finish();
                }
                engine.process(now);
                dialer.observe(*attempt, engine, now);
            }
            _ => panic!("{shown}"),
        }
    }
}
