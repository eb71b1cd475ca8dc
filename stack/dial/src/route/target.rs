//! The server at the end of a route, read from a URL.

use crate::auth::Credentials;
use crate::route::endpoint::{Endpoint, RouteError};
use crate::route::hop::Hop;
use crate::route::reference::{normal_path, normal_query, resolve};
use crate::route::url::Url;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

/// The server to connect to, behind all proxies, read from a URL.
///
/// `ws://` and `wss://` name a WebSocket, `http://` and `https://` an HTTP/2 connection, `tcp://`
/// and `tls://` a stream of bytes.
///
/// ```
/// use wirestack_dial::Target;
///
/// let target: Target = "wss://ada:secret@example.org/chat?room=7".parse()?;
/// assert_eq!(target.to_string(), "wss://example.org:443/chat"); // neither user nor query
/// assert!(target.is_secure() && target.must_be_websocket().is_ok());
/// assert_eq!(target.endpoint().to_string(), "example.org:443");
/// assert_eq!(target.origin(), "wss://example.org:443");
/// assert_eq!(target.request_url(), "wss://example.org:443/chat?room=7");
/// assert_eq!((target.scheme(), target.path_and_query()), ("wss", "/chat?room=7"));
/// assert!(target.credentials().is_some());
///
/// // The same server, at a socket of this machine.
/// let local = target.unix_socket("/run/chat.sock");
/// assert_eq!(local.authority(), "example.org");
/// # Ok::<(), wirestack_dial::RouteError>(())
/// ```
#[derive(Clone)]
pub struct Target {
    pub(crate) scheme: Scheme,
    pub(crate) endpoint: Endpoint,
    pub(crate) credentials: Option<Credentials>,
    /// The path and the query, which the handshake of a WebSocket sends.
    pub(crate) resource: String,
    pub(crate) unix: Option<PathBuf>,
    /// The name that TLS asks for and checks, in place of the host.
    pub(crate) server_name: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
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

    fn default_port(self) -> Option<u16> {
        match self {
            Self::Ws | Self::Http => Some(80),
            Self::Wss | Self::Https => Some(443),
            Self::Tcp | Self::Tls => None,
        }
    }
}

impl Target {
    /// Returns the host and the port of the target.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Connects to this Unix socket instead of the host and port, on a route without hops.
    #[must_use]
    pub fn unix_socket(mut self, path: impl Into<PathBuf>) -> Self {
        self.unix = Some(path.into());
        self
    }

    /// Asks for this name by TLS (SNI, RFC 6066 §3) and wants it in the certificate, instead of the
    /// host. It may be an address.
    ///
    /// ```
    /// use wirestack_dial::Target;
    ///
    /// let target: Target = "wss://192.0.2.7/chat".parse()?;
    /// let target = target.server_name("chat.example.org");
    /// # drop(target);
    /// # Ok::<(), wirestack_dial::RouteError>(())
    /// ```
    #[must_use]
    pub fn server_name(mut self, name: impl Into<String>) -> Self {
        self.server_name = Some(name.into());
        self
    }

    /// Returns the proxy of a hop as a target, with its socket and its name. The text of its endpoint
    /// would not do: a zone such as `257` begins there like one that is percent-encoded.
    pub(crate) fn at_hop(scheme: Scheme, hop: &Hop) -> Self {
        let resource = match scheme {
            Scheme::Tcp | Scheme::Tls => String::new(),
            _ => "/".to_owned(),
        };
        Self {
            scheme,
            endpoint: hop.endpoint.clone(),
            credentials: None,
            resource,
            unix: hop.unix.clone(),
            server_name: hop.server_name.clone(),
        }
    }

    /// Checks that the target is a WebSocket, which [`Plan::websocket`](crate::Plan::websocket)
    /// needs.
    ///
    /// # Errors
    ///
    /// [`RouteError::Kind`] if the target is a web server or a stream.
    pub fn must_be_websocket(&self) -> Result<(), RouteError> {
        match self.scheme {
            Scheme::Ws | Scheme::Wss => Ok(()),
            Scheme::Http | Scheme::Https => Err(RouteError::Kind {
                seen: WEB_SERVER,
                wanted: WEBSOCKET,
            }),
            _ => Err(RouteError::Kind {
                seen: STREAM,
                wanted: WEBSOCKET,
            }),
        }
    }

    /// Returns the target without the user and the password of its URL.
    pub(crate) fn without_credentials(target: Arc<Self>) -> Arc<Self> {
        if target.credentials.is_none() {
            return target;
        }
        let mut target = Arc::unwrap_or_clone(target);
        target.credentials = None;
        target.into()
    }

    /// Checks that the target is a web server, which [`Plan::http2`](crate::Plan::http2) needs.
    pub(crate) fn must_be_web(&self) -> Result<(), RouteError> {
        match self.scheme {
            Scheme::Tcp | Scheme::Tls => Err(RouteError::Kind {
                seen: STREAM,
                wanted: WEB_SERVER,
            }),
            _ => Ok(()),
        }
    }

    /// Returns the target to which a reference leads from this one (RFC 3986 §5.2): the `Location` of a
    /// response, for example. It has no user and no password, because a peer must not choose them. A
    /// fragment is left out. At the same origin, the Unix socket and the name for TLS stay.
    ///
    /// ```
    /// use wirestack_dial::Target;
    ///
    /// let page: Target = "https://example.org/a/b?c".parse()?;
    /// assert_eq!(page.join("../d")?.request_url(), "https://example.org:443/d");
    /// assert_eq!(page.join("//other.test/")?.request_url(), "https://other.test:443/");
    /// # Ok::<(), wirestack_dial::RouteError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`RouteError`] if the reference leads to no URL of a target.
    pub fn join(&self, reference: &str) -> Result<Self, RouteError> {
        let authority = self.endpoint.for_peers().to_string();
        let url = resolve(self.scheme(), &authority, &self.resource, reference)?;
        let mut to: Self = url.parse()?;
        if to.endpoint.has_zone() {
            return Err(RouteError::Zone); // the peer does not know the interfaces of this machine
        }
        to.credentials = None;
        // Nor does it know the zone by which this machine has reached it.
        if to.endpoint.host == self.endpoint.host_without_zone() {
            to.endpoint.host.clone_from(&self.endpoint.host);
        }
        // The same server is at the same place, and not where its host would be looked up.
        if to.origin() == self.origin() {
            to.unix.clone_from(&self.unix);
            to.server_name.clone_from(&self.server_name);
        }
        Ok(to)
    }

    /// Returns the target that a redirect names in its `Location`.
    pub(crate) fn redirected(&self, location: &str) -> Result<Self, RouteError> {
        let mut to = self.join(location)?;
        // Many servers name a WebSocket by an http or https URL.
        to.scheme = match to.scheme {
            Scheme::Http => Scheme::Ws,
            Scheme::Https => Scheme::Wss,
            other => other,
        };
        Ok(to)
    }

    /// Checks that the target is a stream or a web server, which
    /// [`Plan::stream`](crate::Plan::stream) needs.
    pub(crate) fn must_be_stream(&self) -> Result<(), RouteError> {
        match self.scheme {
            Scheme::Ws | Scheme::Wss => Err(RouteError::Kind {
                seen: WEBSOCKET,
                wanted: STREAM,
            }),
            _ => Ok(()),
        }
    }

    /// Returns the URL for the handshake of a WebSocket: without user, password and zone.
    pub fn request_url(&self) -> String {
        let scheme = self.scheme.name();
        format!("{scheme}://{}{}", self.endpoint.for_peers(), self.resource)
    }

    /// Returns the scheme, host and port for WebSockets of this server: `wss://example.org:443`.
    pub fn origin(&self) -> String {
        let scheme = if self.is_secure() { "wss" } else { "ws" };
        format!("{scheme}://{}", self.endpoint.for_peers())
    }

    /// Returns the scheme of the URL, such as `wss`.
    pub fn scheme(&self) -> &'static str {
        self.scheme.name()
    }

    /// Returns the host, and the port if it is not the default one of the scheme: the value of the
    /// field `Host` (RFC 9110 §7.2).
    ///
    /// ```
    /// use wirestack_dial::Target;
    ///
    /// let target: Target = "https://[2001:db8::1]:443/a".parse()?;
    /// assert_eq!(target.authority(), "[2001:db8::1]");
    /// let target: Target = "http://example.org:8080".parse()?;
    /// assert_eq!(target.authority(), "example.org:8080");
    /// # Ok::<(), wirestack_dial::RouteError>(())
    /// ```
    pub fn authority(&self) -> String {
        let place = self.endpoint.for_peers().to_string();
        if self.scheme.default_port() != Some(self.endpoint.port) {
            return place;
        }
        let host = place.rsplit_once(':').map_or(&*place, |(host, _)| host);
        host.to_owned()
    }

    /// Returns the path and the query, percent-encoded and without dot segments: the target of a request
    /// (RFC 9112 §3.2.1). It is empty for a stream.
    pub fn path_and_query(&self) -> &str {
        &self.resource
    }

    /// Returns the user and the password for the server, if the URL has them.
    pub fn credentials(&self) -> Option<&Credentials> {
        self.credentials.as_ref()
    }

    /// Returns `true` if the target is reached by TLS.
    pub fn is_secure(&self) -> bool {
        matches!(self.scheme, Scheme::Wss | Scheme::Https | Scheme::Tls)
    }
}

impl FromStr for Target {
    type Err = RouteError;

    fn from_str(text: &str) -> Result<Self, RouteError> {
        let meant = "wss:// before it for a WebSocket, or tls:// for a stream";
        let url = Url::split(text, meant)?;
        let scheme = match &*url.scheme {
            "ws" => Scheme::Ws,
            "wss" => Scheme::Wss,
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            "tcp" => Scheme::Tcp,
            "tls" => Scheme::Tls,
            _ => {
                return Err(RouteError::Scheme(
                    "ws://, wss://, http://, https://, tcp:// or tls://",
                ));
            }
        };
        if url.has_backslash() {
            return Err(RouteError::Backslash); // the URL Standard reads another host
        }
        if url.rest.contains('#') {
            return Err(RouteError::Fragment); // RFC 6455 §3
        }
        let (path, query) = match url.rest.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (url.rest, None),
        };
        let is_stream = matches!(scheme, Scheme::Tcp | Scheme::Tls);
        let is_given = |known: &Credentials| !known.user.is_empty() || !known.password.is_empty();
        let credentials = url.credentials().filter(is_given);
        let (host, port) = match url.host_and_port() {
            Err(_) if url.has_login_behind() => return Err(RouteError::Unescaped),
            read => read?,
        };
        if is_stream && (!matches!(path, "" | "/") || query.is_some()) {
            return Err(RouteError::StreamPath);
        }
        if is_stream && credentials.is_some() {
            return Err(RouteError::StreamCredentials);
        }
        let port = port.or(scheme.default_port()).ok_or(RouteError::NoPort)?;
        let mut resource = if is_stream {
            String::new()
        } else {
            normal_path(path)
        };
        if let Some(query) = query {
            resource = format!("{resource}?{}", normal_query(query));
        }
        Ok(Self {
            scheme,
            endpoint: Endpoint { host, port },
            credentials,
            unix: None,
            server_name: None,
            resource,
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

const WEBSOCKET: &str = "WebSocket (ws:// or wss://)";
const WEB_SERVER: &str = "web server (http:// or https://)";
const STREAM: &str = "stream (tcp:// or tls://)";

#[cfg(test)]
mod tests;
