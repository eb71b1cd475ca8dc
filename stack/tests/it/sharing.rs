//! HTTP/2 connections that are shared by a pool.

use crate::support::{TIMEOUT, TLS, echo, listen};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use wirestack::dial::{Hop, PoolConfig, Redirects};
use wirestack::http2::{Connection as Http2Layer, Http2Config, RequestKind};
use wirestack::runtime::TcpOptions;
use wirestack::websocket::{Accept, Message};
use wirestack::{Connection, Http2, Pool, ServerSocket, WebSocket, WebSocketServer, connect};
use wirestack::{Engine, http1};

/// The number of connections that a server has served.
type Count = Arc<AtomicUsize>;

fn count(counted: &Count) -> usize {
    counted.load(Ordering::SeqCst)
}

/// An echo server over TLS. It refuses `/no`, and redirects `/moved` to `/`.
async fn server() -> (String, Count) {
    let server = WebSocketServer::new(|offer| {
        let status = match offer.uri().path() {
            "/no" => 403,
            "/moved" => 308,
            _ => return Ok(Accept::new()),
        };
        let response = http::Response::builder().status(status);
        let response = response.header("location", "/");
        Err(Box::new(response.body("no".into()).unwrap()))
    });
    let server = server.tls(TLS.server.clone());
    let (listener, address) = listen().await;
    let served = Count::default();
    let counted = served.clone();
    tokio::spawn(async move {
        loop {
            let (io, _) = listener.accept().await.unwrap();
            counted.fetch_add(1, Ordering::SeqCst);
            let server = server.clone();
            tokio::spawn(async move {
                let _ = server.serve_connection(io, answer).await;
            });
        }
    });
    (format!("wss://localhost:{}", address.port()), served)
}

async fn answer(mut socket: ServerSocket, _: http::Request<()>) {
    while let Some(Ok(message)) = socket.next().await {
        let _ = socket.send(message).await;
    }
    let _ = socket.finish(TIMEOUT).await;
}

/// A proxy that takes CONNECT over HTTP/2 in cleartext, and wants a password.
async fn tunnels() -> (SocketAddr, Count) {
    let (listener, address) = listen().await;
    let served = Count::default();
    tokio::spawn(serve_tunnels(listener, served.clone()));
    (address, served)
}

async fn serve_tunnels(listener: TcpListener, served: Count) {
    loop {
        let (io, _) = listener.accept().await.unwrap();
        served.fetch_add(1, Ordering::SeqCst);
        tokio::spawn(async move {
            let layer = Http2Layer::server(Http2Config::server());
            let http2 = Http2::new(Connection::from_transport(io, Engine::new(layer)).unwrap());
            http2.spawn();
            while let Some(Ok(incoming)) = http2.accept().await {
                let right = http1::basic_credentials("me", "secret").unwrap();
                let shown = incoming.request().headers().get("proxy-authorization");
                if shown != Some(&right) {
                    let response = http::Response::builder().status(407);
                    let response = response.header("proxy-authenticate", "Basic realm=\"r\"");
                    incoming.respond(response.body("who?".into()).unwrap());
                    continue;
                }
                let RequestKind::Tunnel(authority) = incoming.request_kind() else {
                    panic!("not a tunnel")
                };
                let mut target = TcpStream::connect(authority.as_str()).await.unwrap();
                let mut stream = incoming.accept(http::HeaderMap::new()).unwrap();
                tokio::spawn(async move {
                    let _ = tokio::io::copy_bidirectional(&mut stream, &mut target).await;
                });
            }
        });
    }
}

async fn talk(socket: &mut WebSocket) {
    socket.send(Message::text("hello")).await.unwrap();
    let echo = socket.next().await.unwrap().unwrap();
    assert_eq!(echo, Message::text("hello"));
}

#[tokio::test]
async fn websockets_to_one_server_share_its_connection() {
    let (url, served) = server().await;
    let pool = Pool::new(PoolConfig::default());
    let open = |path: &str| {
        let connect = connect(format!("{url}{path}")).direct().sharing(&pool);
        connect.tls(TLS.client.clone()).redirects(Redirects::Any)
    };
    let (one, two, three) = tokio::join!(open("/"), open("/"), open("/moved"));
    let (mut one, mut two, mut three) = (one.unwrap(), two.unwrap(), three.unwrap());
    for socket in [&mut one, &mut two, &mut three] {
        talk(socket).await;
    }
    let refused = open("/no").await.map(drop).unwrap_err().to_string();
    assert!(refused.starts_with("target (wss://localhost:"), "{refused}");
    assert!(
        refused.ends_with(
            "/no): http2[1]: refused the extended CONNECT for websocket: 403 Forbidden: \"no\""
        ),
        "{refused}"
    );
    assert_eq!((count(&served), pool.connections()), (1, 1));
    // Without the pool there is a new connection.
    let alone = connect(format!("{url}/")).direct().tls(TLS.client.clone());
    talk(&mut alone.await.unwrap()).await;
    assert_eq!(count(&served), 2);
}

#[tokio::test]
async fn targets_behind_one_proxy_share_its_connection_and_its_password() {
    let (proxy, served) = tunnels().await;
    let pool = Pool::new(PoolConfig::default());
    let mut sockets = Vec::new();
    for _ in 0..3 {
        let target = echo(true).await;
        let url = format!("wss://localhost:{}/", target.port());
        let connect = connect(&url)
            .via(format!("h2c://me:secret@{proxy}"))
            .tls(TLS.client.clone())
            .http1_only()
            .sharing(&pool);
        sockets.push(connect.await.unwrap());
    }
    for socket in &mut sockets {
        talk(socket).await;
    }
    assert_eq!(count(&served), 1);
    let target = echo(false).await;
    let url = format!("ws://{target}/");
    // Other credentials get another connection.
    let other = connect(&url)
        .via(format!("h2c://me:guess@{proxy}"))
        .sharing(&pool);
    let refused = other.await.map(drop).unwrap_err().to_string();
    assert!(refused.contains("hop 1 (h2c://"), "{refused}");
    assert!(refused.contains(": 407 "), "{refused}");
    assert_eq!(count(&served), 2);
    // Credentials on challenge get a connection that is not shared.
    let shy: Hop = format!("h2c://me:secret@{proxy}").parse().unwrap();
    let shy = connect(&url).via(shy.on_challenge()).sharing(&pool);
    talk(&mut shy.await.unwrap()).await;
    assert_eq!((count(&served), pool.connections()), (3, 2));
}

#[tokio::test]
async fn a_connection_is_shared_by_those_with_the_same_local_address() {
    let (url, served) = server().await;
    let pool = Pool::new(PoolConfig::default());
    let open = |local_address: Option<[u8; 4]>| {
        let connect = connect(&url).direct().tls(TLS.client.clone());
        let local_address = local_address.map(IpAddr::from);
        let options = TcpOptions::default().local_address(local_address);
        connect.tcp_options(options).sharing(&pool)
    };
    for (local_address, connections) in [
        (Some([127, 0, 0, 1]), 1),
        (None, 2),
        (Some([127, 0, 0, 1]), 2),
        (None, 2),
    ] {
        talk(&mut open(local_address).await.unwrap()).await;
        assert_eq!(count(&served), connections, "{local_address:?}");
    }
}

#[tokio::test]
async fn a_server_without_http2_is_used_over_http1() {
    let target = echo(true).await;
    let pool = Pool::new(PoolConfig::default());
    let url = format!("wss://localhost:{}/", target.port());
    let connect = connect(&url)
        .direct()
        .tls(TLS.client.clone())
        .sharing(&pool);
    let (mut socket, trace) = connect.traced().await.unwrap();
    talk(&mut socket).await;
    assert!(
        trace.to_string().contains("a new connection is needed"),
        "{trace}"
    );
    assert_eq!(pool.connections(), 0);
}

#[tokio::test]
async fn an_idle_connection_is_closed_and_made_again() {
    let (url, served) = server().await;
    let mut sharing = PoolConfig::default();
    sharing.idle = Duration::from_millis(1);
    let pool = Pool::new(sharing);
    let open = || {
        let connect = connect(&url).direct().tls(TLS.client.clone());
        connect.sharing(&pool)
    };
    let mut socket = open().await.unwrap();
    talk(&mut socket).await;
    assert_eq!(pool.connections(), 1);
    drop(socket);
    while pool.connections() > 0 {
        tokio::task::yield_now().await;
    }
    talk(&mut open().await.unwrap()).await;
    assert_eq!(count(&served), 2);
}

/// Forwards bytes until it is notified, and then drops every connection.
async fn forwarder(to: SocketAddr) -> (SocketAddr, Arc<Notify>) {
    let (listener, address) = listen().await;
    let cut = Arc::new(Notify::new());
    let heard = cut.clone();
    tokio::spawn(async move {
        loop {
            let (mut from, _) = listener.accept().await.unwrap();
            let mut to = TcpStream::connect(to).await.unwrap();
            let cut = heard.clone();
            tokio::spawn(async move {
                let told = cut.notified();
                let passed = tokio::io::copy_bidirectional(&mut from, &mut to);
                tokio::select! { _ = told => {}, _ = passed => {} }
            });
        }
    });
    (address, cut)
}

#[tokio::test]
async fn a_connection_that_broke_is_replaced() {
    let (proxy, served) = tunnels().await;
    let (front, cut) = forwarder(proxy).await;
    let target = echo(false).await;
    let pool = Pool::new(PoolConfig::default());
    let open = || {
        connect(format!("ws://{target}/"))
            .via(format!("h2c://me:secret@{front}"))
            .sharing(&pool)
    };
    for round in 1..=3 {
        let (mut one, mut two) = (open().await.unwrap(), open().await.unwrap());
        talk(&mut one).await;
        talk(&mut two).await;
        assert_eq!(count(&served), round);
        cut.notify_waiters();
        assert!(one.next().await.unwrap().is_err());
        assert!(two.next().await.unwrap().is_err());
    }
}
