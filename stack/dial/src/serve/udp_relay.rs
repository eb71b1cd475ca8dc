//! The decisions of a UDP relay server (RFC 1928 §7).

use crate::route::endpoint::Endpoint;
use crate::serve::proxy::ProxyServer;
use crate::serve::proxy_request::{ProxyError, ProxyTarget};
use bytes::{Bytes, BytesMut};
use std::collections::HashSet;
use std::fmt;
use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use wirestack_socks::{Address, datagram};

/// The decisions about the datagrams of one UDP ASSOCIATE (RFC 1928 §7), without I/O.
///
/// A relay "MUST drop any datagrams arriving from any source IP address other than the one recorded
/// for the particular association". The request names the client's port, or else the first datagram
/// of the client does. A datagram from a target is relayed only if the client has sent one to that
/// target.
///
/// ```
/// use wirestack_dial::Endpoint;
/// use wirestack_dial::serve::{AccessPolicy, ProxyServer, UdpRelay};
///
/// let proxy = ProxyServer::socks(AccessPolicy::everything());
/// let unknown = Endpoint { host: "0.0.0.0".to_owned(), port: 0 };
/// let client = "192.0.2.1:4711".parse()?;
/// let mut relay = UdpRelay::new(proxy, client, &unknown);
/// let datagram = b"\0\0\0\x01\xc6\x33\x64\x07\0\x35a question";
/// assert!(relay.from_client("192.0.2.99:4711".parse()?, datagram).is_none()); // a stranger
/// let relayed = relay.from_client(client, datagram).expect("it is permitted");
/// assert_eq!(relayed.payload, "a question");
/// let target = Endpoint { host: "198.51.100.7".to_owned(), port: 53 };
/// let server = relay.to_target(&target, ["198.51.100.7:53".parse()?])?;
/// let (to, bytes) = relay.from_target(server, b"an answer").expect("it was asked");
/// assert_eq!((to, bytes.ends_with(b"an answer")), (client, true));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct UdpRelay {
    server: ProxyServer,
    client: SocketAddr,
    port: Option<u16>,
    targets: HashSet<IpAddr>,
}

/// A datagram that a client sends through the relay.
///
/// ```
/// use std::net::SocketAddr;
/// use wirestack_dial::serve::{ProxyTarget, RelayedDatagram};
///
/// /// Returns the address to send it to; `None` if its name has to be looked up before.
/// fn address(datagram: &RelayedDatagram) -> Option<SocketAddr> {
///     match &datagram.to {
///         ProxyTarget::Address(address) => Some(*address),
///         ProxyTarget::Name(_) => None,
///     }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayedDatagram {
    /// The target. A name has to be looked up, and then goes to [`UdpRelay::to_target`].
    pub to: ProxyTarget,
    /// The content.
    pub payload: Bytes,
}

impl UdpRelay {
    /// Creates the relay of a client. `announced` is the address in its request, from which it will
    /// send; port 0 leaves the port open.
    pub fn new(server: ProxyServer, client: SocketAddr, announced: &Endpoint) -> Self {
        Self {
            server,
            client: canonical(client),
            port: (announced.port != 0).then_some(announced.port),
            targets: HashSet::new(),
        }
    }

    /// Takes a datagram from the client's side. Returns `None` if it has to be dropped: it is not
    /// from the client, it is a fragment, it is malformed, or the policy does not permit its target.
    pub fn from_client(&mut self, source: SocketAddr, bytes: &[u8]) -> Option<RelayedDatagram> {
        let port = self.port.unwrap_or(source.port());
        if canonical(source) != with_port(self.client, port) {
            return None;
        }
        let (address, payload) = datagram::parse(bytes).ok()?;
        self.port = Some(port);
        let to = Endpoint {
            host: address.host().to_string(),
            port: address.port(),
        };
        Some(RelayedDatagram {
            to: self.server.target(&to).ok()?,
            payload: Bytes::copy_from_slice(payload),
        })
    }

    /// Returns the first of the addresses that were found for a target which the policy permits.
    ///
    /// # Errors
    ///
    /// [`ProxyError`] if there is none, or if the client has sent datagrams to too many targets.
    pub fn to_target(
        &mut self,
        target: &Endpoint,
        found: impl IntoIterator<Item = SocketAddr>,
    ) -> Result<SocketAddr, ProxyError> {
        let to = self.server.permitted(target, found)?[0];
        let ip = to.ip().to_canonical();
        if !self.targets.contains(&ip) && self.targets.len() == MAX_TARGETS {
            return Err(ProxyError::NotAllowed);
        }
        self.targets.insert(ip);
        Ok(to)
    }

    /// Takes a datagram from a target's side, and returns the client's address and the datagram
    /// with its SOCKS header. Returns `None` if it has to be dropped.
    pub fn from_target(&self, source: SocketAddr, payload: &[u8]) -> Option<(SocketAddr, Bytes)> {
        let ip = source.ip().to_canonical();
        if !self.targets.contains(&ip) {
            return None;
        }
        let client = with_port(self.client, self.port?);
        let mut bytes = BytesMut::with_capacity(datagram::MAX_HEADER + payload.len());
        let source = Address::from(SocketAddr::new(ip, source.port()));
        datagram::emit(&source, payload, &mut bytes);
        Some((client, bytes.freeze()))
    }
}

/// Returns an address with its zone, and an IPv4 address inside of IPv6 as what it is.
fn canonical(address: SocketAddr) -> SocketAddr {
    match (address.ip().to_canonical(), address) {
        (ip @ IpAddr::V4(_), _) => SocketAddr::new(ip, address.port()),
        (_, SocketAddr::V6(v6)) => {
            let flow = 0; // it is that of one datagram
            SocketAddrV6::new(*v6.ip(), v6.port(), flow, v6.scope_id()).into()
        }
        (_, v4) => v4,
    }
}

fn with_port(mut address: SocketAddr, port: u16) -> SocketAddr {
    address.set_port(port);
    address
}

impl fmt::Debug for UdpRelay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UdpRelay")
            .field("client", &self.client.ip())
            .finish_non_exhaustive()
    }
}

/// The maximum number of addresses that one client may send datagrams to.
const MAX_TARGETS: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::access::AccessPolicy;

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    fn name() -> Endpoint {
        Endpoint {
            host: "a.test".to_owned(),
            port: 53,
        }
    }

    fn sent(to: &str, port: u16) -> Vec<u8> {
        let mut bytes = BytesMut::new();
        datagram::emit(&Address::new(to, port).unwrap(), b"hello", &mut bytes);
        bytes.to_vec()
    }

    #[test]
    fn a_client_with_a_link_local_address_gets_its_answers_in_its_zone() {
        let server = ProxyServer::socks(AccessPolicy::loopback());
        let announced = Endpoint {
            host: "::".to_owned(),
            port: 0,
        };
        let mut relay = UdpRelay::new(server, address("[fe80::1%3]:7"), &announced);
        let bytes = sent("127.0.0.1", 53);
        assert!(
            relay
                .from_client(address("[fe80::1%4]:9"), &bytes)
                .is_none()
        );
        assert!(
            relay
                .from_client(address("[fe80::1%3]:9"), &bytes)
                .is_some()
        );
        let resolver = address("127.0.0.1:53");
        relay.to_target(&name(), [resolver]).unwrap();
        let (to, _) = relay.from_target(resolver, b"answer").unwrap();
        assert_eq!(to, address("[fe80::1%3]:9"));
    }

    fn relay_for(announced: &str) -> UdpRelay {
        let server = ProxyServer::socks(AccessPolicy::loopback());
        let (host, port) = announced.rsplit_once(':').unwrap();
        let announced = Endpoint {
            host: host.to_owned(),
            port: port.parse().unwrap(),
        };
        UdpRelay::new(server, address("192.0.2.1:7"), &announced)
    }

    #[test]
    fn rfc1928_7_only_the_client_and_its_targets_are_relayed() {
        let mut relay = relay_for("0.0.0.0:0");
        let bytes = sent("127.0.0.1", 53);
        assert!(relay.from_client(address("192.0.2.2:9"), &bytes).is_none());
        assert!(
            relay
                .from_client(address("192.0.2.1:9"), b"\0\0\x01junk")
                .is_none()
        );
        let out = relay.from_client(address("192.0.2.1:9"), &bytes).unwrap();
        assert_eq!(
            (out.to, &out.payload[..]),
            (ProxyTarget::Address(address("127.0.0.1:53")), &b"hello"[..])
        );
        // Its port is known now.
        assert!(relay.from_client(address("192.0.2.1:10"), &bytes).is_none());
        assert!(
            relay
                .from_client(address("[::ffff:192.0.2.1]:9"), &bytes)
                .is_some()
        );

        let resolver = address("127.0.0.1:53");
        assert!(
            relay.from_target(resolver, b"answer").is_none(),
            "nothing was sent yet"
        );
        assert_eq!(relay.to_target(&name(), [resolver]), Ok(resolver));
        assert_eq!(
            relay.to_target(&name(), [address("192.0.2.9:53")]),
            Err(ProxyError::NotAllowed)
        );
        assert_eq!(relay.to_target(&name(), []), Err(ProxyError::HostNotFound));
        let (to, bytes) = relay.from_target(resolver, b"answer").unwrap();
        assert_eq!(to, address("192.0.2.1:9"));
        assert_eq!(
            datagram::parse(&bytes).unwrap(),
            (resolver.into(), &b"answer"[..])
        );
        assert!(
            relay
                .from_target(address("127.0.0.2:53"), b"who?")
                .is_none()
        );
    }

    #[test]
    fn the_policy_is_asked_about_the_target_of_each_datagram() {
        let mut relay = relay_for("0.0.0.0:0");
        let mut sent = |to, port| relay.from_client(address("192.0.2.1:9"), &sent(to, port));
        assert!(sent("127.0.0.1", 53).is_some() && sent("127.1", 53).is_some());
        assert!(
            sent("a.test", 53).is_some(),
            "its addresses are not known yet"
        );
        for refused in ["192.0.2.9", "3221225993", "169.254.169.254", "::2"] {
            assert!(sent(refused, 53).is_none(), "{refused}");
        }
        let policy = AccessPolicy::loopback().deny_host("*.internal", ..);
        let zeros = Endpoint {
            host: "0.0.0.0".to_owned(),
            port: 0,
        };
        let mut relay = UdpRelay::new(ProxyServer::socks(policy), address("192.0.2.1:7"), &zeros);
        let bytes = self::sent("db.internal", 53);
        assert!(relay.from_client(address("192.0.2.1:9"), &bytes).is_none());
    }

    #[test]
    fn a_port_that_was_said_is_the_only_one() {
        let mut relay = relay_for("0.0.0.0:9");
        let bytes = sent("127.0.0.1", 53);
        assert!(relay.from_client(address("192.0.2.1:8"), &bytes).is_none());
        assert!(relay.from_client(address("192.0.2.1:9"), &bytes).is_some());
    }

    #[test]
    fn one_client_speaks_to_so_many_and_no_more() {
        let mut relay = relay_for("0.0.0.0:0");
        for n in 0..MAX_TARGETS as u32 {
            let ip = std::net::Ipv4Addr::from(0x7f00_0001 + n);
            assert!(relay.to_target(&name(), [(ip, 1).into()]).is_ok());
        }
        assert!(relay.to_target(&name(), [address("127.1.0.0:1")]).is_err());
        assert!(relay.to_target(&name(), [address("127.0.0.1:2")]).is_ok());
    }
}
