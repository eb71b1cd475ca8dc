//! A network in memory: names, addresses, proxies and WebSocket servers.
//!
//! Each server is a state machine from bytes to bytes. The simulation drives it by hand, and the
//! tests on loopback put it behind sockets.

mod peer;
pub(crate) mod scenarios;

pub(crate) use peer::Peer;

use std::collections::HashMap;
use std::net::SocketAddr;

/// The addresses of each name, and the host at each address.
#[derive(Debug, Default)]
pub(crate) struct Network {
    pub(crate) names: HashMap<String, Vec<SocketAddr>>,
    pub(crate) hosts: HashMap<SocketAddr, Host>,
}

impl Network {
    /// Adds an address with this host to a name.
    pub(crate) fn add(&mut self, name: &str, host: Host) {
        let n = self.hosts.len() + 1;
        let address = format!("192.0.2.{n}:{n}").parse().unwrap();
        self.hosts.insert(address, host);
        self.names.entry(name.to_owned()).or_default().push(address);
    }

    /// Returns the service at a name or an IP address, as a proxy reaches it.
    pub(crate) fn find(&self, host: &str, port: u16) -> Option<(&Service, Fault)> {
        let addresses = match host.parse() {
            Ok(ip) => vec![SocketAddr::new(ip, port)],
            Err(_) => self.names.get(host)?.clone(),
        };
        let mut hosts = addresses.iter().filter_map(|to| self.hosts.get(to));
        hosts.find_map(|host| match host {
            Host::Opens(service, fault) => Some((service, *fault)),
            _ => None,
        })
    }
}

/// The answer of an address to a TCP connection.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Host {
    Refuses,
    /// It never answers.
    Hangs,
    Opens(Service, Fault),
}

/// A server at an address.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Service {
    HttpProxy(ProxyAuth),
    SocksProxy,
    WebSocket,
    /// A WebSocket server that answers the handshake with a status, and perhaps a `Location`.
    Rejects(u16, Option<String>),
}

/// The authentication that an HTTP proxy wants, and the end of its 407.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ProxyAuth {
    None,
    Basic(Ending),
    Digest(Ending),
    BasicOrDigest(Ending),
    /// Schemes that this project does not have.
    Unsupported(Ending),
    /// Two legs on one connection: `Legs one`, then `Legs two` for the challenge `Legs go-on`.
    TwoLegs,
}

/// The end of a 407.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Ending {
    Length,
    Chunked,
    /// With a length, and the connection is closed.
    Close,
    /// Without a length.
    UntilClose,
}

/// A fault of a server.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fault {
    None,
    /// It accepts the connection and sends nothing.
    Silent,
    /// It ends the connection after so many bytes.
    Truncated(usize, End),
    /// It is a proxy that allows no target.
    Forbids,
}

/// The end of a connection.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum End {
    Finished,
    Reset,
}

pub(crate) const USER: &str = "me";
pub(crate) const PASSWORD: &str = "secret";
