//! The hops of a way as layers.

use crate::pool::SharedConnection;
use crate::route::endpoint::{Endpoint, RouteError};
use crate::route::hop::{Hop, Proxy, Speaks};
use crate::route::routes::{self, Routes};
use crate::route::target::Target;
use http::header::PROXY_AUTHORIZATION;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use wirestack_http::basic_credentials;
use wirestack_http1::connect;
use wirestack_http2 as http2;
use wirestack_layer::{BoxError, Error};
use wirestack_nest::{BoxTunnel, Nest};
use wirestack_socks as socks;
use wirestack_tls::{self as tls, rustls::ClientConfig};

/// One way to a target.
pub(crate) struct Route {
    pub(crate) first: FirstHop,
    pub(crate) hops: Vec<Hop>,
    /// What is asked of each hop.
    pub(crate) asked: Vec<Endpoint>,
    pub(crate) name: String,
    /// The hop or target that each layer belongs to, from the wire up.
    pub(crate) parts: Vec<(String, Option<usize>)>,
}

/// Where the first connection goes.
#[derive(Clone)]
pub(crate) enum FirstHop {
    Endpoint(Endpoint),
    Unix(PathBuf),
    Shared(Arc<SharedConnection>),
}

impl Route {
    /// The name of the hop or target that the layer at this place belongs to.
    pub(crate) fn part(&self, place: usize) -> String {
        let part = self.parts.get(place).or(self.parts.last());
        let first = || match &self.first {
            FirstHop::Endpoint(endpoint) => endpoint.to_string(),
            FirstHop::Unix(path) => path.display().to_string(),
            FirstHop::Shared(share) => share.to_string(),
        };
        part.map_or_else(first, |(part, _)| part.clone())
    }

    /// Returns the index of a hop's last layer, the one that asks its proxy.
    pub(crate) fn last_layer(&self, hop: usize) -> Option<usize> {
        self.parts.iter().rposition(|(_, of)| *of == Some(hop))
    }

    /// The hop that the layer at this place belongs to; `None` for the target's.
    pub(crate) fn hop(&self, place: usize) -> Option<usize> {
        self.parts.get(place).and_then(|(_, hop)| *hop)
    }
}

/// Ways, and what lies behind them.
pub(crate) struct RouteBuilder {
    routes: Routes,
    pub(crate) target: Target,
    tls: OnceLock<Arc<ClientConfig>>,
    /// How many layers come above the target's TLS.
    tops: usize,
    /// Whether a proxy's connection may be one that others use too.
    pub(crate) shares: bool,
}

impl RouteBuilder {
    pub(crate) fn new(
        routes: Routes,
        target: Target,
        tls: Option<Arc<ClientConfig>>,
        tops: usize,
    ) -> Self {
        Self {
            routes,
            target,
            tls: tls.map_or_else(OnceLock::new, OnceLock::from),
            tops,
            shares: false,
        }
    }

    /// The ways to the target; by the streams of its own connection, if they are asked for so.
    pub(crate) fn routes(
        &self,
        shared: Option<(http2::ConnectRequest, http2::Settings)>,
    ) -> Result<Vec<Route>, Error> {
        let invalid = |error| Error::local("route", error);
        let routes = self.routes.to(&self.target).map_err(invalid)?;
        match routes.is_empty() {
            true => Err(invalid(RouteError::NoRoute)),
            false => routes
                .into_iter()
                .map(|hops| match &shared {
                    Some((request, settings)) => {
                        self.shared_origin(&hops, request.clone(), settings.clone())
                    }
                    None => self.route(hops),
                })
                .collect(),
        }
    }

    /// A way whose wire is a stream of the target's own connection.
    fn shared_origin(
        &self,
        hops: &[Hop],
        request: http2::ConnectRequest,
        settings: http2::Settings,
    ) -> Result<Route, Error> {
        let name = format!("target ({})", self.target);
        let share = SharedConnection {
            key: key(hops, &self.target.origin(), self.tls.get()),
            name: self.target.origin(),
            routes: Routes::hops(hops.to_vec()),
            target: self.target.clone(),
            tls: self.tls.get().cloned(),
            settings,
            request,
            is_origin: true,
        };
        Ok(Route {
            first: FirstHop::Shared(share.into()),
            hops: Vec::new(),
            asked: Vec::new(),
            name: routes::name(hops),
            parts: vec![(name, None)],
        })
    }

    /// The connection to the last HTTP/2 proxy among the hops, and how many hops that leaves.
    fn shared_hop(
        &self,
        hops: &[Hop],
        asked: &[Endpoint],
    ) -> Result<Option<(SharedConnection, usize)>, Error> {
        let could = |hop: &Hop| hop.proxy.speaks() == Speaks::Http2 && hop.shows_at_once();
        let Some(at) = hops.iter().rposition(could).filter(|_| self.shares) else {
            return Ok(None);
        };
        let (hop, next) = (&hops[at], &asked[at]);
        let mut request = http2::ConnectRequest::tunnel(&next.host, next.port)?;
        if let (Some(credentials), ..) = hop.password() {
            let value = basic_credentials(&credentials.user, &credentials.password)?;
            request = request.headers([(PROXY_AUTHORIZATION, value)].into_iter().collect())?;
        }
        let scheme = if hop.proxy.is_secure() {
            "https"
        } else {
            "http"
        };
        let target = format!("{scheme}://{}", hop.endpoint).parse();
        let mut target: Target = target.map_err(|error| Error::local("route", error))?;
        target.unix = hop.unix.clone();
        let tls = hop.tls.as_ref().or(self.tls.get());
        let share = SharedConnection {
            key: key(&hops[..=at], "", tls),
            name: format!("hop {} ({hop})", at + 1),
            routes: Routes::hops(hops[..at].to_vec()),
            target,
            tls: tls.cloned(),
            settings: http2::Settings::default(),
            request,
            is_origin: false,
        };
        Ok(Some((share, at + 1)))
    }

    fn route(&self, mut hops: Vec<Hop>) -> Result<Route, Error> {
        let target = self.target.endpoint();
        let (endpoint, unix) = match hops.first() {
            Some(hop) => (hop.endpoint(), &hop.unix),
            None => (target, &self.target.unix),
        };
        let first = match unix {
            Some(path) => FirstHop::Unix(path.clone()),
            None => FirstHop::Endpoint(endpoint.clone()),
        };
        let after = hops.iter().skip(1).map(Hop::endpoint);
        let asked = after.chain([target]).take(hops.len());
        let mut asked: Vec<_> = asked.cloned().collect();
        let name = routes::name(&hops);
        let (first, below) = match self.shared_hop(&hops, &asked)? {
            Some((share, below)) => (FirstHop::Shared(share.into()), below),
            None => (first, 0),
        };
        hops.drain(..below);
        asked.drain(..below);
        let mut parts = Vec::new();
        for (n, hop) in hops.iter().enumerate() {
            let layers = if hop.proxy.is_secure() { 2 } else { 1 };
            let name = format!("hop {} ({hop})", below + n + 1);
            parts.extend(vec![(name, Some(n)); layers]);
        }
        let layers = self.tops + usize::from(self.target.is_secure());
        let target = format!("target ({})", self.target);
        parts.extend(vec![(target, None); layers.max(1)]);
        Ok(Route {
            first,
            asked,
            name,
            hops,
            parts,
        })
    }

    /// The layers of the hops, from the wire up.
    pub(crate) fn tunnels(&self, route: &Route) -> Result<Vec<BoxTunnel>, Error> {
        let mut tunnels: Vec<BoxTunnel> = Vec::new();
        for (hop, next) in route.hops.iter().zip(&route.asked) {
            if hop.proxy.is_secure() {
                let config = match &hop.tls {
                    Some(own) => own,
                    None => self.tls()?,
                };
                // What the proxy would choose of more than it is spoken to in, nobody could use.
                let protocol: &[&[u8]] = match hop.proxy {
                    Proxy::H2 => &[b"h2"],
                    _ => &[b"http/1.1"],
                };
                tunnels.push(secure(config, Some(protocol), &hop.endpoint)?.boxed());
            }
            tunnels.push(match hop.proxy {
                Proxy::Socks4 | Proxy::Socks5 => socks(hop, next)?.boxed(),
                Proxy::Http | Proxy::Https => {
                    let client = connect::Client::new(&next.host, next.port)?;
                    client.awaiting_authorization().boxed()
                }
                Proxy::H2 | Proxy::H2c => {
                    let request = http2::ConnectRequest::tunnel(&next.host, next.port)?;
                    let client = http2::Client::new(request, http2::Settings::default());
                    client.awaiting_authorization().boxed()
                }
            });
        }
        Ok(tunnels)
    }

    /// The target's TLS, if it has one, with these protocols offered by ALPN or with what its
    /// settings say.
    pub(crate) fn secure(&self, alpn: Option<&[&[u8]]>) -> Result<Option<tls::Client>, Error> {
        if !self.target.is_secure() {
            return Ok(None);
        }
        secure(self.tls()?, alpn, self.target.endpoint()).map(Some)
    }

    /// The settings that were given, or the system's roots: made only where something speaks TLS, as
    /// not every machine has them.
    fn tls(&self) -> Result<&Arc<ClientConfig>, Error> {
        if self.tls.get().is_none() {
            let made = default_tls()?;
            return Ok(self.tls.get_or_init(|| made));
        }
        self.tls.get().ok_or_else(|| Error::local("route", NoTls))
    }
}

#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
fn default_tls() -> Result<Arc<ClientConfig>, Error> {
    tls::ClientSettings::new().build()
}

/// Without cryptography there is no default.
#[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
fn default_tls() -> Result<Arc<ClientConfig>, Error> {
    Err(Error::local("route", NoTls))
}

/// What makes two connections the same: where they lead, by which way, who is asking and whom one
/// trusts.
fn key(hops: &[Hop], target: &str, tls: Option<&Arc<ClientConfig>>) -> String {
    let mut key = format!("{target} {:p}", tls.map_or(std::ptr::null(), Arc::as_ptr));
    for hop in hops {
        let (credentials, ..) = hop.password();
        let shown = credentials.map(|it| (&it.user, &it.password));
        let tls = hop.tls.as_ref().map_or(std::ptr::null(), Arc::as_ptr);
        key.push_str(&format!(" {hop} {shown:?} {tls:p} {:?}", hop.unix));
    }
    key
}

fn secure(
    config: &Arc<ClientConfig>,
    alpn: Option<&[&[u8]]>,
    endpoint: &Endpoint,
) -> Result<tls::Client, Error> {
    let mut config = config.clone();
    if let Some(alpn) = alpn {
        let wanted = alpn.iter().map(|protocol| protocol.to_vec());
        Arc::make_mut(&mut config).alpn_protocols = wanted.collect();
    }
    tls::Client::new(config, tls::server_name(&endpoint.host)?)
}

#[derive(Debug, thiserror::Error)]
#[error("a part of the route speaks TLS, and no settings for it were given")]
struct NoTls;

fn socks(hop: &Hop, next: &Endpoint) -> Result<socks::Client, Error> {
    fn invalid(error: impl Into<BoxError>) -> Error {
        Error::local("socks", error)
    }
    let address = socks::Address::new(&next.host, next.port).map_err(invalid)?;
    let (client, credentials) = (socks::Client::new(address), hop.password().0);
    match (hop.proxy, credentials) {
        (Proxy::Socks4, user) => {
            let user = user.map_or("", |it| &it.user);
            client.socks4(user).map_err(invalid)
        }
        (_, None) => Ok(client),
        (_, Some(c)) => client.with_password(&c.user, &c.password).map_err(invalid),
    }
}
