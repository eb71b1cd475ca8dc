//! What hops and targets have in common: URLs.

use crate::auth::Credentials;
use std::fmt;
use url::{Host, Url};
use wirestack_layer::HostPort;

/// A host and a port, as somebody else will look them up or connect to them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// A name in A-labels, or an address without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        HostPort::new(&self.host, self.port).fmt(f)
    }
}

/// Why a URL does not name a hop or a target. The URL itself is not repeated: it may hold a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RouteError {
    /// It is no URL.
    #[error("not a URL: {0}")]
    Url(url::ParseError),
    /// Another scheme.
    #[error("the scheme of the URL is not {0}")]
    Scheme(&'static str),
    /// No host.
    #[error("the URL has no host")]
    NoHost,
    /// No port where none is usual.
    #[error("the URL has no port, and its scheme has none by custom")]
    NoPort,
    /// User or password are not UTF-8 once percent-decoded.
    #[error("user or password in the URL are not UTF-8")]
    Credentials,
    /// A password for a proxy of SOCKS4.
    #[error("SOCKS4 has a user and no password")]
    Socks4Password,
    /// A proxy's URL with a path or a query.
    #[error("the URL of a proxy has no path and no query")]
    ProxyPath,
    /// A fragment.
    #[error("a URL to connect to has no fragment")]
    Fragment,
    /// A stream's URL with a path or a query.
    #[error("the URL of a stream has no path and no query")]
    StreamPath,
    /// A stream's URL with credentials, which nobody would get.
    #[error("the URL of a stream has no user and no password")]
    StreamCredentials,
    /// Not what a proxy auto-config file says.
    #[error(
        "the result of the proxy auto-config file is none of DIRECT, PROXY, HTTP, HTTPS, SOCKS, SOCKS4 and SOCKS5"
    )]
    Pac,
    /// The ways to a target are none.
    #[error("there is no way to the target")]
    NoRoute,
    /// A stream where a WebSocket was wanted, or the other way round.
    #[error("the URL names a {0}")]
    Kind(&'static str),
}

impl From<std::convert::Infallible> for RouteError {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}

pub(crate) fn parse(text: &str) -> Result<Url, RouteError> {
    Url::parse(text).map_err(RouteError::Url)
}

pub(crate) fn endpoint(url: &Url, default_port: Option<u16>) -> Result<Endpoint, RouteError> {
    // The host of a scheme that browsers do not know is opaque to the parser: it has not been
    // through IDNA yet.
    let host = match url.host() {
        Some(Host::Domain(name)) => Host::parse(name).map_err(RouteError::Url)?,
        Some(Host::Ipv4(ip)) => Host::Ipv4(ip),
        Some(Host::Ipv6(ip)) => Host::Ipv6(ip),
        None => return Err(RouteError::NoHost),
    };
    let host = match host {
        Host::Domain(name) if name.is_empty() => return Err(RouteError::NoHost),
        Host::Domain(name) => name,
        Host::Ipv4(ip) => ip.to_string(),
        Host::Ipv6(ip) => ip.to_string(),
    };
    let port = url.port().or(default_port).ok_or(RouteError::NoPort)?;
    Ok(Endpoint { host, port })
}

pub(crate) fn credentials(url: &Url) -> Result<Option<Credentials>, RouteError> {
    if url.username().is_empty() && url.password().is_none() {
        return Ok(None);
    }
    let decoded = |text: &str| {
        let bytes = percent_encoding::percent_decode_str(text).decode_utf8();
        bytes
            .map(std::borrow::Cow::into_owned)
            .map_err(|_| RouteError::Credentials)
    };
    Ok(Some(Credentials {
        user: decoded(url.username())?,
        password: decoded(url.password().unwrap_or_default())?,
    }))
}
