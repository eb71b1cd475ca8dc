use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use url::{Host, Url};
use wirestack_tls::rustls::ClientConfig;

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
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

/// A user and a password. They show in no `Debug`, error or trace.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user's name.
    pub user: String,
    /// The password.
    pub password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(..)")
    }
}

/// A proxy on the way.
///
/// Read from a URL: `socks5://`, `socks5h://`, `http://` or `https://`, the last with TLS to the
/// proxy; `h2://` and `h2c://` for a proxy that takes CONNECT over HTTP/2, with TLS and without. User
/// and password may stand in it. The port is 1080, 80 or 443 unless given.
///
/// `socks5` and `socks5h` mean the same here: the name of what comes next is always looked up by
/// the proxy, never on this machine, where the look-up would tell others where the user is going.
///
/// ```
/// use wirestack::dial::Hop;
///
/// let hop: Hop = "socks5h://me:secret@proxy.test".parse()?;
/// assert_eq!(hop.to_string(), "socks5h://proxy.test:1080"); // never the credentials
/// # Ok::<(), wirestack::dial::RouteError>(())
/// ```
#[derive(Clone)]
pub struct Hop {
    pub(super) proxy: Proxy,
    pub(super) endpoint: Endpoint,
    pub(super) credentials: Option<Credentials>,
    pub(super) on_challenge: bool,
    pub(super) tls: Option<Arc<ClientConfig>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proxy {
    Socks5,
    Http,
    Https,
    H2c,
    H2,
}

impl Proxy {
    pub(super) fn is_secure(self) -> bool {
        matches!(self, Self::Https | Self::H2)
    }
}

impl Hop {
    /// Gives this hop its own credentials, instead of those in its URL.
    #[must_use]
    pub fn credentials(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
        self.credentials = Some(Credentials {
            user: user.into(),
            password: password.into(),
        });
        self
    }
    /// Sends the credentials to an HTTP proxy only once it has asked for them.
    #[must_use]
    pub fn on_challenge(mut self) -> Self {
        self.on_challenge = true;
        self
    }
    /// Gives an `https://` or `h2://` hop its own TLS settings, instead of the connection's.
    #[must_use]
    pub fn tls(mut self, config: Arc<ClientConfig>) -> Self {
        self.tls = Some(config);
        self
    }
    /// Returns whether it needs TLS settings and has none of its own.
    pub fn wants_tls(&self) -> bool {
        self.proxy.is_secure() && self.tls.is_none()
    }
    /// Returns where the proxy is.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }
}

impl FromStr for Hop {
    type Err = RouteError;
    fn from_str(text: &str) -> Result<Self, RouteError> {
        let url = parse(text)?;
        let (proxy, port) = match url.scheme() {
            "socks5" | "socks5h" => (Proxy::Socks5, 1080),
            "http" => (Proxy::Http, 80),
            "https" => (Proxy::Https, 443),
            "h2c" => (Proxy::H2c, 80),
            "h2" => (Proxy::H2, 443),
            _ => {
                return Err(RouteError::Scheme(
                    "socks5, socks5h, http, https, h2 or h2c",
                ));
            }
        };
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(RouteError::ProxyPath);
        }
        Ok(Self {
            proxy,
            endpoint: endpoint(&url, Some(port))?,
            credentials: credentials(&url)?,
            on_challenge: false,
            tls: None,
        })
    }
}

impl TryFrom<&str> for Hop {
    type Error = RouteError;
    fn try_from(text: &str) -> Result<Self, RouteError> {
        text.parse()
    }
}

impl TryFrom<&String> for Hop {
    type Error = RouteError;
    fn try_from(text: &String) -> Result<Self, RouteError> {
        text.parse()
    }
}

impl fmt::Display for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.proxy {
            Proxy::Socks5 => "socks5h",
            Proxy::Http => "http",
            Proxy::Https => "https",
            Proxy::H2c => "h2c",
            Proxy::H2 => "h2",
        };
        write!(f, "{scheme}://{}", self.endpoint)
    }
}

impl fmt::Debug for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hop({self})")
    }
}

/// What lies at the end of the way: `ws://` or `wss://` for a WebSocket, `http://` or `https://` for
/// an HTTP/2 connection, `tcp://` or `tls://` for a stream of bytes.
#[derive(Clone)]
pub struct Target {
    pub(super) scheme: Scheme,
    pub(super) endpoint: Endpoint,
    pub(super) credentials: Option<Credentials>,
    /// Path and query, for a WebSocket.
    pub(super) resource: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    Ws,
    Wss,
    Http,
    Https,
    Tcp,
    Tls,
}

impl Scheme {
    fn name(self) -> &'static str {
        match self {
            Self::Ws => "ws",
            Self::Wss => "wss",
            Self::Http => "http",
            Self::Https => "https",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
        }
    }
}

impl Target {
    /// Returns where the target is.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }
    /// Whether it is what [`Plan::websocket`](super::Plan::websocket) needs.
    pub(crate) fn must_be_websocket(&self) -> Result<(), RouteError> {
        match self.scheme {
            Scheme::Ws | Scheme::Wss => Ok(()),
            Scheme::Http | Scheme::Https => {
                Err(RouteError::Kind("web server, where a WebSocket was wanted"))
            }
            _ => Err(RouteError::Kind("stream, where a WebSocket was wanted")),
        }
    }
    /// Whether it is what [`Plan::http2`](super::Plan::http2) needs.
    pub(crate) fn must_be_web(&self) -> Result<(), RouteError> {
        match self.scheme {
            Scheme::Tcp | Scheme::Tls => {
                Err(RouteError::Kind("stream, where a web server was wanted"))
            }
            _ => Ok(()),
        }
    }
    /// Returns the URL as the handshake of a WebSocket needs it: without user and password.
    pub fn request_url(&self) -> String {
        let scheme = self.scheme.name();
        format!("{scheme}://{}{}", self.endpoint, self.resource)
    }
    /// Returns scheme, host and port for the WebSockets of this server: `wss://example.org:443`.
    pub fn origin(&self) -> String {
        let scheme = if self.is_secure() { "wss" } else { "ws" };
        format!("{scheme}://{}", self.endpoint)
    }
    /// Returns user and password for the server, if the URL had them.
    pub fn credentials(&self) -> Option<&Credentials> {
        self.credentials.as_ref()
    }
    /// Returns whether it is reached by TLS.
    pub fn is_secure(&self) -> bool {
        matches!(self.scheme, Scheme::Wss | Scheme::Https | Scheme::Tls)
    }
}

impl FromStr for Target {
    type Err = RouteError;
    fn from_str(text: &str) -> Result<Self, RouteError> {
        let url = parse(text)?;
        let (scheme, port) = match url.scheme() {
            "ws" => (Scheme::Ws, Some(80)),
            "wss" => (Scheme::Wss, Some(443)),
            "http" => (Scheme::Http, Some(80)),
            "https" => (Scheme::Https, Some(443)),
            "tcp" => (Scheme::Tcp, None),
            "tls" => (Scheme::Tls, None),
            _ => return Err(RouteError::Scheme("ws, wss, http, https, tcp or tls")),
        };
        if url.fragment().is_some() {
            return Err(RouteError::Fragment); // RFC 6455 §3
        }
        let web = !matches!(scheme, Scheme::Tcp | Scheme::Tls);
        if !web && (!matches!(url.path(), "" | "/") || url.query().is_some()) {
            return Err(RouteError::StreamPath);
        }
        let credentials = credentials(&url)?;
        if !web && credentials.is_some() {
            return Err(RouteError::StreamCredentials);
        }
        let query = url.query().map(|query| format!("?{query}"));
        Ok(Self {
            scheme,
            endpoint: endpoint(&url, port)?,
            credentials,
            resource: format!("{}{}", url.path(), query.unwrap_or_default()),
        })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self.scheme.name();
        // No query: it may hold a token.
        let path = self.resource.split('?').next().unwrap_or_default();
        write!(f, "{scheme}://{}{path}", self.endpoint)
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({self})")
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
    /// A stream where a WebSocket was wanted, or the other way round.
    #[error("the URL names a {0}")]
    Kind(&'static str),
}

impl From<std::convert::Infallible> for RouteError {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}

fn parse(text: &str) -> Result<Url, RouteError> {
    Url::parse(text).map_err(RouteError::Url)
}

fn endpoint(url: &Url, default_port: Option<u16>) -> Result<Endpoint, RouteError> {
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

fn credentials(url: &Url) -> Result<Option<Credentials>, RouteError> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hops_are_read_from_urls() {
        for (text, shown) in [
            ("socks5://h", "socks5h://h:1080"),
            ("socks5h://h:80", "socks5h://h:80"),
            ("http://proxy", "http://proxy:80"),
            ("https://proxy/", "https://proxy:443"),
            ("http://[::1]:3128", "http://[::1]:3128"),
            ("socks5://[::1]", "socks5h://[::1]:1080"),
            ("socks5h://BÜCHER.test", "socks5h://xn--bcher-kva.test:1080"),
            ("http://u:p@h:1", "http://h:1"),
            ("h2://proxy", "h2://proxy:443"),
            ("h2c://proxy", "h2c://proxy:80"),
        ] {
            assert_eq!(text.parse::<Hop>().unwrap().to_string(), shown, "{text}");
        }
        for text in [
            "h:1080",
            "ftp://h",
            "http://h/path",
            "http://h?q",
            "socks5://",
            "socks5://[fe80::1%25eth0]:1080",
            "http://u%ff:p@h",
        ] {
            assert!(text.parse::<Hop>().is_err(), "{text}");
        }
    }

    #[test]
    fn credentials_are_decoded_and_stay_unseen() {
        let hop: Hop = "socks5h://us%20er:p%40s@h".parse().unwrap();
        let expected = Credentials {
            user: "us er".into(),
            password: "p@s".into(),
        };
        assert_eq!(hop.credentials, Some(expected));
        assert!(!format!("{hop:?}{hop}").contains("p@s"));
        let target: Target = "wss://u:hunter2@h/?token=hunter2".parse().unwrap();
        assert!(!format!("{target}").contains("hunter2"));
    }

    #[test]
    fn targets_are_read_from_urls() {
        for (text, shown) in [
            ("ws://h", "ws://h:80/"),
            ("wss://h/chat?x=1", "wss://h:443/chat"),
            ("tcp://h:22", "tcp://h:22"),
            ("tls://[::1]:443", "tls://[::1]:443"),
            ("tcp://BÜCHER.test:22", "tcp://xn--bcher-kva.test:22"),
        ] {
            assert_eq!(text.parse::<Target>().unwrap().to_string(), shown, "{text}");
        }
        for text in ["ftp://h", "tcp://h", "tls://h/x", "ws://h#f", "tcp://u@h:1"] {
            assert!(text.parse::<Target>().is_err(), "{text}");
        }
    }
}
