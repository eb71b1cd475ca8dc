//! What the Autobahn test suite tests: a client and a server that echo, with compression on.
//!
//!     fuzzed server [--tls CHAIN KEY]
//!     fuzzed client URL [--cacert FILE] [--http2]
#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // a program, not a layer

use std::error::Error;
use std::sync::Arc;
use tokio::net::TcpListener;
use wirestack::tls::{ClientSettings, ServerSettings};
use wirestack::tokio::{ServerSocket, WebSocketServer, connect};
use wirestack::websocket::{Accept, Deflate, Settings};

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
        _ => Err("say server or client URL".into()),
    }
}

fn read(file: &str) -> Result<Vec<u8>, AnyError> {
    std::fs::read(file).map_err(|error| format!("{file}: {error}").into())
}

fn settings() -> Settings {
    let mut settings = Settings::default();
    let mut deflate = Deflate::default();
    deflate.threshold = 1;
    settings.deflate = Some(deflate);
    settings
}

async fn serve(server: WebSocketServer) -> Result<(), AnyError> {
    let server = server.settings(settings());
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on {}", listener.local_addr()?);
    loop {
        let (io, _) = listener.accept().await?;
        let server = server.clone();
        tokio::spawn(async move { server.serve(io, echo).await });
    }
}

async fn echo(mut socket: ServerSocket) {
    while let Some(Ok(message)) = socket.next().await {
        if socket.send(message).await.is_err() {
            break;
        }
    }
    let _ = socket.finish(settings().close_timeout).await; // the suite is the judge
}

async fn run_cases(url: &str, options: &[&str]) -> Result<(), AnyError> {
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
    let tls = match url.starts_with("wss:") {
        true => Some(tls.build()?),
        false => None,
    };
    let open = |path: String| {
        let mut opening = connect(&format!("{url}{path}")).settings(settings());
        if let Some(config) = &tls {
            opening = opening.tls(Arc::clone(config));
        }
        match http2 {
            true => opening.http2_only(),
            false => opening.http1_only(),
        }
    };
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
