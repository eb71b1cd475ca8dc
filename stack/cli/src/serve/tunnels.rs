//! The far end of tunnels: WebSockets over HTTP/1.1 and HTTP/2, in whose bytes SOCKS5 asks for the
//! targets.

use crate::forward::{TUNNEL_PROTOCOL, tunnel_config};
use crate::halves::Halves;
use crate::log::Record;
use crate::proxy::{Ends, Proxy};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, HeaderValue, SEC_WEBSOCKET_PROTOCOL, WWW_AUTHENTICATE};
use http::{Request, Response, StatusCode};
use std::sync::Arc;
use wirestack::runtime::Listener;
use wirestack::websocket::{Accept, Origins};
use wirestack::{Accepted, Pipe, Serve, ServerSocket, WebSocketServer, serve};
use zeroize::Zeroizing;

/// A server of tunnels.
#[derive(Clone)]
pub(super) struct Tunnels {
    proxy: Proxy,
    server: WebSocketServer,
}

impl Tunnels {
    pub(super) fn new(proxy: Proxy, path: Option<String>) -> Self {
        let path: Option<Arc<str>> = path.map(Into::into);
        let users = proxy.users.clone();
        let server = WebSocketServer::deciding(move |request: Request<()>| {
            let (users, path) = (users.clone(), path.clone());
            async move {
                if path.is_some_and(|path| request.uri().path() != &*path) {
                    return Err(refusal(StatusCode::NOT_FOUND));
                }
                if !speaks(&request) {
                    return Err(refusal(StatusCode::BAD_REQUEST));
                }
                let Some(users) = users else {
                    return Ok(accept());
                };
                let login = request.headers().get(AUTHORIZATION).and_then(basic);
                if let Some((user, password)) = login
                    && users.verify_later(user, password).await
                {
                    return Ok(accept());
                }
                Err(refusal(StatusCode::UNAUTHORIZED))
            }
        });
        // A page of the web has no business in a tunnel, whatever its origin.
        let server = server.origins(Origins::same()).config(tunnel_config());
        let mut server = server.handshake_timeout(proxy.handshake);
        if let Some(config) = &proxy.tls {
            server = server.tls(config.clone());
        }
        let mut proxy = proxy;
        proxy.users = None; // the request that opened the WebSocket had the login
        Self { proxy, server }
    }

    pub(super) fn serve(&self, listener: Listener) -> Serve {
        let this = self.clone();
        serve(listener, move |client: Accepted| {
            let this = this.clone();
            async move {
                let (peer, local) = (client.peer_addr(), client.local_addr().ok());
                let _open = this.proxy.log.metrics().accepted();
                let proxy = this.proxy.clone();
                let each = move |socket: ServerSocket<Pipe>, _| {
                    let proxy = proxy.clone();
                    let socket = socket.push_layer(Halves::default());
                    async move { proxy.serve_socks(socket, Ends { peer, local }).await }
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

fn accept() -> Accept {
    Accept::new().subprotocol(TUNNEL_PROTOCOL)
}

/// Returns `true` if the client offers the subprotocol of tunnels.
fn speaks(request: &Request<()>) -> bool {
    let offered = request.headers().get_all(SEC_WEBSOCKET_PROTOCOL);
    let mut lists = offered.iter().filter_map(|value| value.to_str().ok());
    lists.any(|list| list.split(',').any(|name| name.trim() == TUNNEL_PROTOCOL))
}

fn refusal(status: StatusCode) -> Box<Response<bytes::Bytes>> {
    let mut response = Response::new(format!("{status}\n").into());
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
