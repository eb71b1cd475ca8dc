//! The usual patterns of `shExpMatch`, without a regular expression.

/// Returns `true` if the text matches the pattern, in which `*` stands for any characters and `?` for
/// one. Returns `None` if only a regular expression can tell: browsers make one of each pattern, so
/// that `(a|b)` and `[ab]` have a meaning.
pub(crate) fn matches(text: &str, pattern: &str) -> Option<bool> {
    let is_plain =
        |byte: u8| (byte.is_ascii_graphic() || byte == b' ') && !b"\\^$+()[]{}|".contains(&byte);
    let text_is_plain = text
        .bytes()
        .all(|byte| byte.is_ascii_graphic() || byte == b' ');
    let is_simple = text_is_plain && pattern.bytes().all(is_plain);
    let is_small = text.len().saturating_mul(pattern.len()) <= MOST_STEPS;
    (is_simple && is_small).then(|| walk(text.as_bytes(), pattern.as_bytes()))
}

/// Goes back to the last star only, as each star before may stay as short as it is.
fn walk(text: &[u8], pattern: &[u8]) -> bool {
    let (mut at, mut wanted) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while at < text.len() {
        match pattern.get(wanted) {
            Some(b'*') => {
                star = Some((wanted, at));
                wanted += 1;
            }
            Some(b'?') => (at, wanted) = (at + 1, wanted + 1),
            Some(byte) if *byte == text[at] => (at, wanted) = (at + 1, wanted + 1),
            _ => match &mut star {
                Some((of, from)) => {
                    *from += 1;
                    (at, wanted) = (*from, *of + 1);
                }
                None => return false,
            },
        }
    }
    pattern[wanted..].iter().all(|byte| *byte == b'*')
}

/// The steps that one match may take at most.
const MOST_STEPS: usize = 1 << 24;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_match_of_more_than_so_many_steps_is_not_made() {
        let text = "a".repeat(8192);
        for (length, is_made) in [(2048, true), (2049, false)] {
            let pattern = format!("{}*", "a".repeat(length - 1));
            assert_eq!(
                matches(&text, &pattern),
                is_made.then_some(true),
                "{length}"
            );
        }
    }

    #[test]
    fn patterns_match_as_a_shell_has_them() {
        for (text, pattern, wanted) in [
            (
                "http://home.netscape.com/people/ari/index.html",
                "*/ari/*",
                true,
            ),
            (
                "http://home.netscape.com/people/montulli/index.html",
                "*/ari/*",
                false,
            ),
            ("www.example.com", "*.example.com", true),
            ("wwwxexample.com", "*.example.com", false),
            ("abc", "a?c", true),
            ("ac", "a?c", false),
            ("", "", true),
            ("", "*", true),
            ("", "?", false),
            ("aaa", "*a*a*a*", true),
            ("aa", "*a*a*a*", false),
            ("abcabd", "*ab?", true),
        ] {
            assert_eq!(matches(text, pattern), Some(wanted), "{text} {pattern}");
        }
        for (text, pattern) in [
            ("a", "(a|b)"),
            ("a", "[ab]"),
            ("ä", "?"),
            ("a", "ä"),
            ("a\nb", "*"),
        ] {
            assert_eq!(matches(text, pattern), None, "{text} {pattern}");
        }
    }
}
