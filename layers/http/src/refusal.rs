use crate::challenge::{Challenge, challenges};
use crate::secret::SafeDebug;
use crate::words::{field, first_words, scheme_list, shown_url};
use bytes::Bytes;
use http::header::{
    ALLOW, HeaderMap, HeaderName, LOCATION, PROXY_AUTHENTICATE, RETRY_AFTER, SEC_WEBSOCKET_VERSION,
    UPGRADE, VIA, WWW_AUTHENTICATE,
};
use http::{StatusCode, Version};
use std::fmt;
use wirestack_layer::{Escaped, decode_text};

/// A final response that refuses: its status, its fields, and the start of its body.
///
/// The refusal of a CONNECT comes from the proxy and never from the origin, so it must not be shown
/// as an answer of the origin.
///
/// It shows as the status with its reason phrase, the fields that tell why, and the first line of
/// the body, or the title if that is HTML:
///
/// ```
/// use bytes::Bytes;
/// use http::{HeaderMap, HeaderValue, StatusCode};
/// use wirestack_http::Refusal;
///
/// let mut headers = HeaderMap::new();
/// headers.insert("x-squid-error", HeaderValue::from_static("ERR_ACCESS_DENIED 0"));
/// let mut refusal = Refusal::new(StatusCode::FORBIDDEN, headers);
/// refusal.body = Bytes::from("<html><title>Blocked by policy</title>");
/// let shown = r#"403 Forbidden (X-Squid-Error: ERR_ACCESS_DENIED 0): "Blocked by policy""#;
/// assert_eq!(refusal.to_string(), shown);
/// ```
///
/// ```
/// use http::{HeaderMap, HeaderValue, StatusCode};
/// use wirestack_http::Refusal;
///
/// let mut headers = HeaderMap::new();
/// headers.insert("www-authenticate", HeaderValue::from_static("Bearer realm=\"api\""));
/// let refusal = Refusal::new(StatusCode::UNAUTHORIZED, headers);
/// assert_eq!(refusal.challenges()[0].realm(), "api"); // of the server
/// assert!(refusal.proxy_challenges().is_empty()); // and none of a proxy
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct Refusal {
    /// The status code.
    pub status: StatusCode,
    /// The reason phrase, which may be empty. HTTP/2 has none.
    pub reason: String,
    /// The fields.
    pub headers: HeaderMap,
    /// The start of the body, within the limits of the layer.
    pub body: Bytes,
    /// The version of HTTP that it came in.
    pub version: Version,
    /// The name of the request that was refused, such as `CONNECT example.org:443`; may be empty.
    pub request: String,
}

impl Refusal {
    /// Creates a refusal of HTTP/1.1 without reason phrase and body.
    pub fn new(status: StatusCode, headers: HeaderMap) -> Self {
        Self {
            status,
            reason: String::new(),
            headers,
            body: Bytes::new(),
            version: Version::HTTP_11,
            request: String::new(),
        }
    }

    /// Returns the text for an error: the request that was refused, and the refusal.
    ///
    /// ```
    /// use http::{HeaderMap, StatusCode};
    /// use wirestack_http::Refusal;
    ///
    /// let mut headers = HeaderMap::new();
    /// headers.insert("proxy-authenticate", "Basic realm=\"corp\"".parse()?);
    /// let refusal = Refusal::new(StatusCode::PROXY_AUTHENTICATION_REQUIRED, headers);
    /// assert!(refusal.describe().to_string().contains("407 Proxy Authentication Required"));
    /// assert_eq!(refusal.proxy_challenges(), ["Basic realm=\"corp\""]);
    /// assert!(refusal.challenges().is_empty()); // those of a server: WWW-Authenticate
    /// # Ok::<(), http::header::InvalidHeaderValue>(())
    /// ```
    pub fn describe(&self) -> impl fmt::Display {
        match &*self.request {
            "" => format!("refused: {self}"),
            request => format!("refused {request}: {self}"),
        }
    }

    /// Returns the challenges of the `Proxy-Authenticate` fields.
    pub fn proxy_challenges(&self) -> Vec<Challenge> {
        challenges(&self.headers, &PROXY_AUTHENTICATE)
    }

    /// Returns the challenges of the `WWW-Authenticate` fields.
    pub fn challenges(&self) -> Vec<Challenge> {
        challenges(&self.headers, &WWW_AUTHENTICATE)
    }

    /// Returns the fields of the response that tell a user why it is as it is.
    fn telling_fields(&self) -> Vec<String> {
        let mut fields = Vec::new();
        if self.status.is_redirection()
            && let Some(location) = self.headers.get(LOCATION)
        {
            let url = decode_text(location.as_bytes());
            fields.push(format!("Location: {}", shown_url(&url)));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            let offered = scheme_list(&self.challenges());
            fields.extend(offered.map(|offered| format!("WWW-Authenticate: {offered}")));
        }
        for (name, shown) in &TELLING {
            fields.extend(field(&self.headers, name, shown));
        }
        if matches!(self.status.as_u16(), 200..=299 | 400 | 426 | 502..=504) {
            for (name, shown) in &BETWEEN {
                fields.extend(field(&self.headers, name, shown));
            }
        }
        fields
    }
}

/// Shows the status and its reason phrase, the fields that tell why, and the first line of the
/// body.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = status_text(self.status, &self.reason);
        f.write_str(&status)?;
        let fields = self.telling_fields();
        if !fields.is_empty() {
            write!(f, " ({})", fields.join(", "))?;
        }
        let words = first_words(&self.headers, &self.body);
        let says_more = |words: &String| {
            let known = [&status, &self.reason];
            !known.iter().any(|known| known.eq_ignore_ascii_case(words))
        };
        match words.filter(says_more) {
            Some(words) => write!(f, ": \"{}\"", Escaped::excerpt(words)),
            None => Ok(()),
        }
    }
}

/// Shows no values of fields and no body: they may hold a secret, such as a cookie or a signed URL.
impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refusal")
            .field("request", &self.request)
            .field("status", &self.status)
            .field("reason", &self.reason)
            .field("headers", &SafeDebug(&self.headers))
            .field("body", &format_args!("{} bytes", self.body.len()))
            .finish()
    }
}

/// Shows a status code and its reason phrase, or the usual phrase if that is empty.
///
/// ```
/// use http::StatusCode;
/// use wirestack_http::status_text;
///
/// assert_eq!(status_text(StatusCode::BAD_GATEWAY, ""), "502 Bad Gateway");
/// assert_eq!(status_text(StatusCode::OK, "Connection established"), "200 Connection established");
/// ```
pub fn status_text(status: StatusCode, reason: &str) -> String {
    let usual = status.canonical_reason().unwrap_or_default();
    let reason = if reason.is_empty() { usual } else { reason };
    let text = format!("{} {}", status.as_str(), Escaped::excerpt(reason));
    text.trim_end().to_owned()
}

/// The fields that tell why a request was refused, or what to do.
static TELLING: [(HeaderName, &str); 5] = [
    (HeaderName::from_static("x-squid-error"), "X-Squid-Error"),
    (RETRY_AFTER, "Retry-After"),
    (ALLOW, "Allow"),
    (UPGRADE, "Upgrade"),
    (SEC_WEBSOCKET_VERSION, "Sec-WebSocket-Version"),
];

/// The fields of those between a client and its server.
static BETWEEN: [(HeaderName, &str); 2] = [
    (VIA, "Via"),
    (HeaderName::from_static("x-cache"), "X-Cache"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn a_refusal_shows_the_fields_that_tell_why() {
        type Fields = &'static [(&'static str, &'static str)];
        let rows: [(u16, Fields, &str); 12] = [
            (403, &[], "403 Forbidden"),
            (599, &[], "599"),
            (
                403,
                &[("x-squid-error", "ERR_DNS_FAIL 0")],
                "403 Forbidden (X-Squid-Error: ERR_DNS_FAIL 0)",
            ),
            (
                503,
                &[("retry-after", "7"), ("x-other", "no")],
                "503 Service Unavailable (Retry-After: 7)",
            ),
            (
                405,
                &[("allow", "GET")],
                "405 Method Not Allowed (Allow: GET)",
            ),
            (
                426,
                &[("upgrade", "h2c"), ("via", "1.1 a")],
                "426 Upgrade Required (Upgrade: h2c, Via: 1.1 a)",
            ),
            (
                400,
                &[("sec-websocket-version", "13")],
                "400 Bad Request (Sec-WebSocket-Version: 13)",
            ),
            (
                502,
                &[("via", "1.1 a"), ("x-cache", "MISS")],
                "502 Bad Gateway (Via: 1.1 a, X-Cache: MISS)",
            ),
            (
                403,
                &[("via", "1.1 a"), ("location", "/there")],
                "403 Forbidden",
            ),
            (
                302,
                &[("location", "http://me:pw@login.test/?token=1")],
                "302 Found (Location: http://login.test/)",
            ),
            (
                401,
                &[
                    ("www-authenticate", "Basic realm=x, NTLM"),
                    ("www-authenticate", "basic, NTLM"),
                ],
                "401 Unauthorized (WWW-Authenticate: Basic, NTLM, basic)",
            ),
            (401, &[("proxy-authenticate", "NTLM")], "401 Unauthorized"),
        ];
        for (status, fields, shown) in rows {
            assert_eq!(refusal(status, fields).to_string(), shown);
        }
        let mut signed = refusal(405, &[("allow", "GET")]);
        signed.headers.get_mut("allow").unwrap().set_sensitive(true);
        assert_eq!(signed.to_string(), "405 Method Not Allowed");
    }

    #[test]
    fn the_words_of_a_body_are_shown_unless_the_status_says_them() {
        for (reason, body, shown) in [
            ("", "Blocked", "403 Forbidden: \"Blocked\""),
            ("", "403 forbidden", "403 Forbidden"),
            (
                "No \u{202e}way",
                "Ask Joe",
                "403 No \\u{202e}way: \"Ask Joe\"",
            ),
            ("No way", "no WAY", "403 No way"),
        ] {
            let mut refusal = refusal(403, &[]);
            (refusal.reason, refusal.body) = (reason.to_owned(), Bytes::from(body));
            assert_eq!(refusal.to_string(), shown);
        }
    }

    #[test]
    fn the_challenges_of_a_proxy_and_of_a_server_are_told_apart() {
        let fields = [
            ("proxy-authenticate", "NTLM"),
            ("www-authenticate", "Bearer"),
        ];
        let refusal = refusal(407, &fields);
        assert_eq!(refusal.proxy_challenges(), ["NTLM"]);
        assert_eq!(refusal.challenges(), ["Bearer"]);
    }

    fn refusal(status: u16, fields: &[(&'static str, &'static str)]) -> Refusal {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_static(value));
        }
        Refusal::new(StatusCode::from_u16(status).unwrap(), headers)
    }
}
