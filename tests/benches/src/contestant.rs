//! The interface of a contestant: how it makes a connection, and what a connection does.

use crate::tls::{self, Io};
use bytes::Bytes;
use tokio::net::TcpStream;

/// The part of a contestant in the comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Not a library: a mark to compare with.
    Baseline,
    /// wirestack.
    Ours,
    /// Another library.
    Peer,
}

impl Kind {
    /// Returns its word in the files of results.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Ours => "ours",
            Self::Peer => "peer",
        }
    }

    /// Returns the one with this word.
    pub(crate) fn named(word: &str) -> Option<Self> {
        [Self::Baseline, Self::Ours, Self::Peer]
            .into_iter()
            .find(|kind| kind.word() == word)
    }
}

/// A library under measurement: how it makes a connection of a byte stream.
///
/// Connections begin behind the upgrade: handshakes are not measured. `size` is the length of
/// every message of the run, which only the unframed baseline needs.
pub(crate) trait Peer: 'static {
    /// Its name in the tables.
    const NAME: &'static str;
    /// Its part in the comparison.
    const KIND: Kind = Kind::Peer;
    /// Makes the client's end.
    fn client<S: Io>(io: S, size: usize) -> impl Conn;
    /// Makes the server's end.
    fn server<S: Io>(io: S, size: usize) -> impl Conn;
    /// Makes the client's end over TLS; by default over tokio-rustls.
    fn tls_client(io: TcpStream, size: usize) -> impl Future<Output = impl Conn> + Send {
        async move { Self::client(tls::connect(io).await, size) }
    }

    /// Makes the server's end over TLS; by default over tokio-rustls.
    fn tls_server(io: TcpStream, size: usize) -> impl Future<Output = impl Conn> + Send {
        async move { Self::server(tls::accept(io).await, size) }
    }
}

/// An open connection of a contestant. A failure in the middle of a measurement ends the program.
pub(crate) trait Conn: Send + 'static {
    /// Hands over one binary message, which may stay in the library's buffer.
    fn feed(&mut self, message: Bytes) -> impl Future<Output = ()> + Send;
    /// Sends what was fed.
    fn flush(&mut self) -> impl Future<Output = ()> + Send;
    /// Receives one message and returns its length.
    fn receive(&mut self) -> impl Future<Output = usize> + Send;
    /// Receives one message and sends it back, flushed, without converting the library's own
    /// payload type. Returns false at the end of the connection.
    fn echo(&mut self) -> impl Future<Output = bool> + Send;
    /// Sends one message, flushed.
    fn send(&mut self, message: Bytes) -> impl Future<Output = ()> + Send {
        async move {
            self.feed(message).await;
            self.flush().await;
        }
    }
}

/// The bytes that the baselines write at once, and read at once when they are busy.
pub(crate) const BUFFER: usize = 64 * 1024;

/// The bytes that the baselines read at once at first: an idle connection stays small.
pub(crate) const FIRST_READ: usize = 4096;
