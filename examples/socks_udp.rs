//! How are UDP datagrams sent through a SOCKS5 proxy? Sends one, and prints the one that comes
//! back.
//!
//!     socks_udp PROXY TARGET TEXT

use clap::Parser;
use std::process::ExitCode;
use wirestack::associate;
use wirestack::socks::Address;

/// Sends a datagram through a SOCKS5 proxy, and prints the one that comes back.
#[derive(Parser)]
struct Arguments {
    /// The proxy, such as socks5h://proxy.test:1080
    proxy: String,
    /// The receiver, as HOST:PORT
    target: String,
    /// The content of the datagram
    text: String,
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
    let Arguments {
        proxy,
        target,
        text,
    } = arguments;
    let (host, port) = target.rsplit_once(':').ok_or("HOST:PORT has no port")?;
    let target = Address::new(host, port.parse()?)?;
    let mut association = associate(proxy).await?;
    association.send_to(text.as_bytes(), &target).await?;
    let (answer, from) = association.recv().await?;
    println!("{} from {from}", String::from_utf8_lossy(&answer));
    association.close().await?;
    Ok(())
}
