//! Streams with blocking calls as transports.

use super::Transport;
use super::transport::{read_initialized, write_slices};
use std::any::Any;
use std::io::{self, ErrorKind, Read, Write};
use std::task::{Context, Poll};
use wirestack_layer::Pipe;

/// A transport around any [`Read`] and [`Write`]. Its calls block their thread.
///
/// The layers can keep their time-outs only between two calls. So give the stream a short time-out
/// for reads and writes: without one, a time-out of a layer waits until bytes arrive. A connection
/// on this transport cannot be split for two threads.
///
/// ```
/// use std::io::Cursor;
/// use wirestack::runtime::StdTransport;
///
/// // Whatever implements `Read` and `Write`, for calls that wait.
/// let transport = StdTransport::new(Cursor::new(Vec::<u8>::new()));
/// drop(transport);
/// ```
#[derive(Debug)]
pub struct StdTransport<S>(S);

impl<S> StdTransport<S> {
    /// Wraps a stream. Its calls must block or time out: a non-blocking stream would keep its
    /// thread busy.
    pub fn new(io: S) -> Self {
        Self(io)
    }
}

impl<S: Read + Write + Send + 'static> Transport for StdTransport<S> {
    fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        to: &mut Pipe,
        expected: usize,
    ) -> Poll<io::Result<usize>> {
        read_initialized(to, expected, |buf| {
            pending_if_timed_out(cx, self.0.read(buf))
        })
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, from: &mut Pipe) -> Poll<io::Result<usize>> {
        write_slices(from, |slices| {
            pending_if_timed_out(cx, self.0.write_vectored(slices))
        })
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        pending_if_timed_out(cx, self.0.flush())
    }

    fn poll_shutdown(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn is_blocking(&self) -> bool {
        true
    }

    fn as_any(&self) -> &dyn Any {
        &self.0
    }
}

fn pending_if_timed_out<T>(cx: &mut Context<'_>, result: io::Result<T>) -> Poll<io::Result<T>> {
    match result {
        Err(error) if is_timeout(error.kind()) => {
            cx.waker().wake_by_ref();
            Poll::Pending
        }
        result => Poll::Ready(result),
    }
}

fn is_timeout(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
    )
}
