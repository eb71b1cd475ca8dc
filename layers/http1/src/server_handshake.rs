//! The handshake of a server.
//!
//! ```text
//!   Reading --> Deciding (the application) --> Replying --+--> open
//!      ^                                                  |
//!      +-- after a challenge, if the clients wait --------+--> failed
//! ```

use crate::error::Http1Error;
use crate::facts::Facts;
use crate::head::{self, HeadReader, RequestHead};
use crate::limits::Limits;
use crate::tunnel::Handshake;
use bytes::{Bytes, BytesMut};
use http::header::{ALLOW, CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderValue, Response, StatusCode};
use std::mem;
use wirestack_layer::Instant;
use wirestack_layer::{Error, Flow, Flows, Progress};

/// The requests that a server takes.
pub(crate) trait ServerExchange {
    type Request;
    const NAME: &'static str;
    /// The name of the request, for errors and traces: `the CONNECT request`.
    const AWAITED: &'static str;
    /// Reads a request from its head.
    fn read(head: RequestHead) -> Result<Self::Request, Http1Error>;
}

/// A handshake of a server: a request, and the reply to it.
pub(crate) struct ServerHandshake<E: ServerExchange> {
    pub(crate) limits: Limits,
    /// The number of requests that were answered with a challenge.
    pub(crate) rounds: usize,
    /// `true` if the clients are known to send nothing before their answer.
    pub(crate) clients_wait: bool,
    state: State<E::Request>,
}

enum State<R> {
    Reading(HeadReader),
    Deciding(R),
    Replying(Reply),
}

/// The bytes of a reply, and the state after it.
pub(crate) struct Reply {
    pub(crate) bytes: BytesMut,
    pub(crate) next: AfterReply,
}

/// The state after a reply.
pub(crate) enum AfterReply {
    /// An open tunnel, with these facts.
    Open(Facts),
    /// The wait for another request; or this error, if the client was not waiting. The bytes lack
    /// the end of their head.
    Challenged(Error),
    Fail(Error),
}

/// The outcome of a request that was accepted.
pub(crate) struct Accepted {
    pub(crate) facts: Facts,
}

impl<E: ServerExchange> ServerHandshake<E> {
    pub(crate) fn new() -> Self {
        Self {
            limits: Limits::default(),
            rounds: 0,
            clients_wait: false,
            state: State::Reading(HeadReader::default()),
        }
    }

    /// Returns the request while it waits for a decision.
    pub(crate) fn request(&self) -> Option<&E::Request> {
        match &self.state {
            State::Deciding(request) => Some(request),
            _ => None,
        }
    }

    /// Returns the request while it waits for a decision.
    pub(crate) fn request_mut(&mut self) -> Option<&mut E::Request> {
        match &mut self.state {
            State::Deciding(request) => Some(request),
            _ => None,
        }
    }

    /// Replies to the request, if one waits, and returns it. `process` sends the reply.
    pub(crate) fn decide(
        &mut self,
        decide: impl FnOnce(&E::Request) -> Reply,
    ) -> Option<E::Request> {
        let State::Deciding(request) = &self.state else {
            return None;
        };
        let reply = decide(request);
        match mem::replace(&mut self.state, State::Replying(reply)) {
            State::Deciding(request) => Some(request),
            _ => None,
        }
    }

    fn read(&mut self, p: &mut Flows<'_>) -> Result<bool, Error> {
        let State::Reading(reader) = &mut self.state else {
            return Ok(true);
        };
        let head = reader.read::<RequestHead>(p.from_wire, &self.limits);
        match head.and_then(|head| head.map(E::read).transpose()) {
            Ok(Some(request)) => self.state = State::Deciding(request),
            Ok(None) => {
                let awaited = E::AWAITED;
                let seen = p.from_wire.len();
                let cut = p
                    .from_wire
                    .truncation(E::NAME, Http1Error::Truncated { awaited, seen });
                return cut.map_or(Ok(false), Err);
            }
            Err(cause) => {
                let bytes = error_reply(&cause);
                let next = AfterReply::Fail(Error::peer(E::NAME, cause));
                self.state = State::Replying(Reply { bytes, next });
            }
        }
        Ok(true)
    }
}

impl<E: ServerExchange> Handshake for ServerHandshake<E> {
    type Outcome = Accepted;
    const NAME: &'static str = E::NAME;

    fn step(
        &mut self,
        p: &mut Flows<'_>,
        _now: Option<Instant>,
    ) -> Result<Option<Accepted>, Error> {
        while self.read(p)? {
            // A client may half-close once it has sent everything, so an end is no reason to stop.
            if matches!(self.state, State::Deciding(_)) || p.to_wire.room() == 0 {
                return Ok(None);
            }
            let next = State::Reading(HeadReader::default());
            if let State::Replying(Reply { mut bytes, next }) = mem::replace(&mut self.state, next)
            {
                let next = match next {
                    AfterReply::Challenged(rejected) => {
                        // Bytes behind the request prove that this client did not wait.
                        let stays = p.from_wire.is_empty();
                        if !stays {
                            head::write_line(&mut bytes, &["Connection: close"]);
                        }
                        head::write_line(&mut bytes, &[]);
                        if stays { Ok(None) } else { Err(rejected) }
                    }
                    AfterReply::Open(facts) => Ok(Some(Accepted { facts })),
                    AfterReply::Fail(error) => Err(error),
                };
                p.to_wire.write(&bytes);
                match next? {
                    Some(accepted) => return Ok(Some(accepted)),
                    None => self.rounds += 1,
                }
            }
        }
        Ok(None)
    }

    fn progress(&self) -> Progress {
        match self.state {
            State::Reading(_) => Progress::Opening(E::AWAITED),
            State::Deciding(_) => Progress::Deciding(E::AWAITED),
            State::Replying(_) => Progress::Opening("room for the answer"),
        }
    }
}

impl Reply {
    /// Replies with a response whose status rejects the request, as `rejects` tells, and otherwise
    /// with a 500. With `bodiless`, the body is left out: the request was a HEAD.
    pub(crate) fn rejection<E: ServerExchange>(
        response: &Response<Bytes>,
        rejects: impl FnOnce(StatusCode) -> bool,
        bodiless: bool,
    ) -> Self {
        let status = response.status();
        if !rejects(status) {
            return Self::error_reply::<E>(Http1Error::NotARejection(status));
        }
        Self {
            bytes: rejection(response, bodiless),
            next: AfterReply::Fail(Error::local(E::NAME, Http1Error::Rejected(status))),
        }
    }

    /// Replies with a 500 to a mistake of the application.
    pub(crate) fn error_reply<E: ServerExchange>(cause: Http1Error) -> Self {
        Self {
            bytes: error_reply(&cause),
            next: AfterReply::Fail(Error::local(E::NAME, cause)),
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

/// Writes the response to a request that failed.
fn error_reply(cause: &Http1Error) -> BytesMut {
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
