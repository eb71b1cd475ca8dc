//! WebSockets over HTTP/2 that end well, with a peer that never sends END_STREAM.

use super::scripted::{Script, Seen, frame, start, status};
use crate::support::{TIMEOUT, TLS, listen};
use futures_util::SinkExt;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use wirestack::websocket::{CloseCode, Message};
use wirestack::{Connect, connect, connect_http2};

/// A server that answers a Close with a Close, and never ends the stream.
fn never_ends() -> Script {
    Script {
        answer: status("200"),
        farewell: frame(0, 0, 1, b"\x88\x02\x03\xe8"),
        ..Script::default()
    }
}

fn wss(port: u16) -> Connect {
    let connect = connect(format!("wss://localhost:{port}/chat"));
    connect.direct().tls(TLS.client.clone()).http2_only()
}

/// Waits until the server has seen an end of our direction, and then RST_STREAM with CANCEL.
async fn is_cancelled(seen: &Seen, stream: u32) {
    let cancelled = async {
        loop {
            let frames = seen.lock().unwrap()[0].clone();
            let ends = |(kind, flags, id, _): &(u8, u8, u32, Vec<u8>)| {
                (*kind, flags & 1, *id) == (0, 1, stream)
            };
            let reset = frames
                .iter()
                .find(|(kind, _, id, _)| (*kind, *id) == (3, stream));
            if let Some((.., code)) = reset {
                assert!(frames.iter().any(ends), "the stream was not ended before");
                assert_eq!(code, &[0, 0, 0, 8]);
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    if timeout(SHORT, cancelled).await.is_err() {
        panic!("not cancelled: {:?}", seen.lock().unwrap());
    }
}

/// The time in which a WebSocket must be over, far below its close_timeout of 10 s.
const SHORT: Duration = Duration::from_secs(5);

#[tokio::test]
async fn pitfall_67_a_websocket_ends_soon_although_the_server_never_ends_the_stream() {
    for form in ["close", "sink", "parts", "bytes", "spawned"] {
        let (port, seen) = start(vec![never_ends()], Some(&["h2"])).await;
        let begun = Instant::now();
        match form {
            "close" => {
                let mut socket = wss(port).await.unwrap();
                socket.close(CloseCode::NORMAL, "").await.unwrap();
                let _ = socket.finish(SHORT).await; // the server does not end TCP
            }
            "sink" => {
                let mut socket = wss(port).await.unwrap();
                SinkExt::close(&mut socket).await.unwrap();
                assert!(socket.next().await.is_none());
                let _ = socket.finish(SHORT).await;
            }
            "parts" => {
                let mut socket = wss(port).parts().await.unwrap();
                socket.close(CloseCode::NORMAL, "").await.unwrap();
                let _ = socket.finish(SHORT).await;
            }
            "bytes" => {
                let mut socket = wss(port).tunnel().await.unwrap();
                socket.shutdown().await.unwrap();
                assert_eq!(socket.read(&mut [0]).await.unwrap(), 0);
                let _ = socket.finish(SHORT).await;
            }
            _ => {
                let mut socket = wss(port).await.unwrap().spawn();
                socket.close(CloseCode::NORMAL, "").await.unwrap();
                is_cancelled(&seen, 1).await;
                continue;
            }
        }
        is_cancelled(&seen, 1).await;
        assert!(begun.elapsed() < 2 * SHORT, "{form}: {:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn pitfall_67_a_stream_of_a_shared_connection_ends_soon_and_harms_no_other() {
    let (port, seen) = start(vec![never_ends()], Some(&["h2"])).await;
    let connect = connect_http2(format!("wss://localhost:{port}"));
    let http2 = connect.direct().tls(TLS.client.clone()).await.unwrap();
    http2.spawn();
    let mut socket = http2.websocket("/").await.unwrap();
    let begun = Instant::now();
    socket.close(CloseCode::NORMAL, "").await.unwrap();
    socket.finish(TIMEOUT).await.unwrap();
    assert!(begun.elapsed() < SHORT, "{:?}", begun.elapsed());
    is_cancelled(&seen, 1).await;
    let kinds: Vec<_> = seen.lock().unwrap()[0]
        .iter()
        .map(|frame| frame.0)
        .collect();
    assert!(!kinds.contains(&7), "the connection goes on");
    let _ = timeout(Duration::from_millis(1), http2.websocket("/more")).await;
}

#[cfg(feature = "blocking")]
#[tokio::test]
async fn pitfall_67_a_blocking_websocket_ends_soon_too() {
    let (port, seen) = start(vec![never_ends()], Some(&["h2"])).await;
    let begun = Instant::now();
    let closed = tokio::task::spawn_blocking(move || {
        let mut socket = wss(port).blocking().unwrap();
        socket.close(CloseCode::NORMAL, "").unwrap();
        let _ = wirestack::blocking::block_on(socket.into_inner().finish(SHORT));
    });
    closed.await.unwrap();
    is_cancelled(&seen, 1).await;
    assert!(begun.elapsed() < 2 * SHORT, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_server_ends_soon_although_the_client_never_ends_the_stream() {
    let (listener, address) = listen().await;
    let (tell, told) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        let (io, _) = listener.accept().await.unwrap();
        let tell = std::sync::Arc::new(std::sync::Mutex::new(Some(tell)));
        let each = move |mut socket: wirestack::ServerSocket, _| {
            let tell = tell.lock().unwrap().take();
            async move {
                while let Some(Ok(message)) = socket.next().await {
                    let _ = socket.send(message).await;
                }
                let finished = socket.finish(TIMEOUT).await;
                let _ = tell.map(|tell| tell.send(finished));
            }
        };
        let _ = super::server().serve_connection(io, each).await;
    });
    let http2 = connect_http2(format!("ws://{address}")).direct().await;
    let http2 = http2.unwrap();
    http2.spawn();
    let mut head = http::Request::new(());
    *head.uri_mut() = format!("http://{address}/").parse().unwrap();
    let version = http::HeaderValue::from_static("13");
    head.headers_mut().insert("sec-websocket-version", version);
    let request = wirestack::http2::ConnectRequest::extended("websocket", head).unwrap();
    let (_, mut stream) = http2.open(request).await.unwrap();
    let begun = Instant::now();
    // A Close frame with a mask of zeros, and no END_STREAM.
    let close = b"\x88\x82\0\0\0\0\x03\xe8";
    stream.write_all(close).await.unwrap();
    stream.flush().await.unwrap();
    let mut heard = Vec::new();
    stream.read_to_end(&mut heard).await.unwrap();
    assert_eq!(heard, b"\x88\x02\x03\xe8");
    timeout(TIMEOUT, told).await.unwrap().unwrap().unwrap();
    assert!(begun.elapsed() < SHORT, "{:?}", begun.elapsed());
    let mut socket = http2.websocket("/").await.unwrap();
    socket.send(Message::text("fine")).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("fine"));
}
