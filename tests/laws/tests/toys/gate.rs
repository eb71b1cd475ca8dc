use super::Bug;
use bytes::Bytes;
use std::time::Duration;
use wirestack_layer::Instant;
use wirestack_layer::{Error, Flow, Flows, Layer, Pipe, Progress};

/// A gate: the client asks for a door in one line, and the server's application opens it or keeps
/// it shut. An open gate is transparent.
pub(crate) struct Gate {
    bug: Bug,
    state: State,
    until: Option<Instant>,
    calls: u32,
}

enum State {
    Asking,
    Reading { client: bool },
    Deciding,
    Decided(bool),
    Open { hidden: Bytes },
    Over,
}

impl Gate {
    pub(crate) fn client(bug: Bug) -> Self {
        Self::new(bug, State::Asking)
    }

    pub(crate) fn server(bug: Bug) -> Self {
        Self::new(bug, State::Reading { client: false })
    }

    fn new(bug: Bug, state: State) -> Self {
        Self {
            bug,
            state,
            until: None,
            calls: 0,
        }
    }

    /// Makes the decision. Returns `false` if the gate does not wait for one.
    pub(crate) fn decide(&mut self, accept: bool) -> bool {
        let parked = matches!(self.state, State::Deciding);
        if parked {
            self.state = State::Decided(accept);
        }
        parked
    }

    fn has(&self, bug: Bug) -> bool {
        self.bug == bug
    }

    fn fail(&mut self, p: &mut Flows<'_>, error: Error) {
        p.fail(error);
        self.until = None;
        self.state = State::Over;
    }

    fn read(&mut self, p: &mut Flows<'_>, client: bool, now: Instant) {
        let unread = p.from_wire.unread();
        let there = unread.len();
        if let Some(end) = unread.iter().take(LINE).position(|b| *b == b'\n') {
            let line = p.from_wire.take(end + 1);
            match (client, &line[..]) {
                (true, b"open\n") => self.opens(p),
                (true, b"shut\n") => self.fail(p, Error::peer("gate", "the gate stays shut")),
                (false, b"door\n") => self.state = State::Deciding,
                _ => self.fail(p, Error::peer("gate", "an unknown line")),
            }
        } else if there >= LINE {
            self.fail(p, Error::peer("gate", "a line of more than 64 bytes"));
        } else if let Some(error) = p
            .from_wire
            .truncation("gate", "closed before the line was whole")
        {
            self.fail(p, error);
        } else if self.until.is_some_and(|until| until <= now) {
            self.fail(p, Error::peer("gate", "no line came in time"));
        } else if p.propagate_abort() {
            self.until = None;
            self.state = State::Over;
        } else {
            p.from_wire.require(there + 1);
        }
    }

    fn opens(&mut self, p: &mut Flows<'_>) {
        let hidden = match self.bug {
            Bug::HidesBytes => p.from_wire.take(p.from_wire.len()),
            _ => Bytes::new(),
        };
        self.state = State::Open { hidden };
        if !self.has(Bug::KeepsItsDeadline) {
            self.until = None;
        }
    }
}

/// Changes the bytes that will move at once, so that a second call changes nothing.
fn alter(from: &mut Pipe, room: usize) {
    from.unread_mut()
        .iter_mut()
        .take(room)
        .for_each(|byte| *byte ^= 1);
}

impl Layer for Gate {
    type In = Pipe;
    type Out = Pipe;
    fn name(&self) -> &'static str {
        "gate"
    }

    fn process(&mut self, mut p: Flows<'_>, now: Instant) {
        p.propagate_stop();
        loop {
            match &mut self.state {
                State::Asking => {
                    p.to_wire.write(b"door\n");
                    self.until = Some(now + TIMEOUT);
                    self.state = State::Reading { client: true };
                }
                State::Reading { client } => {
                    let client = *client;
                    self.read(&mut p, client, now);
                    if let State::Reading { .. } = self.state {
                        return;
                    }
                }
                State::Deciding => {
                    if !self.has(Bug::ParksForEver) && p.propagate_abort() {
                        self.until = None;
                        self.state = State::Over;
                    }
                    return;
                }
                State::Decided(true) => {
                    p.to_wire.write(b"open\n");
                    self.opens(&mut p);
                }
                State::Decided(false) => {
                    p.to_wire.write(b"shut\n");
                    self.fail(&mut p, Error::local("gate", "kept shut"));
                }
                State::Open { hidden } => {
                    self.calls += 1;
                    if !hidden.is_empty() && (!p.from_wire.is_empty() || p.from_wire.is_closed()) {
                        p.to_app.write(&std::mem::take(hidden));
                    }
                    if self.has(Bug::AltersBytes) {
                        alter(p.from_wire, p.to_app.room());
                        alter(p.from_app, p.to_wire.room());
                    }
                    return p.pass_through();
                }
                State::Over => return p.discard(),
            }
        }
    }

    fn deadline(&self) -> Option<Instant> {
        self.until
    }

    fn is_open(&self) -> bool {
        matches!(self.state, State::Open { .. })
    }

    fn is_transparent(&self) -> bool {
        self.is_open() && !(self.has(Bug::ClosesAgain) && self.calls > 8)
    }

    fn progress(&self) -> Progress {
        match self.state {
            State::Asking | State::Reading { client: true } => Progress::Opening("the gate"),
            State::Reading { client: false } => Progress::Opening("the door"),
            State::Deciding | State::Decided(_) => Progress::Deciding("the door"),
            State::Open { .. } => Progress::Open,
            State::Over => Progress::Over,
        }
    }
}

/// The longest line, in bytes.
const LINE: usize = 64;

/// The time within which a line has to arrive.
const TIMEOUT: Duration = Duration::from_secs(5);
