//! The settings of GNOME: the schema `org.gnome.system.proxy`.

use super::bypass::Bypass;
use super::gvariant::Value;
use super::kind::Kind;
use super::manual::{Manual, Setting};
use crate::route::endpoint::RouteError;
use std::collections::HashMap;

/// Reads lines of schema, key and value.
pub(super) fn read(text: &str) -> Result<Kind, RouteError> {
    let mut values = Values(HashMap::new());
    for line in text.lines() {
        let mut parts = line.splitn(3, ' ');
        let (Some(schema), Some(key), Some(value)) = (parts.next(), parts.next(), parts.next())
        else {
            continue;
        };
        if let Some(setting) = SETTINGS.iter().find(|known| **known == [schema, key]) {
            values.0.insert(*setting, value);
        }
    }
    let mode = values.text(MODE)?;
    match &**mode {
        "none" | "" => Ok(Kind::Direct),
        "auto" => Ok(match &**values.text(PAC)? {
            "" => Kind::AutoDetect,
            url => Kind::Pac(url.to_owned()),
        }),
        "manual" => values.manual().map(|manual| Kind::Manual(Box::new(manual))),
        other => Err(setting(MODE).wrong(other, "none, manual or auto is wanted")),
    }
}

/// The values of a text, not read yet.
struct Values<'a>(HashMap<[&'static str; 2], &'a str>);

impl Values<'_> {
    fn manual(&self) -> Result<Manual, RouteError> {
        let proxy = |scheme: &str, host: [&'static str; 2], port: [&'static str; 2]| {
            let (name, number) = (self.text(host)?, self.number(port)?);
            let Ok(port_number) = u16::try_from(number) else {
                return Err(setting(port).wrong(&number.to_string(), RouteError::Port));
            };
            Ok(setting(host).proxy(scheme, &name, Some(port_number)))
        };
        let mut http = proxy("http", HTTP_HOST, HTTP_PORT)?;
        if self.boolean(HTTP_LOGIN)? {
            let (user, password) = (self.text(HTTP_USER)?, self.text(HTTP_PASSWORD)?);
            let login = (user.as_bytes(), password.as_bytes());
            http = http.map(|hop| hop.map(|hop| hop.credentials(login.0, login.1)));
        }
        let ignored = match self.value(IGNORE)? {
            None => Vec::new(),
            Some(Value::Texts(texts)) => texts,
            Some(_) => return Err(self.wrong(IGNORE)),
        };
        Ok(Manual {
            http,
            https: proxy("http", HTTPS_HOST, HTTPS_PORT)?,
            socks: proxy("socks5h", SOCKS_HOST, SOCKS_PORT)?,
            http_is_for_all: self.boolean(SAME)?,
            bypass: Bypass::gnome(ignored.iter().map(String::as_str)),
        })
    }

    fn value(&self, key: [&'static str; 2]) -> Result<Option<Value>, RouteError> {
        let Some(text) = self.0.get(&key) else {
            return Ok(None);
        };
        Value::parse(text).map(Some).ok_or_else(|| self.wrong(key))
    }

    fn text(&self, key: [&'static str; 2]) -> Result<zeroize::Zeroizing<String>, RouteError> {
        match self.value(key)? {
            None => Ok(zeroize::Zeroizing::default()),
            Some(Value::Text(text)) => Ok(text),
            Some(_) => Err(self.wrong(key)),
        }
    }

    fn number(&self, key: [&'static str; 2]) -> Result<i64, RouteError> {
        match self.value(key)? {
            None => Ok(0),
            Some(Value::Number(number)) => Ok(number),
            Some(_) => Err(self.wrong(key)),
        }
    }

    fn boolean(&self, key: [&'static str; 2]) -> Result<bool, RouteError> {
        match self.value(key)? {
            None => Ok(false),
            Some(Value::Boolean(value)) => Ok(value),
            Some(_) => Err(self.wrong(key)),
        }
    }

    /// Returns the error of a value of another type. It does not show the value: it may be the
    /// password.
    fn wrong(&self, key: [&'static str; 2]) -> RouteError {
        setting(key).wrong("***", "it is no value of this setting")
    }
}

fn setting([_, key]: [&'static str; 2]) -> Setting {
    Setting {
        system: "GNOME",
        key,
    }
}

const MODE: [&str; 2] = ["org.gnome.system.proxy", "mode"];
const PAC: [&str; 2] = ["org.gnome.system.proxy", "autoconfig-url"];
const IGNORE: [&str; 2] = ["org.gnome.system.proxy", "ignore-hosts"];
const SAME: [&str; 2] = ["org.gnome.system.proxy", "use-same-proxy"];
const HTTP_HOST: [&str; 2] = ["org.gnome.system.proxy.http", "host"];
const HTTP_PORT: [&str; 2] = ["org.gnome.system.proxy.http", "port"];
const HTTP_LOGIN: [&str; 2] = ["org.gnome.system.proxy.http", "use-authentication"];
const HTTP_USER: [&str; 2] = ["org.gnome.system.proxy.http", "authentication-user"];
const HTTP_PASSWORD: [&str; 2] = ["org.gnome.system.proxy.http", "authentication-password"];
const HTTPS_HOST: [&str; 2] = ["org.gnome.system.proxy.https", "host"];
const HTTPS_PORT: [&str; 2] = ["org.gnome.system.proxy.https", "port"];
const SOCKS_HOST: [&str; 2] = ["org.gnome.system.proxy.socks", "host"];
const SOCKS_PORT: [&str; 2] = ["org.gnome.system.proxy.socks", "port"];

const SETTINGS: [[&str; 2]; 13] = [
    MODE,
    PAC,
    IGNORE,
    SAME,
    HTTP_HOST,
    HTTP_PORT,
    HTTP_LOGIN,
    HTTP_USER,
    HTTP_PASSWORD,
    HTTPS_HOST,
    HTTPS_PORT,
    SOCKS_HOST,
    SOCKS_PORT,
];
