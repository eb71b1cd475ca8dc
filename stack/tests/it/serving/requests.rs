//! The facts that a handler has about its client, and the requests that are for no WebSocket.

use super::listen;
use crate::support::{TIMEOUT, TLS};
use http::{Method, Request, Response, StatusCode};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wirestack::dial::serve::ConnectInfo;
use wirestack::websocket::{Accept, Message, Offer};
use wirestack::{Accepted, Serve, ServerSocket, WebSocketServer, blocking, connect, serve};

/// Runs a program on smol and in threads; the rest of the tests run on tokio.
macro_rules! elsewhere {
    ($program:expr) => {
        smol::block_on($program);
        blocking::block_on($program);
    };
}

#[tokio::test]
async fn a_handler_has_the_request_the_client_and_what_the_decision_left() {
    for secure in [false, true] {
        for http2 in [false, true] {
            tells(secure, http2).await;
        }
    }
}

#[test]
fn a_handler_has_the_request_on_every_runtime() {
    elsewhere!(tells(true, true));
    elsewhere!(tells(false, false));
}

#[tokio::test]
async fn requests_for_no_websocket_are_answered_over_both_versions() {
    answers().await;
}

#[test]
fn requests_for_no_websocket_are_answered_on_every_runtime() {
    elsewhere!(answers());
}

/// The user whom a decision has found.
#[derive(Clone)]
struct User(String);

/// Accepts each client with a token. The first part of the token is the user's name.
fn decide(offer: &Offer<'_>) -> Result<Accept, Box<Response<bytes::Bytes>>> {
    let known = offer.request().extensions().get::<ConnectInfo>().is_some();
    assert!(known, "the decision knows the client");
    let token = offer
        .headers()
        .get("x-token")
        .and_then(|it| it.to_str().ok());
    match token.and_then(|token| token.strip_suffix("-secret")) {
        Some(name) => Ok(Accept::new().extension(User(name.to_owned()))),
        None => {
            let mut refusal = Response::new(bytes::Bytes::new());
            *refusal.status_mut() = StatusCode::UNAUTHORIZED;
            Err(refusal.into())
        }
    }
}

async fn tell(mut socket: ServerSocket, request: Request<()>) {
    let extensions = request.extensions();
    let info = extensions.get::<ConnectInfo>().expect("the client");
    let User(name) = extensions.get::<User>().expect("the user");
    let peer = info.peer_addr.expect("an address");
    let tls = info.tls.as_ref();
    let asked = tls.and_then(|tls| tls.server_name.as_deref());
    let uri = request.uri();
    let (path, query) = (uri.path(), uri.query().unwrap_or_default());
    let text = format!(
        "{name} {path} {query} {peer} {asked:?} {:?}",
        request.method()
    );
    socket.send(Message::text(text)).await.unwrap();
    let _ = socket.next().await;
}

async fn tells(secure: bool, http2: bool) {
    let server = WebSocketServer::new(decide);
    let server = if secure {
        server.tls(TLS.server.clone())
    } else {
        server
    };
    let (running, address) = start(server);
    let talking = async {
        let scheme = if secure { "wss" } else { "ws" };
        let url = format!("{scheme}://localhost:{}/room/7?token=x", address.port());
        let opening = connect(&url).direct().tls(TLS.client.clone());
        let opening = if http2 {
            opening.http2_only()
        } else {
            opening.http1_only()
        };
        let refused = opening.clone().await.expect_err("a refusal");
        assert!(refused.to_string().contains("401"), "{refused}");
        let token = http::HeaderValue::from_static("ada-secret");
        let opening = opening.header(http::HeaderName::from_static("x-token"), token);
        let mut socket = opening.await.unwrap();
        let told = socket.next().await.unwrap().unwrap();
        let told = String::from_utf8(told.into_bytes().to_vec()).unwrap();
        let told: Vec<_> = told.split(' ').collect();
        let method = if http2 { Method::CONNECT } else { Method::GET };
        let name = if secure {
            "Some(\"localhost\")"
        } else {
            "None"
        };
        assert_eq!(told[..3], ["ada", "/room/7", "token=x"]);
        assert!(told[3].parse::<SocketAddr>().unwrap().ip().is_loopback());
        assert_eq!(told[4..], [name, method.as_str()]);
    };
    first_of(running, talking).await;
}

async fn answers() {
    let server = WebSocketServer::new(decide).fallback(async |request: Request<()>| {
        assert!(request.extensions().get::<ConnectInfo>().is_some());
        let mut response = Response::new("well\n".into());
        if request.uri().path() != "/health" {
            *response.status_mut() = StatusCode::NOT_FOUND;
        }
        response
    });
    let (running, address) = start(server);
    let asking = async {
        let http1 =
            |head: &str| exchange(address, format!("{head}\r\nHost: h\r\n\r\n").into_bytes());
        let get = http1("GET /health HTTP/1.1").await;
        assert!(get.starts_with(b"HTTP/1.1 200 OK\r\n") && get.ends_with(b"\r\n\r\nwell\n"));
        let head = http1("HEAD /health HTTP/1.1").await;
        assert!(head.starts_with(b"HTTP/1.1 200 OK\r\n") && head.ends_with(b"\r\n\r\n"));
        let post = http1("POST /other HTTP/1.1\r\nContent-Length: 0").await;
        assert!(post.starts_with(b"HTTP/1.1 404 Not Found\r\n"), "{post:?}");
        // One that asks for a WebSocket, and wrongly, is refused as ever.
        let upgrade = "GET /health HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket";
        let wrong = http1(upgrade).await;
        assert!(
            wrong.starts_with(b"HTTP/1.1 426 Upgrade Required\r\n"),
            "{wrong:?}"
        );
        for (method, content) in [(&b"\x82"[..], true), (b"\x02\x04HEAD", false)] {
            let frames = http2_request(method, "/health");
            let heard = exchange(address, frames).await;
            let seen: Vec<_> = frames_of(&heard).filter(|(kind, ..)| *kind < 2).collect();
            let status = seen
                .iter()
                .find(|(kind, ..)| *kind == 1)
                .expect("a response");
            assert_eq!(
                status.2[0], 0x88,
                "status 200, by the static table of HPACK"
            );
            let data: Vec<u8> = seen
                .iter()
                .filter(|(kind, ..)| *kind == 0)
                .flat_map(|(_, _, it)| it.to_vec())
                .collect();
            assert_eq!(data, if content { &b"well\n"[..] } else { b"" });
        }
    };
    first_of(running, asking).await;
}

fn start(server: WebSocketServer) -> (Serve, SocketAddr) {
    let (listener, address, _) = listen();
    let server = Arc::new(server);
    let serving = serve(listener, move |client: Accepted| {
        let server = server.clone();
        async move {
            let _ = server.serve_connection(client, tell).await; // clients may break off
        }
    });
    (serving, address)
}

/// Runs a server until its clients have finished.
async fn first_of(server: Serve, clients: impl Future<Output = ()>) {
    let mut server = std::pin::pin!(server.into_future());
    let mut clients = std::pin::pin!(clients);
    std::future::poll_fn(|cx| {
        assert!(server.as_mut().poll(cx).is_pending(), "the server goes on");
        clients.as_mut().poll(cx)
    })
    .await;
}

/// Sends bytes to a server in a thread, and returns all that it answers.
async fn exchange(to: SocketAddr, bytes: Vec<u8>) -> Vec<u8> {
    use std::io::{Read, Write};
    let (told, heard) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let mut io = std::net::TcpStream::connect(to).unwrap();
        io.write_all(&bytes).unwrap();
        let (mut heard, mut buffer) = (Vec::new(), [0; 4096]);
        while let Ok(n @ 1..) = io.read(&mut buffer) {
            heard.extend_from_slice(&buffer[..n]);
            if frames_of(&heard).any(|(kind, flags, _)| kind < 2 && flags & END_STREAM != 0) {
                break; // a connection of HTTP/2 goes on
            }
        }
        let _ = told.send(heard);
    });
    heard.await.unwrap()
}

/// The preface, SETTINGS and one request of a client (RFC 9113 §3.4, §6.2). The method is a field of
/// HPACK.
fn http2_request(method: &[u8], path: &str) -> Vec<u8> {
    let mut fields = method.to_vec();
    fields.extend([0x86, 0x04, path.len() as u8]); // :scheme: http, :path
    fields.extend(path.bytes());
    fields.extend([0x01, 1, b'h']); // :authority
    let mut out = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    out.extend([0, 0, 0, 4, 0, 0, 0, 0, 0]);
    out.extend([0, 0, fields.len() as u8, 1, 0x05, 0, 0, 0, 1]);
    out.extend(fields);
    out
}

/// Returns the kind, the flags and the payload of each frame.
fn frames_of(mut bytes: &[u8]) -> impl Iterator<Item = (u8, u8, &[u8])> {
    std::iter::from_fn(move || {
        let (head, rest) = bytes.split_at_checked(9)?;
        let length = usize::from(head[1]) << 8 | usize::from(head[2]);
        let (payload, rest) = rest.split_at_checked(length)?;
        bytes = rest;
        Some((head[3], head[4], payload))
    })
}

/// The flag of the last frame of a stream with content (RFC 9113 §6.1, §6.2).
const END_STREAM: u8 = 1;

#[tokio::test]
async fn a_client_that_sends_on_behind_a_bad_request_reads_the_refusal_and_an_end() {
    let (server, _guard) = {
        let listener = wirestack::runtime::Listener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let serving = wirestack::WebSocketServer::default().serve(listener, |_, _| async {});
        (address, tokio::spawn(async move { serving.await }))
    };
    let long = format!("GET / HTTP/1.1\r\nX: {}", "x".repeat(20_000));
    for (head, status) in [
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET chat HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("\x01\r\n\r\n", 400),
        (&*long, 431),
    ] {
        let mut io = tokio::net::TcpStream::connect(server).await.unwrap();
        let (mut from, mut into) = io.split();
        let sending = async {
            into.write_all(head.as_bytes()).await?;
            for _ in 0..64 {
                into.write_all(&[b'x'; 16 * 1024]).await?;
            }
            into.shutdown().await
        };
        let mut heard = Vec::new();
        let both = async { tokio::join!(sending, from.read_to_end(&mut heard)) };
        let (sent, read) = tokio::time::timeout(TIMEOUT, both).await.expect("an end");
        let shown = head.get(..20).unwrap_or(head);
        sent.and(read)
            .unwrap_or_else(|error| panic!("{shown:?}: {error}"));
        let heard = String::from_utf8_lossy(&heard);
        assert!(
            heard.starts_with(&format!("HTTP/1.1 {status} ")),
            "{shown:?}: {heard}"
        );
    }
}
