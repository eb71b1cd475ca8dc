//! A WebSocket without tokio: on threads or on smol, through any number of proxies.
//!
//!     runtimes threads|smol ws[s]://HOST[:PORT]/ [--via HOP]... [--cacert FILE] [--message TEXT]
//!
//! Sends a message, prints the echo and the state of each layer, and closes.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // a program, not a layer

use wirestack::websocket::{CloseCode, Message};
use wirestack::{Status, blocking, futures};
use wirestack_examples::AnyError;
use wirestack_examples::arguments::Arguments;

fn main() -> Result<(), AnyError> {
    let arguments = Arguments::read(&[("--via", 1), ("--cacert", 1), ("--message", 1)])?;
    let words: Vec<&str> = arguments.plain.iter().map(String::as_str).collect();
    match words[..] {
        ["threads", url] => threads(url, &arguments),
        ["smol", url] => smol::block_on(on_smol(url, &arguments)),
        _ => Err("say threads URL, or smol URL".into()),
    }
}

fn threads(url: &str, arguments: &Arguments) -> Result<(), AnyError> {
    let mut connect = blocking::connect(url).tls(arguments.client_tls()?);
    for hop in arguments.all("--via") {
        connect = connect.via(hop);
    }
    let mut socket = connect.connect()?;
    socket.send(message(arguments))?;
    let echo = socket.next().ok_or("closed without an echo")??;
    socket.ping("there?")?;
    tell(&echo, &socket.describe());
    socket.close(CloseCode::NORMAL, "")?;
    Ok(())
}

async fn on_smol(url: &str, arguments: &Arguments) -> Result<(), AnyError> {
    let mut connect = futures::connect(futures::Smol, url).tls(arguments.client_tls()?);
    for hop in arguments.all("--via") {
        connect = connect.via(hop);
    }
    let mut socket = connect.await?;
    socket.send(message(arguments)).await?;
    let echo = socket.next().await.ok_or("closed without an echo")??;
    socket.ping("there?").await?;
    tell(&echo, &socket.describe());
    socket.close(CloseCode::NORMAL, "").await?;
    Ok(())
}

fn message(arguments: &Arguments) -> Message {
    Message::text(arguments.last("--message").unwrap_or("hello").to_owned())
}

fn tell(echo: &Message, layers: &[Status]) {
    println!("echoed {echo:?}");
    for layer in layers {
        println!("{layer}");
    }
}
