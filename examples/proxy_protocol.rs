//! How is the address of a client behind a proxy sent and read? With the header of the PROXY
//! protocol.
//!
//!     proxy_protocol serve [--tls CHAIN KEY]
//!     proxy_protocol get HOST:PORT v1|v2 SOURCE:PORT

use clap::{Parser, Subcommand};
use std::error::Error;
use std::fs;
use std::net::SocketAddr;
use std::process::ExitCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use wirestack::proxy_header::{self, Accepts, Client, Header, Server};
use wirestack::runtime::Listener;
use wirestack::tls::ServerSettings;
use wirestack::{Accepted, BoxTunnel, Connection, Engine, Nest, tls};

type AnyError = Box<dyn Error + Send + Sync>;

/// Sends and reads the header of the PROXY protocol.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Print the header of each connection, and echo its bytes
    Serve {
        /// Speak TLS behind the header: a certificate chain and a key, as PEM
        #[arg(long, num_args = 2, value_names = ["CHAIN", "KEY"])]
        tls: Option<Vec<String>>,
    },
    /// Act as a proxy in front of a web server, and print the answer of that server
    Get {
        /// The web server, as HOST:PORT
        server: String,
        /// v1 or v2
        version: String,
        /// The address of the client, as ADDRESS:PORT
        source: SocketAddr,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Serve { tls } => serve(tls).await,
        Command::Get {
            server,
            version,
            source,
        } => get(&server, &version, source).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(tls: Option<Vec<String>>) -> Result<(), AnyError> {
    let tls = match tls.as_deref() {
        Some([chain, key]) => Some(ServerSettings::new(fs::read(chain)?, fs::read(key)?).build()?),
        _ => None,
    };
    let listener = Listener::bind("127.0.0.1:0")?;
    println!("listening on {}", listener.local_addr()?);
    let each = move |client: Accepted| {
        let tls = tls.clone();
        async move {
            let echoed = async {
                let header = Server::new(Accepts::Both);
                let stack = match tls {
                    None => header.boxed(),
                    Some(config) => tls::Server::new(config)?.over(header).boxed(),
                };
                echo(Connection::from_transport(client, Engine::new(stack))?).await
            };
            if let Err(error) = echoed.await {
                println!("{error}");
            }
        }
    };
    Ok(wirestack::serve(listener, each).await?)
}

async fn echo(mut client: Connection<BoxTunnel>) -> Result<(), AnyError> {
    let header = client.wait_for(|engine| engine.part::<Server>()?.header().cloned());
    let header = header.await?;
    let (id, tls) = (header.unique_id().unwrap_or_default(), header.tls());
    let tls = tls
        .as_ref()
        .and_then(|tls| tls.text(proxy_header::kind::SSL_VERSION));
    println!("{header} id={} tls={tls:?}", String::from_utf8_lossy(id));
    for layer in client.describe() {
        println!("{layer}");
    }
    let mut buf = vec![0; 64 * 1024];
    loop {
        match client.read(&mut buf).await? {
            0 => break,
            n => client.write_all(&buf[..n]).await?,
        }
        client.flush().await?;
    }
    client.shutdown().await?;
    Ok(())
}

async fn get(server: &str, version: &str, source: SocketAddr) -> Result<(), AnyError> {
    let io = TcpStream::connect(server).await?;
    let header = Header::tcp(source, io.peer_addr()?);
    let client = match version {
        "v1" => Client::v1(header)?,
        _ => Client::v2(header).with_checksum(),
    };
    let mut connection = Connection::from_transport(io, Engine::new(client))?;
    let request = format!("GET / HTTP/1.0\r\nHost: {server}\r\n\r\n");
    connection.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await?;
    print!("{answer}");
    Ok(())
}
