//! Connections on tokio.

use super::runtime::Tokio;
use crate::driver::polled::{self, Wire};
use crate::{Engine, Layer};
use tokio::net::TcpStream;

/// A stack on a transport of tokio's: [`AsyncRead`](tokio::io::AsyncRead) and
/// [`AsyncWrite`](tokio::io::AsyncWrite), or messages.
pub type Connection<S, L> = polled::Connection<S, L, Tokio>;

/// A connection that may be driven elsewhere.
pub type Handle<S, L> = polled::Handle<S, L, Tokio>;

/// The half that receives.
pub type Reader<S, L> = polled::Reader<S, L, Tokio>;

/// The half that sends.
pub type Writer<S, L> = polled::Writer<S, L, Tokio>;

/// What connecting needs besides sockets and a clock.
pub type Outside = polled::Outside<Tokio>;

impl<L: Layer> Connection<TcpStream, L> {
    /// Joins a TCP connection and a stack. Small writes leave at once (`TCP_NODELAY`), and a stack
    /// that aborts its wire resets the connection, so that the peer cannot take it for an end.
    pub fn tcp(io: TcpStream, engine: Engine<L>) -> Self {
        let _ = io.set_nodelay(true); // fails on a dead socket only, which the next read tells
        Self::with(Tokio, io, engine, |io| {
            let _ = io.set_zero_linger();
        })
    }
}

impl<S, L> Connection<S, L>
where
    S: Wire<Tokio> + Send + 'static,
    L: Layer<In: Send, Out: Send> + Send + 'static,
{
    /// Drives the connection in a task of the current tokio runtime, and returns a handle: pongs
    /// and time-outs go on while nobody reads, until the application's side is full. The task ends
    /// with the connection, or when the handle and its halves are dropped.
    pub fn spawn(self) -> Handle<S, L> {
        let (handle, driver) = self.driven();
        tokio::spawn(driver);
        handle
    }
}
