//! Proxies that a user has named one by one.

use super::bypass::Bypass;
use crate::route::endpoint::{Endpoint, RouteError};
use crate::route::environment::shown;
use crate::route::hop::Hop;
use crate::route::target::Target;
use std::net::Ipv6Addr;

/// The proxies for each kind of target, and the exceptions.
#[derive(Clone, Debug, Default)]
pub(super) struct Manual {
    pub(super) http: Option<Proxy>,
    pub(super) https: Option<Proxy>,
    pub(super) socks: Option<Proxy>,
    /// The proxy for HTTP is for everything that has none of its own.
    pub(super) http_is_for_all: bool,
    pub(super) bypass: Bypass,
}

/// A proxy, or the reason that its setting names none. It is an error only for those that would use
/// it.
pub(super) type Proxy = Result<Hop, RouteError>;

impl Manual {
    pub(super) fn proxy_for(&self, target: &Target) -> Result<Option<Hop>, RouteError> {
        let endpoint: &Endpoint = target.endpoint();
        if self.bypass.covers(target.scheme(), endpoint) {
            return Ok(None);
        }
        let all = self.http.as_ref().filter(|_| self.http_is_for_all);
        let (http, https, socks) = (self.http.as_ref(), self.https.as_ref(), self.socks.as_ref());
        let found = match target.scheme() {
            "http" => http.or(socks),
            "https" => https.or(socks).or(all),
            _ => socks.or(https).or(http),
        };
        found.cloned().transpose()
    }
}

/// The setting that a value is of, for errors.
#[derive(Clone, Copy)]
pub(super) struct Setting {
    pub(super) system: &'static str,
    pub(super) key: &'static str,
}

impl Setting {
    pub(super) fn wrong(self, value: &str, error: impl ToString) -> RouteError {
        RouteError::Setting {
            system: self.system,
            key: self.key,
            value: shown(value),
            error: error.to_string(),
        }
    }

    /// Reads the proxy of a host and a port that are settings of their own. `None` if no host is
    /// named. Some write a URL in the place of the host.
    pub(super) fn proxy(self, scheme: &str, host: &str, port: Option<u16>) -> Option<Proxy> {
        let host = host.trim();
        if host.is_empty() {
            return None;
        }
        let (scheme, rest) = match host.split_once("://") {
            Some((own, rest)) => (own_scheme(own, scheme), rest),
            None => (scheme, host),
        };
        let rest = rest.trim_end_matches('/');
        let rest = match rest.parse::<Ipv6Addr>() {
            Ok(_) => format!("[{rest}]"),
            Err(_) => rest.to_owned(),
        };
        let text = match port.filter(|port| *port != 0) {
            Some(port) => format!("{scheme}://{rest}:{port}"),
            None => format!("{scheme}://{rest}"),
        };
        Some(Hop::from_variable(&text).map_err(|error| self.wrong(host, error)))
    }

    /// Reads the proxy of one text with host and port. `None` if it is empty.
    pub(super) fn proxy_text(self, scheme: &str, text: &str) -> Option<Proxy> {
        self.proxy(scheme, text, None)
    }
}

/// Returns the scheme of a proxy whose setting has a scheme of its own: a proxy for SOCKS is one,
/// whatever is written before it.
fn own_scheme<'a>(own: &'a str, kind: &'a str) -> &'a str {
    let own_lower = own.to_ascii_lowercase();
    let is_socks = own_lower.starts_with("socks");
    if kind.starts_with("socks") && (!is_socks || own_lower == "socks") {
        return kind;
    }
    own
}
