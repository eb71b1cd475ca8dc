//! The options of TCP connections, and sockets that have them.

use super::Transport;
use std::any::Any;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::task::{Context, Poll};
use std::time::Duration;
use wirestack_layer::Pipe;

/// The options of the TCP connections that this machine opens: to the first hop, or to the target if
/// there is no hop.
///
/// ```
/// use std::net::Ipv4Addr;
/// use std::time::Duration;
/// use wirestack::runtime::TcpOptions;
///
/// let options = TcpOptions::default()
///     .local_address(Some(Ipv4Addr::LOCALHOST.into()))
///     .keepalive(Duration::from_secs(60));
/// let connect = wirestack::connect("ws://127.0.0.1:8080").tcp_options(options);
/// # drop(connect);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TcpOptions {
    /// The address of this machine to connect from, with any port. `None`: the system chooses.
    /// Addresses of the other family cannot be reached from it.
    pub local_address: Option<IpAddr>,
    /// The time without data after which the system probes if the peer is still there
    /// (`SO_KEEPALIVE`). `None`: it does not.
    pub keepalive: Option<Duration>,
    /// `true` if small writes leave at once (`TCP_NODELAY`): true.
    pub nodelay: bool,
}

impl Default for TcpOptions {
    fn default() -> Self {
        Self {
            local_address: None,
            keepalive: None,
            nodelay: true,
        }
    }
}

impl TcpOptions {
    /// Sets the address of this machine to connect from, with any port.
    #[must_use]
    pub fn local_address(mut self, local_address: impl Into<Option<IpAddr>>) -> Self {
        self.local_address = local_address.into();
        self
    }

    /// Sets the time without data after which the system probes if the peer is still there
    /// (`SO_KEEPALIVE`).
    #[must_use]
    pub fn keepalive(mut self, keepalive: impl Into<Option<Duration>>) -> Self {
        self.keepalive = keepalive.into();
        self
    }

    /// Sets if small writes leave at once (`TCP_NODELAY`).
    ///
    /// ```
    /// use wirestack::runtime::TcpOptions;
    ///
    /// let options = TcpOptions::default().nodelay(false); // many small writes become few packets
    /// assert!(!options.nodelay);
    /// ```
    #[must_use]
    pub fn nodelay(mut self, nodelay: bool) -> Self {
        self.nodelay = nodelay;
        self
    }
}

impl TcpOptions {
    /// Makes the transport of a connection that was opened with these options keep them.
    pub(crate) fn keep(self, io: Box<dyn Transport>) -> Box<dyn Transport> {
        if self.nodelay {
            io
        } else {
            Box::new(Delayed(io))
        }
    }

    /// Creates a socket with these options, which does not block and is not connected.
    /// `TCP_NODELAY` is the connection's to set, as on each of its transports.
    #[cfg(any(feature = "tokio", feature = "smol", feature = "blocking"))]
    pub(super) fn socket(self, to: SocketAddr) -> io::Result<socket2::Socket> {
        let socket = new_socket(to)?;
        if let Some(ip) = self.local_address {
            if ip.is_ipv4() != to.is_ipv4() {
                let text =
                    format!("the address {to} cannot be reached from the local address {ip}");
                return Err(io::Error::new(io::ErrorKind::AddrNotAvailable, text));
            }
            socket.bind(&SocketAddr::new(ip, 0).into())?;
        }
        if let Some(time) = self.keepalive {
            socket.set_tcp_keepalive(&socket2::TcpKeepalive::new().with_time(time))?;
        }
        Ok(socket)
    }
}

/// Creates a socket that does not block, in one system call where the system has one.
#[cfg(any(feature = "tokio", feature = "smol", feature = "blocking"))]
fn new_socket(to: SocketAddr) -> io::Result<socket2::Socket> {
    use socket2::{Domain, Protocol, Socket, Type};
    let (domain, protocol) = (Domain::for_address(to), Some(Protocol::TCP));
    #[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
    {
        Socket::new(domain, Type::STREAM.nonblocking(), protocol)
    }
    #[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
    {
        let socket = Socket::new(domain, Type::STREAM, protocol)?;
        socket.set_nonblocking(true)?;
        Ok(socket)
    }
}

/// Returns `true` if the connect of a non-blocking socket goes on in the background. A Unix socket
/// whose backlog is full returns `WouldBlock`, and its connect does not go on.
#[cfg(all(unix, any(feature = "smol", feature = "blocking")))]
pub(super) fn is_connecting(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::INPROGRESS.raw_os_error())
}

/// Returns `true` if the connect of a non-blocking socket goes on in the background.
#[cfg(all(windows, any(feature = "smol", feature = "blocking")))]
pub(super) fn is_connecting(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}

/// A transport whose small writes wait for more (Nagle's algorithm, RFC 9293 §3.7.4).
struct Delayed(Box<dyn Transport>);

impl Transport for Delayed {
    fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        to: &mut Pipe,
        expected: usize,
    ) -> Poll<io::Result<usize>> {
        self.0.poll_read(cx, to, expected)
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, from: &mut Pipe) -> Poll<io::Result<usize>> {
        self.0.poll_write(cx, from)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_flush(cx)
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_shutdown(cx)
    }

    fn reset(&self) {
        self.0.reset();
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }

    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.0.peer_addr()
    }

    fn ends_when_dropped(&self) -> bool {
        self.0.ends_when_dropped()
    }

    fn is_blocking(&self) -> bool {
        self.0.is_blocking()
    }

    fn as_any(&self) -> &dyn Any {
        self.0.as_any()
    }

    fn plain_socket(&self) -> Option<&dyn Any> {
        self.0.plain_socket()
    }
}
