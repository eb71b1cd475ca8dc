//! The client's machine: send a head, await the final head, read what a refusal says.

use crate::body::Body;
use crate::head::{HeadReader, ResponseHead, status_text};
use crate::tunnel::Handshake;
use crate::{Http1Error, Limits, Refusal};
use bytes::BytesMut;
use http::Response;
use std::mem;
use wirestack_layer::Instant;
use wirestack_layer::{Error, Flow, Flows, Progress};

/// What is asked for, and what the answers mean.
pub(crate) trait Ask {
    const NAME: &'static str;
    /// What is awaited: `the CONNECT response`.
    const AWAITED: &'static str;
    /// Writes the request.
    fn write(&self, out: &mut BytesMut);
    /// Says what a response means.
    fn judge(&self, head: &ResponseHead) -> Result<Verdict, Http1Error>;
    /// Shows what a response that opens has told.
    fn facts(&self, head: &ResponseHead) -> String {
        status_text(head.status, &head.reason)
    }

    /// Decides what to do about a refusal; `reusable` if the connection can carry another request.
    fn refused(&mut self, refusal: Refusal, _reusable: bool) -> Next {
        let cause = Http1Error::Refused(Box::new(refusal));
        Next::Fail(Error::peer(Self::NAME, cause))
    }

    /// Whether it parks before each request, and at the response that opens, until it is told what
    /// to do.
    fn parks(&self) -> bool {
        false
    }

    /// Amends the error of a wire that ended with nothing or with part of a response.
    fn cut(&self, error: Error, _seen: usize) -> Error {
        error
    }
}

/// What a response means.
pub(crate) enum Verdict {
    /// Another one follows.
    Interim,
    Opens,
    /// No; `ask_again` if another request could follow on this connection.
    Refuses {
        ask_again: bool,
    },
}

/// What follows a refusal.
pub(crate) enum Next {
    Again,
    Park(Refusal),
    Fail(Error),
}

/// What waits for a decision.
pub(crate) enum Held {
    /// The first request.
    Request,
    /// The request after this refusal.
    Refusal {
        refusal: Refusal,
        /// Whether this connection can carry another request.
        reusable: bool,
    },
    /// The response that opens.
    Opened(Opened),
}

/// What becomes of what waited.
pub(crate) enum Decided {
    Send,
    Open(Opened),
    Fail(Error),
}

/// A request under way.
pub(crate) struct Asking<A> {
    pub(crate) ask: A,
    pub(crate) limits: Limits,
    state: State,
}

enum State {
    /// Before the first `process`.
    Start,
    Sending,
    Awaiting(HeadReader),
    Refused(Pending),
    Parked(Held),
    /// It was decided to go no further.
    Failed(Error),
    /// It was decided to open.
    Opens(Opened),
}

/// A refusal whose body is being read.
struct Pending {
    head: ResponseHead,
    body: Body,
    ask_again: bool,
    until: Option<Instant>,
}

/// A response that opened the tunnel.
pub(crate) struct Opened {
    pub(crate) response: Response<()>,
    pub(crate) facts: String,
}

impl<A: Ask> Asking<A> {
    pub(crate) fn new(ask: A) -> Self {
        Self {
            ask,
            limits: Limits::default(),
            state: State::Start,
        }
    }

    /// Returns what waits for a decision.
    pub(crate) fn held(&self) -> Option<&Held> {
        match &self.state {
            State::Parked(held) => Some(held),
            _ => None,
        }
    }

    /// Decides about what waits, if something does.
    pub(crate) fn decide(&mut self, decide: impl FnOnce(&mut A, Held) -> Decided) {
        match mem::replace(&mut self.state, State::Sending) {
            State::Parked(held) => {
                self.state = match decide(&mut self.ask, held) {
                    Decided::Send => State::Sending,
                    Decided::Open(opened) => State::Opens(opened),
                    Decided::Fail(error) => State::Failed(error),
                };
            }
            other => self.state = other,
        }
    }

    fn judge(&mut self, head: ResponseHead, now: Instant) -> Result<Option<Opened>, Http1Error> {
        match self.ask.judge(&head)? {
            Verdict::Interim => {}
            Verdict::Opens => {
                let facts = self.ask.facts(&head);
                let mut response = Response::new(());
                *response.version_mut() = head.version;
                *response.status_mut() = head.status;
                *response.headers_mut() = head.headers;
                let opened = Opened { response, facts };
                if !self.ask.parks() {
                    return Ok(Some(opened));
                }
                self.state = State::Parked(Held::Opened(opened));
            }
            Verdict::Refuses { ask_again } => {
                self.state = State::Refused(Pending {
                    body: Body::new(&head, ask_again, &self.limits),
                    head,
                    ask_again,
                    until: now.checked_add(self.limits.grace),
                });
            }
        }
        Ok(None)
    }
}

impl<A: Ask> Handshake for Asking<A> {
    type Outcome = Opened;
    const NAME: &'static str = A::NAME;

    fn step(&mut self, p: &mut Flows<'_>, now: Instant) -> Result<Option<Opened>, Error> {
        loop {
            match &mut self.state {
                State::Start => {
                    self.state = match self.ask.parks() {
                        true => State::Parked(Held::Request),
                        false => State::Sending,
                    };
                }
                State::Parked(held) => {
                    match held {
                        Held::Refusal { reusable, .. } => *reusable &= !p.from_wire.is_closed(),
                        Held::Request => {
                            let (awaited, seen) = (A::AWAITED, 0);
                            let cause = Http1Error::Truncated { awaited, seen };
                            if let Some(error) = p.from_wire.truncation(A::NAME, cause) {
                                return Err(error);
                            }
                        }
                        Held::Opened(_) => {}
                    }
                    return Ok(None);
                }
                State::Failed(_) | State::Opens(_) => {
                    return match mem::replace(&mut self.state, State::Sending) {
                        State::Failed(error) => Err(error),
                        State::Opens(opened) => Ok(Some(opened)),
                        _ => Ok(None),
                    };
                }
                State::Sending => {
                    if p.to_wire.room() == 0 {
                        return Ok(None);
                    }
                    p.to_wire.fill(|out| self.ask.write(out));
                    self.state = State::Awaiting(HeadReader::default());
                }
                State::Awaiting(reader) => {
                    let head = reader.read(p.from_wire, &self.limits);
                    let Some(head) = head.map_err(|cause| Error::peer(A::NAME, cause))? else {
                        let awaited = A::AWAITED;
                        let seen = p.from_wire.len();
                        let cut = p
                            .from_wire
                            .truncation(A::NAME, Http1Error::Truncated { awaited, seen });
                        return cut.map_or(Ok(None), |error| Err(self.ask.cut(error, seen)));
                    };
                    let opened = self.judge(head, now);
                    if let Some(opened) = opened.map_err(|cause| Error::peer(A::NAME, cause))? {
                        return Ok(Some(opened));
                    }
                }
                State::Refused(pending) => {
                    let late = pending.until.is_some_and(|until| until <= now);
                    if !pending.body.read(p.from_wire) && !late {
                        return Ok(None);
                    }
                    if let State::Refused(pending) = mem::replace(&mut self.state, State::Sending) {
                        let reusable = pending.ask_again && pending.body.is_complete();
                        match self.ask.refused(pending.into_refusal(), reusable) {
                            Next::Again => {}
                            Next::Park(refusal) => {
                                let held = Held::Refusal { refusal, reusable };
                                self.state = State::Parked(held);
                            }
                            Next::Fail(error) => return Err(error),
                        }
                    }
                }
            }
        }
    }

    fn deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Refused(pending) => pending.until,
            _ => None,
        }
    }

    fn holds(&self) -> bool {
        matches!(&self.state, State::Parked(Held::Refusal { .. }))
    }

    fn progress(&self) -> Progress {
        match self.state {
            State::Start if self.ask.parks() => Progress::Deciding("credentials"),
            State::Parked(_) => Progress::Deciding("credentials"),
            State::Refused(_) => Progress::Opening("the rest of a refusal"),
            _ => Progress::Opening(A::AWAITED),
        }
    }
}

impl Pending {
    fn into_refusal(self) -> Refusal {
        Refusal {
            status: self.head.status,
            reason: self.head.reason,
            headers: self.head.headers,
            body: self.body.into_excerpt(),
        }
    }
}
