//! How does a WebSocket nest in SOCKS5, HTTP CONNECT and TLS? Over HTTP/1.1 and over HTTP/2.
//!
//!     nested
//!     nested URL [--http1 | --http2] [--via HOP]... [--cacert FILE] [--message TEXT]
//!
//! Without arguments, all servers run in this process, and both sides use layers of this project.
//! With arguments, the program uses your proxies and your echo server.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;
use wirestack::dial::Target;
use wirestack::runtime::Listener;
use wirestack::tls::rustls::ClientConfig;
use wirestack::tls::{ClientSettings, ServerSettings};
use wirestack::websocket::{CloseCode, Message};
use wirestack::{Connect, connect};
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
    let known = [
        ("--via", 1),
        ("--cacert", 1),
        ("--message", 1),
        ("--http1", 0),
        ("--http2", 0),
    ];
    let arguments = Arguments::read_or_help(include_str!("nested.rs"), &known)?;
    let text = arguments
        .last("--message")
        .unwrap_or("hello through it all");
    let Some(url) = arguments.plain.first() else {
        let here = Here::start().await?;
        println!("\n== HTTP/1.1: the WebSocket has the TLS connection to itself");
        talk(here.connect().http1_only(), text).await?;
        println!("\n== HTTP/2: the WebSocket is one stream of many (RFC 8441)");
        return talk(here.connect().http2_only(), text).await;
    };
    println!("connecting to {}", url.parse::<Target>()?); // shows neither user nor query
    let mut connect = connect(url).tls(arguments.client_tls()?);
    for hop in arguments.all("--via") {
        connect = connect.via(hop);
    }
    let connect = match (arguments.has("--http1"), arguments.has("--http2")) {
        (true, false) => connect.http1_only(),
        (false, true) => connect.http2_only(),
        _ => connect,
    };
    talk(connect, text).await
}

/// Opens a WebSocket, compares the echoes of three messages, and prints how long each step took.
async fn talk(connect: Connect, text: &str) -> Result<(), AnyError> {
    let started = Instant::now();
    let (mut socket, trace) = connect.subprotocol("echo").traced().await?;
    println!("\n{}", trace.waterfall());

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

/// Two proxies and an echo server on this machine, and the route through them.
struct Here {
    url: String,
    hops: [String; 2],
    trust: Arc<ClientConfig>,
}

impl Here {
    async fn start() -> Result<Self, AnyError> {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()])?;
        let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        let trust = ClientSettings::new()
            .without_system_roots()
            .ca_certificates(chain.clone());
        let tls = ServerSettings::new(chain, key).build()?;

        let [outer, inner, target] = [listen()?, listen()?, listen()?];
        let here = Self {
            url: format!("wss://localhost:{}/echo", target.local_addr()?.port()),
            hops: [
                format!("socks5h://me:secret@{}", outer.local_addr()?),
                format!("http://you:hidden@localhost:{}", inner.local_addr()?.port()),
            ],
            trust: trust.build()?,
        };
        println!("SOCKS5 proxy at {}, with a password", outer.local_addr()?);
        println!(
            "HTTP CONNECT proxy at {}, with Basic authentication",
            inner.local_addr()?
        );
        println!("WebSocket echo server over TLS at {}", target.local_addr()?);

        let login = |user: &str, password: &str| Some((user.to_owned(), password.to_owned()));
        tokio::spawn(servers::socks5(outer, login("me", "secret")));
        tokio::spawn(servers::connect(inner, login("you", "hidden"), false, None));
        tokio::spawn(servers::echo(target, Some(tls)));
        Ok(here)
    }

    fn connect(&self) -> Connect {
        let [first, second] = &self.hops;
        let connect = connect(&self.url).tls(self.trust.clone());
        connect.via(first).via(second)
    }
}

fn listen() -> Result<Listener, AnyError> {
    Ok(Listener::bind("127.0.0.1:0")?)
}
