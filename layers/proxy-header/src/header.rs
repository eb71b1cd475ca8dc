use crate::tlv::{Tls, Tlv, kind};
use crate::{HeaderError, v2};
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;
use core::fmt;
use core::net::{IpAddr, SocketAddr};

/// What a proxy says of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    pub(crate) addresses: Addresses,
    pub(crate) tlvs: Vec<Tlv>,
}

/// Between whom a connection is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Addresses {
    /// The proxy's own connection, to see whether the server is well: LOCAL in version 2.
    Local,
    /// Somebody's, and no more is said: UNKNOWN in version 1, UNSPEC in version 2.
    Unknown,
    /// Between two addresses of the internet, which are of one family.
    Ip {
        /// What kind of connection.
        transport: Transport,
        /// Who opened it.
        source: SocketAddr,
        /// Where to.
        destination: SocketAddr,
    },
    /// Between two Unix sockets.
    Unix {
        /// What kind of connection.
        transport: Transport,
        /// Who opened it: a path of at most 108 bytes, empty if it has no name.
        source: Bytes,
        /// Where to.
        destination: Bytes,
    },
}

/// What kind of connection there was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// TCP, or a Unix socket of its kind.
    Stream,
    /// UDP, or a Unix socket of its kind.
    Datagram,
}

impl Header {
    /// Says that the connection is the proxy's own.
    pub fn local() -> Self {
        Self::new(Addresses::Local)
    }

    /// Says nothing.
    pub fn unknown() -> Self {
        Self::new(Addresses::Unknown)
    }

    /// Says who opened a TCP connection, and where to. If one of them is IPv4 and the other is not, it
    /// is mapped to IPv6.
    pub fn tcp(source: SocketAddr, destination: SocketAddr) -> Self {
        Self::ip(Transport::Stream, source, destination)
    }

    /// Says who sends datagrams, and where to; version 2 only.
    pub fn udp(source: SocketAddr, destination: SocketAddr) -> Self {
        Self::ip(Transport::Datagram, source, destination)
    }

    fn ip(transport: Transport, source: SocketAddr, destination: SocketAddr) -> Self {
        let mixed = source.is_ipv4() != destination.is_ipv4();
        let one_family = |address: SocketAddr| match address.ip() {
            IpAddr::V4(ip) if mixed => SocketAddr::new(ip.to_ipv6_mapped().into(), address.port()),
            ip => SocketAddr::new(ip, address.port()), // scope and flow mean nothing elsewhere
        };
        Self::new(Addresses::Ip {
            transport,
            source: one_family(source),
            destination: one_family(destination),
        })
    }

    /// Says between which Unix sockets a connection is; version 2 only.
    ///
    /// # Errors
    ///
    /// [`HeaderError::UnixPath`] if a path has more than 108 bytes.
    pub fn unix(
        transport: Transport,
        source: impl Into<Bytes>,
        destination: impl Into<Bytes>,
    ) -> Result<Self, HeaderError> {
        let (source, destination) = (source.into(), destination.into());
        if let Some(long) = [&source, &destination]
            .into_iter()
            .find(|path| path.len() > v2::UNIX)
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

    /// Says something more, of one of the [kinds](crate::kind); version 2 only.
    ///
    /// # Errors
    ///
    /// [`HeaderError`] if it is longer than its kind may be, if the header would have more than 65,528
    /// bytes, or if it is [a checksum](kind::CRC32C), which
    /// [the client](crate::Client::with_checksum) makes.
    pub fn with_tlv(mut self, kind: u8, value: impl Into<Bytes>) -> Result<Self, HeaderError> {
        let value = value.into();
        match (kind, value.len()) {
            (kind::CRC32C, _) => return Err(HeaderError::Checksum),
            (kind::UNIQUE_ID, 129..) => return Err(HeaderError::UniqueId(value.len())),
            _ => {}
        }
        self.tlvs.push(Tlv { kind, value });
        match v2::len(&self) {
            // A checksum needs room too.
            len if len + v2::CHECKSUM > usize::from(u16::MAX) => Err(HeaderError::Length(len)),
            _ => Ok(self),
        }
    }

    /// Returns between whom the connection is.
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// Returns who opened the connection, if that is an address of the internet.
    pub fn source(&self) -> Option<SocketAddr> {
        match self.addresses {
            Addresses::Ip { source, .. } => Some(source),
            _ => None,
        }
    }

    /// Returns where the connection led to, if that is an address of the internet.
    pub fn destination(&self) -> Option<SocketAddr> {
        match self.addresses {
            Addresses::Ip { destination, .. } => Some(destination),
            _ => None,
        }
    }

    /// Returns what else was said, in its order, without paddings and checksums.
    pub fn tlvs(&self) -> &[Tlv] {
        &self.tlvs
    }

    /// Returns the first of a kind.
    pub fn tlv(&self, kind: u8) -> Option<&Bytes> {
        self.tlvs.iter().find_map(|it| it.of(kind))
    }

    /// Returns the protocol that the client chose by ALPN.
    pub fn alpn(&self) -> Option<&[u8]> {
        self.tlv(kind::ALPN).map(|value| &value[..])
    }

    /// Returns the name that the client asked for, such as the server name of TLS.
    pub fn authority(&self) -> Option<&str> {
        core::str::from_utf8(self.tlv(kind::AUTHORITY)?).ok()
    }

    /// Returns what names the connection in the proxy's logs.
    pub fn unique_id(&self) -> Option<&[u8]> {
        self.tlv(kind::UNIQUE_ID).map(|value| &value[..])
    }

    /// Returns what the proxy says of the TLS that the client spoke to it, if it can be read.
    pub fn tls(&self) -> Option<Tls> {
        Tls::parse(self.tlv(kind::SSL)?)
    }
}

/// Shows between whom the connection is: `from 192.0.2.1:4711 to 192.0.2.7:443`.
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
