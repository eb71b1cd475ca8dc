use super::opening::{Opening, Versions};
use super::route::{Endpoint, Hop, Proxy, RouteError, Scheme, Target};
use crate::{
    BoxHttp2, BoxSocket, BoxTunnel, Error, Flow, Layer, Nest, NewConnection, Place, Plain, Seed,
    Stack,
};
use chacha20::ChaCha12Rng;
use chacha20::rand_core::{Rng, SeedableRng};
use http::header::PROXY_AUTHORIZATION;
use std::any::Any;
use std::sync::Arc;
use wirestack_http1::basic_credentials;
use wirestack_http1::connect::{self, Challenged};
use wirestack_http2 as http2;
use wirestack_socks as socks;
use wirestack_tls::{self as tls, rustls::ClientConfig};
use wirestack_websocket::Payload;

/// Where to connect to first, and the stack to open on that connection.
///
/// The stack is built anew for each connection, with what the layers of the last one
/// [learnt](Learnt). Routes of hops have ready-made plans; [`new`](Self::new) is for stacks of one's
/// own.
pub struct Plan<L> {
    endpoint: Endpoint,
    parts: Vec<String>,
    build: Build<L>,
}

type Build<L> = Box<dyn FnMut(&mut Seeds, &Learnt) -> Result<L, Error> + Send>;

impl<L> Plan<L> {
    /// Creates a plan from the first endpoint, the name of the hop or target that each layer
    /// belongs to (from the wire up, for errors and traces), and how to build the stack.
    pub fn new(
        endpoint: Endpoint,
        parts: Vec<String>,
        build: impl FnMut(&mut Seeds, &Learnt) -> Result<L, Error> + Send + 'static,
    ) -> Self {
        Self {
            endpoint,
            parts,
            build: Box::new(build),
        }
    }
    pub(super) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }
    pub(super) fn build(&mut self, seeds: &mut Seeds, learnt: &Learnt) -> Result<L, Error> {
        (self.build)(seeds, learnt)
    }
    /// The name of the hop or target that the layer at this place belongs to.
    pub(super) fn part(&self, place: usize) -> String {
        let part = self.parts.get(place).or(self.parts.last());
        part.cloned().unwrap_or_else(|| self.endpoint.to_string())
    }
}

impl<F: Payload> Plan<BoxSocket<F>> {
    /// Plans a WebSocket (`ws://` or `wss://`) of messages, their parts or bytes behind `hops`, nearest first. `tls` serves the target
    /// and every hop without settings of its own; it may be left out where none speaks TLS. Which
    /// protocols it offers by ALPN is set here, for each part of the way.
    ///
    /// # Errors
    ///
    /// [`RouteError::Kind`] if the target is no WebSocket.
    pub fn websocket(
        hops: Vec<Hop>,
        target: Target,
        tls: Option<Arc<ClientConfig>>,
        opening: Opening,
    ) -> Result<Self, RouteError> {
        target.must_be_websocket()?;
        let route = Route { hops, target, tls };
        let (endpoint, parts) = (route.endpoint(), route.parts(2));
        Ok(Self::new(endpoint, parts, move |seeds, learnt| {
            let tunnels = route.tunnels(learnt)?;
            let place = tunnels.len() + usize::from(route.target.is_secure());
            let (opening, seed) = (opening.clone(), seeds.seed());
            let versions = match learnt.error::<http2::NotOffered>(place) {
                None => opening.versions,
                Some(error) if opening.versions == Versions::Http2 => return Err(error.clone()),
                Some(_) => Versions::Http1,
            };
            let top: BoxSocket<F> = match route.secure(versions.alpn())? {
                None if versions == Versions::Http2 => opening.over_http2(seed)?,
                None => opening.over_http1(seed)?,
                Some(tls) => tls
                    .then(move |tls| match tls.alpn() {
                        Some(b"h2") => opening.over_http2(seed),
                        _ if versions == Versions::Http2 => {
                            Err(Error::peer("dialer", NoHttp2 { alpn: alpn(tls) }))
                        }
                        _ => opening.over_http1(seed),
                    })
                    .boxed(),
            };
            Ok(fold(tunnels, top))
        }))
    }
}

impl Plan<BoxHttp2> {
    /// Plans an HTTP/2 connection (`http://`, `https://`, `ws://` or `wss://`) behind `hops`; without
    /// TLS, with prior knowledge.
    ///
    /// # Errors
    ///
    /// [`RouteError::Kind`] if the target is a stream.
    pub fn http2(
        hops: Vec<Hop>,
        target: Target,
        tls: Option<Arc<ClientConfig>>,
        settings: http2::Settings,
    ) -> Result<Self, RouteError> {
        target.must_be_web()?;
        let route = Route { hops, target, tls };
        let (endpoint, parts) = (route.endpoint(), route.parts(1));
        Ok(Self::new(endpoint, parts, move |_, learnt| {
            let connection = http2::Connection::client(settings.clone());
            let top = match route.secure(Versions::Http2.alpn())? {
                None => connection.boxed(),
                Some(tls) => tls
                    .then(move |tls| match tls.alpn() {
                        Some(b"h2") => Ok(connection),
                        _ => Err(Error::peer("dialer", NoHttp2 { alpn: alpn(tls) })),
                    })
                    .boxed(),
            };
            Ok(fold(route.tunnels(learnt)?, top))
        }))
    }
}

impl Plan<BoxTunnel> {
    /// Plans a stream of bytes (`tcp://` or `tls://`) behind `hops`, nearest first.
    ///
    /// # Errors
    ///
    /// [`RouteError::Kind`] if the target is none.
    pub fn stream(
        hops: Vec<Hop>,
        target: Target,
        tls: Option<Arc<ClientConfig>>,
    ) -> Result<Self, RouteError> {
        if !matches!(target.scheme, Scheme::Tcp | Scheme::Tls) {
            return Err(RouteError::Kind("web server, where a stream was wanted"));
        }
        let route = Route { hops, target, tls };
        let (endpoint, parts) = (route.endpoint(), route.parts(0));
        Ok(Self::new(endpoint, parts, move |_, learnt| {
            let mut tunnels = route.tunnels(learnt)?;
            let top = match (route.secure_stream()?, tunnels.pop()) {
                (Some(tls), None) => tls.boxed(),
                (Some(tls), Some(last)) => tls.over(last).boxed(),
                (None, Some(last)) => last,
                (None, None) => Plain.boxed(),
            };
            Ok(fold(tunnels, top))
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

/// Hops, and what lies behind them.
struct Route {
    hops: Vec<Hop>,
    target: Target,
    tls: Option<Arc<ClientConfig>>,
}

impl Route {
    fn endpoint(&self) -> Endpoint {
        let first = self.hops.first().map(Hop::endpoint);
        first.unwrap_or(self.target.endpoint()).clone()
    }
    /// The names of all parts, layer by layer; `tops` layers come above the target's TLS.
    fn parts(&self, tops: usize) -> Vec<String> {
        let mut parts = Vec::new();
        for (n, hop) in self.hops.iter().enumerate() {
            let layers = if hop.proxy.is_secure() { 2 } else { 1 };
            parts.extend(vec![format!("hop {} ({hop})", n + 1); layers]);
        }
        let layers = tops + usize::from(self.target.is_secure());
        parts.extend(vec![format!("target ({})", self.target); layers.max(1)]);
        parts
    }
    /// The layers of the hops, from the wire up.
    fn tunnels(&self, learnt: &Learnt) -> Result<Vec<BoxTunnel>, Error> {
        let mut tunnels: Vec<BoxTunnel> = Vec::new();
        let after = self.hops.iter().skip(1).map(Hop::endpoint);
        for (hop, next) in self.hops.iter().zip(after.chain([self.target.endpoint()])) {
            if hop.proxy.is_secure() {
                let config = hop.tls.as_ref().or(self.tls.as_ref());
                // What the proxy would choose of more than it is spoken to in, nobody could use.
                let protocol: &[&[u8]] = match hop.proxy {
                    Proxy::H2 => &[b"h2"],
                    _ => &[b"http/1.1"],
                };
                tunnels.push(secure(config, Some(protocol), &hop.endpoint)?.boxed());
            }
            tunnels.push(match hop.proxy {
                Proxy::Socks5 => socks(hop, next)?.boxed(),
                Proxy::Http | Proxy::Https => connect(hop, next, learnt.at(tunnels.len()))?.boxed(),
                Proxy::H2 | Proxy::H2c => connect_http2(hop, next)?.boxed(),
            });
        }
        Ok(tunnels)
    }
    /// The target's TLS, if it has one, with these protocols offered by ALPN.
    fn secure(&self, alpn: &[&[u8]]) -> Result<Option<tls::Client>, Error> {
        let secure = || secure(self.tls.as_ref(), Some(alpn), self.target.endpoint());
        self.target.is_secure().then(secure).transpose()
    }
    /// The target's TLS, with what its settings say.
    fn secure_stream(&self) -> Result<Option<tls::Client>, Error> {
        let secure = || secure(self.tls.as_ref(), None, self.target.endpoint());
        self.target.is_secure().then(secure).transpose()
    }
}

fn secure(
    config: Option<&Arc<ClientConfig>>,
    alpn: Option<&[&[u8]]>,
    endpoint: &Endpoint,
) -> Result<tls::Client, Error> {
    let config = config.ok_or_else(|| Error::local("route", NoTls))?;
    let mut config = config.clone();
    if let Some(alpn) = alpn {
        let wanted = alpn.iter().map(|protocol| protocol.to_vec());
        Arc::make_mut(&mut config).alpn_protocols = wanted.collect();
    }
    tls::Client::new(config, tls::server_name(&endpoint.host)?)
}

fn alpn(tls: &tls::Client) -> String {
    let chosen = tls.alpn().map(String::from_utf8_lossy);
    chosen.map_or_else(|| "nothing".to_owned(), std::borrow::Cow::into_owned)
}

#[derive(Debug, thiserror::Error)]
#[error("a part of the route speaks TLS, and no settings for it were given")]
struct NoTls;

/// A server that was to speak HTTP/2 chose something else.
#[derive(Debug, thiserror::Error)]
#[error("the server was offered h2 by ALPN and chose {alpn}")]
pub(super) struct NoHttp2 {
    alpn: String,
}

fn connect_http2(hop: &Hop, next: &Endpoint) -> Result<http2::Client, Error> {
    let mut request = http2::Request::tunnel(&next.host, next.port)?;
    if let Some(c) = &hop.credentials {
        let value = basic_credentials(&c.user, &c.password)?;
        request = request.headers([(PROXY_AUTHORIZATION, value)].into_iter().collect())?;
    }
    http2::Client::new(request, http2::Settings::default())
}

fn socks(hop: &Hop, next: &Endpoint) -> Result<socks::Client, Error> {
    let address = socks::Address::new(&next.host, next.port);
    let client = socks::Client::new(address.map_err(|error| Error::local("socks", error))?);
    match &hop.credentials {
        None => Ok(client),
        Some(c) => client
            .with_password(&c.user, &c.password)
            .map_err(|error| Error::local("socks", error)),
    }
}

fn connect(
    hop: &Hop,
    next: &Endpoint,
    challenged: Option<&Challenged>,
) -> Result<connect::Client, Error> {
    let client = connect::Client::new(&next.host, next.port)?;
    let Some(c) = &hop.credentials else {
        return Ok(client);
    };
    let client = client.with_basic(&c.user, &c.password)?;
    Ok(match (hop.on_challenge, challenged) {
        (false, _) => client,
        (true, None) => client.on_challenge(),
        (true, Some(challenged)) => client.on_challenge().after(challenged),
    })
}

/// Where the seeds of a plan's layers come from.
pub struct Seeds(ChaCha12Rng);

impl Seeds {
    pub(super) fn new(seed: Seed) -> Self {
        Self(ChaCha12Rng::from_seed(seed.into_bytes()))
    }
    /// Returns a new seed.
    pub fn seed(&mut self) -> Seed {
        let mut bytes = [0; 32];
        self.0.fill_bytes(&mut bytes);
        Seed::new(bytes)
    }
}

/// What the layers of earlier connections learnt for this one.
#[derive(Default)]
pub struct Learnt(Vec<Error>);

impl Learnt {
    /// Returns the latest that the layer at this place, counted from the wire up, learnt, if it is a
    /// `T`.
    pub fn at<T: Any>(&self, place: usize) -> Option<&T> {
        let error = self.error::<T>(place)?;
        error.new_connection().and_then(NewConnection::learnt)
    }
    /// Returns the error with which it was learnt.
    fn error<T: Any>(&self, place: usize) -> Option<&Error> {
        let mut of_place = self.0.iter().rev();
        let error = of_place.find(|error| error.place() == Place::Layer(place))?;
        error.new_connection()?.learnt::<T>().map(|_| error)
    }
    pub(super) fn add(&mut self, error: Error) {
        self.0.push(error);
    }
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
    pub(super) fn into_chain(self) -> Vec<Error> {
        self.0
    }
}
