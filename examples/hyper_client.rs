//! How does a client of `hyper` use proxies? Fetches a page through any chain of hops.
//!
//!     hyper_client URL [--via HOP]... [--cacert FILE]...

use bytes::Bytes;
use clap::Parser;
use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use std::process::ExitCode;
use wirestack::Connector;
use wirestack::dial::DialError;

/// Fetches a page by a client of hyper, through any chain of proxies.
#[derive(Parser)]
struct Arguments {
    /// The page
    url: String,
    /// A proxy to go through, the nearest first; without one, that of the environment
    #[arg(long)]
    via: Vec<String>,
    /// A file of authorities to trust beside those of the system
    #[arg(long)]
    cacert: Vec<String>,
}

type AnyError = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(Arguments { url, via, cacert }: &Arguments) -> Result<(), AnyError> {
    let mut connector = Connector::default();
    for file in cacert {
        connector = connector.ca_file(file);
    }
    for hop in via {
        connector = connector.via(hop);
    }
    let client: Client<_, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build(connector);
    let response = client.get(url.parse()?).await.map_err(reasons)?;
    println!("{:?} {}", response.version(), response.status());
    let body = response.into_body().collect().await?.to_bytes();
    print!("{}", String::from_utf8_lossy(&body));
    Ok(())
}

/// Joins the texts of hyper's error and of its causes. An error of wirestack shows its own causes
/// already.
fn reasons(error: hyper_util::client::legacy::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source().filter(|_| !error.is::<DialError>());
    }
    text
}
