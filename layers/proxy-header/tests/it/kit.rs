//! A server with its flows, and headers as bytes.

use wirestack_layer::{End, Flow, Flows, Instant, Layer, Pipe};
use wirestack_proxy_header::{Accepts, Client, Header, ProxyHeaderError, Server};

/// A server and its four flows.
pub(crate) struct Side {
    pub(crate) server: Server,
    pub(crate) from_wire: Pipe,
    pub(crate) to_wire: Pipe,
    from_app: Pipe,
    pub(crate) to_app: Pipe,
}

impl Side {
    pub(crate) fn new(server: Server) -> Self {
        let [from_wire, to_wire, from_app, to_app] = <[Pipe; 4]>::default();
        Self {
            server,
            from_wire,
            to_wire,
            from_app,
            to_app,
        }
    }

    pub(crate) fn process(&mut self) {
        let (wire, app) = (&mut self.from_wire, &mut self.from_app);
        let flows = Flows::new(wire, &mut self.to_wire, app, &mut self.to_app);
        self.server.process(flows, Instant::ORIGIN);
    }

    pub(crate) fn receive(&mut self, bytes: &[u8]) {
        self.from_wire.write(bytes);
        self.process();
    }

    /// The cause of the error that the application gets.
    pub(crate) fn error(&self) -> Option<ProxyHeaderError> {
        match self.to_app.closed()? {
            End::Aborted(error) => Some(error.cause().cloned().expect("a cause of this crate")),
            End::Finished => None,
        }
    }
}

/// Feeds a server some bytes. Returns the header or the error, or `None` if it waits for more
/// bytes.
pub(crate) fn receive(server: Server, bytes: &[u8]) -> Option<Result<Header, ProxyHeaderError>> {
    let mut side = Side::new(server);
    side.receive(bytes);
    assert!(side.to_wire.is_empty(), "a header is never answered");
    let header = side.server.header().cloned();
    header.map(Ok).or_else(|| side.error().map(Err))
}

/// Reads the whole header of either version.
pub(crate) fn read(bytes: &[u8]) -> Result<Header, ProxyHeaderError> {
    read_by(Server::new(Accepts::Both), bytes)
}

/// Reads a whole header by the given server.
pub(crate) fn read_by(server: Server, bytes: &[u8]) -> Result<Header, ProxyHeaderError> {
    receive(server, bytes).expect("a header or an error")
}

/// Returns the header that a client sends.
pub(crate) fn sent(mut client: Client) -> Vec<u8> {
    let [mut from_wire, mut to_wire, mut from_app, mut to_app] = <[Pipe; 4]>::default();
    let flows = Flows::new(&mut from_wire, &mut to_wire, &mut from_app, &mut to_app);
    client.process(flows, Instant::ORIGIN);
    assert!(client.is_open() && client.is_transparent());
    to_wire.unread().to_vec()
}

pub(crate) fn tcp(source: &str, destination: &str) -> Header {
    Header::tcp(source.parse().unwrap(), destination.parse().unwrap())
}

pub(crate) fn udp(source: &str, destination: &str) -> Header {
    Header::udp(source.parse().unwrap(), destination.parse().unwrap())
}

/// A block of version 2: the signature and the given bytes.
pub(crate) fn block(rest: &[u8]) -> Vec<u8> {
    [b"\r\n\r\n\0\r\nQUIT\n", rest].concat()
}
