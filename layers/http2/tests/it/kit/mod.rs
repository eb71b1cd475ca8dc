//! A connection with its flows, a client joined to a server, and peers that are only frames.

mod frames;

pub(crate) use frames::*;
use std::time::Duration;
use wirestack_http2::{ConnectRequest, Connection, Head, Http2Config, StreamId};
use wirestack_layer::{Flow, Flows, Instant, Layer, Pipe};

/// The time when tests begin.
pub(crate) const START: Instant = Instant::after_origin(Duration::from_secs(1000));

pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// A layer and its four flows.
pub(crate) struct Side<L: Layer> {
    pub(crate) layer: L,
    pub(crate) from_wire: Pipe,
    pub(crate) to_wire: Pipe,
    pub(crate) from_app: L::In,
    pub(crate) to_app: L::Out,
    pub(crate) now: Instant,
}

impl<L> Side<L>
where
    L: Layer<In: Default, Out: Default>,
{
    pub(crate) fn new(layer: L) -> Self {
        Self {
            layer,
            from_wire: Pipe::new(),
            to_wire: Pipe::new(),
            from_app: L::In::default(),
            to_app: L::Out::default(),
            now: START,
        }
    }

    pub(crate) fn process(&mut self) {
        let flows = Flows::new(
            &mut self.from_wire,
            &mut self.to_wire,
            &mut self.from_app,
            &mut self.to_app,
        );
        self.layer.process(flows, self.now);
        let deadline = self.layer.deadline();
        assert!(
            deadline.is_none_or(|at| at > self.now),
            "a deadline that has passed"
        );
    }

    pub(crate) fn revision(&self) -> u64 {
        let wire = self.from_wire.revision() + self.to_wire.revision();
        wire + self.from_app.revision() + self.to_app.revision()
    }

    /// Feeds bytes, whatever the room, and returns the answer.
    pub(crate) fn receive(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut answered = Vec::new();
        for part in bytes.chunks(16 * 1024) {
            if !self.from_wire.is_closed() && !self.to_wire.is_closed() {
                self.from_wire.write(part);
            }
            answered.extend(self.sent());
        }
        answered.extend(self.sent());
        answered
    }

    /// Processes, and takes the bytes that are to be sent.
    pub(crate) fn sent(&mut self) -> Vec<u8> {
        let mut said = Vec::new();
        loop {
            self.process();
            if self.to_wire.is_empty() {
                return said;
            }
            said.extend_from_slice(self.to_wire.unread());
            self.to_wire.discard();
        }
    }
}

impl Side<Connection> {
    /// The next head that arrived, with its stream.
    pub(crate) fn head(&mut self) -> Option<(StreamId, Head)> {
        self.to_app.arrived()
    }

    /// The next request that arrived.
    pub(crate) fn request(&mut self) -> Option<(StreamId, http::Request<()>)> {
        match self.head()? {
            (id, Head::Request(request)) => Some((id, request)),
            (_, Head::Response(_)) => panic!("a response, where a request was wanted"),
        }
    }

    pub(crate) fn write(&mut self, id: StreamId, bytes: &[u8]) {
        self.from_app.write(id).unwrap().write(bytes);
    }

    pub(crate) fn finish(&mut self, id: StreamId) {
        self.from_app.write(id).unwrap().finish();
    }

    /// Takes the data that arrived on a stream.
    pub(crate) fn read(&mut self, id: StreamId) -> Vec<u8> {
        let mut pipe = self.to_app.read(id).unwrap();
        let read = pipe.unread().to_vec();
        pipe.discard();
        read
    }

    /// The end of a stream: `None` while it is open, an empty text if it is clean.
    pub(crate) fn end(&mut self, id: StreamId) -> Option<String> {
        match self.to_app.read(id)?.end()? {
            wirestack_layer::End::Finished => Some(String::new()),
            wirestack_layer::End::Aborted(error) => Some(error.to_string()),
        }
    }
}

/// A client and a server of ours.
pub(crate) struct Pair {
    pub(crate) client: Side<Connection>,
    pub(crate) server: Side<Connection>,
}

impl Pair {
    pub(crate) fn new(client: Http2Config, server: Http2Config) -> Self {
        Self {
            client: Side::new(Connection::client(client)),
            server: Side::new(Connection::server(server)),
        }
    }

    pub(crate) fn usual() -> Self {
        Self::new(Http2Config::default(), Http2Config::server())
    }

    /// Processes both sides until nothing moves.
    pub(crate) fn settle(&mut self) {
        loop {
            let before = self.client.revision() + self.server.revision();
            self.client.process();
            self.client.to_wire.transfer_to(&mut self.server.from_wire);
            self.server.process();
            self.server.to_wire.transfer_to(&mut self.client.from_wire);
            if self.client.revision() + self.server.revision() == before {
                return;
            }
        }
    }

    /// Opens a tunnel. Returns its stream at the client and at the server.
    pub(crate) fn tunnel(&mut self) -> [StreamId; 2] {
        let at_client = self.client.from_app.open(tunnel()).unwrap();
        self.settle();
        let (at_server, _) = self.server.request().expect("a request");
        let accepted = http::Response::new(bytes::Bytes::new());
        self.server.from_app.respond(at_server, accepted);
        self.settle();
        assert!(matches!(self.client.head(), Some((id, Head::Response(_))) if id == at_client));
        [at_client, at_server]
    }
}

pub(crate) fn tunnel() -> ConnectRequest {
    ConnectRequest::tunnel("example.org", 22).unwrap()
}

pub(crate) fn extended() -> ConnectRequest {
    let mut head = http::Request::new(());
    *head.uri_mut() = "https://example.org/chat".parse().unwrap();
    ConnectRequest::extended("websocket", head).unwrap()
}

pub(crate) fn streams(side: &Side<Connection>) -> usize {
    side.layer.streams()
}

pub(crate) fn most(streams: u32) -> Http2Config {
    let mut settings = Http2Config::default();
    settings.streams = streams;
    settings
}

pub(crate) fn window(bytes: u32) -> Http2Config {
    let mut settings = Http2Config::default();
    settings.stream_window = bytes;
    settings
}

/// A server of ours that has the preface and the SETTINGS of a client.
pub(crate) fn greeted_server(settings: Http2Config) -> Side<Connection> {
    let mut server = Side::new(Connection::server(settings));
    server.receive(PREFACE);
    server.receive(&frame(SETTINGS, 0, 0, &[]));
    server.receive(&frame(SETTINGS, ACK, 0, &[]));
    server
}

/// A client of ours that has the SETTINGS of a server, with these pairs.
pub(crate) fn greeted_client(settings: Http2Config, pairs: &[(u16, u32)]) -> Side<Connection> {
    let mut client = Side::new(Connection::client(settings));
    client.sent();
    client.receive(&self::settings(pairs));
    client.receive(&frame(SETTINGS, ACK, 0, &[]));
    client
}

/// The text of the error that ended the connection.
pub(crate) fn failure(side: &Side<Connection>) -> String {
    match side.to_app.closed() {
        Some(wirestack_layer::End::Aborted(error)) => error.to_string(),
        other => panic!("not failed: {other:?}"),
    }
}

/// Accepts the next request.
pub(crate) fn accept(server: &mut Side<Connection>) -> StreamId {
    let (id, _) = server.request().expect("a request");
    server
        .from_app
        .respond(id, http::Response::new(bytes::Bytes::new()));
    id
}

/// A client of ours with a tunnel that a server has opened, whose stream is number 1.
pub(crate) fn open_client(
    limits: Http2Config,
    pairs: &[(u16, u32)],
) -> (Side<Connection>, StreamId) {
    let mut client = greeted_client(limits, pairs);
    let id = client.from_app.open(tunnel()).unwrap();
    client.sent();
    client.receive(&headers(1, 0, &[(":status", "200")]));
    client.head().expect("the response");
    (client, id)
}
