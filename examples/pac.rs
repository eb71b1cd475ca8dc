//! How does a program use a proxy auto-config file? Connects by the proxies that it names for a URL.
//!
//!     pac URL FILE

use clap::Parser;
use std::process::ExitCode;
use wirestack::connect_stream;

/// Connects by the proxies that a proxy auto-config file names, and shows each step with its time.
#[derive(Parser)]
struct Arguments {
    /// The target: wss://, ws://, https://, http://, tls:// or tcp://
    url: String,
    /// The file: http://, https://, file:// or data:
    pac: String,
}

#[tokio::main]
async fn main() -> ExitCode {
    let Arguments { url, pac } = &Arguments::parse();
    let trace = if url.starts_with("ws") {
        let connect = wirestack::connect(url).pac(pac.as_str());
        connect.traced().await.map(|(_, trace)| trace)
    } else {
        let connect = connect_stream(url).pac(pac.as_str());
        connect.traced().await.map(|(_, trace)| trace)
    };
    match trace {
        Ok(trace) => {
            print!("{}", trace.waterfall());
            ExitCode::SUCCESS
        }
        Err(error) => {
            print!("{}", error.trace().waterfall());
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
