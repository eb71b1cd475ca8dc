use crate::client_handshake::{ClientExchange, ClientHandshake, ResponseKind};
use crate::error::Http1Error;
use crate::head::{self, ResponseHead};
use crate::limits::Limits;
use crate::tunnel::{Tunnel, tunnel_layer};
use crate::upgrade::token::is_protocol;
use bytes::BytesMut;
use http::header::{CONNECTION, CONTENT_LENGTH, HOST, HeaderValue, TRANSFER_ENCODING, UPGRADE};
use http::{Method, Request, Response, StatusCode};
use std::fmt;
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
    /// too.
    ///
    /// # Errors
    ///
    /// [`Http1Error::BadToken`], [`Http1Error::NoHost`], [`Http1Error::UpgradeByConnect`].
    pub fn new(token: &str, request: Request<()>) -> Result<Self, Error> {
        let upgrade = Upgrade::new(token, request).map_err(|cause| Error::local(NAME, cause))?;
        let tunnel = Tunnel::new(ClientHandshake::new(upgrade));
        Ok(Self { tunnel })
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

/// The request, ready to be written.
struct Upgrade {
    token: String,
    host: HeaderValue,
    request: Request<()>,
}

impl Upgrade {
    fn new(token: &str, mut request: Request<()>) -> Result<Self, Http1Error> {
        if !is_protocol(token) {
            return Err(Http1Error::BadToken);
        }
        if request.method() == Method::CONNECT {
            return Err(Http1Error::UpgradeByConnect);
        }
        let host = match request.headers_mut().remove(HOST) {
            Some(host) => host,
            None => host(&request).ok_or(Http1Error::NoHost)?,
        };
        for (name, value) in request.headers_mut() {
            value.set_sensitive(value.is_sensitive() || wirestack_http::is_secret(name));
        }
        Ok(Self {
            token: token.to_owned(),
            host,
            request,
        })
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

    fn write(&self, out: &mut BytesMut) {
        let uri = self.request.uri();
        let target = uri.path_and_query().map_or("/", |target| target.as_str());
        let method = self.request.method().as_str();
        head::write_line(out, &[method, " ", target, " HTTP/1.1"]);
        head::write_header(out, &HOST, &self.host);
        head::write_line(out, &["Connection: Upgrade"]);
        head::write_line(out, &["Upgrade: ", &self.token]);
        let owned = [UPGRADE, CONTENT_LENGTH, TRANSFER_ENCODING];
        head::write_headers(out, self.request.headers(), &owned);
        head::write_line(out, &[]);
    }

    fn classify(&self, head: &ResponseHead) -> Result<ResponseKind, Http1Error> {
        let headers = &head.headers;
        match head.status {
            StatusCode::SWITCHING_PROTOCOLS => {
                let to_it = has_token(headers, &UPGRADE, &self.token);
                if !to_it || !has_token(headers, &CONNECTION, "upgrade") {
                    let wanted = self.token.clone();
                    let seen = headers
                        .get(UPGRADE)
                        .map(|value| decode_text(value.as_bytes()));
                    let seen = seen.unwrap_or_default().chars().take(TOKEN_KEPT).collect();
                    return Err(Http1Error::SwitchedElsewhere { wanted, seen });
                }
                Ok(ResponseKind::Opens)
            }
            status if status.is_informational() => Ok(ResponseKind::Interim),
            _ => Ok(ResponseKind::Refuses),
        }
    }

    fn facts(&self, _head: &ResponseHead) -> String {
        format!("upgraded to {}", self.token)
    }
}

const NAME: &str = "upgrade";

/// The number of characters of a wrong token that its error keeps.
const TOKEN_KEPT: usize = 256;
