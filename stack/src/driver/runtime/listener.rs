//! Accepting connections on any runtime.

use super::{AsyncListener, Runtime, Transport, current};
use std::future::poll_fn;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::task::{Context, Poll};

/// A listener for TCP connections, or for those of Unix sockets, on any runtime. It accepts one
/// connection a call; [`serve`](crate::serve) accepts all.
///
/// ```no_run
/// # async fn example() -> std::io::Result<()> {
/// use wirestack::runtime::Listener;
///
/// let mut listener = Listener::bind("127.0.0.1:8080")?;
/// let (io, peer) = listener.accept().await?;
/// # drop((io, peer));
/// # Ok(())
/// # }
/// ```
///
/// ```
/// use wirestack::runtime::Listener;
///
/// #[tokio::main(flavor = "current_thread")]
/// async fn main() -> std::io::Result<()> {
///     let mut listener = Listener::bind("127.0.0.1:0")?;
///     let address = listener.local_addr()?;
///     println!("listening on {address}, on {:?}", listener.runtime());
///     let client = tokio::net::TcpStream::connect(address).await?;
///     let (_transport, peer) = listener.accept().await?;
///     assert_eq!(peer, client.local_addr()?);
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct Listener {
    listener: Box<dyn AsyncListener>,
    runtime: Arc<dyn Runtime>,
}

impl Listener {
    /// Listens at an address, on the [current] runtime. If the address has a name, the call blocks
    /// while the system looks it up.
    ///
    /// # Errors
    ///
    /// There is no current runtime, the runtime has no listeners, or the error of the system.
    pub fn bind(address: impl ToSocketAddrs) -> io::Result<Self> {
        Self::bind_on(current().map_err(io::Error::other)?, address)
    }

    /// Listens at an address, on the given runtime.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use wirestack::runtime::{Listener, Runtime};
    ///
    /// /// Listens with the sockets of a runtime that is not the current one.
    /// fn listen(runtime: Arc<dyn Runtime>) -> std::io::Result<Listener> {
    ///     Listener::bind_on(runtime, "127.0.0.1:0")
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// The runtime has no listeners, or the error of the system.
    #[allow(clippy::needless_pass_by_value, reason = "like every other `_on`")]
    pub fn bind_on(runtime: Arc<dyn Runtime>, address: impl ToSocketAddrs) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind(address)?;
        let listener = runtime.wrap_listener(listener)?;
        Ok(Self { listener, runtime })
    }

    /// Takes a listener that listens already, such as one that the service manager has opened, on
    /// the [current] runtime.
    ///
    /// ```no_run
    /// # async fn example() -> std::io::Result<()> {
    /// use wirestack::runtime::Listener;
    ///
    /// let listener = std::net::TcpListener::bind("127.0.0.1:8080")?;
    /// let listener = Listener::from_std(listener)?;
    /// # drop(listener);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// There is no current runtime, the runtime has no listeners, or the error of the system.
    pub fn from_std(listener: std::net::TcpListener) -> io::Result<Self> {
        let runtime = current().map_err(io::Error::other)?;
        let listener = runtime.wrap_listener(listener)?;
        Ok(Self { listener, runtime })
    }

    /// Listens at a path, for connections of Unix sockets, on the [current] runtime. The path must
    /// not exist; who may connect is decided by the permissions of its folder. It is not removed
    /// at the end.
    ///
    /// The address of a peer is all zeros: its socket has none.
    ///
    /// ```
    /// use wirestack::runtime::Listener;
    ///
    /// async fn listen() -> std::io::Result<Listener> {
    ///     Listener::bind_unix("/run/my-daemon.sock")
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// There is no current runtime, the runtime has no Unix listeners, or the error of the system.
    #[cfg(unix)]
    pub fn bind_unix(path: impl AsRef<std::path::Path>) -> io::Result<Self> {
        Self::bind_unix_on(current().map_err(io::Error::other)?, path)
    }

    /// Listens at a path, as [`bind_unix`](Self::bind_unix) does, on the given runtime.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use wirestack::runtime::{Listener, Runtime};
    ///
    /// fn listen(runtime: Arc<dyn Runtime>) -> std::io::Result<Listener> {
    ///     Listener::bind_unix_on(runtime, "/run/my-daemon.sock")
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// The runtime has no Unix listeners, or the error of the system.
    #[cfg(unix)]
    #[allow(clippy::needless_pass_by_value, reason = "like every other `_on`")]
    pub fn bind_unix_on(
        runtime: Arc<dyn Runtime>,
        path: impl AsRef<std::path::Path>,
    ) -> io::Result<Self> {
        let listener = std::os::unix::net::UnixListener::bind(path)?;
        let listener = runtime.wrap_unix_listener(listener)?;
        Ok(Self { listener, runtime })
    }

    /// Waits for a connection, and returns it with the address of its peer.
    ///
    /// # Errors
    ///
    /// The error of the system. Most concern one connection ("connection aborted") or pass ("too
    /// many open files"), so a server should go on after them, as [`serve`](crate::serve) does.
    pub async fn accept(&mut self) -> io::Result<(Box<dyn Transport>, SocketAddr)> {
        poll_fn(|cx| self.poll_accept(cx)).await
    }

    pub(crate) fn poll_accept(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<(Box<dyn Transport>, SocketAddr)>> {
        self.listener.poll_accept(cx)
    }

    /// Returns the address that it listens at.
    ///
    /// # Errors
    ///
    /// The error of the system.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Returns the runtime that it listens on.
    pub fn runtime(&self) -> &Arc<dyn Runtime> {
        &self.runtime
    }
}
