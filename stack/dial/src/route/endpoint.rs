//! The host and port of a hop or target, and the errors of their URLs.

use http::HeaderName;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6};
use wirestack_layer::HostPort;

/// A host and a port. This machine looks up the first one; a proxy looks up each later one.
///
/// ```
/// use wirestack_dial::Endpoint;
///
/// let endpoint = Endpoint { host: "2001:db8::1".to_owned(), port: 443 };
/// assert_eq!(endpoint.to_string(), "[2001:db8::1]:443");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// A name in A-labels (ASCII, RFC 5890), or an IP address without brackets.
    ///
    /// An IPv6 address may have a zone, `fe80::1%eth0`: the interface of this machine at which a
    /// link-local address is (RFC 4007 §11). Only the first connection can use it.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl Endpoint {
    /// Returns the host without a zone, which has no meaning on another machine (RFC 6874 §1).
    pub(crate) fn host_without_zone(&self) -> &str {
        self.host.split_once('%').map_or(&self.host, |(ip, _)| ip)
    }

    /// Returns the host and the port for a peer: without a zone.
    pub(crate) fn for_peers(&self) -> HostPort<'_> {
        HostPort::new(self.host_without_zone(), self.port)
    }

    /// Returns `true` if the host has a zone.
    pub(crate) fn has_zone(&self) -> bool {
        self.host.contains('%')
    }

    /// Returns the address, if the host is one. The name of a zone is the system's to look up; its
    /// number is not.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        if let Ok(ip) = self.host.parse::<IpAddr>() {
            return Some(SocketAddr::new(ip, self.port));
        }
        let (ip, zone) = self.host.split_once('%')?;
        let ip: Ipv6Addr = ip.parse().ok()?;
        let zone = match zone.parse() {
            Ok(zone) => zone,
            Err(_) if ip.is_unicast_link_local() || ip.is_multicast() => return None,
            Err(_) => 0, // every other address is the same at each interface
        };
        Some(SocketAddrV6::new(ip, self.port, 0, zone).into())
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        HostPort::new(&self.host, self.port).fmt(f)
    }
}

/// An error in the URL of a hop or target, or in a list of routes. It does not repeat the URL,
/// which may hold a secret.
///
/// ```
/// use wirestack_dial::{Hop, RouteError};
///
/// let error = "proxy.corp.test:3128".parse::<Hop>().unwrap_err();
/// assert!(error.to_string().contains("http://"), "{error}"); // what to write instead
/// assert!(matches!("socks5://".parse::<Hop>(), Err(RouteError::NoHost)));
/// ```
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RouteError {
    /// The text has no scheme, such as `proxy.test:3128`. These URLs are meant, perhaps.
    #[error("the URL has no scheme, write {0}")]
    NoScheme(&'static str),
    /// The URL has another scheme than one of these.
    #[error("the URL must begin with {0}")]
    Scheme(&'static str),
    /// The URL has no host.
    #[error("the URL has no host")]
    NoHost,
    /// The host has a character that no host has (RFC 3986 §3.2.2), such as a quote.
    #[error("the host in the URL has the character {0:?}, which no host has")]
    HostCharacter(char),
    /// The host ends with a number, as an IPv4 address does, and is none.
    #[error("the host in the URL ends with a number, but it is no IPv4 address such as 192.0.2.1")]
    Ipv4,
    /// The host has a character that is not ASCII, and the feature `idna` is off.
    #[error(
        "the host in the URL has the character {0:?}: write the name as its A-label (xn--...), or \
         turn the feature `idna` of wirestack on"
    )]
    NotAscii(char),
    /// The host has a character that is not ASCII, and is no internationalized name (UTS 46).
    #[error("the host in the URL is no name in Unicode that IDNA (UTS 46) allows")]
    Idna,
    /// The authority or the path of a target has a backslash.
    #[error("the URL has a backslash, which some readers take for a slash: write / or %5C instead")]
    Backslash,
    /// A reference has a scheme, and no host behind it: `mailto:me`.
    #[error("the reference has a scheme and no // behind it, so it leads to no host")]
    Reference,
    /// The port of a target is 0, to which nothing can connect.
    #[error("the port in the URL is 0, to which nothing can connect")]
    ZeroPort,
    /// The URL has no port, and its scheme has no default port.
    #[error("the URL has no port, and its scheme has no default port")]
    NoPort,
    /// The URL has a blank or a control character.
    #[error("the URL has a blank or a control character: take it out, or write it as %20")]
    Blank,
    /// The user or the password has a character that ends the host of a URL.
    #[error("the user and the password must have /, ?, # and @ as %2F, %3F, %23 and %40")]
    Unescaped,
    /// The user or the password of an HTTP proxy has a control character, which Basic cannot send
    /// (RFC 7617 §2).
    #[error("the user or the password in the URL has a control character, which HTTP cannot send")]
    Credentials,
    /// The port is no number, or out of range.
    #[error("the port in the URL is not a number from 1 to 65535")]
    Port,
    /// An IPv6 address has no brackets around it.
    #[error("the URL needs an IPv6 address in brackets, such as http://[::1]:3128")]
    Brackets,
    /// The zone of an IPv6 address is empty, or has a character that no zone has.
    #[error("the zone of the IPv6 address is not the name or the number of an interface")]
    Zone,
    /// A proxy is asked to connect to an address with a zone.
    #[error("the address {0} has a zone, which means nothing to the proxy that is asked for it")]
    ZoneBehindProxy(String),
    /// The stack of a plan of the caller's own has so many layers, and so many names were given for
    /// them.
    #[error(
        "layers of the stack: {layers}, names for them: {names}: give Plan::new one name for each layer"
    )]
    LayerNames {
        /// The number of layers.
        layers: usize,
        /// The number of names.
        names: usize,
    },
    /// A variable of the environment names no proxy that can be used.
    #[error("the environment variable {name}={value} names no proxy that can be used: {error}")]
    Variable {
        /// The name of the variable.
        name: &'static str,
        /// Its value, without user and password.
        value: String,
        /// The reason.
        error: Box<Self>,
    },
    /// A setting of the system names no proxy that can be used.
    #[error("the setting {key} of {system} ({value}) cannot be used: {error}")]
    Setting {
        /// The system or desktop.
        system: &'static str,
        /// The name of the setting.
        key: &'static str,
        /// Its value, without user and password.
        value: String,
        /// The reason.
        error: String,
    },
    /// The text is not Unicode.
    #[error("the text is not Unicode")]
    NotUnicode,
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
    /// Nothing in the result of a proxy auto-config file can be used.
    #[error(
        "nothing in the result of the proxy auto-config file can be used: DIRECT, or PROXY, HTTP, \
         HTTPS, SOCKS, SOCKS4 or SOCKS5 with host:port, is wanted"
    )]
    Pac,
    /// A hop that is no HTTP proxy cannot send fields.
    #[error("fields can be sent to an HTTP proxy only, and the hop is a SOCKS proxy")]
    NotHttp,
    /// A CONNECT has this field by itself, or must not have it.
    #[error("the field {0} cannot be added to a CONNECT: the request sets it, or must not have it")]
    Field(HeaderName),
    /// Whole TLS settings are given, and certificates that would have to be added to them: for this
    /// hop or target.
    #[error(
        "{0} has whole TLS settings (`tls`), and certificates beside them (such as `ca_file`): \
         leave one of them out, or build the settings with the certificates"
    )]
    TlsTwice(String),
    /// The routes are found by this source, which was not asked.
    #[error("the routes are found while dialing, by the {0}, which was not asked yet")]
    NotFound(String),
    /// The request cannot open a WebSocket, for this reason.
    #[error("the request cannot open a WebSocket: {0}")]
    Request(&'static str),
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

/// Shows the same as `Display`: it is what `main` prints.
impl fmt::Debug for RouteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<std::convert::Infallible> for RouteError {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}
