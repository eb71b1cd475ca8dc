//! A program with everything that needs a runtime: WebSockets over HTTP/1.1 and HTTP/2, pools, a
//! proxy with CONNECT, BIND and UDP ASSOCIATE, reconnecting and time-outs.

use super::On;
use smol::io::{AsyncReadExt, AsyncWriteExt};
use std::future::poll_fn;
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;
use wirestack::dial::{Backoff, PoolConfig};
use wirestack::websocket::{Accept, CloseCode, Message};
use wirestack::{
    AccessPolicy, Connection, Engine, Identity, Pool, ProxyServer, ReconnectEvent, WebSocketServer,
    associate, connect, connect_http2, connect_stream, serve_proxy, socks,
};

pub(super) async fn program(on: On) {
    let url = serve_websockets(&on);
    websockets(&on, &url).await;
    many_streams(&on, &url).await;
    pooled(&on, &url).await;
    let proxy = serve_socks(&on);
    through_the_proxy(&on, &url, proxy).await;
    bind(&on, proxy).await;
    datagrams(&on, proxy).await;
    reconnecting(&on).await;
    timers(&on).await;
}

pub(super) fn serve_websockets(on: &On) -> String {
    let (mut listener, address) = on.listen();
    let server = WebSocketServer::new(|_| Ok(Accept::new()));
    let server = match &on.0 {
        Some(runtime) => server.runtime(runtime.clone()),
        None => server,
    };
    on.clone().spawn({
        let on = on.clone();
        async move {
            loop {
                let (io, _) = listener.accept().await.unwrap();
                let server = server.clone();
                on.spawn(async move {
                    let echo = |mut socket: wirestack::ServerSocket, _| async move {
                        while let Some(Ok(message)) = socket.next().await {
                            socket.send(message).await.unwrap();
                        }
                    };
                    let _ = server.serve_connection(io, echo).await;
                });
            }
        }
    });
    format!("ws://{address}/")
}

async fn talk(mut socket: wirestack::WebSocket) {
    for n in 0..20 {
        let message = Message::binary(vec![n; 50_000]);
        socket.send(message.clone()).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), message);
    }
    socket.close(CloseCode::NORMAL, "").await.unwrap();
}

async fn websockets(on: &On, url: &str) {
    talk(on.connect(url).http1_only().await.unwrap()).await;
    talk(on.connect(url).http2_only().await.unwrap()).await;
    let mut handle = on.connect(url).await.unwrap().spawn();
    handle.send(Message::text("spawned")).await.unwrap();
    assert_eq!(
        handle.next().await.unwrap().unwrap(),
        Message::text("spawned")
    );
    let (mut writer, mut reader) = handle.split();
    writer.ping("there?").await.unwrap();
    reader
        .close(CloseCode::NORMAL, "a half may close")
        .await
        .unwrap();
}

async fn many_streams(on: &On, url: &str) {
    let http2 = connect_http2(url)
        .direct()
        .context(on.context())
        .await
        .unwrap();
    http2.spawn();
    let mut sockets = Vec::new();
    for n in 0..10 {
        sockets.push(http2.websocket(format!("/{n}")).await.unwrap());
    }
    for (n, socket) in sockets.iter_mut().enumerate() {
        socket.send(Message::text(format!("{n}"))).await.unwrap();
    }
    for (n, socket) in sockets.iter_mut().enumerate() {
        assert_eq!(
            socket.next().await.unwrap().unwrap(),
            Message::text(format!("{n}"))
        );
        socket.close(CloseCode::NORMAL, "").await.unwrap();
    }
    drop(sockets);
    http2.close().await.unwrap();
}

async fn pooled(on: &On, url: &str) {
    let pool = Pool::new(PoolConfig::default());
    let connect = || on.connect(url).http2_only().sharing(&pool);
    // The second one waits until the first one has made the connection.
    let both = futures_util::future::join(connect().into_future(), connect().into_future());
    let (a, b) = both.await;
    assert_eq!(pool.connections(), 1);
    talk(a.unwrap()).await;
    talk(b.unwrap()).await;
}

fn serve_socks(on: &On) -> SocketAddr {
    let (mut listener, address) = on.listen();
    on.clone().spawn({
        let on = on.clone();
        async move {
            loop {
                let (io, client) = listener.accept().await.unwrap();
                let server = socks::Server::new()
                    .serving(socks::Command::Bind)
                    .serving(socks::Command::UdpAssociate);
                let gate =
                    ProxyServer::socks(AccessPolicy::loopback()).with_addresses(client, address);
                let runtime = on.runtime();
                on.spawn(async move {
                    let engine = Engine::new(server);
                    let client = Connection::from_transport_on(runtime, io, engine).unwrap();
                    let _ = serve_proxy(client, &gate, Duration::from_secs(10)).await;
                });
            }
        }
    });
    address
}

async fn through_the_proxy(on: &On, url: &str, proxy: SocketAddr) {
    let url = url.replace("127.0.0.1", "localhost"); // the proxy looks it up
    let socket = connect(&url)
        .context(on.context())
        .via(format!("socks5h://{proxy}"))
        .http1_only();
    talk(socket.await.unwrap()).await;
}

async fn bind(on: &On, proxy: SocketAddr) {
    let mut waiting = connect_stream(format!("tcp://{proxy}"))
        .direct()
        .context(on.context())
        .await
        .unwrap()
        .push_layer(socks::Client::bind(
            SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into(),
        ));
    let at = waiting.wait_for(|engine| engine.part::<socks::Client>()?.bound().cloned());
    let at = at.await.unwrap();
    let at: SocketAddr = format!("{}:{}", at.host(), at.port()).parse().unwrap();
    let peer = TcpStream::connect(at).unwrap();
    let peer = Connection::from_transport_on(on.runtime(), peer, Engine::new(Identity)).unwrap();
    waiting.open().await.unwrap();
    let (mut waiting, mut peer) = (waiting, peer);
    waiting.write_all(b"called").await.unwrap();
    let mut heard = [0; 6];
    peer.read_exact(&mut heard).await.unwrap();
    assert_eq!(&heard, b"called");
}

async fn datagrams(on: &On, proxy: SocketAddr) {
    let target = UdpSocket::bind("127.0.0.1:0").unwrap();
    let to = socks::Address::from(target.local_addr().unwrap());
    let target = on.runtime().wrap_udp(target).unwrap();
    let association = associate(format!("socks5://{proxy}")).context(on.context());
    let mut association = association.await.unwrap();
    association.send_to(b"query", &to).await.unwrap();
    let mut buf = [0; 100];
    let (n, from) = poll_fn(|cx| target.poll_recv_from(cx, &mut buf))
        .await
        .unwrap();
    assert_eq!(&buf[..n], b"query");
    target.try_send(b"answer", Some(from)).unwrap();
    let (answer, from) = association.recv().await.unwrap();
    assert_eq!((&*answer, from), (&b"answer"[..], to));
    association.close().await.unwrap();
}

async fn reconnecting(on: &On) {
    let (mut listener, address) = on.listen();
    let runtime = on.runtime();
    on.spawn(async move {
        let server = WebSocketServer::new(|_| Ok(Accept::new())).runtime(runtime);
        for _ in 0..2 {
            let (io, _) = listener.accept().await.unwrap();
            let once = |mut socket: wirestack::ServerSocket, _| async move {
                socket.send(Message::text("news")).await.unwrap(); // then the connection is dropped
            };
            let _ = server.serve_connection(io, once).await;
        }
    });
    let mut backoff = Backoff::default();
    backoff.first = Duration::from_millis(1);
    let feed = on.connect(&format!("ws://{address}/")).http1_only();
    let mut feed = feed.reconnecting(backoff);
    let mut messages = 0;
    while messages < 2 {
        let event = feed.next().await.expect("it goes on");
        messages += usize::from(matches!(event, ReconnectEvent::Message(_)));
    }
}

async fn timers(on: &On) {
    let (mut listener, address) = on.listen();
    let stream = connect_stream(format!("tcp://{address}"));
    let stream = stream.direct().context(on.context()).await.unwrap();
    let _accepted = listener.accept().await.unwrap();
    let late = stream.push_layer(socks::Client::new(
        SocketAddr::from((Ipv4Addr::LOCALHOST, 1)).into(),
    ));
    let late = late.finish(Duration::from_millis(20)).await.unwrap_err();
    assert!(
        late.to_string().contains("not finished after 20ms"),
        "{late}"
    );
}
