//! Rows over sockets of the loopback: both ends in one thread, so that each run takes the same way.

use crate::counted::counted;
use crate::end::{End, Halves, answer, ask, drink, pour};
use crate::memory::{Pair, client, payload, server};
use crate::tls;
use bytes::Bytes;
use futures_util::future::{Either, select};
use std::pin::pin;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use wirestack::runtime::Threads;
use wirestack::websocket::Message;
use wirestack::{BoxSocket, Connection, Engine, Nest, blocking};

/// Echoes messages over connections that `change` has changed.
pub(crate) fn echo<E: End>(
    messages: usize,
    size: usize,
    net: Net,
    change: fn(Connection<BoxSocket>) -> E,
) {
    let runtime = runtime();
    let [client, server] = runtime.block_on(open(net));
    let message = payload(size);
    let _entered = runtime.enter();
    let mut client = change(client);
    runtime.spawn(answer(change(server)));
    runtime.block_on(ask(&mut client, &message, WARM));
    counted(&mut || runtime.block_on(ask(&mut client, &message, messages)));
}

/// Echoes bytes over tokio's sockets, without wirestack: what the other rows have to pay too.
pub(crate) fn echo_raw(messages: usize, size: usize) {
    let runtime = runtime();
    let [mut client, mut server] = runtime.block_on(connected());
    let message = payload(size);
    runtime.spawn(async move {
        let mut buffer = vec![0; size];
        while server.read_exact(&mut buffer).await.is_ok() {
            server.write_all(&buffer).await.expect("sent");
        }
    });
    let mut buffer = vec![0; size];
    let mut round = |times| {
        runtime.block_on(async {
            for _ in 0..times {
                client.write_all(&message).await.expect("sent");
                client.read_exact(&mut buffer).await.expect("received");
            }
        });
    };
    round(WARM);
    counted(&mut || round(messages));
}

/// Sends messages one way, to the server or to the client, over connections that `change` has
/// changed.
pub(crate) fn stream<E: End>(
    messages: usize,
    size: usize,
    net: Net,
    way: Way,
    change: fn(Connection<BoxSocket>) -> E,
) {
    let runtime = runtime();
    let [client, server] = runtime.block_on(open(net));
    let (message, warm) = (payload(size), WARM.min(messages));
    let _entered = runtime.enter();
    let (mut client, mut server) = (change(client), change(server));
    let sent = message.clone();
    runtime.spawn(async move {
        for times in [warm, messages] {
            match way {
                Way::Up => drink(&mut server, size, times).await,
                Way::Down => pour(&mut server, &sent, times).await,
            }
        }
    });
    let mut round = |times| {
        runtime.block_on(async {
            match way {
                Way::Up => pour(&mut client, &message, times).await,
                Way::Down => drink(&mut client, size, times).await,
            }
        });
    };
    round(warm);
    counted(&mut || round(messages));
}

/// Echoes messages over sockets of the standard library.
pub(crate) fn echo_on_threads(messages: usize, size: usize) {
    let [opened, accepted] = connected_blocking();
    let on_threads = |io, engine| Connection::from_transport_on(Arc::new(Threads), io, engine);
    let client = on_threads(opened, Engine::new(client().boxed()));
    let server = on_threads(accepted, Engine::new(server().boxed()));
    let (mut client, mut server) = (client.expect("a socket"), server.expect("a socket"));
    let message = payload(size);
    let mut round =
        |times| wirestack::blocking::block_on(exchange(&mut client, &mut server, &message, times));
    round(WARM);
    counted(&mut || round(messages));
}

/// Echoes messages with calls that wait: what they wait for is there already.
pub(crate) fn echo_blocking(messages: usize, size: usize) {
    let [opened, accepted] = connected_blocking();
    let over = |io, engine| blocking::Connection::from_transport(io, engine).expect("a socket");
    let mut client = over(opened, Engine::new(client().boxed()));
    let mut server = over(accepted, Engine::new(server().boxed()));
    let message = payload(size);
    let mut round = |times| {
        for _ in 0..times {
            client.send(Message::Binary(message.clone())).expect("sent");
            let asked = server.next().expect("no end").expect("a message");
            server.send(asked).expect("sent");
            let answer = client.next().expect("no end").expect("an answer");
            assert_eq!(answer.len(), size);
        }
    };
    round(WARM);
    counted(&mut || round(messages));
}

/// Opens a TCP connection of the standard library: the client's end and the server's.
fn connected_blocking() -> [std::net::TcpStream; 2] {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a listener");
    let opened = std::net::TcpStream::connect(listener.local_addr().expect("an address"));
    let (accepted, _) = listener.accept().expect("accepted");
    [opened.expect("connected"), accepted]
}

/// Echoes messages between two ends in one task.
async fn exchange(
    client: &mut Connection<BoxSocket>,
    server: &mut Connection<BoxSocket>,
    message: &Bytes,
    times: usize,
) {
    let asks = pin!(ask(client, message, times));
    let answers = pin!(async {
        while let Some(Ok(message)) = server.next().await {
            server.send(message).await.expect("sent");
        }
    });
    if let Either::Right(_) = select(asks, answers).await {
        panic!("the server ended");
    }
}

/// Echoes messages above finished tunnels.
pub(crate) fn echo_in_tunnels(messages: usize, size: usize, tunnels: usize) {
    let runtime = runtime();
    let Pair { client, server, .. } = Pair::open(tunnels);
    let [opened, accepted] = runtime.block_on(connected());
    let _entered = runtime.enter();
    let mut client = Connection::from_transport(opened, client).expect("tokio");
    let server = Connection::from_transport(accepted, server).expect("tokio");
    let message = payload(size);
    runtime.spawn(answer(server));
    runtime.block_on(ask(&mut client, &message, WARM));
    counted(&mut || runtime.block_on(ask(&mut client, &message, messages)));
}

/// Does not change a connection.
pub(crate) fn plain(connection: Connection<BoxSocket>) -> Connection<BoxSocket> {
    connection
}

/// Splits a connection.
pub(crate) fn split(connection: Connection<BoxSocket>) -> Halves<BoxSocket> {
    crate::end::split(connection)
}

/// The stream below the WebSocket.
#[derive(Clone, Copy)]
pub(crate) enum Net {
    Tcp,
    Tls,
}

/// The direction of a stream of messages.
#[derive(Clone, Copy)]
pub(crate) enum Way {
    Up,
    Down,
}

async fn open(net: Net) -> [Connection<BoxSocket>; 2] {
    let [opened, accepted] = connected().await;
    let [mut client, mut server] = match net {
        Net::Tcp => [
            Connection::from_transport(opened, Engine::new(client().boxed())),
            Connection::from_transport(accepted, Engine::new(server().boxed())),
        ],
        Net::Tls => [
            Connection::from_transport(opened, Engine::new(client().over(tls::client()).boxed())),
            Connection::from_transport(accepted, Engine::new(server().over(tls::server()).boxed())),
        ],
    }
    .map(|connection| connection.expect("tokio"));
    let (client_opened, server_opened) =
        futures_util::future::join(client.open(), server.open()).await;
    client_opened.expect("open");
    server_opened.expect("open");
    [client, server]
}

/// Opens a TCP connection: the client's end and the server's.
pub(crate) async fn connected() -> [TcpStream; 2] {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
    let address = listener.local_addr().expect("an address");
    let opened = TcpStream::connect(address).await.expect("connected");
    [opened, listener.accept().await.expect("accepted").0]
}

/// Makes a runtime on this thread alone.
pub(crate) fn runtime() -> Runtime {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime")
}

/// The messages before those that count.
const WARM: usize = 60;
