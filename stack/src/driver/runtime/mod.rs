//! Runtimes: [`Runtime`] opens sockets, timers and tasks on an executor, and [`Transport`] carries
//! bytes. Both traits are object-safe, so that no other type of this crate has a parameter for
//! them.
//!
//! [`current`] finds the runtime that a future is awaited in, so you do not have to name one. To
//! name one, pass [`Tokio`], [`Smol`], [`Threads`] or your own. A runtime that connects has to
//! implement three methods. A call of a method that it leaves out returns an error and does not
//! panic.
//!
//! ```
//! # #[cfg(feature = "smol")] {
//! use std::pin::Pin;
//! use wirestack::Instant;
//! use wirestack::runtime::{AsyncTimer, BoxFuture, Runtime, Transport};
//!
//! #[derive(Debug)]
//! struct MyRuntime;
//!
//! impl Runtime for MyRuntime {
//!     fn new_timer(&self, at: Instant) -> Pin<Box<dyn AsyncTimer>> {
//!         Box::pin(smol::Timer::at(at.into_std()))
//!     }
//!     fn spawn(&self, task: BoxFuture<()>) {
//!         smol::spawn(task).detach();
//!     }
//!     fn connect_tcp(
//!         &self,
//!         to: std::net::SocketAddr,
//!     ) -> BoxFuture<std::io::Result<Box<dyn Transport>>> {
//!         Box::pin(async move {
//!             let socket = smol::net::TcpStream::connect(to).await?;
//!             Ok(Box::new(socket) as Box<dyn Transport>)
//!         })
//!     }
//! }
//!
//! let connect = wirestack::connect("wss://example.org").runtime(std::sync::Arc::new(MyRuntime));
//! # drop(connect);
//! # }
//! ```

mod blocking_task;
#[cfg(feature = "futures")]
mod futures;
#[cfg(feature = "hickory")]
mod hickory;
mod listener;
mod read_write;
mod resolve;
#[cfg(feature = "smol")]
mod smol;
#[cfg(feature = "smol")]
mod smol_stream;
mod sockets;
mod tcp;
#[cfg(feature = "blocking")]
pub(crate) mod threads;
#[cfg(feature = "tokio")]
mod tokio;
mod transport;
#[cfg(feature = "futures")]
mod turn;

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::time::Duration;
use wirestack_layer::Instant;

pub(crate) use blocking_task::run_blocking;
#[cfg(feature = "futures")]
pub use futures::FuturesTransport;
#[cfg(feature = "hickory")]
#[doc(no_inline)]
pub use hickory_resolver;
pub use listener::Listener;
pub use read_write::StdTransport;
pub use resolve::{AddressStream, Resolve};
pub(crate) use resolve::{collect_addresses, single_lookup};
#[cfg(feature = "smol")]
pub use smol::Smol;
pub use sockets::{AsyncListener, AsyncTimer, AsyncUdpSocket};
pub use tcp::TcpOptions;
#[cfg(feature = "blocking")]
pub use threads::Threads;
#[cfg(feature = "tokio")]
pub use tokio::{Tokio, TokioTransport};
pub(crate) use transport::{BULK_READ_SIZE, IDLE_READ_SIZE};
pub use transport::{IntoTransport, Transport};

/// A boxed future that may move to another thread.
///
/// ```
/// use wirestack::runtime::BoxFuture;
///
/// fn later() -> BoxFuture<u32> {
///     Box::pin(async { 7 })
/// }
/// drop(later());
/// ```
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Opens sockets, timers and tasks on an executor.
///
/// Timers, tasks and TCP connections are required. The other methods have defaults: they use a
/// thread of the standard library, or return the error [`Unsupported`](io::ErrorKind::Unsupported).
///
/// Any runtime can be named where a connection is opened:
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use std::sync::Arc;
/// use wirestack::runtime::{Runtime, Smol};
///
/// let runtime: Arc<dyn Runtime> = Arc::new(Smol);
/// let connect = wirestack::connect("wss://example.org").runtime(runtime);
/// # drop(connect);
/// # }
/// ```
///
/// A runtime that adds something to another one hands on what it does not change. This one counts the
/// connections of a program:
///
/// ```
/// use std::io;
/// use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
/// use std::path::PathBuf;
/// use std::pin::Pin;
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
/// use std::task::Context;
/// use wirestack::Instant;
/// use wirestack::runtime::{
///     AddressStream, AsyncListener, AsyncTimer, AsyncUdpSocket, BoxFuture, Runtime, TcpOptions,
///     Transport,
/// };
///
/// type Opening = BoxFuture<io::Result<Box<dyn Transport>>>;
///
/// #[derive(Debug)]
/// struct Counted {
///     inner: Arc<dyn Runtime>,
///     connections: AtomicUsize,
/// }
///
/// impl Runtime for Counted {
///     fn now(&self) -> Instant {
///         self.inner.now()
///     }
///
///     fn new_timer(&self, at: Instant) -> Pin<Box<dyn AsyncTimer>> {
///         self.inner.new_timer(at)
///     }
///
///     fn spawn(&self, task: BoxFuture<()>) {
///         self.inner.spawn(task);
///     }
///
///     fn yield_now(&self, cx: &mut Context<'_>) {
///         self.inner.yield_now(cx);
///     }
///
///     fn spawn_blocking(&self, work: Box<dyn FnOnce() + Send>) {
///         self.inner.spawn_blocking(work);
///     }
///
///     fn connect_tcp(&self, to: SocketAddr) -> Opening {
///         self.connect_tcp_with(to, TcpOptions::default())
///     }
///
///     fn connect_tcp_with(&self, to: SocketAddr, options: TcpOptions) -> Opening {
///         self.connections.fetch_add(1, Relaxed);
///         self.inner.connect_tcp_with(to, options)
///     }
///
///     fn connect_unix(&self, path: PathBuf) -> Opening {
///         self.connections.fetch_add(1, Relaxed);
///         self.inner.connect_unix(path)
///     }
///
///     fn lookup(&self, host: String, port: u16) -> AddressStream {
///         self.inner.lookup(host, port)
///     }
///
///     fn wrap_tcp(&self, socket: TcpStream) -> io::Result<Box<dyn Transport>> {
///         self.inner.wrap_tcp(socket)
///     }
///
///     fn wrap_listener(&self, listener: TcpListener) -> io::Result<Box<dyn AsyncListener>> {
///         self.inner.wrap_listener(listener)
///     }
///
///     fn wrap_udp(&self, socket: UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
///         self.inner.wrap_udp(socket)
///     }
///
///     // `wrap_unix` and `wrap_unix_listener` are there on Unix alone.
/// }
///
/// #[tokio::main]
/// async fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let inner = wirestack::runtime::current()?;
///     let counted = Arc::new(Counted { inner, connections: AtomicUsize::new(0) });
///     let stream = wirestack::connect_stream("tcp://127.0.0.1:1").direct();
///     assert!(stream.runtime(counted.clone()).await.is_err()); // nobody listens there
///     assert_eq!(counted.connections.load(Relaxed), 1);
///     Ok(())
/// }
/// ```
pub trait Runtime: fmt::Debug + Send + Sync + 'static {
    /// Returns the current time.
    fn now(&self) -> Instant {
        Instant::now()
    }

    /// Creates a timer that expires at `at`.
    fn new_timer(&self, at: Instant) -> Pin<Box<dyn AsyncTimer>>;

    /// Runs a task in the background.
    fn spawn(&self, task: BoxFuture<()>);

    /// Wakes the task of `cx` again, once others have had their turn. By default it is woken at once,
    /// which is enough for a runtime that runs its tasks one after another.
    fn yield_now(&self, cx: &mut Context<'_>) {
        cx.waker().wake_by_ref();
    }

    /// Runs work that blocks, such as the look-up of a name, on a thread that may block.
    fn spawn_blocking(&self, work: Box<dyn FnOnce() + Send>) {
        blocking_task::on_new_thread(work);
    }

    /// Opens a TCP connection.
    ///
    /// # Errors
    ///
    /// The future returns the error of the system.
    fn connect_tcp(&self, to: SocketAddr) -> BoxFuture<io::Result<Box<dyn Transport>>>;

    /// Opens a TCP connection with these options. By default it takes no others than the default
    /// ones.
    ///
    /// # Errors
    ///
    /// The future returns the error of the system, or `Unsupported`.
    fn connect_tcp_with(
        &self,
        to: SocketAddr,
        options: TcpOptions,
    ) -> BoxFuture<io::Result<Box<dyn Transport>>> {
        if options == TcpOptions::default() {
            return self.connect_tcp(to);
        }
        let error = unsupported(self, "options of TCP connections");
        Box::pin(async move { Err(error) })
    }

    /// Connects to a Unix socket.
    ///
    /// # Errors
    ///
    /// The future returns the error of the system, or `Unsupported`.
    fn connect_unix(&self, path: PathBuf) -> BoxFuture<io::Result<Box<dyn Transport>>> {
        drop(path);
        let error = unsupported(self, "Unix sockets");
        Box::pin(async move { Err(error) })
    }

    /// Looks a name up, and returns its addresses with this port. By default the system looks it
    /// up, on a thread of [`spawn_blocking`](Self::spawn_blocking).
    fn lookup(&self, host: String, port: u16) -> AddressStream {
        resolve::system_lookup(self, host, port)
    }

    /// Converts a connected socket of the standard library into a transport of this runtime.
    ///
    /// # Errors
    ///
    /// The error of the system, or `Unsupported`.
    fn wrap_tcp(&self, socket: TcpStream) -> io::Result<Box<dyn Transport>> {
        drop(socket);
        Err(unsupported(self, "TCP sockets of the standard library"))
    }

    /// Converts a connected Unix socket of the standard library into a transport of this runtime.
    ///
    /// # Errors
    ///
    /// The error of the system, or `Unsupported`.
    #[cfg(unix)]
    fn wrap_unix(&self, socket: std::os::unix::net::UnixStream) -> io::Result<Box<dyn Transport>> {
        drop(socket);
        Err(unsupported(self, "Unix sockets of the standard library"))
    }

    /// Converts a listener of the standard library into a listener of this runtime.
    ///
    /// # Errors
    ///
    /// The error of the system, or `Unsupported`.
    fn wrap_listener(&self, listener: TcpListener) -> io::Result<Box<dyn AsyncListener>> {
        drop(listener);
        Err(unsupported(self, "listeners"))
    }

    /// Converts a listener for Unix sockets of the standard library into a listener of this
    /// runtime.
    ///
    /// # Errors
    ///
    /// The error of the system, or `Unsupported`.
    #[cfg(unix)]
    fn wrap_unix_listener(
        &self,
        listener: std::os::unix::net::UnixListener,
    ) -> io::Result<Box<dyn AsyncListener>> {
        drop(listener);
        Err(unsupported(self, "listeners for Unix sockets"))
    }

    /// Converts a UDP socket of the standard library into a UDP socket of this runtime.
    ///
    /// # Errors
    ///
    /// The error of the system, or `Unsupported`.
    fn wrap_udp(&self, socket: UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        drop(socket);
        Err(unsupported(self, "UDP sockets"))
    }
}

/// The address of a peer that has none: that of a Unix socket.
#[cfg(all(unix, any(feature = "tokio", feature = "smol", feature = "blocking")))]
pub(crate) fn unnamed() -> SocketAddr {
    (std::net::Ipv4Addr::UNSPECIFIED, 0).into()
}

/// Returns the current runtime. It is the first of these whose feature is enabled:
///
/// * [`Threads`] inside of [`blocking::block_on`],
/// * tokio inside of a tokio runtime,
/// * smol, which works everywhere.
///
/// ```
/// use wirestack::runtime::current;
///
/// let runtime = tokio::runtime::Runtime::new()?;
/// assert!(runtime.block_on(async { current().is_ok() }));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
///
/// [`NoRuntime`] if it is none of them.
///
/// [`blocking::block_on`]: crate::blocking::block_on
pub fn current() -> Result<Arc<dyn Runtime>, NoRuntime> {
    #[cfg(feature = "blocking")]
    if threads::is_current() {
        return Ok(Threads::shared());
    }
    #[cfg(feature = "tokio")]
    if let Some(tokio) = Tokio::current() {
        return Ok(tokio);
    }
    #[cfg(feature = "smol")]
    return Ok(Smol::shared());
    #[cfg(not(feature = "smol"))]
    Err(NoRuntime(()))
}

/// Runs a task in the background, on the [current] runtime.
///
/// ```
/// use tokio::sync::oneshot;
/// use wirestack::runtime::spawn;
///
/// #[tokio::main(flavor = "current_thread")]
/// async fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let (done, wait) = oneshot::channel();
///     spawn(async { drop(done.send("from another task")) })?; // on whatever runtime this is
///     assert_eq!(wait.await?, "from another task");
///     Ok(())
/// }
/// ```
///
/// # Errors
///
/// [`NoRuntime`] if there is none.
pub fn spawn(task: impl Future<Output = ()> + Send + 'static) -> Result<(), NoRuntime> {
    current()?.spawn(Box::pin(task));
    Ok(())
}

/// The error of a call that found no current runtime.
///
/// ```
/// use wirestack::runtime::current;
///
/// match current() {
///     Ok(runtime) => println!("this is {runtime:?}"),
///     Err(error) => println!("{error}"), // it tells what to do
/// }
/// ```
///
/// ```
/// use wirestack::runtime::{NoRuntime, Runtime, current};
///
/// /// Says what is missing, in an application that may be used without a runtime.
/// fn describe(found: Result<std::sync::Arc<dyn Runtime>, NoRuntime>) -> String {
///     found.map_or_else(|error: NoRuntime| error.to_string(), |runtime| format!("{runtime:?}"))
/// }
/// println!("{}", describe(current()));
/// ```
#[derive(thiserror::Error)]
#[error(
    "no runtime here: call it inside of a tokio runtime or of `wirestack::blocking::block_on`, \
     enable the feature `smol`, or name a runtime"
)]
pub struct NoRuntime(());

/// Shows the same as `Display`: it is what `main` prints.
impl fmt::Debug for NoRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Waits for a duration; for ever if it ends after the largest time.
pub(crate) async fn sleep(runtime: &dyn Runtime, time: Duration) -> io::Result<()> {
    match runtime.now().checked_add(time) {
        Some(at) => sleep_until(runtime, at).await,
        None => std::future::pending().await,
    }
}

/// Waits until a time.
pub(crate) async fn sleep_until(runtime: &dyn Runtime, at: Instant) -> io::Result<()> {
    let mut timer = runtime.new_timer(at);
    std::future::poll_fn(|cx| timer.as_mut().poll_expired(cx)).await
}

fn unsupported(runtime: &(impl Runtime + ?Sized), what: &str) -> io::Error {
    let text = format!("the runtime {runtime:?} does not support {what}");
    io::Error::new(io::ErrorKind::Unsupported, text)
}
