use crate::error::Http1Error;
use crate::facts::Facts;
use crate::head::{self, RequestHead};
use crate::host;
use crate::limits::Limits;
use crate::server_handshake::{AfterReply, Reply, ServerExchange, ServerHandshake};
use crate::tunnel::{Tunnel, tunnel_layer};
use crate::upgrade::token::{self, is_protocol};
use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, HOST, HeaderName, HeaderValue, TRANSFER_ENCODING, UPGRADE};
use http::{Method, Request, Response, StatusCode, Uri, Version};
use std::borrow::Cow;
use std::fmt;

/// The server's side of an upgrade: it waits for one request and for the decision of its
/// application, and is a plain tunnel once the application has accepted an upgrade.
///
/// It waits at any request, also at one that asks for no upgrade, so that the application can
/// answer with a 426 or a 404. It answers one request: a rejection ends the connection.
///
/// ```
/// use http::header::{HeaderMap, SERVER};
/// use wirestack_http1::{Limits, upgrade::Server};
/// use wirestack_layer::{Flows, Instant, Layer, Pipe};
///
/// let mut server = Server::new().with_limits(Limits::default());
/// let [mut from_wire, mut to_wire, mut from_app, mut to_app] = <[Pipe; 4]>::default();
/// from_wire.write(b"GET /shell HTTP/1.1\r\nHost: example.org\r\n\
///     Upgrade: my-protocol\r\nConnection: upgrade\r\n\r\nhello");
/// let mut turn = |server: &mut Server| {
///     let flows = Flows::new(&mut from_wire, &mut to_wire, &mut from_app, &mut to_app);
///     server.process(flows, Instant::ORIGIN);
/// };
/// turn(&mut server);
/// assert_eq!(server.request().unwrap().uri(), "/shell");
/// assert!(server.offers("my-protocol"));
/// let fields: HeaderMap = [(SERVER, "me".parse()?)].into_iter().collect();
/// server.accept("my-protocol", &fields); // or `reject`, with a response
/// turn(&mut server);
/// assert!(to_wire.unread().starts_with(b"HTTP/1.1 101 "));
/// assert_eq!(to_app.unread(), b"hello");
/// # Ok::<(), http::header::InvalidHeaderValue>(())
/// ```
pub struct Server {
    tunnel: Tunnel<ServerHandshake<Upgrade>>,
}

impl Server {
    /// Creates a server.
    pub fn new() -> Self {
        let tunnel = Tunnel::new(ServerHandshake::new());
        Self { tunnel }
    }

    /// Sets the limits. Call it before the first `process`.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        if let Some(handshake) = self.tunnel.opening() {
            handshake.limits = limits;
        }
        self
    }

    /// Returns the request while it waits to be accepted or rejected.
    pub fn request(&self) -> Option<&Request<()>> {
        match &self.tunnel {
            Tunnel::Opening(handshake) => handshake.request().map(|asked| &asked.request),
            _ => None,
        }
    }

    /// Returns the request while it waits to be accepted or rejected, to add
    /// [extensions](http::Extensions) to it.
    ///
    /// ```
    /// use wirestack_http1::upgrade::Server;
    /// use wirestack_layer::{Flows, Instant, Layer, Pipe};
    ///
    /// #[derive(Clone, Debug, PartialEq)]
    /// struct User(&'static str);
    ///
    /// let mut server = Server::new();
    /// let [mut from_wire, mut to_wire, mut from_app, mut to_app] = <[Pipe; 4]>::default();
    /// from_wire.write(b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n");
    /// let flows = Flows::new(&mut from_wire, &mut to_wire, &mut from_app, &mut to_app);
    /// server.process(flows, Instant::ORIGIN);
    /// server.request_mut().unwrap().extensions_mut().insert(User("ada"));
    /// assert_eq!(server.request().unwrap().extensions().get(), Some(&User("ada")));
    /// ```
    pub fn request_mut(&mut self) -> Option<&mut Request<()>> {
        let asked = self.tunnel.opening()?.request_mut()?;
        Some(&mut asked.request)
    }

    /// Returns `true` if the request that waits [offers](super::offers) an upgrade to `token`.
    pub fn offers(&self, token: &str) -> bool {
        let Tunnel::Opening(handshake) = &self.tunnel else {
            return false;
        };
        let asked = handshake.request();
        asked.is_some_and(|asked| asked.can_be_upgraded && token::names(&asked.request, token))
    }

    /// Accepts the upgrade with `101 Switching Protocols` and these fields, and returns the request.
    /// `Connection` and `Upgrade` are added.
    ///
    /// If the request does not [offer](Self::offers) the token, the client gets a 500, and the
    /// application [`Http1Error::NotOffered`]. Does nothing while no request waits.
    pub fn accept<'a>(
        &mut self,
        token: impl Into<Cow<'static, str>>,
        fields: impl IntoIterator<Item = (&'a HeaderName, &'a HeaderValue)>,
    ) -> Option<Request<()>> {
        let token = token.into();
        let offered = self.offers(&token) && is_protocol(&token);
        self.decide(|_| {
            if !offered {
                return Reply::error_reply::<Upgrade>(Http1Error::NotOffered);
            }
            let mut bytes = BytesMut::with_capacity(USUAL_RESPONSE);
            head::write_line(&mut bytes, &[SWITCHING, &token]);
            let owned = [UPGRADE, CONTENT_LENGTH, TRANSFER_ENCODING];
            head::write_headers(&mut bytes, fields, &owned);
            head::write_line(&mut bytes, &[]);
            let next = AfterReply::Open(Facts::Upgraded(token));
            Reply { bytes, next }
        })
    }

    /// Rejects the request with this response. `Content-Length` and `Connection: close` are added.
    /// Both directions end, the application's with [`Http1Error::Rejected`].
    ///
    /// A 1xx is no rejection: the client gets a 500, and the application
    /// [`Http1Error::NotARejection`]. Does nothing while no request waits.
    pub fn reject(&mut self, response: Response<Bytes>) {
        let rejects = |status: StatusCode| !status.is_informational();
        self.decide(|request| {
            let bodiless = request.method() == Method::HEAD;
            Reply::rejection::<Upgrade>(&response, rejects, bodiless)
        });
    }

    fn decide(&mut self, decide: impl FnOnce(&Request<()>) -> Reply) -> Option<Request<()>> {
        let handshake = self.tunnel.opening()?;
        let asked = handshake.decide(|asked| decide(&asked.request))?;
        Some(asked.request)
    }
}

impl Default for Server {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("progress", &self.tunnel.progress())
            .finish_non_exhaustive()
    }
}

tunnel_layer!(Server, ServerHandshake<Upgrade>);

/// The beginning of a response that accepts, up to the token.
const SWITCHING: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ";

/// The room for a response, in bytes: most are shorter.
const USUAL_RESPONSE: usize = 256;

/// The exchange that takes any request.
struct Upgrade;

/// A request that waits for its answer.
struct Asked {
    request: Request<()>,
    can_be_upgraded: bool,
}

impl ServerExchange for Upgrade {
    type Request = Asked;
    const NAME: &'static str = "upgrade";
    const AWAITED: &'static str = "the Upgrade request";

    fn read(head: RequestHead) -> Result<Asked, Http1Error> {
        // "A server MUST respond with a 400 (Bad Request) status code to any HTTP/1.1 request
        // message that lacks a Host header field and to any request message that contains more than
        // one Host header field line or a Host header field with an invalid field value."
        // (RFC 9112 §3.2)
        let hosts = head.headers.get_all(HOST).iter().count();
        if hosts > 1 || (hosts == 0 && head.version == Version::HTTP_11) {
            return Err(Http1Error::Malformed("not exactly one Host field"));
        }
        host::check(&head.headers)?;
        let mut request = Request::new(());
        let uri = Uri::try_from(head.target)
            .map_err(|_| Http1Error::Malformed("the target is not a URI"))?;
        // "The "authority-form" of request-target is only used for CONNECT requests" (RFC 9112
        // §3.2.3). Others would read a path in it: `GET chat`.
        if uri.scheme().is_none() && uri.authority().is_some() && head.method != Method::CONNECT {
            return Err(Http1Error::Malformed(
                "the target does not begin with a slash",
            ));
        }
        *request.uri_mut() = uri;
        *request.method_mut() = head.method;
        *request.version_mut() = head.version;
        *request.headers_mut() = head.headers;
        Ok(Asked {
            can_be_upgraded: token::can_be_upgraded(&request),
            request,
        })
    }
}
