//! `AsyncRead` and `AsyncWrite` of tokio, for connections that carry bytes.

use crate::driver::http2::Http2Stream;
use crate::driver::io::{Connection, Handle, Reader, Writer};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use wirestack_layer::{Layer, Pipe};

macro_rules! reads {
    ($([$($generics:tt)*] $holder:ty),*) => {$(
        /// Reads the bytes that the stack received. A read that is dropped while it waits has taken
        /// none.
        impl<$($generics)*> AsyncRead for $holder {
            fn poll_read(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buf: &mut ReadBuf<'_>,
            ) -> Poll<io::Result<()>> {
                let max = buf.remaining();
                let stream = self.get_mut();
                let read = stream.poll_read_bytes(cx, max, |bytes| buf.put_slice(bytes));
                read.map_ok(|_| ())
            }
        }
    )*};
}
reads!(
    [L: Layer<In = Pipe, Out = Pipe>] Connection<L>,
    [L: Layer<In = Pipe, Out = Pipe>] Handle<L>,
    [L: Layer<In = Pipe, Out = Pipe>] Reader<L>,
    [] Http2Stream
);

macro_rules! writes {
    ($([$($generics:tt)*] $holder:ty),*) => {$(
        /// Writes bytes: as many as possible go to the transport at once, and `flush` waits for the
        /// rest. `shutdown` ends the direction to the peer; the other one stays open if the stack
        /// [carries half-close](Layer::carries_half_close).
        impl<$($generics)*> AsyncWrite for $holder {
            fn poll_write(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                bytes: &[u8],
            ) -> Poll<io::Result<usize>> {
                self.get_mut().poll_write_bytes(cx, bytes)
            }

            fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.get_mut().poll_flush_bytes(cx)
            }

            fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.get_mut().poll_shutdown_bytes(cx)
            }
        }
    )*};
}
writes!(
    [L: Layer<In = Pipe, Out = Pipe>] Connection<L>,
    [L: Layer<In = Pipe, Out = Pipe>] Handle<L>,
    [L: Layer<In = Pipe, Out = Pipe>] Writer<L>,
    [] Http2Stream
);
