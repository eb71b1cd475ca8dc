//! The functions about the names of hosts.

use std::net::IpAddr;

/// Returns `true` if the host is a name without a dot.
pub(crate) fn is_plain_host_name(host: &str) -> bool {
    !host.contains('.') && host.parse::<IpAddr>().is_err()
}

/// Returns `true` if the host ends with the domain, which begins with a dot, usually.
pub(crate) fn dns_domain_is(host: &str, domain: &str) -> bool {
    host.ends_with(domain)
}

/// Returns `true` if the host is the full name, or the first labels of it.
pub(crate) fn local_host_or_domain_is(host: &str, full: &str) -> bool {
    match full.strip_prefix(host) {
        Some(rest) => rest.is_empty() || rest.starts_with('.'),
        None => false,
    }
}

/// Returns the number of dots.
pub(crate) fn dns_domain_levels(host: &str) -> i32 {
    let dots = host.bytes().filter(|byte| *byte == b'.').count();
    i32::try_from(dots).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn netscapes_examples_of_names_hold() {
        assert!(is_plain_host_name("www"));
        assert!(!is_plain_host_name("www.netscape.com"));
        assert!(!is_plain_host_name("::1"));
        assert!(dns_domain_is("www.netscape.com", ".netscape.com"));
        assert!(!dns_domain_is("www", ".netscape.com"));
        assert!(!dns_domain_is("www.mcom.com", ".netscape.com"));
        assert!(local_host_or_domain_is(
            "www.netscape.com",
            "www.netscape.com"
        ));
        assert!(local_host_or_domain_is("www", "www.netscape.com"));
        assert!(!local_host_or_domain_is("www.mcom.com", "www.netscape.com"));
        assert!(!local_host_or_domain_is(
            "home.netscape.com",
            "www.netscape.com"
        ));
        assert!(!local_host_or_domain_is("ww", "www.netscape.com"));
        assert_eq!(dns_domain_levels("www"), 0);
        assert_eq!(dns_domain_levels("www.netscape.com"), 2);
    }
}
