//! The settings of KDE: the file `kioslaverc`.

use super::bypass::Bypass;
use super::kind::Kind;
use super::manual::{Manual, Setting};
use crate::route::endpoint::RouteError;
use crate::route::environment::Environment;
use std::collections::HashMap;
use std::ffi::OsString;

/// Reads files, those that count less first.
pub(super) fn read(
    files: &[&str],
    variable: &dyn Fn(&str) -> Option<OsString>,
) -> Result<Kind, RouteError> {
    let mut values = Values::default();
    for file in files {
        values.add(file);
    }
    let kind = values.plain(TYPE)?;
    match kind.trim() {
        "" | "0" => Ok(Kind::Direct),
        "1" => values.manual().map(|manual| Kind::Manual(Box::new(manual))),
        "2" => Ok(match values.plain(SCRIPT)?.trim() {
            "" => Kind::AutoDetect,
            path if path.starts_with('/') => Kind::Pac(format!("file://{path}")),
            url => Kind::Pac(url.to_owned()),
        }),
        "3" => Ok(Kind::AutoDetect),
        "4" => values.environment(variable).map(Kind::Environment),
        other => Err(setting(TYPE).wrong(other, "0 to 4 is wanted")),
    }
}

/// The values of the group for proxies.
#[derive(Default)]
struct Values(HashMap<&'static str, Entry>);

struct Entry {
    value: String,
    /// A shell would have to expand it.
    is_expanded: bool,
    /// No later file may change it.
    is_final: bool,
}

impl Values {
    fn add(&mut self, file: &str) {
        let (mut is_inside, mut group_is_final) = (false, false);
        let mut added = HashMap::new();
        for line in file.lines().map(str::trim) {
            if line.starts_with('#') {
                continue;
            }
            if let Some(group) = line.strip_prefix('[') {
                is_inside = group.starts_with(GROUP);
                group_is_final = is_inside && group.contains("[$i");
                continue;
            }
            let Some((name, value)) = line.split_once('=').filter(|_| is_inside) else {
                continue;
            };
            // A key may have marks: `[$e]`, `[$i]`, or a language.
            let (name, marks) = name.split_once('[').unwrap_or((name, ""));
            let Some(key) = KEYS.iter().find(|key| **key == name.trim()) else {
                continue;
            };
            let has = |mark| marks.starts_with('$') && marks.contains(mark);
            let entry = Entry {
                value: value.trim().replace("\\s", " ").replace("\\\\", "\\"),
                is_expanded: has('e') && value.contains('$'),
                is_final: has('i') || group_is_final,
            };
            added.insert(*key, entry);
        }
        for (key, entry) in added {
            if self.0.get(key).is_none_or(|before| !before.is_final) {
                self.0.insert(key, entry);
            }
        }
    }

    /// Returns a value that needs no shell; an empty one if it is not set.
    fn plain(&self, key: &'static str) -> Result<&str, RouteError> {
        match self.0.get(key) {
            None => Ok(""),
            Some(entry) if entry.is_expanded => {
                let why = "a shell would have to expand it, wanted a plain value";
                Err(setting(key).wrong(&entry.value, why))
            }
            Some(entry) => Ok(&entry.value),
        }
    }

    fn manual(&self) -> Result<Manual, RouteError> {
        let proxy = |scheme: &str, key: &'static str| {
            // "http://proxy.test 3128" is what KDE writes, with a blank.
            let value = self.plain(key)?.trim();
            let text = match value.rsplit_once(' ') {
                Some((host, port)) => format!("{}:{port}", host.trim_end_matches(['/', ' '])),
                None => value.to_owned(),
            };
            Ok::<_, RouteError>(setting(key).proxy_text(scheme, &text))
        };
        let mut bypass = Bypass::kde(self.plain(EXCEPT)?);
        bypass.is_reversed = self.plain(REVERSED)?.eq_ignore_ascii_case("true");
        Ok(Manual {
            http: proxy("http", HTTP)?,
            https: proxy("http", HTTPS)?,
            socks: proxy("socks5h", SOCKS)?,
            http_is_for_all: false,
            bypass,
        })
    }

    /// Returns the environment: the settings have the names of its variables.
    fn environment(
        &self,
        variable: &dyn Fn(&str) -> Option<OsString>,
    ) -> Result<Environment, RouteError> {
        let mut read = Vec::new();
        for (key, as_name) in [
            (HTTP, "http_proxy"),
            (HTTPS, "https_proxy"),
            (SOCKS, "all_proxy"),
            (EXCEPT, "no_proxy"),
        ] {
            let names = self.plain(key)?.split([',', ' ']);
            let mut names = names.filter(|name| !name.is_empty());
            if let Some(value) = names.find_map(variable) {
                let mut whole = OsString::new();
                if key == SOCKS && !value.to_string_lossy().contains("://") {
                    whole.push("socks5h://");
                }
                whole.push(value);
                read.push((as_name, whole));
            }
        }
        Ok(Environment::new(read))
    }
}

fn setting(key: &'static str) -> Setting {
    Setting { system: "KDE", key }
}

const GROUP: &str = "Proxy Settings]";
const TYPE: &str = "ProxyType";
const SCRIPT: &str = "Proxy Config Script";
const HTTP: &str = "httpProxy";
const HTTPS: &str = "httpsProxy";
const SOCKS: &str = "socksProxy";
const EXCEPT: &str = "NoProxyFor";
const REVERSED: &str = "ReversedException";

const KEYS: [&str; 7] = [TYPE, SCRIPT, HTTP, HTTPS, SOCKS, EXCEPT, REVERSED];
