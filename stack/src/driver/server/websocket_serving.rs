//! Serving WebSockets to one client, over HTTP/1.1 or HTTP/2.

use super::deciding::{Deciding, failure};
use super::websocket::{ServerSocket, WebSocketServer};
use crate::driver::error::{no_runtime_error, socket};
use crate::driver::http2::Http2;
use crate::driver::io::Connection;
use crate::driver::runtime::{IntoTransport, current};
use crate::driver::shutdown::Shutdown;
use http::Request;
use std::time::Duration;
use wirestack_dial::serve::{self, ConnectInfo};
use wirestack_http2 as http2;
use wirestack_layer::{Error, Instant, Layer};
use wirestack_nest::{BoxTunnel, Engine};
use wirestack_websocket::{self as websocket, Payload};

impl WebSocketServer {
    /// Serves one client until its connection ends, over any transport. `each` serves a WebSocket
    /// once it is open. It gets the request too, with what the decision [left for
    /// it](websocket::Accept::extension) and with the [`ConnectInfo`] among its
    /// [extensions](Request::extensions). The WebSockets of an HTTP/2 client run at the same time, each in a task of
    /// its own. The tasks end when this future ends or is dropped.
    ///
    /// If [`crate::serve`] has accepted the client and ends, each WebSocket gets a Close frame with
    /// 1001 (going away), and an HTTP/2 connection a GOAWAY.
    ///
    /// ```
    /// use wirestack::runtime::IntoTransport;
    /// use wirestack::websocket::Accept;
    /// use wirestack::{Error, WebSocketServer};
    ///
    /// /// Serves a client that another part of the program has accepted.
    /// async fn serve(io: impl IntoTransport) -> Result<(), Error> {
    ///     let server = WebSocketServer::new(|_| Ok(Accept::new()));
    ///     server.serve_connection(io, |mut socket, _request| async move {
    ///         let _ = socket.send("hello").await;
    ///     }).await
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// The error that ended the connection. Errors inside of `each` do not end it.
    pub async fn serve_connection<F, R>(&self, io: impl IntoTransport, each: F) -> Result<(), Error>
    where
        F: Fn(ServerSocket, Request<()>) -> R,
        R: Future<Output = ()> + Send + 'static,
    {
        self.serve_connection_in(io, each).await
    }

    /// Serves one client as [`serve_connection`](Self::serve_connection) does, with the payload that `each` takes:
    /// messages, parts of messages (`Queue<Part>`) or bytes (`Pipe`). Bytes do not carry
    /// half-close.
    ///
    /// ```
    /// use wirestack::runtime::IntoTransport;
    /// use wirestack::websocket::Accept;
    /// use wirestack::{Error, Pipe, ServerSocket, WebSocketServer};
    ///
    /// /// Serves one client, with bytes in place of messages.
    /// async fn serve(io: impl IntoTransport) -> Result<(), Error> {
    ///     let server = WebSocketServer::new(|_| Ok(Accept::new()));
    ///     let each = |_bytes: ServerSocket<Pipe>, _request| async {};
    ///     server.serve_connection_in(io, each).await
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// The same as those of [`serve_connection`](Self::serve_connection).
    pub async fn serve_connection_in<P, F, R>(
        &self,
        io: impl IntoTransport,
        each: F,
    ) -> Result<(), Error>
    where
        P: Payload,
        F: Fn(ServerSocket<P>, Request<()>) -> R,
        R: Future<Output = ()> + Send + 'static,
    {
        let runtime = match &self.runtime {
            Some(runtime) => runtime.clone(),
            None => current().map_err(no_runtime_error)?,
        };
        let shutdown = io.shutdown_signal();
        let io = io.into_transport(&*runtime).map_err(socket)?;
        let peer = io.peer_addr().ok();
        let below_http = serve::below_http(self.tls.as_ref())?;
        let accepted = runtime.now();
        let mut connection = Connection::new(runtime, io, Engine::new(below_http));
        self.limit_writing(&mut connection);
        connection.set_open_timeout(self.handshake_timeout);
        if let Err(error) = connection.open().await {
            // The client has to read the alert of TLS.
            let _ = connection.finish(self.handshake_timeout).await;
            return Err(error);
        }
        let info = ConnectInfo::new(peer, connection.engine());
        if serve::speaks_http2(connection.engine()) {
            let top = http2::Connection::server(self.http2.clone());
            let mut connection = connection.push_layer(top);
            let engine = connection.engine();
            engine.set_open_timeout(self.handshake_timeout, accepted);
            return self
                .serve_http2(Http2::new(connection), info, each, shutdown)
                .await;
        }
        self.serve_http1(connection, info, accepted, each, shutdown)
            .await
    }

    pub(super) fn limit_writing<L: Layer>(&self, connection: &mut Connection<L>) {
        if let Some(timeout) = self.write_timeout {
            connection.set_write_timeout(timeout);
        }
    }

    async fn serve_http1<P, F, R>(
        &self,
        connection: Connection<BoxTunnel>,
        info: ConnectInfo,
        accepted: Instant,
        each: F,
        shutdown: Option<Shutdown>,
    ) -> Result<(), Error>
    where
        P: Payload,
        F: Fn(ServerSocket<P>, Request<()>) -> R,
        R: Future<Output = ()> + Send + 'static,
    {
        let server = websocket::Server::new(self.config.clone());
        let server = server.with_origins(self.origins.clone());
        let server = match self.fallback {
            Some(_) => server.with_other_requests(),
            None => server,
        };
        let server = server.with_payload::<P>();
        let mut socket = connection.push_layer(server).boxed();
        let engine = socket.engine();
        engine.set_open_timeout(self.handshake_timeout, accepted);
        let deciding = socket.wait_for(|engine| {
            if let Some(fallback) = &self.fallback
                && let Some(request) = serve::other_request_over_http1::<_, P>(engine, &info)
            {
                return Some(Deciding::on_other(fallback, request));
            }
            let offer = serve::offer_over_http1::<_, P>(engine, &info)?;
            Some(self.decide.start(&offer, &self.subprotocols))
        });
        let deciding = match deciding.await {
            Ok(deciding) => deciding,
            Err(error) => {
                // The client has to read the refusal.
                let _ = socket.finish(self.handshake_timeout).await;
                return Err(error);
            }
        };
        socket.set_open_timeout(Duration::MAX); // the decision has a timer of its own
        let runtime = socket.runtime.clone();
        let due = accepted.checked_add(self.handshake_timeout);
        let decided = deciding.decided(&*runtime, due, failure(&mut socket));
        let mut decision = Some(decided.await?);
        socket.set_open_timeout(self.handshake_timeout); // for the answer
        let answered = socket.wait_for(|engine| {
            let decision = decision.take()?;
            serve::answer_over_http1::<_, P>(engine, decision)
        });
        let answered = answered.await.and_then(|answered| answered);
        if let Ok(Some(request)) = answered {
            socket.open().await?;
            close_on(&mut socket, shutdown.as_ref());
            each(socket, request).await;
            return Ok(());
        }
        let _ = socket.finish(self.handshake_timeout).await; // the refusal has been sent
        answered.map(|_| ())
    }
}

/// Closes a WebSocket when the server ends.
pub(super) fn close_on<P: Payload>(socket: &mut ServerSocket<P>, shutdown: Option<&Shutdown>) {
    if let Some(shutdown) = shutdown {
        socket.close_on(shutdown);
    }
}
