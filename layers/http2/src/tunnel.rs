//! What both sides of a tunnel have in common: a connection with one stream.

use crate::connection::Connection;
use crate::error::{Http2Error, Refusal, peer};
use crate::settings::Settings;
use crate::streams::{Head, StreamId, Streams};
use http::StatusCode;
use wirestack_layer::Instant;
use wirestack_layer::{End, Error, Flow, Flows, Layer, Place, Progress};

pub(crate) struct Tunnel {
    pub(crate) connection: Connection,
    pub(crate) down: Streams,
    up: Streams,
    stream: Option<StreamId>,
    /// Both ends agreed: the application is heard.
    pub(crate) open: bool,
    over: bool,
    /// Whether a challenge is kept from the application.
    pub(crate) parking: bool,
    /// The 407 that was kept.
    pub(crate) challenge: Option<Box<Refusal>>,
}

impl Tunnel {
    pub(crate) fn new(connection: fn(Settings) -> Connection, settings: Settings) -> Self {
        Self {
            connection: connection(settings),
            down: Streams::default().with_room(PASSING),
            up: Streams::default(),
            stream: None,
            open: false,
            over: false,
            parking: false,
            challenge: None,
        }
    }

    /// Makes this the one stream.
    pub(crate) fn take(&mut self, stream: StreamId) {
        self.stream = Some(stream);
    }

    pub(crate) fn stream(&self) -> Option<StreamId> {
        self.stream
    }

    /// Throws away what came of a stream that is not the one.
    pub(crate) fn forget(&mut self, stream: StreamId) {
        self.up.forget(stream);
    }

    pub(crate) fn is_over(&self) -> bool {
        self.over
    }

    /// Ends it: what still arrives is thrown away.
    pub(crate) fn end(&mut self) {
        self.over = true;
    }

    pub(crate) fn is_flushed(&self) -> bool {
        self.down.is_unused() && self.connection.is_flushed()
    }

    pub(crate) fn progress(&self, waits_for: &'static str) -> Progress {
        match self.connection.progress() {
            Progress::Over => Progress::Over,
            Progress::Open if !self.open => Progress::Opening(waits_for),
            progress => progress,
        }
    }

    /// Moves everything that can move; `heads` is told what arrived.
    pub(crate) fn process(
        &mut self,
        mut p: Flows<'_>,
        now: Instant,
        heads: impl FnMut(&mut Self, StreamId, Head),
    ) {
        p.propagate_stop();
        self.settle(&mut p, now, heads);
        if p.to_wire.is_closed() {
            // The connection is over, whatever still waits for room.
            let why = why(&p);
            p.from_wire.discard();
            p.from_app.refuse(why);
        }
    }

    fn settle(
        &mut self,
        p: &mut Flows<'_>,
        now: Instant,
        mut heads: impl FnMut(&mut Self, StreamId, Head),
    ) {
        while !self.over {
            let before = self.revision(p);
            self.send(p, false);
            let inner = Flows::new(p.from_wire, p.to_wire, &mut self.down, &mut self.up);
            self.connection.process(inner.at_index(p.index), now);
            while let Some((stream, head)) = self.up.arrived() {
                heads(self, stream, head);
            }
            self.receive(p);
            if self.revision(p) == before {
                // What a closed window holds back does not hold an abort back.
                self.send(p, true);
                if self.revision(p) == before {
                    return;
                }
            }
        }
    }

    fn send(&mut self, p: &mut Flows<'_>, cut: bool) {
        // Before the tunnel is open there is nothing to be reset but the connection.
        let Some(stream) = self.stream.filter(|_| self.open) else {
            if let (true, Some(End::Aborted(error))) = (cut, p.from_app.closed()) {
                self.down.abort(error.clone());
            }
            return;
        };
        let Some(mut pipe) = self.down.write(stream) else {
            return p.from_app.refuse(why(p)); // nobody will read it
        };
        p.from_app.transfer_to(&mut pipe);
        if let (true, Some(End::Aborted(error))) = (cut, p.from_app.closed().cloned()) {
            pipe.abort(error.clone());
            p.from_app.refuse(error);
        }
    }

    fn receive(&mut self, p: &mut Flows<'_>) {
        if self.parking && !self.open {
            self.keep_challenge();
        }
        if let Some(mut pipe) = self.stream.and_then(|stream| self.up.read(stream)) {
            // The reader's need is the stream's: its window must not be what is in the way.
            pipe.require(p.to_app.required());
            pipe.transfer_to(p.to_app);
        }
        let sent = self.has_sent();
        match (p.to_app.closed(), self.up.closed()) {
            (None, Some(end)) if self.up.is_unused() && self.challenge.is_none() => {
                p.to_app.abort(match end {
                    End::Aborted(error) => error.clone(),
                    End::Finished => peer(Http2Error::NoTunnel).at(Place::Layer(p.index)),
                })
            }
            (Some(End::Aborted(_)), None) => self.down.finish(),
            (Some(End::Finished), None) if sent => self.down.finish(),
            (Some(_), Some(_)) => self.over = true,
            _ => {}
        }
    }

    /// Keeps a 407 from the application, for another stream to answer it.
    fn keep_challenge(&mut self) {
        let Some(stream) = self.stream else { return };
        let challenge = self.up.read(stream).and_then(|pipe| match pipe.closed() {
            Some(End::Aborted(error)) => match error.cause() {
                Some(Http2Error::Refused(refusal)) => Some(refusal.clone()),
                _ => None,
            },
            _ => None,
        });
        let asks = |refusal: &Refusal| refusal.status == StatusCode::PROXY_AUTHENTICATION_REQUIRED;
        if let Some(refusal) = challenge.filter(|refusal| asks(refusal)) {
            self.challenge = Some(refusal);
            self.up.forget(stream);
            self.stream = None;
        }
    }

    /// Whether other streams can be opened.
    pub(crate) fn stays(&self) -> bool {
        self.up.closed().is_none() && !self.over
    }

    /// Whether the stream is done with what the application had to say.
    fn has_sent(&mut self) -> bool {
        let pipe = self.stream.and_then(|stream| self.down.write(stream));
        pipe.is_none_or(|pipe| pipe.end().is_some())
    }

    fn revision(&self, p: &Flows<'_>) -> u64 {
        p.revision() + self.down.revision() + self.up.revision()
    }
}

/// Why nothing more is sent.
fn why(p: &Flows<'_>) -> Error {
    match p.to_app.closed() {
        Some(End::Aborted(error)) => error.clone(),
        _ => peer(Http2Error::Reset(h2::Reason::NO_ERROR)).at(Place::Layer(p.index)),
    }
}

/// How many bytes pass from the application's flow to h2 at once.
const PASSING: usize = 16 * 1024;
