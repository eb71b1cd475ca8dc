//! Ends of connections, and streams without a proper end.

use super::{echo, server};
use crate::support::listen;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wirestack::http2::{self, ConnectRequest};
use wirestack::websocket::{CloseCode, Message};
use wirestack::{Connection, Engine, Http2, connect_http2};

#[tokio::test]
async fn a_driver_sends_goaway_when_no_handle_is_left() {
    let (listener, address) = listen().await;
    let served = tokio::spawn(async move {
        let (io, _) = listener.accept().await.unwrap();
        server().serve_connection(io, echo).await
    });
    let http2 = connect_http2(format!("http://{address}"))
        .direct()
        .await
        .unwrap();
    let driver = tokio::spawn(http2.driver());
    let mut socket = http2.websocket("/").await.unwrap();
    socket.send(Message::text("hello")).await.unwrap();
    assert_eq!(
        socket.next().await.unwrap().unwrap(),
        Message::text("hello")
    );
    socket.close(CloseCode::from(1000), "").await.unwrap();
    drop((socket, http2));
    driver.await.unwrap();
    served.await.unwrap().unwrap(); // a clean end, by GOAWAY
}

#[tokio::test]
async fn a_server_that_goes_away_lets_open_streams_finish() {
    let (listener, address) = listen().await;
    let (went, going) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        let (io, _) = listener.accept().await.unwrap();
        let top = http2::Connection::server(http2::Http2Config::server());
        let http2 = Http2::new(Connection::from_transport(io, Engine::new(top)).unwrap());
        http2.spawn();
        let first = http2.accept().await.unwrap().unwrap();
        let mut stream = first.accept(http::HeaderMap::new()).unwrap();
        let _ = tokio::join!(http2.close(), async {
            went.send(()).unwrap();
            let mut heard = [0; 5];
            stream.read_exact(&mut heard).await.unwrap();
            stream.write_all(&heard).await.unwrap();
            stream.shutdown().await.unwrap();
            stream.read_to_end(&mut Vec::new()).await.unwrap();
        });
    });
    let http2 = connect_http2(format!("http://{address}"))
        .direct()
        .await
        .unwrap();
    http2.spawn();
    let tunnel = || ConnectRequest::tunnel("example.org", 22).unwrap();
    let (_, mut stream) = http2.open(tunnel()).await.unwrap();
    going.await.unwrap();
    stream.write_all(b"still").await.unwrap();
    stream.flush().await.unwrap();
    let mut heard = Vec::new();
    stream.read_to_end(&mut heard).await.unwrap();
    assert_eq!(heard, b"still");
    assert!(http2.open(tunnel()).await.is_err());
    stream.shutdown().await.unwrap();
    http2.close().await.unwrap();
}

#[tokio::test]
async fn a_stream_without_a_proper_end_leaves_the_others_alone() {
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        let (io, _) = listener.accept().await.unwrap();
        let top = http2::Connection::server(http2::Http2Config::server());
        let http2 = Http2::new(Connection::from_transport(io, Engine::new(top)).unwrap());
        http2.spawn();
        let mut kept = Vec::new();
        while let Some(Ok(incoming)) = http2.accept().await {
            let odd = incoming.request().uri().path() == "/odd";
            let mut stream = incoming.accept(http::HeaderMap::new()).unwrap();
            if odd {
                // A Close frame with data behind it, and never END_STREAM.
                stream.write_all(&[0x88, 2, 0x03, 0xe8]).await.unwrap();
                stream.write_all(&[0x82; 10_000]).await.unwrap();
            } else {
                stream.write_all(b"\x81\x02hi").await.unwrap();
            }
            stream.flush().await.unwrap();
            kept.push(stream);
        }
    });
    let http2 = connect_http2(format!("ws://{address}"))
        .direct()
        .await
        .unwrap();
    http2.spawn();
    let mut odd = http2.websocket("/odd").await.unwrap();
    assert!(odd.next().await.is_none(), "a clean end");
    assert_eq!(odd.closed().unwrap().code, CloseCode::NORMAL);
    drop(odd);
    let mut other = http2.websocket("/").await.unwrap();
    assert_eq!(other.next().await.unwrap().unwrap(), Message::text("hi"));
}
