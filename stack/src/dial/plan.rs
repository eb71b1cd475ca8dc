use super::route::{Endpoint, Hop, Proxy, RouteError, Scheme, Target};
use crate::{BoxSocket, BoxTunnel, Error, Nest, NewConnection, Place, Plain, Seed, Stack};
use chacha20::ChaCha12Rng;
use chacha20::rand_core::{Rng, SeedableRng};
use std::any::Any;
use std::sync::Arc;
use wirestack_http1::connect::{self, Challenged};
use wirestack_socks as socks;
use wirestack_tls::{self as tls, rustls::ClientConfig};
use wirestack_websocket as websocket;

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

impl Plan<BoxSocket> {
    /// Plans a WebSocket (`ws://` or `wss://`) behind `hops`, nearest first. `tls` serves the target
    /// and every hop without settings of its own; it may be left out where none speaks TLS.
    ///
    /// # Errors
    ///
    /// [`RouteError::Kind`] if the target is a stream.
    pub fn websocket(
        hops: Vec<Hop>,
        target: Target,
        tls: Option<Arc<ClientConfig>>,
        request: websocket::Request,
        settings: websocket::Settings,
    ) -> Result<Self, RouteError> {
        target.must_be_websocket()?;
        let route = Route { hops, target, tls };
        let (endpoint, parts) = (route.endpoint(), route.parts(1));
        Ok(Self::new(endpoint, parts, move |seeds, learnt| {
            let (request, settings) = (request.clone(), settings.clone());
            let socket = websocket::Client::new(request, settings, seeds.seed())?;
            let mut stack: BoxSocket = socket.boxed();
            for tunnel in route.tunnels(learnt)?.into_iter().rev() {
                stack = Stack::new(tunnel, stack).boxed();
            }
            Ok(stack)
        }))
    }
}

impl Plan<BoxTunnel> {
    /// Plans a stream of bytes (`tcp://` or `tls://`) behind `hops`, nearest first.
    ///
    /// # Errors
    ///
    /// [`RouteError::Kind`] if the target is a WebSocket.
    pub fn stream(
        hops: Vec<Hop>,
        target: Target,
        tls: Option<Arc<ClientConfig>>,
    ) -> Result<Self, RouteError> {
        if !matches!(target.scheme, Scheme::Tcp | Scheme::Tls) {
            return Err(RouteError::Kind("WebSocket, where a stream was wanted"));
        }
        let route = Route { hops, target, tls };
        let (endpoint, parts) = (route.endpoint(), route.parts(0));
        Ok(Self::new(endpoint, parts, move |_, learnt| {
            let tunnels = route.tunnels(learnt)?.into_iter().rev();
            let stack = tunnels.reduce(|above, below| Stack::new(below, above).boxed());
            Ok(stack.unwrap_or_else(|| Plain.boxed()))
        }))
    }
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
    /// The names of all parts, layer by layer; `tops` layers come above the target's tunnels.
    fn parts(&self, tops: usize) -> Vec<String> {
        let mut parts = Vec::new();
        for (n, hop) in self.hops.iter().enumerate() {
            let layers = if hop.proxy == Proxy::Https { 2 } else { 1 };
            parts.extend(vec![format!("hop {} ({hop})", n + 1); layers]);
        }
        let layers = tops + usize::from(self.target.is_secure());
        parts.extend(vec![format!("target ({})", self.target); layers.max(1)]);
        parts
    }
    /// The layers below the top one, from the wire up.
    fn tunnels(&self, learnt: &Learnt) -> Result<Vec<BoxTunnel>, Error> {
        let mut tunnels: Vec<BoxTunnel> = Vec::new();
        let after = self.hops.iter().skip(1).map(Hop::endpoint);
        for (hop, next) in self.hops.iter().zip(after.chain([self.target.endpoint()])) {
            if let Proxy::Https = hop.proxy {
                let config = hop.tls.as_ref().or(self.tls.as_ref());
                tunnels.push(secure(config, &hop.endpoint)?.boxed());
            }
            tunnels.push(match hop.proxy {
                Proxy::Socks5 => socks(hop, next)?.boxed(),
                Proxy::Http | Proxy::Https => connect(hop, next, learnt.at(tunnels.len()))?.boxed(),
            });
        }
        if self.target.is_secure() {
            tunnels.push(secure(self.tls.as_ref(), self.target.endpoint())?.boxed());
        }
        Ok(tunnels)
    }
}

fn secure(config: Option<&Arc<ClientConfig>>, endpoint: &Endpoint) -> Result<tls::Client, Error> {
    let config = config.ok_or_else(|| Error::local("route", NoTls))?;
    tls::Client::new(config.clone(), tls::server_name(&endpoint.host)?)
}

#[derive(Debug, thiserror::Error)]
#[error("a part of the route speaks TLS, and no settings for it were given")]
struct NoTls;

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
        let mut of_place = self.0.iter().rev();
        let error = of_place.find(|error| error.place() == Place::Layer(place))?;
        error.new_connection().and_then(NewConnection::learnt)
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
