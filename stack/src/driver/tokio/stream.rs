//! One stream of an HTTP/2 connection, as a transport for a stack of its own.

use super::http2::Http2;
use super::hub::{Hold, Interest, Shared};
use super::{Connection, Transport};
use crate::driver::to_io;
use crate::http2::StreamId;
use crate::{End, Error, Flow, websocket};
use bytes::Bytes;
use http::Response;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A WebSocket over one stream of an HTTP/2 connection.
pub type Http2WebSocket<S = Transport> = Connection<Http2Stream<S>, websocket::Client>;

/// One stream of an HTTP/2 connection: bytes in both directions, each with an end of its own.
///
/// Dropping it resets the stream, unless both directions have ended. The other streams go on.
pub struct Http2Stream<S: AsyncRead + AsyncWrite + Unpin + Send + 'static = Transport> {
    shared: Arc<Shared<S>>,
    id: StreamId,
    _hold: Arc<Hold>,
}

impl<S> Http2Stream<S>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    pub(super) fn new(http2: &Http2<S>, id: StreamId) -> Self {
        Self {
            shared: http2.shared.clone(),
            id,
            _hold: http2.hold.clone(),
        }
    }
    /// Resets the stream: the peer sees that it was cut short (RST_STREAM with CANCEL).
    pub fn reset(&self) {
        if let Some(mut pipe) = self.shared.lock().streams().write(self.id) {
            pipe.abort(Error::local("http2", Reset));
        }
        self.shared.go_on();
    }
    pub(super) fn respond(&self, response: Response<Bytes>) {
        self.shared.lock().streams().respond(self.id, response);
        self.shared.go_on();
    }
}

impl<S> AsyncRead for Http2Stream<S>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let id = self.id;
        self.shared.wait(Interest::Read(id), cx, |state| {
            let Some(mut pipe) = state.connection.engine().to_app().read(id) else {
                return Poll::Ready(Err(gone(state.cut_short(id))));
            };
            let n = pipe.first().len().min(buf.remaining());
            if n > 0 || buf.remaining() == 0 {
                buf.put_slice(&pipe.first()[..n]);
                pipe.consume(n);
                return Poll::Ready(Ok(()));
            }
            match pipe.end() {
                None => Poll::Pending,
                Some(End::Finished) => Poll::Ready(Ok(())),
                Some(End::Aborted(error)) => Poll::Ready(Err(to_io(error))),
            }
        })
    }
}

impl<S> AsyncWrite for Http2Stream<S>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let id = self.id;
        self.shared.wait(Interest::Write(id), cx, |state| {
            let cut = state.cut_short(id);
            match state.streams().write(id) {
                Some(mut pipe) if cut.is_none() && !pipe.is_closed() => {
                    let n = bytes.len().min(pipe.room());
                    if n == 0 && !bytes.is_empty() {
                        return Poll::Pending;
                    }
                    pipe.write(&bytes[..n]);
                    Poll::Ready(Ok(n))
                }
                _ => Poll::Ready(Err(gone(cut))),
            }
        })
    }
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let id = self.id;
        self.shared.wait(Interest::Flush(id), cx, |state| {
            if let Some(error) = state.cut_short(id) {
                return Poll::Ready(Err(to_io(&error)));
            }
            let waits = match state.streams().write(id) {
                Some(pipe) => !pipe.is_empty(),
                None => false,
            };
            match waits || !state.connection.engine().has_left() {
                true => Poll::Pending,
                false => Poll::Ready(Ok(())),
            }
        })
    }
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(mut pipe) = self.shared.lock().streams().write(self.id) {
            pipe.finish();
        }
        self.shared.go_on();
        self.poll_flush(cx)
    }
}

impl<S> Drop for Http2Stream<S>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        if let Some(mut pipe) = state.streams().write(self.id) {
            pipe.abort(Error::local("http2", Reset)); // nothing, if it has finished
        }
        state.connection.engine().to_app().forget(self.id);
        state.responses.remove(&self.id);
        drop(state);
        self.shared.dismiss(self.id);
        self.shared.go_on();
    }
}

/// The error of a stream that is no more.
fn gone(cut: Option<Error>) -> io::Error {
    cut.map_or_else(|| io::ErrorKind::BrokenPipe.into(), |error| to_io(&error))
}

#[derive(Debug, thiserror::Error)]
#[error("the stream was given up on this side")]
struct Reset;
