//! How does an axum application serve WebSockets? Over HTTP/1.1 and HTTP/2, beside its other routes.
//!
//!     axum [ADDRESS:PORT]

use axum::extract::Path;
use axum::response::Response;
use axum::routing::{Router, any, get};
use std::error::Error;
use tokio::net::TcpListener;
use wirestack::Shutdown;
use wirestack::websocket::Deflate;
use wirestack_axum::{WebSocket, WebSocketUpgrade};

const HELP: &str = "\
usage: axum [ADDRESS:PORT]
  serves ws://ADDRESS:PORT/ and ws://ADDRESS:PORT/ws/ROOM, which echo, and http://ADDRESS:PORT/health;
  at a free port of 127.0.0.1 if no address is given. It ends at ctrl-c.";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1);
    let address = address.unwrap_or_else(|| "127.0.0.1:0".to_owned());
    if address.starts_with('-') {
        println!("{HELP}");
        return Ok(());
    }
    let listener = TcpListener::bind(address).await?;
    println!("listening on {}", listener.local_addr()?);

    let shutdown = Shutdown::new();
    let signal = shutdown.clone();
    let upgrade = async move |room: Option<Path<String>>, up: WebSocketUpgrade| -> Response {
        let room = room.map_or_else(|| "hall".to_owned(), |Path(room)| room);
        up.protocols(["chat.v2", "chat.v1"])
            .deflate(Deflate::default())
            .close_on(&signal)
            .on_failed(|error| eprintln!("{error}"))
            .on_upgrade(|socket| echo(socket, room))
    };
    let app = Router::new()
        .route("/", any(upgrade.clone()))
        .route("/ws/{room}", any(upgrade)) // GET over HTTP/1.1, CONNECT over HTTP/2
        .route("/health", get(async || "well\n"));
    axum::serve(listener, app)
        .with_graceful_shutdown(async move {
            let _ = tokio::signal::ctrl_c().await;
            shutdown.start();
        })
        .await?;
    Ok(())
}

async fn echo(mut socket: WebSocket, room: String) {
    while let Some(Ok(message)) = socket.next().await {
        if socket.send(message).await.is_err() {
            eprintln!("a client of {room} has gone");
            return;
        }
    }
}
