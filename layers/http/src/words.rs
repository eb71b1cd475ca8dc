//! The words of a response that a user reads: its fields, its URL and its body, each as a text.

use crate::challenge::Challenge;
use http::header::{CONTENT_ENCODING, HeaderMap, HeaderName};
use wirestack_layer::{Escaped, decode_text};

/// Shows a field as `Name: value`, if it is there and not marked as sensitive.
pub(crate) fn field(headers: &HeaderMap, name: &HeaderName, shown: &str) -> Option<String> {
    let value = headers.get(name).filter(|value| !value.is_sensitive())?;
    let value = decode_text(value.as_bytes());
    Some(format!("{shown}: {}", Escaped::excerpt(value)))
}

/// Shows the schemes of challenges as a list, in the order in which they came; `None` if there are
/// none.
///
/// ```
/// use wirestack_http::{Challenge, scheme_list};
///
/// let offered = ["Negotiate", "NTLM", "Basic realm=x"].map(Challenge::new);
/// assert!(scheme_list(&offered).unwrap().contains("NTLM"));
/// ```
pub fn scheme_list(challenges: &[Challenge]) -> Option<String> {
    let shown = challenges.iter().take(SCHEMES_SHOWN);
    let shown = shown.map(|challenge| Escaped::new(challenge.scheme()).at_most(32).to_string());
    let mut schemes: Vec<String> = Vec::new();
    for scheme in shown {
        if !schemes.contains(&scheme) {
            schemes.push(scheme);
        }
    }
    (!schemes.is_empty()).then(|| schemes.join(", "))
}

/// Shows a URL of a peer without user, password, query and fragment, which may be secrets. It may
/// be relative, and it may be wrong.
///
/// ```
/// let url = "https://me:secret@login.test/start?token=1#top";
/// assert_eq!(wirestack_http::shown_url(url), "https://login.test/start");
/// ```
pub fn shown_url(url: &str) -> String {
    let end = url.find(['?', '#']).unwrap_or(url.len());
    let url = url.get(..end).unwrap_or_default();
    // Readers of URLs take any number of slashes, and backslashes too, for the two of RFC 3986.
    let is_slash = |c: char| matches!(c, '/' | '\\');
    let scheme = url.find(':').filter(|at| !url[..*at].contains(is_slash));
    let scheme = scheme.map_or(0, |at| at + 1);
    let (scheme, rest) = url.split_at(scheme);
    // They leave tabs and line breaks out.
    let bare = rest.trim_start_matches(|c| is_slash(c) || matches!(c, '\t' | '\r' | '\n'));
    let slashes = &rest[..rest.len() - bare.len()];
    let authority = bare.find(is_slash).unwrap_or(bare.len());
    let (authority, path) = bare.split_at(authority);
    let host = match authority.rsplit_once('@') {
        Some((_, host)) => host,
        None => authority,
    };
    Escaped::excerpt(format!("{scheme}{slashes}{host}{path}")).to_string()
}

/// Returns the first line of a body as plain text, or the title of one in HTML. Returns `None` if
/// the body has no text, or is encoded.
pub(crate) fn first_words(headers: &HeaderMap, body: &[u8]) -> Option<String> {
    let is_plain = |value: &[u8]| value.eq_ignore_ascii_case(b"identity");
    let encoding = headers.get(CONTENT_ENCODING).map(|value| value.as_bytes());
    if encoding.is_some_and(|encoding| !is_plain(encoding)) || body.contains(&0) {
        return None;
    }
    let body = decode_text(whole_characters(body));
    let body = body.trim_start_matches(['\u{feff}', '\u{ef}', '\u{bb}', '\u{bf}']);
    let text = if body.trim_start().starts_with('<') {
        title(body).unwrap_or_else(|| without_tags(body))
    } else {
        body.to_owned()
    };
    let lines = text.lines().map(str::trim);
    let line = lines.into_iter().find(|line| !line.is_empty())?;
    Some(line.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Leaves out the last character if the excerpt has cut it.
fn whole_characters(body: &[u8]) -> &[u8] {
    match str::from_utf8(body) {
        Err(error) if error.error_len().is_none() => body.get(..error.valid_up_to()),
        _ => Some(body),
    }
    .unwrap_or_default()
}

fn title(html: &str) -> Option<String> {
    let small = html.to_ascii_lowercase();
    let start = small.find("<title")?;
    let start = start + small.get(start..)?.find('>')? + 1;
    let end = small
        .get(start..)?
        .find('<')
        .map_or(html.len(), |n| start + n);
    let title = entities(html.get(start..end)?.trim());
    // One line, however it is broken.
    let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
    (!title.is_empty()).then_some(title)
}

fn without_tags(html: &str) -> String {
    let small = html.to_ascii_lowercase();
    let mut text = String::new();
    let mut at = 0;
    while let Some(rest) = html.get(at..) {
        let Some(tag) = rest.find('<') else {
            text.push_str(rest);
            break;
        };
        text.push_str(rest.get(..tag).unwrap_or_default());
        text.push('\n');
        let small = small.get(at + tag..).unwrap_or_default();
        let hidden = ["script", "style", "!--"];
        let hidden = hidden
            .iter()
            .find(|name| small.get(1..).is_some_and(|it| it.starts_with(**name)));
        let end = match hidden {
            Some(&"!--") => small.find("-->").map(|n| n + 3),
            Some(name) => small.find(&format!("</{name}")),
            None => small.find('>').map(|n| n + 1),
        };
        match end {
            Some(end) => at += tag + end.max(1),
            None => break,
        }
    }
    entities(&text)
}

fn entities(text: &str) -> String {
    let mut text = text.to_owned();
    for (entity, c) in [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&nbsp;", " "),
        ("&amp;", "&"),
    ] {
        text = text.replace(entity, c);
    }
    text
}

/// The number of schemes that are shown.
const SCHEMES_SHOWN: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn a_url_shows_no_user_no_password_and_no_query() {
        for (url, shown) in [
            (
                "https://login.test/start?token=1",
                "https://login.test/start",
            ),
            ("https://me:secret@login.test", "https://login.test"),
            ("https://me:se@cret@login.test/@x", "https://login.test/@x"),
            ("https:me:secret@login.test/", "https:login.test/"),
            ("https:/\\me:secret@login.test/", "https:/\\login.test/"),
            ("https:\t//me:secret@login.test/", r"https:\t//login.test/"),
            ("https:/\t/me:secret@login.test/", r"https:/\t/login.test/"),
            ("//me:secret@login.test/#secret", "//login.test/"),
            ("me:secret@login.test", "me:login.test"),
            ("/relative/@me", "/relative/@me"),
            ("a\u{202e}b\r\n", r"a\u{202e}b\r\n"),
            ("", ""),
        ] {
            assert_eq!(shown_url(url), shown, "{url}");
        }
    }

    #[test]
    fn the_first_words_of_a_body_are_found_in_any_form() {
        let words = |body: &[u8]| first_words(&HeaderMap::new(), body);
        for (body, wanted) in [
            ("", None),
            (" \r\n\t", None),
            ("Access denied\r\nAsk Joe", Some("Access denied")),
            ("\u{feff}\n  no   way  \n", Some("no way")),
            ("{\"error\":\"no\"}", Some("{\"error\":\"no\"}")),
            ("<TITLE>\n A &amp; B\n</TITLE>", Some("A & B")),
            ("<title>cut", Some("cut")),
            ("<b>Site</b><title>Blocked</title>", Some("Blocked")),
            ("<title> </title><p>Blocked</p>", Some("Blocked")),
            ("<p></p>\n<script>a</script>Blocked", Some("Blocked")),
            (
                "<html><style>p{}</style><!-- c --><p>Blocked</p>",
                Some("Blocked"),
            ),
            ("<html><script>1<2</script><h1>Hi</h1>", Some("Hi")),
            ("<p", None),
            ("<title", None),
        ] {
            assert_eq!(words(body.as_bytes()).as_deref(), wanted, "{body}");
        }
        assert_eq!(words(b"gesch\xfctzt\n").as_deref(), Some("geschützt"));
        let cut = "grüß".as_bytes();
        assert_eq!(words(&cut[..cut.len() - 1]).as_deref(), Some("grü"));
        assert_eq!(words(b"\x1f\x8b\0"), None);
        let mut gzip = HeaderMap::new();
        gzip.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        assert_eq!(first_words(&gzip, b"x"), None);
    }
}
