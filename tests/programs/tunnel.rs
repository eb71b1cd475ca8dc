//! How is a TCP service, such as SSH, carried through a WebSocket?
//!
//!     tunnel serve HOST:PORT [--tls CHAIN KEY] [--on ADDRESS]
//!     tunnel listen ws[s]://HOST[:PORT]/ [--via HOP]... [--cacert FILE] [--on ADDRESS]
//!
//! `serve` accepts WebSockets over HTTP/1.1 and HTTP/2, and connects each one to the service.
//! `listen` accepts TCP connections, and carries each one to such a server, through any number of
//! proxies:
//!
//!     ssh -o ProxyCommand=none -p PORT user@127.0.0.1
//!
//! A half-close is not carried: when one side ends, both end.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use wirestack::runtime::Listener;
use wirestack::websocket::{Accept, Keepalive, WebSocketConfig};
use wirestack::{
    Accepted, Connection, Engine, Identity, Pipe, ServerSocket, WebSocketServer, connect, relay,
};
use wirestack_programs::AnyError;
use wirestack_programs::arguments::Arguments;

const OPTIONS: &[(&str, usize)] = &[("--tls", 2), ("--on", 1), ("--via", 1), ("--cacert", 1)];

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), AnyError> {
    let arguments = Arguments::read_or_help(include_str!("tunnel.rs"), OPTIONS)?;
    let on = arguments.last("--on").unwrap_or("127.0.0.1:0");
    let listener = Listener::bind(on)?;
    println!("listening on {}", listener.local_addr()?);
    let words: Vec<&str> = arguments.plain.iter().map(String::as_str).collect();
    match words[..] {
        ["serve", service] => serve(listener, service, &arguments).await,
        ["listen", url] => listen(listener, url, &arguments).await,
        _ => Err("usage: tunnel serve HOST:PORT, or tunnel listen URL".into()),
    }
}

async fn serve(listener: Listener, service: &str, arguments: &Arguments) -> Result<(), AnyError> {
    let mut server = WebSocketServer::new(|_| Ok(Accept::new())).config(settings());
    if let Some(config) = arguments.server_tls()? {
        server = server.tls(config);
    }
    let service: Arc<str> = service.into();
    let each = move |client: Accepted| {
        let (server, service, peer) = (server.clone(), service.clone(), client.peer_addr());
        async move {
            let each = |socket: ServerSocket<Pipe>, _| {
                let service = service.clone();
                async move {
                    let carried = async {
                        let io = TcpStream::connect(&*service).await?;
                        let service = Connection::from_transport(io, Engine::new(Identity))?;
                        Ok::<_, AnyError>(relay(socket, service).await?)
                    };
                    report(peer, carried.await.map(drop));
                }
            };
            if let Err(error) = server.serve_connection_in(client, each).await {
                eprintln!("{peer}: {error}");
            }
        }
    };
    Ok(wirestack::serve(listener, each).await?)
}

async fn listen(listener: Listener, url: &str, arguments: &Arguments) -> Result<(), AnyError> {
    let mut connect = connect(url).config(settings()).tls(arguments.client_tls()?);
    for hop in arguments.all("--via") {
        connect = connect.via(hop);
    }
    let each = move |client: Accepted| {
        let connect = connect.clone();
        async move {
            let peer = client.peer_addr();
            let carried = async {
                let socket = connect.tunnel().await?;
                let local = Connection::from_transport(client, Engine::new(Identity))?;
                Ok::<_, AnyError>(relay(local, socket).await?)
            };
            report(peer, carried.await.map(drop));
        }
    };
    Ok(wirestack::serve(listener, each).await?)
}

/// Keeps the WebSocket alive: proxies close connections that carry no bytes for a long time.
fn settings() -> WebSocketConfig {
    let mut settings = WebSocketConfig::default();
    settings.keepalive = Some(Keepalive {
        interval: Duration::from_secs(30),
        timeout: Duration::from_secs(30),
    });
    settings
}

fn report(peer: std::net::SocketAddr, carried: Result<(), AnyError>) {
    if let Err(error) = carried {
        eprintln!("{peer}: {error}");
    }
}
