//! How does a client log in to a proxy by Kerberos, with a password and without a ticket?
//!
//!     kerberos URL PROXY USER PASSWORD [KDC] [--service NAME] [--realm REALM] [--cacert FILE] [--ntlm]
//!
//! The URL has `ws`, `wss`, `tcp` or `tls`; the proxy `http`, `https`, `h2` or `h2c`. The user is
//! `user@REALM`. Without a KDC the name of the realm is looked up. With `--ntlm`, NTLM inside of
//! Negotiate is tried where there is no ticket. The program opens the WebSocket or
//! the tunnel, and prints one line.

use std::process::ExitCode;
use wirestack::auth::SchemeContext;
use wirestack::dial::Hop;
use wirestack::kerberos::{Kerberos, SpnegoNtlm};
use wirestack::{connect, connect_stream};
use wirestack_examples::AnyError;
use wirestack_examples::arguments::Arguments;

const OPTIONS: &[(&str, usize)] = &[
    ("--service", 1),
    ("--realm", 1),
    ("--cacert", 1),
    ("--ntlm", 0),
];

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(opened) => {
            println!("{opened}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            println!("failed: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<&'static str, AnyError> {
    let arguments = Arguments::read_or_help(include_str!("kerberos.rs"), OPTIONS)?;
    let words: Vec<&str> = arguments.plain.iter().map(String::as_str).collect();
    let (url, proxy, user, password, kdc) = match words[..] {
        [url, proxy, user, password] => (url, proxy, user, password, None),
        [url, proxy, user, password, kdc] => (url, proxy, user, password, Some(kdc)),
        _ => return Err("usage: kerberos URL PROXY USER PASSWORD [KDC]".into()),
    };
    let mut kerberos = Kerberos::new().credentials(user, password);
    if let Some(kdc) = kdc {
        kerberos = kerberos.kdc(kdc);
    }
    if let Some(service) = arguments.last("--service") {
        kerberos = kerberos.service(service);
    }
    if let Some(realm) = arguments.last("--realm") {
        kerberos = kerberos.realm(realm);
    }
    let hop: Hop = proxy.parse()?;
    let mut hop = hop.scheme(kerberos.scheme());
    if arguments.has("--ntlm") {
        let ntlm = |context: SchemeContext<'_>| Box::new(SpnegoNtlm::new(context)) as _;
        hop = hop.credentials(user, password).on_challenge().scheme(ntlm);
    }
    let tls = arguments.client_tls()?;
    if url.starts_with("ws") {
        let mut socket = connect(url).via(hop).tls(tls).await?;
        socket.close(1000, "").await?;
        return Ok("opened a WebSocket");
    }
    let stream = connect_stream(url).via(hop).tls(tls).await?;
    drop(stream);
    Ok("opened a tunnel")
}
