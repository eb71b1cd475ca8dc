//! The proxy that the environment variables name, read as curl reads them.

use crate::route::endpoint::RouteError;
use crate::route::hop::Hop;
use crate::route::target::Target;
use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use zeroize::Zeroize;

/// The environment variables that name proxies: `http_proxy`, `https_proxy`, `all_proxy` and
/// `no_proxy`.
///
/// They are read as curl reads them:
///
/// * `http_proxy` counts in lower case only, because a CGI server sets `HTTP_PROXY` from a header
///   of its client. The others count in both cases, lower case first.
/// * An empty variable counts as not set.
/// * `ws` targets use `http_proxy`, `wss` targets use `https_proxy`, and streams use `all_proxy`.
/// * `no_proxy` is `*`, or a list of names, addresses and networks, separated by commas or blanks.
///   A name covers its subdomains. Unlike in curl, a network may have IPv6 addresses.
///
/// ```
/// use wirestack_dial::Environment;
///
/// let environment = Environment::new([
///     ("https_proxy", "http://proxy.test:3128"),
///     ("no_proxy", "intern.test, 10.0.0.0/8"),
/// ]);
/// let hop = environment.proxy_for(&"wss://example.org".parse()?)?;
/// assert_eq!(hop.unwrap().to_string(), "http://proxy.test:3128");
/// assert!(environment.proxy_for(&"wss://chat.intern.test".parse()?)?.is_none());
/// assert!(environment.proxy_for(&"wss://10.1.2.3".parse()?)?.is_none());
/// # Ok::<(), wirestack_dial::RouteError>(())
/// ```
#[derive(Clone, Default)]
pub struct Environment {
    variables: HashMap<String, String>,
}

/// Clears the variables from memory: they may hold passwords.
impl Drop for Environment {
    fn drop(&mut self) {
        self.variables.values_mut().for_each(Zeroize::zeroize);
    }
}

impl Environment {
    /// Takes names of variables and their values. Other variables are left out.
    pub fn new<N, V>(variables: impl IntoIterator<Item = (N, V)>) -> Self
    where
        N: Into<String>,
        V: Into<String>,
    {
        let variables = variables.into_iter().map(|(n, v)| (n.into(), v.into()));
        let known = |name: &str| VARIABLES.contains(&name);
        Self {
            variables: variables
                .filter(|(name, value)| known(name) && !value.is_empty())
                .collect(),
        }
    }

    /// Reads the variables of this process.
    pub fn of_this_process() -> Self {
        let values = VARIABLES.map(|name| (name, std::env::var(name).unwrap_or_default()));
        Self::new(values)
    }

    /// Returns the proxy for a target, if there is one.
    ///
    /// # Errors
    ///
    /// [`RouteError`] if the variable is not the URL of a proxy. Connecting without the proxy would
    /// surprise the user.
    pub fn proxy_for(&self, target: &Target) -> Result<Option<Hop>, RouteError> {
        let names: &[&str] = match target.scheme_name() {
            "ws" | "http" => &["http_proxy", "all_proxy", "ALL_PROXY"],
            "wss" | "https" => &["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"],
            _ => &["all_proxy", "ALL_PROXY"],
        };
        let Some(proxy) = self.first(names) else {
            return Ok(None);
        };
        if self.is_exempt(&target.endpoint().host) {
            return Ok(None);
        }
        let hop = if proxy.contains("://") {
            proxy.parse()
        } else {
            format!("http://{proxy}").parse()
        };
        hop.map(Some)
    }

    fn first(&self, names: &[&str]) -> Option<&str> {
        let values = names.iter().filter_map(|name| self.variables.get(*name));
        values.map(String::as_str).next()
    }

    fn is_exempt(&self, host: &str) -> bool {
        let Some(list) = self.first(&["no_proxy", "NO_PROXY"]) else {
            return false;
        };
        if list == "*" {
            return true;
        }
        let items = list.split([',', ' ', '\t']).filter(|item| !item.is_empty());
        match host.parse::<IpAddr>() {
            Ok(ip) => items.into_iter().any(|item| covers(item, ip)),
            Err(_) => items.into_iter().any(|item| is_within(host, item)),
        }
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names: Vec<_> = self.variables.keys().collect();
        names.sort();
        f.debug_tuple("Environment").field(&names).finish() // no values: they may hold passwords
    }
}

/// Returns `true` if `host` is the domain or one of its subdomains.
fn is_within(host: &str, domain: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let domain = domain.strip_suffix('.').unwrap_or(domain);
    let domain = domain.strip_prefix('.').unwrap_or(domain);
    let Some(at) = host.len().checked_sub(domain.len()) else {
        return false;
    };
    let (Some(before), Some(tail)) = (host.get(..at), host.get(at..)) else {
        return false;
    };
    !domain.is_empty()
        && tail.eq_ignore_ascii_case(domain)
        && (before.is_empty() || before.ends_with('.'))
}

/// Returns `true` if `item`, an address or a network, contains this address.
fn covers(item: &str, ip: IpAddr) -> bool {
    let (network, bits) = match item.split_once('/') {
        Some((network, bits)) => match bits.parse::<u32>() {
            Ok(bits) => (network, Some(bits)),
            Err(_) => return false,
        },
        None => (item, None),
    };
    let bits_of = |ip: IpAddr| match ip {
        IpAddr::V4(ip) => (u128::from(u32::from(ip)) << 96, 32),
        IpAddr::V6(ip) => (u128::from(ip), 128),
    };
    let Ok(network) = network.parse::<IpAddr>() else {
        return false;
    };
    let ((network_bits, width), (ip_bits, _)) = (bits_of(network), bits_of(ip));
    let bits = bits.unwrap_or(width);
    let mask = |value: u128| value.checked_shr(128 - bits).unwrap_or(0);
    network.is_ipv4() == ip.is_ipv4() && bits <= width && mask(network_bits) == mask(ip_bits)
}

const VARIABLES: [&str; 7] = [
    "http_proxy",
    "https_proxy",
    "HTTPS_PROXY",
    "all_proxy",
    "ALL_PROXY",
    "no_proxy",
    "NO_PROXY",
];
