//! `wirestack connect`: a WebSocket whose lines are those of a terminal or of a pipe.

mod events;
mod input;
mod reconnecting;
mod session;

use crate::exit::{Exit, Failure};
use crate::files::fields;
use crate::output::Output;
use crate::secret;
use crate::way::Way;
use clap::Args;
use events::{Events, Form};
use http::header::AUTHORIZATION;
use input::{Input, Splitting};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;
use wirestack::http1::basic_credentials;
use wirestack::websocket::{Deflate, Keepalive, WebSocketConfig};
use wirestack::{Connect, DialContext};

/// The arguments of `connect`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ConnectArguments {
    /// The WebSocket: ws:// or wss://
    #[arg(value_name = "URL")]
    url: Option<String>,
    #[command(flatten)]
    way: Way,
    /// Sends and prints bytes as they come, in binary messages, instead of lines of text
    #[arg(short, long)]
    binary: bool,
    /// Ends each message with a zero byte instead of a line feed, in both directions
    #[arg(short = '0', long, conflicts_with = "binary")]
    null: bool,
    /// Sends one message, the whole input, waits for one message, and closes
    #[arg(short = '1', long)]
    one: bool,
    /// Prints one JSON object for each event, instead of the messages alone
    #[arg(long)]
    json: bool,
    /// Sends nothing: reads no input
    #[arg(short = 'r', long)]
    receive_only: bool,
    /// Goes on receiving after the end of the input, until the server closes
    #[arg(short = 'n', long)]
    no_close: bool,
    /// After the end of the input, closes when nothing has arrived for so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 0.3)]
    linger: f64,
    /// Connects again when the connection is lost
    #[arg(long)]
    reconnect: bool,
    /// Pings a silent server after so many seconds, and gives it up after as many again
    #[arg(long, value_name = "SECONDS")]
    ping: Option<f64>,
    /// Offers this subprotocol; again for more of them, the preferred one first
    #[arg(short, long, value_name = "NAME")]
    subprotocol: Vec<String>,
    /// Adds a field to the request: "Name: value", or @FILE with one on each line
    #[arg(short = 'H', long, value_name = "NAME: VALUE")]
    header: Vec<String>,
    /// Logs in to the server as this user; its password: --password-file, WIRESTACK_PASSWORD, or asked for
    #[arg(short, long, value_name = "USER")]
    user: Option<String>,
    /// Takes the password for --user from the first line of this file
    #[arg(long, value_name = "FILE", requires = "user")]
    password_file: Option<PathBuf>,
    /// Offers compression (permessage-deflate)
    #[arg(short = 'z', long)]
    compress: bool,
    /// Uses HTTP/1.1 only
    #[arg(long, conflicts_with = "http2")]
    http1: bool,
    /// Uses HTTP/2 only
    #[arg(long)]
    http2: bool,
    /// Takes messages of at most so many bytes
    #[arg(long, value_name = "BYTES", default_value_t = DEFAULT_MESSAGE)]
    max_message: NonZeroUsize,
    /// Tells only of failures
    #[arg(short, long)]
    quiet: bool,
}

const EXAMPLES: &str = "\
Examples:
  wirestack connect wss://echo.example.org/
  echo hello | wirestack connect wss://echo.example.org/
  wirestack connect -b wss://example.org/dump > dump.bin
  wirestack connect --reconnect --ping 30 -r --json wss://example.org/feed | jq
  wirestack connect --via http://proxy:3128 --proxy-user me --no-basic wss://example.org/

Behind the end of the input, the server has the time of a ping and of --linger for its answers.
Then comes a clean close, and what arrives before the server has closed is printed.";

/// Opens a WebSocket, and carries messages until one side ends.
pub(crate) async fn run(
    arguments: Box<ConnectArguments>,
    output: &Output,
) -> Result<Exit, Failure> {
    let prepared = arguments.way.clone().with_environment().prepare()?;
    let url = arguments.way.url(arguments.url.as_deref(), &prepared)?;
    let connect = Connect::new(&url, DialContext::new());
    let connect = prepared.apply(connect, prepared.context())?;
    let connect = configured(connect, &arguments)?;
    let form = match (arguments.json, arguments.binary, arguments.null) {
        (true, ..) => Form::Json,
        (_, true, _) => Form::Bytes,
        (_, _, true) => Form::Null,
        _ => Form::Lines,
    };
    let events = Events::new(form, arguments.quiet, *output);
    let splitting = match (arguments.one, arguments.binary, arguments.null) {
        (true, ..) => Splitting::Whole,
        (_, true, _) => Splitting::Chunks,
        (_, _, true) => Splitting::At(0),
        _ => Splitting::At(b'\n'),
    };
    let limit = arguments.max_message.get();
    let input = move || Input::start(splitting, limit);
    let input = (!arguments.receive_only).then_some(input);
    let plan = session::Plan {
        is_binary: arguments.binary,
        one: arguments.one,
        no_close: arguments.no_close || arguments.receive_only,
        linger: Duration::try_from_secs_f64(arguments.linger)
            .map_err(|_| Failure::usage("--linger takes seconds, such as 0.3"))?,
    };
    if arguments.reconnect {
        let carrying = reconnecting::run(connect, input, plan, events);
        return until_interrupted(carrying).await;
    }
    let (socket, _) = connect.traced().await?;
    let input = input.map(|start| start());
    until_interrupted(session::run(socket, input, plan, events)).await
}

/// Runs this on a thread of its own: what is printed can wait for its reader without end, and Ctrl-C is
/// heard all the same.
async fn until_interrupted(
    carrying: impl Future<Output = Result<Exit, Failure>> + Send + 'static,
) -> Result<Exit, Failure> {
    tokio::select! {
        biased; // Ctrl-C is heard before the thread begins
        _ = tokio::signal::ctrl_c() => Err(Failure::new(Exit::Interrupted, "")),
        carried = async { spawn_blocking(|| Handle::current().block_on(carrying)).await } => match carried {
            Ok(carried) => carried,
            Err(error) => std::panic::resume_unwind(error.into_panic()), // nothing cancels it
        },
    }
}

fn configured(mut connect: Connect, arguments: &ConnectArguments) -> Result<Connect, Failure> {
    let mut config = WebSocketConfig::default();
    config.max_message = arguments.max_message.get();
    config.max_frame = arguments.max_message.get();
    if let Some(seconds) = arguments.ping {
        let interval = Duration::try_from_secs_f64(seconds);
        let interval = interval.ok().filter(|interval| !interval.is_zero());
        let interval = interval
            .ok_or_else(|| Failure::usage("--ping takes seconds, more than 0, such as 30"))?;
        config.keepalive = Some(Keepalive {
            interval,
            timeout: interval,
        });
    }
    if arguments.compress {
        config.deflate = Some(Deflate::default());
    }
    connect = connect.config(config);
    for name in &arguments.subprotocol {
        connect = connect.subprotocol(name);
    }
    for text in &arguments.header {
        for (name, value) in fields(text)? {
            connect = connect.header(name, value);
        }
    }
    if let Some(user) = &arguments.user {
        let file = arguments.password_file.as_deref();
        let password = secret::of_user(user, file, "WIRESTACK_PASSWORD")?;
        let value = basic_credentials(user.as_bytes(), password.as_bytes());
        connect = connect.header(AUTHORIZATION, value.map_err(Failure::usage)?);
    }
    if arguments.http1 {
        connect = connect.http1_only();
    }
    if arguments.http2 {
        connect = connect.http2_only();
    }
    Ok(connect)
}

/// The size of a message, in bytes, that `--max-message` has by itself.
const DEFAULT_MESSAGE: NonZeroUsize = NonZeroUsize::new(16 << 20).expect("more than none");
