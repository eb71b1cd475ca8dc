//! Texts from elsewhere, made safe to show.

use alloc::borrow::Cow;
use alloc::string::String;
use core::fmt::{self, Write};

/// Shows a value in one line, with every character that could deceive its reader as an escape.
///
/// A peer chooses the texts that an error, a trace or a log repeats: a reason phrase, the name in a
/// certificate, the reason of a Close frame. A terminal obeys control characters, a viewer reorders
/// the line at a bidirectional one, and invisible characters make two names look alike. All of them
/// show as `\u{9b}`. The text stays otherwise as it is, in any script.
///
/// Everything that shows a text of a peer goes through this type. [`Error`](crate::Error) shows
/// itself through it too, whatever its cause contains.
///
/// ```
/// use wirestack_layer::Escaped;
///
/// let reason = "gone\u{1b}[2J\r\n\u{202e}grüße";
/// assert_eq!(Escaped::new(reason).to_string(), r"gone\u{1b}[2J\r\n\u{202e}grüße");
/// assert_eq!(Escaped::new("a long reason").at_most(6).to_string(), "a long…");
/// ```
#[derive(Clone, Copy)]
pub struct Escaped<T> {
    value: T,
    most: usize,
}

impl<T> Escaped<T> {
    /// Wraps a value. All of it is shown.
    pub fn new(value: T) -> Self {
        Self {
            value,
            most: usize::MAX,
        }
    }

    /// Wraps a text of a peer. Its first 128 characters are shown.
    ///
    /// ```
    /// use wirestack_layer::Escaped;
    ///
    /// let page = "x".repeat(10_000);
    /// assert!(Escaped::excerpt(&page).to_string().len() < 1_000);
    /// ```
    pub fn excerpt(value: T) -> Self {
        Self::new(value).at_most(EXCERPT)
    }

    /// Shows at most this many characters, and `…` if there are more.
    #[must_use]
    pub fn at_most(self, most: usize) -> Self {
        Self { most, ..self }
    }
}

impl<T: fmt::Display> fmt::Display for Escaped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut escaping = Escaping {
            to: f,
            left: self.most,
            is_cut: false,
        };
        write!(escaping, "{}", self.value)
    }
}

/// Shows the same as `Display`.
impl<T: fmt::Display> fmt::Debug for Escaped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Returns the text of bytes from a peer: UTF-8, or else Latin-1, as old servers write it.
///
/// ```
/// use wirestack_layer::decode_text;
///
/// assert_eq!(decode_text("gr\u{fc}n".as_bytes()), "gr\u{fc}n");
/// assert_eq!(decode_text(b"gr\xfcn"), "gr\u{fc}n"); // Latin-1, as old servers send it
/// ```
pub fn decode_text(bytes: &[u8]) -> Cow<'_, str> {
    match core::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(
            bytes
                .iter()
                .map(|byte| char::from(*byte))
                .collect::<String>(),
        ),
    }
}

struct Escaping<'a, 'b> {
    to: &'a mut fmt::Formatter<'b>,
    /// The number of characters that may still be shown.
    left: usize,
    is_cut: bool,
}

impl Write for Escaping<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // Most texts are plain.
        if text.len() <= self.left && text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            self.left -= text.len();
            return self.to.write_str(text);
        }
        for c in text.chars() {
            if self.left == 0 {
                if !core::mem::replace(&mut self.is_cut, true) {
                    self.to.write_char('…')?;
                }
                return Ok(());
            }
            self.left -= 1;
            if is_deceptive(c) {
                write!(self.to, "{}", c.escape_default())?;
            } else {
                self.to.write_char(c)?;
            }
        }
        Ok(())
    }
}

/// Returns `true` for a character that is not seen, or that changes how others are seen: controls,
/// formats, separators of lines, variation selectors, fillers, private use and no characters.
fn is_deceptive(c: char) -> bool {
    c.is_control()
        || DECEPTIVE
            .iter()
            .any(|(from, to)| (*from..=*to).contains(&c))
        || {
            // "noncharacters": the last two of each plane
            u32::from(c) & 0xfffe == 0xfffe
        }
}

/// The ranges of the Unicode character database with the categories Cf, Zl, Zp and Co, the spaces
/// other than U+0020 and U+3000, and the characters with the property
/// `Default_Ignorable_Code_Point`.
const DECEPTIVE: [(char, char); 38] = [
    ('\u{a0}', '\u{a0}'),
    ('\u{ad}', '\u{ad}'),
    ('\u{34f}', '\u{34f}'),
    ('\u{600}', '\u{605}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{6dd}', '\u{6dd}'),
    ('\u{70f}', '\u{70f}'),
    ('\u{890}', '\u{891}'),
    ('\u{8e2}', '\u{8e2}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{1680}', '\u{1680}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{2000}', '\u{200f}'),
    ('\u{2028}', '\u{202f}'),
    ('\u{205f}', '\u{206f}'),
    ('\u{2800}', '\u{2800}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{e000}', '\u{f8ff}'),
    ('\u{fdd0}', '\u{fdef}'),
    ('\u{fe00}', '\u{fe0f}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{fff0}', '\u{fffb}'),
    ('\u{110bd}', '\u{110bd}'),
    ('\u{110cd}', '\u{110cd}'),
    ('\u{13430}', '\u{1343f}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d159}', '\u{1d159}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0000}', '\u{e0fff}'),
    ('\u{f0000}', '\u{ffffd}'),
    ('\u{100000}', '\u{10fffd}'),
    // The marks that stack on one another without end.
    ('\u{300}', '\u{34e}'),
    ('\u{350}', '\u{36f}'),
    ('\u{483}', '\u{489}'),
    ('\u{1ab0}', '\u{1aff}'),
    ('\u{20d0}', '\u{20ff}'),
];

/// The number of characters of an excerpt.
const EXCERPT: usize = 128;
