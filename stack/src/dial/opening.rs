use crate::{BoxSocket, Error, Nest, Seed};
use wirestack_http2 as http2;
use wirestack_websocket::{self as websocket, Payload};

/// How to open a WebSocket.
#[derive(Clone, Debug)]
pub struct Opening {
    /// What to ask for.
    pub request: websocket::Request,
    /// The limits of the WebSocket.
    pub settings: websocket::Settings,
    /// The limits of the HTTP/2 connection, if it gets there over one.
    pub http2: http2::Settings,
    /// The versions of HTTP that may be used.
    pub versions: Versions,
}

impl Opening {
    /// Asks for this over any version of HTTP, with the usual limits.
    pub fn new(request: websocket::Request) -> Self {
        Self {
            request,
            settings: websocket::Settings::default(),
            http2: http2::Settings::default(),
            versions: Versions::Any,
        }
    }
    pub(super) fn over_http1<F: Payload>(self, seed: Seed) -> Result<BoxSocket<F>, Error> {
        let client = websocket::Client::new(self.request, self.settings, seed)?;
        Ok(client.carrying::<F>().boxed())
    }
    pub(super) fn over_http2<F: Payload>(self, seed: Seed) -> Result<BoxSocket<F>, Error> {
        let request = http2::Request::extended("websocket", self.request.to_http2(&self.settings))?;
        let tunnel = http2::Client::new(request, self.http2)?;
        let socket = tunnel.then(move |tunnel| {
            let response = tunnel.response().cloned().unwrap_or_default();
            let request = &self.request;
            let client = websocket::Client::answered(request, response, self.settings, seed);
            client.map(websocket::Client::carrying::<F>)
        });
        Ok(socket.boxed())
    }
}

/// The versions of HTTP that may carry a WebSocket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Versions {
    /// HTTP/2 where the server speaks it and offers extended CONNECT (RFC 8441), else HTTP/1.1.
    /// Without TLS it is HTTP/1.1, as nothing tells what the server speaks.
    #[default]
    Any,
    /// HTTP/1.1 only.
    Http1,
    /// HTTP/2 only; without TLS, with prior knowledge.
    Http2,
}

impl Versions {
    pub(super) fn alpn(self) -> &'static [&'static [u8]] {
        match self {
            Self::Any => &[b"h2", b"http/1.1"],
            Self::Http1 => &[b"http/1.1"],
            Self::Http2 => &[b"h2"],
        }
    }
}
