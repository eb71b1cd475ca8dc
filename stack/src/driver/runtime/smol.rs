//! smol as a runtime, and smol's sockets as transports.

use super::futures::write;
use super::smol_stream::Stream;
use super::tcp::is_connecting;
use super::transport::{read_initialized, write_slices};
use super::turn::in_turns;
use super::{
    AddressStream, AsyncListener, AsyncTimer, AsyncUdpSocket, BoxFuture, Runtime, TcpOptions,
    Transport, single_lookup,
};
use futures_io::{AsyncRead, AsyncWrite};
use smol::Async;
use smol::net::TcpStream;
use std::any::Any;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use wirestack_layer::{Instant, Pipe};

/// The runtime of smol. Its reactor and its threads start by themselves, and they work for the
/// futures of any executor.
///
/// ```
/// use wirestack::runtime::{Smol, current};
///
/// smol::block_on(async {
///     assert_eq!(format!("{:?}", current()?), format!("{Smol:?}"));
///     Ok::<(), wirestack::runtime::NoRuntime>(())
/// })?;
/// # Ok::<(), wirestack::runtime::NoRuntime>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Smol;

static SHARED: LazyLock<Arc<Smol>> = LazyLock::new(Arc::default);

impl Smol {
    pub(super) fn shared() -> Arc<dyn Runtime> {
        SHARED.clone()
    }
}

impl Runtime for Smol {
    fn new_timer(&self, at: Instant) -> Pin<Box<dyn AsyncTimer>> {
        Box::pin(smol::Timer::at(at.into_std()))
    }

    fn spawn(&self, task: BoxFuture<()>) {
        smol::spawn(task).detach();
    }

    fn spawn_blocking(&self, work: Box<dyn FnOnce() + Send>) {
        smol::unblock(work).detach();
    }

    fn connect_tcp(&self, to: SocketAddr) -> BoxFuture<io::Result<Box<dyn Transport>>> {
        Box::pin(async move { Ok(Box::new(Stream::new(TcpStream::connect(to).await?)) as _) })
    }

    fn connect_tcp_with(
        &self,
        to: SocketAddr,
        options: TcpOptions,
    ) -> BoxFuture<io::Result<Box<dyn Transport>>> {
        Box::pin(async move {
            let socket = options.socket(to)?;
            match socket.connect(&to.into()) {
                Err(error) if !is_connecting(&error) => return Err(error),
                _ => {}
            }
            let socket = Async::new_nonblocking(std::net::TcpStream::from(socket))?;
            socket.writable().await?;
            match socket.get_ref().take_error()? {
                Some(error) => Err(error),
                None => Ok(Box::new(Stream::new(TcpStream::from(socket))) as _),
            }
        })
    }

    #[cfg(unix)]
    fn connect_unix(&self, path: std::path::PathBuf) -> BoxFuture<io::Result<Box<dyn Transport>>> {
        Box::pin(async move {
            let io = smol::net::unix::UnixStream::connect(path).await?;
            Ok(Box::new(Stream::new(io)) as _)
        })
    }

    fn lookup(&self, host: String, port: u16) -> AddressStream {
        single_lookup(smol::net::resolve((host, port)))
    }

    fn wrap_tcp(&self, socket: std::net::TcpStream) -> io::Result<Box<dyn Transport>> {
        Ok(Box::new(Stream::new(TcpStream::try_from(socket)?)))
    }

    #[cfg(unix)]
    fn wrap_unix(&self, socket: std::os::unix::net::UnixStream) -> io::Result<Box<dyn Transport>> {
        let socket = smol::net::unix::UnixStream::try_from(socket)?;
        Ok(Box::new(Stream::new(socket)))
    }

    fn wrap_listener(&self, listener: std::net::TcpListener) -> io::Result<Box<dyn AsyncListener>> {
        Ok(Box::new(Async::new(listener)?))
    }

    #[cfg(unix)]
    fn wrap_unix_listener(
        &self,
        listener: std::os::unix::net::UnixListener,
    ) -> io::Result<Box<dyn AsyncListener>> {
        Ok(Box::new(Async::new(listener)?))
    }

    fn wrap_udp(&self, socket: std::net::UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        Ok(Arc::new(Async::new(socket)?))
    }
}

impl AsyncTimer for smol::Timer {
    fn reset(mut self: Pin<&mut Self>, at: Instant) {
        self.set_at(at.into_std());
    }

    fn poll_expired(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Future::poll(self, cx).map(|_| Ok(()))
    }
}

impl AsyncListener for Async<std::net::TcpListener> {
    fn poll_accept(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<(Box<dyn Transport>, SocketAddr)>> {
        loop {
            match self.get_ref().accept() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    ready!(self.poll_readable(cx))?;
                }
                accepted => {
                    let (io, peer) = accepted?;
                    let io = Stream::new(TcpStream::from(Async::new(io)?));
                    return Poll::Ready(Ok((Box::new(io), peer)));
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.get_ref().local_addr()
    }
}

#[cfg(unix)]
impl AsyncListener for Async<std::os::unix::net::UnixListener> {
    fn poll_accept(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<(Box<dyn Transport>, SocketAddr)>> {
        loop {
            match self.get_ref().accept() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    ready!(self.poll_readable(cx))?;
                }
                accepted => {
                    let io = smol::net::unix::UnixStream::from(Async::new(accepted?.0)?);
                    let io = Stream::new(io);
                    return Poll::Ready(Ok((Box::new(io), super::unnamed())));
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Err(super::transport::no_address())
    }
}

impl AsyncUdpSocket for Async<std::net::UdpSocket> {
    fn poll_recv_from(
        &self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<(usize, SocketAddr)>> {
        in_turns(cx, |cx| {
            loop {
                match self.get_ref().recv_from(buf) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        ready!(self.poll_readable(cx))?;
                    }
                    received => return Poll::Ready(received),
                }
            }
        })
    }

    fn try_send(&self, payload: &[u8], to: Option<SocketAddr>) -> io::Result<()> {
        match to {
            Some(to) => self.get_ref().send_to(payload, to).map(|_| ()),
            None => self.get_ref().send(payload).map(|_| ()),
        }
    }

    fn writable(self: Arc<Self>) -> BoxFuture<io::Result<()>> {
        Box::pin(async move { Self::writable(&self).await })
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.get_ref().local_addr()
    }
}

macro_rules! transport {
    ($transport:ty { $($method:item)* }) => {
        impl Transport for $transport {
            fn poll_read(
                &mut self,
                cx: &mut Context<'_>,
                to: &mut Pipe,
                expected: usize,
            ) -> Poll<io::Result<usize>> {
                in_turns(cx, |cx| {
                    read_initialized(to, expected, |buf| Pin::new(self).poll_read(cx, buf))
                })
            }

            fn poll_write(
                &mut self,
                cx: &mut Context<'_>,
                from: &mut Pipe,
            ) -> Poll<io::Result<usize>> {
                write_slices(from, |slices| write(Pin::new(self), cx, slices))
            }

            fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                AsyncWrite::poll_close(Pin::new(self), cx)
            }

            fn as_any(&self) -> &dyn Any {
                self
            }

            $($method)*
        }
    };
}

transport! {
    TcpStream {
        fn set_nodelay(&self) {
            let _ = Self::set_nodelay(self, true); // a broken socket fails again at the next read
        }

        fn reset(&self) {
            let _ = socket2::SockRef::from(self).set_linger(Some(Duration::ZERO));
        }

        fn local_addr(&self) -> io::Result<SocketAddr> {
            Self::local_addr(self)
        }

        fn peer_addr(&self) -> io::Result<SocketAddr> {
            Self::peer_addr(self)
        }
    }
}

#[cfg(unix)]
transport! {
    smol::net::unix::UnixStream {}
}
