//! Transports: the streams of bytes that connections run on.

use super::Runtime;
use crate::driver::shutdown::Shutdown;
use bytes::BytesMut;
use std::any::Any;
use std::fmt;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::task::{Context, Poll};
use wirestack_layer::Pipe;

/// A bidirectional stream of bytes that a [`Connection`](crate::Connection) runs on.
///
/// Sockets of tokio and smol are transports, and so are streams of an HTTP/2 connection. Adapters
/// convert other streams: [`TokioTransport`](super::TokioTransport),
/// [`FuturesTransport`](super::FuturesTransport) and [`StdTransport`](super::StdTransport).
///
/// ```
/// # #[cfg(feature = "tokio")]
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// use tokio::io::AsyncReadExt;
/// use wirestack::runtime::TokioTransport;
/// use wirestack::{Connection, Engine, Identity};
///
/// let (near, far) = tokio::io::duplex(1024); // any stream of tokio's traits
/// let mut sender = Connection::from_transport(TokioTransport::new(near), Engine::new(Identity))?;
/// let mut receiver = Connection::from_transport(TokioTransport::new(far), Engine::new(Identity))?;
/// tokio::io::AsyncWriteExt::write_all(&mut sender, b"hello").await?;
/// let mut bytes = [0; 5];
/// receiver.read_exact(&mut bytes).await?;
/// assert_eq!(&bytes, b"hello");
/// # Ok(()) })
/// # }
/// # #[cfg(not(feature = "tokio"))]
/// # fn main() {}
/// ```
///
/// A transport is `Send + 'static`, as a connection may move to another task. If a stream is
/// borrowed or not `Send`, copy between it and one end of a pipe in memory, and give the other end
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
/// Or drive an [`Engine`](crate::Engine) yourself: it does no I/O, so it works with any stream.
///
/// A transport that adds something to another one hands on what it does not change. This one counts:
///
/// ```
/// use std::any::Any;
/// use std::io;
/// use std::net::SocketAddr;
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
/// use std::task::{Context, Poll};
/// use wirestack::Pipe;
/// use wirestack::runtime::Transport;
///
/// struct Counted<T> {
///     inner: T,
///     bytes: Arc<AtomicUsize>,
/// }
///
/// impl<T: Transport> Counted<T> {
///     fn count(&self, moved: &Poll<io::Result<usize>>) {
///         if let Poll::Ready(Ok(n)) = moved {
///             self.bytes.fetch_add(*n, Relaxed);
///         }
///     }
/// }
///
/// impl<T: Transport> Transport for Counted<T> {
///     fn poll_read(
///         &mut self,
///         cx: &mut Context<'_>,
///         to: &mut Pipe,
///         expected: usize,
///     ) -> Poll<io::Result<usize>> {
///         let read = self.inner.poll_read(cx, to, expected);
///         self.count(&read);
///         read
///     }
///
///     fn poll_write(&mut self, cx: &mut Context<'_>, from: &mut Pipe) -> Poll<io::Result<usize>> {
///         let written = self.inner.poll_write(cx, from);
///         self.count(&written);
///         written
///     }
///
///     fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
///         self.inner.poll_flush(cx)
///     }
///
///     fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
///         self.inner.poll_shutdown(cx)
///     }
///
///     fn set_nodelay(&self) {
///         self.inner.set_nodelay();
///     }
///
///     fn reset(&self) {
///         self.inner.reset();
///     }
///
///     fn local_addr(&self) -> io::Result<SocketAddr> {
///         self.inner.local_addr()
///     }
///
///     fn peer_addr(&self) -> io::Result<SocketAddr> {
///         self.inner.peer_addr()
///     }
///
///     fn lingers(&self) -> bool {
///         self.inner.lingers()
///     }
///
///     fn ends_when_dropped(&self) -> bool {
///         self.inner.ends_when_dropped()
///     }
///
///     fn is_blocking(&self) -> bool {
///         self.inner.is_blocking()
///     }
///
///     fn as_any(&self) -> &dyn Any {
///         self.inner.as_any()
///     }
///
///     // `plain_socket` is not handed on: a relay would move bytes past the count.
/// }
/// ```
pub trait Transport: Send + 'static {
    /// Reads once, appends the bytes to `to`, and returns their number; 0 is the end.
    ///
    /// `expected` is the number of bytes that are known to arrive. If it is 0, no byte may arrive
    /// for a long time: a transport then must not allocate before bytes are there, so that an idle
    /// connection holds no buffer. Otherwise it should read directly into the memory of `to`.
    ///
    /// # Errors
    ///
    /// The error of the stream. Nothing is read after it.
    fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        to: &mut Pipe,
        expected: usize,
    ) -> Poll<io::Result<usize>>;

    /// Writes once, consumes the written bytes from `from`, and returns their number. `from` is not
    /// empty.
    ///
    /// # Errors
    ///
    /// The error of the stream. Nothing is written after it.
    fn poll_write(&mut self, cx: &mut Context<'_>, from: &mut Pipe) -> Poll<io::Result<usize>>;

    /// Sends the bytes that the transport buffers. A transport without a buffer needs no
    /// implementation. It is called behind the writes, and again until it is ready.
    ///
    /// # Errors
    ///
    /// The error of the stream. Nothing is written after it.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let _ = cx;
        Poll::Ready(Ok(()))
    }

    /// Ends the direction to the peer. The other direction stays open.
    ///
    /// # Errors
    ///
    /// The error of the stream.
    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Makes small writes leave at once (`TCP_NODELAY`), if the transport supports it.
    fn set_nodelay(&self) {}

    /// Makes the peer see a reset when the transport is dropped, if the transport supports it.
    fn reset(&self) {}

    /// Returns the local address.
    ///
    /// # Errors
    ///
    /// The error of the system, or `Unsupported` if the transport has no address.
    fn local_addr(&self) -> io::Result<SocketAddr> {
        Err(no_address())
    }

    /// Returns the address of the peer.
    ///
    /// # Errors
    ///
    /// The error of the system, or `Unsupported` if the transport has no address.
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Err(no_address())
    }

    /// Returns `true` if what was written arrives although the transport is dropped before the peer
    /// has ended its direction. A connection whose stack reads no more then need not wait for that
    /// end. A socket does not promise it: one that is closed with unread bytes is reset.
    fn lingers(&self) -> bool {
        false
    }

    /// Returns `true` if a transport whose peer has ended, and of which everything was read, is ended
    /// in order when it is dropped, as a socket is. [`poll_shutdown`](Self::poll_shutdown) is not
    /// called then.
    fn ends_when_dropped(&self) -> bool {
        false
    }

    /// Returns `true` if a read moves memory that the transport holds, so that none is lent for it.
    fn brings_memory(&self) -> bool {
        false
    }

    /// Returns `true` if its calls block instead of returning `Pending`.
    fn is_blocking(&self) -> bool {
        false
    }

    /// Returns the stream itself, for [`Connection::transport`](crate::Connection::transport) to
    /// downcast.
    fn as_any(&self) -> &dyn Any;

    /// Returns the socket that carries exactly the bytes of this transport. A relay may then move
    /// bytes between two sockets inside the kernel, past the calls of the transport.
    ///
    /// Only sockets of tokio are moved so. A transport that counts, delays or changes the bytes of
    /// another one must not hand this on.
    fn plain_socket(&self) -> Option<&dyn Any> {
        None
    }
}

impl fmt::Debug for dyn Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Transport")
    }
}

/// A conversion into a [`Transport`] of a runtime.
///
/// Transports convert into themselves. Sockets of the standard library become transports of the
/// runtime that the connection runs on.
///
/// ```
/// use wirestack::runtime::IntoTransport;
/// use wirestack::{Connection, Engine, Error, Identity};
///
/// /// Takes a socket of tokio, of smol, of the standard library, or a `TokioTransport`.
/// fn plain(io: impl IntoTransport) -> Result<Connection<Identity>, Error> {
///     Connection::from_transport(io, Engine::new(Identity))
/// }
/// ```
///
/// ```
/// use std::io;
/// use wirestack::Shutdown;
/// use wirestack::runtime::{IntoTransport, Runtime, Transport};
///
/// /// A client that a loop of one's own has accepted, with the end of that loop.
/// struct Client {
///     socket: std::net::TcpStream,
///     shutdown: Shutdown,
/// }
///
/// impl IntoTransport for Client {
///     fn into_transport(self, runtime: &dyn Runtime) -> io::Result<Box<dyn Transport>> {
///         self.socket.into_transport(runtime)
///     }
///
///     fn shutdown_signal(&self) -> Option<Shutdown> {
///         Some(self.shutdown.clone()) // its WebSockets close with 1001
///     }
/// }
/// ```
pub trait IntoTransport {
    /// Converts the value.
    ///
    /// # Errors
    ///
    /// The error of the runtime, which may not support sockets of this kind.
    fn into_transport(self, runtime: &dyn Runtime) -> io::Result<Box<dyn Transport>>;

    /// Returns the signal by which the server ends that accepted this connection, if one did.
    fn shutdown_signal(&self) -> Option<Shutdown> {
        None
    }
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

/// Reads into the memory of the pipe, and reserves as many bytes as are expected.
pub(super) fn read_large(
    to: &mut Pipe,
    expected: usize,
    read: impl FnOnce(&mut BytesMut) -> Poll<io::Result<usize>>,
) -> Poll<io::Result<usize>> {
    let size = expected.clamp(BULK_READ_SIZE, MAX_SPECULATIVE_RESERVE);
    to.fill(|buf| {
        if buf.capacity() - buf.len() < expected.clamp(IDLE_READ_SIZE, BULK_READ_SIZE) {
            buf.reserve(size);
        }
        read(buf)
    })
}

/// Reads into initialized memory, for the traits that need it.
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
    /// The buffer for reads of an idle connection. It is zeroed once, and not at every read.
    static SCRATCH: std::cell::RefCell<[u8; IDLE_READ_SIZE]> =
        const { std::cell::RefCell::new([0; IDLE_READ_SIZE]) };
}

/// Gives the bytes of a pipe to a vectored write, and consumes the written ones.
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
        from.reclaim(n);
    }
    written
}

pub(crate) fn no_address() -> io::Error {
    io::Error::new(
        io::ErrorKind::Unsupported,
        "the transport has no address: it is not a TCP socket",
    )
}

/// The size of a read on an idle connection, in bytes.
pub(crate) const IDLE_READ_SIZE: usize = 8 * 1024;

/// The size of a read while many bytes arrive, in bytes.
pub(crate) const BULK_READ_SIZE: usize = 64 * 1024;

/// The largest reservation for a unit whose length the peer merely claims, in bytes.
const MAX_SPECULATIVE_RESERVE: usize = 1024 * 1024;

/// The largest number of slices in one vectored write.
const MAX_SLICES: usize = 32;
