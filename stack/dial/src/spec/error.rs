//! The errors of a stack that is written as text, and their picture.

use crate::route::endpoint::RouteError;
use std::fmt;
use std::ops::Range;
use wirestack_layer::{BoxError, Escaped};

/// An error in a stack that is written as text: its place and its reason.
///
/// It shows as one line. [`picture`](Self::picture) shows the text with a mark under the place.
///
/// ```
/// use wirestack_dial::StackSpec;
///
/// let error = "socks5(gate:1080) | conect(proxy)".parse::<StackSpec>().unwrap_err();
/// println!("{}", error.problem()); // what is wrong
/// println!("{}", error.picture()); // and a mark below its place
/// assert_eq!(error.place().start, 20);
/// ```
pub struct SpecError {
    /// The text, without passwords.
    shown: String,
    place: Range<usize>,
    problem: SpecProblem,
}

/// Shows the same as `Display`: it is what `main` prints.
impl fmt::Debug for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The reason of a [`SpecError`].
///
/// ```
/// use wirestack_dial::{SpecProblem, StackSpec};
///
/// let error = "conect(proxy:3128)".parse::<StackSpec>().unwrap_err();
/// assert!(matches!(error.problem(), SpecProblem::UnknownLayer));
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpecProblem {
    /// There is no layer.
    #[error("a layer is missing here, such as socks5(gate:1080)")]
    NoLayer,
    /// The name of a layer is not known.
    #[error(
        "no layer has this name: write socks5, socks4, connect, https, h2, tls, websocket or tcp"
    )]
    UnknownLayer,
    /// Another character is wanted here.
    #[error("{0} is wanted here")]
    Wanted(&'static str),
    /// A quote has no end.
    #[error("the quote has no end")]
    OpenQuote,
    /// A control character, or a backslash before another character than a quote or a backslash.
    #[error("this character cannot stand here")]
    Character,
    /// The layer does not take this.
    #[error("{layer} does not take this; it takes {takes}")]
    NotTaken {
        /// The layer.
        layer: &'static str,
        /// The names that it takes.
        takes: &'static str,
    },
    /// It is written twice.
    #[error("this is written twice")]
    Twice,
    /// The value is missing: `user=me`.
    #[error("a value is missing: write {0}=…")]
    NoValue(&'static str),
    /// The value is not wanted.
    #[error("this takes no value")]
    NotAValue,
    /// The layer needs a host and a port.
    #[error("the host and the port are missing: write {0}")]
    NoHost(&'static str),
    /// The host, the port or the whole URL that the layer makes of them is wrong.
    #[error("{0}")]
    Route(RouteError),
    /// A field is malformed.
    #[error("a field is written \"Name: value\"")]
    Field,
    /// A certificate has no key, or a key no certificate.
    #[error("cert= and key= belong together")]
    Pair,
    /// These are two ways to give the password.
    #[error("the password is given twice")]
    PasswordTwice,
    /// A password without a user.
    #[error("a password needs user=")]
    NoUser,
    /// Only the nearest proxy can be at a Unix socket.
    #[error("only the nearest proxy can be at a Unix socket")]
    FarUnixSocket,
    /// The layer stands in the wrong place.
    #[error("the order is: proxies, then tls, then websocket; or proxies, then tcp")]
    Order,
    /// The place of a password is named, and nobody has read it.
    #[error("the password was not read: call `with_secrets`")]
    SecretNotRead,
    /// The password could not be read.
    #[error("the password cannot be read: {0}")]
    Secret(BoxError),
}

impl SpecError {
    /// Returns the reason.
    pub fn problem(&self) -> &SpecProblem {
        &self.problem
    }

    /// Returns the place in the text, in bytes.
    pub fn place(&self) -> Range<usize> {
        self.place.clone()
    }

    /// Shows the text, a mark under the place, and the reason: three lines. A password shows as
    /// `***`.
    pub fn picture(&self) -> impl fmt::Display + use<'_> {
        Picture(self)
    }
}

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let column = self.shown[..self.place.start].chars().count() + 1;
        let seen = Escaped::excerpt(&self.shown[self.place.clone()]);
        write!(f, "column {column} of the stack")?;
        if !self.place.is_empty() {
            write!(f, " (\"{seen}\")")?;
        }
        write!(f, ": {}", Escaped::new(&self.problem))
    }
}

impl std::error::Error for SpecError {}

/// A reason and its place, before the text is known.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) place: Range<usize>,
    pub(super) problem: SpecProblem,
}

impl Fault {
    pub(super) fn new(place: &Range<usize>, problem: SpecProblem) -> Self {
        let place = place.clone();
        Self { place, problem }
    }

    pub(super) fn in_text(self, text: &str) -> SpecError {
        SpecError {
            shown: masked(text),
            place: self.place,
            problem: self.problem,
        }
    }
}

struct Picture<'a>(&'a SpecError);

impl fmt::Display for Picture<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(error) = self;
        // One character is one column; what cannot be shown becomes one, too.
        let plain = |text: &str| -> String {
            let shown = |c: char| if c.is_control() { '\u{fffd}' } else { c };
            text.chars().map(shown).collect()
        };
        let before = error.shown[..error.place.start].chars().count();
        let marked = error.shown[error.place.clone()].chars().count().max(1);
        writeln!(f, "{}", plain(&error.shown))?;
        writeln!(f, "{:before$}{}", "", "^".repeat(marked))?;
        write!(f, "{:before$}{}", "", Escaped::new(&error.problem))
    }
}

/// Returns the text with a star for each byte of a password, at the same places. It looks at the
/// text alone, as this may be no stack at all.
fn masked(text: &str) -> String {
    let mut secret = vec![false; text.len()];
    for (at, _) in text.match_indices("password") {
        let behind = &text[at..];
        let Some(equals) = behind.find('=').filter(|length| {
            let name = behind[..*length].trim_end();
            name == "password" // `password-file=` names a place
        }) else {
            continue;
        };
        let start = at + equals + 1;
        let mut quoted = false;
        let mut escaped = false;
        let end = text[start..].find(|c: char| {
            let ends = !quoted && matches!(c, ',' | ')' | '|');
            if c == '"' && !escaped {
                quoted = !quoted;
            }
            escaped = c == '\\' && !escaped;
            ends
        });
        let end = end.map_or(text.len(), |length| start + length);
        secret[start..end].fill(true);
    }
    for (at, _) in text.match_indices('@') {
        // Somebody wrote a URL: all before the `@` may be a login.
        let start = text[..at].rfind(['(', '|', '/']).map_or(0, |at| at + 1);
        secret[start..at].fill(true);
    }
    let shown = text.char_indices().map(|(at, c)| {
        if secret[at] && !c.is_whitespace() && c != '"' {
            "*".repeat(c.len_utf8())
        } else {
            c.to_string()
        }
    });
    shown.collect()
}
