//! The loop of a server: its limits, its errors and its end, on every runtime.

#[cfg(unix)]
mod flood;
mod requests;
mod scripted;

use futures_util::future::join_all;
use std::future::ready;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::oneshot;
use wirestack::runtime::{Listener, Runtime, Threads, current};
use wirestack::websocket::{Accept, CloseCode, Message};
use wirestack::{
    Accepted, AccessPolicy, Connect, Connection, DialContext, Engine, Flow, Identity, ProxyServer,
    ServerSocket, Shutdown, WebSocketServer, blocking, connect, connect_stream, serve, serve_proxy,
    socks,
};

/// Runs a program on tokio, on smol and in threads.
macro_rules! everywhere {
    ($program:expr) => {
        let tokio = tokio::runtime::Runtime::new().unwrap();
        tokio.block_on($program);
        smol::block_on($program);
        blocking::block_on($program);
    };
}

#[test]
fn pitfall_60_a_server_that_ends_closes_websockets_with_1001_over_both_versions() {
    everywhere!(ends_websockets());
}

#[test]
fn pitfall_60_the_tunnels_of_a_proxy_that_ends_go_on_until_the_deadline() {
    everywhere!(ends_tunnels());
}

#[test]
fn pitfall_60_no_more_connections_than_the_limit_run_and_the_others_wait() {
    everywhere!(limits());
}

#[test]
fn a_function_of_ones_own_hears_that_the_server_ends() {
    everywhere!(hears());
}

#[cfg(unix)]
#[test]
fn clients_of_a_unix_socket_are_served() {
    everywhere!(unix());
}

async fn echo(mut socket: ServerSocket, _: http::Request<()>) {
    while let Some(Ok(message)) = socket.next().await {
        if socket.send(message).await.is_err() {
            return;
        }
    }
}

/// Serves WebSockets that echo.
fn echoing() -> impl FnMut(Accepted) -> wirestack::runtime::BoxFuture<()> + Send + 'static {
    let server = WebSocketServer::new(|_| Ok(Accept::new()));
    move |client: Accepted| {
        let server = server.clone();
        Box::pin(async move {
            let _ = server.serve_connection(client, echo).await; // clients may break off
        })
    }
}

fn listen() -> (Listener, SocketAddr, Arc<dyn Runtime>) {
    let runtime = current().unwrap();
    let listener = Listener::bind_on(runtime.clone(), (Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address, runtime)
}

/// Runs a server in a task, and returns the channel of its result.
fn spawn(
    runtime: &Arc<dyn Runtime>,
    server: impl Future<Output = io::Result<()>> + Send + 'static,
) -> oneshot::Receiver<io::Result<()>> {
    let (ended, has_ended) = oneshot::channel();
    runtime.spawn(Box::pin(async move {
        let _ = ended.send(server.await);
    }));
    has_ended
}

/// Returns a signal that is given by sending, and not by dropping.
fn signal() -> (oneshot::Sender<()>, impl Future<Output = ()> + Send) {
    let (stop, stopped) = oneshot::channel();
    let signal = async move {
        if stopped.await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    (stop, signal)
}

fn client(url: &str) -> Connect {
    connect(url).direct().context(DialContext::new())
}

async fn talk(socket: &mut wirestack::WebSocket, text: &str) {
    socket.send(Message::text(text.to_owned())).await.unwrap();
    let heard = socket.next().await.unwrap().unwrap();
    assert_eq!(heard, Message::text(text.to_owned()));
}

async fn ends_websockets() {
    let (listener, address, runtime) = listen();
    let (stop, stopped) = signal();
    let server = serve(listener, echoing()).graceful_shutdown(stopped);
    let ended = spawn(&runtime, server.into_future());
    let url = format!("ws://{address}/");
    let mut one = client(&url).http1_only().await.unwrap();
    let mut two = client(&url).http2_only().await.unwrap();
    talk(&mut one, "hello").await;
    talk(&mut two, "hello").await;
    stop.send(()).unwrap();
    for socket in [&mut one, &mut two] {
        assert!(socket.next().await.is_none(), "a clean end");
        assert_eq!(socket.closed().unwrap().code, CloseCode::GOING_AWAY);
    }
    let (_, _) = tokio::join!(
        one.finish(Duration::from_secs(20)),
        two.finish(Duration::from_secs(20))
    );
    ended.await.unwrap().unwrap();
    assert!(client(&url).http1_only().await.is_err(), "nobody listens");
}

async fn ends_tunnels() {
    let (listener, address, runtime) = listen();
    let (mut target, at, _) = listen();
    let (stop, stopped) = signal();
    let proxy = ProxyServer::socks(AccessPolicy::loopback());
    let each = move |client: Accepted| {
        let proxy = proxy.clone();
        async move {
            let engine = Engine::new(socks::Server::new());
            let client = Connection::from_transport(client, engine).unwrap();
            let _ = serve_proxy(client, &proxy, Duration::from_secs(20)).await;
        }
    };
    let server = serve(listener, each).graceful_shutdown(stopped);
    let ended = spawn(
        &runtime,
        server
            .shutdown_timeout(Duration::from_secs(2))
            .into_future(),
    );
    let stream = connect_stream(format!("tcp://{at}")).via(format!("socks5h://{address}"));
    let mut stream = stream.await.unwrap();
    let (io, _) = target.accept().await.unwrap();
    let mut peer = Connection::from_transport(io, Engine::new(Identity)).unwrap();
    stop.send(()).unwrap();
    // The listener is closed, and the tunnel still carries.
    while blocking_connect(address) {}
    for _ in 0..3 {
        pass(&mut stream, &mut peer).await;
        pass(&mut peer, &mut stream).await;
    }
    ended.await.unwrap().unwrap();
    let cut = peer.wait_for(|engine| engine.to_app().is_closed().then_some(()));
    let _ = cut.await; // an end or a reset, and no hang
}

fn blocking_connect(address: SocketAddr) -> bool {
    std::net::TcpStream::connect(address).is_ok()
}

async fn pass<L, M>(from: &mut Connection<L>, to: &mut Connection<M>)
where
    L: wirestack::Layer<In = wirestack::Pipe, Out = wirestack::Pipe>,
    M: wirestack::Layer<In = wirestack::Pipe, Out = wirestack::Pipe>,
{
    use smol::io::{AsyncReadExt, AsyncWriteExt};
    from.write_all(b"still").await.unwrap();
    from.flush().await.unwrap();
    let mut heard = [0; 5];
    to.read_exact(&mut heard).await.unwrap();
    assert_eq!(&heard, b"still");
}

async fn limits() {
    let (listener, address, runtime) = listen();
    let (stop, stopped) = signal();
    let running = Arc::new(AtomicUsize::new(0));
    let most = Arc::new(AtomicUsize::new(0));
    let each = {
        let (running, most) = (running.clone(), most.clone());
        let mut echoing = echoing();
        move |client: Accepted| {
            let (running, most, served) = (running.clone(), most.clone(), echoing(client));
            async move {
                let now = running.fetch_add(1, Ordering::SeqCst) + 1;
                most.fetch_max(now, Ordering::SeqCst);
                served.await;
                running.fetch_sub(1, Ordering::SeqCst);
            }
        }
    };
    let server = serve(listener, each).max_connections(3);
    let ended = spawn(&runtime, server.graceful_shutdown(stopped).into_future());
    let url = format!("ws://{address}/");
    let clients = (0..12).map(|_| async {
        let mut socket = client(&url).http1_only().await.unwrap();
        talk(&mut socket, "hello").await;
        socket.close(CloseCode::NORMAL, "").await.unwrap();
    });
    join_all(clients).await;
    let most = most.load(Ordering::SeqCst);
    assert!((1..=3).contains(&most), "{most} at the same time");
    stop.send(()).unwrap();
    ended.await.unwrap().unwrap();
}

async fn hears() {
    use smol::io::{AsyncReadExt, AsyncWriteExt};
    let (listener, address, runtime) = listen();
    let (stop, stopped) = signal();
    let (begins, mut begun) = tokio::sync::mpsc::unbounded_channel();
    let each = move |client: Accepted| {
        let begins = begins.clone();
        async move {
            let shutdown: Shutdown = client.shutdown().clone();
            begins.send(shutdown.has_started()).unwrap();
            shutdown.started().await;
            let mut io = Connection::from_transport(client, Engine::new(Identity)).unwrap();
            io.write_all(b"bye").await.unwrap();
            let _ = io.finish(Duration::from_secs(20)).await;
        }
    };
    let server = serve(listener, each).graceful_shutdown(stopped);
    let ended = spawn(&runtime, server.into_future());
    let stream = connect_stream(format!("tcp://{address}")).direct();
    let mut stream = stream.await.unwrap();
    assert_eq!(begun.recv().await, Some(false));
    stop.send(()).unwrap();
    let mut heard = Vec::new();
    stream.read_to_end(&mut heard).await.unwrap();
    assert_eq!(heard, b"bye");
    drop(stream);
    ended.await.unwrap().unwrap();
}

#[cfg(unix)]
async fn unix() {
    let folder = std::env::temp_dir().join(format!("wirestack-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let path = folder.join(NEXT.fetch_add(1, Ordering::Relaxed).to_string());
    let runtime = current().unwrap();
    let listener = Listener::bind_unix(&path).unwrap();
    assert!(listener.local_addr().is_err());
    let (stop, stopped) = signal();
    let server = serve(listener, echoing()).graceful_shutdown(stopped);
    let ended = spawn(&runtime, server.into_future());
    for http2 in [false, true] {
        let opening = client("ws://localhost/").unix_socket(&path);
        let opening = if http2 {
            opening.http2_only()
        } else {
            opening.http1_only()
        };
        let mut socket = opening.await.unwrap();
        talk(&mut socket, "hello").await;
        socket.close(CloseCode::NORMAL, "").await.unwrap();
    }
    stop.send(()).unwrap();
    ended.await.unwrap().unwrap();
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn a_server_runs_in_the_calling_thread() {
    let listener = Listener::bind_on(Arc::new(Threads), (Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let shutdown = Shutdown::new();
    let stopped = shutdown.clone();
    let serving = std::thread::spawn(move || {
        let signal = async move { stopped.started().await };
        serve(listener, echoing())
            .graceful_shutdown(signal)
            .blocking()
    });
    let mut socket = client(&url).http1_only().blocking().unwrap();
    socket.send(Message::text("hello")).unwrap();
    assert_eq!(socket.next().unwrap().unwrap(), Message::text("hello"));
    shutdown.start();
    assert!(socket.next().is_none());
    assert_eq!(socket.closed().unwrap().code, CloseCode::GOING_AWAY);
    drop(socket);
    serving.join().unwrap().unwrap();
}

#[test]
fn a_server_whose_signal_is_there_already_accepts_nobody() {
    smol::block_on(async {
        let (listener, _, _) = listen();
        let each = |_: Accepted| async { panic!("a client") };
        serve(listener, each)
            .graceful_shutdown(ready(()))
            .await
            .unwrap();
    });
}
