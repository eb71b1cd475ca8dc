//! The extractor.

use crate::rejection::WebSocketRejection;
use axum_core::body::Body;
use axum_core::extract::FromRequestParts;
use axum_core::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Request, StatusCode};
use hyper::ext::Protocol;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use std::fmt;
use wirestack::runtime::{TokioTransport, spawn};
#[cfg(feature = "deflate")]
use wirestack::websocket::Deflate;
use wirestack::websocket::{Accept, Offer, Origins, Server, WebSocketConfig};
use wirestack::{Connection, Engine, Error, ServerSocket, Shutdown};

/// A WebSocket of a handler, which is the one of every other server of `wirestack`.
///
/// ```
/// use wirestack::{WebSocketReader, WebSocketWriter};
/// use wirestack_axum::WebSocket;
///
/// fn halves(socket: WebSocket) -> (WebSocketWriter, WebSocketReader) {
///     socket.split() // for two tasks
/// }
/// ```
pub type WebSocket = ServerSocket;

/// An extractor for requests that open a WebSocket, over HTTP/1.1 (GET) and HTTP/2 (CONNECT, RFC
/// 8441): put the handler behind `any`.
///
/// A web page of another origin is refused with 403, unless [`origins`](Self::origins) permits it.
///
/// ```
/// use axum::Router;
/// use axum::extract::State;
/// use axum::response::{IntoResponse, Response};
/// use axum::routing::any;
/// use wirestack::Shutdown;
/// use wirestack::websocket::{Deflate, Origins, WebSocketConfig};
/// use wirestack_axum::{WebSocket, WebSocketUpgrade};
///
/// async fn chat(State(shutdown): State<Shutdown>, up: WebSocketUpgrade) -> Response {
///     let up = up
///         .protocols(["chat.v2", "chat.v1"]) // the preferred first
///         .origins(Origins::same())
///         .config(WebSocketConfig::default())
///         .deflate(Deflate::default())
///         .max_message_size(64 * 1024)
///         .close_on(&shutdown)
///         .on_failed(|error| eprintln!("{error}"));
///     if up.selected_protocol().is_none() {
///         eprintln!("it speaks {:?}", up.requested_protocols());
///     }
///     match up.header("x-room", "7") {
///         Ok(up) => up.on_upgrade(greet),
///         Err(error) => error.to_string().into_response(), // not a valid field
///     }
/// }
///
/// async fn greet(mut socket: WebSocket) {
///     let _ = socket.send("hello").await;
/// }
///
/// let app: Router = Router::new().route("/", any(chat)).with_state(Shutdown::new());
/// # drop(app);
/// ```
#[must_use = "it does nothing without `on_upgrade`"]
pub struct WebSocketUpgrade {
    request: Request<()>,
    version: Handshake,
    upgrade: OnUpgrade,
    accept: Accept,
    config: WebSocketConfig,
    origins: Origins,
    shutdown: Option<Shutdown>,
    on_failed: Box<dyn FnOnce(Error) + Send>,
}

/// The form of the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Handshake {
    /// An upgrade of HTTP/1.1 (RFC 6455 §4.2).
    Http1,
    /// An extended CONNECT (RFC 8441 §4).
    Http2,
}

impl WebSocketUpgrade {
    /// Takes the handshake out of the head of a request. axum does this for a handler; a service of
    /// plain hyper calls it.
    ///
    /// ```
    /// use http::Request;
    /// use wirestack_axum::{WebSocket, WebSocketUpgrade};
    ///
    /// type Answer = axum::response::Response; // a response of the crate `http`
    ///
    /// async fn service<B>(request: Request<B>) -> Result<Answer, std::convert::Infallible> {
    ///     let (mut parts, _) = request.into_parts();
    ///     Ok(match WebSocketUpgrade::from_parts(&mut parts) {
    ///         Ok(up) => up.on_upgrade(async |mut socket: WebSocket| {
    ///             let _ = socket.send("hello").await;
    ///         }),
    ///         Err(rejection) => axum::response::IntoResponse::into_response(rejection),
    ///     })
    /// }
    /// # drop(service::<()>(Request::new(())));
    /// ```
    ///
    /// # Errors
    ///
    /// The request is for no WebSocket, or its connection cannot be upgraded.
    pub fn from_parts(parts: &mut Parts) -> Result<Self, WebSocketRejection> {
        let protocol = parts.extensions.get::<Protocol>();
        let version = match protocol {
            Some(protocol) if parts.method == Method::CONNECT => {
                if !protocol.as_str().eq_ignore_ascii_case("websocket") {
                    let text = "this protocol is not spoken here";
                    return Err(WebSocketRejection::text(StatusCode::NOT_IMPLEMENTED, text));
                }
                Handshake::Http2
            }
            _ => Handshake::Http1,
        };
        let mut request = Request::new(());
        request.method_mut().clone_from(&parts.method);
        request.uri_mut().clone_from(&parts.uri);
        request.headers_mut().clone_from(&parts.headers);
        *request.version_mut() = parts.version;
        // The origin is checked when the handler has said which ones it permits.
        offer(&request, version, &Origins::any())?;
        let upgrade = parts.extensions.remove::<OnUpgrade>().ok_or_else(|| {
            let text = "this connection cannot be upgraded";
            WebSocketRejection::text(StatusCode::UPGRADE_REQUIRED, text)
        })?;
        Ok(Self {
            request,
            version,
            upgrade,
            accept: Accept::new(),
            config: WebSocketConfig::default(),
            origins: Origins::same(),
            shutdown: None,
            on_failed: Box::new(|_| ()),
        })
    }

    /// Chooses the first of these subprotocols that the client offers; none if it offers none of
    /// them.
    pub fn protocols(mut self, ours: impl IntoIterator<Item: AsRef<str>>) -> Self {
        let offered = self.requested_protocols();
        let chosen = ours.into_iter().find(|our| {
            let our = our.as_ref();
            offered.iter().any(|name| name == our)
        });
        if let Some(name) = chosen {
            self.accept = self.accept.subprotocol(name.as_ref());
        }
        self
    }

    /// Returns the subprotocols that the client offers, the preferred first.
    pub fn requested_protocols(&self) -> Vec<String> {
        let offer = offer(&self.request, self.version, &Origins::any());
        offer.map_or_else(
            |_| Vec::new(),
            |offer| offer.subprotocols().map(str::to_owned).collect(),
        )
    }

    /// Returns the subprotocol that [`protocols`](Self::protocols) has chosen.
    pub fn selected_protocol(&self) -> Option<&str> {
        self.accept.chosen_subprotocol()
    }

    /// Sets the origins of the web pages that may open a WebSocket here, instead of [those of this
    /// host](Origins::same).
    pub fn origins(mut self, origins: Origins) -> Self {
        self.origins = origins;
        self
    }

    /// Sets the limits, the keepalive and the compression of the WebSocket.
    pub fn config(mut self, config: WebSocketConfig) -> Self {
        self.config = config;
        self
    }

    /// Compresses messages, if the client can too (RFC 7692).
    #[cfg(feature = "deflate")]
    pub fn deflate(mut self, deflate: Deflate) -> Self {
        self.config.deflate = Some(deflate);
        self
    }

    /// Sets the longest message that is received, in bytes, and its longest frame.
    pub fn max_message_size(mut self, bytes: usize) -> Self {
        self.config.max_message = bytes;
        self.config.max_frame = bytes;
        self
    }

    /// Adds a field to the response.
    ///
    /// # Errors
    ///
    /// The field is not valid, or the handshake sets it itself.
    pub fn header(
        mut self,
        name: impl TryInto<HeaderName>,
        value: impl TryInto<HeaderValue>,
    ) -> Result<Self, Error> {
        self.accept = self.accept.header(name, value)?;
        Ok(self)
    }

    /// Closes the WebSocket with 1001 (going away) when this signal is given. The graceful end of
    /// axum does not wait for upgraded connections.
    pub fn close_on(mut self, shutdown: &Shutdown) -> Self {
        self.shutdown = Some(shutdown.clone());
        self
    }

    /// Calls `report` if the connection breaks before the WebSocket is open. Otherwise nobody hears
    /// of it.
    pub fn on_failed(mut self, report: impl FnOnce(Error) + Send + 'static) -> Self {
        self.on_failed = Box::new(report);
        self
    }

    /// Returns the response that opens the WebSocket, and serves it with `each` in a task of its
    /// own, once the response has left. A page whose origin is not permitted gets a 403.
    #[must_use = "the response has to be returned"]
    pub fn on_upgrade<F, R>(self, each: F) -> Response
    where
        F: FnOnce(WebSocket) -> R + Send + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        let offer = match offer(&self.request, self.version, &self.origins) {
            Ok(offer) => offer,
            Err(rejection) => return rejection.into_response(),
        };
        let (server, response) = match Server::from_request(&offer, self.accept, self.config) {
            Ok(opened) => opened,
            Err(error) => {
                (self.on_failed)(error);
                return StatusCode::INTERNAL_SERVER_ERROR.into_response();
            }
        };
        let (upgrade, shutdown, on_failed) = (self.upgrade, self.shutdown, self.on_failed);
        let serving = spawn(async move {
            let opened = upgrade
                .await
                .map_err(|error| Error::peer("hyper", error))
                .and_then(|upgraded| open(upgraded, server));
            match opened {
                Ok(mut socket) => {
                    if let Some(shutdown) = &shutdown {
                        socket.close_on(shutdown);
                    }
                    each(socket).await;
                }
                Err(error) => on_failed(error),
            }
        });
        if serving.is_err() {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response(); // outside of a runtime
        }
        response.map(|()| Body::empty())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for WebSocketUpgrade {
    type Rejection = WebSocketRejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, WebSocketRejection> {
        Self::from_parts(parts)
    }
}

impl fmt::Debug for WebSocketUpgrade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocketUpgrade")
            .field("version", &self.version)
            .field("path", &self.request.uri().path())
            .finish_non_exhaustive()
    }
}

fn offer<'a>(
    request: &'a Request<()>,
    version: Handshake,
    origins: &Origins,
) -> Result<Offer<'a>, WebSocketRejection> {
    let offer = match version {
        Handshake::Http1 => Offer::of_http1(request, origins),
        Handshake::Http2 => Offer::of_http2(request, origins),
    };
    offer.map_err(WebSocketRejection::new)
}

fn open(upgraded: Upgraded, server: Server) -> Result<WebSocket, Error> {
    let io = TokioTransport::new(TokioIo::new(upgraded));
    Ok(Connection::from_transport(io, Engine::new(server))?.boxed())
}
