//! Transcripts: one row is checked whole, byte by byte and at every two-way split.
#![allow(dead_code, unreachable_pub)] // each test file uses its own part

use std::fmt::Write as _;
use std::time::Duration;
use wirestack_http1::{connect, upgrade};
use wirestack_layer::Instant;
use wirestack_layer::{End, Error, Flow, Flows, Layer, Pipe, Place, Progress};

/// A layer between four pipes and a clock of its own.
pub struct Bench<L> {
    pub layer: L,
    pub from_wire: Pipe,
    pub to_wire: Pipe,
    pub from_app: Pipe,
    pub to_app: Pipe,
    pub now: Instant,
}

/// What a peer and an application have seen of a layer.
#[derive(Debug, PartialEq, Eq)]
pub struct Seen {
    pub wire: String,
    pub wire_end: String,
    pub app: String,
    pub app_end: String,
    pub open: bool,
}

impl<L: Layer<In = Pipe, Out = Pipe>> Bench<L> {
    pub fn new(layer: L) -> Self {
        let [from_wire, to_wire, from_app, to_app] = <[Pipe; 4]>::default();
        let now = Instant::ORIGIN;
        let mut bench = Self {
            layer,
            from_wire,
            to_wire,
            from_app,
            to_app,
            now,
        };
        bench.process();
        bench
    }

    fn flows(&mut self) -> (&mut L, Flows<'_>) {
        let flows = Flows::new(
            &mut self.from_wire,
            &mut self.to_wire,
            &mut self.from_app,
            &mut self.to_app,
        );
        (&mut self.layer, flows)
    }

    /// Processes, and checks the laws Idempotence, Deadline and Demand.
    pub fn process(&mut self) {
        let now = self.now;
        let (layer, flows) = self.flows();
        layer.process(flows, now);
        let (layer, flows) = self.flows();
        let moves = flows.revision();
        layer.process(flows, now);
        assert_eq!(self.flows().1.revision(), moves, "not idempotent");
        assert!(self.layer.deadline().is_none_or(|deadline| deadline > now));
        let idle = self.from_wire.is_empty() || self.from_wire.wanted() > 0;
        let waits = matches!(self.layer.progress(), Progress::Deciding(_));
        assert!(idle || waits, "left bytes and asked for no more");
    }

    pub fn arrive(&mut self, bytes: &[u8]) {
        self.from_wire.write(bytes);
        self.process();
    }

    pub fn arrive_bytewise(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.arrive(&[*byte]);
        }
    }

    pub fn wire_ends(&mut self) {
        self.from_wire.finish();
        self.process();
    }

    pub fn sleep(&mut self, time: Duration) {
        self.now += time;
        self.process();
    }

    pub fn error(&self) -> Error {
        match self.to_app.closed() {
            Some(End::Aborted(error)) => error.clone(),
            other => panic!("no error but {other:?}"),
        }
    }

    pub fn seen(&mut self) -> Seen {
        let text = |pipe: &mut Pipe| String::from_utf8_lossy(pipe.unread()).into_owned();
        Seen {
            wire: text(&mut self.to_wire),
            wire_end: end(self.to_wire.closed()),
            app: text(&mut self.to_app),
            app_end: end(self.to_app.closed()),
            open: self.layer.is_open(),
        }
    }
}

fn end(end: Option<&End>) -> String {
    match end {
        None => String::new(),
        Some(End::Finished) => "finished".to_owned(),
        Some(End::Aborted(error)) => {
            let mut text = error.to_string();
            if let Some(wirestack_http1::Http1Error::Refused(refusal)) = error.cause() {
                write!(text, " | {}", refusal.body.escape_ascii()).unwrap();
            }
            if error.new_connection().is_some() {
                text.push_str(" | new connection");
            }
            text
        }
    }
}

/// Every way of cutting a row's bytes that is tried.
pub fn cuts(bytes: &[u8]) -> Vec<Vec<&[u8]>> {
    let mut cuts = vec![vec![bytes], bytes.chunks(1).collect()];
    cuts.extend((1..bytes.len()).map(|at| {
        let (one, other) = bytes.split_at(at);
        vec![one, other]
    }));
    cuts
}

/// Runs one row in every cut, the wire finishing behind it, and returns what is always seen.
pub fn run<L: Layer<In = Pipe, Out = Pipe>>(
    name: &str,
    bytes: &[u8],
    ends: bool,
    make: impl Fn() -> L,
    decide: impl Fn(&mut L),
) -> Seen {
    let mut first = None;
    for cut in cuts(bytes) {
        let mut bench = Bench::new(make());
        for piece in &cut {
            if bench.to_app.is_closed() {
                break;
            }
            bench.from_wire.write(piece);
            bench.process();
            decide(&mut bench.layer);
            bench.process();
        }
        // Requests may lie behind one another.
        for _ in 0..8 {
            decide(&mut bench.layer);
            bench.process();
        }
        if ends {
            bench.wire_ends();
        }
        let seen = bench.seen();
        if let Some(first) = &first {
            assert_eq!(&seen, first, "{name}: cut into {:?}", cut.len());
        } else {
            first = Some(seen);
        }
    }
    first.unwrap()
}

/// How a connection breaks.
pub fn broken() -> Error {
    Error::peer("test", "the connection broke").at(Place::Wire)
}

pub fn proxy_client() -> connect::Client {
    connect::Client::new("example.org", 443).unwrap()
}

pub fn upgrade_client() -> upgrade::Client {
    let request = http::Request::get("http://example.org/chat");
    upgrade::Client::new("WebSocket", request.body(()).unwrap()).unwrap()
}
