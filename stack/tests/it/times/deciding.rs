//! A decision of a WebSocket server ends with its stream, its connection and its time.

use super::{Alive, assert_passed, http2_client, seconds, wire};
use crate::support::{TIMEOUT, pair};
use futures_util::FutureExt;
use http::StatusCode;
use std::future::pending;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Notify;
use tokio::task::yield_now;
use tokio::time::{Instant, timeout};
use wirestack::http2::{ConnectRequest, Http2Config, Http2Error};
use wirestack::runtime::TokioTransport;
use wirestack::websocket::Accept;
use wirestack::{Error, ServerSocket, WebSocketServer};

/// A server that never decides.
fn undecided(alive: &Alive) -> WebSocketServer {
    let alive = alive.clone();
    WebSocketServer::deciding(move |_| {
        let one = alive.one();
        async move {
            pending::<()>().await;
            drop(one);
            Ok(Accept::new())
        }
    })
}

async fn serve(
    server: WebSocketServer,
    io: impl wirestack::runtime::IntoTransport,
) -> Result<(), Error> {
    server
        .serve_connection(io, async |_: ServerSocket, _| ())
        .await
}

fn websocket() -> ConnectRequest {
    let mut head = http::Request::new(());
    *head.uri_mut() = "https://example.org/chat".parse().unwrap();
    head.headers_mut()
        .insert("sec-websocket-version", "13".parse().unwrap());
    ConnectRequest::extended("websocket", head).unwrap()
}

const UPGRADE: &str = "GET / HTTP/1.1\r\nHost: example.org\r\nConnection: Upgrade\r\n\
    Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

#[tokio::test(start_paused = true)]
async fn streams_that_are_reset_at_once_leave_no_decision_behind() {
    let (alive, (near, far)) = (Alive::default(), wire());
    let mut config = Http2Config::server();
    config.streams = 8;
    let server = undecided(&alive).http2_config(config);
    let served = tokio::spawn(serve(server, TokioTransport::new(far)));
    let client = http2_client(near);
    for n in 0..500 {
        let mut opening = Box::pin(client.open(websocket()));
        while alive.now() == 0 {
            assert!(opening.as_mut().now_or_never().is_none(), "{n}");
            yield_now().await;
        }
        drop(opening); // resets the stream
        alive.are(0).await;
    }
    // Many at a time, and no pause between them.
    for _ in 0..20 {
        let opening: Vec<_> = (0..8).map(|_| Box::pin(client.open(websocket()))).collect();
        for mut one in opening {
            assert!(one.as_mut().now_or_never().is_none());
            yield_now().await;
        }
        for _ in 0..5 {
            yield_now().await;
        }
    }
    alive.are(0).await;
    assert!((1..=8).contains(&alive.most()), "{}", alive.most());
    assert!(!served.is_finished());
}

/// A request with END_STREAM, whose stream has no direction left that could fail.
#[tokio::test(start_paused = true)]
async fn a_reset_behind_the_end_of_a_request_ends_its_decision_too() {
    let (alive, (mut near, far)) = (Alive::default(), wire());
    tokio::spawn(serve(undecided(&alive), TokioTransport::new(far)));
    near.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0")
        .await
        .unwrap();
    let mut block = Vec::new();
    for (name, value) in [
        (":method", "CONNECT"),
        (":protocol", "websocket"),
        (":scheme", "https"),
        (":authority", "h"),
        (":path", "/"),
        ("sec-websocket-version", "13"),
    ] {
        block.extend([0, name.len() as u8]);
        block.extend(name.bytes());
        block.push(value.len() as u8);
        block.extend(value.bytes());
    }
    let mut request = vec![0, 0, block.len() as u8, 1, 0x4 | 0x1, 0, 0, 0, 1];
    request.extend(block);
    near.write_all(&request).await.unwrap();
    alive.are(1).await;
    near.write_all(&[0, 0, 4, 3, 0, 0, 0, 0, 1, 0, 0, 0, 8])
        .await
        .unwrap();
    alive.are(0).await;
}

#[tokio::test(start_paused = true)]
async fn a_decision_ends_with_its_connection() {
    let (alive, (near, far)) = (Alive::default(), wire());
    let served = tokio::spawn(serve(undecided(&alive), TokioTransport::new(far)));
    let client = http2_client(near);
    let mut opening = Box::pin(client.open(websocket()));
    while alive.now() == 0 {
        assert!(opening.as_mut().now_or_never().is_none());
        yield_now().await;
    }
    client.with(|connection| connection.engine().break_wire(Error::local("test", "gone")));
    drop(opening);
    drop(client);
    alive.are(0).await;
    let start = Instant::now();
    let _ = served.await.unwrap();
    assert!(start.elapsed() <= seconds(10), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_late_decision_is_a_refusal_over_http2() {
    let (alive, (near, far)) = (Alive::default(), wire());
    let server = undecided(&alive).handshake_timeout(seconds(7));
    tokio::spawn(serve(server, TokioTransport::new(far)));
    let client = http2_client(near);
    let start = Instant::now();
    let refused = client.open(websocket()).await.err().unwrap();
    assert_passed(start, seconds(7));
    let Some(Http2Error::Refused(refusal)) = refused.cause() else {
        panic!("{refused}")
    };
    assert_eq!(refusal.status, StatusCode::SERVICE_UNAVAILABLE);
    alive.are(0).await;
    assert_eq!(alive.most(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_late_decision_is_a_refusal_over_http1_counted_from_the_accept() {
    let (alive, (mut near, far)) = (Alive::default(), wire());
    let server = undecided(&alive).handshake_timeout(seconds(7));
    let served = tokio::spawn(serve(server, TokioTransport::new(far)));
    let start = Instant::now();
    let (first, rest) = UPGRADE.split_at(20);
    near.write_all(first.as_bytes()).await.unwrap();
    tokio::time::sleep(seconds(4)).await; // on the paused clock
    near.write_all(rest.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    near.read_to_end(&mut answer).await.unwrap();
    assert_passed(start, seconds(7));
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    drop(near);
    served.await.unwrap().unwrap();
    assert_eq!((alive.now(), alive.most()), (0, 1));
}

#[tokio::test]
async fn a_client_that_resets_its_connection_ends_its_decision_over_http1() {
    let (alive, (mut near, far)) = (Alive::default(), pair().await);
    let served = tokio::spawn(serve(undecided(&alive), far));
    near.write_all(UPGRADE.as_bytes()).await.unwrap();
    timeout(TIMEOUT, alive.are(1)).await.unwrap();
    near.set_zero_linger().unwrap();
    drop(near);
    let error = timeout(TIMEOUT / 4, served).await.unwrap().unwrap();
    assert!(error.unwrap_err().cause::<std::io::Error>().is_some());
    assert_eq!(alive.now(), 0);
}

#[tokio::test]
async fn a_client_that_only_half_closes_gets_its_answer() {
    let decided = Arc::new(Notify::new());
    let server = WebSocketServer::deciding({
        let decided = decided.clone();
        move |_| {
            let decided = decided.clone();
            async move {
                decided.notified().await;
                Err(Box::new(
                    http::Response::builder()
                        .status(418)
                        .body("".into())
                        .unwrap(),
                ))
            }
        }
    });
    let (mut near, far) = pair().await;
    tokio::spawn(serve(server, far));
    near.write_all(UPGRADE.as_bytes()).await.unwrap();
    near.shutdown().await.unwrap();
    for _ in 0..50 {
        yield_now().await;
    }
    decided.notify_one();
    let mut answer = Vec::new();
    let reading = near.read_to_end(&mut answer);
    timeout(TIMEOUT, reading).await.unwrap().unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 418 "), "{answer:?}");
}

/// A server whose function for each WebSocket is slow to end takes no further requests.
#[tokio::test(start_paused = true)]
async fn there_are_never_more_tasks_than_streams() {
    let (alive, (near, far)) = (Alive::default(), wire());
    let mut config = Http2Config::server();
    config.streams = 4;
    let server = WebSocketServer::new(|_| Ok(Accept::new())).http2_config(config);
    let each = {
        let alive = alive.clone();
        move |socket: ServerSocket, _| {
            let (one, socket) = (alive.one(), socket);
            async move {
                drop(socket);
                tokio::time::sleep(seconds(30)).await; // on the paused clock
                drop(one);
            }
        }
    };
    tokio::spawn(async move {
        server
            .serve_connection(TokioTransport::new(far), each)
            .await
    });
    let client = http2_client(near);
    let start = Instant::now();
    for _ in 0..12 {
        let _ = client.open(websocket()).await;
    }
    assert_eq!(alive.most(), 4);
    assert!(start.elapsed() >= seconds(60), "{:?}", start.elapsed());
}
