//! One proxy of a route.

use crate::auth::{Authenticator, Credentials, Login};
use crate::route::endpoint::{Endpoint, RouteError, credentials, endpoint, parse};
use crate::route::http_versions::HttpVersions;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use url::Url;
use wirestack_layer::Seed;
use wirestack_tls::rustls::ClientConfig;
use zeroize::Zeroize;

/// One proxy of a route, read from a URL.
///
/// The schemes are `socks5://`, `socks5h://`, `socks4://`, `socks4a://`, `http://`, and `https://`
/// for TLS to the proxy; `h2://` and `h2c://` are proxies that take CONNECT over HTTP/2, with and
/// without TLS. The URL may have a user and a password; SOCKS4 has a user only. The default port is
/// 1080, 80 or 443.
///
/// `socks5` and `socks5h` mean the same here, and so do `socks4` and `socks4a`: the proxy looks up
/// the name of the next hop or target. A look-up on this machine would show others where the user
/// goes.
///
/// ```
/// use wirestack_dial::Hop;
///
/// let hop: Hop = "socks5h://me:secret@proxy.test".parse()?;
/// assert_eq!(hop.to_string(), "socks5h://proxy.test:1080"); // never the credentials
/// # Ok::<(), wirestack_dial::RouteError>(())
/// ```
#[derive(Clone)]
pub struct Hop {
    pub(crate) proxy: Proxy,
    pub(crate) endpoint: Endpoint,
    login: ProxyLogin,
    pub(crate) tls: Option<Arc<ClientConfig>>,
    pub(crate) unix: Option<PathBuf>,
    /// An `https://` proxy is offered HTTP/2 too.
    offers_http2: bool,
}

/// The authentication of a client to its proxy.
#[derive(Clone)]
enum ProxyLogin {
    Password(PasswordLogin),
    Custom(Arc<MakeAuthenticator>),
}

#[derive(Clone)]
struct PasswordLogin {
    credentials: Option<Credentials>,
    /// Sends Basic credentials with the first request.
    at_once: bool,
    /// Asks the user for credentials when the proxy wants some.
    asks: bool,
}

type MakeAuthenticator = dyn Fn(&str) -> Box<dyn Authenticator> + Send + Sync;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proxy {
    Socks4,
    Socks5,
    Http,
    Https,
    H2c,
    H2,
}

/// The protocol in which a proxy takes requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speaks {
    Socks,
    Http1,
    Http2,
}

impl Proxy {
    pub(crate) fn is_secure(self) -> bool {
        matches!(self, Self::Https | Self::H2)
    }

    pub(crate) fn speaks(self) -> Speaks {
        match self {
            Self::Socks4 | Self::Socks5 => Speaks::Socks,
            Self::Http | Self::Https => Speaks::Http1,
            Self::H2c | Self::H2 => Speaks::Http2,
        }
    }
}

impl Hop {
    /// Sets the user and the password for this hop, instead of those in its URL.
    ///
    /// A SOCKS proxy gets them if it asks. An HTTP proxy gets them with the first request, as
    /// Basic, unless [`on_challenge`](Self::on_challenge) is set.
    #[must_use]
    pub fn credentials(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
        let credentials = Some(Credentials::new(user, password));
        match &mut self.login {
            ProxyLogin::Password(login) => login.credentials = credentials,
            login @ ProxyLogin::Custom(_) => {
                *login = ProxyLogin::Password(PasswordLogin {
                    credentials,
                    at_once: true,
                    asks: false,
                });
            }
        }
        self
    }

    /// Sends credentials to an HTTP proxy only after it asked for them, and by the strongest scheme
    /// that it offers: Digest before Basic.
    ///
    /// That costs one more round trip. Digest does not send the password itself.
    #[must_use]
    pub fn on_challenge(mut self) -> Self {
        if let ProxyLogin::Password(login) = &mut self.login {
            login.at_once = false;
        }
        self
    }

    /// Asks the user for credentials if the HTTP proxy wants some and there are none, and again if
    /// the proxy refuses them: see [`Step::Ask`](crate::Step::Ask).
    #[must_use]
    pub fn asking(mut self) -> Self {
        if let ProxyLogin::Password(login) = &mut self.login {
            login.asks = true;
        }
        self
    }

    /// Sets an authentication scheme of the caller's own for an HTTP proxy.
    ///
    /// `make` is called for each dialing, with the `host:port` of the next hop or target.
    #[must_use]
    pub fn authenticator(
        mut self,
        make: impl Fn(&str) -> Box<dyn Authenticator> + Send + Sync + 'static,
    ) -> Self {
        self.login = ProxyLogin::Custom(Arc::new(make));
        self
    }

    /// Connects to this Unix socket instead of the proxy's host and port, if the hop is the first
    /// one.
    #[must_use]
    pub fn unix_socket(mut self, path: impl Into<PathBuf>) -> Self {
        self.unix = Some(path.into());
        self
    }

    /// Sets TLS settings for an `https://` or `h2://` hop, instead of those of the plan.
    #[must_use]
    pub fn tls(mut self, config: Arc<ClientConfig>) -> Self {
        self.tls = Some(config);
        self
    }

    /// Offers an `https://` proxy HTTP/2 beside HTTP/1.1: it chooses by ALPN. The option of curl is
    /// `--proxy-http2`. Other proxies are not affected.
    ///
    /// A proxy that chooses HTTP/2 and then wants HTTP/1.1 (HTTP_1_1_REQUIRED) gets that, on a new
    /// connection. Such a hop is not [shared](crate::Plan::sharing); an `h2://` hop is.
    #[must_use]
    pub fn http2_if_offered(mut self) -> Self {
        self.offers_http2 = true;
        self
    }

    /// Returns the versions of HTTP that the proxy is offered by ALPN.
    pub(crate) fn versions(&self) -> HttpVersions {
        match self.proxy {
            Proxy::H2 => HttpVersions::Http2,
            Proxy::Https if self.offers_http2 => HttpVersions::Any,
            _ => HttpVersions::Http1,
        }
    }

    /// Leaves HTTP/2 for HTTP/1.1. Returns `false` if HTTP/1.1 is not allowed, or was offered alone.
    pub(crate) fn leave_http2(&mut self) -> bool {
        let leaves = self.versions() == HttpVersions::Any;
        self.offers_http2 &= !leaves;
        leaves
    }

    /// Returns `true` if the hop needs TLS settings and has none of its own.
    pub fn wants_tls(&self) -> bool {
        self.proxy.is_secure() && self.tls.is_none()
    }

    /// Returns the host and the port of the proxy.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Returns the credentials for a SOCKS5 proxy, or an error if the hop is another proxy.
    pub(crate) fn socks5_credentials(&self) -> Result<Option<&Credentials>, RouteError> {
        match self.proxy {
            Proxy::Socks5 => Ok(self.known_credentials()),
            _ => Err(RouteError::Scheme(
                "socks5:// or socks5h://, because UDP needs a SOCKS5 proxy",
            )),
        }
    }

    /// Returns the credentials of the URL or of [`credentials`](Self::credentials).
    pub(crate) fn known_credentials(&self) -> Option<&Credentials> {
        match &self.login {
            ProxyLogin::Password(login) => login.credentials.as_ref(),
            ProxyLogin::Custom(_) => None,
        }
    }

    /// Returns `true` if the first request carries all credentials that the proxy will ever get.
    pub(crate) fn authenticates_at_once(&self) -> bool {
        match &self.login {
            ProxyLogin::Password(login) => login.at_once && !login.asks,
            ProxyLogin::Custom(_) => false,
        }
    }

    /// Creates the authenticator for the challenges of this proxy when it is asked for `next`.
    pub(crate) fn log_in(&self, next: &Endpoint, seed: Seed) -> Box<dyn Authenticator> {
        let target = next.to_string();
        let password = match &self.login {
            ProxyLogin::Custom(make) => return make(&target),
            ProxyLogin::Password(password) => password,
        };
        let mut login = Login::new(target, seed);
        if let Some(credentials) = &password.credentials {
            login = login.with_credentials(credentials.clone());
        }
        if password.at_once {
            login = login.at_once();
        }
        if password.asks {
            login = login.asking();
        }
        Box::new(login)
    }
}

impl FromStr for Hop {
    type Err = RouteError;

    fn from_str(text: &str) -> Result<Self, RouteError> {
        let url = parse(text)?;
        let read = Self::from_url(&url);
        String::from(url).zeroize(); // it may hold a password
        read
    }
}

impl Hop {
    fn from_url(url: &Url) -> Result<Self, RouteError> {
        let (proxy, port) = match url.scheme() {
            "socks4" | "socks4a" => (Proxy::Socks4, 1080),
            "socks5" | "socks5h" => (Proxy::Socks5, 1080),
            "http" => (Proxy::Http, 80),
            "https" => (Proxy::Https, 443),
            "h2c" => (Proxy::H2c, 80),
            "h2" => (Proxy::H2, 443),
            _ => {
                return Err(RouteError::Scheme(
                    "socks5://, socks5h://, socks4://, socks4a://, http://, https://, h2:// or \
                     h2c://",
                ));
            }
        };
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(RouteError::ProxyPath);
        }
        let credentials = credentials(url)?;
        let password = credentials.as_ref().map(|known| &known.password);
        if proxy == Proxy::Socks4 && password.is_some_and(|password| !password.is_empty()) {
            return Err(RouteError::Socks4Password);
        }
        Ok(Self {
            proxy,
            endpoint: endpoint(url, Some(port))?,
            login: ProxyLogin::Password(PasswordLogin {
                credentials,
                at_once: true,
                asks: false,
            }),
            tls: None,
            unix: None,
            offers_http2: false,
        })
    }
}

impl TryFrom<&str> for Hop {
    type Error = RouteError;

    fn try_from(text: &str) -> Result<Self, RouteError> {
        text.parse()
    }
}

impl TryFrom<String> for Hop {
    type Error = RouteError;

    fn try_from(text: String) -> Result<Self, RouteError> {
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
            Proxy::Socks4 => "socks4a",
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
            ("socks4://me@h", "socks4a://h:1080"),
            ("socks4a://h:1", "socks4a://h:1"),
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
            "socks4://me:secret@h",
        ] {
            assert!(text.parse::<Hop>().is_err(), "{text}");
        }
    }

    #[test]
    fn credentials_are_decoded_and_stay_unseen() {
        let hop: Hop = "socks5h://us%20er:p%40s@h".parse().unwrap();
        let expected = Credentials::new("us er", "p@s");
        assert_eq!(hop.known_credentials(), Some(&expected));
        assert!(!format!("{hop:?}{hop}").contains("p@s"));
    }
}
