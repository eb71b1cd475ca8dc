//! How does a client accept a connection through a SOCKS proxy (BIND), as active FTP does?
//!
//!     socks_bind PROXY:PORT [--from HOST] [--socks4 USER]
//!
//! Prints the address that the proxy listens at and the address of the peer that connects to it,
//! and echoes the bytes of the peer.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // a program, not a layer

use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use wirestack::socks::{Address, Client};
use wirestack::{Connection, Engine};
use wirestack_examples::AnyError;
use wirestack_examples::arguments::Arguments;

#[tokio::main]
async fn main() -> Result<(), AnyError> {
    let arguments = Arguments::read(&[("--from", 1), ("--socks4", 1)])?;
    let [proxy] = &arguments.plain[..] else {
        return Err("usage: socks_bind PROXY:PORT [--from HOST] [--socks4 USER]".into());
    };
    let expected = Address::new(arguments.last("--from").unwrap_or("0.0.0.0"), 0)?;
    let mut client = Client::bind(expected);
    if let Some(user) = arguments.last("--socks4") {
        client = client.socks4(user)?;
    }
    let io = TcpStream::connect(proxy).await?;
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
