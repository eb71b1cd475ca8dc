//! The scenarios of connecting on every runtime, with the servers of the simulation behind sockets.

// There is one copy, because the simulation of `wirestack-dial` runs the same list.
#[path = "../../dial/tests/it/network/mod.rs"]
#[allow(dead_code)] // only the simulation has hosts that hang
mod network;

use network::scenarios::{Scenario, scenarios};
use network::{End, Fault, Host, Network, PASSWORD, Peer, Service, USER};
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use wirestack::Instant;
use wirestack::dial::{Credentials, DialError, Timeouts};
use wirestack::runtime::{AddressStream, Resolve, Runtime};
use wirestack::{DialContext, Error, connect};

#[test]
fn every_scenario_ends_as_it_should_on_tokio() {
    let tokio = tokio::runtime::Runtime::new().unwrap();
    run(None, |dialing| tokio.block_on(dialing));
    let alone = tokio::runtime::Builder::new_current_thread();
    let alone = { alone }.enable_all().build().unwrap();
    run(None, |dialing| alone.block_on(dialing));
}

#[cfg(feature = "smol")]
#[test]
fn every_scenario_ends_as_it_should_on_smol() {
    run(None, smol::block_on);
}

#[cfg(feature = "smol")]
#[test]
fn every_scenario_ends_as_it_should_on_a_runtime_of_ones_own() {
    run(Some(Arc::new(own::Own)), smol::block_on);
}

#[cfg(feature = "blocking")]
#[test]
fn every_scenario_ends_as_it_should_on_threads() {
    run(None, wirestack::blocking::block_on);
}

type Dialing = Pin<Box<dyn Future<Output = Result<(), DialError>>>>;

fn run(runtime: Option<Arc<dyn Runtime>>, block_on: impl Fn(Dialing) -> Result<(), DialError>) {
    let servers = tokio::runtime::Runtime::new().unwrap();
    for mut scenario in scenarios() {
        let network = Arc::new(std::mem::take(&mut scenario.network));
        let (names, _refusing) = servers.block_on(start(&network));
        let mut timeouts = Timeouts::default();
        if network.hosts.values().any(is_silent) {
            timeouts.layer = Duration::from_millis(200);
        }
        let name = scenario.name;
        match block_on(dial(&scenario, names, timeouts, runtime.clone())) {
            Ok(()) => assert_eq!(scenario.error, [""; 0], "{name}"),
            Err(failed) => {
                let text = failed.to_string();
                assert_ne!(
                    scenario.error,
                    [""; 0],
                    "{name}: {text}\n{}",
                    failed.trace()
                );
                scenario.check(&text);
            }
        }
    }
}

/// Connects, and pings if that succeeds.
fn dial(
    scenario: &Scenario,
    names: Names,
    timeouts: Timeouts,
    runtime: Option<Arc<dyn Runtime>>,
) -> Dialing {
    let mut context = DialContext::new()
        .resolver(names)
        .credentials(|_| async { Some(Credentials::new(USER, PASSWORD)) })
        .exchange(|url, data| async move { ticket(&url, &data) });
    if let Some(runtime) = runtime {
        context = context.runtime(runtime);
    }
    let connect = connect("ws://target.test:1/").routes(scenario.routes.clone());
    let connect = connect.redirects(scenario.redirects).timeouts(timeouts);
    Box::pin(async move {
        let mut socket = connect.context(context).await?;
        socket.ping("x").await.unwrap();
        Ok(())
    })
}

fn ticket(url: &str, data: &[u8]) -> Result<bytes::Bytes, Error> {
    assert_eq!((url, data), ("kdc://here", &b"ticket?"[..]));
    Ok("ticket".into())
}

fn is_silent(host: &Host) -> bool {
    matches!(host, Host::Opens(_, Fault::Silent))
}

/// The addresses of each name on this machine.
#[derive(Clone)]
struct Names(Arc<HashMap<String, Vec<SocketAddr>>>);

impl Names {
    fn find(&self, host: &str) -> io::Result<Vec<SocketAddr>> {
        let found = self.0.get(host).cloned();
        found.ok_or_else(|| io::Error::other("no such name"))
    }
}

impl Resolve for Names {
    fn resolve(&self, host: String, _: u16) -> AddressStream {
        let found = self.find(&host);
        Box::pin(futures_util::stream::once(async { found }))
    }
}

/// Starts the servers of a network. Returns their names, and the sockets of those that refuse.
async fn start(network: &Arc<Network>) -> (Names, Vec<TcpSocket>) {
    let mut local = HashMap::new();
    let mut refusing = Vec::new();
    for (address, host) in &network.hosts {
        let at = if let Host::Opens(service, fault) = host {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let at = listener.local_addr().unwrap();
            tokio::spawn(serve(listener, network.clone(), service.clone(), *fault));
            at
        } else {
            // A socket that is bound and does not listen refuses, and keeps the port from others.
            let socket = TcpSocket::new_v4().unwrap();
            socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
            let at = socket.local_addr().unwrap();
            refusing.push(socket);
            at
        };
        local.insert(*address, at);
    }
    let at = |addresses: &Vec<SocketAddr>| addresses.iter().map(|to| local[to]).collect();
    let names = network
        .names
        .iter()
        .map(|(name, to)| (name.clone(), at(to)));
    (Names(Arc::new(names.collect())), refusing)
}

async fn serve(listener: TcpListener, network: Arc<Network>, service: Service, fault: Fault) {
    loop {
        let (io, _) = listener.accept().await.unwrap();
        let peer = Peer::new(&network, &service, fault);
        tokio::spawn(talk(io, peer));
    }
}

async fn talk(mut io: TcpStream, mut peer: Peer) {
    let mut buf = [0; 4096];
    while let Ok(n @ 1..) = io.read(&mut buf).await {
        let (reply, end) = peer.receive(&buf[..n], Instant::now());
        if io.write_all(&reply).await.is_err() {
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
