//! One proxy of a route.

use crate::auth::{Authenticator, Credentials, Scheme, SchemeContext};
use crate::route::endpoint::{Endpoint, RouteError};
use crate::route::http_versions::HttpVersions;
use crate::route::login::ProxyLogin;
use crate::route::scheme::{Proxy, Speaks};
use crate::route::url::Url;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use wirestack_http1 as http1;
use wirestack_http2 as http2;
use wirestack_tls::Certificates;
use wirestack_tls::rustls::ClientConfig;
use zeroize::Zeroizing;

/// One proxy of a route, read from a URL.
///
/// The schemes are `socks5://`, `socks5h://`, `socks4://`, `socks4a://`, `http://`, and `https://`
/// for TLS to the proxy; `h2://` and `h2c://` are proxies that take CONNECT over HTTP/2, with and
/// without TLS; `socks5+tls://` and `socks4+tls://` are SOCKS proxies behind TLS. The URL may have a user and a password; SOCKS4 has a user only. The default port is
/// 1080, 80 or 443.
///
/// User and password are percent-decoded to bytes, and sent as these. The first hop may be at a
/// link-local address, with its zone: `http://[fe80::1%25eth0]:3128` (RFC 6874).
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
///
/// A hop over TLS with a login, and with all that a company may want:
///
/// ```
/// use wirestack_dial::Hop;
/// use wirestack_http1::Limits;
/// use wirestack_http2::Http2Config;
/// use wirestack_tls::Certificates;
///
/// let hop: Hop = "https://proxy.corp.test:3129".parse()?;
/// let hop = hop
///     .default_credentials() // the ticket of the user who is logged in, where the proxy wants one
///     .asking() // or else a dialog
///     .certificates(&Certificates::new().ca_file("/etc/corp/ca.pem"))
///     .http2_if_offered()
///     .http2_config(Http2Config::default().streams(10))
///     .limits(Limits::default().head(64 * 1024))
///     .lenient(); // bears responses that are not quite HTTP
/// assert!(hop.wants_tls());
/// assert_eq!(hop.endpoint().to_string(), "proxy.corp.test:3129");
/// # Ok::<(), wirestack_dial::RouteError>(())
/// ```
#[derive(Clone)]
pub struct Hop {
    pub(crate) proxy: Proxy,
    pub(crate) endpoint: Endpoint,
    pub(crate) login: ProxyLogin,
    pub(crate) tls: Option<Arc<ClientConfig>>,
    pub(crate) certificates: Certificates,
    pub(crate) unix: Option<PathBuf>,
    /// The name that TLS asks for and checks, in place of the host.
    pub(crate) server_name: Option<String>,
    /// An `https://` proxy is offered HTTP/2 too.
    offers_http2: bool,
    pub(crate) connect: ConnectSettings,
}

/// The settings of the CONNECT to an HTTP proxy.
#[derive(Clone, Default)]
pub(crate) struct ConnectSettings {
    pub(crate) fields: HeaderMap,
    pub(crate) limits: http1::Limits,
    pub(crate) lenient: bool,
    pub(crate) http2: http2::Http2Config,
}

impl Hop {
    /// Sets the user and the password for this hop, instead of those in its URL.
    ///
    /// A SOCKS proxy gets them if it asks. An HTTP proxy gets them with the first request, as
    /// Basic, unless [`on_challenge`](Self::on_challenge) is set.
    #[must_use]
    pub fn credentials(mut self, user: impl Into<Vec<u8>>, password: impl Into<Vec<u8>>) -> Self {
        let login = self.by_scheme();
        login.credentials = Some(Credentials::new(user, password));
        self
    }

    /// Sends credentials to an HTTP proxy only after it asked for them, and by the strongest scheme
    /// that it offers: NTLM (feature `ntlm`) before Digest before Basic.
    ///
    /// That costs one more round trip. Only Basic sends the password itself.
    ///
    /// ```
    /// use wirestack_dial::Hop;
    ///
    /// let hop: Hop = "http://proxy.test:3128".parse()?;
    /// let hop = hop.credentials("ada", "secret").on_challenge(); // not before the proxy has asked
    /// assert!(!hop.wants_tls() && hop.endpoint().port == 3128);
    /// # Ok::<(), wirestack_dial::RouteError>(())
    /// ```
    #[must_use]
    pub fn on_challenge(mut self) -> Self {
        self.login.at_once = false;
        self
    }

    /// Asks the user for credentials if the HTTP proxy wants some and there are none, and again if
    /// the proxy refuses them: see [`Step::Ask`](crate::Step::Ask).
    #[must_use]
    pub fn asking(mut self) -> Self {
        self.login.asks = true;
        self
    }

    /// Logs in to an HTTP proxy as the user who is logged in on this machine: by Negotiate, with the
    /// ticket of that user. The option of curl is `--proxy-negotiate --proxy-user :`.
    ///
    /// It is off unless it is asked for, and the ticket goes to this proxy alone. The proxy learns
    /// who the user is, so ask for it only for proxies of the user's own network. Credentials wait
    /// for a challenge, as with [`on_challenge`](Self::on_challenge); a user and a password of the
    /// hop are sent if there is no ticket, or if the proxy refuses it.
    ///
    /// The ticket is looked for on a thread that may wait, and a key distribution centre that does not
    /// answer may hold that thread for half a minute. Connecting ends in its time; a runtime that
    /// waits for its threads at its end, as that of tokio does, ends later.
    ///
    /// A driver has to know the ticket:
    /// [`Dialer::with_default_credentials`](crate::Dialer::with_default_credentials). That of
    /// `wirestack` does with the feature `negotiate`.
    #[must_use]
    pub fn default_credentials(mut self) -> Self {
        let login = self.by_scheme();
        login.default_credentials = true;
        login.at_once = false;
        self
    }

    /// Sets the name of this machine that NTLM sends to the proxy. It is empty by default; some
    /// companies let users log in from their own machine only.
    ///
    /// ```
    /// use wirestack_dial::Hop;
    ///
    /// let hop: Hop = "http://proxy.corp.test:3128".parse()?;
    /// let hop = hop.credentials(r"CORP\ada", "secret").on_challenge().workstation("PC-7");
    /// drop(hop);
    /// # Ok::<(), wirestack_dial::RouteError>(())
    /// ```
    #[cfg(feature = "ntlm")]
    #[must_use]
    pub fn workstation(mut self, name: impl Into<String>) -> Self {
        self.by_scheme().workstation = name.into();
        self
    }

    /// Adds an authentication scheme for an HTTP proxy. The strongest scheme that the proxy offers
    /// and that can be used is chosen: see [`Login`](crate::auth::Login).
    ///
    /// `make` is called for each dialing.
    ///
    /// ```
    /// use wirestack_dial::Hop;
    /// use wirestack_dial::auth::{Scheme, SchemeAction, SchemeInput};
    ///
    /// /// Sends the same token again and again.
    /// struct Token;
    ///
    /// impl Scheme for Token {
    ///     fn name(&self) -> &str {
    ///         "Token"
    ///     }
    ///
    ///     fn strength(&self) -> u8 {
    ///         50 // before all schemes of the project
    ///     }
    ///
    ///     fn step(&mut self, _: SchemeInput<'_>) -> SchemeAction {
    ///         SchemeAction::Authorize(Some(http::HeaderValue::from_static("Token abc")))
    ///     }
    /// }
    ///
    /// let hop: Hop = "http://proxy.test:3128".parse()?;
    /// let hop = hop.scheme(|_context| Box::new(Token));
    /// drop(hop);
    /// # Ok::<(), wirestack_dial::RouteError>(())
    /// ```
    #[must_use]
    pub fn scheme(
        mut self,
        make: impl Fn(SchemeContext<'_>) -> Box<dyn Scheme> + Send + Sync + 'static,
    ) -> Self {
        self.by_scheme().schemes.push(Arc::new(make));
        self
    }

    /// Sets an authenticator of the caller's own for an HTTP proxy, in place of all schemes.
    ///
    /// `make` is called for each dialing, with the `host:port` of the next hop or target.
    ///
    /// ```
    /// use wirestack_dial::Hop;
    /// use wirestack_dial::auth::{Action, Authenticator, Input};
    ///
    /// /// Sends no credentials, whatever the proxy says.
    /// struct Anonymous;
    ///
    /// impl Authenticator for Anonymous {
    ///     fn step(&mut self, input: Input<'_>) -> Action {
    ///         match input {
    ///             Input::Awaiting(_) => Action::Authorize(None),
    ///             _ => Action::GiveUp("nobody is known here".into()),
    ///         }
    ///     }
    /// }
    ///
    /// let hop: Hop = "http://proxy.test:3128".parse()?;
    /// let hop = hop.authenticator(|_target| Box::new(Anonymous));
    /// drop(hop);
    /// # Ok::<(), wirestack_dial::RouteError>(())
    /// ```
    #[must_use]
    pub fn authenticator(
        mut self,
        make: impl Fn(&str) -> Box<dyn Authenticator> + Send + Sync + 'static,
    ) -> Self {
        self.login = ProxyLogin::of(None);
        self.login.custom = Some(Arc::new(make));
        self
    }

    /// Returns the login by schemes, which replaces an authenticator of the caller's own.
    fn by_scheme(&mut self) -> &mut ProxyLogin {
        self.login.custom = None;
        &mut self.login
    }

    /// Connects to this Unix socket instead of the proxy's host and port, if the hop is the first
    /// one.
    ///
    /// ```
    /// use wirestack_dial::Hop;
    ///
    /// let hop: Hop = "http://localhost:3128".parse()?;
    /// let hop = hop.unix_socket("/run/proxy.sock");
    /// assert_eq!(hop.endpoint().port, 3128); // the host and the port are only names then
    /// # Ok::<(), wirestack_dial::RouteError>(())
    /// ```
    #[must_use]
    pub fn unix_socket(mut self, path: impl Into<PathBuf>) -> Self {
        self.unix = Some(path.into());
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

    /// Returns the protocols that the proxy is offered by ALPN.
    pub(crate) fn alpn(&self) -> &'static [&'static [u8]] {
        match self.versions() {
            HttpVersions::Any => HttpVersions::Any.alpn(),
            _ => self.proxy.alpn(),
        }
    }

    /// Leaves HTTP/2 for HTTP/1.1. Returns `false` if HTTP/1.1 is not allowed, or was offered alone.
    pub(crate) fn leave_http2(&mut self) -> bool {
        let leaves = self.versions() == HttpVersions::Any;
        self.offers_http2 &= !leaves;
        leaves
    }

    /// Sends a field with each CONNECT to an HTTP proxy, such as `User-Agent` or a token.
    ///
    /// ```
    /// use http::{HeaderName, HeaderValue};
    /// use wirestack_dial::Hop;
    ///
    /// let hop: Hop = "https://proxy.test:8443".parse()?;
    /// let hop = hop
    ///     .header(HeaderName::from_static("x-team"), HeaderValue::from_static("blue"))?
    ///     .http2_if_offered()
    ///     .lenient(); // bears answers that are not quite HTTP
    /// assert!(hop.wants_tls());
    /// # Ok::<(), wirestack_dial::RouteError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`RouteError::Field`] for a field that belongs to the request itself: `Host`,
    /// `Proxy-Authorization` (see [`credentials`](Self::credentials) and
    /// [`authenticator`](Self::authenticator)), one that frames content, or one of the connection.
    /// [`RouteError::NotHttp`] if the hop is a SOCKS proxy.
    pub fn header(mut self, name: HeaderName, mut value: HeaderValue) -> Result<Self, RouteError> {
        if self.proxy.speaks() == Speaks::Socks {
            return Err(RouteError::NotHttp);
        }
        if RESERVED.contains(&name.as_str()) {
            return Err(RouteError::Field(name));
        }
        value.set_sensitive(true); // a token, perhaps
        self.connect.fields.append(name, value);
        Ok(self)
    }

    /// Sets the limits of an HTTP/1.1 proxy: of the head and the body of its responses.
    #[must_use]
    pub fn limits(mut self, limits: http1::Limits) -> Self {
        self.connect.limits = limits;
        self
    }

    /// Sets the limits of the connection to an HTTP/2 proxy.
    #[must_use]
    pub fn http2_config(mut self, config: http2::Http2Config) -> Self {
        self.connect.http2 = config;
        self
    }

    /// Takes responses of an HTTP/1.1 proxy that are not quite as the grammar has them: see
    /// [`connect::Client::lenient`](http1::connect::Client::lenient).
    #[must_use]
    pub fn lenient(mut self) -> Self {
        self.connect.lenient = true;
        self
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
            Proxy::Socks5 { tls: false } => Ok(self.known_credentials()),
            _ => Err(RouteError::Scheme(
                "socks5:// or socks5h://, because UDP needs a SOCKS5 proxy",
            )),
        }
    }

    /// Returns the credentials of the URL or of [`credentials`](Self::credentials).
    pub(crate) fn known_credentials(&self) -> Option<&Credentials> {
        self.login.credentials.as_ref()
    }
}

impl Hop {
    /// Reads the value of a variable of the environment, as curl does: `http://` may be missing, and
    /// what a proxy has no use for is passed over.
    pub(crate) fn from_variable(text: &str) -> Result<Self, RouteError> {
        if text.contains("://") {
            return Self::from_url(&Url::split(text, MEANT)?);
        }
        let before = text.split([':', '/']).next().unwrap_or_default();
        if !text.contains('@') && Proxy::of_scheme(&before.to_ascii_lowercase()).is_ok() {
            return Err(RouteError::NoScheme(MEANT)); // `http:/proxy.test` has lost a slash
        }
        let text = Zeroizing::new(format!("http://{text}"));
        Self::from_url(&Url::split(&text, MEANT)?)
    }

    fn from_url(url: &Url<'_>) -> Result<Self, RouteError> {
        if url.has_login_behind() {
            return Err(RouteError::Unescaped);
        }
        let (host, port) = url.host_and_port()?;
        let proxy = Proxy::of_scheme(&url.scheme)?;
        let credentials = url.credentials();
        let has_control = |known: &Credentials| {
            let mut bytes = known.user.iter().chain(&known.password);
            bytes.any(u8::is_ascii_control)
        };
        if proxy.speaks() != Speaks::Socks && credentials.as_ref().is_some_and(has_control) {
            return Err(RouteError::Credentials);
        }
        Ok(Self {
            proxy,
            endpoint: Endpoint {
                host,
                port: port.unwrap_or(proxy.default_port()),
            },
            login: ProxyLogin::of(credentials),
            tls: None,
            certificates: Certificates::new(),
            unix: None,
            server_name: None,
            offers_http2: false,
            connect: ConnectSettings::default(),
        })
    }
}

impl FromStr for Hop {
    type Err = RouteError;

    fn from_str(text: &str) -> Result<Self, RouteError> {
        let url = Url::split(text, MEANT)?;
        let hop = Self::from_url(&url)?;
        if !matches!(url.rest, "" | "/") {
            return Err(RouteError::ProxyPath);
        }
        let password = hop.known_credentials().map(|known| &known.password);
        if hop.proxy.is_socks4() && password.is_some_and(|password| !password.is_empty()) {
            return Err(RouteError::Socks4Password);
        }
        Ok(hop)
    }
}

impl fmt::Display for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.proxy.scheme(), self.endpoint)
    }
}

impl fmt::Debug for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hop({self})")
    }
}

/// The schemes that are meant where there is none.
const MEANT: &str = "http:// before it for an HTTP proxy, or socks5h:// for a SOCKS proxy";

/// The fields that no caller adds to a CONNECT: those that it has by itself, those that frame content,
/// and those of one connection (RFC 9110 §7.6.1), which HTTP/2 forbids.
const RESERVED: [&str; 12] = [
    "host",
    "proxy-authorization",
    "content-length",
    "transfer-encoding",
    "connection",
    "proxy-connection",
    "keep-alive",
    "te",
    "trailer",
    "upgrade",
    "expect",
    "http2-settings",
];

#[cfg(test)]
#[path = "hop_tests.rs"]
mod tests;
