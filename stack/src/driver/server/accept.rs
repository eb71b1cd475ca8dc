//! The loop of a server: accepts connections until it is told to end.

use crate::driver::runtime::{
    AsyncTimer, BoxFuture, IntoTransport, Listener, Runtime, Transport, sleep,
};
use crate::driver::shutdown::Shutdown;
use crate::driver::tasks::Tasks;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;
use wirestack_dial::serve::{AcceptRetry, AfterError};

/// Serves the clients of a listener: accepts connections, and calls `each` for every one, in a task
/// of its own.
///
/// It goes on where a loop of `accept` would end: after a connection that broke before it was
/// accepted, and when the process has no file descriptor left. Then the clients wait in the backlog
/// of the listener until there is one. It ends with an error only if the listener is dead.
///
/// At most [`max_connections`](Serve::max_connections) run at the same time. After the
/// [signal](Serve::graceful_shutdown) it accepts no more, and those that run may finish.
///
/// ```no_run
/// # #[cfg(feature = "tokio")]
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
/// use wirestack::runtime::Listener;
/// use wirestack::websocket::Accept;
/// use wirestack::{Accepted, ServerSocket, WebSocketServer, serve};
///
/// async fn echo(mut socket: ServerSocket, _: http::Request<()>) {
///     while let Some(Ok(message)) = socket.next().await {
///         let _ = socket.send(message).await;
///     }
/// }
///
/// # let interrupt = std::future::pending(); // such as `tokio::signal::ctrl_c`
/// let server = WebSocketServer::new(|_| Ok(Accept::new()));
/// serve(Listener::bind("127.0.0.1:8080")?, move |client: Accepted| {
///     let server = server.clone();
///     async move {
///         let peer = client.peer_addr();
///         if let Err(error) = server.serve_connection(client, echo).await {
///             eprintln!("{peer}: {error}");
///         }
///     }
/// })
/// .graceful_shutdown(interrupt)
/// .await?;
/// # Ok(())
/// # }
/// ```
///
/// It runs on the runtime of the listener. With the feature `blocking`,
/// [`blocking`](Serve::blocking) serves in the calling thread, and each client in a thread.
pub fn serve<F, R>(listener: Listener, each: F) -> Serve
where
    F: FnMut(Accepted) -> R + Send + 'static,
    R: Future<Output = ()> + Send + 'static,
{
    let mut each = each;
    Serve {
        listener,
        each: Box::new(move |accepted| Box::pin(each(accepted))),
        max_connections: MAX_CONNECTIONS,
        signal: Box::pin(std::future::pending()),
        shutdown_timeout: SHUTDOWN_TIMEOUT,
        on_accept_error: Box::new(|_| ()),
    }
}

/// A server to run: await it. [`serve`] returns it.
///
/// ```
/// use std::time::Duration;
/// use wirestack::runtime::Listener;
/// use wirestack::{Accepted, serve};
///
/// #[tokio::main(flavor = "current_thread")]
/// async fn main() -> std::io::Result<()> {
///     let each = |client: Accepted| async move { println!("{}", client.peer_addr()) };
///     serve(Listener::bind("127.0.0.1:0")?, each)
///         .max_connections(1000)
///         .on_accept_error(|error| eprintln!("cannot accept: {error}"))
///         .graceful_shutdown(async {}) // such as `tokio::signal::ctrl_c`; here it ends at once
///         .shutdown_timeout(Duration::from_secs(30))
///         .await
/// }
/// ```
#[must_use = "a server does nothing until it is awaited"]
pub struct Serve {
    listener: Listener,
    each: Box<dyn FnMut(Accepted) -> BoxFuture<()> + Send>,
    max_connections: usize,
    signal: BoxFuture<()>,
    shutdown_timeout: Duration,
    on_accept_error: Box<dyn FnMut(&io::Error) + Send>,
}

/// A connection that [`serve`] has accepted. [`WebSocketServer::serve`] and
/// [`Connection::from_transport`] take it like a socket.
///
/// [`WebSocketServer::serve`]: crate::WebSocketServer::serve
/// [`Connection::from_transport`]: crate::Connection::from_transport
///
/// ```
/// use wirestack::runtime::Transport;
/// use wirestack::{Accepted, Connection, Engine, Error, Identity};
///
/// async fn greet(client: Accepted) -> Result<(), Error> {
///     println!("{} came to {:?}", client.peer_addr(), client.local_addr());
///     if client.shutdown().has_started() {
///         return Ok(()); // the server ends
///     }
///     let io: Box<dyn Transport> = client.into_transport();
///     let connection = Connection::from_transport(io, Engine::new(Identity))?;
///     connection.finish(std::time::Duration::from_secs(1)).await
/// }
/// ```
pub struct Accepted {
    io: Box<dyn Transport>,
    peer: SocketAddr,
    shutdown: Shutdown,
}

impl Accepted {
    /// Returns the address of the client. That of a Unix socket is all zeros.
    pub fn peer_addr(&self) -> SocketAddr {
        self.peer
    }

    /// Returns the address of this end of the connection.
    ///
    /// # Errors
    ///
    /// The error of the system, or `Unsupported` for a Unix socket.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.local_addr()
    }

    /// Returns the signal by which the server ends. A function that serves for a long time should
    /// wait for it too; a [`WebSocketServer`](crate::WebSocketServer) does by itself.
    pub fn shutdown(&self) -> &Shutdown {
        &self.shutdown
    }

    /// Returns the transport of the connection.
    pub fn into_transport(self) -> Box<dyn Transport> {
        self.io
    }
}

impl IntoTransport for Accepted {
    fn into_transport(self, _: &dyn Runtime) -> io::Result<Box<dyn Transport>> {
        Ok(self.io)
    }

    fn shutdown_signal(&self) -> Option<Shutdown> {
        Some(self.shutdown.clone())
    }
}

impl fmt::Debug for Accepted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Accepted").field(&self.peer).finish()
    }
}

impl Serve {
    /// Sets how many connections may run at the same time. Further clients wait in the backlog of
    /// the listener until one ends. The default is 1000.
    ///
    /// A connection needs one file descriptor, and that of a proxy needs two. Where the process has
    /// fewer, the server waits for them.
    pub fn max_connections(mut self, most: usize) -> Self {
        self.max_connections = most.max(1);
        self
    }

    /// Ends the server when `signal` is ready:
    ///
    /// 1. It accepts no more connections, and closes the listener.
    /// 2. Connections that run may finish. A [`WebSocketServer`](crate::WebSocketServer) sends each
    ///    WebSocket a Close frame with 1001 (going away), and each HTTP/2 connection a GOAWAY. The
    ///    tunnels of a proxy go on. Functions of your own ask for [`Accepted::shutdown`].
    /// 3. After the [time-out](Self::shutdown_timeout), those that are left are cut.
    pub fn graceful_shutdown(mut self, signal: impl Future<Output = ()> + Send + 'static) -> Self {
        self.signal = Box::pin(signal);
        self
    }

    /// Sets how long connections may go on after the signal. The default is 10 s.
    pub fn shutdown_timeout(mut self, timeout: Duration) -> Self {
        self.shutdown_timeout = timeout;
        self
    }

    /// Calls `report` with each error of accepting, for a log. The server goes on by itself.
    pub fn on_accept_error(mut self, report: impl FnMut(&io::Error) + Send + 'static) -> Self {
        self.on_accept_error = Box::new(report);
        self
    }

    async fn run(self) -> io::Result<()> {
        let Self {
            listener,
            mut each,
            max_connections,
            mut signal,
            shutdown_timeout,
            on_accept_error,
        } = self;
        let runtime = listener.runtime().clone();
        let shutdown = Shutdown::new();
        let tasks = Tasks::new();
        let mut accepting = Accepting::new(listener, on_accept_error);
        let ended = poll_fn(|cx| {
            loop {
                if signal.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(Ok(()));
                }
                while let Poll::Ready(Some(())) = tasks.poll_join(cx) {
                    accepting.pause = None; // it has left a descriptor
                }
                if tasks.running() >= max_connections {
                    return Poll::Pending;
                }
                let (io, peer) = match accepting.poll_accept(&*runtime, cx) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                    Poll::Ready(Ok(accepted)) => accepted,
                };
                let shutdown = shutdown.clone();
                tasks.spawn(&*runtime, each(Accepted { io, peer, shutdown }));
            }
        })
        .await;
        drop(accepting);
        shutdown.start();
        let mut late = pin!(sleep(&*runtime, shutdown_timeout));
        poll_fn(|cx| {
            while let Poll::Ready(done) = tasks.poll_join(cx) {
                if done.is_none() {
                    return Poll::Ready(());
                }
            }
            late.as_mut().poll(cx).map(|_| ())
        })
        .await;
        ended
    }
}

/// The listener, and what it waits for after an error.
pub(super) struct Accepting {
    listener: Listener,
    retry: AcceptRetry,
    pause: Option<Pin<Box<dyn AsyncTimer>>>,
    on_accept_error: Box<dyn FnMut(&io::Error) + Send>,
}

impl Accepting {
    pub(super) fn new(
        listener: Listener,
        on_accept_error: Box<dyn FnMut(&io::Error) + Send>,
    ) -> Self {
        Self {
            listener,
            retry: AcceptRetry::default(),
            pause: None,
            on_accept_error,
        }
    }

    /// Waits for a connection. Fails only if there will never be another one.
    pub(super) fn poll_accept(
        &mut self,
        runtime: &dyn Runtime,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<(Box<dyn Transport>, SocketAddr)>> {
        loop {
            if let Some(pause) = &mut self.pause {
                match pause.as_mut().poll_expired(cx) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(expired) => expired?,
                }
                self.pause = None;
            }
            let error = match self.listener.poll_accept(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(accepted)) => {
                    self.retry.accepted();
                    return Poll::Ready(Ok(accepted));
                }
                Poll::Ready(Err(error)) => error,
            };
            (self.on_accept_error)(&error);
            match self.retry.failed(&error) {
                AfterError::Again => {}
                AfterError::Wait(time) => {
                    self.pause = Some(runtime.new_timer(runtime.now() + time));
                }
                AfterError::End => return Poll::Ready(Err(error)),
            }
        }
    }
}

/// Runs until the [signal](Serve::graceful_shutdown), or for ever. The error is that of a listener
/// that is dead.
impl IntoFuture for Serve {
    type Output = io::Result<()>;
    type IntoFuture = BoxFuture<io::Result<()>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl fmt::Debug for Serve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serve")
            .field("listener", &self.listener)
            .field("max_connections", &self.max_connections)
            .field("shutdown_timeout", &self.shutdown_timeout)
            .finish_non_exhaustive()
    }
}

/// The default limit of connections. Many systems give a process 1024 descriptors.
const MAX_CONNECTIONS: usize = 1000;

/// The default time of connections after the signal.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(10);
