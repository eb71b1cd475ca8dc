//! How does a client of `hyper` use proxies? Fetches a page through any chain of hops.
//!
//!     hyper_client URL [--via HOP]... [--cacert FILE]
#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // a program, not a layer

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use wirestack::Connector;
use wirestack::dial::DialError;
use wirestack_examples::AnyError;
use wirestack_examples::arguments::Arguments;

#[tokio::main]
async fn main() -> Result<(), AnyError> {
    let arguments = Arguments::read(&[("--via", 1), ("--cacert", 1)])?;
    let [url] = &arguments.plain[..] else {
        return Err("usage: hyper_client URL [--via HOP]... [--cacert FILE]".into());
    };
    let mut connector = Connector::default().tls(arguments.client_tls()?);
    for hop in arguments.all("--via") {
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
