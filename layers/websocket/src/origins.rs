//! The web pages whose browsers may open a WebSocket (RFC 6455 §10.2).

use crate::WebSocketError;
use http::Request;
use http::header::{HOST, HeaderMap, ORIGIN};
use std::fmt;
use wirestack_http::grammar::is_token;
use wirestack_layer::{HostKind, HostPort};

/// The web pages from which a browser may open a WebSocket to a server.
///
/// Any page can make its browser open a WebSocket to any server, with the cookies of its user. The
/// browser tells the server the origin of the page, and only the server can refuse
/// (cross-site WebSocket hijacking). A request that is not permitted is answered with a 403 before
/// the application is asked. A request **without** an `Origin` passes: it is not from a browser,
/// and any other client could write what it likes there.
///
/// The default is [`same`](Self::same). A server for pages of other origins names them:
///
/// ```
/// use http::Request;
/// use wirestack_websocket::Origins;
///
/// let from = |origin: &str| {
///     let request = Request::get("/chat").header("host", "chat.example.org");
///     request.header("origin", origin).body(())
/// };
///
/// assert!(Origins::same().permits(&from("https://chat.example.org")?));
/// assert!(!Origins::same().permits(&from("https://example.org")?));
///
/// let origins = Origins::same().and("https://example.org")?;
/// assert!(origins.permits(&from("https://chat.example.org")?));
/// assert!(origins.permits(&from("https://example.org")?));
/// assert!(!origins.permits(&from("http://example.org")?));
/// assert!(!origins.permits(&from("https://evil.example")?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # The same origin
///
/// An origin is a scheme, a host and a port. The host and the port of the page must be those that
/// the request itself was sent to: its `Host` field, or the `:authority` of HTTP/2. Hosts are
/// compared without regard to case, addresses by their value, and a port that is left out is that
/// of the page's scheme.
///
/// The **schemes are not compared**: behind a proxy that terminates TLS, the page is `https` and
/// the request that arrives is not. Such a proxy has to pass the `Host` of its client on. Where a
/// page of `http` must not open a WebSocket of `wss`, name the origin with
/// [`only`](Self::only). That also helps against DNS rebinding, in which a foreign page reaches
/// the server under a host of its own.
#[derive(Clone, Debug, Default)]
pub struct Origins(Permitted);

#[derive(Clone, Debug)]
enum Permitted {
    Any,
    Some { same: bool, listed: Vec<Origin> },
}

impl Default for Permitted {
    fn default() -> Self {
        Self::Some {
            same: true,
            listed: Vec::new(),
        }
    }
}

impl Origins {
    /// Permits pages of the server's own host and port.
    pub fn same() -> Self {
        Self::default()
    }

    /// Permits pages of this origin, and not of the server's own, such as `https://example.org` or
    /// `http://localhost:3000`. [`and`](Self::and) adds more.
    ///
    /// ```
    /// use http::Request;
    /// use wirestack_websocket::Origins;
    ///
    /// let origins = Origins::only("https://example.org")?.and("https://example.com")?;
    /// let request = |origin| Request::get("/").header("origin", origin).body(());
    /// assert!(origins.permits(&request("https://example.com")?));
    /// assert!(!origins.permits(&request("https://evil.test")?));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`InvalidOrigin`].
    pub fn only(origin: &str) -> Result<Self, InvalidOrigin> {
        let listed = Vec::new();
        Self(Permitted::Some {
            same: false,
            listed,
        })
        .and(origin)
    }

    /// Permits pages of one more origin. `null` stands for pages without one: local files, frames
    /// in a sandbox, and others that no server can tell apart.
    ///
    /// # Errors
    ///
    /// [`InvalidOrigin`].
    pub fn and(mut self, origin: &str) -> Result<Self, InvalidOrigin> {
        let origin = Origin::read(origin).ok_or(InvalidOrigin)?;
        if let Permitted::Some { listed, .. } = &mut self.0 {
            listed.push(origin);
        }
        Ok(self)
    }

    /// Permits **every page of the web**. It is for servers that know their users by something that
    /// a foreign page cannot send, and never by a cookie, a client certificate, Basic or the
    /// network that they are in.
    ///
    /// ```
    /// use wirestack_websocket::Origins;
    ///
    /// let request = http::Request::get("/").header("origin", "https://evil.test").body(())?;
    /// assert!(Origins::any().permits(&request));
    /// # Ok::<(), http::Error>(())
    /// ```
    pub fn any() -> Self {
        Self(Permitted::Any)
    }

    /// Returns `true` if a request has no `Origin`, or one that is permitted.
    pub fn permits<T>(&self, request: &Request<T>) -> bool {
        let Permitted::Some { same, listed } = &self.0 else {
            return true;
        };
        let origin = match shown(request.headers()) {
            Shown::None => return true,
            Shown::One(origin) => Origin::read(origin),
            Shown::Unreadable => None,
        };
        let Some(origin) = origin else { return false };
        (*same && origin.is_served_by(request)) || listed.contains(&origin)
    }
}

/// Checks the origin of a request.
pub(crate) fn check(request: &Request<()>, origins: &Origins) -> Result<(), WebSocketError> {
    if origins.permits(request) {
        return Ok(());
    }
    let values = request.headers().get_all(ORIGIN).iter();
    let texts = values.map(|value| String::from_utf8_lossy(value.as_bytes()));
    let texts: Vec<_> = texts.take(ORIGINS_SHOWN).collect();
    let shown = texts.join(", ").chars().take(CHARACTERS_SHOWN).collect();
    Err(WebSocketError::ForeignOrigin(shown))
}

/// The error of a text that is not an origin: neither `null` nor a scheme, a host and maybe a port,
/// as in `https://example.org:8443`, without a path.
///
/// ```
/// use wirestack_websocket::Origins;
///
/// assert!(Origins::only("example.org").is_err()); // https://example.org
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct InvalidOrigin;

/// Shows the same as `Display`: it is what `main` prints.
impl fmt::Debug for InvalidOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::fmt::Display for InvalidOrigin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(
            "the text is not an origin: wanted a scheme and a host as in https://example.org, \
             without a path, or null",
        )
    }
}

impl std::error::Error for InvalidOrigin {}

/// The `Origin` of a request.
pub(crate) enum Shown<'a> {
    None,
    One(&'a str),
    /// There is more than one, or it is not text.
    Unreadable,
}

/// Reads the `Origin` of a request.
pub(crate) fn shown(headers: &HeaderMap) -> Shown<'_> {
    let mut values = headers.get_all(ORIGIN).iter();
    match (values.next(), values.next()) {
        (None, _) => Shown::None,
        (Some(value), None) => value.to_str().map_or(Shown::Unreadable, Shown::One),
        (Some(_), Some(_)) => Shown::Unreadable,
    }
}

/// An origin in one spelling (RFC 6454 §4).
#[derive(Clone, Debug, PartialEq, Eq)]
enum Origin {
    /// An origin that is equal to no page's, as browsers send it for local files.
    Null,
    Page {
        scheme: String,
        host: Host,
        /// `None` for a scheme without a default, if no port was named.
        port: Option<u16>,
    },
}

impl Origin {
    /// Reads an origin as RFC 6454 §6.2 writes it: no path, no user, no list.
    fn read(text: &str) -> Option<Self> {
        if text == "null" {
            return Some(Self::Null);
        }
        let (scheme, authority) = text.split_once("://")?;
        let begins = scheme.starts_with(|first: char| first.is_ascii_alphabetic());
        let scheme = Some(scheme).filter(|scheme| begins && is_token(scheme))?;
        let scheme = scheme.to_ascii_lowercase();
        let (host, port) = split(authority, default_port(&scheme))?;
        Some(Self::Page { scheme, host, port })
    }

    /// Returns `true` if a request was sent to the host and the port of this origin.
    fn is_served_by<T>(&self, request: &Request<T>) -> bool {
        let Self::Page { scheme, host, port } = self else {
            return false;
        };
        if !matches!(&**scheme, "http" | "https") {
            return false; // a page of an extension, for example
        }
        let uri = request.uri().authority().map(http::uri::Authority::as_str);
        // "the recipient [...] MUST ignore the received Host header field (if any) and instead
        // replace it with the host information of the request-target" (RFC 9112 §3.2.2)
        let asked = uri.or_else(|| {
            let mut hosts = request.headers().get_all(HOST).iter();
            let host = hosts.next().filter(|_| hosts.next().is_none());
            host?.to_str().ok()
        });
        let asked = asked.and_then(|asked| split(asked, default_port(scheme)));
        asked.is_some_and(|(asked, at)| (asked, at) == (host.clone(), *port))
    }
}

/// A host in one spelling.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Host {
    Address(std::net::IpAddr),
    Name(String),
}

/// Reads `host` or `host:port`.
fn split(authority: &str, default_port: Option<u16>) -> Option<(Host, Option<u16>)> {
    // A scheme without a default gets a port that no origin has, and loses it again below.
    let read = HostPort::parse(authority, Some(default_port.unwrap_or(u16::MAX)))?;
    let named = HostPort::parse(authority, None).is_some();
    let host = match read.kind().ok()? {
        HostKind::Ipv4(ip) => Host::Address(ip.into()),
        HostKind::Ipv6(ip) => Host::Address(ip.into()),
        HostKind::Name(name) => Host::Name(name.to_ascii_lowercase()),
    };
    let port = (named || default_port.is_some()).then(|| read.port());
    Some((host, port))
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" | "ws" => Some(80),
        "https" | "wss" => Some(443),
        _ => None,
    }
}

/// The number of origins of one request that an error shows, and the number of their characters.
const ORIGINS_SHOWN: usize = 2;
const CHARACTERS_SHOWN: usize = 100;
