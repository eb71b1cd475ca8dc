//! The decisions of a SOCKS or HTTP CONNECT proxy server.

use super::access::{self, AccessPolicy};
#[cfg(feature = "digest")]
use super::digest::DigestVerifier;
use super::proxy_login::{Basic, Login, Users};
use super::proxy_request::{ProxyError, ProxyRequest, ProxyTarget};
use super::timeouts::ProxyTimeouts;
use crate::auth::Credentials;
use crate::route::endpoint::Endpoint;
use http::HeaderMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use wirestack_http1::connect;
#[cfg(feature = "digest")]
use wirestack_layer::Seed;
use wirestack_layer::{Instant, Layer};
use wirestack_nest::Engine;
use wirestack_socks as socks;

/// The decisions of a proxy server: the targets that a client may reach, and the replies to it.
///
/// It finds the server layer of its protocol in any stack, so the proxy can also run over TLS or
/// behind another proxy.
///
/// ```
/// use std::time::Duration;
/// use wirestack_dial::Endpoint;
/// use wirestack_dial::serve::{AccessPolicy, ProxyError, ProxyServer, ProxyTarget, ProxyTimeouts};
///
/// let proxy = ProxyServer::connect(AccessPolicy::public().ports([443]))
///     .with_basic("proxy", "ada", "secret");
/// let target = |host: &str, port| Endpoint { host: host.to_owned(), port };
/// // A name may be looked up; its addresses have to be permitted then.
/// let named = target("example.org", 443);
/// assert_eq!(proxy.target(&named), Ok(ProxyTarget::Name(named.clone())));
/// let found = ["10.0.0.1:443".parse()?];
/// assert_eq!(proxy.permitted(&named, found), Err(ProxyError::NotAllowed));
/// assert_eq!(proxy.target(&target("10.0.0.1", 443)), Err(ProxyError::NotAllowed));
///
/// let socks = ProxyServer::socks(AccessPolicy::loopback())
///     .with_addresses("127.0.0.1:4711".parse()?, "127.0.0.1:1080".parse()?);
/// assert!(socks.addresses().is_some() && socks.timeouts() == proxy.timeouts());
/// assert!(socks.matches_expected_peer(&target("0.0.0.0", 0), "127.0.0.1:20".parse()?));
/// let patient = ProxyTimeouts::default().idle(Duration::from_secs(3600));
/// assert_ne!(socks.with_timeouts(patient).timeouts(), proxy.timeouts());
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Clone, Debug)]
pub struct ProxyServer {
    protocol: Protocol,
    policy: AccessPolicy,
    /// The addresses of the client and of the proxy.
    addresses: Option<(SocketAddr, SocketAddr)>,
    timeouts: ProxyTimeouts,
}

#[derive(Clone)]
enum Protocol {
    Socks,
    Connect(Login),
}

impl std::fmt::Debug for Protocol {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Socks => "Socks",
            Self::Connect(_) => "Connect(..)",
        })
    }
}

impl ProxyServer {
    /// Creates the decisions of a SOCKS proxy. Its server layer checks the password and the
    /// command.
    pub fn socks(policy: AccessPolicy) -> Self {
        Self::new(Protocol::Socks, policy)
    }

    /// Creates the decisions of an HTTP CONNECT proxy.
    pub fn connect(policy: AccessPolicy) -> Self {
        Self::new(Protocol::Connect(Login::None), policy)
    }

    fn new(protocol: Protocol, policy: AccessPolicy) -> Self {
        Self {
            protocol,
            policy,
            addresses: None,
            timeouts: ProxyTimeouts::default(),
        }
    }

    /// Demands this user and password of the clients of an HTTP proxy (Basic, RFC 7617).
    #[must_use]
    pub fn with_basic(self, realm: &str, user: &str, password: &str) -> Self {
        let basic = Basic {
            realm: realm.to_owned(),
            credentials: Credentials::new(user, password),
        };
        self.with_login(Login::Basic(basic))
    }

    /// Demands a user and a password of the clients of an HTTP proxy (Basic, RFC 7617), for which
    /// `check` returns `true`. It gets them in this order. A [`UserList`](super::UserList) compares
    /// in constant time.
    ///
    /// ```
    /// use wirestack_dial::serve::{AccessPolicy, ProxyServer, UserList};
    ///
    /// let users = UserList::new().user("ada", "secret").user("bob", "hidden");
    /// let server = ProxyServer::connect(AccessPolicy::public())
    ///     .with_users("proxy", move |user, password| users.contains(user, password));
    /// # drop(server);
    /// ```
    #[must_use]
    pub fn with_users(
        self,
        realm: &str,
        check: impl Fn(&str, &str) -> bool + Send + Sync + 'static,
    ) -> Self {
        let users = Users {
            realm: realm.to_owned(),
            check: Arc::new(check),
        };
        self.with_login(Login::Users(users))
    }

    /// Demands this user and password of the clients of an HTTP proxy by Digest (RFC 7616: SHA-256
    /// or MD5, `qop=auth`), which does not send the password.
    ///
    /// A nonce is valid for five minutes. The seed makes the nonces of each proxy different, so
    /// each proxy needs its own seed.
    ///
    /// ```
    /// use wirestack_dial::serve::{AccessPolicy, ProxyServer};
    /// use wirestack_layer::{Instant, Seed};
    ///
    /// let seed = Seed::new([7; 32]); // a program fills it by the crate getrandom
    /// let server = ProxyServer::connect(AccessPolicy::public())
    ///     .with_digest("corp", "ada", "secret", seed, Instant::ORIGIN);
    /// drop(server);
    /// ```
    #[cfg(feature = "digest")]
    #[must_use]
    pub fn with_digest(
        self,
        realm: &str,
        user: &str,
        password: &str,
        seed: Seed,
        now: Instant,
    ) -> Self {
        let credentials = Credentials::new(user, password);
        self.with_login(Login::Digest(DigestVerifier::new(
            realm,
            credentials,
            seed,
            now,
        )))
    }

    fn with_login(self, login: Login) -> Self {
        match self.protocol {
            Protocol::Socks => self,
            Protocol::Connect(_) => Self {
                protocol: Protocol::Connect(login),
                ..self
            },
        }
    }

    /// Sets the addresses of the client and of the proxy's end of their connection. Without them,
    /// BIND and UDP ASSOCIATE are refused.
    #[must_use]
    pub fn with_addresses(self, client: SocketAddr, proxy: SocketAddr) -> Self {
        Self {
            addresses: Some((client, proxy)),
            ..self
        }
    }

    /// Returns the addresses of the client and of the proxy, if they were set.
    pub fn addresses(&self) -> Option<(SocketAddr, SocketAddr)> {
        self.addresses
    }

    /// Sets the time-outs after the handshake.
    #[must_use]
    pub fn with_timeouts(self, timeouts: ProxyTimeouts) -> Self {
        Self { timeouts, ..self }
    }

    /// Returns the time-outs after the handshake.
    pub fn timeouts(&self) -> ProxyTimeouts {
        self.timeouts
    }

    /// Returns the request of the client, once it has arrived and the client has authenticated.
    ///
    /// ```
    /// use wirestack_dial::serve::{AccessPolicy, ProxyError, ProxyRequest, ProxyServer};
    /// use wirestack_layer::{Flow, Instant};
    /// use wirestack_nest::Engine;
    /// use wirestack_socks::Server;
    ///
    /// let proxy = ProxyServer::socks(AccessPolicy::loopback());
    /// let mut engine = Engine::new(Server::new());
    /// engine.from_wire().write(b"\x05\x01\x00\x05\x01\x00\x01\x7f\x00\x00\x01\x00\x50");
    /// engine.process(Instant::ORIGIN);
    /// let Some(ProxyRequest::Connect(target)) = proxy.request(&mut engine, Instant::ORIGIN) else {
    ///     panic!("a request has arrived")
    /// };
    /// assert_eq!(target.to_string(), "127.0.0.1:80");
    /// match proxy.target(&target) {
    ///     Ok(_) => proxy.accept(&mut engine, "127.0.0.1:4711".parse()?), // once it is connected
    ///     Err(error) => proxy.refuse(&mut engine, error),
    /// }
    /// engine.process(Instant::ORIGIN);
    /// assert!(engine.is_open() && ProxyError::NotAllowed.status() == 403);
    /// # Ok::<(), std::net::AddrParseError>(())
    /// ```
    pub fn request<L: Layer + 'static>(
        &self,
        engine: &mut Engine<L>,
        now: Instant,
    ) -> Option<ProxyRequest> {
        match &self.protocol {
            Protocol::Socks => {
                let request = engine.part::<socks::Server>()?.request()?;
                let endpoint = Endpoint {
                    host: request.target().host().to_string(),
                    port: request.target().port(),
                };
                Some(match request.command() {
                    socks::Command::Connect => ProxyRequest::Connect(endpoint),
                    socks::Command::Bind => ProxyRequest::Bind(endpoint),
                    socks::Command::UdpAssociate => ProxyRequest::UdpAssociate(endpoint),
                })
            }
            Protocol::Connect(login) => {
                let request = engine.part::<connect::Server>()?.request()?;
                if let Err(challenges) = login.check(request, now) {
                    let server = engine.part_mut::<connect::Server>()?;
                    server.challenge_with(&challenges);
                    return None;
                }
                Some(ProxyRequest::Connect(Endpoint {
                    host: request.host.clone(),
                    port: request.port,
                }))
            }
        }
    }

    /// Returns the address or the name to connect to for a client, if the policy permits it.
    ///
    /// # Errors
    ///
    /// [`ProxyError::NotAllowed`].
    pub fn target(&self, target: &Endpoint) -> Result<ProxyTarget, ProxyError> {
        if !self.policy.permits_host(&target.host, target.port) {
            return Err(ProxyError::NotAllowed);
        }
        Ok(match access::address_of(&target.host) {
            Some(ip) => ProxyTarget::Address(SocketAddr::new(ip, target.port)),
            None => ProxyTarget::Name(target.clone()),
        })
    }

    /// Returns the addresses that the policy permits, of those that were found for a target.
    ///
    /// # Errors
    ///
    /// [`ProxyError`] if there is none.
    pub fn permitted(
        &self,
        target: &Endpoint,
        found: impl IntoIterator<Item = SocketAddr>,
    ) -> Result<Vec<SocketAddr>, ProxyError> {
        let found: Vec<_> = found.into_iter().collect();
        let permitted: Vec<_> = found
            .iter()
            .copied()
            .filter(|address| self.policy.permits_found(&target.host, *address))
            .collect();
        match (permitted.is_empty(), found.is_empty()) {
            (false, _) => Ok(permitted),
            (true, true) => Err(ProxyError::HostNotFound),
            (true, false) => Err(ProxyError::NotAllowed),
        }
    }

    /// Returns `true` if `peer` matches the peer that a BIND request expects, and the policy
    /// permits it, from whatever port it comes.
    ///
    /// `0.0.0.0`, `::` and names match any peer: names are not looked up here.
    pub fn matches_expected_peer(&self, expected: &Endpoint, peer: SocketAddr) -> bool {
        let expected = expected.host.parse::<IpAddr>();
        let expected = expected.ok().filter(|ip| !ip.is_unspecified());
        let matches = |ip: IpAddr| ip.to_canonical() == peer.ip().to_canonical();
        expected.is_none_or(matches) && self.policy.permits_peer(peer.ip())
    }

    /// Sends the client of a BIND the second reply, with the address of its peer, and opens the
    /// tunnel.
    ///
    /// ```
    /// use wirestack_dial::Endpoint;
    /// use wirestack_dial::serve::{ProxyError, ProxyServer};
    /// use wirestack_nest::Engine;
    /// use wirestack_socks::Server;
    ///
    /// /// Somebody has connected to the port that a client has bound.
    /// fn came(
    ///     proxy: &ProxyServer,
    ///     engine: &mut Engine<Server>,
    ///     expected: &Endpoint,
    ///     peer: std::net::SocketAddr,
    /// ) {
    ///     if proxy.matches_expected_peer(expected, peer) {
    ///         proxy.peer_connected(engine, peer);
    ///     } else {
    ///         proxy.refuse(engine, ProxyError::NotAllowed);
    ///     }
    /// }
    /// ```
    pub fn peer_connected<L: Layer + 'static>(&self, engine: &mut Engine<L>, peer: SocketAddr) {
        if let Some(server) = engine.part_mut::<socks::Server>() {
            server.connected(peer.into());
        }
    }

    /// Accepts the request. `bound` is the address for the reply: of the outgoing connection, of
    /// the UDP relay, or of the listener of a BIND.
    ///
    /// ```
    /// use wirestack_dial::serve::{AccessPolicy, ProxyServer};
    /// use wirestack_http1::connect::Server;
    /// use wirestack_layer::{Flow, Instant};
    /// use wirestack_nest::Engine;
    ///
    /// let proxy = ProxyServer::connect(AccessPolicy::everything());
    /// let mut engine = Engine::new(Server::new());
    /// engine.from_wire().write(b"CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n");
    /// engine.process(Instant::ORIGIN);
    /// assert!(proxy.request(&mut engine, Instant::ORIGIN).is_some());
    /// proxy.accept(&mut engine, "192.0.2.1:4711".parse()?);
    /// engine.process(Instant::ORIGIN);
    /// assert!(engine.to_wire().unread().starts_with(b"HTTP/1.1 200 "));
    /// # Ok::<(), std::net::AddrParseError>(())
    /// ```
    pub fn accept<L: Layer + 'static>(&self, engine: &mut Engine<L>, bound: SocketAddr) {
        match &self.protocol {
            Protocol::Socks => {
                if let Some(server) = engine.part_mut::<socks::Server>() {
                    server.accept(bound.into());
                }
            }
            Protocol::Connect(_) => {
                if let Some(server) = engine.part_mut::<connect::Server>() {
                    server.accept(HeaderMap::new());
                }
            }
        }
    }

    /// Refuses the request for this reason.
    ///
    /// ```
    /// use wirestack_dial::serve::{AccessPolicy, ProxyError, ProxyServer};
    /// use wirestack_http1::connect::Server;
    /// use wirestack_layer::{Flow, Instant};
    /// use wirestack_nest::Engine;
    ///
    /// let proxy = ProxyServer::connect(AccessPolicy::loopback());
    /// let mut engine = Engine::new(Server::new());
    /// engine.from_wire().write(b"CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n");
    /// engine.process(Instant::ORIGIN);
    /// assert!(proxy.request(&mut engine, Instant::ORIGIN).is_some());
    /// proxy.refuse(&mut engine, ProxyError::NotAllowed);
    /// engine.process(Instant::ORIGIN);
    /// assert!(engine.to_wire().unread().starts_with(b"HTTP/1.1 403 "));
    /// ```
    pub fn refuse<L: Layer + 'static>(&self, engine: &mut Engine<L>, refused: ProxyError) {
        match &self.protocol {
            Protocol::Socks => {
                if let Some(server) = engine.part_mut::<socks::Server>() {
                    server.reject(refused.reply());
                }
            }
            Protocol::Connect(_) => {
                if let Some(server) = engine.part_mut::<connect::Server>() {
                    let body = format!("{refused}\n");
                    let mut response = http::Response::new(body.into());
                    *response.status_mut() = refused.status();
                    server.reject(response);
                }
            }
        }
    }
}
