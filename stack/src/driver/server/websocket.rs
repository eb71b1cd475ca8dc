//! WebSockets over HTTP/1.1 and HTTP/2 at one address.

use crate::driver::error::{none_here, socket};
use crate::driver::http2::{Http2, Incoming};
use crate::driver::io::Connection;
use crate::driver::runtime::{IntoTransport, Runtime, current, sleep};
use crate::driver::tasks::Tasks;
use http::Request;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use wirestack_dial::BoxSocket;
use wirestack_dial::serve::{self, Verdict};
use wirestack_http2 as http2;
use wirestack_layer::{Error, Layer, Pipe, Queue, origin};
use wirestack_nest::{Engine, Identity};
use wirestack_tls as tls;
use wirestack_tls::rustls::ServerConfig;
use wirestack_websocket::{self as websocket, Message, Offer, Payload};

/// A WebSocket that a [`WebSocketServer`] opened: of messages, unless it is of their parts or of
/// bytes.
pub type ServerSocket<P = Queue<Message>> = Connection<BoxSocket<P>>;

/// Serves WebSockets to clients that speak HTTP/1.1 or HTTP/2 (RFC 8441): over TLS they choose by
/// ALPN, without TLS by how they begin.
///
/// One function decides on each request, another has each WebSocket; neither has to know which way
/// it came.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use wirestack::runtime::{Listener, spawn};
/// use wirestack::websocket::Accept;
/// use wirestack::{ServerSocket, WebSocketServer};
///
/// let server = WebSocketServer::new(|_| Ok(Accept::new()));
/// let mut listener = Listener::bind("127.0.0.1:8080")?;
/// loop {
///     let (io, _) = listener.accept().await?;
///     let server = server.clone();
///     spawn(async move {
///         let echo = |mut socket: ServerSocket| async move {
///             while let Some(Ok(message)) = socket.next().await {
///                 let _ = socket.send(message).await;
///             }
///         };
///         if let Err(error) = server.serve(io, echo).await {
///             eprintln!("{error}");
///         }
///     })?;
/// }
/// # }
/// ```
#[derive(Clone)]
pub struct WebSocketServer {
    decide: Decide,
    tls: Option<Arc<ServerConfig>>,
    settings: websocket::Settings,
    http2: http2::Settings,
    handshake_timeout: Duration,
    runtime: Option<Arc<dyn Runtime>>,
}

#[derive(Clone)]
enum Decide {
    Now(Arc<dyn Fn(&Offer<'_>) -> Verdict + Send + Sync>),
    Later(Arc<dyn Fn(Request<()>) -> Deciding + Send + Sync>),
}

type Deciding = Pin<Box<dyn Future<Output = Verdict> + Send>>;

impl Decide {
    async fn ask(&self, offer: &Offer<'_>) -> Verdict {
        match self {
            Self::Now(decide) => decide(offer),
            Self::Later(decide) => decide(offer.request().clone()).await,
        }
    }
}

impl WebSocketServer {
    /// Creates a server that decides on requests like this: it accepts, or it refuses with a
    /// response.
    pub fn new(decide: impl Fn(&Offer<'_>) -> Verdict + Send + Sync + 'static) -> Self {
        Self::with(Decide::Now(Arc::new(decide)))
    }

    /// Creates a server that takes its time to decide, to look into a database say. What it takes
    /// counts as the client's [time for its handshake](Self::handshake_timeout).
    pub fn deciding<F>(decide: impl Fn(Request<()>) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Verdict> + Send + 'static,
    {
        Self::with(Decide::Later(Arc::new(move |request| {
            Box::pin(decide(request))
        })))
    }

    fn with(decide: Decide) -> Self {
        Self {
            decide,
            tls: None,
            settings: websocket::Settings::default(),
            http2: http2::Settings::server(),
            handshake_timeout: Duration::from_secs(10),
            runtime: None,
        }
    }

    /// Speaks TLS, and offers `h2` and `http/1.1` by ALPN whatever the settings say.
    #[must_use]
    pub fn tls(mut self, config: Arc<ServerConfig>) -> Self {
        let mut config = config;
        Arc::make_mut(&mut config).alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        self.tls = Some(config);
        self
    }

    /// Sets the limits of each WebSocket.
    #[must_use]
    pub fn settings(mut self, settings: websocket::Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Sets the limits of each HTTP/2 connection.
    #[must_use]
    pub fn http2_settings(mut self, settings: http2::Settings) -> Self {
        self.http2 = settings;
        self
    }

    /// Sets how long a client may take with its handshake, 10 s unless set.
    #[must_use]
    pub fn handshake_timeout(mut self, timeout: Duration) -> Self {
        self.handshake_timeout = timeout;
        self
    }

    /// Runs on this runtime, instead of the one that `serve` is awaited in.
    #[must_use]
    pub fn runtime(mut self, runtime: Arc<dyn Runtime>) -> Self {
        self.runtime = Some(runtime);
        self
    }

    /// Serves one client to its end, over any transport. `each` has a WebSocket from its opening on;
    /// those of an HTTP/2 client run at the same time, each in a task of its own, and end with this
    /// future.
    ///
    /// # Errors
    ///
    /// The error that ended the connection. Failures of `each` are not among them.
    pub async fn serve<F, R>(&self, io: impl IntoTransport, each: F) -> Result<(), Error>
    where
        F: Fn(ServerSocket) -> R,
        R: Future<Output = ()> + Send + 'static,
    {
        self.serve_in(io, each).await
    }

    /// Serves one client as [`serve`](Self::serve) does, in what `each` takes: messages, their
    /// parts (`Queue<Part>`), or bytes (`Pipe`), which do not carry half-close.
    ///
    /// # Errors
    ///
    /// As [`serve`](Self::serve).
    pub async fn serve_in<P, F, R>(&self, io: impl IntoTransport, each: F) -> Result<(), Error>
    where
        P: Payload,
        F: Fn(ServerSocket<P>) -> R,
        R: Future<Output = ()> + Send + 'static,
    {
        let runtime = match &self.runtime {
            Some(runtime) => runtime.clone(),
            None => current().map_err(none_here)?,
        };
        let io = io.into_transport(&*runtime).map_err(socket)?;
        match &self.tls {
            None => {
                let mut connection = Connection::new(runtime, io, Engine::new(Identity));
                let http2 = self.sniff(&mut connection).await?;
                self.serve_connection(connection, http2, each).await
            }
            Some(config) => {
                let tls = tls::Server::new(config.clone())?;
                let mut connection = Connection::new(runtime, io, Engine::new(tls));
                connection.set_open_timeout(self.handshake_timeout);
                connection.open().await?;
                let tls = connection.part::<tls::Server>();
                let http2 = tls.is_some_and(|tls| tls.alpn() == Some(b"h2"));
                self.serve_connection(connection, http2, each).await
            }
        }
    }

    /// Waits until the client has shown which version of HTTP it speaks; returns whether it is HTTP/2.
    async fn sniff(&self, connection: &mut Connection<Identity>) -> Result<bool, Error> {
        let runtime = connection.runtime.clone();
        let mut late = pin!(sleep(&*runtime, self.handshake_timeout));
        let begun = connection.wait_for(|engine| serve::speaks_http2(engine.to_app()));
        let mut begun = pin!(begun);
        poll_fn(|cx| {
            if let Poll::Ready(begun) = begun.as_mut().poll(cx) {
                return Poll::Ready(begun);
            }
            late.as_mut().poll(cx).map(|late| match late {
                Ok(()) => Err(Error::peer(
                    origin::CONNECTION,
                    SaidNothing(self.handshake_timeout),
                )),
                Err(error) => Err(Error::local(origin::RUNTIME, error)),
            })
        })
        .await
    }

    async fn serve_connection<L, P, F, R>(
        &self,
        connection: Connection<L>,
        http2: bool,
        each: F,
    ) -> Result<(), Error>
    where
        L: Layer<In = Pipe, Out = Pipe> + Send + 'static,
        P: Payload,
        F: Fn(ServerSocket<P>) -> R,
        R: Future<Output = ()> + Send + 'static,
    {
        if http2 {
            let top = http2::Connection::server(self.http2.clone());
            return self
                .serve_http2(Http2::new(connection.push_layer(top)), each)
                .await;
        }
        let server = websocket::Server::new(self.settings.clone()).with_payload::<P>();
        let mut socket = connection.push_layer(server).boxed();
        socket.set_open_timeout(self.handshake_timeout);
        let request = socket.wait_for(|engine| {
            let server = engine.part::<websocket::Server<P>>()?;
            Some(server.request()?.request().clone())
        });
        let verdict = match Offer::of_http1(&request.await?) {
            Ok(offer) => self.decide.ask(&offer).await,
            Err(refusal) => Err(refusal),
        };
        let mut verdict = Some(verdict);
        let decided = socket.wait_for(|engine| {
            let server = engine.part_mut::<websocket::Server<P>>()?;
            Some(match verdict.take()? {
                Ok(accept) => server.accept(accept).map(|()| true),
                Err(response) => server.reject(*response).map(|()| false),
            })
        });
        if decided.await?? {
            socket.open().await?;
            each(socket).await;
        } else {
            let _ = socket.finish(self.handshake_timeout).await; // it was refused, whatever it says
        }
        Ok(())
    }

    async fn serve_http2<P, F, R>(&self, http2: Http2, each: F) -> Result<(), Error>
    where
        P: Payload,
        F: Fn(ServerSocket<P>) -> R,
        R: Future<Output = ()> + Send + 'static,
    {
        let runtime = http2.runtime();
        let (tasks, deciding) = (Tasks::new(), Tasks::new());
        tasks.spawn(&*runtime, http2.driver());
        let ended = loop {
            let mut accepting = pin!(http2.accept());
            let next = poll_fn(|cx| {
                if let Poll::Ready(Some(decided)) = deciding.poll_join(cx) {
                    return Poll::Ready(Next::Decided(decided));
                }
                while let Poll::Ready(Some(())) = tasks.poll_join(cx) {}
                accepting.as_mut().poll(cx).map(Next::Incoming)
            });
            match next.await {
                Next::Decided(Some(socket)) => tasks.spawn(&*runtime, each(socket)),
                Next::Decided(None) => {}
                Next::Incoming(Some(Ok(incoming))) => {
                    let decision = self.clone().accept(runtime.clone(), incoming);
                    deciding.spawn(&*runtime, decision);
                }
                Next::Incoming(Some(Err(error))) => break Err(error),
                Next::Incoming(None) => break Ok(()),
            }
        };
        while let Some(decided) = deciding.join().await {
            if let Some(socket) = decided {
                tasks.spawn(&*runtime, each(socket));
            }
        }
        drop(http2);
        while let Some(()) = tasks.join().await {}
        ended
    }

    async fn accept<P: Payload>(
        self,
        runtime: Arc<dyn Runtime>,
        incoming: Incoming,
    ) -> Option<ServerSocket<P>> {
        let request = incoming.request().clone();
        let answer = match serve::over_http2(&request) {
            Ok(offer) => {
                let verdict = self.decide.ask(&offer).await;
                serve::answer(&offer, verdict, self.settings)
            }
            Err(response) => Err(response),
        };
        match answer {
            Ok((server, fields)) => {
                let stream = incoming.accept(fields)?;
                let engine = Engine::new(server.with_payload::<P>()).boxed();
                Some(Connection::new(runtime, Box::new(stream), engine))
            }
            Err(response) => {
                incoming.respond(*response);
                None
            }
        }
    }
}

/// The next event at a server of many streams.
#[allow(
    clippy::large_enum_variant,
    reason = "it is taken apart at once; how large depends on features"
)]
enum Next<P: Payload> {
    /// A request was decided on; there is a WebSocket if it was accepted.
    Decided(Option<ServerSocket<P>>),
    Incoming(Option<Result<Incoming, Error>>),
}

#[derive(Debug, thiserror::Error)]
#[error("the client has not begun to speak HTTP after {0:?}")]
struct SaidNothing(Duration);
