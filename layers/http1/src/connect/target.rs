use crate::Http1Error;
use std::fmt;
use std::net::Ipv6Addr;

/// A host without brackets, and a port that is not 0: `host:port` of RFC 9112 §3.2.3.
pub(crate) struct Target {
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl Target {
    /// Takes a host, an IPv6 address with or without its brackets.
    pub(crate) fn new(host: &str, port: u16) -> Result<Self, Http1Error> {
        let bracketed = host.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
        let bare = bracketed.unwrap_or(host);
        let valid = match bare.contains(':') {
            true => bare.parse::<Ipv6Addr>().is_ok(),
            false => bracketed.is_none() && is_name(bare),
        };
        match (valid, port) {
            (false, _) => Err(Http1Error::BadHost),
            (true, 0) => Err(Http1Error::BadPort),
            (true, port) => Ok(Self {
                host: bare.to_owned(),
                port,
            }),
        }
    }

    /// Reads the target of a request. "A server MUST reject a CONNECT request that targets an empty
    /// or invalid port number" (RFC 9110 §9.3.6).
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        if host.contains(':') && !host.starts_with('[') {
            return None;
        }
        let digits = port.bytes().all(|byte| byte.is_ascii_digit()); // `str::parse` takes a sign
        let port = port.parse().ok().filter(|_| digits)?;
        Self::new(host, port).ok()
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(f, &self.host, self.port)
    }
}

/// Writes `host:port`, an IPv6 address in brackets.
pub(super) fn write(f: &mut fmt::Formatter<'_>, host: &str, port: u16) -> fmt::Result {
    match host.contains(':') {
        true => write!(f, "[{host}]:{port}"),
        false => write!(f, "{host}:{port}"),
    }
}

/// Returns whether this is an IPv4 address or a name as RFC 3986 §3.2.2 has it, but without escapes:
/// they stand for nothing that a name in ASCII has.
fn is_name(host: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&byte);
    (1..=NAME_LENGTH).contains(&host.len()) && host.bytes().all(good)
}

/// The longest name of the domain name system, in bytes.
const NAME_LENGTH: usize = 255;

#[cfg(test)]
mod tests {
    use super::Target;

    #[test]
    fn pitfall_10_a_target_always_has_a_port_and_an_ipv6_address_its_brackets() {
        for (host, wanted) in [
            ("example.org", "example.org:443"),
            ("192.0.2.1", "192.0.2.1:443"),
            ("2001:db8::1", "[2001:db8::1]:443"),
            ("[2001:db8::1]", "[2001:db8::1]:443"),
            ("_a.b-c", "_a.b-c:443"),
        ] {
            let target = Target::new(host, 443).unwrap();
            assert_eq!(target.to_string(), wanted);
            let read = Target::parse(wanted).unwrap();
            assert_eq!((read.host, read.port), (target.host, target.port));
        }
    }

    #[test]
    fn pitfall_12_a_host_cannot_inject_anything() {
        for host in [
            "",
            "a b",
            "a\r\nX: y",
            "a\0",
            "a/b",
            "u@a",
            "a:80",
            "[a]",
            "[::1",
            "::1]",
            "a%20",
            "fe80::1%eth0",
            "bücher.example",
            "a?b",
            "a#b",
            "a\u{7f}",
        ] {
            assert!(Target::new(host, 1).is_err(), "{host:?}");
        }
        assert!(Target::new(&"a".repeat(256), 1).is_err());
        assert!(Target::new("a", 0).is_err());
    }

    #[test]
    fn an_empty_or_invalid_port_is_no_target() {
        for text in [
            "a",
            "a:",
            ":80",
            "a:0",
            "a:65536",
            "a:+80",
            "a:-1",
            "a: 80",
            "a:80a",
            "::1:80",
            "[::1]",
            "[::1]80",
            "u:p@a:80",
            "http://a:80",
            "/",
            "*",
            "[::1%25eth0]:80",
        ] {
            assert!(Target::parse(text).is_none(), "{text}");
        }
    }
}
