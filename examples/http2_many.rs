//! How do many WebSockets share one HTTP/2 connection? Opens a thousand, and sends messages on
//! each.
//!
//!     http2_many [URL] [--cacert FILE]... [--number COUNT]

use clap::Parser;
use std::error::Error;
use std::process::ExitCode;
use std::time::Instant;
use tokio::task::JoinSet;
use wirestack::http2::Http2Config;
use wirestack::runtime::Listener;
use wirestack::websocket::{Accept, CloseCode, Message};
use wirestack::{Http2WebSocket, WebSocketServer, connect_http2};

type AnyError = Box<dyn Error + Send + Sync>;

/// Opens many WebSockets over one HTTP/2 connection, and sends messages on each.
#[derive(Parser)]
struct Arguments {
    /// The server; without it, one runs in this process
    url: Option<String>,
    /// A file of authorities to trust beside those of the system
    #[arg(long)]
    cacert: Vec<String>,
    /// The number of WebSockets
    #[arg(long, default_value_t = 1000)]
    number: u32,
}

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

async fn run(
    Arguments {
        url,
        cacert,
        number,
    }: &Arguments,
) -> Result<(), AnyError> {
    let number = *number;
    let settings = Http2Config::default().streams(number);
    let connect = match url {
        Some(url) => cacert
            .iter()
            .fold(connect_http2(url), |connect, file| connect.ca_file(file)),
        None => {
            let listener = Listener::bind("127.0.0.1:0")?;
            let url = format!("http://{}", listener.local_addr()?);
            tokio::spawn(echo(listener, number));
            connect_http2(&url).direct()
        }
    };
    let http2 = connect.config(settings).await?;
    http2.spawn(); // one task drives the connection, for all WebSockets

    let start = Instant::now();
    let mut opening = JoinSet::new();
    for n in 0..number {
        let http2 = http2.clone();
        opening.spawn(async move { http2.websocket(format!("/{n}")).await });
    }
    let mut sockets = Vec::new();
    while let Some(opened) = opening.join_next().await {
        sockets.push(opened??);
    }
    println!(
        "{number} WebSockets open over one connection: {:.1?}",
        start.elapsed()
    );

    let start = Instant::now();
    let mut talking = JoinSet::new();
    for (n, socket) in sockets.into_iter().enumerate() {
        talking.spawn(talk(socket, n));
    }
    let mut echoed = 0;
    while let Some(done) = talking.join_next().await {
        echoed += done?.map_err(|error| error.to_string())?;
    }
    println!(
        "{echoed} messages echoed, all closed cleanly: {:.1?}",
        start.elapsed()
    );
    http2.close().await?;
    Ok(())
}

/// Serves WebSockets, so many over each connection, and echoes their messages.
async fn echo(listener: Listener, number: u32) -> std::io::Result<()> {
    WebSocketServer::new(|_| Ok(Accept::new()))
        .http2_config(Http2Config::server().streams(number))
        .serve(listener, |mut socket, _| async move {
            while let Some(Ok(message)) = socket.next().await {
                if socket.send(message).await.is_err() {
                    break;
                }
            }
        })
        .await
}

/// Sends messages that no other WebSocket sends, compares their echoes, and closes. Returns the
/// number of messages.
async fn talk(mut socket: Http2WebSocket, n: usize) -> Result<usize, AnyError> {
    let messages = [
        Message::text(format!("this is WebSocket {n}")),
        Message::binary(vec![n as u8; 1000]),
        Message::binary(vec![n as u8; 10_000]),
    ];
    for message in &messages {
        socket.send(message.clone()).await?;
        let echo = socket.next().await.ok_or("closed before the echo")??;
        if echo != *message {
            return Err("the echo differs from the message".into());
        }
    }
    socket.close(CloseCode::NORMAL, "done").await?;
    Ok(messages.len())
}
