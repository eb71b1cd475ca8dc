use crate::accept::Accept;
use crate::connection::Connection;
use crate::handshake::{self, Negotiated, Offer, TOKEN};
use crate::message::{Message, Payload};
use crate::origins::Origins;
use crate::upgrading::{Handshake, Opened, Role, Upgrading};
use crate::{NAME, Socket, WebSocketConfig, WebSocketError};
use bytes::Bytes;
use http::header::{CONNECTION, HeaderValue, UPGRADE};
use http::{Extensions, Request, Response, StatusCode};
use wirestack_http1::upgrade;
use wirestack_layer::{Error, Flows, Instant, Progress, Queue};

/// The server's side of a WebSocket.
///
/// It waits at the [`request`](Self::request) until the application calls [`accept`](Self::accept)
/// or [`reject`](Self::reject). It refuses by itself a request that is not a WebSocket handshake,
/// and one that a web page of another origin sent, unless
/// [`with_origins`](Self::with_origins) permits it.
///
/// ```
/// use http::{Response, StatusCode};
/// use wirestack_layer::{Flow, Flows, Instant, Layer, Pipe, Queue};
/// use wirestack_websocket::{Accept, Message, Origins, Server, WebSocketConfig};
///
/// let mut server = Server::new(WebSocketConfig::default())
///     .with_origins(Origins::only("https://example.org").unwrap());
/// let [mut from_wire, mut to_wire] = <[Pipe; 2]>::default();
/// let [mut from_app, mut to_app] = <[Queue<Message>; 2]>::default();
/// from_wire.write(b"GET /chat HTTP/1.1\r\nHost: example.org\r\nUpgrade: websocket\r\n\
///     Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
///     Sec-WebSocket-Version: 13\r\n\r\n");
/// let mut turn = |server: &mut Server| {
///     let flows = Flows::new(&mut from_wire, &mut to_wire, &mut from_app, &mut to_app);
///     server.process(flows, Instant::ORIGIN);
/// };
/// turn(&mut server);
/// server.request_extensions_mut().unwrap().insert("what TLS knows");
/// if server.request().is_some_and(|offer| offer.uri().path() == "/chat") {
///     server.accept(Accept::new())?;
/// } else {
///     let mut response = Response::new("no such room\n".into());
///     *response.status_mut() = StatusCode::NOT_FOUND;
///     server.reject(response)?;
/// }
/// turn(&mut server);
/// assert!(server.is_open() && to_wire.unread().starts_with(b"HTTP/1.1 101 "));
/// # Ok::<(), wirestack_layer::Error>(())
/// ```
pub type Server<F = Queue<Message>> = Socket<ServerRole, F>;

/// The role of a server; see [`Server`].
///
/// ```
/// use wirestack_websocket::{Server, ServerRole, Socket};
///
/// fn same(server: Server) -> Socket<ServerRole> {
///     server
/// }
/// ```
#[derive(Debug)]
pub struct ServerRole {
    request: RequestState,
    origins: Origins,
    /// `true` if the application answers the requests that are for no WebSocket.
    answers_others: bool,
}

/// The state of the client's request.
#[derive(Debug)]
enum RequestState {
    /// It has not arrived.
    Awaited,
    /// It is a WebSocket handshake, and the application has to decide.
    Undecided,
    /// It is for no WebSocket, and the application has to answer it.
    Other,
    Accepted(Negotiated),
    Rejected,
    /// It was not a WebSocket handshake, for this reason.
    Invalid(WebSocketError),
}

impl Role for ServerRole {}

impl Server {
    /// Creates a server that opens with an HTTP/1.1 upgrade.
    pub fn new(config: WebSocketConfig) -> Self {
        let upgrade = upgrade::Server::new().with_limits(config.head.clone());
        let role = ServerRole {
            request: RequestState::Awaited,
            origins: Origins::same(),
            answers_others: false,
        };
        let upgrading = Upgrading::new(role, upgrade, config.deflate.clone());
        Self::upgrade(upgrading, Connection::server(&config))
    }

    /// Sets the origins of the web pages that may open a WebSocket here, instead of
    /// [the server's own](Origins::same). Call it before the first `process`.
    #[must_use]
    pub fn with_origins(mut self, origins: Origins) -> Self {
        if let Some(upgrading) = self.upgrading_mut() {
            upgrading.role.origins = origins;
        }
        self
    }

    /// Lets the application answer the requests that ask for no WebSocket, such as those of a web
    /// page or of a health check: see [`other_request`](Self::other_request). By default they are
    /// refused with 426 (Upgrade Required). Call it before the first `process`.
    ///
    /// ```
    /// use wirestack_layer::{Flow, Flows, Instant, Layer, Pipe, Queue};
    /// use wirestack_websocket::{Message, Server, WebSocketConfig};
    ///
    /// let mut server = Server::new(WebSocketConfig::default()).with_other_requests();
    /// let [mut from_wire, mut to_wire] = <[Pipe; 2]>::default();
    /// let [mut from_app, mut to_app] = <[Queue<Message>; 2]>::default();
    /// from_wire.write(b"GET /health HTTP/1.1\r\nHost: example.org\r\n\r\n");
    /// let mut turn = |server: &mut Server| {
    ///     let flows = Flows::new(&mut from_wire, &mut to_wire, &mut from_app, &mut to_app);
    ///     server.process(flows, Instant::ORIGIN);
    /// };
    /// turn(&mut server);
    /// assert_eq!(server.other_request().unwrap().uri(), "/health");
    /// server.reject(http::Response::new("all is well\n".into()))?;
    /// turn(&mut server);
    /// assert!(to_wire.unread().starts_with(b"HTTP/1.1 200 "));
    /// # Ok::<(), wirestack_layer::Error>(())
    /// ```
    #[must_use]
    pub fn with_other_requests(mut self) -> Self {
        if let Some(upgrading) = self.upgrading_mut() {
            upgrading.role.answers_others = true;
        }
        self
    }

    /// Creates a server that is open already, over a stream whose handshake was done elsewhere.
    ///
    /// ```
    /// use wirestack_layer::Layer;
    /// use wirestack_websocket::{Server, WebSocketConfig};
    ///
    /// let server: Server = Server::established(WebSocketConfig::default());
    /// assert!(server.is_open() && server.request().is_none());
    /// ```
    pub fn established(config: WebSocketConfig) -> Self {
        Self::open(Opened::default(), Connection::server(&config), None)
    }

    /// Creates a server for a request that was received elsewhere, and the response that accepts
    /// it: a `101` to an HTTP/1.1 upgrade, or a `200` to an extended CONNECT (RFC 8441 §5). The
    /// server is open already; its wire begins behind that response.
    ///
    /// ```
    /// use http::Request;
    /// use wirestack_layer::Error;
    /// use wirestack_websocket::{Accept, Offer, Origins, Server, WebSocketConfig};
    ///
    /// /// The WebSocket of a request that another library has read, and the response to it.
    /// fn open(request: &Request<()>) -> Result<Option<(Server, http::Response<()>)>, Error> {
    ///     let Ok(offer) = Offer::of_http1(request, &Origins::same()) else { return Ok(None) };
    ///     Server::from_request(&offer, Accept::new(), WebSocketConfig::default()).map(Some)
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`WebSocketError::UnofferedSubprotocol`].
    pub fn from_request(
        offer: &Offer<'_>,
        accept: Accept,
        config: WebSocketConfig,
    ) -> Result<(Self, Response<()>), Error> {
        let deflate = config.deflate.as_ref();
        let (negotiated, fields) = accept.answer(offer, deflate).map_err(local)?;
        let mut response = Response::new(());
        *response.headers_mut() = fields.into_map();
        let mut connection = Connection::server(&config);
        if offer.upgrades() {
            *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
            let upgrade = [(UPGRADE, TOKEN), (CONNECTION, "Upgrade")];
            let upgrade = upgrade.map(|(name, value)| (name, HeaderValue::from_static(value)));
            response.headers_mut().extend(upgrade);
        } else {
            connection = connection.over_stream();
        }
        let opened = Opened {
            negotiated,
            status: Some(response.status()),
            response: None,
        };
        let server = Self::open(opened, connection, deflate);
        Ok((server, response))
    }
}

impl<F> Server<F> {
    /// Returns the client's request, while it waits for a decision.
    pub fn request(&self) -> Option<Offer<'_>> {
        let upgrading = self.upgrading()?;
        match upgrading.role.request {
            RequestState::Undecided => upgrading.upgrade.request().map(Offer::checked),
            _ => None,
        }
    }

    /// Returns a request that asks for no WebSocket, while it waits for its
    /// [answer](Self::reject), if the application [answers those](Self::with_other_requests). A
    /// content of the request is not read.
    pub fn other_request(&self) -> Option<&Request<()>> {
        let upgrading = self.upgrading()?;
        match upgrading.role.request {
            RequestState::Other => upgrading.upgrade.request(),
            _ => None,
        }
    }

    /// Returns the extensions of the client's request, while it waits for a decision: facts about
    /// the client that the decision may need, such as its address.
    pub fn request_extensions_mut(&mut self) -> Option<&mut Extensions> {
        let upgrading = self.upgrading_mut()?;
        match upgrading.role.request {
            RequestState::Undecided | RequestState::Other => {
                Some(upgrading.upgrade.request_mut()?.extensions_mut())
            }
            _ => None,
        }
    }

    /// Accepts the request, at the next `process`, and returns it with the
    /// [extensions](Accept::extension) of the answer.
    ///
    /// # Errors
    ///
    /// [`WebSocketError::UnofferedSubprotocol`], and the request still waits;
    /// [`WebSocketError::NothingToDecide`].
    pub fn accept(&mut self, mut accept: Accept) -> Result<Request<()>, Error> {
        let upgrading = self.undecided()?;
        let nothing = || local(WebSocketError::NothingToDecide);
        let request = upgrading.upgrade.request().ok_or_else(nothing)?;
        let deflate = upgrading.deflate.as_ref();
        let extensions = accept.take_extensions();
        let answer = accept.answer(&Offer::checked(request), deflate);
        let (negotiated, fields) = answer.map_err(local)?;
        let accepted = upgrading.upgrade.accept(TOKEN, fields.iter());
        upgrading.role.request = RequestState::Accepted(negotiated);
        let mut request = accepted.ok_or_else(nothing)?;
        request.extensions_mut().extend(extensions);
        Ok(request)
    }

    /// Rejects the request with a response, or answers [another one](Self::other_request), at the
    /// next `process`; both directions then end.
    ///
    /// # Errors
    ///
    /// [`WebSocketError::NothingToDecide`].
    pub fn reject(&mut self, response: Response<Bytes>) -> Result<(), Error> {
        let waits = |request: &_| matches!(request, RequestState::Undecided | RequestState::Other);
        let upgrading = self
            .upgrading_mut()
            .filter(|upgrading| waits(&upgrading.role.request))
            .ok_or_else(|| local(WebSocketError::NothingToDecide))?;
        upgrading.upgrade.reject(response);
        upgrading.role.request = RequestState::Rejected;
        Ok(())
    }

    /// Returns the handshake whose request waits for a decision.
    fn undecided(&mut self) -> Result<&mut Upgrading<ServerRole>, Error> {
        self.upgrading_mut()
            .filter(|upgrading| matches!(upgrading.role.request, RequestState::Undecided))
            .ok_or_else(|| local(WebSocketError::NothingToDecide))
    }
}

impl Handshake for ServerRole {
    type Upgrade = upgrade::Server;

    fn advance<F: Payload>(
        upgrading: &mut Upgrading<Self>,
        p: &mut Flows<'_, F, F>,
        now: Option<Instant>,
    ) -> Result<Option<Opened>, Error> {
        let mut open = upgrading.process(p, now);
        if let RequestState::Awaited = upgrading.role.request
            && let Some(request) = upgrading.upgrade.request()
        {
            let offers = upgrading.upgrade.offers(TOKEN);
            let checked = handshake::check_request(request, offers, &upgrading.role.origins);
            upgrading.role.request = match checked {
                Ok(()) => RequestState::Undecided,
                Err(_) if upgrading.role.answers_others && !handshake::asks(request) => {
                    RequestState::Other
                }
                Err(cause) => {
                    upgrading.upgrade.reject(handshake::refusal(&cause));
                    open = upgrading.process(p, now);
                    RequestState::Invalid(cause)
                }
            };
        }
        match (open, &mut upgrading.role.request) {
            (Ok(true), RequestState::Accepted(negotiated)) => Ok(Some(Opened {
                negotiated: std::mem::take(negotiated),
                status: Some(StatusCode::SWITCHING_PROTOCOLS),
                response: None,
            })),
            (Ok(_), _) => Ok(None),
            (Err(_), RequestState::Invalid(cause)) => Err(Error::peer(NAME, cause.clone())),
            (Err(error), _) => Err(error),
        }
    }

    fn progress(upgrading: &Upgrading<Self>) -> Progress {
        match upgrading.role.request {
            RequestState::Undecided | RequestState::Other => {
                Progress::Deciding("the upgrade request")
            }
            _ => Progress::Opening("the upgrade request"),
        }
    }
}

fn local(cause: WebSocketError) -> Error {
    Error::local(NAME, cause)
}
