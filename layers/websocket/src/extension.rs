//! The list in `Sec-WebSocket-Extensions` (RFC 6455 §9.1).

use std::fmt;
use wirestack_http::grammar::{is_token, read_quoted, split_list};

/// One element of the list.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Extension {
    pub(crate) name: String,
    pub(crate) parameters: Vec<(String, Option<String>)>,
}

/// The list does not conform to its grammar.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

impl Extension {
    /// Parses a list. Empty elements are skipped.
    pub(crate) fn parse_list(text: &str) -> Result<Vec<Self>, Malformed> {
        let elements = split_list(text, ',').map(str::trim);
        let elements = elements.filter(|element| !element.is_empty());
        elements.map(Self::parse).collect()
    }

    fn parse(text: &str) -> Result<Self, Malformed> {
        let mut parts = split_list(text, ';').map(str::trim);
        let name = parts.next().and_then(token).ok_or(Malformed)?;
        let parameters = parts.map(|part| match part.split_once('=') {
            None => Ok((token(part).ok_or(Malformed)?, None)),
            Some((name, value)) => {
                let name = token(name.trim()).ok_or(Malformed)?;
                let value = token(&unquoted(value.trim())?).ok_or(Malformed)?;
                Ok((name, Some(value)))
            }
        });
        let parameters = parameters.collect::<Result<_, _>>()?;
        Ok(Self { name, parameters })
    }
}

impl fmt::Display for Extension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        self.parameters
            .iter()
            .try_for_each(|(name, value)| match value {
                None => write!(f, "; {name}"),
                Some(value) => write!(f, "; {name}={value}"),
            })
    }
}

fn token(text: &str) -> Option<String> {
    is_token(text).then(|| text.to_owned())
}

/// "When using the quoted-string syntax variant, the value after quoted-string unescaping MUST
/// conform to the 'token' ABNF."
fn unquoted(text: &str) -> Result<String, Malformed> {
    if !text.starts_with('"') {
        return Ok(text.to_owned());
    }
    match read_quoted(text) {
        Some((value, "")) => Ok(value),
        _ => Err(Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_as_their_grammar_says() {
        let parsed = |text| {
            let list = Extension::parse_list(text)?;
            Ok(list.iter().map(Extension::to_string).collect::<Vec<_>>())
        };
        assert_eq!(parsed(""), Ok(vec![]));
        assert_eq!(parsed(" , a ,"), Ok(vec!["a".into()]));
        assert_eq!(
            parsed(r#"a;b ; c = 1;d="2", e;f="\3""#),
            Ok(vec!["a; b; c=1; d=2".into(), "e; f=3".into()])
        );
        for bad in [
            "a b",
            ";",
            "a;",
            "a;;b",
            "a;b=",
            "a;=1",
            r#"a;b=""#,
            r#"a;b="1"#,
            r#"a;b="1"2"#,
            r#"a;b="1,2""#,
            r#"a;b="""#,
            "a=1",
            "é",
            r#"a;b="\""#,
        ] {
            assert_eq!(parsed(bad), Err(Malformed), "{bad}");
        }
    }
}
