//! The builders: where to connect to, by which route, and with which settings.

use super::fields::{Fields, with_fields};
use super::request::WebSocketRequest;
use super::spec::{Spec, invalid};
use crate::driver::dial::DialContext;
use crate::driver::http2::Origin;
use http::header::HeaderValue;
use std::marker::PhantomData;
use wirestack_dial::{BoxHttp2, BoxSocket};
use wirestack_dial::{
    Credentials, HttpVersions, Plan, Redirects, RouteError, Target, WebSocketOptions,
};
use wirestack_http1 as http1;
use wirestack_http2 as http2;
use wirestack_layer::{Error, Pipe, Queue};
use wirestack_nest::BoxTunnel;
use wirestack_websocket as websocket;
use wirestack_websocket::{Message, Part, Payload};

/// A WebSocket to connect: await it.
///
/// ```
/// use std::time::Duration;
/// use wirestack::connect;
/// use wirestack::http2::Http2Config;
/// use wirestack::websocket::WebSocketConfig;
///
/// let chat = connect("wss://example.org/chat")
///     .subprotocol("chat.v2")
///     .bearer("a-token") // or `basic_auth("ada", "secret")`
///     .user_agent("my-client/1.0")
///     .origin("https://example.org")
///     .proxy("http://proxy.corp.test:3128") // the same as `via`
///     .timeout(Duration::from_secs(10))
///     .config(WebSocketConfig::default().max_message(1 << 20))
///     .http2_config(Http2Config::default().streams(10));
/// let chat = if cfg!(debug_assertions) { chat.http1_only() } else { chat.http2_only() };
/// assert!(chat.plan().is_ok()); // what it would do; `chat.await` does it
/// ```
#[must_use = "a builder does nothing until it is awaited"]
pub struct Connect<F = Queue<Message>> {
    pub(super) target: Result<Target, RouteError>,
    pub(crate) spec: Spec,
    fields: Fields,
    config: websocket::WebSocketConfig,
    http2: http2::Http2Config,
    versions: HttpVersions,
    redirects: Redirects,
    form: PhantomData<fn(F) -> F>,
}

/// A stream of bytes to open: await it.
///
/// ```
/// use wirestack::connect_stream;
///
/// let mail = connect_stream("tls://mail.example.org:993")
///     .via("http://proxy.corp.test:3128")
///     .alpn(&[b"imap"])
///     .server_name("imap.example.org"); // which the certificate names
/// assert!(mail.plan().is_ok()); // `mail.await` connects
/// ```
#[must_use = "a builder does nothing until it is awaited"]
pub struct ConnectStream {
    pub(super) target: Result<Target, RouteError>,
    pub(crate) spec: Spec,
    alpn: Option<&'static [&'static [u8]]>,
}

/// Proxies, TLS and timeouts, set once and used for many connections. With the feature `hyper` it
/// is a connector for clients of `hyper`.
///
/// ```
/// use wirestack::Connector;
///
/// // The route of a program, for all that it connects to.
/// let connector = Connector::default()
///     .via("socks5h://gate.test:1080")
///     .via("http://me:secret@proxy.test:3128");
/// let smtp = connector.stream("tcp://mail.example.org:587");
/// let imap = connector.stream("tls://mail.example.org:993");
/// assert!(smtp.plan().is_ok() && imap.plan().is_ok());
/// ```
#[derive(Clone)]
#[must_use = "a builder does nothing until it is awaited"]
pub struct Connector {
    pub(crate) spec: Spec,
}

/// An HTTP/2 connection for many streams, to open: await it.
///
/// ```
/// use wirestack::connect_http2;
/// use wirestack::http2::Http2Config;
///
/// let many = connect_http2("wss://example.org")
///     .via("socks5h://gate.test:1080")
///     .config(Http2Config::default().streams(1000));
/// assert!(many.plan().is_ok()); // `many.await` connects
/// ```
#[must_use = "a builder does nothing until it is awaited"]
pub struct ConnectHttp2 {
    pub(super) target: Result<Target, RouteError>,
    pub(crate) spec: Spec,
    config: http2::Http2Config,
}

impl<F> Clone for Connect<F> {
    fn clone(&self) -> Self {
        Self {
            target: self.target.clone(),
            spec: self.spec.clone(),
            fields: self.fields.clone(),
            config: self.config.clone(),
            http2: self.http2.clone(),
            versions: self.versions,
            redirects: self.redirects,
            form: PhantomData,
        }
    }
}

impl Connect {
    /// Creates a builder for a `ws://` or `wss://` URL, or for a request.
    ///
    /// ```
    /// use wirestack::dial::PoolConfig;
    /// use wirestack::{Connect, DialContext, Pool};
    ///
    /// // Many builders with one resolver, one pool and one log.
    /// let context = DialContext::new().pool(Pool::new(PoolConfig::default()));
    /// let chat = Connect::new("wss://example.org/chat", context.clone());
    /// let news = Connect::new("wss://example.org/news", context);
    /// assert!(chat.plan().is_ok() && news.plan().is_ok());
    /// ```
    pub fn new<R>(request: R, context: DialContext) -> Self
    where
        R: TryInto<WebSocketRequest, Error: Into<RouteError>>,
    {
        let (target, fields, versions) = match request.try_into() {
            Ok(request) => (
                Ok(request.target),
                Fields::new(request.subprotocols, request.headers),
                if request.over_http2 {
                    HttpVersions::Http2
                } else {
                    HttpVersions::Any
                },
            ),
            Err(error) => (Err(error.into()), Fields::default(), HttpVersions::Any),
        };
        Self {
            target,
            spec: Spec::new(context),
            fields,
            config: websocket::WebSocketConfig::default(),
            http2: http2::Http2Config::default(),
            versions,
            redirects: Redirects::Off,
            form: PhantomData,
        }
    }

    /// Sends and receives messages in [parts](Part): for messages that are too large for memory, or
    /// that begin before their end is known.
    ///
    /// ```
    /// use wirestack::connect;
    /// use wirestack::websocket::Part;
    ///
    /// async fn upload(url: &str, chunks: Vec<Vec<u8>>) -> Result<(), Box<dyn std::error::Error>> {
    ///     let mut socket = connect(url).parts().await?;
    ///     for chunk in chunks {
    ///         socket.send(Part::more(chunk)).await?; // one message, of any length
    ///     }
    ///     socket.send(Part::last(Vec::new())).await?;
    ///     Ok(())
    /// }
    /// ```
    pub fn parts(self) -> Connect<Queue<Part>> {
        self.with_form()
    }

    /// Carries a stream of bytes in binary messages. The boundaries of the messages have no
    /// meaning. To finish one direction closes the WebSocket, which has no half-close.
    ///
    /// ```
    /// use tokio::io::AsyncWriteExt;
    /// use wirestack::connect;
    ///
    /// async fn shell(url: &str) -> Result<(), Box<dyn std::error::Error>> {
    ///     let mut bytes = connect(url).tunnel().await?; // AsyncRead and AsyncWrite
    ///     bytes.write_all(b"SSH-2.0-demo\r\n").await?;
    ///     bytes.flush().await?;
    ///     Ok(())
    /// }
    /// ```
    pub fn tunnel(self) -> Connect<Pipe> {
        self.with_form()
    }

    fn with_form<F: Payload>(self) -> Connect<F> {
        Connect {
            target: self.target,
            spec: self.spec,
            fields: self.fields,
            config: self.config,
            http2: self.http2,
            versions: self.versions,
            redirects: self.redirects,
            form: PhantomData,
        }
    }
}

impl<F: Payload> Connect<F> {
    /// Sets the limits of the WebSocket.
    pub fn config(mut self, config: websocket::WebSocketConfig) -> Self {
        self.config = config;
        self
    }

    /// Sets the limits of the HTTP/2 connection, if the WebSocket opens over HTTP/2.
    pub fn http2_config(mut self, config: http2::Http2Config) -> Self {
        self.http2 = config;
        self
    }

    /// Opens the WebSocket by an HTTP/1.1 upgrade only.
    pub fn http1_only(mut self) -> Self {
        self.versions = HttpVersions::Http1;
        self
    }

    /// Opens the WebSocket over HTTP/2 only (RFC 8441); to a `ws://` URL with prior knowledge.
    pub fn http2_only(mut self) -> Self {
        self.versions = HttpVersions::Http2;
        self
    }

    /// Follows redirects of the server. By default a redirect is an error.
    ///
    /// ```
    /// use wirestack::connect;
    /// use wirestack::dial::Redirects;
    ///
    /// let chat = connect("wss://example.org/chat").redirects(Redirects::SameOrigin);
    /// assert!(chat.plan().is_ok());
    /// ```
    pub fn redirects(mut self, redirects: Redirects) -> Self {
        self.redirects = redirects;
        self
    }

    /// Returns the plan for a [`Dialer`](crate::Dialer) of the caller's own: the target, the routes
    /// to it and the stack.
    ///
    /// # Errors
    ///
    /// The URL, a hop, a subprotocol or a header field is not valid.
    pub fn plan(self) -> Result<Plan<BoxSocket<F>>, Error> {
        let certificates = self.spec.certificates.clone();
        let hop_changes = self.spec.hop_changes.clone();
        let (routes, target, tls) = self.spec.resolve(self.target)?;
        target.must_be_websocket().map_err(invalid)?;
        let known = authorization(&target)?;
        let request = self.fields.request(&target.request_url(), known)?;
        let options = WebSocketOptions {
            request,
            config: self.config,
            http2: self.http2,
            versions: self.versions,
            redirects: self.redirects,
        };
        let plan = Plan::websocket(routes, target, tls, options).map_err(invalid)?;
        let plan = plan.with_certificates(&certificates).map_err(invalid)?;
        Ok(hop_changes.in_plan(plan))
    }
}

with_fields!(Connect, F);

impl ConnectStream {
    /// Creates a builder for a `tcp://host:port`, `tls://host:port`, `http://` or `https://` URL.
    ///
    /// ```
    /// use wirestack::{ConnectStream, DialContext};
    ///
    /// let context = DialContext::new(); // with the resolver, the pool and the log of a program
    /// assert!(ConnectStream::new("tcp://example.org:22", context).plan().is_ok());
    /// ```
    pub fn new<T>(url: T, context: DialContext) -> Self
    where
        T: TryInto<Target, Error: Into<RouteError>>,
    {
        Self {
            target: url.try_into().map_err(Into::into),
            spec: Spec::new(context),
            alpn: None,
        }
    }

    /// Sets the target, instead of that of the URL.
    #[cfg(feature = "hyper")]
    pub(super) fn set_target(&mut self, target: Target) {
        self.target = Ok(target);
        // They are those of the target before.
        self.spec.unix_socket = None;
        self.spec.server_name = None;
    }

    /// Offers these protocols by ALPN to a target over TLS, instead of those of the TLS
    /// configuration.
    ///
    /// ```
    /// use wirestack::connect_stream;
    ///
    /// let imap = connect_stream("tls://mail.example.org:993").alpn(&[b"imap"]);
    /// assert!(imap.plan().is_ok());
    /// ```
    pub fn alpn(mut self, protocols: &'static [&'static [u8]]) -> Self {
        self.alpn = Some(protocols);
        self
    }

    /// Returns the plan for a [`Dialer`](crate::Dialer) of the caller's own.
    ///
    /// # Errors
    ///
    /// The URL or a hop is not valid.
    pub fn plan(self) -> Result<Plan<BoxTunnel>, Error> {
        let certificates = self.spec.certificates.clone();
        let hop_changes = self.spec.hop_changes.clone();
        let (routes, target, tls) = self.spec.resolve(self.target)?;
        let plan = Plan::stream(routes, target, tls, self.alpn).map_err(invalid)?;
        let plan = plan.with_certificates(&certificates).map_err(invalid)?;
        Ok(hop_changes.in_plan(plan))
    }
}

impl Connector {
    /// Creates a connector that uses the proxies of the environment until others are set.
    ///
    /// ```
    /// use wirestack::{Connector, DialContext};
    ///
    /// let context = DialContext::new(); // with the resolver, the pool and the log of a program
    /// let connector = Connector::new(context).via("http://proxy.test:3128");
    /// assert!(connector.stream("tls://example.org:443").plan().is_ok());
    /// ```
    pub fn new(context: DialContext) -> Self {
        Self {
            spec: Spec::new(context),
        }
    }

    /// Opens a stream of bytes to this URL: see [`connect_stream`](crate::connect_stream).
    pub fn stream<T>(&self, url: T) -> ConnectStream
    where
        T: TryInto<Target, Error: Into<RouteError>>,
    {
        ConnectStream {
            target: url.try_into().map_err(Into::into),
            spec: self.spec.clone(),
            alpn: None,
        }
    }
}

impl ConnectHttp2 {
    /// Creates a builder for a `wss://`, `https://`, `ws://` or `http://` URL.
    ///
    /// ```
    /// use wirestack::{ConnectHttp2, DialContext};
    ///
    /// let context = DialContext::new(); // with the resolver and the log of a program
    /// assert!(ConnectHttp2::new("wss://example.org", context).plan().is_ok());
    /// ```
    pub fn new<T>(url: T, context: DialContext) -> Self
    where
        T: TryInto<Target, Error: Into<RouteError>>,
    {
        Self {
            target: url.try_into().map_err(Into::into),
            spec: Spec::new(context),
            config: http2::Http2Config::default(),
        }
    }

    /// Sets the limits of the connection.
    pub fn config(mut self, config: http2::Http2Config) -> Self {
        self.config = config;
        self
    }

    /// Returns the plan for a [`Dialer`](crate::Dialer) of the caller's own.
    ///
    /// # Errors
    ///
    /// The URL or a hop is not valid.
    pub fn plan(self) -> Result<Plan<BoxHttp2>, Error> {
        Ok(self.plan_and_origin()?.0)
    }

    /// Returns the plan and the origin that it leads to.
    pub(super) fn plan_and_origin(self) -> Result<(Plan<BoxHttp2>, Origin), Error> {
        let certificates = self.spec.certificates.clone();
        let hop_changes = self.spec.hop_changes.clone();
        let (routes, target, tls) = self.spec.resolve(self.target)?;
        let origin = Origin {
            url: target.origin(),
            authorization: authorization(&target)?,
        };
        let plan = Plan::http2(routes, target, tls, self.config).map_err(invalid)?;
        let plan = plan.with_certificates(&certificates).map_err(invalid)?;
        Ok((hop_changes.in_plan(plan), origin))
    }
}

/// Returns the field of Basic authentication for the user and password of a URL.
fn authorization(target: &Target) -> Result<Option<HeaderValue>, Error> {
    let credentials = target.credentials();
    credentials
        .map(|Credentials { user, password }| http1::basic_credentials(user, password))
        .transpose()
}
