//! The limits of a proxy's UDP association, on sockets of a test.

use futures_util::stream;
use std::collections::VecDeque;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::io::duplex;
use tokio::task::yield_now;
use wirestack::runtime::{
    AddressStream, AsyncTimer, AsyncUdpSocket, BoxFuture, Runtime, TokioTransport, Transport,
    current,
};
use wirestack::socks::{Address, Client, Command, Server, datagram};
use wirestack::{AccessPolicy, Connection, Engine, Instant, ProxyServer, serve_proxy};

#[tokio::test(start_paused = true)]
async fn sixteen_names_are_looked_up_at_once_and_datagrams_for_others_are_dropped() {
    let (runtime, _client) = association().await;
    for n in 0..20 {
        let to = Address::new(&format!("name{n}.test"), 7).unwrap();
        runtime.socket(0).receives(&to);
    }
    runtime.socket(0).is_read().await;
    assert_eq!(runtime.lookups(), 16);
    // No answer comes. After the time of a look-up there is room again.
    tokio::time::sleep(Duration::from_secs(11)).await;
    let to = Address::new("later.test", 7).unwrap();
    runtime.socket(0).receives(&to);
    runtime.socket(0).is_read().await;
    assert_eq!(runtime.lookups(), 17);
}

#[tokio::test(start_paused = true)]
async fn a_socket_has_64_datagrams_a_turn_and_128_wait_for_one_that_has_no_room() {
    let (runtime, _client) = association().await;
    runtime.log.lock().unwrap().clear();
    for _ in 0..300 {
        let to = Address::new("192.0.2.7", 7).unwrap();
        runtime.socket(0).receives(&to);
    }
    runtime.socket(0).is_read().await;
    let log = runtime.log.lock().unwrap().clone();
    let turns: Vec<_> = log
        .split(|socket| *socket == 1)
        .map(<[usize]>::len)
        .collect();
    assert_eq!(turns[..4], [64, 64, 64, 64]);
    let target = runtime.socket(1);
    assert_eq!(target.0.lock().unwrap().sent, 0);
    target.has_room();
    while target.0.lock().unwrap().sent == 0 {
        yield_now().await;
    }
    assert_eq!(target.0.lock().unwrap().sent, 128);
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_datagrams_lets_other_tasks_run() {
    let (runtime, _client) = association().await;
    for _ in 0..100_000 {
        let to = Address::new("192.0.2.7", 7).unwrap();
        runtime.socket(0).receives(&to);
    }
    yield_now().await;
    let left = runtime.socket(0).0.lock().unwrap().received.len();
    assert!((1..100_000).contains(&left), "{left} left after one turn");
    runtime.socket(0).is_read().await;
}

/// Opens an association through a proxy. Returns the runtime of the proxy, and the client.
async fn association() -> (Arc<Scripted>, Connection<Client>) {
    let runtime = Arc::new(Scripted {
        inner: current().unwrap(),
        sockets: Mutex::default(),
        lookups: Mutex::default(),
        log: Arc::default(),
    });
    let (near, far) = duplex(1024);
    let server = Engine::new(Server::new().serving(Command::UdpAssociate));
    let far = TokioTransport::new(far);
    let served = Connection::from_transport_on(runtime.clone(), far, server).unwrap();
    let policy = ProxyServer::socks(AccessPolicy::everything());
    let policy = policy.with_addresses(CLIENT, SocketAddr::from((Ipv4Addr::LOCALHOST, 1080)));
    tokio::spawn(async move { serve_proxy(served, &policy, Duration::from_secs(10)).await });
    let client = Client::associate(Address::new("0.0.0.0", 0).unwrap());
    let near = TokioTransport::new(near);
    let mut client = Connection::from_transport(near, Engine::new(client)).unwrap();
    client.open().await.unwrap();
    (runtime, client)
}

/// The address of the client.
const CLIENT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 4711);

/// A runtime whose UDP sockets belong to the test, and which finds no name.
#[derive(Debug)]
struct Scripted {
    inner: Arc<dyn Runtime>,
    /// That of the client, and those for targets.
    sockets: Mutex<Vec<Arc<Socket>>>,
    lookups: Mutex<usize>,
    log: Log,
}

/// The sockets that were read, by number, in order.
type Log = Arc<Mutex<Vec<usize>>>;

impl Scripted {
    fn socket(&self, number: usize) -> Arc<Socket> {
        self.sockets.lock().unwrap()[number].clone()
    }

    fn lookups(&self) -> usize {
        *self.lookups.lock().unwrap()
    }
}

impl Runtime for Scripted {
    fn now(&self) -> Instant {
        self.inner.now()
    }

    fn new_timer(&self, at: Instant) -> Pin<Box<dyn AsyncTimer>> {
        self.inner.new_timer(at)
    }

    fn spawn(&self, task: BoxFuture<()>) {
        self.inner.spawn(task);
    }

    fn connect_tcp(&self, to: SocketAddr) -> BoxFuture<io::Result<Box<dyn Transport>>> {
        self.inner.connect_tcp(to)
    }

    fn lookup(&self, _: String, _: u16) -> AddressStream {
        *self.lookups.lock().unwrap() += 1;
        Box::pin(stream::pending())
    }

    fn wrap_udp(&self, _: UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        let mut sockets = self.sockets.lock().unwrap();
        let socket = Socket(Mutex::new(State {
            number: sockets.len(),
            log: self.log.clone(),
            received: VecDeque::new(),
            has_room: false,
            sent: 0,
            wakers: Vec::new(),
        }));
        let socket = Arc::new(socket);
        sockets.push(socket.clone());
        Ok(socket)
    }
}

#[derive(Debug)]
struct Socket(Mutex<State>);

#[derive(Debug)]
struct State {
    number: usize,
    log: Log,
    received: VecDeque<Vec<u8>>,
    has_room: bool,
    sent: usize,
    wakers: Vec<Waker>,
}

impl Socket {
    /// Lets a datagram of the client for this target arrive.
    fn receives(&self, to: &Address) {
        let mut bytes = bytes::BytesMut::new();
        datagram::emit(to, b"hello", &mut bytes);
        let mut state = self.0.lock().unwrap();
        state.received.push_back(bytes.to_vec());
        state.wakers.drain(..).for_each(Waker::wake);
    }

    /// Waits until everything was read.
    async fn is_read(&self) {
        while !self.0.lock().unwrap().received.is_empty() {
            yield_now().await;
        }
    }

    fn has_room(&self) {
        let mut state = self.0.lock().unwrap();
        state.has_room = true;
        state.wakers.drain(..).for_each(Waker::wake);
    }
}

impl AsyncUdpSocket for Socket {
    fn poll_recv_from(
        &self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<(usize, SocketAddr)>> {
        let mut state = self.0.lock().unwrap();
        let number = state.number;
        state.log.lock().unwrap().push(number);
        let Some(bytes) = state.received.pop_front() else {
            state.wakers.push(cx.waker().clone());
            return Poll::Pending;
        };
        buf[..bytes.len()].copy_from_slice(&bytes);
        Poll::Ready(Ok((bytes.len(), CLIENT)))
    }

    fn try_send(&self, _: &[u8], _: Option<SocketAddr>) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        if !state.has_room {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        state.sent += 1;
        Ok(())
    }

    fn writable(self: Arc<Self>) -> BoxFuture<io::Result<()>> {
        Box::pin(std::future::poll_fn(move |cx| {
            let mut state = self.0.lock().unwrap();
            if state.has_room {
                return Poll::Ready(Ok(()));
            }
            state.wakers.push(cx.waker().clone());
            Poll::Pending
        }))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, 1081)))
    }
}
