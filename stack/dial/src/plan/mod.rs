//! The plan of a connection: the target, the routes to it, and the layers to build.

pub(crate) mod fallback;
pub(crate) mod hints;
mod hop_client;
pub(crate) mod http2;
pub(crate) mod path;
pub(crate) mod route;
pub(crate) mod socket;
pub(crate) mod stream;
mod then;
pub(crate) mod tls_task;
pub(crate) mod websocket;

use crate::auth::Credentials;
use crate::plan::hints::{RetryHints, SeedStream};
use crate::plan::path::{ChangeHop, RouteBuilder};
use crate::plan::route::Route;
use crate::plan::tls_task::{MadeTls, TlsTask};
use crate::route::endpoint::{Endpoint, RouteError};
use crate::route::hop::Hop;
use crate::route::redirects::RedirectError;
use crate::route::routes::{FindRoutes, Routes};
use crate::route::tls_choice::TlsChoice;
use http::Response;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use wirestack_layer::{Error, Flow, Instant, Layer, origin};
use wirestack_nest::{BoxLayer, BoxTunnel, Nest, Stack};
use wirestack_socks as socks;
use wirestack_tls::Certificates;

/// A target, the routes to it, and the stack of layers to build on each connection.
///
/// The stack is built anew for each connection, with the [hints](RetryHints) of the layers of the
/// last ones. There are ready-made plans for targets behind hops; [`new`](Self::new) is for stacks
/// of the caller's own.
///
/// ```
/// use wirestack_dial::{Hop, Plan, Routes, Target};
///
/// let target: Target = "tls://example.org:443".parse()?;
/// let hop: Hop = "socks5h://gate.test:1080".parse()?;
/// let plan = Plan::stream(Routes::hops(vec![hop]), target, None, None)?
///     .each_hop(Hop::on_challenge)
///     .sharing();
/// drop(plan);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Plan<L>(pub(crate) Box<dyn PlanKind<L>>);

/// The kind of a plan: the part that is different for each kind of target.
pub(crate) trait PlanKind<L>: Send {
    /// Returns the routes to the present target.
    fn routes(&self) -> Result<Vec<Route>, Error>;

    /// Returns the builder of the routes; `None` if a route goes straight to the target.
    fn builder(&self) -> Option<&RouteBuilder> {
        None
    }

    /// Returns the builder of the routes, to change it.
    fn builder_mut(&mut self) -> Option<&mut RouteBuilder> {
        None
    }

    /// Returns the items of the list of routes that were passed over, each with the reason.
    fn skipped(&self) -> &[String] {
        self.builder().map_or(&[], RouteBuilder::skipped)
    }

    /// Returns a finder of the routes with the name of its source, if they are not known yet.
    fn find(&self) -> Option<(String, Box<dyn FindRoutes>)> {
        self.builder()?.find()
    }

    /// Sets the routes that were found.
    fn found(&mut self, routes: Routes) {
        if let Some(builder) = self.builder_mut() {
            builder.found(routes);
        }
    }

    /// Notes that the target was not reached by this route.
    fn route_failed(&self, route: &str, now: Instant) {
        if let Some(builder) = self.builder() {
            builder.route_failed(route, now);
        }
    }

    /// Returns the TLS settings, if there are some.
    fn tls(&self) -> Option<&TlsChoice> {
        Some(&self.builder()?.tls)
    }

    /// Builds the stack for a connection.
    fn build(
        &mut self,
        route: &Route,
        seeds: &mut SeedStream,
        hints: &RetryHints,
    ) -> Result<L, Error>;

    /// Makes the URL of a redirect the target. Returns `None` if the plan follows no redirects.
    fn follow(&mut self, _location: &str) -> Option<Result<(), RedirectError>> {
        None
    }

    /// Returns the present target, for users.
    fn target(&self) -> String;

    /// Returns the making of the TLS settings that the stack for this route needs and that are not
    /// made yet, if there are any.
    fn tls_task(&self, route: &Route) -> Option<TlsTask> {
        self.builder()?.tls_task(route)
    }

    /// Adds certificates to the TLS settings, unless those are given whole.
    fn add_certificates(&mut self, certificates: &Certificates) -> Result<(), RouteError> {
        match self.builder_mut() {
            Some(builder) => builder.tls.add(certificates),
            None => Ok(()),
        }
    }

    /// Sets the TLS settings that were lacking.
    fn set_tls(&mut self, made: Vec<MadeTls>) {
        if let Some(builder) = self.builder_mut() {
            builder.set_tls(made);
        }
    }

    /// Changes each hop before it is used.
    fn each_hop(&mut self, change: Box<ChangeHop>) {
        if let Some(builder) = self.builder_mut() {
            builder.each_hop = Some(change);
        }
    }

    /// Allows shared connections from now on.
    fn share(&mut self) {}

    /// Leaves HTTP/2 to the target for HTTP/1.1 because of this error of the target. Returns `false`
    /// if the error does not ask for that, or if HTTP/1.1 is not allowed or was used.
    fn leave_http2(&mut self, _: &Error) -> bool {
        false
    }

    /// Returns the name of the target in errors, `server` or `proxy`, if it is offered HTTP/2 and
    /// nothing else.
    fn http2_only(&self) -> Option<&'static str> {
        None
    }

    /// Builds the stack on a stream of a shared connection to the target, which was opened with
    /// this response.
    fn build_on(&mut self, _: Response<()>, _: &mut SeedStream) -> Option<Result<L, Error>> {
        None
    }
}

impl<L> Plan<L> {
    /// Uses shared HTTP/2 connections.
    ///
    /// A route uses one shared connection: to the target, if a WebSocket over HTTP/2 is possible,
    /// or else to the last HTTP/2 proxy of the route. A proxy that gets its credentials only after
    /// a challenge is never shared.
    #[must_use]
    pub fn sharing(mut self) -> Self {
        self.0.share();
        self
    }

    /// Adds certificates to the TLS settings that are made for the plan: the authorities are
    /// trusted in the target and in each hop, beside the system's; the certificate of the client is
    /// shown to the target alone. A stack of the caller's own is not affected.
    ///
    /// The files are read by [`Step::MakeTls`](crate::Step::MakeTls), once for each dialing.
    ///
    /// ```
    /// use wirestack_dial::{Plan, Routes};
    /// use wirestack_tls::Certificates;
    ///
    /// let company = Certificates::new().ca_file("/etc/corp/ca.pem");
    /// let plan = Plan::stream(Routes::direct(), "tls://git.corp.test:443".parse()?, None, None)?;
    /// let plan = plan.with_certificates(&company)?; // the file is read while dialing
    /// drop(plan);
    /// # Ok::<(), wirestack_dial::RouteError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`RouteError::TlsTwice`] if the plan was given whole TLS settings.
    pub fn with_certificates(mut self, certificates: &Certificates) -> Result<Self, RouteError> {
        self.0.add_certificates(certificates)?;
        Ok(self)
    }

    /// Changes each hop of every route before it is used: also those that the environment, a proxy
    /// auto-config file or the system names. A stack of the caller's own has none.
    ///
    /// ```
    /// use wirestack_dial::{Environment, Hop, Plan, Routes};
    ///
    /// let routes = Routes::environment(Environment::default());
    /// let plan = Plan::stream(routes, "tcp://example.org:22".parse()?, None, None)?;
    /// let plan = plan.each_hop(Hop::default_credentials);
    /// # drop(plan);
    /// # Ok::<(), wirestack_dial::RouteError>(())
    /// ```
    #[must_use]
    pub fn each_hop(mut self, change: impl Fn(Hop) -> Hop + Send + Sync + 'static) -> Self {
        self.0.each_hop(Box::new(change));
        self
    }

    /// Creates a plan for a stack of the caller's own.
    ///
    /// `endpoint` is the address of the first connection. `parts` has the name of the hop or target
    /// that each layer belongs to, from the wire up, for errors and traces. `build` builds the
    /// stack. If it has another number of layers than there are names, dialing fails with
    /// [`RouteError::LayerNames`].
    ///
    /// ```
    /// use wirestack_dial::{Endpoint, Plan};
    /// use wirestack_nest::Nest;
    /// use wirestack_socks::{Address, Client};
    /// use wirestack_layer::Tunnel;
    ///
    /// // A SOCKS proxy behind a greeting.
    /// let endpoint = Endpoint { host: "proxy.test".to_owned(), port: 7000 };
    /// let parts = vec!["hop 1 (the door)".to_owned(), "hop 2 (the proxy)".to_owned()];
    /// let plan = Plan::new(endpoint, parts, |_seeds, _hints| {
    ///     let door = Tunnel::new("door", async |wire| {
    ///         wire.write("HELLO\n").await;
    ///         Ok(())
    ///     });
    ///     let target = Address::new("example.org", 80).expect("a name");
    ///     Ok(Client::new(target).over(door))
    /// });
    /// drop(plan);
    /// ```
    pub fn new(
        endpoint: Endpoint,
        parts: Vec<String>,
        build: impl FnMut(&mut SeedStream, &RetryHints) -> Result<L, Error> + Send + 'static,
    ) -> Self
    where
        L: Layer,
    {
        Self(Box::new(Custom {
            endpoint,
            parts,
            build,
        }))
    }
}

/// The plan of a stack of the caller's own.
struct Custom<B> {
    endpoint: Endpoint,
    parts: Vec<String>,
    build: B,
}

impl<L, B> PlanKind<L> for Custom<B>
where
    L: Layer,
    B: FnMut(&mut SeedStream, &RetryHints) -> Result<L, Error> + Send,
{
    fn routes(&self) -> Result<Vec<Route>, Error> {
        let (endpoint, parts) = (self.endpoint.clone(), self.parts.clone());
        Ok(vec![Route::named(endpoint, parts)])
    }

    fn build(&mut self, _: &Route, seeds: &mut SeedStream, hints: &RetryHints) -> Result<L, Error> {
        let stack = (self.build)(seeds, hints)?;
        let (layers, names) = (stack.depth(), self.parts.len());
        if layers != names {
            let error = RouteError::LayerNames { layers, names };
            return Err(Error::local(origin::ROUTE, error));
        }
        Ok(stack)
    }

    fn target(&self) -> String {
        self.endpoint.to_string()
    }
}

impl Plan<socks::Client> {
    /// Plans UDP ASSOCIATE (RFC 1928 §7) to a `socks5://` proxy.
    ///
    /// ```
    /// use wirestack_dial::{Hop, Plan};
    ///
    /// let gate: Hop = "socks5h://ada:secret@gate.test:1080".parse()?;
    /// assert!(Plan::udp_associate(gate).is_ok());
    /// let proxy: Hop = "http://proxy.test:3128".parse()?;
    /// assert!(Plan::udp_associate(proxy).is_err()); // UDP needs SOCKS5
    /// # Ok::<(), wirestack_dial::RouteError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`RouteError::Scheme`] if the hop is not a SOCKS5 proxy, and [`RouteError::Kind`] if it is at
    /// a Unix socket: no datagram gets there.
    pub fn udp_associate(hop: Hop) -> Result<Self, RouteError> {
        let credentials = hop.socks5_credentials()?.cloned();
        if hop.unix.is_some() {
            return Err(RouteError::Kind {
                seen: "proxy at a Unix socket",
                wanted: "proxy at an address, to which datagrams can go,",
            });
        }
        let (endpoint, name) = (hop.endpoint().clone(), format!("hop 1 ({hop})"));
        Ok(Self::new(endpoint, vec![name], move |_, _| {
            // "the client MUST use a port number and address of all zeros": a NAT on the route may
            // change any other ones.
            let from = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
            let client = socks::Client::associate(from.into());
            match &credentials {
                None => Ok(client),
                Some(Credentials { user, password }) => {
                    let client = client.with_password(user, password);
                    client.map_err(|error| Error::local("socks", error))
                }
            }
        }))
    }
}

impl<L> fmt::Debug for Plan<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plan")
            .field("target", &self.0.target())
            .finish_non_exhaustive()
    }
}

/// Puts `top` over all `tunnels`, which are given from the wire up.
fn fold<F, G>(tunnels: Vec<BoxTunnel>, top: BoxLayer<F, G>) -> BoxLayer<F, G>
where
    F: Flow + Send + 'static,
    G: Flow + Send + 'static,
{
    let tunnels = tunnels.into_iter().rev();
    tunnels.fold(top, |above, below| Stack::new(below, above).boxed())
}
