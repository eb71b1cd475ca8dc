//! A server of WebSockets: its decisions, limits and settings.

use super::deciding::{Decide, Fallback};
use crate::driver::io::Connection;
use crate::driver::runtime::Runtime;
use bytes::Bytes;
use http::{Request, Response};
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use wirestack_dial::BoxSocket;
use wirestack_dial::serve::Decision;
use wirestack_http2 as http2;
use wirestack_layer::{Error, Queue};
use wirestack_tls::rustls::ServerConfig;
use wirestack_websocket::{self as websocket, Message, Offer};

/// A WebSocket that a [`WebSocketServer`] opened. It carries messages, or parts of messages
/// (`Queue<Part>`), or bytes (`Pipe`).
///
/// ```
/// use wirestack::ServerSocket;
///
/// async fn echo(mut socket: ServerSocket) -> Result<(), wirestack::Error> {
///     while let Some(message) = socket.next().await {
///         socket.send(message?).await?;
///     }
///     Ok(())
/// }
/// ```
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
/// use wirestack::{ServerSocket, WebSocketServer};
///
/// async fn echo(mut socket: ServerSocket, request: http::Request<()>) {
///     println!("a WebSocket at {}", request.uri().path());
///     while let Some(Ok(message)) = socket.next().await {
///         let _ = socket.send(message).await;
///     }
/// }
///
/// # let interrupt = std::future::pending(); // such as `tokio::signal::ctrl_c`
/// WebSocketServer::new(|_| Ok(Accept::new()))
///     .serve(Listener::bind("127.0.0.1:8080")?, echo)
///     .graceful_shutdown(interrupt)
///     .await?;
/// # Ok(())
/// # }
/// ```
///
/// Its limits, and the errors of its connections:
///
/// ```
/// use std::time::Duration;
/// use wirestack::WebSocketServer;
/// use wirestack::http2::Http2Config;
/// use wirestack::websocket::{Accept, WebSocketConfig};
///
/// let server = WebSocketServer::new(|_| Ok(Accept::new()))
///     .config(WebSocketConfig::default().max_message(64 * 1024))
///     .http2_config(Http2Config::server().streams(100))
///     .handshake_timeout(Duration::from_secs(5))
///     .write_timeout(Duration::from_secs(30)) // for a client that takes nothing
///     .on_error(|peer, error| eprintln!("{peer:?}: {error}"));
/// drop(server);
/// ```
#[derive(Clone)]
pub struct WebSocketServer {
    pub(super) decide: Decide,
    pub(super) fallback: Option<Fallback>,
    pub(super) origins: websocket::Origins,
    pub(super) subprotocols: Arc<[String]>,
    pub(super) on_error: Option<OnError>,
    pub(super) tls: Option<Arc<ServerConfig>>,
    pub(super) config: websocket::WebSocketConfig,
    pub(super) http2: http2::Http2Config,
    pub(super) handshake_timeout: Duration,
    pub(super) write_timeout: Option<Duration>,
    pub(super) runtime: Option<Arc<dyn Runtime>>,
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
    ///
    /// ```
    /// use wirestack::http::{Request, StatusCode};
    /// use wirestack::websocket::Accept;
    /// use wirestack::{Decision, WebSocketServer, refusal};
    ///
    /// async fn decide(request: Request<()>) -> Decision {
    ///     match request.headers().get("x-ticket") {
    ///         Some(_) => Ok(Accept::new()), // once a database has said so
    ///         None => Err(refusal(StatusCode::UNAUTHORIZED, "a ticket is wanted")),
    ///     }
    /// }
    /// let server = WebSocketServer::deciding(decide);
    /// drop(server);
    /// ```
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
            fallback: None,
            origins: websocket::Origins::same(),
            subprotocols: Arc::default(),
            on_error: None,
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

    /// Sets the subprotocols that are spoken here, the preferred first. A client gets the first one
    /// that it offers, unless the decision [chooses](websocket::Accept::subprotocol) another one;
    /// none if it offers none of them. [`Connection::subprotocol`] tells which.
    ///
    /// ```
    /// use wirestack::WebSocketServer;
    ///
    /// let server = WebSocketServer::default().subprotocols(["chat.v2", "chat.v1"]);
    /// # drop(server);
    /// ```
    #[must_use]
    pub fn subprotocols(mut self, names: impl IntoIterator<Item: Into<String>>) -> Self {
        self.subprotocols = names.into_iter().map(Into::into).collect();
        self
    }

    /// Answers the requests that are for no WebSocket, such as those of a health check, over both
    /// versions of HTTP. By default they get 426 (Upgrade Required) or 404 (Not Found). The content
    /// of a request is not read, and over HTTP/1.1 the connection ends behind the answer.
    ///
    /// ```
    /// use http::{Request, Response, StatusCode};
    /// use wirestack::WebSocketServer;
    /// use wirestack::websocket::Accept;
    ///
    /// let server = WebSocketServer::new(|_| Ok(Accept::new()));
    /// let server = server.fallback(async |request: Request<()>| {
    ///     let mut response = Response::new("ok\n".into());
    ///     if request.uri().path() != "/health" {
    ///         *response.status_mut() = StatusCode::NOT_FOUND;
    ///     }
    ///     response
    /// });
    /// # drop(server);
    /// ```
    #[must_use]
    pub fn fallback<F>(mut self, answer: impl Fn(Request<()>) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Response<Bytes>> + Send + 'static,
    {
        self.fallback = Some(Arc::new(move |request| Box::pin(answer(request))));
        self
    }

    /// Speaks TLS with this configuration. Its ALPN protocols are replaced by `h2` and `http/1.1`.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use wirestack::WebSocketServer;
    /// use wirestack::tls::ServerSettings;
    /// use wirestack::websocket::Accept;
    ///
    /// fn server(chain: Vec<u8>, key: Vec<u8>) -> Result<WebSocketServer, wirestack::Error> {
    ///     let config = ServerSettings::new(chain, key).build()?;
    ///     Ok(WebSocketServer::new(|_| Ok(Accept::new())).tls(Arc::clone(&config)))
    /// }
    /// ```
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
    /// The time of a connection begins with [`serve_connection`](Self::serve_connection), and ends with the decision over
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
}

impl fmt::Debug for WebSocketServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocketServer").finish_non_exhaustive()
    }
}

/// Accepts each request whose [origin](WebSocketServer::origins) is permitted.
impl Default for WebSocketServer {
    fn default() -> Self {
        Self::new(|_| Ok(websocket::Accept::new()))
    }
}

/// The function that hears of the errors of connections.
pub(super) type OnError = Arc<dyn Fn(Option<SocketAddr>, &Error) + Send + Sync>;

/// The default time for a client's handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
