//! How does the same code run on tokio, on smol and in threads?
//!
//!     runtimes
//!     runtimes tokio|smol|threads|blocking URL [--via HOP]... [--cacert FILE] [--message TEXT]

use clap::{Parser, ValueEnum};
use std::error::Error;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::thread;
use wirestack::blocking::block_on;
use wirestack::runtime::{self, Listener};
use wirestack::websocket::{Accept, CloseCode, Message};
use wirestack::{Connect, Status, WebSocketServer, connect};

type AnyError = Box<dyn Error + Send + Sync>;

/// Without a runtime: one async function starts an echo server and sends messages to it, over
/// HTTP/1.1 and over HTTP/2, on tokio, on smol and in threads. Then one thread sends and another
/// one receives, without async.
///
/// With a runtime and a URL: sends a message to your echo server, prints the echo and the state of
/// each layer, and closes.
#[derive(Parser)]
struct Arguments {
    /// The runtime
    #[arg(requires = "url")]
    runtime: Option<Runtime>,
    /// An echo server, such as wss://example.org/echo
    url: Option<String>,
    /// A proxy; repeat it for a chain, the nearest first
    #[arg(long)]
    via: Vec<String>,
    /// Authorities to trust beside those of the system, as PEM
    #[arg(long)]
    cacert: Option<String>,
    /// The message
    #[arg(long, default_value = "hello")]
    message: String,
}

#[derive(Clone, Copy, ValueEnum)]
enum Runtime {
    Tokio,
    Smol,
    /// Threads, for async functions
    Threads,
    /// Calls that wait, without async
    Blocking,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), AnyError> {
    match arguments.runtime {
        None => here(),
        Some(Runtime::Tokio) => tokio::runtime::Runtime::new()?.block_on(talk(arguments)),
        Some(Runtime::Smol) => smol::block_on(talk(arguments)),
        Some(Runtime::Threads) => block_on(talk(arguments)),
        Some(Runtime::Blocking) => talk_blocking(arguments),
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
    let server =
        WebSocketServer::new(|_| Ok(Accept::new())).serve(listener, |mut socket, _| async move {
            while let Some(Ok(message)) = socket.next().await {
                if socket.send(message).await.is_err() {
                    break;
                }
            }
        });
    runtime::spawn(async move { drop(server.await) })?;
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
async fn talk(arguments: &Arguments) -> Result<(), AnyError> {
    let mut socket = prepared(arguments).await?;
    socket.send(arguments.message.clone()).await?;
    let echo = socket.next().await.ok_or("closed without an echo")??;
    socket.ping("there?").await?;
    print(&echo, &socket.describe());
    socket.close(CloseCode::NORMAL, "").await?;
    Ok(())
}

/// Talks to an echo server with calls that wait.
fn talk_blocking(arguments: &Arguments) -> Result<(), AnyError> {
    let mut socket = prepared(arguments).blocking()?;
    socket.send(arguments.message.clone())?;
    let echo = socket.next().ok_or("closed without an echo")??;
    socket.ping("there?")?;
    print(&echo, &socket.describe());
    socket.close(CloseCode::NORMAL, "")?;
    Ok(())
}

fn prepared(arguments: &Arguments) -> Connect {
    let mut connect = connect(arguments.url.as_deref().unwrap_or_default());
    for hop in &arguments.via {
        connect = connect.via(hop);
    }
    match &arguments.cacert {
        Some(file) => connect.ca_file(file),
        None => connect,
    }
}

fn print(echo: &Message, layers: &[Status<'_>]) {
    println!("echoed {echo:?}");
    for layer in layers {
        println!("{layer}");
    }
}

/// How many messages the two threads exchange.
const MESSAGES: u32 = 10_000;
