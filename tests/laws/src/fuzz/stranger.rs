//! A peer that hears nothing but the bytes of a script.

use crate::context::Context;
use crate::fuzz::script::Script;
use crate::law::Law;
use crate::peer::{Ended, Ends, Peer};
use crate::rng::Rng;
use crate::role::Role;
use crate::simulation::{difference, reset};
use crate::subject::{Subject, WireBytes};
use crate::traffic::Traffic;
use std::time::Duration;
use wirestack_layer::{Flow, Instant};

/// A stranger, who sends any bytes to one peer of a subject, and how it sends them.
///
/// It sends the same bytes three times: whole, in pieces, and to a peer whose application and wire
/// are slow, while that application sends, asks and ends. The first two have to have the same
/// outcome.
///
/// ```
/// use wirestack_laws::Subject;
/// use wirestack_laws::fuzz::{Script, Stranger};
/// use wirestack_layer::Tunnel;
///
/// let client = || Tunnel::new("hello", async |wire| {
///     wire.write("HELLO\n").await;
///     Ok(())
/// });
/// let server = || Tunnel::new("hello", async |wire| {
///     wire.read_line(100, "the greeting").await.map(drop)
/// });
/// let subject = Subject::tunnel("hello", client, server);
/// let mut script = Script::new(b"\x01\x00\x00\x00\x00HELLO\nand more");
/// let stranger = Stranger::new(&mut script);
/// assert!(stranger.is_server());
/// stranger
///     .greeting(6) // the client hears `HELLO` before the rest comes
///     .without_comparison()
///     .speak(&subject, script.rest());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Stranger {
    to: Role,
    ending: Ending,
    limit: usize,
    largest: usize,
    seed: u64,
    compares: bool,
    /// The number of bytes that are heard alone.
    greeting: usize,
}

#[derive(Clone, Copy, Debug)]
enum Ending {
    /// The wire goes on, silently.
    Silence,
    /// The wire ends cleanly.
    Finish,
    /// The wire breaks.
    Reset,
}

impl Stranger {
    /// Reads how the stranger sends its bytes.
    pub fn new(script: &mut Script<'_>) -> Self {
        Self {
            to: script.choose(&[Role::Server, Role::Client]),
            ending: script.choose(&[Ending::Silence, Ending::Finish, Ending::Reset]),
            limit: script.below(256),
            largest: script.choose(&[1, 1, 7, 40, 1000]),
            seed: u64::from(script.byte()),
            compares: true,
            greeting: 0,
        }
    }

    /// Leaves the comparison of the outcomes out.
    ///
    /// A stranger may answer before it was asked. Whole, its answer comes too early; in pieces, the
    /// question may leave before the answer is there.
    #[must_use]
    pub fn without_comparison(self) -> Self {
        Self {
            compares: false,
            ..self
        }
    }

    /// Hears the first bytes alone, so many of them: what the side does behind them is done before
    /// the rest comes, however that is cut.
    #[must_use]
    pub fn greeting(self, bytes: usize) -> Self {
        Self {
            greeting: bytes,
            ..self
        }
    }

    /// Returns `true` if the stranger speaks to the client of the subject, as a server would.
    pub fn is_server(&self) -> bool {
        self.to == Role::Client
    }

    /// Sends the bytes.
    ///
    /// # Panics
    ///
    /// If a law is broken.
    pub fn speak<F: Traffic>(self, subject: &Subject<F>, bytes: &[u8]) {
        let bytes = &bytes[..bytes.len().min(MOST_BYTES)];
        let whole = Hearing::new(self, subject, subject.largest_limit(), "in one piece");
        let whole = whole.hear(bytes, usize::MAX);
        let what = "in pieces";
        let pieces = Hearing::new(self, subject, subject.largest_limit(), what);
        let pieces = pieces.hear(bytes, self.largest);
        if self.compares {
            pieces.compare(&whole);
        }
        let limit = subject.limits[self.limit % subject.limits.len()];
        Hearing::new(self, subject, limit, "while everything is slow").hear_slowly(bytes);
    }
}

/// A peer that hears a stranger.
struct Hearing<'a, F: Traffic> {
    stranger: Stranger,
    subject: &'a Subject<F>,
    peer: Peer<'a, F>,
    context: Context,
    rng: Rng,
    now: Instant,
    written: Vec<u8>,
}

/// The outcome of a hearing.
struct Heard<F: Traffic> {
    got: Vec<F::Item>,
    ends: Ends,
    open: bool,
    written: Vec<u8>,
    promised: bool,
    context: Context,
    who: &'static str,
}

impl<'a, F: Traffic> Hearing<'a, F> {
    fn new(stranger: Stranger, subject: &'a Subject<F>, limit: usize, how: &str) -> Self {
        let Stranger { to, ending, .. } = stranger;
        let what = format!("the {to:?} hears a stranger {how}; flows of {limit} bytes, {ending:?}");
        Self {
            stranger,
            subject,
            peer: Peer::new(subject, to, limit),
            context: Context {
                subject: subject.name.clone(),
                what,
            },
            rng: Rng::new(stranger.seed),
            now: START,
            written: Vec::new(),
        }
    }

    /// Hears the bytes in pieces of at most so many, with a wire and an application that take
    /// everything.
    fn hear(mut self, mut bytes: &[u8], most: usize) -> Heard<F> {
        self.settle();
        let greeting;
        (greeting, bytes) = bytes.split_at(self.stranger.greeting.min(bytes.len()));
        self.peer.flows.from_wire.write(greeting);
        self.settle();
        while !bytes.is_empty() && !self.peer.flows.from_wire.is_closed() {
            let n = match most {
                usize::MAX => most,
                most => 1 + self.rng.below(most),
            };
            let n = n.min(self.peer.flows.from_wire.room()).min(bytes.len());
            if n == 0 {
                break; // it waits for a decision that nobody takes
            }
            self.peer.flows.from_wire.write(&bytes[..n]);
            bytes = &bytes[n..];
            self.settle();
        }
        self.end();
        self.settle();
        self.pass_time();
        let heard = Heard {
            got: self.subject.joined(&self.peer.app.got),
            ends: self.peer.ends(),
            open: self.peer.is_open(),
            written: self.written.clone(),
            promised: self.subject.wire_bytes == WireBytes::Same,
            context: self.context.clone(),
            who: self.peer.who(),
        };
        self.hang_up();
        heard
    }

    /// Hears the bytes while the application and the wire take little, and the application does
    /// things of its own.
    fn hear_slowly(mut self, mut bytes: &[u8]) {
        let sample = (self.subject.sample)(200);
        let most = sample.iter().map(F::byte_size).max().unwrap_or(0);
        self.peer.expect(most);
        for _ in 0..40 + bytes.len() / 8 {
            match self.rng.below(12) {
                0..4 if !self.peer.flows.from_wire.is_closed() => {
                    let n = 1 + self.rng.below(60);
                    let n = n.min(self.peer.flows.from_wire.room()).min(bytes.len());
                    self.peer.flows.from_wire.write(&bytes[..n]);
                    bytes = &bytes[n..];
                }
                4 | 5 => {
                    let to_wire = &mut self.peer.flows.to_wire;
                    let n = self.rng.below(300).min(to_wire.len());
                    to_wire.consume(n);
                }
                6 | 7 => self.peer.app.reads = !self.peer.app.reads,
                8 => self.peer.app.send(&sample),
                9 => self.peer.poke(),
                10 => self.peer.app.decides = !self.peer.app.decides,
                _ if self.rng.below(40) == 0 => match self.rng.below(4) {
                    0 => self.peer.app.close(wirestack_layer::End::Finished),
                    1 => self.peer.app.abort(),
                    2 => self.peer.flows.to_wire.lose(reset()),
                    _ => self.end(),
                },
                _ => {}
            }
            self.peer.process(&self.context, self.now);
        }
        (self.peer.app.reads, self.peer.app.decides) = (true, true);
        self.settle();
        self.end();
        self.settle();
        self.pass_time();
        self.hang_up();
    }

    fn settle(&mut self) {
        loop {
            let moved = self.peer.process(&self.context, self.now);
            let to_wire = &mut self.peer.flows.to_wire;
            let taken = !to_wire.is_empty();
            self.written.extend(to_wire.chunks().flatten());
            to_wire.discard();
            if !moved && !taken {
                return;
            }
        }
    }

    fn end(&mut self) {
        match self.stranger.ending {
            Ending::Silence => {}
            Ending::Finish => self.peer.flows.from_wire.finish(),
            Ending::Reset => self.peer.flows.from_wire.abort(reset()),
        }
    }

    fn pass_time(&mut self) {
        for _ in 0..DEADLINES {
            let Some(deadline) = self.peer.deadline() else {
                return;
            };
            self.now = self.now.max(deadline);
            self.settle();
        }
    }

    /// Ends the application and breaks the wire. The peer has to be over then.
    fn hang_up(mut self) {
        self.peer.app.close(wirestack_layer::End::Finished);
        self.settle();
        self.pass_time();
        self.peer.flows.from_wire.abort(reset());
        self.settle();
        self.now += Duration::from_secs(3600);
        self.settle();
        if !self.peer.is_over() {
            let Ends { app, wire } = self.peer.ends();
            let seen = format!("the connection is gone, but to_app {app} and to_wire {wire}");
            self.context.broken(Law::Robustness, self.peer.who(), seen);
        }
    }
}

impl<F: Traffic> Heard<F> {
    fn compare(&self, wanted: &Self) {
        let seen = difference(&self.got, &wanted.got)
            .or_else(|| differ("to_app", &self.ends.app, &wanted.ends.app))
            .or_else(|| differ("to_wire", &self.ends.wire, &wanted.ends.wire))
            .or_else(|| {
                // Of one that is over it only tells if a decision came before the end.
                let is_over = self.ends.app != Ended::Not && self.ends.wire != Ended::Not;
                let what = format!("it is open: {}, and whole: {}", self.open, wanted.open);
                (self.open != wanted.open && !is_over).then_some(what)
            })
            .or_else(|| {
                let what = difference(&self.written, &wanted.written).filter(|_| self.promised)?;
                Some(format!("on the wire, {what}"))
            });
        if let Some(seen) = seen {
            self.context.broken(Law::Fragmentation, self.who, seen);
        }
    }
}

fn differ(what: &str, seen: &Ended, wanted: &Ended) -> Option<String> {
    (seen != wanted).then(|| format!("{what} {seen}, and in one piece it {wanted}"))
}

/// The number of bytes that are heard; those behind them are left out.
const MOST_BYTES: usize = 200_000;

/// More deadlines than a layer needs to give up.
const DEADLINES: usize = 64;

/// The time at which the clock starts.
const START: Instant = Instant::after_origin(Duration::from_secs(1000));
