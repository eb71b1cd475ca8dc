//! The decision of a WebSocket server about a request, over each version of HTTP.

use super::connect_info::ConnectInfo;
use bytes::Bytes;
use http::{Extensions, HeaderMap, Request, Response, StatusCode};
use wirestack_http2::{RequestKind, request_kind};
use wirestack_layer::{Error, Layer};
use wirestack_nest::Engine;
use wirestack_websocket::{Accept, Offer, Origins, Payload, Server, WebSocketConfig};

/// The decision about a request: to accept it, or to refuse it with this response.
///
/// ```
/// use http::StatusCode;
/// use wirestack_dial::serve::{Decision, refusal};
/// use wirestack_websocket::{Accept, Offer};
///
/// fn decide(offer: &Offer<'_>) -> Decision {
///     match offer.uri().path() {
///         "/chat" => Ok(Accept::new()),
///         _ => Err(refusal(StatusCode::NOT_FOUND, "no such room")),
///     }
/// }
/// ```
pub type Decision = Result<Accept, Box<Response<Bytes>>>;

/// Returns a response that refuses a request, for a [`Decision`]: this status, and a line of text.
///
/// ```
/// use http::StatusCode;
/// use wirestack_dial::serve::{Decision, refusal};
///
/// let decision: Decision = Err(refusal(StatusCode::UNAUTHORIZED, "no ticket"));
/// # assert_eq!(decision.unwrap_err().body(), "no ticket\n");
/// ```
pub fn refusal(status: StatusCode, text: &str) -> Box<Response<Bytes>> {
    let mut response = Response::new(Bytes::from(format!("{text}\n")));
    *response.status_mut() = status;
    response.into()
}

/// Returns the offer of a client over HTTP/1.1, once its request has arrived at the [`Server`]
/// layer of a stack. Its request has these facts about the client as an extension.
///
/// ```
/// use wirestack_dial::serve::{ConnectInfo, answer_over_http1, offer_over_http1};
/// use wirestack_layer::{Flow, Instant, Queue};
/// use wirestack_nest::Engine;
/// use wirestack_websocket::{Accept, Message, Server, WebSocketConfig};
///
/// let mut engine = Engine::new(Server::new(WebSocketConfig::default()));
/// let info = ConnectInfo::new("192.0.2.7:4711".parse().ok(), &engine);
/// engine.from_wire().write(
///     b"GET /chat HTTP/1.1\r\nHost: example.org\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\
///       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
/// );
/// engine.process(Instant::ORIGIN);
/// let offer = offer_over_http1::<_, Queue<Message>>(&mut engine, &info).expect("it has arrived");
/// assert_eq!(offer.uri().path(), "/chat");
///
/// let answered = answer_over_http1::<_, Queue<Message>>(&mut engine, Ok(Accept::new()));
/// let request = answered.expect("there is a WebSocket")?.expect("it was accepted");
/// assert!(request.extensions().get::<ConnectInfo>().is_some());
/// engine.process(Instant::ORIGIN);
/// assert!(engine.is_open());
/// # Ok::<(), wirestack_layer::Error>(())
/// ```
pub fn offer_over_http1<'a, L, P>(
    engine: &'a mut Engine<L>,
    info: &ConnectInfo,
) -> Option<Offer<'a>>
where
    L: Layer + 'static,
    P: Payload,
{
    let server = engine.part_mut::<Server<P>>()?;
    server.request()?;
    server.request_extensions_mut()?.insert(info.clone());
    server.request()
}

/// Returns a request over HTTP/1.1 that is for no WebSocket, once it has arrived at the [`Server`]
/// layer of a stack, if that [leaves it to the application](Server::with_other_requests). It has
/// these facts about the client as an extension.
///
/// ```
/// use wirestack_dial::serve::{ConnectInfo, other_request_over_http1};
/// use wirestack_layer::{Flow, Instant, Queue};
/// use wirestack_nest::Engine;
/// use wirestack_websocket::{Message, Server, WebSocketConfig};
///
/// let server = Server::new(WebSocketConfig::default()).with_other_requests();
/// let mut engine = Engine::new(server);
/// let info = ConnectInfo::new("192.0.2.7:4711".parse().ok(), &engine);
/// engine.from_wire().write(b"GET /health HTTP/1.1\r\nHost: example.org\r\n\r\n");
/// engine.process(Instant::ORIGIN);
/// let request = other_request_over_http1::<_, Queue<Message>>(&mut engine, &info);
/// assert_eq!(request.map(|request| request.uri().path()), Some("/health"));
/// ```
pub fn other_request_over_http1<'a, L, P>(
    engine: &'a mut Engine<L>,
    info: &ConnectInfo,
) -> Option<&'a Request<()>>
where
    L: Layer + 'static,
    P: Payload,
{
    let server = engine.part_mut::<Server<P>>()?;
    server.other_request()?;
    server.request_extensions_mut()?.insert(info.clone());
    server.other_request()
}

/// Accepts or refuses the request of a client over HTTP/1.1, at the [`Server`] layer of a stack.
/// Returns the request if it was accepted, and `None` if the stack has no such layer.
///
/// ```
/// use http::StatusCode;
/// use wirestack_dial::serve::{answer_over_http1, refusal};
/// use wirestack_layer::Queue;
/// use wirestack_nest::Engine;
/// use wirestack_websocket::{Message, Server};
///
/// /// Refuses a request, in any stack whose top is a WebSocket.
/// fn refuse(engine: &mut Engine<Server>) {
///     let decision = Err(refusal(StatusCode::FORBIDDEN, "not here"));
///     let answered = answer_over_http1::<_, Queue<Message>>(engine, decision);
///     assert!(answered.is_some(), "the stack has a WebSocket");
/// }
/// ```
pub fn answer_over_http1<L, P>(
    engine: &mut Engine<L>,
    decision: Decision,
) -> Option<Result<Option<Request<()>>, Error>>
where
    L: Layer + 'static,
    P: Payload,
{
    let server = engine.part_mut::<Server<P>>()?;
    Some(match decision {
        Ok(accept) => server.accept(accept).map(Some),
        Err(response) => server.reject(*response).map(|()| None),
    })
}

/// Reads the offer of a WebSocket from a request on an HTTP/2 stream, or returns the response that
/// refuses the request: also one of a web page whose origin is not permitted.
///
/// ```
/// use wirestack_dial::serve::offer_over_http2;
/// use wirestack_websocket::Origins;
///
/// let page = http::Request::new(()); // of a browser that asks for no WebSocket
/// assert_eq!(offer_over_http2(&page, &Origins::same()).unwrap_err().status(), 404);
/// ```
pub fn offer_over_http2<'a>(
    request: &'a Request<()>,
    origins: &Origins,
) -> Result<Offer<'a>, Box<Response<Bytes>>> {
    match request_kind(request) {
        // Clients and proxies write the token in upper or lower case.
        RequestKind::Protocol(name) if name.eq_ignore_ascii_case("websocket") => {
            Offer::of_http2(request, origins)
        }
        RequestKind::Protocol(_) => Err(plain(StatusCode::NOT_IMPLEMENTED)),
        RequestKind::Tunnel(_) => Err(plain(StatusCode::METHOD_NOT_ALLOWED)),
        _ => Err(plain(StatusCode::NOT_FOUND)),
    }
}

/// Returns the WebSocket that was accepted, with the header fields of the response and the
/// extensions for the request; or the response that refuses the request.
///
/// ```
/// use wirestack_dial::serve::{Decision, answer_over_http2, offer_over_http2};
/// use wirestack_websocket::{Origins, Server, WebSocketConfig};
///
/// /// Opens a WebSocket on a stream, or returns the status of its refusal.
/// fn open(request: &http::Request<()>, decision: Decision) -> Result<Server, u16> {
///     let offer = offer_over_http2(request, &Origins::same());
///     let offer = offer.map_err(|refusal| refusal.status().as_u16())?;
///     match answer_over_http2(&offer, decision, WebSocketConfig::default()) {
///         Ok((server, _fields, _extensions)) => Ok(server),
///         Err(refusal) => Err(refusal.status().as_u16()),
///     }
/// }
/// ```
pub fn answer_over_http2(
    offer: &Offer<'_>,
    decision: Decision,
    config: WebSocketConfig,
) -> Result<(Server, HeaderMap, Extensions), Box<Response<Bytes>>> {
    let mut accept = decision?;
    let extensions = accept.take_extensions();
    match Server::from_request(offer, accept, config) {
        Ok((server, response)) => Ok((server, response.into_parts().0.headers, extensions)),
        // The server accepted a subprotocol that was not offered.
        Err(_) => Err(plain(StatusCode::INTERNAL_SERVER_ERROR)),
    }
}

/// Returns the decision about a request for which the time has run out: 503 (Service Unavailable).
///
/// ```
/// use wirestack_dial::serve::late_decision;
///
/// assert_eq!(late_decision().unwrap_err().status(), 503);
/// ```
pub fn late_decision() -> Decision {
    Err(plain(StatusCode::SERVICE_UNAVAILABLE))
}

fn plain(status: StatusCode) -> Box<Response<Bytes>> {
    refusal(status, &status.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_websockets_are_asked_about() {
        let get = Request::new(());
        assert_eq!(
            offer_over_http2(&get, &Origins::same())
                .unwrap_err()
                .status(),
            404
        );
    }
}
