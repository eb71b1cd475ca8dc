//! The first byte of a client, which stays in its socket.

use std::io;
use std::net::SocketAddr;
use tokio::net::TcpStream;
use wirestack::runtime::{IntoTransport, Runtime, Transport};
use wirestack::{Accepted, Shutdown};

/// A client whose first byte is known.
pub(super) struct Peeked {
    io: Box<dyn Transport>,
    shutdown: Option<Shutdown>,
    pub(super) peer: SocketAddr,
    pub(super) local: Option<SocketAddr>,
    /// `None` if it has ended, or is no client of TCP.
    pub(super) first: Option<u8>,
}

impl Peeked {
    /// Waits for the first byte.
    pub(super) async fn new(client: Accepted) -> io::Result<Self> {
        let (shutdown, peer) = (client.shutdown_signal(), client.peer_addr());
        let io = client.into_transport();
        let mut byte = [0; 1];
        let first = match io.as_any().downcast_ref::<TcpStream>() {
            Some(socket) => (socket.peek(&mut byte).await? == 1).then_some(byte[0]),
            None => None,
        };
        Ok(Self {
            local: io.local_addr().ok(),
            io,
            shutdown,
            peer,
            first,
        })
    }
}

impl IntoTransport for Peeked {
    fn into_transport(self, _: &dyn Runtime) -> io::Result<Box<dyn Transport>> {
        Ok(self.io)
    }

    fn shutdown_signal(&self) -> Option<Shutdown> {
        self.shutdown.clone()
    }
}
