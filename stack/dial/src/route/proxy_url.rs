//! The URL of a proxy, in its parts.
//!
//! The URL Standard reads `http://` as browsers do: it takes a backslash for a slash, and skips
//! blanks. In the URL of a proxy that would change the host. So it is read here, as curl reads it.

use crate::auth::Credentials;
use crate::route::endpoint::{RouteError, is_host_character, read_zone};
use percent_encoding::percent_decode_str;
use std::net::Ipv6Addr;
use url::Host;

/// The parts of the URL of a proxy.
#[derive(Debug)]
pub(crate) struct ProxyUrl<'a> {
    /// The scheme, in lower case.
    pub(crate) scheme: String,
    pub(crate) credentials: Option<Credentials>,
    /// A name in A-labels, or an address without brackets, which may have a zone.
    pub(crate) host: String,
    pub(crate) port: Option<u16>,
    /// The path, the query and the fragment.
    pub(crate) rest: &'a str,
}

impl<'a> ProxyUrl<'a> {
    /// Splits a URL.
    pub(crate) fn parse(text: &'a str) -> Result<Self, RouteError> {
        if text.contains(|c: char| c.is_control() || c.is_whitespace()) {
            return Err(RouteError::Blank);
        }
        let (scheme, behind) = text.split_once("://").ok_or(NO_SCHEME)?;
        let end = behind.find(['/', '?', '#']).unwrap_or(behind.len());
        let (authority, rest) = behind.split_at(end);
        if rest.contains('@') && !authority.contains('@') {
            return Err(RouteError::Unescaped);
        }
        let (login, place) = match authority.rsplit_once('@') {
            Some((login, place)) => (Some(login), place),
            None => (None, authority),
        };
        let (host, port) = split_port(place)?;
        Ok(Self {
            scheme: scheme.to_ascii_lowercase(),
            credentials: login.map(read_login),
            host: read_host(host)?,
            port: read_port(port)?,
            rest,
        })
    }
}

/// The error of the URL of a proxy that has no scheme.
pub(crate) const NO_SCHEME: RouteError =
    RouteError::NoScheme("http:// before it for an HTTP proxy, or socks5h:// for a SOCKS proxy");

/// Returns the host, which may have brackets, and the text behind the colon.
fn split_port(place: &str) -> Result<(&str, &str), RouteError> {
    let bracket = if place.starts_with('[') {
        place.find(']').ok_or(RouteError::Brackets)? + 1
    } else {
        0
    };
    let (bracketed, behind) = place.split_at(bracket);
    let (name, port) = behind.split_once(':').unwrap_or((behind, ""));
    if port.contains(':') || (bracket > 0 && !name.is_empty()) {
        return Err(RouteError::Brackets);
    }
    Ok((if bracket > 0 { bracketed } else { name }, port))
}

fn read_login(login: &str) -> Credentials {
    let (user, password) = login.split_once(':').unwrap_or((login, ""));
    let decoded = |text| percent_decode_str(text).collect::<Vec<u8>>();
    Credentials::new(decoded(user), decoded(password))
}

fn read_host(host: &str) -> Result<String, RouteError> {
    if host.is_empty() {
        return Err(RouteError::NoHost);
    }
    let inside = host.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    if let Some((address, zone)) = inside.and_then(|inside| inside.split_once('%')) {
        let address: Ipv6Addr = address.parse().map_err(|_| RouteError::Brackets)?;
        return Ok(format!("{address}%{}", read_zone(zone)?));
    }
    Ok(match Host::parse(host).map_err(RouteError::Url)? {
        Host::Domain(name) => match name.chars().find(|c| !is_host_character(*c)) {
            Some(c) => return Err(RouteError::HostCharacter(c)),
            None => name,
        },
        Host::Ipv4(ip) => ip.to_string(),
        Host::Ipv6(ip) => ip.to_string(),
    })
}

/// Reads a port; `None` if it is empty.
fn read_port(text: &str) -> Result<Option<u16>, RouteError> {
    if text.is_empty() {
        return Ok(None);
    }
    let is_digits = text.bytes().all(|byte| byte.is_ascii_digit()); // `str::parse` takes a sign too
    let port = text.parse().ok().filter(|port| is_digits && *port != 0);
    port.map(Some).ok_or(RouteError::Port)
}
