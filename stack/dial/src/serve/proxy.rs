//! The decisions of a SOCKS or HTTP CONNECT proxy server.

use super::access::{self, AccessPolicy};
#[cfg(feature = "digest")]
use super::digest::DigestVerifier;
use super::proxy_login::{Basic, Login, Users};
use super::timeouts::ProxyTimeouts;
use crate::auth::Credentials;
use crate::route::endpoint::Endpoint;
use http::{HeaderMap, StatusCode};
use std::io;
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
/// use wirestack_dial::Endpoint;
/// use wirestack_dial::serve::{AccessPolicy, ProxyError, ProxyServer, ProxyTarget};
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

/// The request of a client of a proxy.
///
/// ```
/// use wirestack_dial::serve::ProxyRequest;
///
/// fn method(request: &ProxyRequest) -> &'static str {
///     match request {
///         ProxyRequest::Connect(_) => "CONNECT",
///         ProxyRequest::Bind(_) => "BIND",
///         ProxyRequest::UdpAssociate(_) => "UDP",
///     }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProxyRequest {
    /// A connection to this target (CONNECT).
    Connect(Endpoint),
    /// One connection from this peer to the proxy (BIND of SOCKS).
    Bind(Endpoint),
    /// A relay for the datagrams that the client sends from this address (UDP ASSOCIATE of SOCKS).
    /// The address is all zeros if the client does not know it yet.
    UdpAssociate(Endpoint),
}

/// The target that a proxy connects to for a client, after its policy was asked.
///
/// ```
/// use wirestack_dial::Endpoint;
/// use wirestack_dial::serve::{AccessPolicy, ProxyServer, ProxyTarget};
///
/// let proxy = ProxyServer::socks(AccessPolicy::everything());
/// let target = Endpoint { host: "192.0.2.7".to_owned(), port: 80 };
/// assert_eq!(proxy.target(&target), Ok(ProxyTarget::Address("192.0.2.7:80".parse()?)));
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProxyTarget {
    /// An address, which the policy permits.
    Address(SocketAddr),
    /// A name that may be looked up. Its addresses have to be [permitted](ProxyServer::permitted).
    Name(Endpoint),
}

/// The reason that a proxy refuses a request.
///
/// ```
/// use wirestack_dial::serve::ProxyError;
///
/// assert_eq!(ProxyError::HostNotFound.status(), 502);
/// assert_eq!(ProxyError::Unreachable(std::io::ErrorKind::TimedOut).status(), 504);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProxyError {
    /// The policy permits none of the target's addresses.
    #[error("the policy of the proxy does not permit the target")]
    NotAllowed,
    /// The name of the target has no address.
    #[error("the name of the target could not be resolved")]
    HostNotFound,
    /// The target could not be connected to.
    #[error("could not connect to the target: {0}")]
    Unreachable(io::ErrorKind),
    /// A proxy between this one and the target has refused the tunnel, or could not be used.
    #[error("the next proxy on the way could not be used")]
    Upstream,
    /// The proxy does not support this kind of request.
    #[error("the proxy does not support this request")]
    Unsupported,
    /// The expected peer of a BIND did not connect in time.
    #[error("no incoming connection arrived in time")]
    NoPeer,
    /// The proxy has no socket for a BIND or for datagrams: it has no file descriptor left, or the
    /// address of its end is none of its own.
    #[error("the proxy could not open a socket for the request")]
    NoSocket,
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
    pub fn peer_connected<L: Layer + 'static>(&self, engine: &mut Engine<L>, peer: SocketAddr) {
        if let Some(server) = engine.part_mut::<socks::Server>() {
            server.connected(peer.into());
        }
    }

    /// Accepts the request. `bound` is the address for the reply: of the outgoing connection, of
    /// the UDP relay, or of the listener of a BIND.
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

impl ProxyError {
    fn reply(self) -> socks::Reply {
        match self {
            Self::NotAllowed => socks::Reply::NotAllowed,
            Self::HostNotFound => socks::Reply::HostUnreachable,
            Self::Unreachable(io::ErrorKind::ConnectionRefused) => socks::Reply::ConnectionRefused,
            Self::Unreachable(io::ErrorKind::NetworkUnreachable) => {
                socks::Reply::NetworkUnreachable
            }
            Self::Unsupported => socks::Reply::CommandNotSupported,
            Self::NoPeer => socks::Reply::TtlExpired,
            Self::Unreachable(_) => socks::Reply::HostUnreachable,
            Self::Upstream | Self::NoSocket => socks::Reply::GeneralFailure,
        }
    }

    /// Returns the status of the answer of an HTTP proxy.
    pub fn status(self) -> StatusCode {
        match self {
            Self::NotAllowed => StatusCode::FORBIDDEN,
            Self::Unsupported => StatusCode::NOT_IMPLEMENTED,
            Self::HostNotFound | Self::NoPeer | Self::Upstream => StatusCode::BAD_GATEWAY,
            Self::Unreachable(io::ErrorKind::TimedOut) => StatusCode::GATEWAY_TIMEOUT,
            Self::Unreachable(_) => StatusCode::BAD_GATEWAY,
            Self::NoSocket => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}
