//! Sockets of the standard library as transports: a thread waits for them in `poll(2)`.

use super::block_on::wait_for_socket;
use super::{AsyncListener, AsyncUdpSocket, BoxFuture, Transport};
use crate::driver::runtime::tcp::is_connecting;
use crate::driver::runtime::transport::{no_address, read_initialized, write_slices};
#[cfg(unix)]
use crate::driver::runtime::unnamed;
use rustix::event::PollFlags;
use rustix::fd::AsFd;
use socket2::{SockAddr, SockRef, Socket};
use std::any::Any;
use std::future::poll_fn;
use std::io::{self, Read, Write};
use std::mem;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use wirestack_layer::Pipe;

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
    /// The last read took all waiting bytes, so the next one first waits until the socket is
    /// readable.
    is_drained: bool,
}

impl<S: AsFd + Send + Sync + 'static> Polled<S> {
    pub(super) fn new(io: S) -> Self {
        Self {
            io: Arc::new(io),
            is_drained: false,
        }
    }

    /// Calls `act`, and waits if the socket is not ready for it.
    fn attempt<T>(
        &self,
        flags: PollFlags,
        cx: &Context<'_>,
        mut act: impl FnMut(&S) -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        loop {
            match act(&self.io) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return wait_for_socket(&self.io, flags, cx);
                }
                done => return Poll::Ready(done),
            }
        }
    }
}

/// The calls that differ between TCP and Unix sockets.
pub(super) trait Stream: AsFd + Send + Sync + 'static {
    fn shutdown(&self) -> io::Result<()>;
    fn set_nodelay(&self) {}
    fn reset(&self) {}
    fn local_addr(&self) -> io::Result<SocketAddr> {
        Err(no_address())
    }

    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Err(no_address())
    }
}

impl Stream for TcpStream {
    fn shutdown(&self) -> io::Result<()> {
        Self::shutdown(self, Shutdown::Write)
    }

    fn set_nodelay(&self) {
        let _ = Self::set_nodelay(self, true); // a broken socket fails again at the next read
    }

    fn reset(&self) {
        let _ = SockRef::from(self).set_linger(Some(Duration::ZERO));
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Self::local_addr(self)
    }

    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Self::peer_addr(self)
    }
}

#[cfg(unix)]
impl Stream for std::os::unix::net::UnixStream {
    fn shutdown(&self) -> io::Result<()> {
        Self::shutdown(self, Shutdown::Write)
    }
}

impl<S: Stream> Transport for Polled<S>
where
    for<'a> &'a S: Read + Write,
{
    fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        to: &mut Pipe,
        expected: usize,
    ) -> Poll<io::Result<usize>> {
        if mem::take(&mut self.is_drained) {
            return wait_for_socket(&self.io, PollFlags::IN, cx);
        }
        let mut is_drained = false;
        let read = read_initialized(to, expected, |buf| {
            let read = self.attempt(PollFlags::IN, cx, |mut io| io.read(buf));
            if let Poll::Ready(Ok(n)) = read {
                is_drained = n > 0 && n < buf.len();
            }
            read
        });
        self.is_drained = is_drained;
        read
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, from: &mut Pipe) -> Poll<io::Result<usize>> {
        write_slices(from, |slices| {
            self.attempt(PollFlags::OUT, cx, |mut io| io.write_vectored(slices))
        })
    }

    fn poll_shutdown(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.io.shutdown())
    }

    fn set_nodelay(&self) {
        self.io.set_nodelay();
    }

    fn reset(&self) {
        self.io.reset();
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.local_addr()
    }

    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.io.peer_addr()
    }

    fn as_any(&self) -> &dyn Any {
        &*self.io
    }
}

impl AsyncListener for Polled<TcpListener> {
    fn poll_accept(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<(Box<dyn Transport>, SocketAddr)>> {
        let accepted = self.attempt(PollFlags::IN, cx, TcpListener::accept);
        accepted.map(|accepted| {
            let (io, peer) = accepted?;
            io.set_nonblocking(true)?;
            Ok((Box::new(Polled::new(io)) as _, peer))
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
            io.set_nonblocking(true)?;
            Ok((Box::new(Polled::new(io)) as _, unnamed()))
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
