//! The extractor in axum and in plain hyper, over both versions of HTTP.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // sockets are the subject

use axum::response::{IntoResponse, Response};
use axum::routing::{Router, any, get};
use http::{Request, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::convert::Infallible;
use std::net::SocketAddr;
use tokio::net::TcpListener;
use tokio::sync::mpsc::unbounded_channel;
use wirestack::websocket::{CloseCode, Deflate, Message, Origins};
use wirestack::{Connect, Shutdown, WebSocketReader, WebSocketWriter, connect};
use wirestack_axum::{WebSocket, WebSocketUpgrade};

async fn serve(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

/// A client of each version of HTTP.
fn clients(address: SocketAddr) -> [Connect; 2] {
    let client = || connect(format!("ws://{address}/ws?room=7")).direct();
    [client().http1_only(), client().http2_only()]
}

/// The halves that a struct can hold.
struct Halves {
    reader: WebSocketReader,
    writer: WebSocketWriter,
}

async fn echo(socket: WebSocket) {
    let (writer, reader) = socket.split();
    let mut halves = Halves { reader, writer };
    while let Some(Ok(message)) = halves.reader.next().await {
        if halves.writer.send(message).await.is_err() {
            return;
        }
    }
}

async fn ws(up: WebSocketUpgrade) -> Response {
    up.protocols(["chat.v2", "chat.v1"])
        .deflate(Deflate::default())
        .header("x-answer", "yes")
        .unwrap()
        .on_upgrade(echo)
}

async fn talk(client: Connect) {
    let mut socket = client
        .subprotocol("chat.v1")
        .subprotocol("chat.v2")
        .await
        .unwrap();
    assert_eq!(socket.subprotocol(), Some("chat.v2"));
    let response = socket.response().unwrap();
    assert_eq!(response.headers()["x-answer"], "yes");
    for text in ["hello".to_owned(), "long ".repeat(50_000)] {
        socket.send(Message::text(text.clone())).await.unwrap();
        let answer = socket.next().await.unwrap().unwrap();
        assert_eq!(answer, Message::text(text));
    }
    socket.close(CloseCode::NORMAL, "").await.unwrap();
}

#[tokio::test]
async fn a_handler_of_axum_has_websockets_over_both_versions() {
    let app = Router::new()
        .route("/ws", any(ws))
        .route("/health", get(async || "well"));
    let address = serve(app).await;
    for client in clients(address) {
        talk(client).await;
    }
}

#[tokio::test]
async fn a_service_of_plain_hyper_has_them_too() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = hyper::service::service_fn(async |request: Request<hyper::body::Incoming>| {
        let (mut parts, _) = request.into_parts();
        Ok::<_, Infallible>(match WebSocketUpgrade::from_parts(&mut parts) {
            Ok(up) => ws(up).await,
            Err(rejection) => rejection.into_response(),
        })
    });
    tokio::spawn(async move {
        loop {
            let (io, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut builder =
                    hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                builder.http2().enable_connect_protocol();
                let io = TokioIo::new(io);
                let _ = builder.serve_connection_with_upgrades(io, service).await;
            });
        }
    });
    for client in clients(address) {
        talk(client).await;
    }
}

#[tokio::test]
async fn a_page_of_another_origin_gets_a_403_unless_it_is_permitted() {
    async fn closed(up: WebSocketUpgrade) -> Response {
        up.on_upgrade(echo)
    }
    async fn open(up: WebSocketUpgrade) -> Response {
        let origins = Origins::only("https://app.test").unwrap();
        up.origins(origins).on_upgrade(echo)
    }
    let origin = |client: Connect| client.header("origin", "https://app.test");
    let address = serve(Router::new().route("/ws", any(closed))).await;
    for client in clients(address) {
        let error = origin(client).await.unwrap_err();
        assert!(error.to_string().contains("403"), "{error}");
    }
    let address = serve(Router::new().route("/ws", any(open))).await;
    for client in clients(address) {
        origin(client).await.unwrap();
    }
}

#[tokio::test]
async fn a_request_for_no_websocket_is_rejected_with_a_reason() {
    let (sent, mut statuses) = unbounded_channel();
    let app = Router::new().route(
        "/",
        any(
            async move |up: Result<WebSocketUpgrade, wirestack_axum::WebSocketRejection>| {
                let rejection = up.unwrap_err();
                sent.send((rejection.status(), rejection.to_string()))
                    .unwrap();
                rejection
            },
        ),
    );
    let address = serve(app).await;
    let upgrade = "Connection: upgrade\r\nUpgrade: websocket\r\n";
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    for (fields, status) in [
        (String::new(), StatusCode::UPGRADE_REQUIRED),
        (upgrade.to_owned(), StatusCode::UPGRADE_REQUIRED),
        (
            format!("{upgrade}{key}Sec-WebSocket-Version: 12\r\n"),
            StatusCode::UPGRADE_REQUIRED,
        ),
        (
            format!("{upgrade}Sec-WebSocket-Version: 13\r\n"),
            StatusCode::BAD_REQUEST,
        ),
    ] {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut io = tokio::net::TcpStream::connect(address).await.unwrap();
        let request = format!("GET / HTTP/1.1\r\nHost: {address}\r\n{fields}\r\n");
        io.write_all(request.as_bytes()).await.unwrap();
        let mut head = [0; 12];
        io.read_exact(&mut head).await.unwrap();
        assert_eq!(head[9..], *status.as_str().as_bytes(), "{fields}");
        let (seen, text) = statuses.recv().await.unwrap();
        assert_eq!(seen, status);
        assert!(text.starts_with("no WebSocket: "), "{text}");
    }
}

#[tokio::test]
async fn the_signal_of_the_end_closes_with_1001() {
    let shutdown = Shutdown::new();
    let signal = shutdown.clone();
    let app = Router::new().route(
        "/ws",
        any(async move |up: WebSocketUpgrade| up.close_on(&signal).on_upgrade(echo)),
    );
    let address = serve(app).await;
    let mut sockets = Vec::new();
    for client in clients(address) {
        let mut socket = client.await.unwrap();
        socket.send(Message::text("hello")).await.unwrap();
        socket.next().await.unwrap().unwrap();
        sockets.push(socket);
    }
    shutdown.start();
    for mut socket in sockets {
        assert!(socket.next().await.is_none_or(|end| end.is_err()));
        let frame = socket.closed().unwrap();
        assert_eq!(frame.code, CloseCode::GOING_AWAY);
    }
}
