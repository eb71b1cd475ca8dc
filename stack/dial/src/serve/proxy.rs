use super::access::AccessPolicy;
#[cfg(feature = "digest")]
use super::digest::{DigestVerifier, Verified};
#[cfg(feature = "digest")]
use crate::auth::Credentials;
use crate::auth::constant_time;
use crate::route::endpoint::Endpoint;
#[cfg(feature = "digest")]
use http::header::PROXY_AUTHORIZATION;
use http::{HeaderMap, StatusCode};
use std::io;
use std::net::{IpAddr, SocketAddr};
use wirestack_http::{Challenge, basic_challenge};
use wirestack_http1::connect;
use wirestack_layer::Instant;
use wirestack_layer::Layer;
#[cfg(feature = "digest")]
use wirestack_layer::Seed;
use wirestack_nest::Engine;
use wirestack_socks as socks;

/// What a proxy decides: who may go where, and what a client is told.
///
/// It reaches the server layer of its protocol inside any stack, so that the same gate serves a
/// proxy over TLS or behind another one.
#[derive(Clone, Debug)]
pub struct ProxyServer {
    protocol: Protocol,
    policy: AccessPolicy,
    ends: Option<(SocketAddr, SocketAddr)>,
}

#[derive(Clone)]
enum Protocol {
    Socks,
    Connect(Login),
}

/// How a client of an HTTP proxy shows who it is.
#[derive(Clone)]
enum Login {
    Nobody,
    Basic(Basic),
    #[cfg(feature = "digest")]
    Digest(DigestVerifier),
}

/// A user and a password that a client of an HTTP proxy must show.
#[derive(Clone)]
struct Basic {
    realm: String,
    user: String,
    password: String,
}

impl std::fmt::Debug for Protocol {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Socks => "Socks",
            Self::Connect(_) => "Connect(..)",
        })
    }
}

/// What a client of a proxy wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProxyRequest {
    /// A connection to there (CONNECT).
    Connect(Endpoint),
    /// One connection from there to the proxy (BIND of SOCKS).
    Bind(Endpoint),
    /// A relay for the datagrams that it sends from there (UDP ASSOCIATE of SOCKS); zeros if that is
    /// not known.
    UdpAssociate(Endpoint),
}

/// Why a client does not get its tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProxyError {
    /// The policy permits none of the target's addresses.
    #[error("the policy does not permit the target")]
    NotAllowed,
    /// The target's name has no address.
    #[error("the target's name was not found")]
    HostNotFound,
    /// No connection could be opened.
    #[error("the target could not be connected to: {0}")]
    Unreachable(io::ErrorKind),
    /// It wants what this proxy does not do for it.
    #[error("the proxy does not do what was asked for")]
    Unsupported,
    /// Nobody called whom it expected.
    #[error("nobody called in time who was expected")]
    NoPeer,
}

impl ProxyServer {
    /// Creates the gate of a SOCKS proxy; its server layer checks passwords, and says which commands are
    /// served.
    pub fn socks(policy: AccessPolicy) -> Self {
        Self::new(Protocol::Socks, policy)
    }

    /// Creates the gate of an HTTP CONNECT proxy.
    pub fn connect(policy: AccessPolicy) -> Self {
        Self::new(Protocol::Connect(Login::Nobody), policy)
    }

    fn new(protocol: Protocol, policy: AccessPolicy) -> Self {
        Self {
            protocol,
            policy,
            ends: None,
        }
    }

    /// Asks the clients of an HTTP proxy for this user and password (Basic, RFC 7617).
    #[must_use]
    pub fn with_basic(self, realm: &str, user: &str, password: &str) -> Self {
        let basic = Basic {
            realm: realm.to_owned(),
            user: user.to_owned(),
            password: password.to_owned(),
        };
        self.with_login(Login::Basic(basic))
    }

    /// Asks the clients of an HTTP proxy for this user and password by Digest (RFC 7616: SHA-256 or
    /// MD5, `qop=auth`), which does not show the password. A nonce is good for five minutes from when
    /// it was made; the seed makes them this proxy's own, so each proxy needs another one.
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

    /// Says where a client is and where it has reached the proxy, which BIND and UDP ASSOCIATE have to
    /// know: without it they are refused.
    #[must_use]
    pub fn with_addresses(self, client: SocketAddr, proxy: SocketAddr) -> Self {
        Self {
            ends: Some((client, proxy)),
            ..self
        }
    }

    /// Returns where the client is, and where it has reached the proxy, if that was said.
    pub fn addresses(&self) -> Option<(SocketAddr, SocketAddr)> {
        self.ends
    }

    /// Returns what the client wants, once it has said so and may ask.
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

    /// Returns the addresses that the policy permits.
    ///
    /// # Errors
    ///
    /// [`ProxyError`] if there is none.
    pub fn permitted(
        &self,
        found: impl IntoIterator<Item = SocketAddr>,
    ) -> Result<Vec<SocketAddr>, ProxyError> {
        let found: Vec<_> = found.into_iter().collect();
        let permitted: Vec<_> = found
            .iter()
            .copied()
            .filter(|address| self.policy.permits(*address))
            .collect();
        match (permitted.is_empty(), found.is_empty()) {
            (false, _) => Ok(permitted),
            (true, true) => Err(ProxyError::HostNotFound),
            (true, false) => Err(ProxyError::NotAllowed),
        }
    }

    /// Whether a caller may be let in by a client that expects this one: an address of zeros stands for
    /// anybody, as does a name, which nobody looks up here. The policy must permit the caller too.
    pub fn matches_expected_peer(&self, expected: &Endpoint, caller: SocketAddr) -> bool {
        let expected = expected.host.parse::<IpAddr>();
        let expected = expected.ok().filter(|ip| !ip.is_unspecified());
        let same = |ip: IpAddr| ip.to_canonical() == caller.ip().to_canonical();
        expected.is_none_or(same) && self.policy.permits(caller)
    }

    /// Tells the client of BIND who has called, which opens its tunnel.
    pub fn peer_connected<L: Layer + 'static>(&self, engine: &mut Engine<L>, caller: SocketAddr) {
        if let Some(server) = engine.part_mut::<socks::Server>() {
            server.connected(caller.into());
        }
    }

    /// Tells the client that its tunnel stands, or its relay, or where it can be called.
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

    /// Tells the client why it gets no tunnel.
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
        }
    }

    fn status(self) -> StatusCode {
        match self {
            Self::NotAllowed => StatusCode::FORBIDDEN,
            Self::Unsupported => StatusCode::NOT_IMPLEMENTED,
            Self::HostNotFound | Self::NoPeer => StatusCode::BAD_GATEWAY,
            Self::Unreachable(io::ErrorKind::TimedOut) => StatusCode::GATEWAY_TIMEOUT,
            Self::Unreachable(_) => StatusCode::BAD_GATEWAY,
        }
    }
}

impl Login {
    /// Lets a request pass, or returns the challenges to answer it with.
    #[cfg_attr(not(feature = "digest"), expect(unused_variables))]
    fn check(&self, request: &connect::ConnectRequest, now: Instant) -> Result<(), Vec<Challenge>> {
        match self {
            Self::Nobody => Ok(()),
            Self::Basic(basic) if basic.matches(request.basic()) => Ok(()),
            Self::Basic(basic) => Err(vec![basic_challenge(&basic.realm)]),
            #[cfg(feature = "digest")]
            Self::Digest(verifier) => {
                let shown = request.headers.get(PROXY_AUTHORIZATION);
                let verified = shown.map(|it| verifier.verify(it, &request.to_string(), now));
                match verified {
                    Some(Verified::Valid) => Ok(()),
                    Some(Verified::Stale) => Err(verifier.challenges(true, now)),
                    _ => Err(verifier.challenges(false, now)),
                }
            }
        }
    }
}

impl Basic {
    fn matches(&self, shown: Option<(String, String)>) -> bool {
        shown.is_some_and(|(user, password)| {
            // Both are always compared, in a time that tells only their lengths.
            constant_time::eq(&user, &self.user) & constant_time::eq(&password, &self.password)
        })
    }
}
