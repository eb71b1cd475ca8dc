//! How does a client trust the authority of a company, and show a certificate of its own?
//!
//!     company_ca URL [--cacert FILE] [--cert FILE --key FILE] [--proxy PROXY] [--message TEXT]

use clap::Parser;
use std::process::ExitCode;
use std::time::Duration;
use wirestack::dial::DialError;
use wirestack::{WebSocket, connect};

/// Opens a WebSocket to a server whose certificate comes from the authority of a company, and shows
/// a certificate of the client. Sends a message, and prints the answer and the way there.
#[derive(Parser)]
struct Arguments {
    /// The WebSocket, such as wss://chat.corp.test/
    url: String,
    /// The authorities of the company: many certificates as PEM, or one as DER
    #[arg(long)]
    cacert: Option<String>,
    /// The certificate of this client, with its chain
    #[arg(long, requires = "key")]
    cert: Option<String>,
    /// Its private key
    #[arg(long, requires = "cert")]
    key: Option<String>,
    /// A proxy to go through; without one, that of the environment
    #[arg(long)]
    proxy: Vec<String>,
    /// The message to send
    #[arg(long, default_value = "hello")]
    message: String,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let message = arguments.message.clone();
    let mut socket = match open(arguments).await {
        Ok(socket) => socket,
        Err(error) => {
            eprintln!("{error}");
            eprintln!("{}", error.trace().waterfall());
            return ExitCode::FAILURE;
        }
    };
    if let Some(route) = socket.route() {
        println!("by {route}");
    }
    for layer in socket.describe() {
        println!("{layer}");
    }
    match converse(&mut socket, message).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn open(arguments: Arguments) -> Result<WebSocket, DialError> {
    let mut connect = connect(arguments.url).timeout(Duration::from_secs(30));
    for proxy in arguments.proxy {
        connect = connect.proxy(proxy);
    }
    if let Some(file) = arguments.cacert {
        connect = connect.ca_file(file);
    }
    if let (Some(chain), Some(key)) = (arguments.cert, arguments.key) {
        connect = connect.client_certificate(chain, key);
    }
    connect.await
}

async fn converse(socket: &mut WebSocket, message: String) -> Result<(), wirestack::Error> {
    socket.send(message).await?;
    if let Some(answer) = socket.next().await {
        println!("{:?}", answer?);
    }
    socket.close(1000, "").await
}
