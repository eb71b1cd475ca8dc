//! The hosts that are reached without the proxy, in the grammars of each system.

use crate::route::endpoint::Endpoint;
use crate::route::environment::{covers, is_within};
use std::net::IpAddr;

/// A list of exceptions.
#[derive(Clone, Debug, Default)]
pub(super) struct Bypass {
    rules: Vec<Rule>,
    /// The proxy is for the hosts in the list, and for no others.
    pub(super) is_reversed: bool,
    /// Loopback goes by the proxy too.
    takes_loopback: bool,
}

#[derive(Clone, Debug)]
enum Rule {
    /// Every host.
    All,
    /// Names without a dot.
    Simple,
    /// A name and all names below it.
    Domain(String, Option<u16>),
    /// Names like this one, in which `*` stands for any text.
    Pattern {
        scheme: Option<String>,
        pattern: String,
        port: Option<u16>,
    },
    /// An address, or a network.
    Network(String, Option<u16>),
}

impl Bypass {
    /// Reads a list of GNOME, as its library GLib does: a name covers its subdomains, with or without
    /// `.` or `*.` before it; addresses, networks; each may have a port.
    pub(super) fn gnome<'a>(items: impl IntoIterator<Item = &'a str>) -> Self {
        Self::of(items.into_iter().map(domain_rule))
    }

    /// Reads a list of KDE: as that of GNOME, and `<local>` for names without a dot.
    pub(super) fn kde(list: &str) -> Self {
        let items = list.split([',', ';', ' ', '\t']);
        Self::of(items.map(|item| {
            if item.trim().eq_ignore_ascii_case("<local>") {
                return Some(Rule::Simple);
            }
            domain_rule(item)
        }))
    }

    /// Reads a list of Windows: patterns with `*`, each with or without a scheme and a port;
    /// `<local>` for names without a dot; `<-loopback>` takes the exception of loopback away.
    pub(super) fn windows(list: &str) -> Self {
        let is_loopback = |item: &str| item.eq_ignore_ascii_case("<-loopback>");
        let items = || list.split([';', ' ', '\t', '\r', '\n']);
        let rules = items().filter(|item| !is_loopback(item)).map(|item| {
            if item.eq_ignore_ascii_case("<local>") {
                return Some(Rule::Simple);
            }
            pattern_rule(item)
        });
        Self {
            takes_loopback: items().any(is_loopback),
            ..Self::of(rules)
        }
    }

    /// Reads a list of macOS: patterns with `*`, and networks whose last parts may be missing.
    pub(super) fn macos<'a>(items: impl IntoIterator<Item = &'a str>, simple: bool) -> Self {
        let rules = items.into_iter().map(|item| {
            let item = item.trim();
            match whole_network(item) {
                Some(network) => Some(Rule::Network(network, None)),
                None => pattern_rule(item),
            }
        });
        let simple = simple.then_some(Some(Rule::Simple));
        Self::of(rules.chain(simple))
    }

    fn of(rules: impl Iterator<Item = Option<Rule>>) -> Self {
        Self {
            rules: rules.flatten().collect(),
            is_reversed: false,
            takes_loopback: false,
        }
    }

    /// Returns `true` if this host is reached without the proxy.
    pub(super) fn covers(&self, scheme: &str, endpoint: &Endpoint) -> bool {
        let host = endpoint.host_without_zone();
        let host = host.strip_suffix('.').unwrap_or(host);
        let ip = host.parse::<IpAddr>().ok();
        let is_listed = self
            .rules
            .iter()
            .any(|rule| rule.matches(scheme, host, ip, endpoint.port));
        if self.is_reversed {
            return !is_listed;
        }
        is_listed || (!self.takes_loopback && is_of_this_machine(host, ip))
    }
}

impl Rule {
    fn matches(&self, scheme: &str, host: &str, ip: Option<IpAddr>, port: u16) -> bool {
        let is_port = |wanted: &Option<u16>| wanted.is_none_or(|wanted| wanted == port);
        match self {
            Self::All => true,
            Self::Simple => ip.is_none() && !host.contains('.'),
            Self::Domain(domain, wanted) => {
                ip.is_none() && is_port(wanted) && is_within(host, domain)
            }
            Self::Network(network, wanted) => {
                is_port(wanted) && ip.is_some_and(|ip| covers(network, ip))
            }
            Self::Pattern {
                scheme: wanted,
                pattern,
                port: wanted_port,
            } => {
                wanted
                    .as_ref()
                    .is_none_or(|wanted| is_scheme(wanted, scheme))
                    && is_port(wanted_port)
                    && is_like(pattern, host)
            }
        }
    }
}

/// Returns `true` for loopback and link-local addresses, which a proxy cannot reach.
fn is_of_this_machine(host: &str, ip: Option<IpAddr>) -> bool {
    match ip {
        Some(IpAddr::V4(ip)) => ip.is_loopback() || ip.is_link_local(),
        Some(IpAddr::V6(ip)) => ip.is_loopback() || ip.is_unicast_link_local(),
        None => is_within(host, "localhost"),
    }
}

/// A WebSocket is a request of HTTP.
fn is_scheme(wanted: &str, scheme: &str) -> bool {
    let scheme = match scheme {
        "ws" => "http",
        "wss" => "https",
        other => other,
    };
    wanted.eq_ignore_ascii_case(scheme)
}

/// Reads an item of which a name covers its subdomains.
fn domain_rule(item: &str) -> Option<Rule> {
    let item = item.trim();
    match item {
        "" => return None,
        "*" => return Some(Rule::All),
        _ => {}
    }
    let (place, port) = split_port(item);
    if is_network(place) {
        return Some(Rule::Network(place.to_owned(), port));
    }
    let name = place.strip_prefix('*').unwrap_or(place);
    let name = name.trim_start_matches('.');
    (!name.is_empty()).then(|| Rule::Domain(name.to_owned(), port))
}

/// Reads an item in which `*` stands for any text.
fn pattern_rule(item: &str) -> Option<Rule> {
    let item = item.trim();
    if item.is_empty() {
        return None;
    }
    if item == "*" {
        return Some(Rule::All);
    }
    let (scheme, place) = match item.split_once("://") {
        Some((scheme, place)) => (Some(scheme.to_owned()), place),
        None => (None, item),
    };
    let (place, port) = split_port(place.trim_end_matches('/'));
    if scheme.is_none() && is_network(place) {
        return Some(Rule::Network(place.to_owned(), port));
    }
    let pattern = match place.strip_prefix('.') {
        Some(_) => format!("*{place}"),
        None => place.to_owned(),
    };
    Some(Rule::Pattern {
        scheme,
        pattern,
        port,
    })
}

/// Takes the port off an item, and the brackets off an IPv6 address.
fn split_port(item: &str) -> (&str, Option<u16>) {
    if let Some(inside) = item.strip_prefix('[') {
        return match inside.split_once(']') {
            Some((address, rest)) => {
                let port = rest.strip_prefix(':').and_then(|port| port.parse().ok());
                (address, port)
            }
            None => (item, None),
        };
    }
    match item.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') => match port.parse() {
            Ok(port) => (host, Some(port)),
            Err(_) => (item, None),
        },
        _ => (item, None),
    }
}

fn is_network(item: &str) -> bool {
    let address = item.split_once('/').map_or(item, |(address, _)| address);
    address.parse::<IpAddr>().is_ok()
}

/// Returns a network of IPv4 with the parts that macOS leaves out: `169.254/16` is `169.254.0.0/16`.
fn whole_network(item: &str) -> Option<String> {
    let (address, bits) = item.split_once('/')?;
    let parts = address.split('.').count();
    let is_number = |part: &str| part.parse::<u8>().is_ok();
    if parts >= 4 || !address.split('.').all(is_number) {
        return None;
    }
    Some(format!("{address}{}/{bits}", ".0".repeat(4 - parts)))
}

/// Returns `true` if the text is like the pattern, in which `*` stands for any text. The time is the
/// product of both lengths at most.
fn is_like(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    // The place behind the last `*`, and the text that it stands for so far.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        if pattern.get(p) == Some(&b'*') {
            star = Some((p + 1, t));
            p += 1;
        } else if pattern
            .get(p)
            .is_some_and(|c| c.eq_ignore_ascii_case(&text[t]))
        {
            (p, t) = (p + 1, t + 1);
        } else if let Some((behind, until)) = star {
            star = Some((behind, until + 1));
            (p, t) = (behind, until + 1);
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|c| *c == b'*')
}
