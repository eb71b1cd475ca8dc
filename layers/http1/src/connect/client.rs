use crate::client_handshake::{ClientExchange, ClientHandshake, ResponseKind, USUAL_REQUEST};
use crate::connect::target::{self, NAME};
use crate::error::Http1Error;
use crate::head::{self, FRAMING, ResponseHead};
use crate::limits::Limits;
use crate::tunnel::{Tunnel, tunnel_layer};
use bytes::BytesMut;
use http::header::{HOST, HeaderMap, HeaderName, HeaderValue, PROXY_AUTHORIZATION};
use http::{Response, StatusCode};
use std::fmt;
use wirestack_http::{Awaiting, ProxyClient};
use wirestack_layer::{Error, HostPort};

/// The client's side of CONNECT: it asks a proxy for a tunnel, and is a plain tunnel once the proxy
/// has agreed.
///
/// Any 2xx opens the tunnel, whatever it says about its content, and the bytes behind its head
/// belong to the tunnel. Any other final response is a [`Refusal`](crate::Refusal).
///
/// The request has `Host` and the fields of [`with_header`](Self::with_header). It has no
/// `User-Agent`, and no `Proxy-Connection`, which RFC 9112 §C.2.2 advises against.
///
/// # Credentials
///
/// A client that sends its credentials at once has them as a field like any other:
/// `Proxy-Authorization` with [`basic_credentials`](crate::basic_credentials). A client that
/// answers the challenges of its proxy [awaits authorization](Self::awaiting_authorization).
///
/// ```
/// use http::header::{HeaderName, HeaderValue};
/// use wirestack_http1::{Limits, connect::Client};
/// use wirestack_layer::{Flow, Flows, Instant, Layer, Pipe};
///
/// let mut client = Client::new("example.org", 443)?
///     .with_header(HeaderName::from_static("x-team"), HeaderValue::from_static("blue"))
///     .with_limits(Limits::default().head(16 * 1024))
///     .lenient(); // bears a proxy that ends lines with LF alone
/// let [mut from_wire, mut to_wire, mut from_app, mut to_app] = <[Pipe; 4]>::default();
/// from_wire.write(b"HTTP/1.1 200 OK\nProxy-Agent: old\n\n");
/// let flows = Flows::new(&mut from_wire, &mut to_wire, &mut from_app, &mut to_app);
/// client.process(flows, Instant::ORIGIN);
/// assert!(to_wire.unread().starts_with(b"CONNECT example.org:443 HTTP/1.1\r\n"));
/// assert_eq!(client.response().unwrap().headers()["proxy-agent"], "old");
/// # Ok::<(), wirestack_layer::Error>(())
/// ```
pub struct Client {
    tunnel: Tunnel<ClientHandshake<Connect>>,
}

impl Client {
    /// Creates a client that asks for a tunnel to `host`, a name in ASCII or an address, and
    /// `port`.
    ///
    /// # Errors
    ///
    /// [`Http1Error::BadHost`], [`Http1Error::BadPort`].
    pub fn new(host: &str, port: u16) -> Result<Self, Error> {
        let target = target::check(HostPort::new(host, port));
        let target = target.map_err(|cause| Error::local(NAME, cause))?;
        let tunnel = Tunnel::new(ClientHandshake::new(Connect {
            target: target.to_string(),
            headers: HeaderMap::new(),
            is_authorized: false,
        }));
        Ok(Self { tunnel })
    }

    /// Adds a field to the request.
    ///
    /// A `Host` replaces the one of the target. `Content-Length` and `Transfer-Encoding` are left
    /// out, as a CONNECT has no content.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, mut value: HeaderValue) -> Self {
        if wirestack_http::is_secret(&name) {
            value.set_sensitive(true);
        }
        self.set(|handshake| {
            handshake.exchange.headers.append(name, value);
        });
        self
    }

    /// Makes the client wait for its application before each request, and at the response that
    /// opens the tunnel: see [`ProxyClient`].
    ///
    /// ```
    /// use wirestack_http1::{Awaiting, ProxyClient, basic_credentials, connect::Client};
    /// use wirestack_layer::{Flow, Flows, Instant, Layer, Pipe};
    ///
    /// let mut client = Client::new("example.org", 443)?.awaiting_authorization();
    /// let [mut from_wire, mut to_wire, mut from_app, mut to_app] = <[Pipe; 4]>::default();
    /// let mut turn = |client: &mut Client, received: &[u8]| {
    ///     from_wire.write(received);
    ///     let flows = Flows::new(&mut from_wire, &mut to_wire, &mut from_app, &mut to_app);
    ///     client.process(flows, Instant::ORIGIN);
    /// };
    /// turn(&mut client, b"");
    /// client.authorize(None); // the first request goes without credentials
    /// turn(&mut client, b"");
    /// turn(&mut client, b"HTTP/1.1 407 Who are you?\r\n\
    ///     Proxy-Authenticate: Basic realm=\"corp\"\r\nContent-Length: 0\r\n\r\n");
    /// assert!(matches!(client.awaiting(), Some(Awaiting::Challenge { .. })));
    /// client.authorize(Some(basic_credentials("ada", "secret")?));
    /// turn(&mut client, b"");
    /// assert!(String::from_utf8_lossy(to_wire.unread()).contains("Proxy-Authorization: Basic "));
    /// # Ok::<(), wirestack_layer::Error>(())
    /// ```
    #[must_use]
    pub fn awaiting_authorization(mut self) -> Self {
        self.set(|handshake| handshake.exchange.is_authorized = true);
        self
    }

    /// Sets the limits. Call it before the first `process`.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.set(|handshake| handshake.limits = limits);
        self
    }

    /// Takes responses that are not quite as the grammar has them, as many clients do: fields that
    /// are none are passed over, and blanks stand where none may. A connection is then not used
    /// again behind a challenge.
    #[must_use]
    pub fn lenient(mut self) -> Self {
        self.set(|handshake| handshake.lenient = true);
        self
    }

    /// Returns the 2xx that opened the tunnel; `None` before.
    pub fn response(&self) -> Option<&Response<()>> {
        self.tunnel.outcome().map(|opened| &opened.response)
    }

    fn set(&mut self, change: impl FnOnce(&mut ClientHandshake<Connect>)) {
        if let Some(handshake) = self.tunnel.opening() {
            change(handshake);
        }
    }
}

impl ProxyClient for Client {
    fn awaiting(&self) -> Option<&Awaiting> {
        match &self.tunnel {
            Tunnel::Opening(handshake) => handshake.awaiting(),
            _ => None,
        }
    }

    fn authorize(&mut self, value: Option<HeaderValue>) {
        self.set(|handshake| handshake.authorize(value));
    }

    fn give_up(&mut self) {
        self.set(ClientHandshake::give_up);
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("progress", &self.tunnel.progress())
            .finish_non_exhaustive()
    }
}

tunnel_layer!(Client, ClientHandshake<Connect>);

/// The request, ready to be written.
struct Connect {
    /// `host:port`.
    target: String,
    headers: HeaderMap,
    is_authorized: bool,
}

impl ClientExchange for Connect {
    const NAME: &'static str = NAME;
    const AWAITED: &'static str = "the CONNECT response";

    fn name(&self) -> String {
        format!("CONNECT {}", self.target)
    }

    fn write(&mut self, out: &mut BytesMut) {
        out.reserve(USUAL_REQUEST);
        head::write_line(out, &["CONNECT ", &self.target, " HTTP/1.1"]);
        if !self.headers.contains_key(HOST) {
            head::write_line(out, &["Host: ", &self.target]);
        }
        head::write_headers(out, &self.headers, &FRAMING);
        head::write_line(out, &[]);
    }

    fn classify(&self, head: &ResponseHead) -> Result<ResponseKind, Http1Error> {
        match head.status {
            StatusCode::SWITCHING_PROTOCOLS => Err(Http1Error::SwitchedOnConnect),
            status if status.is_informational() => Ok(ResponseKind::Interim),
            status if status.is_success() => Ok(ResponseKind::Opens),
            StatusCode::PROXY_AUTHENTICATION_REQUIRED if self.is_authorized => {
                let persistent = head::is_persistent(head.version, &head.headers);
                Ok(ResponseKind::Challenges { persistent })
            }
            _ => Ok(ResponseKind::Refuses),
        }
    }

    fn is_authorized(&self) -> bool {
        self.is_authorized
    }

    fn authorize(&mut self, value: Option<HeaderValue>) {
        self.headers.remove(PROXY_AUTHORIZATION);
        if let Some(mut value) = value {
            value.set_sensitive(true);
            self.headers.insert(PROXY_AUTHORIZATION, value);
        }
    }
}
