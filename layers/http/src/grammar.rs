//! The parts of which field values are made: tokens, quoted strings and lists (RFC 9110 §5.6).

pub use crate::host::has_valid_host;
use http::header::{HeaderMap, HeaderName, HeaderValue};

/// Returns `true` if the text is a token (RFC 9110 §5.6.2).
///
/// ```
/// use wirestack_http::grammar::is_token;
///
/// assert!(is_token("websocket") && !is_token("web socket") && !is_token(""));
/// ```
pub fn is_token(text: &str) -> bool {
    let is_tchar = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_tchar)
}

/// Splits a list at each separator outside of quoted strings.
///
/// The elements keep the blanks around them, and may be empty. A quoted string without an end takes
/// the rest of the list.
///
/// ```
/// let elements = wirestack_http::grammar::split_list(r#"a, b="1,2""#, ',');
/// assert_eq!(elements.collect::<Vec<_>>(), ["a", r#" b="1,2""#]);
/// ```
pub fn split_list(list: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    list.split(move |c| {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => return c == separator && !quoted,
        }
        false
    })
}

/// Returns `true` if a field that lists tokens has this one, in upper or lower case.
///
/// ```
/// use http::header::{CONNECTION, HeaderMap};
/// use wirestack_http::grammar::has_token;
///
/// let mut headers = HeaderMap::new();
/// headers.insert(CONNECTION, "keep-alive, Upgrade".parse()?);
/// assert!(has_token(&headers, &CONNECTION, "upgrade"));
/// # Ok::<(), http::header::InvalidHeaderValue>(())
/// ```
pub fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    let is_it = |found: &[u8]| found.trim_ascii().eq_ignore_ascii_case(token.as_bytes());
    let mut fields = headers.get_all(name).iter().map(HeaderValue::as_bytes);
    fields.any(|list| is_it(list) || list.split(|&byte| byte == b',').any(is_it))
}

/// Reads the quoted string that a text begins with (RFC 9110 §5.6.4), and returns its value and the
/// text behind it.
///
/// Returns `None` if the text does not begin with a quote, or if the quoted string has no end.
///
/// ```
/// use wirestack_http::grammar::read_quoted;
///
/// let read = read_quoted(r#""say \"hi\"", next"#);
/// assert_eq!(read, Some((r#"say "hi""#.to_owned(), ", next")));
/// ```
pub fn read_quoted(text: &str) -> Option<(String, &str)> {
    let quoted = text.strip_prefix('"')?;
    let (mut value, mut escaped) = (String::new(), false);
    for (at, c) in quoted.char_indices() {
        match c {
            _ if escaped => {
                value.push(c);
                escaped = false;
            }
            '\\' => escaped = true,
            '"' => return Some((value, quoted.get(at + 1..).unwrap_or_default())),
            c => value.push(c),
        }
    }
    None
}

/// Writes a text as a quoted string. Control characters other than the tab become blanks.
///
/// ```
/// assert_eq!(wirestack_http::grammar::quote(r#"a "realm""#), r#""a \"realm\"""#);
/// ```
pub fn quote(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(if c.is_ascii_control() && c != '\t' {
            ' '
        } else {
            c
        });
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::header::CONNECTION;

    #[test]
    fn tokens_are_told_from_other_texts() {
        for text in ["a", "x-test", "!#$%&'*+-.^_`|~", "Basic", "0"] {
            assert!(is_token(text), "{text}");
        }
        for text in ["", " ", "a b", "a/b", "a=b", "\"a\"", "a,", "é", "a\0"] {
            assert!(!is_token(text), "{text}");
        }
    }

    #[test]
    fn lists_are_split_outside_of_quoted_strings() {
        for (list, wanted) in [
            ("", vec![""]),
            ("a,b", vec!["a", "b"]),
            (",a,,", vec!["", "a", "", ""]),
            ("a=\",\",b", vec!["a=\",\"", "b"]),
            ("a=\"\\\",\",b", vec!["a=\"\\\",\"", "b"]),
            ("a=\"unfinished, b", vec!["a=\"unfinished, b"]),
            ("a\\,b", vec!["a\\", "b"]),
        ] {
            assert_eq!(split_list(list, ',').collect::<Vec<_>>(), wanted, "{list}");
        }
        let parameters = split_list("a;b=\";\"", ';').collect::<Vec<_>>();
        assert_eq!(parameters, ["a", "b=\";\""]);
    }

    #[test]
    fn what_is_quoted_is_read() {
        for text in ["", "a", "a \"b\" \\ c", "ü, x"] {
            let quoted = quote(text);
            let behind = format!("{quoted} behind");
            let wanted = Some((text.to_owned(), " behind"));
            assert_eq!(read_quoted(&behind), wanted, "{quoted}");
        }
        assert_eq!(quote("a\r\n\"b"), r#""a  \"b""#);
        for text in ["", "a", " \"a\"", "\"", "\"a", "\"a\\\""] {
            assert_eq!(read_quoted(text), None, "{text}");
        }
    }

    #[test]
    fn a_token_is_found_in_any_field_of_a_list() {
        let mut headers = HeaderMap::new();
        for value in ["keep-alive", "x ,\tUpgrade", "\u{e4}, y"] {
            headers.append(CONNECTION, HeaderValue::from_str(value).unwrap());
        }
        for token in ["Keep-Alive", "upgrade", "y", "X"] {
            assert!(has_token(&headers, &CONNECTION, token), "{token}");
        }
        assert!(!has_token(&headers, &CONNECTION, "keep"));
    }
}
