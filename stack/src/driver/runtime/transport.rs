//! What carries the bytes of a connection.

use super::Runtime;
use bytes::BytesMut;
use std::any::Any;
use std::fmt;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::task::{Context, Poll};
use wirestack_layer::Pipe;

/// A bidirectional stream of bytes that a [`Connection`](crate::Connection) runs on.
///
/// Sockets of tokio and smol, and streams of an HTTP/2 connection, are transports. Adapters make one of
/// any other stream: [`TokioTransport`](super::TokioTransport),
/// [`FuturesTransport`](super::FuturesTransport) and [`StdTransport`](super::StdTransport).
///
/// A transport is `Send + 'static`, as a connection may be moved to a task of its own. For a stream that
/// is borrowed or not `Send`, copy between it and one end of a pipe in memory, and give the other end
/// to the connection:
///
/// ```
/// # #[cfg(feature = "tokio")]
/// # async fn example(mut stream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin)
/// # -> Result<(), Box<dyn std::error::Error>> {
/// # use wirestack::{Connection, Engine, Identity, runtime::TokioTransport};
/// let (mut near, far) = tokio::io::duplex(64 * 1024);
/// let connection = Connection::from_transport(TokioTransport::new(far), Engine::new(Identity))?;
/// let copying = tokio::io::copy_bidirectional(&mut stream, &mut near);
/// let talking = async move { drop(connection) };
/// let _ = tokio::join!(copying, talking); // in one task: neither has to be `Send`
/// # Ok(())
/// # }
/// ```
///
/// Or drive an [`Engine`](crate::Engine) by hand: it does no I/O of its own and borrows what it likes.
pub trait Transport: Send + 'static {
    /// Reads once, appends to `to`, and returns how many bytes came; 0 is the end.
    ///
    /// `expected` is how many bytes are known to come. If it is 0, perhaps none come for a long time:
    /// nothing may be allocated before they are here, so that an idle connection holds no buffer.
    /// Otherwise it pays to read straight into the pipe's own memory.
    fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        to: &mut Pipe,
        expected: usize,
    ) -> Poll<io::Result<usize>>;

    /// Writes once, consumes what was written from `from`, and returns how many bytes that were. `from`
    /// is not empty.
    fn poll_write(&mut self, cx: &mut Context<'_>, from: &mut Pipe) -> Poll<io::Result<usize>>;

    /// Sends what the transport buffers.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let _ = cx;
        Poll::Ready(Ok(()))
    }

    /// Ends the direction that is written to; the other one stays open.
    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Makes small writes leave at once (`TCP_NODELAY`), if the transport can do that.
    fn set_nodelay(&self) {}

    /// Makes the peer see a reset when the transport is dropped, if the transport can do that.
    fn reset(&self) {}

    /// Returns the address of this end, if it has one.
    fn local_addr(&self) -> io::Result<SocketAddr> {
        Err(no_socket())
    }

    /// Returns the address of the other end, if it has one.
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Err(no_socket())
    }

    /// Returns whether its calls block instead of returning `Pending`.
    fn is_blocking(&self) -> bool {
        false
    }

    /// Returns the stream itself, to be downcast.
    fn as_any(&self) -> &dyn Any;
}

impl fmt::Debug for dyn Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Transport")
    }
}

/// A conversion into a [`Transport`] of a runtime.
///
/// Every transport is one already. Sockets of the standard library become transports of the runtime
/// that the connection runs on.
pub trait IntoTransport {
    /// Converts it.
    ///
    /// # Errors
    ///
    /// Those of the runtime, which may have no sockets of this kind.
    fn into_transport(self, runtime: &dyn Runtime) -> io::Result<Box<dyn Transport>>;
}

impl<T: Transport> IntoTransport for T {
    fn into_transport(self, _: &dyn Runtime) -> io::Result<Box<dyn Transport>> {
        Ok(Box::new(self))
    }
}

impl IntoTransport for Box<dyn Transport> {
    fn into_transport(self, _: &dyn Runtime) -> io::Result<Box<dyn Transport>> {
        Ok(self)
    }
}

impl IntoTransport for std::net::TcpStream {
    fn into_transport(self, runtime: &dyn Runtime) -> io::Result<Box<dyn Transport>> {
        runtime.wrap_tcp(self)
    }
}

#[cfg(unix)]
impl IntoTransport for std::os::unix::net::UnixStream {
    fn into_transport(self, runtime: &dyn Runtime) -> io::Result<Box<dyn Transport>> {
        runtime.wrap_unix(self)
    }
}

/// Reads into memory of the pipe that is reserved by what is expected.
pub(super) fn read_large(
    to: &mut Pipe,
    expected: usize,
    read: impl FnOnce(&mut BytesMut) -> Poll<io::Result<usize>>,
) -> Poll<io::Result<usize>> {
    let size = expected.clamp(BULK_READ, MAX_SPECULATIVE_RESERVE);
    to.fill(|buf| {
        if buf.capacity() - buf.len() < expected.clamp(SMALL_READ, BULK_READ) {
            buf.reserve(size);
        }
        read(buf)
    })
}

/// Reads into memory that is initialized, for traits that want it so.
pub(super) fn read_initialized(
    to: &mut Pipe,
    expected: usize,
    read: impl FnOnce(&mut [u8]) -> Poll<io::Result<usize>>,
) -> Poll<io::Result<usize>> {
    if expected == 0 {
        return SCRATCH.with_borrow_mut(|buf| {
            let n = std::task::ready!(read(buf))?;
            to.write(&buf[..n]);
            Poll::Ready(Ok(n))
        });
    }
    read_large(to, expected, |buf| {
        let had = buf.len();
        buf.resize(buf.capacity(), 0);
        let read = read(&mut buf[had..]);
        let n = match &read {
            Poll::Ready(Ok(n)) => *n,
            _ => 0,
        };
        buf.truncate(had + n);
        read
    })
}

thread_local! {
    /// Zeroed once, instead of at every read.
    static SCRATCH: std::cell::RefCell<[u8; SMALL_READ]> =
        const { std::cell::RefCell::new([0; SMALL_READ]) };
}

/// Hands the bytes of a pipe to a vectored write, and consumes what was written.
pub(super) fn write_slices(
    from: &mut Pipe,
    write: impl FnOnce(&[IoSlice<'_>]) -> Poll<io::Result<usize>>,
) -> Poll<io::Result<usize>> {
    let written = if from.first().len() == from.len() {
        write(&[IoSlice::new(from.first())])
    } else {
        let mut slices = [IoSlice::new(&[]); MAX_SLICES];
        let filled = from.io_slices(&mut slices);
        write(&slices[..filled])
    };
    if let Poll::Ready(Ok(n)) = written {
        from.consume(n);
    }
    written
}

pub(crate) fn no_socket() -> io::Error {
    io::Error::new(
        io::ErrorKind::Unsupported,
        "the transport is no socket that has an address",
    )
}

/// The size of a read of which nothing is known, in bytes.
pub(crate) const SMALL_READ: usize = 8 * 1024;

/// The size of a read while much is coming, in bytes.
pub(crate) const BULK_READ: usize = 64 * 1024;

/// How much is reserved at once for a unit whose length the peer merely claims, in bytes.
const MAX_SPECULATIVE_RESERVE: usize = 1024 * 1024;

/// How many pieces one write system call takes.
const MAX_SLICES: usize = 32;
