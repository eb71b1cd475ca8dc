//! Streams of `futures-io` as transports.

use super::Transport;
use super::transport::{read_initialized, write_slices};
use super::turn::in_turns;
use futures_io::{AsyncRead, AsyncWrite};
use std::any::Any;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use wirestack_layer::Pipe;

/// A transport around any `AsyncRead` and `AsyncWrite` of `futures-io`. It cannot send a reset: an
/// aborted connection closes the stream.
///
/// ```
/// use smol::io::AssertAsync;
/// use std::io::Cursor;
/// use wirestack::runtime::FuturesTransport;
///
/// // Whatever implements the traits of `futures-io`.
/// let transport = FuturesTransport::new(AssertAsync::new(Cursor::new(Vec::<u8>::new())));
/// drop(transport);
/// ```
#[derive(Debug)]
pub struct FuturesTransport<S>(S);

impl<S> FuturesTransport<S> {
    /// Wraps a stream.
    pub fn new(io: S) -> Self {
        Self(io)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Transport for FuturesTransport<S> {
    fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        to: &mut Pipe,
        expected: usize,
    ) -> Poll<io::Result<usize>> {
        in_turns(cx, |cx| {
            read_initialized(to, expected, |buf| Pin::new(&mut self.0).poll_read(cx, buf))
        })
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, from: &mut Pipe) -> Poll<io::Result<usize>> {
        write_slices(from, |slices| write(Pin::new(&mut self.0), cx, slices))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_close(cx)
    }

    fn as_any(&self) -> &dyn Any {
        &self.0
    }
}

pub(super) fn write(
    io: Pin<&mut impl AsyncWrite>,
    cx: &mut Context<'_>,
    slices: &[IoSlice<'_>],
) -> Poll<io::Result<usize>> {
    match slices {
        [one] => io.poll_write(cx, one),
        many => io.poll_write_vectored(cx, many),
    }
}
