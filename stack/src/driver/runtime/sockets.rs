//! The timers, listeners and UDP sockets of a runtime.

use super::BoxFuture;
use super::transport::Transport;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use wirestack_layer::Instant;

/// A timer of a [`Runtime`](super::Runtime).
///
/// ```
/// use std::io;
/// use std::pin::Pin;
/// use std::task::{Context, Poll};
/// use wirestack::Instant;
/// use wirestack::runtime::AsyncTimer;
///
/// /// A timer of smol.
/// struct Timer(smol::Timer);
///
/// impl AsyncTimer for Timer {
///     fn reset(mut self: Pin<&mut Self>, at: Instant) {
///         self.0.set_at(at.into_std());
///     }
///
///     fn poll_expired(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
///         Future::poll(Pin::new(&mut self.0), cx).map(|_| Ok(()))
///     }
/// }
/// ```
pub trait AsyncTimer: Send {
    /// Changes the time at which the timer expires.
    fn reset(self: Pin<&mut Self>, at: Instant);

    /// Waits until the timer expires.
    ///
    /// # Errors
    ///
    /// The timer does not work where it is polled.
    fn poll_expired(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
}

/// A listening socket of a [`Runtime`](super::Runtime).
///
/// ```
/// use std::io;
/// use std::net::SocketAddr;
/// use std::task::{Context, Poll, ready};
/// use wirestack::runtime::{AsyncListener, Transport};
///
/// /// Accepts clients of this machine, and closes all others at once.
/// #[derive(Debug)]
/// struct FromHere(Box<dyn AsyncListener>);
///
/// impl AsyncListener for FromHere {
///     fn poll_accept(
///         &mut self,
///         cx: &mut Context<'_>,
///     ) -> Poll<io::Result<(Box<dyn Transport>, SocketAddr)>> {
///         loop {
///             let (client, peer) = ready!(self.0.poll_accept(cx))?;
///             if peer.ip().is_loopback() {
///                 return Poll::Ready(Ok((client, peer)));
///             }
///         }
///     }
///
///     fn local_addr(&self) -> io::Result<SocketAddr> {
///         self.0.local_addr()
///     }
/// }
/// ```
pub trait AsyncListener: Send + Sync + fmt::Debug {
    /// Waits for a connection, and returns it with the address of its peer, which is all zeros for
    /// a Unix socket. Only the task that called last is woken.
    ///
    /// # Errors
    ///
    /// The error of the system.
    fn poll_accept(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<(Box<dyn Transport>, SocketAddr)>>;

    /// Returns the address that it listens at.
    ///
    /// # Errors
    ///
    /// The error of the system.
    fn local_addr(&self) -> io::Result<SocketAddr>;
}

/// A UDP socket of a [`Runtime`](super::Runtime).
///
/// ```
/// use std::io;
/// use std::net::SocketAddr;
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
/// use std::task::{Context, Poll};
/// use wirestack::runtime::{AsyncUdpSocket, BoxFuture};
///
/// /// Loses every second datagram that is sent: for tests.
/// #[derive(Debug)]
/// struct Lossy {
///     inner: Arc<dyn AsyncUdpSocket>,
///     sent: AtomicUsize,
/// }
///
/// impl AsyncUdpSocket for Lossy {
///     fn poll_recv_from(
///         &self,
///         cx: &mut Context<'_>,
///         buf: &mut [u8],
///     ) -> Poll<io::Result<(usize, SocketAddr)>> {
///         self.inner.poll_recv_from(cx, buf)
///     }
///
///     fn try_send(&self, payload: &[u8], to: Option<SocketAddr>) -> io::Result<()> {
///         if self.sent.fetch_add(1, Relaxed) % 2 == 1 {
///             return Ok(());
///         }
///         self.inner.try_send(payload, to)
///     }
///
///     fn writable(self: Arc<Self>) -> BoxFuture<io::Result<()>> {
///         self.inner.clone().writable()
///     }
///
///     fn local_addr(&self) -> io::Result<SocketAddr> {
///         self.inner.local_addr()
///     }
/// }
/// ```
pub trait AsyncUdpSocket: Send + Sync + fmt::Debug {
    /// Receives a datagram into `buf`, and returns its length in bytes and the address of its
    /// sender. Only the task that called last is woken.
    ///
    /// # Errors
    ///
    /// The error of the system.
    fn poll_recv_from(
        &self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<(usize, SocketAddr)>>;

    /// Sends a datagram to `to`, or to the address that the socket is connected to if `to` is
    /// `None`.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if there is no room: wait until the socket is
    /// [`writable`](Self::writable). Or another error of the system.
    fn try_send(&self, payload: &[u8], to: Option<SocketAddr>) -> io::Result<()>;

    /// Waits until there may be room for a datagram. Any number of tasks may wait.
    ///
    /// # Errors
    ///
    /// The future returns the error of the system.
    fn writable(self: Arc<Self>) -> BoxFuture<io::Result<()>>;

    /// Returns the address that it is bound to.
    ///
    /// # Errors
    ///
    /// The error of the system.
    fn local_addr(&self) -> io::Result<SocketAddr>;
}
