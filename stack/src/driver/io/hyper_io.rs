//! A connection for `hyper`.

use super::Connection;
use hyper::rt::{Read, ReadBufCursor, Write};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use wirestack_nest::BoxTunnel;

/// A connection with the traits of `hyper`.
#[derive(Debug)]
pub(crate) struct HyperIo {
    pub(crate) io: Connection<BoxTunnel>,
    /// Counts the bytes that move in either direction, for somebody who watches them.
    moved: Option<Arc<AtomicU64>>,
}

impl HyperIo {
    pub(crate) fn new(io: Connection<BoxTunnel>) -> Self {
        Self { io, moved: None }
    }

    /// Creates a connection, and the count of its bytes.
    #[cfg(feature = "proxy-server")]
    pub(crate) fn counted(io: Connection<BoxTunnel>) -> (Self, Arc<AtomicU64>) {
        let moved = Arc::new(AtomicU64::new(0));
        let io = Self {
            io,
            moved: Some(moved.clone()),
        };
        (io, moved)
    }

    /// Reads, and shows what was read.
    pub(crate) fn poll_read_seen(
        &mut self,
        cx: &mut Context<'_>,
        mut buf: ReadBufCursor<'_>,
        mut see: impl FnMut(&[u8]),
    ) -> Poll<io::Result<()>> {
        let most = buf.remaining();
        let read = self.io.poll_read_bytes(cx, most, |bytes| {
            see(bytes);
            buf.put_slice(bytes);
        });
        self.count(ready!(read)?);
        Poll::Ready(Ok(()))
    }

    fn count(&self, bytes: usize) {
        if let Some(moved) = &self.moved {
            moved.fetch_add(bytes as u64, Ordering::Relaxed);
        }
    }
}

impl Read for HyperIo {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        self.get_mut().poll_read_seen(cx, buf, |_| {})
    }
}

impl Write for HyperIo {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = ready!(this.io.poll_write_bytes(cx, bytes))?;
        this.count(written);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().io.poll_flush_bytes(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().io.poll_shutdown_bytes(cx)
    }
}
