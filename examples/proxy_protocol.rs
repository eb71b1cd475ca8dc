//! How is the address of a client behind a proxy sent and read? With the header of the PROXY
//! protocol.
//!
//!     proxy_protocol serve [--tls CHAIN KEY]
//!     proxy_protocol get HOST:PORT v1|v2 SOURCE:PORT
//!
//! `serve` prints the header of each connection and echoes its bytes. `get` acts as a proxy in
//! front of a web server, and prints the answer of that server.

use std::process::ExitCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use wirestack::proxy_header::{self, Accepts, Client, Header, Server};
use wirestack::runtime::Listener;
use wirestack::{Accepted, BoxTunnel, Connection, Engine, Nest, tls};
use wirestack_examples::AnyError;
use wirestack_examples::arguments::Arguments;

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
    let arguments = Arguments::read_or_help(include_str!("proxy_protocol.rs"), &[("--tls", 2)])?;
    let words: Vec<&str> = arguments.plain.iter().map(String::as_str).collect();
    match words[..] {
        ["serve"] => serve(&arguments).await,
        ["get", server, version, source] => get(server, version, source).await,
        _ => Err(
            "usage: proxy_protocol serve, or proxy_protocol get HOST:PORT v1|v2 SOURCE:PORT".into(),
        ),
    }
}

async fn serve(arguments: &Arguments) -> Result<(), AnyError> {
    let tls = arguments.server_tls()?;
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

async fn get(server: &str, version: &str, source: &str) -> Result<(), AnyError> {
    let io = TcpStream::connect(server).await?;
    let header = Header::tcp(source.parse()?, io.peer_addr()?);
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
