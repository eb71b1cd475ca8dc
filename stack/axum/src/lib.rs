//! WebSockets of `wirestack` in axum and hyper: an extractor for HTTP/1.1 (RFC 6455) and HTTP/2
//! (RFC 8441).
//!
//! ```no_run
//! use axum::response::Response;
//! use axum::routing::{Router, any};
//! use wirestack_axum::{WebSocket, WebSocketUpgrade};
//!
//! async fn ws(up: WebSocketUpgrade) -> Response {
//!     up.protocols(["chat.v2", "chat.v1"]).on_upgrade(echo)
//! }
//!
//! async fn echo(mut socket: WebSocket) {
//!     while let Some(Ok(message)) = socket.next().await {
//!         if socket.send(message).await.is_err() {
//!             break; // the client has gone
//!         }
//!     }
//! }
//!
//! # async fn run() -> std::io::Result<()> {
//! let app = Router::new().route("/ws", any(ws)); // GET over HTTP/1.1, CONNECT over HTTP/2
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
//! axum::serve(listener, app).await
//! # }
//! ```
//!
//! * [`WebSocketUpgrade`]: the extractor; [`from_parts`](WebSocketUpgrade::from_parts) is for plain
//!   hyper.
//! * [`WebSocket`]: the socket, which is the [`ServerSocket`](wirestack::ServerSocket) of every
//!   other server.
//! * [`WebSocketRejection`]: the answer to a request for no WebSocket.
//!
//! # Features
//!
//! On by default: `deflate`.
//!
//! * `deflate`: Compression of the messages of a WebSocket: permessage-deflate (RFC 7692).

#![cfg_attr(docsrs, feature(doc_cfg))]

mod rejection;
mod upgrade;

pub use rejection::WebSocketRejection;
pub use upgrade::{WebSocket, WebSocketUpgrade};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(doctest)]
#[doc = include_str!("../../../docs/guides/axum.md")]
struct Guide;
