//! Values in the text form of GVariant, as `gsettings` writes them.

use zeroize::Zeroizing;

/// A value of one of the types that the settings of proxies have.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Text(Zeroizing<String>),
    Texts(Vec<String>),
    Number(i64),
    Boolean(bool),
}

impl Value {
    /// Reads a whole value. `None` if it is another one, or damaged.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Some(list) = text.strip_prefix("@as") {
            return (list.trim() == "[]").then(|| Self::Texts(Vec::new()));
        }
        match text.as_bytes().first()? {
            b'\'' | b'"' => match string(text)? {
                (text, "") => Some(Self::Text(text)),
                _ => None,
            },
            b'[' => list(&text[1..]).map(Self::Texts),
            b't' => (text == "true").then_some(Self::Boolean(true)),
            b'f' => (text == "false").then_some(Self::Boolean(false)),
            _ => text.parse().ok().map(Self::Number),
        }
    }
}

/// Reads the strings of a list, behind its bracket.
fn list(mut rest: &str) -> Option<Vec<String>> {
    let mut texts = Vec::new();
    loop {
        rest = rest.trim_start();
        if rest == "]" {
            return Some(texts);
        }
        if !texts.is_empty() {
            rest = rest.strip_prefix(',')?.trim_start();
        }
        let (text, behind) = string(rest)?;
        texts.push(text.to_string());
        rest = behind;
    }
}

/// Reads a string with its quotes. Returns it, and the text behind it.
fn string(text: &str) -> Option<(Zeroizing<String>, &str)> {
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    let mut read = Zeroizing::new(String::with_capacity(text.len()));
    let mut chars = text[1..].char_indices();
    while let Some((at, c)) = chars.next() {
        if c == quote {
            return Some((read, &text[1 + at + 1..]));
        }
        if c != '\\' {
            read.push(c);
            continue;
        }
        read.push(match chars.next()?.1 {
            'a' => '\u{7}',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            'u' => number(&mut chars, 4)?,
            'U' => number(&mut chars, 8)?,
            other => other,
        });
    }
    None
}

/// Reads the number of a character, in hexadecimal.
fn number(chars: &mut impl Iterator<Item = (usize, char)>, digits: usize) -> Option<char> {
    let mut number = 0;
    for _ in 0..digits {
        number = number << 4 | chars.next()?.1.to_digit(16)?;
    }
    char::from_u32(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_gsettings_writes_them() {
        let text = |text: &str| Some(Value::Text(Zeroizing::new(text.to_owned())));
        let texts = |texts: &[&str]| {
            let texts = texts.iter().map(ToString::to_string);
            Some(Value::Texts(texts.collect()))
        };
        for (written, value) in [
            ("''", text("")),
            ("'proxy.test'", text("proxy.test")),
            (r#""it's""#, text("it's")),
            (r"'a\nb\\\'\u00e9\U0001f600'", text("a\nb\\'é😀")),
            ("8080", Some(Value::Number(8080))),
            ("true", Some(Value::Boolean(true))),
            ("false", Some(Value::Boolean(false))),
            ("@as []", texts(&[])),
            ("[]", texts(&[])),
            (
                "['localhost', '127.0.0.0/8', \"it's\"]",
                texts(&["localhost", "127.0.0.0/8", "it's"]),
            ),
            ("'open", None),
            (r"'\u00zz'", None),
            (r"'\ud800'", None),
            ("'a' 'b'", None),
            ("['a' 'b']", None),
            ("['a',", None),
            ("", None),
            ("tru", None),
        ] {
            assert_eq!(Value::parse(written), value, "{written}");
        }
    }
}
