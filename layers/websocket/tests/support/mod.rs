//! What the tests of this crate share: a port with four flows, a codec of its own, and a checker of
//! transcripts.
#![allow(dead_code, reason = "each test uses its part")]

use wirestack_layer::Instant;
use wirestack_layer::{End, Error, Flow, Flows, Layer, Pipe, Queue, Seed};
use wirestack_websocket::{Client, Message, Server, Settings, WebSocketError};

/// A layer with its flows.
pub(crate) struct Port<L: Layer> {
    pub(crate) layer: L,
    pub(crate) from_wire: Pipe,
    pub(crate) to_wire: Pipe,
    pub(crate) from_app: L::In,
    pub(crate) to_app: L::Out,
    pub(crate) now: Instant,
}

impl<L: Layer> Port<L>
where
    L::In: Default,
    L::Out: Default,
{
    pub(crate) fn new(layer: L) -> Self {
        Self {
            layer,
            from_wire: Pipe::new(),
            to_wire: Pipe::new(),
            from_app: L::In::default(),
            to_app: L::Out::default(),
            now: Instant::ORIGIN,
        }
    }

    fn flows(&mut self) -> (&mut L, Flows<'_, L::In, L::Out>) {
        let flows = (&mut self.from_wire, &mut self.to_wire);
        let flows = Flows::new(flows.0, flows.1, &mut self.from_app, &mut self.to_app);
        (&mut self.layer, flows)
    }

    /// Calls `process`, and once more to see that it has nothing left to do.
    pub(crate) fn turn(&mut self) {
        let now = self.now;
        let (layer, mut flows) = self.flows();
        layer.process(flows.reborrow(), now);
        let moves = flows.revision();
        let state = (layer.progress(), layer.deadline());
        layer.process(flows.reborrow(), now);
        assert_eq!(flows.revision(), moves, "not idempotent");
        assert_eq!(
            (layer.progress(), layer.deadline()),
            state,
            "not idempotent"
        );
        assert!(
            layer.deadline().is_none_or(|at| at > now),
            "a deadline that has passed"
        );
    }

    /// Puts bytes on the wire and processes them.
    pub(crate) fn hear(&mut self, bytes: &[u8]) {
        if !self.from_wire.is_closed() {
            self.from_wire.write(bytes);
        }
        self.turn();
    }

    /// Takes what is to be sent.
    pub(crate) fn sent(&mut self) -> Vec<u8> {
        self.to_wire.take(self.to_wire.len()).to_vec()
    }
}

pub(crate) type ClientPort = Port<Client>;
pub(crate) type ServerPort = Port<Server>;

pub(crate) fn client(settings: Settings) -> ClientPort {
    Port::new(Client::established(settings, Seed::new([7; 32])))
}

pub(crate) fn server(settings: Settings) -> ServerPort {
    Port::new(Server::established(settings))
}

pub(crate) fn messages(queue: &mut Queue<Message>) -> Vec<Message> {
    std::iter::from_fn(|| queue.pop()).collect()
}

/// How a flow ended: `None` while it has not, `Ok` if it was finished.
pub(crate) fn end(flow: &impl Flow) -> Option<Result<(), Error>> {
    Some(match flow.end()? {
        End::Finished => Ok(()),
        End::Aborted(error) => Err(error.clone()),
    })
}

/// How a flow ended, as a cause.
pub(crate) fn cause(flow: &impl Flow) -> Option<Result<(), WebSocketError>> {
    let cause = |error: Error| {
        error
            .cause::<WebSocketError>()
            .expect("a cause of this crate")
            .clone()
    };
    Some(end(flow)?.map_err(cause))
}

/// A frame: its first byte and its payload.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Frame(pub(crate) u8, pub(crate) Vec<u8>);

impl std::fmt::Debug for Frame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let start = &self.1[..self.1.len().min(40)];
        write!(f, "{:#x} {:?}", self.0, String::from_utf8_lossy(start))
    }
}

pub(crate) fn frame(first: u8, payload: impl AsRef<[u8]>) -> Frame {
    Frame(first, payload.as_ref().to_vec())
}

pub(crate) fn close_frame(code: u16, reason: &str) -> Frame {
    let mut payload = code.to_be_bytes().to_vec();
    payload.extend(reason.as_bytes());
    Frame(0x88, payload)
}

pub(crate) fn encode(frames: &[Frame], masked: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (nth, Frame(first, payload)) in frames.iter().enumerate() {
        let bit = if masked { 0x80 } else { 0 };
        bytes.push(*first);
        match payload.len() {
            len @ 0..=125 => bytes.push(bit | len as u8),
            len @ 126..=0xffff => {
                bytes.push(bit | 126);
                bytes.extend((len as u16).to_be_bytes());
            }
            len => {
                bytes.push(bit | 127);
                bytes.extend((len as u64).to_be_bytes());
            }
        }
        if masked {
            let key = [0x37 ^ nth as u8, 0xfa, 0x21, 0x3d];
            bytes.extend(key);
            let pairs = payload.iter().zip(key.iter().cycle());
            bytes.extend(pairs.map(|(byte, key)| byte ^ key));
        } else {
            bytes.extend(payload);
        }
    }
    bytes
}

/// Decodes whole frames, which must be masked or not, and have lengths of the minimal size.
pub(crate) fn decode(mut bytes: &[u8], masked: bool) -> Vec<Frame> {
    let mut frames = Vec::new();
    while let [first, second, rest @ ..] = bytes {
        assert_eq!(second & 0x80 != 0, masked, "masked by the wrong side");
        let (size, short) = match second & 0x7f {
            126 => (2, 0),
            127 => (8, 0),
            len => (0, usize::from(len)),
        };
        let (long, rest) = rest.split_at(size);
        let len = long.iter().fold(short, |len, b| len << 8 | usize::from(*b));
        assert!(size != 2 || len > 125 && size != 8 || len > 0xffff);
        let (key, rest) = rest.split_at(if masked { 4 } else { 0 });
        let (payload, rest) = rest.split_at(len);
        let unmask = |(i, byte): (usize, &u8)| byte ^ key.get(i % 4).unwrap_or(&0);
        frames.push(Frame(
            *first,
            payload.iter().enumerate().map(unmask).collect(),
        ));
        bytes = rest;
    }
    assert!(bytes.is_empty(), "half a frame");
    frames
}

/// A transcript: frames in, messages out, frames out, and how the application's side ended.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) input: Vec<Frame>,
    pub(crate) messages: Vec<Message>,
    pub(crate) output: Vec<Frame>,
    pub(crate) end: Option<Result<(), WebSocketError>>,
}

pub(crate) fn row<const I: usize, const M: usize, const O: usize>(
    name: &'static str,
    input: [Frame; I],
    messages: [Message; M],
    output: [Frame; O],
    end: Option<Result<(), WebSocketError>>,
) -> Row {
    Row {
        name,
        input: input.into(),
        messages: messages.into(),
        output: output.into(),
        end,
    }
}

/// Runs each row in both roles: whole, byte by byte, at two-way splits, and with bytes behind it.
pub(crate) fn check(rows: &[Row], settings: &Settings) {
    for row in rows {
        let masked = encode(&row.input, true);
        check_bytes(row, &masked, true, settings);
        let unmasked = encode(&row.input, false);
        check_bytes(row, &unmasked, false, settings);
    }
}

/// Runs a row with the given bytes as its input, in the role of the server or of the client.
pub(crate) fn check_bytes(row: &Row, bytes: &[u8], as_server: bool, settings: &Settings) {
    let run = |cuts: &[usize]| match as_server {
        true => run(row, bytes, cuts, server(settings.clone()), false),
        false => run(row, bytes, cuts, client(settings.clone()), true),
    };
    run(&[]);
    run(&(1..bytes.len()).collect::<Vec<_>>());
    let step = 1 + bytes.len() / 300;
    for cut in (1..bytes.len()).step_by(step) {
        run(&[cut]);
    }
}

fn run<L>(row: &Row, bytes: &[u8], cuts: &[usize], mut port: Port<L>, masks: bool)
where
    L: Layer<In = Queue<Message>, Out = Queue<Message>>,
{
    let name = row.name;
    port.to_wire.set_limit(usize::MAX);
    let mut start = 0;
    for cut in cuts.iter().chain([&bytes.len()]) {
        port.hear(&bytes[start..*cut]);
        start = *cut;
    }
    if row.end.is_some() {
        port.hear(b"\x81\x05after"); // what is over hears nothing
    }
    assert_eq!(messages(&mut port.to_app), row.messages, "{name}, {cuts:?}");
    port.turn(); // a failure waits until what came before it was taken
    assert_eq!(cause(&port.to_app), row.end, "{name}, cut at {cuts:?}");
    assert_eq!(decode(&port.sent(), masks), row.output, "{name}, {cuts:?}");
    if let Some(Err(_)) = row.end {
        // The client still waits for a server whose Close frame it answered.
        assert!(port.to_wire.is_closed() || port.layer.deadline().is_some());
    }
}
