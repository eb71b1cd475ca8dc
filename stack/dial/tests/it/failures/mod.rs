//! The table of failures: each is produced by a peer that follows a script, and each row has the
//! whole text that a user reads.
//!
//! A row is judged as prose: where it failed, what was seen, what was wanted, what to do.

mod certificates;
mod configuration;
mod connect;
mod hostile;
mod http2;
mod network;
mod peer;
mod running;
mod servers;
mod socks;
mod tls;
mod upgrade;

pub(crate) use peer::*;

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use wirestack_dial::{
    BoxSocket, DialError, Dialer, Hop, HttpVersions, Plan, Redirects, RouteError, Routes, Step,
    Target, Timeouts, WebSocketOptions,
};
use wirestack_layer::{End, Error, Flow, Instant, Place, Seed, origin};
use wirestack_nest::Engine;
use wirestack_tls::Certificates;
use wirestack_tls::rustls::ClientConfig;
use wirestack_websocket::{ClientRequest, WebSocketConfig};

/// One failure: the columns of the table.
pub(crate) struct Failure {
    pub(crate) peer: &'static str,
    /// The action of the peer.
    pub(crate) does: &'static str,
    pub(crate) dial: Dial,
    pub(crate) moves: Vec<Move>,
    /// The whole text that a user reads.
    pub(crate) text: &'static str,
}

/// Checks each row. All texts that differ are shown, so that a table can be read at once.
pub(crate) fn check(rows: Vec<Failure>) {
    let mut wrong = String::new();
    for row in rows {
        let seen = row.dial.run(row.moves);
        is_well_formed(&seen);
        if seen != row.text {
            wrong += &format!(
                "\n{} {}:\n  seen   {seen}\n  wanted {}\n",
                row.peer, row.does, row.text
            );
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Checks texts that were seen: each pair has the seen one and the wanted one.
pub(crate) fn check_texts(rows: impl IntoIterator<Item = (String, &'static str)>) {
    let mut wrong = String::new();
    for (seen, wanted) in rows {
        is_well_formed(&seen);
        if seen != wanted {
            wrong += &format!("\n  seen   {seen}\n  wanted {wanted}\n");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Checks what holds for every text: one line, without types and the words of this project's
/// insides.
pub(crate) fn is_well_formed(text: &str) {
    let first = text.chars().next().unwrap_or(' ');
    assert!(
        !text.contains(char::is_control) && !first.is_uppercase(),
        "{text:?}"
    );
    for wrong in [
        "Some(",
        "Other(",
        "DnsName(",
        "Error {",
        "CloseCode",
        "(UNIX)",
        "Err(",
    ] {
        assert!(!text.contains(wrong), "{text}");
    }
    assert!(!text.ends_with('.') && !text.contains("hunter2"), "{text}");
}

/// A connection to be made.
#[derive(Clone)]
pub(crate) struct Dial {
    url: &'static str,
    hops: Vec<&'static str>,
    redirects: Redirects,
    subprotocol: Option<&'static str>,
    versions: HttpVersions,
    config: WebSocketConfig,
    tls: Option<Arc<ClientConfig>>,
    /// They leave the TLS settings to the task that reads files.
    certificates: Certificates,
    hop_certificates: Certificates,
    fault: Option<Fault>,
}

/// A fault below every layer.
#[derive(Clone, Copy)]
pub(crate) enum Fault {
    NoName,
    NoAddresses,
    /// The name is never found.
    LookupHangs,
    Refused,
    Unreachable,
    ConnectHangs,
}

/// Connects to this URL.
pub(crate) fn to(url: &'static str) -> Dial {
    Dial {
        url,
        hops: Vec::new(),
        redirects: Redirects::Off,
        subprotocol: None,
        versions: HttpVersions::Http1,
        config: WebSocketConfig::default(),
        tls: None,
        certificates: Certificates::new(),
        hop_certificates: Certificates::new(),
        fault: None,
    }
}

impl Dial {
    pub(crate) fn via(mut self, hop: &'static str) -> Self {
        self.hops.push(hop);
        self
    }

    pub(crate) fn follow(mut self, redirects: Redirects) -> Self {
        self.redirects = redirects;
        self
    }

    pub(crate) fn subprotocol(mut self, name: &'static str) -> Self {
        self.subprotocol = Some(name);
        self
    }

    /// Lets ALPN choose HTTP/2.
    pub(crate) fn any_http(mut self) -> Self {
        self.versions = HttpVersions::Any;
        self
    }

    /// Wants HTTP/2 and nothing else.
    pub(crate) fn only_http2(mut self) -> Self {
        self.versions = HttpVersions::Http2;
        self
    }

    pub(crate) fn config(mut self, change: impl FnOnce(&mut WebSocketConfig)) -> Self {
        change(&mut self.config);
        self
    }

    pub(crate) fn tls(mut self, config: Arc<ClientConfig>) -> Self {
        self.tls = Some(config);
        self
    }

    /// Sets certificates for the target and the hops.
    pub(crate) fn certificates(mut self, certificates: Certificates) -> Self {
        self.certificates = certificates;
        self
    }

    /// Sets certificates for each hop.
    pub(crate) fn hop_certificates(mut self, certificates: Certificates) -> Self {
        self.hop_certificates = certificates;
        self
    }

    pub(crate) fn fault(mut self, fault: Fault) -> Self {
        self.fault = Some(fault);
        self
    }

    /// Connects, and returns the text of the error.
    pub(crate) fn run(self, moves: Vec<Move>) -> String {
        self.run_traced(moves).0
    }

    /// Connects, and returns the text of the error and all that a trace shows.
    pub(crate) fn run_traced(self, moves: Vec<Move>) -> (String, String) {
        match self.plan() {
            Ok(plan) => {
                let dialer = Dialer::new(plan, Timeouts::default(), Seed::new([7; 32]), START);
                let (result, trace) = drive(dialer, moves, self.fault);
                let error = result.expect_err("a failure, but all went well");
                (error, trace)
            }
            Err(error) => (error.to_string(), String::new()),
        }
    }

    fn plan(&self) -> Result<Plan<BoxSocket>, Error> {
        let route = |error: RouteError| Error::local(origin::ROUTE, error);
        let hops = self.hops.iter().map(|hop| {
            let hop: Hop = hop.parse()?;
            Ok(hop.certificates(&self.hop_certificates))
        });
        let hops: Result<Vec<Hop>, _> = hops.collect();
        let target: Target = self.url.parse().map_err(route)?;
        target.must_be_websocket().map_err(route)?;
        let mut request = ClientRequest::new(&target.request_url())?;
        if let Some(name) = self.subprotocol {
            request = request.subprotocol(name)?;
        }
        let mut options = WebSocketOptions::new(request);
        options.redirects = self.redirects;
        options.config = self.config.clone();
        options.versions = self.versions;
        let own = self.certificates.is_empty() && self.hop_certificates.is_empty();
        let tls = own.then(|| TLS.trusting.clone());
        let tls = self.tls.clone().or(tls);
        let routes = Routes::hops(hops.map_err(route)?);
        let plan = Plan::websocket(routes, target, tls, options).map_err(route)?;
        plan.with_certificates(&self.certificates).map_err(route)
    }
}

/// Carries out the steps of a dialer with one peer, and then reads until the end. Returns the text
/// of the error, and all that the trace shows.
fn drive(
    mut dialer: Dialer<BoxSocket>,
    moves: Vec<Move>,
    fault: Option<Fault>,
) -> (Result<(), String>, String) {
    let mut now = START;
    let mut open: Option<(wirestack_dial::AttemptId, Engine<BoxSocket>, Peer)> = None;
    // Each connection gets the moves up to the next `Again`.
    let mut scripts: VecDeque<Vec<Move>> = split_at_again(moves).into();
    let shown = |error: &DialError| {
        let trace = error.trace();
        format!(
            "{trace}\n{}\n{error:?}\n{:?}",
            trace.waterfall(),
            error.reason()
        )
    };
    for _ in 0..10_000 {
        let wire = |error: io::Error| Error::peer(origin::WIRE, error).at(Place::Wire);
        match dialer.step(now) {
            Step::Resolve { lookup, port, .. } => {
                let found = match fault {
                    Some(Fault::LookupHangs) => continue,
                    Some(Fault::NoName) => {
                        let why = "failed to lookup address information: Name or service not known";
                        Err(Error::local(origin::RESOLVER, io::Error::other(why)))
                    }
                    Some(Fault::NoAddresses) => Ok(Vec::new()),
                    _ => Ok(vec![SocketAddr::from(([192, 0, 2, 1], port))]),
                };
                dialer.resolved(lookup, found, now);
            }
            Step::Open { attempt, .. } => match fault {
                Some(Fault::Refused) => {
                    let error = io::Error::from_raw_os_error(REFUSED);
                    dialer.refused(attempt, wire(error), now);
                }
                Some(Fault::Unreachable) => {
                    let error = io::Error::from_raw_os_error(UNREACHABLE);
                    dialer.refused(attempt, wire(error), now);
                }
                Some(Fault::ConnectHangs) => {}
                _ => {
                    let mut engine = dialer.opened(attempt, now).expect("wanted");
                    engine.process(now);
                    dialer.observe(attempt, &mut engine, now);
                    let peer = Peer::new(scripts.pop_front().unwrap_or_default());
                    open = Some((attempt, engine, peer));
                }
            },
            Step::MakeTls { mut task } => {
                task.run();
                dialer.made_tls(Some(task), now);
            }
            Step::Close { .. } => open = None,
            Step::Ready { .. } => {
                let (_, engine, peer) = open.take().expect("is open");
                let facts: Vec<_> = engine.describe().iter().map(ToString::to_string).collect();
                let trace = format!(
                    "{}\n{}\n{facts:?}",
                    dialer.trace(),
                    dialer.trace().waterfall()
                );
                let error = read_to_end(engine, peer, now);
                return (error, trace);
            }
            Step::Failed(error) => return (Err(error.to_string()), shown(&error)),
            Step::Wait { until } => {
                let Some((attempt, engine, peer)) = &mut open else {
                    now = until.expect("nothing will ever happen");
                    continue;
                };
                if !exchange(engine, peer, now) {
                    now = until
                        .into_iter()
                        .chain(engine.deadline())
                        .min()
                        .expect("a time-out");
                    engine.process(now);
                }
                dialer.observe(*attempt, engine, now);
            }
            other => panic!("{other:?}"),
        }
    }
    panic!("it never ends: {}", dialer.trace());
}

/// Reads from an open WebSocket until it ends. Returns the error, if it ended with one.
fn read_to_end(
    mut engine: Engine<BoxSocket>,
    mut peer: Peer,
    mut now: Instant,
) -> Result<(), String> {
    for _ in 0..1_000 {
        while engine.to_app().pop().is_some() {}
        match engine.to_app().end() {
            Some(End::Aborted(error)) => return Err(error.to_string()),
            Some(End::Finished) => return Ok(()),
            None => {}
        }
        if !exchange(&mut engine, &mut peer, now) {
            match engine.deadline() {
                Some(at) => now = at,
                None => return Ok(()),
            }
        }
        engine.process(now);
    }
    panic!("it never ends");
}

/// Moves bytes both ways. Returns `false` if there were none.
fn exchange(engine: &mut Engine<BoxSocket>, peer: &mut Peer, now: Instant) -> bool {
    let before = engine.revision();
    engine.process(now);
    let bytes = engine.to_wire().unread().to_vec();
    engine.to_wire().discard();
    let reply = peer.receive(&bytes, now);
    if !engine.from_wire().is_closed() {
        engine.from_wire().write(&reply);
        match peer.end.take() {
            None => {}
            Some(Ending::Ends) => engine.from_wire().finish(),
            Some(Ending::Resets) => {
                let error = io::Error::from_raw_os_error(RESET);
                engine.break_wire(Error::peer(origin::WIRE, error).at(Place::Wire));
            }
        }
    }
    engine.process(now);
    engine.revision() != before
}

/// The errors of Linux.
const REFUSED: i32 = 111;
const UNREACHABLE: i32 = 101;
const RESET: i32 = 104;

pub(crate) const START: Instant = Instant::after_origin(Duration::from_secs(1000));
