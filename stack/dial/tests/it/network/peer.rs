//! One connection, seen from the server.

use super::{End, Ending, Fault, Network, PASSWORD, ProxyAuth, Service, USER};
use bytes::Bytes;
use std::net::SocketAddr;
use std::sync::Arc;
use wirestack_http1::basic_credentials;
use wirestack_layer::{Flow, Instant, Layer, Pipe};
use wirestack_nest::Engine;
use wirestack_socks as socks;
use wirestack_websocket::{Accept, Server, WebSocketConfig};

/// A server's end of one connection.
pub(crate) struct Peer {
    network: Arc<Network>,
    service: Service,
    fault: Fault,
    received: Vec<u8>,
    reply: Vec<u8>,
    /// The number of bytes that it has sent.
    sent: usize,
    /// The next server, if this one is a proxy with an open tunnel.
    upstream: Option<Box<Self>>,
    websocket: Option<Engine<Server>>,
    socks: Option<Engine<socks::Server>>,
    end: Option<End>,
}

impl Peer {
    pub(crate) fn new(network: &Arc<Network>, service: &Service, fault: Fault) -> Self {
        let websocket = matches!(service, Service::WebSocket | Service::Rejects(..));
        let socks = *service == Service::SocksProxy;
        Self {
            network: network.clone(),
            service: service.clone(),
            fault,
            received: Vec::new(),
            reply: Vec::new(),
            sent: 0,
            upstream: None,
            websocket: websocket.then(|| Engine::new(Server::new(WebSocketConfig::default()))),
            socks: socks.then(|| Engine::new(socks::Server::new())),
            end: None,
        }
    }

    /// Takes bytes. Returns the answer, and the end of the connection behind it.
    pub(crate) fn receive(&mut self, bytes: &[u8], now: Instant) -> (Vec<u8>, Option<End>) {
        if self.fault == Fault::Silent {
            return (Vec::new(), None);
        }
        if let Some(upstream) = &mut self.upstream {
            let (reply, end) = upstream.receive(bytes, now);
            self.reply.extend(reply);
            self.end = self.end.or(end);
        } else if self.websocket.is_some() {
            self.answer_websocket(bytes, now);
        } else if self.socks.is_some() {
            self.answer_socks(bytes, now);
        } else {
            self.received.extend(bytes);
            while self.upstream.is_none() && self.end.is_none() && self.answer_http(now) {}
        }
        let mut reply = std::mem::take(&mut self.reply);
        if let Fault::Truncated(at, end) = self.fault
            && self.sent + reply.len() >= at
        {
            reply.truncate(at - self.sent);
            self.end = Some(end);
        }
        self.sent += reply.len();
        (reply, self.end)
    }

    fn answer_websocket(&mut self, bytes: &[u8], now: Instant) {
        let Some(engine) = &mut self.websocket else {
            return;
        };
        engine.from_wire().write(bytes);
        engine.process(now);
        let asked = engine
            .part::<Server>()
            .is_some_and(|server| server.request().is_some());
        if asked && let Some(server) = engine.part_mut::<Server>() {
            if let Service::Rejects(status, location) = &self.service {
                let mut response = http::Response::builder().status(*status);
                if let Some(location) = location {
                    response = response.header("location", location);
                }
                let response = response.body(Bytes::from("no")).unwrap();
                server.reject(response).unwrap();
            } else {
                server.accept(Accept::new()).unwrap();
            }
            engine.process(now);
        }
        take(engine, &mut self.reply, &mut self.end);
    }

    fn answer_socks(&mut self, bytes: &[u8], now: Instant) {
        let Some(engine) = &mut self.socks else {
            return;
        };
        engine.from_wire().write(bytes);
        engine.process(now);
        let asked = engine.part::<socks::Server>().and_then(|server| {
            let address = server.request()?.target();
            Some((address.host().to_string(), address.port()))
        });
        if let Some((host, port)) = asked {
            let found = self.network.find(&host, port);
            let server = engine.part_mut::<socks::Server>().unwrap();
            match found.filter(|_| self.fault != Fault::Forbids) {
                Some((service, fault)) => {
                    server.accept("127.0.0.1:1".parse::<SocketAddr>().unwrap().into());
                    self.upstream = Some(Box::new(Self::new(&self.network, service, fault)));
                }
                None => server.reject(socks::Reply::HostUnreachable),
            }
            engine.process(now);
        }
        take(engine, &mut self.reply, &mut self.end);
    }

    /// Answers one request. Returns `false` if none has come.
    fn answer_http(&mut self, now: Instant) -> bool {
        let text = String::from_utf8_lossy(&self.received).into_owned();
        let Some(end) = text.find("\r\n\r\n") else {
            return false;
        };
        let head = &text[..end];
        self.received = self.received.split_off(end + 4);
        let Service::HttpProxy(auth) = self.service.clone() else {
            return false;
        };
        let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
        let mut fields = head.lines().filter_map(|line| line.split_once(": "));
        let credentials = fields
            .find(|(name, _)| name.eq_ignore_ascii_case("proxy-authorization"))
            .map(|(_, value)| value);
        if let Err(challenge) = auth.check(credentials, &target) {
            self.challenge(&challenge);
            return true;
        }
        let (host, port) = target.rsplit_once(':').unwrap();
        let host = host.trim_matches(['[', ']']);
        let found = self.network.find(host, port.parse().unwrap());
        if let Some((service, fault)) = found.filter(|_| self.fault != Fault::Forbids) {
            self.reply.extend(b"HTTP/1.1 200 Fine\r\n\r\n");
            let mut upstream = Self::new(&self.network, service, fault);
            let (reply, end) = upstream.receive(&std::mem::take(&mut self.received), now);
            self.reply.extend(reply);
            self.end = end;
            self.upstream = Some(Box::new(upstream));
        } else {
            let refusal = b"HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno";
            self.reply.extend(refusal);
        }
        true
    }

    fn challenge(&mut self, challenge: &Challenge) {
        self.reply.extend(b"HTTP/1.1 407 Who are you\r\n");
        for value in &challenge.values {
            let field = format!("Proxy-Authenticate: {value}\r\n");
            self.reply.extend(field.bytes());
        }
        self.reply.extend(match challenge.ending {
            Ending::Length => &b"Content-Length: 4\r\n\r\nwho?"[..],
            Ending::Chunked => b"Transfer-Encoding: chunked\r\n\r\n4\r\nwho?\r\n0\r\n\r\n",
            Ending::Close => b"Connection: close\r\nContent-Length: 4\r\n\r\nwho?",
            Ending::UntilClose => b"\r\nwho?",
        });
        if matches!(challenge.ending, Ending::Close | Ending::UntilClose) {
            self.end = Some(End::Finished);
        }
    }
}

/// Moves the bytes for the wire to a reply.
fn take<L: Layer>(engine: &mut Engine<L>, reply: &mut Vec<u8>, end: &mut Option<End>) {
    let to_wire: &mut Pipe = engine.to_wire();
    reply.extend_from_slice(to_wire.unread());
    to_wire.discard();
    if to_wire.is_closed() && end.is_none() {
        *end = Some(End::Finished);
    }
}

/// A 407: the values of `Proxy-Authenticate`, and its end.
struct Challenge {
    values: Vec<&'static str>,
    ending: Ending,
}

impl ProxyAuth {
    /// Checks the value of `Proxy-Authorization`. Returns the 407 for a wrong one.
    fn check(&self, credentials: Option<&str>, target: &str) -> Result<(), Challenge> {
        let basic = || {
            let right = basic_credentials(USER, PASSWORD).unwrap();
            credentials.is_some_and(|credentials| credentials.as_bytes() == right.as_bytes())
        };
        let digest = || credentials.is_some_and(|credentials| digest_is_right(credentials, target));
        let (right, values, ending) = match *self {
            Self::None => return Ok(()),
            Self::Basic(ending) => (basic(), vec![BASIC], ending),
            Self::Digest(ending) => (digest(), vec![DIGEST], ending),
            Self::BasicOrDigest(ending) => {
                let values = vec!["NTLM, Basic realm=\"r\"", DIGEST];
                (basic() || digest(), values, ending)
            }
            Self::Unsupported(ending) => (false, vec!["Negotiate", "Bearer"], ending),
            Self::TwoLegs => match credentials {
                Some("Legs two") => return Ok(()),
                Some("Legs one") => (false, vec!["Legs go-on"], Ending::Length),
                _ => (false, vec!["Legs"], Ending::Chunked),
            },
        };
        if right {
            Ok(())
        } else {
            Err(Challenge { values, ending })
        }
    }
}

const BASIC: &str = "Basic realm=\"r\"";
const DIGEST: &str = "Digest realm=\"r\", nonce=\"abc\", qop=\"auth\", algorithm=SHA-256";

fn digest_is_right(credentials: &str, target: &str) -> bool {
    let Some(credentials) = credentials.strip_prefix("Digest ") else {
        return false;
    };
    let Ok(mut header) = digest_auth::AuthorizationHeader::parse(credentials) else {
        return false;
    };
    let method = digest_auth::HttpMethod::CONNECT;
    let context =
        digest_auth::AuthContext::new_with_method(USER, PASSWORD, target, None::<&[u8]>, method);
    let response = std::mem::take(&mut header.response);
    header.digest(&context);
    header.response == response && header.uri == target && header.nonce == "abc"
}
