//! The proxies of a stack that is written as text.

use super::error::{Fault, SpecProblem};
use super::item::{Item, PASSWORD, PASSWORD_ENV, PASSWORD_FILE, Takes, Value};
use crate::route::endpoint::RouteError;
use crate::route::hop::Hop;
use crate::route::scheme::{Proxy, Speaks};
use http::{HeaderName, HeaderValue};
use zeroize::Zeroizing;

/// Returns `true` if the layer is a proxy.
pub(super) fn is_hop(item: &Item) -> bool {
    scheme(&item.name).is_some()
}

/// Reads a proxy. Without `secrets`, a password whose place is named may be missing.
pub(super) fn read(item: &Item, secrets: bool) -> Result<Hop, Fault> {
    let at_name = |problem| Fault::new(&item.place, problem);
    let (scheme, proxy) = scheme(&item.name).ok_or_else(|| at_name(SpecProblem::UnknownLayer))?;
    let speaks_http = proxy.speaks() != Speaks::Socks;
    item.check(if speaks_http { &HTTP } else { &SOCKS })?;
    let words = if speaks_http { HTTP.words } else { SOCKS.words };

    let unix = item.get("unix");
    let missing = || {
        at_name(SpecProblem::NoHost(
            "the host, as in connect(proxy.test:3128)",
        ))
    };
    let (host, place) = match (item.place_value(words), unix) {
        (Some(value), _) => (value.text.as_str(), &value.place),
        (None, Some(unix)) => ("localhost", &unix.place),
        (None, None) => return Err(missing()),
    };
    if host.contains(['/', '?', '#', '@']) {
        let error = "a host and a port are wanted here: the user and the password stand in user= and password=";
        return Err(Fault::new(place, SpecProblem::Wanted(error)));
    }
    let url = format!("{}://{host}", with_words(scheme, item));
    let route = |error| Fault::new(place, SpecProblem::Route(error));
    let mut hop: Hop = url.parse().map_err(route)?;
    if let Some(value) = unix {
        hop = hop.unix_socket(value.text.as_str());
    }
    hop = logged_in(hop, item, secrets)?;
    for (word, change) in CHANGES {
        if item.has(word) {
            hop = change(hop);
        }
    }
    if let Some(name) = item.get("sni") {
        hop = hop.server_name(name.text.as_str());
    }
    for file in item.all("ca") {
        hop = hop.ca_file(file.text.as_str());
    }
    if let Some((chain, key)) = pair(item)? {
        hop = hop.client_certificate(chain, key);
    }
    for value in item.all("header") {
        let (name, field) = header(value)?;
        let added = hop.header(name, field);
        hop = added.map_err(|error| Fault::new(&value.place, SpecProblem::Route(error)))?;
    }
    Ok(hop)
}

/// Checks that no proxy but the nearest one is at a Unix socket.
pub(super) fn only_first_at_unix_socket(items: &[Item]) -> Result<(), Fault> {
    let far = items.iter().skip(1).find_map(|item| item.get("unix"));
    far.map_or(Ok(()), |value| {
        Err(Fault::new(&value.place, SpecProblem::FarUnixSocket))
    })
}

/// Reads a field: `Name: value`.
pub(super) fn header(value: &Value) -> Result<(HeaderName, HeaderValue), Fault> {
    let read = || {
        let (name, text) = value.text.split_once(':')?;
        let name: HeaderName = name.trim().parse().ok()?;
        Some((name, HeaderValue::from_str(text.trim()).ok()?))
    };
    read().ok_or_else(|| Fault::new(&value.place, SpecProblem::Field))
}

/// Returns the files of a certificate and of its key.
pub(super) fn pair(item: &Item) -> Result<Option<(&str, &str)>, Fault> {
    match (item.get("cert"), item.get("key")) {
        (Some(chain), Some(key)) => Ok(Some((&chain.text, &key.text))),
        (None, None) => Ok(None),
        (Some(alone), None) | (None, Some(alone)) => {
            Err(Fault::new(&alone.place, SpecProblem::Pair))
        }
    }
}

fn logged_in(hop: Hop, item: &Item, secrets: bool) -> Result<Hop, Fault> {
    let given = [PASSWORD, PASSWORD_FILE, PASSWORD_ENV];
    let mut given = given.iter().filter_map(|key| item.get(key));
    let (password, second) = (given.next(), given.next());
    if let Some(second) = second {
        return Err(Fault::new(&second.place, SpecProblem::PasswordTwice));
    }
    let Some(user) = item.get("user") else {
        return match password {
            Some(value) => Err(Fault::new(&value.place, SpecProblem::NoUser)),
            None => Ok(hop),
        };
    };
    let literal = item.get(PASSWORD).map(|value| &value.text);
    let secret = match (literal, &item.secret) {
        (Some(text), _) => Zeroizing::new(text.as_bytes().to_vec()),
        (None, Some(secret)) => secret.clone(),
        (None, None) => {
            if let (Some(value), true) = (password, secrets) {
                return Err(Fault::new(&value.place, SpecProblem::SecretNotRead));
            }
            Zeroizing::new(Vec::new())
        }
    };
    if hop.proxy.is_socks4() && !secret.is_empty() {
        let place = password.map_or(&item.place, |value| &value.place);
        let error = RouteError::Socks4Password;
        return Err(Fault::new(place, SpecProblem::Route(error)));
    }
    Ok(hop.credentials(user.text.as_bytes(), secret.to_vec()))
}

/// Returns the scheme of a name, and its proxy.
fn scheme(name: &str) -> Option<(&str, Proxy)> {
    let scheme = if name == "connect" { "http" } else { name };
    Some((scheme, Proxy::of_scheme(scheme).ok()?))
}

/// Returns the scheme that a name and its words `tls` and `http2` mean together.
fn with_words(scheme: &str, item: &Item) -> String {
    match (scheme, item.has("tls"), item.has("http2")) {
        ("http", false, true) => "h2c".to_owned(),
        ("http" | "https" | "h2c", true, true) | ("https", _, true) | ("h2c", true, _) => {
            "h2".to_owned()
        }
        ("http", true, false) => "https".to_owned(),
        (scheme, true, _) if scheme.starts_with("socks") && !scheme.ends_with("+tls") => {
            format!("{scheme}+tls")
        }
        _ => scheme.to_owned(),
    }
}

type Change = fn(Hop) -> Hop;

const CHANGES: &[(&str, Change)] = &[
    ("on-challenge", Hop::on_challenge),
    ("ntlm", Hop::without_basic),
    ("digest", Hop::without_basic),
    ("ask", Hop::asking),
    ("ticket", Hop::default_credentials),
    ("lenient", Hop::lenient),
];

const SOCKS: Takes = Takes {
    layer: "a SOCKS proxy",
    shown: "host:port, user=, password=, password-file=, password-env=, tls, sni=, ca=, cert=, key= and unix=",
    words: &["tls"],
    keys: &[
        "user",
        PASSWORD,
        PASSWORD_FILE,
        PASSWORD_ENV,
        "sni",
        "cert",
        "key",
        "unix",
    ],
    many: &["ca"],
};

const HTTP: Takes = Takes {
    layer: "an HTTP proxy",
    shown: "host:port, user=, password=, password-file=, password-env=, on-challenge, ntlm, digest, ticket, ask, \
            tls, http2, sni=, ca=, cert=, key=, header=, lenient and unix=",
    words: &[
        "tls",
        "http2",
        "on-challenge",
        "ntlm",
        "digest",
        "ask",
        "ticket",
        "lenient",
    ],
    keys: SOCKS.keys,
    many: &["ca", "header"],
};
