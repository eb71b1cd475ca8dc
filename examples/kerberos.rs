//! How does a client log in to a proxy by Kerberos, with a password and without a ticket?
//!
//!     kerberos URL PROXY USER PASSWORD [KDC]

use clap::Parser;
use std::error::Error;
use std::process::ExitCode;
use wirestack::auth::SchemeContext;
use wirestack::dial::Hop;
use wirestack::kerberos::{Kerberos, SpnegoNtlm};
use wirestack::{connect, connect_stream};

/// Opens a WebSocket or a tunnel through a proxy that wants a ticket of Kerberos.
#[derive(Parser)]
struct Arguments {
    /// ws://, wss://, tcp:// or tls://
    url: String,
    /// http://, https://, h2:// or h2c://
    proxy: String,
    /// The user, as user@REALM
    user: String,
    /// The password
    password: String,
    /// The key distribution centre; without it, the name of the realm is looked up
    kdc: Option<String>,
    /// The service that the proxy is, without the host
    #[arg(long)]
    service: Option<String>,
    /// The realm, if the user does not name it
    #[arg(long)]
    realm: Option<String>,
    /// Authorities to trust beside those of the system, as PEM
    #[arg(long)]
    cacert: Option<String>,
    /// Try NTLM inside of Negotiate where there is no ticket
    #[arg(long)]
    ntlm: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
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

async fn run(arguments: Arguments) -> Result<&'static str, Box<dyn Error>> {
    let (user, password) = (arguments.user, arguments.password);
    let mut kerberos = Kerberos::new().credentials(user.as_str(), password.as_str());
    if let Some(kdc) = arguments.kdc {
        kerberos = kerberos.kdc(&kdc);
    }
    if let Some(service) = arguments.service {
        kerberos = kerberos.service(service);
    }
    if let Some(realm) = arguments.realm {
        kerberos = kerberos.realm(realm);
    }
    let hop: Hop = arguments.proxy.parse()?;
    let mut hop = hop.scheme(kerberos.scheme());
    if arguments.ntlm {
        let ntlm = |context: SchemeContext<'_>| Box::new(SpnegoNtlm::new(context)) as _;
        hop = hop.credentials(user, password).on_challenge().scheme(ntlm);
    }
    if arguments.url.starts_with("ws") {
        let mut connect = connect(arguments.url).via(hop);
        if let Some(file) = arguments.cacert {
            connect = connect.ca_file(file);
        }
        connect.await?.close(1000, "").await?;
        return Ok("opened a WebSocket");
    }
    let mut connect = connect_stream(arguments.url).via(hop);
    if let Some(file) = arguments.cacert {
        connect = connect.ca_file(file);
    }
    drop(connect.await?);
    Ok("opened a tunnel")
}
