use crate::config::Http2Config;
use crate::connection::Connection;
use crate::error::{Http2Error, NAME, local, peer};
use crate::head::Head;
use crate::request::ConnectRequest;
use crate::tunnel::Tunnel;
use http::Response;
use http::header::{HeaderValue, PROXY_AUTHORIZATION};
use std::fmt;
use wirestack_http::{Awaiting, Challenged, ProxyClient, Refusal};
use wirestack_layer::Instant;
use wirestack_layer::{Error, Flows, Layer, Pipe, Progress};

/// The client's side of one tunnel: an HTTP/2 connection with one CONNECT.
///
/// If the request is an extended CONNECT and the server does not offer that, the client fails with
/// [`Http2Error::NotOffered`]. The [hint](Error::retry_hint) for the next connection is then
/// [`UseHttp1`](crate::UseHttp1), and so it is if the server says HTTP_1_1_REQUIRED. If the server
/// has not processed the request (RFC 9113 §8.7), the hint is [`Unprocessed`](crate::Unprocessed).
///
/// ```
/// use wirestack_http2::{Client, ConnectRequest, Http2Config, Server};
/// use wirestack_layer::{Flow, Flows, Instant, Layer, Pipe};
///
/// // A tunnel through an HTTP/2 proxy, and that proxy.
/// let request = ConnectRequest::tunnel("example.org", 22)?;
/// let mut client = Client::new(request, Http2Config::default());
/// let mut proxy = Server::new(Http2Config::server());
/// let [mut up, mut down, mut asked, mut heard, mut said, mut got] = <[Pipe; 6]>::default();
/// said.write(b"SSH-2.0-x");
/// while got.is_empty() {
///     let flows = Flows::new(&mut down, &mut up, &mut asked, &mut got);
///     client.process(flows, Instant::ORIGIN);
///     let flows = Flows::new(&mut up, &mut down, &mut said, &mut heard);
///     proxy.process(flows, Instant::ORIGIN);
///     if proxy.request().is_some() {
///         proxy.accept(http::HeaderMap::new());
///     }
/// }
/// assert_eq!(client.response().unwrap().status(), 200);
/// assert_eq!(got.unread(), b"SSH-2.0-x");
/// # Ok::<(), wirestack_layer::Error>(())
/// ```
pub struct Client {
    tunnel: Tunnel,
    request: ConnectRequest,
    /// `true` once the request has been handed to the connection.
    asked: bool,
    /// The error with which the next `process` ends the client.
    failed: Option<Error>,
    response: Option<Response<()>>,
}

impl Client {
    /// Creates a client that asks for a tunnel or for another protocol.
    pub fn new(request: ConnectRequest, config: Http2Config) -> Self {
        Self {
            tunnel: Tunnel::new(Connection::client, config),
            request,
            asked: false,
            failed: None,
            response: None,
        }
    }

    /// Makes the client wait for its application before each request, and at the response that
    /// opens the tunnel: see [`ProxyClient`]. Each request has a stream of its own.
    ///
    /// ```
    /// use wirestack_http2::{Awaiting, Client, ConnectRequest, Http2Config, ProxyClient};
    ///
    /// let request = ConnectRequest::tunnel("example.org", 22)?;
    /// let mut client = Client::new(request, Http2Config::default()).awaiting_authorization();
    /// assert!(matches!(client.awaiting(), Some(Awaiting::Request)));
    /// client.authorize(None); // the first request goes without credentials
    /// assert!(client.awaiting().is_none());
    /// # Ok::<(), wirestack_layer::Error>(())
    /// ```
    #[must_use]
    pub fn awaiting_authorization(mut self) -> Self {
        self.tunnel.is_authorized = true;
        self.tunnel.awaiting = Some(Awaiting::Request);
        self
    }

    /// Returns the response that opened the tunnel; `None` before.
    pub fn response(&self) -> Option<&Response<()>> {
        self.response.as_ref()
    }

    fn ask(&mut self, value: Option<HeaderValue>) {
        self.asked = true;
        let request = match value {
            None => Ok(self.request.clone()),
            Some(value) => {
                let fields = [(PROXY_AUTHORIZATION, value)].into_iter().collect();
                self.request.clone().headers(fields)
            }
        };
        match request.and_then(|request| self.tunnel.down.open(request)) {
            Ok(stream) => self.tunnel.take(stream),
            Err(error) => self.failed = Some(error),
        }
    }
}

impl ProxyClient for Client {
    fn awaiting(&self) -> Option<&Awaiting> {
        self.tunnel.awaiting.as_ref()
    }

    fn authorize(&mut self, value: Option<HeaderValue>) {
        match self.tunnel.awaiting.take() {
            None => {}
            Some(Awaiting::Response(response)) => {
                self.response = Some(response);
                self.tunnel.open = true;
            }
            Some(Awaiting::Challenge {
                refusal,
                reusable: false,
            }) => {
                let challenged = Challenged::from(&refusal);
                self.failed = Some(refused(refusal).retry_on_new_connection(challenged));
            }
            Some(_) => self.ask(value),
        }
    }

    fn give_up(&mut self) {
        if let Some(awaiting) = self.tunnel.awaiting.take() {
            self.failed = Some(match awaiting {
                Awaiting::Challenge { refusal, .. } => refused(refusal),
                _ => local(Http2Error::GivenUp),
            });
        }
    }
}

fn refused(refusal: Refusal) -> Error {
    peer(Http2Error::Refused(Box::new(refusal)))
}

impl Layer for Client {
    type In = Pipe;
    type Out = Pipe;

    fn name(&self) -> &'static str {
        NAME
    }

    fn process(&mut self, mut flows: Flows<'_>, now: Instant) {
        if !self.asked && !self.tunnel.is_authorized {
            self.ask(None);
        }
        if let Some(error) = self.failed.take() {
            self.tunnel.end();
            return flows.fail(error);
        }
        let response = &mut self.response;
        self.tunnel.process(flows, now, |tunnel, stream, head| {
            if let Head::Response(head) = head
                && tunnel.stream() == Some(stream)
            {
                let head = head.map(|_| ());
                if tunnel.is_authorized {
                    tunnel.awaiting = Some(Awaiting::Response(head));
                } else {
                    *response = Some(head);
                    tunnel.open = true;
                }
            }
        });
    }

    fn deadline(&self) -> Option<Instant> {
        self.tunnel.deadline()
    }

    fn is_open(&self) -> bool {
        self.tunnel.open
    }

    fn is_flushed(&self) -> bool {
        self.tunnel.is_flushed()
    }

    fn progress(&self) -> Progress {
        match self.awaiting() {
            Some(_) => Progress::Deciding("credentials"),
            None if self.tunnel.connection.waiting.is_starved() => Progress::Opening(
                "the server to allow a stream (SETTINGS_MAX_CONCURRENT_STREAMS is 0)",
            ),
            None => self.tunnel.progress("the CONNECT response"),
        }
    }

    fn facts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.response {
            Some(response) => write!(f, "{}", response.status()),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("progress", &self.progress())
            .finish_non_exhaustive()
    }
}
