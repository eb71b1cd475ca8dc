//! WebSockets and tunnels over HTTP/2.

mod drivers;
mod endings;
mod flushing;
mod leaving;
mod proxies;
mod scripted;
mod shutdown;
mod signals;
mod streams;
mod undriven;
mod versions;

use crate::support::{TIMEOUT, TLS, listen};
use std::net::SocketAddr;
use wirestack::websocket::Accept;
use wirestack::{ServerSocket, WebSocketServer};

/// Echoes, over HTTP/1.1 and HTTP/2.
async fn echo(mut socket: ServerSocket, _: http::Request<()>) {
    while let Some(Ok(message)) = socket.next().await {
        let _ = socket.send(message).await;
    }
    let _ = socket.finish(TIMEOUT).await;
}

/// Refuses `/no`, accepts all other paths, and chooses the subprotocol `b` where it is offered.
fn server() -> WebSocketServer {
    WebSocketServer::new(|offer| match offer.uri().path() {
        "/no" => {
            let mut response = http::Response::new(bytes::Bytes::from_static(b"not here"));
            *response.status_mut() = http::StatusCode::FORBIDDEN;
            Err(response.into())
        }
        _ if offer.subprotocols().any(|name| name == "b") => Ok(Accept::new().subprotocol("b")),
        _ => Ok(Accept::new()),
    })
}

async fn start(server: WebSocketServer) -> SocketAddr {
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        loop {
            let (io, _) = listener.accept().await.unwrap();
            let server = server.clone();
            tokio::spawn(async move {
                let _ = server.serve_connection(io, echo).await; // clients may break off
            });
        }
    });
    address
}

async fn start_tls() -> String {
    let address = start(server().tls(TLS.server.clone())).await;
    format!("wss://localhost:{}", address.port())
}

/// Returns the names of the layers, from the wire up.
fn names(status: &[wirestack::Status<'_>]) -> Vec<&'static str> {
    status.iter().map(|layer| layer.name).collect()
}
