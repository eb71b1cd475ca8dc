//! How does a program get out of a company's network? Opens a WebSocket, sends a message to an echo
//! server and prints one line.
//!
//!     corporate URL [--via HOP]... [--system-proxy]
//!         [--pac URL] [--direct-if-broken] [--also-for-local]
//!         [--proxy-user USER:PASSWORD] [--on-challenge] [--default-credentials] [--kdc ADDRESS]
//!         [--cacert FILE] [--proxy-cert FILE --proxy-key FILE]
//!         [--connections COUNT] [--patience SECONDS] [--trace]
//!
//! User and password may stand in a hop too: `http://user:password@proxy:3128`.
//! `--default-credentials` logs in as the user who is logged in, by the ticket of the system;
//! `--kdc` logs in by a ticket that this key distribution centre gives for the password.
//! `--connections` opens so many WebSockets at once. `--trace` prints all that is known of the way
//! there, and all that is logged meanwhile.

use std::process::exit;
use std::time::Duration;
use wirestack::dial::{Hop, Timeouts};
use wirestack::kerberos::Kerberos;
use wirestack::pac::Pac;
use wirestack::websocket::{CloseCode, Message};
use wirestack::{Connect, WebSocket, connect};
use wirestack_programs::arguments::Arguments;
use wirestack_programs::{AnyError, log};

const OPTIONS: &[(&str, usize)] = &[
    ("--via", 1),
    ("--pac", 1),
    ("--direct-if-broken", 0),
    ("--also-for-local", 0),
    ("--system-proxy", 0),
    ("--proxy-user", 1),
    ("--on-challenge", 0),
    ("--default-credentials", 0),
    ("--kdc", 1),
    ("--cacert", 1),
    ("--proxy-cert", 1),
    ("--proxy-key", 1),
    ("--connections", 1),
    ("--patience", 1),
    ("--trace", 0),
];
const MESSAGE: &str = "hello from inside";

#[tokio::main]
async fn main() {
    // `exit` does not wait for a thread that still waits for a key distribution centre.
    match run().await {
        Ok(line) => {
            println!("{line}");
            exit(0)
        }
        Err(error) => {
            eprintln!("failed: {error}");
            exit(1)
        }
    }
}

async fn run() -> Result<String, AnyError> {
    let arguments = Arguments::read_or_help(include_str!("corporate.rs"), OPTIONS)?;
    if arguments.has("--trace") {
        log::to_standard_error();
    }
    let connect = configured(&arguments)?;
    let count: usize = arguments.last("--connections").unwrap_or("1").parse()?;
    let opening: Vec<_> = (0..count)
        .map(|_| tokio::spawn(opened(connect.clone(), arguments.has("--trace"))))
        .collect();
    let mut sockets = Vec::new();
    for one in opening {
        sockets.push(one.await??);
    }
    for socket in &mut sockets {
        echo(socket).await?;
    }
    Ok(format!("{count} open at once, each echoed {MESSAGE:?}"))
}

/// The builder as the command line wants it.
fn configured(arguments: &Arguments) -> Result<Connect, AnyError> {
    let url = arguments
        .plain
        .first()
        .ok_or("usage: corporate URL [OPTIONS]")?;
    let mut connect = connect(url);
    if let Some(url) = arguments.last("--pac") {
        let mut pac = Pac::url(url)?;
        if arguments.has("--direct-if-broken") {
            pac = pac.direct_if_broken();
        }
        if arguments.has("--also-for-local") {
            pac = pac.also_for_local();
        }
        connect = connect.pac(pac);
    }
    if arguments.has("--system-proxy") {
        connect = connect.system_proxy();
    }
    for hop in arguments.all("--via") {
        connect = connect.via(hop);
    }
    if let Some(file) = arguments.last("--cacert") {
        connect = connect.ca_file(file);
    }
    if let Some(seconds) = arguments.last("--patience") {
        let mut timeouts = Timeouts::default();
        timeouts.layer = Duration::from_secs(seconds.parse()?);
        timeouts.find_routes = timeouts.layer;
        connect = connect.timeouts(timeouts);
    }
    logging_in(connect, arguments)
}

/// Returns the builder with the credentials of the user for each proxy.
fn logging_in(mut connect: Connect, arguments: &Arguments) -> Result<Connect, AnyError> {
    if let Some(login) = arguments.last("--proxy-user") {
        let (user, password) = login
            .split_once(':')
            .ok_or("--proxy-user takes user:password")?;
        let (user, password) = (user.to_owned(), password.to_owned());
        connect = connect.each_hop(move |hop| hop.credentials(user.clone(), password.clone()));
    }
    if arguments.has("--on-challenge") {
        connect = connect.each_hop(Hop::on_challenge);
    }
    if arguments.has("--default-credentials") {
        connect = connect.default_credentials();
    }
    if let Some(kdc) = arguments.last("--kdc") {
        let kerberos = Kerberos::new().kdc(kdc);
        connect = connect.each_hop(move |hop| hop.scheme(kerberos.clone().scheme()));
    }
    if let (Some(chain), Some(key)) = (
        arguments.last("--proxy-cert"),
        arguments.last("--proxy-key"),
    ) {
        let (chain, key) = (chain.to_owned(), key.to_owned());
        connect = connect.each_hop(move |hop| hop.client_certificate(chain.clone(), key.clone()));
    }
    Ok(connect)
}

/// Opens the WebSocket, and prints how that went.
async fn opened(connect: Connect, tells: bool) -> Result<WebSocket, AnyError> {
    match connect.traced().await {
        Ok((socket, trace)) => {
            if tells {
                eprintln!("{}\n{trace:?}", trace.waterfall());
            }
            Ok(socket)
        }
        Err(error) => {
            if tells {
                eprintln!("{}\n{error:?}", error.trace().waterfall());
            }
            Err(error.into())
        }
    }
}

async fn echo(socket: &mut WebSocket) -> Result<(), AnyError> {
    socket.send(Message::text(MESSAGE)).await?;
    let echo = socket.next().await.ok_or("closed before the echo")??;
    if echo != Message::text(MESSAGE) {
        return Err("the echo differs from the message".into());
    }
    socket.close(CloseCode::NORMAL, "done").await?;
    Ok(())
}
