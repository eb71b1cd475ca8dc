//! How does a protocol of one's own run over TLS and proxies? The greeting of SMTP (RFC 5321), as a
//! layer over the stream that `connect_stream` opens.
//!
//!     own_layer URL [--via HOP]... [--cacert FILE]

use clap::Parser;
use std::fmt;
use std::process::ExitCode;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use wirestack::connect_stream;
use wirestack::{Error, Escaped, Tunnel};

/// Greets a mail server, prints what it offers and how long each step took, and says goodbye.
#[derive(Parser)]
struct Arguments {
    /// The server, such as tls://mail.example.org:465
    url: String,
    /// A proxy to go through, the nearest first; without one, that of the environment
    #[arg(long)]
    via: Vec<String>,
    /// A file of authorities to trust beside those of the system
    #[arg(long)]
    cacert: Option<String>,
}

/// The greeting of the server. A trace shows it in one line.
#[derive(Debug, Default)]
struct Greeting {
    name: String,
    extensions: Vec<String>,
}

impl fmt::Display for Greeting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let extensions = self.extensions.len();
        write!(
            f,
            "{}, {extensions} extensions",
            Escaped::excerpt(&self.name)
        )
    }
}

/// The layer: the greeting of the server, EHLO, and the reply. Then it is a plain tunnel.
fn greeting() -> Tunnel<Greeting> {
    Tunnel::with_state("smtp", Greeting::default(), async |wire| {
        loop {
            let line = wire.read_line(512, "the greeting").await?;
            let (is_last, text) = reply(&line, b"220")?;
            wire.state(|greeting| greeting.name = text);
            if is_last {
                break;
            }
        }
        wire.write("EHLO client.invalid\r\n").await;
        for _ in 0..100 {
            let line = wire.read_line(512, "the reply to EHLO").await?;
            let (is_last, text) = reply(&line, b"250")?;
            wire.state(|greeting| greeting.extensions.push(text));
            if is_last {
                return Ok(());
            }
        }
        Err(Error::peer(
            "smtp",
            "the reply to EHLO has more than 100 lines",
        ))
    })
}

/// Reads one line of a reply (RFC 5321 §4.2.1). Returns `true` if it is the last one.
fn reply(line: &[u8], wanted: &[u8]) -> Result<(bool, String), Error> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    match line.strip_prefix(wanted) {
        Some(text) => {
            let is_last = !text.starts_with(b"-");
            let text = text.get(1..).unwrap_or_default();
            Ok((is_last, String::from_utf8_lossy(text).into_owned()))
        }
        None => {
            let text = String::from_utf8_lossy(line).into_owned();
            Err(Error::peer(
                "smtp",
                format!("refused: {}", Escaped::excerpt(&text)),
            ))
        }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut connect = connect_stream(arguments.url);
    for hop in arguments.via {
        connect = connect.via(hop);
    }
    if let Some(file) = arguments.cacert {
        connect = connect.ca_file(file);
    }
    let (connection, trace) = match connect.then(|_| Ok(greeting())).traced().await {
        Ok(opened) => opened,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    println!("{}", trace.waterfall());
    if let Some(layer) = connection.part::<Tunnel<Greeting>>() {
        for extension in &layer.state().extensions {
            println!("{}", Escaped::excerpt(extension));
        }
    }
    match goodbye(connection).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// From here on the connection is a stream of bytes, as any other one.
async fn goodbye(
    mut connection: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
) -> std::io::Result<()> {
    connection.write_all(b"QUIT\r\n").await?;
    connection.flush().await?;
    let mut answer = String::new();
    BufReader::new(connection).read_line(&mut answer).await?;
    println!("{}", Escaped::excerpt(answer.trim_end()));
    Ok(())
}
