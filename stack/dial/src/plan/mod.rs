pub(crate) mod hints;
pub(crate) mod path;
pub(crate) mod websocket;

use crate::plan::hints::{RetryHints, SeedStream};
use crate::plan::path::{FirstHop, Route, RouteBuilder};
use crate::plan::websocket::{BoxSocket, HttpVersions, RedirectError, WebSocketOptions};
use crate::pool::SharedConnection;
use crate::route::endpoint::{Endpoint, RouteError};
use crate::route::hop::Hop;
use crate::route::routes::Routes;
use crate::route::target::Target;
use http::Response;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use wirestack_http2::{self as http2, Streams};
use wirestack_layer::{Error, Flow, Layer};
use wirestack_nest::{BoxTunnel, Identity, Nest, Stack};
use wirestack_socks as socks;
use wirestack_tls::{self as tls, rustls::ClientConfig};
use wirestack_websocket::{Client, Payload};

/// An HTTP/2 connection at the top of a stack of any depth, boxed.
pub type BoxHttp2 = Box<dyn Layer<In = Streams, Out = Streams> + Send>;

/// What to connect to, by which ways, and the stack to open on each connection.
///
/// The stack is built anew for each connection, with the [hints](RetryHints) of the layers of the
/// last ones. Targets that are reached by hops have ready-made plans; [`new`](Self::new) is for
/// stacks of one's own.
pub struct Plan<L>(pub(crate) Box<dyn PlanKind<L>>);

/// What a dialer asks of a plan.
pub(crate) trait PlanKind<L>: Send {
    /// The ways to the present target.
    fn routes(&self) -> Result<Vec<Route>, Error>;
    /// Builds the stack for a connection.
    fn build(
        &mut self,
        route: &Route,
        seeds: &mut SeedStream,
        hints: &RetryHints,
    ) -> Result<L, Error>;
    /// Makes the place that a redirect names the target; `None` if redirects are not followed.
    fn follow(&mut self, _location: &str) -> Option<Result<(), RedirectError>> {
        None
    }

    /// The present target.
    fn target(&self) -> String;
    /// Uses connections that others use too, from now on.
    fn share(&mut self) {}
    /// Uses the target's own connection for itself from now on; whether it did not before.
    fn unshare(&mut self) -> bool {
        false
    }

    /// Builds the stack on a stream of the target's own connection, which was opened with this
    /// response.
    fn build_on(&mut self, _: Response<()>, _: &mut SeedStream) -> Option<Result<L, Error>> {
        None
    }
}

impl<L> Plan<L> {
    /// Uses HTTP/2 connections that others use too: one to the last proxy of HTTP/2 on the way, or to
    /// the target where a WebSocket can be had over HTTP/2. A proxy that is to be given credentials
    /// only when it asks for them is none of those.
    #[must_use]
    pub fn sharing(mut self) -> Self {
        self.0.share();
        self
    }

    /// Creates a plan from the first endpoint, the name of the hop or target that each layer
    /// belongs to (from the wire up, for errors and traces), and how to build the stack.
    pub fn new(
        endpoint: Endpoint,
        parts: Vec<String>,
        build: impl FnMut(&mut SeedStream, &RetryHints) -> Result<L, Error> + Send + 'static,
    ) -> Self {
        Self(Box::new(Own {
            endpoint,
            parts,
            build,
        }))
    }
}

/// A stack of the caller's own.
struct Own<B> {
    endpoint: Endpoint,
    parts: Vec<String>,
    build: B,
}

impl<L, B> PlanKind<L> for Own<B>
where
    B: FnMut(&mut SeedStream, &RetryHints) -> Result<L, Error> + Send,
{
    fn routes(&self) -> Result<Vec<Route>, Error> {
        let parts = self.parts.iter().cloned();
        Ok(vec![Route {
            first: FirstHop::Endpoint(self.endpoint.clone()),
            hops: Vec::new(),
            asked: Vec::new(),
            name: "direct".to_owned(),
            parts: parts.map(|part| (part, None)).collect(),
        }])
    }

    fn build(&mut self, _: &Route, seeds: &mut SeedStream, hints: &RetryHints) -> Result<L, Error> {
        (self.build)(seeds, hints)
    }

    fn target(&self) -> String {
        self.endpoint.to_string()
    }
}

impl<F: Payload> Plan<BoxSocket<F>> {
    /// Plans a WebSocket (`ws://` or `wss://`) of messages, their parts or bytes. `tls` serves the
    /// target and every hop without settings of its own; without it, they trust the system's roots.
    /// Which protocols it offers by ALPN is set here, for each part of the way.
    ///
    /// # Errors
    ///
    /// [`RouteError::Kind`] if the target is no WebSocket.
    pub fn websocket(
        routes: Routes,
        target: Target,
        tls: Option<Arc<ClientConfig>>,
        opening: WebSocketOptions,
    ) -> Result<Self, RouteError> {
        target.must_be_websocket()?;
        let builder = RouteBuilder::new(routes, target, tls, 2);
        Ok(Self(Box::new(Socket {
            builder,
            opening,
            visited: Vec::new(),
            shares: false,
        })))
    }
}

struct Socket {
    builder: RouteBuilder,
    opening: WebSocketOptions,
    /// What has redirected.
    visited: Vec<String>,
    /// Whether the target's own connection is shared.
    shares: bool,
}

impl Socket {
    /// What to ask for on a connection to the target that others use too.
    fn shared(&self) -> Result<Option<(http2::ConnectRequest, http2::Settings)>, Error> {
        let WebSocketOptions {
            request,
            settings,
            http2,
            versions,
            ..
        } = &self.opening;
        let could = match versions {
            HttpVersions::Any => self.builder.target.is_secure(),
            HttpVersions::Http1 => false,
            HttpVersions::Http2 => true,
        };
        if !self.shares || !could {
            return Ok(None);
        }
        let request = http2::ConnectRequest::extended("websocket", request.to_http2(settings))?;
        Ok(Some((request, http2.clone())))
    }
}

impl<F: Payload> PlanKind<BoxSocket<F>> for Socket {
    fn routes(&self) -> Result<Vec<Route>, Error> {
        self.builder.routes(self.shared()?)
    }

    fn share(&mut self) {
        (self.shares, self.builder.shares) = (true, true);
    }

    fn unshare(&mut self) -> bool {
        self.opening.versions == HttpVersions::Any && std::mem::take(&mut self.shares)
    }

    fn build_on(
        &mut self,
        response: Response<()>,
        seeds: &mut SeedStream,
    ) -> Option<Result<BoxSocket<F>, Error>> {
        let WebSocketOptions {
            request, settings, ..
        } = &self.opening;
        let client = Client::from_response(request, response, settings.clone(), seeds.seed());
        Some(client.map(|client| client.with_payload::<F>().boxed()))
    }

    fn build(
        &mut self,
        route: &Route,
        seeds: &mut SeedStream,
        hints: &RetryHints,
    ) -> Result<BoxSocket<F>, Error> {
        let tunnels = self.builder.tunnels(route)?;
        let place = tunnels.len() + usize::from(self.builder.target.is_secure());
        let (opening, seed) = (self.opening.clone(), seeds.seed());
        let versions = match hints.error::<http2::NotOffered>(place) {
            None => opening.versions,
            Some(error) if opening.versions == HttpVersions::Http2 => return Err(error.clone()),
            Some(_) => HttpVersions::Http1,
        };
        let top: BoxSocket<F> = match self.builder.secure(Some(versions.alpn()))? {
            None if versions == HttpVersions::Http2 => opening.over_http2(seed)?,
            None => opening.over_http1(seed)?,
            Some(tls) => tls
                .then(move |tls| match tls.alpn() {
                    Some(b"h2") => opening.over_http2(seed),
                    _ if versions == HttpVersions::Http2 => {
                        Err(Error::peer("dialer", NoHttp2 { alpn: alpn(tls) }))
                    }
                    _ => opening.over_http1(seed),
                })
                .boxed(),
        };
        Ok(fold(tunnels, top))
    }

    fn follow(&mut self, location: &str) -> Option<Result<(), RedirectError>> {
        let from = &self.builder.target;
        let to = match self.opening.redirects.lead(from, location)? {
            Ok(to) => to,
            Err(error) => return Some(Err(error)),
        };
        let url = to.request_url();
        self.visited.push(from.request_url());
        if self.visited.contains(&url) {
            return Some(Err(RedirectError::Circle));
        }
        let same = from.origin() == to.origin();
        let request = self.opening.request.clone().redirected(&url, same);
        Some(match request {
            Ok(request) => {
                self.opening.request = request;
                self.builder.target = to;
                Ok(())
            }
            Err(_) => Err(RedirectError::NotAWebSocket),
        })
    }

    fn target(&self) -> String {
        self.builder.target.to_string()
    }
}

impl Plan<BoxHttp2> {
    /// Plans an HTTP/2 connection (`http://`, `https://`, `ws://` or `wss://`); without TLS, with prior
    /// knowledge. For `tls`, see [`websocket`](Plan::websocket).
    ///
    /// # Errors
    ///
    /// [`RouteError::Kind`] if the target is a stream.
    pub fn http2(
        routes: Routes,
        target: Target,
        tls: Option<Arc<ClientConfig>>,
        settings: http2::Settings,
    ) -> Result<Self, RouteError> {
        target.must_be_web()?;
        let builder = RouteBuilder::new(routes, target, tls, 1);
        Ok(Self(Box::new(Http2 { builder, settings })))
    }
}

impl Plan<BoxHttp2> {
    /// Plans the connection that a stream is wanted on, for a pool that has none.
    ///
    /// # Errors
    ///
    /// [`RouteError::Kind`] if the target is a stream, which the target of a shared connection never is.
    pub fn shared(share: &SharedConnection) -> Result<Self, RouteError> {
        let (routes, target) = (share.routes.clone(), share.target.clone());
        Self::http2(routes, target, share.tls.clone(), share.settings.clone())
    }
}

struct Http2 {
    builder: RouteBuilder,
    settings: http2::Settings,
}

impl PlanKind<BoxHttp2> for Http2 {
    fn routes(&self) -> Result<Vec<Route>, Error> {
        self.builder.routes(None)
    }

    fn share(&mut self) {
        self.builder.shares = true;
    }

    fn build(
        &mut self,
        route: &Route,
        _: &mut SeedStream,
        _: &RetryHints,
    ) -> Result<BoxHttp2, Error> {
        let connection = http2::Connection::client(self.settings.clone());
        let top = match self.builder.secure(Some(HttpVersions::Http2.alpn()))? {
            None => connection.boxed(),
            Some(tls) => tls
                .then(move |tls| match tls.alpn() {
                    Some(b"h2") => Ok(connection),
                    _ => Err(Error::peer("dialer", NoHttp2 { alpn: alpn(tls) })),
                })
                .boxed(),
        };
        Ok(fold(self.builder.tunnels(route)?, top))
    }

    fn target(&self) -> String {
        self.builder.target.to_string()
    }
}

impl Plan<BoxTunnel> {
    /// Plans a stream of bytes (`tcp://` or `tls://`; or `http://` or `https://`, for a client of
    /// another library). For `tls`, see [`websocket`](Plan::websocket); to the target, `alpn` is
    /// offered, or what the settings say.
    ///
    /// # Errors
    ///
    /// [`RouteError::Kind`] if the target is a WebSocket.
    pub fn stream(
        routes: Routes,
        target: Target,
        tls: Option<Arc<ClientConfig>>,
        alpn: Option<&'static [&'static [u8]]>,
    ) -> Result<Self, RouteError> {
        target.must_be_stream()?;
        let builder = RouteBuilder::new(routes, target, tls, 0);
        Ok(Self(Box::new(Stream { builder, alpn })))
    }
}

struct Stream {
    builder: RouteBuilder,
    alpn: Option<&'static [&'static [u8]]>,
}

impl PlanKind<BoxTunnel> for Stream {
    fn routes(&self) -> Result<Vec<Route>, Error> {
        self.builder.routes(None)
    }

    fn share(&mut self) {
        self.builder.shares = true;
    }

    fn build(
        &mut self,
        route: &Route,
        _: &mut SeedStream,
        _: &RetryHints,
    ) -> Result<BoxTunnel, Error> {
        let mut tunnels = self.builder.tunnels(route)?;
        let top = match (self.builder.secure(self.alpn)?, tunnels.pop()) {
            (Some(tls), None) => tls.boxed(),
            (Some(tls), Some(last)) => tls.over(last).boxed(),
            (None, Some(last)) => last,
            (None, None) => Identity.boxed(),
        };
        Ok(fold(tunnels, top))
    }

    fn target(&self) -> String {
        self.builder.target.to_string()
    }
}

impl Plan<socks::Client> {
    /// Plans UDP ASSOCIATE (RFC 1928 §7) to a `socks5://` proxy.
    ///
    /// # Errors
    ///
    /// [`RouteError::Kind`] if the hop is no SOCKS5 proxy.
    pub fn udp_associate(hop: Hop) -> Result<Self, RouteError> {
        let credentials = hop.socks5()?.cloned();
        let (endpoint, name) = (hop.endpoint().clone(), format!("hop 1 ({hop})"));
        Ok(Self::new(endpoint, vec![name], move |_, _| {
            // "the client MUST use a port number and address of all zeros", as a translator of
            // addresses on the way may change whatever it says.
            let from = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
            let client = socks::Client::associate(from.into());
            match &credentials {
                None => Ok(client),
                Some(c) => {
                    let known = client.with_password(&c.user, &c.password);
                    known.map_err(|error| Error::local("socks", error))
                }
            }
        }))
    }
}

/// Puts `top` over all of `tunnels`, which are given from the wire up.
fn fold<F, G>(
    tunnels: Vec<BoxTunnel>,
    top: Box<dyn Layer<In = F, Out = G> + Send>,
) -> Box<dyn Layer<In = F, Out = G> + Send>
where
    F: Flow + Send + 'static,
    G: Flow + Send + 'static,
{
    let tunnels = tunnels.into_iter().rev();
    tunnels.fold(top, |above, below| Stack::new(below, above).boxed())
}

fn alpn(tls: &tls::Client) -> String {
    let chosen = tls.alpn().map(String::from_utf8_lossy);
    chosen.map_or_else(|| "nothing".to_owned(), std::borrow::Cow::into_owned)
}

/// A server that was to speak HTTP/2 chose something else.
#[derive(Debug, thiserror::Error)]
#[error("the server was offered h2 by ALPN and chose {alpn}")]
pub(crate) struct NoHttp2 {
    alpn: String,
}
