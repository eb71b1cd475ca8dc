//! Connecting through a proxy, which is the same for all: it answers every request with a tunnel.

use crate::contestant::Kind;
use crate::loopback::runtime;
use crate::row::Row;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use std::net::SocketAddr;
use std::sync::OnceLock;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower_service::Service;
use wirestack::connect_stream;

/// Returns the rows.
pub(crate) fn rows() -> Vec<Row> {
    vec![
        Row::new("setup", "SOCKS5")
            .case("tokio-socks", Kind::Peer, |n| {
                connect(n, Proxy::Socks, tokio_socks)
            })
            .case("wirestack", Kind::Ours, |n| {
                connect(n, Proxy::Socks, through("socks5"))
            }),
        Row::new("setup", "HTTP CONNECT")
            .case("hyper-util", Kind::Peer, |n| {
                connect(n, Proxy::Http, hyper_util)
            })
            .case("wirestack", Kind::Ours, |n| {
                connect(n, Proxy::Http, through("http"))
            }),
    ]
}

fn connect(times: usize, proxy: Proxy, open: impl AsyncFn(SocketAddr)) {
    runtime().block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move {
            loop {
                let (io, _) = listener.accept().await.expect("accepted");
                io.set_nodelay(true).expect("no delay");
                // Closed by a reset: no port waits behind.
                io.set_zero_linger().expect("no lingering");
                tokio::spawn(proxy.answer(io));
            }
        });
        for _ in 0..times {
            open(address).await;
        }
    });
}

async fn tokio_socks(proxy: SocketAddr) {
    let opened = tokio_socks::tcp::Socks5Stream::connect(proxy, TARGET).await;
    drop(opened.expect("a tunnel"));
}

/// Opens tunnels by the whole dialer. The URL of the proxy is text that a program has already.
fn through(scheme: &'static str) -> impl AsyncFn(SocketAddr) {
    let url = OnceLock::new();
    async move |proxy| {
        let url = url.get_or_init(|| format!("{scheme}://{proxy}"));
        let opened = connect_stream("tcp://192.0.2.7:80").via(url).await;
        drop(opened.expect("a tunnel"));
    }
}

async fn hyper_util(proxy: SocketAddr) {
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    let proxy = format!("http://{proxy}").parse().expect("a URI");
    let target = "http://192.0.2.7:80".parse().expect("a URI");
    let opened = Tunnel::new(proxy, connector).call(target).await;
    drop(opened.expect("a tunnel"));
}

/// The proxy at the other end.
#[derive(Clone, Copy)]
enum Proxy {
    Socks,
    Http,
}

impl Proxy {
    /// Answers one client, and waits for its end.
    async fn answer(self, mut io: TcpStream) -> std::io::Result<()> {
        let mut bytes = [0; 1024];
        match self {
            Self::Socks => {
                io.read_exact(&mut bytes[..2]).await?;
                let methods = usize::from(bytes[1]);
                io.read_exact(&mut bytes[..methods]).await?;
                io.write_all(&[5, 0]).await?;
                io.read_exact(&mut bytes[..10]).await?;
                assert_eq!(
                    bytes[..8],
                    [5, 1, 0, 1, 192, 0, 2, 7],
                    "CONNECT to 192.0.2.7"
                );
                io.write_all(&[5, 0, 0, 1, 127, 0, 0, 1, 0, 0]).await?;
            }
            Self::Http => {
                let mut end = 0;
                while !bytes[..end].ends_with(b"\r\n\r\n") {
                    match io.read(&mut bytes[end..]).await? {
                        0 => return Ok(()),
                        more => end += more,
                    }
                }
                assert!(
                    bytes.starts_with(b"CONNECT 192.0.2.7:80 HTTP/1.1\r\n"),
                    "a CONNECT"
                );
                io.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
            }
        }
        io.read(&mut bytes).await.map(|_| ())
    }
}

const TARGET: &str = "192.0.2.7:80";
