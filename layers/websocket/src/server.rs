use crate::close::{CloseCode, Closed};
use crate::connection::Connection;
use crate::deflate::{Compression, Deflate};
use crate::handshake::{self, Accept, Agreed, Offer, TOKEN};
use crate::message::{Message, Part, Payload};
use crate::opening::Opening;
use crate::ping::{PingToken, Pong};
use crate::{NAME, Settings, WebSocketError, write_facts};
use bytes::Bytes;
use http::header::{CONNECTION, HeaderValue, UPGRADE};
use http::{Response, StatusCode};
use std::fmt;
use std::marker::PhantomData;
use wirestack_http1::upgrade;
use wirestack_layer::Instant;
use wirestack_layer::{Error, Flows, Layer, Pipe, Progress, Queue};

/// The server's side of a WebSocket.
///
/// It parks at the [`request`](Self::request) until it is told [`accept`](Self::accept) or
/// [`reject`](Self::reject); a request that is no WebSocket handshake it refuses by itself. Its
/// application speaks in [`Message`]s, in [`Part`]s of them after [`parts`](Self::parts), or in bytes
/// after [`tunnel`](Self::tunnel). What ends and
/// fails, and how, is described at the [crate root](crate#ends).
pub struct Server<F = Queue<Message>> {
    stage: Stage,
    connection: Connection,
    form: PhantomData<fn(F) -> F>,
}

enum Stage {
    Opening(Box<Handshake>),
    Open {
        status: Option<StatusCode>,
        subprotocol: Option<String>,
    },
    Failed,
}

struct Handshake {
    opening: Opening<upgrade::Server>,
    verdict: Verdict,
    deflate: Option<Deflate>,
}

/// What became of the request.
enum Verdict {
    /// There is none yet.
    Waiting,
    /// It is a handshake, and the application has to decide.
    Deciding,
    Accepted(Agreed),
    Rejected,
    /// It was none, for this reason.
    Refused(WebSocketError),
}

impl Server {
    /// Creates a server that opens with an HTTP/1.1 upgrade.
    pub fn new(settings: Settings) -> Self {
        let upgrade = upgrade::Server::new().with_limits(settings.head.clone());
        let handshake = Handshake {
            opening: Opening::new(upgrade),
            verdict: Verdict::Waiting,
            deflate: settings.deflate.clone(),
        };
        let stage = Stage::Opening(Box::new(handshake));
        Self::with(stage, Connection::server(&settings))
    }

    /// Creates a server that is open already, over a stream whose handshake went another way.
    pub fn established(settings: Settings) -> Self {
        let stage = Stage::Open {
            status: None,
            subprotocol: None,
        };
        Self::with(stage, Connection::server(&settings))
    }

    /// Creates a server for a request that came another way, and the response that accepts it: a
    /// `101` to an HTTP/1.1 upgrade, or a `200` to an extended CONNECT (RFC 8441 §5). The server is
    /// open already; its wire is what lies behind that response.
    ///
    /// # Errors
    ///
    /// [`WebSocketError::UnofferedSubprotocol`].
    pub fn answered(
        offer: &Offer<'_>,
        accept: Accept,
        settings: Settings,
    ) -> Result<(Self, Response<()>), Error> {
        let deflate = settings.deflate.as_ref();
        let answer = accept.answer(offer, deflate);
        let (agreed, fields) = answer.map_err(|cause| Error::local(NAME, cause))?;
        let mut response = Response::new(());
        *response.headers_mut() = fields;
        if offer.upgrades() {
            *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
            let upgrade = [(UPGRADE, TOKEN), (CONNECTION, "Upgrade")];
            let upgrade = upgrade.map(|(name, value)| (name, HeaderValue::from_static(value)));
            response.headers_mut().extend(upgrade);
        }
        let mut connection = Connection::server(&settings);
        connection.compress(agreed.compression, deflate);
        let stage = Stage::Open {
            status: Some(response.status()),
            subprotocol: agreed.subprotocol,
        };
        Ok((Self::with(stage, connection), response))
    }

    /// Makes it take and hand over messages in parts, as they come and go.
    pub fn parts(self) -> Server<Queue<Part>> {
        self.carrying()
    }

    /// Makes it carry bytes, in binary messages of any cut. A text message then fails it. There is no
    /// half-close: who finishes closes (see [`carries_half_close`](Layer::carries_half_close)).
    pub fn tunnel(self) -> Server<Pipe> {
        self.carrying()
    }

    /// Makes it carry what its application side is made of: messages, parts or bytes.
    pub fn carrying<F: Payload>(self) -> Server<F> {
        Server::with(self.stage, self.connection)
    }
}

impl<F> Server<F> {
    fn with(stage: Stage, connection: Connection) -> Self {
        Self {
            stage,
            connection,
            form: PhantomData,
        }
    }

    /// Returns what the client asks for, while that waits for a decision.
    pub fn request(&self) -> Option<Offer<'_>> {
        let Stage::Opening(handshake) = &self.stage else {
            return None;
        };
        match handshake.verdict {
            Verdict::Deciding => handshake.opening.upgrade.request().map(Offer::checked),
            _ => None,
        }
    }

    /// Accepts the request, at the next `process`.
    ///
    /// # Errors
    ///
    /// [`WebSocketError::UnofferedSubprotocol`], and the request still waits; [`WebSocketError::NothingToDecide`].
    pub fn accept(&mut self, accept: Accept) -> Result<(), Error> {
        let local = |cause| Error::local(NAME, cause);
        let nothing = || local(WebSocketError::NothingToDecide);
        let handshake = self.deciding().ok_or_else(nothing)?;
        let upgrade = &mut handshake.opening.upgrade;
        if let Some(request) = upgrade.request() {
            let deflate = handshake.deflate.as_ref();
            let answer = accept.answer(&Offer::checked(request), deflate);
            let (agreed, fields) = answer.map_err(local)?;
            upgrade.accept(TOKEN, fields);
            handshake.verdict = Verdict::Accepted(agreed);
        }
        Ok(())
    }

    /// Rejects the request with a response, at the next `process`; both directions then end.
    ///
    /// # Errors
    ///
    /// [`WebSocketError::NothingToDecide`].
    pub fn reject(&mut self, response: Response<Bytes>) -> Result<(), Error> {
        let nothing = || Error::local(NAME, WebSocketError::NothingToDecide);
        let handshake = self.deciding().ok_or_else(nothing)?;
        handshake.opening.upgrade.reject(response);
        handshake.verdict = Verdict::Rejected;
        Ok(())
    }

    fn deciding(&mut self) -> Option<&mut Handshake> {
        match &mut self.stage {
            Stage::Opening(handshake) => {
                let decides = matches!(handshake.verdict, Verdict::Deciding);
                decides.then_some(handshake)
            }
            _ => None,
        }
    }

    /// Returns the subprotocol that was accepted, once open.
    pub fn subprotocol(&self) -> Option<&str> {
        match &self.stage {
            Stage::Open { subprotocol, .. } => subprotocol.as_deref(),
            _ => None,
        }
    }

    /// Returns how messages are compressed, if that was agreed on.
    pub fn compression(&self) -> Option<&Compression> {
        self.connection.compression()
    }

    /// Sends a ping at the next `process`, or once open. Its pong comes out of [`pong`](Self::pong).
    ///
    /// # Errors
    ///
    /// [`WebSocketError::LongPing`] beyond 125 bytes, [`WebSocketError::TooManyPings`] while 64 are unanswered.
    pub fn ping(&mut self, payload: impl Into<Bytes>) -> Result<PingToken, Error> {
        self.connection.ping(payload.into())
    }

    /// Returns the next ping that was answered. A pong also answers the pings before its own.
    pub fn pong(&mut self) -> Option<Pong> {
        self.connection.pong()
    }

    /// Returns whether the answer to one ping is there.
    pub fn is_answered(&self, ping: PingToken) -> bool {
        self.connection.is_answered(ping)
    }

    /// Takes the answer to one ping, if it is there.
    pub fn pong_to(&mut self, ping: PingToken) -> Option<Pong> {
        self.connection.pong_to(ping)
    }

    /// Sets what the Close frame will say when the application has finished, instead of 1000. It
    /// closes nothing: that is what finishing does.
    ///
    /// # Errors
    ///
    /// [`WebSocketError::UnsendableCode`], [`WebSocketError::LongReason`].
    pub fn close(&mut self, code: impl Into<CloseCode>, reason: &str) -> Result<(), Error> {
        self.connection.close(code.into(), reason)
    }

    /// Returns how it was closed, once the peer's Close frame is in.
    pub fn closed(&self) -> Option<&Closed> {
        self.connection.closed()
    }
}

impl Handshake {
    /// Goes on as far as possible, and returns what comes next if that is known.
    fn step<F: Payload>(
        &mut self,
        p: &mut Flows<'_, F, F>,
        now: Instant,
    ) -> Result<Option<(Stage, Option<Compression>)>, Error> {
        let mut open = self.opening.process(p, now);
        if let Verdict::Waiting = self.verdict
            && let Some(request) = self.opening.upgrade.request()
        {
            self.verdict = match handshake::check_request(request) {
                Ok(()) => Verdict::Deciding,
                Err(cause) => Verdict::Refused(cause),
            };
            if let Verdict::Refused(cause) = &self.verdict {
                self.opening.upgrade.reject(handshake::refusal(cause));
                open = self.opening.process(p, now);
            }
        }
        match (open, &mut self.verdict) {
            (Ok(true), Verdict::Accepted(agreed)) => {
                let stage = Stage::Open {
                    status: Some(StatusCode::SWITCHING_PROTOCOLS),
                    subprotocol: agreed.subprotocol.take(),
                };
                Ok(Some((stage, agreed.compression)))
            }
            (Ok(_), _) => Ok(None),
            (Err(_), Verdict::Refused(cause)) => Err(Error::peer(NAME, cause.clone())),
            (Err(error), _) => Err(error),
        }
    }
}

impl<F: Payload> Layer for Server<F> {
    type In = F;
    type Out = F;

    fn name(&self) -> &'static str {
        NAME
    }

    fn process(&mut self, mut p: Flows<'_, F, F>, now: Instant) {
        p.propagate_stop();
        if let Stage::Opening(handshake) = &mut self.stage {
            match handshake.step(&mut p, now) {
                Ok(Some((stage, compression))) => {
                    let deflate = handshake.deflate.as_ref();
                    self.connection.compress(compression, deflate);
                    self.stage = stage;
                }
                Ok(None) => return,
                Err(error) => {
                    self.stage = Stage::Failed;
                    p.fail(error);
                }
            }
        }
        match self.stage {
            Stage::Open { .. } => self.connection.process(p, now),
            _ => p.discard(),
        }
    }

    fn deadline(&self) -> Option<Instant> {
        match &self.stage {
            Stage::Opening(handshake) => handshake.opening.upgrade.deadline(),
            Stage::Open { .. } => self.connection.deadline(),
            Stage::Failed => None,
        }
    }

    fn is_open(&self) -> bool {
        matches!(self.stage, Stage::Open { .. })
    }

    fn carries_half_close(&self) -> bool {
        false
    }

    fn progress(&self) -> Progress {
        match &self.stage {
            Stage::Opening(_) if self.request().is_some() => {
                Progress::Deciding("the upgrade request")
            }
            Stage::Opening(_) => Progress::Opening("the upgrade request"),
            Stage::Open { .. } => self.connection.progress(),
            Stage::Failed => Progress::Over,
        }
    }

    fn facts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = match self.stage {
            Stage::Open { status, .. } => status,
            _ => None,
        };
        write_facts(f, status, self.subprotocol(), self.compression())
    }
}
