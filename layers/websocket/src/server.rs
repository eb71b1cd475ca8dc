use crate::close::{CloseCode, Closed};
use crate::connection::Connection;
use crate::handshake::{self, Accept, Key, Offer, TOKEN};
use crate::message::{Message, Payload};
use crate::opening::Opening;
use crate::ping::{PingToken, Pong};
use crate::{Cause, NAME, Settings, facts};
use bytes::Bytes;
use http::StatusCode;
use std::any::{Any, TypeId};
use std::marker::PhantomData;
use std::time::Instant;
use wirestack_http1::upgrade;
use wirestack_layer::{Error, Layer, Pipe, Ports, Progress, Queue, found};

/// The server's side of a WebSocket.
///
/// It parks at the [`request`](Self::request) until it is told [`accept`](Self::accept) or
/// [`reject`](Self::reject); a request that is no WebSocket handshake it refuses by itself. Its
/// application speaks in [`Message`]s, or in bytes after [`tunnel`](Self::tunnel). What ends and
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
}

/// What became of the request.
enum Verdict {
    /// There is none yet.
    Waiting,
    /// It is a handshake with this key, and the application has to decide.
    Deciding(Key),
    Accepted(Option<String>),
    Rejected,
    /// It was none, for this reason.
    Refused(Cause),
}

impl Server {
    /// Creates a server that opens with an HTTP/1.1 upgrade.
    pub fn new(settings: Settings) -> Self {
        let upgrade = upgrade::Server::new().with_limits(settings.head.clone());
        let handshake = Handshake {
            opening: Opening::new(upgrade),
            verdict: Verdict::Waiting,
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
    /// Creates a server over a stream of an HTTP/2 connection, which was answered with what `accept`
    /// [says there](Accept::to_http2).
    pub fn answered(accept: Accept, settings: Settings) -> Self {
        let stage = Stage::Open {
            status: Some(StatusCode::OK),
            subprotocol: accept.into_subprotocol(),
        };
        Self::with(stage, Connection::server(&settings))
    }
    /// Makes it carry bytes, in binary messages of any cut. A text message then fails it.
    pub fn tunnel(self) -> Server<Pipe> {
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
            Verdict::Deciding(_) => handshake.opening.upgrade.request().map(Offer::new),
            _ => None,
        }
    }
    /// Accepts the request, at the next `process`.
    ///
    /// # Errors
    ///
    /// [`Cause::UnofferedSubprotocol`], and the request still waits; [`Cause::NothingToDecide`].
    pub fn accept(&mut self, accept: Accept) -> Result<(), Error> {
        let local = |cause| Error::local(NAME, cause);
        let nothing = || local(Cause::NothingToDecide);
        let Handshake { opening, verdict } = self.deciding().ok_or_else(nothing)?;
        if let Verdict::Deciding(key) = verdict
            && let Some(request) = opening.upgrade.request()
        {
            let fields = accept.to_http1(&Offer::new(request), key).map_err(local)?;
            opening.upgrade.accept(TOKEN, fields);
            *verdict = Verdict::Accepted(accept.into_subprotocol());
        }
        Ok(())
    }
    /// Rejects the request with a response, at the next `process`; both directions then end.
    ///
    /// # Errors
    ///
    /// [`Cause::NothingToDecide`].
    pub fn reject(&mut self, response: http::Response<Bytes>) -> Result<(), Error> {
        let nothing = || Error::local(NAME, Cause::NothingToDecide);
        let Handshake { opening, verdict } = self.deciding().ok_or_else(nothing)?;
        opening.upgrade.reject(response);
        *verdict = Verdict::Rejected;
        Ok(())
    }
    fn deciding(&mut self) -> Option<&mut Handshake> {
        match &mut self.stage {
            Stage::Opening(handshake) => {
                let decides = matches!(handshake.verdict, Verdict::Deciding(_));
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
    /// Sends a ping at the next `process`, or once open. Its pong comes out of [`pong`](Self::pong).
    ///
    /// # Errors
    ///
    /// [`Cause::LongPing`] beyond 125 bytes, [`Cause::TooManyPings`] while 64 are unanswered.
    pub fn ping(&mut self, payload: impl Into<Bytes>) -> Result<PingToken, Error> {
        self.connection.ping(payload.into())
    }
    /// Returns the next ping that was answered. A pong also answers the pings before its own.
    pub fn pong(&mut self) -> Option<Pong> {
        self.connection.pong()
    }
    /// Sets what the Close frame will say when the application has finished, instead of 1000. It
    /// closes nothing: that is what finishing does.
    ///
    /// # Errors
    ///
    /// [`Cause::UnsendableCode`], [`Cause::LongReason`].
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
        p: &mut Ports<'_, F, F>,
        now: Instant,
    ) -> Result<Option<Stage>, Error> {
        let mut open = self.opening.process(p, now);
        if let Verdict::Waiting = self.verdict
            && let Some(request) = self.opening.upgrade.request()
        {
            let offers = self.opening.upgrade.offers(TOKEN);
            self.verdict = match handshake::check_request(request, offers) {
                Ok(key) => Verdict::Deciding(key),
                Err(cause) => Verdict::Refused(cause),
            };
            if let Verdict::Refused(cause) = &self.verdict {
                self.opening.upgrade.reject(handshake::refusal(cause));
                open = self.opening.process(p, now);
            }
        }
        match (open, &mut self.verdict) {
            (Ok(true), Verdict::Accepted(subprotocol)) => Ok(Some(Stage::Open {
                status: Some(StatusCode::SWITCHING_PROTOCOLS),
                subprotocol: subprotocol.take(),
            })),
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
    fn process(&mut self, mut p: Ports<'_, F, F>, now: Instant) {
        if let Stage::Opening(handshake) = &mut self.stage {
            match handshake.step(&mut p, now) {
                Ok(Some(stage)) => self.stage = stage,
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
    fn facts(&self) -> String {
        let status = match self.stage {
            Stage::Open { status, .. } => status,
            _ => None,
        };
        facts(status, self.subprotocol())
    }
    fn find(&mut self, part: TypeId, nth: &mut usize) -> Option<&mut dyn Any> {
        found(self, part, nth)
    }
}
