//! Connecting by URL.

use super::http2::{Http2, Origin};
use super::{Connection, Outside, Pool, Resolve, Transport, dial, now};
use crate::dial::{
    Asked, Credentials, DialError, Dialer, Environment, Hop, Opening, Plan, Redirects, RouteError,
    Routes, Target, Timeouts, Trace, Versions,
};
use crate::websocket::{Message, Part, Payload};
use crate::{
    BoxHttp2, BoxSocket, BoxTunnel, Error, Pipe, Queue, Seed, http1, http2, tls, websocket,
};
use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use std::marker::PhantomData;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use tls::rustls::ClientConfig;

/// A WebSocket that [`connect`] opened: of messages, unless it is of their parts or of bytes.
pub type WebSocket<F = Queue<Message>> = Connection<Transport, BoxSocket<F>>;

/// A stream of bytes that [`connect_stream`] opened.
pub type ByteStream = Connection<Transport, BoxTunnel>;

/// Connects a WebSocket to a `ws://` or `wss://` URL, through the hops given by
/// [`via`](Connect::via), or else by the proxy that the environment names (see [`Environment`]).
///
/// A `wss://` server that speaks HTTP/2 and offers WebSockets over it (RFC 8441) is spoken to in
/// that, every other one in HTTP/1.1. User and password in the URL are sent to the server by Basic
/// authentication.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use wirestack::websocket::Message;
///
/// let mut socket = wirestack::tokio::connect("wss://example.org/chat")
///     .via("socks5h://me:secret@gate.test:1080")
///     .via("http://proxy.test:3128")
///     .await?;
/// socket.send(Message::text("hello")).await?;
/// while let Some(message) = socket.next().await {
///     println!("{:?}", message?);
/// }
/// # Ok(())
/// # }
/// ```
pub fn connect(url: &str) -> Connect {
    Connect {
        route: Route::new(url),
        subprotocols: Vec::new(),
        headers: HeaderMap::new(),
        settings: websocket::Settings::default(),
        http2: http2::Settings::default(),
        versions: Versions::Any,
        redirects: Redirects::Off,
        form: PhantomData,
    }
}

/// Opens a stream of bytes to a `tcp://host:port` or `tls://host:port` URL, through the hops given
/// by [`via`](ConnectStream::via).
pub fn connect_stream(url: &str) -> ConnectStream {
    ConnectStream {
        route: Route::new(url),
    }
}

/// Opens an HTTP/2 connection for many streams to a `wss://`, `https://`, `ws://` or `http://` URL,
/// through the hops given by [`via`](ConnectHttp2::via); without TLS, with prior knowledge. User and
/// password in the URL are sent with each WebSocket by Basic authentication.
///
/// Nothing runs in the background unless you say so: whoever waits for a stream drives the
/// connection, and [`Http2::spawn`] gives it a task of its own.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use wirestack::websocket::Message;
///
/// let http2 = wirestack::tokio::connect_http2("wss://example.org").await?;
/// http2.spawn();
/// let mut chat = http2.websocket("/chat").await?;
/// let mut news = http2.websocket("/news").await?;
/// chat.send(Message::text("hello")).await?;
/// println!("{:?}", news.next().await);
/// # Ok(())
/// # }
/// ```
pub fn connect_http2(url: &str) -> ConnectHttp2 {
    ConnectHttp2 {
        route: Route::new(url),
        settings: http2::Settings::default(),
    }
}

/// A WebSocket about to be connected: await it.
#[must_use = "it does nothing until it is awaited"]
pub struct Connect<F = Queue<Message>> {
    route: Route,
    subprotocols: Vec<String>,
    headers: HeaderMap,
    settings: websocket::Settings,
    http2: http2::Settings,
    versions: Versions,
    redirects: Redirects,
    form: PhantomData<fn(F) -> F>,
}

/// A stream of bytes about to be opened: await it.
#[must_use = "it does nothing until it is awaited"]
pub struct ConnectStream {
    route: Route,
}

/// An HTTP/2 connection about to be opened: await it.
#[must_use = "it does nothing until it is awaited"]
pub struct ConnectHttp2 {
    route: Route,
    settings: http2::Settings,
}

impl<F> Clone for Connect<F> {
    fn clone(&self) -> Self {
        Self {
            route: self.route.clone(),
            subprotocols: self.subprotocols.clone(),
            headers: self.headers.clone(),
            settings: self.settings.clone(),
            http2: self.http2.clone(),
            versions: self.versions,
            redirects: self.redirects,
            form: PhantomData,
        }
    }
}

impl Connect {
    /// Takes and hands over messages in [parts](Part), as they come and go: for messages that are
    /// too large to be held, or whose end is not known when they begin.
    pub fn parts(self) -> Connect<Queue<Part>> {
        self.carrying()
    }
    /// Carries bytes, in binary messages of any cut: [`AsyncRead`](::tokio::io::AsyncRead) and
    /// [`AsyncWrite`](::tokio::io::AsyncWrite). It does not carry half-close: who finishes closes.
    pub fn tunnel(self) -> Connect<Pipe> {
        self.carrying()
    }
    fn carrying<F: Payload>(self) -> Connect<F> {
        Connect {
            route: self.route,
            subprotocols: self.subprotocols,
            headers: self.headers,
            settings: self.settings,
            http2: self.http2,
            versions: self.versions,
            redirects: self.redirects,
            form: PhantomData,
        }
    }
}

impl<F: Payload> Connect<F> {
    /// Offers a subprotocol; the server chooses one of those offered, or none.
    pub fn subprotocol(mut self, name: &str) -> Self {
        self.subprotocols.push(name.to_owned());
        self
    }
    /// Sends a header field with the handshake.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.append(name, value);
        self
    }
    /// Sets the limits of the WebSocket.
    pub fn settings(mut self, settings: websocket::Settings) -> Self {
        self.settings = settings;
        self
    }
    /// Sets the limits of the HTTP/2 connection, if it gets there over one.
    pub fn http2_settings(mut self, settings: http2::Settings) -> Self {
        self.http2 = settings;
        self
    }
    /// Opens it by an HTTP/1.1 upgrade and by nothing else.
    pub fn http1_only(mut self) -> Self {
        self.versions = Versions::Http1;
        self
    }
    /// Opens it over HTTP/2 (RFC 8441) or not at all; to a `ws://` URL with prior knowledge.
    pub fn http2_only(mut self) -> Self {
        self.versions = Versions::Http2;
        self
    }
    /// Follows redirects of the server, which are refusals otherwise.
    pub fn redirects(mut self, redirects: Redirects) -> Self {
        self.redirects = redirects;
        self
    }
    /// Connects, and tells what was done for it too.
    ///
    /// # Errors
    ///
    /// What connecting failed at, hop by hop.
    pub async fn traced(self) -> Result<(WebSocket<F>, Trace), DialError> {
        let start = now();
        let (timeouts, outside) = self.route.means();
        let plan = self
            .plan()
            .map_err(|error| DialError::invalid(error, start))?;
        let plan = outside.shared(plan);
        dial(Dialer::new(plan, timeouts, seed(), start), &outside).await
    }
    fn plan(self) -> Result<Plan<BoxSocket<F>>, Error> {
        let (routes, target, tls) = self.route.resolve()?;
        target.must_be_websocket().map_err(invalid)?;
        let mut request = websocket::Request::new(&target.request_url())?;
        if let Some(value) = authorization(&target)? {
            request = request.header(AUTHORIZATION, value)?;
        }
        for name in &self.subprotocols {
            request = request.subprotocol(name)?;
        }
        for (name, value) in &self.headers {
            request = request.header(name.clone(), value.clone())?;
        }
        let opening = Opening {
            request,
            settings: self.settings,
            http2: self.http2,
            versions: self.versions,
            redirects: self.redirects,
        };
        Plan::websocket(routes, target, tls, opening).map_err(invalid)
    }
}

impl ConnectStream {
    /// Connects, and tells what was done for it too.
    ///
    /// # Errors
    ///
    /// What connecting failed at, hop by hop.
    pub async fn traced(self) -> Result<(ByteStream, Trace), DialError> {
        let start = now();
        let (timeouts, outside) = self.route.means();
        let plan = self
            .route
            .resolve()
            .and_then(|(routes, target, tls)| Plan::stream(routes, target, tls).map_err(invalid))
            .map_err(|error| DialError::invalid(error, start))?;
        let plan = outside.shared(plan);
        dial(Dialer::new(plan, timeouts, seed(), start), &outside).await
    }
}

impl ConnectHttp2 {
    /// Sets the limits of the connection.
    pub fn settings(mut self, settings: http2::Settings) -> Self {
        self.settings = settings;
        self
    }
    /// Connects, and tells what was done for it too.
    ///
    /// # Errors
    ///
    /// What connecting failed at, hop by hop.
    pub async fn traced(self) -> Result<(Http2, Trace), DialError> {
        let start = now();
        let (timeouts, outside) = self.route.means();
        let (plan, origin) = self
            .plan()
            .map_err(|error| DialError::invalid(error, start))?;
        let dialer = Dialer::new(outside.shared(plan), timeouts, seed(), start);
        let (connection, trace) = dial(dialer, &outside).await?;
        Ok((Http2::new(connection).with_origin(origin), trace))
    }
    fn plan(self) -> Result<(Plan<BoxHttp2>, Origin), Error> {
        let (routes, target, tls) = self.route.resolve()?;
        let origin = Origin {
            url: target.origin(),
            authorization: authorization(&target)?,
        };
        let plan = Plan::http2(routes, target, tls, self.settings).map_err(invalid)?;
        Ok((plan, origin))
    }
}

/// Basic authentication by the user and password of a URL.
fn authorization(target: &Target) -> Result<Option<HeaderValue>, Error> {
    let credentials = target.credentials();
    credentials
        .map(|Credentials { user, password }| http1::basic_credentials(user, password))
        .transpose()
}

/// What all kinds of connections are told about their way.
macro_rules! routed {
    ($builder:ident $(<$form:ident>)? => $connection:ty) => {
        impl $(<$form: Payload>)? $builder $(<$form>)? {
            /// Adds a hop: hops are given in the order in which the bytes travel, nearest first. They
            /// take the place of what the environment says.
            pub fn via<H>(mut self, hop: H) -> Self
            where
                H: TryInto<Hop, Error: Into<RouteError>>,
            {
                self.route.via(hop.try_into().map_err(Into::into));
                self
            }
            /// Sets how TLS is spoken to the target and to every hop over TLS that has no settings of
            /// its own. By default the system's roots are trusted. Which versions of HTTP are offered
            /// by ALPN is not taken from here.
            pub fn tls(mut self, config: Arc<ClientConfig>) -> Self {
                self.route.tls = Some(config);
                self
            }
            /// Goes straight to the target, whatever proxy the environment names.
            pub fn direct(mut self) -> Self {
                self.route.way = By::Hops(Ok(Vec::new()));
                self
            }
            /// Sets the ways to try, one after the other, instead of hops.
            pub fn routes(mut self, routes: Routes) -> Self {
                self.route.way = By::Routes(routes);
                self
            }
            /// Reaches the target, where there is no hop, at a Unix socket.
            pub fn unix_socket(mut self, path: impl Into<PathBuf>) -> Self {
                self.route.target = self.route.target.map(|target| target.unix_socket(path));
                self
            }
            /// Uses connections of this pool: one to the last HTTP/2 proxy on the way, or to a server
            /// that offers WebSockets over HTTP/2. See [`Plan::sharing`].
            pub fn sharing(mut self, pool: &Pool) -> Self {
                self.route.outside = self.route.outside.pool(pool.clone());
                self
            }
            /// Looks names up with this resolver, instead of the system's.
            pub fn resolver(mut self, resolver: impl Resolve + 'static) -> Self {
                self.route.outside = self.route.outside.resolver(resolver);
                self
            }
            /// Asks this for credentials when an HTTP proxy that is [`asking`](Hop::asking) wants some.
            pub fn credentials<Fut>(
                mut self,
                ask: impl Fn(Asked) -> Fut + Send + Sync + 'static,
            ) -> Self
            where
                Fut: Future<Output = Option<Credentials>> + Send + 'static,
            {
                self.route.outside = self.route.outside.credentials(ask);
                self
            }
            /// Gets from this whatever else connecting needs from outside.
            pub fn outside(mut self, outside: Outside) -> Self {
                self.route.outside = outside;
                self
            }
            /// Sets how long connecting may take.
            pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
                self.route.timeouts = timeouts;
                self
            }
        }
        impl $(<$form: Payload>)? IntoFuture for $builder $(<$form>)? {
            type Output = Result<$connection, DialError>;
            type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;
            fn into_future(self) -> Self::IntoFuture {
                Box::pin(async { Ok(self.traced().await?.0) })
            }
        }
    };
}
routed!(Connect<F> => WebSocket<F>);
routed!(ConnectStream => ByteStream);
routed!(ConnectHttp2 => Http2);

/// Where to go and how, before it is known whether that makes sense.
#[derive(Clone)]
struct Route {
    target: Result<Target, RouteError>,
    way: By,
    tls: Option<Arc<ClientConfig>>,
    timeouts: Timeouts,
    outside: Outside,
}

/// By which way; what was said last counts.
#[derive(Clone)]
enum By {
    Environment,
    Hops(Result<Vec<Hop>, Error>),
    Routes(Routes),
}

impl Route {
    fn new(url: &str) -> Self {
        Self {
            target: url.parse(),
            way: By::Environment,
            tls: None,
            timeouts: Timeouts::default(),
            outside: Outside::default(),
        }
    }
    fn via(&mut self, hop: Result<Hop, RouteError>) {
        if !matches!(self.way, By::Hops(_)) {
            self.way = By::Hops(Ok(Vec::new()));
        }
        if let By::Hops(Ok(hops)) = &mut self.way {
            let number = hops.len() + 1;
            match hop {
                Ok(hop) => hops.push(hop),
                Err(error) => {
                    let error = Error::local("route", BadHop { number, error });
                    self.way = By::Hops(Err(error));
                }
            }
        }
    }
    fn means(&self) -> (Timeouts, Outside) {
        (self.timeouts, self.outside.clone())
    }
    fn resolve(self) -> Result<Resolved, Error> {
        let routes = match self.way {
            By::Environment => Routes::environment(Environment::of_this_process()),
            By::Hops(hops) => Routes::hops(hops?),
            By::Routes(routes) => routes,
        };
        Ok((routes, self.target.map_err(invalid)?, self.tls))
    }
}

type Resolved = (Routes, Target, Option<Arc<ClientConfig>>);

#[derive(Debug, thiserror::Error)]
#[error("hop {number}: {error}")]
struct BadHop {
    number: usize,
    error: RouteError,
}

fn invalid(error: RouteError) -> Error {
    Error::local("route", error)
}

/// Randomness for one connection, from the system.
///
/// # Panics
///
/// If the system has none to give: nothing that needs keys may go on then.
pub(super) fn seed() -> Seed {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).expect("the system's entropy");
    Seed::new(bytes)
}
