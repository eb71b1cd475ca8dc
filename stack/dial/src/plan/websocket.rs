//! The options of a WebSocket: its request, its limits and its versions of HTTP.

use crate::route::redirects::Redirects;
use wirestack_http2 as http2;
use wirestack_layer::{Error, Layer, Queue, Seed};
use wirestack_nest::Nest;
use wirestack_websocket::{self as websocket, Message, Payload};

/// A WebSocket at the top of a stack of any depth, boxed. Its application side carries messages, or
/// their parts, or bytes.
pub type BoxSocket<F = Queue<Message>> = Box<dyn Layer<In = F, Out = F> + Send>;

/// The options for opening a WebSocket.
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

/// The versions of HTTP that may carry a WebSocket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum HttpVersions {
    /// HTTP/2 if the server speaks it and offers extended CONNECT (RFC 8441), or else HTTP/1.1.
    /// Without TLS it is HTTP/1.1, because there is no ALPN to agree on HTTP/2.
    #[default]
    Any,
    /// HTTP/1.1 only.
    Http1,
    /// HTTP/2 only. Without TLS it starts with prior knowledge (RFC 9113 §3.3).
    Http2,
}

impl HttpVersions {
    pub(crate) fn alpn(self) -> &'static [&'static [u8]] {
        match self {
            Self::Any => &[b"h2", b"http/1.1"],
            Self::Http1 => &[b"http/1.1"],
            Self::Http2 => &[b"h2"],
        }
    }
}
