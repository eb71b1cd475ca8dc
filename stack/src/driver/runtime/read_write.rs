//! Streams that are read and written by calls that block.

use super::Transport;
use super::transport::{read_initialized, write_slices};
use std::any::Any;
use std::io::{self, ErrorKind, Read, Write};
use std::task::{Context, Poll};
use wirestack_layer::Pipe;

/// Any [`Read`] and [`Write`] as a transport. Its calls block the thread that they are made on.
///
/// If reads and writes of the stream time out, time-outs of the layers are served in between; otherwise
/// only when the peer is heard. It cannot be split for two threads.
#[derive(Debug)]
pub struct StdTransport<S>(S);

impl<S> StdTransport<S> {
    /// Wraps a stream. It has to block or to time out: one that is non-blocking keeps its thread busy.
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
        read_initialized(to, expected, |buf| outcome(cx, self.0.read(buf)))
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, from: &mut Pipe) -> Poll<io::Result<usize>> {
        write_slices(from, |slices| outcome(cx, self.0.write_vectored(slices)))
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.0.flush())
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

fn outcome(cx: &mut Context<'_>, result: io::Result<usize>) -> Poll<io::Result<usize>> {
    match result {
        Err(error) if timed_out(error.kind()) => {
            cx.waker().wake_by_ref();
            Poll::Pending
        }
        result => Poll::Ready(result),
    }
}

fn timed_out(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
    )
}
