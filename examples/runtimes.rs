//! How does the same code run on tokio, on smol and in threads?
//!
//!     runtimes
//!     runtimes tokio|smol|threads|blocking URL [--via HOP]... [--cacert FILE] [--message TEXT]
//!
//! Without arguments, one async function starts an echo server and sends messages to it, over
//! HTTP/1.1 and over HTTP/2, on each of the three runtimes. Then one thread sends and another one
//! receives, without async.
//!
//! With arguments, the program sends a message to your echo server, prints the echo and the state
//! of each layer, and closes.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::thread;
use wirestack::blocking::block_on;
use wirestack::runtime::{Listener, current};
use wirestack::websocket::{CloseCode, Message};
use wirestack::{Connect, Status, connect};
use wirestack_examples::arguments::Arguments;
use wirestack_examples::{AnyError, servers};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), AnyError> {
    let arguments = Arguments::read_or_help(
        include_str!("runtimes.rs"),
        &[("--via", 1), ("--cacert", 1), ("--message", 1)],
    )?;
    let words: Vec<&str> = arguments.plain.iter().map(String::as_str).collect();
    match words[..] {
        [] => here(),
        ["tokio", url] => tokio::runtime::Runtime::new()?.block_on(talk(url, &arguments)),
        ["smol", url] => smol::block_on(talk(url, &arguments)),
        ["threads", url] => block_on(talk(url, &arguments)),
        ["blocking", url] => talk_blocking(url, &arguments),
        _ => Err("usage: runtimes [tokio|smol|threads|blocking URL]".into()),
    }
}

fn here() -> Result<(), AnyError> {
    tokio::runtime::Runtime::new()?.block_on(echo("tokio"))?;
    smol::block_on(echo("smol"))?;
    block_on(echo("threads"))?;
    let server = block_on(serve())?; // in a thread of its own
    echo_by_two_threads(server)
}

/// Starts a server, opens a WebSocket to it over each version of HTTP, and prints the echo of a
/// message. It runs on the runtime that awaits it. The name is only printed.
async fn echo(runtime: &str) -> Result<(), AnyError> {
    let server = serve().await?;
    for http2 in [false, true] {
        let connect = connect(format!("ws://{server}/")).direct();
        let (connect, version) = if http2 {
            (connect.http2_only(), "HTTP/2")
        } else {
            (connect.http1_only(), "HTTP/1.1")
        };
        let mut socket = connect.await?;
        socket.send(Message::text("hello")).await?;
        let echo = socket.next().await.ok_or("closed without an echo")??;
        println!("{runtime}: {echo:?} echoed over {version}");
        socket.close(CloseCode::NORMAL, "").await?;
    }
    Ok(())
}

/// Starts an echo server in a task of the runtime, and returns its address.
async fn serve() -> Result<SocketAddr, AnyError> {
    let listener = Listener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    current()?.spawn(Box::pin(async {
        if let Err(error) = servers::echo(listener, None).await {
            eprintln!("{error}");
        }
    }));
    Ok(address)
}

/// Sends in one thread, and receives in another one, on the same WebSocket.
fn echo_by_two_threads(server: SocketAddr) -> Result<(), AnyError> {
    let socket = connect(format!("ws://{server}/")).direct().blocking()?;
    let (mut writer, mut reader) = socket.split()?;
    let receiving = thread::spawn(move || {
        let mut received = 0;
        while let Some(message) = reader.next() {
            message?;
            received += 1;
            if received == MESSAGES {
                reader.close(CloseCode::NORMAL, "done")?;
            }
        }
        Ok::<_, wirestack::Error>(received)
    });
    for n in 0..MESSAGES {
        writer.send(Message::text(format!("message {n}")))?;
    }
    let received = receiving.join().map_err(|_| "it panicked")??;
    println!("two threads without async: {MESSAGES} messages sent, {received} received");
    Ok(())
}

/// Talks to an echo server, on the runtime that awaits it.
async fn talk(url: &str, arguments: &Arguments) -> Result<(), AnyError> {
    let mut socket = prepared(url, arguments)?.await?;
    socket.send(message(arguments)).await?;
    let echo = socket.next().await.ok_or("closed without an echo")??;
    socket.ping("there?").await?;
    print(&echo, &socket.describe());
    socket.close(CloseCode::NORMAL, "").await?;
    Ok(())
}

/// Talks to an echo server with calls that wait.
fn talk_blocking(url: &str, arguments: &Arguments) -> Result<(), AnyError> {
    let mut socket = prepared(url, arguments)?.blocking()?;
    socket.send(message(arguments))?;
    let echo = socket.next().ok_or("closed without an echo")??;
    socket.ping("there?")?;
    print(&echo, &socket.describe());
    socket.close(CloseCode::NORMAL, "")?;
    Ok(())
}

fn prepared(url: &str, arguments: &Arguments) -> Result<Connect, AnyError> {
    let mut connect = connect(url).tls(arguments.client_tls()?);
    for hop in arguments.all("--via") {
        connect = connect.via(hop);
    }
    Ok(connect)
}

fn message(arguments: &Arguments) -> Message {
    Message::text(arguments.last("--message").unwrap_or("hello").to_owned())
}

fn print(echo: &Message, layers: &[Status<'_>]) {
    println!("echoed {echo:?}");
    for layer in layers {
        println!("{layer}");
    }
}

/// How many messages the two threads exchange.
const MESSAGES: u32 = 10_000;
