//! The options of a WebSocket: its request, its versions of HTTP, and its redirects.

use crate::route::target::Target;
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
    pub settings: websocket::Settings,
    /// The limits of the HTTP/2 connection, if there is one below the WebSocket.
    pub http2: http2::Settings,
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
            settings: websocket::Settings::default(),
            http2: http2::Settings::default(),
            versions: HttpVersions::Any,
            redirects: Redirects::Off,
        }
    }

    pub(crate) fn over_http1<F: Payload>(self, seed: Seed) -> Result<BoxSocket<F>, Error> {
        let client = websocket::Client::new(self.request, self.settings, seed)?;
        Ok(client.with_payload::<F>().boxed())
    }

    pub(crate) fn over_http2<F: Payload>(self, seed: Seed) -> Result<BoxSocket<F>, Error> {
        let request =
            http2::ConnectRequest::extended("websocket", self.request.to_http2(&self.settings))?;
        let tunnel = http2::Client::new(request, self.http2);
        let socket = tunnel.then(move |tunnel| {
            let response = tunnel.response().cloned().unwrap_or_default();
            let request = &self.request;
            let client = websocket::Client::from_response(request, response, self.settings, seed);
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

/// The redirects of a server (301, 302, 303, 307 and 308 with a `Location`) that are followed. A
/// redirect that is not followed is a refusal.
///
/// At most five are followed, and none from `wss` to `ws`. Another origin does not receive
/// `Authorization`, `Cookie` or any field whose value is marked as sensitive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Redirects {
    /// No redirects.
    #[default]
    Off,
    /// Redirects with the same scheme, host and port.
    SameOrigin,
    /// All redirects.
    Any,
}

impl Redirects {
    /// Returns the target of a redirect, or `None` if no redirects are followed.
    pub(crate) fn resolve(
        self,
        from: &Target,
        location: &str,
    ) -> Option<Result<Target, RedirectError>> {
        if self == Self::Off {
            return None;
        }
        let to = from.redirected(location).ok();
        let Some(to) = to.filter(|to| to.must_be_websocket().is_ok()) else {
            return Some(Err(RedirectError::NotAWebSocket));
        };
        if from.is_secure() && !to.is_secure() {
            return Some(Err(RedirectError::Insecure));
        }
        if self == Self::SameOrigin && from.origin() != to.origin() {
            return Some(Err(RedirectError::OtherOrigin));
        }
        Some(Ok(to))
    }
}

/// The reason that a redirect was not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RedirectError {
    /// The redirect leads to a URL that is not `ws`, `wss`, `http` or `https`.
    #[error("the redirect leads to a URL that is not ws://, wss://, http:// or https://")]
    NotAWebSocket,
    /// The redirect leads from `wss` to `ws`.
    #[error("the redirect leads from wss:// to ws://, which has no TLS")]
    Insecure,
    /// The redirect leads to another scheme, host or port, which [`Redirects::SameOrigin`] forbids.
    #[error("the redirect leads to another origin, but only the same origin is allowed")]
    OtherOrigin,
    /// The redirect leads to a URL that has redirected before.
    #[error("the redirects form a loop")]
    Loop,
    /// The server redirected more than five times.
    #[error("there were too many redirects")]
    TooMany,
}
