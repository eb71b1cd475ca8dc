use crate::route::target::Target;
use wirestack_http2 as http2;
use wirestack_layer::{Error, Layer, Queue, Seed};
use wirestack_nest::Nest;
use wirestack_websocket::{self as websocket, Message, Payload};

/// A WebSocket at the top of a stack of any depth, boxed. Its application's side is messages, unless
/// it is their parts or bytes.
pub type BoxSocket<F = Queue<Message>> = Box<dyn Layer<In = F, Out = F> + Send>;

/// How to open a WebSocket.
#[derive(Clone, Debug)]
pub struct WebSocketOptions {
    /// What to ask for.
    pub request: websocket::ClientRequest,
    /// The limits of the WebSocket.
    pub settings: websocket::Settings,
    /// The limits of the HTTP/2 connection, if it gets there over one.
    pub http2: http2::Settings,
    /// The versions of HTTP that may be used.
    pub versions: HttpVersions,
    /// Which redirects of the server are followed.
    pub redirects: Redirects,
}

impl WebSocketOptions {
    /// Asks for this over any version of HTTP, with the usual limits.
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
    /// HTTP/2 where the server speaks it and offers extended CONNECT (RFC 8441), else HTTP/1.1.
    /// Without TLS it is HTTP/1.1, as nothing tells what the server speaks.
    #[default]
    Any,
    /// HTTP/1.1 only.
    Http1,
    /// HTTP/2 only; without TLS, with prior knowledge.
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

/// Which redirects of a server (301, 302, 303, 307 and 308 with a `Location`) are followed, instead
/// of being its refusal. At most five are; `wss` never leads to `ws`; and to another origin go no
/// `Authorization`, no `Cookie` and no field whose value is marked as sensitive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Redirects {
    /// None.
    #[default]
    Off,
    /// Those that keep scheme, host and port.
    SameOrigin,
    /// All.
    Any,
}

impl Redirects {
    /// Where a redirect leads; `None` if it is not to be followed at all.
    pub(crate) fn lead(
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
        match self == Self::Any || from.origin() == to.origin() {
            true => Some(Ok(to)),
            false => Some(Err(RedirectError::OtherOrigin)),
        }
    }
}

/// Why a redirect was not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RedirectError {
    /// It leads to what is no `ws`, `wss`, `http` or `https` URL.
    #[error("the redirect does not lead to a WebSocket")]
    NotAWebSocket,
    /// It leads from `wss` to `ws`.
    #[error("the redirect leads from wss to ws")]
    Insecure,
    /// It leads to another scheme, host or port, which [`Redirects::SameOrigin`] forbids.
    #[error("the redirect leads to another origin")]
    OtherOrigin,
    /// It leads to where it was redirected from before.
    #[error("the redirect leads in a circle")]
    Circle,
    /// There were more than five.
    #[error("there were too many redirects")]
    TooMany,
}
