use std::fmt;

/// One challenge of a proxy: a scheme and what belongs to it (RFC 9110 §11.3). It shows as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    text: String,
}

impl Challenge {
    /// Wraps a challenge, from its scheme on.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into() }
    }

    /// Returns the scheme as it came.
    pub fn scheme(&self) -> &str {
        self.text.split([' ', '\t']).next().unwrap_or_default()
    }

    /// Returns whether this is the scheme; upper and lower case are the same.
    pub fn is(&self, scheme: &str) -> bool {
        self.scheme().eq_ignore_ascii_case(scheme)
    }

    /// Returns what follows the scheme: parameters, or a token.
    pub fn rest(&self) -> &str {
        let rest = self.text.get(self.scheme().len()..).unwrap_or_default();
        rest.trim_matches([' ', '\t'])
    }

    /// Returns a parameter, without its quotes.
    pub fn parameter(&self, name: &str) -> Option<String> {
        let mut rest = self.rest();
        while !rest.is_empty() {
            let (key, value, left) = next(rest)?;
            if key.eq_ignore_ascii_case(name) {
                return Some(value);
            }
            rest = left;
        }
        None
    }

    /// Returns the realm, or an empty text.
    pub fn realm(&self) -> String {
        self.parameter("realm").unwrap_or_default()
    }
}

impl fmt::Display for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Reads one parameter, and returns its name, its value and what follows.
fn next(text: &str) -> Option<(&str, String, &str)> {
    let (key, rest) = text.split_once('=')?;
    let key = key.trim_matches([' ', '\t', ',']);
    let rest = rest.trim_start_matches([' ', '\t']);
    let Some(quoted) = rest.strip_prefix('"') else {
        let (value, left) = rest.split_once(',').unwrap_or((rest, ""));
        return Some((key, value.trim_end().to_owned(), left));
    };
    let (mut value, mut escaped) = (String::new(), false);
    for (at, c) in quoted.char_indices() {
        match c {
            _ if escaped => {
                value.push(c);
                escaped = false;
            }
            '\\' => escaped = true,
            '"' => return Some((key, value, quoted.get(at + 1..).unwrap_or_default())),
            c => value.push(c),
        }
    }
    None // the quote never ends
}

#[cfg(test)]
mod tests {
    use super::Challenge;

    #[test]
    fn parameters_are_read_with_and_without_quotes() {
        let text = r#"Digest realm="a \"b\", c" , qop = "auth,auth-int",stale=TRUE ,nonce="n""#;
        let challenge = Challenge::new(text);
        assert!(challenge.is("digest"));
        for (name, value) in [
            ("realm", Some("a \"b\", c")),
            ("QOP", Some("auth,auth-int")),
            ("stale", Some("TRUE")),
            ("nonce", Some("n")),
            ("opaque", None),
        ] {
            assert_eq!(challenge.parameter(name).as_deref(), value, "{name}");
        }
        for text in [
            "",
            "Basic",
            "NTLM TlRMTVNTUAAC==",
            "Basic realm=\"x",
            "=",
            ",,",
            "a =\"",
        ] {
            assert_eq!(Challenge::new(text).realm(), "", "{text}");
        }
    }
}
