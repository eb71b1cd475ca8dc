//! The `Host` field of a request.

use http::header::{HOST, HeaderMap};

/// Returns `true` if a request has at most one `Host` field, and that is a host and a port, or
/// nothing (RFC 9112 §3.2). Servers that read another host out of it than their neighbours do would
/// answer for each other.
///
/// ```
/// use http::{HeaderMap, HeaderValue, header::HOST};
/// use wirestack_http::grammar::has_valid_host;
///
/// let mut headers = HeaderMap::new();
/// headers.insert(HOST, HeaderValue::from_static("example.org:8080"));
/// assert!(has_valid_host(&headers));
/// headers.insert(HOST, HeaderValue::from_static("example.org, example.com"));
/// assert!(!has_valid_host(&headers));
/// ```
pub fn has_valid_host(headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(HOST).iter();
    let (host, other) = (hosts.next(), hosts.next());
    let is_right = |text: &str| is_host_and_port(text).unwrap_or(false);
    other.is_none() && host.is_none_or(|host| host.to_str().is_ok_and(is_right))
}

/// Returns `true` for `uri-host [ ":" port ]` (RFC 9110 §7.2). Either may be empty. Returns `None`
/// if an address has no closing bracket.
fn is_host_and_port(text: &str) -> Option<bool> {
    let (is_host, port) = match text.strip_prefix('[') {
        Some(literal) => {
            let (inside, port) = literal.split_once(']')?;
            (!inside.is_empty() && consists_of(inside, b":"), port)
        }
        None => {
            let (name, port) = text.split_at(text.find(':').unwrap_or(text.len()));
            (consists_of(name, b""), port)
        }
    };
    let is_port = match port.strip_prefix(':') {
        Some(port) => port.bytes().all(|byte| byte.is_ascii_digit()),
        None => port.is_empty(),
    };
    Some(is_host && is_port)
}

/// Returns `true` if a text has only characters of a name (RFC 3986 §3.2.2), escapes, and these
/// others.
fn consists_of(text: &str, others: &[u8]) -> bool {
    let is_good = |byte: u8| {
        byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&byte) || others.contains(&byte)
    };
    let mut pieces = text.split('%');
    let before = pieces.next().unwrap_or_default();
    let is_escaped = |piece: &str| {
        let digits = piece.bytes().take_while(u8::is_ascii_hexdigit).count();
        digits >= 2 && piece.bytes().all(is_good)
    };
    before.bytes().all(is_good) && pieces.all(is_escaped)
}
