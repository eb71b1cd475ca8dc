//! Layers where there is no clock, no socket and no thread: built for `wasm32-unknown-unknown` and
//! run by `run.js`. It runs anywhere else too.

use std::time::Duration;
use wirestack_layer::{Instant, Layer, Seed};
use wirestack_nest::{Engine, Nest};
use wirestack_socks as socks;
use wirestack_websocket::{Accept, Client, ClientRequest, Message, Server, WebSocketConfig};

fn main() {
    let target = socks::Address::new("example.org", 80).expect("an address");
    let request = ClientRequest::new("ws://example.org/chat").expect("a request");
    let socket =
        Client::new(request, WebSocketConfig::default(), Seed::new([7; 32])).expect("a client");
    let mut client = Engine::new(socket.over(socks::Client::new(target)));
    let socket: Server = Server::new(WebSocketConfig::default());
    let mut server = Engine::new(socket.over(socks::Server::new()));
    let message = Message::text("hello from where there is no clock");
    client.from_app().push(message.clone());

    let mut now = Instant::ORIGIN;
    let mut heard = None;
    for _ in 0..20 {
        now += Duration::from_millis(1);
        exchange(&mut client, &mut server, now);
        if let Some(proxy) = server.part_mut::<socks::Server>()
            && proxy.request().is_some()
        {
            proxy.accept(socks::Address::new("192.0.2.1", 80).expect("an address"));
        }
        if let Some(socket) = server.part_mut::<Server>()
            && socket.request().is_some()
        {
            socket.accept(Accept::new()).expect("an upgrade");
        }
        heard = heard.or_else(|| server.to_app().pop());
    }
    assert_eq!(heard, Some(message));
    assert!(client.is_open() && server.is_open());
}

/// Runs both sides, and carries what they say.
fn exchange<L: Layer, M: Layer>(client: &mut Engine<L>, server: &mut Engine<M>, now: Instant) {
    client.process(now);
    client.to_wire().transfer_to(server.from_wire());
    server.process(now);
    server.to_wire().transfer_to(client.from_wire());
}
