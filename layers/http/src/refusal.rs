use crate::challenge::{Challenge, challenges};
use crate::secret::SafeDebug;
use bytes::Bytes;
use http::StatusCode;
use http::header::{HeaderMap, PROXY_AUTHENTICATE, WWW_AUTHENTICATE};
use std::fmt;

/// A final response that refuses: its status, its fields, and the start of its body.
///
/// The refusal of a CONNECT comes from the proxy and never from the origin, so it must not be shown
/// as an answer of the origin.
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
}

impl Refusal {
    /// Creates a refusal without reason phrase and body.
    pub fn new(status: StatusCode, headers: HeaderMap) -> Self {
        Self {
            status,
            reason: String::new(),
            headers,
            body: Bytes::new(),
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
}

/// Shows the status and its reason phrase.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&status_text(self.status, &self.reason))
    }
}

/// Shows no values of fields and no body: they may hold a secret, such as a cookie or a signed URL.
impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refusal")
            .field("status", &self.status)
            .field("reason", &self.reason)
            .field("headers", &SafeDebug(&self.headers))
            .field("body", &format_args!("{} bytes", self.body.len()))
            .finish()
    }
}

/// Shows a status code and its reason phrase, or the usual phrase if that is empty.
pub fn status_text(status: StatusCode, reason: &str) -> String {
    let usual = status.canonical_reason().unwrap_or_default();
    let reason = if reason.is_empty() { usual } else { reason };
    let text = format!("{} {reason}", status.as_str());
    text.trim_end().to_owned()
}
