//! A layer with its flows, and transcripts: the bytes of a peer arrive whole, byte by byte and at
//! every two-way split, and the layer must do the same each time.

use http::HeaderValue;
use http::header::PROXY_AUTHORIZATION;
use std::fmt::Write as _;
use std::time::Duration;
use wirestack_http1::{Awaiting, ProxyClient, basic_credentials, connect, upgrade};
use wirestack_layer::{End, Error, Flow, Flows, Instant, Layer, Pipe, Place, Progress};

/// A layer between four pipes and a clock of its own.
pub(crate) struct Bench<L> {
    pub(crate) layer: L,
    pub(crate) from_wire: Pipe,
    pub(crate) to_wire: Pipe,
    pub(crate) from_app: Pipe,
    pub(crate) to_app: Pipe,
    pub(crate) now: Instant,
}

/// Everything that a layer has sent to its peer and delivered to its application.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) wire: String,
    /// The end of the flow to the wire: empty while it is open, `finished`, or the error.
    pub(crate) wire_end: String,
    pub(crate) app: String,
    /// The end of the flow to the application, in the same way. Behind a refusal stand its body and
    /// `new connection` if another attempt needs one, each after ` | `.
    pub(crate) app_end: String,
    pub(crate) open: bool,
}

impl<L: Layer<In = Pipe, Out = Pipe>> Bench<L> {
    pub(crate) fn new(layer: L) -> Self {
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

    /// Processes, and checks that a second call does nothing and that the deadline is still to
    /// come.
    pub(crate) fn process(&mut self) {
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

    pub(crate) fn receive(&mut self, bytes: &[u8]) {
        self.from_wire.write(bytes);
        self.process();
    }

    pub(crate) fn receive_bytewise(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.receive(&[*byte]);
        }
    }

    pub(crate) fn finish_wire(&mut self) {
        self.from_wire.finish();
        self.process();
    }

    pub(crate) fn sleep(&mut self, time: Duration) {
        self.now += time;
        self.process();
    }

    pub(crate) fn error(&self) -> Error {
        match self.to_app.closed() {
            Some(End::Aborted(error)) => error.clone(),
            other => panic!("no error but {other:?}"),
        }
    }

    pub(crate) fn seen(&mut self) -> Seen {
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
                // The first words of the body, which are the whole body here.
                text.truncate(text.find(": \"").unwrap_or(text.len()));
                write!(text, " | {}", refusal.body.escape_ascii()).unwrap();
            }
            if error.can_retry() {
                text.push_str(" | new connection");
            }
            text
        }
    }
}

/// The ways of cutting a peer's bytes: whole, byte by byte, and at every two-way split.
fn cuts(bytes: &[u8]) -> Vec<Vec<&[u8]>> {
    let mut cuts = vec![vec![bytes], bytes.chunks(1).collect()];
    cuts.extend((1..bytes.len()).map(|at| {
        let (one, other) = bytes.split_at(at);
        vec![one, other]
    }));
    cuts
}

/// The wire behind the bytes of a peer.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Then {
    StaysOpen,
    Finishes,
}

/// Feeds the bytes of a peer in every cut, and returns the outcome, which must always be the same.
/// `decide` makes the decisions of the application, if the layer waits for any.
pub(crate) fn run<L: Layer<In = Pipe, Out = Pipe>>(
    name: &str,
    bytes: &[u8],
    then: Then,
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
        // Several requests may lie one behind the other.
        for _ in 0..8 {
            decide(&mut bench.layer);
            bench.process();
        }
        if then == Then::Finishes {
            bench.finish_wire();
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

/// The error of a connection that breaks.
pub(crate) fn broken() -> Error {
    Error::peer("test", "the connection broke").at(Place::Wire)
}

pub(crate) fn proxy_client() -> connect::Client {
    connect::Client::new("example.org", 443).unwrap()
}

pub(crate) fn upgrade_client() -> upgrade::Client {
    let request = http::Request::get("http://example.org/chat");
    upgrade::Client::new("WebSocket", request.body(()).unwrap()).unwrap()
}

/// A client with Basic credentials, which it sends at once.
pub(crate) fn with_basic(client: connect::Client, user: &str, password: &str) -> connect::Client {
    let value = basic_credentials(user, password).unwrap();
    client.with_header(PROXY_AUTHORIZATION, value)
}

/// A client with an application that sends Basic credentials once, to a proxy that asks for them.
pub(crate) struct OnChallenge {
    client: connect::Client,
    credentials: Option<HeaderValue>,
}

impl OnChallenge {
    /// Creates an application that has no credentials, with a client that asks it nothing.
    pub(crate) fn never(client: connect::Client) -> Self {
        Self {
            client,
            credentials: None,
        }
    }

    pub(crate) fn new(client: connect::Client, user: &str, password: &str) -> Self {
        Self {
            client: client.awaiting_authorization(),
            credentials: Some(basic_credentials(user, password).unwrap()),
        }
    }

    /// Decides what the client waits for; returns `true` if it waited.
    fn decide(&mut self) -> bool {
        let value = match self.client.awaiting() {
            None => return false,
            Some(Awaiting::Challenge { refusal, .. }) => {
                let challenges = refusal.proxy_challenges();
                let mut offered = challenges.iter();
                if !offered.any(|challenge| challenge.has_scheme("basic")) {
                    self.credentials = None;
                }
                let Some(value) = self.credentials.take() else {
                    self.client.give_up();
                    return true;
                };
                Some(value)
            }
            Some(_) => None,
        };
        self.client.authorize(value);
        true
    }
}

impl Layer for OnChallenge {
    type In = Pipe;
    type Out = Pipe;

    fn name(&self) -> &'static str {
        self.client.name()
    }

    fn process(&mut self, mut flows: Flows<'_>, now: Instant) {
        self.client.process(flows.reborrow(), now);
        while self.decide() {
            self.client.process(flows.reborrow(), now);
        }
    }

    fn deadline(&self) -> Option<Instant> {
        self.client.deadline()
    }

    fn is_open(&self) -> bool {
        self.client.is_open()
    }

    fn is_transparent(&self) -> bool {
        self.client.is_transparent()
    }

    fn progress(&self) -> Progress {
        self.client.progress()
    }
}
