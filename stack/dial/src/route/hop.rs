use crate::auth::{Authenticator, Credentials, Login};
use crate::route::endpoint::{Endpoint, RouteError, credentials, endpoint, parse};
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use wirestack_layer::Seed;
use wirestack_tls::rustls::ClientConfig;

/// A proxy on the way.
///
/// Read from a URL: `socks5://`, `socks5h://`, `socks4://`, `socks4a://`, `http://` or `https://`, the
/// last with TLS to the proxy; `h2://` and `h2c://` for a proxy that takes CONNECT over HTTP/2, with
/// TLS and without. User and password may stand in it; SOCKS4 has a user only. The port is 1080, 80 or
/// 443 unless given.
///
/// `socks5` and `socks5h` mean the same here, and so do `socks4` and `socks4a`: the name of what comes
/// next is always looked up by the proxy, never on this machine, where the look-up would tell others
/// where the user is going.
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
    pub(crate) login: HowToLogIn,
    pub(crate) tls: Option<Arc<ClientConfig>>,
    pub(crate) unix: Option<PathBuf>,
}

/// How a hop's proxy gets to know who is asking.
#[derive(Clone)]
pub(crate) enum HowToLogIn {
    Password {
        credentials: Option<Credentials>,
        /// Basic goes with the first request.
        at_once: bool,
        /// Whoever connects is asked when it comes to it.
        asks: bool,
    },
    Own(Arc<Make>),
}

type Make = dyn Fn(&str) -> Box<dyn Authenticator> + Send + Sync;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proxy {
    Socks4,
    Socks5,
    Http,
    Https,
    H2c,
    H2,
}

/// What a proxy is asked in.
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
    /// Gives this hop its own credentials, instead of those in its URL.
    ///
    /// A SOCKS proxy is shown them if it asks. To an HTTP proxy they are sent at once, as Basic,
    /// unless it shall be [`on_challenge`](Self::on_challenge).
    #[must_use]
    pub fn credentials(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
        let (_, at_once, asks) = self.password();
        self.login = HowToLogIn::Password {
            credentials: Some(Credentials::new(user, password)),
            at_once,
            asks,
        };
        self
    }

    /// Sends credentials to an HTTP proxy only once it has asked for them, and then by the strongest
    /// scheme that it offers: Digest before Basic. It costs one more round trip, and the password is
    /// not shown to whoever can listen where Digest is spoken.
    #[must_use]
    pub fn on_challenge(mut self) -> Self {
        if let HowToLogIn::Password { at_once, .. } = &mut self.login {
            *at_once = false;
        }
        self
    }

    /// Asks whoever connects for credentials when the HTTP proxy wants some and there are none, and
    /// again when it refuses them: see [`Step::Ask`](crate::Step::Ask).
    #[must_use]
    pub fn asking(mut self) -> Self {
        if let HowToLogIn::Password { asks, .. } = &mut self.login {
            *asks = true;
        }
        self
    }

    /// Answers the challenges of an HTTP proxy by a scheme of one's own, made anew for each dialling
    /// from what will be asked of the proxy, `host:port`.
    #[must_use]
    pub fn authenticator(
        mut self,
        make: impl Fn(&str) -> Box<dyn Authenticator> + Send + Sync + 'static,
    ) -> Self {
        self.login = HowToLogIn::Own(Arc::new(make));
        self
    }

    /// Reaches this proxy, if it is the first hop, at a Unix socket instead of its host and port.
    #[must_use]
    pub fn unix_socket(mut self, path: impl Into<PathBuf>) -> Self {
        self.unix = Some(path.into());
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

    /// Returns what a proxy of SOCKS5 is told of who asks; an error if this is none.
    pub(crate) fn socks5(&self) -> Result<Option<&Credentials>, RouteError> {
        match self.proxy {
            Proxy::Socks5 => Ok(self.password().0),
            _ => Err(RouteError::Scheme(
                "socks5 or socks5h, which datagrams need",
            )),
        }
    }

    pub(crate) fn password(&self) -> (Option<&Credentials>, bool, bool) {
        match &self.login {
            HowToLogIn::Password {
                credentials,
                at_once,
                asks,
            } => (credentials.as_ref(), *at_once, *asks),
            HowToLogIn::Own(_) => (None, true, false),
        }
    }

    /// Whether all that it is ever told of who is asking goes with the first request.
    pub(crate) fn shows_at_once(&self) -> bool {
        matches!(self.login, HowToLogIn::Password { .. })
            && matches!(self.password(), (_, true, false))
    }

    /// Makes what answers the challenges of this proxy when it is asked for `next`.
    pub(crate) fn log_in(&self, next: &Endpoint, seed: Seed) -> Box<dyn Authenticator> {
        let target = next.to_string();
        let (credentials, at_once, asks) = match &self.login {
            HowToLogIn::Own(make) => return make(&target),
            HowToLogIn::Password { .. } => self.password(),
        };
        let mut login = Login::new(target, seed);
        if let Some(credentials) = credentials {
            login = login.with_credentials(credentials.clone());
        }
        if at_once {
            login = login.at_once();
        }
        if asks {
            login = login.asking();
        }
        Box::new(login)
    }
}

impl FromStr for Hop {
    type Err = RouteError;
    fn from_str(text: &str) -> Result<Self, RouteError> {
        let url = parse(text)?;
        let (proxy, port) = match url.scheme() {
            "socks4" | "socks4a" => (Proxy::Socks4, 1080),
            "socks5" | "socks5h" => (Proxy::Socks5, 1080),
            "http" => (Proxy::Http, 80),
            "https" => (Proxy::Https, 443),
            "h2c" => (Proxy::H2c, 80),
            "h2" => (Proxy::H2, 443),
            _ => {
                return Err(RouteError::Scheme(
                    "socks5, socks5h, socks4, socks4a, http, https, h2 or h2c",
                ));
            }
        };
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(RouteError::ProxyPath);
        }
        let credentials = credentials(&url)?;
        let password = credentials.as_ref().map(|it| &it.password);
        if proxy == Proxy::Socks4 && password.is_some_and(|it| !it.is_empty()) {
            return Err(RouteError::Socks4Password);
        }
        Ok(Self {
            proxy,
            endpoint: endpoint(&url, Some(port))?,
            login: HowToLogIn::Password {
                credentials,
                at_once: true,
                asks: false,
            },
            tls: None,
            unix: None,
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
        assert_eq!(hop.password().0, Some(&expected));
        assert!(!format!("{hop:?}{hop}").contains("p@s"));
    }
}
