//! Basic authentication (RFC 7617).

use crate::challenge::Challenge;
use crate::grammar::quote;
use crate::secret::clear;
use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use http::HeaderValue;
use std::error::Error as StdError;
use std::fmt;
use wirestack_layer::Error;

/// Makes the value of an `Authorization` or `Proxy-Authorization` field from a user and a password.
/// It is marked as sensitive.
///
/// A text is sent in UTF-8. A server that wants another encoding gets the bytes of that one.
///
/// ```
/// use wirestack_http::{basic_credentials, read_basic_credentials};
///
/// let value = basic_credentials("Aladdin", "open sesame")?;
/// assert_eq!(value, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
/// assert!(value.is_sensitive()); // so that it is in no log
/// let (user, password) = read_basic_credentials(&value).unwrap();
/// assert_eq!((&*user, &*password), ("Aladdin", "open sesame"));
/// # Ok::<(), wirestack_layer::Error>(())
/// ```
///
/// # Errors
///
/// [`BadCredentials`] as the [cause](Error::cause).
pub fn basic_credentials(
    user: impl AsRef<[u8]>,
    password: impl AsRef<[u8]>,
) -> Result<HeaderValue, Error> {
    encode(user.as_ref(), password.as_ref()).map_err(|cause| Error::local("http", cause))
}

fn encode(user: &[u8], password: &[u8]) -> Result<HeaderValue, BadCredentials> {
    // "The user-id and password MUST NOT contain any control characters"; "a user-id containing a
    // colon character is invalid" (RFC 7617 §2)
    if user.contains(&b':') {
        return Err(BadCredentials::Colon);
    }
    if has_control(user) || has_control(password) {
        return Err(BadCredentials::ControlCharacter);
    }
    let plain = [user, b":", password].concat();
    let value = format!("Basic {}", BASE64.encode(&plain));
    clear(plain);
    // Base64 has no control character, so this cannot fail.
    let value = HeaderValue::try_from(value);
    let mut value = value.or(Err(BadCredentials::ControlCharacter))?;
    value.set_sensitive(true);
    Ok(value)
}

/// Returns `true` if a text has a control character. Bytes that are not UTF-8 are in an unknown
/// encoding, so only those of ASCII are known in them.
fn has_control(bytes: &[u8]) -> bool {
    match str::from_utf8(bytes) {
        Ok(text) => text.contains(char::is_control),
        Err(_) => bytes.iter().any(u8::is_ascii_control),
    }
}

/// Returns the user and the password of an `Authorization` or `Proxy-Authorization` field, if it
/// has Basic credentials in UTF-8.
///
/// ```
/// use http::HeaderValue;
/// use wirestack_http::read_basic_credentials;
///
/// let value = HeaderValue::from_static("Basic YWRhOnNlY3JldA==");
/// assert_eq!(read_basic_credentials(&value), Some(("ada".into(), "secret".into())));
/// assert_eq!(read_basic_credentials(&HeaderValue::from_static("Bearer x")), None);
/// ```
pub fn read_basic_credentials(value: &HeaderValue) -> Option<(String, String)> {
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = BASE64.decode(token.trim_ascii()).ok()?;
    let text = String::from_utf8(text).ok()?;
    let (user, password) = text.split_once(':')?;
    let clean = !text.contains(char::is_control);
    let read = clean.then(|| (user.to_owned(), password.to_owned()));
    clear(text);
    read
}

/// Makes the challenge of Basic authentication for a realm. Control characters in it become blanks.
///
/// ```
/// let challenge = wirestack_http::basic_challenge("the proxy");
/// assert_eq!(challenge, "Basic realm=\"the proxy\", charset=\"UTF-8\"");
/// ```
pub fn basic_challenge(realm: &str) -> Challenge {
    let realm = quote(realm);
    Challenge::new(format!("Basic realm={realm}, charset=\"UTF-8\""))
}

/// The reason why a user and a password cannot be sent with Basic authentication (RFC 7617 §2).
///
/// ```
/// use wirestack_http::{BadCredentials, basic_credentials};
///
/// let error = basic_credentials("a:b", "secret").unwrap_err(); // which colon ends the user?
/// assert!(matches!(error.cause(), Some(BadCredentials::Colon)));
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadCredentials {
    /// The user has a colon.
    Colon,
    /// The user or the password has a control character.
    ControlCharacter,
}

/// Shows the same as `Display`: it is what `main` prints.
impl fmt::Debug for BadCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for BadCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Colon => "credentials that cannot be sent: a colon in the user",
            Self::ControlCharacter => "credentials that cannot be sent: a control character",
        })
    }
}

impl StdError for BadCredentials {}

/// Some clients leave the padding out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for (user, password) in [
            ("u", "p"),
            ("", ""),
            ("ünï", "a:b:c"),
            ("Aladdin", "open sesame"),
        ] {
            let value = basic_credentials(user, password).unwrap();
            let read = read_basic_credentials(&value);
            assert_eq!(read, Some((user.to_owned(), password.to_owned())));
            assert_eq!(format!("{value:?}"), "Sensitive");
        }
    }

    #[test]
    fn pitfall_12_credentials_with_control_characters_or_a_colon_are_refused() {
        use BadCredentials::{Colon, ControlCharacter};
        let texts = [Colon, ControlCharacter].map(|cause| cause.to_string());
        let wanted = ["a colon in the user", "a control character"];
        let wanted = wanted.map(|what| format!("credentials that cannot be sent: {what}"));
        assert_eq!(texts, wanted);
        for (user, password, cause) in [
            ("a:b", "p", Colon),
            ("a\r\nX: y", "p", Colon),
            ("a\r\n", "p", ControlCharacter),
            ("user", "p\0", ControlCharacter),
            ("a\u{7f}", "p", ControlCharacter),
        ] {
            let error = basic_credentials(user, password).unwrap_err();
            assert_eq!(error.cause(), Some(&cause), "{error}");
        }
    }

    #[test]
    fn bytes_of_another_encoding_are_sent_as_they_are() {
        let value = basic_credentials(b"me", b"\xe9").unwrap();
        assert_eq!(value, "Basic bWU66Q==");
        let error = basic_credentials(b"me", b"\xe9\n").unwrap_err();
        assert_eq!(error.cause(), Some(&BadCredentials::ControlCharacter));
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
            let read = read_basic_credentials(&HeaderValue::from_static(value));
            assert_eq!(read.map(|(user, _)| user).as_deref(), user, "{value}");
        }
    }

    #[test]
    fn a_realm_is_quoted() {
        let made = basic_challenge("a \"b\" \\ \r\nc").to_string();
        assert_eq!(made, r#"Basic realm="a \"b\" \\   c", charset="UTF-8""#);
    }
}
