//! The front of a client: what its builders take, and what is in hand once it is connected.

mod facts;
mod fields;
mod inputs;
mod own_layer;
mod reconnecting;

use crate::support::{TIMEOUT, TLS, listen};
use wirestack::websocket::{Accept, Deflate, Origins, WebSocketConfig};
use wirestack::{ServerSocket, WebSocketServer};

/// Sends the target and the fields of its request, and then echoes.
async fn tell(mut socket: ServerSocket, request: http::Request<()>) {
    let mut told = format!("{} {}", request.method(), request.uri().path());
    if let Some(query) = request.uri().query() {
        told = format!("{told}?{query}");
    }
    for (name, value) in request.headers() {
        let value = value.to_str().unwrap();
        told = format!("{told}\n{name}: {value}");
    }
    let _ = socket.send(told).await;
    while let Some(Ok(message)) = socket.next().await {
        let _ = socket.send(message).await;
    }
    let _ = socket.finish(TIMEOUT).await;
}

/// Chooses the subprotocol `b` where it is offered, and compresses where that is offered.
fn server() -> WebSocketServer {
    let server = WebSocketServer::new(|offer| {
        let is_offered = offer.subprotocols().any(|name| name == "b");
        Ok(if is_offered {
            Accept::new().subprotocol("b")
        } else {
            Accept::new()
        })
    });
    let server = server.origins(Origins::any());
    server.config(WebSocketConfig::default().deflate(Deflate::default()))
}

/// Starts a server that tells its clients what they sent, and returns its port.
async fn start(secure: bool) -> u16 {
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        loop {
            let (io, _) = listener.accept().await.unwrap();
            let server = if secure {
                server().tls(TLS.server.clone())
            } else {
                server()
            };
            tokio::spawn(async move {
                let _ = server.serve_connection(io, tell).await; // clients may break off
            });
        }
    });
    address.port()
}

/// Returns all values of a field, in what a server told.
fn values<'a>(told: &'a str, name: &str) -> Vec<&'a str> {
    let lines = told.lines().filter_map(|line| line.split_once(": "));
    lines
        .filter(|(it, _)| *it == name)
        .map(|(_, value)| value)
        .collect()
}
