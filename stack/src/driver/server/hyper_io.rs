//! A connection and a clock for `hyper`.

use crate::driver::io::Connection;
use crate::driver::runtime::{AsyncTimer, Runtime};
use hyper::rt::{Read, ReadBufCursor, Sleep, Timer, Write};
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use wirestack_nest::BoxTunnel;

/// The connection of a client. It counts the bytes that move in either direction.
pub(crate) struct HyperIo {
    pub(crate) io: Connection<BoxTunnel>,
    pub(crate) moved: Arc<AtomicU64>,
}

impl HyperIo {
    fn count(&self, bytes: usize) {
        self.moved.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

impl Read for HyperIo {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let most = buf.remaining();
        let read = this
            .io
            .poll_read_bytes(cx, most, |bytes| buf.put_slice(bytes));
        this.count(ready!(read)?);
        Poll::Ready(Ok(()))
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

/// The clock of a runtime.
pub(crate) struct HyperTimer(pub(crate) Arc<dyn Runtime>);

impl Timer for HyperTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        let due = self.0.now().checked_add(duration);
        Box::pin(HyperSleep {
            timer: due.map(|due| Mutex::new(self.0.new_timer(due))),
        })
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        self.sleep(deadline.saturating_duration_since(Instant::now()))
    }
}

/// A wait of `hyper`.
struct HyperSleep {
    /// `None` if the time never comes.
    timer: Option<Mutex<Pin<Box<dyn AsyncTimer>>>>,
}

impl Sleep for HyperSleep {}

impl Future for HyperSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(timer) = &mut self.timer else {
            return Poll::Pending;
        };
        let timer = timer.get_mut().unwrap_or_else(PoisonError::into_inner);
        // A runtime without timers makes it late at once, as nothing would ever end it.
        timer.as_mut().poll_expired(cx).map(drop)
    }
}
