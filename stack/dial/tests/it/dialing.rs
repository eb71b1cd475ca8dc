//! Dialing in the simulation: the scenarios, and thousands of random networks.

use crate::network::scenarios::{hop, redirects, scenarios};
use crate::network::{End, Ending, Fault, Host, Network, PASSWORD, ProxyAuth, Service, USER};
use crate::simulation::{Dice, Run, Simulation};
use std::time::Duration;
use wirestack_dial::{
    BoxSocket, Credentials, Dialer, Hop, Plan, Redirects, Routes, Timeouts, WebSocketOptions,
};
use wirestack_layer::{Instant, Queue, Seed};
use wirestack_websocket::{ClientRequest, Message};

fn dial(
    network: Network,
    routes: Routes,
    redirects: Redirects,
    timeouts: Timeouts,
    dice: &mut Dice,
) -> Run {
    let url = "ws://target.test:1/";
    let mut opening = WebSocketOptions::new(ClientRequest::new(url).unwrap());
    opening.redirects = redirects;
    let plan: Plan<BoxSocket<Queue<Message>>> =
        Plan::websocket(routes, url.parse().unwrap(), None, opening).unwrap();
    let seed = Seed::new([dice.below(256) as u8; 32]);
    let dialer = Dialer::new(plan, timeouts, seed, Instant::ORIGIN);
    let credentials = Some(Credentials::new(USER, PASSWORD));
    Simulation::new(dialer, network, dice, credentials).run()
}

#[test]
fn every_scenario_ends_as_it_should() {
    for seed in 0..20 {
        for mut scenario in scenarios() {
            let name = scenario.name;
            let network = std::mem::take(&mut scenario.network);
            let (routes, redirects) = (scenario.routes.clone(), scenario.redirects);
            let timeouts = Timeouts::default();
            let run = dial(network, routes, redirects, timeouts, &mut Dice(seed));
            match run.result {
                Ok(()) => assert_eq!(scenario.error, [""; 0], "{name}, seed {seed}"),
                Err(error) => {
                    let (text, trace) = (error.to_string(), error.trace().to_string());
                    assert_ne!(
                        scenario.error, [""; 0],
                        "{name}, seed {seed}: {text}\n{trace}"
                    );
                    scenario.check(&text);
                    assert!(!text.contains(PASSWORD), "{text}");
                    assert!(!trace.contains(PASSWORD), "{trace}");
                }
            }
        }
    }
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
    // Both answers and races must be common, or the test shows nothing.
    assert!((1000..9000).contains(&ready), "{ready} of 10000 were ready");
    assert!(races > 1000, "{races} of 10000 raced");
}

#[test]
fn no_dialing_outlasts_its_time_out() {
    for seed in 0..5_000 {
        let mut timeouts = Timeouts::default();
        timeouts.total = Duration::from_millis(1 + Dice(seed).below(30_000));
        let (run, _) = random(seed, timeouts, true);
        assert!(run.took <= timeouts.total, "seed {seed}: {:?}", run.took);
    }
}

/// Dials in a random network. Returns the run, and `true` if it should succeed; with `wild` faults
/// that is not known.
fn random(seed: u64, timeouts: Timeouts, wild: bool) -> (Run, bool) {
    let mut dice = Dice(seed);
    let mut maker = Maker {
        dice: &mut dice,
        network: Network::default(),
        wild,
    };
    let mut works = Vec::new();
    let mut routes = Vec::new();
    for route in 0..1 + maker.dice.below(3) {
        let hops = maker.dice.below(3);
        let hops = (0..hops).map(|hop| maker.proxy(&format!("proxy{route}{hop}.test")));
        let hops: Vec<_> = hops.collect();
        works.push(hops.iter().all(|proxy| proxy.works));
        routes.push(hops.into_iter().map(|proxy| proxy.hop).collect());
    }
    let names = ["target.test", "b.test", "c.test", "d.test"];
    let n = 1 + maker.dice.below(4) as usize;
    let targets = (0..n).map(|at| maker.target(names[at], names[(at + 1) % n]));
    let targets: Vec<_> = targets.collect();
    let wanted = should_open(&works, &targets);
    let network = maker.network;
    let routes = Routes::any_of(routes);
    let run = dial(network, routes, Redirects::Any, timeouts, &mut dice);
    (run, wanted)
}

/// Foretells the answer. Each target redirects to the next one, the last to the first.
fn should_open(routes: &[bool], targets: &[Answer]) -> bool {
    for target in targets {
        let mut redirected = false;
        for works in routes {
            match target {
                _ if !works => {}
                Answer::Opens => return true,
                Answer::Rejects => return false,
                Answer::Redirects => {
                    redirected = true;
                    break;
                }
                Answer::Breaks => {}
            }
        }
        if !redirected {
            return false;
        }
    }
    false // the redirects form a loop
}

/// The answer of a target.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Answer {
    Opens,
    Redirects,
    Rejects,
    Breaks,
}

/// A hop to a proxy; it works if the proxy lets it through.
struct Proxy {
    hop: Hop,
    works: bool,
}

/// Makes a random network.
struct Maker<'a> {
    dice: &'a mut Dice,
    network: Network,
    /// Ends connections at any byte. Otherwise they end before the server is of use.
    wild: bool,
}

impl Maker<'_> {
    fn proxy(&mut self, name: &str) -> Proxy {
        if self.dice.below(4) == 0 {
            self.socks_proxy(name)
        } else {
            self.http_proxy(name)
        }
    }

    fn socks_proxy(&mut self, name: &str) -> Proxy {
        // A SOCKS proxy has sent all its replies before the twelfth byte, and a later end would be
        // one of the tunnel.
        let fault = match self.fault() {
            Fault::Truncated(n, end) if !self.wild => Fault::Truncated(n % 10, end),
            fault => fault,
        };
        let reached = self.place(name, Service::SocksProxy, fault);
        let hop = hop(&format!("socks5h://{name}:1"));
        let works = reached && fault == Fault::None;
        Proxy { hop, works }
    }

    fn http_proxy(&mut self, name: &str) -> Proxy {
        let endings = [
            Ending::Length,
            Ending::Chunked,
            Ending::Close,
            Ending::UntilClose,
        ];
        let ending = *self.dice.one(&endings);
        let auth = match self.dice.below(5) {
            0 => ProxyAuth::None,
            1 => ProxyAuth::Basic(ending),
            2 => ProxyAuth::Digest(ending),
            3 => ProxyAuth::BasicOrDigest(ending),
            _ => ProxyAuth::Unsupported(ending),
        };
        let without = || hop(&format!("http://{name}:1"));
        let wrong = || hop(&format!("http://me:guess@{name}:1"));
        let right = || hop(&format!("http://{USER}:{PASSWORD}@{name}:1"));
        let (hop, knows) = match self.dice.below(6) {
            0 => (without(), false),
            1 => (wrong(), false),
            2 => (wrong().on_challenge(), false),
            3 => (right(), true),
            4 => (right().on_challenge(), true),
            _ => (without().asking(), true),
        };
        let fault = if self.dice.below(10) == 0 {
            Fault::Forbids
        } else {
            self.fault()
        };
        let passes = match auth {
            ProxyAuth::None => true,
            ProxyAuth::Unsupported(_) => false,
            _ => knows,
        };
        let reached = self.place(name, Service::HttpProxy(auth), fault);
        let works = reached && passes && fault == Fault::None;
        Proxy { hop, works }
    }

    /// Adds a target; `next` is where it may redirect to.
    fn target(&mut self, name: &str, next: &str) -> Answer {
        let fault = self.fault();
        let (service, answer) = match self.dice.below(6) {
            0 => (Service::Rejects(403, None), Answer::Rejects),
            1 | 2 => {
                let to = format!("http://{next}:1/");
                (redirects(302, &to), Answer::Redirects)
            }
            _ => (Service::WebSocket, Answer::Opens),
        };
        if self.place(name, service, fault) && fault == Fault::None {
            answer
        } else {
            Answer::Breaks
        }
    }

    fn fault(&mut self) -> Fault {
        // Twelve bytes are less than any server's answer.
        let most = if self.wild { 400 } else { 12 };
        let n = self.dice.below(most) as usize;
        let end = *self.dice.one(&[End::Finished, End::Reset]);
        match self.dice.below(8) {
            0 => Fault::Silent,
            1 => Fault::Truncated(n, end),
            _ => Fault::None,
        }
    }

    /// Adds a name with a service among dead addresses. Returns `false` if all of them are dead.
    fn place(&mut self, name: &str, service: Service, fault: Fault) -> bool {
        let reachable = self.dice.below(5) > 0;
        let dead = self.dice.below(4);
        let lucky = self.dice.below(dead + 1);
        for n in 0..=dead {
            let host = if n == lucky && reachable {
                Host::Opens(service.clone(), fault)
            } else {
                self.dice.one(&[Host::Refuses, Host::Hangs]).clone()
            };
            self.network.add(name, host);
        }
        reachable
    }
}
