//! The settings of a proxy server.

use super::outgoing::Upstream;
use crate::connect::{ByteStream, Connector};
use crate::driver::runtime::{BoxFuture, Runtime};
use crate::driver::server::entry::Log;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use wirestack_dial::auth::Credentials;
use wirestack_dial::serve::{AccessPolicy, AccessRecord, ProxyServer, ProxyTimeouts, UserList};
use wirestack_dial::{Endpoint, Hop, RouteError};
use wirestack_http2::Http2Config;
use wirestack_proxy_header::Accepts;
use wirestack_socks::Command;
use wirestack_tls::rustls::ServerConfig;

/// A proxy server for SOCKS4, SOCKS4a, SOCKS5, HTTP/1.1 and HTTP/2 at one port: the first byte of a
/// client tells its protocol. Over HTTP it opens tunnels (CONNECT, RFC 9110 §9.3.6), and forwards
/// requests with an `http://` URI, to their servers over HTTP/1.1.
///
/// The [policy](AccessPolicy) says where its clients may go, [`users`](Self::users) who they are.
/// It connects to the targets itself, or through [other proxies](Self::via).
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use wirestack::runtime::Listener;
/// use wirestack::{AccessPolicy, ForwardProxy, UserList};
///
/// # let interrupt = std::future::pending(); // such as `tokio::signal::ctrl_c`
/// ForwardProxy::new(AccessPolicy::public())
///     .users(UserList::new().user("ada", "secret"))
///     .access_log(|record| println!("{record}"))
///     .serve(Listener::bind("127.0.0.1:3128")?)
///     .graceful_shutdown(interrupt)
///     .await?;
/// # Ok(())
/// # }
/// ```
///
/// A name is asked about by the policy before it is looked up, and its addresses behind that. If
/// the connection goes [through another proxy](Self::via) which looks the name up, only that proxy
/// knows the addresses: the policy has then decided on the name alone.
///
/// SOCKS4 has no passwords, so its clients are refused where there are users.
///
/// Its limits:
///
/// ```
/// use std::time::Duration;
/// use wirestack::http2::Http2Config;
/// use wirestack::{AccessPolicy, ForwardProxy};
///
/// let proxy = ForwardProxy::new(AccessPolicy::public())
///     .handshake_timeout(Duration::from_secs(5))
///     .http2_config(Http2Config::server().streams(50));
/// drop(proxy);
/// ```
#[derive(Clone)]
pub struct ForwardProxy {
    /// The policy and the time-outs.
    pub(super) server: ProxyServer,
    pub(super) authenticate: Option<Authenticate>,
    pub(super) realm: Arc<str>,
    pub(super) upstream: Upstream,
    /// The PROXY headers that come before the bytes of each client.
    pub(super) header: Option<Accepts>,
    pub(super) tls: Option<Arc<ServerConfig>>,
    pub(super) commands: Vec<Command>,
    pub(super) http2: Http2Config,
    pub(super) handshake_timeout: Duration,
    pub(super) log: Option<Log>,
    pub(super) runtime: Option<Arc<dyn Runtime>>,
}

/// The function that knows the users.
pub(super) type Authenticate = Arc<dyn Fn(Credentials) -> BoxFuture<bool> + Send + Sync>;

impl ForwardProxy {
    /// Creates a proxy without users, whose clients may go where the policy permits.
    pub fn new(policy: AccessPolicy) -> Self {
        Self {
            server: ProxyServer::socks(policy),
            authenticate: None,
            realm: Arc::from("proxy"),
            upstream: Upstream::Connector(Connector::default().direct().into()),
            header: None,
            tls: None,
            commands: Vec::new(),
            http2: Http2Config::server(),
            handshake_timeout: HANDSHAKE_TIMEOUT,
            log: None,
            runtime: None,
        }
    }

    /// Serves these users alone: by Basic authentication over HTTP (RFC 7617), by user and password
    /// over SOCKS5 (RFC 1929). Both send the password as it is, so clients outside of this machine
    /// should come over [TLS](Self::tls). Digest is not offered: clients such as curl bind its proof
    /// of a forwarded request to the path alone, so a recorded proof would open other hosts.
    #[must_use]
    pub fn users(self, users: UserList) -> Self {
        self.authenticate(move |login| {
            let is_known = users.contains(&login.user, &login.password);
            async move { is_known }
        })
    }

    /// Serves those users alone for whom `check` returns `true`, for example because the hash of
    /// their password is the one that is stored. It is asked once for each tunnel and each
    /// forwarded request. A hash that takes long belongs on a thread that may block.
    ///
    /// ```
    /// use wirestack::auth::Credentials;
    /// use wirestack::{AccessPolicy, ForwardProxy, constant_time_eq};
    ///
    /// async fn check(login: Credentials) -> bool {
    ///     constant_time_eq(&login.password, b"the same for all")
    /// }
    ///
    /// let proxy = ForwardProxy::new(AccessPolicy::public()).authenticate(check);
    /// # drop(proxy);
    /// ```
    #[must_use]
    pub fn authenticate<F>(
        mut self,
        check: impl Fn(Credentials) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = bool> + Send + 'static,
    {
        self.authenticate = Some(Arc::new(move |login| Box::pin(check(login))));
        self
    }

    /// Sets the realm of Basic authentication, which browsers show. The default is `proxy`.
    ///
    /// ```
    /// use wirestack::{AccessPolicy, ForwardProxy, UserList};
    ///
    /// let proxy = ForwardProxy::new(AccessPolicy::public())
    ///     .users(UserList::new().user("ada", "secret"))
    ///     .realm("Proxy of the second floor"); // as a browser shows it
    /// drop(proxy);
    /// ```
    #[must_use]
    pub fn realm(mut self, realm: &str) -> Self {
        self.realm = Arc::from(realm);
        self
    }

    /// Connects through another proxy. The first call gives the nearest one, the next call the one
    /// behind it.
    ///
    /// ```
    /// use wirestack::{AccessPolicy, ForwardProxy};
    ///
    /// // A local proxy that makes a chain for programs that know a single proxy.
    /// let proxy = ForwardProxy::new(AccessPolicy::everything())
    ///     .via("socks5h://gate.test:1080")
    ///     .via("http://me:secret@proxy.test:3128");
    /// # drop(proxy);
    /// ```
    #[must_use]
    pub fn via<H>(mut self, hop: H) -> Self
    where
        H: TryInto<Hop, Error: Into<RouteError>>,
    {
        let upstream = match self.upstream {
            Upstream::Connector(connector) => Arc::unwrap_or_clone(connector),
            Upstream::Function(_) => Connector::default(),
        };
        // The first hop replaces `direct`, the others follow it.
        self.upstream = Upstream::Connector(upstream.via(hop).into());
        self
    }

    /// Connects as this connector does: by its hops, its routes, the proxies of the environment,
    /// with its certificates and its resolver. Its time-outs are replaced by
    /// [`ProxyTimeouts::connect`].
    ///
    /// ```
    /// use wirestack::{AccessPolicy, Connector, ForwardProxy};
    ///
    /// let upstream = Connector::default()
    ///     .via("https://proxy.corp.test:3129")
    ///     .ca_file("/etc/corp/ca.pem");
    /// let proxy = ForwardProxy::new(AccessPolicy::everything()).upstream(upstream);
    /// drop(proxy);
    /// ```
    #[must_use]
    pub fn upstream(mut self, connector: Connector) -> Self {
        self.upstream = Upstream::Connector(connector.into());
        self
    }

    /// Connects to the targets by this function, for example in a WebSocket or over SSH. It gets
    /// each target that the policy permits, by name if the client has named it so: the policy is
    /// not asked about its addresses. It may take the `total` of [`ProxyTimeouts::connect`]. Its
    /// errors are for the [log](Self::access_log), and not for the clients.
    ///
    /// ```
    /// use wirestack::dial::Endpoint;
    /// use wirestack::{AccessPolicy, ForwardProxy, connect_stream};
    ///
    /// // Every target is a service at this machine, whose port is that of the target.
    /// let proxy = ForwardProxy::new(AccessPolicy::everything()).connect_with(
    ///     |target: Endpoint| async move {
    ///         connect_stream(format!("tcp://127.0.0.1:{}", target.port)).await
    ///     },
    /// );
    /// # drop(proxy);
    /// ```
    #[must_use]
    pub fn connect_with<F, E>(
        mut self,
        connect: impl Fn(Endpoint) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<ByteStream, E>> + Send + 'static,
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        self.upstream = Upstream::Function(Arc::new(move |target| {
            let connecting = connect(target);
            Box::pin(async move { connecting.await.map_err(Into::into) })
        }));
        self
    }

    /// Speaks TLS with its clients, as a proxy with an `https://` URL. The ALPN protocols of the
    /// configuration are replaced by `h2` and `http/1.1`.
    ///
    /// ```
    /// use wirestack::tls::ServerSettings;
    /// use wirestack::{AccessPolicy, ForwardProxy};
    ///
    /// fn proxy(chain: Vec<u8>, key: Vec<u8>) -> Result<ForwardProxy, wirestack::Error> {
    ///     let config = ServerSettings::new(chain, key).build()?;
    ///     Ok(ForwardProxy::new(AccessPolicy::public()).tls(config))
    /// }
    /// ```
    #[must_use]
    pub fn tls(mut self, config: Arc<ServerConfig>) -> Self {
        let mut config = config;
        Arc::make_mut(&mut config).alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        self.tls = Some(config);
        self
    }

    /// Wants a PROXY header of these versions before the bytes of each client, as a load balancer
    /// sends it: below TLS, and within the [time for the handshake](Self::handshake_timeout). The
    /// client's address is then that of the header. A client that can connect past the balancer
    /// can claim any address.
    ///
    /// ```
    /// use wirestack::proxy_header::Accepts;
    /// use wirestack::{AccessPolicy, ForwardProxy};
    ///
    /// let proxy = ForwardProxy::new(AccessPolicy::public()).proxy_header(Accepts::Both);
    /// # drop(proxy);
    /// ```
    #[must_use]
    pub fn proxy_header(mut self, accepts: Accepts) -> Self {
        self.header = Some(accepts);
        self
    }

    /// Serves another command of SOCKS beside CONNECT: BIND or UDP ASSOCIATE.
    ///
    /// ```
    /// use wirestack::socks::Command;
    /// use wirestack::{AccessPolicy, ForwardProxy};
    ///
    /// let proxy = ForwardProxy::new(AccessPolicy::public())
    ///     .serving(Command::UdpAssociate)
    ///     .serving(Command::Bind);
    /// drop(proxy);
    /// ```
    #[must_use]
    pub fn serving(mut self, command: Command) -> Self {
        self.commands.push(command);
        self
    }

    /// Sets the time-outs behind the handshake of a client.
    ///
    /// ```
    /// use std::time::Duration;
    /// use wirestack::dial::Timeouts;
    /// use wirestack::http2::Http2Config;
    /// use wirestack::socks::Command;
    /// use wirestack::{AccessPolicy, Connector, ForwardProxy, ProxyTimeouts};
    ///
    /// let timeouts = ProxyTimeouts::default()
    ///     .connect(Timeouts::default().connect(Duration::from_secs(5)))
    ///     .idle(Duration::from_secs(3600));
    /// let proxy = ForwardProxy::new(AccessPolicy::public())
    ///     .timeouts(timeouts)
    ///     .handshake_timeout(Duration::from_secs(5))
    ///     .realm("the proxy of the lab")
    ///     .serving(Command::UdpAssociate)
    ///     .http2_config(Http2Config::server().streams(100))
    ///     .upstream(Connector::default()); // by the proxies of the environment
    /// drop(proxy);
    /// ```
    #[must_use]
    pub fn timeouts(mut self, timeouts: ProxyTimeouts) -> Self {
        self.server = self.server.with_timeouts(timeouts);
        self
    }

    /// Sets how long the handshake of TLS with the first byte behind it may take, how long the head
    /// of a request, how long a connection of HTTP/1.1 waits for the next request, how long a login
    /// is checked, and how long a client has to end behind its last answer. The default is 10 s.
    #[must_use]
    pub fn handshake_timeout(mut self, timeout: Duration) -> Self {
        self.handshake_timeout = timeout;
        self
    }

    /// Sets the limits of each HTTP/2 connection.
    #[must_use]
    pub fn http2_config(mut self, config: Http2Config) -> Self {
        self.http2 = config;
        self
    }

    /// Calls `log` with a record of each request, at its end, and of each connection that has
    /// failed before. It must not block.
    #[must_use]
    pub fn access_log(mut self, log: impl Fn(&AccessRecord) + Send + Sync + 'static) -> Self {
        self.log = Some(Arc::new(log));
        self
    }

    /// Uses this runtime instead of that of the listener, or the
    /// [current](crate::runtime::current) one.
    #[must_use]
    pub fn runtime(mut self, runtime: Arc<dyn Runtime>) -> Self {
        self.runtime = Some(runtime);
        self
    }
}

impl fmt::Debug for ForwardProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForwardProxy")
            .field("server", &self.server)
            .field("has_users", &self.authenticate.is_some())
            .field("has_tls", &self.tls.is_some())
            .finish_non_exhaustive()
    }
}

/// The default time for a client's handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
