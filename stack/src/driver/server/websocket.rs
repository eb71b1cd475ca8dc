//! Serving WebSockets to one client, over HTTP/1.1 or HTTP/2.

use super::deciding::{Decide, failure};
use crate::driver::error::{no_runtime_error, socket};
use crate::driver::http2::{Http2, Incoming};
use crate::driver::io::Connection;
use crate::driver::runtime::{IntoTransport, Runtime, current};
use crate::driver::shutdown::Shutdown;
use crate::driver::tasks::Tasks;
use http::Request;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use wirestack_dial::BoxSocket;
use wirestack_dial::serve::{self, Decision};
use wirestack_http2 as http2;
use wirestack_layer::{Error, Instant, Layer, Queue};
use wirestack_nest::{BoxTunnel, Engine};
use wirestack_tls::rustls::ServerConfig;
use wirestack_websocket::{self as websocket, Message, Offer, Payload};

/// A WebSocket that a [`WebSocketServer`] opened. It carries messages, or parts of messages
/// (`Queue<Part>`), or bytes (`Pipe`).
pub type ServerSocket<P = Queue<Message>> = Connection<BoxSocket<P>>;

/// A server of WebSockets over HTTP/1.1 (RFC 6455) and HTTP/2 (RFC 8441). A client chooses the
/// version by ALPN over TLS, and by its first bytes without TLS.
///
/// A web page of another origin is refused, unless [`origins`](Self::origins) permits it. Then one
/// function decides on each request, and another one serves each WebSocket. Both are the same
/// for the two versions.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use wirestack::runtime::Listener;
/// use wirestack::websocket::Accept;
/// use wirestack::{Accepted, ServerSocket, WebSocketServer, serve};
///
/// async fn echo(mut socket: ServerSocket) {
///     while let Some(Ok(message)) = socket.next().await {
///         let _ = socket.send(message).await;
///     }
/// }
///
/// let server = WebSocketServer::new(|_| Ok(Accept::new()));
/// serve(Listener::bind("127.0.0.1:8080")?, move |client: Accepted| {
///     let server = server.clone();
///     async move {
///         if let Err(error) = server.serve(client, echo).await {
///             eprintln!("{error}");
///         }
///     }
/// })
/// .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct WebSocketServer {
    decide: Decide,
    origins: websocket::Origins,
    tls: Option<Arc<ServerConfig>>,
    config: websocket::WebSocketConfig,
    http2: http2::Http2Config,
    handshake_timeout: Duration,
    write_timeout: Option<Duration>,
    runtime: Option<Arc<dyn Runtime>>,
}

impl WebSocketServer {
    /// Creates a server. `decide` accepts each request, or refuses it with a response.
    pub fn new(decide: impl Fn(&Offer<'_>) -> Decision + Send + Sync + 'static) -> Self {
        Self::with(Decide::Now(Arc::new(decide)))
    }

    /// Creates a server whose decisions take time, for example to look into a database. That time
    /// is part of the client's [time for its handshake](Self::handshake_timeout).
    ///
    /// The future of a decision is dropped when its time is over, and when its client has left: over
    /// HTTP/2 with its stream or its connection, over HTTP/1.1 with its connection. A client that
    /// only ends its direction of an HTTP/1.1 connection may still read, and is waited for.
    pub fn deciding<F>(decide: impl Fn(Request<()>) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Decision> + Send + 'static,
    {
        Self::with(Decide::Later(Arc::new(move |request| {
            Box::pin(decide(request))
        })))
    }

    fn with(decide: Decide) -> Self {
        Self {
            decide,
            origins: websocket::Origins::same(),
            tls: None,
            config: websocket::WebSocketConfig::default(),
            http2: http2::Http2Config::server(),
            handshake_timeout: HANDSHAKE_TIMEOUT,
            write_timeout: None,
            runtime: None,
        }
    }

    /// Sets the origins of the web pages that may open a WebSocket here, instead of
    /// [the server's own](websocket::Origins::same). A page of another origin gets a 403, and
    /// nobody is asked.
    ///
    /// ```
    /// use wirestack::WebSocketServer;
    /// use wirestack::websocket::{Accept, Origins};
    ///
    /// let origins = Origins::same().and("https://app.example.org")?;
    /// let server = WebSocketServer::new(|_| Ok(Accept::new())).origins(origins);
    /// # drop(server);
    /// # Ok::<(), wirestack::websocket::InvalidOrigin>(())
    /// ```
    #[must_use]
    pub fn origins(mut self, origins: websocket::Origins) -> Self {
        self.origins = origins;
        self
    }

    /// Speaks TLS with this configuration. Its ALPN protocols are replaced by `h2` and `http/1.1`.
    #[must_use]
    pub fn tls(mut self, config: Arc<ServerConfig>) -> Self {
        let mut config = config;
        Arc::make_mut(&mut config).alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        self.tls = Some(config);
        self
    }

    /// Sets the limits of each WebSocket.
    #[must_use]
    pub fn config(mut self, config: websocket::WebSocketConfig) -> Self {
        self.config = config;
        self
    }

    /// Sets the limits of each HTTP/2 connection.
    #[must_use]
    pub fn http2_config(mut self, config: http2::Http2Config) -> Self {
        self.http2 = config;
        self
    }

    /// Sets how long a handshake may take. The default is 10 s.
    ///
    /// The time of a connection begins with [`serve`](Self::serve), and ends with the decision over
    /// HTTP/1.1 and with the SETTINGS of the client over HTTP/2. Over HTTP/2 each request has this
    /// time again for its decision. A request that is not decided on in time is refused with 503
    /// (Service Unavailable).
    #[must_use]
    pub fn handshake_timeout(mut self, timeout: Duration) -> Self {
        self.handshake_timeout = timeout;
        self
    }

    /// Sets the time in which a client has to take some of the bytes that wait for it, on its
    /// connection and on each of its streams. The default is 60 s. See
    /// [`Connection::set_write_timeout`].
    #[must_use]
    pub fn write_timeout(mut self, timeout: Duration) -> Self {
        self.write_timeout = Some(timeout);
        self.http2.write_timeout = timeout;
        self
    }

    /// Uses this runtime instead of the [current](crate::runtime::current) one.
    #[must_use]
    pub fn runtime(mut self, runtime: Arc<dyn Runtime>) -> Self {
        self.runtime = Some(runtime);
        self
    }

    /// Serves one client until its connection ends, over any transport. `each` serves a WebSocket
    /// once it is open. The WebSockets of an HTTP/2 client run at the same time, each in a task of
    /// its own. The tasks end when this future ends or is dropped.
    ///
    /// If [`crate::serve`] has accepted the client and ends, each WebSocket gets a Close frame with
    /// 1001 (going away), and an HTTP/2 connection a GOAWAY.
    ///
    /// # Errors
    ///
    /// The error that ended the connection. Errors inside of `each` do not end it.
    pub async fn serve<F, R>(&self, io: impl IntoTransport, each: F) -> Result<(), Error>
    where
        F: Fn(ServerSocket) -> R,
        R: Future<Output = ()> + Send + 'static,
    {
        self.serve_in(io, each).await
    }

    /// Serves one client as [`serve`](Self::serve) does, with the payload that `each` takes:
    /// messages, parts of messages (`Queue<Part>`) or bytes (`Pipe`). Bytes do not carry
    /// half-close.
    ///
    /// # Errors
    ///
    /// The same as those of [`serve`](Self::serve).
    pub async fn serve_in<P, F, R>(&self, io: impl IntoTransport, each: F) -> Result<(), Error>
    where
        P: Payload,
        F: Fn(ServerSocket<P>) -> R,
        R: Future<Output = ()> + Send + 'static,
    {
        let runtime = match &self.runtime {
            Some(runtime) => runtime.clone(),
            None => current().map_err(no_runtime_error)?,
        };
        let shutdown = io.shutdown_signal();
        let io = io.into_transport(&*runtime).map_err(socket)?;
        let below_http = serve::below_http(self.tls.as_ref())?;
        let accepted = runtime.now();
        let mut connection = Connection::new(runtime, io, Engine::new(below_http));
        self.limit_writing(&mut connection);
        connection.set_open_timeout(self.handshake_timeout);
        connection.open().await?;
        if serve::speaks_http2(connection.engine()) {
            let top = http2::Connection::server(self.http2.clone());
            let mut connection = connection.push_layer(top);
            let engine = connection.engine();
            engine.set_open_timeout(self.handshake_timeout, accepted);
            return self
                .serve_http2(Http2::new(connection), each, shutdown)
                .await;
        }
        self.serve_http1(connection, accepted, each, shutdown).await
    }

    fn limit_writing<L: Layer>(&self, connection: &mut Connection<L>) {
        if let Some(timeout) = self.write_timeout {
            connection.set_write_timeout(timeout);
        }
    }

    async fn serve_http1<P, F, R>(
        &self,
        connection: Connection<BoxTunnel>,
        accepted: Instant,
        each: F,
        shutdown: Option<Shutdown>,
    ) -> Result<(), Error>
    where
        P: Payload,
        F: Fn(ServerSocket<P>) -> R,
        R: Future<Output = ()> + Send + 'static,
    {
        let server = websocket::Server::new(self.config.clone());
        let server = server.with_origins(self.origins.clone());
        let server = server.with_payload::<P>();
        let mut socket = connection.push_layer(server).boxed();
        let engine = socket.engine();
        engine.set_open_timeout(self.handshake_timeout, accepted);
        let deciding = socket.wait_for(|engine| {
            let offer = serve::offer_over_http1::<_, P>(engine)?;
            Some(self.decide.start(&offer))
        });
        let deciding = deciding.await?;
        socket.set_open_timeout(Duration::MAX); // the decision has a timer of its own
        let runtime = socket.runtime.clone();
        let due = accepted.checked_add(self.handshake_timeout);
        let decided = deciding.decided(&*runtime, due, failure(&mut socket));
        let mut decision = Some(decided.await?);
        socket.set_open_timeout(self.handshake_timeout); // for the answer
        let is_accepted = socket.wait_for(|engine| {
            let decision = decision.take()?;
            serve::answer_over_http1::<_, P>(engine, decision)
        });
        if is_accepted.await?? {
            socket.open().await?;
            close_on(&mut socket, shutdown.as_ref());
            each(socket).await;
        } else {
            let _ = socket.finish(self.handshake_timeout).await; // the refusal has been sent
        }
        Ok(())
    }

    async fn serve_http2<P, F, R>(
        &self,
        http2: Http2,
        each: F,
        shutdown: Option<Shutdown>,
    ) -> Result<(), Error>
    where
        P: Payload,
        F: Fn(ServerSocket<P>) -> R,
        R: Future<Output = ()> + Send + 'static,
    {
        let runtime = http2.runtime();
        let (driving, tasks, deciding) = (Tasks::new(), Tasks::new(), Tasks::new());
        let each = |mut socket: ServerSocket<P>| {
            close_on(&mut socket, shutdown.as_ref());
            each(socket)
        };
        let mut signal = shutdown.as_ref().map(Shutdown::waiter);
        driving.spawn(&*runtime, http2.driver());
        let most = self.http2.streams.max(1) as usize;
        let ended = loop {
            let mut accepting = pin!(http2.accept());
            let next = poll_fn(|cx| {
                if let Poll::Ready(Some(decided)) = deciding.poll_join(cx) {
                    return Poll::Ready(ServerEvent::Decided(decided));
                }
                while let Poll::Ready(Some(())) = tasks.poll_join(cx) {}
                if let Some(waiter) = &mut signal
                    && waiter.poll_started(cx).is_ready()
                {
                    signal = None;
                    return Poll::Ready(ServerEvent::Shutdown);
                }
                // A client may reset its streams faster than their tasks end.
                if deciding.running() + tasks.running() >= most {
                    return Poll::Pending;
                }
                accepting.as_mut().poll(cx).map(ServerEvent::Incoming)
            });
            match next.await {
                ServerEvent::Decided(Some(socket)) => tasks.spawn(&*runtime, each(socket)),
                ServerEvent::Decided(None) => {}
                ServerEvent::Shutdown => http2.go_away(),
                ServerEvent::Incoming(Some(Ok(incoming))) => {
                    let decision = self.clone().decide_on(runtime.clone(), incoming);
                    deciding.spawn(&*runtime, decision);
                }
                ServerEvent::Incoming(Some(Err(error))) => break Err(error),
                ServerEvent::Incoming(None) => break Ok(()),
            }
        };
        drop(deciding); // the connection is over, and its clients with it
        drop(http2);
        while let Some(()) = tasks.join().await {}
        while let Some(()) = driving.join().await {}
        ended
    }

    /// Answers a request on a stream, and returns the WebSocket if it was accepted. Returns `None`
    /// too as soon as the client has reset the stream.
    async fn decide_on<P: Payload>(
        self,
        runtime: Arc<dyn Runtime>,
        incoming: Incoming,
    ) -> Option<ServerSocket<P>> {
        if incoming.is_closed() {
            return None;
        }
        let offer = serve::offer_over_http2(incoming.request(), &self.origins);
        let answer = match offer {
            Ok(offer) => {
                let due = runtime.now().checked_add(self.handshake_timeout);
                let deciding = self.decide.start(&offer);
                let decided = deciding.decided(&*runtime, due, incoming.closed());
                serve::answer_over_http2(&offer, decided.await.ok()?, self.config.clone())
            }
            Err(response) => Err(response),
        };
        match answer {
            Ok((server, fields)) => {
                let stream = incoming.accept(fields)?;
                let engine = Engine::new(server.with_payload::<P>()).boxed();
                let mut socket = Connection::new(runtime, Box::new(stream), engine);
                self.limit_writing(&mut socket);
                Some(socket)
            }
            Err(response) => {
                incoming.respond(*response);
                None
            }
        }
    }
}

/// The next event on an HTTP/2 connection.
#[allow(
    clippy::large_enum_variant,
    reason = "a value lives for one match, and its size depends on features"
)]
enum ServerEvent<P: Payload> {
    /// A request was decided on. It has a WebSocket if it was accepted.
    Decided(Option<ServerSocket<P>>),
    /// A request arrived, or the connection has ended.
    Incoming(Option<Result<Incoming, Error>>),
    /// The server ends.
    Shutdown,
}

/// Closes a WebSocket when the server ends.
fn close_on<P: Payload>(socket: &mut ServerSocket<P>, shutdown: Option<&Shutdown>) {
    if let Some(shutdown) = shutdown {
        socket.close_on(shutdown);
    }
}

/// The default time for a client's handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
