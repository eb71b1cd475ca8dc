//! How a login chooses between the schemes that a proxy offers, with a proxy that is a function.

mod choosing;
mod ntlm;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use wirestack_dial::auth::{
    Challenge, CredentialKind, Scheme, SchemeAction, SchemeContext, SchemeInput,
};
use wirestack_dial::{
    Answer, AttemptId, BlockingTask, Credentials, Dialer, Hop, Plan, QuestionId, Routes, Step,
    Timeouts,
};
use wirestack_layer::{Flow, Instant, Seed};
use wirestack_nest::{BoxTunnel, Engine};

/// A proxy: it gets the number of the connection, beginning with 1, and the value of
/// `Proxy-Authorization`.
pub(crate) type Proxy<'a> = dyn FnMut(usize, &str) -> Reply + 'a;

/// The answer of a proxy.
pub(crate) enum Reply {
    /// 200, with these fields.
    Opens(&'static str),
    /// 407, with these challenges.
    Asks(Vec<String>),
    /// The same, and the connection ends, as it says.
    AsksAndCloses(Vec<String>),
    /// The connection ends without an answer.
    Cuts,
}

pub(crate) fn asks(challenges: &[&str]) -> Reply {
    Reply::Asks(challenges.iter().map(ToString::to_string).collect())
}

/// All that a dialing showed and did.
pub(crate) struct Seen {
    /// `Ok`, or the text of the error.
    pub(crate) result: Result<(), String>,
    /// The schemes of the requests, by connection: `1:`, `1:Basic`.
    pub(crate) requests: Vec<String>,
    /// Every text that it made.
    pub(crate) texts: String,
    /// The time that it took.
    pub(crate) took: Duration,
}

/// The answers of the driver to questions.
pub(crate) struct Driver {
    pub(crate) credentials: Vec<Credentials>,
    /// `true` if blocking work ends.
    pub(crate) runs: bool,
}

impl Default for Driver {
    fn default() -> Self {
        Self {
            credentials: Vec::new(),
            runs: true,
        }
    }
}

/// Connects through the proxy.
pub(crate) fn dial(hop: Hop, proxy: &mut Proxy<'_>) -> Seen {
    dial_with(hop, proxy, Driver::default(), None)
}

pub(crate) fn dial_with(
    hop: Hop,
    proxy: &mut Proxy<'_>,
    mut driver: Driver,
    ticket: Option<fn(SchemeContext<'_>) -> Box<dyn Scheme>>,
) -> Seen {
    let routes = Routes::hops(vec![hop]);
    let target = "tcp://example.org:22".parse().unwrap();
    let plan = Plan::stream(routes, target, None, None).unwrap();
    let seed = Seed::new([7; 32]);
    let mut dialer = Dialer::new(plan, Timeouts::default(), seed, Instant::ORIGIN);
    if let Some(make) = ticket {
        dialer = dialer.with_default_credentials(make);
    }
    let (mut now, mut connections) = (Instant::ORIGIN, 0);
    let (mut requests, mut texts) = (Vec::new(), String::new());
    let mut open: Option<(AttemptId, Engine<BoxTunnel>, Vec<u8>)> = None;
    let mut blocked: Vec<(QuestionId, BlockingTask)> = Vec::new();
    for _ in 0..1000 {
        let step = dialer.step(now);
        texts += &format!("{step:?}\n");
        match step {
            Step::Resolve { lookup, .. } => {
                let found = vec![SocketAddr::from(([192, 0, 2, 1], 3128))];
                dialer.resolved(lookup, Ok(found), now);
            }
            Step::Open { attempt, .. } => {
                connections += 1;
                let mut engine = dialer.opened(attempt, now).expect("wanted");
                engine.process(now);
                dialer.observe(attempt, &mut engine, now);
                open = Some((attempt, engine, Vec::new()));
            }
            Step::Close { .. } => open = None,
            Step::Ask { question, request } => {
                texts += &format!("{request} {request:?}\n");
                let given = driver.credentials.pop();
                let engine = open.as_mut().map(|(_, engine, _)| engine);
                dialer.answer(question, Answer::Credentials(given), engine, now);
            }
            Step::SpawnBlocking { question, mut task } => {
                texts += &format!("{task:?}\n");
                if driver.runs {
                    task.run();
                    let engine = open.as_mut().map(|(_, engine, _)| engine);
                    dialer.answer(question, Answer::Ran(task), engine, now);
                } else {
                    blocked.push((question, task));
                }
            }
            Step::Wait { until } => {
                let Some((attempt, engine, heard)) = &mut open else {
                    now = until.expect("nothing will ever happen");
                    continue;
                };
                engine.process(now);
                heard.extend_from_slice(engine.to_wire().unread());
                engine.to_wire().discard();
                let head = String::from_utf8_lossy(heard).into_owned();
                if head.ends_with("\r\n\r\n") {
                    heard.clear();
                    let value = authorization(&head);
                    let scheme = value.split(' ').next().unwrap_or_default();
                    requests.push(format!("{connections}:{scheme}"));
                    reply(engine, proxy(connections, value));
                } else {
                    now = until.expect("a time-out");
                }
                engine.process(now);
                dialer.observe(*attempt, engine, now);
            }
            Step::Ready { .. } => {
                texts += &format!("{}\n{:?}", dialer.trace(), dialer.trace());
                texts += &dialer.trace().waterfall().to_string();
                let (_, engine, _) = open.take().expect("is open");
                texts += &format!("{:?}", engine.describe());
                return Seen {
                    result: Ok(()),
                    requests,
                    texts,
                    took: now.saturating_duration_since(Instant::ORIGIN),
                };
            }
            Step::Failed(error) => {
                texts += &format!("{error}\n{error:?}\n{:?}", error.reason());
                texts += &format!("{}\n{}", error.trace(), error.trace().waterfall());
                return Seen {
                    result: Err(error.to_string()),
                    requests,
                    texts,
                    took: now.saturating_duration_since(Instant::ORIGIN),
                };
            }
            other => panic!("{other:?}"),
        }
    }
    panic!("it never ends: {requests:?}\n{}", dialer.trace());
}

fn authorization(head: &str) -> &str {
    let mut lines = head.lines();
    lines
        .find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("proxy-authorization")
                .then_some(value)
        })
        .unwrap_or_default()
}

fn reply(engine: &mut Engine<BoxTunnel>, reply: Reply) {
    let mut asks = |challenges: Vec<String>, more: &str| {
        let mut head = "HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n".to_owned();
        for challenge in challenges {
            head += &format!("Proxy-Authenticate: {challenge}\r\n");
        }
        engine
            .from_wire()
            .write(format!("{head}{more}\r\n").as_bytes());
    };
    match reply {
        Reply::Opens(fields) => {
            let head = format!("HTTP/1.1 200 Fine\r\n{fields}\r\n");
            engine.from_wire().write(head.as_bytes());
        }
        Reply::Asks(challenges) => asks(challenges, ""),
        Reply::AsksAndCloses(challenges) => {
            asks(challenges, "Connection: close\r\n");
            engine.from_wire().finish();
        }
        Reply::Cuts => engine.from_wire().finish(),
    }
}

/// A scheme that follows a script, and notes what it was told.
pub(crate) struct Scripted {
    pub(crate) name: &'static str,
    pub(crate) strength: u8,
    pub(crate) kind: CredentialKind,
    pub(crate) check: Result<(), String>,
    pub(crate) bound: bool,
    pub(crate) actions: VecDeque<SchemeAction>,
    pub(crate) told: Arc<Mutex<Vec<String>>>,
}

impl Scripted {
    pub(crate) fn new(name: &'static str, actions: impl IntoIterator<Item = SchemeAction>) -> Self {
        Self {
            name,
            strength: 40,
            kind: CredentialKind::Ticket,
            check: Ok(()),
            bound: false,
            actions: actions.into_iter().collect(),
            told: Arc::default(),
        }
    }
}

impl Scheme for Scripted {
    fn name(&self) -> &str {
        self.name
    }

    fn strength(&self) -> u8 {
        self.strength
    }

    fn credential_kind(&self) -> CredentialKind {
        self.kind
    }

    fn check(&self, _: &[Challenge]) -> Result<(), String> {
        self.check.clone()
    }

    fn step(&mut self, input: SchemeInput<'_>) -> SchemeAction {
        let mut told = self.told.lock().unwrap();
        told.push(format!("{input:?}"));
        let next = self.actions.pop_front();
        next.unwrap_or_else(|| panic!("{}: no action is left for {told:?}", self.name))
    }

    fn run_blocking(&mut self) {
        self.told.lock().unwrap().push("run_blocking".to_owned());
    }

    fn is_connection_bound(&self) -> bool {
        self.bound
    }
}

pub(crate) fn says(text: &'static str) -> SchemeAction {
    let mut value = http::HeaderValue::from_static(text);
    value.set_sensitive(true);
    SchemeAction::Authorize(Some(value))
}

/// Adds a scheme that follows a script to a hop. It is made once.
pub(crate) fn with(hop: Hop, scheme: Scripted) -> Hop {
    let scheme = Mutex::new(Some(scheme));
    hop.scheme(move |_| Box::new(scheme.lock().unwrap().take().expect("it is made once")))
}
