//! What both sides of a tunnel have in common: a connection with one stream.

use crate::connection::Connection;
use crate::settings::Settings;
use crate::streams::{Head, StreamId, Streams};
use std::time::Instant;
use wirestack_layer::{End, Flow, Layer, Ports, Progress};

pub(crate) struct Tunnel {
    pub(crate) connection: Connection,
    pub(crate) down: Streams,
    up: Streams,
    stream: Option<StreamId>,
    /// Both ends agreed: the application is heard.
    pub(crate) open: bool,
    over: bool,
}

impl Tunnel {
    pub(crate) fn new(connection: fn(Settings) -> Connection, settings: Settings) -> Self {
        Self {
            connection: connection(settings),
            down: Streams::default(),
            up: Streams::default(),
            stream: None,
            open: false,
            over: false,
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
        mut p: Ports<'_>,
        now: Instant,
        mut heads: impl FnMut(&mut Self, StreamId, Head),
    ) {
        while !self.over {
            let before = self.moves(&p);
            self.send(&mut p, false);
            let inner = Ports::new(p.from_wire, p.to_wire, &mut self.down, &mut self.up);
            self.connection.process(inner.at(p.place), now);
            while let Some((stream, head)) = self.up.arrived() {
                heads(self, stream, head);
            }
            self.receive(&mut p);
            if self.moves(&p) == before {
                // What a closed window holds back does not hold an abort back.
                self.send(&mut p, true);
                if self.moves(&p) == before {
                    return;
                }
            }
        }
        p.discard();
    }
    fn send(&mut self, p: &mut Ports<'_>, cut: bool) {
        let Some(stream) = self.stream else {
            if let (true, Some(End::Aborted(error))) = (cut, p.from_app.closed()) {
                self.down.abort(error.clone());
            }
            return;
        };
        let Some(mut pipe) = self.down.write(stream) else {
            return p.from_app.discard(); // nobody will read it
        };
        if self.open {
            p.from_app.pour(&mut pipe);
        }
        if let (true, Some(End::Aborted(error))) = (cut, p.from_app.closed()) {
            pipe.abort(error.clone());
            p.from_app.discard();
        }
    }
    fn receive(&mut self, p: &mut Ports<'_>) {
        if let Some(mut pipe) = self.stream.and_then(|stream| self.up.read(stream)) {
            // The reader's need is the stream's: its window must not be what is in the way.
            pipe.require(p.to_app.required());
            pipe.pour(p.to_app);
        }
        let sent = self.has_sent();
        match (p.to_app.closed(), self.up.closed()) {
            (None, Some(end)) if self.up.is_unused() => p.to_app.close(end.clone()),
            (Some(End::Aborted(_)), None) => self.down.finish(),
            (Some(End::Finished), None) if sent => self.down.finish(),
            (Some(_), Some(_)) => self.over = true,
            _ => {}
        }
    }
    /// Whether the stream is done with what the application had to say.
    fn has_sent(&mut self) -> bool {
        let pipe = self.stream.and_then(|stream| self.down.write(stream));
        pipe.is_none_or(|pipe| pipe.end().is_some())
    }
    fn moves(&self, p: &Ports<'_>) -> u64 {
        p.moves() + self.down.moves() + self.up.moves()
    }
}
