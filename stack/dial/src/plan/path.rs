//! The routes to a target, each with the layers of its hops.

use crate::plan::hop_client::{self, BadHop, http2_request};
use crate::plan::route::{FirstHop, Route};
use crate::plan::tls_task::{self, MadeTls, TlsTask, WantedTls};
use crate::pool::{PoolKey, SharedConnection};
use crate::report::id::Destination;
use crate::route::endpoint::RouteError;
use crate::route::hop::{ConnectSettings, Hop};
use crate::route::http_versions::HttpVersions;
use crate::route::routes::{FindRoutes, RouteSource, Routes};
use crate::route::scheme::Speaks;
use crate::route::target::{Scheme, Target};
use crate::route::tls_choice::{TlsChoice, TlsSource};
use http::header::PROXY_AUTHORIZATION;
use std::sync::Arc;
use wirestack_http::basic_credentials;
use wirestack_http2 as http2;
use wirestack_layer::{Error, Instant, origin};
use wirestack_nest::{BoxTunnel, Nest};
use wirestack_tls as tls;
use zeroize::Zeroizing;

/// The builder of a target's routes and of the layers for them.
pub(crate) struct RouteBuilder {
    routes: Routes,
    /// The routes that were found, if `routes` says only where.
    found: Option<Routes>,
    /// The sources that have found them.
    sources: Vec<Arc<dyn RouteSource>>,
    pub(crate) target: Arc<Target>,
    pub(crate) tls: TlsChoice,
    made_tls: Vec<MadeTls>,
    /// Allows a shared connection to a proxy.
    pub(crate) shares: bool,
    /// Changes each hop before it is used.
    pub(crate) each_hop: Option<Box<ChangeHop>>,
}

pub(crate) type ChangeHop = dyn Fn(Hop) -> Hop + Send + Sync;

impl RouteBuilder {
    pub(crate) fn new(routes: Routes, target: Target, tls: TlsChoice) -> Self {
        Self {
            routes,
            found: None,
            sources: Vec::new(),
            target: target.into(),
            tls,
            made_tls: Vec::new(),
            shares: false,
            each_hop: None,
        }
    }

    /// Returns the items of the list of routes that were passed over, each with the reason.
    pub(crate) fn skipped(&self) -> &[String] {
        self.known().skipped()
    }

    /// Returns `true` if the target is at a Unix socket of this machine, which no proxy reaches. Only
    /// hops that were named go before it.
    fn is_local(&self) -> bool {
        self.target.unix.is_some() && !self.routes.are_named()
    }

    /// Returns the routes that were found, or else those of the user.
    fn known(&self) -> &Routes {
        self.found.as_ref().unwrap_or(&self.routes)
    }

    /// Returns a finder of the routes with the name of its source, if they are not known yet.
    pub(crate) fn find(&self) -> Option<(String, Box<dyn FindRoutes>)> {
        let source = self.known().source().filter(|_| !self.is_local())?;
        Some((source.name(), source.finder(&self.target)))
    }

    /// Sets the routes that were found.
    pub(crate) fn found(&mut self, routes: Routes) {
        if let Some(source) = self.known().source() {
            self.sources.push(source.clone());
        }
        self.found = Some(routes);
    }

    /// Notes that the target was not reached by this route.
    pub(crate) fn route_failed(&self, route: &str, now: Instant) {
        for source in &self.sources {
            source.route_failed(route, now);
        }
    }

    /// Sets another target, to which the routes may be others.
    pub(crate) fn redirect(&mut self, target: Target) {
        if self.target.origin() != target.origin() {
            self.tls.leave_client_certificate();
        }
        self.target = target.into();
        self.found = None;
        self.sources.clear();
    }

    /// Returns the routes to the target. With `shared`, each is a stream on a shared connection to
    /// the target itself.
    pub(crate) fn routes(
        &self,
        shared: Option<(http2::ConnectRequest, http2::Http2Config)>,
    ) -> Result<Vec<Route>, Error> {
        let invalid = |error| Error::local(origin::ROUTE, error);
        let routes = if self.is_local() {
            vec![Arc::default()]
        } else {
            self.known().shared_to(&self.target).map_err(invalid)?
        };
        if routes.is_empty() {
            return Err(invalid(RouteError::NoRoute));
        }
        let changed = |hops: Arc<[Hop]>| match &self.each_hop {
            Some(change) => hops.iter().cloned().map(change).collect(),
            None => hops,
        };
        let routes = routes.into_iter().map(changed);
        let routes = routes.map(|hops| match &shared {
            Some((request, config)) => self.shared_origin(hops, request.clone(), config.clone()),
            None => self.route(hops),
        });
        routes.collect()
    }

    /// Returns the route whose wire is a stream on a shared connection to the target.
    fn shared_origin(
        &self,
        hops: Arc<[Hop]>,
        request: http2::ConnectRequest,
        config: http2::Http2Config,
    ) -> Result<Route, Error> {
        let Target {
            server_name, unix, ..
        } = &*self.target;
        let origin = format!(
            "{} {server_name:?} {unix:?} {config:?}",
            self.target.origin()
        );
        let share = SharedConnection {
            key: pool_key(&hops, &origin, &self.tls.target, &self.tls),
            name: self.target.origin(),
            routes: Routes::hops(hops.to_vec()),
            target: (*self.target).clone(),
            tls: self.tls.clone(),
            config,
            request,
            is_origin: true,
        };
        let first = FirstHop::Known(Destination::Stream(share.into()));
        let all = hops.len();
        Ok(Route::new(first, hops, all, self.target.clone()))
    }

    /// Returns the shared connection to the last HTTP/2 proxy among the hops that allows one, and
    /// the number of hops that this connection covers.
    fn shared_hop(&self, hops: &[Hop]) -> Result<Option<(SharedConnection, usize)>, Error> {
        let can_share = |hop: &Hop| hop.proxy.speaks() == Speaks::Http2 && hop.login.is_at_once();
        let Some(at) = hops.iter().rposition(can_share).filter(|_| self.shares) else {
            return Ok(None);
        };
        let hop = &hops[at];
        let next = hops
            .get(at + 1)
            .map_or(self.target.endpoint(), Hop::endpoint);
        let mut request = http2_request(hop, next)?;
        if let Some(credentials) = hop.known_credentials() {
            let value = basic_credentials(&credentials.user, &credentials.password)?;
            request = request.headers([(PROXY_AUTHORIZATION, value)].into_iter().collect())?;
        }
        let scheme = if hop.proxy.is_secure() {
            Scheme::Https
        } else {
            Scheme::Http
        };
        let tls = TlsChoice {
            target: self.tls.of_hop(hop),
            hops: self.tls.hops.clone(),
        };
        let share = SharedConnection {
            key: pool_key(&hops[..=at], "", &tls.target, &self.tls),
            name: format!("hop {} ({hop})", at + 1),
            routes: Routes::hops(hops[..at].to_vec()),
            target: Target::at_hop(scheme, hop),
            tls,
            config: hop.connect.http2.clone(),
            request,
            is_origin: false,
        };
        Ok(Some((share, at + 1)))
    }

    fn route(&self, hops: Arc<[Hop]>) -> Result<Route, Error> {
        for (n, hop) in hops.iter().enumerate() {
            if hop.tls.is_some() && !hop.certificates.is_empty() {
                let error = RouteError::TlsTwice(format!("hop {} ({hop})", n + 1));
                return Err(Error::local(origin::ROUTE, error));
            }
        }
        let target = self.target.endpoint();
        let (endpoint, unix) = match hops.first() {
            Some(hop) => (hop.endpoint(), &hop.unix),
            None => (target, &self.target.unix),
        };
        let first = match unix {
            Some(path) => FirstHop::Known(Destination::Unix(path.clone())),
            None => FirstHop::from(endpoint),
        };
        let after = hops.iter().skip(1).map(Hop::endpoint).chain([target]);
        let wrong = after.take(hops.len()).find(|endpoint| endpoint.has_zone());
        if let Some(wrong) = wrong {
            let error = RouteError::ZoneBehindProxy(wrong.to_string());
            return Err(Error::local(origin::ROUTE, error));
        }
        let (first, covered) = match self.shared_hop(&hops)? {
            Some((share, covered)) => {
                let to = Destination::Stream(share.into());
                (FirstHop::Known(to), covered)
            }
            None => (first, 0),
        };
        Ok(Route::new(first, hops, covered, self.target.clone()))
    }

    /// Builds the layers of the hops, from the wire up.
    pub(crate) fn tunnels(&self, route: &Route) -> Result<Vec<BoxTunnel>, Error> {
        let mut tunnels: Vec<BoxTunnel> = Vec::with_capacity(route.hops().len());
        for (n, (hop, next)) in route.asked().enumerate() {
            let of_hop = |error: Error| {
                let name = route.part_name(Some(n));
                Error::local(origin::ROUTE, BadHop { name, error })
            };
            if hop.proxy.is_secure() {
                let config = tls_task::config(&self.tls.of_hop(hop), &self.made_tls)?;
                // The proxy chooses from the offer, so that has only what the next layer can be.
                let tls =
                    tls_task::secure(config, Some(hop.alpn()), &hop.endpoint, &hop.server_name)?;
                if hop.versions() != HttpVersions::Http1 {
                    tunnels.push(hop_client::http_over(tls, hop, next).map_err(of_hop)?);
                    continue;
                }
                tunnels.push(tls.boxed());
            }
            tunnels.push(hop_client::client(hop, next).map_err(of_hop)?);
        }
        Ok(tunnels)
    }

    /// Builds the target's TLS, if it has one. It offers these protocols by ALPN; without them,
    /// those of its settings.
    pub(crate) fn secure(&self, alpn: Option<&[&[u8]]>) -> Result<Option<tls::Client>, Error> {
        if !self.target.is_secure() {
            return Ok(None);
        }
        let config = tls_task::config(&self.tls.target, &self.made_tls)?;
        let target = &self.target;
        tls_task::secure(config, alpn, target.endpoint(), &target.server_name).map(Some)
    }

    /// Returns the making of the TLS settings that this route needs and that are not there yet, if
    /// there are any. Settings are made only for a route that needs TLS: some machines have no
    /// roots.
    pub(crate) fn tls_task(&self, route: &Route) -> Option<TlsTask> {
        let hops = route.hops().iter().enumerate();
        let hops = hops.filter(|(_, hop)| hop.proxy.is_secure());
        let hops = hops.map(|(n, hop)| (Some(n), self.tls.of_hop(hop)));
        let target = self.target.is_secure();
        let target = target.then(|| (None, self.tls.target.clone()));
        let mut wanted: Vec<WantedTls> = Vec::new();
        for (n, source) in hops.chain(target) {
            let TlsSource::Made(certificates) = source else {
                continue;
            };
            let key = certificates.key();
            let is_made = self.made_tls.iter().any(|made| made.key == key);
            if is_made || wanted.iter().any(|it| it.certificates.key() == key) {
                continue;
            }
            let part = route.part_name(n);
            wanted.push(WantedTls { part, certificates });
        }
        (!wanted.is_empty()).then(|| TlsTask::new(wanted))
    }

    /// Keeps TLS settings that were made.
    pub(crate) fn set_tls(&mut self, made: Vec<MadeTls>) {
        self.made_tls.extend(made);
    }
}

/// Returns the key of a shared connection: equal for the same destination, hops, credentials and
/// TLS settings.
fn pool_key(hops: &[Hop], target: &str, tls: &TlsSource, all: &TlsChoice) -> PoolKey {
    let mut key = Zeroizing::new(format!("{target} {}", *tls.key()));
    for hop in hops {
        let credentials = hop.known_credentials();
        let known = credentials.map(|known| (&known.user, &known.password));
        let login = &hop.login;
        let tls = all.of_hop(hop).key();
        let ConnectSettings {
            fields,
            limits,
            lenient,
            http2,
        } = &hop.connect;
        // `Debug` of a field hides its value.
        let fields: Vec<_> = fields
            .iter()
            .map(|(name, value)| (name, value.as_bytes()))
            .collect();
        let one = Zeroizing::new(format!(
            " {hop} {known:?} {login:?} {} {:?} {:?} {fields:?} {limits:?} {lenient} {http2:?}",
            *tls, hop.unix, hop.server_name
        ));
        key.push_str(&one);
    }
    PoolKey::new(key, hops, all)
}
