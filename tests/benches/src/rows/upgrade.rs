//! Opening a connection with the upgrade to a WebSocket. `raw` sends one byte there and one back
//! instead.

use crate::contestant::Kind;
use crate::loopback::runtime;
use crate::net::Net;
use crate::row::Row;
use crate::tls::{self, Io};
use futures_util::StreamExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use wirestack::runtime::{IntoTransport, TokioTransport};
use wirestack::websocket::{Accept, Client, ClientRequest, Server, WebSocketConfig};
use wirestack::{BoxSocket, Connection, Engine, Nest, Seed, tls as our_tls};

/// Returns the rows.
pub(crate) fn rows() -> Vec<Row> {
    let row = |net: Net| {
        Row::new("upgrade", format!("{}, with connecting", net.name()))
            .case("raw", Kind::Baseline, move |n| connect::<Raw>(net, n))
            .case("wirestack", Kind::Ours, move |n| {
                connect::<Wirestack>(net, n)
            })
            .case("tungstenite", Kind::Peer, move |n| {
                connect::<Tungstenite>(net, n)
            })
            .case("tokio-websockets", Kind::Peer, move |n| {
                connect::<TokioWebSockets>(net, n)
            })
            .case("sockudo-ws", Kind::Peer, move |n| {
                connect::<SockudoWs>(net, n)
            })
    };
    Net::ALL.map(row).into()
}

/// Opens so many connections, one after the other.
fn connect<U: Upgrade>(net: Net, times: usize) {
    runtime().block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
        let address = listener.local_addr().expect("an address");
        let server = tokio::spawn(async move {
            loop {
                let (io, _) = listener.accept().await.expect("accepted");
                io.set_nodelay(true).expect("no delay");
                // Closed by a reset: no port waits behind.
                io.set_zero_linger().expect("no lingering");
                tokio::spawn(async move {
                    match net {
                        Net::Tcp => U::accept(io).await,
                        Net::Tls => U::accept_tls(io).await,
                    }
                });
            }
        });
        for _ in 0..times {
            let io = TcpStream::connect(address).await.expect("connected");
            io.set_nodelay(true).expect("no delay");
            match net {
                Net::Tcp => U::connect(io).await,
                Net::Tls => U::connect_tls(io).await,
            }
        }
        server.abort();
    });
}

/// A library that upgrades. Each function ends with the connection: the client's as soon as it is
/// open, the server's when the client has gone.
trait Upgrade: 'static {
    fn connect<S: Io>(io: S) -> impl Future<Output = ()> + Send;
    fn accept<S: Io>(io: S) -> impl Future<Output = ()> + Send;

    fn connect_tls(io: TcpStream) -> impl Future<Output = ()> + Send {
        async { Self::connect(tls::connect(io).await).await }
    }

    fn accept_tls(io: TcpStream) -> impl Future<Output = ()> + Send {
        async { Self::accept(tls::accept(io).await).await }
    }
}

struct Raw;

impl Upgrade for Raw {
    async fn connect<S: Io>(mut io: S) {
        io.write_all(b"c").await.expect("sent");
        io.flush().await.expect("sent");
        assert_eq!(io.read_u8().await.expect("an answer"), b's');
    }

    async fn accept<S: Io>(mut io: S) {
        assert_eq!(io.read_u8().await.expect("a request"), b'c');
        io.write_all(b"s").await.expect("sent");
        io.flush().await.expect("sent");
        let _ = io.read_u8().await;
    }
}

struct Wirestack;

impl Wirestack {
    fn client() -> Client {
        let request = ClientRequest::new("ws://localhost/").expect("a request");
        let mut seed = [0; 32];
        fastrand::fill(&mut seed);
        Client::new(request, WebSocketConfig::default(), Seed::new(seed)).expect("a client")
    }

    async fn open(io: impl IntoTransport, stack: BoxSocket) {
        let connection = Connection::from_transport(io, Engine::new(stack));
        connection.expect("tokio").open().await.expect("open");
    }

    async fn serve(io: impl IntoTransport, stack: BoxSocket) {
        let connection = Connection::from_transport(io, Engine::new(stack));
        let mut connection = connection.expect("tokio");
        let asked = |engine: &mut Engine<BoxSocket>| {
            let server = engine.part_mut::<Server>()?;
            server.request()?;
            Some(server.accept(Accept::new()))
        };
        connection
            .wait_for(asked)
            .await
            .expect("a request")
            .expect("accepted");
        let _ = connection.next().await;
    }
}

impl Upgrade for Wirestack {
    async fn connect<S: Io>(io: S) {
        Self::open(TokioTransport::new(io), Self::client().boxed()).await;
    }

    async fn accept<S: Io>(io: S) {
        Self::serve(
            TokioTransport::new(io),
            Server::new(WebSocketConfig::default()).boxed(),
        )
        .await;
    }

    async fn connect_tls(io: TcpStream) {
        let tls = our_tls::Client::new(tls::client_config(), tls::server_name());
        Self::open(io, Self::client().over(tls.expect("a TLS client")).boxed()).await;
    }

    async fn accept_tls(io: TcpStream) {
        let tls = our_tls::Server::new(tls::server_config()).expect("a TLS server");
        let server = Server::new(WebSocketConfig::default()).over(tls);
        Self::serve(io, server.boxed()).await;
    }
}

struct Tungstenite;

impl Upgrade for Tungstenite {
    async fn connect<S: Io>(io: S) {
        let opened = tokio_tungstenite::client_async("ws://localhost/", io).await;
        drop(opened.expect("open"));
    }

    async fn accept<S: Io>(io: S) {
        let mut opened = tokio_tungstenite::accept_async(io).await.expect("open");
        let _ = opened.next().await;
    }
}

struct TokioWebSockets;

impl Upgrade for TokioWebSockets {
    async fn connect<S: Io>(io: S) {
        let builder = tokio_websockets::ClientBuilder::new().uri("ws://localhost/");
        let opened = builder.expect("a URI").connect_on(io).await;
        drop(opened.expect("open"));
    }

    async fn accept<S: Io>(io: S) {
        let opened = tokio_websockets::ServerBuilder::new().accept(io).await;
        let _ = opened.expect("open").1.next().await;
    }
}

struct SockudoWs;

impl Upgrade for SockudoWs {
    async fn connect<S: Io>(io: S) {
        let client = sockudo_ws::WebSocketClient::<sockudo_ws::Http1>::new(Default::default());
        let opened = client.connect_raw(io, "localhost", "/", None).await;
        drop(opened.expect("open"));
    }

    async fn accept<S: Io>(io: S) {
        let server = sockudo_ws::WebSocketServer::<sockudo_ws::Http1>::new(Default::default());
        let _ = server.accept_raw(io).await.expect("open").0.next().await;
    }
}
