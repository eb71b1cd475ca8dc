//! A SOCKS5 proxy, an HTTP CONNECT proxy and a WebSocket echo server, on any runtime.

use crate::AnyError;
use std::sync::Arc;
use std::time::Duration;
use wirestack::Instant;
use wirestack::http1::connect;
use wirestack::runtime::Listener;
use wirestack::socks::Command;
use wirestack::tls::rustls::ServerConfig;
use wirestack::websocket::Accept;
use wirestack::{
    Accepted, AccessPolicy, BoxTunnel, Connection, Engine, Nest, ProxyServer, Seed, ServerSocket,
    WebSocketServer, http2, serve_proxy, socks, tls,
};

/// A user and a password.
pub type Login = (String, String);

/// The TLS configuration of a server, if its clients speak TLS.
pub type Tls = Option<Arc<ServerConfig>>;

/// Runs a SOCKS5 proxy for ever, for targets on this machine: CONNECT, BIND and UDP ASSOCIATE.
/// Without a password, it serves SOCKS4 too.
///
/// # Errors
///
/// The error of the listener.
pub async fn socks5(listener: Listener, login: Option<Login>) -> Result<(), AnyError> {
    let proxy = ProxyServer::socks(AccessPolicy::loopback());
    serve(listener, proxy, move || {
        let server = match &login {
            None => socks::Server::new().with_socks4(|_| true),
            Some((user, password)) => socks::Server::with_credentials(user, password)?,
        };
        let server = server.serving(Command::Bind);
        Ok(server.serving(Command::UdpAssociate).boxed())
    })
    .await
}

/// Runs an HTTP CONNECT proxy for ever, for targets on this machine. With a login, it asks for the
/// password by Digest or by Basic.
///
/// # Errors
///
/// The error of the listener.
pub async fn connect(
    listener: Listener,
    login: Option<Login>,
    digest: bool,
    tls: Tls,
) -> Result<(), AnyError> {
    let mut proxy = ProxyServer::connect(AccessPolicy::loopback());
    if let Some((user, password)) = login {
        proxy = if digest {
            let mut seed = [0; 32];
            getrandom::fill(&mut seed)?;
            let (seed, now) = (Seed::new(seed), Instant::now());
            proxy.with_digest("wirestack", &user, &password, seed, now)
        } else {
            proxy.with_basic("wirestack", &user, &password)
        };
    }
    serve(listener, proxy, move || {
        let server = connect::Server::new();
        Ok(match &tls {
            None => server.boxed(),
            Some(config) => server.over(tls::Server::new(config.clone())?).boxed(),
        })
    })
    .await
}

async fn serve(
    listener: Listener,
    proxy: ProxyServer,
    layer: impl Fn() -> Result<BoxTunnel, AnyError> + Send + Sync + 'static,
) -> Result<(), AnyError> {
    let layer = Arc::new(layer);
    let each = move |client: Accepted| {
        let (proxy, layer) = (proxy.clone(), layer.clone());
        async move {
            let peer = client.peer_addr();
            let served = async {
                let proxy = proxy.with_addresses(peer, client.local_addr()?);
                let client = Connection::from_transport(client, Engine::new(layer()?))?;
                Ok::<_, AnyError>(serve_proxy(client, &proxy, TIMEOUT).await?)
            };
            if let Err(error) = served.await {
                eprintln!("{peer}: {error}");
            }
        }
    };
    Ok(wirestack::serve(listener, each).await?)
}

/// Runs a WebSocket server for ever, over HTTP/1.1 and HTTP/2, that echoes every message. It
/// chooses the subprotocol `echo` if the client offers it.
///
/// # Errors
///
/// The error of the listener.
pub async fn echo(listener: Listener, tls: Tls) -> Result<(), AnyError> {
    let mut settings = http2::Http2Config::server();
    settings.streams = STREAMS;
    let mut server = WebSocketServer::new(|offer| {
        let offers_echo = offer.subprotocols().any(|name| name == "echo");
        Ok(if offers_echo {
            Accept::new().subprotocol("echo")
        } else {
            Accept::new()
        })
    })
    .http2_config(settings);
    if let Some(config) = tls {
        server = server.tls(config);
    }
    let each = move |client: Accepted| {
        let server = server.clone();
        async move {
            let peer = client.peer_addr();
            let each = move |socket, _| async move {
                if let Err(error) = echo_one(socket).await {
                    eprintln!("{peer}: {error}");
                }
            };
            if let Err(error) = server.serve_connection(client, each).await {
                eprintln!("{peer}: {error}");
            }
        }
    };
    Ok(wirestack::serve(listener, each).await?)
}

async fn echo_one(mut socket: ServerSocket) -> Result<(), wirestack::Error> {
    let echoed = echo_all(&mut socket).await;
    let finished = socket.finish(TIMEOUT).await;
    echoed.and(finished)
}

async fn echo_all(socket: &mut ServerSocket) -> Result<(), wirestack::Error> {
    while let Some(message) = socket.next().await {
        socket.send(message?).await?;
    }
    Ok(())
}

/// The time for a client's handshake, and for its goodbye.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The number of WebSockets that one HTTP/2 connection may carry.
pub const STREAMS: u32 = 1000;
