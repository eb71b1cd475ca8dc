//! The choice between HTTP/2 and HTTP/1.1.

use super::{echo, names, server, start, start_tls};
use crate::support::{TLS, listen, proxy, socks_server};
use std::sync::Arc;
use tokio::net::TcpListener;
use wirestack::dial::Reason;
use wirestack::http2;
use wirestack::websocket::{Accept, CloseCode, Message};
use wirestack::{AccessPolicy, Connection, Engine, Nest, ProxyServer, connect, tls};

#[tokio::test]
async fn one_address_serves_both_versions_over_tls() {
    let url = start_tls().await;
    let both = || {
        connect(&url)
            .direct()
            .tls(TLS.client.clone())
            .subprotocol("b")
    };
    for (connect, wanted) in [
        (both(), &["tls", "http2", "websocket"][..]),
        (both().http1_only(), &["tls", "websocket"]),
        (both().http2_only(), &["tls", "http2", "websocket"]),
    ] {
        let mut socket = connect.await.unwrap();
        assert_eq!(names(&socket.describe()), wanted);
        assert_eq!(socket.subprotocol(), Some("b"));
        for message in [Message::text("hello"), Message::binary(vec![7; 1 << 20])] {
            socket.send(message.clone()).await.unwrap();
            assert_eq!(socket.next().await.unwrap().unwrap(), message);
        }
        socket.close(CloseCode::from(1000), "").await.unwrap();
    }
}

#[tokio::test]
async fn one_address_serves_both_versions_in_cleartext() {
    let url = format!("ws://{}", start(server()).await);
    for (connect, wanted) in [
        (connect(&url).direct(), &["websocket"][..]),
        (connect(&url).direct().http2_only(), &["http2", "websocket"]),
    ] {
        let mut socket = connect.await.unwrap();
        assert_eq!(names(&socket.describe()), wanted);
        socket.send(Message::text("hello")).await.unwrap();
        assert_eq!(
            socket.next().await.unwrap().unwrap(),
            Message::text("hello")
        );
        socket.close(CloseCode::from(1000), "").await.unwrap();
    }
}

/// Serves HTTP/2 without extended CONNECT, and HTTP/1.1.
async fn start_without_extended_connect(listener: TcpListener) {
    let mut settings = http2::Http2Config::server();
    settings.extended_connect = false;
    let server = server().tls(TLS.server.clone()).http2_config(settings);
    loop {
        let (io, _) = listener.accept().await.unwrap();
        let server = server.clone();
        tokio::spawn(async move { server.serve_connection(io, echo).await });
    }
}

#[tokio::test]
async fn a_server_without_extended_connect_is_asked_again_over_http1() {
    let (listener, address) = listen().await;
    tokio::spawn(start_without_extended_connect(listener));
    let url = format!("wss://localhost:{}", address.port());
    let connect = || connect(&url).direct().tls(TLS.client.clone());
    let (gate, _told) = proxy(ProxyServer::socks(AccessPolicy::loopback()), socks_server).await;
    let hop = format!("socks5h://me:secret@{gate}");
    for (connect, wanted) in [
        (connect(), &["tls", "websocket"][..]),
        (connect().via(&hop), &["socks", "tls", "websocket"]),
    ] {
        let (mut socket, trace) = connect.traced().await.unwrap();
        assert_eq!(names(&socket.describe()), wanted, "{trace}");
        let message = Message::text("hello");
        socket.send(message.clone()).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), message);
    }
    let error = connect().http2_only().await.err().unwrap();
    assert!(matches!(error.reason(), Reason::Layer { .. }), "{error}");
    assert!(error.to_string().contains("extended CONNECT"), "{error}");
}

#[tokio::test]
async fn a_server_without_http2_is_refused_where_http2_is_required() {
    let (listener, address) = listen().await;
    let mut config = tls::rustls::ServerConfig::clone(&TLS.server);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let config = Arc::new(config);
    tokio::spawn(async move {
        loop {
            let (io, _) = listener.accept().await.unwrap();
            let stack = wirestack::websocket::Server::new(Default::default())
                .over(tls::Server::new(config.clone()).unwrap());
            tokio::spawn(async move {
                let mut socket = Connection::from_transport(io, Engine::new(stack)).unwrap();
                let accepted = socket.wait_for(|engine| {
                    let server = engine.part_mut::<wirestack::websocket::Server>()?;
                    server.request()?;
                    Some(server.accept(Accept::new()))
                });
                if accepted.await.is_ok() {
                    let _ = socket.next().await;
                }
            });
        }
    });
    let url = format!("wss://localhost:{}", address.port());
    let connect = || connect(&url).direct().tls(TLS.client.clone());
    let socket = connect().await.unwrap();
    assert_eq!(names(&socket.describe()), ["tls", "websocket"]);
    assert!(connect().http2_only().await.is_err());
}
