//! Basic authentication (RFC 7617).

use crate::Http1Error;
use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use http::HeaderValue;
use wirestack_layer::Error;

/// Makes the value of an `Authorization` or `Proxy-Authorization` field, marked as sensitive.
///
/// # Errors
///
/// [`Http1Error::BadCredentials`] for what RFC 7617 §2 forbids: a control character, or a colon in the
/// user.
pub fn basic_credentials(user: &str, password: &str) -> Result<HeaderValue, Error> {
    credentials(user, password).map_err(|cause| Error::local("http1", cause))
}

pub(crate) fn credentials(user: &str, password: &str) -> Result<HeaderValue, Http1Error> {
    // "The user-id and password MUST NOT contain any control characters"; "a user-id containing a
    // colon character is invalid" (RFC 7617 §2)
    if user.contains(':') {
        return Err(Http1Error::BadCredentials("a colon in the user"));
    }
    if user.contains(char::is_control) || password.contains(char::is_control) {
        return Err(Http1Error::BadCredentials("a control character"));
    }
    let value = format!("Basic {}", BASE64.encode(format!("{user}:{password}")));
    let value = HeaderValue::try_from(value);
    let mut value = value.map_err(|_| Http1Error::BadCredentials("not a header value"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// Reads user and password out of such a value, if it is one and is UTF-8.
pub(crate) fn decode(value: &HeaderValue) -> Option<(String, String)> {
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    if !is_basic(scheme) {
        return None;
    }
    let text = BASE64.decode(token.trim_ascii()).ok()?;
    let text = String::from_utf8(text).ok()?;
    let (user, password) = text.split_once(':')?;
    let clean = !text.contains(char::is_control);
    clean.then(|| (user.to_owned(), password.to_owned()))
}

/// Returns whether a challenge, from its scheme on, is one for Basic authentication.
pub(crate) fn is_basic(challenge: &str) -> bool {
    let scheme = challenge.split([' ', '\t']).next();
    scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("basic"))
}

/// Makes the challenge for a realm.
pub(crate) fn challenge(realm: &str) -> String {
    let mut quoted = String::new();
    for c in realm.chars() {
        if matches!(c, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(if c.is_control() { ' ' } else { c });
    }
    format!("Basic realm=\"{quoted}\", charset=\"UTF-8\"")
}

/// Some clients leave the padding out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

#[cfg(test)]
mod tests {
    use super::{Http1Error, challenge, credentials, decode};
    use http::HeaderValue;

    #[test]
    fn what_is_written_is_read() {
        for (user, password) in [
            ("u", "p"),
            ("", ""),
            ("ünï", "a:b:c"),
            ("Aladdin", "open sesame"),
        ] {
            let value = credentials(user, password).unwrap();
            assert_eq!(decode(&value), Some((user.to_owned(), password.to_owned())));
            assert_eq!(format!("{value:?}"), "Sensitive");
        }
    }

    #[test]
    fn pitfall_12_credentials_with_control_characters_or_a_colon_are_refused() {
        for (user, password) in [
            ("a:b", "p"),
            ("a\r\nX: y", "p"),
            ("user", "p\0"),
            ("a\u{7f}", "p"),
        ] {
            let error = credentials(user, password).unwrap_err();
            assert!(matches!(error, Http1Error::BadCredentials(_)), "{error}");
        }
    }

    #[test]
    fn odd_credentials_are_none() {
        for (value, user) in [
            ("Basic dTpw", Some("u")),
            ("bAsIC   dTpw ", Some("u")),
            ("Basic dQ==", None),
            ("Basic dTpwcA", Some("u")),
            ("Basic dTpwcA==", Some("u")),
            ("Basic", None),
            ("Bearer dTpw", None),
            ("Basic d Tpw", None),
            ("Basic dToK", None), // "u:\n"
            ("Basic /zpw", None), // not UTF-8
        ] {
            let read = decode(&HeaderValue::from_static(value));
            assert_eq!(read.map(|(user, _)| user).as_deref(), user, "{value}");
        }
    }

    #[test]
    fn a_realm_is_quoted() {
        let made = challenge("a \"b\" \\ \r\nc");
        assert_eq!(made, r#"Basic realm="a \"b\" \\   c", charset="UTF-8""#);
    }
}
