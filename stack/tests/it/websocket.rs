//! Pings, parts, bytes, compression and transports of WebSockets.

use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use wirestack::websocket::{
    Accept, Client, CloseCode, Closer, Deflate, Message, Part, Payload, Server, WebSocketConfig,
};
use wirestack::{Connection, ServerSocket, WebSocketServer, connect};
use wirestack::{Engine, Pipe, Queue, Seed};

/// Starts a server that runs `each` for every client. Returns its URL.
async fn serve<P, F, R>(settings: WebSocketConfig, each: F) -> String
where
    P: Payload,
    F: Fn(ServerSocket<P>, http::Request<()>) -> R + Copy + Send + Sync + 'static,
    R: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let server = WebSocketServer::new(|_| Ok(Accept::new())).config(settings);
    tokio::spawn(async move {
        loop {
            let (io, _) = listener.accept().await.unwrap();
            let server = server.clone();
            tokio::spawn(async move { server.serve_connection_in(io, each).await });
        }
    });
    url
}

fn compressed() -> WebSocketConfig {
    let mut settings = WebSocketConfig::default();
    settings.deflate = Some(Deflate::default());
    settings
}

async fn echo(mut socket: ServerSocket, _: http::Request<()>) {
    while let Some(Ok(message)) = socket.next().await {
        if socket.send(message).await.is_err() {
            return;
        }
    }
}

async fn echo_by_halves(socket: ServerSocket, _: http::Request<()>) {
    let (mut writer, mut reader) = socket.split();
    while let Some(Ok(message)) = reader.next().await {
        if writer.send(message).await.is_err() {
            return;
        }
    }
}

#[tokio::test]
async fn a_close_behind_messages_is_answered_although_the_server_leaves_at_its_failed_echo() {
    for url in [
        serve(WebSocketConfig::default(), echo).await,
        serve(WebSocketConfig::default(), echo_by_halves).await,
    ] {
        for opening in [connect(&url).http1_only(), connect(&url).http2_only()] {
            let mut socket = opening.direct().await.unwrap();
            for text in ["one", "two", "three"] {
                socket.feed(text).await.unwrap(); // they leave with the Close
            }
            socket.close(1000, "done").await.unwrap();
            assert_eq!(socket.closed().unwrap().code, CloseCode::NORMAL);
        }
    }
}

#[tokio::test]
async fn messages_are_compressed_over_both_versions_if_both_sides_want_it() {
    for server in [WebSocketConfig::default(), compressed()] {
        let url = serve(server.clone(), echo).await;
        for http2 in [false, true] {
            let opening = connect(&url).direct().config(compressed());
            let opening = if http2 { opening.http2_only() } else { opening };
            let mut socket = opening.await.unwrap();
            let agreed = socket.part::<Client>().unwrap().compression().is_some();
            assert_eq!(agreed, server.deflate.is_some());
            let text = Message::text("much ado ".repeat(10_000));
            for _ in 0..3 {
                socket.send(text.clone()).await.unwrap();
                assert_eq!(socket.next().await.unwrap().unwrap(), text);
            }
            let wire = socket.engine().to_wire().total();
            assert_eq!(wire < 10_000, agreed, "{wire} bytes");
            socket.close(CloseCode::NORMAL, "enough").await.unwrap();
            assert_eq!(socket.closed_by().unwrap(), Closer::Local);
        }
    }
}

#[tokio::test]
async fn a_ping_measures_its_round_trip_in_every_form() {
    let url = serve(WebSocketConfig::default(), echo).await;
    let mut socket = connect(&url).direct().await.unwrap();
    socket.send("before").await.unwrap();
    let took = socket.ping("hello").await.unwrap();
    assert!(took < Duration::from_secs(5));
    assert_eq!(socket.next().await.unwrap().unwrap(), "before".into());

    let (mut writer, _reader) = socket.split();
    writer.ping("nobody reads").await.unwrap();

    let mut handle = connect(&url).direct().await.unwrap().spawn();
    handle.ping("in the background").await.unwrap();
    assert!(handle.ping("x".repeat(126)).await.is_err());
}

#[tokio::test]
async fn a_ping_fails_with_the_connection() {
    let url = serve::<Queue<Message>, _, _>(WebSocketConfig::default(), |_, _| async {}).await;
    let mut socket = connect(&url).direct().await.unwrap();
    assert!(socket.ping("anybody").await.is_err());
}

#[tokio::test]
async fn messages_travel_in_parts_before_they_are_whole() {
    let echo = |mut socket: ServerSocket<Queue<Part>>, _| async move {
        while let Some(Ok(part)) = socket.next().await {
            if socket.send(part).await.is_err() {
                return;
            }
        }
    };
    for settings in [WebSocketConfig::default(), compressed()] {
        let url = serve(settings.clone(), echo).await;
        for http2 in [false, true] {
            let opening = connect(&url).direct().config(settings.clone());
            let opening = if http2 { opening.http2_only() } else { opening };
            let mut socket = opening.parts().await.unwrap();
            for n in 0..5 {
                let payload = Message::text(format!("part {n}"));
                let last = n == 4;
                let part = Part {
                    payload: payload.clone(),
                    last,
                };
                socket.send(part).await.unwrap();
                let heard = socket.next().await.unwrap().unwrap();
                assert_eq!(heard.payload, payload); // it comes before the next one is sent
                let rest = if last && !heard.last {
                    socket.next().await.unwrap().unwrap()
                } else {
                    heard
                };
                assert_eq!(rest.last, last);
            }
            socket.ping("still there").await.unwrap();
        }
    }
}

#[tokio::test]
async fn bytes_travel_in_binary_messages_and_a_text_ends_them() {
    let echo = |socket: ServerSocket<Pipe>, _| async move {
        let (mut reader, mut writer) = tokio::io::split(socket);
        let _ = tokio::io::copy(&mut reader, &mut writer).await;
        let _ = writer.shutdown().await;
    };
    let url = serve(WebSocketConfig::default(), echo).await;
    for http2 in [false, true] {
        let opening = connect(&url).direct();
        let opening = if http2 { opening.http2_only() } else { opening };
        let stream = opening.tunnel().await.unwrap();
        let sent: Vec<u8> = (0..1_000_000u32).map(|n| (n / 7) as u8).collect();
        let (mut reader, mut writer) = tokio::io::split(stream);
        let mut heard = vec![0; sent.len()];
        let (wrote, read) = tokio::join!(writer.write_all(&sent), reader.read_exact(&mut heard));
        wrote.unwrap();
        read.unwrap();
        assert!(heard == sent);
    }
    let mut text = connect(&url).direct().await.unwrap();
    text.send("no bytes").await.unwrap();
    let error = text.next().await.unwrap().unwrap_err().to_string();
    assert!(error.contains("1003"), "{error}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_websocket_runs_over_any_transport() {
    let (one, other) = tokio::net::UnixStream::pair().unwrap();
    converse(one, other).await;
    let (one, other) = tokio::io::duplex(100);
    converse(one, other).await;
}

async fn converse<S>(one: S, other: S)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let client = Client::established(compressed(), Seed::new([7; 32]));
    let mut client = Connection::from_transport(
        wirestack::runtime::TokioTransport::new(one),
        Engine::new(client),
    )
    .unwrap();
    let mut server = Connection::from_transport(
        wirestack::runtime::TokioTransport::new(other),
        Engine::new(Server::established(WebSocketConfig::default())),
    )
    .unwrap();
    let message = Message::binary(vec![7; 100_000]);
    let (sent, heard) = tokio::join!(client.send(message.clone()), server.next());
    sent.unwrap();
    assert_eq!(heard.unwrap().unwrap(), message);
    let closing = client.close(CloseCode::new(4000), "why");
    let (closed, heard) = tokio::join!(closing, server.next());
    closed.unwrap();
    let error = heard.unwrap().unwrap_err().to_string();
    assert!(error.contains("4000") && error.contains("why"), "{error}");
    assert_eq!(client.closed().unwrap().code, CloseCode::new(4000));
    assert_eq!(client.closed_by().unwrap(), Closer::Local);
}

#[tokio::test]
async fn a_server_may_decide_asynchronously() {
    let server = WebSocketServer::deciding(|request| async move {
        tokio::task::yield_now().await;
        match request.uri().path() {
            "/yes" => Ok(Accept::new()),
            _ => Err(Box::new(
                http::Response::builder()
                    .status(403)
                    .body("no".into())
                    .unwrap(),
            )),
        }
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (io, _) = listener.accept().await.unwrap();
            let server = server.clone();
            tokio::spawn(async move { server.serve_connection(io, echo).await });
        }
    });
    for http2 in [false, true] {
        let opening = |path| {
            let opening = connect(format!("{url}{path}")).direct();
            if http2 { opening.http2_only() } else { opening }
        };
        let mut socket = opening("/yes").await.unwrap();
        socket.send("hello").await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), "hello".into());
        let error = opening("/no").await.err().unwrap().to_string();
        assert!(error.contains("403"), "{error}");
    }
}
