//! How do many WebSockets share one HTTP/2 connection? Opens a thousand, and sends messages on
//! each.
//!
//!     http2_many
//!     http2_many URL [--cacert FILE] [--number N]
//!
//! Without a URL, the server runs in this process.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // a program, not a layer

use std::time::Instant;
use tokio::task::JoinSet;
use wirestack::http2::Http2Config;
use wirestack::runtime::Listener;
use wirestack::websocket::{CloseCode, Message};
use wirestack::{Http2WebSocket, connect_http2};
use wirestack_examples::arguments::Arguments;
use wirestack_examples::{AnyError, servers};

#[tokio::main]
async fn main() -> Result<(), AnyError> {
    let arguments = Arguments::read(&[("--cacert", 1), ("--number", 1)])?;
    let number: u32 = match arguments.last("--number") {
        Some(number) => number.parse()?,
        None => servers::STREAMS,
    };
    let mut settings = Http2Config::default();
    settings.streams = number;
    let connect = match arguments.plain.first() {
        Some(url) => connect_http2(url).tls(arguments.client_tls()?),
        None => {
            let listener = Listener::bind("127.0.0.1:0")?;
            let url = format!("http://{}", listener.local_addr()?);
            tokio::spawn(servers::echo(listener, None));
            connect_http2(&url).direct()
        }
    };
    let http2 = connect.config(settings).await?;
    http2.spawn(); // one task drives the connection, for all WebSockets

    let start = Instant::now();
    let mut opening = JoinSet::new();
    for n in 0..number {
        let http2 = http2.clone();
        opening.spawn(async move { http2.websocket(&format!("/{n}")).await });
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
