//! The result of `FindProxyForURL`, the function of a proxy auto-config file.

use crate::route::endpoint::RouteError;
use crate::route::hop::Hop;
use wirestack_layer::Escaped;

/// The routes, and the items that were passed over, each with the reason.
pub(crate) type Read = (Vec<Vec<Hop>>, Vec<String>);

/// Reads the result. Fails if all its items were passed over.
pub(crate) fn read(result: &str) -> Result<Read, RouteError> {
    let (mut routes, mut skipped) = (Vec::new(), Vec::new());
    for item in result.split(';').map(str::trim) {
        let (keyword, place) = item
            .split_once(|c: char| c.is_ascii_whitespace())
            .unwrap_or((item, ""));
        let scheme = match keyword.to_ascii_uppercase().as_str() {
            "" => continue,
            "DIRECT" => {
                routes.push(Vec::new());
                continue;
            }
            "PROXY" | "HTTP" => "http",
            "HTTPS" => "https",
            "SOCKS" | "SOCKS5" => "socks5h",
            "SOCKS4" => "socks4a",
            _ => {
                skipped.push(format!("{}: the keyword is not known", shown(keyword)));
                continue;
            }
        };
        match format!("{scheme}://{}", place.trim()).parse() {
            Ok(hop) => routes.push(vec![hop]),
            Err(error) => skipped.push(format!("{}: {error}", shown(keyword))),
        }
    }
    if routes.is_empty() && !skipped.is_empty() {
        return Err(RouteError::Pac);
    }
    if routes.is_empty() {
        routes.push(Vec::new());
    }
    Ok((routes, skipped))
}

/// Shortens a keyword for a note, and makes it safe to show.
fn shown(keyword: &str) -> String {
    Escaped::new(keyword).at_most(KEYWORD_SHOWN).to_string()
}

/// The number of characters of a keyword that a note shows.
const KEYWORD_SHOWN: usize = 16;
