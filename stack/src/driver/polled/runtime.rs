//! What a runtime brings.

use super::{Found, Outside};
use crate::dial::{Destination, Job, Share, Timeouts};
use crate::{Error, Pipe};
use bytes::BytesMut;
use http::Response;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

/// A future that may go to another thread.
pub type Pending<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A transport, and the response that opened it, if it is a stream of many.
pub type Opened<R> = Result<(<R as Runtime>::Transport, Option<Response<()>>), Error>;

/// What an asynchronous driver runs on: a clock, a timer, and ways to open transports.
///
/// It is implemented by [`Tokio`](crate::driver::tokio::Tokio), and for everything that implements the
/// smaller [`futures::Runtime`](crate::driver::futures::Runtime).
pub trait Runtime: Clone + Send + Sync + Unpin + 'static {
    /// What the wire of a connection is that is dialled here.
    type Transport: Wire<Self> + Send + 'static;
    /// What waits until a time.
    type Timer: Future<Output = ()> + Unpin + Send;
    /// Returns the time.
    fn now(&self) -> Instant;
    /// Makes a timer.
    fn timer(&self, until: Instant) -> Self::Timer;
    /// Makes a timer wait for another time.
    fn reset(&self, timer: &mut Self::Timer, until: Instant) {
        *timer = self.timer(until);
    }
    /// Opens a transport of its own.
    fn open(&self, to: Destination) -> Pending<io::Result<Self::Transport>>;
    /// Opens a stream on a transport that others use too.
    fn stream(&self, share: Arc<Share>, _: Timeouts, _: Outside<Self>) -> Pending<Opened<Self>> {
        Box::pin(async move { Err(Error::local("wire", NoStreams(share.to_string()))) })
    }
    /// Makes small writes leave at once (`TCP_NODELAY`), where that can be.
    fn undelay(io: &Self::Transport);
    /// Closes a transport so that its peer sees that it was cut short, where that can be.
    fn cut(io: &Self::Transport);
    /// Looks a name up.
    fn resolve(&self, host: String, port: u16) -> Found;
    /// Runs something on a thread that may wait; `None` if it panicked.
    fn run(&self, job: Job) -> Pending<Option<Job>>;
}

/// What a [`Connection`](super::Connection) moves bytes to and from, on the runtime `R`.
///
/// It is implemented for all that the runtime's own traits of bytes are implemented for.
pub trait Wire<R>: Unpin {
    /// Reads at most `STACK` bytes by way of the stack, so that nothing is allocated until there is
    /// something.
    fn poll_read<const STACK: usize>(
        &mut self,
        cx: &mut Context<'_>,
        to: &mut Pipe,
    ) -> Poll<io::Result<usize>>;
    /// Reads into the spare capacity of a buffer.
    fn poll_fill(&mut self, cx: &mut Context<'_>, to: &mut BytesMut) -> Poll<io::Result<usize>>;
    /// Writes what is in the slices, one at least.
    fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>>;
    /// Passes on what the transport buffers.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
    /// Ends the direction that is written to.
    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
}

#[derive(Debug, thiserror::Error)]
#[error("this runtime shares no connections: a stream to {0}")]
struct NoStreams(String);
