//! What can happen while connecting, and what has to come of it: for the simulation and for every
//! driver.

use crate::support::net::{Asks, End, Ending, Flaw, Host, Net, PASSWORD, Service, USER};
use wirestack::auth::{Action, Authenticator, Awaiting, Input};
use wirestack::dial::{Hop, Redirects, Routes};

pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) net: Net,
    pub(crate) routes: Routes,
    pub(crate) redirects: Redirects,
    /// What the error says, from its beginning on after a `^`; nothing if there is none.
    pub(crate) error: &'static [&'static str],
}

/// Puts a service at an address of its own and gives it a name.
pub(crate) fn put(net: &mut Net, name: &str, host: Host) {
    let n = net.hosts.len() + 1;
    let address = format!("192.0.2.{n}:{n}").parse().unwrap();
    net.hosts.insert(address, host);
    net.names.entry(name.to_owned()).or_default().push(address);
}

pub(crate) fn at(name: &str, service: Service) -> (String, Host) {
    (name.to_owned(), Host::Opens(service, Flaw::None))
}

fn net(hosts: impl IntoIterator<Item = (String, Host)>) -> Net {
    let mut net = Net::default();
    for (name, host) in hosts {
        put(&mut net, &name, host);
    }
    net
}

pub(crate) fn hop(url: &str) -> Hop {
    url.parse().unwrap()
}

fn me(name: &str) -> Hop {
    hop(&format!("http://{USER}:{PASSWORD}@{name}:1"))
}

fn target() -> (String, Host) {
    at("target.test", Service::Socket)
}

pub(crate) fn says(status: u16, location: &str) -> Service {
    Service::Says(status, Some(location.to_owned()))
}

/// All of them; the target is always `ws://target.test:1/`.
pub(crate) fn scenarios() -> Vec<Scenario> {
    let mut all = Vec::new();
    let mut add = |name, net, routes, error| {
        all.push(Scenario {
            name,
            net,
            routes,
            redirects: Redirects::Any,
            error,
        });
    };
    let direct = Routes::direct;
    let through = |hops: &[Hop]| Routes::hops(hops.to_vec());
    let proxy = |asks| at("proxy.test", Service::Http(asks));

    add("straight to it", net([target()]), direct(), &[]);
    let refused = ("target.test".to_owned(), Host::Refuses);
    add(
        "the second address",
        net([refused.clone(), target()]),
        direct(),
        &[],
    );
    let wanted: &[_] = &[
        "target (ws://target.test:1/): could not connect: ",
        "refused",
    ];
    add("no address", net([refused]), direct(), wanted);
    add(
        "no name",
        net([]),
        direct(),
        &["target (ws://target.test:1/): could not resolve the name: resolver: "],
    );

    let gate = || at("gate.test", Service::Socks);
    let hops = [hop("socks5h://gate.test:1"), hop("http://proxy.test:1")];
    add(
        "two hops",
        net([gate(), proxy(Asks::Nothing), target()]),
        through(&hops),
        &[],
    );
    for (name, asks) in [
        ("basic", Asks::Basic(Ending::Length)),
        ("digest", Asks::Digest(Ending::Length)),
        ("digest, chunked", Asks::Digest(Ending::Chunked)),
        ("digest, then close", Asks::Digest(Ending::Close)),
        ("digest without a length", Asks::Digest(Ending::UntilClose)),
        ("both, then close", Asks::Both(Ending::Close)),
    ] {
        let all = || net([proxy(asks.clone()), target()]);
        add(name, all(), through(&[me("proxy.test")]), &[]);
        let shy = me("proxy.test").on_challenge();
        add(
            name,
            all(),
            through(&[hop("socks5h://gate.test:1"), shy.clone()]),
            &["hop 1", "could not resolve the name"],
        );
        add(name, all(), through(&[shy]), &[]);
        let wrong = || hop("http://me:guess@proxy.test:1");
        let refused = &[
            "hop 1 (http://proxy.test:1): ",
            "407",
            "it refused the credentials by ",
        ];
        add(name, all(), through(&[wrong()]), refused);
        add(name, all(), through(&[wrong().on_challenge()]), refused);
        let nobody = &["407", "it offered ", "there are no credentials"];
        add(name, all(), through(&[hop("http://proxy.test:1")]), nobody);
        let asking = hop("http://proxy.test:1").asking();
        add(name, all(), through(&[asking]), &[]);
    }
    let strange = &[
        "407",
        "it offered Negotiate, NTLM, none of which is spoken here",
    ];
    let all_of = net([proxy(Asks::Strange(Ending::Length)), target()]);
    add(
        "a strange scheme",
        all_of,
        through(&[me("proxy.test")]),
        strange,
    );
    let own = || hop("http://proxy.test:1").authenticator(|_| Box::new(Legs::default()));
    add(
        "two legs, with help",
        net([proxy(Asks::Legs), target()]),
        through(&[own()]),
        &[],
    );

    let flawed = |name: &str, flaw| {
        let host = Host::Opens(Service::Http(Asks::Nothing), flaw);
        (name.to_owned(), host)
    };
    let bad = || {
        [
            ("dead.test".to_owned(), Host::Refuses),
            flawed("mute.test", Flaw::Mute),
            flawed("cut.test", Flaw::Cut(5, End::Finished)),
            flawed("reset.test", Flaw::Cut(9, End::Reset)),
            flawed("strict.test", Flaw::Forbids),
        ]
    };
    let names = ["dead", "mute", "cut", "reset", "strict"];
    let routes = names.map(|name| vec![hop(&format!("http://{name}.test:1"))]);
    let mut good = routes.to_vec();
    good.push(vec![hop("http://proxy.test:1")]);
    let hosts = bad().into_iter().chain([proxy(Asks::Nothing), target()]);
    add("the sixth route", net(hosts), Routes::any_of(good), &[]);
    let error = &[
        "^all 5 routes to the target failed: http://dead.test:1: hop 1",
        "hop 1 (http://mute.test:1): timed out after ",
        "while waiting for the CONNECT response, 0 bytes received",
        "5 bytes of the CONNECT response",
        "reset",
        "403",
    ];
    add(
        "five bad routes",
        net(bad().into_iter().chain([target()])),
        Routes::any_of(routes),
        error,
    );

    let no = at("target.test", Service::Says(403, None));
    let twice = || Routes::any_of([vec![hop("http://proxy.test:1")], vec![]]);
    let said = net([proxy(Asks::Nothing), no]);
    add(
        "what the target says is said",
        said,
        twice(),
        &["^target (ws://target.test:1/): upgrade[1]: refused: 403"],
    );

    let moved = |to: &str| at("target.test", says(302, to));
    let other = at("other.test", Service::Socket);
    let hosts = || net([moved("http://other.test:1/x"), other.clone()]);
    add("a redirect", hosts(), direct(), &[]);
    let back = at("other.test", says(307, "ws://target.test:1/"));
    let error = &[
        "the redirects form a loop: a 302 to ws://other.test:1/x, then a 307 to ws://target.test:1/",
    ];
    add(
        "a loop",
        net([moved("ws://other.test:1/x"), back]),
        direct(),
        error,
    );
    let more = at("other.test", says(301, "more"));
    let hosts = net([moved("//other.test:1/a/b"), more]);
    add(
        "a loop of one",
        hosts,
        direct(),
        &["a loop: ", "then a 301 to "],
    );
    let elsewhere = net([moved("ftp://other.test/")]);
    add(
        "no WebSocket",
        elsewhere,
        direct(),
        &["not ws://, wss://, http:// or https://"],
    );
    let mut off = Scenario {
        name: "redirects are off",
        net: hosts_of(&moved("http://other.test:1/x"), &other),
        routes: Routes::direct(),
        redirects: Redirects::Off,
        error: &["refused: 302"],
    };
    all.push(Scenario {
        name: "another origin",
        net: std::mem::take(&mut off.net),
        routes: Routes::direct(),
        redirects: Redirects::SameOrigin,
        error: &["leads to another origin"],
    });
    off.net = hosts_of(&moved("http://other.test:1/x"), &other);
    all.push(off);
    all
}

fn hosts_of(one: &(String, Host), other: &(String, Host)) -> Net {
    net([one.clone(), other.clone()])
}

/// Needs a ticket from elsewhere, then a thread, then two legs.
#[derive(Default)]
struct Legs {
    blocked: bool,
}

impl Authenticator for Legs {
    fn step(&mut self, input: Input<'_>) -> Action {
        let send =
            |value: &'static str| Action::Authorize(Some(http::HeaderValue::from_static(value)));
        match input {
            Input::Awaiting(Awaiting::Request) => Action::Fetch {
                url: "kdc://here".into(),
                data: "ticket?".into(),
            },
            Input::Reply(Ok(ticket)) if ticket == "ticket" => Action::RunBlocking,
            Input::Ran if self.blocked => send("Legs one"),
            Input::Awaiting(Awaiting::Challenge {
                refusal,
                reusable: true,
            }) => match &refusal.proxy_challenges()[..] {
                [one] if one.rest() == "go-on" => send("Legs two"),
                _ => Action::GiveUp("no leg to stand on".into()),
            },
            Input::Awaiting(Awaiting::Response(_)) => Action::Authorize(None),
            _ => Action::GiveUp("something else".into()),
        }
    }

    fn run_blocking(&mut self) {
        self.blocked = true;
    }
}
