//! The URL and the host of a target, as a script sees them.

use std::net::IpAddr;
use wirestack_dial::Target;

/// The arguments of `FindProxyForURL`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Question {
    pub(crate) url: String,
    pub(crate) host: String,
}

impl Question {
    /// Creates the question about a target, as a browser would ask: without user, password and
    /// fragment, and without path and query if the target is reached by TLS.
    ///
    /// Browsers have no streams of bytes. What they ask of a proxy for `https` is a tunnel, so a
    /// stream is shown as `https`.
    pub(crate) fn about(target: &Target) -> Self {
        let endpoint = target.endpoint();
        let host = endpoint.host.split('%').next().unwrap_or_default();
        // Streams have no path, and behind TLS a script sees none.
        let scheme = match target.scheme() {
            "tcp" | "tls" => "https",
            scheme => scheme,
        };
        let path = match scheme {
            "https" | "wss" => "/",
            _ => target.path_and_query(),
        };
        let default_port = if matches!(scheme, "https" | "wss") {
            443
        } else {
            80
        };
        let authority = match target.authority() {
            // A stream has no default port, and its scheme here has one.
            authority if endpoint.port == default_port => {
                let port = format!(":{default_port}");
                authority
                    .strip_suffix(&port)
                    .unwrap_or(&authority)
                    .to_owned()
            }
            authority => authority,
        };
        let url = format!("{scheme}://{authority}{path}");
        Self {
            url,
            host: host.to_owned(),
        }
    }

    /// Returns `true` if the host is this machine or a neighbour on its link. Browsers ask no script
    /// about those.
    pub(crate) fn is_local(&self) -> bool {
        // An IPv4-mapped address reaches the IPv4 address in it.
        let address = self.host.parse().map(|ip: IpAddr| ip.to_canonical());
        match address {
            Ok(IpAddr::V4(ip)) => ip.is_loopback() || ip.is_link_local(),
            Ok(IpAddr::V6(ip)) => ip.is_loopback() || ip.is_unicast_link_local(),
            Err(_) => {
                let host = self.host.trim_end_matches('.');
                host == "localhost" || host.ends_with(".localhost")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_see_no_secret_of_a_target() {
        for (target, url, host) in [
            (
                "wss://u:p@example.org/chat?token=x",
                "wss://example.org/",
                "example.org",
            ),
            (
                "ws://u:p@example.org/chat?x=1",
                "ws://example.org/chat?x=1",
                "example.org",
            ),
            (
                "wss://example.org:8443/chat",
                "wss://example.org:8443/",
                "example.org",
            ),
            (
                "https://[2001:db8::1]/x",
                "https://[2001:db8::1]/",
                "2001:db8::1",
            ),
            ("http://h:80/x", "http://h/x", "h"),
            ("tls://h:443", "https://h/", "h"),
            ("tcp://h:22", "https://h:22/", "h"),
            ("ws://[fe80::1%25eth0]/", "ws://[fe80::1]/", "fe80::1"),
        ] {
            let seen = Question::about(&target.parse().unwrap());
            assert_eq!((&*seen.url, &*seen.host), (url, host), "{target}");
        }
    }

    #[test]
    fn this_machine_and_its_link_are_local() {
        for (target, local) in [
            ("ws://localhost", true),
            ("ws://a.localhost.", true),
            ("ws://127.3.2.1", true),
            ("ws://[::1]", true),
            ("ws://169.254.1.1", true),
            ("ws://[fe80::1]", true),
            ("ws://[::ffff:127.0.0.1]", true),
            ("ws://[::ffff:a9fe:101]", true),
            ("ws://[::ffff:10.0.0.1]", false),
            ("ws://notlocalhost", false),
            ("ws://10.0.0.1", false),
        ] {
            let seen = Question::about(&target.parse().unwrap());
            assert_eq!(seen.is_local(), local, "{target}");
        }
    }
}
