//! Servers for the tests, each on a free port of 127.0.0.1.

use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use wirestack::http1::connect;
use wirestack::tls::rustls::{ClientConfig, ServerConfig};
use wirestack::tls::{ClientSettings, ServerSettings};
use wirestack::websocket::{Accept, Server, WebSocketConfig};
use wirestack::{BoxSocket, BoxTunnel, Engine, Error, Nest, ProxyServer, socks, tls};
use wirestack::{Connection, Relayed, serve_proxy};

pub(crate) struct Tls {
    pub(crate) client: Arc<ClientConfig>,
    pub(crate) server: Arc<ServerConfig>,
}

/// A server with a certificate for `localhost`, and a client that trusts it.
pub(crate) static TLS: LazyLock<Tls> = LazyLock::new(|| {
    let own = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (chain, key) = (own.cert.pem(), own.signing_key.serialize_pem());
    let client = ClientSettings::new().without_system_roots();
    Tls {
        client: client.ca_certificates(chain.clone()).build().unwrap(),
        server: ServerSettings::new(chain, key).build().unwrap(),
    }
});

pub(crate) async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Two ends of a TCP connection.
pub(crate) async fn pair() -> (TcpStream, TcpStream) {
    let (listener, address) = listen().await;
    let (client, server) = tokio::join!(TcpStream::connect(address), listener.accept());
    (client.unwrap(), server.unwrap().0)
}

pub(crate) fn socks_server() -> BoxTunnel {
    socks::Server::with_password(|user, password| (user, password) == (b"me", b"secret")).boxed()
}

pub(crate) fn connect_server() -> BoxTunnel {
    connect::Server::new().boxed()
}

pub(crate) fn secure_connect_server() -> BoxTunnel {
    let tls = tls::Server::new(TLS.server.clone()).unwrap();
    connect::Server::new().over(tls).boxed()
}

/// Starts a proxy. Returns its address, and a channel with the result of each client.
pub(crate) async fn proxy(
    gate: ProxyServer,
    layer: fn() -> BoxTunnel,
) -> (
    SocketAddr,
    tokio::sync::mpsc::UnboundedReceiver<Result<Relayed, Error>>,
) {
    let (listener, address) = listen().await;
    let (results, received) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        loop {
            let (io, _) = listener.accept().await.unwrap();
            let (gate, results) = (gate.clone(), results.clone());
            tokio::spawn(async move {
                let client = Connection::from_transport(io, Engine::new(layer())).unwrap();
                let _ = results.send(serve_proxy(client, &gate, TIMEOUT).await);
            });
        }
    });
    (address, received)
}

/// Starts a WebSocket server that echoes, over TLS if `secure`.
pub(crate) async fn echo(secure: bool) -> SocketAddr {
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        loop {
            let (io, _) = listener.accept().await.unwrap();
            let socket = Server::new(WebSocketConfig::default());
            let stack: BoxSocket = if secure {
                let tls = tls::Server::new(TLS.server.clone()).unwrap();
                socket.over(tls).boxed()
            } else {
                socket.boxed()
            };
            tokio::spawn(async move {
                let mut socket = Connection::from_transport(io, Engine::new(stack)).unwrap();
                accept(&mut socket).await;
                while let Some(Ok(message)) = socket.next().await {
                    if socket.send(message).await.is_err() {
                        break;
                    }
                }
                let _ = socket.finish(TIMEOUT).await;
            });
        }
    });
    address
}

/// Accepts the handshake of a client.
pub(crate) async fn accept(socket: &mut Connection<BoxSocket>) {
    let accepted = socket.wait_for(|engine| {
        let server = engine.part_mut::<Server>()?;
        server.request()?;
        Some(server.accept(Accept::new()))
    });
    accepted.await.unwrap().unwrap();
}

/// The limit for everything that must end, and long enough for a busy machine.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(20);
