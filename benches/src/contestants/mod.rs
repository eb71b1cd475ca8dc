//! What is measured: the interface of a contestant, and the list of them.

mod floor;
mod peers;
mod raw;
mod wirestack;

pub(crate) use peers::Messages;
pub(crate) use wirestack::{client as open_client, server as open_server};

use crate::loopback::Net;
use crate::stream::Way;
use crate::{echo, memory, stream, tls};
use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// A contestant as the command line and the tables see it: a name and its measurements.
#[derive(Clone, Copy)]
pub(crate) struct Contestant {
    /// Its name in the tables.
    pub(crate) name: &'static str,
    /// What it is to the others.
    pub(crate) kind: Kind,
    /// One echo measurement with messages of this size: CPU microseconds a message.
    pub(crate) echo: fn(usize) -> f64,
    /// One streaming measurement: CPU microseconds a message.
    pub(crate) stream: fn(Net, Way, usize) -> f64,
    /// The server's part of a memory measurement, in a process of its own.
    pub(crate) memory_server: fn(Net, usize),
    /// The client's part of a memory measurement, in a process of its own.
    pub(crate) memory_client: fn(Net, usize, u16),
}

impl Contestant {
    /// Every contestant. The first is the one that all others are compared with.
    pub(crate) const ALL: &[Self] = &[
        Self::of::<raw::Raw>(),
        Self::of::<floor::Floor>(),
        Self::of::<wirestack::Wirestack>(),
        Self::of::<peers::Tungstenite>(),
        Self::of::<peers::FastWebSockets>(),
        Self::of::<peers::TokioWebSockets>(),
        Self::of::<peers::Yawc>(),
        Self::of::<peers::SockudoWs>(),
    ];

    const fn of<P: Peer>() -> Self {
        Self {
            name: P::NAME,
            kind: P::KIND,
            echo: echo::run::<P>,
            stream: stream::run::<P>,
            memory_server: memory::server::<P>,
            memory_client: memory::client::<P>,
        }
    }

    /// Returns the contestant of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|c| c.name == name).copied()
    }
}

/// What a contestant is to the others.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// No library, but a mark.
    Baseline,
    /// What all this is for.
    Ours,
    /// Another library.
    Peer,
}

/// A library under measurement: how it makes a connection of a byte stream.
///
/// Connections begin behind the upgrade: handshakes are not measured. `size` is the length of
/// every message of the run, which only the unframed baseline needs.
pub(crate) trait Peer: 'static {
    /// Its name in the tables.
    const NAME: &'static str;
    /// What it is to the others.
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

/// A byte stream of tokio's.
pub(crate) trait Io: AsyncRead + AsyncWrite + Unpin + Send + 'static {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send + 'static> Io for T {}

/// What the baselines write at once, and read at once when they are busy, in bytes.
const BUFFER: usize = 64 * 1024;

/// What the baselines read at once at first, in bytes: an idle connection stays small.
const FIRST_READ: usize = 4096;
