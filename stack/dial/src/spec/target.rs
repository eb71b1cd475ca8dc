//! The target of a stack that is written as text.

use super::error::{Fault, SpecProblem};
use super::hop::{header, pair};
use super::item::{Item, Takes, Value};
use crate::route::endpoint::RouteError;
use crate::route::http_versions::HttpVersions;
use crate::route::target::Target;
use http::{HeaderName, HeaderValue};
use wirestack_tls::Certificates;

/// The target, and the layers to it.
#[derive(Clone)]
pub(super) struct TargetPart {
    scheme: &'static str,
    /// The host and the port, as they were written.
    pub(super) host: Option<String>,
    /// The path of a WebSocket.
    pub(super) path: Option<String>,
    pub(super) is_secure: bool,
    pub(super) server_name: Option<String>,
    pub(super) certificates: Certificates,
    pub(super) subprotocols: Vec<String>,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) versions: HttpVersions,
}

impl TargetPart {
    /// Returns the URL, if the host is known.
    pub(super) fn url(&self) -> Option<String> {
        let target: Target = self.written_url()?.parse().ok()?;
        Some(target.request_url())
    }

    fn written_url(&self) -> Option<String> {
        let path = self.path.as_deref().unwrap_or_default();
        Some(format!("{}://{}{path}", self.scheme, self.host.as_ref()?))
    }
}

/// Reads the layers behind the proxies; `None` if there are none.
pub(super) fn read(items: &[Item]) -> Result<Option<TargetPart>, Fault> {
    let known = |item: &Item| matches!(item.name.as_str(), "tls" | "websocket" | "tcp");
    let order = |item: &Item| {
        let is_known = known(item) || super::hop::is_hop(item);
        let problem = if is_known {
            SpecProblem::Order
        } else {
            SpecProblem::UnknownLayer
        };
        Err(Fault::new(&item.place, problem))
    };
    let (secure, last) = match items {
        [] => return Ok(None),
        [tls] if tls.name == "tls" => (Some(tls), None),
        [tls, last] if tls.name == "tls" && last.name == "websocket" => (Some(tls), Some(last)),
        [last] if known(last) => (None, Some(last)),
        [first, ..] if !known(first) => return order(first),
        [tls, last, third, ..] if tls.name == "tls" && last.name == "websocket" => {
            return order(third);
        }
        [wrong] | [_, wrong, ..] => return order(wrong),
    };
    let mut part = TargetPart {
        scheme: match (secure.is_some(), last) {
            (false, Some(item)) if item.name == "tcp" => "tcp",
            (true, None) => "tls",
            (true, _) => "wss",
            (false, _) => "ws",
        },
        host: None,
        path: None,
        is_secure: secure.is_some(),
        server_name: None,
        certificates: Certificates::new(),
        subprotocols: Vec::new(),
        headers: Vec::new(),
        versions: HttpVersions::Any,
    };
    let mut host_place = None;
    if let Some(item) = secure {
        read_tls(item, &mut part)?;
        host_place = item.place_value(&[]);
    }
    if let Some(item) = last {
        let value = read_last(item, &mut part)?;
        host_place = value.or(host_place);
    }
    if let (Some(url), Some(value)) = (part.written_url(), host_place) {
        let checked = url.parse::<Target>();
        checked.map_err(|error| Fault::new(&value.place, SpecProblem::Route(error)))?;
    }
    Ok(Some(part))
}

fn read_tls(item: &Item, part: &mut TargetPart) -> Result<(), Fault> {
    item.check(&TLS)?;
    part.host = host(item.place_value(&[]))?;
    part.server_name = item.get("sni").map(|value| value.text.to_string());
    for file in item.all("ca") {
        part.certificates = part.certificates.clone().ca_file(file.text.as_str());
    }
    if let Some((chain, key)) = pair(item)? {
        part.certificates = part.certificates.clone().client_certificate(chain, key);
    }
    Ok(())
}

/// Reads the last layer. Returns the value that names the host.
fn read_last<'a>(item: &'a Item, part: &mut TargetPart) -> Result<Option<&'a Value>, Fault> {
    if item.name == "tcp" {
        item.check(&TCP)?;
        let value = item.place_value(&[]);
        part.host = host(value)?;
        let missing = SpecProblem::NoHost("them, as in tcp(example.org:22)");
        return match value {
            Some(value) => Ok(Some(value)),
            None => Err(Fault::new(&item.place, missing)),
        };
    }
    item.check(&WEBSOCKET)?;
    part.versions = match (item.has("http1"), item.has("http2")) {
        (true, false) => HttpVersions::Http1,
        (false, true) => HttpVersions::Http2,
        _ => HttpVersions::Any,
    };
    let protocols = item.all("subprotocol").map(|value| value.text.to_string());
    part.subprotocols = protocols.collect();
    part.headers = item.all("header").map(header).collect::<Result<_, _>>()?;
    let Some(value) = item.place_value(WEBSOCKET.words) else {
        part.path = Some("/".to_owned());
        return Ok(None);
    };
    let at = value.text.find(['/', '?']).unwrap_or(value.text.len());
    let (name, path) = value.text.split_at(at);
    part.path = Some(if path.starts_with('/') {
        path.to_owned()
    } else {
        format!("/{path}")
    });
    if name.is_empty() {
        return Ok(None);
    }
    if name.contains('@') {
        return Err(login(value));
    }
    part.host = Some(name.to_owned());
    Ok(Some(value))
}

/// Returns the host and the port of a value.
fn host(value: Option<&Value>) -> Result<Option<String>, Fault> {
    let Some(value) = value else { return Ok(None) };
    if value.text.contains('@') {
        return Err(login(value));
    }
    if value.text.contains(['/', '?', '#']) {
        return Err(Fault::new(
            &value.place,
            SpecProblem::Route(RouteError::StreamPath),
        ));
    }
    Ok(Some(value.text.to_string()))
}

fn login(value: &Value) -> Fault {
    let wanted = "a host without a user and a password";
    Fault::new(&value.place, SpecProblem::Wanted(wanted))
}

const TLS: Takes = Takes {
    layer: "tls",
    shown: "host:port, sni=, ca=, cert= and key=",
    words: &[],
    keys: &["sni", "cert", "key"],
    many: &["ca"],
};

const TCP: Takes = Takes {
    layer: "tcp",
    shown: "host:port",
    words: &[],
    keys: &[],
    many: &[],
};

const WEBSOCKET: Takes = Takes {
    layer: "websocket",
    shown: "host:port/path or /path, subprotocol=, header=, http1 and http2",
    words: &["http1", "http2"],
    keys: &[],
    many: &["subprotocol", "header"],
};
