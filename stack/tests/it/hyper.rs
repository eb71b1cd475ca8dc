//! A client of `hyper` over a chain of hops.

use crate::support::{TLS, connect_server, listen, proxy, socks_server};
use bytes::Bytes;
use http::HeaderValue;
use http_body_util::{BodyExt, Empty, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wirestack::dial::{DialError, Environment, Hop, Routes};
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
    let port = web(true).await.port();
    for path in ["/one", "/two"] {
        let uri = format!("https://localhost:{port}{path}?q").parse().unwrap();
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

/// A proxy that refuses CONNECT, as squid does for port 80, and answers each other request with its
/// head. It wants a password if the first line has `/guarded`.
async fn forwarder(secure: bool) -> SocketAddr {
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
                loop {
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n") {
                        let Ok(byte) = io.read_u8().await else { return };
                        head.push(byte);
                    }
                    let head = String::from_utf8(head).unwrap();
                    let length = head
                        .lines()
                        .find_map(|line| line.strip_prefix("content-length: "));
                    let length = length.map_or(0, |length| length.parse().unwrap());
                    let mut body = vec![0; length];
                    io.read_exact(&mut body).await.unwrap();
                    let right = head.contains("Proxy-Authorization: Basic bWU6cHc=");
                    let status = if head.starts_with("CONNECT ") {
                        "403 Forbidden"
                    } else if head.contains("/guarded") && !right {
                        "407 Who\r\nProxy-Authenticate: Basic realm=\"x\""
                    } else {
                        "200 OK"
                    };
                    let length = head.len();
                    let answer =
                        format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n{head}");
                    io.write_all(answer.as_bytes()).await.unwrap();
                    io.flush().await.unwrap();
                }
            });
        }
    });
    address
}

async fn asked(connector: Connector, urls: &[&str]) -> Vec<(u16, String)> {
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build(connector);
    let mut answers = Vec::new();
    for url in urls {
        let request = http::Request::post(*url)
            .body(Full::new(Bytes::from_static(b"GET / x")))
            .unwrap();
        let response = client.request(request).await.unwrap();
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        answers.push((status, String::from_utf8(body.to_vec()).unwrap()));
    }
    answers
}

#[tokio::test]
async fn pitfall_80_plain_http_goes_to_a_proxy_in_absolute_form() {
    let url = "http://name.test/guarded?q"; // the proxy looks the name up
    for secure in [false, true] {
        let proxy = forwarder(secure).await;
        let scheme = if secure { "https" } else { "http" };
        let place = format!("localhost:{}", proxy.port());
        let hop: Hop = format!("{scheme}://me:pw@{place}").parse().unwrap();
        let hop = hop
            .header(http::header::USER_AGENT, HeaderValue::from_static("us/1"))
            .unwrap();
        let connector = Connector::default().tls(TLS.client.clone());
        let answers = asked(connector.clone().via(hop), &[url, url]).await;
        for (status, head) in &answers {
            assert_eq!(*status, 200, "{head}");
            assert!(
                head.starts_with("POST http://name.test/guarded?q HTTP/1.1\r\n"),
                "{head}"
            );
            assert_eq!(head.matches("Proxy-Authorization: ").count(), 1, "{head}");
            assert!(head.contains("User-Agent: us/1\r\n"), "{head}");
        }
        // Without credentials, the client of hyper gets the 407 as its response.
        let connector = connector.via(format!("{scheme}://{place}"));
        let answers = asked(connector, &[url]).await;
        assert_eq!(answers[0].0, 407);
        assert!(!answers[0].1.contains("Proxy-Authorization"));
    }
}

/// The name of the target is none of the proxy.
#[tokio::test]
async fn a_proxy_that_forwards_has_its_own_name_and_not_that_of_the_target() {
    let place = forwarder(true).await;
    let hop: Hop = format!("https://{place}").parse().unwrap(); // not in its certificate
    let connector = Connector::default()
        .via(hop.server_name("localhost"))
        .tls(TLS.client.clone())
        .server_name("name.test");
    let answers = asked(connector, &["http://name.test/"]).await;
    assert_eq!(answers[0].0, 200);
}

#[tokio::test]
async fn pitfall_80_a_proxy_that_forwards_is_found_behind_others_and_among_routes() {
    let (gate, _results) = proxy(ProxyServer::socks(AccessPolicy::loopback()), socks_server).await;
    let forwarder = forwarder(false).await;
    let url = "http://name.test/";
    let gate = format!("socks5h://me:secret@{gate}");
    let hop: Hop = format!("http://{forwarder}").parse().unwrap();
    let connector = Connector::default()
        .via(gate)
        .via(format!("http://{forwarder}"));
    assert!(
        asked(connector, &[url]).await[0]
            .1
            .starts_with("POST http://name.test/ HTTP/1.1")
    );
    // The first route leads nowhere.
    let nowhere: Hop = "http://127.0.0.1:1".parse().unwrap();
    let routes = Routes::any_of([vec![nowhere], vec![hop.clone()]]);
    let connector = Connector::default().routes(routes);
    assert!(
        asked(connector, &[url]).await[0]
            .1
            .starts_with("POST http://name.test/ HTTP/1.1")
    );
    // A hop that waits for a challenge is asked for a tunnel, in which the dialer can answer it.
    let connector = Connector::default().via(hop.on_challenge());
    let client: Client<_, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build(connector);
    let failed = client.get(url.parse().unwrap()).await.unwrap_err();
    let mut error: &dyn std::error::Error = &failed;
    while error.downcast_ref::<DialError>().is_none() {
        error = error.source().expect("the error of dialling");
    }
    assert!(error.to_string().contains("403 Forbidden"), "{error}");
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

#[cfg(unix)]
#[tokio::test]
async fn a_server_at_a_unix_socket_is_reached_past_the_proxy_of_the_environment() {
    let name = format!("wirestack-hyper-{}", std::process::id());
    let path = std::env::temp_dir().join(name);
    let _ = std::fs::remove_file(&path);
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    tokio::spawn(async move {
        let (mut io, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(io.read_u8().await.unwrap());
        }
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nlocal";
        io.write_all(answer).await.unwrap();
    });
    let proxy = format!("http://{}", forwarder(false).await);
    let environment = Environment::new([("http_proxy", proxy)]);
    let connector = Connector::default()
        .routes(Routes::environment(environment))
        .unix_socket(&path);
    let client: Client<_, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build(connector);
    let response = client.get("http://localhost/events".parse().unwrap()).await;
    let body = response.unwrap().into_body().collect().await.unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(body.to_bytes(), "local");
}
