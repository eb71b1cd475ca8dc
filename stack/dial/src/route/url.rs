//! A URL in its parts (RFC 3986 §3), for hops and targets.
//!
//! The URL Standard reads `http://` as browsers do: it takes a backslash for a slash, and skips
//! blanks. In the URL of a proxy that would change the host. So it is read here, as curl reads it.

use crate::auth::Credentials;
use crate::route::endpoint::RouteError;
use crate::route::host::read_host;
use percent_encoding::percent_decode_str;
use std::borrow::Cow;

/// The parts of a URL. The authority is split, and not read.
pub(crate) struct Url<'a> {
    /// The scheme, in lower case.
    pub(crate) scheme: Cow<'a, str>,
    /// The user and the password, as they are written.
    pub(crate) login: Option<&'a str>,
    /// The host and the port.
    place: &'a str,
    /// The path, the query and the fragment.
    pub(crate) rest: &'a str,
}

impl<'a> Url<'a> {
    /// Splits a URL. Without a scheme, the error says which one is `meant`.
    pub(crate) fn split(text: &'a str, meant: &'static str) -> Result<Self, RouteError> {
        let is_bad = |c: char| c.is_control() || c.is_whitespace();
        let has_bad = if text.is_ascii() {
            // All bytes at once, which a search for the first one does not do.
            let bad = |bad, byte| bad | (byte <= b' ') | (byte == 0x7f);
            text.bytes().fold(false, bad)
        } else {
            text.contains(is_bad)
        };
        if has_bad {
            return Err(RouteError::Blank); // the URL Standard leaves some of them out
        }
        let colon = position(text, |byte| byte == b':').unwrap_or(text.len());
        let (scheme, rest) = text.split_at(colon);
        let parts = rest.strip_prefix("://").filter(|_| is_scheme(scheme));
        let parts = parts.map(|rest| (scheme, rest));
        let (scheme, behind) = parts.ok_or(RouteError::NoScheme(meant))?;
        let is_end = |byte| matches!(byte, b'/' | b'?' | b'#');
        let end = position(behind, is_end).unwrap_or(behind.len());
        let (authority, rest) = behind.split_at(end);
        let (login, place) = match authority.bytes().rposition(|byte| byte == b'@') {
            Some(at) => (Some(&authority[..at]), &authority[at + 1..]),
            None => (None, authority),
        };
        Ok(Self {
            scheme: if scheme.bytes().any(|byte| byte.is_ascii_uppercase()) {
                scheme.to_ascii_lowercase().into()
            } else {
                scheme.into()
            },
            login,
            place,
            rest,
        })
    }

    /// Returns the user and the password, percent-decoded.
    pub(crate) fn credentials(&self) -> Option<Credentials> {
        let login = self.login?;
        let (user, password) = login.split_once(':').unwrap_or((login, ""));
        let decoded = |text| percent_decode_str(text).collect::<Vec<u8>>();
        Some(Credentials::new(decoded(user), decoded(password)))
    }

    /// Returns the host, a name in A-labels or an address without brackets, and the port. The address
    /// may have a zone.
    pub(crate) fn host_and_port(&self) -> Result<(String, Option<u16>), RouteError> {
        let (host, port) = split_port(self.place)?;
        Ok((read_host(host)?, read_port(port)?))
    }

    /// Returns `true` if the authority has no login, and an `@` stands behind it: a user or a
    /// password has a character that ends the authority, perhaps.
    pub(crate) fn has_login_behind(&self) -> bool {
        self.login.is_none() && self.rest.contains('@')
    }

    /// Returns `true` if the part before the query has a backslash.
    pub(crate) fn has_backslash(&self) -> bool {
        let path = position(self.rest, |byte| matches!(byte, b'?' | b'#'));
        let path = &self.rest[..path.unwrap_or(self.rest.len())];
        [self.login.unwrap_or_default(), self.place, path]
            .iter()
            .any(|part| position(part, |byte| byte == b'\\').is_some())
    }
}

/// Returns `true` for "ALPHA *( ALPHA / DIGIT / "+" / "-" / "." )" (RFC 3986 §3.1).
pub(crate) fn is_scheme(text: &str) -> bool {
    let is_known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    let first = text.bytes().next();
    first.is_some_and(|byte| byte.is_ascii_alphabetic()) && text.bytes().all(is_known)
}

/// Returns the place of the first byte that is such a one. URLs are short, so a plain loop is faster
/// than the search of `str`.
fn position(text: &str, is_such: impl FnMut(u8) -> bool) -> Option<usize> {
    text.bytes().position(is_such)
}

/// Returns the host, which may have brackets, and the text behind the colon.
fn split_port(place: &str) -> Result<(&str, &str), RouteError> {
    let bracket = if place.starts_with('[') {
        place.find(']').ok_or(RouteError::Brackets)? + 1
    } else {
        0
    };
    let (bracketed, behind) = place.split_at(bracket);
    let is_colon = |byte| byte == b':';
    let (name, port) = match position(behind, is_colon) {
        Some(at) => (&behind[..at], &behind[at + 1..]),
        None => (behind, ""),
    };
    if position(port, is_colon).is_some() || (bracket > 0 && !name.is_empty()) {
        return Err(RouteError::Brackets);
    }
    Ok((if bracket > 0 { bracketed } else { name }, port))
}

/// Reads a port; `None` if it is empty.
fn read_port(text: &str) -> Result<Option<u16>, RouteError> {
    if text.is_empty() {
        return Ok(None);
    }
    let is_digits = text.bytes().all(|byte| byte.is_ascii_digit()); // `str::parse` takes a sign too
    match text.parse().ok().filter(|_| is_digits) {
        Some(0) => Err(RouteError::ZeroPort),
        Some(port) => Ok(Some(port)),
        None => Err(RouteError::Port),
    }
}
