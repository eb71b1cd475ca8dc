//! `wirestack probe`: opens the way to a target and shows it.

mod certificate;
mod finding;
mod json;
mod live;
mod opened;
mod routes;

use crate::exit::{Exit, Failure};
use crate::output::{Output, Paint, json_text};
use crate::way::Way;
use clap::Args;
use opened::Opened;
use std::time::Duration;
use tokio::time::timeout;
use wirestack::dial::{DialError, Target};
use wirestack::websocket::CloseCode;
use wirestack::{Connect, ConnectStream, DialContext};

/// The arguments of `probe`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ProbeArguments {
    /// The target: ws://, wss://, http://, https://, tcp:// or tls://
    #[arg(value_name = "URL")]
    url: Option<String>,
    #[command(flatten)]
    way: Way,
    /// Shows all ways that the environment, the system and --pac name for this target, and opens none
    #[arg(long)]
    all_routes: bool,
    /// Offers this subprotocol of WebSocket
    #[arg(short, long, value_name = "NAME")]
    subprotocol: Vec<String>,
    /// Adds a field to the request that opens the WebSocket: "Name: value", or @FILE with one on each line
    #[arg(short = 'H', long, value_name = "NAME: VALUE")]
    header: Vec<String>,
    /// Opens the WebSocket over HTTP/1.1 only
    #[arg(long, conflicts_with = "http2")]
    http1: bool,
    /// Opens the WebSocket over HTTP/2 only
    #[arg(long)]
    http2: bool,
    /// Prints one JSON object instead of text
    #[arg(long)]
    json: bool,
    /// Prints no steps while they happen
    #[arg(short, long)]
    quiet: bool,
}

const EXAMPLES: &str = "\
Examples:
  wirestack probe wss://echo.example.org/
  wirestack probe wss://echo.example.org/ --via socks5h://gate:1080 --via http://proxy:3128
  wirestack probe --stack 'connect(proxy:3128, user=me, password-file=pw, ntlm) | tls(example.org:443)'
  wirestack probe --all-routes https://example.org/
  wirestack probe --json tls://example.org:443 | jq .certificates";

/// Probes a target.
pub(crate) async fn run(arguments: Box<ProbeArguments>, output: &Output) -> Result<Exit, Failure> {
    let prepared = arguments.way.clone().with_environment().prepare()?;
    let url = arguments.way.url(arguments.url.as_deref(), &prepared)?;
    let target: Target = url.parse().map_err(Failure::usage)?;
    if arguments.all_routes {
        return routes::run(&url, &target, &prepared, arguments.json, output).await;
    }
    let mut context = prepared.context();
    if !arguments.json && !arguments.quiet {
        context = live::showing(context, *output);
    }
    let result = if target.must_be_websocket().is_ok() {
        let mut connect = prepared.apply(Connect::new(&url, DialContext::new()), context)?;
        for name in &arguments.subprotocol {
            connect = connect.subprotocol(name);
        }
        for text in &arguments.header {
            for (name, value) in crate::files::fields(text)? {
                connect = connect.header(name, value);
            }
        }
        if arguments.http1 {
            connect = connect.http1_only();
        }
        if arguments.http2 {
            connect = connect.http2_only();
        }
        websocket(connect).await
    } else {
        let mut connect = prepared.apply(ConnectStream::new(&url, DialContext::new()), context)?;
        if url.starts_with("https:") {
            connect = connect.alpn(&[b"h2", b"http/1.1"]);
        }
        stream(connect).await
    };
    if arguments.json {
        output.line(&json_text(&json::report(&target, &result)));
        return Ok(match result {
            Ok(_) => Exit::Done,
            Err(error) => Exit::of(error.reason()),
        });
    }
    match result {
        Ok(opened) => {
            opened.print(output);
            let done = output.painted(Paint::Green, "open");
            output.line(&format!("{done}: {target}"));
            Ok(Exit::Done)
        }
        Err(error) => {
            let waterfall = error.trace().waterfall().to_string();
            if error.trace().events().next().is_some() {
                output.line(waterfall.trim_end());
            }
            Err(error.into())
        }
    }
}

async fn websocket(connect: Connect) -> Result<Opened, DialError> {
    let (mut socket, trace) = connect.traced().await?;
    let mut opened = Opened::new(&socket, trace);
    opened.subprotocol = socket.subprotocol().map(str::to_owned);
    opened.response = socket.response().cloned();
    // The server's word at the end changes nothing in what was seen.
    let _ = timeout(GOODBYE, socket.close(CloseCode::NORMAL, "")).await;
    Ok(opened)
}

async fn stream(connect: ConnectStream) -> Result<Opened, DialError> {
    let (connection, trace) = connect.traced().await?;
    let opened = Opened::new(&connection, trace);
    let _ = connection.finish(GOODBYE).await;
    Ok(opened)
}

/// The time for the goodbye of a target.
const GOODBYE: Duration = Duration::from_millis(500);
