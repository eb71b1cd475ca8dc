//! What the wire of a stack can be.

use super::stream::Http2Stream;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;

/// What the wire of a connection is that was dialled or accepted here.
#[non_exhaustive]
pub enum Transport {
    /// A TCP connection of its own.
    Tcp(TcpStream),
    /// A connection to a Unix socket.
    #[cfg(unix)]
    Unix(UnixStream),
    /// One stream of many.
    Http2(Http2Stream),
}

impl From<TcpStream> for Transport {
    fn from(io: TcpStream) -> Self {
        Self::Tcp(io)
    }
}

#[cfg(unix)]
impl From<UnixStream> for Transport {
    fn from(io: UnixStream) -> Self {
        Self::Unix(io)
    }
}

/// Does the same with whichever it is.
macro_rules! each {
    ($transport:expr, $io:ident => $act:expr) => {
        match $transport.get_mut() {
            Transport::Tcp(io) => {
                let $io = Pin::new(io);
                $act
            }
            #[cfg(unix)]
            Transport::Unix(io) => {
                let $io = Pin::new(io);
                $act
            }
            Transport::Http2(io) => {
                let $io = Pin::new(io);
                $act
            }
        }
    };
}

impl AsyncRead for Transport {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        each!(self, io => io.poll_read(cx, buf))
    }
}

impl AsyncWrite for Transport {
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
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        each!(self, io => io.poll_write_vectored(cx, slices))
    }
    fn is_write_vectored(&self) -> bool {
        true
    }
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, io => io.poll_flush(cx))
    }
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, io => io.poll_shutdown(cx))
    }
}
