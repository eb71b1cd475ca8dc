use crate::client_handshake::{ClientExchange, ClientHandshake, ResponseKind, USUAL_REQUEST};
use crate::error::Http1Error;
use crate::facts::Facts;
use crate::head::{self, ResponseHead};
use crate::limits::Limits;
use crate::tunnel::{Tunnel, tunnel_layer};
use crate::upgrade::token::is_protocol;
use bytes::BytesMut;
use http::header::{
    CONNECTION, CONTENT_LENGTH, HOST, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING,
    UPGRADE,
};
use http::uri::PathAndQuery;
use http::{Method, Request, Response, StatusCode};
use std::borrow::Cow;
use std::fmt;
use std::mem;
use wirestack_http::grammar::has_token;
use wirestack_layer::{Error, decode_text};

/// The client's side of an upgrade: it asks a server for another protocol, and is a plain tunnel
/// once the server has agreed.
///
/// `101 Switching Protocols` with the right token opens the tunnel. Any other final response is a
/// [`Refusal`](crate::Refusal), whose status and fields tell a redirect from a 401 or a 426.
///
/// ```
/// use wirestack_http1::{Limits, upgrade::Client};
/// use wirestack_layer::{Flow, Flows, Instant, Layer, Pipe};
///
/// let request = http::Request::get("/shell").header("host", "example.org").body(())?;
/// let mut client = Client::new("my-protocol", request)?.with_limits(Limits::default());
/// let [mut from_wire, mut to_wire, mut from_app, mut to_app] = <[Pipe; 4]>::default();
/// from_wire.write(b"HTTP/1.1 101 Switching Protocols\r\n\
///     Upgrade: my-protocol\r\nConnection: upgrade\r\nX-Node: 7\r\n\r\nhello");
/// let flows = Flows::new(&mut from_wire, &mut to_wire, &mut from_app, &mut to_app);
/// client.process(flows, Instant::ORIGIN);
/// assert_eq!(client.response().unwrap().headers()["x-node"], "7");
/// assert_eq!(to_app.unread(), b"hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Client {
    tunnel: Tunnel<ClientHandshake<Upgrade>>,
}

impl Client {
    /// Creates a client that asks for `token` with the given request.
    ///
    /// The URI of the request is a path and query, or absolute. `Host` comes from the URI, unless
    /// the request has that field. `Connection` and `Upgrade` are added. `Content-Length` and
    /// `Transfer-Encoding` are left out, as the request has no content; an `Upgrade` of its own is
    /// too. The zone of an IPv6 address stays on this machine.
    ///
    /// # Errors
    ///
    /// [`Http1Error::BadToken`], [`Http1Error::NoHost`], [`Http1Error::BadPath`],
    /// [`Http1Error::UpgradeByConnect`].
    pub fn new(token: impl Into<Cow<'static, str>>, request: Request<()>) -> Result<Self, Error> {
        Self::with_request(Upgrade::new(token.into(), &request))
    }

    /// Creates a client that asks for `token` with a `GET` of `target`, a path with or without a
    /// query, at `host`. Further fields are those of [`with_header`](Self::with_header).
    ///
    /// ```
    /// use http::header::{HeaderName, HeaderValue};
    /// use wirestack_http1::upgrade::Client;
    /// use wirestack_layer::{Flows, Instant, Layer, Pipe};
    ///
    /// let mut client = Client::get("my-protocol", &"/shell".parse()?, "example.org")?
    ///     .with_header(&HeaderName::from_static("x-node"), &HeaderValue::from_static("7"));
    /// let [mut from_wire, mut to_wire, mut from_app, mut to_app] = <[Pipe; 4]>::default();
    /// let flows = Flows::new(&mut from_wire, &mut to_wire, &mut from_app, &mut to_app);
    /// client.process(flows, Instant::ORIGIN);
    /// let asked = "GET /shell HTTP/1.1\r\nHost: example.org\r\nConnection: Upgrade\r\n\
    ///     Upgrade: my-protocol\r\nX-Node: 7\r\n\r\n";
    /// assert_eq!(to_wire.unread(), asked.as_bytes());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Http1Error::BadToken`]; [`Http1Error::BadPath`]; [`Http1Error::BadHost`] for a host that is
    /// empty, or has other characters than visible ASCII.
    pub fn get(
        token: impl Into<Cow<'static, str>>,
        target: &PathAndQuery,
        host: &str,
    ) -> Result<Self, Error> {
        let is_host = !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_graphic());
        let upgrade = if is_host {
            let (method, host) = (&Method::GET, host.as_bytes());
            Upgrade::begin(token.into(), method, Some(target), host)
        } else {
            Err(Http1Error::BadHost)
        };
        Self::with_request(upgrade)
    }

    fn with_request(upgrade: Result<Upgrade, Http1Error>) -> Result<Self, Error> {
        let upgrade = upgrade.map_err(|cause| Error::local(NAME, cause))?;
        let tunnel = Tunnel::new(ClientHandshake::new(upgrade));
        Ok(Self { tunnel })
    }

    /// Adds a field to the request. Call it before the first `process`.
    ///
    /// `Host`, `Upgrade`, `Content-Length` and `Transfer-Encoding` are left out.
    ///
    /// ```
    /// use http::header::{COOKIE, HeaderValue};
    /// use wirestack_http1::upgrade::Client;
    ///
    /// let client = Client::get("my-protocol", &"/shell".parse()?, "example.org")?
    ///     .with_header(&COOKIE, &HeaderValue::from_static("session=7"));
    /// # drop(client);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_header(mut self, name: &HeaderName, value: &HeaderValue) -> Self {
        if let Some(handshake) = self.tunnel.opening()
            && !OWNED.contains(name)
        {
            head::write_header(&mut handshake.exchange.head, name, value);
        }
        self
    }

    /// Sets the limits. Call it before the first `process`.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        if let Some(handshake) = self.tunnel.opening() {
            handshake.limits = limits;
        }
        self
    }

    /// Returns the `101 Switching Protocols` that opened the tunnel; `None` before.
    pub fn response(&self) -> Option<&Response<()>> {
        self.tunnel.outcome().map(|opened| &opened.response)
    }

    /// Takes the `101 Switching Protocols` that opened the tunnel, and leaves an empty response;
    /// `None` before.
    ///
    /// ```
    /// use wirestack_http1::upgrade::Client;
    /// use wirestack_layer::{Flows, Instant, Layer, Pipe};
    ///
    /// let request = http::Request::get("/shell").header("host", "example.org").body(())?;
    /// let mut client = Client::new("my-protocol", request)?;
    /// let [mut from_wire, mut to_wire, mut from_app, mut to_app] = <[Pipe; 4]>::default();
    /// from_wire.write(b"HTTP/1.1 101 Switching Protocols\r\n\
    ///     Upgrade: my-protocol\r\nConnection: upgrade\r\n\r\n");
    /// let flows = Flows::new(&mut from_wire, &mut to_wire, &mut from_app, &mut to_app);
    /// client.process(flows, Instant::ORIGIN);
    /// assert_eq!(client.take_response().map(|response| response.status().as_u16()), Some(101));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn take_response(&mut self) -> Option<Response<()>> {
        let opened = self.tunnel.outcome_mut()?;
        Some(std::mem::take(&mut opened.response))
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("progress", &self.tunnel.progress())
            .finish_non_exhaustive()
    }
}

tunnel_layer!(Client, ClientHandshake<Upgrade>);

/// The request, as it is sent.
struct Upgrade {
    token: Cow<'static, str>,
    is_head: bool,
    /// All lines but the empty one at the end.
    head: BytesMut,
}

impl Upgrade {
    fn new(token: Cow<'static, str>, request: &Request<()>) -> Result<Self, Http1Error> {
        let headers = request.headers();
        let of_uri = match headers.get(HOST) {
            Some(_) => None,
            None => Some(host(request).ok_or(Http1Error::NoHost)?),
        };
        let host = headers.get(HOST).or(of_uri.as_ref());
        let host = host.ok_or(Http1Error::NoHost)?;
        let target = request.uri().path_and_query();
        let mut upgrade = Self::begin(token, request.method(), target, host.as_bytes())?;
        head::write_headers(&mut upgrade.head, headers, &OWNED);
        Ok(upgrade)
    }

    /// Writes the lines that every request has.
    fn begin(
        token: Cow<'static, str>,
        method: &Method,
        target: Option<&PathAndQuery>,
        host: &[u8],
    ) -> Result<Self, Http1Error> {
        if !is_protocol(&token) {
            return Err(Http1Error::BadToken);
        }
        if method == Method::CONNECT {
            return Err(Http1Error::UpgradeByConnect);
        }
        let target = target.map_or("/", PathAndQuery::as_str);
        if !target.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Http1Error::BadPath);
        }
        // A query may stand alone behind a host.
        let slash = if target.starts_with('?') { "/" } else { "" };
        let mut head = BytesMut::with_capacity(USUAL_REQUEST);
        let asked = [method.as_str(), " ", slash, target];
        for piece in asked.map(str::as_bytes) {
            head.extend_from_slice(piece);
        }
        head.extend_from_slice(b" HTTP/1.1\r\nHost: ");
        let (host, behind_zone) = without_zone(host);
        head.extend_from_slice(host);
        head.extend_from_slice(behind_zone);
        head.extend_from_slice(b"\r\nConnection: Upgrade\r\n");
        head::write_line(&mut head, &["Upgrade: ", &token]);
        Ok(Self {
            token,
            is_head: method == Method::HEAD,
            head,
        })
    }
}

/// Returns a host and port in two parts, without the zone of an IPv6 address between them: it "has
/// only local significance at the sending host" (RFC 6874 §4).
fn without_zone(host: &[u8]) -> (&[u8], &[u8]) {
    let at = |wanted: u8| host.iter().position(|&byte| byte == wanted);
    match (host.first(), at(b'%'), at(b']')) {
        (Some(b'['), Some(zone), Some(end)) if zone < end => (&host[..zone], &host[end..]),
        _ => (host, b""),
    }
}

/// Returns the host and the port of an absolute URI, without user and password (RFC 9110 §4.2.4).
fn host(request: &Request<()>) -> Option<HeaderValue> {
    let uri = request.uri();
    let host = uri.host().filter(|host| !host.is_empty())?;
    let host = match uri.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    };
    HeaderValue::try_from(host).ok()
}

impl ClientExchange for Upgrade {
    const NAME: &'static str = NAME;
    const AWAITED: &'static str = "the Upgrade response";

    fn name(&self) -> String {
        format!("the upgrade to {}", self.token)
    }

    fn write(&mut self, out: &mut BytesMut) {
        let mut head = mem::take(&mut self.head); // it is sent once
        head::write_line(&mut head, &[]);
        if out.capacity() == 0 {
            *out = head;
        } else {
            out.extend_from_slice(&head);
        }
    }

    fn classify(&self, head: &ResponseHead) -> Result<ResponseKind, Http1Error> {
        let headers = &head.headers;
        match head.status {
            StatusCode::SWITCHING_PROTOCOLS => {
                let is_it = |name: &[u8]| name.eq_ignore_ascii_case(self.token.as_bytes());
                let to_it = protocols(headers).next().is_some() && protocols(headers).all(is_it);
                if !to_it || !has_token(headers, &CONNECTION, "upgrade") {
                    let wanted = self.token.to_string();
                    let seen: Vec<_> = protocols(headers).map(decode_text).collect();
                    let seen = seen.join(", ").chars().take(TOKEN_KEPT).collect();
                    return Err(Http1Error::SwitchedElsewhere { wanted, seen });
                }
                Ok(ResponseKind::Opens)
            }
            status if status.is_informational() => Ok(ResponseKind::Interim),
            _ => Ok(ResponseKind::Refuses),
        }
    }

    fn is_head(&self) -> bool {
        self.is_head
    }

    fn facts(&self, _: StatusCode, _: Cow<'static, str>) -> Facts {
        Facts::Upgraded(self.token.clone())
    }
}

/// Returns the protocols in `Upgrade`. In a 101 they lie one above the other: "If multiple protocol
/// layers are being switched, the sender MUST list the protocols in layer-ascending order." (RFC
/// 9110 §7.8) So the one that was asked for has to stand there alone.
fn protocols(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    let fields = headers.get_all(UPGRADE).iter();
    let names = fields.flat_map(|list| list.as_bytes().split(|&byte| byte == b','));
    names
        .map(<[u8]>::trim_ascii)
        .filter(|name| !name.is_empty())
}

const NAME: &str = "upgrade";

/// The fields that are not those of the caller.
const OWNED: [HeaderName; 4] = [HOST, UPGRADE, CONTENT_LENGTH, TRANSFER_ENCODING];

/// The number of characters of a wrong token that its error keeps.
const TOKEN_KEPT: usize = 256;
