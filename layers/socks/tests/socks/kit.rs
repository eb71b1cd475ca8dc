//! A layer with its four flows, clients and servers to test, and the notation of bytes.

use wirestack_layer::{End, Error, Flow, Flows, Instant, Layer, LayerExt, Pipe};
use wirestack_socks::{Address, Client, Command, Reply, Server};

/// A SOCKS layer of either side.
pub(crate) type Tunnel = Box<dyn Layer<In = Pipe, Out = Pipe>>;

/// A layer and its four flows.
pub(crate) struct Side {
    pub(crate) layer: Tunnel,
    pub(crate) from_wire: Pipe,
    pub(crate) to_wire: Pipe,
    pub(crate) from_app: Pipe,
    pub(crate) to_app: Pipe,
    now: Instant,
}

impl Side {
    pub(crate) fn new(layer: impl Layer<In = Pipe, Out = Pipe> + 'static) -> Self {
        Self {
            layer: Box::new(layer),
            from_wire: Pipe::new(),
            to_wire: Pipe::new(),
            from_app: Pipe::new(),
            to_app: Pipe::new(),
            now: Instant::ORIGIN,
        }
    }

    pub(crate) fn server(&mut self) -> &mut Server {
        self.layer.part_mut().unwrap()
    }

    pub(crate) fn client(&mut self) -> &mut Client {
        self.layer.part_mut().unwrap()
    }

    fn flows(&mut self) -> (&mut Tunnel, Flows<'_>) {
        let (wire, app) = (&mut self.from_wire, &mut self.from_app);
        let flows = Flows::new(wire, &mut self.to_wire, app, &mut self.to_app);
        (&mut self.layer, flows)
    }

    /// Processes, and once more to see that nothing is left to do.
    pub(crate) fn process(&mut self) {
        let now = self.now;
        let (layer, flows) = self.flows();
        layer.process(flows, now);
        let (layer, flows) = self.flows();
        let (before, progress) = (flows.revision(), layer.progress());
        layer.process(flows, now);
        let (layer, flows) = self.flows();
        assert_eq!(flows.revision(), before, "not idempotent");
        assert_eq!(layer.progress(), progress, "not idempotent");
    }

    pub(crate) fn receive(&mut self, bytes: &[u8]) {
        self.from_wire.write(bytes);
        self.process();
    }

    pub(crate) fn sent(&mut self) -> Vec<u8> {
        let n = self.to_wire.len();
        self.to_wire.take(n).to_vec()
    }

    pub(crate) fn delivered(&mut self) -> Vec<u8> {
        let n = self.to_app.len();
        self.to_app.take(n).to_vec()
    }

    /// The error that the application gets.
    pub(crate) fn error(&self) -> Option<&Error> {
        match self.to_app.closed()? {
            End::Aborted(error) => Some(error),
            End::Finished => None,
        }
    }

    /// The text of the error that ended the tunnel, `finished`, or the layer's progress.
    pub(crate) fn outcome(&self) -> String {
        match self.to_app.closed() {
            Some(End::Aborted(error)) => error.to_string(),
            Some(End::Finished) => "finished".to_owned(),
            None => self.layer.progress().to_string(),
        }
    }
}

pub(crate) fn address(host: &str, port: u16) -> Address {
    Address::new(host, port).unwrap()
}

/// The address that a server binds.
pub(crate) fn bound() -> Address {
    address("127.0.0.1", 4711)
}

/// A client of example.org:443.
pub(crate) fn client() -> Client {
    Client::new(address("example.org", 443))
}

/// A client of example.org:443 with a password.
pub(crate) fn client_with_password() -> Client {
    client().with_password("me", "pw").unwrap()
}

/// A server that accepts the password of [`client_with_password`].
pub(crate) fn server_with_password() -> Server {
    Server::with_password(|user, password| user == b"me" && password == b"pw")
}

/// A server of every command and version that accepts the user id `me`.
pub(crate) fn server_of_all() -> Server {
    let server = Server::new().with_socks4(|user| user == b"me");
    server.serving(Command::Bind).serving(Command::UdpAssociate)
}

/// The peer that a BIND expects.
pub(crate) fn peer() -> Address {
    address("192.0.2.7", 20)
}

/// The answer of a server's application to a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Decision {
    Wait,
    /// Accepts the request; for BIND, the peer connects at once.
    Accept,
    /// Accepts BIND, and waits for a peer that never connects.
    Listen,
    /// Accepts BIND, and rejects its peer.
    RejectPeer(Reply),
    Reject(Reply),
}

impl Decision {
    /// Makes the decision if the server waits for one. Returns `true` if it did.
    pub(crate) fn make(self, side: &mut Side) -> bool {
        let Some(server) = side.layer.part_mut::<Server>() else {
            return false;
        };
        let (asked, listening) = (server.request().is_some(), server.listening().is_some());
        match self {
            Self::Reject(reply) if asked => server.reject(reply),
            Self::Accept | Self::Listen | Self::RejectPeer(_) if asked => server.accept(bound()),
            Self::Accept if listening => server.connected(peer()),
            Self::RejectPeer(reply) if listening => server.reject(reply),
            _ => return false,
        }
        true
    }
}

/// Reads the notation of bytes: two hexadecimal digits a byte, spaces for the eye, and text in
/// single quotes. `05 01 00  05 01 00 03 0b 'example.org' 01bb` is a greeting and a request.
pub(crate) fn bytes(notation: &str) -> Vec<u8> {
    let mut bytes = vec![];
    for (i, part) in notation.split('\'').enumerate() {
        if i % 2 == 1 {
            bytes.extend(part.as_bytes());
            continue;
        }
        let digits = part.replace(' ', "");
        let pairs = (0..digits.len()).step_by(2);
        bytes.extend(pairs.map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()));
    }
    bytes
}

/// Reads [`bytes`], and behind them the end of their flow: `.` if it finishes, `!` if it aborts.
/// Without either, the flow stays open.
pub(crate) fn bytes_and_end(notation: &str) -> (Vec<u8>, Option<WireEnd>) {
    if let Some(notation) = notation.strip_suffix('.') {
        (bytes(notation), Some(WireEnd::Finish))
    } else if let Some(notation) = notation.strip_suffix('!') {
        (bytes(notation), Some(WireEnd::Abort))
    } else {
        (bytes(notation), None)
    }
}

/// The end of what a peer sends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum WireEnd {
    Finish,
    Abort,
}

/// A small generator (xorshift) for seeded tests.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    pub(crate) fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % sides as u64) as usize
    }
}
