//! The cases of connecting and their results, for the simulation and for every driver.

use super::{End, Ending, Fault, Host, Network, PASSWORD, ProxyAuth, Service, USER};
use wirestack_dial::auth::{Action, Authenticator, Awaiting, Input};
use wirestack_dial::{Hop, Redirects, Routes};

/// One case; the target is always `ws://target.test:1/`.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) network: Network,
    pub(crate) routes: Routes,
    pub(crate) redirects: Redirects,
    /// The parts of the error's text; one after a `^` is its beginning. Empty if there is no error.
    pub(crate) error: &'static [&'static str],
}

impl Scenario {
    fn new(name: &'static str, entries: impl IntoIterator<Item = Entry>) -> Self {
        let mut network = Network::default();
        for entry in entries {
            network.add(entry.name, entry.host);
        }
        Self {
            name,
            network,
            routes: Routes::direct(),
            redirects: Redirects::Any,
            error: &[],
        }
    }

    fn routes(self, routes: Routes) -> Self {
        Self { routes, ..self }
    }

    fn via(self, hops: &[Hop]) -> Self {
        self.routes(Routes::hops(hops.to_vec()))
    }

    fn redirects(self, redirects: Redirects) -> Self {
        Self { redirects, ..self }
    }

    fn fails(self, error: &'static [&'static str]) -> Self {
        Self { error, ..self }
    }

    /// Checks the text of an error. Panics where a part is missing.
    pub(crate) fn check(&self, text: &str) {
        for part in self.error {
            let found = match part.strip_prefix('^') {
                Some(first) => text.starts_with(first),
                None => text.contains(part),
            };
            assert!(found, "{}: no {part:?} in {text}", self.name);
        }
    }
}

/// A name and the host at one of its addresses.
#[derive(Clone)]
struct Entry {
    name: &'static str,
    host: Host,
}

fn entry(name: &'static str, service: Service) -> Entry {
    let host = Host::Opens(service, Fault::None);
    Entry { name, host }
}

fn target() -> Entry {
    entry("target.test", Service::WebSocket)
}

fn proxy(auth: ProxyAuth) -> Entry {
    entry("proxy.test", Service::HttpProxy(auth))
}

pub(crate) fn hop(url: &str) -> Hop {
    url.parse().unwrap()
}

pub(crate) fn redirects(status: u16, location: &str) -> Service {
    Service::Rejects(status, Some(location.to_owned()))
}

pub(crate) fn scenarios() -> Vec<Scenario> {
    let mut all = straight();
    all.extend(through_proxies());
    all.extend(by_many_routes());
    all.extend(along_redirects());
    all
}

fn straight() -> Vec<Scenario> {
    let refusing = || Entry {
        name: "target.test",
        host: Host::Refuses,
    };
    vec![
        Scenario::new("no proxy", [target()]),
        Scenario::new("the second address opens", [refusing(), target()]),
        Scenario::new("no address opens", [refusing()]).fails(&[
            "target (ws://target.test:1/): could not connect: ",
            "refused",
        ]),
        Scenario::new("no such name", [])
            .fails(&["target (ws://target.test:1/): could not look up the name: "]),
    ]
}

fn through_proxies() -> Vec<Scenario> {
    let socks = entry("gate.test", Service::SocksProxy);
    let hops = [hop("socks5h://gate.test:1"), hop("http://proxy.test:1")];
    let mut all =
        vec![Scenario::new("two hops", [socks, proxy(ProxyAuth::None), target()]).via(&hops)];
    for (name, auth) in [
        ("Basic", ProxyAuth::Basic(Ending::Length)),
        ("Digest", ProxyAuth::Digest(Ending::Length)),
        ("Digest, chunked", ProxyAuth::Digest(Ending::Chunked)),
        ("Digest, then close", ProxyAuth::Digest(Ending::Close)),
        (
            "Digest without a length",
            ProxyAuth::Digest(Ending::UntilClose),
        ),
        (
            "Basic or Digest, then close",
            ProxyAuth::BasicOrDigest(Ending::Close),
        ),
    ] {
        all.extend(with_auth(name, &auth));
    }
    let own = hop("http://proxy.test:1").authenticator(|_| Box::new(TwoLegs::default()));
    let unsupported = ProxyAuth::Unsupported(Ending::Length);
    all.extend([
        Scenario::new("unsupported schemes", [proxy(unsupported), target()])
            .via(&[known()])
            .fails(&[
                "407",
                "it offers Negotiate and Bearer: Negotiate is off: `Hop::default_credentials` sends",
            ]),
        Scenario::new("two legs, with help", [proxy(ProxyAuth::TwoLegs), target()]).via(&[own]),
    ]);
    all
}

/// A proxy that wants credentials, and clients that have them, have wrong ones or have none.
fn with_auth(name: &'static str, auth: &ProxyAuth) -> Vec<Scenario> {
    let scenario = || Scenario::new(name, [proxy(auth.clone()), target()]);
    let wrong = || hop("http://me:guess@proxy.test:1");
    let refused = &[
        "hop 1 (http://proxy.test:1): ",
        "407",
        "it refused the user or the password (",
    ];
    let socks = hop("socks5h://gate.test:1");
    vec![
        scenario().via(&[known()]),
        scenario()
            .via(&[socks, known().on_challenge()])
            .fails(&["hop 1", "could not look up the name"]),
        scenario().via(&[known().on_challenge()]),
        scenario().via(&[wrong()]).fails(refused),
        scenario().via(&[wrong().on_challenge()]).fails(refused),
        scenario().via(&[hop("http://proxy.test:1")]).fails(&[
            "407",
            "it offered ",
            "there is no user and no password",
        ]),
        scenario().via(&[hop("http://proxy.test:1").asking()]),
    ]
}

/// The proxy with the right credentials.
fn known() -> Hop {
    hop(&format!("http://{USER}:{PASSWORD}@proxy.test:1"))
}

fn by_many_routes() -> Vec<Scenario> {
    let faulty = |name, fault| Entry {
        name,
        host: Host::Opens(Service::HttpProxy(ProxyAuth::None), fault),
    };
    let bad = [
        Entry {
            name: "dead.test",
            host: Host::Refuses,
        },
        faulty("mute.test", Fault::Silent),
        faulty("cut.test", Fault::Truncated(5, End::Finished)),
        faulty("reset.test", Fault::Truncated(9, End::Reset)),
        faulty("strict.test", Fault::Forbids),
    ];
    let through_bad = || {
        bad.clone()
            .map(|entry| vec![hop(&format!("http://{}:1", entry.name))])
    };
    let good = [vec![hop("http://proxy.test:1")]];
    let six = Routes::any_of(through_bad().into_iter().chain(good));
    let hosts = || bad.clone().into_iter();
    let rejecting = entry("target.test", Service::Rejects(403, None));
    let two = Routes::any_of([vec![hop("http://proxy.test:1")], vec![]]);
    vec![
        Scenario::new(
            "the sixth route",
            hosts().chain([proxy(ProxyAuth::None), target()]),
        )
        .routes(six),
        Scenario::new("five bad routes", hosts().chain([target()]))
            .routes(Routes::any_of(through_bad()))
            .fails(&[
                "^all 5 routes to the target failed: http://dead.test:1: hop 1",
                "hop 1 (http://mute.test:1): timed out after ",
                "while waiting for the CONNECT response, 0 bytes received",
                "5 bytes of the CONNECT response",
                "reset",
                "403",
            ]),
        // The target would say the same by the other route.
        Scenario::new(
            "a refusal by the target",
            [proxy(ProxyAuth::None), rejecting],
        )
        .routes(two)
        .fails(&[
            "^target (ws://target.test:1/): upgrade[1]: refused the upgrade to websocket: 403",
        ]),
    ]
}

fn along_redirects() -> Vec<Scenario> {
    let from = |location: &str| entry("target.test", redirects(302, location));
    let to = || entry("other.test", Service::WebSocket);
    let back = entry("other.test", redirects(307, "ws://target.test:1/"));
    let itself = entry("other.test", redirects(301, "more"));
    vec![
        Scenario::new("a redirect", [from("http://other.test:1/x"), to()]),
        Scenario::new("a loop", [from("ws://other.test:1/x"), back])
            .fails(&["the redirects form a loop: \
             a 302 to ws://other.test:1/x, then a 307 to ws://target.test:1/"]),
        Scenario::new("a loop of one", [from("//other.test:1/a/b"), itself])
            .fails(&["a loop: ", "then a 301 to "]),
        Scenario::new("a redirect to no WebSocket", [from("ftp://other.test/")])
            .fails(&["not ws://, wss://, http:// or https://"]),
        Scenario::new("another origin", [from("http://other.test:1/x"), to()])
            .redirects(Redirects::SameOrigin)
            .fails(&["leads to another origin"]),
        Scenario::new("redirects are off", [from("http://other.test:1/x"), to()])
            .redirects(Redirects::Off)
            .fails(&["refused the upgrade to websocket: 302"]),
    ]
}

/// Needs a ticket from elsewhere, then a thread, then two legs.
#[derive(Default)]
struct TwoLegs {
    blocked: bool,
}

impl Authenticator for TwoLegs {
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
