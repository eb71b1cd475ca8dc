//! A side: one layer, its four flows, and the bytes of its transcripts.

use wirestack_layer::Instant;
use wirestack_layer::{End, Error, Flow, Flows, Layer, LayerExt, Pipe};
use wirestack_socks::{Address, Client, Command, Reply, Server};

pub(crate) type Tunnel = Box<dyn Layer<In = Pipe, Out = Pipe>>;

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

    /// Lets the layer go on, twice: the second time nothing may happen.
    pub(crate) fn process(&mut self) {
        let now = self.now;
        let (layer, flows) = self.flows();
        layer.process(flows, now);
        let (layer, flows) = self.flows();
        let (before, progress) = (flows.revision(), layer.progress());
        layer.process(flows, now);
        let (layer, flows) = self.flows();
        assert_eq!(flows.revision(), before, "quiet");
        assert_eq!(layer.progress(), progress, "quiet");
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

    /// How it ended, or what it waits for.
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

pub(crate) fn bound() -> Address {
    address("127.0.0.1", 4711)
}

/// A client of example.org:443.
pub(crate) fn client() -> Client {
    Client::new(address("example.org", 443))
}

/// The same with a password.
pub(crate) fn client_with_password() -> Client {
    client().with_password("me", "pw").unwrap()
}

/// A server that knows the password of [`client_with_password`].
pub(crate) fn server_with_password() -> Server {
    Server::with_password(|user, password| user == b"me" && password == b"pw")
}

/// A server of every command and version, which knows the user id `me`.
pub(crate) fn server_of_all() -> Server {
    let server = Server::new().with_socks4(|user| user == b"me");
    server.serving(Command::Bind).serving(Command::UdpAssociate)
}

/// The peer of BIND.
pub(crate) fn peer() -> Address {
    address("192.0.2.7", 20)
}

/// What a server's application does with a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Decision {
    Wait,
    /// Accept it; for BIND, the peer connects at once.
    Accept,
    /// Accept BIND, and wait for a peer that does not come.
    Listen,
    /// Accept BIND, and reject its peer.
    RejectPeer(Reply),
    Reject(Reply),
}

impl Decision {
    /// Decides whatever there is to decide, and returns whether there was.
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

/// Reads `05 00 'text'`: hexadecimal, spaces for the eye, and text in quotes.
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
