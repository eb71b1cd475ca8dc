//! tokio as a runtime, and tokio's streams as transports.

use super::transport::{read_large, write_slices};
use super::{
    AddressStream, AsyncListener, AsyncTimer, AsyncUdpSocket, BoxFuture, IDLE_READ_SIZE, Runtime,
    TcpOptions, Transport, single_lookup,
};
use std::any::Any;
use std::cell::RefCell;
use std::fmt;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpSocket, TcpStream, UdpSocket, lookup_host};
use tokio::runtime::{EnterGuard, Handle};
use tokio::time::{Sleep, sleep_until};
use tokio_util::io::poll_read_buf;
use wirestack_layer::{Instant, Pipe};

/// A tokio runtime. Its sockets and timers may be polled outside of it too, as long as the runtime
/// lives.
///
/// ```
/// use std::sync::Arc;
/// use wirestack::connect;
/// use wirestack::runtime::Tokio;
///
/// // From a thread that is in no runtime, such as that of a window.
/// let runtime = tokio::runtime::Runtime::new()?;
/// let chat = connect("wss://example.org/").runtime(Arc::new(Tokio::new(runtime.handle().clone())));
/// drop(chat);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Panics
///
/// Its methods panic if the runtime was built without `enable_all`, as tokio's own functions do.
#[derive(Clone)]
pub struct Tokio(Handle);

impl fmt::Debug for Tokio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokio")
    }
}

impl Tokio {
    /// Creates the value from the handle of a runtime.
    pub fn new(handle: Handle) -> Self {
        Self(handle)
    }

    /// Returns the runtime that this is called in, if there is one. All connections of a runtime
    /// share one value.
    pub(super) fn current() -> Option<Arc<dyn Runtime>> {
        let handle = Handle::try_current().ok()?;
        let last = LAST.with_borrow(Weak::upgrade);
        if let Some(last) = last.filter(|last| last.0.id() == handle.id()) {
            return Some(last);
        }
        let new = Arc::new(Self(handle));
        LAST.set(Arc::downgrade(&new));
        Some(new)
    }

    fn enter(&self) -> EnterGuard<'_> {
        self.0.enter()
    }

    /// Returns a future of tokio that may be polled outside of its runtime, where it would panic by
    /// itself.
    fn entered<T: Send + 'static>(
        &self,
        future: impl Future<Output = io::Result<T>> + Send + 'static,
    ) -> BoxFuture<io::Result<T>> {
        let handle = self.0.clone();
        Box::pin(async move {
            let mut future = pin!(future);
            poll_fn(|cx| {
                let _entered = handle.enter();
                future.as_mut().poll(cx)
            })
            .await
        })
    }
}

thread_local! {
    static LAST: RefCell<Weak<Tokio>> = const { RefCell::new(Weak::new()) };
}

impl Runtime for Tokio {
    fn now(&self) -> Instant {
        Instant::from_std(tokio::time::Instant::now().into_std()) // tests can stop this clock
    }

    fn new_timer(&self, at: Instant) -> Pin<Box<dyn AsyncTimer>> {
        let _entered = self.enter();
        Box::pin(sleep_until(at.into_std().into()))
    }

    fn spawn(&self, task: BoxFuture<()>) {
        self.0.spawn(task);
    }

    /// A task that was merely woken would run again before the future of `block_on`.
    fn yield_now(&self, cx: &mut Context<'_>) {
        let _ = pin!(tokio::task::yield_now()).poll(cx); // pending, as it is its first poll
    }

    fn spawn_blocking(&self, work: Box<dyn FnOnce() + Send>) {
        self.0.spawn_blocking(work);
    }

    fn connect_tcp(&self, to: SocketAddr) -> BoxFuture<io::Result<Box<dyn Transport>>> {
        self.entered(async move { Ok(Box::new(TcpStream::connect(to).await?) as _) })
    }

    fn connect_tcp_with(
        &self,
        to: SocketAddr,
        options: TcpOptions,
    ) -> BoxFuture<io::Result<Box<dyn Transport>>> {
        self.entered(async move {
            let socket = TcpSocket::from_std_stream(options.socket(to)?.into());
            Ok(Box::new(socket.connect(to).await?) as _)
        })
    }

    #[cfg(unix)]
    fn connect_unix(&self, path: std::path::PathBuf) -> BoxFuture<io::Result<Box<dyn Transport>>> {
        self.entered(async {
            let socket = tokio::net::UnixStream::connect(path).await?;
            Ok(Box::new(socket) as _)
        })
    }

    fn lookup(&self, host: String, port: u16) -> AddressStream {
        single_lookup(self.entered(async move { Ok(lookup_host((host, port)).await?.collect()) }))
    }

    fn wrap_tcp(&self, socket: std::net::TcpStream) -> io::Result<Box<dyn Transport>> {
        socket.set_nonblocking(true)?;
        let _entered = self.enter();
        Ok(Box::new(TcpStream::from_std(socket)?))
    }

    #[cfg(unix)]
    fn wrap_unix(&self, socket: std::os::unix::net::UnixStream) -> io::Result<Box<dyn Transport>> {
        socket.set_nonblocking(true)?;
        let _entered = self.enter();
        Ok(Box::new(tokio::net::UnixStream::from_std(socket)?))
    }

    fn wrap_listener(&self, listener: std::net::TcpListener) -> io::Result<Box<dyn AsyncListener>> {
        listener.set_nonblocking(true)?;
        let _entered = self.enter();
        Ok(Box::new(EnteredListener {
            listener: TcpListener::from_std(listener)?,
            handle: self.0.clone(),
        }))
    }

    #[cfg(unix)]
    fn wrap_unix_listener(
        &self,
        listener: std::os::unix::net::UnixListener,
    ) -> io::Result<Box<dyn AsyncListener>> {
        let _entered = self.enter();
        listener.set_nonblocking(true)?;
        let listener = tokio::net::UnixListener::from_std(listener)?;
        let handle = self.0.clone();
        Ok(Box::new(EnteredUnixListener { listener, handle }))
    }

    fn wrap_udp(&self, socket: std::net::UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        socket.set_nonblocking(true)?;
        let _entered = self.enter();
        Ok(Arc::new(UdpSocket::from_std(socket)?))
    }
}

impl AsyncTimer for Sleep {
    fn reset(self: Pin<&mut Self>, at: Instant) {
        Self::reset(self, at.into_std().into());
    }

    fn poll_expired(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Future::poll(self, cx).map(Ok)
    }
}

/// A listener of tokio that may be polled outside of its runtime, where it would panic by itself.
#[derive(Debug)]
struct EnteredListener {
    listener: TcpListener,
    handle: Handle,
}

impl AsyncListener for EnteredListener {
    fn poll_accept(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<(Box<dyn Transport>, SocketAddr)>> {
        let _entered = self.handle.enter();
        let accepted = self.listener.poll_accept(cx);
        accepted.map_ok(|(io, peer)| (Box::new(io) as _, peer))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// The same for Unix sockets.
#[cfg(unix)]
#[derive(Debug)]
struct EnteredUnixListener {
    listener: tokio::net::UnixListener,
    handle: Handle,
}

#[cfg(unix)]
impl AsyncListener for EnteredUnixListener {
    fn poll_accept(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<(Box<dyn Transport>, SocketAddr)>> {
        let _entered = self.handle.enter();
        let accepted = self.listener.poll_accept(cx);
        accepted.map_ok(|(io, _)| (Box::new(io) as _, super::unnamed()))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Err(super::transport::no_address())
    }
}

impl AsyncUdpSocket for UdpSocket {
    fn poll_recv_from(
        &self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<(usize, SocketAddr)>> {
        let mut buf = ReadBuf::new(buf);
        let received = Self::poll_recv_from(self, cx, &mut buf);
        received.map_ok(|from| (buf.filled().len(), from))
    }

    fn try_send(&self, payload: &[u8], to: Option<SocketAddr>) -> io::Result<()> {
        match to {
            Some(to) => self.try_send_to(payload, to).map(|_| ()),
            None => Self::try_send(self, payload).map(|_| ()),
        }
    }

    fn writable(self: Arc<Self>) -> BoxFuture<io::Result<()>> {
        Box::pin(async move { Self::writable(&self).await })
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.local_addr()
    }
}

/// A transport around any `AsyncRead` and `AsyncWrite` of tokio. It cannot send a reset: an aborted
/// connection closes the stream.
///
/// ```
/// use wirestack::runtime::TokioTransport;
/// use wirestack::{Connection, Engine, Identity};
///
/// #[tokio::main(flavor = "current_thread")]
/// async fn main() -> Result<(), wirestack::Error> {
///     let (ours, _theirs) = tokio::io::duplex(1000); // whatever is AsyncRead and AsyncWrite
///     let connection = Connection::from_transport(TokioTransport::new(ours), Engine::new(Identity))?;
///     drop(connection);
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct TokioTransport<S>(S);

impl<S> TokioTransport<S> {
    /// Wraps a stream.
    pub fn new(io: S) -> Self {
        Self(io)
    }
}

macro_rules! transport {
    ([$($generics:tt)*] $transport:ty $(, $field:tt)? { $($method:item)* }) => {
        impl<$($generics)*> Transport for $transport {
            fn poll_read(
                &mut self,
                cx: &mut Context<'_>,
                to: &mut Pipe,
                expected: usize,
            ) -> Poll<io::Result<usize>> {
                read(Pin::new(&mut (*self)$(.$field)?), cx, to, expected)
            }

            fn poll_write(
                &mut self,
                cx: &mut Context<'_>,
                from: &mut Pipe,
            ) -> Poll<io::Result<usize>> {
                write_slices(from, |slices| write(Pin::new(&mut (*self)$(.$field)?), cx, slices))
            }

            fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                AsyncWrite::poll_flush(Pin::new(&mut (*self)$(.$field)?), cx)
            }

            fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                AsyncWrite::poll_shutdown(Pin::new(&mut (*self)$(.$field)?), cx)
            }

            fn ends_when_dropped(&self) -> bool {
                self.plain_socket().is_some()
            }

            fn as_any(&self) -> &dyn Any {
                &(*self)$(.$field)?
            }

            fn plain_socket(&self) -> Option<&dyn Any> {
                Some(self.as_any()).filter(|io| is_socket(*io))
            }

            $($method)*
        }
    };
}

transport! {
    [S: AsyncRead + AsyncWrite + Unpin + Send + 'static] TokioTransport<S>, 0 {}
}

transport! {
    [] TcpStream {
        fn set_nodelay(&self) {
            let _ = Self::set_nodelay(self, true); // a broken socket fails again at the next read
        }

        fn reset(&self) {
            let _ = self.set_zero_linger();
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
    [] tokio::net::UnixStream {}
}

/// Returns `true` for a socket, which keeps nothing that a shutdown would send.
fn is_socket(io: &dyn Any) -> bool {
    #[cfg(unix)]
    if io.is::<tokio::net::UnixStream>() {
        return true;
    }
    io.is::<TcpStream>()
}

fn read(
    io: Pin<&mut impl AsyncRead>,
    cx: &mut Context<'_>,
    to: &mut Pipe,
    expected: usize,
) -> Poll<io::Result<usize>> {
    if expected > 0 {
        return read_large(to, expected, |buf| poll_read_buf(io, cx, buf));
    }
    let mut buf = [MaybeUninit::<u8>::uninit(); IDLE_READ_SIZE];
    let mut buf = ReadBuf::uninit(&mut buf);
    io.poll_read(cx, &mut buf).map_ok(|()| {
        to.write(buf.filled());
        buf.filled().len()
    })
}

fn write(
    io: Pin<&mut impl AsyncWrite>,
    cx: &mut Context<'_>,
    slices: &[IoSlice<'_>],
) -> Poll<io::Result<usize>> {
    match slices {
        [one] => io.poll_write(cx, one),
        many => io.poll_write_vectored(cx, many),
    }
}
