//! Rows that open connections, both ends and the proxy in one thread.

use crate::counted::counted;
use crate::memory::client_that_asks;
use crate::sockets::runtime;
use std::net::SocketAddr;
use std::sync::OnceLock;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use wirestack::websocket::{Accept, Server, WebSocketConfig};
use wirestack::{BoxSocket, Connection, Engine, Nest, connect_stream};

/// Opens connections through a proxy, one after the other.
pub(crate) fn through(times: usize, proxy: Proxy) {
    let url = OnceLock::new();
    let open = async |address: SocketAddr| {
        let url = url.get_or_init(|| match proxy {
            Proxy::Socks => format!("socks5://{address}"),
            Proxy::Http => format!("http://{address}"),
        });
        let opened = connect_stream("tcp://192.0.2.7:80").via(&**url);
        drop(opened.await.expect("a tunnel"));
    };
    one_by_one(times, move |io| proxy.answer(io), open);
}

/// Opens WebSockets with an upgrade, one after the other.
pub(crate) fn upgrades(times: usize) {
    let open = async |address: SocketAddr| {
        let io = TcpStream::connect(address).await.expect("connected");
        let engine = Engine::new(client_that_asks(WebSocketConfig::default()).boxed());
        let mut connection = Connection::from_transport(io, engine).expect("tokio");
        connection.open().await.expect("open");
    };
    one_by_one(times, serve, open);
}

/// Opens TCP connections without wirestack: what the other rows have to pay too.
pub(crate) fn raw(times: usize) {
    let wait = async |mut io: TcpStream| {
        let _ = io.read(&mut [0]).await;
    };
    let open = async |address: SocketAddr| {
        drop(TcpStream::connect(address).await.expect("connected"));
    };
    one_by_one(times, wait, open);
}

/// Accepts a WebSocket, and waits for its end.
pub(crate) async fn serve(io: TcpStream) {
    let mut connection = accept(io, WebSocketConfig::default()).await;
    let _ = connection.next().await;
}

/// Accepts a WebSocket.
pub(crate) async fn accept(io: TcpStream, config: WebSocketConfig) -> Connection<BoxSocket> {
    let engine = Engine::new(Server::new(config).boxed());
    let mut connection = Connection::from_transport(io, engine).expect("tokio");
    let asked = |engine: &mut Engine<BoxSocket>| {
        let server = engine.part_mut::<Server>()?;
        server.request()?;
        Some(server.accept(Accept::new()))
    };
    let accepted = connection.wait_for(asked).await.expect("a request");
    accepted.expect("accepted");
    connection
}

fn one_by_one<F>(
    times: usize,
    serve: impl Fn(TcpStream) -> F + Send + 'static,
    open: impl AsyncFn(SocketAddr),
) where
    F: Future<Output = ()> + Send + 'static,
{
    let runtime = runtime();
    let address = runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move {
            loop {
                let (io, _) = listener.accept().await.expect("accepted");
                // Closed by a reset: no port waits behind.
                io.set_zero_linger().expect("no lingering");
                tokio::spawn(serve(io));
            }
        });
        address
    });
    let round = |times| {
        runtime.block_on(async {
            for _ in 0..times {
                open(address).await;
            }
        });
    };
    round(WARM);
    counted(&mut || round(times));
}

/// The proxy at the other end. It answers every request with a tunnel.
#[derive(Clone, Copy)]
pub(crate) enum Proxy {
    Socks,
    Http,
}

impl Proxy {
    /// Answers one client, and waits for its end.
    async fn answer(self, mut io: TcpStream) {
        let mut bytes = [0; 1024];
        match self {
            Self::Socks => {
                read(&mut io, &mut bytes[..3]).await;
                write(&mut io, &[5, 0]).await;
                read(&mut io, &mut bytes[..10]).await;
                assert_eq!(bytes[..8], [5, 1, 0, 1, 192, 0, 2, 7], "CONNECT");
                write(&mut io, &[5, 0, 0, 1, 127, 0, 0, 1, 0, 0]).await;
            }
            Self::Http => {
                let mut end = 0;
                while !bytes[..end].ends_with(b"\r\n\r\n") {
                    end += io.read(&mut bytes[end..]).await.expect("a request");
                }
                assert!(bytes.starts_with(b"CONNECT 192.0.2.7:80 HTTP/1.1\r\n"));
                write(&mut io, b"HTTP/1.1 200 OK\r\n\r\n").await;
            }
        }
        let _ = io.read(&mut bytes).await;
    }
}

async fn read(io: &mut TcpStream, bytes: &mut [u8]) {
    io.read_exact(bytes).await.expect("a request");
}

async fn write(io: &mut TcpStream, bytes: &[u8]) {
    io.write_all(bytes).await.expect("an answer");
}

/// The connections before those that count.
const WARM: usize = 20;
