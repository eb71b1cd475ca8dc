//! The opening handshake (RFC 6455 §4), both sides, in every split.

mod client;
mod opening;
mod origins;
mod server;

use crate::kit::{ClientSide, ServerSide, Side};
use wirestack_layer::Seed;
use wirestack_websocket::{Client, ClientRequest, Origins, Server, WebSocketConfig};

const KEY: &str = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
const VERSION: &str = "Sec-WebSocket-Version: 13\r\n";
const UPGRADE: &str = "Host: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";

/// A request with these fields.
fn request(fields: &str) -> String {
    format!("GET /chat?x=1 HTTP/1.1\r\n{fields}\r\n")
}

/// A request with every field that a server wants.
fn good() -> String {
    request(&[UPGRADE, KEY, VERSION].concat())
}

/// A client that sends this request.
fn asking(request: ClientRequest) -> ClientSide {
    Side::new(Client::new(request, WebSocketConfig::default(), Seed::new([3; 32])).unwrap())
}

fn new_server() -> ServerSide {
    let origins = Origins::same().and("http://example.com").unwrap();
    Side::new(Server::new(WebSocketConfig::default()).with_origins(origins))
}

/// Feeds a server byte by byte and at every two-way split, and calls `f` with each outcome.
fn splits(bytes: &[u8], mut f: impl FnMut(ServerSide)) {
    for cut in 0..bytes.len() {
        let mut side = new_server();
        if cut == 0 {
            bytes.chunks(1).for_each(|byte| side.receive(byte));
        } else {
            side.receive(&bytes[..cut]);
            side.receive(&bytes[cut..]);
        }
        f(side);
    }
}

/// The text of a head.
fn head(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
