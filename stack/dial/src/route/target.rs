//! The server at the end of a route, read from a URL.

use crate::auth::Credentials;
use crate::route::endpoint::{Endpoint, RouteError, credentials, endpoint, parse, take_zone};
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use url::Url;
use zeroize::Zeroize;

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
/// assert!(target.credentials().is_some());
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

    /// Returns the target that a redirect names in its `Location`.
    pub(crate) fn redirected(&self, location: &str) -> Result<Self, RouteError> {
        let base = Url::parse(&self.request_url()).map_err(RouteError::Url)?;
        let mut url = base.join(location).map_err(RouteError::Url)?;
        let scheme = match url.scheme() {
            "http" => Some("ws"),
            "https" => Some("wss"),
            _ => None,
        };
        // Many servers name a WebSocket by an http or https URL.
        let renamed = scheme.is_none_or(|scheme| url.set_scheme(scheme).is_ok());
        url.set_fragment(None);
        // A server must not choose the credentials of its client.
        let cleared = url.set_username("").is_ok() && url.set_password(None).is_ok();
        if !renamed || !cleared {
            return Err(RouteError::Scheme("ws://, wss://, http:// or https://"));
        }
        let mut to: Self = url.as_str().parse()?;
        // The server does not know the zone by which this machine has reached it.
        if to.endpoint.host == self.endpoint.host_without_zone() {
            to.endpoint.host.clone_from(&self.endpoint.host);
        }
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

    pub(crate) fn scheme_name(&self) -> &'static str {
        self.scheme.name()
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
        if text.contains(|c: char| c.is_control() || c.is_whitespace()) {
            return Err(RouteError::Blank); // the URL Standard leaves some of them out
        }
        let (text, zone) = take_zone(text)?;
        let meant = "wss:// before it for a WebSocket, or tls:// for a stream";
        let url = parse(&text, meant)?;
        let read = Self::from_url(&url, zone);
        String::from(url).zeroize(); // it may hold a password
        read
    }
}

impl Target {
    fn from_url(url: &Url, zone: Option<&str>) -> Result<Self, RouteError> {
        let (scheme, port) = match url.scheme() {
            "ws" => (Scheme::Ws, Some(80)),
            "wss" => (Scheme::Wss, Some(443)),
            "http" => (Scheme::Http, Some(80)),
            "https" => (Scheme::Https, Some(443)),
            "tcp" => (Scheme::Tcp, None),
            "tls" => (Scheme::Tls, None),
            _ => {
                return Err(RouteError::Scheme(
                    "ws://, wss://, http://, https://, tcp:// or tls://",
                ));
            }
        };
        if url.fragment().is_some() {
            return Err(RouteError::Fragment); // RFC 6455 §3
        }
        let web = !matches!(scheme, Scheme::Tcp | Scheme::Tls);
        if !web && (!matches!(url.path(), "" | "/") || url.query().is_some()) {
            return Err(RouteError::StreamPath);
        }
        let credentials = credentials(url);
        if !web && credentials.is_some() {
            return Err(RouteError::StreamCredentials);
        }
        if url.port() == Some(0) {
            return Err(RouteError::ZeroPort);
        }
        let query = url.query().map(|query| format!("?{query}"));
        let mut endpoint = endpoint(url, port)?;
        if let Some(zone) = zone {
            endpoint.host = format!("{}%{zone}", endpoint.host);
        }
        Ok(Self {
            scheme,
            endpoint,
            credentials,
            unix: None,
            server_name: None,
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

const WEBSOCKET: &str = "WebSocket (ws:// or wss://)";
const WEB_SERVER: &str = "web server (http:// or https://)";
const STREAM: &str = "stream (tcp:// or tls://)";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_read_from_urls() {
        for (text, shown) in [
            ("ws://h", "ws://h:80/"),
            ("wss://h/chat?x=1", "wss://h:443/chat"),
            ("tcp://h:22", "tcp://h:22"),
            ("tls://[::1]:443", "tls://[::1]:443"),
            ("ws://[fe80::1%25eth0]/", "ws://[fe80::1%eth0]:80/"),
            ("tcp://[fe80::1%3]:22", "tcp://[fe80::1%3]:22"),
            ("tcp://BÜCHER.test:22", "tcp://xn--bcher-kva.test:22"),
        ] {
            assert_eq!(text.parse::<Target>().unwrap().to_string(), shown, "{text}");
        }
        for text in [
            "ftp://h",
            "tcp://h",
            "tls://h/x",
            "ws://h#f",
            "tcp://u@h:1",
            "ws://[fe80::1%]/",
            "ws://[fe80::1%25a/b]/",
        ] {
            assert!(text.parse::<Target>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_zone_stays_on_this_machine() {
        let target: Target = "wss://[fe80::1%25eth0]/x?y".parse().unwrap();
        assert_eq!(target.endpoint().host, "fe80::1%eth0");
        assert_eq!(target.request_url(), "wss://[fe80::1]:443/x?y");
        assert_eq!(target.origin(), "wss://[fe80::1]:443");
        let to = target.redirected("/z").unwrap();
        assert_eq!(to.endpoint().host, "fe80::1%eth0");
    }

    #[test]
    fn a_host_or_port_that_nothing_has_is_refused_in_the_url_and_not_later() {
        for (host, bad) in [("u\"h", '"'), ("a`b", '`'), ("a{b}", '{'), ("%22h", '"')] {
            for scheme in ["ws", "tcp", "http"] {
                let target = format!("{scheme}://{host}:1/").parse::<Target>();
                let error = target.err();
                assert_eq!(
                    error,
                    Some(RouteError::HostCharacter(bad)),
                    "{scheme} {host}"
                );
            }
        }
        let zero = "ws://h:0/".parse::<Target>();
        assert_eq!(zero.err(), Some(RouteError::ZeroPort));
        assert!("ws://a_b-c.test/".parse::<Target>().is_ok());
    }

    #[test]
    fn a_blank_or_a_control_character_is_refused_and_not_left_out() {
        for text in [
            "ws://h/\n",
            " ws://h/",
            "w\ts://h/",
            "tcp://h\r:1",
            "ws://h/a b",
        ] {
            let error = text.parse::<Target>().err();
            assert_eq!(error, Some(RouteError::Blank), "{text:?}");
        }
    }

    #[test]
    fn a_target_does_not_show_its_secrets() {
        let target: Target = "wss://u:hunter2@h/?token=hunter2".parse().unwrap();
        assert!(!format!("{target}{target:?}").contains("hunter2"));
    }

    #[test]
    fn redirects_are_resolved_against_the_target() {
        let target: Target = "wss://a.test/x/y?z".parse().unwrap();
        for (location, shown) in [
            ("/other", "wss://a.test:443/other"),
            ("w?q=1", "wss://a.test:443/x/w?q=1"),
            ("//b.test/", "wss://b.test:443/"),
            ("https://b.test:8443/c#f", "wss://b.test:8443/c"),
            ("http://b.test", "ws://b.test:80/"),
            ("ws://me:secret@b.test", "ws://b.test:80/"),
        ] {
            let to = target.redirected(location).unwrap();
            assert_eq!(to.request_url(), shown, "{location}");
            assert!(to.credentials().is_none());
        }
        for location in ["ftp://b.test", "http://", "data:x", "tcp://b.test:1"] {
            let to = target.redirected(location);
            assert!(
                to.is_err() || to.unwrap().must_be_websocket().is_err(),
                "{location}"
            );
        }
    }
}
