//! Files that a person has written, and the fields of requests in them.

use crate::exit::Failure;
use http::{HeaderName, HeaderValue};
use std::io;
use std::path::Path;

/// Reads a text, without the byte order mark that some editors and shells write before it.
pub(crate) fn read_text(path: &Path) -> io::Result<String> {
    let mut text = std::fs::read_to_string(path)?;
    if text.starts_with(BOM) {
        text.drain(..BOM.len_utf8());
    }
    Ok(text)
}

/// The byte order mark, which says nothing about UTF-8.
pub(crate) const BOM: char = '\u{feff}';

/// Reads the fields of an option: `Name: value`, or `@FILE` with one on each line.
pub(crate) fn fields(text: &str) -> Result<Vec<(HeaderName, HeaderValue)>, Failure> {
    let Some(file) = text.strip_prefix('@') else {
        let field = field(text)
            .ok_or_else(|| Failure::usage("-H takes a field, written \"Name: value\""))?;
        return Ok(vec![field]);
    };
    let lines = read_text(Path::new(file));
    let lines = lines.map_err(|error| Failure::usage(format!("{file}: {error}")))?;
    let mut fields = Vec::new();
    for (n, line) in lines.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        fields.push(field(line).ok_or_else(|| {
            let line = n + 1;
            let why = "a field is written \"Name: value\"";
            Failure::usage(format!("{file}, line {line}: {why}"))
        })?);
    }
    Ok(fields)
}

fn field(text: &str) -> Option<(HeaderName, HeaderValue)> {
    let (name, value) = text.split_once(':')?;
    let name: HeaderName = name.trim().parse().ok()?;
    let mut value = HeaderValue::from_str(value.trim()).ok()?;
    value.set_sensitive(true); // a token, perhaps
    Some((name, value))
}
