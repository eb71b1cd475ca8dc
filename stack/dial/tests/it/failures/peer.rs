//! A peer that follows a script.

use std::collections::VecDeque;
use std::sync::{Arc, LazyLock};
use wirestack_layer::{Flow, Instant, Pipe};
use wirestack_nest::Engine;
use wirestack_tls::rustls::{ClientConfig, ServerConfig};
use wirestack_tls::{self as tls, ClientSettings, ServerSettings, TlsVersions};
use wirestack_websocket::{Accept, Server, WebSocketConfig};

/// One move of a peer.
#[derive(Clone)]
pub(crate) enum Move {
    /// Sends these bytes once the client has sent something more.
    Says(Vec<u8>),
    /// Sends these bytes at once.
    Also(Vec<u8>),
    /// Accepts the handshake of a WebSocket, with this subprotocol.
    Accepts(&'static str),
    /// Accepts the handshake of a WebSocket, and adds these fields to the response.
    AcceptsWith(&'static str),
    /// Begins TLS. What follows is inside.
    Secures(Arc<ServerConfig>),
    Ends,
    Resets,
    /// The moves that follow are on the next connection.
    Again,
}

pub(crate) fn says(bytes: impl AsRef<[u8]>) -> Move {
    Move::Says(bytes.as_ref().to_vec())
}

pub(crate) fn also(bytes: impl AsRef<[u8]>) -> Move {
    Move::Also(bytes.as_ref().to_vec())
}

pub(crate) fn split_at_again(moves: Vec<Move>) -> Vec<Vec<Move>> {
    let parts = moves.split(|it| matches!(it, Move::Again));
    parts.map(<[Move]>::to_vec).collect()
}

/// The end of a connection.
pub(crate) enum Ending {
    Ends,
    Resets,
}

pub(crate) struct Peer {
    moves: VecDeque<Move>,
    /// The bytes of the client that no move has answered.
    heard: Vec<u8>,
    /// Innermost last.
    tls: Vec<Engine<tls::Server>>,
    pub(crate) end: Option<Ending>,
}

impl Peer {
    pub(crate) fn new(moves: Vec<Move>) -> Self {
        Self {
            moves: moves.into(),
            heard: Vec::new(),
            tls: Vec::new(),
            end: None,
        }
    }

    /// Takes bytes of the client, and returns the answer.
    pub(crate) fn receive(&mut self, bytes: &[u8], now: Instant) -> Vec<u8> {
        let mut wire = Pipe::new();
        wire.write(bytes);
        self.hear(&mut wire, now);
        self.heard.extend_from_slice(wire.unread());
        let mut sent = Vec::new();
        while let Some(next) = self.moves.front() {
            match next {
                Move::Says(_) | Move::Accepts(_) | Move::AcceptsWith(_)
                    if self.heard.is_empty() =>
                {
                    break;
                }
                _ => {}
            }
            match self.moves.pop_front() {
                Some(Move::Says(bytes)) => {
                    self.heard.clear();
                    self.say(&bytes, &mut sent, now);
                }
                Some(Move::Also(bytes)) => self.say(&bytes, &mut sent, now),
                Some(Move::Accepts(subprotocol)) => {
                    let request = std::mem::take(&mut self.heard);
                    self.say(&accept(&request, subprotocol, now), &mut sent, now);
                }
                Some(Move::AcceptsWith(fields)) => {
                    let request = std::mem::take(&mut self.heard);
                    let mut response = accept(&request, "", now);
                    response.truncate(response.len() - 2);
                    response.extend_from_slice(fields.as_bytes());
                    response.extend_from_slice(b"\r\n");
                    self.say(&response, &mut sent, now);
                }
                Some(Move::Secures(config)) => {
                    let mut engine = Engine::new(tls::Server::new(config).unwrap());
                    engine.from_wire().write(&std::mem::take(&mut self.heard));
                    engine.process(now);
                    self.tls.push(engine);
                    self.flush(&mut sent, now);
                }
                Some(Move::Ends) => self.end = Some(Ending::Ends),
                Some(Move::Resets) => self.end = Some(Ending::Resets),
                Some(Move::Again) | None => {}
            }
        }
        self.flush(&mut sent, now);
        sent
    }

    /// Decrypts what the client sent.
    fn hear(&mut self, wire: &mut Pipe, now: Instant) {
        for engine in &mut self.tls {
            engine.from_wire().write(wire.unread());
            wire.discard();
            engine.process(now);
            let plain = engine.to_app().unread().to_vec();
            engine.to_app().discard();
            *wire = Pipe::new();
            wire.write(&plain);
        }
    }

    fn say(&mut self, bytes: &[u8], sent: &mut Vec<u8>, now: Instant) {
        match self.tls.last_mut() {
            Some(engine) => engine.from_app().write(bytes),
            None => sent.extend_from_slice(bytes),
        }
        self.flush(sent, now);
    }

    /// Takes what TLS has to send, from the innermost outwards.
    fn flush(&mut self, sent: &mut Vec<u8>, now: Instant) {
        let mut inner = Vec::new();
        for engine in self.tls.iter_mut().rev() {
            if !inner.is_empty() {
                engine.from_app().write(&inner);
            }
            engine.process(now);
            inner = engine.to_wire().unread().to_vec();
            engine.to_wire().discard();
        }
        sent.extend(inner);
    }
}

/// Returns the response that accepts the request of a WebSocket.
fn accept(request: &[u8], subprotocol: &str, now: Instant) -> Vec<u8> {
    let mut engine = Engine::new(Server::new(WebSocketConfig::default()));
    engine.from_wire().write(request);
    engine.process(now);
    let server = engine.part_mut::<Server>().unwrap();
    let accept = match subprotocol {
        "" => Accept::new(),
        name => Accept::new().subprotocol(name),
    };
    server.accept(accept).unwrap();
    engine.process(now);
    engine.to_wire().unread().to_vec()
}

/// An answer of HTTP/1.1 with a length, and the end of the connection.
pub(crate) fn answer(head: &str, body: &str) -> Vec<Move> {
    let head = head.replace('\n', "\r\n");
    let length = body.len();
    let bytes = format!("HTTP/1.1 {head}\r\nContent-Length: {length}\r\n\r\n{body}");
    vec![says(bytes), Move::Ends]
}

/// The settings of TLS for clients and servers.
pub(crate) struct Tls {
    /// Trusts the authority.
    pub(crate) trusting: Arc<ClientConfig>,
    pub(crate) trusting_only_1_2: Arc<ClientConfig>,
    authority: rcgen::Issuer<'static, rcgen::KeyPair>,
    /// The certificate of the authority, as PEM.
    pub(crate) root: String,
    /// Another authority, that nobody trusts.
    rogue: rcgen::Issuer<'static, rcgen::KeyPair>,
}

pub(crate) static TLS: LazyLock<Tls> = LazyLock::new(|| {
    let (authority, root) = authority("Example Root");
    let (rogue, _) = self::authority("Corp Proxy CA");
    let client = ClientSettings::new()
        .without_system_roots()
        .ca_certificates(root.clone());
    Tls {
        trusting: client.clone().build().unwrap(),
        trusting_only_1_2: client.versions(TlsVersions::Tls12).build().unwrap(),
        authority,
        root,
        rogue,
    }
});

fn authority(name: &str) -> (rcgen::Issuer<'static, rcgen::KeyPair>, String) {
    let mut params = rcgen::CertificateParams::default();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params
        .distinguished_name
        .push(rcgen::DnType::CommonName, name);
    let key = rcgen::KeyPair::generate().unwrap();
    let pem = params.self_signed(&key).unwrap().pem();
    (rcgen::Issuer::new(params, key), pem)
}

impl Tls {
    /// Returns the settings of a server with a certificate for `name`.
    pub(crate) fn server(
        &self,
        name: &str,
        change: impl FnOnce(&mut rcgen::CertificateParams),
    ) -> ServerSettings {
        self.server_of(&self.authority, name, change)
    }

    /// Returns the settings of a server whose authority nobody trusts.
    pub(crate) fn rogue(&self, name: &str) -> ServerSettings {
        self.server_of(&self.rogue, name, |_| {})
    }

    fn server_of(
        &self,
        authority: &rcgen::Issuer<'static, rcgen::KeyPair>,
        name: &str,
        change: impl FnOnce(&mut rcgen::CertificateParams),
    ) -> ServerSettings {
        let mut params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
        change(&mut params);
        let key = rcgen::KeyPair::generate().unwrap();
        let chain = params.signed_by(&key, authority).unwrap().pem();
        ServerSettings::new(chain, key.serialize_pem())
    }
}

/// A server with a good certificate for `example.org`.
pub(crate) fn secures() -> Move {
    Move::Secures(TLS.server("example.org", |_| {}).build().unwrap())
}
