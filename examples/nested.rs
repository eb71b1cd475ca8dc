//! A WebSocket through two proxies: SOCKS5, then HTTP CONNECT, then TLS, then WebSocket.
//!
//!     nested
//!     nested URL [--via HOP]... [--cacert FILE] [--message TEXT]
//!
//! Without arguments, the servers run in this process: all layers are this project's, on both
//! sides. With arguments, the same is done with servers of yours, the last an echo server.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // a program, not a layer

use std::process::ExitCode;
use std::time::Instant;
use tokio::net::TcpListener;
use wirestack::tls::{ClientSettings, ServerSettings};
use wirestack::tokio::{Connect, connect};
use wirestack::websocket::{CloseCode, Message};
use wirestack_examples::arguments::Arguments;
use wirestack_examples::{AnyError, servers};

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), AnyError> {
    let arguments = Arguments::read(&[("--via", 1), ("--cacert", 1), ("--message", 1)])?;
    let text = arguments
        .last("--message")
        .unwrap_or("hello through it all");
    let connect = match arguments.plain.first() {
        None => here().await?,
        Some(url) => {
            let connect = connect(url).tls(arguments.client_tls(&[b"http/1.1"])?);
            println!(
                "connecting to {}",
                url.split(['?', '@']).next_back().unwrap_or(url)
            );
            let hops = arguments.all("--via").iter();
            hops.fold(connect, |connect, hop| connect.via(hop))
        }
    };

    let started = Instant::now();
    let (mut socket, trace) = connect.subprotocol("echo").traced().await?;
    println!("\n     since start       step\n{trace}");

    let opened = started.elapsed();
    let messages = [
        Message::text(text.to_owned()),
        Message::binary(vec![7; 1024]),
        Message::binary(vec![8; 1024 * 1024]),
    ];
    for message in &messages {
        let sent = Instant::now();
        socket.send(message.clone()).await?;
        let echo = socket.next().await.ok_or("closed before the echo")??;
        if echo != *message {
            return Err("the echo differs from the message".into());
        }
        println!(
            "echoed {:>8} bytes in {:>10.3?}",
            message.len(),
            sent.elapsed()
        );
    }
    socket.close(CloseCode::NORMAL, "done").await?;
    println!(
        "\n{} layers open in {opened:.3?}, {} messages echoed, closed cleanly",
        socket.describe().len(),
        messages.len()
    );
    Ok(())
}

/// Starts the three servers on this machine and plans the way through them.
async fn here() -> Result<Connect, AnyError> {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()])?;
    let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let tls = ServerSettings::new(chain.clone(), key).alpn(["http/1.1"]);
    let trust = ClientSettings::new()
        .without_system_roots()
        .ca_certificates(chain);
    let (tls, trust) = (tls.build()?, trust.alpn(["http/1.1"]).build()?);

    let [outer, inner, target] = [listen().await?, listen().await?, listen().await?];
    let url = format!("wss://localhost:{}/echo", target.local_addr()?.port());
    let first = format!("socks5h://me:secret@{}", outer.local_addr()?);
    let second = format!("http://you:hidden@localhost:{}", inner.local_addr()?.port());
    println!("SOCKS5 proxy at {}, with a password", outer.local_addr()?);
    println!(
        "HTTP CONNECT proxy at {}, with Basic authentication",
        inner.local_addr()?
    );
    println!("WebSocket echo server over TLS at {}", target.local_addr()?);

    let login = |user: &str, password: &str| Some((user.to_owned(), password.to_owned()));
    tokio::spawn(servers::socks5(outer, login("me", "secret")));
    tokio::spawn(servers::connect(inner, login("you", "hidden"), None));
    tokio::spawn(servers::echo(target, Some(tls)));
    Ok(connect(&url).via(&first).via(&second).tls(trust))
}

async fn listen() -> Result<TcpListener, AnyError> {
    Ok(TcpListener::bind("127.0.0.1:0").await?)
}
