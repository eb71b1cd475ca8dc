use crate::head;
use bytes::Bytes;
use http::StatusCode;
use http::header::{HeaderMap, HeaderName, PROXY_AUTHENTICATE, WWW_AUTHENTICATE};
use std::fmt;

/// A final response that says no: its status, its fields, and the start of its body.
///
/// To a CONNECT it is the proxy's word and never the origin's, so it must not be shown to anyone as
/// what the origin answered.
#[derive(Clone)]
#[non_exhaustive]
pub struct Refusal {
    /// The status code.
    pub status: StatusCode,
    /// The reason phrase, with control characters replaced, at most 128 characters of it.
    pub reason: String,
    /// The header fields.
    pub headers: HeaderMap,
    /// The start of the body, as far as it came in time and within
    /// [`Limits::excerpt`](crate::Limits::excerpt).
    pub body: Bytes,
}

impl Refusal {
    /// Returns the challenges of the `Proxy-Authenticate` fields, each from its scheme on:
    /// `Basic realm="x"`, `NTLM`.
    pub fn proxy_challenges(&self) -> Vec<String> {
        proxy_challenges(&self.headers)
    }

    /// Returns the challenges of the `WWW-Authenticate` fields, each from its scheme on.
    pub fn challenges(&self) -> Vec<String> {
        challenges(&self.headers, &WWW_AUTHENTICATE)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&head::status_text(self.status, &self.reason))
    }
}

impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refusal")
            .field("status", &self.status)
            .field("reason", &self.reason)
            .field("headers", &self.headers)
            .field("body", &String::from_utf8_lossy(&self.body))
            .finish()
    }
}

/// Splits the `Proxy-Authenticate` fields of any response, also of HTTP/2, into challenges, each from
/// its scheme on.
pub fn proxy_challenges(headers: &HeaderMap) -> Vec<String> {
    challenges(headers, &PROXY_AUTHENTICATE)
}

fn challenges(headers: &HeaderMap, name: &HeaderName) -> Vec<String> {
    let fields = headers.get_all(name).iter();
    // A realm may be in Latin-1.
    let texts = fields.map(|value| String::from_utf8_lossy(value.as_bytes()));
    let split = texts.map(|text| split(&text).into_iter().map(str::to_owned).collect());
    split
        .flat_map(|challenges: Vec<String>| challenges)
        .collect()
}

/// Splits a list of challenges (RFC 9110 §11.6.1), whose parameters are separated by commas too.
fn split(list: &str) -> Vec<&str> {
    let mut starts: Vec<usize> = Vec::new();
    let mut begin = 0;
    for element in elements(list) {
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

/// Cuts a list at the commas that are not in a quoted string.
fn elements(list: &str) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    list.split(move |c| {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ',' => return !quoted,
            _ => {}
        }
        false
    })
}

/// A scheme is a token with a space or nothing behind it, a parameter one with `=` behind it.
fn starts_challenge(element: &str) -> bool {
    let element = element.trim_matches([' ', '\t']);
    let token = element.find([' ', '\t', '=']).unwrap_or(element.len());
    let rest = element[token..].trim_start_matches([' ', '\t']);
    token > 0 && !rest.starts_with('=')
}

#[cfg(test)]
mod tests {
    use super::split;

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
            (
                "Basic realm=\"unfinished, NTLM",
                vec!["Basic realm=\"unfinished, NTLM"],
            ),
        ] {
            assert_eq!(split(list), wanted, "{list}");
        }
    }
}
