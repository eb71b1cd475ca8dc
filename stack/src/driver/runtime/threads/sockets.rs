//! Listeners and datagrams of the standard library: a thread waits for them in `poll(2)`.

use super::block_on::{attempt, wait_for_socket};
use super::sleeper::Waitable;
use super::streams::Streamed;
use super::{AsyncListener, AsyncUdpSocket, BoxFuture, Transport};
use crate::driver::runtime::tcp::is_connecting;
#[cfg(unix)]
use crate::driver::runtime::transport::no_address;
#[cfg(unix)]
use crate::driver::runtime::unnamed;
use rustix::event::PollFlags;
use rustix::fd::{AsFd, BorrowedFd};
use socket2::{SockAddr, Socket};
use std::future::poll_fn;
use std::io;
use std::mem;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::Arc;
use std::task::{Context, Poll};

/// Connects a socket that does not block.
pub(super) async fn connect(socket: Socket, to: SockAddr) -> io::Result<Socket> {
    let socket = Arc::new(socket);
    match socket.connect(&to) {
        Err(error) if !is_connecting(&error) => return Err(error),
        _ => {}
    }
    let mut has_waited = false;
    poll_fn(|cx| {
        if mem::replace(&mut has_waited, true) {
            if let Some(error) = socket.take_error()? {
                return Poll::Ready(Err(error));
            }
            if socket.peer_addr().is_ok() {
                return Poll::Ready(Ok(()));
            }
        }
        wait_for_socket(&socket, PollFlags::OUT, cx)
    })
    .await?;
    match Arc::try_unwrap(socket) {
        Ok(socket) => Ok(socket),
        Err(held) => held.try_clone(), // another thread, which waited for it before, still holds it
    }
}

/// A non-blocking socket.
#[derive(Debug)]
pub(super) struct Polled<S> {
    io: Arc<S>,
}

impl<S: Waitable> Polled<S> {
    pub(super) fn new(io: S) -> Self {
        Self { io: Arc::new(io) }
    }

    fn attempt<T>(
        &self,
        flags: PollFlags,
        cx: &Context<'_>,
        act: impl FnMut(&S) -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        attempt(&self.io, flags, cx, act)
    }
}

macro_rules! waitable {
    ($socket:ty) => {
        impl Waitable for $socket {
            fn fd(&self) -> BorrowedFd<'_> {
                self.as_fd()
            }
        }
    };
}
waitable!(Socket);
waitable!(TcpListener);
waitable!(UdpSocket);
#[cfg(unix)]
waitable!(std::os::unix::net::UnixListener);

impl AsyncListener for Polled<TcpListener> {
    fn poll_accept(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<(Box<dyn Transport>, SocketAddr)>> {
        let accepted = self.attempt(PollFlags::IN, cx, TcpListener::accept);
        accepted.map(|accepted| {
            let (io, peer) = accepted?;
            Ok((Box::new(Streamed::new(io)?) as _, peer))
        })
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.local_addr()
    }
}

#[cfg(unix)]
impl AsyncListener for Polled<std::os::unix::net::UnixListener> {
    fn poll_accept(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<(Box<dyn Transport>, SocketAddr)>> {
        let accepted = self.attempt(PollFlags::IN, cx, std::os::unix::net::UnixListener::accept);
        accepted.map(|accepted| {
            let (io, _) = accepted?;
            Ok((Box::new(Streamed::new(io)?) as _, unnamed()))
        })
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Err(no_address())
    }
}

impl AsyncUdpSocket for Polled<UdpSocket> {
    fn poll_recv_from(
        &self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<(usize, SocketAddr)>> {
        self.attempt(PollFlags::IN, cx, |io| io.recv_from(buf))
    }

    fn try_send(&self, payload: &[u8], to: Option<SocketAddr>) -> io::Result<()> {
        match to {
            Some(to) => self.io.send_to(payload, to).map(|_| ()),
            None => self.io.send(payload).map(|_| ()),
        }
    }

    fn writable(self: Arc<Self>) -> BoxFuture<io::Result<()>> {
        let mut has_waited = false;
        Box::pin(poll_fn(move |cx| {
            if mem::replace(&mut has_waited, true) {
                return Poll::Ready(Ok(()));
            }
            wait_for_socket(&self.io, PollFlags::OUT, cx)
        }))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.local_addr()
    }
}
