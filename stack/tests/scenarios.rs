//! The scenarios of the simulated network through the driver, over loopback.
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
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use wirestack::dial::{Credentials, Timeouts};
use wirestack::tokio::{Found, Outside, Resolve, connect};

/// Leads each name to where it is on this machine.
struct Names(HashMap<String, Vec<SocketAddr>>);

impl Resolve for Names {
    fn resolve(&self, host: String, _: u16) -> Found {
        let found = self.0.get(&host).cloned();
        let found = found.ok_or_else(|| io::Error::other("no such name"));
        Box::pin(futures_util::stream::once(async { found }))
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
    (Names(names.collect()), closed)
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

#[tokio::test]
async fn every_scenario_ends_as_it_should() {
    for it in scenarios() {
        let Scenario {
            name,
            net,
            routes,
            redirects,
            error,
        } = it;
        let (names, _closed) = settle(&Arc::new(net)).await;
        let outside = Outside::default()
            .resolver(names)
            .credentials(|_| async { Some(Credentials::new(USER, PASSWORD)) })
            .exchange(|url, data| async move {
                assert_eq!((&*url, &*data), ("kdc://here", &b"ticket?"[..]));
                Ok("ticket".into())
            });
        let mut timeouts = Timeouts::default();
        if name.contains("way") {
            timeouts.layer = Duration::from_millis(200); // for the one that is mute
        }
        let opened = connect("ws://target.test:1/")
            .routes(routes)
            .redirects(redirects)
            .timeouts(timeouts)
            .outside(outside)
            .await;
        match opened {
            Ok(_) => assert_eq!(error, [""; 0], "{name}"),
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
