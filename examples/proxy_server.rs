//! How is a proxy server run? SOCKS4, SOCKS4a, SOCKS5, HTTP/1.1 and HTTP/2 at one port, with users,
//! a policy, other proxies behind it, an access log and a graceful end.
//!
//!     proxy_server [OPTIONS]

use std::error::Error;
use std::fs;
use std::time::Duration;
use wirestack::runtime::Listener;
use wirestack::tls::ServerSettings;
use wirestack::{AccessPolicy, ForwardProxy, UserList};

const HELP: &str = "\
usage: proxy_server [OPTIONS]
  --listen ADDRESS:PORT  where clients come: 127.0.0.1:3128 if it is left out
  --unix PATH            a Unix socket instead
  --users FILE           lines of name:password; without it everybody is served
  --tls CHAIN KEY        speak TLS with clients: two PEM files
  --via HOP              connect through this proxy; repeat it for a chain, the nearest first
  --inside               clients may also reach the network that this machine is in
  --allow NETWORK        clients may reach this network too, such as 10.1.2.0/24
  --deny-host PATTERN    clients may not reach these hosts, such as *.internal
  --port PORT            a port of the targets beside 80 and 443
It ends at SIGINT and SIGTERM: tunnels have 30 seconds then.";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (mut listen, mut unix) = ("127.0.0.1:3128".to_owned(), None);
    let (mut users, mut tls, mut hops) = (None, None, Vec::new());
    let (mut inside, mut allowed, mut denied) = (false, Vec::new(), Vec::new());
    let mut ports = vec![80, 443];
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{name} wants a value"));
        match name.as_str() {
            "--listen" => listen = value()?,
            "--unix" => unix = Some(value()?),
            "--users" => users = Some(read_users(&value()?)?),
            "--tls" => tls = Some((fs::read(value()?)?, fs::read(value()?)?)),
            "--via" => hops.push(value()?),
            "--inside" => inside = true,
            "--allow" => allowed.push(value()?.parse()?),
            "--deny-host" => denied.push(value()?),
            "--port" => ports.push(value()?.parse()?),
            "--help" | "-h" => {
                println!("{HELP}");
                return Ok(());
            }
            _ => return Err(format!("{name} is not known\n{HELP}").into()),
        }
    }

    let mut policy = if inside {
        AccessPolicy::everything()
    } else {
        AccessPolicy::public().ports(ports)
    };
    for pattern in denied {
        policy = policy.deny_host(&pattern, ..);
    }
    for network in allowed {
        policy = policy.allow(network, ..);
    }
    let mut proxy = ForwardProxy::new(policy).access_log(|record| println!("{record}"));
    if let Some(users) = users {
        proxy = proxy.users(users); // or `authenticate`, with your own hashes
    }
    if let Some((chain, key)) = tls {
        proxy = proxy.tls(ServerSettings::new(chain, key).build()?);
    }
    for hop in hops {
        proxy = proxy.via(hop.as_str());
    }
    let listener = match unix {
        Some(path) => Listener::bind_unix(path)?,
        None => Listener::bind(listen)?,
    };
    eprintln!("listening on {}", listener.local_addr()?);
    proxy
        .serve(listener)
        .max_connections(10_000)
        .on_accept_error(|error| eprintln!("cannot accept: {error}"))
        .graceful_shutdown(told_to_end())
        .shutdown_timeout(Duration::from_secs(30))
        .await?;
    Ok(())
}

fn read_users(path: &str) -> Result<UserList, Box<dyn Error>> {
    let text = fs::read_to_string(path)?;
    let lines = text.lines().filter(|line| !line.is_empty());
    let users: Option<UserList> = lines.map(|line| line.split_once(':')).collect();
    users.ok_or_else(|| format!("{path}: each line wants name:password").into())
}

async fn told_to_end() {
    #[cfg(unix)]
    let terminated = async {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => signal.recv().await,
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<()>();
    tokio::select! {
        _ = terminated => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
