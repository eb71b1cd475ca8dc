//! The proxy that the environment variables name, read as curl reads them.

use crate::route::endpoint::RouteError;
use crate::route::hop::Hop;
use crate::route::host::read_name;
use crate::route::target::Target;
use std::borrow::Cow;
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::mem;
use std::net::IpAddr;
use wirestack_layer::Escaped;
use zeroize::Zeroize;

/// The environment variables that name proxies: `ws_proxy`, `wss_proxy`, `http_proxy`,
/// `https_proxy`, `all_proxy` and `no_proxy`.
///
/// They are read as curl reads them:
///
/// * `http_proxy` counts in lower case only, because a CGI server sets `HTTP_PROXY` from a header
///   of its client. The others count in both cases, lower case first.
/// * An empty variable counts as not set.
/// * `ws` targets use `ws_proxy`, else `http_proxy`; `wss` targets use `wss_proxy`, else
///   `https_proxy`; `all_proxy` is for those without one, and for streams.
/// * A value without a scheme is the one of an HTTP proxy. A path, a query and the password of a
///   SOCKS4 proxy have no use, and are passed over. `socks://` is SOCKS4.
/// * User and password may be percent-encoded. Bytes that are not UTF-8 are sent as they are.
/// * `no_proxy` is `*`, or a list of names, addresses and networks, separated by commas or blanks.
///   A name covers its subdomains. Unlike in curl, a network may have IPv6 addresses.
///
/// A variable that names no proxy is an error, and never a way around the proxy.
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
    variables: HashMap<String, OsString>,
}

/// Clears the variables from memory: they may hold passwords.
impl Drop for Environment {
    fn drop(&mut self) {
        for value in self.variables.values_mut() {
            mem::take(value).into_encoded_bytes().zeroize();
        }
    }
}

impl Environment {
    /// The names of the variables that are read. Of those that name a proxy for a target, the first one
    /// that is set counts.
    pub const VARIABLES: [&str; 11] = [
        "ws_proxy",
        "WS_PROXY",
        "wss_proxy",
        "WSS_PROXY",
        "http_proxy",
        "https_proxy",
        "HTTPS_PROXY",
        "all_proxy",
        "ALL_PROXY",
        "no_proxy",
        "NO_PROXY",
    ];

    /// Takes names of variables and their values. Other variables are left out.
    pub fn new<N, V>(variables: impl IntoIterator<Item = (N, V)>) -> Self
    where
        N: Into<String>,
        V: Into<OsString>,
    {
        let variables = variables.into_iter().map(|(n, v)| (n.into(), v.into()));
        let known = |name: &str| Self::VARIABLES.contains(&name);
        Self {
            variables: variables
                .filter(|(name, value)| known(name) && !value.is_empty())
                .collect(),
        }
    }

    /// Reads the variables of this process.
    ///
    /// ```
    /// use wirestack_dial::{Environment, Target};
    ///
    /// /// Prints the proxy that the variables name for a URL.
    /// fn print(url: &str) -> Result<(), wirestack_dial::RouteError> {
    ///     let target: Target = url.parse()?;
    ///     match Environment::of_this_process().proxy_for(&target)? {
    ///         Some(proxy) => println!("{target} by {proxy}"),
    ///         None => println!("{target} directly"),
    ///     }
    ///     Ok(())
    /// }
    /// ```
    pub fn of_this_process() -> Self {
        let values = Self::VARIABLES.map(|name| (name, std::env::var_os(name).unwrap_or_default()));
        Self::new(values)
    }

    /// Returns the proxy for a target, if there is one. A target at a Unix socket of this machine
    /// has none.
    ///
    /// # Errors
    ///
    /// [`RouteError::Variable`] if the variable is not the URL of a proxy. Connecting without the
    /// proxy would surprise the user.
    pub fn proxy_for(&self, target: &Target) -> Result<Option<Hop>, RouteError> {
        if target.unix.is_some() {
            return Ok(None);
        }
        let names: &[&str] = match target.scheme() {
            "ws" => &["ws_proxy", "WS_PROXY", "http_proxy"],
            "wss" => &["wss_proxy", "WSS_PROXY", "https_proxy", "HTTPS_PROXY"],
            "http" => &["http_proxy"],
            "https" => &["https_proxy", "HTTPS_PROXY"],
            _ => &[],
        };
        let found = self
            .first(names)
            .or_else(|| self.first(&["all_proxy", "ALL_PROXY"]));
        let Some((name, value)) = found else {
            return Ok(None);
        };
        if self.is_exempt(target.endpoint().host_without_zone()) {
            return Ok(None);
        }
        let text = as_text(value);
        let hop = text
            .as_deref()
            .map_err(Clone::clone)
            .and_then(Hop::from_variable);
        hop.map(Some).map_err(|error| RouteError::Variable {
            name,
            value: shown(&value.to_string_lossy()),
            error: Box::new(error),
        })
    }

    /// Returns `true` if the variables decide about a target: one names a proxy for it, or `no_proxy`
    /// covers it. Otherwise another source of proxies may be asked.
    ///
    /// ```
    /// use wirestack_dial::Environment;
    ///
    /// let environment = Environment::new([("no_proxy", "intern.test")]);
    /// assert!(environment.decides_about(&"wss://chat.intern.test".parse()?));
    /// assert!(!environment.decides_about(&"wss://example.org".parse()?));
    /// # Ok::<(), wirestack_dial::RouteError>(())
    /// ```
    pub fn decides_about(&self, target: &Target) -> bool {
        !matches!(self.proxy_for(target), Ok(None))
            || self.is_exempt(target.endpoint().host_without_zone())
    }

    /// Returns the name and the value of the first of these variables that is set.
    fn first(&self, names: &[&'static str]) -> Option<(&'static str, &OsStr)> {
        let values = names
            .iter()
            .filter_map(|name| Some((*name, self.variables.get(*name)?)));
        values.map(|(name, value)| (name, value.as_os_str())).next()
    }

    fn is_exempt(&self, host: &str) -> bool {
        let Some((_, list)) = self.first(&["no_proxy", "NO_PROXY"]) else {
            return false;
        };
        // An item that is not Unicode names no host, and spoils no other item.
        let list = list.to_string_lossy();
        if list == "*" {
            return true;
        }
        let mut items = list.split([',', ' ', '\t']).filter(|item| !item.is_empty());
        match host.parse::<IpAddr>() {
            Ok(ip) => items.any(|item| covers(item, ip)),
            Err(_) => items.any(|item| is_within(host, item)),
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

/// Returns the value of a variable for the parser of URLs. On Unix a value is bytes, and those that
/// are not UTF-8 are percent-encoded.
fn as_text(value: &OsStr) -> Result<Cow<'_, str>, RouteError> {
    if let Some(text) = value.to_str() {
        return Ok(text.into());
    }
    if cfg!(not(unix)) {
        return Err(RouteError::NotUnicode);
    }
    let mut text = String::new();
    for chunk in value.as_encoded_bytes().utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    Ok(text.into())
}

/// Returns the value of a variable for an error. Everything up to the last `@` may be a secret, and
/// so may be what stands in the place of a port.
pub(crate) fn shown(value: &str) -> String {
    let at = |mark: &str| value.rfind(mark).map(|at| at + mark.len());
    let login_end = at("@").max(at("%40")).unwrap_or(0);
    let is_scheme = |text: &str| {
        let known = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
        text.chars().all(known) // RFC 3986 §3.1
    };
    let start = value.find("://").filter(|at| is_scheme(&value[..*at]));
    let start = start.map_or(0, |at| at + 3);
    let scheme = value.get(..start).unwrap_or_default();
    let login = if login_end > start { "***@" } else { "" };
    let place = value.get(start.max(login_end)..).unwrap_or_default();
    let place = place.split(['/', '?', '#']).next().unwrap_or_default();
    let (host, port) = match place.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
            (host, format!(":{port}"))
        }
        Some((host, _)) => (host, ":***".to_owned()),
        None => (place, String::new()),
    };
    let text = format!("{scheme}{login}{host}{port}");
    Escaped::new(text).at_most(VALUE_SHOWN).to_string()
}

/// Returns `true` if `host` is the domain or one of its subdomains.
pub(crate) fn is_within(host: &str, domain: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let domain = domain.strip_suffix('.').unwrap_or(domain);
    let domain = domain.strip_prefix('.').unwrap_or(domain);
    // The host of a target is in A-labels (RFC 5890). A name that has none covers no host.
    let Ok(domain) = read_name(domain) else {
        return false;
    };
    let domain = &*domain;
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
pub(crate) fn covers(item: &str, ip: IpAddr) -> bool {
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

/// The number of characters of a value that an error shows.
const VALUE_SHOWN: usize = 128;
