//! Heads of HTTP/1.1: requests and responses, beside a reader that knows nothing but lines.

use super::{PASSWORD, shown};
use http::{HeaderMap, Request, Version};
use wirestack_http1::{Http1Error, connect, upgrade};
use wirestack_layer::{End, Error, Flow, Instant, Layer, Pipe};
use wirestack_nest::Engine;

pub(crate) const HEADS: &[&str] = &[
    "CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\nX: \ta b \r\n\r\nrest",
    "CONNECT [::1]:1 HTTP/1.0\nhost:[::1]:1\n\n",
    "GET /chat?a=b HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, Upgrade\r\nUpgrade: toy\r\n\r\n",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nVia: 1.1 proxy\r\n\r\nrest",
    "HTTP/1.0 407 \u{e9}\r\nProxy-Authenticate: Basic realm=\"a\"\r\nContent-Length: 3\r\n\r\nnot",
    "HTTP/1.1 302 Found\r\nLocation: /\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n",
];

/// A request to both servers, and a response to both clients. What one of them takes stands in the
/// text as it says, wherever the text is cut.
pub(crate) fn heads(text: &str) {
    if text.contains(PASSWORD) {
        return; // what a peer says is shown
    }
    let connects = read(connect::Server::new, text, |server| {
        server.request().cloned()
    });
    if let Some(request) = connects {
        let head = Plain::read(text).expect("a head").0;
        let (method, rest) = head.start.split_once(' ').expect("a method");
        let (target, version) = rest.trim().split_once(' ').expect("a target");
        assert_eq!(method, "CONNECT");
        assert!(
            ["HTTP/1.1", "HTTP/1.0"].contains(&version.trim()),
            "{version}"
        );
        let (host, port) = target.rsplit_once(':').expect("a port");
        assert_eq!(port.parse(), Ok(request.port));
        let plain = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        assert_eq!(plain.unwrap_or(host), request.host);
        head.has(&request.headers);
        announces_no_content(&request.headers);
        assert!(head.count("host") <= 1);
        shown(&request.host);
    }
    let upgrades = read(upgrade::Server::new, text, |server| {
        server.request().cloned()
    });
    if let Some(request) = upgrades {
        let head = Plain::read(text).expect("a head").0;
        let start = head.start.split(' ').collect::<Vec<_>>();
        assert_eq!(start[0], request.method().as_str());
        assert_eq!(start[start.len() - 1], format!("{:?}", request.version()));
        assert!(head.count("host") <= 1);
        assert!(head.count("host") == 1 || request.version() == Version::HTTP_10);
        head.has(request.headers());
    }
    let client = || connect::Client::new("example.org", 443).expect("a target");
    let tunnel = read(client, text, |client| {
        client
            .response()
            .map(|response| (response.status(), response.headers().clone()))
    });
    if let Some((status, headers)) = tunnel {
        let (head, behind) = Plain::read_last(text).expect("a head");
        assert!(status.is_success());
        assert_eq!(head.status(), status.as_u16());
        head.has(&headers);
        let mut engine = started(client());
        hear(&mut engine, text, text.len());
        assert_eq!(engine.to_app().unread(), behind.as_bytes());
    } else if let Some(Err(error)) = outcome(client, text)
        && let Some(Http1Error::Refused(refusal)) = error.cause()
    {
        let head = Plain::read_last(text).expect("a head").0;
        assert_eq!(head.status(), refusal.status.as_u16());
        assert!(!refusal.status.is_success());
        head.has(&refusal.headers);
    }
    let request = || {
        Request::get("http://example.org/chat")
            .body(())
            .expect("a request")
    };
    let asking = || upgrade::Client::new("toy", request()).expect("a request");
    let switched = read(asking, text, |client| {
        client.response().map(http::Response::status)
    });
    if let Some(status) = switched {
        assert_eq!(status.as_u16(), 101);
        let head = Plain::read_last(text).expect("a head").0;
        assert!(head.count("upgrade") > 0 && head.count("connection") > 0);
    }
}

/// Lets a new layer hear the text whole, cut in two, and byte by byte. Returns what it has read.
fn read<L, T>(layer: impl Fn() -> L, text: &str, found: impl Fn(&L) -> Option<T>) -> Option<T>
where
    L: Layer<In = Pipe, Out = Pipe>,
{
    let of = |most: usize| {
        let mut engine = started(layer());
        hear(&mut engine, text, most);
        found(engine.layer())
    };
    let whole = of(text.len());
    for most in [text.len() / 2 + 1, 1] {
        assert_eq!(of(most).is_some(), whole.is_some(), "in pieces of {most}");
    }
    whole
}

/// Returns how a layer has ended, if it did.
fn outcome<L>(layer: impl Fn() -> L, text: &str) -> Option<Result<(), Error>>
where
    L: Layer<In = Pipe, Out = Pipe>,
{
    let mut engine = started(layer());
    hear(&mut engine, text, text.len());
    engine.from_wire().finish();
    engine.process(Instant::ORIGIN);
    engine.to_app().discard();
    match engine.to_app().closed()? {
        End::Finished => Some(Ok(())),
        End::Aborted(error) => {
            super::error(error);
            Some(Err(error.clone()))
        }
    }
}

fn started<L: Layer<In = Pipe, Out = Pipe>>(layer: L) -> Engine<L> {
    let mut engine = Engine::new(layer);
    engine.process(Instant::ORIGIN);
    engine
}

fn hear<L: Layer<In = Pipe, Out = Pipe>>(engine: &mut Engine<L>, text: &str, most: usize) {
    for piece in text.as_bytes().chunks(most.max(1)) {
        if engine.from_wire().is_closed() {
            return;
        }
        engine.from_wire().write(piece);
        engine.process(Instant::ORIGIN);
    }
}

/// A request with content is no tunnel: the content would be read as its first bytes.
fn announces_no_content(headers: &HeaderMap) {
    assert!(!headers.contains_key("transfer-encoding"));
    for length in headers.get_all("content-length") {
        assert!(
            length.as_bytes().iter().all(|digit| *digit == b'0'),
            "{length:?}"
        );
    }
}

/// A head as lines.
struct Plain<'a> {
    start: &'a str,
    fields: Vec<(String, &'a str)>,
    /// `true` if a field goes on in another line, which is read with a blank between them.
    folded: bool,
}

impl<'a> Plain<'a> {
    /// Reads one head. Returns what is behind it.
    fn read(text: &'a str) -> Option<(Self, &'a str)> {
        let mut rest = text.trim_start_matches(['\r', '\n']);
        let mut line = || {
            let (line, behind) = rest.split_once('\n')?;
            rest = behind;
            Some(line.strip_suffix('\r').unwrap_or(line))
        };
        let mut head = Self {
            start: line()?,
            fields: Vec::new(),
            folded: false,
        };
        loop {
            let line = line()?;
            if line.is_empty() {
                break;
            }
            head.folded |= line.starts_with([' ', '\t']);
            let (name, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.trim_matches([' ', '\t']);
            head.fields.push((name.to_lowercase(), value));
        }
        Some((head, rest))
    }

    /// Reads the first head that is no interim response.
    fn read_last(mut text: &'a str) -> Option<(Self, &'a str)> {
        loop {
            let (head, rest) = Self::read(text)?;
            let status = head.status();
            if !(100..200).contains(&status) || status == 101 {
                return Some((head, rest));
            }
            text = rest;
        }
    }

    fn status(&self) -> u16 {
        let status = self.start.split(' ').find(|word| word.len() == 3);
        status.and_then(|word| word.parse().ok()).expect("a status")
    }

    fn count(&self, name: &str) -> usize {
        self.fields
            .iter()
            .filter(|(other, _)| other == name)
            .count()
    }

    /// Asserts that a map has these fields and no others, each in its order.
    fn has(&self, headers: &HeaderMap) {
        if self.folded {
            return;
        }
        assert_eq!(headers.len(), self.fields.len(), "{headers:?}");
        for name in headers.keys() {
            let seen: Vec<_> = headers
                .get_all(name)
                .iter()
                .map(|it| it.as_bytes())
                .collect();
            let own = self
                .fields
                .iter()
                .filter(|(other, _)| other == name.as_str());
            let own: Vec<_> = own.map(|(_, value)| value.as_bytes()).collect();
            assert_eq!(seen, own, "{name}");
        }
    }
}
