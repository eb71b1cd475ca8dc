//! The scenarios of the simulated network through every driver, over loopback.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // sockets are the subject

#[path = "support/net.rs"]
mod net;
#[path = "support/scenarios.rs"]
mod scenarios;

mod support {
    pub(crate) use super::net;
}

use net::{End, Flaw, Host, Net, Node, PASSWORD, Service, USER};
use scenarios::{Scenario, scenarios};
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::runtime::Runtime;
use wirestack::Instant;
use wirestack::dial::{Credentials, DialError, Timeouts};
use wirestack::runtime::{AddressStream, Resolve};
use wirestack::{DialContext, Error, connect};

/// Where each name leads on this machine.
#[derive(Clone)]
struct Names(Arc<HashMap<String, Vec<SocketAddr>>>);

impl Names {
    fn find(&self, host: &str) -> io::Result<Vec<SocketAddr>> {
        let found = self.0.get(host).cloned();
        found.ok_or_else(|| io::Error::other("no such name"))
    }
}

/// Gives every address of a network a place on this machine.
async fn settle(net: &Arc<Net>) -> (Names, Vec<TcpSocket>) {
    let mut places = HashMap::new();
    let mut closed = Vec::new();
    for (address, host) in &net.hosts {
        let place = match host {
            Host::Opens(service, flaw) => {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                let place = listener.local_addr().unwrap();
                tokio::spawn(serve(listener, net.clone(), service.clone(), *flaw));
                place
            }
            _ => {
                // Bound and not listening: it refuses, and nobody else gets the port.
                let socket = TcpSocket::new_v4().unwrap();
                socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
                let place = socket.local_addr().unwrap();
                closed.push(socket);
                place
            }
        };
        places.insert(*address, place);
    }
    let place = |addresses: &Vec<SocketAddr>| addresses.iter().map(|it| places[it]).collect();
    let names = net.names.iter().map(|(name, at)| (name.clone(), place(at)));
    (Names(Arc::new(names.collect())), closed)
}

async fn serve(listener: TcpListener, net: Arc<Net>, service: Service, flaw: Flaw) {
    loop {
        let (io, _) = listener.accept().await.unwrap();
        let node = Node::new(&net, &service, flaw);
        tokio::spawn(talk(io, node));
    }
}

async fn talk(mut io: TcpStream, mut node: Node) {
    let mut buf = [0; 4096];
    while let Ok(n @ 1..) = io.read(&mut buf).await {
        let (says, end) = node.hear(&buf[..n], Instant::now());
        if io.write_all(&says).await.is_err() {
            return;
        }
        match end {
            None => {}
            Some(End::Reset) => {
                let _ = io.set_zero_linger();
                return;
            }
            Some(End::Finished) => {
                let _ = io.shutdown().await;
            }
        }
    }
}

/// Runs every scenario through a driver: it connects and, if that worked, gets an answer to a ping.
fn run(drive: impl Fn(&Scenario, Names, Timeouts) -> Result<(), DialError>) {
    let network = Runtime::new().unwrap();
    for mut it in scenarios() {
        let net = Arc::new(std::mem::take(&mut it.net));
        let (names, _closed) = network.block_on(settle(&net));
        let mut timeouts = Timeouts::default();
        if it.name.contains("route") {
            timeouts.layer = Duration::from_millis(200); // for the one that is mute
        }
        let Scenario { name, error, .. } = it;
        match drive(&it, names, timeouts) {
            Ok(()) => assert_eq!(error, [""; 0], "{name}"),
            Err(failed) => {
                let text = failed.to_string();
                assert_ne!(error, [""; 0], "{name}: {text}\n{}", failed.trace());
                for part in error {
                    let there = match part.strip_prefix('^') {
                        Some(first) => text.starts_with(first),
                        None => text.contains(part),
                    };
                    assert!(there, "{name}: no {part:?} in {text}");
                }
            }
        }
    }
}

fn credentials() -> Option<Credentials> {
    Some(Credentials::new(USER, PASSWORD))
}

fn ticket(url: &str, data: &[u8]) -> Result<bytes::Bytes, Error> {
    assert_eq!((url, data), ("kdc://here", &b"ticket?"[..]));
    Ok("ticket".into())
}

const URL: &str = "ws://target.test:1/";

/// Looks names up in a table.
impl Resolve for Names {
    fn resolve(&self, host: String, _: u16) -> AddressStream {
        let found = self.find(&host);
        Box::pin(futures_util::stream::once(async { found }))
    }
}

#[test]
fn every_scenario_ends_as_it_should_on_tokio() {
    let tokio = Runtime::new().unwrap();
    on(None, |it| tokio.block_on(it));
    let alone = tokio::runtime::Builder::new_current_thread();
    let alone = { alone }.enable_all().build().unwrap();
    on(None, |it| alone.block_on(it));
}

#[cfg(feature = "smol")]
#[test]
fn every_scenario_ends_as_it_should_on_smol() {
    on(None, smol::block_on);
}

#[cfg(feature = "smol")]
#[test]
fn every_scenario_ends_as_it_should_on_a_runtime_of_ones_own() {
    on(Some(Arc::new(own::Own)), smol::block_on);
}

#[cfg(feature = "blocking")]
#[test]
fn every_scenario_ends_as_it_should_on_threads() {
    on(None, wirestack::blocking::block_on);
}

/// A runtime with the required methods of the trait, and nothing else.
#[cfg(feature = "smol")]
mod own {
    use std::io;
    use std::net::SocketAddr;
    use std::pin::Pin;
    use wirestack::Instant;
    use wirestack::runtime::{AsyncTimer, BoxFuture, Runtime, Transport};

    #[derive(Debug)]
    pub(super) struct Own;

    impl Runtime for Own {
        fn new_timer(&self, at: Instant) -> Pin<Box<dyn AsyncTimer>> {
            Box::pin(smol::Timer::at(at.into_std()))
        }

        fn spawn(&self, task: BoxFuture<()>) {
            smol::spawn(task).detach();
        }

        fn connect_tcp(&self, to: SocketAddr) -> BoxFuture<io::Result<Box<dyn Transport>>> {
            Box::pin(async move { Ok(Box::new(smol::net::TcpStream::connect(to).await?) as _) })
        }
    }
}

type Dialing = std::pin::Pin<Box<dyn Future<Output = Result<(), DialError>>>>;

fn on(
    runtime: Option<Arc<dyn wirestack::runtime::Runtime>>,
    block_on: impl Fn(Dialing) -> Result<(), DialError>,
) {
    run(|it, names, timeouts| {
        let mut context = DialContext::new()
            .resolver(names)
            .credentials(|_| async { credentials() })
            .exchange(|url, data| async move { ticket(&url, &data) });
        if let Some(runtime) = &runtime {
            context = context.runtime(runtime.clone());
        }
        let connect = connect(URL).routes(it.routes.clone());
        let connect = connect.redirects(it.redirects).timeouts(timeouts);
        block_on(Box::pin(async move {
            let mut socket = connect.context(context).await?;
            socket.ping("x").await.unwrap();
            Ok(())
        }))
    });
}
