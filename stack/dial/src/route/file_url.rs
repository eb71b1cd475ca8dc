//! Files of this machine as URLs (RFC 8089).

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use std::path::{Path, PathBuf};

/// Returns the URL of a file of this machine; `None` if the path is not absolute, or not Unicode.
///
/// ```
/// # #[cfg(unix)] {
/// use std::path::Path;
/// use wirestack_dial::find::{file_path, file_url};
///
/// let url = file_url(Path::new("/etc/my proxy.pac")).expect("an absolute path");
/// assert_eq!(url, "file:///etc/my%20proxy.pac");
/// assert_eq!(file_path(&url).as_deref(), Some(Path::new("/etc/my proxy.pac")));
/// # }
/// ```
pub fn file_url(path: &Path) -> Option<String> {
    let text = path.is_absolute().then(|| path.to_str())??;
    let text = text.replace(std::path::MAIN_SEPARATOR, "/");
    let drive = if text.starts_with('/') { "" } else { "/" };
    Some(format!(
        "file://{drive}{}",
        utf8_percent_encode(&text, KEPT)
    ))
}

/// Returns the path that a `file:` URL names; `None` if it is no such URL, if it names another machine,
/// or if the path is none of this machine.
///
/// ```
/// # #[cfg(unix)] {
/// use std::path::Path;
/// use wirestack_dial::find::file_path;
///
/// assert_eq!(file_path("file:///etc/proxy.pac").as_deref(), Some(Path::new("/etc/proxy.pac")));
/// assert_eq!(file_path("file://other.test/proxy.pac"), None); // another machine
/// # }
/// ```
pub fn file_path(url: &str) -> Option<PathBuf> {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let (scheme, behind) = url.split_once(':')?;
    if !scheme.eq_ignore_ascii_case("file") {
        return None;
    }
    let path = match behind.strip_prefix("//") {
        None => behind,
        Some(behind) => {
            let (host, _) = behind.split_once('/')?;
            let is_here = host.is_empty() || host.eq_ignore_ascii_case("localhost");
            is_here.then(|| &behind[host.len()..])?
        }
    };
    let path = percent_decode_str(path).decode_utf8().ok()?;
    let path = if cfg!(windows) {
        PathBuf::from(path.trim_start_matches('/'))
    } else {
        PathBuf::from(&*path)
    };
    let is_path = path.is_absolute() && !path.as_os_str().as_encoded_bytes().contains(&0);
    is_path.then_some(path)
}

/// All but the characters that a path may have (RFC 3986 §3.3).
const KEPT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b':');

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_file_url_names_a_path_of_this_machine() {
        for (url, path) in [
            ("file:///a/b", Some("/a/b")),
            ("FILE:/a", Some("/a")),
            ("file://localhost/a", Some("/a")),
            ("file:///a%20b%23?x#y", Some("/a b#")),
            ("file:///", Some("/")),
            ("file://other/a", None),
            ("file:a", None),
            ("file://", None),
            ("file:///a%00b", None),
            ("file:///%ff", None),
            ("http://h/a", None),
            ("/a", None),
        ] {
            assert_eq!(file_path(url).as_deref(), path.map(Path::new), "{url}");
        }
        for path in ["/a b?c#d%e", "/", "/\u{fc}"] {
            let url = file_url(Path::new(path)).unwrap();
            assert_eq!(file_path(&url).as_deref(), Some(Path::new(path)), "{url}");
        }
        assert_eq!(file_url(Path::new("a")), None);
    }
}
