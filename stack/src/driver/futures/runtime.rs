//! What an executor brings.

use crate::Pipe;
use crate::dial::{Destination, Job};
use crate::driver::polled::{self, Found, Pending, Wire, one};
use bytes::BytesMut;
use futures_io::{AsyncRead, AsyncWrite};
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Instant;

/// What connecting needs of an executor: sockets, names and a timer.
pub trait Runtime: Clone + Send + Sync + Unpin + 'static {
    /// A connection.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;
    /// Opens a TCP connection.
    fn connect(
        &self,
        to: SocketAddr,
    ) -> impl Future<Output = io::Result<Self::Stream>> + Send + 'static;
    /// Looks a name up; each address shall have this port.
    fn resolve(
        &self,
        host: String,
        port: u16,
    ) -> impl Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'static;
    /// Waits until a time.
    fn timer(&self, until: Instant) -> impl Future<Output = ()> + Send + 'static;
    /// Runs something that may wait on a thread for such work; unless it is written, on a new one.
    fn block<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output = T> + Send + 'static {
        on_a_thread(work)
    }
    /// Connects to a Unix socket, where there are any; unless it is written, there are none.
    fn connect_unix(
        &self,
        _path: PathBuf,
    ) -> impl Future<Output = io::Result<Self::Stream>> + Send + 'static {
        async { Err(io::ErrorKind::Unsupported.into()) }
    }
    /// Makes small writes leave at once (`TCP_NODELAY`), where that can be; unless it is written, they
    /// leave as they do.
    fn undelay(_io: &Self::Stream) {}
    /// Makes the peer see that a connection was cut short when it is dropped (`SO_LINGER` of 0), where
    /// that can be; unless it is written, it is not.
    fn cut(_io: &Self::Stream) {}
    /// Returns the time.
    fn now(&self) -> Instant {
        Instant::now()
    }
}

/// Runs something on a new thread. If it panics, it is waited for in vain.
fn on_a_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> impl Future<Output = T> + Send + 'static {
    let done = Arc::new(Mutex::new((None, None::<Waker>)));
    let tell = done.clone();
    thread::spawn(move || {
        let result = work();
        let mut done = tell.lock().unwrap_or_else(PoisonError::into_inner);
        done.0 = Some(result);
        let waker = done.1.take();
        drop(done);
        waker.inspect(Waker::wake_by_ref);
    });
    poll_fn(move |cx| {
        let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
        match done.0.take() {
            Some(result) => Poll::Ready(result),
            None => {
                done.1 = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    })
}

impl<R: Runtime> polled::Runtime for R {
    type Transport = R::Stream;
    type Timer = Pending<()>;
    fn now(&self) -> Instant {
        Runtime::now(self)
    }
    fn timer(&self, until: Instant) -> Pending<()> {
        Box::pin(Runtime::timer(self, until))
    }
    fn open(&self, to: Destination) -> Pending<io::Result<R::Stream>> {
        match to {
            Destination::Tcp(to) => Box::pin(self.connect(to)),
            Destination::Unix(path) => Box::pin(self.connect_unix(path)),
            Destination::Stream(_) => Box::pin(async { Err(io::ErrorKind::Unsupported.into()) }),
        }
    }
    fn undelay(io: &R::Stream) {
        <R as Runtime>::undelay(io);
    }
    fn cut(io: &R::Stream) {
        <R as Runtime>::cut(io);
    }
    fn resolve(&self, host: String, port: u16) -> Found {
        one(Runtime::resolve(self, host, port))
    }
    fn run(&self, mut job: Job) -> Pending<Option<Job>> {
        let ran = self.block(move || {
            job.run();
            job
        });
        Box::pin(async { Some(ran.await) })
    }
}

impl<R: Runtime, S: AsyncRead + AsyncWrite + Unpin> Wire<R> for S {
    fn poll_read<const STACK: usize>(
        &mut self,
        cx: &mut Context<'_>,
        to: &mut Pipe,
    ) -> Poll<io::Result<usize>> {
        let mut buf = [0; STACK];
        let read = AsyncRead::poll_read(Pin::new(self), cx, &mut buf);
        read.map_ok(|n| {
            to.write(&buf[..n]);
            n
        })
    }
    fn poll_fill(&mut self, cx: &mut Context<'_>, to: &mut BytesMut) -> Poll<io::Result<usize>> {
        // The trait reads into what is initialized.
        let (had, room) = (to.len(), to.capacity());
        to.resize(room, 0);
        let read = AsyncRead::poll_read(Pin::new(self), cx, &mut to[had..]);
        let n = match &read {
            Poll::Ready(Ok(n)) => *n,
            _ => 0,
        };
        to.truncate(had + n);
        read
    }
    fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match slices {
            [one] => AsyncWrite::poll_write(Pin::new(self), cx, one),
            many => AsyncWrite::poll_write_vectored(Pin::new(self), cx, many),
        }
    }
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        AsyncWrite::poll_flush(Pin::new(self), cx)
    }
    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        AsyncWrite::poll_close(Pin::new(self), cx)
    }
}
