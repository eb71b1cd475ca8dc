//! The handshake of a client.
//!
//! ```text
//!   Start --+-----------------> Sending --> Reading --+--> open
//!           |                      ^                  |
//!           +--> Deciding(Request) +                  +--> Deciding(Response) --> open
//!                                  ^                  |
//!                                  |                  +--> Refused (its body) --+--> failed
//!                                  |                                            |
//!                                  +----------- Deciding(Challenge) <-----------+
//! ```
//!
//! The application decides in the states `Deciding`, if it authorizes the requests.

use crate::body::{Body, Framing};
use crate::error::Http1Error;
use crate::facts::Facts;
use crate::head::{HeadReader, ResponseHead};
use crate::limits::Limits;
use crate::tunnel::Handshake;
use bytes::BytesMut;
use http::{HeaderValue, Response, StatusCode};
use std::borrow::Cow;
use std::mem;
use wirestack_http::Refusal;
use wirestack_http::{Awaiting, Challenged};
use wirestack_layer::Instant;
use wirestack_layer::{Error, Flow, Flows, Progress};

/// The request of a client, and the meaning of its responses.
pub(crate) trait ClientExchange {
    const NAME: &'static str;
    /// The name of the response, for errors and traces: `the CONNECT response`.
    const AWAITED: &'static str;
    /// Returns the name of the request, for errors: `CONNECT example.org:443`.
    fn name(&self) -> String;
    /// Writes the request.
    fn write(&mut self, out: &mut BytesMut);
    /// Returns the kind of a response.
    fn classify(&self, head: &ResponseHead) -> Result<ResponseKind, Http1Error>;
    /// Returns the facts of a response that opens the tunnel.
    fn facts(&self, status: StatusCode, reason: Cow<'static, str>) -> Facts {
        Facts::Answered(status, reason)
    }

    /// Returns `true` if the request is a HEAD, whose answer has no body.
    fn is_head(&self) -> bool {
        false
    }

    /// Returns `true` if the application authorizes each request.
    fn is_authorized(&self) -> bool {
        false
    }

    /// Sets the authorization of the next request.
    fn authorize(&mut self, _value: Option<HeaderValue>) {}
}

/// The meaning of a response.
pub(crate) enum ResponseKind {
    /// Another response follows.
    Interim,
    Opens,
    Refuses,
    /// The application may answer with another request: on this connection, if that is persistent.
    Challenges {
        persistent: bool,
    },
}

/// A handshake of a client: its request, and the responses so far.
pub(crate) struct ClientHandshake<E> {
    pub(crate) exchange: E,
    pub(crate) limits: Limits,
    /// Takes heads that are not quite as the grammar has them.
    pub(crate) lenient: bool,
    /// The challenge that the last request answers.
    challenged: Option<Challenged>,
    /// The reason phrase of the response that opens.
    reason: Cow<'static, str>,
    state: State,
}

enum State {
    /// Before the first `process`.
    Start,
    Sending,
    Reading(HeadReader),
    Refused(Pending),
    /// The application decides.
    Deciding(Awaiting),
    /// The application has decided about the end of the handshake.
    Decided(Result<Response<()>, Error>),
}

/// A refusal whose body is being read.
struct Pending {
    head: ResponseHead,
    body: Body,
    is_challenge: bool,
    /// `true` if the head lets the connection carry another request.
    persistent: bool,
    /// The end of the wait for the body, once the wait has begun. A time that is `None` never comes.
    until: Option<Option<Instant>>,
}

/// A response that opened the tunnel.
pub(crate) struct Opened {
    pub(crate) response: Response<()>,
    pub(crate) facts: Facts,
}

impl<E: ClientExchange> ClientHandshake<E> {
    pub(crate) fn new(exchange: E) -> Self {
        Self {
            exchange,
            limits: Limits::default(),
            lenient: false,
            challenged: None,
            reason: Cow::Borrowed(""),
            state: State::Start,
        }
    }

    /// Returns the decision that the application has to take.
    pub(crate) fn awaiting(&self) -> Option<&Awaiting> {
        match &self.state {
            State::Deciding(awaiting) => Some(awaiting),
            _ => None,
        }
    }

    /// Goes on after the decision of the application.
    pub(crate) fn authorize(&mut self, value: Option<HeaderValue>) {
        let Some(awaiting) = self.take_awaiting() else {
            return;
        };
        self.challenged = None;
        match awaiting {
            Awaiting::Response(response) => {
                self.state = State::Decided(Ok(response));
                return;
            }
            Awaiting::Challenge { refusal, reusable } => {
                let challenged = Challenged::from(&refusal);
                if !reusable {
                    let error = refused::<E>(refusal).retry_on_new_connection(challenged);
                    self.state = State::Decided(Err(error));
                    return;
                }
                self.challenged = Some(challenged);
            }
            _ => {}
        }
        self.exchange.authorize(value);
        self.state = State::Sending;
    }

    /// Fails because the application does not go on.
    pub(crate) fn give_up(&mut self) {
        if let Some(awaiting) = self.take_awaiting() {
            self.state = State::Decided(Err(match awaiting {
                Awaiting::Challenge { refusal, .. } => refused::<E>(refusal),
                _ => Error::local(E::NAME, Http1Error::GivenUp),
            }));
        }
    }

    fn take_awaiting(&mut self) -> Option<Awaiting> {
        match mem::replace(&mut self.state, State::Sending) {
            State::Deciding(awaiting) => Some(awaiting),
            other => {
                self.state = other;
                None
            }
        }
    }

    fn classify(&mut self, head: ResponseHead) -> Result<Option<Opened>, Http1Error> {
        let kind = self.exchange.classify(&head)?;
        let (is_challenge, persistent) = match kind {
            ResponseKind::Interim => return Ok(None),
            ResponseKind::Opens => {
                self.reason = head.reason;
                let mut response = Response::new(());
                *response.version_mut() = head.version;
                *response.status_mut() = head.status;
                *response.headers_mut() = head.headers;
                if !self.exchange.is_authorized() {
                    return Ok(Some(self.opened(response)));
                }
                self.state = State::Deciding(Awaiting::Response(response));
                return Ok(None);
            }
            ResponseKind::Refuses => (false, false),
            // A field that was passed over could have framed the body, so nothing may follow it.
            ResponseKind::Challenges { persistent } => (true, persistent && !self.lenient),
        };
        let framing = if self.exchange.is_head() {
            Framing::Complete
        } else {
            Framing::of(&head)
        };
        self.state = State::Refused(Pending {
            body: Body::new(framing, persistent, &self.limits),
            head,
            is_challenge,
            persistent,
            until: None,
        });
        Ok(None)
    }

    fn opened(&mut self, response: Response<()>) -> Opened {
        let reason = mem::take(&mut self.reason);
        let facts = self.exchange.facts(response.status(), reason);
        Opened { response, facts }
    }
}

impl<E: ClientExchange> Handshake for ClientHandshake<E> {
    type Outcome = Opened;
    const NAME: &'static str = E::NAME;

    fn step(&mut self, p: &mut Flows<'_>, now: Option<Instant>) -> Result<Option<Opened>, Error> {
        loop {
            match &mut self.state {
                State::Start => {
                    self.state = if self.exchange.is_authorized() {
                        State::Deciding(Awaiting::Request)
                    } else {
                        State::Sending
                    };
                }
                State::Deciding(awaiting) => {
                    match awaiting {
                        // What the proxy said before it left is read as the answer.
                        Awaiting::Request if p.from_wire.is_empty() => {
                            let (awaited, seen) = (E::AWAITED, 0);
                            let cause = Http1Error::Truncated { awaited, seen };
                            if let Some(error) = p.from_wire.truncation(E::NAME, cause) {
                                return Err(error);
                            }
                        }
                        Awaiting::Challenge { reusable, .. } => {
                            *reusable &= !p.from_wire.is_closed();
                        }
                        _ => {}
                    }
                    return Ok(None);
                }
                State::Decided(_) => {
                    return match mem::replace(&mut self.state, State::Sending) {
                        State::Decided(Ok(response)) => Ok(Some(self.opened(response))),
                        State::Decided(Err(error)) => Err(error),
                        _ => Ok(None),
                    };
                }
                State::Sending => {
                    if p.to_wire.room() == 0 {
                        return Ok(None);
                    }
                    p.to_wire.fill(|out| self.exchange.write(out));
                    self.state = State::Reading(HeadReader::new(self.lenient));
                }
                State::Reading(reader) => {
                    let head = reader.read(p.from_wire, &self.limits);
                    let Some(head) = head.map_err(|cause| Error::peer(E::NAME, cause))? else {
                        let (awaited, seen) = (E::AWAITED, p.from_wire.len());
                        let cut = p
                            .from_wire
                            .truncation(E::NAME, Http1Error::Truncated { awaited, seen });
                        return match (cut, &self.challenged) {
                            (None, _) => Ok(None),
                            // The proxy had announced a persistent connection, and closed it.
                            (Some(error), Some(challenged)) if seen == 0 => {
                                Err(error.retry_on_new_connection(challenged.clone()))
                            }
                            (Some(error), _) => Err(error),
                        };
                    };
                    let opened = self.classify(head);
                    if let Some(opened) = opened.map_err(|cause| Error::peer(E::NAME, cause))? {
                        return Ok(Some(opened));
                    }
                }
                State::Refused(pending) => {
                    let Some(now) = now else { return Ok(None) };
                    let end = || now.checked_add(self.limits.grace);
                    let late = pending.until.get_or_insert_with(end);
                    let late = late.is_some_and(|until| until <= now);
                    if !pending.body.read(p.from_wire) && !late {
                        return Ok(None);
                    }
                    if let State::Refused(pending) = mem::replace(&mut self.state, State::Sending) {
                        let reusable = pending.persistent && pending.body.is_complete();
                        let is_challenge = pending.is_challenge;
                        let refusal = pending.into_refusal(self.exchange.name());
                        if !is_challenge {
                            return Err(refused::<E>(refusal));
                        }
                        let challenge = Awaiting::Challenge { refusal, reusable };
                        self.state = State::Deciding(challenge);
                    }
                }
            }
        }
    }

    fn deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Refused(pending) => pending.until.flatten(),
            _ => None,
        }
    }

    fn needs_time(&self) -> bool {
        matches!(self.state, State::Refused(_))
    }

    fn holds(&self) -> bool {
        self.awaiting().is_some()
    }

    fn progress(&self) -> Progress {
        match self.state {
            State::Start if self.exchange.is_authorized() => Progress::Deciding("credentials"),
            State::Deciding(_) => Progress::Deciding("credentials"),
            State::Refused(_) => Progress::Opening("the rest of a refusal"),
            _ => Progress::Opening(E::AWAITED),
        }
    }
}

impl Pending {
    fn into_refusal(self, request: String) -> Refusal {
        let mut refusal = Refusal::new(self.head.status, self.head.headers);
        refusal.version = self.head.version;
        refusal.reason = self.head.reason.into_owned();
        refusal.body = self.body.into_excerpt();
        refusal.request = request;
        refusal
    }
}

/// The room for a request, in bytes: most are shorter.
pub(crate) const USUAL_REQUEST: usize = 512;

fn refused<E: ClientExchange>(refusal: Refusal) -> Error {
    Error::peer(E::NAME, Http1Error::Refused(Box::new(refusal)))
}
