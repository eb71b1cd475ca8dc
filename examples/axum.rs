//! How does an axum server use WebSockets of this project? Echoes messages on upgraded connections.
//!
//!     axum
#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // a program, not a layer

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::{Router, any};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use wirestack::runtime::TokioTransport;
use wirestack::websocket::{Accept, Deflate, Offer, Origins, Server, WebSocketConfig};
use wirestack::{Connection, Engine};
use wirestack_examples::AnyError;

#[tokio::main]
async fn main() -> Result<(), AnyError> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on {}", listener.local_addr()?);
    let app = Router::new().route("/", any(echo));
    axum::serve(listener, app).await?;
    Ok(())
}

async fn echo(mut request: Request) -> Response {
    let upgrade = hyper::upgrade::on(&mut request);
    let request = Request::from_parts(request.into_parts().0, ());
    let offer = match Offer::of_http1(&request, &Origins::same()) {
        Ok(offer) => offer,
        Err(refusal) => return refusal.map(Body::from),
    };
    let mut settings = WebSocketConfig::default();
    settings.deflate = Some(Deflate::default());
    let (server, response) = match Server::from_request(&offer, Accept::new(), settings) {
        Ok(answered) => answered,
        Err(error) => return Response::new(Body::from(error.to_string())),
    };
    tokio::spawn(async move {
        let io = TokioTransport::new(TokioIo::new(upgrade.await?));
        let mut socket = Connection::from_transport(io, Engine::new(server))?;
        while let Some(message) = socket.next().await {
            socket.send(message?).await?;
        }
        Ok::<_, AnyError>(())
    });
    response.map(|()| Body::empty())
}
