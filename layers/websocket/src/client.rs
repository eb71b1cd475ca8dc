use crate::connection::Connection;
use crate::handshake::{self, Key};
use crate::mask::Masks;
use crate::message::{Message, Payload};
use crate::request::ClientRequest;
use crate::upgrading::{Handshake, Opened, Role, Upgrading};
use crate::{NAME, Socket, WebSocketConfig};
use http::Response;
use wirestack_http1::upgrade;
use wirestack_layer::{Error, Flows, Instant, Progress, Queue, Seed};

/// The client's side of a WebSocket.
///
/// It asks for an upgrade by itself, and checks the response.
///
/// ```
/// use wirestack_layer::{Flow, Flows, Instant, Layer, Pipe, Queue, Seed};
/// use wirestack_websocket::{Client, ClientRequest, Message, WebSocketConfig};
///
/// let request = ClientRequest::new("wss://example.org/chat")?.subprotocol("chat")?;
/// let mut client = Client::new(request, WebSocketConfig::default(), Seed::new([7; 32]))?;
/// let [mut from_wire, mut to_wire] = <[Pipe; 2]>::default();
/// let [mut from_app, mut to_app] = <[Queue<Message>; 2]>::default();
/// let flows = Flows::new(&mut from_wire, &mut to_wire, &mut from_app, &mut to_app);
/// client.process(flows, Instant::ORIGIN);
/// let asked = String::from_utf8_lossy(to_wire.unread());
/// assert!(asked.starts_with("GET /chat HTTP/1.1\r\nHost: example.org\r\n"));
/// assert!(client.response().is_none() && !client.is_open()); // until the server answers
/// # Ok::<(), wirestack_layer::Error>(())
/// ```
pub type Client<F = Queue<Message>> = Socket<ClientRole, F>;

/// The role of a client; see [`Client`].
///
/// ```
/// use wirestack_websocket::{Client, ClientRole, Socket};
///
/// fn same(client: Client) -> Socket<ClientRole> {
///     client
/// }
/// ```
#[derive(Debug)]
pub struct ClientRole {
    key: Key,
    /// The subprotocols that are offered.
    offered: Vec<String>,
}

impl Role for ClientRole {}

impl Client {
    /// Creates a client that opens with an HTTP/1.1 upgrade. Its key and its masks are made from
    /// the seed, which must be unpredictable (RFC 6455 §10.3).
    ///
    /// # Errors
    ///
    /// Those of [`upgrade::Client::new`].
    pub fn new(request: ClientRequest, config: WebSocketConfig, seed: Seed) -> Result<Self, Error> {
        let mut masks = Masks::new(seed);
        let key = Key::new(masks.nonce());
        let upgrade = request.to_http1(&key, &config)?;
        let upgrade = upgrade.with_limits(config.head.clone());
        let offered = request.into_subprotocols();
        let role = ClientRole { key, offered };
        let upgrading = Upgrading::new(role, upgrade, config.deflate.clone());
        Ok(Self::upgrade(upgrading, Connection::client(masks, &config)))
    }

    /// Creates a client that is open already, over a stream whose handshake was done elsewhere.
    ///
    /// ```
    /// use wirestack_layer::{Flow, Flows, Instant, Layer, Pipe, Queue, Seed};
    /// use wirestack_websocket::{Client, Message, Server, WebSocketConfig};
    ///
    /// let config = WebSocketConfig::default();
    /// let mut client = Client::established(config.clone(), Seed::new([7; 32]));
    /// let mut server = Server::established(config);
    /// let [mut there, mut back] = <[Pipe; 2]>::default();
    /// let [mut said, mut heard, mut answer, mut got] = <[Queue<Message>; 4]>::default();
    /// said.push(Message::text("hello"));
    /// client.process(Flows::new(&mut back, &mut there, &mut said, &mut got), Instant::ORIGIN);
    /// server.process(Flows::new(&mut there, &mut back, &mut answer, &mut heard), Instant::ORIGIN);
    /// assert_eq!(heard.pop(), Some(Message::text("hello")));
    /// ```
    pub fn established(config: WebSocketConfig, seed: Seed) -> Self {
        let connection = Connection::client(Masks::new(seed), &config);
        Self::open(Opened::default(), connection, None)
    }

    /// Creates a client over a stream of an HTTP/2 connection. The server has answered `request`,
    /// in the form of [`ClientRequest::to_http2`], with a 2xx `response` (RFC 8441 §5). The
    /// parameters that the server chose are checked; `Sec-WebSocket-Accept` is ignored.
    ///
    /// ```
    /// use wirestack_layer::{Error, Seed};
    /// use wirestack_websocket::{Client, ClientRequest, WebSocketConfig};
    ///
    /// /// The WebSocket on a stream that another library has opened over HTTP/2.
    /// fn on_stream(response: http::Response<()>, seed: Seed) -> Result<Client, Error> {
    ///     let request = ClientRequest::new("wss://example.org/chat")?;
    ///     Client::from_response(&request, response, WebSocketConfig::default(), seed)
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`WebSocketError::UnofferedSubprotocol`](crate::WebSocketError::UnofferedSubprotocol),
    /// [`WebSocketError::UnofferedExtension`](crate::WebSocketError::UnofferedExtension),
    /// [`WebSocketError::BadExtension`](crate::WebSocketError::BadExtension).
    pub fn from_response(
        request: &ClientRequest,
        response: Response<()>,
        config: WebSocketConfig,
        seed: Seed,
    ) -> Result<Self, Error> {
        let deflate = config.deflate.as_ref();
        let negotiated =
            handshake::check_response(request.subprotocols(), deflate, response.headers());
        let opened = Opened {
            negotiated: negotiated.map_err(|cause| Error::peer(NAME, cause))?,
            status: Some(response.status()),
            response: Some(Box::new(response)),
        };
        let connection = Connection::client(Masks::new(seed), &config).over_stream();
        Ok(Self::open(opened, connection, deflate))
    }
}

impl<F> Client<F> {
    /// Returns the server's response, once open: a `101 Switching Protocols`, or over HTTP/2 a 2xx.
    ///
    /// ```
    /// use wirestack_websocket::Client;
    ///
    /// /// Returns a field of the response that opened the WebSocket.
    /// fn server_name(client: &Client) -> Option<&str> {
    ///     client.response()?.headers().get("server")?.to_str().ok()
    /// }
    /// ```
    pub fn response(&self) -> Option<&Response<()>> {
        self.handshake_response()
    }
}

impl Handshake for ClientRole {
    type Upgrade = upgrade::Client;

    fn advance<F: Payload>(
        upgrading: &mut Upgrading<Self>,
        p: &mut Flows<'_, F, F>,
        now: Option<Instant>,
    ) -> Result<Option<Opened>, Error> {
        if !upgrading.process(p, now)? {
            return Ok(None);
        }
        let response = upgrading.upgrade.take_response().unwrap_or_default();
        let headers = response.headers();
        let Self { key, offered } = &upgrading.role;
        let deflate = upgrading.deflate.as_ref();
        let negotiated = key
            .check(headers)
            .and_then(|()| handshake::check_response(offered, deflate, headers))
            .map_err(|cause| Error::peer(NAME, cause))?;
        Ok(Some(Opened {
            negotiated,
            status: Some(response.status()),
            response: Some(Box::new(response)),
        }))
    }

    fn progress(_: &Upgrading<Self>) -> Progress {
        Progress::Opening("the upgrade response")
    }
}
