//! The socket and the task of h2: two pipes behind `AsyncRead` and `AsyncWrite`, and its wakers.

use crate::frames::HEADER;
use crate::lent::LentPieces;
use crate::stream_id::StreamId;
use bytes::BytesMut;
use std::io;
use std::mem;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use wirestack_layer::{End, Flow, Pipe};

/// The socket of h2: the two pipes between a layer and h2.
#[derive(Clone, Default)]
pub(crate) struct Io(Arc<Mutex<Pipes>>);

pub(crate) struct Pipes {
    pub(crate) incoming: Pipe,
    pub(crate) outgoing: Pipe,
    /// `true` while h2 has bytes to write for which there was no room.
    pub(crate) blocked: bool,
    pub(crate) lent: LentPieces,
    /// h2 reads the header of a large frame alone. It then makes room for the whole frame at once,
    /// and copies its beginning to no larger memory.
    pub(crate) header_first: bool,
}

impl Default for Pipes {
    fn default() -> Self {
        Self {
            incoming: Pipe::new(),
            outgoing: Pipe::with_limit(OUTGOING),
            blocked: false,
            lent: LentPieces::default(),
            header_first: false,
        }
    }
}

impl Pipes {
    /// Moves what h2 has written to the wire. Few bytes are copied, so that the memory of both pipes
    /// stays where it is.
    pub(crate) fn send(&mut self, to_wire: &mut Pipe) {
        let len = self.outgoing.len();
        let few = len < FEW && len == self.outgoing.first().len() && len <= to_wire.room();
        if few && !to_wire.is_closed() && to_wire.stop_state().is_none() {
            to_wire.write(self.outgoing.first());
            self.outgoing.consume(len);
        } else if to_wire.is_empty() {
            self.outgoing.transfer_all_to(to_wire);
        } else {
            self.outgoing.transfer_to(to_wire);
        }
    }
}

impl Io {
    pub(crate) fn pipes(&self) -> MutexGuard<'_, Pipes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, slices: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let pipes = &mut *self.pipes();
        let wanted: usize = slices.iter().map(|slice| slice.len()).sum();
        let written = wanted.min(pipes.outgoing.room());
        if written < FEW && pipes.outgoing.capacity() == 0 {
            pipes.outgoing.lend(BytesMut::with_capacity(FEW));
        }
        let mut rest = written;
        for slice in slices {
            let slice = &slice[..slice.len().min(rest)];
            rest -= slice.len();
            match pipes.lent.find(slice) {
                Some(piece) => pipes.outgoing.push(piece),
                None => pipes.outgoing.write(slice),
            }
        }
        pipes.blocked = wanted > 0 && written == 0;
        if pipes.blocked {
            return Poll::Pending; // `process` polls again when there is room
        }
        Poll::Ready(Ok(written))
    }
}

impl AsyncRead for Io {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let pipes = &mut *self.pipes();
        let incoming = &mut pipes.incoming;
        if let Some(end) = incoming.end() {
            return Poll::Ready(match end {
                End::Finished => Ok(()),
                End::Aborted(error) => Err(io::Error::other(error.clone())),
            });
        }
        let mut n = incoming.first().len().min(buf.remaining());
        if mem::take(&mut pipes.header_first) {
            n = n.min(HEADER);
        }
        if n == 0 {
            return Poll::Pending; // `process` polls again when there is more
        }
        buf.put_slice(&incoming.first()[..n]);
        incoming.consume(n);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Io {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.write(&[io::IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.write(slices)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// The tasks of h2 that were woken: the connection, and streams.
pub(crate) struct Woken {
    list: Arc<WokenList>,
    waker: Waker,
}

#[derive(Default)]
struct WokenList {
    connection: AtomicBool,
    streams: Mutex<Vec<StreamId>>,
    /// There may be a stream in the list.
    any_stream: AtomicBool,
}

impl Default for Woken {
    fn default() -> Self {
        let list = Arc::<WokenList>::default();
        let waker = Waker::from(list.clone());
        Self { list, waker }
    }
}

impl Woken {
    pub(crate) fn take_connection(&self) -> bool {
        self.list.connection.swap(false, Ordering::AcqRel)
    }

    pub(crate) fn take_streams(&self, into: &mut Vec<StreamId>) {
        if self.list.any_stream.swap(false, Ordering::AcqRel) {
            into.append(&mut self.list.streams());
        }
    }

    pub(crate) fn has_streams(&self) -> bool {
        self.list.any_stream.load(Ordering::Acquire)
    }

    pub(crate) fn is_empty(&self) -> bool {
        !self.list.connection.load(Ordering::Acquire) && !self.has_streams()
    }

    /// Makes the waker of one stream.
    pub(crate) fn stream(&self, stream: StreamId) -> Arc<StreamWaker> {
        Arc::new(StreamWaker {
            woken: self.list.clone(),
            stream,
            queued: AtomicBool::new(false),
        })
    }

    /// Returns the waker of the connection.
    pub(crate) fn waker(&self) -> &Waker {
        &self.waker
    }
}

impl WokenList {
    fn streams(&self) -> MutexGuard<'_, Vec<StreamId>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for WokenList {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.connection.store(true, Ordering::Release);
    }
}

/// The waker of a stream. It adds the stream to the woken ones, once.
pub(crate) struct StreamWaker {
    woken: Arc<WokenList>,
    stream: StreamId,
    queued: AtomicBool,
}

impl StreamWaker {
    /// Notes that the stream is about to be processed.
    pub(crate) fn begin(&self) {
        self.queued.store(false, Ordering::Release);
    }
}

impl Wake for StreamWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.queued.swap(true, Ordering::AcqRel) {
            self.woken.streams().push(self.stream);
            self.woken.any_stream.store(true, Ordering::Release);
        }
    }
}

/// The most bytes that wait between h2 and the wire: a full frame, and some small ones, leave
/// together. More of them wait in h2, which counts them.
const OUTGOING: usize = 81 * 1024;

/// So many bytes are copied to the wire, and for fewer the memory between h2 and the wire is kept.
const FEW: usize = 1024;
