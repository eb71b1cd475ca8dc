use bytes::Bytes;
use std::fmt;
use std::ops::Deref;
use std::str::Utf8Error;

/// A text that is cloned without a copy of its bytes.
///
/// It was checked when it was made or received. As this crate has no unsafe code, each conversion
/// to `&str` checks it again, as fast as memory is read. For repeated use, keep the `&str`.
///
/// ```
/// use bytes::Bytes;
/// use wirestack_websocket::Text;
///
/// let text = Text::from("gr\u{fc}n");
/// assert_eq!((text.as_str(), text.as_bytes().len()), ("gr\u{fc}n", 5));
/// assert_eq!(text.clone().into_bytes(), "gr\u{fc}n".as_bytes());
/// assert!(Text::try_from(Bytes::from_static(b"\xff")).is_err()); // it is UTF-8, always
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Text(Bytes);

impl Text {
    /// Creates a text from one that lives as long as the program, without a copy.
    ///
    /// ```
    /// use wirestack_websocket::{Message, Text};
    ///
    /// let news = Message::from(Text::from_static("no news")); // for a thousand clients
    /// assert_eq!(news, Message::text("no news"));
    /// ```
    pub const fn from_static(text: &'static str) -> Self {
        Self(Bytes::from_static(text.as_bytes()))
    }

    /// Wraps bytes that were checked.
    pub(crate) fn checked(bytes: Bytes) -> Self {
        debug_assert!(simdutf8::basic::from_utf8(&bytes).is_ok());
        Self(bytes)
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        simdutf8::basic::from_utf8(&self.0).unwrap_or_default()
    }

    /// Returns the bytes of the text, without checking them again.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the bytes of the text, owned.
    pub fn into_bytes(self) -> Bytes {
        self.0
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        self
    }
}

/// Copies the text. [`Text::from_static`] does not.
impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(Bytes::copy_from_slice(text.as_bytes()))
    }
}

/// Copies the text.
impl From<&String> for Text {
    fn from(text: &String) -> Self {
        text.as_str().into()
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl TryFrom<Bytes> for Text {
    type Error = Utf8Error;

    fn try_from(bytes: Bytes) -> Result<Self, Utf8Error> {
        std::str::from_utf8(&bytes)?;
        Ok(Self(bytes))
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        *self == **other
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_compared_and_shown_as_the_string_that_it_is() {
        let text = Text::from("h\u{e9}");
        assert!(text == *"h\u{e9}" && text != *"he");
        assert!(text == "h\u{e9}" && text != "he");
        let string: &str = text.as_ref();
        assert_eq!(string, "h\u{e9}");
        assert_eq!(format!("{text}|{text:>4}"), "h\u{e9}|  h\u{e9}");
    }
}
