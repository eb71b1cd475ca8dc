//! The server's machine: read a request, park until the application decides, answer.

use crate::head::{self, HeadReader, RequestHead};
use crate::tunnel::Handshake;
use crate::{Http1Error, Limits};
use bytes::{Bytes, BytesMut};
use http::header::{ALLOW, CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderValue, Response, StatusCode};
use std::mem;
use wirestack_layer::Instant;
use wirestack_layer::{Error, Flow, Flows, Progress};

/// What requests are taken.
pub(crate) trait Serve {
    type Request;
    const NAME: &'static str;
    /// What is awaited: `the CONNECT request`.
    const AWAITED: &'static str;
    /// Takes a request, or says what is wrong with it.
    fn read(head: RequestHead) -> Result<Self::Request, Http1Error>;
}

/// A request to come, or under way.
pub(crate) struct Answering<S: Serve> {
    pub(crate) limits: Limits,
    /// How many requests were answered with "ask again".
    pub(crate) rounds: usize,
    state: State<S::Request>,
}

enum State<R> {
    Reading(HeadReader),
    Deciding(R),
    Answering(Answer),
}

/// What the peer gets, and what follows.
pub(crate) struct Answer {
    pub(crate) bytes: BytesMut,
    pub(crate) then: Then,
}

/// What follows an answer.
pub(crate) enum Then {
    /// The tunnel; this is what there is to tell about it.
    Open(String),
    /// Another request.
    Again,
    Fail(Error),
}

/// A request that was accepted.
pub(crate) struct Accepted {
    pub(crate) facts: String,
}

impl<S: Serve> Answering<S> {
    pub(crate) fn new() -> Self {
        Self {
            limits: Limits::default(),
            rounds: 0,
            state: State::Reading(HeadReader::default()),
        }
    }

    /// Returns the request while it waits for a decision.
    pub(crate) fn request(&self) -> Option<&S::Request> {
        match &self.state {
            State::Deciding(request) => Some(request),
            _ => None,
        }
    }

    /// Answers the request if one waits; `process` sends the answer.
    pub(crate) fn decide(&mut self, decide: impl FnOnce(&S::Request) -> Answer) {
        if let State::Deciding(request) = &self.state {
            self.state = State::Answering(decide(request));
        }
    }

    fn read(&mut self, p: &mut Flows<'_>) -> Result<bool, Error> {
        let State::Reading(reader) = &mut self.state else {
            return Ok(true);
        };
        let head = reader.read::<RequestHead>(p.from_wire, &self.limits);
        match head.and_then(|head| head.map(S::read).transpose()) {
            Ok(Some(request)) => self.state = State::Deciding(request),
            Ok(None) => {
                let awaited = S::AWAITED;
                let seen = p.from_wire.len();
                let cut = p
                    .from_wire
                    .truncation(S::NAME, Http1Error::Truncated { awaited, seen });
                return cut.map_or(Ok(false), Err);
            }
            Err(cause) => {
                let bytes = apology(&cause);
                let then = Then::Fail(Error::peer(S::NAME, cause));
                self.state = State::Answering(Answer { bytes, then });
            }
        }
        Ok(true)
    }
}

impl<S: Serve> Handshake for Answering<S> {
    type Outcome = Accepted;
    const NAME: &'static str = S::NAME;

    fn step(&mut self, p: &mut Flows<'_>, _now: Instant) -> Result<Option<Accepted>, Error> {
        while self.read(p)? {
            // An end of the wire is no reason to go: a client may say all it has and half-close.
            if matches!(self.state, State::Deciding(_)) || p.to_wire.room() == 0 {
                return Ok(None);
            }
            let next = State::Reading(HeadReader::default());
            if let State::Answering(answer) = mem::replace(&mut self.state, next) {
                p.to_wire.push(answer.bytes.freeze());
                match answer.then {
                    Then::Open(facts) => return Ok(Some(Accepted { facts })),
                    Then::Again => self.rounds += 1,
                    Then::Fail(error) => return Err(error),
                }
            }
        }
        Ok(None)
    }

    fn progress(&self) -> Progress {
        match self.state {
            State::Reading(_) => Progress::Opening(S::AWAITED),
            State::Deciding(_) => Progress::Deciding(S::AWAITED),
            State::Answering(_) => Progress::Opening("room for the answer"),
        }
    }
}

impl Answer {
    /// Answers with a response that says no, or, if it does not, with an apology.
    ///
    /// `says_no` tells which statuses do; `bodiless` that the request was a HEAD.
    pub(crate) fn rejection<S: Serve>(
        response: &Response<Bytes>,
        says_no: impl FnOnce(StatusCode) -> bool,
        bodiless: bool,
    ) -> Self {
        let status = response.status();
        if !says_no(status) {
            return Self::apology::<S>(Http1Error::NotARejection(status));
        }
        Self {
            bytes: rejection(response, bodiless),
            then: Then::Fail(Error::local(S::NAME, Http1Error::Rejected(status))),
        }
    }

    /// Answers 500 to what the application did wrong.
    pub(crate) fn apology<S: Serve>(cause: Http1Error) -> Self {
        Self {
            bytes: apology(&cause),
            then: Then::Fail(Error::local(S::NAME, cause)),
        }
    }
}

/// Writes a response that ends the connection.
fn rejection(response: &Response<Bytes>, bodiless: bool) -> BytesMut {
    let status = response.status();
    let mut out = BytesMut::new();
    let reason = status.canonical_reason().unwrap_or_default();
    head::write_status(&mut out, status, reason);
    let owned = [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING];
    head::write_headers(&mut out, response.headers(), &owned);
    // "A server MUST NOT send a Content-Length header field in any response with a status code of
    // 1xx (Informational) or 204 (No Content)" (RFC 9110 §8.6); 304 has no content either.
    let contentless = matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    if !contentless {
        let length = response.body().len().to_string();
        head::write_line(&mut out, &["Content-Length: ", &length]);
    }
    // "A sender of Upgrade MUST also send an "Upgrade" connection option" (RFC 9110 §7.8), which a
    // 426 does.
    let upgrade = response.headers().contains_key(UPGRADE);
    let option = if upgrade { ", Upgrade" } else { "" };
    head::write_line(&mut out, &["Connection: close", option]);
    head::write_line(&mut out, &[]);
    if !contentless && !bodiless {
        out.extend_from_slice(response.body());
    }
    out
}

/// Writes what the peer is told about a request that failed.
fn apology(cause: &Http1Error) -> BytesMut {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = cause.status();
    if let Http1Error::NotConnect(_) = cause {
        // "The origin server MUST generate an Allow header field in a 405 response"
        // (RFC 9110 §15.5.6)
        let connect = HeaderValue::from_static("CONNECT");
        response.headers_mut().insert(ALLOW, connect);
    }
    rejection(&response, false)
}
