//! How does a WebSocket nest in SOCKS5, HTTP CONNECT and TLS? Over HTTP/1.1 and over HTTP/2.
//!
//!     nested
//!     nested URL [--http1 | --http2] [--via HOP]... [--cacert FILE] [--message TEXT]

use clap::Parser;
use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;
use wirestack::dial::Target;
use wirestack::runtime::Listener;
use wirestack::tls::rustls::ClientConfig;
use wirestack::tls::{ClientSettings, ServerSettings};
use wirestack::websocket::{Accept, Message};
use wirestack::{AccessPolicy, Connect, ForwardProxy, UserList, WebSocketServer, connect};

type AnyError = Box<dyn Error + Send + Sync>;

/// Opens a WebSocket through proxies, sends messages to an echo server, and prints how long each
/// layer took. Without a URL, the proxies and the server run in this process.
#[derive(Parser)]
struct Arguments {
    /// An echo server, such as wss://example.org/echo
    url: Option<String>,
    /// Use HTTP/1.1
    #[arg(long, conflicts_with = "http2")]
    http1: bool,
    /// Use HTTP/2
    #[arg(long)]
    http2: bool,
    /// A proxy, such as socks5h://user:password@gate:1080; repeat it for a chain, the nearest first
    #[arg(long)]
    via: Vec<String>,
    /// Authorities to trust beside those of the system, as PEM
    #[arg(long)]
    cacert: Option<String>,
    /// The text of the first message
    #[arg(long, default_value = "hello through it all")]
    message: String,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), AnyError> {
    let text = &arguments.message;
    let Some(url) = arguments.url else {
        let here = Here::start()?;
        println!("\n== HTTP/1.1: the WebSocket has the TLS connection to itself");
        talk(here.connect().http1_only(), text).await?;
        println!("\n== HTTP/2: the WebSocket is one stream of many (RFC 8441)");
        return talk(here.connect().http2_only(), text).await;
    };
    println!("connecting to {}", url.parse::<Target>()?); // shows neither user nor query
    let mut connect = connect(url);
    if let Some(file) = arguments.cacert {
        connect = connect.ca_file(file);
    }
    for hop in arguments.via {
        connect = connect.via(hop);
    }
    if arguments.http1 {
        connect = connect.http1_only();
    } else if arguments.http2 {
        connect = connect.http2_only();
    }
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
        let (length, time) = (message.len(), sent.elapsed());
        println!("echoed {length:>8} bytes in {time:>10.3?}");
    }
    socket.close(1000, "done").await?;
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
    fn start() -> Result<Self, AnyError> {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()])?;
        let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        let tls = ServerSettings::new(chain.clone(), key).build()?;
        let trust = ClientSettings::new()
            .without_system_roots()
            .ca_certificates(chain)
            .build()?;

        let target = Listener::bind("127.0.0.1:0")?;
        let url = format!("wss://localhost:{}/echo", target.local_addr()?.port());
        println!("WebSocket echo server over TLS at {}", target.local_addr()?);
        let server = WebSocketServer::new(|_| Ok(Accept::new()))
            .subprotocols(["echo"])
            .tls(tls)
            .serve(target, |mut socket, _| async move {
                while let Some(Ok(message)) = socket.next().await {
                    if socket.send(message).await.is_err() {
                        break;
                    }
                }
            });
        tokio::spawn(async move { server.await });

        let outer = start_proxy("me", "secret")?;
        let inner = start_proxy("you", "hidden")?;
        println!("proxies with passwords at {outer} and {inner}");
        let inner = inner.replace("127.0.0.1", "localhost");
        Ok(Self {
            url,
            hops: [
                format!("socks5h://me:secret@{outer}"),
                format!("http://you:hidden@{inner}"),
            ],
            trust,
        })
    }

    fn connect(&self) -> Connect {
        let [first, second] = &self.hops;
        let connect = connect(&self.url).tls(self.trust.clone());
        connect.via(first).via(second)
    }
}

/// Starts a proxy for SOCKS and HTTP, and returns its address.
fn start_proxy(user: &str, password: &str) -> Result<String, AnyError> {
    let listener = Listener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    let proxy = ForwardProxy::new(AccessPolicy::loopback())
        .users(UserList::new().user(user, password))
        .serve(listener);
    tokio::spawn(async move { proxy.await });
    Ok(address)
}
