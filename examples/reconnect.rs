//! How does a client stay connected? Connects again whenever the connection is lost, and sends the
//! lines of standard input, which wait while there is none.
//!
//!     reconnect URL [--via HOP]... [--bearer TOKEN] [--queue COUNT] [--failures COUNT]

use clap::Parser;
use std::process::ExitCode;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader, stdin};
use wirestack::dial::Backoff;
use wirestack::websocket::{Message, WebSocketConfig};
use wirestack::{Keepalive, ReconnectEvent, ReconnectHandle, connect};

/// Prints the messages of a WebSocket, and connects again whenever the connection is lost.
/// Each line of standard input is a message; its end closes the WebSocket.
#[derive(Parser)]
struct Arguments {
    /// The WebSocket, such as wss://example.org/feed
    url: String,
    /// A proxy to go through, the nearest first; without one, that of the environment
    #[arg(long)]
    via: Vec<String>,
    /// A file of authorities to trust beside those of the system
    #[arg(long)]
    cacert: Option<String>,
    /// A token for the server
    #[arg(long)]
    bearer: Option<String>,
    /// The number of lines that may wait while there is no connection
    #[arg(long, default_value_t = 100)]
    queue: usize,
    /// The number of failures in a row after which to give up
    #[arg(long)]
    failures: Option<u32>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut connect = connect(arguments.url);
    for hop in arguments.via {
        connect = connect.via(hop);
    }
    if let Some(file) = arguments.cacert {
        connect = connect.ca_file(file);
    }
    if let Some(token) = arguments.bearer {
        connect = connect.bearer(token);
    }
    // A connection whose other end has vanished shows after 40 s.
    let keepalive = Keepalive::new(Duration::from_secs(30), Duration::from_secs(10));
    let backoff = Backoff::default()
        .first(Duration::from_secs(1))
        .failures(arguments.failures);
    let mut feed = connect
        .config(WebSocketConfig::default().keepalive(keepalive))
        .reconnecting(backoff)
        .queue(arguments.queue);
    tokio::spawn(send_lines(feed.handle()));
    let mut gave_up = false;
    while let Some(event) = feed.next().await {
        match event {
            ReconnectEvent::Message(Message::Text(text)) => println!("{text}"),
            ReconnectEvent::Message(Message::Binary(bytes)) => println!("{} bytes", bytes.len()),
            other => {
                eprintln!("{other}");
                gave_up |= matches!(other, ReconnectEvent::GaveUp);
            }
        }
    }
    // `exit` does not wait for the thread that still reads standard input.
    std::process::exit(i32::from(gave_up))
}

/// Sends each line of standard input, and closes at its end.
async fn send_lines(handle: ReconnectHandle) {
    let mut lines = BufReader::new(stdin()).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        if let Err(error) = handle.send(line).await {
            return eprintln!("not sent: {error}");
        }
    }
    // Lines that wait for a connection leave before the end.
    if let Err(error) = handle.close(1000, "").await {
        eprintln!("not closed: {error}");
    }
}
