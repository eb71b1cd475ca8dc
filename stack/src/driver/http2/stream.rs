//! One stream of an HTTP/2 connection, as a transport for a stack of its own.

use super::shared::{HoldGuard, Interest, Shared};
use super::{CLOSE_TIMEOUT, Http2};
use crate::driver::error::to_io;
use crate::driver::io::Connection;
use crate::driver::runtime::{AsyncTimer, Transport};
use bytes::Bytes;
use http::Response;
use std::any::Any;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use wirestack_http2::StreamId;
use wirestack_layer::{End, Error, Flow, Pipe};
use wirestack_websocket as websocket;

/// A WebSocket over one stream of an HTTP/2 connection.
pub type Http2WebSocket = Connection<websocket::Client>;

/// One stream of an HTTP/2 connection: bytes in both directions, each with an end of its own.
///
/// Dropping it resets the stream, unless both directions have ended. The other streams go on.
pub struct Http2Stream {
    shared: Arc<Shared>,
    id: StreamId,
    _guard: Arc<HoldGuard>,
    /// Expires when this direction has not ended in time.
    closing: Option<Pin<Box<dyn AsyncTimer>>>,
}

impl Http2Stream {
    pub(super) fn new(http2: &Http2, id: StreamId) -> Self {
        Self {
            shared: http2.shared.clone(),
            id,
            _guard: http2.guard.clone(),
            closing: None,
        }
    }

    /// Resets the stream: the peer sees that it was cut short (RST_STREAM with CANCEL).
    pub fn reset(&self) {
        if let Some(mut pipe) = self.shared.lock().streams().write(self.id) {
            pipe.abort(Error::local("http2", Reset));
        }
        self.shared.progress();
    }

    pub(super) fn respond(&self, response: Response<Bytes>) {
        self.shared.lock().streams().respond(self.id, response);
        self.shared.progress();
    }
}

impl Http2Stream {
    /// Reads by `act`, which returns how many bytes it took out of those that wait.
    fn read_by(
        &self,
        cx: &mut Context<'_>,
        mut act: impl FnMut(&mut Pipe) -> usize,
    ) -> Poll<io::Result<usize>> {
        let id = self.id;
        self.shared.wait(Interest::Read(id), cx, |state| {
            let Some(mut pipe) = state.connection.engine().to_app().read(id) else {
                return Poll::Ready(Err(gone(state.cut_short(id))));
            };
            if !pipe.is_empty() {
                return Poll::Ready(Ok(act(&mut pipe)));
            }
            match pipe.end() {
                None => Poll::Pending,
                Some(End::Finished) => Poll::Ready(Ok(0)),
                Some(End::Aborted(error)) => Poll::Ready(Err(to_io(error))),
            }
        })
    }

    /// Writes by `act`, which returns how many bytes it put where there is room for some.
    fn write_by(
        &self,
        cx: &mut Context<'_>,
        mut act: impl FnMut(&mut Pipe) -> usize,
    ) -> Poll<io::Result<usize>> {
        let id = self.id;
        self.shared.wait(Interest::Write(id), cx, |state| {
            let cut = state.refused(id);
            match state.streams().write(id) {
                Some(pipe) if cut.is_none() && !pipe.is_closed() && pipe.room() == 0 => {
                    Poll::Pending
                }
                Some(mut pipe) if cut.is_none() && !pipe.is_closed() => {
                    Poll::Ready(Ok(act(&mut pipe)))
                }
                _ => Poll::Ready(Err(gone(cut))),
            }
        })
    }

    pub(crate) fn poll_take(
        &mut self,
        cx: &mut Context<'_>,
        most: usize,
        mut take: impl FnMut(&[u8]),
    ) -> Poll<io::Result<usize>> {
        if most == 0 {
            return Poll::Ready(Ok(0));
        }
        self.read_by(cx, |pipe| {
            let n = pipe.first().len().min(most);
            take(&pipe.first()[..n]);
            pipe.consume(n);
            n
        })
    }

    pub(crate) fn poll_put(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if bytes.is_empty() {
            return Poll::Ready(Ok(0));
        }
        self.write_by(cx, |pipe| {
            let n = bytes.len().min(pipe.room());
            pipe.write(&bytes[..n]);
            n
        })
    }

    pub(crate) fn poll_left(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let id = self.id;
        self.shared.wait(Interest::Flush(id), cx, |state| {
            if let Some(error) = state.lost(id) {
                return Poll::Ready(Err(to_io(&error)));
            }
            let waits = state.streams().write(id).is_some_and(|it| !it.is_empty());
            if waits || !state.connection.engine().is_drained() {
                Poll::Pending
            } else {
                Poll::Ready(Ok(()))
            }
        })
    }

    /// Ends this direction, and waits until everything has left, for ten seconds at most.
    pub(crate) fn poll_finish(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.finish();
        let left = self.poll_left(cx);
        if left.is_ready() {
            self.closing = None;
            return left;
        }
        let shared = &self.shared;
        let closing = self.closing.get_or_insert_with(|| {
            let runtime = shared.lock().connection.runtime().clone();
            runtime.new_timer(runtime.now() + CLOSE_TIMEOUT)
        });
        ready!(closing.as_mut().poll_expired(cx))?;
        self.closing = None;
        let text = "the peer did not take everything in time";
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, text)))
    }

    fn finish(&self) {
        if let Some(mut pipe) = self.shared.lock().streams().write(self.id) {
            pipe.finish();
        }
        self.shared.progress();
    }
}

/// Bytes go from flow to flow, without a copy where they are many.
impl Transport for Http2Stream {
    fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        to: &mut Pipe,
        _: usize,
    ) -> Poll<io::Result<usize>> {
        self.read_by(cx, |pipe| {
            let before = pipe.len();
            pipe.transfer_to(to);
            before - pipe.len()
        })
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, from: &mut Pipe) -> Poll<io::Result<usize>> {
        self.write_by(cx, |pipe| {
            let before = from.len();
            from.transfer_to(pipe);
            before - from.len()
        })
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.finish();
        self.poll_left(cx) // the stack above has a limit of its own
    }

    fn reset(&self) {
        Self::reset(self);
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Drop for Http2Stream {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        if let Some(mut pipe) = state.streams().write(self.id) {
            pipe.abort(Error::local("http2", Reset)); // nothing, if it has finished
        }
        state.connection.engine().to_app().forget(self.id);
        state.responses.remove(&self.id);
        drop(state);
        self.shared.dismiss(self.id);
        self.shared.progress();
    }
}

/// The error of a stream that is no more.
fn gone(cut: Option<Error>) -> io::Error {
    cut.map_or_else(|| io::ErrorKind::BrokenPipe.into(), |error| to_io(&error))
}

#[derive(Debug, thiserror::Error)]
#[error("the stream was given up on this side")]
struct Reset;

impl fmt::Debug for Http2Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http2Stream").finish_non_exhaustive()
    }
}
