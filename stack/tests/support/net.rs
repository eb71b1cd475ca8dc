//! A network that is no network: names, addresses, proxies and WebSocket servers, each a state machine
//! from bytes to bytes. The simulation drives them by hand, the tests on loopback behind sockets.

#![allow(dead_code)] // each test uses a part of it

use bytes::Bytes;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use wirestack::Instant;
use wirestack::websocket::{Accept, Server, Settings};
use wirestack::{Engine, Flow, Layer, Pipe, socks};

/// Who has which addresses, and what is behind each.
#[derive(Debug, Default)]
pub(crate) struct Net {
    pub(crate) names: HashMap<String, Vec<SocketAddr>>,
    pub(crate) hosts: HashMap<SocketAddr, Host>,
}

/// What happens at an address.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Host {
    Refuses,
    Hangs,
    Opens(Service, Flaw),
}

/// What answers there.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Service {
    Http(Asks),
    Socks,
    Socket,
    /// A WebSocket server that answers with this status, and this `Location` if there is one.
    Says(u16, Option<String>),
}

/// What an HTTP proxy wants, and how it says so.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Asks {
    Nothing,
    Basic(Ending),
    Digest(Ending),
    Both(Ending),
    /// A scheme that nobody knows.
    Strange(Ending),
    /// Two legs on one connection: `Legs one`, then `Legs two` for the challenge `Legs go-on`.
    Legs,
}

/// How a 407 ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Ending {
    Length,
    Chunked,
    /// With a length, but the connection is closed.
    Close,
    /// Without a length.
    UntilClose,
}

/// What is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Flaw {
    None,
    /// It takes the connection and says nothing.
    Mute,
    /// Its words stop after so many bytes, by an end or by a reset.
    Cut(usize, End),
    /// A proxy that permits nothing.
    Forbids,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum End {
    Finished,
    Reset,
}

pub(crate) const USER: &str = "me";
pub(crate) const PASSWORD: &str = "secret";

impl Net {
    /// The service that a name leads to.
    pub(crate) fn find(&self, host: &str, port: u16) -> Option<(&Service, Flaw)> {
        let addresses = match host.parse() {
            Ok(ip) => vec![SocketAddr::new(ip, port)],
            Err(_) => self.names.get(host)?.clone(),
        };
        let mut hosts = addresses.iter().filter_map(|it| self.hosts.get(it));
        hosts.find_map(|host| match host {
            Host::Opens(service, flaw) => Some((service, *flaw)),
            _ => None,
        })
    }
}

/// One connection to a service.
pub(crate) struct Node {
    net: Arc<Net>,
    service: Service,
    flaw: Flaw,
    heard: Vec<u8>,
    says: Vec<u8>,
    said: usize,
    upstream: Option<Box<Self>>,
    socket: Option<Engine<Server>>,
    socks: Option<Engine<socks::Server>>,
    over: Option<End>,
}

impl Node {
    pub(crate) fn new(net: &Arc<Net>, service: &Service, flaw: Flaw) -> Self {
        let websocket = matches!(service, Service::Socket | Service::Says(..));
        Self {
            net: net.clone(),
            service: service.clone(),
            flaw,
            heard: Vec::new(),
            says: Vec::new(),
            said: 0,
            upstream: None,
            socket: websocket.then(|| Engine::new(Server::new(Settings::default()))),
            socks: (*service == Service::Socks).then(|| Engine::new(socks::Server::new())),
            over: None,
        }
    }

    /// Hears bytes, and returns what it says to them, and whether that is its last word.
    pub(crate) fn hear(&mut self, bytes: &[u8], now: Instant) -> (Vec<u8>, Option<End>) {
        if self.flaw == Flaw::Mute {
            return (Vec::new(), None);
        }
        if let Some(upstream) = &mut self.upstream {
            let (says, over) = upstream.hear(bytes, now);
            self.says.extend(says);
            self.over = self.over.or(over);
        } else if self.socket.is_some() {
            self.talk_websocket(bytes, now);
        } else if self.socks.is_some() {
            self.talk_socks(bytes, now);
        } else {
            self.heard.extend(bytes);
            while self.upstream.is_none() && self.over.is_none() && self.talk_http(now) {}
        }
        let mut says = std::mem::take(&mut self.says);
        if let Flaw::Cut(at, end) = self.flaw
            && self.said + says.len() >= at
        {
            says.truncate(at - self.said);
            self.over = Some(end);
        }
        self.said += says.len();
        (says, self.over)
    }

    fn talk_websocket(&mut self, bytes: &[u8], now: Instant) {
        let Some(engine) = &mut self.socket else {
            return;
        };
        engine.from_wire().write(bytes);
        engine.process(now);
        let asked = engine
            .part::<Server>()
            .is_some_and(|it| it.request().is_some());
        if asked && let Some(server) = engine.part_mut::<Server>() {
            match &self.service {
                Service::Says(status, location) => {
                    let mut response = http::Response::builder().status(*status);
                    if let Some(location) = location {
                        response = response.header("location", location);
                    }
                    server
                        .reject(response.body(Bytes::from("no")).unwrap())
                        .unwrap();
                }
                _ => server.accept(Accept::new()).unwrap(),
            }
            engine.process(now);
        }
        take(engine, &mut self.says, &mut self.over);
    }

    fn talk_socks(&mut self, bytes: &[u8], now: Instant) {
        let Some(engine) = &mut self.socks else {
            return;
        };
        engine.from_wire().write(bytes);
        engine.process(now);
        let asked = engine.part::<socks::Server>().and_then(|it| {
            let address = it.request()?.target();
            Some((address.host().to_string(), address.port()))
        });
        if let Some((host, port)) = asked {
            let found = self
                .net
                .find(&host, port)
                .filter(|_| self.flaw != Flaw::Forbids);
            let server = engine.part_mut::<socks::Server>().unwrap();
            match found {
                Some((service, flaw)) => {
                    server.accept("127.0.0.1:1".parse::<SocketAddr>().unwrap().into());
                    self.upstream = Some(Box::new(Self::new(&self.net, service, flaw)));
                }
                None => server.reject(socks::Reply::HostUnreachable),
            }
            engine.process(now);
        }
        take(engine, &mut self.says, &mut self.over);
    }

    /// Answers one request; false if there is none.
    fn talk_http(&mut self, now: Instant) -> bool {
        let text = String::from_utf8_lossy(&self.heard).into_owned();
        let Some(end) = text.find("\r\n\r\n") else {
            return false;
        };
        let head = &text[..end];
        let rest = self.heard.split_off(end + 4);
        self.heard = rest;
        let Service::Http(asks) = self.service.clone() else {
            return false;
        };
        let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
        let lines = head.lines().filter_map(|line| line.split_once(": "));
        let shown = lines
            .filter(|(name, _)| name.eq_ignore_ascii_case("proxy-authorization"))
            .map(|(_, value)| value.to_owned())
            .next();
        if let Err((challenges, ending)) = asks.check(shown.as_deref(), &target) {
            self.challenge(&challenges, ending);
            return true;
        }
        let (host, port) = target.rsplit_once(':').unwrap();
        let host = host.trim_matches(['[', ']']);
        let found = self.net.find(host, port.parse().unwrap());
        match found.filter(|_| self.flaw != Flaw::Forbids) {
            None => {
                self.says
                    .extend(b"HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno");
            }
            Some((service, flaw)) => {
                self.says.extend(b"HTTP/1.1 200 Fine\r\n\r\n");
                let mut upstream = Self::new(&self.net, service, flaw);
                let (says, over) = upstream.hear(&std::mem::take(&mut self.heard), now);
                self.says.extend(says);
                self.over = over;
                self.upstream = Some(Box::new(upstream));
            }
        }
        true
    }

    fn challenge(&mut self, challenges: &[&str], ending: Ending) {
        self.says.extend(b"HTTP/1.1 407 Who are you\r\n");
        for challenge in challenges {
            self.says
                .extend(format!("Proxy-Authenticate: {challenge}\r\n").bytes());
        }
        self.says.extend(match ending {
            Ending::Length => &b"Content-Length: 4\r\n\r\nwho?"[..],
            Ending::Chunked => b"Transfer-Encoding: chunked\r\n\r\n4\r\nwho?\r\n0\r\n\r\n",
            Ending::Close => b"Connection: close\r\nContent-Length: 4\r\n\r\nwho?",
            Ending::UntilClose => b"\r\nwho?",
        });
        if matches!(ending, Ending::Close | Ending::UntilClose) {
            self.over = Some(End::Finished);
        }
    }
}

fn take<L>(engine: &mut Engine<L>, says: &mut Vec<u8>, over: &mut Option<End>)
where
    L: Layer,
{
    let to_wire: &mut Pipe = engine.to_wire();
    says.extend_from_slice(to_wire.unread());
    to_wire.discard();
    if to_wire.is_closed() && over.is_none() {
        *over = Some(End::Finished);
    }
}

const REALM: &str = "Digest realm=\"r\", nonce=\"abc\", qop=\"auth\", algorithm=SHA-256";

impl Asks {
    fn check(&self, shown: Option<&str>, target: &str) -> Result<(), (Vec<&'static str>, Ending)> {
        let basic = || {
            let right = wirestack::http1::basic_credentials(USER, PASSWORD).unwrap();
            shown.is_some_and(|shown| shown.as_bytes() == right.as_bytes())
        };
        let digest = || shown.is_some_and(|shown| digest_is_right(shown, target));
        match *self {
            Self::Nothing => Ok(()),
            Self::Basic(_) if basic() => Ok(()),
            Self::Basic(ending) => Err((vec!["Basic realm=\"r\""], ending)),
            Self::Digest(_) if digest() => Ok(()),
            Self::Digest(ending) => Err((vec![REALM], ending)),
            Self::Both(_) if basic() || digest() => Ok(()),
            Self::Both(ending) => Err((vec!["NTLM, Basic realm=\"r\"", REALM], ending)),
            Self::Strange(ending) => Err((vec!["Negotiate", "NTLM"], ending)),
            Self::Legs => match shown {
                Some("Legs two") => Ok(()),
                Some("Legs one") => Err((vec!["Legs go-on"], Ending::Length)),
                _ => Err((vec!["Legs"], Ending::Chunked)),
            },
        }
    }
}

fn digest_is_right(shown: &str, target: &str) -> bool {
    let Some(shown) = shown.strip_prefix("Digest ") else {
        return false;
    };
    let Ok(mut header) = digest_auth::AuthorizationHeader::parse(shown) else {
        return false;
    };
    let method = digest_auth::HttpMethod::CONNECT;
    let context =
        digest_auth::AuthContext::new_with_method(USER, PASSWORD, target, None::<&[u8]>, method);
    let response = std::mem::take(&mut header.response);
    header.digest(&context);
    header.response == response && header.uri == target && header.nonce == "abc"
}
