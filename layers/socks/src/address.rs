use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;
use core::net::{IpAddr, SocketAddr};
use wirestack_layer::{HostError, HostKind, HostPort};

/// A host and a port: the target of a request, or the address that a proxy has bound for it.
///
/// Names are not resolved here. A client sends a name as it is, and the proxy looks it up, so that
/// no name leaks to the local resolver.
///
/// ```
/// use wirestack_socks::{Address, Host};
///
/// let address = Address::new("example.org", 443)?; // the proxy looks it up
/// assert_eq!((address.host(), address.port()), (&Host::Name("example.org".into()), 443));
/// assert_eq!(address.to_string(), "example.org:443");
/// let address = Address::from(std::net::SocketAddr::from(([192, 0, 2, 7], 80)));
/// assert_eq!(address, Address::new("192.0.2.7", 80)?);
/// # Ok::<(), wirestack_socks::AddressError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    host: Host,
    port: u16,
}

/// The host of an [`Address`].
///
/// ```
/// use wirestack_socks::{Address, Host};
///
/// assert!(matches!(Address::new("2001:db8::1", 443)?.host(), Host::Ip(ip) if ip.is_ipv6()));
/// assert!(matches!(Address::new("example.org", 443)?.host(), Host::Name(_)));
/// # Ok::<(), wirestack_socks::AddressError>(())
/// ```
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
            Host::Ip(IpAddr::V4(ip)) => {
                // In one piece: each reply of a proxy has such an address, and each trace shows it.
                let mut text = String::with_capacity(LONGEST_IPV4);
                for (n, octet) in ip.octets().into_iter().enumerate() {
                    text.push_str(if n == 0 { "" } else { "." });
                    push_number(&mut text, octet.into());
                }
                text.push(':');
                push_number(&mut text, self.port);
                f.pad(&text)
            }
            Host::Ip(ip) => SocketAddr::new(*ip, self.port).fmt(f),
            Host::Name(name) => HostPort::new(name, self.port).fmt(f),
        }
    }
}

impl Host {
    fn new(host: &str) -> Result<Self, AddressError> {
        match HostPort::new(host, 0).kind() {
            Ok(HostKind::Ipv4(ip)) => Ok(Self::Ip(ip.into())),
            Ok(HostKind::Ipv6(ip)) => Ok(Self::Ip(ip.into())),
            Ok(HostKind::Name(name)) if name.len() <= NAME_LENGTH => Ok(Self::Name(name.into())),
            Ok(HostKind::Name(name)) => Err(AddressError::Length(name.len())),
            Err(HostError::Zone) => Err(AddressError::Zone),
            Err(HostError::Character(wrong)) => Err(AddressError::Character(wrong)),
            Err(_) => Err(AddressError::Length(host.len())),
        }
    }
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
///
/// ```
/// use wirestack_socks::{Address, AddressError};
///
/// assert_eq!(Address::new(&"x".repeat(256), 80), Err(AddressError::Length(256)));
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AddressError {
    /// The name has this many bytes.
    Length(usize),
    /// The name has this character, which is not allowed.
    Character(char),
    /// The IPv6 address has a zone.
    Zone,
}

/// Shows the same as `Display`: it is what `main` prints.
impl fmt::Debug for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
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

/// Appends the digits of a number.
fn push_number(text: &mut String, number: u16) {
    if number > 9 {
        push_number(text, number / 10);
    }
    text.push(char::from(b'0' + (number % 10) as u8));
}

/// The length of the longest IPv4 address with its port, in bytes.
const LONGEST_IPV4: usize = "255.255.255.255:65535".len();

/// The longest name, in bytes: its length takes one byte (RFC 1928 §5).
const NAME_LENGTH: usize = 255;

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
