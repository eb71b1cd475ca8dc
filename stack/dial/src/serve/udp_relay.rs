use crate::route::endpoint::Endpoint;
use crate::serve::proxy::{ProxyError, ProxyServer};
use bytes::{Bytes, BytesMut};
use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};
use wirestack_socks::{Address, datagram};

/// What a proxy decides about the datagrams of one UDP ASSOCIATE (RFC 1928 §7), without I/O.
///
/// It "MUST drop any datagrams arriving from any source IP address other than the one recorded for the
/// particular association". The client's port is that of its first datagram, unless it was said in the
/// request. And only those whom the client has sent something are heard for it.
pub struct UdpRelay {
    server: ProxyServer,
    client: IpAddr,
    port: Option<u16>,
    spoken_to: HashSet<IpAddr>,
}

/// What a client wants to have sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayedDatagram {
    /// Where to: a name is to be looked up.
    pub to: Endpoint,
    /// What.
    pub payload: Bytes,
}

impl UdpRelay {
    /// Records an association for a client at `client`, which says that it sends from there, or
    /// from zeros.
    pub fn new(server: ProxyServer, client: SocketAddr, says: &Endpoint) -> Self {
        Self {
            server,
            client: client.ip().to_canonical(),
            port: (says.port != 0).then_some(says.port),
            spoken_to: HashSet::new(),
        }
    }

    /// Takes a datagram that came from the client's side; `None` if it is to be dropped: it is
    /// somebody else's, a fragment, or none.
    pub fn from_client(&mut self, source: SocketAddr, bytes: &[u8]) -> Option<RelayedDatagram> {
        let port = self.port.unwrap_or(source.port());
        if (source.ip().to_canonical(), source.port()) != (self.client, port) {
            return None;
        }
        let (address, payload) = datagram::parse(bytes).ok()?;
        self.port = Some(port);
        Some(RelayedDatagram {
            to: Endpoint {
                host: address.host().to_string(),
                port: address.port(),
            },
            payload: Bytes::copy_from_slice(payload),
        })
    }

    /// Returns to which of the addresses found a datagram may go.
    ///
    /// # Errors
    ///
    /// [`ProxyError`] if there is none, or the client has spoken to too many.
    pub fn to_target(
        &mut self,
        found: impl IntoIterator<Item = SocketAddr>,
    ) -> Result<SocketAddr, ProxyError> {
        let to = self.server.permitted(found)?[0];
        let ip = to.ip().to_canonical();
        if !self.spoken_to.contains(&ip) && self.spoken_to.len() == MANY {
            return Err(ProxyError::NotAllowed);
        }
        self.spoken_to.insert(ip);
        Ok(to)
    }

    /// Takes a datagram that came from a target's side, and returns where it goes, with its header
    /// before it; `None` if it is to be dropped.
    pub fn from_target(&self, source: SocketAddr, payload: &[u8]) -> Option<(SocketAddr, Bytes)> {
        let ip = source.ip().to_canonical();
        if !self.spoken_to.contains(&ip) {
            return None;
        }
        let client = SocketAddr::new(self.client, self.port?);
        let mut bytes = BytesMut::with_capacity(datagram::MAX_HEADER + payload.len());
        let source = Address::from(SocketAddr::new(ip, source.port()));
        datagram::emit(&source, payload, &mut bytes);
        Some((client, bytes.freeze()))
    }
}

/// How many addresses one client may speak to.
const MANY: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::access::AccessPolicy;

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    fn sent(to: &str, port: u16) -> Vec<u8> {
        let mut bytes = BytesMut::new();
        datagram::emit(&Address::new(to, port).unwrap(), b"hello", &mut bytes);
        bytes.to_vec()
    }

    fn association(says: &str) -> UdpRelay {
        let server = ProxyServer::socks(AccessPolicy::loopback());
        let (host, port) = says.rsplit_once(':').unwrap();
        let says = Endpoint {
            host: host.to_owned(),
            port: port.parse().unwrap(),
        };
        UdpRelay::new(server, address("192.0.2.1:7"), &says)
    }

    #[test]
    fn rfc1928_7_only_the_client_is_heard_and_only_whom_it_spoke_to() {
        let mut it = association("0.0.0.0:0");
        let bytes = sent("127.0.0.1", 53);
        assert!(it.from_client(address("192.0.2.2:9"), &bytes).is_none());
        assert!(
            it.from_client(address("192.0.2.1:9"), b"\0\0\x01junk")
                .is_none()
        );
        let out = it.from_client(address("192.0.2.1:9"), &bytes).unwrap();
        assert_eq!(
            (out.to.to_string(), &out.payload[..]),
            ("127.0.0.1:53".into(), &b"hello"[..])
        );
        // Its port is known now.
        assert!(it.from_client(address("192.0.2.1:10"), &bytes).is_none());
        assert!(
            it.from_client(address("[::ffff:192.0.2.1]:9"), &bytes)
                .is_some()
        );

        let resolver = address("127.0.0.1:53");
        assert!(
            it.from_target(resolver, b"answer").is_none(),
            "nothing was sent yet"
        );
        assert_eq!(it.to_target([resolver]), Ok(resolver));
        assert_eq!(
            it.to_target([address("192.0.2.9:53")]),
            Err(ProxyError::NotAllowed)
        );
        assert_eq!(it.to_target([]), Err(ProxyError::HostNotFound));
        let (to, bytes) = it.from_target(resolver, b"answer").unwrap();
        assert_eq!(to, address("192.0.2.1:9"));
        assert_eq!(
            datagram::parse(&bytes).unwrap(),
            (resolver.into(), &b"answer"[..])
        );
        assert!(it.from_target(address("127.0.0.2:53"), b"who?").is_none());
    }

    #[test]
    fn a_port_that_was_said_is_the_only_one() {
        let mut it = association("0.0.0.0:9");
        let bytes = sent("127.0.0.1", 53);
        assert!(it.from_client(address("192.0.2.1:8"), &bytes).is_none());
        assert!(it.from_client(address("192.0.2.1:9"), &bytes).is_some());
    }

    #[test]
    fn one_client_speaks_to_so_many_and_no_more() {
        let mut it = association("0.0.0.0:0");
        for n in 0..MANY as u32 {
            let ip = std::net::Ipv4Addr::from(0x7f00_0001 + n);
            assert!(it.to_target([(ip, 1).into()]).is_ok());
        }
        assert!(it.to_target([address("127.1.0.0:1")]).is_err());
        assert!(it.to_target([address("127.0.0.1:2")]).is_ok());
    }
}
