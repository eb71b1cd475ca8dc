//! One stream of an HTTP/2 connection, as a transport for a stack of its own.

use super::shared::{HoldGuard, Shared, is_taken};
use super::waiting::Interest;
use super::{CLOSE_TIMEOUT, Http2};
use crate::driver::error::to_io;
use crate::driver::io::Connection;
use crate::driver::runtime::{AsyncTimer, Transport};
use bytes::Bytes;
use http::Response;
use std::any::Any;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use wirestack_http2::StreamId;
use wirestack_layer::{End, Error, Flow, Pipe};
use wirestack_websocket as websocket;

/// A WebSocket over one stream of an HTTP/2 connection (RFC 8441).
///
/// ```
/// use wirestack::Http2WebSocket;
///
/// async fn say(mut socket: Http2WebSocket) -> Result<(), wirestack::Error> {
///     socket.send("hello").await?;
///     socket.close(1000, "").await
/// }
/// ```
pub type Http2WebSocket = Connection<websocket::Client>;

/// One stream of an HTTP/2 connection: bytes in both directions, and each direction ends by itself.
///
/// It is `AsyncRead` and `AsyncWrite` of tokio (feature `tokio`) and of `futures-io` (feature
/// `futures`), and a [`Transport`] for another stack. Dropping it resets the stream, unless both
/// directions have ended. The other streams go on.
///
/// ```
/// use tokio::io::{AsyncReadExt, AsyncWriteExt};
/// use wirestack::Http2Stream;
///
/// async fn ask(mut stream: Http2Stream) -> std::io::Result<Vec<u8>> {
///     stream.write_all(b"a question").await?;
///     stream.shutdown().await?; // END_STREAM
///     let mut answer = Vec::new();
///     if stream.read_to_end(&mut answer).await.is_err() {
///         stream.reset();
///     }
///     Ok(answer)
/// }
/// ```
pub struct Http2Stream {
    shared: Arc<Shared>,
    id: StreamId,
    _guard: Arc<HoldGuard>,
    /// The timer of `shutdown`.
    closing: Mutex<Option<Pin<Box<dyn AsyncTimer>>>>,
}

impl Http2Stream {
    pub(super) fn new(http2: &Http2, id: StreamId) -> Self {
        Self {
            shared: http2.shared.clone(),
            id,
            _guard: http2.guard.clone(),
            closing: Mutex::new(None),
        }
    }

    /// Resets the stream: sends RST_STREAM with the code CANCEL (RFC 9113 §6.4, §7). After a
    /// shutdown, the bytes that have not left are lost.
    pub fn reset(&self) {
        let mut state = self.shared.lock();
        let reset = || Error::local("http2", Reset);
        if let Some(mut pipe) = state.streams().write(self.id) {
            pipe.abort(reset()); // behind the bytes that wait
        }
        state.streams().reset(self.id, reset()); // if it was finished before
        drop(state);
        self.shared.transmit();
    }

    /// Waits until nobody waits for the answer to the request of this stream any more.
    pub(crate) fn closed(&self) -> impl Future<Output = ()> + Send + use<> {
        let (shared, id) = (self.shared.clone(), self.id);
        poll_fn(move |cx| {
            shared.wait(Interest::Left(id), cx, |state| {
                if state.is_left(id) {
                    Poll::Ready(())
                } else {
                    Poll::Pending
                }
            })
        })
    }

    pub(super) fn is_closed(&self) -> bool {
        self.shared.lock().is_left(self.id)
    }

    pub(crate) fn respond(&self, response: Response<Bytes>) {
        self.shared.lock().streams().respond(self.id, response);
        self.shared.transmit();
    }

    pub(crate) fn respond_interim(&self, response: Response<()>) {
        self.shared
            .lock()
            .streams()
            .respond_interim(self.id, response);
        self.shared.transmit();
    }

    /// Answers with the head of a response, whose content is what is written from now on.
    pub(crate) fn respond_streaming(&self, response: Response<()>) {
        let mut state = self.shared.lock();
        state.streams().respond_streaming(self.id, response);
        drop(state);
        self.shared.transmit();
    }
}

impl Http2Stream {
    /// Reads with `act`, which takes some of the received bytes and returns their number.
    fn read_with(
        &self,
        cx: &mut Context<'_>,
        mut act: impl FnMut(&mut Pipe) -> usize,
    ) -> Poll<io::Result<usize>> {
        let id = self.id;
        self.shared.wait(Interest::Read(id), cx, |state| {
            let Some(mut pipe) = state.connection.engine().to_app().read(id) else {
                return Poll::Ready(Err(closed_error(state.abort_error(id))));
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

    /// Writes with `act`, which puts bytes into the flow and returns their number.
    fn write_with(
        &self,
        cx: &mut Context<'_>,
        mut act: impl FnMut(&mut Pipe) -> usize,
    ) -> Poll<io::Result<usize>> {
        let id = self.id;
        self.shared.wait(Interest::Write(id), cx, |state| {
            let mut is_open = false;
            if let Some(mut pipe) = state.connection.engine().from_app().write(id) {
                is_open = pipe.stop_state().is_none() && !pipe.is_closed();
                if is_open && pipe.room() > 0 && !state.flushing.holds(id) {
                    let written = act(&mut pipe);
                    state.flushing.note(id, written);
                    return Poll::Ready(Ok(written));
                }
            }
            match state.write_error(id) {
                None if is_open => Poll::Pending,
                error => Poll::Ready(Err(closed_error(error))),
            }
        })
    }

    pub(crate) fn poll_read_bytes(
        &mut self,
        cx: &mut Context<'_>,
        max: usize,
        mut take: impl FnMut(&[u8]),
    ) -> Poll<io::Result<usize>> {
        if max == 0 {
            return Poll::Ready(Ok(0));
        }
        self.read_with(cx, |pipe| {
            let n = pipe.first().len().min(max);
            take(&pipe.first()[..n]);
            pipe.consume(n);
            n
        })
    }

    pub(crate) fn poll_write_bytes(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if bytes.is_empty() {
            return Poll::Ready(Ok(0));
        }
        self.write_with(cx, |pipe| {
            let n = bytes.len().min(pipe.room());
            pipe.write(&bytes[..n]);
            n
        })
    }

    /// Takes some of the received bytes, without a copy; empty at the end.
    #[cfg(feature = "proxy-server")]
    pub(crate) fn poll_read_data(&self, cx: &mut Context<'_>) -> Poll<io::Result<Bytes>> {
        let mut data = Bytes::new();
        let read = self.read_with(cx, |pipe| {
            data = pipe.take(pipe.first().len());
            data.len()
        });
        read.map_ok(|_| data)
    }

    /// Moves the first bytes of `data`, without a copy, as far as there is room.
    #[cfg(feature = "proxy-server")]
    pub(crate) fn poll_write_data(
        &self,
        cx: &mut Context<'_>,
        data: &mut Bytes,
    ) -> Poll<io::Result<usize>> {
        self.write_with(cx, |pipe| {
            let n = data.len().min(pipe.room());
            pipe.push(data.split_to(n));
            n
        })
    }

    /// Returns `true` if all that the peer has sent was read, with its end.
    #[cfg(feature = "proxy-server")]
    pub(crate) fn is_read(&self) -> bool {
        let mut state = self.shared.lock();
        let pipe = state.connection.engine().to_app().read(self.id);
        pipe.is_some_and(|pipe| matches!(pipe.end(), Some(End::Finished)))
    }

    pub(crate) fn poll_flush_bytes(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let id = self.id;
        self.shared.wait(Interest::Flush(id), cx, |state| {
            if let Some(error) = state.undelivered_error(id) {
                return Poll::Ready(Err(to_io(&error)));
            }
            if state.flushing.take_flushed(id) {
                return Poll::Ready(Ok(()));
            }
            if !is_taken(state.streams(), id) {
                return Poll::Pending;
            }
            if !state.connection.is_drained() {
                state.flushing.begin();
                return Poll::Pending;
            }
            Poll::Ready(Ok(()))
        })
    }

    /// Ends the direction to the peer, and waits for at most 10 s until all written bytes have
    /// left.
    pub(crate) fn poll_shutdown_bytes(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.finish();
        let flushed = self.poll_flush_bytes(cx);
        let shared = &self.shared;
        let timer = self
            .closing
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        if flushed.is_ready() {
            *timer = None;
            return flushed;
        }
        let closing = timer.get_or_insert_with(|| {
            let runtime = shared.lock().connection.runtime().clone();
            runtime.new_timer(runtime.now() + CLOSE_TIMEOUT)
        });
        ready!(closing.as_mut().poll_expired(cx))?;
        *timer = None;
        let text = format!(
            "http2: shutdown: the peer did not accept all written bytes within {CLOSE_TIMEOUT:?}; \
             flush before the shutdown"
        );
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, text)))
    }

    pub(crate) fn finish(&self) {
        let mut guard = self.shared.lock();
        let state = &mut *guard;
        if let Some(mut pipe) = state.connection.engine().from_app().write(self.id)
            && !pipe.is_closed()
        {
            pipe.finish();
            state.flushing.note(self.id, 0);
        }
        drop(guard);
        self.shared.transmit();
    }
}

/// Moves bytes from flow to flow, large amounts without a copy.
impl Transport for Http2Stream {
    fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        to: &mut Pipe,
        _: usize,
    ) -> Poll<io::Result<usize>> {
        self.read_with(cx, |pipe| {
            let before = pipe.len();
            transfer_pieces(pipe, to);
            before - pipe.len()
        })
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, from: &mut Pipe) -> Poll<io::Result<usize>> {
        self.write_with(cx, |pipe| {
            let before = from.len();
            if before < FEW && before == from.first().len() && before <= pipe.room() {
                // The memory of the connection above stays where it is, for the next message.
                pipe.write(from.first());
                from.consume(before);
            } else {
                transfer_pieces(from, pipe);
            }
            before - from.len()
        })
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.finish();
        self.poll_flush_bytes(cx) // the stack above has a time limit of its own
    }

    fn reset(&self) {
        Self::reset(self);
    }

    fn brings_memory(&self) -> bool {
        true
    }

    fn lingers(&self) -> bool {
        true // the layer gives a stream that is finished some time
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Drop for Http2Stream {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        if let Some(mut pipe) = state.streams().write(self.id) {
            pipe.abort(Error::local("http2", Reset)); // it changes nothing after a clean end
        }
        state.connection.engine().to_app().forget(self.id);
        state.responses.remove(&self.id);
        state.flushing.forget(self.id);
        drop(state);
        self.shared.forget_wakers(self.id);
        self.shared.transmit();
    }
}

/// The error of a read or write on a closed stream.
fn closed_error(aborted: Option<Error>) -> io::Error {
    aborted.map_or_else(|| io::ErrorKind::BrokenPipe.into(), |error| to_io(&error))
}

/// Moves as many pieces as there is room for, the last one beyond it: a piece that two flows share
/// would be copied again, and its memory could not come back. A larger piece is many small frames, as
/// many as a window has: it is cut. What is for a flow that was stopped is discarded.
fn transfer_pieces(from: &mut Pipe, to: &mut Pipe) {
    while to.room() > 0 && !from.is_empty() {
        let (piece, room) = (from.first().len(), to.room());
        let n = match piece {
            _ if from.len() <= room => from.len(),
            1..=LARGEST_PIECE => piece,
            _ => room,
        };
        from.transfer_up_to(to, n);
    }
}

/// The length of the largest piece that is not cut, in bytes: a frame of the default size.
const LARGEST_PIECE: usize = 80 * 1024;

/// Fewer bytes are copied from flow to flow.
const FEW: usize = 1024;

#[derive(Debug, thiserror::Error)]
#[error("the stream was reset by this side")]
struct Reset;

impl fmt::Debug for Http2Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http2Stream").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_moved_whole_and_many_small_ones_are_cut_where_the_room_ends() {
        let window = || Pipe::with_limit(1 << 20);
        let mut frames = window();
        for _ in 0..12 {
            frames.push(vec![7; LARGEST_PIECE].into());
        }
        let mut small_frames = window();
        for _ in 0..1000 {
            small_frames.write(&[7; 1000]);
        }
        for (mut from, moved) in [(frames, LARGEST_PIECE), (small_frames, 64 * 1024)] {
            let mut to = Pipe::with_limit(64 * 1024);
            let mut whole = from.len();
            while !from.is_empty() {
                transfer_pieces(&mut from, &mut to);
                assert_eq!(to.len(), moved.min(whole));
                whole -= to.len();
                to.discard();
            }
        }
    }
}
