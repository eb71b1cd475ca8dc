//! How does a client accept a connection through a SOCKS proxy (BIND), as active FTP does?
//!
//!     socks_bind PROXY [--from ADDRESS] [--socks4 USER]
//!
//! Prints the address that the proxy listens at and the address of the peer that connects to it,
//! and echoes the bytes of the peer.

use clap::Parser;
use std::process::ExitCode;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use wirestack::socks::{Address, Client};
use wirestack::{Connection, Engine};

/// Lets a SOCKS proxy listen, prints where it listens and who calls, and echoes what the caller sends.
#[derive(Parser)]
struct Arguments {
    /// The proxy, as HOST:PORT
    proxy: String,
    /// The host that is expected to call
    #[arg(long, default_value = "0.0.0.0")]
    from: String,
    /// The user for SOCKS4; without it, the version is 5
    #[arg(long)]
    socks4: Option<String>,
}

type AnyError = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Result<(), AnyError> {
    let expected = Address::new(&arguments.from, 0)?;
    let mut client = Client::bind(expected);
    if let Some(user) = &arguments.socks4 {
        client = client.socks4(user)?;
    }
    let io = TcpStream::connect(&arguments.proxy).await?;
    let mut connection = Connection::from_transport(io, Engine::new(client))?;
    connection.set_open_timeout(Duration::from_secs(60));
    let bound = connection.wait_for(|engine| engine.part::<Client>()?.bound().cloned());
    println!("listening on {}", bound.await?);
    connection.open().await?;
    if let Some(peer) = connection.part::<Client>().and_then(Client::peer) {
        println!("called by {peer}");
    }
    let mut buf = vec![0; 64 * 1024];
    loop {
        match connection.read(&mut buf).await? {
            0 => break,
            n => connection.write_all(&buf[..n]).await?,
        }
        connection.flush().await?;
    }
    connection.finish(Duration::from_secs(5)).await?;
    Ok(())
}
