//! One layer of a stack that is written as text, and what it takes.

use super::error::{Fault, SpecProblem};
use std::fmt;
use std::ops::Range;
use wirestack_layer::BoxError;
use zeroize::Zeroizing;

/// The place of a password that a [`StackSpec`](crate::StackSpec) names.
///
/// ```
/// use wirestack_dial::{SecretSource, StackSpec};
///
/// let spec: StackSpec = "connect(proxy:3128, user=me, password-env=PROXY_PASSWORD)".parse()?;
/// let spec = spec.with_secrets(|source| match source {
///     SecretSource::Variable(name) => {
///         assert_eq!(name, "PROXY_PASSWORD");
///         Ok(b"secret".to_vec()) // `std::env::var_os` in a program
///     }
///     SecretSource::File(path) => Ok(std::fs::read(path)?),
/// })?;
/// assert_eq!(spec.hops()?.len(), 1);
/// # Ok::<(), wirestack_dial::SpecError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretSource<'a> {
    /// The first line of this file.
    File(&'a str),
    /// This variable of the environment.
    Variable(&'a str),
}

/// A layer: its name, and what stands in its parentheses.
#[derive(Clone)]
pub(super) struct Item {
    pub(super) name: String,
    pub(super) place: Range<usize>,
    pub(super) values: Vec<Value>,
    /// The password whose place is named.
    pub(super) secret: Option<Zeroizing<Vec<u8>>>,
}

/// One thing that a layer takes: `host:port`, `user=me` or `ntlm`.
#[derive(Clone)]
pub(super) struct Value {
    /// The name before the `=`.
    pub(super) key: Option<String>,
    pub(super) text: Zeroizing<String>,
    pub(super) place: Range<usize>,
    pub(super) is_quoted: bool,
}

impl Item {
    /// Returns the value of this name, if it is there.
    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        let of_key = |value: &&Value| value.key.as_deref() == Some(key);
        self.values.iter().find(of_key)
    }

    /// Returns all values of this name.
    pub(super) fn all<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a Value> {
        let of_key = move |value: &&Value| value.key.as_deref() == Some(key);
        self.values.iter().filter(of_key)
    }

    /// Returns `true` if this word stands alone.
    pub(super) fn has(&self, word: &str) -> bool {
        self.values.iter().any(|value| value.is_word(word))
    }

    /// Returns the value without a name that is no word of `words`: a host, or a path.
    pub(super) fn place_value(&self, words: &[&str]) -> Option<&Value> {
        let mut values = self.values.iter();
        values.find(|value| value.key.is_none() && !words.iter().any(|word| value.is_word(word)))
    }

    /// Checks that there is nothing but one value without a name, these words, each once, these keys,
    /// each once, and these keys as often as wanted.
    pub(super) fn check(&self, takes: &Takes) -> Result<(), Fault> {
        let not_taken = || SpecProblem::NotTaken {
            layer: takes.layer,
            takes: takes.shown,
        };
        let mut places = 0;
        for (n, value) in self.values.iter().enumerate() {
            let before = &self.values[..n];
            let fault = |problem| Err(Fault::new(&value.place, problem));
            match value.key.as_deref() {
                Some(key) if takes.words.contains(&key) => return fault(SpecProblem::NotAValue),
                Some(key) if takes.many.contains(&key) => {}
                Some(key) if takes.keys.contains(&key) => {
                    if before.iter().any(|it| it.key.as_deref() == Some(key)) {
                        return fault(SpecProblem::Twice);
                    }
                }
                Some(_) => return fault(not_taken()),
                None => {
                    let mut keys = takes.keys.iter().chain(takes.many);
                    if let Some(key) = keys.find(|key| value.is_word(key)) {
                        return fault(SpecProblem::NoValue(key));
                    }
                    let is_word = takes.words.iter().any(|word| value.is_word(word));
                    if is_word && before.iter().any(|it| it.is_word(&value.text)) {
                        return fault(SpecProblem::Twice);
                    }
                    places += usize::from(!is_word);
                    if places > 1 {
                        return fault(not_taken());
                    }
                }
            }
        }
        Ok(())
    }

    /// Reads the password whose place is named.
    pub(super) fn read_secret(
        &mut self,
        read: &mut impl FnMut(SecretSource<'_>) -> Result<Vec<u8>, BoxError>,
    ) -> Result<(), Fault> {
        let Some((value, source)) = self.secret_source() else {
            return Ok(());
        };
        let place = value.place.clone();
        let secret =
            read(source).map_err(|error| Fault::new(&place, SpecProblem::Secret(error)))?;
        self.secret = Some(Zeroizing::new(secret));
        Ok(())
    }

    /// Returns the place of the password, if it is named.
    pub(super) fn secret_source(&self) -> Option<(&Value, SecretSource<'_>)> {
        if let Some(value) = self.get(PASSWORD_FILE) {
            return Some((value, SecretSource::File(&value.text)));
        }
        let value = self.get(PASSWORD_ENV)?;
        Some((value, SecretSource::Variable(&value.text)))
    }
}

/// The values that a layer takes.
pub(super) struct Takes {
    pub(super) layer: &'static str,
    pub(super) shown: &'static str,
    pub(super) words: &'static [&'static str],
    pub(super) keys: &'static [&'static str],
    pub(super) many: &'static [&'static str],
}

impl Value {
    fn is_word(&self, word: &str) -> bool {
        self.key.is_none() && !self.is_quoted && *self.text == word
    }
}

impl PartialEq for Item {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.values == other.values
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        (&self.key, &self.text) == (&other.key, &other.text)
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        for (n, value) in self.values.iter().enumerate() {
            write!(f, "{}{value}", if n == 0 { "(" } else { ", " })?;
        }
        f.write_str(if self.values.is_empty() { "" } else { ")" })
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(key) = &self.key {
            write!(f, "{key}=")?;
        }
        if self.key.as_deref() == Some(PASSWORD) {
            return f.write_str("***");
        }
        let plain = |c: char| !is_special(c) && (c != '=' || self.key.is_some());
        if !self.is_quoted && !self.text.is_empty() && self.text.chars().all(plain) {
            return f.write_str(&self.text);
        }
        write!(
            f,
            "\"{}\"",
            self.text.replace('\\', r"\\").replace('"', "\\\"")
        )
    }
}

impl fmt::Display for SecretSource<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "the file {path}"),
            Self::Variable(name) => write!(f, "the variable {name}"),
        }
    }
}

/// Returns `true` if the character ends a value that stands without quotes.
pub(super) fn is_special(c: char) -> bool {
    matches!(c, ',' | '(' | ')' | '|' | '"' | '\\') || c.is_whitespace() || c.is_control()
}

pub(super) const PASSWORD: &str = "password";
pub(super) const PASSWORD_FILE: &str = "password-file";
pub(super) const PASSWORD_ENV: &str = "password-env";
