//! One HTTP/2 connection that many streams share.

mod flushing;
mod incoming;
mod origin;
mod shared;
mod stream;
mod waiting;
mod wakers;

pub use incoming::Incoming;
pub(crate) use origin::Origin;
pub use stream::{Http2Stream, Http2WebSocket};

use crate::driver::error::seed;
use crate::driver::io::Connection;
use crate::driver::runtime::{AsyncTimer, BULK_READ_SIZE, Runtime, sleep};
use http::Response;
use shared::{HoldGuard, Shared};
use std::fmt;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use waiting::Interest;
use wirestack_dial::BoxHttp2;
use wirestack_http2::{ConnectRequest, Streams};
use wirestack_layer::{End, Error, Flow, Layer};
use wirestack_nest::Engine;
use wirestack_websocket as websocket;

/// An HTTP/2 connection (RFC 9113) that many streams share, for a client or a server.
///
/// [`connect_http2`](crate::connect_http2) opens one. Clones and streams share the connection. Each
/// call that waits drives it for all of them. With many streams, let one task drive it, with
/// [`spawn`](Self::spawn) or [`driver`](Self::driver).
///
/// The connection closes when the last clone and the last stream have been dropped: gracefully if a
/// driver runs, and otherwise at once.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use wirestack::connect_http2;
///
/// let http2 = connect_http2("wss://example.org").await?;
/// http2.spawn(); // one task drives the connection, for both WebSockets
/// let mut chat = http2.websocket("/chat").await?;
/// let mut news = http2.websocket("/news").await?;
/// chat.send("hello").await?;
/// let message = news.next().await;
/// http2.close().await?;
/// # drop(message);
/// # Ok(())
/// # }
/// ```
///
/// ```
/// use tokio::io::duplex;
/// use wirestack::http2::{Connection as Layer, Http2Config};
/// use wirestack::runtime::TokioTransport;
/// use wirestack::{Connection, Engine, Error, Http2};
///
/// /// Shares a connection that the program has made, from a stream of its own.
/// fn over(stream: tokio::io::DuplexStream) -> Result<Http2, Error> {
///     let engine = Engine::new(Layer::client(Http2Config::default()));
///     let http2 = Http2::new(Connection::from_transport(TokioTransport::new(stream), engine)?);
///     tokio::spawn(http2.driver()); // one task drives it
///     Ok(http2)
/// }
///
/// #[tokio::main]
/// async fn main() -> Result<(), Error> {
///     let (near, _far) = duplex(64 * 1024);
///     let http2 = over(near)?;
///     drop(http2); // and the driver ends
///     Ok(())
/// }
/// ```
pub struct Http2 {
    shared: Arc<Shared>,
    guard: Arc<HoldGuard>,
}

impl Http2 {
    /// Shares a connection whose top layer is HTTP/2.
    pub fn new<L>(connection: Connection<L>) -> Self
    where
        L: Layer<In = Streams, Out = Streams> + Send + 'static,
    {
        let (shared, guard) = Shared::new(connection.boxed());
        Self { shared, guard }
    }

    pub(crate) fn with_origin(mut self, origin: Origin) -> Self {
        if let Some(shared) = Arc::get_mut(&mut self.shared) {
            shared.origin = Some(origin);
        }
        self
    }

    /// Returns the number of open streams and other clones.
    pub(crate) fn streams(&self) -> usize {
        Arc::strong_count(&self.guard) - 1
    }

    /// Returns `true` if both are clones of one connection.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// Returns the origin that the connection was opened to.
    pub(crate) fn origin(&self) -> Result<&Origin, Error> {
        self.shared.origin.as_ref().ok_or_else(no_origin)
    }

    /// Opens a WebSocket with an extended CONNECT (RFC 8441).
    ///
    /// ```
    /// use wirestack::Http2;
    /// use wirestack::websocket::{ClientRequest, WebSocketConfig};
    ///
    /// async fn join(http2: &Http2) -> Result<(), wirestack::Error> {
    ///     let request = ClientRequest::new("wss://example.org/chat")?.subprotocol("chat")?;
    ///     let mut socket = http2.websocket_with(request, WebSocketConfig::default()).await?;
    ///     socket.send("hello").await
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// The peer refused it, or the error that ended the connection: an
    /// [`http2::Http2Error`](crate::http2::Http2Error).
    pub async fn websocket_with(
        &self,
        request: websocket::ClientRequest,
        settings: websocket::WebSocketConfig,
    ) -> Result<Http2WebSocket, Error> {
        let connect = ConnectRequest::extended("websocket", request.to_http2(&settings))?;
        let (response, stream) = self.open(connect).await?;
        let client = websocket::Client::from_response(&request, response, settings, seed())?;
        let engine = Engine::new(client);
        Ok(Connection::new(self.runtime(), Box::new(stream), engine))
    }

    /// Opens a stream for a tunnel (CONNECT, RFC 9113 §8.5) or for another protocol (extended
    /// CONNECT, RFC 8441), and returns it with the peer's response.
    ///
    /// Dropping the future resets the stream.
    ///
    /// ```
    /// use tokio::io::AsyncReadExt;
    /// use wirestack::Http2;
    /// use wirestack::http2::ConnectRequest;
    ///
    /// /// Opens a tunnel through an HTTP/2 proxy.
    /// async fn banner(proxy: &Http2) -> Result<String, Box<dyn std::error::Error>> {
    ///     let request = ConnectRequest::tunnel("example.org", 22)?;
    ///     let (response, mut stream) = proxy.open(request).await?;
    ///     assert!(response.status().is_success());
    ///     let mut banner = String::new();
    ///     stream.read_to_string(&mut banner).await?;
    ///     Ok(banner)
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// The peer refused the request, or the error that ended the connection.
    pub async fn open(
        &self,
        request: ConnectRequest,
    ) -> Result<(Response<()>, Http2Stream), Error> {
        let id = self.shared.lock().streams().open(request)?;
        self.shared.transmit();
        let stream = Http2Stream::new(self, id);
        let response = poll_fn(|cx| {
            let interest = Interest::Read(id);
            self.shared.wait(interest, cx, |state| {
                if let Some(response) = state.responses.remove(&id) {
                    return Poll::Ready(Ok(response));
                }
                match state.abort_error(id) {
                    Some(error) => Poll::Ready(Err(error)),
                    None => Poll::Pending,
                }
            })
        });
        let response = response.await?;
        Ok((response.map(|_| ()), stream))
    }

    /// Waits for the next request; `None` once the client sends no more of them.
    ///
    /// Dropping the future loses no request.
    ///
    /// ```
    /// use wirestack::http::{HeaderMap, Response, StatusCode};
    /// use wirestack::http2::{self, Http2Config, RequestKind};
    /// use wirestack::runtime::IntoTransport;
    /// use wirestack::{Connection, Engine, Http2};
    ///
    /// /// Serves one connection: tunnels to nowhere, and a page.
    /// async fn serve(io: impl IntoTransport) -> Result<(), wirestack::Error> {
    ///     let layer = http2::Connection::server(Http2Config::server());
    ///     let http2 = Http2::new(Connection::from_transport(io, Engine::new(layer))?);
    ///     tokio::spawn(http2.driver()); // one task drives the connection, for all streams
    ///     while let Some(incoming) = http2.accept().await {
    ///         let incoming = incoming?;
    ///         match incoming.request_kind() {
    ///             RequestKind::Tunnel(_) => drop(incoming.accept(HeaderMap::new())),
    ///             _ if incoming.request().uri().path() == "/" => {
    ///                 incoming.respond(Response::new("hello\n".into()));
    ///             }
    ///             _ => {
    ///                 let mut response = Response::new("".into());
    ///                 *response.status_mut() = StatusCode::NOT_FOUND;
    ///                 incoming.respond(response);
    ///             }
    ///         }
    ///     }
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// The error that ended the connection. Each further call returns it again.
    pub async fn accept(&self) -> Option<Result<Incoming, Error>> {
        let next = poll_fn(|cx| {
            self.shared.wait(Interest::Connection, cx, |state| {
                if let Some(request) = state.next_request() {
                    return Poll::Ready(Some(Ok(request)));
                }
                match state.connection.engine().to_app().closed() {
                    None => Poll::Pending,
                    Some(End::Finished) => Poll::Ready(None),
                    Some(End::Aborted(error)) => Poll::Ready(Some(Err(error.clone()))),
                }
            })
        });
        Some(next.await?.map(|(id, request)| Incoming {
            request,
            stream: Some(Http2Stream::new(self, id)),
        }))
    }

    /// Closes the connection gracefully (GOAWAY, RFC 9113 §6.8): no more streams are opened or
    /// accepted. Waits for at most 10 s until the open streams have ended. Later they still go on,
    /// until the last clone and the last stream are dropped.
    ///
    /// # Errors
    ///
    /// The error that ended the connection instead, or streams were still open after 10 s.
    pub async fn close(&self) -> Result<(), Error> {
        let runtime = self.runtime();
        let mut late = pin!(sleep(&*runtime, CLOSE_TIMEOUT));
        poll_fn(|cx| {
            let closed = self.shared.wait(Interest::Connection, cx, |state| {
                state.streams().finish();
                let is_drained = state.connection.is_drained();
                match state.connection.engine().to_app().closed() {
                    Some(End::Aborted(error)) => Poll::Ready(Err(error.clone())),
                    Some(End::Finished) if is_drained => Poll::Ready(Ok(())),
                    _ => Poll::Pending,
                }
            });
            if closed.is_ready() {
                return closed;
            }
            let late = ready!(late.as_mut().poll(cx));
            late.map_err(|error| Error::local(wirestack_layer::origin::RUNTIME, error))?;
            Poll::Ready(Err(Error::peer("http2", StreamsStillOpen)))
        })
        .await
    }

    /// Tells the peer by a GOAWAY that no more streams are accepted, and does not wait.
    pub(crate) fn go_away(&self) {
        self.shared.lock().streams().finish();
        self.shared.transmit();
    }

    /// Calls `act` with the connection, to read facts from its stack or to take a decision in it.
    ///
    /// ```
    /// use wirestack::Http2;
    ///
    /// /// Prints the layers of a connection, and what was agreed on.
    /// fn show(http2: &Http2) {
    ///     http2.with(|connection| {
    ///         for layer in connection.describe() {
    ///             println!("{layer}");
    ///         }
    ///     });
    /// }
    /// ```
    pub fn with<T>(&self, act: impl FnOnce(&mut Connection<BoxHttp2>) -> T) -> T {
        let result = act(&mut self.shared.lock().connection);
        self.shared.transmit();
        result
    }

    /// Returns a future that drives the connection until it is over, for all clones and streams. Of
    /// several drivers the one that was polled last drives, and another one takes its place when it is
    /// dropped.
    ///
    /// ```
    /// use wirestack::Http2;
    ///
    /// fn drive(http2: &Http2) {
    ///     tokio::spawn(http2.driver()); // `http2.spawn()` uses the runtime of the connection
    /// }
    /// ```
    pub fn driver(&self) -> Driver {
        Driver {
            shared: self.shared.clone(),
            number: self.shared.wakers.number_driver(),
            goodbye: None,
        }
    }

    /// Drives the connection in a task of its runtime.
    pub fn spawn(&self) {
        self.runtime().spawn(Box::pin(self.driver()));
    }

    pub(crate) fn runtime(&self) -> Arc<dyn Runtime> {
        self.shared.lock().connection.runtime.clone()
    }
}

impl Clone for Http2 {
    fn clone(&self) -> Self {
        Self {
            shared: self.shared.clone(),
            guard: self.guard.clone(),
        }
    }
}

/// The future that drives a connection for all its streams, until it is over. When the last clone
/// and the last stream have been dropped, it closes the connection gracefully, for at most 10 s.
///
/// ```
/// use wirestack::Http2;
///
/// async fn drive(http2: Http2) {
///     let driving = tokio::spawn(http2.driver());
///     drop(http2); // the last clone: the connection closes gracefully
///     let _ = driving.await;
/// }
/// ```
#[must_use = "it does nothing until it is polled"]
pub struct Driver {
    shared: Arc<Shared>,
    /// Among the drivers of the connection.
    number: u64,
    /// The time limit of the graceful close.
    goodbye: Option<Pin<Box<dyn AsyncTimer>>>,
}

impl Driver {
    /// Returns `true` if this is a driver of that connection.
    pub(crate) fn drives(&self, http2: &Http2) -> bool {
        Arc::ptr_eq(&self.shared, &http2.shared)
    }
}

impl Future for Driver {
    type Output = ();
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Self {
            shared,
            number,
            goodbye,
        } = &mut *self;
        shared.wakers.register_driver(*number, cx.waker());
        if shared.wakers.is_abandoned() {
            shared.lock().streams().finish();
            let runtime = shared.lock().connection.runtime.clone();
            let goodbye =
                goodbye.get_or_insert_with(|| runtime.new_timer(runtime.now() + CLOSE_TIMEOUT));
            if goodbye.as_mut().poll_expired(cx).is_ready() {
                return Poll::Ready(());
            }
        }
        let polled = shared.act_and_wake(|state, cx| {
            let start = state.connection.engine().from_wire().total();
            while state.connection.engine().from_wire().total() - start < READ_AT_ONCE {
                if state.connection.is_over() {
                    return Some(Poll::Ready(()));
                }
                let advanced = state.connection.advance(cx);
                if !state.take_heads() && advanced.is_pending() {
                    state.deadline = state.connection.engine().deadline();
                    return Some(Poll::Pending);
                }
            }
            None
        });
        polled.unwrap_or_else(|| {
            // The streams' tasks take what has arrived, before more of it needs memory.
            shared.lock().connection.runtime.yield_now(cx);
            Poll::Pending
        })
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.shared.remove_driver(self.number);
    }
}

fn no_origin() -> Error {
    Error::local("http2", NoOrigin)
}

#[derive(Debug, thiserror::Error)]
#[error("this connection was not opened from a URL: name the whole URL with `websocket_with`")]
struct NoOrigin;

#[derive(Debug, thiserror::Error)]
#[error("streams are still open after {CLOSE_TIMEOUT:?}")]
struct StreamsStillOpen;

impl fmt::Debug for Http2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http2").finish_non_exhaustive()
    }
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let request = (self.request.method(), self.request.uri().path());
        f.debug_tuple("Incoming").field(&request).finish()
    }
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").finish_non_exhaustive()
    }
}

/// The number of bytes after which a driver lets the tasks of its streams run.
const READ_AT_ONCE: u64 = BULK_READ_SIZE as u64;

/// The time limit of a graceful close.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);
