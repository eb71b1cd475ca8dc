//! `wirestack forward`: local ports, sockets and pipes, carried by a way or in WebSockets.

mod reverse;
mod rule;
mod stdio;
mod target;
mod udp;

use crate::carrier::Carrier;
use crate::exclusive::without_config;
use crate::exit::{Exit, Failure};
use crate::listen::{ListenAt, Servers};
use crate::log::{Log, LogForm, Record};
use crate::metrics::{Metrics, counted};
use crate::output::Output;
use crate::proxy::{Front, Proxy};
use crate::tunnel_end::{NearEnd, Tunnel};
use crate::way::{PreparedWay, Way};
use clap::Args;
use reverse::Reverse;
use rule::{ForwardTo, Rule};
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use target::open;
use udp::UdpWay;
use wirestack::runtime::Listener;
use wirestack::{Accepted, Connection, Engine, Identity, Serve, relay_with_timeout, serve};

/// The arguments of `forward`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, mut_args = without_config)]
pub(crate) struct ForwardArguments {
    #[command(flatten)]
    options: ForwardOptions,
    /// Carries standard input and output to this host and port, as the ProxyCommand of ssh wants it
    #[arg(short = 'W', long, value_name = "HOST:PORT", conflicts_with_all = ["local", "dynamic", "unix", "reverse"])]
    stdio: Option<String>,
    /// Takes everything from the tables `[[forward]]` of this file
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// The options of `forward`, from the command line or a file.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct ForwardOptions {
    /// Forwards a port: 8080=tcp://host:22, 8443=tls://host:443, 2222=unix:/run/x, 9000=wss://host/raw, udp:5353=udp://host:53, or 8080:host:22 as ssh writes it
    #[arg(short = 'L', long, value_name = "LISTEN=TARGET")]
    local: Vec<String>,
    /// Runs a SOCKS and HTTP proxy at this port, whose connections take the way
    #[arg(short = 'D', long, value_name = "LISTEN")]
    dynamic: Vec<String>,
    /// Forwards a Unix socket: /run/db.sock=tcp://host:5432
    #[arg(short = 'U', long, value_name = "PATH=TARGET")]
    unix: Vec<String>,
    /// Lets the far end of --tunnel listen, and carries its connections to a target here: 8080=tcp://host:22, or 8080:host:22
    #[arg(short = 'R', long, value_name = "LISTEN=TARGET", requires = "url")]
    reverse: Vec<String>,
    #[command(flatten)]
    way: Way,
    #[command(flatten)]
    tunnel: Tunnel,
    /// Cuts a connection that carries nothing for so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    #[serde(default = "idle")]
    idle_timeout: u64,
    /// Carries at most so many connections of each port at the same time
    #[arg(long, value_name = "NUMBER", default_value_t = 1000)]
    #[serde(default = "most")]
    max_connections: usize,
    /// Logs each connection to standard error in this form
    #[arg(long, value_enum, default_value_t, value_name = "FORM")]
    log: LogForm,
}

fn idle() -> u64 {
    600
}

fn most() -> usize {
    1000
}

const EXAMPLES: &str = "\
Examples:
  wirestack forward -L 2222=tcp://server:22 --via http://proxy:3128
  wirestack forward -D 1080 --via socks5h://gate:1080 --via http://proxy:3128
  wirestack forward -D 1080 --tunnel wss://example.org/tunnel     (with `wirestack serve --tunnel` there)
  wirestack forward -R 2222=tcp://localhost:22 --tunnel wss://example.org/tunnel     (example.org listens)
  ssh -o ProxyCommand='wirestack forward -W %h:%p --via http://proxy:3128' server
  wirestack forward -L udp:5353=udp://192.0.2.53:53 --via socks5h://gate:1080

LISTEN is PORT (of 127.0.0.1), :PORT (of every address), HOST:PORT or unix:PATH.";

/// Everything that is needed to forward, read and checked.
pub(crate) struct Prepared {
    rules: Vec<Rule>,
    dynamic: Vec<ListenAt>,
    reverse: Vec<(SocketAddr, Rule)>,
    near: Option<NearEnd>,
    carrier: Carrier,
    front: Front,
    way: PreparedWay,
    idle: Duration,
    log: Log,
    options: ForwardOptions,
}

/// Forwards until a signal of the system.
pub(crate) async fn run(
    mut arguments: Box<ForwardArguments>,
    output: &Output,
) -> Result<Exit, Failure> {
    arguments.options.way = arguments.options.way.with_environment();
    let all = match &arguments.config {
        Some(file) => crate::config::read(file)?.forward,
        None => vec![arguments.options.clone()],
    };
    if let Some(target) = &arguments.stdio {
        let prepared = arguments.options.prepare(true)?;
        return stdio::run(target, &prepared.carrier).await;
    }
    if all.is_empty() {
        let file = arguments.config.unwrap_or_default();
        let why = "the file has no [[forward]] table";
        return Err(Failure::usage(format!("{}: {why}", file.display())));
    }
    let all: Vec<Prepared> = all
        .iter()
        .map(|options| options.prepare(false))
        .collect::<Result<_, _>>()?;
    let mut servers = Servers::new();
    for prepared in &all {
        prepared.start(&mut servers, output).await?;
    }
    servers.run().await?;
    Ok(Exit::Done)
}

impl ForwardOptions {
    /// Reads and checks everything, and opens nothing.
    pub(crate) fn prepare(&self, stdio: bool) -> Result<Prepared, Failure> {
        let mut rules = Vec::new();
        for text in &self.local {
            rules.push(text.parse()?);
        }
        for text in &self.unix {
            rules.push(format!("unix:{text}").parse()?);
        }
        let dynamic = self.dynamic.iter().map(|text| text.parse());
        let dynamic: Vec<ListenAt> = dynamic.collect::<Result<_, _>>()?;
        let mut reverse = Vec::new();
        for text in &self.reverse {
            let rule: Rule = text.parse()?;
            reverse.push((reverse::address(text, &rule)?, rule));
        }
        if rules.is_empty() && dynamic.is_empty() && reverse.is_empty() && !stdio {
            return Err(Failure::usage(
                "nothing is to be forwarded: say -L LISTEN=TARGET, -D LISTEN, -U PATH=TARGET, -R LISTEN=TARGET or -W HOST:PORT",
            ));
        }
        if !reverse.is_empty() && !self.tunnel.is_named() {
            return Err(Failure::usage("-R wants --tunnel: its far end listens"));
        }
        crate::rules::at_least_one(&[
            ("max-connections", self.max_connections == 0),
            ("idle-timeout", self.idle_timeout == 0),
        ])?;
        let want_tls = rules.iter().any(|rule: &Rule| rule.to.wants_tls());
        let way = self.way.prepare()?;
        let way = way.with_shared_tls(want_tls || self.tunnel.is_named())?;
        let near = self.tunnel.near_end(&way)?;
        // A way that carries no datagrams is told before anything listens.
        for rule in rules.iter().filter(|_| near.is_none()) {
            if let ForwardTo::Udp(target) = &rule.to {
                UdpWay::through(way.hops_to(target)?)?;
            }
        }
        let carrier = match near.clone() {
            Some(near) => Carrier::tunnel(near),
            None => Carrier::way(way.clone()),
        };
        let log = Log::new(self.log, Arc::new(Metrics::default()));
        let mut proxy = Proxy::new(carrier.clone(), log.clone());
        proxy.idle = Duration::from_secs(self.idle_timeout);
        Ok(Prepared {
            rules,
            dynamic,
            reverse,
            near,
            carrier,
            front: proxy.front()?,
            way,
            idle: proxy.idle,
            log,
            options: self.clone(),
        })
    }
}

impl Prepared {
    async fn start(&self, servers: &mut Servers, output: &Output) -> Result<(), Failure> {
        for rule in &self.rules {
            if let (Some(at), ForwardTo::Udp(target)) = (&rule.udp, &rule.to) {
                let way = match self.near.clone() {
                    Some(near) => UdpWay::Tunnel(Box::new(near)),
                    None => UdpWay::through(self.way.hops_to(target)?)?,
                };
                let (name, task) = udp::start(at, target.clone(), way, self.log.clone())?;
                output.note(&format!("listening on udp:{name} for {}", rule.to));
                servers.add_task(task);
                continue;
            }
            for (name, listener) in rule.listen.bind()? {
                output.note(&format!("listening on {name} for {}", rule.to));
                servers.add(self.limited(self.forward(listener, rule.to.clone())));
            }
        }
        for at in &self.dynamic {
            for (name, listener) in at.bind()? {
                output.note(&format!("listening on {name} as a SOCKS and HTTP proxy"));
                servers.add(self.limited(self.front.serve(listener)));
            }
        }
        if self.reverse.is_empty() {
            return Ok(());
        }
        let here = self.options.way.to_targets_here().prepare()?;
        let here = here.with_shared_tls(self.reverse.iter().any(|rule| rule.1.to.wants_tls()))?;
        for rule in &self.reverse {
            let Some(near) = &self.near else { continue };
            let reverse = Reverse {
                at: rule.0,
                to: rule.1.to.clone(),
                near: near.clone(),
                carrier: Carrier::way(here.clone()),
                way: here.clone(),
                idle: self.idle,
                most: self.options.max_connections,
                log: self.log.clone(),
            };
            let listening = reverse.listen().await?;
            output.note(&reverse.told(&listening));
            servers.add_task(reverse.run(listening));
        }
        Ok(())
    }

    fn limited(&self, serve: Serve) -> Serve {
        let serve = serve.max_connections(self.options.max_connections);
        serve.shutdown_timeout(SHUTDOWN_TIMEOUT)
    }

    fn forward(&self, listener: Listener, to: ForwardTo) -> Serve {
        let target = Arc::new((self.carrier.clone(), self.way.clone(), to));
        let (log, idle) = (self.log.clone(), self.idle);
        serve(listener, move |client: Accepted| {
            let (target, log) = (target.clone(), log.clone());
            async move {
                let mut record = Record::new(client.peer_addr(), "forward");
                record.target = Some(target.2.to_string());
                // Boxed, so that its memory is free while bytes are carried.
                let opened = Box::pin(async {
                    let (carrier, way, to) = &*target;
                    let far = open(carrier, way, to).await;
                    let far = far.map_err(|error| error.to_string())?;
                    let near = Connection::from_transport(client, Engine::new(Identity));
                    let near = near.map_err(|error| error.to_string())?;
                    Ok(relay_with_timeout(near, far, idle))
                });
                let carried = match opened.await {
                    Ok(relaying) => counted(relaying.await),
                    Err(error) => Err(error),
                };
                log.ended(&record, &carried);
            }
        })
    }
}

/// The time for connections to end after the signal.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);
