use crate::handshake::{Key, TOKEN, VERSION, add, local};
use crate::{WebSocketConfig, WebSocketError, deflate};
use http::Uri;
use http::header::{
    AUTHORIZATION, COOKIE, HeaderMap, HeaderName, HeaderValue, PROXY_AUTHORIZATION,
    SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION,
};
use http::uri::PathAndQuery;
use std::borrow::Cow;
use std::fmt;
use wirestack_http::SafeDebug;
use wirestack_http::grammar::is_token;
use wirestack_http1::upgrade;
use wirestack_layer::{Error, HostPort};

/// The request of a client: a `ws` or `wss` URI, subprotocols and further fields.
///
/// ```
/// use wirestack_websocket::ClientRequest;
///
/// let request = ClientRequest::new("wss://example.org/chat?room=1")?
///     .subprotocol("chat.v2")?
///     .subprotocol("chat.v1")?
///     .header("origin", "https://example.org")?;
/// assert!(request.is_secure());
/// assert_eq!((request.host(), request.port()), ("example.org", 443));
/// assert!(ClientRequest::new("https://example.org/").is_err());
/// # Ok::<(), wirestack_layer::Error>(())
/// ```
#[derive(Clone)]
pub struct ClientRequest {
    uri: Uri,
    port: u16,
    subprotocols: Vec<String>,
    headers: HeaderMap,
}

impl ClientRequest {
    /// Parses a `ws://` or `wss://` URI (RFC 6455 §3). It is ASCII (RFC 3986 §2): a host has A-labels,
    /// and a path has percent-encoded characters.
    ///
    /// # Errors
    ///
    /// [`WebSocketError::BadUri`], also for a fragment and for user information. Put credentials
    /// into a [`header`](Self::header).
    pub fn new(uri: &str) -> Result<Self, Error> {
        let (uri, port) = parse(uri).map_err(|what| local(WebSocketError::BadUri(what)))?;
        Ok(Self {
            uri,
            port,
            subprotocols: Vec::new(),
            headers: HeaderMap::new(),
        })
    }

    /// Offers a subprotocol. Offer the preferred ones first.
    ///
    /// # Errors
    ///
    /// [`WebSocketError::BadSubprotocol`].
    pub fn subprotocol(mut self, name: &str) -> Result<Self, Error> {
        if !is_token(name) || self.subprotocols.iter().any(|other| other == name) {
            return Err(local(WebSocketError::BadSubprotocol(name.to_owned())));
        }
        self.subprotocols.push(name.to_owned());
        Ok(self)
    }

    /// Adds a field.
    ///
    /// # Errors
    ///
    /// [`WebSocketError::InvalidField`]; [`WebSocketError::ReservedField`] for a field that the
    /// handshake sets itself.
    pub fn header(
        mut self,
        name: impl TryInto<HeaderName>,
        value: impl TryInto<HeaderValue>,
    ) -> Result<Self, Error> {
        add(&mut self.headers, name, value).map_err(local)?;
        Ok(self)
    }

    /// Sets another URI, to follow a redirect. For another origin, it removes `Authorization`,
    /// `Cookie` and every field whose value is marked as sensitive.
    ///
    /// ```
    /// use wirestack_websocket::ClientRequest;
    ///
    /// let request = ClientRequest::new("wss://example.org/chat")?.header("cookie", "session=7")?;
    /// // To another server, so that the cookie does not go there.
    /// let request = request.redirected("wss://example.com/chat", false)?;
    /// assert_eq!((request.uri().path(), request.host()), ("/chat", "example.com"));
    /// # Ok::<(), wirestack_layer::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`WebSocketError::BadUri`].
    pub fn redirected(mut self, uri: &str, same_origin: bool) -> Result<Self, Error> {
        (self.uri, self.port) = parse(uri).map_err(|what| local(WebSocketError::BadUri(what)))?;
        if !same_origin {
            let fields = self.headers.iter();
            let secret = |(name, value): &(&HeaderName, &HeaderValue)| {
                let owned = [AUTHORIZATION, PROXY_AUTHORIZATION, COOKIE].contains(name);
                owned || value.is_sensitive()
            };
            let secrets = fields.filter(secret).map(|(name, _)| name.clone());
            for name in secrets.collect::<Vec<_>>() {
                self.headers.remove(name);
            }
        }
        Ok(self)
    }

    /// Returns the URI.
    ///
    /// ```
    /// use wirestack_websocket::ClientRequest;
    ///
    /// assert_eq!(ClientRequest::new("wss://example.org/chat")?.uri().path(), "/chat");
    /// # Ok::<(), wirestack_layer::Error>(())
    /// ```
    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    /// Returns `true` if the scheme is `wss`: TLS belongs under this layer.
    pub fn is_secure(&self) -> bool {
        self.uri.scheme().is_some_and(|scheme| *scheme == *WSS)
    }

    /// Returns the host: a name, an IPv4 address, or an IPv6 address in brackets.
    pub fn host(&self) -> &str {
        self.uri.host().unwrap_or_default()
    }

    /// Returns the port: that of the URI, or the one of its scheme, 80 or 443.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the subprotocols that are offered.
    pub(crate) fn subprotocols(&self) -> &[String] {
        &self.subprotocols
    }

    /// Returns the subprotocols that are offered.
    pub(crate) fn into_subprotocols(self) -> Vec<String> {
        self.subprotocols
    }

    /// Returns the fields of the handshake that do not depend on the version of HTTP.
    fn own_fields(&self, config: &WebSocketConfig) -> impl Iterator<Item = Field> + use<> {
        let version = HeaderValue::from_static(VERSION);
        let offered = (!self.subprotocols.is_empty()).then(|| self.subprotocols.join(", "));
        let offered = offered.and_then(|offered| HeaderValue::try_from(offered).ok());
        let deflate = config.deflate.as_ref().map(deflate::offer);
        let deflate = deflate.and_then(|offered| HeaderValue::try_from(offered).ok());
        let fields = [
            (SEC_WEBSOCKET_VERSION, Some(version)),
            (SEC_WEBSOCKET_PROTOCOL, offered),
            (SEC_WEBSOCKET_EXTENSIONS, deflate),
        ];
        let fields = fields.into_iter();
        fields.filter_map(|(name, value)| Some((name, value?)))
    }

    /// Returns the layer that asks for an upgrade with this key.
    pub(crate) fn to_http1(
        &self,
        key: &Key,
        config: &WebSocketConfig,
    ) -> Result<upgrade::Client, Error> {
        let root = PathAndQuery::from_static("/");
        let target = self.uri.path_and_query().unwrap_or(&root);
        let mut client = upgrade::Client::get(TOKEN, target, &self.authority())?;
        if let Some(key) = key.value() {
            client = client.with_header(&SEC_WEBSOCKET_KEY, &key);
        }
        for (name, value) in self.own_fields(config) {
            client = client.with_header(&name, &value);
        }
        for (name, value) in &self.headers {
            client = client.with_header(name, value);
        }
        Ok(client)
    }

    /// Returns the request for a stream of an HTTP/2 connection: the URI and the fields of an
    /// extended CONNECT with the protocol `websocket` (RFC 8441 §5), without a key. Pass the
    /// configuration that the layer will have: it tells which extensions to offer.
    ///
    /// ```
    /// use wirestack_websocket::{ClientRequest, WebSocketConfig};
    ///
    /// let request = ClientRequest::new("wss://example.org/chat")?;
    /// let head = request.to_http2(&WebSocketConfig::default());
    /// assert_eq!(head.headers()["sec-websocket-version"], "13");
    /// # Ok::<(), wirestack_layer::Error>(())
    /// ```
    pub fn to_http2(&self, config: &WebSocketConfig) -> http::Request<()> {
        let mut request = http::Request::new(());
        let scheme = if self.is_secure() { "https" } else { "http" };
        let built = Uri::builder()
            .scheme(scheme)
            .authority(&*self.authority())
            .path_and_query(&*self.target())
            .build();
        // Each part comes from a valid URI.
        *request.uri_mut() = built.unwrap_or_default();
        let fields = request.headers_mut();
        fields.extend(self.own_fields(config));
        fields.extend(self.headers.clone());
        request
    }

    /// Returns the host, and the port unless it is that of the scheme.
    fn authority(&self) -> Cow<'_, str> {
        let default_port = if self.is_secure() { 443 } else { 80 };
        match self.port {
            port if port == default_port => self.host().into(),
            port => HostPort::new(self.host(), port).to_string().into(),
        }
    }

    /// Returns the path, beginning with a slash, and the query.
    fn target(&self) -> Cow<'_, str> {
        match self.uri.path_and_query().map(PathAndQuery::as_str) {
            Some(target) if target.starts_with('/') => target.into(),
            Some(target) => format!("/{target}").into(),
            None => "/".into(),
        }
    }
}

/// Shows neither the query nor the values of fields: they may be secrets.
impl fmt::Debug for ClientRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientRequest")
            .field("uri", &SafeDebug(&self.uri))
            .field("subprotocols", &self.subprotocols.len())
            .field("fields", &SafeDebug(&self.headers))
            .finish_non_exhaustive()
    }
}

fn parse(text: &str) -> Result<(Uri, u16), &'static str> {
    if text.contains('#') {
        return Err("it has a fragment");
    }
    if !text.is_ascii() {
        return Err("it has a character outside of ASCII, which has to be percent-encoded");
    }
    let uri = Uri::try_from(text).or(Err("it is malformed"))?;
    let default_port = match uri.scheme() {
        Some(scheme) if *scheme == *WS => 80,
        Some(scheme) if *scheme == *WSS => 443,
        _ => return Err("its scheme is neither ws nor wss"),
    };
    let authority = uri.authority().ok_or("it has no host")?;
    if authority.as_str().contains('@') {
        return Err("it has user information");
    }
    if authority.host().is_empty() {
        return Err("it has no host");
    }
    let target = HostPort::parse(authority.as_str(), Some(default_port));
    let port = target
        .ok_or("its port is not a number from 1 to 65535")?
        .port();
    Ok((uri, port))
}

type Field = (HeaderName, HeaderValue);

const WS: &str = "ws";
const WSS: &str = "wss";
