//! How does a program reach a TCP or TLS server behind proxies? Connects standard input and output
//! to it.
//!
//!     pipe tcp://host:port [--via HOP]... [--or-via HOP]... [--on-challenge] [--patience SECONDS]
//!     pipe tls://host:port [--via HOP]... [--cacert FILE] [--cert FILE --key FILE]
//!         [--tls12 | --tls13]
//!
//! Each `--or-via` is another route, which is tried when the routes before it have failed.

use std::io;
use std::process::ExitCode;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, stdin, stdout};
use wirestack::connect_stream;
use wirestack::dial::{Hop, Routes, Timeouts};
use wirestack_programs::AnyError;
use wirestack_programs::arguments::Arguments;

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
        // `exit` does not wait for the thread that still reads standard input.
        Ok(()) => std::process::exit(0),
        Err(error) => {
            eprintln!("{error}");
            std::process::exit(1)
        }
    }
}

async fn run() -> Result<(), AnyError> {
    let arguments = Arguments::read_or_help(include_str!("pipe.rs"), OPTIONS)?;
    let url = arguments.plain.first().ok_or("usage: pipe URL [OPTIONS]")?;
    let mut connect = connect_stream(url).tls(arguments.client_tls()?);
    let hop = |text: &String| -> Result<Hop, AnyError> {
        let hop: Hop = text.parse()?;
        Ok(if arguments.has("--on-challenge") {
            hop.on_challenge()
        } else {
            hop
        })
    };
    let first: Result<Vec<_>, _> = arguments.all("--via").iter().map(hop).collect();
    let others = arguments
        .all("--or-via")
        .iter()
        .map(|text| Ok(vec![hop(text)?]));
    let routes = std::iter::once(first).chain(others);
    let routes: Vec<_> = routes.collect::<Result<_, AnyError>>()?;
    if routes.iter().any(|route| !route.is_empty()) {
        connect = connect.routes(Routes::any_of(routes));
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
    let (mut to_peer, mut from_peer) = stream.split();
    let sending = async {
        copy(stdin(), &mut to_peer).await?;
        to_peer.shutdown().await
    };
    let receiving = copy(&mut from_peer, stdout());
    // The end of standard input is a half-close. The end of the peer ends the program.
    tokio::pin!(sending, receiving);
    tokio::select! {
        done = &mut receiving => done?,
        done = &mut sending => {
            done?;
            receiving.await?;
        }
    }
    Ok(())
}

/// Copies bytes to the end. Unlike `tokio::io::copy`, it writes the bytes that arrived before an
/// error.
async fn copy(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin) -> io::Result<()> {
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
