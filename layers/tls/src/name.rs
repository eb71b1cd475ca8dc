use crate::TlsError;
use rustls::pki_types::{DnsName, ServerName};
use std::net::{IpAddr, Ipv6Addr};
use wirestack_layer::Error;

/// Returns the name that a client expects of its server, from the host of a URL: `example.org`,
/// `192.0.2.1`, `[2001:db8::1]`.
///
/// IPv6 brackets are optional. A zone id (`fe80::1%eth0`) is dropped: it has a meaning on this
/// machine only (RFC 6874 §1), so it is neither sent nor expected in a certificate. Give a name
/// that is not ASCII in its A-label form, `xn--…`.
///
/// ```
/// use wirestack_tls::server_name;
///
/// assert_eq!(server_name("example.org")?.to_str(), "example.org");
/// assert!(server_name("2001:db8::1").is_ok() && server_name("not a name").is_err());
/// # Ok::<(), wirestack_layer::Error>(())
/// ```
///
/// # Errors
///
/// [`TlsError::ServerName`] if the host is neither a DNS name nor an IP address.
pub fn server_name(host: &str) -> Result<ServerName<'static>, Error> {
    let wrong = || TlsError::ServerName(host.to_owned()).local();
    let bare = host.strip_prefix('[').map(|rest| rest.strip_suffix(']'));
    let (address, bracketed) = match bare {
        Some(inside) => (inside.ok_or_else(wrong)?, true),
        None => (host, false),
    };
    if let Some(address) = ipv6(address) {
        return Ok(ServerName::from(IpAddr::V6(address)));
    }
    if bracketed {
        return Err(wrong());
    }
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(ServerName::from(address));
    }
    match DnsName::try_from(host) {
        Ok(name) => Ok(ServerName::DnsName(name.to_owned())),
        Err(_) => Err(wrong()),
    }
}

fn ipv6(text: &str) -> Option<Ipv6Addr> {
    match text.split_once('%') {
        Some((_, "")) => None,
        Some((address, _zone)) => address.parse().ok(),
        None => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_of_urls_become_names_of_servers() {
        for (host, name) in [
            ("example.org", "example.org"),
            ("192.0.2.1", "192.0.2.1"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
        ] {
            assert_eq!(server_name(host).unwrap().to_str(), name, "{host}");
        }
    }

    #[test]
    fn pitfall_26_an_ipv6_zone_id_does_not_leave_the_host() {
        for host in ["fe80::1%eth0", "[fe80::1%eth0]", "[fe80::1%25eth0]"] {
            assert_eq!(server_name(host).unwrap().to_str(), "fe80::1", "{host}");
        }
    }

    #[test]
    fn what_no_certificate_names_is_refused() {
        for host in [
            "",
            "[example.org]",
            "[192.0.2.1]",
            "[::1",
            "::1]",
            "fe80::1%",
            "a b",
            "bücher.example",
            "example.org:443",
            "192.0.2.1%eth0",
        ] {
            let error = server_name(host).unwrap_err();
            assert!(
                matches!(error.cause(), Some(TlsError::ServerName(_))),
                "{host}"
            );
        }
    }
}
