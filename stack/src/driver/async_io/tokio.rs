//! Stacks whose application side is bytes, as tokio's streams of bytes.

use crate::driver::http2::Http2Stream;
use crate::driver::io::{Connection, Handle, Reader, Writer};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use wirestack_layer::{Layer, Pipe};

macro_rules! reads {
    ($([$($generics:tt)*] $holder:ty),*) => {$(
        /// Reads what the stack received. Bytes are never lost: a read that is dropped has taken none.
        impl<$($generics)*> AsyncRead for $holder {
            fn poll_read(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buf: &mut ReadBuf<'_>,
            ) -> Poll<io::Result<()>> {
                let most = buf.remaining();
                let taken = self.get_mut().poll_take(cx, most, |bytes| buf.put_slice(bytes));
                taken.map_ok(|_| ())
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
        /// Writes go to the transport at once as far as it takes them; `flush` waits for the rest, and
        /// `shutdown` ends this direction and leaves the other open if the stack
        /// [carries half-close](Layer::carries_half_close).
        impl<$($generics)*> AsyncWrite for $holder {
            fn poll_write(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                bytes: &[u8],
            ) -> Poll<io::Result<usize>> {
                self.get_mut().poll_put(cx, bytes)
            }

            fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.get_mut().poll_left(cx)
            }

            fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.get_mut().poll_finish(cx)
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
