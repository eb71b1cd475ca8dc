use crate::config::Http2Config;
use crate::error::{Http2Error, NAME, local, peer, typed};
use crate::frames::FieldBlocks;
use crate::io::{Io, Woken};
use crate::keepalive::Pinger;
use crate::session::{Polled, Session};
use crate::stream::{Stream, StreamContext, ToApp};
use crate::streams::{Head, StreamId, Streams};
use http::Request;
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::iter;
use std::mem;
use std::sync::Arc;
use std::task::Context;
use wirestack_layer::Instant;
use wirestack_layer::{
    End, Error, FirstBytes, Flow, Flows, Layer, Pipe, Place, Progress, SeenProtocol,
};

/// An HTTP/2 connection with many streams, each a flow of bytes of its own.
///
/// Both flows of its application are [`Streams`]. When the application finishes, no more streams
/// are opened or taken, the open ones go on, and the connection ends after the last one. When it
/// aborts, every stream is cut short. A fault of the peer on one stream harms no other.
pub struct Connection {
    config: Http2Config,
    io: Io,
    woken: Arc<Woken>,
    session: Session,
    streams: HashMap<StreamId, Stream>,
    /// The requests of a client that the server does not allow yet.
    waiting: VecDeque<(StreamId, Request<()>)>,
    /// The streams to process in the next round.
    changed: Vec<StreamId>,
    /// The streams to reset once h2 has written all that it holds.
    resetting: Vec<StreamId>,
    pinger: Option<Pinger>,
    /// `true` once the SETTINGS of the peer are in.
    opened: bool,
    /// The time by which they must be in; `None` before the first `process`.
    due: Option<Option<Instant>>,
    finishing: bool,
    wire_ended: bool,
    /// The protocol that the first bytes of the peer must be, until they are in.
    begins_with: Option<SeenProtocol>,
    /// Of a server: the places at which the bytes of the client are cut for h2.
    blocks: Option<FieldBlocks>,
}

impl Connection {
    /// Creates the side of the client.
    pub fn client(config: Http2Config) -> Self {
        Self::new(config, Session::client)
    }

    /// Creates the side of the server.
    pub fn server(config: Http2Config) -> Self {
        let mut server = Self::new(config, Session::server);
        server.blocks = Some(FieldBlocks::of_client());
        server.begins_with = Some(SeenProtocol::Http2Preface);
        server
    }

    fn new(config: Http2Config, session: fn(Io, &Http2Config) -> Session) -> Self {
        let config = config.in_range();
        let io = Io::default();
        Self {
            session: session(io.clone(), &config),
            config,
            io,
            woken: Arc::default(),
            streams: HashMap::new(),
            waiting: VecDeque::new(),
            changed: Vec::new(),
            resetting: Vec::new(),
            pinger: None,
            opened: false,
            due: None,
            finishing: false,
            wire_ended: false,
            begins_with: Some(SeenProtocol::Http2Settings),
            blocks: None,
        }
    }

    /// Returns `Some(true)` if the server offers extended CONNECT; `None` before its SETTINGS are
    /// in, and on the side of the server.
    pub fn offers_extended_connect(&self) -> Option<bool> {
        self.session.offers_extended_connect()
    }

    /// Returns the number of open streams.
    pub fn streams(&self) -> usize {
        self.streams.len() + self.waiting.len()
    }

    /// Moves everything that can move, once. Returns `true` if it must be called again.
    fn round(&mut self, p: &mut Flows<'_, Streams, Streams>, now: Instant) -> bool {
        let waker = self.woken.waker();
        let cx = &mut Context::from_waker(&waker);
        self.woken.take_connection();
        if let Err(error) = self.check_first_bytes(p.from_wire) {
            self.fail(p, error);
            return false;
        }
        let mut moved = self.exchange(p, now);
        moved |= self.take_heads(p);
        moved |= self.process_streams(p);
        if p.from_app.is_closed() && self.waiting.is_empty() && !self.finishing {
            self.finishing = self.session.finish();
            moved |= self.finishing;
        }
        let asked = self
            .session
            .open_streams(&mut self.waiting, p, &self.woken, cx);
        moved |= self.add(asked);
        let mut arrived = Vec::new();
        let polled = self.session.poll(p.to_app, &mut arrived, &self.woken, cx);
        moved |= self.add(arrived);
        match polled {
            Polled::Idle => {}
            Polled::Moved => moved = true,
            Polled::Over(error) => {
                self.end(p, error);
                return false;
            }
        }
        if !self.opened && self.session.is_open() {
            self.opened = true;
            let pings = self.config.keepalive.zip(self.session.ping_pong());
            self.pinger = pings.map(|(config, ping)| Pinger::new(config, ping, now));
        }
        if let Some(pinger) = &mut self.pinger
            && pinger.process(now, cx)
        {
            let error = peer(Http2Error::NoPong(pinger.timeout()));
            self.fail(p, error);
            return false;
        }
        moved | self.exchange(p, now) | !self.woken.is_empty()
    }

    /// Checks that the first bytes of the peer are not those of another protocol, whose name the
    /// error of h2 would not tell.
    fn check_first_bytes(&mut self, from_wire: &mut Pipe) -> Result<(), Error> {
        if let Some(wanted) = self.begins_with
            && !from_wire.is_empty()
        {
            let ended = from_wire.is_closed();
            match FirstBytes::read(from_wire.unread(), ended) {
                Ok(seen) if seen.protocol().is_some_and(|seen| seen != wanted) => {
                    return Err(peer(Http2Error::NotHttp2(seen)));
                }
                Ok(_) => self.begins_with = None,
                Err(needed) => from_wire.require(needed),
            }
        }
        Ok(())
    }

    /// Moves bytes between the wire and h2. Returns `true` if there were any.
    fn exchange(&mut self, p: &mut Flows<'_, Streams, Streams>, now: Instant) -> bool {
        let mut pipes = self.io.pipes();
        let before = p.from_wire.revision() + p.to_wire.revision();
        if let Some(pinger) = &mut self.pinger
            && !p.from_wire.is_empty()
        {
            pinger.heard(now);
        }
        match &mut self.blocks {
            // Too few to tell the protocol.
            _ if self.begins_with.is_some() && !p.from_wire.is_empty() => {}
            None => p.from_wire.transfer_to(&mut pipes.incoming),
            // h2 has not read its last piece yet.
            Some(_) if !pipes.incoming.is_empty() => {}
            Some(blocks) => {
                let len = p.from_wire.len().min(pipes.incoming.room());
                let n = blocks.next(len, p.from_wire.chunks());
                p.from_wire.transfer_up_to(&mut pipes.incoming, n);
            }
        }
        pipes.outgoing.transfer_to(p.to_wire);
        let closes = p.from_wire.is_closed() && p.from_wire.is_empty();
        let told = closes && !self.wire_ended;
        self.wire_ended = closes;
        told || p.from_wire.revision() + p.to_wire.revision() != before
    }

    /// Takes the requests and the responses of the application.
    fn take_heads(&mut self, p: &mut Flows<'_, Streams, Streams>) -> bool {
        let mut taken = false;
        while let Some((id, head)) = p.from_app.arrived() {
            taken = true;
            match head {
                Head::Request(request) => {
                    p.to_app.add(id);
                    if self.streams() < self.config.streams as usize {
                        self.waiting.push_back((id, request));
                    } else if let Some(mut pipe) = p.to_app.write(id) {
                        let error = local(Http2Error::TooManyStreams(self.config.streams));
                        pipe.abort(error.at(Place::Layer(p.index)));
                        p.from_app.forget(id);
                    }
                }
                Head::Response(response) => {
                    if let Some(stream) = self.streams.get_mut(&id) {
                        stream.answer(
                            response,
                            &mut ToApp {
                                streams: p.to_app,
                                index: p.index,
                            },
                        );
                        self.changed.push(id);
                    }
                }
            }
        }
        taken
    }

    /// Processes the streams that have changed, and only those.
    fn process_streams(&mut self, p: &mut Flows<'_, Streams, Streams>) -> bool {
        let blocked = self.io.pipes().blocked;
        let mut changed = mem::take(&mut self.changed);
        self.woken.take_streams(&mut changed);
        changed.extend(iter::from_fn(|| p.from_app.readable()));
        changed.extend(iter::from_fn(|| p.to_app.writable()));
        if !blocked {
            changed.append(&mut self.resetting);
        }
        for id in &changed {
            self.process_stream(*id, blocked, p);
        }
        let any = !changed.is_empty();
        changed.clear();
        self.changed = changed; // its memory is used again
        any
    }

    fn process_stream(&mut self, id: StreamId, blocked: bool, p: &mut Flows<'_, Streams, Streams>) {
        let Some(stream) = self.streams.get_mut(&id) else {
            let aborted = p.from_app.read(id).is_some_and(|pipe| is_aborted(&pipe));
            if aborted && self.waiting.iter().any(|(waiting, _)| *waiting == id) {
                self.waiting.retain(|(waiting, _)| *waiting != id);
                p.from_app.forget(id);
                if let Some(mut pipe) = p.to_app.write(id) {
                    pipe.abort(local(Http2Error::Closed).at(Place::Layer(p.index)));
                }
            }
            return;
        };
        let context = StreamContext {
            from_app: p.from_app,
            to_app: ToApp {
                streams: p.to_app,
                index: p.index,
            },
            excerpt: self.config.excerpt,
            blocked,
        };
        if stream.process(context) {
            self.resetting.push(id);
        }
        if stream.is_over() {
            self.streams.remove(&id);
            p.from_app.forget(id);
        }
    }

    fn add(&mut self, streams: Vec<Stream>) -> bool {
        let any = !streams.is_empty();
        for stream in streams {
            self.changed.push(stream.id());
            self.streams.insert(stream.id(), stream);
        }
        any
    }

    /// Ends every stream, and the flow of new ones, because h2 has ended.
    fn end(&mut self, p: &mut Flows<'_, Streams, Streams>, error: Option<h2::Error>) {
        let ids: Vec<_> = self.streams.keys().copied().collect();
        for id in ids {
            self.process_stream(id, false, p); // deliver what arrived before the end
        }
        let mut pipes = self.io.pipes();
        pipes.outgoing.transfer_all_to(p.to_wire);
        // h2 keeps only the text of an error of the wire. The wire has the error itself.
        let error = match (pipes.incoming.closed(), error) {
            (Some(End::Aborted(error)), _) => Some(error.clone()),
            (_, Some(error)) => Some(typed(&error).unwrap_or_else(|| peer(Http2Error::Truncated))),
            (_, None) if p.to_app.has_open() => Some(peer(Http2Error::Truncated)),
            (_, None) => None,
        };
        drop(pipes);
        match error {
            Some(error) => self.fail(p, error),
            None => {
                p.to_wire.finish();
                p.to_app.finish();
                p.from_app
                    .refuse(peer(Http2Error::Closed).at(Place::Layer(p.index)));
                self.close();
            }
        }
    }

    fn fail(&mut self, p: &mut Flows<'_, Streams, Streams>, error: Error) {
        p.fail(error);
        self.close();
    }

    fn close(&mut self) {
        self.session = Session::Over;
        self.streams.clear();
        self.waiting.clear();
        self.pinger = None;
    }
}

impl Layer for Connection {
    type In = Streams;
    type Out = Streams;

    fn name(&self) -> &'static str {
        NAME
    }

    fn process(&mut self, mut p: Flows<'_, Streams, Streams>, now: Instant) {
        p.propagate_stop();
        let late = match self.due {
            _ if self.opened => false,
            None => {
                self.due = Some(now.checked_add(self.config.opening));
                false
            }
            Some(due) => due.is_some_and(|due| due <= now),
        };
        match (&self.session, p.from_app.closed()) {
            (Session::Over, _) => {}
            (_, Some(End::Aborted(error))) => {
                let error = error.clone();
                self.io.pipes().outgoing.transfer_all_to(p.to_wire);
                p.to_wire.abort(error.clone());
                p.to_app.abort(error);
                self.close();
            }
            _ if late => self.fail(&mut p, peer(Http2Error::NoSettings(self.config.opening))),
            _ => while self.round(&mut p, now) {},
        }
        if let Session::Over = self.session {
            p.discard();
        }
    }

    fn deadline(&self) -> Option<Instant> {
        match (&self.session, &self.pinger) {
            (Session::Over, _) => None,
            (_, Some(pinger)) => pinger.deadline(),
            (_, None) => self.due.flatten().filter(|_| !self.opened),
        }
    }

    fn is_open(&self) -> bool {
        self.opened
    }

    fn is_flushed(&self) -> bool {
        let pipes = self.io.pipes();
        pipes.outgoing.is_empty() && !pipes.blocked
    }

    fn progress(&self) -> Progress {
        match self.session {
            Session::Over => Progress::Over,
            _ if !self.opened => Progress::Opening("the peer's SETTINGS"),
            _ if self.finishing => Progress::Closing("the end of the last stream"),
            _ => Progress::Open,
        }
    }

    fn facts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.offers_extended_connect() {
            Some(true) => f.write_str("extended CONNECT"),
            _ => Ok(()),
        }
    }
}

fn is_aborted(pipe: &Pipe) -> bool {
    matches!(pipe.closed(), Some(End::Aborted(_)))
}
