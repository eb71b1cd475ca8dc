use crate::close::{CloseCode, Closed};
use crate::connection::Connection;
use crate::deflate::{Compression, Deflate};
use crate::handshake::{self, Key, TOKEN};
use crate::mask::Masks;
use crate::message::{Message, Part, Payload};
use crate::opening::Opening;
use crate::ping::{PingToken, Pong};
use crate::request::Request;
use crate::{NAME, Settings, write_facts};
use bytes::Bytes;
use http::Response;
use std::fmt;
use std::marker::PhantomData;
use wirestack_http1::upgrade;
use wirestack_layer::Instant;
use wirestack_layer::{Error, Flows, Layer, Pipe, Progress, Queue, Seed};

/// The client's side of a WebSocket.
///
/// Its application speaks in [`Message`]s, in [`Part`]s of them after [`parts`](Self::parts), or in
/// bytes after [`tunnel`](Self::tunnel). What ends and
/// fails, and how, is described at the [crate root](crate#ends).
pub struct Client<F = Queue<Message>> {
    stage: Stage,
    connection: Connection,
    form: PhantomData<fn(F) -> F>,
}

enum Stage {
    Opening(Box<Handshake>),
    Open {
        response: Option<Box<Response<()>>>,
        subprotocol: Option<String>,
    },
    Failed,
}

struct Handshake {
    opening: Opening<upgrade::Client>,
    key: Key,
    offered: Vec<String>,
    deflate: Option<Deflate>,
}

impl Client {
    /// Creates a client that opens with an HTTP/1.1 upgrade. The seed makes its key and its masks,
    /// and must be unpredictable (RFC 6455 §10.3).
    ///
    /// # Errors
    ///
    /// What [`upgrade::Client::new`] refuses.
    pub fn new(request: Request, settings: Settings, seed: Seed) -> Result<Self, Error> {
        let mut masks = Masks::new(seed);
        let key = Key::new(masks.nonce());
        let upgrade = upgrade::Client::new(TOKEN, request.to_http1(&key, &settings))?;
        let handshake = Handshake {
            opening: Opening::new(upgrade.with_limits(settings.head.clone())),
            key,
            offered: request.subprotocols().to_vec(),
            deflate: settings.deflate.clone(),
        };
        let stage = Stage::Opening(Box::new(handshake));
        Ok(Self::with(stage, Connection::client(masks, &settings)))
    }

    /// Creates a client that is open already, over a stream whose handshake went another way.
    pub fn established(settings: Settings, seed: Seed) -> Self {
        let stage = Stage::Open {
            response: None,
            subprotocol: None,
        };
        Self::with(stage, Connection::client(Masks::new(seed), &settings))
    }

    /// Creates a client over a stream of an HTTP/2 connection whose server answered `request`, as
    /// [`Request::to_http2`] has it, with a 2xx `response` (RFC 8441 §5). What the server chose is
    /// checked as ever; `Sec-WebSocket-Accept` is ignored.
    ///
    /// # Errors
    ///
    /// [`WebSocketError::UnofferedSubprotocol`](crate::WebSocketError::UnofferedSubprotocol),
    /// [`WebSocketError::UnofferedExtension`](crate::WebSocketError::UnofferedExtension),
    /// [`WebSocketError::BadExtension`](crate::WebSocketError::BadExtension).
    pub fn answered(
        request: &Request,
        response: Response<()>,
        settings: Settings,
        seed: Seed,
    ) -> Result<Self, Error> {
        let deflate = settings.deflate.as_ref();
        let offered = request.subprotocols();
        let agreed = handshake::check_choice(offered, deflate, response.headers());
        let agreed = agreed.map_err(|cause| Error::peer(NAME, cause))?;
        let mut connection = Connection::client(Masks::new(seed), &settings);
        connection.compress(agreed.compression, deflate);
        let stage = Stage::Open {
            response: Some(Box::new(response)),
            subprotocol: agreed.subprotocol,
        };
        Ok(Self::with(stage, connection))
    }

    /// Makes it take and hand over messages in parts, as they come and go.
    pub fn parts(self) -> Client<Queue<Part>> {
        self.carrying()
    }

    /// Makes it carry bytes, in binary messages of any cut. A text message then fails it. There is no
    /// half-close: who finishes closes (see [`carries_half_close`](Layer::carries_half_close)).
    pub fn tunnel(self) -> Client<Pipe> {
        self.carrying()
    }

    /// Makes it carry what its application side is made of: messages, parts or bytes.
    pub fn carrying<F: Payload>(self) -> Client<F> {
        Client::with(self.stage, self.connection)
    }
}

impl<F> Client<F> {
    fn with(stage: Stage, connection: Connection) -> Self {
        Self {
            stage,
            connection,
            form: PhantomData,
        }
    }

    /// Returns the server's response, once open: a `101 Switching Protocols`, or over HTTP/2 a 2xx.
    pub fn response(&self) -> Option<&Response<()>> {
        match &self.stage {
            Stage::Open { response, .. } => response.as_deref(),
            _ => None,
        }
    }

    /// Returns the subprotocol that the server chose.
    pub fn subprotocol(&self) -> Option<&str> {
        match &self.stage {
            Stage::Open { subprotocol, .. } => subprotocol.as_deref(),
            _ => None,
        }
    }

    /// Returns how messages are compressed, if the server agreed to that.
    pub fn compression(&self) -> Option<&Compression> {
        self.connection.compression()
    }

    /// Sends a ping at the next `process`, or once open. Its pong comes out of [`pong`](Self::pong).
    ///
    /// # Errors
    ///
    /// [`WebSocketError::LongPing`](crate::WebSocketError::LongPing) beyond 125 bytes,
    /// [`WebSocketError::TooManyPings`](crate::WebSocketError::TooManyPings) while 64 are unanswered.
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
    /// [`WebSocketError::UnsendableCode`](crate::WebSocketError::UnsendableCode),
    /// [`WebSocketError::LongReason`](crate::WebSocketError::LongReason).
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
        if !self.opening.process(p, now)? {
            return Ok(None);
        }
        let response = self.opening.upgrade.response();
        let response = response.cloned().unwrap_or_default();
        let headers = response.headers();
        let checked = self.key.check(headers);
        let deflate = self.deflate.as_ref();
        let agreed = checked
            .and_then(|()| handshake::check_choice(&self.offered, deflate, headers))
            .map_err(|cause| Error::peer(NAME, cause))?;
        let stage = Stage::Open {
            response: Some(Box::new(response)),
            subprotocol: agreed.subprotocol,
        };
        Ok(Some((stage, agreed.compression)))
    }
}

impl<F: Payload> Layer for Client<F> {
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
            Stage::Opening(_) => Progress::Opening("the upgrade response"),
            Stage::Open { .. } => self.connection.progress(),
            Stage::Failed => Progress::Over,
        }
    }

    fn facts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_facts(
            f,
            self.response().map(Response::status),
            self.subprotocol(),
            self.compression(),
        )
    }
}
