use crate::HeaderError;
use crate::tlv::{TlsInfo, Tlv, kind};
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;
use core::fmt;
use core::net::{IpAddr, SocketAddr};

/// The facts that a proxy sends about a connection: its addresses and further values.
///
/// ```
/// use wirestack_proxy_header::{Addresses, Header, TransportProtocol, kind};
///
/// let header = Header::tcp("192.0.2.1:4711".parse()?, "192.0.2.7:443".parse()?)
///     .with_tlv(kind::AUTHORITY, "example.org")?
///     .with_tlv(kind::ALPN, "h2")?
///     .with_tlv(kind::UNIQUE_ID, "request-7")?;
/// assert_eq!(header.source(), Some("192.0.2.1:4711".parse()?));
/// assert_eq!(header.destination(), Some("192.0.2.7:443".parse()?));
/// assert_eq!(header.authority(), Some("example.org"));
/// assert_eq!(header.alpn(), Some(&b"h2"[..]));
/// assert_eq!(header.unique_id(), Some(&b"request-7"[..]));
/// assert_eq!(header.tlv(kind::NETNS), None);
/// assert_eq!((header.tlvs().len(), header.tls()), (3, None));
///
/// let unix = Header::unix(TransportProtocol::Stream, "/run/client", "/run/server")?;
/// assert!(matches!(unix.addresses(), Addresses::Unix { .. }));
/// assert_eq!(Header::local().addresses(), &Addresses::Local); // a health check
/// assert_eq!(Header::unknown().source(), None);
/// assert!(Header::udp("192.0.2.1:53".parse()?, "192.0.2.7:53".parse()?).source().is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    pub(crate) addresses: Addresses,
    pub(crate) tlvs: Vec<Tlv>,
}

/// The two ends of a connection.
///
/// ```
/// use wirestack_proxy_header::{Addresses, Header, TransportProtocol};
///
/// let header = Header::tcp("192.0.2.1:4711".parse()?, "192.0.2.7:443".parse()?);
/// let Addresses::Ip { transport, source, .. } = header.addresses() else { panic!() };
/// assert_eq!((*transport, source.port()), (TransportProtocol::Stream, 4711));
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Addresses {
    /// None: the proxy opened the connection for itself, such as for a health check. It is LOCAL in
    /// version 2.
    Local,
    /// Unknown: UNKNOWN in version 1, UNSPEC in version 2.
    Unknown,
    /// Two IP addresses of one family.
    Ip {
        /// The kind of transport.
        transport: TransportProtocol,
        /// The address of the client.
        source: SocketAddr,
        /// The address that the client connected to.
        destination: SocketAddr,
    },
    /// Two Unix sockets.
    Unix {
        /// The kind of transport.
        transport: TransportProtocol,
        /// The path of the client's socket, of at most 108 bytes; empty if it has none.
        source: Bytes,
        /// The path of the socket that the client connected to.
        destination: Bytes,
    },
}

/// The kind of transport between two addresses.
///
/// ```
/// use wirestack_proxy_header::{Addresses, Header, TransportProtocol};
///
/// let header = Header::udp("192.0.2.1:53".parse()?, "192.0.2.7:53".parse()?);
/// let Addresses::Ip { transport, .. } = header.addresses() else { panic!() };
/// assert_eq!(*transport, TransportProtocol::Datagram);
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransportProtocol {
    /// TCP, or a Unix stream socket.
    Stream,
    /// UDP, or a Unix datagram socket.
    Datagram,
}

impl Header {
    /// Creates the header of a connection that the proxy opened for itself.
    pub fn local() -> Self {
        Self::new(Addresses::Local)
    }

    /// Creates a header without addresses.
    pub fn unknown() -> Self {
        Self::new(Addresses::Unknown)
    }

    /// Creates the header of a TCP connection. If only one of the addresses is IPv4, it is mapped
    /// to IPv6.
    pub fn tcp(source: SocketAddr, destination: SocketAddr) -> Self {
        Self::ip(TransportProtocol::Stream, source, destination)
    }

    /// Creates the header of UDP datagrams; version 2 only.
    pub fn udp(source: SocketAddr, destination: SocketAddr) -> Self {
        Self::ip(TransportProtocol::Datagram, source, destination)
    }

    fn ip(transport: TransportProtocol, source: SocketAddr, destination: SocketAddr) -> Self {
        let mixed = source.is_ipv4() != destination.is_ipv4();
        let one_family = |address: SocketAddr| match address.ip() {
            IpAddr::V4(ip) if mixed => SocketAddr::new(ip.to_ipv6_mapped().into(), address.port()),
            ip => SocketAddr::new(ip, address.port()), // scope and flow: only for one host
        };
        Self::new(Addresses::Ip {
            transport,
            source: one_family(source),
            destination: one_family(destination),
        })
    }

    /// Creates the header of a connection between two Unix sockets; version 2 only.
    ///
    /// # Errors
    ///
    /// [`HeaderError::UnixPath`] if a path has more than 108 bytes.
    pub fn unix(
        transport: TransportProtocol,
        source: impl Into<Bytes>,
        destination: impl Into<Bytes>,
    ) -> Result<Self, HeaderError> {
        let (source, destination) = (source.into(), destination.into());
        if let Some(long) = [&source, &destination]
            .into_iter()
            .find(|path| path.len() > MAX_UNIX_PATH)
        {
            return Err(HeaderError::UnixPath(long.len()));
        }
        Ok(Self::new(Addresses::Unix {
            transport,
            source,
            destination,
        }))
    }

    fn new(addresses: Addresses) -> Self {
        Self {
            addresses,
            tlvs: Vec::new(),
        }
    }

    /// Adds a value of one of the [kinds](crate::kind); version 2 only.
    ///
    /// # Errors
    ///
    /// [`HeaderError`] if the value is longer than its kind may be, if the header would have more
    /// than 65,528 bytes, or if the value is [a checksum](kind::CRC32C):
    /// [`Client::with_checksum`](crate::Client::with_checksum) adds one.
    pub fn with_tlv(mut self, kind: u8, value: impl Into<Bytes>) -> Result<Self, HeaderError> {
        let value = value.into();
        match (kind, value.len()) {
            (kind::CRC32C, _) => return Err(HeaderError::Checksum),
            (kind::UNIQUE_ID, 129..) => return Err(HeaderError::UniqueId(value.len())),
            _ => {}
        }
        self.tlvs.push(Tlv { kind, value });
        let len = self.v2_len();
        // A checksum needs room too.
        if len + CHECKSUM > usize::from(u16::MAX) {
            return Err(HeaderError::Length(len));
        }
        Ok(self)
    }

    /// Returns the number of bytes behind the length field of version 2, without a checksum.
    pub(crate) fn v2_len(&self) -> usize {
        let addresses = match &self.addresses {
            Addresses::Local | Addresses::Unknown => 0,
            Addresses::Ip { source, .. } if source.is_ipv4() => 12,
            Addresses::Ip { .. } => 36,
            Addresses::Unix { .. } => 2 * MAX_UNIX_PATH,
        };
        addresses + self.tlvs.iter().map(Tlv::len).sum::<usize>()
    }

    /// Returns the two ends of the connection.
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// Returns the address of the client, if it is an IP address.
    pub fn source(&self) -> Option<SocketAddr> {
        match self.addresses {
            Addresses::Ip { source, .. } => Some(source),
            _ => None,
        }
    }

    /// Returns the address that the client connected to, if it is an IP address.
    pub fn destination(&self) -> Option<SocketAddr> {
        match self.addresses {
            Addresses::Ip { destination, .. } => Some(destination),
            _ => None,
        }
    }

    /// Returns the values behind the addresses in their order, without paddings and checksums.
    pub fn tlvs(&self) -> &[Tlv] {
        &self.tlvs
    }

    /// Returns the first value of a kind.
    pub fn tlv(&self, kind: u8) -> Option<&Bytes> {
        self.tlvs.iter().find_map(|tlv| tlv.of(kind))
    }

    /// Returns the protocol that the client chose by ALPN.
    pub fn alpn(&self) -> Option<&[u8]> {
        self.tlv(kind::ALPN).map(|value| &value[..])
    }

    /// Returns the name that the client asked for, such as the server name of TLS.
    pub fn authority(&self) -> Option<&str> {
        core::str::from_utf8(self.tlv(kind::AUTHORITY)?).ok()
    }

    /// Returns the id of the connection in the proxy's logs.
    pub fn unique_id(&self) -> Option<&[u8]> {
        self.tlv(kind::UNIQUE_ID).map(|value| &value[..])
    }

    /// Returns the facts about the TLS between the client and the proxy, if the value is well
    /// formed.
    pub fn tls(&self) -> Option<TlsInfo> {
        TlsInfo::parse(self.tlv(kind::SSL)?)
    }
}

/// Shows the two ends: `from 192.0.2.1:4711 to 192.0.2.7:443`.
impl fmt::Display for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.addresses {
            Addresses::Local => f.write_str("the proxy's own"),
            Addresses::Unknown => f.write_str("from unknown"),
            Addresses::Ip {
                source,
                destination,
                ..
            } => write!(f, "from {source} to {destination}"),
            Addresses::Unix {
                source,
                destination,
                ..
            } => write!(
                f,
                "from {:?} to {:?}",
                String::from_utf8_lossy(source),
                String::from_utf8_lossy(destination)
            ),
        }
    }
}

/// The longest path of a Unix socket, in bytes.
pub(crate) const MAX_UNIX_PATH: usize = 108;

/// The number of bytes of a checksum, with its kind and its length.
pub(crate) const CHECKSUM: usize = 7;
