//! The dialer on a fake clock: no socket, no sleep.
#![allow(clippy::disallowed_methods)] // one clock reading, as the origin of the fake clock

use std::cell::Cell;
use std::error::Error as _;
use std::fmt;
use std::time::Duration;
use wirestack::Instant;
use wirestack::dial::{
    AttemptId, Destination, DialError, Dialer, Endpoint, Plan, Reason, Step, Timeouts,
};
use wirestack::{Error, Flows, Layer, Pipe, Progress, Seed};

/// Opens at the byte `k`, fails at `x`, and wants another connection at `n`.
#[derive(Default)]
struct Knock {
    open: bool,
    over: bool,
}

impl Layer for Knock {
    type In = Pipe;
    type Out = Pipe;
    fn name(&self) -> &'static str {
        "knock"
    }

    fn process(&mut self, mut p: Flows<'_>, _: Instant) {
        if self.open {
            return p.pass_through();
        }
        let Some(byte) = p.from_wire.unread().first().copied() else {
            if let Some(error) = p.from_wire.truncation("knock", "closed before the knock")
                && !self.over
            {
                self.over = true;
                p.fail(error);
            }
            return p.from_wire.require(1);
        };
        p.from_wire.consume(1);
        match byte {
            b'k' => self.open = true,
            b'n' => {
                self.over = true;
                p.fail(Error::peer("knock", "come again").retry_on_new_connection(42_u32));
            }
            b'r' => {
                self.over = true;
                p.fail(Error::peer("knock", Rude));
            }
            b'.' => {}
            _ => {
                self.over = true;
                p.fail(Error::peer("knock", "turned away"));
            }
        }
    }

    fn is_open(&self) -> bool {
        self.open
    }

    fn progress(&self) -> Progress {
        match (self.open, self.over) {
            (true, _) => Progress::Open,
            (_, true) => Progress::Over,
            _ => Progress::Opening("the knock"),
        }
    }

    fn facts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        SHOWN.with(|shown| shown.set(shown.get() + 1));
        f.write_str("it knocked")
    }
}

thread_local! {
    /// How often a layer's facts were written.
    static SHOWN: Cell<usize> = const { Cell::new(0) };
}

struct World {
    dialer: Dialer<Knock>,
    start: Instant,
    now: Instant,
}

impl World {
    fn new(host: &str) -> Self {
        Self::with(host, Timeouts::default())
    }

    fn with(host: &str, timeouts: Timeouts) -> Self {
        let start = Instant::now();
        let endpoint = Endpoint {
            host: host.into(),
            port: 7,
        };
        let plan = Plan::new(endpoint, vec!["hop 1".into()], |_, _| Ok(Knock::default()));
        Self {
            dialer: Dialer::new(plan, timeouts, Seed::new([1; 32]), start),
            start,
            now: start,
        }
    }

    fn step(&mut self) -> Step {
        self.dialer.step(self.now)
    }

    fn attempt(&mut self) -> (AttemptId, Destination) {
        match self.step() {
            Step::Open { attempt, to } => (attempt, to),
            other => panic!("wanted Open, saw {other:?}"),
        }
    }

    /// Goes to the time that the dialer waits for.
    fn jump(&mut self) -> Duration {
        match self.step() {
            Step::Wait { until: Some(until) } => self.now = until,
            other => panic!("wanted Wait, saw {other:?}"),
        }
        self.now - self.start
    }

    fn closes(&mut self, attempt: AttemptId) {
        match self.step() {
            Step::Close { attempt: closed } => assert_eq!(closed, attempt),
            other => panic!("wanted Close, saw {other:?}"),
        }
    }

    fn failure(&mut self) -> DialError {
        match self.step() {
            Step::Failed(error) => error,
            other => panic!("wanted Failed, saw {other:?}"),
        }
    }

    /// Opens the next attempt and lets the peer say this.
    fn hear(&mut self, bytes: &[u8]) -> AttemptId {
        let (attempt, _) = self.attempt();
        self.say(attempt, bytes);
        attempt
    }

    fn say(&mut self, attempt: AttemptId, bytes: &[u8]) {
        let mut engine = self.dialer.opened(attempt, self.now).expect("wanted");
        for byte in bytes {
            engine.from_wire().write(&[*byte]);
            engine.process(self.now);
            self.dialer.observe(attempt, &mut engine, self.now);
        }
    }

    fn resolve(&mut self, found: &[&str]) {
        let Step::Resolve { lookup, host, port } = self.step() else {
            panic!("wanted Resolve");
        };
        assert_eq!((&host[..], port), ("name.test", 7));
        let found = found.iter().map(|text| text.parse().unwrap()).collect();
        self.dialer.resolved(lookup, Ok(found), self.now);
    }
}

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn refusal() -> Error {
    Error::peer(
        "wire",
        std::io::Error::from(std::io::ErrorKind::ConnectionRefused),
    )
}

#[test]
fn an_address_is_not_looked_up() {
    let mut world = World::new("127.0.0.1");
    let attempt = world.hear(b"k");
    assert!(matches!(world.step(), Step::Ready { attempt: ready } if ready == attempt));
    let trace = world.dialer.trace().to_string();
    for word in [
        "connecting to 127.0.0.1:7",
        "knock      open  hop 1",
        "ready",
    ] {
        assert!(trace.contains(word), "{trace}");
    }
}

#[test]
fn addresses_are_tried_in_order() {
    let mut world = World::new("name.test");
    world.resolve(&["192.0.2.1:7", "192.0.2.2:7"]);
    let (first, address) = world.attempt();
    assert_eq!(address.to_string(), "192.0.2.1:7");
    world.dialer.refused(first, refusal(), world.now);
    world.closes(first);
    let second = world.hear(b"k");
    assert!(matches!(world.step(), Step::Ready { attempt } if attempt == second));
    assert!(world.dialer.opened(first, world.now).is_none(), "too late");
}

#[test]
fn every_address_that_failed_is_in_the_error() {
    let mut world = World::new("name.test");
    world.resolve(&["192.0.2.1:7", "192.0.2.2:7"]);
    let (first, _) = world.attempt();
    assert_eq!(world.jump(), millis(250));
    let (second, _) = world.attempt();
    world.dialer.refused(second, refusal(), world.now);
    world.closes(second);
    assert_eq!(world.jump(), seconds(10));
    world.closes(first);
    assert_eq!(
        world.failure().to_string(),
        "hop 1: could not connect: 192.0.2.2:7: wire: connection refused; \
         192.0.2.1:7: wire: timed out after 10 s"
    );
    assert!(matches!(world.step(), Step::Wait { until: None }), "over");
}

#[test]
fn a_look_up_times_out() {
    let mut world = World::new("name.test");
    let Step::Resolve { lookup, .. } = world.step() else {
        panic!("wanted Resolve");
    };
    assert_eq!(world.jump(), seconds(10));
    assert_eq!(
        world.failure().to_string(),
        "hop 1: timed out after 10 s while looking up the name"
    );
    let late = Ok(vec!["192.0.2.1:7".parse().unwrap()]);
    world.dialer.resolved(lookup, late, world.now);
    assert!(matches!(world.step(), Step::Wait { until: None }), "over");
}

#[test]
fn a_layer_times_out_and_says_what_it_waited_for() {
    let mut world = World::new("127.0.0.1");
    let attempt = world.hear(b"...");
    assert_eq!(world.jump(), seconds(10));
    world.closes(attempt);
    assert_eq!(
        world.failure().to_string(),
        "hop 1: timed out after 10 s while waiting for the knock, 3 bytes received"
    );
}

#[test]
fn everything_together_times_out() {
    let mut timeouts = Timeouts::default();
    timeouts.total = seconds(12);
    let mut world = World::with("name.test", timeouts);
    world.resolve(&["192.0.2.1:7"]);
    let (first, _) = world.attempt();
    world.now += seconds(8);
    world.say(first, b"...");
    assert_eq!(world.jump(), seconds(12));
    world.closes(first);
    assert_eq!(
        world.failure().to_string(),
        "hop 1: timed out after 12 s while waiting for the knock, 3 bytes received"
    );
}

#[test]
fn rfc8305_kinds_of_addresses_take_turns_each_250_ms() {
    let mut world = World::new("name.test");
    world.resolve(&[
        "[2001:db8::1]:7",
        "[2001:db8::2]:7",
        "192.0.2.1:7",
        "192.0.2.2:7",
    ]);
    let mut tried = Vec::new();
    for n in 1..=4 {
        let (attempt, to) = world.attempt();
        tried.push((attempt, to.to_string()));
        if n < 4 {
            assert_eq!(world.jump(), millis(250) * n);
        }
    }
    let order: Vec<_> = tried.iter().map(|(_, to)| &to[..]).collect();
    let wanted = [
        "[2001:db8::1]:7",
        "192.0.2.1:7",
        "[2001:db8::2]:7",
        "192.0.2.2:7",
    ];
    assert_eq!(order, wanted);
    // The third is the first that opens: the others are closed.
    world.say(tried[2].0, b"");
    for lost in [0, 1, 3] {
        world.closes(tried[lost].0);
    }
    assert!(world.dialer.opened(tried[0].0, world.now).is_none());
}

#[test]
fn rfc8305_a_failed_attempt_lets_the_next_one_start_at_once() {
    let mut world = World::new("name.test");
    world.resolve(&["192.0.2.1:7", "192.0.2.2:7", "[2001:db8::1]:7"]);
    let (first, to) = world.attempt();
    assert_eq!(
        to.to_string(),
        "192.0.2.1:7",
        "the resolver's choice comes first"
    );
    world.dialer.refused(first, refusal(), world.now);
    world.closes(first);
    let (_, to) = world.attempt();
    assert_eq!(to.to_string(), "[2001:db8::1]:7");
    assert_eq!(world.jump(), millis(250));
}

#[test]
fn rfc8305_ipv6_addresses_are_waited_for_50_ms() {
    for late in [false, true] {
        let mut world = World::new("name.test");
        let Step::Resolve { lookup, .. } = world.step() else {
            panic!("wanted Resolve");
        };
        let v4 = vec!["192.0.2.1:7".parse().unwrap()];
        world.dialer.found(lookup, v4, world.now);
        if late {
            assert_eq!(world.jump(), millis(50));
            assert_eq!(world.attempt().1.to_string(), "192.0.2.1:7");
        }
        let v6 = vec!["[2001:db8::1]:7".parse().unwrap()];
        world.dialer.resolved(lookup, Ok(v6), world.now);
        if late {
            assert_eq!(world.jump(), millis(300));
        }
        assert_eq!(world.attempt().1.to_string(), "[2001:db8::1]:7");
    }
}

#[test]
fn a_layer_that_fails_ends_the_dialing_with_its_error() {
    let mut world = World::new("127.0.0.1");
    let attempt = world.hear(b".x");
    world.closes(attempt);
    let error = world.failure();
    assert_eq!(error.to_string(), "hop 1: knock[0]: turned away");
    assert!(error.layer_error().is_some());
}

#[test]
fn an_error_is_one_line_in_debug_too_and_its_source_is_the_cause() {
    let mut world = World::new("127.0.0.1");
    let attempt = world.hear(b".r");
    world.closes(attempt);
    let error = world.failure();
    assert_eq!(error.to_string(), "hop 1: knock[0]: go away");
    assert_eq!(format!("{error:?}"), error.to_string());
    let layer_error = error.layer_error().unwrap();
    assert_eq!(format!("{layer_error:?}"), layer_error.to_string());
    assert!(layer_error.source().unwrap().is::<Rude>());
    let cause = error.source().unwrap();
    assert!(cause.downcast_ref::<Rude>().is_some());
    // Each thing once, for those who print the error and what is behind its cause.
    assert!(cause.source().is_none());
}

#[test]
fn what_a_layer_learnt_is_written_once_and_only_when_it_is_open() {
    let mut world = World::new("127.0.0.1");
    let (attempt, _) = world.attempt();
    let before = SHOWN.get();
    world.say(attempt, b"........");
    assert_eq!(SHOWN.get(), before);
    let mut engine = wirestack::Engine::new(Knock::default());
    engine.from_wire().write(b"k");
    for _ in 0..3 {
        engine.process(world.now);
        world.dialer.observe(attempt, &mut engine, world.now);
    }
    assert_eq!(SHOWN.get(), before + 1);
    assert!(world.dialer.trace().to_string().contains("it knocked"));
}

#[derive(Debug)]
struct Rude;

impl fmt::Display for Rude {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("go away")
    }
}

impl std::error::Error for Rude {}

#[test]
fn a_new_connection_is_made_five_times_at_most_and_hears_what_was_learnt() {
    let start = Instant::now();
    let endpoint = Endpoint {
        host: "127.0.0.1".into(),
        port: 7,
    };
    let (told, heard) = std::sync::mpsc::channel();
    let plan = Plan::new(endpoint, vec!["hop 1".into()], move |_, learnt| {
        told.send(learnt.at::<u32>(0).copied()).unwrap();
        assert_eq!(learnt.at::<u32>(1), None);
        Ok(Knock::default())
    });
    let mut world = World {
        dialer: Dialer::new(plan, Timeouts::default(), Seed::new([1; 32]), start),
        start,
        now: start,
    };
    for _ in 0..6 {
        let attempt = world.hear(b"n");
        world.closes(attempt);
    }
    let error = world.failure();
    let Reason::TooManyConnections { chain } = error.reason() else {
        panic!("{error}");
    };
    assert_eq!(chain.len(), 6);
    assert!(
        error
            .to_string()
            .starts_with("gave up after 6 connections: knock[0]: come again, then knock[0]"),
        "{error}"
    );
    let heard: Vec<_> = heard.try_iter().collect();
    assert_eq!(heard[0], None);
    assert_eq!(heard[1..], [Some(42); 5]);
}

#[test]
fn a_plan_that_makes_no_stack_fails_before_anything_is_sent() {
    let endpoint = Endpoint {
        host: "name.test".into(),
        port: 7,
    };
    let plan = Plan::<Knock>::new(endpoint, vec![], |_, _| {
        Err(Error::local("knock", "no knuckles"))
    });
    let now = Instant::now();
    let mut dialer = Dialer::new(plan, Timeouts::default(), Seed::new([1; 32]), now);
    let Step::Failed(error) = dialer.step(now) else {
        panic!("wanted Failed");
    };
    assert_eq!(error.to_string(), "knock: no knuckles");
}

#[test]
fn a_trace_is_a_waterfall() {
    let mut world = World::new("name.test");
    world.now += millis(100);
    let Step::Resolve { lookup, .. } = world.step() else {
        panic!("wanted Resolve");
    };
    world.now += millis(100);
    let found = ["192.0.2.1:7", "192.0.2.2:7"].map(|text| text.parse().unwrap());
    world.dialer.resolved(lookup, Ok(found.to_vec()), world.now);
    let (first, _) = world.attempt();
    world.jump();
    let (second, _) = world.attempt();
    world.now += millis(150);
    world.dialer.refused(second, refusal(), world.now);
    world.closes(second);
    world.now += millis(100);
    world.say(first, b".");
    world.now += millis(0);
    let mut engine = wirestack::Engine::new(Knock::default());
    world.now += millis(300);
    engine.from_wire().write(b"k");
    engine.process(world.now);
    world.dialer.observe(first, &mut engine, world.now);
    let shown = world.dialer.trace().waterfall().to_string();
    let wanted = "\
look up   [   ====                         ]    100.00 ms name.test
open      [      =================         ]    500.00 ms 192.0.2.1:7
open      [              ======            ]    150.00 ms 192.0.2.2:7  (wire: connection refused)
knock     [                      ==========]    300.00 ms hop 1  (it knocked)
total                                          1000.00 ms
";
    let wanted = wanted.replacen("[              ======", "[              xxxxxx", 1);
    assert_eq!(shown, wanted);
}
