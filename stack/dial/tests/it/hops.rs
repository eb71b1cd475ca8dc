//! What a hop can be told: the fields and the limits of its CONNECT, and the zone of its address.

use http::header::{HeaderName, HeaderValue, USER_AGENT};
use std::net::{SocketAddr, SocketAddrV6};
use wirestack_dial::{
    AttemptId, Destination, Dialer, Forwarding, Hop, Plan, RouteError, Routes, Step, Target,
    Timeouts,
};
use wirestack_http1::Limits;
use wirestack_layer::{Instant, Seed};
use wirestack_nest::{BoxTunnel, Engine};

/// A dialing to a stream of bytes, driven by hand.
struct Dialing {
    dialer: Dialer<BoxTunnel>,
    open: Option<(AttemptId, Engine<BoxTunnel>)>,
}

impl Dialing {
    fn new(routes: Routes, target: &str) -> Self {
        let target: Target = target.parse().unwrap();
        let plan = Plan::stream(routes, target, None, None).unwrap();
        let seed = Seed::new([7; 32]);
        let dialer = Dialer::new(plan, Timeouts::default(), seed, Instant::ORIGIN);
        Self { dialer, open: None }
    }

    /// Opens the first connection; returns the first bytes that the proxy gets.
    fn connect(&mut self) -> String {
        let Step::Open { attempt, .. } = self.step() else {
            panic!("an address is known");
        };
        let engine = self.dialer.opened(attempt, Instant::ORIGIN).unwrap();
        self.open = Some((attempt, engine));
        self.observe();
        let (_, engine) = self.open.as_mut().unwrap();
        String::from_utf8(engine.to_wire().unread().to_vec()).unwrap()
    }

    /// Gives the answer of the proxy; returns the end of the dialing.
    fn answer(&mut self, bytes: &[u8]) -> String {
        let (_, engine) = self.open.as_mut().unwrap();
        engine.from_wire().write(bytes);
        self.observe();
        loop {
            match self.step() {
                Step::Ready { .. } => return "ready".to_owned(),
                Step::Failed(error) => return error.to_string(),
                Step::Close { .. } => {}
                other => panic!("{other:?}"),
            }
        }
    }

    fn observe(&mut self) {
        let (attempt, engine) = self.open.as_mut().unwrap();
        for _ in 0..4 {
            engine.process(Instant::ORIGIN);
            self.dialer.observe(*attempt, engine, Instant::ORIGIN);
        }
    }

    fn step(&mut self) -> Step {
        self.dialer.step(Instant::ORIGIN)
    }
}

fn through(hop: &Hop) -> Dialing {
    Dialing::new(Routes::hops(vec![hop.clone()]), "tcp://c.test:22")
}

fn hop(url: &str) -> Hop {
    url.parse().unwrap()
}

fn field(name: &'static str) -> HeaderName {
    HeaderName::from_static(name)
}

#[test]
fn pitfall_76_a_hop_sends_fields_with_its_connect_and_no_field_of_the_request_itself() {
    let hop = hop("http://me:pw@192.0.2.1:1");
    let hop = hop
        .header(USER_AGENT, HeaderValue::from_static("tester/1"))
        .unwrap();
    let hop = hop
        .header(field("x-token"), HeaderValue::from_static("t0p"))
        .unwrap();
    assert!(!format!("{hop:?}").contains("t0p"));
    let request = through(&hop).connect();
    let wanted = "CONNECT c.test:22 HTTP/1.1\r\nHost: c.test:22\r\n\
        User-Agent: tester/1\r\nX-Token: t0p\r\nProxy-Authorization: Basic bWU6cHc=\r\n\r\n";
    assert_eq!(request, wanted);
    for name in [
        "host",
        "proxy-authorization",
        "content-length",
        "transfer-encoding",
        "connection",
        "proxy-connection",
        "keep-alive",
        "te",
        "trailer",
        "upgrade",
        "expect",
    ] {
        for url in ["http://h", "https://h", "h2://h", "h2c://h"] {
            let refused = self::hop(url).header(field(name), HeaderValue::from_static("x"));
            assert_eq!(refused.err(), Some(RouteError::Field(field(name))), "{url}");
        }
    }
    for url in ["socks5://h", "socks4://h", "socks5+tls://h"] {
        let refused = self::hop(url).header(USER_AGENT, HeaderValue::from_static("x"));
        assert_eq!(refused.err(), Some(RouteError::NotHttp), "{url}");
    }
}

#[test]
fn pitfall_76_a_hop_has_limits_of_its_own_and_may_be_lenient() {
    let mut limits = Limits::default();
    limits.head = 64;
    let answer = |hop: &Hop, bytes: &[u8]| {
        let mut dialing = through(hop);
        dialing.connect();
        dialing.answer(bytes)
    };
    let long = format!("HTTP/1.1 200 OK\r\nA: {}\r\n\r\n", "b".repeat(64));
    let strict = hop("http://192.0.2.1:1");
    assert_eq!(answer(&strict, long.as_bytes()), "ready");
    let failed = answer(&strict.clone().limits(limits), long.as_bytes());
    assert!(
        failed.contains("the head has more than 64 bytes"),
        "{failed}"
    );
    let odd = b"HTTP/1.1 200 OK\r\nA : b\r\n\r\n";
    assert!(answer(&strict, odd).contains("a header name is not a token"));
    assert_eq!(answer(&strict.lenient(), odd), "ready");
}

/// A link-local address is one at an interface (RFC 4007 §6). The number of the interface goes to the
/// socket; a name is the system's to look up.
#[test]
fn pitfall_76_the_zone_of_an_address_reaches_the_socket() {
    let scoped = |port| SocketAddr::from(SocketAddrV6::new("fe80::1".parse().unwrap(), port, 0, 3));
    for (routes, target, port) in [
        (Routes::direct(), "tcp://[fe80::1%253]:22", 22),
        (Routes::direct(), "http://[fe80::1%3]/", 80),
        (
            Routes::hops(vec![hop("http://[fe80::1%253]:8")]),
            "tcp://c.test:22",
            8,
        ),
        (
            Routes::hops(vec![hop("socks5h://[fe80::1%3]")]),
            "tcp://c.test:22",
            1080,
        ),
    ] {
        match Dialing::new(routes, target).step() {
            Step::Open {
                to: Destination::Tcp(to),
                ..
            } => assert_eq!(to, scoped(port), "{target}"),
            other => panic!("{target}: {other:?}"),
        }
    }
    let named = [hop("http://[fe80::1%25eth0]:8")];
    match Dialing::new(Routes::hops(named.to_vec()), "tcp://c.test:22").step() {
        Step::Resolve { host, port, .. } => assert_eq!((&*host, port), ("fe80::1%eth0", 8)),
        other => panic!("{other:?}"),
    }
    // Every other address is the same at each interface.
    let global = [hop("http://[2001:db8::1%25eth0]:8")];
    match Dialing::new(Routes::hops(global.to_vec()), "tcp://c.test:22").step() {
        Step::Open { to, .. } => assert_eq!(to.to_string(), "[2001:db8::1]:8"),
        other => panic!("{other:?}"),
    }
    // A proxy has interfaces of its own.
    let routes = Routes::hops(vec![hop("http://192.0.2.1:1")]);
    match Dialing::new(routes, "tcp://[fe80::1%25eth0]:22").step() {
        Step::Failed(error) => {
            let text = error.to_string();
            assert!(text.contains("[fe80::1%eth0]:22 has a zone"), "{text}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn pitfall_75_what_a_pac_file_names_and_nobody_speaks_is_noted_in_the_trace() {
    let routes = Routes::pac("QUIC q.test:443; PROXY 192.0.2.1:1").unwrap();
    let mut dialing = Dialing::new(routes, "tcp://c.test:22");
    assert!(dialing.connect().starts_with("CONNECT c.test:22"));
    let trace = dialing.dialer.trace().to_string();
    assert!(
        trace.contains("passed over a route: QUIC: the keyword is not known"),
        "{trace}"
    );
    let drawn = dialing.dialer.trace().waterfall().to_string();
    assert!(drawn.contains("QUIC"), "{drawn}");
}

#[test]
fn a_proxy_that_forwards_is_asked_for_its_own_name() {
    let hop: Hop = "https://192.0.2.7:3129".parse().unwrap();
    let route = [hop.server_name("proxy.corp").unix_socket("/run/proxy")];
    let forwarding = Forwarding::of(&route).unwrap().unwrap();
    let plan = Plan::stream(Routes::direct(), forwarding.proxy, None, None).unwrap();
    let mut dialer = Dialer::new(
        plan,
        Timeouts::default(),
        Seed::new([7; 32]),
        Instant::ORIGIN,
    );
    let hello = loop {
        match dialer.step(Instant::ORIGIN) {
            Step::MakeTls { mut task } => {
                task.run();
                dialer.made_tls(Some(task), Instant::ORIGIN);
            }
            Step::Open { attempt, to } => {
                assert_eq!(to, Destination::Unix("/run/proxy".into()));
                let mut engine = dialer.opened(attempt, Instant::ORIGIN).unwrap();
                engine.process(Instant::ORIGIN);
                break engine.to_wire().unread().to_vec();
            }
            other => panic!("{other:?}"),
        }
    };
    let name = b"proxy.corp";
    assert!(hello.windows(name.len()).any(|window| window == name));
}

/// The port of the host in its URL is another proxy, perhaps, which would get the password.
#[test]
fn datagrams_by_a_proxy_at_a_unix_socket_are_refused_before_anything_is_sent() {
    let gate = hop("socks5h://me:secret@localhost").unix_socket("/run/gate");
    let error = Plan::udp_associate(gate).map(drop).unwrap_err().to_string();
    assert!(error.contains("Unix socket"), "{error}");
    assert!(!error.contains("secret"), "{error}");
}

/// In a URL, the zone `7` may stand as `%257`.
#[test]
fn the_zone_of_a_proxy_is_the_same_where_that_is_a_target() {
    let scope = |target: Target| match target.endpoint().host.split_once('%') {
        Some((_, zone)) => zone.to_owned(),
        None => panic!("{target}"),
    };
    for zone in ["257", "3", "25", "eth0"] {
        let gate = |scheme: &str| hop(&format!("{scheme}://[fe80::1%25{zone}]:8"));
        let forwarding = Forwarding::of(&[gate("http")]).unwrap().unwrap();
        assert_eq!(scope(forwarding.proxy), zone);
    }
    let routes = Routes::hops(vec![hop("h2c://[fe80::1%25257]:8")]);
    let plan = Plan::stream(routes, "tcp://c.test:22".parse().unwrap(), None, None);
    let first = |plan| {
        let seed = Seed::new([7; 32]);
        Dialer::new(plan, Timeouts::default(), seed, Instant::ORIGIN).step(Instant::ORIGIN)
    };
    let Step::Open { to, .. } = first(plan.unwrap().sharing()) else {
        panic!("it is not shared");
    };
    let Destination::Stream(share) = to else {
        panic!("it is not shared: {to}");
    };
    let seed = Seed::new([7; 32]);
    let plan = Plan::shared(&share);
    let mut dialer = Dialer::new(plan, Timeouts::default(), seed, Instant::ORIGIN);
    let Step::Open { to, .. } = dialer.step(Instant::ORIGIN) else {
        panic!("the address is known");
    };
    let near = SocketAddrV6::new("fe80::1".parse().unwrap(), 8, 0, 257);
    assert_eq!(to, Destination::Tcp(near.into()));
}
