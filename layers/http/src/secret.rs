//! The secrets in requests and responses: marked, left out of `Debug`, and cleared from memory.

use http::header::{AUTHORIZATION, COOKIE, HeaderMap, HeaderName, PROXY_AUTHORIZATION, SET_COOKIE};
use http::{Request, Response, Uri};
use std::fmt;
use std::hint::black_box;
use wirestack_layer::Escaped;

/// Returns `true` if the value of a field is a secret by its name: credentials and cookies.
///
/// ```
/// use http::header::{AUTHORIZATION, HOST};
/// use wirestack_http::is_secret;
///
/// assert!(is_secret(&AUTHORIZATION) && !is_secret(&HOST));
/// ```
pub fn is_secret(name: &HeaderName) -> bool {
    [AUTHORIZATION, PROXY_AUTHORIZATION, COOKIE, SET_COOKIE].contains(name)
}

/// Marks the [secret](is_secret) values as sensitive, so that their `Debug` does not show them, and
/// HPACK does not index them (RFC 7541 §7.1.3).
///
/// ```
/// use http::header::{COOKIE, HOST, HeaderMap};
///
/// let mut fields = HeaderMap::new();
/// fields.insert(COOKIE, "session=7".parse()?);
/// fields.insert(HOST, "example.org".parse()?);
/// wirestack_http::mark_secrets(&mut fields);
/// assert!(fields[COOKIE].is_sensitive() && !fields[HOST].is_sensitive());
/// # Ok::<(), http::header::InvalidHeaderValue>(())
/// ```
pub fn mark_secrets(fields: &mut HeaderMap) {
    for (name, value) in fields.iter_mut() {
        if is_secret(name) {
            value.set_sensitive(true);
        }
    }
}

/// Shows a request without its secrets, as its `Debug`: the method, the URI without user and query,
/// and the names of the fields.
///
/// ```
/// use wirestack_http::SafeDebug;
///
/// let request = http::Request::get("wss://me:secret@example.org/chat?token=hidden");
/// let request = request.header("x-api-key", "hidden").body(())?;
/// let shown = format!("{:?}", SafeDebug(&request));
/// assert!(shown.contains("wss://example.org/chat") && shown.contains("x-api-key"));
/// assert!(!shown.contains("hidden") && !shown.contains("secret"));
/// # Ok::<(), http::Error>(())
/// ```
pub struct SafeDebug<'a, T>(pub &'a T);

impl<T> fmt::Debug for SafeDebug<'_, Request<T>> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", self.0.method())
            .field("uri", &SafeDebug(self.0.uri()))
            .field("fields", &SafeDebug(self.0.headers()))
            .finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for SafeDebug<'_, Response<T>> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.0.status())
            .field("fields", &SafeDebug(self.0.headers()))
            .finish_non_exhaustive()
    }
}

/// Shows the names of the fields.
impl fmt::Debug for SafeDebug<'_, HeaderMap> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.0.iter().map(|(name, _)| name.as_str());
        f.debug_list().entries(names).finish()
    }
}

/// Shows a URI without its user and its query.
impl fmt::Debug for SafeDebug<'_, Uri> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let uri = self.0;
        if let Some(scheme) = uri.scheme_str() {
            write!(f, "{scheme}://")?;
        }
        if let Some(authority) = uri.authority() {
            let shown = authority.as_str().rsplit('@').next();
            f.write_str(shown.unwrap_or_default())?;
        }
        write!(f, "{}", Escaped::new(uri.path()))
    }
}

/// Clears the memory of a secret before it is freed.
pub(crate) fn clear(secret: impl Into<Vec<u8>>) {
    let mut bytes: Vec<u8> = secret.into();
    bytes.fill(0);
    black_box(&bytes); // without it, the compiler may leave the fill out
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn secrets_are_marked_by_their_names() {
        let mut fields = HeaderMap::new();
        for name in [AUTHORIZATION, PROXY_AUTHORIZATION, COOKIE, SET_COOKIE] {
            fields.append(&name, HeaderValue::from_static("hidden"));
            fields.append(&name, HeaderValue::from_static("hidden too"));
        }
        fields.append("x-y", HeaderValue::from_static("seen"));
        mark_secrets(&mut fields);
        let shown = format!("{fields:?}");
        assert!(
            !shown.contains("hidden") && shown.contains("seen"),
            "{shown}"
        );
    }

    #[test]
    fn a_safe_debug_shows_neither_user_nor_query_nor_values() {
        for (uri, shown) in [
            ("https://u:hidden@a.test:1/b?hidden", "https://a.test:1/b"),
            ("/b?hidden", "/b"),
            ("a.test:443", "a.test:443"),
            ("*", "*"),
        ] {
            let uri: Uri = uri.parse().unwrap();
            assert_eq!(format!("{:?}", SafeDebug(&uri)), shown);
        }
        let response = Response::builder().header("location", "/?hidden");
        let response = response.body(()).unwrap();
        let shown = format!("{:?}", SafeDebug(&response));
        assert!(
            shown.contains("location") && !shown.contains("hidden"),
            "{shown}"
        );
    }
}
