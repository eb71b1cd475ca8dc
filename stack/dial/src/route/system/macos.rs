//! The settings of macOS: the dictionary that `scutil --proxy` writes.

use super::bypass::Bypass;
use super::kind::Kind;
use super::manual::{Manual, Setting};
use crate::route::endpoint::RouteError;
use std::collections::HashMap;

/// Reads the lines of the outermost dictionary, and those of the list of exceptions in it.
pub(super) fn read(text: &str) -> Kind {
    let (mut values, mut exceptions) = (HashMap::new(), Vec::new());
    let (mut depth, mut is_in_exceptions) = (0_usize, false);
    for line in text.lines().map(str::trim) {
        if line == "}" {
            depth = depth.saturating_sub(1);
            is_in_exceptions &= depth > 1;
            continue;
        }
        let pair = line.split_once(" : ");
        if let Some((key, value)) = pair.filter(|_| depth == 1) {
            values.insert(key.trim(), value.trim());
        }
        if let Some((_, value)) = pair.filter(|_| is_in_exceptions && depth == 2) {
            exceptions.push(value.trim());
        }
        if line.ends_with('{') {
            depth += 1;
            is_in_exceptions |= depth == 2 && line.starts_with("ExceptionsList ");
        }
    }
    let is_on = |key: &str| values.get(key) == Some(&"1");
    let text = |key: &str| values.get(key).copied().unwrap_or_default();
    let file = text("ProxyAutoConfigURLString");
    if is_on("ProxyAutoConfigEnable") && !file.is_empty() {
        return Kind::Pac(file.to_owned());
    }
    if is_on("ProxyAutoDiscoveryEnable") {
        return Kind::AutoDetect;
    }
    let proxy = |enable: &str, key: &'static str, port: &'static str, scheme: &str| {
        let host = Some(text(key)).filter(|_| is_on(enable))?;
        let port = match values.get(port).map(|port| port.parse()) {
            None => None,
            Some(Ok(port)) => Some(port),
            Some(Err(_)) => return Some(Err(setting(port).wrong(text(port), RouteError::Port))),
        };
        setting(key).proxy(scheme, host, port)
    };
    let simple = is_on("ExcludeSimpleHostnames");
    Kind::Manual(Box::new(Manual {
        http: proxy("HTTPEnable", "HTTPProxy", "HTTPPort", "http"),
        https: proxy("HTTPSEnable", "HTTPSProxy", "HTTPSPort", "http"),
        socks: proxy("SOCKSEnable", "SOCKSProxy", "SOCKSPort", "socks5h"),
        http_is_for_all: false,
        bypass: Bypass::macos(exceptions, simple),
    }))
}

fn setting(key: &'static str) -> Setting {
    let system = "macOS";
    Setting { system, key }
}
