//! Servers for the driver's tests, each on a free port of 127.0.0.1.
#![allow(dead_code, clippy::disallowed_methods, clippy::disallowed_types)] // sockets are the subject

use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use wirestack::http1::connect;
use wirestack::tls::rustls::{ClientConfig, ServerConfig};
use wirestack::tls::{ClientSettings, ServerSettings};
use wirestack::websocket::{Accept, Server, Settings};
use wirestack::{BoxSocket, BoxTunnel, Engine, Error, Nest, ProxyServer, socks, tls};
use wirestack::{Connection, Relayed, serve_proxy};

pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Tls {
    pub(crate) client: Arc<ClientConfig>,
    pub(crate) server: Arc<ServerConfig>,
}

/// A certificate for `localhost` and who trusts it.
pub(crate) static TLS: LazyLock<Tls> = LazyLock::new(|| {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let trust = ClientSettings::new().without_system_roots();
    Tls {
        client: trust.ca_certificates(chain.clone()).build().unwrap(),
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

/// Starts a proxy; what became of each client comes out of the channel.
pub(crate) async fn proxy(
    gate: ProxyServer,
    layer: fn() -> BoxTunnel,
) -> (
    SocketAddr,
    tokio::sync::mpsc::UnboundedReceiver<Result<Relayed, Error>>,
) {
    let (listener, address) = listen().await;
    let (tell, told) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        loop {
            let (io, _) = listener.accept().await.unwrap();
            let (gate, tell) = (gate.clone(), tell.clone());
            tokio::spawn(async move {
                let client = Connection::from_transport(io, Engine::new(layer())).unwrap();
                let _ = tell.send(serve_proxy(client, &gate, PATIENCE).await);
            });
        }
    });
    (address, told)
}

/// Starts a WebSocket server that echoes, over TLS if asked.
pub(crate) async fn echo(secure: bool) -> SocketAddr {
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        loop {
            let (io, _) = listener.accept().await.unwrap();
            let socket = Server::new(Settings::default());
            let stack: BoxSocket = match secure {
                true => socket
                    .over(tls::Server::new(TLS.server.clone()).unwrap())
                    .boxed(),
                false => socket.boxed(),
            };
            tokio::spawn(async move {
                let mut socket = Connection::from_transport(io, Engine::new(stack)).unwrap();
                accept(&mut socket).await;
                while let Some(Ok(message)) = socket.next().await {
                    if socket.send(message).await.is_err() {
                        break;
                    }
                }
                let _ = socket.finish(PATIENCE).await;
            });
        }
    });
    address
}

/// Accepts the upgrade that a server is asked for.
pub(crate) async fn accept(socket: &mut Connection<BoxSocket>) {
    let accepted = socket.wait_for(|engine| {
        let server = engine.part_mut::<Server>()?;
        server.request()?;
        Some(server.accept(Accept::new()))
    });
    accepted.await.unwrap().unwrap();
}
