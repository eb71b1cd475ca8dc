//! A server whose HTTP/2 is frames written by hand, and whose HTTP/1.1 is a WebSocket that echoes.

use crate::support::{TIMEOUT, TLS, accept, listen};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use wirestack::websocket::{Server, WebSocketConfig};
use wirestack::{Connection, Engine, tls};

/// The frames of a server on one connection over HTTP/2.
#[derive(Clone, Default)]
pub(super) struct Script {
    /// Behind the SETTINGS.
    pub(super) greeting: Vec<u8>,
    /// Behind the HEADERS of each request.
    pub(super) answer: Vec<u8>,
    /// Behind the first DATA of a request.
    pub(super) farewell: Vec<u8>,
    /// The connection ends behind the answer.
    pub(super) ends: bool,
}

/// The frames that the clients sent, by connection: kind, flags, stream and payload. A connection
/// over HTTP/1.1 has none.
pub(super) type Seen = Arc<Mutex<Vec<Vec<(u8, u8, u32, Vec<u8>)>>>>;

/// Starts a server that plays one script after another, the last one for ever. Over TLS it chooses
/// one of these protocols by ALPN. Returns its port.
pub(super) async fn start(scripts: Vec<Script>, alpn: Option<&[&str]>) -> (u16, Seen) {
    let (listener, address) = listen().await;
    let seen = Seen::default();
    let watched = seen.clone();
    let secure = alpn.map(|alpn| {
        let mut config = tls::rustls::ServerConfig::clone(&TLS.server);
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        Arc::new(config)
    });
    tokio::spawn(async move {
        for n in 0.. {
            let (io, _) = listener.accept().await.unwrap();
            let script = scripts[n.min(scripts.len() - 1)].clone();
            watched.lock().unwrap().push(Vec::new());
            tokio::spawn(serve(io, secure.clone(), script, watched.clone(), n));
        }
    });
    (address.port(), seen)
}

async fn serve(
    io: TcpStream,
    secure: Option<Arc<tls::rustls::ServerConfig>>,
    script: Script,
    seen: Seen,
    n: usize,
) {
    let Some(config) = secure else {
        return play(io, script, seen, n).await;
    };
    let layer = tls::Server::new(config).unwrap();
    let mut io = Connection::from_transport(io, Engine::new(layer)).unwrap();
    if io.open().await.is_err() {
        return;
    }
    if io.part::<tls::Server>().unwrap().alpn() == Some(b"h2") {
        return play(io, script, seen, n).await;
    }
    let server = Server::new(WebSocketConfig::default());
    let mut socket = io.push_layer(server).boxed();
    accept(&mut socket).await;
    while let Some(Ok(message)) = socket.next().await {
        let _ = socket.send(message).await;
    }
    let _ = socket.finish(TIMEOUT).await;
}

async fn play<S>(mut io: S, script: Script, seen: Seen, n: usize)
where
    S: AsyncReadExt + AsyncWriteExt + Unpin,
{
    let greeting = [settings(&[(8, 1)]), script.greeting].concat();
    io.write_all(&greeting).await.unwrap();
    io.flush().await.unwrap();
    let mut preface = [0; 24];
    let mut header = [0; 9];
    if io.read_exact(&mut preface).await.is_err() {
        return;
    }
    let mut farewell = Some(script.farewell);
    while io.read_exact(&mut header).await.is_ok() {
        let [a, b, c, kind, flags, d, e, f, g] = header;
        let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
        if io.read_exact(&mut payload).await.is_err() {
            return;
        }
        let stream = u32::from_be_bytes([d, e, f, g]);
        seen.lock().unwrap()[n].push((kind, flags, stream, payload));
        let reply = match kind {
            1 => on_stream(&script.answer, stream),
            0 => farewell.take().unwrap_or_default(),
            _ => continue,
        };
        if io.write_all(&reply).await.is_err() || io.flush().await.is_err() {
            return;
        }
        if script.ends {
            let _ = io.shutdown().await;
            return;
        }
    }
}

/// The frames of stream 1 as those of another one.
fn on_stream(frames: &[u8], stream: u32) -> Vec<u8> {
    let mut moved = Vec::new();
    let mut rest = frames;
    while let [a, b, c, kind, flags, d, e, f, g, ..] = *rest {
        let len = u32::from_be_bytes([0, a, b, c]) as usize;
        let of_one = u32::from_be_bytes([d, e, f, g]) == 1;
        let id = if of_one { stream } else { 0 };
        moved.extend(frame(kind, flags, id, &rest[9..9 + len]));
        rest = &rest[9 + len..];
    }
    moved
}

/// The bytes of a frame.
pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = u32::try_from(payload.len()).unwrap().to_be_bytes()[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// A SETTINGS frame with these pairs of identifier and value.
pub(super) fn settings(pairs: &[(u16, u32)]) -> Vec<u8> {
    let pairs = pairs.iter();
    let payload = pairs.flat_map(|(name, value)| {
        let name = name.to_be_bytes();
        name.into_iter().chain(value.to_be_bytes())
    });
    frame(4, 0, 0, &payload.collect::<Vec<_>>())
}

/// A response with this status, as a literal field (RFC 7541 §6.2.2).
pub(super) fn status(code: &str) -> Vec<u8> {
    let name = [&[0, 7][..], b":status", &[3], code.as_bytes()].concat();
    frame(1, 4, 1, &name)
}

/// RST_STREAM of the first stream.
pub(super) fn reset(code: u32) -> Vec<u8> {
    frame(3, 0, 1, &code.to_be_bytes())
}

/// GOAWAY with the last stream that was processed.
pub(super) fn goaway(last: u32, code: u32) -> Vec<u8> {
    frame(7, 0, 0, &[last.to_be_bytes(), code.to_be_bytes()].concat())
}
