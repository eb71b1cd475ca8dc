//! Patterns of host names, and the addresses that hide in odd spellings.

use crate::ipv4;
use crate::route::host::read_name;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// A pattern of hosts, as a client of a proxy names them.
///
/// `example.org` is that name alone, `*.example.org` is each name below it, `192.0.2.7` is that
/// address in any spelling, and `*` is every host, an address too. Upper and lower case are the same, and so are a name with and without the dot at
/// its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum HostPattern {
    Every,
    Name(String),
    /// This address. An IPv4-mapped one is an IPv4 address here.
    Address(IpAddr),
    /// The names that end with this text, which begins with a dot.
    Below(String),
}

impl HostPattern {
    pub(super) fn new(text: &str) -> Self {
        if let Some(ip) = address_of(text) {
            return Self::Address(ip.to_canonical());
        }
        let text = text.strip_suffix('.').unwrap_or(text);
        match text.strip_prefix("*.") {
            _ if text == "*" => Self::Every,
            Some(name) => Self::Below(format!(".{}", in_ascii(name))),
            None => Self::Name(in_ascii(text)),
        }
    }

    pub(super) fn matches(&self, host: &str) -> bool {
        let address = address_of(host);
        if address.is_some() {
            let address = address.map(|ip| ip.to_canonical());
            return match self {
                Self::Every => true,
                Self::Address(ip) => address == Some(*ip),
                Self::Name(_) | Self::Below(_) => false,
            };
        }
        let host = plain(host);
        match self {
            Self::Every => true,
            Self::Address(_) => false,
            Self::Name(name) => host == *name,
            Self::Below(suffix) => host.len() > suffix.len() && host.ends_with(&**suffix),
        }
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Every => f.write_str("*"),
            Self::Name(name) => f.write_str(name),
            Self::Address(ip) => ip.fmt(f),
            Self::Below(suffix) => write!(f, "*{suffix}"),
        }
    }
}

/// Returns a name as a client writes it: in A-labels (RFC 5890) and in lower case. One that has no
/// such form names no host.
fn in_ascii(name: &str) -> String {
    read_name(name).unwrap_or_else(|_| name.to_owned())
}

/// Returns a name in lower case and without the dot at its end.
fn plain(host: &str) -> String {
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

/// Returns the address that a host stands for without a look-up, also in the spellings that
/// systems and browsers still read: `[::1]`, `127.1`, `0x7f.0.0.1`, `017700000001`, `2130706433`
/// (the IPv4 parser of the URL Standard). The look-up of a system would return this address, and a
/// name of the domain name system cannot look like it.
pub(super) fn address_of(host: &str) -> Option<IpAddr> {
    if let Ok(ip) = host.parse() {
        return Some(ip);
    }
    let inside = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    match inside {
        Some(inside) => inside.parse::<Ipv6Addr>().ok().map(IpAddr::from),
        None => ipv4::read(host.strip_suffix('.').unwrap_or(host)).map(IpAddr::from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_a_name_or_all_names_below_one() {
        let matches = |pattern: &str, host: &str| HostPattern::new(pattern).matches(host);
        assert!(matches("example.org", "EXAMPLE.org.") && matches("Example.org.", "example.org"));
        assert!(!matches("example.org", "www.example.org"));
        assert!(!matches("example.org", "badexample.org"));
        assert!(matches("*.internal", "db.internal") && matches("*.internal", "a.b.INTERNAL."));
        assert!(!matches("*.internal", "internal") && !matches("*.internal", ".internal"));
        assert!(!matches("*.internal", "dbinternal") && !matches("*.internal", "internal.org"));
        assert!(matches("*", "a") && matches("*", "192.0.2.1") && matches("*", "::1"));
        for (pattern, host, is_match) in [
            ("127.0.0.1", "127.1", true),
            ("127.1", "::ffff:127.0.0.1", true),
            ("[::1]", "::1", true),
            ("127.0.0.1", "127.0.0.2", false),
            ("127.0.0.1", "example.org", false),
            ("*.0.0.1", "127.0.0.1", false),
        ] {
            assert_eq!(matches(pattern, host), is_match, "{pattern} {host}");
        }
        for text in ["*", "example.org", "*.example.org", "192.0.2.7"] {
            assert_eq!(HostPattern::new(text).to_string(), text);
        }
    }

    #[cfg(feature = "idna")]
    #[test]
    fn a_pattern_in_unicode_is_the_name_in_a_labels() {
        for (pattern, host) in [
            ("B\u{dc}CHER.test", "xn--bcher-kva.test"),
            ("*.b\u{fc}cher.test.", "www.xn--bcher-kva.test"),
        ] {
            assert!(HostPattern::new(pattern).matches(host), "{pattern}");
        }
    }

    #[test]
    fn odd_spellings_of_addresses_are_addresses() {
        for (host, address) in [
            ("127.0.0.1", "127.0.0.1"),
            ("127.0.0.1.", "127.0.0.1"),
            ("127.1", "127.0.0.1"),
            ("127.0.1", "127.0.0.1"),
            ("2130706433", "127.0.0.1"),
            ("0x7f.1", "127.0.0.1"),
            ("0X7F000001", "127.0.0.1"),
            ("0177.0.0.01", "127.0.0.1"),
            ("017700000001", "127.0.0.1"),
            ("0", "0.0.0.0"),
            ("0x", "0.0.0.0"),
            ("4294967295", "255.255.255.255"),
            ("1.65535", "1.0.255.255"),
            ("10.16777215", "10.255.255.255"),
            ("::1", "::1"),
            ("[::]", "::"),
            ("[::ffff:127.0.0.1]", "::ffff:127.0.0.1"),
        ] {
            assert_eq!(address_of(host), Some(address.parse().unwrap()), "{host}");
        }
        for host in [
            "",
            ".",
            "localhost",
            "localhost.",
            "a.1",
            "1.a",
            "256.1.1.1",
            "1.2.3.4.5",
            "1..2",
            "127.0.0.1..",
            "4294967296",
            "1.16777216",
            "1.2.65536",
            "1.2.3.256",
            "08",
            "0x7g",
            "+1",
            "-1",
            "1_0",
            "[127.0.0.1]",
            "[::1",
            "fe80::1%eth0",
            "[fe80::1%25eth0]",
        ] {
            assert_eq!(address_of(host), None, "{host}");
        }
    }
}
