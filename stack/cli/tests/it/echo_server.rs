//! A server of WebSockets.

use crate::support::LONG;
use std::sync::Arc;
use std::time::Duration;
use wirestack::runtime::Listener;
use wirestack::tls::rustls::ServerConfig;
use wirestack::websocket::{Accept, CloseCode};
use wirestack::{Accepted, ServerSocket, WebSocketServer};

/// A server of WebSockets: it echoes, and closes with 4000 at "bye". At `/late` it echoes once, and
/// not at once; at `/flood` it sends the first message 64 times, and only then reads on.
pub(crate) struct Echo {
    pub(crate) at: String,
    _runtime: tokio::runtime::Runtime,
}

impl Echo {
    /// Starts the server, over TLS with this configuration.
    pub(crate) fn start(tls: Option<Arc<ServerConfig>>) -> Self {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let guard = runtime.enter();
        let listener = Listener::bind("127.0.0.1:0").expect("a listener");
        let at = listener.local_addr().expect("its address").to_string();
        let mut server = WebSocketServer::new(|offer| {
            let mut accept = Accept::new();
            if offer.subprotocols().any(|name| name == "echo") {
                accept = accept.subprotocol("echo");
            }
            if offer.request().uri().path() == "/nothing" {
                let mut response = http::Response::new("no such room\n".into());
                *response.status_mut() = http::StatusCode::NOT_FOUND;
                return Err(Box::new(response));
            }
            Ok(accept)
        });
        if let Some(config) = tls {
            server = server.tls(config);
        }
        runtime.spawn(async move {
            let each = move |client: Accepted| {
                let server = server.clone();
                async move {
                    let _ = server.serve_connection(client, talk).await; // the client tells of it
                }
            };
            wirestack::serve(listener, each).await
        });
        drop(guard);
        let _runtime = runtime;
        Self { at, _runtime }
    }
}

async fn talk(mut socket: ServerSocket, request: http::Request<()>) {
    if request.uri().path() == "/request" {
        let field = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
            format!("{name}={}", value.to_str().unwrap_or("?"))
        };
        let mut seen: Vec<_> = request.headers().iter().map(field).collect();
        seen.push(format!("{:?}", request.version()));
        let _ = socket.send(seen.join(" ")).await;
        let _ = socket.close(CloseCode::NORMAL, "").await;
        return;
    }
    if request.uri().path() == "/mute" {
        let _ = socket.send("a word").await;
        std::future::pending::<()>().await; // it answers no ping and no Close frame
    }
    if request.uri().path() == "/late" {
        let Some(Ok(message)) = socket.next().await else {
            return;
        };
        // A client that waits for the answer says nothing meanwhile.
        let said = tokio::time::timeout(Duration::from_millis(300), socket.next()).await;
        if said.is_err() {
            let _ = socket.send(message).await;
            let _ = socket.finish(LONG).await;
        }
        return;
    }
    if request.uri().path() == "/flood" {
        let Some(Ok(message)) = socket.next().await else {
            return;
        };
        for _ in 0..64 {
            let _ = socket.send(message.clone()).await;
        }
        while let Some(Ok(_)) = socket.next().await {}
        let _ = socket.finish(LONG).await;
        return;
    }
    while let Some(Ok(message)) = socket.next().await {
        if message.as_bytes() == b"bye" {
            let code = CloseCode::new(4000);
            let _ = socket.close(code, "as you wish").await;
            return;
        }
        let _ = socket.send(message).await;
    }
    let _ = socket.finish(LONG).await;
}
