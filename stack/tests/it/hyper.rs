//! A client of `hyper` over a chain of hops.

use crate::support::{TLS, connect_server, listen, proxy, socks_server};
use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wirestack::dial::DialError;
use wirestack::{AccessPolicy, BoxTunnel, Engine, Identity, Nest, ProxyServer, tls};
use wirestack::{Connection, Connector};

/// A web server that answers each request with its first line, and closes behind the second answer.
async fn web(secure: bool) -> SocketAddr {
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        loop {
            let (io, _) = listener.accept().await.unwrap();
            let layer: BoxTunnel = if secure {
                tls::Server::new(TLS.server.clone()).unwrap().boxed()
            } else {
                Identity.boxed()
            };
            tokio::spawn(async move {
                let mut io = Connection::from_transport(io, Engine::new(layer)).unwrap();
                for connection in ["keep-alive", "close"] {
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n") {
                        head.push(io.read_u8().await.unwrap());
                    }
                    let text = String::from_utf8(head).unwrap();
                    let line = text.lines().next().unwrap_or_default();
                    let head = format!("HTTP/1.1 200 OK\r\nConnection: {connection}\r\n");
                    let length = format!("Content-Length: {}\r\n\r\n", line.len());
                    io.write_all(format!("{head}{length}{line}").as_bytes())
                        .await
                        .unwrap();
                    io.flush().await.unwrap();
                }
                io.shutdown().await.unwrap();
            });
        }
    });
    address
}

#[tokio::test]
async fn the_web_is_reached_through_two_proxies() {
    let (gate, mut first) = proxy(ProxyServer::socks(AccessPolicy::loopback()), socks_server).await;
    let (inner, mut second) = proxy(
        ProxyServer::connect(AccessPolicy::loopback()),
        connect_server,
    )
    .await;
    let connector = Connector::default()
        .via(format!("socks5h://me:secret@{gate}"))
        .via(format!("http://{inner}"))
        .tls(TLS.client.clone());
    let client: Client<_, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build(connector);
    for (secure, scheme) in [(false, "http"), (true, "https")] {
        let port = web(secure).await.port();
        for path in ["/one", "/two"] {
            let uri = format!("{scheme}://localhost:{port}{path}?q")
                .parse()
                .unwrap();
            let response = client.get(uri).await.unwrap();
            assert_eq!(response.status(), 200);
            let body = response.into_body().collect().await.unwrap().to_bytes();
            // The form for an origin server, and not the absolute form for a proxy.
            assert_eq!(body, format!("GET {path}?q HTTP/1.1"));
        }
        // Both requests used one connection, which has ended.
        first.recv().await.unwrap().unwrap();
        second.recv().await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn the_error_of_dialing_is_a_source_of_hypers_error() {
    let (gate, _) = proxy(ProxyServer::socks(AccessPolicy::nothing()), socks_server).await;
    let connector = Connector::default().via(format!("socks5h://me:secret@{gate}"));
    let client: Client<_, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build(connector);
    let failed = client
        .get("http://127.0.0.1:1/".parse().unwrap())
        .await
        .unwrap_err();
    assert!(failed.is_connect());
    let mut error: &dyn std::error::Error = &failed;
    while error.downcast_ref::<DialError>().is_none() {
        error = error.source().expect("the error of dialling");
    }
    assert!(
        error
            .to_string()
            .contains("not allowed by the rules of the proxy"),
        "{error}"
    );
}
