//! The options of a WebSocket: its request, its limits and its versions of HTTP.

use crate::route::http_versions::HttpVersions;
use crate::route::redirects::Redirects;
use wirestack_http2 as http2;
use wirestack_layer::{Error, Queue, Seed};
use wirestack_nest::{BoxLayer, Nest};
use wirestack_websocket::{self as websocket, Message, Payload};

/// A WebSocket at the top of a stack of any depth, boxed. Its application side carries messages, or
/// their parts, or bytes.
///
/// ```
/// use wirestack_dial::BoxSocket;
/// use wirestack_layer::Flow;
/// use wirestack_nest::Engine;
/// use wirestack_websocket::Message;
///
/// /// Takes a message out of any stack with a WebSocket at its top.
/// fn receive(engine: &mut Engine<BoxSocket>) -> Option<Message> {
///     engine.to_app().pop()
/// }
/// ```
pub type BoxSocket<F = Queue<Message>> = BoxLayer<F, F>;

/// The options for opening a WebSocket.
///
/// ```
/// use wirestack_dial::{Redirects, WebSocketOptions};
/// use wirestack_websocket::{ClientRequest, WebSocketConfig};
///
/// let request = ClientRequest::new("wss://example.org/chat")?.subprotocol("chat")?;
/// let mut options = WebSocketOptions::new(request);
/// options.config = WebSocketConfig::default().max_message(64 * 1024);
/// options.redirects = Redirects::SameOrigin;
/// # Ok::<(), wirestack_layer::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct WebSocketOptions {
    /// The handshake request.
    pub request: websocket::ClientRequest,
    /// The limits of the WebSocket.
    pub config: websocket::WebSocketConfig,
    /// The limits of the HTTP/2 connection, if there is one below the WebSocket.
    pub http2: http2::Http2Config,
    /// The versions of HTTP that may be used.
    pub versions: HttpVersions,
    /// The redirects of the server that are followed.
    pub redirects: Redirects,
}

impl WebSocketOptions {
    /// Creates options with any version of HTTP, the default limits, and no redirects.
    pub fn new(request: websocket::ClientRequest) -> Self {
        Self {
            request,
            config: websocket::WebSocketConfig::default(),
            http2: http2::Http2Config::default(),
            versions: HttpVersions::Any,
            redirects: Redirects::Off,
        }
    }

    pub(crate) fn over_http1<F: Payload>(self, seed: Seed) -> Result<BoxSocket<F>, Error> {
        let client = websocket::Client::new(self.request, self.config, seed)?;
        Ok(client.with_payload::<F>().boxed())
    }

    pub(crate) fn over_http2<F: Payload>(self, seed: Seed) -> Result<BoxSocket<F>, Error> {
        let request =
            http2::ConnectRequest::extended("websocket", self.request.to_http2(&self.config))?;
        let tunnel = http2::Client::new(request, self.http2);
        let socket = tunnel.then(move |tunnel| {
            let response = tunnel.response().cloned().unwrap_or_default();
            let request = &self.request;
            let client = websocket::Client::from_response(request, response, self.config, seed);
            client.map(websocket::Client::with_payload::<F>)
        });
        Ok(socket.boxed())
    }
}
