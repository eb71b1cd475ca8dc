//! Dialling in a simulated network: scenarios, and thousands of random ones.
#![allow(clippy::disallowed_methods)] // one clock reading, as the origin of the fake clock

#[path = "support/net.rs"]
mod net;
#[path = "support/scenarios.rs"]
mod scenarios;
#[path = "support/sim.rs"]
mod sim;

mod support {
    pub(crate) use super::net;
}

use net::{Asks, End, Ending, Flaw, Host, Net, PASSWORD, Service, USER};
use scenarios::{hop, put, says, scenarios};
use sim::{Dice, Run, run};
use std::sync::Arc;
use std::time::Duration;
use wirestack::Instant;
use wirestack::dial::{
    Credentials, Dialer, Hop, Plan, Redirects, Routes, Timeouts, WebSocketOptions,
};
use wirestack::websocket::{ClientRequest, Message};
use wirestack::{BoxSocket, Queue, Seed};

fn dial(
    net: Net,
    routes: Routes,
    redirects: Redirects,
    timeouts: Timeouts,
    given: Option<Credentials>,
    dice: &mut Dice,
) -> Run {
    let start = Instant::now();
    let url = "ws://target.test:1/";
    let mut opening = WebSocketOptions::new(ClientRequest::new(url).unwrap());
    opening.redirects = redirects;
    let plan: Plan<BoxSocket<Queue<Message>>> =
        Plan::websocket(routes, url.parse().unwrap(), None, opening).unwrap();
    let seed = Seed::new([dice.below(256) as u8; 32]);
    let dialer = Dialer::new(plan, timeouts, seed, start);
    run(dialer, &Arc::new(net), start, dice, given)
}

fn right() -> Option<Credentials> {
    Some(Credentials::new(USER, PASSWORD))
}

#[test]
fn every_scenario_ends_as_it_should() {
    for seed in 0..20 {
        for it in scenarios() {
            let mut dice = Dice(seed);
            let timeouts = Timeouts::default();
            let run = dial(
                it.net,
                it.routes,
                it.redirects,
                timeouts,
                right(),
                &mut dice,
            );
            match (run.result, it.error) {
                (Ok(()), []) => {}
                (Ok(()), wanted) => panic!("{}, seed {seed}: wanted {wanted:?}", it.name),
                (Err(error), []) => panic!("{}, seed {seed}: {error}\n{}", it.name, error.trace()),
                (Err(error), wanted) => {
                    let text = error.to_string();
                    for part in wanted {
                        let there = match part.strip_prefix('^') {
                            Some(first) => text.starts_with(first),
                            None => text.contains(part),
                        };
                        assert!(there, "{}: no {part:?} in {text}", it.name);
                    }
                    assert!(!text.contains(PASSWORD), "{text}");
                    assert!(!error.trace().to_string().contains(PASSWORD), "{text}");
                }
            }
        }
    }
}

/// A proxy, and whether it lets one through who has this.
struct Proxy {
    hop: Hop,
    works: bool,
}

/// Makes a random network; returns it with the ways, and whether it can be reached.
struct Maker<'a> {
    dice: &'a mut Dice,
    net: Net,
    wild: bool,
}

impl Maker<'_> {
    /// Puts a service behind a name: among bad addresses, or not to be reached at all.
    fn place(&mut self, name: &str, service: Service, flaw: Flaw) -> bool {
        let reachable = self.dice.below(5) > 0;
        let bad = self.dice.below(4);
        let lucky = self.dice.below(bad + 1);
        for n in 0..=bad {
            match n == lucky && reachable {
                true => put(&mut self.net, name, Host::Opens(service.clone(), flaw)),
                false => {
                    let host = self.dice.one(&[Host::Refuses, Host::Hangs]).clone();
                    put(&mut self.net, name, host);
                }
            }
        }
        reachable
    }

    fn flaw(&mut self) -> Flaw {
        // Twelve bytes are never enough, and a wild cut is anywhere.
        let most = if self.wild { 400 } else { 12 };
        let n = self.dice.below(most) as usize;
        let end = *self.dice.one(&[End::Finished, End::Reset]);
        match self.dice.below(8) {
            0 => Flaw::Mute,
            1 => Flaw::Cut(n, end),
            _ => Flaw::None,
        }
    }

    fn proxy(&mut self, name: &str) -> Proxy {
        if self.dice.below(4) == 0 {
            let flaw = self.flaw();
            // A SOCKS proxy has said all it says before the twelfth byte, and its tunnel is cut.
            let flaw = match flaw {
                Flaw::Cut(n, end) if !self.wild => Flaw::Cut(n % 10, end),
                flaw => flaw,
            };
            let reached = self.place(name, Service::Socks, flaw);
            let hop = hop(&format!("socks5h://{name}:1"));
            let works = reached && flaw == Flaw::None;
            return Proxy { hop, works };
        }
        let endings = [
            Ending::Length,
            Ending::Chunked,
            Ending::Close,
            Ending::UntilClose,
        ];
        let ending = *self.dice.one(&endings);
        let asks = match self.dice.below(5) {
            0 => Asks::Nothing,
            1 => Asks::Basic(ending),
            2 => Asks::Digest(ending),
            3 => Asks::Both(ending),
            _ => Asks::Strange(ending),
        };
        let (hop, knows) = match self.dice.below(6) {
            0 => (hop(&format!("http://{name}:1")), false),
            1 => (hop(&format!("http://me:guess@{name}:1")), false),
            2 => (
                hop(&format!("http://me:guess@{name}:1")).on_challenge(),
                false,
            ),
            3 => (hop(&format!("http://{USER}:{PASSWORD}@{name}:1")), true),
            4 => (
                hop(&format!("http://{USER}:{PASSWORD}@{name}:1")).on_challenge(),
                true,
            ),
            _ => (hop(&format!("http://{name}:1")).asking(), true),
        };
        let flaw = match self.dice.below(10) {
            0 => Flaw::Forbids,
            _ => self.flaw(),
        };
        let passes = match asks {
            Asks::Nothing => true,
            Asks::Strange(_) => false,
            _ => knows,
        };
        let reached = self.place(name, Service::Http(asks), flaw);
        let works = reached && passes && flaw == Flaw::None;
        Proxy { hop, works }
    }

    /// Puts a target there, and tells what it does: opens, leads elsewhere, says no, or breaks.
    fn target(&mut self, name: &str, next: &str) -> Fate {
        let flaw = self.flaw();
        let (service, fate) = match self.dice.below(6) {
            0 => (Service::Says(403, None), Fate::Says),
            1 | 2 => {
                let to = format!("http://{next}:1/");
                (says(302, &to), Fate::Leads)
            }
            _ => (Service::Socket, Fate::Opens),
        };
        match self.place(name, service, flaw) && flaw == Flaw::None {
            true => fate,
            false => Fate::Breaks,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    Opens,
    Leads,
    Says,
    Breaks,
}

/// What has to come of it: each target leads to the next one, the last to the first.
fn foretell(ways: &[bool], targets: &[Fate]) -> bool {
    let mut at = 0;
    for _ in 0..targets.len() {
        let mut led = false;
        for works in ways {
            match targets[at] {
                _ if !works => {}
                Fate::Opens => return true,
                Fate::Says => return false,
                Fate::Leads => {
                    led = true;
                    break;
                }
                Fate::Breaks => {}
            }
        }
        if !led {
            return false;
        }
        at += 1;
        if at == targets.len() {
            return false; // in a circle
        }
    }
    false
}

fn random(seed: u64, timeouts: Timeouts, wild: bool) -> (Run, bool) {
    let mut dice = Dice(seed);
    let mut maker = Maker {
        dice: &mut dice,
        net: Net::default(),
        wild,
    };
    let mut works = Vec::new();
    let mut ways = Vec::new();
    for way in 0..1 + maker.dice.below(3) {
        let hops = maker.dice.below(3);
        let hops = (0..hops).map(|hop| maker.proxy(&format!("proxy{way}{hop}.test")));
        let hops: Vec<_> = hops.collect();
        works.push(hops.iter().all(|proxy| proxy.works));
        ways.push(hops.into_iter().map(|proxy| proxy.hop).collect());
    }
    let names = ["target.test", "b.test", "c.test", "d.test"];
    let n = 1 + maker.dice.below(4) as usize;
    let targets = (0..n).map(|at| maker.target(names[at], names[(at + 1) % n]));
    let targets: Vec<_> = targets.collect();
    let wanted = foretell(&works, &targets);
    let net = maker.net;
    let routes = Routes::any_of(ways);
    let run = dial(net, routes, Redirects::Any, timeouts, right(), &mut dice);
    (run, wanted)
}

#[test]
fn thousands_of_random_networks_end_with_the_right_answer() {
    let mut timeouts = Timeouts::default();
    timeouts.total = Duration::from_secs(100_000);
    let (mut ready, mut races) = (0, 0);
    for seed in 0..10_000 {
        let (run, wanted) = random(seed, timeouts, false);
        let text = match &run.result {
            Ok(()) => "ready".to_owned(),
            Err(error) => format!("{error}\n{}", error.trace()),
        };
        assert_eq!(run.result.is_ok(), wanted, "seed {seed}: {text}");
        ready += usize::from(wanted);
        races += usize::from(run.at_once > 1);
        assert!(run.opened < 500, "seed {seed}: {} attempts", run.opened);
    }
    // The dice are fair enough to have shown both.
    assert!((1000..9000).contains(&ready), "{ready} of 10000 were ready");
    assert!(races > 1000, "{races} of 10000 raced");
}

#[test]
fn nothing_outlasts_its_deadline() {
    for seed in 0..5_000 {
        let mut timeouts = Timeouts::default();
        timeouts.total = Duration::from_millis(1 + Dice(seed).below(30_000));
        let (run, _) = random(seed, timeouts, true);
        assert!(run.took <= timeouts.total, "seed {seed}: {:?}", run.took);
    }
}
