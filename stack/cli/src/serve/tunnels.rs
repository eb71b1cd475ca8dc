//! The far end of tunnels: WebSockets over HTTP/1.1 and HTTP/2, in whose bytes SOCKS5 asks for the
//! targets.

use super::datagrams;
use super::listeners::Listeners;
use crate::halves::Halves;
use crate::log::Record;
use crate::proxy::{Ends, Proxy};
use crate::wire;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::BoxFuture;
use http::header::{AUTHORIZATION, HeaderValue, SEC_WEBSOCKET_PROTOCOL, WWW_AUTHENTICATE};
use http::{Request, Response, StatusCode};
use std::sync::Arc;
use wirestack::runtime::Listener;
use wirestack::websocket::{Accept, Origins};
use wirestack::{Accepted, AccessPolicy, Pipe, Serve, ServerSocket, WebSocketServer, serve};
use zeroize::Zeroizing;

/// A server of tunnels.
#[derive(Clone)]
pub(super) struct Tunnels {
    proxy: Arc<Proxy>,
    listeners: Listeners,
    server: WebSocketServer,
}

/// The user of a tunnel, from the request that opened it.
#[derive(Clone)]
struct User(String);

impl Tunnels {
    pub(super) fn new(
        proxy: Proxy,
        path: Option<String>,
        listen: AccessPolicy,
        most: usize,
    ) -> Self {
        let path: Option<Arc<str>> = path.map(Into::into);
        let users = proxy.users.clone();
        let carries_udp = proxy.serves_all_commands();
        let server = WebSocketServer::deciding(move |request: Request<()>| {
            let (users, path) = (users.clone(), path.clone());
            async move {
                if path.is_some_and(|path| request.uri().path() != &*path) {
                    return Err(refusal(StatusCode::NOT_FOUND));
                }
                let Some(spoken) = spoken(&request) else {
                    return Err(refusal(StatusCode::BAD_REQUEST));
                };
                if spoken == wire::UDP && !carries_udp {
                    return Err(refusal(StatusCode::NOT_IMPLEMENTED));
                }
                let accept = Accept::new().subprotocol(spoken);
                let Some(users) = users else {
                    return Ok(accept);
                };
                let login = request.headers().get(AUTHORIZATION).and_then(basic);
                if let Some((user, password)) = login
                    && users.verify_later(user.clone(), password).await
                {
                    return Ok(accept.extension(User(user)));
                }
                Err(refusal(StatusCode::UNAUTHORIZED))
            }
        });
        // A page of the web has no business in a tunnel, whatever its origin.
        let server = server.origins(Origins::same()).config(wire::config());
        let mut server = server.handshake_timeout(proxy.handshake);
        if let Some(config) = &proxy.tls {
            server = server.tls(config.clone());
        }
        let mut proxy = proxy;
        proxy.users = None; // the request that opened the WebSocket had the login
        let listeners = Listeners::new(proxy.clone(), listen, most);
        Self {
            proxy: Arc::new(proxy),
            listeners,
            server,
        }
    }

    pub(super) fn serve(&self, listener: Listener) -> Serve {
        let this = self.clone();
        serve(listener, move |client: Accepted| {
            let this = this.clone();
            async move {
                let (peer, local) = (client.peer_addr(), client.local_addr().ok());
                let _open = this.proxy.log.metrics().accepted();
                let (proxy, listeners) = (this.proxy.clone(), this.listeners.clone());
                let each = move |socket: ServerSocket<Pipe>, request: Request<()>| {
                    let (proxy, listeners) = (proxy.clone(), listeners.clone());
                    let user = request.extensions().get::<User>().map(|it| it.0.clone());
                    let spoken = socket.subprotocol().map(str::to_owned);
                    let socket = socket.push_layer(Halves::default());
                    let serving: BoxFuture<'static, ()> = match spoken.as_deref() {
                        Some(wire::LISTEN) => {
                            Box::pin(listeners.listen(socket.boxed(), peer, user))
                        }
                        Some(wire::ACCEPT) => Box::pin(listeners.fetch(socket.boxed(), peer, user)),
                        Some(wire::UDP) => {
                            Box::pin(datagrams::carry(proxy, socket.boxed(), peer, user))
                        }
                        _ => proxy.serve_socks(socket, Ends { peer, local }),
                    };
                    serving
                };
                if let Err(error) = this.server.serve_connection_in(client, each).await {
                    this.proxy
                        .log
                        .ended(&Record::new(peer, "tunnel"), &Err(error.to_string()));
                }
            }
        })
    }
}

/// Returns the subprotocol of tunnels that the client offers.
fn spoken(request: &Request<()>) -> Option<&'static str> {
    let offered = request.headers().get_all(SEC_WEBSOCKET_PROTOCOL);
    let lists = offered.iter().filter_map(|value| value.to_str().ok());
    let mut names = lists.flat_map(|list| list.split(',').map(str::trim));
    names.find_map(|name| SPOKEN.into_iter().find(|spoken| *spoken == name))
}

const SPOKEN: [&str; 4] = [wire::CONNECT, wire::LISTEN, wire::ACCEPT, wire::UDP];

fn refusal(status: StatusCode) -> Box<Response<bytes::Bytes>> {
    let text = match status {
        StatusCode::NOT_IMPLEMENTED => {
            "UDP is carried only by `serve --all-commands` that connects from its own machine\n"
                .to_owned()
        }
        status => format!("{status}\n"),
    };
    let mut response = Response::new(text.into());
    *response.status_mut() = status;
    if status == StatusCode::UNAUTHORIZED {
        let challenge = HeaderValue::from_static("Basic realm=\"wirestack\", charset=\"UTF-8\"");
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    Box::new(response)
}

/// Reads Basic credentials (RFC 7617 §2).
fn basic(value: &HeaderValue) -> Option<(String, Zeroizing<Vec<u8>>)> {
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = Zeroizing::new(STANDARD.decode(token.trim()).ok()?);
    let colon = pair.iter().position(|byte| *byte == b':')?;
    let user = String::from_utf8(pair[..colon].to_vec()).ok()?;
    Some((user, Zeroizing::new(pair[colon + 1..].to_vec())))
}
