//! A connection with one stream, which is a tunnel: the part that client and server share.

use crate::config::Http2Config;
use crate::connection::Connection;
use crate::error::{Http2Error, local, peer, unsent};
use crate::head::Head;
use crate::stream_id::StreamId;
use crate::streams::Streams;
use http::StatusCode;
use wirestack_http::{Awaiting, Refusal};
use wirestack_layer::Instant;
use wirestack_layer::{End, Error, Flow, Flows, Layer, Place, Progress};

pub(crate) struct Tunnel {
    pub(crate) connection: Connection,
    pub(crate) down: Streams,
    up: Streams,
    stream: Option<StreamId>,
    /// `true` once both ends have agreed, so that the application is heard.
    pub(crate) open: bool,
    over: bool,
    /// `true` for a client whose application authorizes each request.
    pub(crate) is_authorized: bool,
    pub(crate) awaiting: Option<Awaiting>,
}

impl Tunnel {
    pub(crate) fn new(connection: fn(Http2Config) -> Connection, config: Http2Config) -> Self {
        let mut connection = connection(config);
        // A second call would give the credit that waits, although nothing is new.
        connection.credit_step = 0;
        Self {
            connection,
            down: Streams::default().with_room(SEND_SIZE),
            up: Streams::default(),
            stream: None,
            open: false,
            over: false,
            is_authorized: false,
            awaiting: None,
        }
    }

    /// Makes this stream the tunnel.
    pub(crate) fn take(&mut self, stream: StreamId) {
        self.stream = Some(stream);
    }

    pub(crate) fn stream(&self) -> Option<StreamId> {
        self.stream
    }

    /// Throws a stream away that is not the tunnel.
    pub(crate) fn forget(&mut self, stream: StreamId) {
        self.up.forget(stream);
    }

    #[cfg(test)]
    pub(crate) fn streams_heard(&self) -> usize {
        self.up.len()
    }

    pub(crate) fn is_over(&self) -> bool {
        self.over
    }

    /// Ends the tunnel. The bytes that still arrive are thrown away.
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

    /// Moves everything that can move. `heads` gets each request or response that arrived.
    pub(crate) fn process(
        &mut self,
        mut p: Flows<'_>,
        now: Instant,
        heads: impl FnMut(&mut Self, StreamId, Head),
    ) {
        p.propagate_stop();
        self.settle(&mut p, now, heads);
        match &mut self.awaiting {
            Some(_) if self.over => self.awaiting = None,
            Some(Awaiting::Challenge { reusable, .. }) => *reusable = self.up.closed().is_none(),
            _ => {}
        }
        if p.to_wire.is_closed() {
            // The connection is over, even if bytes still wait for room.
            let error = self.send_error(&p);
            p.from_wire.discard();
            p.from_app.refuse(error);
        }
    }

    /// Returns the time of the next call; `None` once the tunnel is over, as nothing runs then.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.connection.deadline().filter(|_| !self.over)
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
                // A closed window holds bytes back, but no abort.
                self.send(p, true);
                if self.revision(p) == before {
                    return;
                }
            }
        }
    }

    fn send(&mut self, p: &mut Flows<'_>, cut: bool) {
        // Before the tunnel is open, an abort ends the connection.
        let Some(stream) = self.stream.filter(|_| self.open) else {
            if let (true, Some(End::Aborted(error))) = (cut, p.from_app.closed()) {
                self.down.abort(error.clone());
            }
            return;
        };
        let Some(mut pipe) = self.down.write(stream) else {
            let error = self.send_error(p);
            return p.from_app.refuse(error); // nobody will read it
        };
        p.from_app.transfer_to(&mut pipe);
        if let (true, Some(End::Aborted(error))) = (cut, p.from_app.closed().cloned()) {
            pipe.abort(error.clone());
            p.from_app.refuse(error);
        }
    }

    fn receive(&mut self, p: &mut Flows<'_>) {
        if self.is_authorized && !self.open {
            self.keep_challenge();
        }
        // The response and what is behind it wait for the application: an end or an abort may have
        // come with them. An application that has aborted decides nothing more.
        let is_parked = matches!(self.awaiting, Some(Awaiting::Response(_)))
            && !matches!(p.from_app.closed(), Some(End::Aborted(_)));
        if let Some(mut pipe) = self.stream.and_then(|stream| self.up.read(stream))
            && !is_parked
        {
            // The stream requires as much as its reader, so that its window is not in the way.
            pipe.require(p.to_app.required());
            pipe.transfer_to(p.to_app);
        }
        let sent = self.has_sent();
        self.leave_unread(p, sent);
        let is_challenged = matches!(self.awaiting, Some(Awaiting::Challenge { .. }));
        match (p.to_app.closed(), self.up.closed()) {
            (None, _) if is_parked => {}
            (None, Some(end)) if self.up.is_unused() && !is_challenged => {
                p.to_app.abort(match end {
                    End::Aborted(error) => error.clone(),
                    End::Finished => {
                        // The peer may have said why before it was asked for anything.
                        let refusal = self.connection.refusal.clone().map(unsent);
                        let error = refusal.unwrap_or_else(|| peer(Http2Error::NoTunnel));
                        error.at(Place::Layer(p.index))
                    }
                })
            }
            (Some(End::Aborted(_)), None) => self.down.finish(),
            (Some(End::Finished), None) if sent => self.down.finish(),
            (Some(_), Some(_)) => self.over = true,
            _ => {}
        }
    }

    /// Leaves a stream whose application has finished and reads no more. The peer gets a short time
    /// to end it too: see `Lingering`.
    fn leave_unread(&mut self, p: &mut Flows<'_>, sent: bool) {
        let Some(stream) = self.stream.filter(|_| self.open && sent) else {
            return;
        };
        if p.to_app.stopped().is_some() && !p.to_app.is_closed() {
            self.up.forget(stream);
            let error = local(Http2Error::Closed).at(Place::Layer(p.index));
            p.to_app.abort(error);
        }
    }

    /// Holds a 407 back from the application, so that another stream can answer it.
    fn keep_challenge(&mut self) {
        let Some(stream) = self.stream else { return };
        let challenge = self.up.read(stream).and_then(|pipe| match pipe.closed() {
            Some(End::Aborted(error)) => match error.cause() {
                Some(Http2Error::Refused(refusal)) => Some(refusal.clone()),
                _ => None,
            },
            _ => None,
        });
        let is_challenge =
            |refusal: &Refusal| refusal.status == StatusCode::PROXY_AUTHENTICATION_REQUIRED;
        if let Some(refusal) = challenge.filter(|refusal| is_challenge(refusal)) {
            self.awaiting = Some(Awaiting::Challenge {
                refusal: *refusal,
                reusable: true,
            });
            self.up.forget(stream);
            self.stream = None;
        }
    }

    /// Returns `true` once the stream has taken everything from the application.
    fn has_sent(&mut self) -> bool {
        let pipe = self.stream.and_then(|stream| self.down.write(stream));
        pipe.is_none_or(|pipe| pipe.end().is_some())
    }

    /// Returns the reason why nothing more is sent. It may still wait behind bytes that have no
    /// room.
    fn send_error(&mut self, p: &Flows<'_>) -> Error {
        fn aborted(end: Option<&End>) -> Option<Error> {
            match end {
                Some(End::Aborted(error)) => Some(error.clone()),
                _ => None,
            }
        }
        let up = &mut self.up;
        let stream = self.stream.and_then(|stream| up.read(stream));
        let stream = stream.and_then(|pipe| aborted(pipe.closed()));
        aborted(p.to_app.closed())
            .or(stream)
            .or_else(|| aborted(self.up.closed()))
            .unwrap_or_else(|| {
                peer(Http2Error::Reset(h2::Reason::NO_ERROR)).at(Place::Layer(p.index))
            })
    }

    fn revision(&self, p: &Flows<'_>) -> u64 {
        p.revision() + self.down.revision() + self.up.revision()
    }
}

/// The number of bytes that go from the application's flow to h2 at once.
const SEND_SIZE: usize = 16 * 1024;
