//! The host and port of a hop or target, and the errors of their URLs.

use crate::auth::Credentials;
use std::fmt;
use url::{Host, Url};
use wirestack_layer::HostPort;

/// A host and a port. This machine looks up the first one; a proxy looks up each later one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// A name in A-labels (ASCII, RFC 5890), or an IP address without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        HostPort::new(&self.host, self.port).fmt(f)
    }
}

/// An error in the URL of a hop or target, or in a list of routes. It does not repeat the URL,
/// which may hold a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RouteError {
    /// The text is not a URL.
    #[error("the URL cannot be read: {0}")]
    Url(url::ParseError),
    /// The text has no scheme, such as `proxy.test:3128`. These URLs are meant, perhaps.
    #[error("the URL has no scheme, write {0}")]
    NoScheme(&'static str),
    /// The URL has another scheme than one of these.
    #[error("the URL must begin with {0}")]
    Scheme(&'static str),
    /// The URL has no host.
    #[error("the URL has no host")]
    NoHost,
    /// The URL has no port, and its scheme has no default port.
    #[error("the URL has no port, and its scheme has no default port")]
    NoPort,
    /// The user or the password is not UTF-8 after percent-decoding.
    #[error("the user or the password in the URL is not UTF-8 after percent-decoding")]
    Credentials,
    /// The URL of a SOCKS4 proxy has a password.
    #[error("the URL has a password, but SOCKS4 sends a user only")]
    Socks4Password,
    /// The URL of a proxy has a path, a query or a fragment.
    #[error("the URL of a proxy must have no path, no query and no fragment")]
    ProxyPath,
    /// The URL of a target has a fragment.
    #[error("the URL of a target must have no fragment")]
    Fragment,
    /// The URL of a stream has a path or a query.
    #[error("the URL of a stream (tcp:// or tls://) must have no path and no query")]
    StreamPath,
    /// The URL of a stream has credentials, which would be sent to no server.
    #[error("the URL of a stream (tcp:// or tls://) must have no user and no password")]
    StreamCredentials,
    /// The result of a proxy auto-config file has another keyword than the known ones.
    #[error(
        "the result of the proxy auto-config file has a keyword that is not DIRECT, PROXY, HTTP, \
         HTTPS, SOCKS, SOCKS4 or SOCKS5"
    )]
    Pac,
    /// The list of routes is empty.
    #[error("the list of routes to the target is empty")]
    NoRoute,
    /// The URL names another kind of target than the wanted one.
    #[error("the URL names a {seen}, but a {wanted} is wanted")]
    Kind {
        /// The kind of target that the URL names.
        seen: &'static str,
        /// The kind of target that is wanted.
        wanted: &'static str,
    },
}

impl From<std::convert::Infallible> for RouteError {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}

/// Reads a URL. Without a scheme, the error says which one is `meant`.
pub(crate) fn parse(text: &str, meant: &'static str) -> Result<Url, RouteError> {
    if !text.contains("://") {
        return Err(RouteError::NoScheme(meant));
    }
    Url::parse(text).map_err(RouteError::Url)
}

pub(crate) fn endpoint(url: &Url, default_port: Option<u16>) -> Result<Endpoint, RouteError> {
    // The parser does not apply IDNA to the host of a scheme that browsers do not know.
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
