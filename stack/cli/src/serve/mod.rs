//! `wirestack serve`: a proxy server, and the far end of tunnels in WebSockets.

mod datagrams;
mod listeners;
mod policy;
mod tunnels;

use crate::carrier::Carrier;
use crate::exclusive::without_config;
use crate::exit::{Exit, Failure};
use crate::listen::{ListenAt, Servers};
use crate::log::{Log, LogForm};
use crate::metrics::Metrics;
use crate::output::Output;
use crate::proxy::{Front, HANDSHAKE, IDLE, Proxy};
use crate::users::Users;
use crate::way::Way;
use clap::Args;
use http::uri::PathAndQuery;
use policy::PolicyOptions;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tunnels::Tunnels;
use wirestack::Serve;
use wirestack::tls::ServerSettings;
use wirestack::tls::rustls::ServerConfig;

/// The arguments of `serve`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, mut_args = without_config)]
pub(crate) struct ServeArguments {
    #[command(flatten)]
    options: ServeOptions,
    /// Takes everything from the tables `[[serve]]` of this file
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// The options of `serve`, from the command line or a file.
#[derive(Args, Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct ServeOptions {
    /// Serves SOCKS4, SOCKS4a, SOCKS5, HTTP CONNECT and plain HTTP at this address; the first bytes tell them apart
    #[arg(short, long, value_name = "LISTEN")]
    listen: Vec<String>,
    /// Serves tunnels in WebSockets at this address, for `wirestack forward --tunnel`
    #[arg(long, value_name = "LISTEN")]
    tunnel: Vec<String>,
    /// Serves tunnels at this path only
    #[arg(long, value_name = "PATH")]
    tunnel_path: Option<String>,
    /// Lets clients of tunnels listen here (forward -R), in the order of the rules: "allow 0.0.0.0/0 8080", "deny 127.0.0.0/8"
    #[arg(long = "listen-rule", value_name = "RULE")]
    #[serde(rename = "listen-rules")]
    listen_rules: Vec<String>,
    /// Lets in only the users of this file; `wirestack passwd` makes its lines
    #[arg(long, value_name = "FILE")]
    users: Option<PathBuf>,
    #[command(flatten)]
    policy: PolicyOptions,
    /// Serves BIND and UDP ASSOCIATE of SOCKS5 too, and datagrams in tunnels
    #[arg(long)]
    all_commands: bool,
    /// Speaks TLS with the certificate in this file
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Takes the private key of --tls-cert from this file
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Lets in only clients with a certificate of the authorities in this file
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    client_ca: Option<PathBuf>,
    /// Wants a PROXY header (version 1 or 2) before the bytes of each client of the proxy
    #[arg(long)]
    proxy_header: bool,
    /// Serves at most so many clients of each address at the same time
    #[arg(long, value_name = "NUMBER", default_value_t = 1000)]
    max_connections: usize,
    /// Gives a client so many seconds for its handshake
    #[arg(long, value_name = "SECONDS", default_value_t = HANDSHAKE.as_secs())]
    handshake_timeout: u64,
    /// Cuts a tunnel that carries nothing for so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = IDLE.as_secs())]
    idle_timeout: u64,
    /// Gives clients so many seconds to end after SIGTERM or Ctrl-C
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    shutdown_timeout: u64,
    /// Logs each request to standard error in this form
    #[arg(long, value_enum, default_value_t, value_name = "FORM")]
    log: LogForm,
    /// Shows counters, as Prometheus reads them, at this Unix socket
    #[arg(long, value_name = "PATH")]
    metrics: Option<PathBuf>,
    #[command(flatten)]
    way: Way,
}

const EXAMPLES: &str = "\
Examples:
  wirestack serve                                        at 127.0.0.1:1080, to the public Internet
  wirestack passwd me >> users
  wirestack serve -l :1080 --users users --tls-cert cert.pem --tls-key key.pem
  wirestack serve -l 1080 --via http://me@upstream:3128 --policy everything
  wirestack serve --tunnel :8443 --tls-cert cert.pem --tls-key key.pem --users users --policy nothing --rule 'allow 10.0.0.0/8 22'
  wirestack serve -l systemd --log json --metrics /run/wirestack.sock

Without --policy, clients reach the public Internet at the ports 80 and 443, and nothing else.
Without --listen-rule, they listen at ports of 127.0.0.1 and ::1 from 1024, and only if they log in.
LISTEN is PORT (of 127.0.0.1), :PORT (of every address), HOST:PORT, unix:PATH or systemd.";

impl Default for ServeOptions {
    fn default() -> Self {
        Self {
            listen: Vec::new(),
            tunnel: Vec::new(),
            tunnel_path: None,
            listen_rules: Vec::new(),
            users: None,
            policy: PolicyOptions::default(),
            all_commands: false,
            tls_cert: None,
            tls_key: None,
            client_ca: None,
            proxy_header: false,
            max_connections: 1000,
            handshake_timeout: HANDSHAKE.as_secs(),
            idle_timeout: IDLE.as_secs(),
            shutdown_timeout: 10,
            log: LogForm::default(),
            metrics: None,
            way: Way::default(),
        }
    }
}

/// Everything that is needed to serve, read and checked.
pub(crate) struct Prepared {
    listen: Vec<ListenAt>,
    tunnel: Vec<ListenAt>,
    proxy: Proxy,
    front: Front,
    tunnels: Tunnels,
    metrics: Option<PathBuf>,
    most: usize,
    shutdown_timeout: Duration,
}

/// Serves until a signal of the system.
pub(crate) async fn run(
    mut arguments: Box<ServeArguments>,
    output: &Output,
) -> Result<Exit, Failure> {
    arguments.options.way = arguments.options.way.with_environment();
    let all = match &arguments.config {
        Some(file) => crate::config::read(file)?.serve,
        None => vec![arguments.options],
    };
    if all.is_empty() {
        let file = arguments.config.unwrap_or_default();
        let why = "the file has no [[serve]] table";
        return Err(Failure::usage(format!("{}: {why}", file.display())));
    }
    let all: Vec<_> = all
        .iter()
        .map(ServeOptions::prepare)
        .collect::<Result<_, _>>()?;
    let mut servers = Servers::new();
    for prepared in all {
        prepared.start(&mut servers, output)?;
    }
    servers.run().await?;
    Ok(Exit::Done)
}

impl ServeOptions {
    /// Reads and checks everything, and opens nothing.
    pub(crate) fn prepare(&self) -> Result<Prepared, Failure> {
        let parse = |texts: &[String]| {
            texts
                .iter()
                .map(|text| text.parse())
                .collect::<Result<Vec<ListenAt>, _>>()
        };
        let (mut listen, tunnel) = (parse(&self.listen)?, parse(&self.tunnel)?);
        if listen.is_empty() && tunnel.is_empty() {
            listen.push("1080".parse()?);
        }
        if let Some(path) = self.tunnel_path.as_deref().filter(|it| !is_path(it)) {
            return Err(Failure::usage(format!(
                "--tunnel-path {path:?}: no request has this path; write it as in a URL, with a / before it and no query: /tunnel"
            )));
        }
        crate::rules::at_least_one(&[
            ("max-connections", self.max_connections == 0),
            ("handshake-timeout", self.handshake_timeout == 0),
            ("idle-timeout", self.idle_timeout == 0),
        ])?;
        let policy = self.policy.policy()?;
        let way = self.way.prepare()?.with_shared_tls(false)?;
        let carrier = if way.is_named() {
            Carrier::way(way).with_policy(policy)
        } else {
            Carrier::direct(policy, way.timeouts())
        };
        let users = self
            .users
            .as_deref()
            .map(Users::read)
            .transpose()?
            .map(Arc::new);
        let log = Log::new(self.log, Arc::new(Metrics::default()));
        let mut proxy = Proxy::new(carrier, log);
        proxy.users = users;
        proxy.tls = self.tls()?;
        proxy.all_commands = self.all_commands;
        proxy.proxy_header = self.proxy_header;
        proxy.handshake = Duration::from_secs(self.handshake_timeout);
        proxy.idle = Duration::from_secs(self.idle_timeout);
        let is_locked = self.users.is_some() || self.client_ca.is_some();
        let listening = policy::listening(&self.listen_rules, is_locked)?;
        Ok(Prepared {
            tunnels: Tunnels::new(
                proxy.clone(),
                self.tunnel_path.clone(),
                listening,
                self.max_connections,
            ),
            listen,
            tunnel,
            front: proxy.front()?,
            proxy,
            metrics: self.metrics.clone(),
            most: self.max_connections,
            shutdown_timeout: Duration::from_secs(self.shutdown_timeout),
        })
    }

    fn tls(&self) -> Result<Option<Arc<ServerConfig>>, Failure> {
        let (chain, key) = match (&self.tls_cert, &self.tls_key) {
            (Some(chain), Some(key)) => (chain, key),
            // Without TLS, nobody would be asked for a certificate.
            (None, None) if self.client_ca.is_some() => {
                return Err(Failure::usage("client-ca wants tls-cert and tls-key"));
            }
            (None, None) => return Ok(None),
            _ => return Err(Failure::usage("tls-cert and tls-key belong together")),
        };
        let mut settings = ServerSettings::new(read(chain)?, read(key)?);
        if let Some(file) = &self.client_ca {
            settings = settings.require_client_certificates(read(file)?);
        }
        let config = settings.alpn(["h2", "http/1.1"]).build();
        config
            .map(Some)
            .map_err(|error| Failure::usage(format!("{}: {error}", chain.display())))
    }
}

impl Prepared {
    fn start(self, servers: &mut Servers, output: &Output) -> Result<(), Failure> {
        let users = match self.proxy.users.as_ref().map(|users| users.len()) {
            None => String::new(),
            Some(1) => ", for 1 user".to_owned(),
            Some(n) => format!(", for {n} users"),
        };
        let tls = self.proxy.tls.as_ref().map_or("", |_| ", over TLS");
        let lock = format!("{tls}{users}");
        for at in &self.listen {
            for (name, listener) in at.bind()? {
                output.note(&format!(
                    "listening on {name} as a SOCKS and HTTP proxy{lock}"
                ));
                servers.add(self.limited(self.front.serve(listener)));
            }
        }
        for at in &self.tunnel {
            for (name, listener) in at.bind()? {
                output.note(&format!(
                    "listening on {name} for tunnels in WebSockets{lock}"
                ));
                servers.add(self.limited(self.tunnels.serve(listener)));
            }
        }
        if let Some(path) = &self.metrics {
            for (name, listener) in ListenAt::Unix(path.clone()).bind()? {
                output.note(&format!("listening on {name} for readers of the counters"));
                servers.add(self.proxy.log.metrics().serve(listener));
            }
        }
        Ok(())
    }

    fn limited(&self, serve: Serve) -> Serve {
        let serve = serve.max_connections(self.most);
        serve.shutdown_timeout(self.shutdown_timeout)
    }
}

/// Returns `true` if a request can have this path.
fn is_path(text: &str) -> bool {
    let read = text.parse::<PathAndQuery>();
    text.starts_with('/') && read.is_ok_and(|read| read.path() == text)
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| Failure::usage(format!("{}: {error}", path.display())))
}
