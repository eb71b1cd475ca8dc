//! The request of a client of a proxy, where it leads to, and the reasons to refuse it.

use crate::route::endpoint::Endpoint;
use http::StatusCode;
use std::io;
use std::net::SocketAddr;
use wirestack_socks as socks;

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
    /// A name that may be looked up. Its addresses have to be
    /// [permitted](super::ProxyServer::permitted).
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

impl ProxyError {
    pub(super) fn reply(self) -> socks::Reply {
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
