use super::NAME;
use super::target;
use crate::client_handshake::{ClientExchange, ClientHandshake, ResponseKind};
use crate::head::{self, FRAMING, ResponseHead};
use crate::tunnel::{Tunnel, tunnel_layer};
use crate::{Http1Error, Limits};
use bytes::BytesMut;
use http::header::{HOST, HeaderMap, HeaderName, HeaderValue, PROXY_AUTHORIZATION};
use http::{Response, StatusCode};
use wirestack_http::{Awaiting, ProxyClient};
use wirestack_layer::{Error, HostPort};

/// Asks a proxy for a tunnel with CONNECT; a plain tunnel once the proxy has agreed.
///
/// Any 2xx opens it, whatever the response says about its content, and what comes behind the head
/// is the tunnel's. Any other final answer is a [`Refusal`](crate::Refusal).
///
/// The request has `Host` and the fields of [`with_header`](Self::with_header): no `User-Agent`, and
/// no `Proxy-Connection`, which RFC 9112 §C.2.2 advises against.
///
/// # Credentials
///
/// Credentials that go with the first request are a field like any other: `Proxy-Authorization` with
/// [`basic_credentials`](crate::basic_credentials). A client that shall answer the challenges of its
/// proxy [awaits authorization](Self::awaiting_authorization).
pub struct Client {
    tunnel: Tunnel<ClientHandshake<Connect>>,
}

impl Client {
    /// Creates a client that asks for a tunnel to `host`, a name in ASCII or an address, and `port`.
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
    /// A `Host` replaces the one that is made from the target. `Content-Length` and
    /// `Transfer-Encoding` are left out, as a CONNECT has no content.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, mut value: HeaderValue) -> Self {
        value.set_sensitive(value.is_sensitive() || head::is_secret(&name));
        self.set(|handshake| {
            handshake.exchange.headers.append(name, value);
        });
        self
    }

    /// Makes the client wait for its application before each request, and at the response that opens
    /// the tunnel: see [`ProxyClient`].
    #[must_use]
    pub fn awaiting_authorization(mut self) -> Self {
        self.set(|handshake| handshake.exchange.is_authorized = true);
        self
    }

    /// Sets the limits.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.set(|handshake| handshake.limits = limits);
        self
    }

    /// Returns the 2xx, once the tunnel is open.
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

    fn write(&self, out: &mut BytesMut) {
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
