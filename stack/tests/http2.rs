//! WebSockets and tunnels over HTTP/2, through sockets.
#![cfg(feature = "tokio")]
#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // sockets are the subject

mod support;

use std::net::SocketAddr;
use std::sync::Arc;
use support::{PATIENCE, TLS, listen, proxy, socks_server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use wirestack::dial::Reason;
use wirestack::http2::{self, ConnectRequest, RequestKind};
use wirestack::websocket::{Accept, CloseCode, Message};
use wirestack::{AccessPolicy, Engine, Nest, ProxyServer, tls};
use wirestack::{
    Connection, Http2, ServerSocket, WebSocketServer, connect, connect_http2, connect_stream,
};

/// Echoes, whichever way it came.
async fn echo(mut socket: ServerSocket) {
    while let Some(Ok(message)) = socket.next().await {
        let _ = socket.send(message).await;
    }
    let _ = socket.finish(PATIENCE).await;
}

/// Accepts, unless the path is `/no`, and chooses the subprotocol `b` where it is offered.
fn server() -> WebSocketServer {
    WebSocketServer::new(|offer| match offer.uri().path() {
        "/no" => {
            let mut response = http::Response::new(bytes::Bytes::from_static(b"not here"));
            *response.status_mut() = http::StatusCode::FORBIDDEN;
            Err(response.into())
        }
        _ if offer.subprotocols().any(|name| name == "b") => Ok(Accept::new().subprotocol("b")),
        _ => Ok(Accept::new()),
    })
}

async fn start(server: WebSocketServer) -> SocketAddr {
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        loop {
            let (io, _) = listener.accept().await.unwrap();
            let server = server.clone();
            tokio::spawn(async move {
                let _ = server.serve(io, echo).await; // clients go as they please
            });
        }
    });
    address
}

async fn start_tls() -> String {
    let address = start(server().tls(TLS.server.clone())).await;
    format!("wss://localhost:{}", address.port())
}

/// Layers and what they learnt, from the wire up.
fn names(status: &[wirestack::Status<'_>]) -> Vec<&'static str> {
    status.iter().map(|layer| layer.name).collect()
}

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

#[tokio::test]
async fn many_websockets_share_a_connection() {
    let url = start_tls().await;
    for driven in [true, false] {
        let http2 = connect_http2(&url)
            .direct()
            .tls(TLS.client.clone())
            .await
            .unwrap();
        if driven {
            http2.spawn();
        }
        let mut a = http2.websocket("/a").await.unwrap();
        let mut b = http2.websocket("/b?x=1").await.unwrap();
        a.send(Message::text("to a")).await.unwrap();
        b.send(Message::text("to b")).await.unwrap();
        assert_eq!(b.next().await.unwrap().unwrap(), Message::text("to b"));
        assert_eq!(a.next().await.unwrap().unwrap(), Message::text("to a"));
        a.close(CloseCode::from(1000), "").await.unwrap();
        drop(a);
        let refused = http2.websocket("/no").await.err().unwrap();
        let Some(http2::Http2Error::Refused(refusal)) = refused.cause() else {
            panic!("{refused}")
        };
        assert_eq!(
            (refusal.status.as_u16(), &refusal.body[..]),
            (403, &b"not here"[..])
        );
        let message = Message::binary(vec![9; 3 << 20]);
        let (sent, got) = {
            let mut c = http2.websocket("/c").await.unwrap();
            let sent = c.send(message.clone()).await;
            (sent, c.next().await.unwrap().unwrap())
        };
        sent.unwrap();
        assert_eq!(got, message);
        b.send(Message::text("still")).await.unwrap();
        assert_eq!(b.next().await.unwrap().unwrap(), Message::text("still"));
        b.close(CloseCode::from(1000), "").await.unwrap();
        drop(b);
        http2.close().await.unwrap();
    }
}

/// Serves HTTP/2 connections that do not offer extended CONNECT, and HTTP/1.1 beside.
async fn start_without_extended_connect(listener: TcpListener) {
    let mut settings = http2::Settings::server();
    settings.extended_connect = false;
    let server = server().tls(TLS.server.clone()).http2_settings(settings);
    loop {
        let (io, _) = listener.accept().await.unwrap();
        let server = server.clone();
        tokio::spawn(async move { server.serve(io, echo).await });
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
async fn a_server_without_http2_is_refused_where_only_that_will_do() {
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
        let hop = match secure {
            true => format!("h2://localhost:{}", proxy.port()),
            false => format!("h2c://{proxy}"),
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

/// A proxy that takes CONNECT over HTTP/2, many at a time.
async fn tunnels(io: tokio::net::TcpStream, secure: bool) {
    let top = || http2::Connection::server(http2::Settings::server());
    let http2 = match secure {
        false => Http2::new(Connection::from_transport(io, Engine::new(top())).unwrap()),
        true => {
            let mut config = tls::rustls::ServerConfig::clone(&TLS.server);
            config.alpn_protocols = vec![b"h2".to_vec()];
            let tls = tls::Server::new(config.into()).unwrap();
            Http2::new(Connection::from_transport(io, Engine::new(top().over(tls))).unwrap())
        }
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

#[tokio::test]
async fn an_ordinary_request_gets_an_answer_and_harms_nobody() {
    let url = format!("http://{}", start(server()).await);
    let http2 = connect_http2(&url).direct().await.unwrap();
    let mut socket = http2.websocket("/").await.unwrap();
    let other = ConnectRequest::extended("connect-udp", {
        let mut head = http::Request::new(());
        *head.uri_mut() = format!("{url}/udp").parse().unwrap();
        head
    });
    let refused = http2.open(other.unwrap()).await.err().unwrap();
    let Some(http2::Http2Error::Refused(refusal)) = refused.cause() else {
        panic!("{refused}")
    };
    assert_eq!(refusal.status, 501);
    socket.send(Message::text("hello")).await.unwrap();
    assert_eq!(
        socket.next().await.unwrap().unwrap(),
        Message::text("hello")
    );
}

#[tokio::test]
async fn a_dropped_stream_is_a_reset_that_its_neighbours_do_not_notice() {
    let (listener, address) = listen().await;
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        let (io, _) = listener.accept().await.unwrap();
        let each = move |mut socket: ServerSocket| {
            let tell = tell.clone();
            async move {
                while let Some(message) = socket.next().await {
                    let Ok(message) = message else {
                        let _ = tell.send(message.unwrap_err());
                        return;
                    };
                    let _ = socket.send(message).await;
                }
            }
        };
        let _ = server().serve(io, each).await;
    });
    let http2 = connect_http2(&format!("ws://{address}"))
        .direct()
        .await
        .unwrap();
    http2.spawn();
    let [mut a, mut b] = [
        http2.websocket("/a").await.unwrap(),
        http2.websocket("/b").await.unwrap(),
    ];
    a.send(Message::text("a")).await.unwrap();
    assert_eq!(a.next().await.unwrap().unwrap(), Message::text("a"));
    drop(a);
    let error = told.recv().await.unwrap();
    let reset = matches!(
        error.cause(),
        Some(http2::Http2Error::Reset(http2::Reason::CANCEL))
    );
    assert!(reset, "{error}");
    b.send(Message::text("b")).await.unwrap();
    assert_eq!(b.next().await.unwrap().unwrap(), Message::text("b"));
}

#[tokio::test]
async fn one_stream_that_nobody_reads_does_not_stop_the_others() {
    let url = format!("http://{}", start(server()).await);
    let http2 = connect_http2(&url).direct().await.unwrap();
    http2.spawn();
    let mut stalled = http2.websocket("/stalled").await.unwrap();
    let flood = tokio::spawn(async move {
        let message = Message::binary(vec![1; 100]);
        while stalled.feed(message.clone()).await.is_ok() && stalled.flushed().await.is_ok() {}
    });
    let mut sockets = Vec::new();
    for n in 0..99 {
        sockets.push(http2.websocket(&format!("/{n}")).await.unwrap());
    }
    for round in 0..20 {
        for socket in &mut sockets {
            let message = Message::text(format!("round {round}"));
            socket.send(message.clone()).await.unwrap();
            assert_eq!(socket.next().await.unwrap().unwrap(), message);
        }
    }
    flood.abort();
}

#[tokio::test]
async fn a_driver_says_goodbye_when_nobody_is_left() {
    let (listener, address) = listen().await;
    let served = tokio::spawn(async move {
        let (io, _) = listener.accept().await.unwrap();
        server().serve(io, echo).await
    });
    let http2 = connect_http2(&format!("http://{address}"))
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
    served.await.unwrap().unwrap(); // a clean end: it saw GOAWAY, not a cut
}

#[tokio::test]
async fn a_server_that_goes_away_lets_open_streams_finish() {
    let (listener, address) = listen().await;
    let (went, going) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        let (io, _) = listener.accept().await.unwrap();
        let top = http2::Connection::server(http2::Settings::server());
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
    let http2 = connect_http2(&format!("http://{address}"))
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
async fn a_server_that_ends_a_stream_oddly_harms_no_other() {
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        let (io, _) = listener.accept().await.unwrap();
        let top = http2::Connection::server(http2::Settings::server());
        let http2 = Http2::new(Connection::from_transport(io, Engine::new(top)).unwrap());
        http2.spawn();
        let mut kept = Vec::new();
        while let Some(Ok(incoming)) = http2.accept().await {
            let odd = incoming.request().uri().path() == "/odd";
            let mut stream = incoming.accept(http::HeaderMap::new()).unwrap();
            if odd {
                // A Close frame, more data behind it, and no END_STREAM ever.
                stream.write_all(&[0x88, 2, 0x03, 0xe8]).await.unwrap();
                stream.write_all(&[0x82; 10_000]).await.unwrap();
            } else {
                stream.write_all(b"\x81\x02hi").await.unwrap();
            }
            stream.flush().await.unwrap();
            kept.push(stream);
        }
    });
    let http2 = connect_http2(&format!("ws://{address}"))
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
