//! WebSockets over HTTP/1.1 and HTTP/2 at one address.

use super::http2::{Http2, Incoming};
use super::{Connection, Transport};
use crate::admission::{self, Verdict};
use crate::http2;
use crate::tls::rustls::ServerConfig;
use crate::websocket::{self, Message, Offer, Payload};
use crate::{BoxSocket, Engine, Error, Layer, Pipe, Plain, Queue, tls};
use http::Request;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::task::JoinSet;

/// A WebSocket that a [`WebSocketServer`] opened: of messages, unless it is of their parts or of
/// bytes.
pub type ServerSocket<P = Queue<Message>> = Connection<Transport, BoxSocket<P>>;

/// Serves WebSockets to clients that speak HTTP/1.1 or HTTP/2 (RFC 8441): over TLS they choose by
/// ALPN, without TLS by how they begin.
///
/// One function decides on each request, another has each WebSocket; neither has to know which way
/// it came.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use wirestack::tokio::WebSocketServer;
/// use wirestack::websocket::Accept;
///
/// let server = WebSocketServer::new(|_| Ok(Accept::new()));
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
/// loop {
///     let (io, _) = listener.accept().await?;
///     let server = server.clone();
///     tokio::spawn(async move {
///         let echo = |mut socket: wirestack::tokio::ServerSocket| async move {
///             while let Some(Ok(message)) = socket.next().await {
///                 let _ = socket.send(message).await;
///             }
///         };
///         if let Err(error) = server.serve(io, echo).await {
///             eprintln!("{error}");
///         }
///     });
/// }
/// # }
/// ```
#[derive(Clone)]
pub struct WebSocketServer {
    decide: Decide,
    tls: Option<Arc<ServerConfig>>,
    settings: websocket::Settings,
    http2: http2::Settings,
    patience: Duration,
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
    /// counts as the client's [patience](Self::patience).
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
            patience: Duration::from_secs(10),
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
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }
    /// Serves one client, over TCP or a Unix socket, to its end. `each` has a WebSocket from its opening on; those of an HTTP/2
    /// client run at the same time, each in a task of its own, and end with this future.
    ///
    /// # Errors
    ///
    /// What ended the connection, if it did not end well. What `each` fails with is its own affair.
    pub async fn serve<F, R>(&self, io: impl Into<Transport>, each: F) -> Result<(), Error>
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
    pub async fn serve_in<P, F, R>(&self, io: impl Into<Transport>, each: F) -> Result<(), Error>
    where
        P: Payload,
        F: Fn(ServerSocket<P>) -> R,
        R: Future<Output = ()> + Send + 'static,
    {
        match &self.tls {
            None => {
                let mut connection = Connection::dialled(io.into(), Engine::new(Plain));
                connection.open_within(self.patience);
                let begun = connection.until(|engine| admission::speaks_http2(engine.to_app()));
                match tokio::time::timeout(self.patience, begun).await {
                    Ok(Ok(http2)) => self.go_on(connection, http2, each).await,
                    Ok(Err(error)) => Err(error),
                    Err(late) => Err(Error::peer("connection", late)),
                }
            }
            Some(config) => {
                let tls = tls::Server::new(config.clone())?;
                let mut connection = Connection::dialled(io.into(), Engine::new(tls));
                connection.open_within(self.patience);
                connection.open().await?;
                let tls = connection.part::<tls::Server>();
                let http2 = tls.is_some_and(|tls| tls.alpn() == Some(b"h2"));
                self.go_on(connection, http2, each).await
            }
        }
    }
    async fn go_on<L, P, F, R>(
        &self,
        connection: Connection<Transport, L>,
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
                .serve_http2(Http2::new(connection.grow(top)), each)
                .await;
        }
        let server = websocket::Server::new(self.settings.clone()).carrying::<P>();
        let mut socket = connection.grow(server).boxed();
        socket.open_within(self.patience);
        let request = socket.until(|engine| {
            let server = engine.part::<websocket::Server<P>>()?;
            Some(server.request()?.request().clone())
        });
        let verdict = match Offer::of_http1(&request.await?) {
            Ok(offer) => self.decide.ask(&offer).await,
            Err(refusal) => Err(refusal),
        };
        let mut verdict = Some(verdict);
        let decided = socket.until(|engine| {
            let server = engine.part::<websocket::Server<P>>()?;
            Some(match verdict.take()? {
                Ok(accept) => server.accept(accept).map(|()| true),
                Err(response) => server.reject(*response).map(|()| false),
            })
        });
        match decided.await?? {
            true => {
                socket.open().await?;
                each(socket).await;
                Ok(())
            }
            false => {
                let _ = socket.finish(self.patience).await; // it was refused, whatever it says
                Ok(())
            }
        }
    }
    async fn serve_http2<P, F, R>(&self, http2: Http2, each: F) -> Result<(), Error>
    where
        P: Payload,
        F: Fn(ServerSocket<P>) -> R,
        R: Future<Output = ()> + Send + 'static,
    {
        let (mut tasks, mut deciding) = (JoinSet::new(), JoinSet::new());
        tasks.spawn(http2.driver());
        let ended = loop {
            let accepting = pin!(http2.accept());
            match first(&mut deciding, accepting).await {
                Next::Decided(socket) => {
                    let _ = socket.map(|socket| tasks.spawn(each(socket)));
                }
                Next::Incoming(Some(Ok(incoming))) => {
                    deciding.spawn(self.clone().accept(incoming));
                }
                Next::Incoming(Some(Err(error))) => break Err(error),
                Next::Incoming(None) => break Ok(()),
            }
            while tasks.try_join_next().is_some() {}
        };
        while let Some(decided) = deciding.join_next().await {
            if let Ok(Some(socket)) = decided {
                tasks.spawn(each(socket));
            }
        }
        drop(http2);
        while tasks.join_next().await.is_some() {} // a panic is that task's own
        ended
    }
    async fn accept<P: Payload>(self, incoming: Incoming) -> Option<ServerSocket<P>> {
        let request = incoming.request().clone();
        let answer = match admission::over_http2(&request) {
            Ok(offer) => {
                let verdict = self.decide.ask(&offer).await;
                admission::answer(&offer, verdict, self.settings)
            }
            Err(response) => Err(response),
        };
        match answer {
            Ok((server, fields)) => {
                let stream = incoming.accept(fields)?;
                let engine = Engine::new(server.carrying::<P>()).boxed();
                Some(Connection::dialled(Transport::Http2(stream), engine))
            }
            Err(response) => {
                incoming.respond(*response);
                None
            }
        }
    }
}

/// What a server of many streams waits for.
#[expect(clippy::large_enum_variant, reason = "it is taken apart at once")]
enum Next<P: Payload> {
    /// A request was decided on; there is a WebSocket if it was accepted.
    Decided(Option<ServerSocket<P>>),
    Incoming(Option<Result<Incoming, Error>>),
}

async fn first<P, A>(
    deciding: &mut JoinSet<Option<ServerSocket<P>>>,
    mut accepting: Pin<&mut A>,
) -> Next<P>
where
    P: Payload,
    A: Future<Output = Option<Result<Incoming, Error>>>,
{
    poll_fn(|cx| {
        if let Poll::Ready(Some(decided)) = deciding.poll_join_next(cx) {
            return Poll::Ready(Next::Decided(decided.ok().flatten())); // a panic is that task's own
        }
        accepting.as_mut().poll(cx).map(Next::Incoming)
    })
    .await
}
