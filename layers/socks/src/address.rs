use alloc::boxed::Box;
use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// A host and a port: the target of a request, or the address that a proxy has bound for it.
///
/// Names are not resolved here. A client sends a name as it is, and the proxy looks it up, so that
/// no name leaks to the local resolver.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    host: Host,
    port: u16,
}

/// The host of an [`Address`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Host {
    /// An address, IPv4 or IPv6.
    Ip(IpAddr),
    /// A name of 1 to 255 ASCII bytes.
    ///
    /// It is not an IP literal, but a resolver may still read it as an address (`127.1`). So a
    /// proxy that restricts its targets must check the addresses that the name resolves to.
    Name(Box<str>),
}

impl Address {
    /// Creates the address of a host, which is an IP literal (in brackets or not) or a name.
    ///
    /// A name has 1 to 255 bytes. None of them may be one that the URL Standard forbids in a
    /// domain, so that the name can stand in logs and in front of a `:port`. An internationalized
    /// name must be given as A-labels (`xn--…`): the code that reads names from a user converts
    /// them.
    ///
    /// # Errors
    ///
    /// [`AddressError`] if the host is neither. An IPv6 literal with a zone is an error too,
    /// because a zone "has only local significance at the sending host" (RFC 6874 §4).
    ///
    /// ```
    /// use wirestack_socks::Address;
    ///
    /// assert_eq!(Address::new("example.org", 443)?.to_string(), "example.org:443");
    /// assert_eq!(Address::new("::1", 443)?, Address::new("[::1]", 443)?);
    /// assert!(Address::new("bücher.example", 443).is_err());
    /// # Ok::<(), wirestack_socks::AddressError>(())
    /// ```
    pub fn new(host: &str, port: u16) -> Result<Self, AddressError> {
        let host = Host::new(host)?;
        Ok(Self { host, port })
    }

    /// Returns the host.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// Returns the port.
    pub fn port(&self) -> u16 {
        self.port
    }
}

/// Drops the zone (scope) and the flow of an IPv6 address: they mean nothing to another host.
impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Self {
            host: Host::Ip(address.ip()),
            port: address.port(),
        }
    }
}

/// Shows `host:port`, an IPv6 address in brackets.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Ip(ip) => SocketAddr::new(*ip, self.port).fmt(f),
            Host::Name(name) => write!(f, "{name}:{}", self.port),
        }
    }
}

impl Host {
    fn new(host: &str) -> Result<Self, AddressError> {
        let Some(at) = host.bytes().position(is_forbidden) else {
            return match (host.parse::<Ipv4Addr>(), host.len()) {
                (Ok(ip), _) => Ok(Self::Ip(ip.into())),
                (Err(_), 1..=255) => Ok(Self::Name(host.into())),
                (Err(_), length) => Err(AddressError::Length(length)),
            };
        };
        // An IPv6 address has colons, which no name may have.
        let bracketed = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        let literal = bracketed.unwrap_or(host);
        if let Ok(ip) = literal.parse::<Ipv6Addr>() {
            return Ok(Self::Ip(ip.into()));
        }
        if let Some((ip, _zone)) = literal.split_once('%')
            && ip.parse::<Ipv6Addr>().is_ok()
        {
            return Err(AddressError::Zone);
        }
        let wrong = host[at..]
            .chars()
            .next()
            .expect("the character that was found there");
        Err(AddressError::Character(wrong))
    }
}

/// Returns `true` if a byte may not be in a name: the URL Standard forbids it in a domain, or it is
/// not a visible character of ASCII.
fn is_forbidden(byte: u8) -> bool {
    let forbidden = matches!(
        byte,
        b'#' | b'%' | b'/' | b':' | b'<' | b'>' | b'?' | b'@' | b'[' | b'\\' | b']' | b'^' | b'|'
    );
    forbidden || !byte.is_ascii_graphic()
}

/// Shows the IP address without brackets, or the name.
impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(ip) => ip.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// The reason why a host is neither an IP address nor a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AddressError {
    /// The name has this many bytes.
    Length(usize),
    /// The name has this character, which is not allowed.
    Character(char),
    /// The IPv6 address has a zone.
    Zone,
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length(length) => write!(f, "a host name of {length} bytes, wanted 1 to 255"),
            Self::Character(wrong) => write!(
                f,
                "a host name with {wrong:?}, wanted ASCII without separators (IDNA: A-labels)"
            ),
            Self::Zone => f.write_str("an IPv6 address with a zone, wanted one without a zone"),
        }
    }
}

impl core::error::Error for AddressError {}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::ToString;

    #[test]
    fn hosts_are_literals_names_or_errors() {
        let long = "a".repeat(255);
        let rows = [
            ("127.0.0.1", "127.0.0.1:80"),
            ("::1", "[::1]:80"),
            ("[::1]", "[::1]:80"),
            ("example.org", "example.org:80"),
            ("example.org.", "example.org.:80"),
            (
                "_srv.xn--bcher-kva.example",
                "_srv.xn--bcher-kva.example:80",
            ),
            ("127.1", "127.1:80"),
            (&long, &format!("{long}:80")),
        ];
        for (host, shown) in rows {
            assert_eq!(Address::new(host, 80).unwrap().to_string(), shown);
        }

        use AddressError::{Character, Length, Zone};
        let longer = "a".repeat(256);
        let rows = [
            ("", Length(0)),
            (&longer, Length(256)),
            ("a b", Character(' ')),
            ("a\0", Character('\0')),
            ("a\r\nb", Character('\r')),
            ("example.org:80", Character(':')),
            ("[127.0.0.1]", Character('[')),
            ("user@host", Character('@')),
            ("bücher.example", Character('ü')),
            ("fe80::1%eth0", Zone),
            ("[fe80::1%25eth0]", Zone),
        ];
        for (host, error) in rows {
            assert_eq!(Address::new(host, 80), Err(error), "{host:?}");
        }
    }
}
