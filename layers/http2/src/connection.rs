mod duties;
mod ends;

use crate::config::Http2Config;
use crate::error::{Http2Error, NAME, local, peer};
use crate::first_bytes::{self, FirstBytesCheck};
use crate::frames::FrameScanner;
use crate::io::{Io, Woken};
use crate::keepalive::Pinger;
use crate::lingering::Lingering;
use crate::session::{Polled, Session};
use crate::stream::{Stream, StreamContext, ToApp};
use crate::streams::{Head, StreamId, Streams, is_aborted};
use crate::times::TimeLimits;
use crate::waiting::Waiting;
use h2::Reason;
use std::collections::HashMap;
use std::fmt;
use std::iter;
use std::mem;
use std::sync::Arc;
use std::task::Context;
use wirestack_layer::Instant;
use wirestack_layer::{End, Flow, Flows, Layer, Place, Progress};

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
    pub(crate) waiting: Waiting,
    /// The streams to process in the next round.
    changed: Vec<StreamId>,
    /// The streams to reset once h2 has written all that it holds.
    resetting: Vec<StreamId>,
    pinger: Option<Pinger>,
    /// `true` once the SETTINGS of the peer are in.
    opened: bool,
    times: TimeLimits,
    /// The finished streams whose application has forgotten them.
    lingering: Lingering,
    finishing: bool,
    wire_ended: bool,
    first_bytes: FirstBytesCheck,
    /// Reads where the frames of the peer begin.
    scanner: FrameScanner,
}

impl Connection {
    /// Creates the side of the client.
    pub fn client(config: Http2Config) -> Self {
        Self::new(config, Session::client, FrameScanner::of_server())
    }

    /// Creates the side of the server.
    pub fn server(config: Http2Config) -> Self {
        let mut server = Self::new(config, Session::server, FrameScanner::of_client());
        server.first_bytes = FirstBytesCheck::of_client();
        server
    }

    fn new(
        config: Http2Config,
        session: fn(Io, &Http2Config) -> Session,
        scanner: FrameScanner,
    ) -> Self {
        let config = config.in_range();
        let io = Io::default();
        Self {
            session: session(io.clone(), &config),
            times: TimeLimits::new(&config),
            config,
            io,
            woken: Arc::default(),
            streams: HashMap::new(),
            waiting: Waiting::default(),
            changed: Vec::new(),
            resetting: Vec::new(),
            pinger: None,
            opened: false,
            lingering: Lingering::default(),
            finishing: false,
            wire_ended: false,
            first_bytes: FirstBytesCheck::of_server(),
            scanner,
        }
    }

    /// Returns `Some(true)` if the server offers extended CONNECT; `None` before its SETTINGS are
    /// in, and on the side of the server.
    pub fn offers_extended_connect(&self) -> Option<bool> {
        self.session
            .offers_extended_connect()
            .filter(|_| self.opened)
    }

    /// Returns the number of open streams.
    pub fn streams(&self) -> usize {
        self.streams.len() + self.waiting.requests.len()
    }

    /// Moves everything that can move, once. Returns `true` if it must be called again.
    fn round(&mut self, p: &mut Flows<'_, Streams, Streams>, now: Instant) -> bool {
        let waker = self.woken.waker();
        let cx = &mut Context::from_waker(&waker);
        self.woken.take_connection();
        if let Err(cause) = self.first_bytes.check(p.from_wire) {
            self.fail(p, peer(cause));
            return false;
        }
        let mut moved = self.exchange(p, now);
        moved |= self.take_heads(p);
        moved |= self.process_streams(p, now);
        if p.from_app.is_closed() && self.waiting.requests.is_empty() && !self.finishing {
            self.finishing = self.session.finish();
            moved |= self.finishing;
        }
        if self.opened {
            let asked = self
                .session
                .open_streams(&mut self.waiting.requests, p, &self.woken, cx);
            moved |= self.add(asked);
        }
        let starves = self.opened && self.session.allows_no_streams();
        moved |= self.waiting.starve(starves, self.config.opening, p, now);
        let late = self.lingering.late(&mut self.streams, p.from_app, now);
        moved |= !late.is_empty();
        self.changed.extend(late);
        let mut arrived = Vec::new();
        let polled = self.session.poll(p.to_app, &mut arrived, &self.woken, cx);
        for stream in &arrived {
            // So that a server learns of the end of a stream before it has answered.
            p.from_app.add(stream.id());
        }
        moved |= self.add(arrived);
        match polled {
            Polled::Idle => {}
            Polled::Moved => moved = true,
            Polled::Over(error) => {
                self.end(p, error, now);
                return false;
            }
        }
        if let Some(bytes) = self.scanner.not_settings() {
            self.fail(p, peer(first_bytes::not_settings(&bytes)));
            return false;
        }
        if !self.opened && self.has_settings() {
            (self.opened, moved) = (true, true);
            let pings = self.config.keepalive.zip(self.session.ping_pong());
            self.pinger = pings.map(|(config, ping)| Pinger::new(config, ping, now));
        }
        if let Some(pinger) = &mut self.pinger
            && pinger.process(now, cx)
        {
            let cause = Http2Error::NoPong(pinger.timeout());
            self.fail_with(p, Reason::NO_ERROR, cause);
            return false;
        }
        moved | self.exchange(p, now) | !self.woken.is_empty()
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
        // h2 has to read the piece before, as the next one may have a fault.
        if pipes.incoming.is_empty() && (self.first_bytes.is_done() || p.from_wire.is_empty()) {
            let len = p.from_wire.len().min(pipes.incoming.room());
            let n = self.scanner.next(len, p.from_wire.chunks());
            p.from_wire.transfer_up_to(&mut pipes.incoming, n);
        }
        pipes.outgoing.transfer_to(p.to_wire);
        let closes = p.from_wire.is_closed() && p.from_wire.is_empty();
        let told = closes && !self.wire_ended;
        self.wire_ended = closes;
        told || p.from_wire.revision() + p.to_wire.revision() != before
    }

    /// Returns `true` once h2 has taken the SETTINGS of the peer in.
    fn has_settings(&self) -> bool {
        let pipes = self.io.pipes();
        let taken = pipes.incoming.is_empty() && !pipes.blocked;
        taken && self.session.is_open() && self.scanner.has_settings()
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
                        self.waiting.requests.push_back((id, request));
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
    fn process_streams(&mut self, p: &mut Flows<'_, Streams, Streams>, now: Instant) -> bool {
        let blocked = self.io.pipes().blocked;
        let mut changed = mem::take(&mut self.changed);
        self.woken.take_streams(&mut changed);
        changed.extend(iter::from_fn(|| p.from_app.readable()));
        changed.extend(iter::from_fn(|| p.to_app.writable()));
        if !blocked {
            changed.append(&mut self.resetting);
        }
        for id in &changed {
            self.process_stream(*id, blocked, p, now);
        }
        let any = !changed.is_empty();
        changed.clear();
        self.changed = changed; // its memory is used again
        any
    }

    fn process_stream(
        &mut self,
        id: StreamId,
        blocked: bool,
        p: &mut Flows<'_, Streams, Streams>,
        now: Instant,
    ) {
        let Some(stream) = self.streams.get_mut(&id) else {
            let aborted = p.from_app.read(id).is_some_and(|pipe| is_aborted(&pipe));
            if aborted && self.waiting.has(id) {
                self.waiting.remove(id);
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
            now,
        };
        if self.times.gives_up(stream.wait(), blocked, now) {
            stream.give_up(context, self.times.write_timeout());
        } else if stream.process(context) {
            self.resetting.push(id);
        }
        if let Some(wait) = *stream.wait() {
            self.times.stream_waits(wait);
        }
        if stream.is_over() {
            self.streams.remove(&id);
            p.from_app.forget(id);
        } else if p.to_app.write(id).is_none() && p.from_app.read(id).is_none_or(|p| p.is_closed())
        {
            self.lingering.add(id);
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
}

impl Layer for Connection {
    type In = Streams;
    type Out = Streams;

    fn name(&self) -> &'static str {
        NAME
    }

    fn process(&mut self, mut p: Flows<'_, Streams, Streams>, now: Instant) {
        p.propagate_stop();
        match (&self.session, p.from_app.closed()) {
            (Session::Over, _) => {}
            (_, Some(End::Aborted(error))) => {
                let error = error.clone();
                self.io.pipes().outgoing.transfer_all_to(p.to_wire);
                p.to_wire.abort(error.clone());
                p.to_app.abort(error);
                self.close();
            }
            _ => self.keep_times(&mut p, now),
        }
        if let Session::Over = self.session {
            p.discard();
        }
    }

    fn deadline(&self) -> Option<Instant> {
        if let Session::Over = self.session {
            return None;
        }
        let ping = self.pinger.as_ref().and_then(Pinger::deadline);
        let times = [
            ping,
            self.times.deadline(),
            self.waiting.deadline(),
            self.lingering.deadline(),
        ];
        times.into_iter().flatten().min()
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
