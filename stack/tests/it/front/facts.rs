//! What is in hand once a client is connected.

use super::start;
use crate::support::{TLS, connect_server, proxy};
use http::{StatusCode, Version};
use wirestack::websocket::{CloseCode, Deflate, Message, Server, WebSocketConfig};
use wirestack::{AccessPolicy, Connection, Engine, ProxyServer, WebSocket, connect, connect_http2};

#[tokio::test]
async fn the_route_and_the_handshake_are_in_hand() {
    let port = start(true).await;
    let (proxy, _) = proxy(
        ProxyServer::connect(AccessPolicy::loopback()),
        connect_server,
    )
    .await;
    let url = format!("wss://me:secret@localhost:{port}/?token=secret");
    let connect = || {
        let config = WebSocketConfig::default().deflate(Deflate::default());
        let connect = connect(&url).via(format!("http://{proxy}"));
        connect
            .tls(TLS.client.clone())
            .config(config)
            .subprotocol("b")
    };
    for (connect, version, status) in [
        (
            connect().http1_only(),
            Version::HTTP_11,
            StatusCode::SWITCHING_PROTOCOLS,
        ),
        (connect(), Version::HTTP_2, StatusCode::OK),
    ] {
        let socket = connect.await.unwrap();
        let route = socket.route().unwrap();
        assert_eq!(route.hops(), [format!("http://{proxy}")]);
        assert_eq!(route.target(), format!("wss://localhost:{port}/"));
        assert_eq!(route.address(), Some(proxy));
        let shown = format!("http://{proxy} ({proxy}), then wss://localhost:{port}/");
        assert_eq!(route.to_string(), shown);
        assert_eq!(socket.http_version(), Some(version));
        assert_eq!(socket.response().unwrap().status(), status);
        assert_eq!(socket.subprotocol(), Some("b"));
        assert!(socket.compression().is_some());
    }
}

#[tokio::test]
async fn a_route_without_proxies_ends_at_the_target_and_a_layer_keeps_it() {
    let port = start(false).await;
    let connect = wirestack::connect_stream(format!("tcp://127.0.0.1:{port}")).direct();
    let stream = connect.await.unwrap().push_layer(wirestack::Identity);
    let route = stream.route().unwrap();
    assert!(route.hops().is_empty());
    assert_eq!(
        route.to_string(),
        format!("tcp://127.0.0.1:{port} (127.0.0.1:{port})")
    );
    assert_eq!(
        stream.boxed().route().unwrap().address().unwrap().port(),
        port
    );
}

/// A program keeps its WebSockets in one list, whatever carries them.
#[tokio::test]
async fn one_type_holds_a_websocket_on_every_transport() {
    let port = start(false).await;
    let mut all: Vec<WebSocket> = Vec::new();
    all.push(
        connect(format!("ws://127.0.0.1:{port}"))
            .direct()
            .await
            .unwrap(),
    );
    let http2 = connect_http2(format!("ws://127.0.0.1:{port}"))
        .direct()
        .await
        .unwrap();
    all.push(http2.websocket("/").await.unwrap().boxed());
    let (near, far) = tokio::io::duplex(1 << 16); // as an upgraded connection of hyper
    let near = wirestack::runtime::TokioTransport::new(near);
    tokio::spawn(async move {
        let far = wirestack::runtime::TokioTransport::new(far);
        let _ = super::server().serve_connection(far, super::tell).await;
    });
    let request = wirestack::websocket::ClientRequest::new("ws://any.test").unwrap();
    let seed = wirestack::Seed::new([7; 32]);
    let client = wirestack::websocket::Client::new(request, WebSocketConfig::default(), seed);
    let mut upgraded = Connection::from_transport(near, Engine::new(client.unwrap())).unwrap();
    upgraded.open().await.unwrap();
    all.push(upgraded.boxed());
    #[cfg(unix)]
    {
        let (near, far) = tokio::net::UnixStream::pair().unwrap();
        tokio::spawn(async move {
            let mut far = Connection::from_transport(far, Engine::new(established())).unwrap();
            far.send("a server").await.unwrap();
            while let Some(Ok(message)) = far.next().await {
                far.send(message).await.unwrap();
            }
        });
        let client = wirestack::websocket::Client::established(
            WebSocketConfig::default(),
            wirestack::Seed::new([7; 32]),
        );
        all.push(
            Connection::from_transport(near, Engine::new(client))
                .unwrap()
                .boxed(),
        );
    }
    for socket in &mut all {
        assert!(socket.next().await.unwrap().unwrap().is_text());
        socket.send("hello").await.unwrap();
        assert_eq!(
            socket.next().await.unwrap().unwrap(),
            Message::text("hello")
        );
        socket.close(1000, "").await.unwrap();
        assert_eq!(socket.closed().unwrap().code, CloseCode::NORMAL);
    }
}

#[cfg(unix)]
fn established() -> Server {
    Server::established(WebSocketConfig::default())
}

#[tokio::test]
async fn each_half_sends_what_it_is_given_and_closes_with_a_number() {
    let url = format!("ws://127.0.0.1:{}", start(false).await);
    let (mut writer, mut reader) = connect(&url).direct().await.unwrap().split();
    reader.next().await.unwrap().unwrap();
    writer.send("text").await.unwrap();
    writer.feed(String::from("owned")).await.unwrap();
    writer.feed(vec![1, 2]).await.unwrap();
    writer.send(bytes::Bytes::from_static(b"3")).await.unwrap();
    for wanted in [
        Message::text("text"),
        Message::text("owned"),
        Message::binary(vec![1, 2]),
        Message::binary(vec![b'3']),
    ] {
        assert_eq!(reader.next().await.unwrap().unwrap(), wanted);
    }
    writer.ping("are you there").await.unwrap();
    writer.close(4000, "enough").await.unwrap();
    let closed = writer.with(|engine| {
        let control = engine.part::<wirestack::websocket::Control>().unwrap();
        control.closed().cloned()
    });
    assert_eq!(closed.unwrap().code, CloseCode::new(4000));

    let mut handle = connect(&url).direct().await.unwrap().spawn();
    handle.ping("").await.unwrap();
    handle.close(1001, "").await.unwrap();
}
