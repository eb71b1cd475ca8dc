//! Joins standard input and output to a stream of bytes behind any number of proxies.
//!
//!     pipe tcp://host:port [--via HOP]... [--or-via HOP]... [--on-challenge] [--patience SECONDS]
//!     pipe tls://host:port [--via HOP]... [--cacert FILE] [--cert FILE --key FILE] [--tls12 | --tls13]
//!
//! Each `--or-via` is another way, tried when the ones before it do not work.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // a program, not a layer

use std::io;
use std::process::ExitCode;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, stdin, stdout};
use wirestack::connect_stream;
use wirestack::dial::{Hop, Routes, Timeouts};
use wirestack_examples::AnyError;
use wirestack_examples::arguments::Arguments;

const OPTIONS: &[(&str, usize)] = &[
    ("--via", 1),
    ("--or-via", 1),
    ("--on-challenge", 0),
    ("--patience", 1),
    ("--cacert", 1),
    ("--cert", 1),
    ("--key", 1),
    ("--tls12", 0),
    ("--tls13", 0),
];

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        // Not waiting for a thread that still reads standard input.
        Ok(()) => std::process::exit(0),
        Err(error) => {
            eprintln!("{error}");
            std::process::exit(1)
        }
    }
}

async fn run() -> Result<(), AnyError> {
    let arguments = Arguments::read(OPTIONS)?;
    let url = arguments.plain.first().ok_or("say where to connect to")?;
    let mut connect = connect_stream(url).tls(arguments.client_tls()?);
    let hop = |text: &String| -> Result<Hop, AnyError> {
        let hop: Hop = text.parse()?;
        Ok(match arguments.has("--on-challenge") {
            true => hop.on_challenge(),
            false => hop,
        })
    };
    let first: Result<Vec<_>, _> = arguments.all("--via").iter().map(hop).collect();
    let others = arguments
        .all("--or-via")
        .iter()
        .map(|text| Ok(vec![hop(text)?]));
    let ways = std::iter::once(first).chain(others);
    let ways: Vec<_> = ways.collect::<Result<_, AnyError>>()?;
    if ways.iter().any(|way| !way.is_empty()) {
        connect = connect.routes(Routes::any_of(ways));
    }
    if let Some(seconds) = arguments.last("--patience") {
        let mut timeouts = Timeouts::default();
        timeouts.layer = Duration::from_secs(seconds.parse()?);
        connect = connect.timeouts(timeouts);
    }
    let stream = connect.await?;
    for layer in stream.describe() {
        eprintln!("{:<10} {}  {}", layer.name, layer.progress, layer.facts);
    }
    let (mut from_peer, mut to_peer) = stream.split();
    let there = async {
        carry(stdin(), &mut to_peer).await?;
        to_peer.shutdown().await
    };
    let back = carry(&mut from_peer, stdout());
    // The end of the peer is the end; that of standard input is a half-close.
    tokio::pin!(there, back);
    tokio::select! {
        done = &mut back => done?,
        done = &mut there => {
            done?;
            back.await?;
        }
    }
    Ok(())
}

/// Unlike `tokio::io::copy`, this writes what came before an error.
async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
) -> io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let n = from.read(&mut buffer).await?;
        if n == 0 {
            return Ok(());
        }
        to.write_all(&buffer[..n]).await?;
        to.flush().await?;
    }
}
