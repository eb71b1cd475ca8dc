//! One program on every runtime: clients and servers of WebSockets over HTTP/1.1 and HTTP/2, pools, a
//! proxy with CONNECT, BIND and UDP ASSOCIATE, and reconnecting.
#![cfg(all(feature = "tokio", feature = "smol", feature = "blocking"))]
#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // sockets are the subject

use futures_util::StreamExt;
use smol::io::{AsyncReadExt, AsyncWriteExt};
use std::future::poll_fn;
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use wirestack::dial::{Backoff, PoolConfig};
use wirestack::runtime::{Listener, Runtime, Threads, Tokio, current};
use wirestack::websocket::{Accept, Client, CloseCode, Message, Settings};
use wirestack::{
    AccessPolicy, Connect, Connection, DialContext, Engine, Identity, Pool, ProxyServer,
    ReconnectEvent, Seed, WebSocketServer, associate, blocking, connect, connect_http2,
    connect_stream, serve_proxy, socks,
};

/// The program's own way to the runtime: named, or found where it is needed.
#[derive(Clone, Default)]
struct On(Option<Arc<dyn Runtime>>);

impl On {
    fn runtime(&self) -> Arc<dyn Runtime> {
        self.0.clone().unwrap_or_else(|| current().unwrap())
    }

    fn context(&self) -> DialContext {
        let context = DialContext::new();
        match &self.0 {
            Some(runtime) => context.runtime(runtime.clone()),
            None => context,
        }
    }

    fn connect(&self, url: &str) -> Connect {
        connect(url).context(self.context()).direct()
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.runtime().spawn(Box::pin(task));
    }

    fn listen(&self) -> (Listener, SocketAddr) {
        let listener = Listener::bind_on(self.runtime(), (Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    }
}

async fn program(on: On) {
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

fn serve_websockets(on: &On) -> String {
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
                    let echo = |mut socket: wirestack::ServerSocket| async move {
                        while let Some(Ok(message)) = socket.next().await {
                            socket.send(message).await.unwrap();
                        }
                    };
                    let _ = server.serve(io, echo).await;
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
    let mut handle = on.connect(url).await.unwrap().spawn(); // a task of the runtime
    handle.send(Message::text("spawned")).await.unwrap();
    assert_eq!(
        handle.next().await.unwrap().unwrap(),
        Message::text("spawned")
    );
    let (mut reader, mut writer) = handle.split();
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
        sockets.push(http2.websocket(&format!("/{n}")).await.unwrap());
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
    // At the same time: the second waits until the first has made the connection.
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
    let url = url.replace("127.0.0.1", "localhost"); // which the proxy looks up
    let socket = connect(&url)
        .context(on.context())
        .via(format!("socks5h://{proxy}"))
        .http1_only();
    talk(socket.await.unwrap()).await;
}

async fn bind(on: &On, proxy: SocketAddr) {
    let mut waiting = connect_stream(&format!("tcp://{proxy}"))
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
            let once = |mut socket: wirestack::ServerSocket| async move {
                socket.send(Message::text("news")).await.unwrap(); // and it breaks off
            };
            let _ = server.serve(io, once).await;
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
    let stream = connect_stream(&format!("tcp://{address}"));
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

#[test]
fn on_tokio_with_many_threads() {
    let tokio = tokio::runtime::Runtime::new().unwrap();
    tokio.block_on(program(On::default()));
}

#[test]
fn on_tokio_with_one_thread() {
    let tokio = tokio::runtime::Builder::new_current_thread();
    let tokio = { tokio }.enable_all().build().unwrap();
    tokio.block_on(program(On::default()));
}

#[test]
fn on_smol() {
    smol::block_on(program(On::default()));
}

#[test]
fn on_threads() {
    blocking::block_on(program(On::default()));
}

#[test]
fn on_a_runtime_of_ones_own() {
    let own = Arc::new(own::Own::default());
    smol::block_on(program(On(Some(own.clone()))));
    let used = |count: &AtomicUsize| assert!(count.load(Ordering::Relaxed) > 0);
    [&own.timers, &own.tasks, &own.sockets]
        .into_iter()
        .for_each(used);
}

#[test]
fn on_tokio_from_elsewhere() {
    // Named, and awaited where it is not entered.
    let tokio = tokio::runtime::Runtime::new().unwrap();
    let on = On(Some(Arc::new(Tokio::new(tokio.handle().clone()))));
    smol::block_on(program(on.clone()));
    blocking::block_on(program(on));
}

/// A runtime that nothing here knows, and counts what it is asked for.
mod own {
    use super::{Arc, AtomicUsize, Ordering, SocketAddr};
    use smol::Async;
    use std::io;
    use std::pin::Pin;
    use wirestack::Instant;
    use wirestack::runtime::{
        AsyncListener, AsyncTimer, AsyncUdpSocket, BoxFuture, Runtime, Transport,
    };

    #[derive(Debug, Default)]
    pub(super) struct Own {
        pub(super) timers: AtomicUsize,
        pub(super) tasks: AtomicUsize,
        pub(super) sockets: AtomicUsize,
    }

    fn count(at: &AtomicUsize) {
        at.fetch_add(1, Ordering::Relaxed);
    }

    impl Runtime for Own {
        fn new_timer(&self, at: Instant) -> Pin<Box<dyn AsyncTimer>> {
            count(&self.timers);
            Box::pin(smol::Timer::at(at.into_std()))
        }

        fn spawn(&self, task: BoxFuture<()>) {
            count(&self.tasks);
            smol::spawn(task).detach();
        }

        fn connect_tcp(&self, to: SocketAddr) -> BoxFuture<io::Result<Box<dyn Transport>>> {
            count(&self.sockets);
            Box::pin(async move { Ok(Box::new(smol::net::TcpStream::connect(to).await?) as _) })
        }

        fn wrap_tcp(&self, io: std::net::TcpStream) -> io::Result<Box<dyn Transport>> {
            count(&self.sockets);
            Ok(Box::new(smol::net::TcpStream::try_from(io)?))
        }

        fn wrap_listener(&self, io: std::net::TcpListener) -> io::Result<Box<dyn AsyncListener>> {
            count(&self.sockets);
            Ok(Box::new(Async::new(io)?))
        }

        fn wrap_udp(&self, io: std::net::UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
            count(&self.sockets);
            Ok(Arc::new(Async::new(io)?))
        }
    }
}

// --- runtimes and transports that do not belong together ---

fn pair() -> (TcpStream, TcpStream) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let a = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (a, listener.accept().unwrap().0)
}

fn engine() -> Engine<Client> {
    Engine::new(Client::established(Settings::default(), Seed::new([7; 32])))
}

/// An unmasked message of one byte.
const MESSAGE: &[u8] = b"\x82\x01x";

#[test]
fn a_socket_of_the_standard_library_works_on_every_runtime() {
    async fn talk() {
        let (a, mut b) = pair();
        let mut client = Connection::from_transport(a, engine()).unwrap();
        std::io::Write::write_all(&mut b, MESSAGE).unwrap();
        assert_eq!(client.next().await.unwrap().unwrap(), Message::binary("x"));
    }
    tokio::runtime::Runtime::new().unwrap().block_on(talk());
    smol::block_on(talk());
    blocking::block_on(talk());
}

#[test]
fn sockets_of_one_executor_work_on_another_while_theirs_lives() {
    let tokio = tokio::runtime::Runtime::new().unwrap();
    let of_tokio = || {
        let (a, b) = pair();
        a.set_nonblocking(true).unwrap();
        let _entered = tokio.enter();
        (tokio::net::TcpStream::from_std(a).unwrap(), b)
    };
    let of_smol = || {
        let (a, b) = pair();
        (smol::net::TcpStream::try_from(a).unwrap(), b)
    };
    async fn talk(io: impl wirestack::runtime::IntoTransport, mut peer: TcpStream) {
        let mut client = Connection::from_transport(io, engine()).unwrap();
        let pending = futures_util::FutureExt::now_or_never(client.next());
        assert!(pending.is_none());
        std::io::Write::write_all(&mut peer, MESSAGE).unwrap();
        assert_eq!(client.next().await.unwrap().unwrap(), Message::binary("x"));
    }
    let (io, peer) = of_tokio();
    smol::block_on(talk(io, peer));
    let (io, peer) = of_tokio();
    blocking::block_on(talk(io, peer));
    let (io, peer) = of_smol();
    tokio.block_on(talk(io, peer));
    let (io, peer) = of_smol();
    blocking::block_on(talk(io, peer));
}

#[test]
fn threads_outside_of_block_on_are_an_error_that_says_so() {
    let tokio = tokio::runtime::Runtime::new().unwrap();
    let says_so =
        |error: String| assert!(error.contains("`wirestack::blocking::block_on`"), "{error}");

    // Dialing.
    let (listener, address) = blocking::block_on(async { On::default().listen() });
    let url = format!("ws://{address}/");
    let connect = || connect(&url).direct().runtime(Arc::new(Threads));
    says_so(
        tokio
            .block_on(connect().into_future())
            .unwrap_err()
            .to_string(),
    );
    says_so(
        smol::block_on(connect().into_future())
            .unwrap_err()
            .to_string(),
    );

    // A connection that was made where it works.
    let made = || {
        let (a, b) = pair();
        let made = Connection::from_transport_on(Arc::new(Threads), a, engine());
        (made.unwrap(), b)
    };
    let (mut client, _peer) = made();
    says_so(
        tokio
            .block_on(client.next())
            .unwrap()
            .unwrap_err()
            .to_string(),
    );
    let (mut client, _peer) = made();
    says_so(
        smol::block_on(client.next())
            .unwrap()
            .unwrap_err()
            .to_string(),
    );

    // Nothing but its time-out.
    let (client, _peer) = made();
    let finish = client.finish(Duration::from_secs(10));
    says_so(tokio.block_on(finish).unwrap_err().to_string());

    // tokio entered inside of it: that is where it is awaited.
    let (mut client, _peer) = made();
    let limit = Duration::from_secs(10);
    let inside = async { tokio::time::timeout(limit, client.next()).await };
    let inside = blocking::block_on(async { tokio.block_on(inside) });
    says_so(inside.unwrap().unwrap().unwrap_err().to_string());

    // A listener, once nobody waits to be accepted.
    let mut listener = listener;
    let error = loop {
        match tokio.block_on(listener.accept()) {
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    says_so(error.to_string());
}

#[test]
fn the_innermost_runtime_is_found() {
    let tokio = tokio::runtime::Runtime::new().unwrap();
    let name = || format!("{:?}", current().unwrap());
    assert_eq!(name(), "Smol");
    assert_eq!(tokio.block_on(async { name() }), "Tokio");
    assert_eq!(blocking::block_on(async { name() }), "Threads");
    let inside = blocking::block_on(async { tokio.block_on(async { name() }) });
    assert_eq!(inside, "Tokio");
    let inside = tokio.block_on(async {
        let inside = tokio::task::spawn_blocking(move || blocking::block_on(async { name() }));
        inside.await.unwrap()
    });
    assert_eq!(inside, "Threads");
}

#[test]
fn a_runtime_that_lacks_something_says_so() {
    #[derive(Debug)]
    struct Little;
    impl Runtime for Little {
        fn new_timer(
            &self,
            at: wirestack::Instant,
        ) -> std::pin::Pin<Box<dyn wirestack::runtime::AsyncTimer>> {
            Box::pin(smol::Timer::at(at.into_std()))
        }

        fn spawn(&self, task: wirestack::runtime::BoxFuture<()>) {
            smol::spawn(task).detach();
        }

        fn connect_tcp(
            &self,
            _: SocketAddr,
        ) -> wirestack::runtime::BoxFuture<std::io::Result<Box<dyn wirestack::runtime::Transport>>>
        {
            Box::pin(async { Err(std::io::ErrorKind::NetworkUnreachable.into()) })
        }
    }
    let (a, _b) = pair();
    let error = Connection::from_transport_on(Arc::new(Little), a, engine()).err();
    let error = error.unwrap().to_string();
    assert!(error.contains("Little does not support TCP sockets"), "{error}");
    let error = Listener::bind_on(Arc::new(Little), (Ipv4Addr::LOCALHOST, 0));
    let error = error.unwrap_err().to_string();
    assert!(error.contains("Little does not support listeners"), "{error}");
    let unix = connect_stream("tcp://localhost:1")
        .direct()
        .unix_socket("/nowhere")
        .runtime(Arc::new(Little));
    let error = smol::block_on(unix.into_future())
        .err()
        .unwrap()
        .to_string();
    assert!(error.contains("Little does not support Unix sockets"), "{error}");
}

#[test]
fn streams_and_sinks_and_bytes_are_those_of_every_runtime() {
    async fn talk(on: On) {
        let url = serve_websockets(&on);
        let socket = on.connect(&url).await.unwrap();
        let (mut stream, mut sink) = socket.split();
        futures_util::SinkExt::send(&mut sink, Message::text("x"))
            .await
            .unwrap();
        assert_eq!(
            StreamExt::next(&mut stream).await.unwrap().unwrap(),
            Message::text("x")
        );

        let mut stream = connect_stream(&url.replace("ws:", "http:"))
            .direct()
            .context(on.context())
            .await
            .unwrap();
        stream.write_all(b"x\r\n\r\n").await.unwrap();
        let mut answer = [0; 9];
        tokio::io::AsyncReadExt::read_exact(&mut stream, &mut answer)
            .await
            .unwrap();
        assert_eq!(&answer, b"HTTP/1.1 ");
    }
    tokio::runtime::Runtime::new()
        .unwrap()
        .block_on(talk(On::default()));
    smol::block_on(talk(On::default()));
    blocking::block_on(talk(On::default()));
}
