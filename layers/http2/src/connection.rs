mod duties;
mod ends;
mod rounds;

use crate::config::Http2Config;
use crate::error::{Http2Error, NAME, local};
use crate::first_bytes::FirstBytesCheck;
use crate::frames::FrameScanner;
use crate::head::Head;
use crate::io::{Io, Woken};
use crate::keepalive::Pinger;
use crate::lingering::Lingering;
use crate::session::Session;
use crate::stream::{News, Stream, StreamContext, ToApp};
use crate::stream_id::{StreamId, StreamMap};
use crate::streams::{Streams, is_aborted};
use crate::times::TimeLimits;
use crate::waiting::Waiting;
use std::fmt;
use std::mem;
use wirestack_layer::Instant;
use wirestack_layer::{End, Error, Flow, Flows, Layer, Place, Progress};

/// An HTTP/2 connection with many streams, each a flow of bytes of its own.
///
/// Both flows of its application are [`Streams`]. When the application finishes, no more streams
/// are opened or taken, the open ones go on, and the connection ends after the last one. When it
/// aborts, every stream is cut short. A fault of the peer on one stream harms no other.
///
/// ```
/// use wirestack_http2::{Connection, ConnectRequest, Head, Http2Config, Streams};
/// use wirestack_layer::{Flow, Flows, Instant, Layer, Pipe};
///
/// let mut client = Connection::client(Http2Config::default());
/// let mut server = Connection::server(Http2Config::server());
/// let [mut up, mut down] = <[Pipe; 2]>::default();
/// let [mut asked, mut got, mut answered, mut heard] = <[Streams; 4]>::default();
/// let mut turn = |asked: &mut Streams, answered: &mut Streams, heard: &mut Streams| {
///     for _ in 0..4 {
///         client.process(Flows::new(&mut down, &mut up, asked, &mut got), Instant::ORIGIN);
///         server.process(Flows::new(&mut up, &mut down, answered, heard), Instant::ORIGIN);
///     }
///     (client.offers_extended_connect(), client.streams())
/// };
/// asked.open(ConnectRequest::tunnel("example.org", 22)?)?;
/// assert_eq!(turn(&mut asked, &mut answered, &mut heard), (Some(true), 1));
/// let Some((stream, Head::Request(request))) = heard.arrived() else { panic!() };
/// assert_eq!(request.uri(), "example.org:22");
/// answered.respond(stream, http::Response::new("".into())); // opens the tunnel
/// answered.write(stream).unwrap().write(b"SSH-2.0-x");
/// turn(&mut asked, &mut answered, &mut heard);
/// let id = got.readable().unwrap();
/// assert_eq!(got.read(id).unwrap().unread(), b"SSH-2.0-x");
/// # Ok::<(), wirestack_layer::Error>(())
/// ```
pub struct Connection {
    config: Http2Config,
    io: Io,
    woken: Woken,
    session: Session,
    /// Boxed, as a map that grows has room for twice as many.
    streams: StreamMap<Box<Stream>>,
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
    /// The bytes that the application reads before the peer is given credit for them, at most.
    pub(crate) credit_step: usize,
    /// h2 has something to do of which it wakes nobody.
    must_poll: bool,
    /// The number of times that h2 was polled.
    turn: u64,
    /// The reason for which the peer took no more requests, if the connection has ended with it.
    pub(crate) refusal: Option<Error>,
    /// The application had no room for the request of another client's stream.
    is_full: bool,
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
            // h2 gives credit for half a window at once. A quarter of it may wait here.
            credit_step: (config.stream_window.min(config.connection_window) / 4) as usize,
            config,
            io,
            woken: Woken::default(),
            streams: StreamMap::default(),
            waiting: Waiting::default(),
            changed: Vec::new(),
            resetting: Vec::new(),
            pinger: None,
            opened: false,
            lingering: Lingering::default(),
            finishing: false,
            must_poll: true,
            turn: 0,
            refusal: None,
            is_full: false,
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

    /// Returns `true` once h2 has taken the SETTINGS of the peer in.
    fn has_settings(&self) -> bool {
        let pipes = self.io.pipes();
        let taken = pipes.incoming.is_empty() && !pipes.blocked;
        taken && self.session.is_open() && self.scanner.has_settings()
    }

    /// Takes the requests and the responses of the application.
    fn take_heads(&mut self, p: &mut Flows<'_, Streams, Streams>) {
        while let Some((id, head)) = p.from_app.arrived() {
            match head {
                Head::Request(request) => {
                    p.to_app.add(id);
                    if self.streams() < self.config.streams as usize {
                        self.waiting.requests.push_back((id, request));
                    } else {
                        let error = local(Http2Error::TooManyStreams(self.config.streams));
                        if let Some(mut pipe) = p.to_app.write(id) {
                            pipe.abort(error.at(Place::Layer(p.index)));
                        }
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
                    } else {
                        p.from_app.forget(id); // the answer came too late, and made it anew
                    }
                }
            }
        }
    }

    /// Processes the streams that have changed, and only those.
    fn process_streams(&mut self, p: &mut Flows<'_, Streams, Streams>, now: Instant) {
        let blocked = self.io.pipes().blocked;
        self.woken.take_streams(&mut self.changed);
        if !blocked {
            // A stream that h2 woke in between is there twice, and would be there once more each time.
            self.resetting.sort_unstable();
            self.resetting.dedup();
            self.changed.append(&mut self.resetting);
        }
        if !self.changed.is_empty() {
            let mut changed = mem::take(&mut self.changed);
            for id in changed.drain(..) {
                self.process_stream(id, News::Any, blocked, p, now);
            }
            changed.append(&mut self.changed);
            self.changed = changed; // its memory is used again
        }
        while let Some(id) = p.from_app.readable() {
            self.process_stream(id, News::Written, blocked, p, now);
        }
        while let Some(id) = p.to_app.writable() {
            self.process_stream(id, News::Read, blocked, p, now);
        }
    }

    fn process_stream(
        &mut self,
        id: StreamId,
        news: News,
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
            io: &self.io,
            from_app: p.from_app,
            to_app: ToApp {
                streams: p.to_app,
                index: p.index,
            },
            excerpt: self.config.excerpt,
            gathers_credit: self.credit_step > 0,
            blocked,
            turn: self.turn,
            now,
            news,
        };
        if self.times.gives_up(stream.wait(), blocked, now) {
            stream.give_up(context, self.times.write_timeout());
        } else if stream.process(context) {
            self.resetting.push(id);
            self.must_poll = true;
        }
        if let Some(wait) = *stream.wait() {
            self.times.stream_waits(wait);
        }
        if stream.is_over() {
            self.streams.remove(&id);
            self.io.pipes().lent.forget(id);
            p.from_app.forget(id);
        } else if !p.to_app.has(id)
            && !stream.has_content()
            && p.from_app.read(id).is_none_or(|p| p.is_closed())
        {
            self.lingering.add(id);
        }
    }

    fn add(&mut self, streams: Vec<Stream>) {
        for stream in streams {
            self.changed.push(stream.id());
            self.streams.insert(stream.id(), stream.into());
        }
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

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("progress", &self.progress())
            .finish_non_exhaustive()
    }
}
