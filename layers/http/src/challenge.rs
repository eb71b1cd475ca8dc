//! Challenges (RFC 9110 §11.3).

use crate::grammar::{is_token, read_quoted, split_list};
use http::header::{HeaderMap, HeaderName};
use std::fmt;
use wirestack_layer::{Escaped, decode_text};

/// A challenge of a server or proxy: a scheme, and its parameters or a token. It shows with the
/// dangerous characters [escaped](Escaped); [`as_str`](Self::as_str) is the text as it came.
///
/// ```
/// use wirestack_http::Challenge;
///
/// let challenge = Challenge::new(r#"Digest realm="corp", qop="auth,auth-int", stale=true"#);
/// assert!(challenge.has_scheme("digest"));
/// assert_eq!((challenge.scheme(), &*challenge.realm()), ("Digest", "corp"));
/// assert_eq!(challenge.parameter("qop").as_deref(), Some("auth,auth-int"));
/// assert_eq!(Challenge::new("Negotiate YII=").rest(), "YII=");
/// assert!(challenge.as_str().ends_with("stale=true"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    text: String,
}

impl Challenge {
    /// Creates a challenge from its text, which begins with the scheme: `Basic realm="x"`, `NTLM`.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into() }
    }

    /// Returns the whole text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the scheme as it came.
    pub fn scheme(&self) -> &str {
        // Some proxies write `Basic, realm="x"`.
        self.text.split([' ', '\t', ',']).next().unwrap_or_default()
    }

    /// Returns `true` if this is the scheme, in upper or lower case.
    pub fn has_scheme(&self, scheme: &str) -> bool {
        self.scheme().eq_ignore_ascii_case(scheme)
    }

    /// Returns the text behind the scheme: parameters, or a token.
    pub fn rest(&self) -> &str {
        let rest = self.text.get(self.scheme().len()..).unwrap_or_default();
        rest.trim_matches([' ', '\t', ','])
    }

    /// Returns the value of a parameter, without its quotes. Its name may be in any case.
    ///
    /// A piece without a value is passed over, and so is a comma too many or too few.
    pub fn parameter(&self, name: &str) -> Option<String> {
        let mut rest = self.rest();
        loop {
            rest = rest.trim_start_matches([' ', '\t', ',']);
            let end = rest.find(['=', ','])?;
            if rest[end..].starts_with(',') {
                rest = &rest[end..];
                continue;
            }
            let (value, left) = read_value(&rest[end + 1..])?;
            if rest[..end].trim_end().eq_ignore_ascii_case(name) {
                return Some(value);
            }
            rest = left;
        }
    }

    /// Returns the realm, or an empty text.
    pub fn realm(&self) -> String {
        self.parameter("realm").unwrap_or_default()
    }
}

impl fmt::Display for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Escaped::excerpt(&self.text).fmt(f)
    }
}

impl PartialEq<str> for Challenge {
    fn eq(&self, text: &str) -> bool {
        self.text == text
    }
}

impl PartialEq<&str> for Challenge {
    fn eq(&self, text: &&str) -> bool {
        self.text == *text
    }
}

/// Reads the value of a parameter, and returns it and the text behind it.
fn read_value(text: &str) -> Option<(String, &str)> {
    let text = text.trim_start_matches([' ', '\t']);
    if text.starts_with('"') {
        return read_quoted(text);
    }
    let (value, left) = text.split_once(',').unwrap_or((text, ""));
    Some((value.trim_end().to_owned(), left))
}

/// Returns all challenges in the fields of a response that have this name, `Proxy-Authenticate` or
/// `WWW-Authenticate`.
///
/// ```
/// use http::header::{HeaderMap, PROXY_AUTHENTICATE};
/// use wirestack_http::challenges;
///
/// let mut headers = HeaderMap::new();
/// headers.append(PROXY_AUTHENTICATE, "Negotiate, Basic realm=\"a, b\"".parse()?);
/// headers.append(PROXY_AUTHENTICATE, "NTLM".parse()?);
/// let offered = challenges(&headers, &PROXY_AUTHENTICATE);
/// assert_eq!(offered, ["Negotiate", "Basic realm=\"a, b\"", "NTLM"]);
/// # Ok::<(), http::header::InvalidHeaderValue>(())
/// ```
pub fn challenges(headers: &HeaderMap, name: &HeaderName) -> Vec<Challenge> {
    let mut challenges = Vec::new();
    for value in headers.get_all(name) {
        // A realm may be in Latin-1.
        let text = decode_text(value.as_bytes());
        challenges.extend(split(&text).into_iter().map(Challenge::new));
    }
    challenges
}

/// Splits a list of challenges (RFC 9110 §11.6.1), whose parameters are separated by commas too.
fn split(list: &str) -> Vec<&str> {
    let mut starts: Vec<usize> = Vec::new();
    let mut begin = 0;
    for element in split_list(list, ',') {
        if starts_challenge(element) {
            starts.push(begin + element.len() - element.trim_start().len());
        }
        begin += element.len() + 1;
    }
    let ends = starts.iter().skip(1).copied().chain([list.len()]);
    let spans = starts.iter().zip(ends);
    spans
        .filter_map(|(&start, end)| list.get(start..end))
        .map(|challenge| challenge.trim_end_matches([',', ' ', '\t']))
        .collect()
}

/// A scheme is a token with a space or nothing behind it, a parameter one with `=` behind it.
fn starts_challenge(element: &str) -> bool {
    let element = element.trim_matches([' ', '\t']);
    let token = element.find([' ', '\t', '=']).unwrap_or(element.len());
    let rest = element[token..].trim_start_matches([' ', '\t']);
    is_token(&element[..token]) && !rest.starts_with('=')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_are_told_from_their_parameters() {
        for (list, wanted) in [
            ("", vec![]),
            ("Basic realm=\"a\"", vec!["Basic realm=\"a\""]),
            ("Negotiate, NTLM", vec!["Negotiate", "NTLM"]),
            (
                "NTLM TlRMTVNTUAAC==, Basic realm=\"a, Digest b\" , charset=\"UTF-8\"",
                vec![
                    "NTLM TlRMTVNTUAAC==",
                    "Basic realm=\"a, Digest b\" , charset=\"UTF-8\"",
                ],
            ),
            (
                "Digest realm=\"\\\",Basic x\", nonce = \"n\", ,Basic",
                vec!["Digest realm=\"\\\",Basic x\", nonce = \"n\"", "Basic"],
            ),
            ("realm=\"lost\"", vec![]),
            ("Basic, realm=\"x\"", vec!["Basic, realm=\"x\""]),
            (",, Basic realm=x ,, NTLM,", vec!["Basic realm=x", "NTLM"]),
            (
                "basic realm=a,DIGEST REALM=b, Nonce=c, NEGOTIATE abc==",
                vec![
                    "basic realm=a",
                    "DIGEST REALM=b, Nonce=c",
                    "NEGOTIATE abc==",
                ],
            ),
            ("\"junk\" x, Basic", vec!["Basic"]),
            (
                "Basic realm=\"unfinished, NTLM",
                vec!["Basic realm=\"unfinished, NTLM"],
            ),
        ] {
            assert_eq!(split(list), wanted, "{list}");
        }
    }

    #[test]
    fn the_challenges_of_all_fields_with_a_name_are_found() {
        use http::header::{HeaderValue, PROXY_AUTHENTICATE, WWW_AUTHENTICATE};
        let mut headers = HeaderMap::new();
        headers.append(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        assert!(challenges(&headers, &PROXY_AUTHENTICATE).is_empty());
        for value in [&b"Negotiate, NTLM"[..], b"Basic realm=\"caf\xe9\""] {
            headers.append(PROXY_AUTHENTICATE, HeaderValue::from_bytes(value).unwrap());
        }
        let found = challenges(&headers, &PROXY_AUTHENTICATE);
        let texts: Vec<_> = found.iter().map(Challenge::as_str).collect();
        assert_eq!(texts, ["Negotiate", "NTLM", "Basic realm=\"café\""]);
        assert!(found[0] == "Negotiate" && found[0] == *"Negotiate");
        assert!(found[0] != "NTLM" && found[0] != *"NTLM");
        assert!(found[0].has_scheme("negotiate") && !found[0].has_scheme("NTLM"));
    }

    #[test]
    fn parameters_are_read_with_and_without_quotes() {
        let text = r#"Digest realm="a \"b\", c" , qop = "auth,auth-int",stale=TRUE ,nonce="n""#;
        let challenge = Challenge::new(text);
        assert!(challenge.has_scheme("digest"));
        for (name, value) in [
            ("realm", Some("a \"b\", c")),
            ("QOP", Some("auth,auth-int")),
            ("stale", Some("TRUE")),
            ("nonce", Some("n")),
            ("opaque", None),
        ] {
            assert_eq!(challenge.parameter(name).as_deref(), value, "{name}");
        }
        for (text, realm) in [
            ("Basic, realm=\"x\"", "x"),
            ("Basic ,realm=\"x\"", "x"),
            ("Basic realm=x", "x"),
            ("Basic realm=x y , a=b", "x y"),
            ("Basic REALM = \"x\"", "x"),
            ("Basic odd, realm=\"x\"", "x"),
            ("Basic charset=utf-8,,realm=\"x\"", "x"),
            ("Basic a=\"b\" realm=\"x\"", "x"), // a comma too few
            ("Basic a=\"realm=no\", realm=\"\\x\\\"\"", "x\""),
        ] {
            let challenge = Challenge::new(text);
            assert!(challenge.has_scheme("Basic"), "{text}");
            assert_eq!(challenge.realm(), realm, "{text}");
        }
        for text in [
            "",
            "Basic",
            "NTLM TlRMTVNTUAAC==",
            "Basic realm=\"x",
            "=",
            ",,",
            "a =\"",
        ] {
            assert_eq!(Challenge::new(text).realm(), "", "{text}");
        }
    }
}
