//! The resource that a URL names, and references to others (RFC 3986 §5).

use crate::route::endpoint::RouteError;
use crate::route::url::is_scheme;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// Resolves a reference against the scheme, the authority and the resource of a URL. Its fragment is
/// left out.
pub(crate) fn resolve(
    scheme: &str,
    authority: &str,
    resource: &str,
    reference: &str,
) -> Result<String, RouteError> {
    let reference = reference.split('#').next().unwrap_or_default();
    // Servers write blanks where RFC 3986 has `%20`.
    let reference = reference.trim_matches(' ').replace(' ', "%20");
    let colon = reference.find([':', '/', '?']);
    let is_absolute =
        colon.is_some_and(|at| reference[at..].starts_with(':') && is_scheme(&reference[..at]));
    if is_absolute {
        let has_authority = colon.is_some_and(|at| reference[at..].starts_with("://"));
        return has_authority
            .then_some(reference)
            .ok_or(RouteError::Reference);
    }
    if reference.starts_with("//") {
        return Ok(format!("{scheme}:{reference}"));
    }
    let path = resource.split('?').next().unwrap_or_default();
    let resource = match reference.chars().next() {
        None => resource.to_owned(),
        Some('/') => reference,
        Some('?') => format!("{path}{reference}"),
        Some(_) => {
            let folder = path.rfind('/').map_or("/", |at| &path[..=at]);
            format!("{folder}{reference}")
        }
    };
    Ok(format!("{scheme}://{authority}{resource}"))
}

/// Returns a path for a request: percent-encoded, and without dot segments (RFC 3986 §5.2.4).
pub(crate) fn normal_path(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.strip_prefix('/').unwrap_or(path).split('/').peekable();
    while let Some(segment) = segments.next() {
        let dots = dots(segment);
        match dots {
            0 => kept.push(segment),
            1 => {}
            _ => drop(kept.pop()),
        }
        if dots > 0 && segments.peek().is_none() {
            kept.push("");
        }
    }
    let path = kept.join("/");
    format!("/{}", utf8_percent_encode(&path, PATH))
}

/// Returns a query for a request: percent-encoded.
pub(crate) fn normal_query(query: &str) -> String {
    utf8_percent_encode(query, QUERY).to_string()
}

/// Returns 1 for ".", 2 for "..", and 0 for another segment. A dot may be percent-encoded.
fn dots(segment: &str) -> usize {
    let (mut rest, mut count) = (segment, 0);
    while count < 3 && !rest.is_empty() {
        let dot = ["%2e", "%2E", "."]
            .iter()
            .find_map(|dot| rest.strip_prefix(dot));
        let Some(behind) = dot else {
            return 0;
        };
        (rest, count) = (behind, count + 1);
    }
    if rest.is_empty() && count < 3 {
        count
    } else {
        0
    }
}

/// The characters that the URL Standard encodes in a path: none of them may stand there by RFC 3986 §3.3.
const PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'`')
    .add(b'{')
    .add(b'}');

/// The characters that the URL Standard encodes in a query.
const QUERY: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'\'');

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of RFC 3986 §5.4, but those of other schemes.
    #[test]
    fn references_are_resolved_as_the_rfc_says() {
        for (reference, url) in [
            ("g", "http://a/b/c/g"),
            ("./g", "http://a/b/c/g"),
            ("g/", "http://a/b/c/g/"),
            ("/g", "http://a/g"),
            ("//g", "http://g/"),
            ("?y", "http://a/b/c/d;p?y"),
            ("g?y", "http://a/b/c/g?y"),
            ("#s", "http://a/b/c/d;p?q"),
            ("g#s", "http://a/b/c/g"),
            ("g?y#s", "http://a/b/c/g?y"),
            (";x", "http://a/b/c/;x"),
            ("g;x?y#s", "http://a/b/c/g;x?y"),
            ("", "http://a/b/c/d;p?q"),
            (".", "http://a/b/c/"),
            ("./", "http://a/b/c/"),
            ("..", "http://a/b/"),
            ("../", "http://a/b/"),
            ("../g", "http://a/b/g"),
            ("../..", "http://a/"),
            ("../../g", "http://a/g"),
            ("../../../g", "http://a/g"),
            ("/./g", "http://a/g"),
            ("/../g", "http://a/g"),
            ("g.", "http://a/b/c/g."),
            ("..g", "http://a/b/c/..g"),
            ("g;x=1/../y", "http://a/b/c/y"),
            ("g?y/../x", "http://a/b/c/g?y/../x"),
            ("a:b/c", ""),
            ("http:g", ""),
            ("./a:b", "http://a/b/c/a:b"),
            ("a b?c d", "http://a/b/c/a%20b?c%20d"),
        ] {
            let resolved = resolve("http", "a", "/b/c/d;p?q", reference);
            let Ok(resolved) = resolved else {
                assert_eq!(url, "", "{reference}");
                continue;
            };
            let (path, query) = match resolved.split_once('?') {
                Some((path, query)) => (path, format!("?{query}")),
                None => (&*resolved, String::new()),
            };
            let behind = path.strip_prefix("http://").unwrap();
            let (host, path) = behind.split_once('/').unwrap_or((behind, ""));
            let seen = format!("http://{host}{}{query}", normal_path(&format!("/{path}")));
            assert_eq!(seen, url, "{reference}");
        }
    }

    #[test]
    fn a_segment_of_dots_may_be_percent_encoded() {
        for (path, normal) in [
            ("", "/"),
            ("/a/%2e%2E/b", "/b"),
            ("/a/.%2e", "/"),
            ("/a/...", "/a/..."),
            ("/a//../b", "/a/b"),
            ("/%2e/", "/"),
            ("/\u{fc}{\"", "/%C3%BC%7B%22"),
            ("/%zz|^[", "/%zz|^["),
        ] {
            assert_eq!(normal_path(path), normal, "{path}");
        }
    }
}
