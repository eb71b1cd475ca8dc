use crate::answering::{Answer, Answering, Serve, Then};
use crate::head::{self, RequestHead};
use crate::tunnel::{Tunnel, tunnel_layer};
use crate::{Http1Error, Limits};
use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, HOST, HeaderMap, TRANSFER_ENCODING, UPGRADE};
use http::{Method, Request, Response, StatusCode, Uri, Version};

/// Waits for one request and for what the application makes of it; a plain tunnel once it has
/// accepted an upgrade.
///
/// It parks at any request, also at one that asks for no upgrade, so that the application can answer
/// with a 426 or a 404. One request is answered: a rejection ends the connection.
pub struct Server {
    tunnel: Tunnel<Answering<Upgrade>>,
}

impl Server {
    /// Creates a server.
    pub fn new() -> Self {
        let tunnel = Tunnel::new(Answering::new());
        Self { tunnel }
    }

    /// Sets the limits, before the first `process`.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        if let Some(answering) = self.tunnel.opening() {
            answering.limits = limits;
        }
        self
    }

    /// Returns the request while it waits to be accepted or rejected.
    pub fn request(&self) -> Option<&Request<()>> {
        match &self.tunnel {
            Tunnel::Opening(answering) => answering.request(),
            _ => None,
        }
    }

    /// Returns whether the request that waits [offers](super::offers) to upgrade to `token`.
    pub fn offers(&self, token: &str) -> bool {
        self.request()
            .is_some_and(|request| super::offers(request, token))
    }

    /// Accepts the upgrade with `101 Switching Protocols` and these fields; `Connection` and
    /// `Upgrade` are added.
    ///
    /// If the request does not [offer](Self::offers) the token, the client gets a 500 and the
    /// application [`Http1Error::NotOffered`]. Nothing happens while no request waits.
    pub fn accept(&mut self, token: &str, headers: HeaderMap) {
        let offered = self.offers(token) && super::is_protocol(token);
        self.decide(|_| {
            if !offered {
                return Answer::apology::<Upgrade>(Http1Error::NotOffered);
            }
            let status = StatusCode::SWITCHING_PROTOCOLS;
            let mut bytes = BytesMut::new();
            head::write_status(&mut bytes, status, "Switching Protocols");
            head::write_line(&mut bytes, &["Connection: Upgrade"]);
            head::write_line(&mut bytes, &["Upgrade: ", token]);
            let owned = [UPGRADE, CONTENT_LENGTH, TRANSFER_ENCODING];
            head::write_headers(&mut bytes, &headers, &owned);
            head::write_line(&mut bytes, &[]);
            let then = Then::Open(format!("upgraded to {token}"));
            Answer { bytes, then }
        });
    }

    /// Rejects the request with this response, with `Content-Length` and `Connection: close`; both
    /// directions end, the application's with [`Http1Error::Rejected`].
    ///
    /// A 1xx rejects nothing: the client gets a 500 and the application [`Http1Error::NotARejection`].
    /// Nothing happens while no request waits.
    pub fn reject(&mut self, response: Response<Bytes>) {
        let says_no = |status: StatusCode| !status.is_informational();
        self.decide(|request| {
            let bodiless = request.method() == Method::HEAD;
            Answer::rejection::<Upgrade>(&response, says_no, bodiless)
        });
    }

    fn decide(&mut self, decide: impl FnOnce(&Request<()>) -> Answer) {
        if let Some(answering) = self.tunnel.opening() {
            answering.decide(decide);
        }
    }
}

impl Default for Server {
    fn default() -> Self {
        Self::new()
    }
}

tunnel_layer!(Server, Answering<Upgrade>);

/// Takes any request.
struct Upgrade;

impl Serve for Upgrade {
    type Request = Request<()>;
    const NAME: &'static str = "upgrade";
    const AWAITED: &'static str = "the Upgrade request";

    fn read(head: RequestHead) -> Result<Request<()>, Http1Error> {
        // "A server MUST respond with a 400 (Bad Request) status code to any HTTP/1.1 request
        // message that lacks a Host header field and to any request message that contains more than
        // one Host header field line" (RFC 9112 §3.2)
        let hosts = head.headers.get_all(HOST).iter().count();
        if hosts > 1 || (hosts == 0 && head.version == Version::HTTP_11) {
            return Err(Http1Error::Malformed("not exactly one Host field"));
        }
        let mut request = Request::new(());
        *request.uri_mut() = Uri::try_from(head.target)
            .map_err(|_| Http1Error::Malformed("the target is not a URI"))?;
        *request.method_mut() = head.method;
        *request.version_mut() = head.version;
        *request.headers_mut() = head.headers;
        Ok(request)
    }
}
