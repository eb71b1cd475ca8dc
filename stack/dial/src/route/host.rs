//! The host of a URL (RFC 3986 §3.2.2).

use crate::ipv4;
use crate::route::endpoint::RouteError;
use percent_encoding::percent_decode_str;
use std::net::{Ipv4Addr, Ipv6Addr};

/// Reads a host: an IPv6 address in brackets, an IPv4 address in each spelling that systems read, or
/// a name. Returns a name in A-labels and in lower case, or an address in its usual form, without
/// brackets.
///
/// A host that systems would read as an IPv4 address never counts as a name. So a comparison of hosts
/// sees the address of the connection.
pub(crate) fn read_host(host: &str) -> Result<String, RouteError> {
    if host.is_empty() {
        return Err(RouteError::NoHost);
    }
    if host.parse::<Ipv4Addr>().is_ok() {
        return Ok(host.to_owned()); // it has one spelling for Rust
    }
    if let Some(inside) = host.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
        return read_ipv6(inside);
    }
    let decoded = percent_decode_str(host).decode_utf8_lossy();
    let name = read_name(&decoded)?;
    let address = name.strip_suffix('.').unwrap_or(&name);
    if ipv4::is_meant(address) {
        let address = ipv4::read(address).ok_or(RouteError::Ipv4)?;
        return Ok(address.to_string());
    }
    match name.chars().find(|c| !is_host_character(*c)) {
        Some(c) => Err(RouteError::HostCharacter(c)),
        None => Ok(name),
    }
}

/// Returns a name in ASCII and in lower case. A name that is ASCII is not checked.
///
/// # Errors
///
/// [`RouteError::NotAscii`] without the feature `idna`, and [`RouteError::Idna`] with it.
pub(crate) fn read_name(name: &str) -> Result<String, RouteError> {
    match name.chars().find(|c| !c.is_ascii()) {
        None => Ok(name.to_ascii_lowercase()),
        Some(c) => to_ascii(name, c),
    }
}

#[cfg(feature = "idna")]
fn to_ascii(name: &str, _: char) -> Result<String, RouteError> {
    let name = idna::domain_to_ascii_cow(name.as_bytes(), idna::AsciiDenyList::URL);
    let name = name.map_err(|_| RouteError::Idna)?.into_owned();
    // Some names are made of characters alone that cannot be seen.
    if name.is_empty() {
        Err(RouteError::Idna)
    } else {
        Ok(name)
    }
}

#[cfg(not(feature = "idna"))]
fn to_ascii(_: &str, first: char) -> Result<String, RouteError> {
    Err(RouteError::NotAscii(first))
}

fn read_ipv6(inside: &str) -> Result<String, RouteError> {
    let (address, zone) = match inside.split_once('%') {
        Some((address, zone)) => (address, Some(read_zone(zone)?)),
        None => (inside, None),
    };
    let address: Ipv6Addr = address.parse().map_err(|_| RouteError::Brackets)?;
    Ok(match zone {
        Some(zone) => format!("{address}%{zone}"),
        None => address.to_string(),
    })
}

/// Reads the zone behind the `%` of an IPv6 address. RFC 6874 §2 wants the `%` as `%25`; many write
/// it plainly.
fn read_zone(zone: &str) -> Result<&str, RouteError> {
    let zone = match zone.strip_prefix("25") {
        Some(escaped) if !escaped.is_empty() => escaped,
        _ => zone,
    };
    let is_known = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
    if zone.is_empty() || !zone.chars().all(is_known) {
        return Err(RouteError::Zone);
    }
    Ok(zone)
}

/// "reg-name = *( unreserved / pct-encoded / sub-delims )" (RFC 3986 §3.2.2), decoded. The URL Standard
/// lets more through.
fn is_host_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv4_address_is_one_in_each_of_its_spellings() {
        for host in [
            "127.0.0.1",
            "127.0.0.1.",
            "127.1",
            "0x7f.1",
            "0X7F.0x1",
            "0177.0.0.01",
            "017700000001",
            "2130706433",
            "%31%32%37.1",
            "127%2e1",
        ] {
            assert_eq!(read_host(host).as_deref(), Ok("127.0.0.1"), "{host}");
        }
        for host in [
            "1.2.3.4.5",
            "256.1.1.1",
            "a.1",
            "08",
            "4294967296",
            "1..2",
            "a.0x7f",
        ] {
            assert_eq!(read_host(host), Err(RouteError::Ipv4), "{host}");
        }
    }

    #[test]
    fn an_ipv6_address_has_brackets() {
        assert_eq!(read_host("[2001:DB8::0:1]").as_deref(), Ok("2001:db8::1"));
        assert_eq!(
            read_host("[::ffff:1.2.3.4]").as_deref(),
            Ok("::ffff:1.2.3.4")
        );
        for host in ["[]", "[1.2.3.4]", "[::1", "[::1%25]x", "[::g]"] {
            assert!(read_host(host).is_err(), "{host}");
        }
    }

    #[test]
    fn a_name_is_in_lower_case_and_has_characters_of_hosts() {
        assert_eq!(read_host("A_b.Test.").as_deref(), Ok("a_b.test."));
        assert_eq!(read_host("%41b").as_deref(), Ok("ab"));
        assert_eq!(read_host("xn--BCHER-KVA").as_deref(), Ok("xn--bcher-kva"));
        for (host, bad) in [("a b", ' '), ("a%2fb", '/'), ("a%00", '\0'), ("a%zz", '%')] {
            assert_eq!(
                read_host(host),
                Err(RouteError::HostCharacter(bad)),
                "{host}"
            );
        }
    }

    #[cfg(feature = "idna")]
    #[test]
    fn a_name_in_unicode_is_read_by_idna() {
        for (host, name) in [
            ("BÜCHER.test", "xn--bcher-kva.test"),
            ("b%C3%BCcher.test", "xn--bcher-kva.test"),
            ("１２７。0.0.1", "127.0.0.1"), // fullwidth digits, and the full stop of Chinese
            ("exa\u{ad}mple", "example"),
        ] {
            assert_eq!(read_host(host).as_deref(), Ok(name), "{host}");
        }
        for host in ["\u{ad}", "a\u{fffd}", "%ff", "\u{2100}"] {
            assert!(read_host(host).is_err(), "{host}");
        }
    }

    #[cfg(not(feature = "idna"))]
    #[test]
    fn a_name_in_unicode_is_refused_with_the_way_out() {
        let error = read_host("BÜCHER.test").unwrap_err();
        assert_eq!(error, RouteError::NotAscii('Ü'));
        assert!(error.to_string().contains("feature `idna`"), "{error}");
        assert!(read_host("%ff").is_err());
    }
}
