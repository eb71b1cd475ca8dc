//! smol as a runtime.

use super::Runtime;
use futures_io::{AsyncRead, AsyncWrite};
use smol::net::TcpStream;
#[cfg(unix)]
use smol::net::unix::UnixStream;
use std::io::{self, IoSlice, IoSliceMut};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// smol, whose reactor and threads are there without being started.
#[derive(Clone, Copy, Debug, Default)]
pub struct Smol;

/// What the wire of a connection is that was dialled on smol.
#[derive(Debug)]
#[non_exhaustive]
pub enum SmolTransport {
    /// A TCP connection.
    Tcp(TcpStream),
    /// A connection to a Unix socket.
    #[cfg(unix)]
    Unix(UnixStream),
}

#[expect(clippy::manual_async_fn, reason = "its futures borrow nothing")]
impl Runtime for Smol {
    type Stream = SmolTransport;
    fn connect(
        &self,
        to: SocketAddr,
    ) -> impl Future<Output = io::Result<SmolTransport>> + Send + 'static {
        async move {
            let io = TcpStream::connect(to).await?;
            Ok(SmolTransport::Tcp(io))
        }
    }
    fn resolve(
        &self,
        host: String,
        port: u16,
    ) -> impl Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'static {
        smol::net::resolve((host, port))
    }
    fn timer(&self, until: Instant) -> impl Future<Output = ()> + Send + 'static {
        async move {
            smol::Timer::at(until).await;
        }
    }
    fn block<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output = T> + Send + 'static {
        smol::unblock(work)
    }
    #[cfg(unix)]
    fn connect_unix(
        &self,
        path: PathBuf,
    ) -> impl Future<Output = io::Result<SmolTransport>> + Send + 'static {
        async move {
            let io = UnixStream::connect(path).await?;
            Ok(SmolTransport::Unix(io))
        }
    }
    fn undelay(io: &SmolTransport) {
        if let SmolTransport::Tcp(io) = io {
            let _ = io.set_nodelay(true); // fails on a dead socket only, which a read tells
        }
    }
    fn cut(io: &SmolTransport) {
        match io {
            SmolTransport::Tcp(io) => {
                let _ = socket2::SockRef::from(io).set_linger(Some(Duration::ZERO));
            }
            #[cfg(unix)]
            SmolTransport::Unix(_) => {}
        }
    }
}

impl From<TcpStream> for SmolTransport {
    fn from(io: TcpStream) -> Self {
        Self::Tcp(io)
    }
}

#[cfg(unix)]
impl From<UnixStream> for SmolTransport {
    fn from(io: UnixStream) -> Self {
        Self::Unix(io)
    }
}

/// Does the same with whichever it is.
macro_rules! each {
    ($transport:expr, $io:ident => $act:expr) => {
        match $transport.get_mut() {
            SmolTransport::Tcp(io) => {
                let $io = Pin::new(io);
                $act
            }
            #[cfg(unix)]
            SmolTransport::Unix(io) => {
                let $io = Pin::new(io);
                $act
            }
        }
    };
}

impl AsyncRead for SmolTransport {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        each!(self, io => io.poll_read(cx, buf))
    }
    fn poll_read_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        each!(self, io => io.poll_read_vectored(cx, bufs))
    }
}

impl AsyncWrite for SmolTransport {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        each!(self, io => io.poll_write(cx, bytes))
    }
    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        each!(self, io => io.poll_write_vectored(cx, slices))
    }
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, io => io.poll_flush(cx))
    }
    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, io => io.poll_close(cx))
    }
}
