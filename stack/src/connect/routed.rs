//! The settings of all builders: by which route, with which TLS, for how long, and with what the
//! driver connects.

use super::builders::{Connect, ConnectHttp2, ConnectStream, Connector};
use super::spec::RouteChoice;
use crate::driver::dial::{DialContext, Pool};
use crate::driver::runtime::{Resolve, Runtime, TcpOptions};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use wirestack_dial::{Credentials, CredentialsRequest, Hop, RouteError, Routes, Timeouts};
use wirestack_tls::rustls::ClientConfig;
use wirestack_websocket::Payload;

/// The settings that all builders have.
macro_rules! routed {
    ($builder:ident $(, $form:ident)?) => {
        impl$(<$form: Payload>)? $builder$(<$form>)? {
            /// Adds a hop: a proxy to go through. The first call gives the nearest proxy, the next
            /// call the proxy behind it. Hops replace the proxy of the environment.
            ///
            /// ```
            /// use wirestack::connect;
            ///
            /// // The nearest proxy first.
            /// let chat = connect("wss://example.org/chat")
            ///     .via("socks5h://gate.test:1080")
            ///     .via("https://me:secret@proxy.test:8443");
            /// assert!(chat.plan().is_ok());
            /// let error = connect("wss://example.org/").via("proxy.test:3128").plan().unwrap_err();
            /// assert!(error.to_string().contains("http://")); // what to write instead
            /// ```
            pub fn via<H>(mut self, hop: H) -> Self
            where
                H: TryInto<Hop, Error: Into<RouteError>>,
            {
                self.spec.via(hop.try_into().map_err(Into::into));
                self
            }

            /// Adds a hop, as [`via`](Self::via) does: the word of other libraries, for one proxy.
            ///
            /// ```
            /// use wirestack::connect;
            ///
            /// assert!(connect("wss://example.org/").proxy("http://proxy.test:3128").plan().is_ok());
            /// ```
            pub fn proxy<H>(self, proxy: H) -> Self
            where
                H: TryInto<Hop, Error: Into<RouteError>>,
            {
                self.via(proxy)
            }

            /// Sets the TLS configuration for the target, and for each hop over TLS that has none
            /// of its own. By default the roots of the system are trusted; [`ca_file`](Self::ca_file)
            /// adds others. The builder itself sets the versions of HTTP that are offered by ALPN.
            ///
            /// ```
            /// use wirestack::connect;
            /// use wirestack::tls::ClientSettings;
            ///
            /// let made = rcgen::generate_simple_self_signed(["example.org".to_owned()]).unwrap();
            /// let trust = ClientSettings::new().without_system_roots().ca_certificates(made.cert.pem());
            /// let settings = trust.build()?;
            /// assert!(connect("wss://example.org/").tls(settings).plan().is_ok());
            /// # Ok::<(), wirestack::Error>(())
            /// ```
            pub fn tls(mut self, config: Arc<ClientConfig>) -> Self {
                self.spec.tls = Some(config);
                self
            }

            /// Connects without any proxy, also if the environment names one.
            ///
            /// ```
            /// use wirestack::connect;
            ///
            /// let local = connect("ws://127.0.0.1:8080/").direct(); // whatever HTTP_PROXY says
            /// assert!(local.plan().is_ok());
            /// ```
            pub fn direct(mut self) -> Self {
                self.spec.route = RouteChoice::Hops(Ok(Vec::new()));
                self
            }

            /// Sets the routes to try, in order, instead of hops.
            ///
            /// ```
            /// use wirestack::connect;
            /// use wirestack::dial::{Hop, Routes};
            ///
            /// let first: Hop = "http://proxy-a.test:3128".parse()?;
            /// let second: Hop = "http://proxy-b.test:3128".parse()?;
            /// let routes = Routes::any_of([vec![first], vec![second], vec![]]); // at last without a proxy
            /// assert!(connect("wss://example.org/").routes(routes).plan().is_ok());
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            pub fn routes(mut self, routes: Routes) -> Self {
                self.spec.route = RouteChoice::Routes(routes);
                self
            }

            /// Goes by the proxies that a proxy auto-config file names for the target, instead of hops:
            /// a URL (`http`, `https`, `file`, `data`), or a [`Pac`](crate::pac::Pac), which also
            /// has a cache for many connections.
            ///
            /// ```
            /// use wirestack::connect;
            /// use wirestack::pac::Pac;
            ///
            /// let by_url = connect("wss://example.org/").pac("http://wpad.corp.test/proxy.pac");
            /// assert!(by_url.plan().is_ok()); // the file is fetched while dialing
            /// let kept = Pac::try_from("http://wpad.corp.test/proxy.pac")?; // one cache for many connections
            /// assert!(connect("wss://example.org/chat").pac(kept.clone()).plan().is_ok());
            /// assert!(connect("wss://example.org/news").pac(kept).plan().is_ok());
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            #[cfg(feature = "pac")]
            pub fn pac<P>(mut self, pac: P) -> Self
            where
                P: TryInto<crate::pac::Pac, Error: Into<crate::pac::PacError>>,
            {
                self.spec.pac(pac.try_into().map_err(Into::into));
                self
            }

            /// Connects to the target at a Unix socket, if no hop was named that comes before it. The
            /// proxies of the environment, of the system and of a proxy auto-config file are for the
            /// network, and not asked.
            ///
            /// ```
            /// use wirestack::connect;
            ///
            /// let local = connect("ws://localhost/events").unix_socket("/run/daemon.sock");
            /// assert!(local.plan().is_ok());
            /// ```
            pub fn unix_socket(mut self, path: impl Into<PathBuf>) -> Self {
                self.spec.unix_socket = Some(path.into());
                self
            }

            /// Sets the time-out of connecting as a whole, from the first look-up to the last layer.
            /// The time-outs of its steps, such as 10 s for each answer, stay:
            /// [`timeouts`](Self::timeouts) sets them.
            ///
            /// ```no_run
            /// # async fn example() -> Result<(), wirestack::dial::DialError> {
            /// use std::time::Duration;
            ///
            /// let connect = wirestack::connect("wss://example.org/chat");
            /// let socket = connect.timeout(Duration::from_secs(5)).await?;
            /// # drop(socket);
            /// # Ok(())
            /// # }
            /// ```
            pub fn timeout(mut self, timeout: Duration) -> Self {
                self.spec.timeouts.total = timeout;
                self
            }

            /// Sets all time-outs of connecting.
            ///
            /// ```
            /// use std::time::Duration;
            /// use wirestack::connect;
            /// use wirestack::dial::Timeouts;
            ///
            /// let patient = Timeouts::default().connect(Duration::from_secs(30));
            /// assert!(connect("wss://example.org/").timeouts(patient).plan().is_ok());
            /// ```
            pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
                self.spec.timeouts = timeouts;
                self
            }

            /// Connects with the runtime, resolver, pool and credentials of this context.
            ///
            /// ```
            /// use wirestack::{DialContext, connect};
            ///
            /// let context = DialContext::new().on_event(|at, event| eprintln!("{at:?} {event:?}"));
            /// assert!(connect("wss://example.org/").context(context).plan().is_ok());
            /// ```
            pub fn context(mut self, context: DialContext) -> Self {
                self.spec.context = context;
                self
            }

            /// Runs on this runtime, instead of the one where the builder is awaited.
            ///
            /// ```
            /// use std::sync::Arc;
            /// use wirestack::connect;
            /// use wirestack::runtime::Runtime;
            ///
            /// /// Connects on the runtime of a library, which is not the current one.
            /// fn on(runtime: Arc<dyn Runtime>) -> wirestack::Connect {
            ///     connect("wss://example.org/").runtime(runtime)
            /// }
            /// ```
            pub fn runtime(mut self, runtime: Arc<dyn Runtime>) -> Self {
                self.spec.context = self.spec.context.runtime(runtime);
                self
            }

            /// Looks names up with this resolver, instead of the runtime's.
            ///
            /// ```
            /// use std::net::SocketAddr;
            /// use wirestack::connect;
            /// use wirestack::runtime::{AddressStream, Resolve};
            ///
            /// /// Knows one name.
            /// struct Hosts;
            ///
            /// impl Resolve for Hosts {
            ///     fn resolve(&self, host: String, port: u16) -> AddressStream {
            ///         let found = match host.as_str() {
            ///             "chat.test" => Ok(vec![SocketAddr::from(([127, 0, 0, 1], port))]),
            ///             _ => Err(std::io::ErrorKind::NotFound.into()),
            ///         };
            ///         Box::pin(futures_util::stream::once(async { found }))
            ///     }
            /// }
            ///
            /// assert!(connect("ws://chat.test:8080/").resolver(Hosts).plan().is_ok());
            /// ```
            pub fn resolver(mut self, resolver: impl Resolve + 'static) -> Self {
                self.spec.context = self.spec.context.resolver(resolver);
                self
            }

            /// Opens TCP connections with these options.
            ///
            /// ```
            /// use std::time::Duration;
            /// use wirestack::connect;
            /// use wirestack::runtime::TcpOptions;
            ///
            /// let options = TcpOptions::default().nodelay(true).keepalive(Duration::from_secs(60));
            /// assert!(connect("wss://example.org/").tcp_options(options).plan().is_ok());
            /// ```
            pub fn tcp_options(mut self, options: TcpOptions) -> Self {
                self.spec.context = self.spec.context.tcp_options(options);
                self
            }

            /// Calls `ask` when a proxy wants credentials and its hop is
            /// [`asking`](crate::dial::Hop::asking).
            ///
            /// ```
            /// use wirestack::auth::Credentials;
            /// use wirestack::connect;
            /// use wirestack::dial::Hop;
            ///
            /// // Asked for once a proxy wants a login, for example in a dialog.
            /// let proxy: Hop = "http://proxy.test:3128".parse()?;
            /// let chat = connect("wss://example.org/").via(proxy.asking()).credentials(
            ///     |request| async move {
            ///         eprintln!("{} wants a login", request.hop);
            ///         Some(Credentials::new("ada", "secret"))
            ///     },
            /// );
            /// assert!(chat.plan().is_ok());
            /// # Ok::<(), wirestack::dial::RouteError>(())
            /// ```
            pub fn credentials<Fut>(
                mut self,
                ask: impl Fn(CredentialsRequest) -> Fut + Send + Sync + 'static,
            ) -> Self
            where
                Fut: Future<Output = Option<Credentials>> + Send + 'static,
            {
                self.spec.context = self.spec.context.credentials(ask);
                self
            }

            /// Uses connections of this pool: one to the last HTTP/2 proxy on the way, or to a
            /// server that offers WebSockets over HTTP/2. See
            /// [`Plan::sharing`](crate::dial::Plan::sharing).
            ///
            /// ```
            /// use wirestack::dial::PoolConfig;
            /// use wirestack::{Pool, connect};
            ///
            /// let pool = Pool::new(PoolConfig::default());
            /// let chat = connect("wss://example.org/chat").sharing(&pool);
            /// let news = connect("wss://example.org/news").sharing(&pool); // over the same HTTP/2 connection
            /// assert!(chat.plan().is_ok() && news.plan().is_ok() && pool.connections() == 0);
            /// ```
            pub fn sharing(mut self, pool: &Pool) -> Self {
                self.spec.context = self.spec.context.pool(pool.clone());
                self
            }
        }
    };
}
routed!(Connect, F);
routed!(ConnectStream);
routed!(ConnectHttp2);
routed!(Connector);
