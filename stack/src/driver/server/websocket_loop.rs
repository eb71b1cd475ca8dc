//! Serving WebSockets to all clients of a listener.

use super::accept::{Accepted, Serve, serve};
use super::websocket::{ServerSocket, WebSocketServer};
use crate::driver::runtime::Listener;
use http::Request;
use std::net::SocketAddr;
use std::sync::Arc;
use wirestack_layer::Error;
use wirestack_websocket::Payload;

impl WebSocketServer {
    /// Serves all clients of a listener, of TCP or of a Unix socket: await what it returns, which
    /// also has the limit of connections and the graceful end. `each` serves one WebSocket: see
    /// [`serve_connection`](Self::serve_connection).
    ///
    /// ```no_run
    /// # async fn example() -> std::io::Result<()> {
    /// use wirestack::runtime::Listener;
    /// use wirestack::{ServerSocket, WebSocketServer};
    ///
    /// async fn greet(mut socket: ServerSocket, request: http::Request<()>) {
    ///     let greeting = format!("you asked for {}", request.uri().path());
    ///     let _ = socket.send(greeting).await;
    /// }
    ///
    /// # let interrupt = std::future::pending(); // such as `tokio::signal::ctrl_c`
    /// WebSocketServer::default()
    ///     .on_error(|peer, error| eprintln!("{peer:?}: {error}"))
    ///     .serve(Listener::bind("127.0.0.1:8080")?, greet)
    ///     .max_connections(500)
    ///     .graceful_shutdown(interrupt)
    ///     .await
    /// # }
    /// ```
    pub fn serve<F, R>(self, listener: Listener, each: F) -> Serve
    where
        F: Fn(ServerSocket, Request<()>) -> R + Send + Sync + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        self.serve_in(listener, each)
    }

    /// Serves all clients of a listener as [`serve`](Self::serve) does, with the payload that
    /// `each` takes: messages, parts of messages (`Queue<Part>`) or bytes (`Pipe`).
    ///
    /// ```
    /// use wirestack::runtime::Listener;
    /// use wirestack::websocket::Accept;
    /// use wirestack::{Pipe, Serve, ServerSocket, WebSocketServer};
    ///
    /// fn tunnels(listener: Listener) -> Serve {
    ///     let each = |bytes: ServerSocket<Pipe>, _request| async move { drop(bytes) };
    ///     WebSocketServer::new(|_| Ok(Accept::new())).serve_in(listener, each)
    /// }
    /// ```
    pub fn serve_in<P, F, R>(mut self, listener: Listener, each: F) -> Serve
    where
        P: Payload,
        F: Fn(ServerSocket<P>, Request<()>) -> R + Send + Sync + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        self.runtime
            .get_or_insert_with(|| listener.runtime().clone());
        let each = Arc::new(each);
        serve(listener, move |client: Accepted| {
            let (server, each) = (self.clone(), each.clone());
            async move {
                let peer = client.peer_addr();
                let each = |socket, request| each(socket, request);
                if let Err(error) = server.serve_connection_in(client, each).await
                    && let Some(report) = &server.on_error
                {
                    report((peer.port() != 0).then_some(peer), &error);
                }
            }
        })
    }

    /// Calls `report` with each error that ends a connection of [`serve`](Self::serve), and with
    /// the address of the client; that of a Unix socket has none. The server goes on by itself.
    ///
    /// ```
    /// use wirestack::WebSocketServer;
    /// use wirestack::websocket::Accept;
    ///
    /// let server = WebSocketServer::new(|_| Ok(Accept::new()))
    ///     .on_error(|peer, error| eprintln!("{peer:?}: {error}"));
    /// drop(server);
    /// ```
    #[must_use]
    pub fn on_error(
        mut self,
        report: impl Fn(Option<SocketAddr>, &Error) + Send + Sync + 'static,
    ) -> Self {
        self.on_error = Some(Arc::new(report));
        self
    }
}
