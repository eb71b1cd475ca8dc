//! What tokio brings.

use super::{Http2Stream, Outside, Pool, Transport};
use crate::Pipe;
use crate::dial::{Destination, Job, Share, Sharing, Timeouts};
use crate::driver::polled::{Found, Opened, Pending, Runtime, Wire, one};
use bytes::BytesMut;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Sleep, sleep_until};
use tokio_util::io::poll_read_buf;

/// The tokio runtime in whose context it is used. Its clock is tokio's, so that a paused clock rules
/// tests.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tokio;

impl Runtime for Tokio {
    type Transport = Transport;
    type Timer = Pin<Box<Sleep>>;
    fn now(&self) -> Instant {
        now()
    }
    fn timer(&self, until: Instant) -> Self::Timer {
        Box::pin(sleep_until(until.into()))
    }
    fn reset(&self, timer: &mut Self::Timer, until: Instant) {
        timer.as_mut().reset(until.into());
    }
    fn open(&self, to: Destination) -> Pending<io::Result<Transport>> {
        Box::pin(async move {
            match to {
                Destination::Tcp(address) => {
                    let io = TcpStream::connect(address).await?;
                    Ok(Transport::Tcp(io))
                }
                #[cfg(unix)]
                Destination::Unix(path) => {
                    let io = tokio::net::UnixStream::connect(path).await?;
                    Ok(Transport::Unix(io))
                }
                _ => Err(io::ErrorKind::Unsupported.into()),
            }
        })
    }
    fn stream(
        &self,
        share: Arc<Share>,
        timeouts: Timeouts,
        outside: Outside,
    ) -> Pending<Opened<Self>> {
        // Each has a connection of its own.
        Pool::new(Sharing::default()).transport(share, timeouts, outside)
    }
    fn undelay(io: &Transport) {
        if let Transport::Tcp(io) = io {
            let _ = io.set_nodelay(true); // fails on a dead socket only, which a read tells
        }
    }
    fn cut(io: &Transport) {
        match io {
            Transport::Tcp(io) => {
                let _ = io.set_zero_linger();
            }
            #[cfg(unix)]
            Transport::Unix(_) => {}
            Transport::Http2(stream) => Http2Stream::reset(stream),
        }
    }
    fn resolve(&self, host: String, port: u16) -> Found {
        one(async move { Ok(lookup_host((host, port)).await?.collect()) })
    }
    fn run(&self, mut job: Job) -> Pending<Option<Job>> {
        let ran = tokio::task::spawn_blocking(move || {
            job.run();
            job
        });
        Box::pin(async { ran.await.ok() })
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<Tokio> for S {
    fn poll_read<const STACK: usize>(
        &mut self,
        cx: &mut Context<'_>,
        to: &mut Pipe,
    ) -> Poll<io::Result<usize>> {
        let mut buf = [MaybeUninit::<u8>::uninit(); STACK];
        let mut buf = ReadBuf::uninit(&mut buf);
        let read = AsyncRead::poll_read(Pin::new(self), cx, &mut buf);
        read.map_ok(|()| {
            to.write(buf.filled());
            buf.filled().len()
        })
    }
    fn poll_fill(&mut self, cx: &mut Context<'_>, to: &mut BytesMut) -> Poll<io::Result<usize>> {
        poll_read_buf(Pin::new(self), cx, to)
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
        AsyncWrite::poll_shutdown(Pin::new(self), cx)
    }
}

pub(super) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
