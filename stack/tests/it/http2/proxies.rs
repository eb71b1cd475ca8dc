//! Proxies with CONNECT over HTTP/2.

use super::{names, start_tls};
use crate::support::{TLS, listen};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wirestack::http2::{self, RequestKind};
use wirestack::websocket::Message;
use wirestack::{Connection, Engine, Http2, Nest, connect, connect_stream, tls};

#[tokio::test]
async fn a_proxy_over_http2_is_a_hop() {
    for secure in [false, true] {
        let (listener, proxy) = listen().await;
        tokio::spawn(async move {
            loop {
                let (io, _) = listener.accept().await.unwrap();
                tokio::spawn(tunnels(io, secure));
            }
        });
        let url = start_tls().await;
        let hop = if secure {
            format!("h2://localhost:{}", proxy.port())
        } else {
            format!("h2c://{proxy}")
        };
        let connect = connect(&url)
            .direct()
            .tls(TLS.client.clone())
            .via(hop.as_str());
        let mut socket = connect.await.unwrap();
        let mut wanted = vec!["tls", "http2", "tls", "http2", "websocket"];
        if !secure {
            wanted.remove(0);
        }
        assert_eq!(names(&socket.describe()), wanted);
        socket.send(Message::text("through")).await.unwrap();
        assert_eq!(
            socket.next().await.unwrap().unwrap(),
            Message::text("through")
        );
    }
}

#[tokio::test]
async fn a_stream_half_closes() {
    let (listener, proxy) = listen().await;
    tokio::spawn(async move {
        let (io, _) = listener.accept().await.unwrap();
        tunnels(io, false).await;
    });
    let (listener, target) = listen().await;
    tokio::spawn(async move {
        let (mut io, _) = listener.accept().await.unwrap();
        let mut heard = Vec::new();
        io.read_to_end(&mut heard).await.unwrap();
        io.write_all(format!("{} bytes", heard.len()).as_bytes())
            .await
            .unwrap();
    });
    let url = format!("tcp://{target}");
    let mut stream = connect_stream(&url)
        .via(format!("h2c://{proxy}").as_str())
        .await
        .unwrap();
    stream.write_all(&vec![1; 5_000_000]).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert_eq!(answer, "5000000 bytes");
}

/// Serves the tunnels of one client.
async fn tunnels(io: tokio::net::TcpStream, secure: bool) {
    let top = || http2::Connection::server(http2::Http2Config::server());
    let http2 = if secure {
        let mut config = tls::rustls::ServerConfig::clone(&TLS.server);
        config.alpn_protocols = vec![b"h2".to_vec()];
        let tls = tls::Server::new(config.into()).unwrap();
        Http2::new(Connection::from_transport(io, Engine::new(top().over(tls))).unwrap())
    } else {
        Http2::new(Connection::from_transport(io, Engine::new(top())).unwrap())
    };
    http2.spawn();
    while let Some(Ok(incoming)) = http2.accept().await {
        let RequestKind::Tunnel(authority) = incoming.request_kind() else {
            panic!("not a tunnel")
        };
        let target = tokio::net::TcpStream::connect(authority.as_str()).await;
        let mut target = target.unwrap();
        let mut stream = incoming.accept(http::HeaderMap::new()).unwrap();
        tokio::spawn(async move {
            let _ = tokio::io::copy_bidirectional(&mut stream, &mut target).await;
        });
    }
}
