//! Connections on a fake clock: two of ours joined, or one of ours and frames written by hand.
#![allow(dead_code)] // no test file uses all of it

use std::time::Duration;
use wirestack_http2::{Connection, Head, Request, Settings, StreamId};
use wirestack_layer::Instant;
use wirestack_layer::{Flow, Flows, Layer, Pipe};

/// When tests begin.
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
        assert!(deadline.is_none_or(|at| at > self.now), "the law Deadline");
    }

    fn revision(&self) -> u64 {
        let wire = self.from_wire.revision() + self.to_wire.revision();
        wire + self.from_app.revision() + self.to_app.revision()
    }

    /// Hands over bytes, whatever the room, and returns what is answered.
    pub(crate) fn hear(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut answered = Vec::new();
        for part in bytes.chunks(16 * 1024) {
            if !self.from_wire.is_closed() && !self.to_wire.is_closed() {
                self.from_wire.write(part);
            }
            answered.extend(self.say());
        }
        answered.extend(self.say());
        answered
    }

    /// Takes what is to be sent.
    pub(crate) fn say(&mut self) -> Vec<u8> {
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

    /// Takes what arrived on a stream.
    pub(crate) fn read(&mut self, id: StreamId) -> Vec<u8> {
        let mut pipe = self.to_app.read(id).unwrap();
        let read = pipe.unread().to_vec();
        pipe.discard();
        read
    }

    /// How a stream ended: `None` while it has not, an empty text if cleanly.
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
    pub(crate) fn new(client: Settings, server: Settings) -> Self {
        Self {
            client: Side::new(Connection::client(client)),
            server: Side::new(Connection::server(server)),
        }
    }

    pub(crate) fn usual() -> Self {
        Self::new(Settings::default(), Settings::server())
    }

    /// Lets both go on until nothing moves.
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

    /// Opens a tunnel; its names on both sides.
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

pub(crate) fn tunnel() -> Request {
    Request::tunnel("example.org", 22).unwrap()
}

pub(crate) fn extended() -> Request {
    let mut head = http::Request::new(());
    *head.uri_mut() = "https://example.org/chat".parse().unwrap();
    Request::extended("websocket", head).unwrap()
}

pub(crate) fn streams(side: &Side<Connection>) -> usize {
    side.layer.streams()
}

pub(crate) fn most(streams: u32) -> Settings {
    let mut settings = Settings::default();
    settings.streams = streams;
    settings
}

pub(crate) fn window(bytes: u32) -> Settings {
    let mut settings = Settings::default();
    settings.stream_window = bytes;
    settings
}

// --- frames by hand (RFC 9113 §4.1) ---

pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;
pub(crate) const END_STREAM: u8 = 1;
pub(crate) const ACK: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;
pub(crate) const PADDED: u8 = 8;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = u32::try_from(payload.len()).unwrap().to_be_bytes()[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// Takes bytes apart; a preface in front of them is left out.
pub(crate) fn frames(bytes: &[u8]) -> Vec<Frame> {
    let mut rest = bytes.strip_prefix(PREFACE).unwrap_or(bytes);
    let mut found = Vec::new();
    while !rest.is_empty() {
        let length = u32::from_be_bytes([0, rest[0], rest[1], rest[2]]) as usize;
        found.push(Frame {
            kind: rest[3],
            flags: rest[4],
            stream: u32::from_be_bytes([rest[5], rest[6], rest[7], rest[8]]),
            payload: rest[9..9 + length].to_vec(),
        });
        rest = &rest[9 + length..];
    }
    found
}

/// The frames of one kind.
pub(crate) fn of_kind(bytes: &[u8], kind: u8) -> Vec<Frame> {
    let found = frames(bytes).into_iter();
    found.filter(|frame| frame.kind == kind).collect()
}

pub(crate) fn settings(pairs: &[(u16, u32)]) -> Vec<u8> {
    let mut payload = Vec::new();
    for (name, value) in pairs {
        payload.extend(name.to_be_bytes());
        payload.extend(value.to_be_bytes());
    }
    frame(SETTINGS, 0, 0, &payload)
}

/// SETTINGS_MAX_CONCURRENT_STREAMS.
pub(crate) const STREAMS: u16 = 3;
/// SETTINGS_INITIAL_WINDOW_SIZE.
pub(crate) const WINDOW: u16 = 4;
/// SETTINGS_ENABLE_CONNECT_PROTOCOL (RFC 8441 §3).
pub(crate) const EXTENDED: u16 = 8;

/// Fields as literals without indexing and without Huffman coding (RFC 7541 §6.2.2).
pub(crate) fn fields(list: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in list {
        block.push(0);
        for text in [name, value] {
            assert!(text.len() < 127);
            block.push(u8::try_from(text.len()).unwrap());
            block.extend(text.as_bytes());
        }
    }
    block
}

pub(crate) fn headers(stream: u32, flags: u8, list: &[(&str, &str)]) -> Vec<u8> {
    frame(HEADERS, END_HEADERS | flags, stream, &fields(list))
}

pub(crate) fn connect(stream: u32) -> Vec<u8> {
    headers(
        stream,
        0,
        &[(":method", "CONNECT"), (":authority", "example.org:22")],
    )
}

pub(crate) fn websocket(stream: u32, protocol: &str) -> Vec<u8> {
    let list = [
        (":method", "CONNECT"),
        (":protocol", protocol),
        (":scheme", "https"),
        (":authority", "example.org"),
        (":path", "/chat"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    headers(stream, 0, &list)
}

/// A server of ours that a client has said hello to.
pub(crate) fn greeted_server(settings: Settings) -> Side<Connection> {
    let mut server = Side::new(Connection::server(settings));
    server.hear(PREFACE);
    server.hear(&frame(SETTINGS, 0, 0, &[]));
    server.hear(&frame(SETTINGS, ACK, 0, &[]));
    server
}

/// A client of ours that a server has said hello to, with these settings.
pub(crate) fn greeted_client(settings: Settings, pairs: &[(u16, u32)]) -> Side<Connection> {
    let mut client = Side::new(Connection::client(settings));
    client.say();
    client.hear(&self::settings(pairs));
    client.hear(&frame(SETTINGS, ACK, 0, &[]));
    client
}

/// The text of what ended everything.
pub(crate) fn failure(side: &Side<Connection>) -> String {
    match side.to_app.closed() {
        Some(wirestack_layer::End::Aborted(error)) => error.to_string(),
        other => panic!("not failed: {other:?}"),
    }
}

pub(crate) fn accept(server: &mut Side<Connection>) -> StreamId {
    let (id, _) = server.request().expect("a request");
    server
        .from_app
        .respond(id, http::Response::new(bytes::Bytes::new()));
    id
}

/// A client of ours with a tunnel that a server has opened, whose stream is number 1.
pub(crate) fn open_client(limits: Settings, pairs: &[(u16, u32)]) -> (Side<Connection>, StreamId) {
    let mut client = greeted_client(limits, pairs);
    let id = client.from_app.open(tunnel()).unwrap();
    client.say();
    client.hear(&headers(1, 0, &[(":status", "200")]));
    client.head().expect("the response");
    (client, id)
}
