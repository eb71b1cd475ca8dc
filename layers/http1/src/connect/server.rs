use crate::connect::target::{self, NAME};
use crate::error::Http1Error;
use crate::facts::Facts;
use crate::head::{self, FRAMING, RequestHead};
use crate::host;
use crate::limits::Limits;
use crate::server_handshake::{AfterReply, Reply, ServerExchange, ServerHandshake};
use crate::tunnel::{Tunnel, tunnel_layer};
use bytes::{Bytes, BytesMut};
use http::header::{HOST, HeaderMap, PROXY_AUTHORIZATION};
use http::{Method, Response, StatusCode};
use std::fmt;
use wirestack_http::{Challenge, basic_challenge, read_basic_credentials};
use wirestack_layer::{Error, HostPort};

/// The server's side of CONNECT: it waits for a request and for the decision of its application,
/// and is a plain tunnel once the application has accepted.
///
/// The application decides which targets are allowed, and it should: a proxy that connects to any
/// port of any host relays spam, and leads into the network that it is in (RFC 9110 §9.3.6).
///
/// It answers **one request**. A client that does not wait for its 2xx may have sent bytes of the
/// tunnel behind its request, and a third party may have chosen them: read as another request,
/// they would speak with the rights of the client. So the connection ends with the first answer
/// that is no 2xx, a challenge too (RFC 9931 §8), and the bytes behind the request are dropped.
/// [`with_waiting_clients`](Self::with_waiting_clients) keeps it through challenges.
///
/// A request that cannot be a tunnel is answered without asking the application: with 405 if it has
/// another method, with 431 if its head is too large, and with 400 if the head is malformed, the
/// target has no valid port, or it announces content. A request may lack `Host`, because the target
/// says the same and some clients send none; more than one `Host` is a 400, and so is one that is no
/// host.
///
/// ```
/// use http::HeaderMap;
/// use wirestack_http1::{Limits, connect::Server};
/// use wirestack_layer::{Flows, Instant, Layer, Pipe};
///
/// let mut server = Server::new().with_limits(Limits::default().headers(50));
/// let [mut from_wire, mut to_wire, mut from_app, mut to_app] = <[Pipe; 4]>::default();
/// from_wire.write(b"CONNECT example.org:22 HTTP/1.1\r\nHost: example.org:22\r\n\r\n");
/// let mut turn = |server: &mut Server| {
///     let flows = Flows::new(&mut from_wire, &mut to_wire, &mut from_app, &mut to_app);
///     server.process(flows, Instant::ORIGIN);
/// };
/// turn(&mut server);
/// let request = server.request().unwrap();
/// assert_eq!((&*request.host, request.port), ("example.org", 22));
/// server.accept(HeaderMap::new()); // once the target is connected
/// turn(&mut server);
/// assert!(to_wire.unread().starts_with(b"HTTP/1.1 200 ") && server.is_open());
/// ```
pub struct Server {
    tunnel: Tunnel<ServerHandshake<Connect>>,
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

    /// Keeps the connection through [challenges](Self::challenge), for clients that are **known to
    /// wait** for their 2xx before they send anything of the tunnel: RFC 9931 §8 allows that for
    /// no others. It spares them a new connection for each challenge.
    ///
    /// A client that has sent bytes behind its request was not waiting: its challenge still ends
    /// the connection.
    ///
    /// ```
    /// let server = wirestack_http1::connect::Server::new().with_waiting_clients();
    /// # drop(server);
    /// ```
    #[must_use]
    pub fn with_waiting_clients(mut self) -> Self {
        if let Some(handshake) = self.tunnel.opening() {
            handshake.clients_wait = true;
        }
        self
    }

    /// Returns the request while it waits to be accepted, rejected or challenged.
    pub fn request(&self) -> Option<&ConnectRequest> {
        match &self.tunnel {
            Tunnel::Opening(handshake) => handshake.request(),
            _ => None,
        }
    }

    /// Accepts the request with a 200 and these fields.
    ///
    /// `Content-Length` and `Transfer-Encoding` are left out: a 2xx to CONNECT must not have them
    /// (RFC 9110 §9.3.6). Does nothing while no request waits.
    pub fn accept(&mut self, headers: HeaderMap) {
        self.decide(|request| {
            let mut bytes = BytesMut::new();
            head::write_status(&mut bytes, StatusCode::OK, "Connection established");
            head::write_headers(&mut bytes, &headers, &FRAMING);
            head::write_line(&mut bytes, &[]);
            let next = AfterReply::Open(Facts::LeadsTo(request.to_string()));
            Reply { bytes, next }
        });
    }

    /// Rejects the request with this response. `Content-Length` and `Connection: close` are added.
    /// Both directions end, the application's with [`Http1Error::Rejected`].
    ///
    /// A 1xx or 2xx is no rejection: the client gets a 500, and the application
    /// [`Http1Error::NotARejection`]. Does nothing while no request waits.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use http::{Response, StatusCode};
    /// use wirestack_http1::connect::Server;
    /// use wirestack_layer::{Flows, Instant, Layer, Pipe};
    ///
    /// let mut server = Server::new();
    /// let [mut from_wire, mut to_wire, mut from_app, mut to_app] = <[Pipe; 4]>::default();
    /// from_wire.write(b"CONNECT inside.test:22 HTTP/1.1\r\nHost: inside.test:22\r\n\r\n");
    /// let mut turn = |server: &mut Server| {
    ///     let flows = Flows::new(&mut from_wire, &mut to_wire, &mut from_app, &mut to_app);
    ///     server.process(flows, Instant::ORIGIN);
    /// };
    /// turn(&mut server);
    /// let mut response = Response::new(Bytes::from_static(b"not from here\n"));
    /// *response.status_mut() = StatusCode::FORBIDDEN;
    /// server.reject(response);
    /// turn(&mut server);
    /// assert!(to_wire.unread().starts_with(b"HTTP/1.1 403 "));
    /// ```
    pub fn reject(&mut self, response: Response<Bytes>) {
        let rejects = |status: StatusCode| !status.is_informational() && !status.is_success();
        self.decide(|_| Reply::rejection::<Connect>(&response, rejects, false));
    }

    /// Asks for Basic credentials with a 407, and ends the connection as a
    /// [rejection](Self::reject) does. The client comes again on a new one, with its credentials.
    ///
    /// [With clients that wait](Self::with_waiting_clients) it stays, and the next request may
    /// come on it, unless the client wants it to close, or this is the last of
    /// [`Limits::challenges`]. Does nothing while no request waits.
    ///
    /// ```
    /// use wirestack_http1::{basic_challenge, connect::Server};
    /// use wirestack_layer::{Flows, Instant, Layer, Pipe};
    ///
    /// let mut server = Server::new();
    /// let [mut from_wire, mut to_wire, mut from_app, mut to_app] = <[Pipe; 4]>::default();
    /// from_wire.write(b"CONNECT example.org:22 HTTP/1.1\r\nHost: example.org:22\r\n\r\n");
    /// let mut turn = |server: &mut Server| {
    ///     let flows = Flows::new(&mut from_wire, &mut to_wire, &mut from_app, &mut to_app);
    ///     server.process(flows, Instant::ORIGIN);
    /// };
    /// turn(&mut server);
    /// server.challenge("corp"); // or `challenge_with(&[basic_challenge("corp")])`, and others
    /// turn(&mut server);
    /// assert!(to_wire.unread().starts_with(b"HTTP/1.1 407 "));
    /// assert_eq!(basic_challenge("corp").realm(), "corp");
    /// ```
    pub fn challenge(&mut self, realm: &str) {
        self.challenge_with(&[basic_challenge(realm)]);
    }

    /// Asks for credentials by any of these challenges, as [`challenge`](Self::challenge) does.
    /// Control characters in them become blanks.
    ///
    /// ```
    /// use wirestack_http1::{Challenge, basic_challenge, connect::Server};
    /// use wirestack_layer::{Flows, Instant, Layer, Pipe};
    ///
    /// let mut server = Server::new();
    /// let [mut from_wire, mut to_wire, mut from_app, mut to_app] = <[Pipe; 4]>::default();
    /// from_wire.write(b"CONNECT example.org:22 HTTP/1.1\r\nHost: example.org:22\r\n\r\n");
    /// let mut turn = |server: &mut Server| {
    ///     let flows = Flows::new(&mut from_wire, &mut to_wire, &mut from_app, &mut to_app);
    ///     server.process(flows, Instant::ORIGIN);
    /// };
    /// turn(&mut server);
    /// server.challenge_with(&[Challenge::new("Negotiate"), basic_challenge("corp")]);
    /// turn(&mut server);
    /// assert!(String::from_utf8_lossy(to_wire.unread()).contains("Negotiate"));
    /// ```
    pub fn challenge_with(&mut self, challenges: &[Challenge]) {
        let Tunnel::Opening(handshake) = &mut self.tunnel else {
            return;
        };
        let more = handshake.rounds + 1 < handshake.limits.challenges;
        let may_stay = handshake.clients_wait && more;
        handshake.decide(|request| {
            let status = StatusCode::PROXY_AUTHENTICATION_REQUIRED;
            let mut bytes = BytesMut::new();
            head::write_status(&mut bytes, status, "Proxy Authentication Required");
            for challenge in challenges {
                let challenge = challenge.as_str().replace(char::is_control, " ");
                head::write_line(&mut bytes, &["Proxy-Authenticate: ", &challenge]);
            }
            head::write_line(&mut bytes, &["Content-Length: 0"]);
            let rejected = Error::local(NAME, Http1Error::Rejected(status));
            let next = if may_stay && request.persistent {
                AfterReply::Challenged(rejected)
            } else {
                head::write_line(&mut bytes, &["Connection: close"]);
                head::write_line(&mut bytes, &[]);
                AfterReply::Fail(rejected)
            };
            Reply { bytes, next }
        });
    }

    fn decide(&mut self, decide: impl FnOnce(&ConnectRequest) -> Reply) {
        if let Some(handshake) = self.tunnel.opening() {
            handshake.decide(decide);
        }
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

tunnel_layer!(Server, ServerHandshake<Connect>);

/// A CONNECT request. It shows as `host:port`.
///
/// ```
/// use wirestack_http1::connect::Server;
/// use wirestack_layer::{Flows, Instant, Layer, Pipe};
///
/// let mut server = Server::new();
/// let [mut from_wire, mut to_wire, mut from_app, mut to_app] = <[Pipe; 4]>::default();
/// from_wire.write(b"CONNECT [2001:db8::1]:443 HTTP/1.1\r\nHost: x\r\n\
///     Proxy-Authorization: Basic YWRhOnNlY3JldA==\r\n\r\n");
/// let flows = Flows::new(&mut from_wire, &mut to_wire, &mut from_app, &mut to_app);
/// server.process(flows, Instant::ORIGIN);
/// let request = server.request().unwrap();
/// assert_eq!(request.to_string(), "[2001:db8::1]:443");
/// assert_eq!(request.basic(), Some(("ada".into(), "secret".into())));
/// assert_eq!(request.headers["host"], "x");
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ConnectRequest {
    /// The host: a name, or an address without brackets.
    pub host: String,
    /// The port, never 0.
    pub port: u16,
    /// The header fields.
    pub headers: HeaderMap,
    persistent: bool,
}

impl ConnectRequest {
    /// Returns the user and the password, if the request has Basic credentials in UTF-8.
    pub fn basic(&self) -> Option<(String, String)> {
        read_basic_credentials(self.headers.get(PROXY_AUTHORIZATION)?)
    }
}

impl fmt::Display for ConnectRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        HostPort::new(&self.host, self.port).fmt(f)
    }
}

/// The exchange that takes CONNECT requests.
struct Connect;

impl ServerExchange for Connect {
    type Request = ConnectRequest;
    const NAME: &'static str = NAME;
    const AWAITED: &'static str = "the CONNECT request";

    fn read(head: RequestHead) -> Result<ConnectRequest, Http1Error> {
        if head.method != Method::CONNECT {
            return Err(Http1Error::NotConnect(head.method));
        }
        let target = target::parse(&head.target).ok_or_else(|| {
            Http1Error::BadTarget(head.target.chars().take(TARGET_KEPT).collect())
        })?;
        if head.headers.get_all(HOST).iter().count() > 1 {
            return Err(Http1Error::Malformed("more than one Host field"));
        }
        host::check(&head.headers)?;
        // "A CONNECT request message does not have content" (RFC 9110 §9.3.6). Readers would
        // disagree about the end of one that announces content.
        if head::has_content(&head.headers) {
            return Err(Http1Error::ConnectWithContent);
        }
        Ok(ConnectRequest {
            host: target.host().to_owned(),
            port: target.port(),
            persistent: head::is_persistent(head.version, &head.headers),
            headers: head.headers,
        })
    }
}

/// The number of characters of a bad target that its error keeps.
const TARGET_KEPT: usize = 256;
