use core::fmt;
use core::net::{Ipv4Addr, Ipv6Addr};

/// A host and a port, as they stand in a URI, in a CONNECT and in a `Host` field. It shows as
/// `host:port`.
///
/// The brackets of an IPv6 address belong to the notation: they are taken off when a host comes in,
/// and put on when it shows.
///
/// ```
/// use wirestack_layer::{HostKind, HostPort};
///
/// let target = HostPort::new("[2001:db8::1]", 443);
/// assert_eq!(target.host(), "2001:db8::1");
/// assert_eq!(target.to_string(), "[2001:db8::1]:443");
/// assert!(matches!(target.kind(), Ok(HostKind::Ipv6(_))));
///
/// assert_eq!(HostPort::parse("[2001:db8::1]:443", None), Some(target));
/// assert_eq!(HostPort::parse("example.org", Some(80)), Some(HostPort::new("example.org", 80)));
/// assert_eq!(HostPort::parse("example.org", None), None);
/// ```
///
/// A protocol has its own limits for names, and its own error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HostPort<'a> {
    host: &'a str,
    port: u16,
}

/// The host of a [`HostPort`].
///
/// ```
/// use wirestack_layer::{HostKind, HostPort};
///
/// assert_eq!(HostPort::new("example.org", 80).kind(), Ok(HostKind::Name("example.org")));
/// let address = HostPort::parse("[2001:db8::1]:443", None).unwrap();
/// assert!(matches!(address.kind(), Ok(HostKind::Ipv6(_))));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HostKind<'a> {
    /// An IPv4 address.
    Ipv4(Ipv4Addr),
    /// An IPv6 address without a zone.
    Ipv6(Ipv6Addr),
    /// A name of ASCII characters, none of which the URL Standard forbids in a domain. It has at
    /// least one, and is as long as it came.
    Name(&'a str),
}

/// The reason why a host is neither an address nor a name.
///
/// ```
/// use wirestack_layer::{HostError, HostPort};
///
/// assert_eq!(HostPort::new("", 80).kind(), Err(HostError::Empty));
/// assert_eq!(HostPort::new("a b", 80).kind(), Err(HostError::Character(' ')));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HostError {
    /// The host is empty.
    Empty,
    /// A name has a character that no name can have. One beyond ASCII is wanted as its A-label
    /// (`xn--…`).
    Character(char),
    /// An IPv6 address has a zone, which "has only local significance at the sending host" (RFC
    /// 6874 §4).
    Zone,
}

impl<'a> HostPort<'a> {
    /// Puts a host and a port together. Neither is checked: see [`kind`](Self::kind).
    pub fn new(host: &'a str, port: u16) -> Self {
        let inside = without_brackets(host);
        // A colon is looked for first: most hosts are names, and this is asked of each that is shown.
        let host = if inside.contains(':') && inside.parse::<Ipv6Addr>().is_ok() {
            inside
        } else {
            host
        };
        Self { host, port }
    }

    /// Reads `host:port`, or `host` where there is a default port. The host is not checked: see
    /// [`kind`](Self::kind).
    ///
    /// Returns `None` for a port that is not a number from 1 to 65535, for one that is missing
    /// without a default, and for an IPv6 address without brackets, whose port could not be told
    /// from it.
    pub fn parse(text: &'a str, default_port: Option<u16>) -> Option<Self> {
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, read_port(port)?),
            _ => (text, default_port?),
        };
        let is_ambiguous = host.contains(':') && !host.starts_with('[');
        (!is_ambiguous).then(|| Self::new(host, port))
    }

    /// Returns the host, an IPv6 address without brackets.
    pub fn host(&self) -> &'a str {
        self.host
    }

    /// Returns the port.
    ///
    /// ```
    /// use wirestack_layer::HostPort;
    ///
    /// assert_eq!(HostPort::new("example.org", 443).port(), 443);
    /// ```
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the kind of the host.
    ///
    /// # Errors
    ///
    /// [`HostError`] if the host is neither an address nor a name.
    pub fn kind(&self) -> Result<HostKind<'a>, HostError> {
        let host = self.host;
        let Some(at) = host.bytes().position(is_forbidden) else {
            return match host.parse() {
                Ok(ip) => Ok(HostKind::Ipv4(ip)),
                Err(_) if host.is_empty() => Err(HostError::Empty),
                Err(_) => Ok(HostKind::Name(host)),
            };
        };
        // An IPv6 address has colons, which no name may have.
        if let Ok(ip) = host.parse() {
            return Ok(HostKind::Ipv6(ip));
        }
        if let Some((ip, _zone)) = without_brackets(host).split_once('%')
            && ip.parse::<Ipv6Addr>().is_ok()
        {
            return Err(HostError::Zone);
        }
        let wrong = host.get(at..).and_then(|rest| rest.chars().next());
        Err(HostError::Character(wrong.unwrap_or_default()))
    }
}

impl fmt::Display for HostPort<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') && !self.host.starts_with('[') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

fn without_brackets(host: &str) -> &str {
    let inside = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
    inside.unwrap_or(host)
}

/// Reads digits alone, where `str::parse` takes a sign too.
fn read_port(text: &str) -> Option<u16> {
    let is_digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let port = text.parse().ok().filter(|_| is_digits);
    port.filter(|port| *port != 0)
}

/// Returns `true` for a byte that the URL Standard forbids in a domain, and for every byte of a
/// character beyond ASCII.
fn is_forbidden(byte: u8) -> bool {
    let is_separator = matches!(
        byte,
        b'#' | b'%' | b'/' | b':' | b'<' | b'>' | b'?' | b'@' | b'[' | b'\\' | b']' | b'^' | b'|'
    );
    is_separator || !byte.is_ascii_graphic()
}

#[cfg(test)]
mod tests {
    use super::*;
    use HostError::{Character, Empty, Zone};
    use alloc::string::ToString;

    #[test]
    fn a_host_and_a_port_show_with_brackets_around_ipv6() {
        for (host, bare, shown) in [
            ("example.org", "example.org", "example.org:80"),
            ("192.0.2.1", "192.0.2.1", "192.0.2.1:80"),
            ("::1", "::1", "[::1]:80"),
            ("[::1]", "::1", "[::1]:80"),
            ("[192.0.2.1]", "[192.0.2.1]", "[192.0.2.1]:80"),
            ("[a:b]", "[a:b]", "[a:b]:80"),
            ("fe80::1%eth0", "fe80::1%eth0", "[fe80::1%eth0]:80"),
        ] {
            let made = HostPort::new(host, 80);
            assert_eq!((made.host(), &*made.to_string()), (bare, shown), "{host}");
        }
    }

    #[test]
    fn what_shows_is_read() {
        for text in ["a:1", "192.0.2.1:65535", "[2001:db8::1]:443", "_a.b-c:80"] {
            let read = HostPort::parse(text, None).unwrap();
            assert_eq!(read.to_string(), text);
            assert_eq!(HostPort::parse(text, Some(9)), Some(read));
        }
    }

    #[test]
    fn a_missing_port_is_the_default() {
        for (text, host) in [("a", "a"), ("192.0.2.1", "192.0.2.1"), ("[::1]", "::1")] {
            assert_eq!(HostPort::parse(text, None), None, "{text}");
            let wanted = HostPort { host, port: 9 };
            assert_eq!(HostPort::parse(text, Some(9)), Some(wanted), "{text}");
        }
    }

    #[test]
    fn an_empty_or_invalid_port_is_none() {
        for text in [
            "a:", ":", "a:0", "a:00", "a:65536", "a:+80", "a:-1", "a: 80", "a:80a", "::1:80",
            "::1", "[::1]80", "[::1]:", "a:b:80",
        ] {
            for default_port in [None, Some(9)] {
                assert_eq!(HostPort::parse(text, default_port), None, "{text}");
            }
        }
    }

    #[test]
    fn hosts_are_addresses_names_or_errors() {
        let kind = |host| HostPort::new(host, 1).kind();
        assert_eq!(kind("127.0.0.1"), Ok(HostKind::Ipv4(Ipv4Addr::LOCALHOST)));
        for host in ["::1", "[::1]"] {
            assert_eq!(kind(host), Ok(HostKind::Ipv6(Ipv6Addr::LOCALHOST)));
        }
        for name in ["a", "example.org.", "_srv.xn--bcher-kva.example", "127.1"] {
            assert_eq!(kind(name), Ok(HostKind::Name(name)));
        }
        for (host, error) in [
            ("", Empty),
            ("a b", Character(' ')),
            ("a\0", Character('\0')),
            ("a\r\nb", Character('\r')),
            ("example.org:80", Character(':')),
            ("[127.0.0.1]", Character('[')),
            ("[::1", Character('[')),
            ("::1]", Character(':')),
            ("[]", Character('[')),
            ("user@host", Character('@')),
            ("a%20", Character('%')),
            ("bücher.example", Character('ü')),
            ("fe80::1%eth0", Zone),
            ("[fe80::1%25eth0]", Zone),
        ] {
            assert_eq!(kind(host), Err(error), "{host:?}");
        }
    }
}
