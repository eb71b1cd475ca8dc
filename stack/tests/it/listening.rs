//! A server of WebSockets that takes a listener.

use crate::support::{TIMEOUT, TLS};
use bytes::Bytes;
use http::{Request, Response};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use wirestack::runtime::Listener;
use wirestack::websocket::{Accept, CloseCode, Message};
use wirestack::{
    Connect, ServerSocket, UserList, WebSocketReader, WebSocketServer, WebSocketWriter, connect,
    refusal,
};

/// Sends each message back, from halves that are stored, behind the subprotocol and the path.
async fn echo(socket: ServerSocket, request: Request<()>) {
    struct Halves {
        reader: WebSocketReader,
        writer: WebSocketWriter,
    }
    let name = socket.subprotocol().unwrap_or("none").to_owned();
    let (writer, reader) = socket.split();
    let mut halves = Halves { reader, writer };
    while let Some(Ok(Message::Text(text))) = halves.reader.next().await {
        let text = format!("{name} {} {text}", request.uri().path());
        if halves.writer.send(Message::text(text)).await.is_err() {
            return;
        }
    }
}

fn clients(address: SocketAddr) -> [Connect; 2] {
    let client = || {
        let url = format!("wss://localhost:{}/room", address.port());
        connect(&url).direct().tls(TLS.client.clone())
    };
    [client().http1_only(), client().http2_only()]
}

async fn ask(socket: &mut wirestack::WebSocket) -> String {
    socket.send(Message::text("hello")).await.unwrap();
    let answer = timeout(TIMEOUT, socket.next()).await.unwrap();
    match answer.unwrap().unwrap() {
        Message::Text(text) => text.to_string(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn one_call_serves_both_versions_over_tls_with_subprotocols_and_a_graceful_end() {
    let listener = Listener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (errors, mut reported) = mpsc::unbounded_channel();
    let (stop, stopped) = oneshot::channel::<()>();
    let health = async |_: Request<()>| Response::new(Bytes::from_static(b"well"));
    let server = WebSocketServer::default()
        .tls(TLS.server.clone())
        .subprotocols(["chat.v3", "chat.v2", "chat.v1"])
        .fallback(health)
        .on_error(move |peer, error| drop(errors.send((peer, error.to_string()))))
        .serve(listener, echo)
        .max_connections(100)
        .graceful_shutdown(async move { drop(stopped.await) });
    let ended = tokio::spawn(async move { server.await });

    let mut sockets = Vec::new();
    for client in clients(address) {
        let offering = client.clone().subprotocol("chat.v1").subprotocol("chat.v2");
        let mut socket = offering.await.unwrap();
        assert_eq!(socket.subprotocol(), Some("chat.v2"));
        assert_eq!(ask(&mut socket).await, "chat.v2 /room hello");
        sockets.push(socket);
        let mut socket = client.clone().await.unwrap();
        assert_eq!(socket.subprotocol(), None);
        assert_eq!(ask(&mut socket).await, "none /room hello");
        sockets.push(socket);
        // One that is not offered is none, and no error of the server.
        assert!(
            client
                .subprotocol("soap")
                .await
                .is_ok_and(|socket| socket.subprotocol().is_none())
        );
    }
    // A client that speaks no TLS is an error of its own.
    let mut stranger = TcpStream::connect(address).await.unwrap();
    let from = stranger.local_addr().unwrap();
    stranger.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let _ = timeout(TIMEOUT, stranger.read_to_end(&mut Vec::new()))
        .await
        .unwrap();
    loop {
        let (peer, error) = timeout(TIMEOUT, reported.recv()).await.unwrap().unwrap();
        if peer == Some(from) {
            assert!(error.contains("tls"), "{error}");
            break;
        }
    }

    stop.send(()).unwrap();
    for mut socket in sockets {
        let end = timeout(TIMEOUT, socket.next()).await.unwrap();
        assert!(end.is_none_or(|end| end.is_err()));
        assert_eq!(socket.closed().unwrap().code, CloseCode::GOING_AWAY);
    }
    timeout(TIMEOUT, ended).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn a_decision_may_choose_another_subprotocol_and_knows_the_user() {
    let listener = Listener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let users = UserList::new().user("ada", "secret");
    let server = WebSocketServer::new(move |offer| match offer.basic() {
        Some((name, password)) if users.contains(&name, &password) => {
            Ok(Accept::new().subprotocol("chat.v1"))
        }
        _ => Err(refusal(http::StatusCode::UNAUTHORIZED, "who are you?")),
    });
    let server = server.subprotocols(["chat.v2", "chat.v1"]);
    let serving = server.serve(listener, echo);
    tokio::spawn(async move { serving.await });
    for (login, is_right) in [("ada:secret@", true), ("ada:wrong@", false), ("", false)] {
        let client = || {
            let client = connect(format!("ws://{login}{address}/")).direct();
            client.subprotocol("chat.v2").subprotocol("chat.v1")
        };
        for client in [client().http1_only(), client().http2_only()] {
            match client.await {
                Ok(socket) => {
                    assert!(is_right);
                    assert_eq!(socket.subprotocol(), Some("chat.v1"));
                }
                Err(error) => {
                    assert!(!is_right);
                    assert!(error.to_string().contains("401"), "{error}");
                }
            }
        }
    }
}

#[cfg(unix)]
#[tokio::test]
async fn clients_of_a_unix_socket_have_no_address_and_are_served() {
    let path = std::env::temp_dir().join(format!("wirestack-listening-{}", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let listener = Listener::bind_unix(&path).unwrap();
    let serving = WebSocketServer::default().serve(listener, echo);
    tokio::spawn(async move { serving.await });
    let client = connect("ws://localhost/unix").direct().unix_socket(&path);
    let mut socket = client.await.unwrap();
    assert_eq!(ask(&mut socket).await, "none /unix hello");
    std::fs::remove_file(&path).unwrap();
}
