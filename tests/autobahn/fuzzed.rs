//! The programs that exchange messages with test suites and peers, with compression: a client of the
//! Autobahn test suite, an echo server, a client of echo servers that throws dice, and a client that
//! asks its server to close.
//!
//!     fuzzed server [--tls CHAIN KEY]
//!     fuzzed client URL [--cacert FILE] [--http2]
//!     fuzzed exchange URL SEED
//!     fuzzed closed URL [--cacert FILE] [--http2]
#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // a program, not a layer

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;
use wirestack::runtime::Listener;
use wirestack::tls::{ClientSettings, ServerSettings};
use wirestack::websocket::{Accept, Client, CloseCode, Deflate, Message, WebSocketConfig};
use wirestack::{Accepted, Connect, Http2Stream, ServerSocket, WebSocketServer, connect};

type AnyError = Box<dyn Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), AnyError> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["server"] => serve(WebSocketServer::new(|_| Ok(Accept::new()))).await,
        ["server", "--tls", chain, key] => {
            let tls = ServerSettings::new(read(chain)?, read(key)?).build()?;
            serve(WebSocketServer::new(|_| Ok(Accept::new())).tls(tls)).await
        }
        ["client", url, ref options @ ..] => run_cases(url, options).await,
        ["closed", url, ref options @ ..] => closed(url, options).await,
        ["exchange", url, seed] => exchange(url, seed.parse()?).await,
        _ => Err("say server or client URL".into()),
    }
}

fn read(file: &str) -> Result<Vec<u8>, AnyError> {
    std::fs::read(file).map_err(|error| format!("{file}: {error}").into())
}

fn settings() -> WebSocketConfig {
    let mut settings = WebSocketConfig::default();
    let mut deflate = Deflate::default();
    deflate.threshold = 1;
    settings.deflate = Some(deflate);
    settings
}

async fn serve(server: WebSocketServer) -> Result<(), AnyError> {
    let server = server.config(settings());
    let listener = Listener::bind("127.0.0.1:0")?;
    println!("listening on {}", listener.local_addr()?);
    let each = move |client: Accepted| {
        let server = server.clone();
        async move { drop(server.serve_connection(client, echo).await) }
    };
    Ok(wirestack::serve(listener, each).await?)
}

async fn echo(mut socket: ServerSocket, _: http::Request<()>) {
    let version = match socket.transport::<Http2Stream>() {
        Some(_) => "HTTP/2",
        None => "HTTP/1.1",
    };
    println!("opened over {version}");
    while let Some(Ok(message)) = socket.next().await {
        if socket.send(message).await.is_err() {
            break;
        }
    }
    let _ = socket.finish(settings().close_timeout).await; // the suite is the judge
}

/// Reads `--cacert FILE` and `--http2`; returns what opens a WebSocket at a URL so.
fn opener(options: &[&str]) -> Result<impl Fn(&str) -> Connect, AnyError> {
    let mut tls = ClientSettings::new();
    let mut http2 = false;
    let mut options = options.iter();
    while let Some(option) = options.next() {
        match *option {
            "--http2" => http2 = true,
            "--cacert" => {
                let file = options.next().ok_or("--cacert lacks a file")?;
                tls = tls.ca_certificates(read(file)?);
            }
            _ => return Err(format!("{option} is not known").into()),
        }
    }
    let tls = tls.build()?;
    Ok(move |url: &str| {
        let opening = connect(url).config(settings()).tls(Arc::clone(&tls));
        if http2 {
            opening.http2_only()
        } else {
            opening.http1_only()
        }
    })
}

async fn run_cases(url: &str, options: &[&str]) -> Result<(), AnyError> {
    let open = opener(options)?;
    let open = |path: String| open(&format!("{url}{path}"));
    let mut count = open("/getCaseCount".into()).await?;
    let count = count.next().await.ok_or("no count")??;
    let count: usize = std::str::from_utf8(count.as_bytes())?.parse()?;
    for case in 1..=count {
        let mut socket = open(format!("/runCase?case={case}&agent=wirestack")).await?;
        while let Some(Ok(message)) = socket.next().await {
            if socket.send(message).await.is_err() {
                break;
            }
        }
        let _ = socket.finish(settings().close_timeout).await;
    }
    let socket = open("/updateReports?agent=wirestack".into()).await?;
    socket.finish(settings().close_timeout).await?;
    println!("{count} cases");
    Ok(())
}

/// Asks the server to close, and waits until the connection has ended.
async fn closed(url: &str, options: &[&str]) -> Result<(), AnyError> {
    let mut socket = opener(options)?(url).await?;
    socket.send("close").await?;
    if let Some(message) = socket.next().await {
        return Err(format!("wanted a Close, got {} bytes", message?.len()).into());
    }
    let closed = socket.closed().map(|close| format!("{close:?}"));
    let start = Instant::now();
    let ended = socket.finish(settings().close_timeout).await;
    println!(
        "{closed:?}; the end took {} ms",
        start.elapsed().as_millis()
    );
    Ok(ended?)
}

/// Sends random messages, each connection with random parameters, and compares the echoes.
async fn exchange(url: &str, seed: u64) -> Result<(), AnyError> {
    let mut dice = Dice(seed | 1);
    let mut agreements = std::collections::BTreeSet::new();
    for _ in 0..ROUNDS {
        let mut deflate = Deflate::default();
        deflate.server_no_context_takeover = dice.roll(3) == 0;
        deflate.client_no_context_takeover = dice.roll(3) == 0;
        deflate.server_max_window_bits = 9 + dice.roll(7) as u8;
        deflate.client_max_window_bits = 9 + dice.roll(7) as u8;
        deflate.level = dice.roll(10) as u8;
        deflate.threshold = dice.roll(200);
        let mut settings = WebSocketConfig::default();
        settings.deflate = Some(deflate);
        settings.largest_frame_sent = [1000, 65536, usize::MAX][dice.roll(3)];
        let mut socket = connect(url).config(settings).await?;
        let agreed = socket
            .part::<Client>()
            .and_then(|client| client.compression());
        agreements.insert(format!("{:?}", agreed.ok_or("compression was declined")?));
        for _ in 0..MESSAGES {
            let message = dice.message();
            socket.send(message.clone()).await?;
            if socket.next().await.ok_or("it closed")?? != message {
                return Err("the echo differs".into());
            }
        }
        socket.close(CloseCode::NORMAL, "").await?;
    }
    let (messages, agreements) = (ROUNDS * MESSAGES, agreements.len());
    println!("seed {seed}: {messages} messages equal, {agreements} agreements");
    Ok(())
}

struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % sides
    }

    fn message(&mut self) -> Message {
        let len = [0, 1, 125, 126, 1000, 65535, 65536, self.roll(100_000)][self.roll(8)];
        if self.roll(10) < 3 {
            return Message::binary((0..len).map(|_| self.roll(256) as u8).collect::<Vec<_>>());
        }
        let words = ["grüße ", "世界", "🦀", "a", "the same again, ", "\0"];
        let text: String = (0..len / 4).map(|_| words[self.roll(6)]).collect();
        if self.roll(10) < 6 {
            Message::text(text)
        } else {
            Message::binary(text.into_bytes())
        }
    }
}

const ROUNDS: usize = 30;
const MESSAGES: usize = 12;
