//! The dialer, driven by hand with one small layer.

mod addresses;
mod failures;
mod timeouts;
mod trace;

use std::cell::Cell;
use std::fmt;
use std::time::Duration;
use wirestack_dial::{
    AttemptId, Destination, DialError, Dialer, Endpoint, LookupId, Plan, Step, Timeouts,
};
use wirestack_layer::{Error, Flow, Flows, Instant, Layer, Pipe, Progress, Seed};

/// A layer that reads one byte at a time: `k` opens it, `.` is skipped, `n` asks for a new
/// connection, `f` ends it well, `r` fails with [`Rude`], and everything else fails with a text.
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
            b'.' => {}
            b'f' => {
                self.over = true;
                p.to_app.finish();
            }
            _ => {
                self.over = true;
                p.fail(match byte {
                    b'n' => Error::peer("knock", "come again").retry_on_new_connection(42_u32),
                    b'r' => Error::peer("knock", Rude),
                    _ => Error::peer("knock", "turned away"),
                });
            }
        }
    }

    fn is_open(&self) -> bool {
        self.open
    }

    fn progress(&self) -> Progress {
        if self.open {
            Progress::Open
        } else if self.over {
            Progress::Over
        } else {
            Progress::Opening("the knock")
        }
    }

    fn facts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        SHOWN.with(|shown| shown.set(shown.get() + 1));
        f.write_str("it knocked")
    }
}

thread_local! {
    /// The number of times that the facts of a layer were written.
    static SHOWN: Cell<usize> = const { Cell::new(0) };
}

#[derive(Debug)]
struct Rude;

impl fmt::Display for Rude {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("go away")
    }
}

impl std::error::Error for Rude {}

/// A dialer for port 7 of a host, and its clock.
struct Fixture {
    dialer: Dialer<Knock>,
    now: Instant,
}

impl Fixture {
    fn new(host: &str) -> Self {
        Self::with(host, Timeouts::default())
    }

    fn with(host: &str, timeouts: Timeouts) -> Self {
        Self::of(plan(host), timeouts)
    }

    fn of(plan: Plan<Knock>, timeouts: Timeouts) -> Self {
        let now = Instant::ORIGIN;
        let dialer = Dialer::new(plan, timeouts, Seed::new([1; 32]), now);
        Self { dialer, now }
    }

    fn step(&mut self) -> Step {
        self.dialer.step(self.now)
    }

    fn lookup(&mut self) -> LookupId {
        match self.step() {
            Step::Resolve { lookup, host, port } => {
                assert_eq!((&*host, port), ("name.test", 7));
                lookup
            }
            other => panic!("wanted Resolve, saw {other:?}"),
        }
    }

    /// Answers the next look-up.
    fn resolve(&mut self, found: &[&str]) {
        let lookup = self.lookup();
        let found = found.iter().map(|text| text.parse().unwrap()).collect();
        self.dialer.resolved(lookup, Ok(found), self.now);
    }

    fn attempt(&mut self) -> (AttemptId, Destination) {
        match self.step() {
            Step::Open { attempt, to } => (attempt, to),
            other => panic!("wanted Open, saw {other:?}"),
        }
    }

    fn refuse(&mut self, attempt: AttemptId) {
        let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        let refused = Error::peer("wire", refused);
        self.dialer.refused(attempt, refused, self.now);
        self.closes(attempt);
    }

    /// Opens the next attempt, and receives these bytes on it.
    fn open(&mut self, bytes: &[u8]) -> AttemptId {
        let (attempt, _) = self.attempt();
        self.opened(attempt, bytes);
        attempt
    }

    /// Opens an attempt, and receives these bytes on it one by one.
    fn opened(&mut self, attempt: AttemptId, bytes: &[u8]) {
        let mut engine = self.dialer.opened(attempt, self.now).expect("wanted");
        for byte in bytes {
            engine.from_wire().write(&[*byte]);
            engine.process(self.now);
            self.dialer.observe(attempt, &mut engine, self.now);
        }
    }

    /// Goes to the time that the dialer waits for. Returns the time since the beginning.
    fn wait(&mut self) -> Duration {
        match self.step() {
            Step::Wait { until: Some(until) } => self.now = until,
            other => panic!("wanted Wait, saw {other:?}"),
        }
        self.now - Instant::ORIGIN
    }

    fn closes(&mut self, attempt: AttemptId) {
        match self.step() {
            Step::Close { attempt: closed } => assert_eq!(closed, attempt),
            other => panic!("wanted Close, saw {other:?}"),
        }
    }

    fn is_ready(&mut self, attempt: AttemptId) {
        match self.step() {
            Step::Ready { attempt: ready } => assert_eq!(ready, attempt),
            other => panic!("wanted Ready, saw {other:?}"),
        }
    }

    fn failure(&mut self) -> DialError {
        match self.step() {
            Step::Failed(error) => error,
            other => panic!("wanted Failed, saw {other:?}"),
        }
    }

    fn is_over(&mut self) {
        let step = self.step();
        assert!(matches!(step, Step::Wait { until: None }), "{step:?}");
    }
}

fn plan(host: &str) -> Plan<Knock> {
    Plan::new(endpoint(host), vec!["hop 1".into()], |_, _| {
        Ok(Knock::default())
    })
}

fn endpoint(host: &str) -> Endpoint {
    let host = host.into();
    Endpoint { host, port: 7 }
}

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}
