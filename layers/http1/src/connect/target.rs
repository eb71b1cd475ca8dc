//! The target of a CONNECT: `host:port` (RFC 9112 §3.2.3).

use crate::error::Http1Error;
use wirestack_layer::{HostKind, HostPort};

/// Checks a target: its host is an address or a name in ASCII, and its port is not 0.
pub(super) fn check(target: HostPort<'_>) -> Result<HostPort<'_>, Http1Error> {
    match target.kind() {
        Ok(HostKind::Ipv6(_)) => {}
        Ok(_) if is_name(target.host()) => {}
        _ => return Err(Http1Error::BadHost),
    }
    if target.port() == 0 {
        return Err(Http1Error::BadPort);
    }
    Ok(target)
}

/// Reads the target of a request. "A server MUST reject a CONNECT request that targets an empty or
/// invalid port number" (RFC 9110 §9.3.6).
pub(super) fn parse(text: &str) -> Option<HostPort<'_>> {
    check(HostPort::parse(text, None)?).ok()
}

/// Returns `true` for an IPv4 address, and for a name as in RFC 3986 §3.2.2 but without escapes:
/// they stand for nothing that a name in ASCII has.
fn is_name(host: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&byte);
    (1..=NAME_LENGTH).contains(&host.len()) && host.bytes().all(good)
}

/// The name of both layers of CONNECT.
pub(super) const NAME: &str = "connect";

/// The longest name of the domain name system, in bytes.
const NAME_LENGTH: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pitfall_10_a_target_always_has_a_port_and_an_ipv6_address_its_brackets() {
        for (host, wanted) in [
            ("example.org", "example.org:443"),
            ("192.0.2.1", "192.0.2.1:443"),
            ("2001:db8::1", "[2001:db8::1]:443"),
            ("[2001:db8::1]", "[2001:db8::1]:443"),
            ("_a.b-c", "_a.b-c:443"),
        ] {
            let target = check(HostPort::new(host, 443)).unwrap();
            assert_eq!(target.to_string(), wanted);
            assert_eq!(parse(wanted), Some(target));
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
            assert!(check(HostPort::new(host, 1)).is_err(), "{host:?}");
        }
        assert!(check(HostPort::new(&"a".repeat(256), 1)).is_err());
        assert!(check(HostPort::new("a", 0)).is_err());
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
            assert!(parse(text).is_none(), "{text}");
        }
    }
}
