//! WebSocket keeps the laws of every layer, in both of its forms.

use wirestack_laws::{Subject, check, pattern};
use wirestack_layer::{LayerExt, Pipe, Queue, Seed};
use wirestack_websocket::{
    Accept, Client, ClientRequest, Deflate, Message, Server, WebSocketConfig,
};

#[test]
fn websocket_keeps_the_laws() {
    check(&messages("websocket", client, || Server::new(settings())));
}

#[test]
fn an_established_websocket_keeps_the_laws() {
    let client = || Client::established(settings(), Seed::new([7; 32]));
    let server = || Server::established(settings());
    check(&messages("an established websocket", client, server));
}

#[test]
fn fragments_keep_the_laws() {
    let mut settings = settings();
    settings.largest_frame_sent = 100;
    let again = settings.clone();
    let client = move || Client::established(settings.clone(), Seed::new([7; 32]));
    let server = move || Server::established(again.clone());
    check(&messages("websocket in fragments", client, server));
}

#[test]
fn compression_keeps_the_laws() {
    let mut settings = settings();
    let mut deflate = Deflate::default();
    deflate.server_no_context_takeover = true;
    deflate.threshold = 1;
    deflate.level = 0; // else more would fit into the room than the law counts
    settings.deflate = Some(deflate);
    let again = settings.clone();
    let client = move || {
        let request = ClientRequest::new("ws://example.org/chat").unwrap();
        Client::new(request, settings.clone(), Seed::new([7; 32])).unwrap()
    };
    let server = move || Server::new(again.clone());
    check(&messages("websocket with compression", client, server));
}

#[test]
fn a_refused_websocket_keeps_the_laws() {
    let subject = messages("websocket refused", client, || Server::new(settings()));
    check(&subject.refused().deciding(|layer| {
        let server = layer.part_mut::<Server>();
        let server = server.filter(|server| server.request().is_some());
        let response = http::Response::builder().status(403);
        let response = response.body("not for you".into()).unwrap();
        server
            .map(|server| server.reject(response).unwrap())
            .is_some()
    }));
}

#[test]
fn a_tunnel_through_websocket_keeps_the_laws() {
    let client = || client().tunnel();
    let server = || Server::new(settings()).tunnel();
    let subject = Subject::tunnel("websocket as a tunnel", client, server);
    check(
        &subject
            .deciding(|layer| {
                let server = layer.part_mut::<Server<Pipe>>();
                let server = server.filter(|server| server.request().is_some());
                server
                    .map(|server| server.accept(Accept::new()).unwrap())
                    .is_some()
            })
            .marks_end()
            .unit(70 << 10)
            .memory(4 << 20),
    );
}

fn settings() -> WebSocketConfig {
    let mut settings = WebSocketConfig::default();
    settings.max_frame = 4 << 20;
    settings.max_message = 4 << 20;
    settings
}

fn client() -> Client {
    let request = ClientRequest::new("ws://example.org/chat").unwrap();
    Client::new(request, settings(), Seed::new([7; 32])).unwrap()
}

fn messages(
    name: &str,
    client: impl Fn() -> Client + 'static,
    server: impl Fn() -> Server + 'static,
) -> Subject<Queue<Message>> {
    let sample = |size| match size % 2 {
        0 => Message::text(String::from_utf8(pattern(size)).unwrap()),
        _ => Message::binary(pattern(size)),
    };
    Subject::messages(name, client, server, sample)
        .deciding(|layer| {
            let server = layer.part_mut::<Server>();
            let server = server.filter(|server| server.request().is_some());
            server
                .map(|server| server.accept(Accept::new()).unwrap())
                .is_some()
        })
        .poking(|layer| {
            // Too many without an answer are refused, which is fine.
            if let Some(client) = layer.part_mut::<Client>() {
                let _ = client.ping("there?");
            }
            if let Some(server) = layer.part_mut::<Server>() {
                let _ = server.ping("there?");
            }
        })
        .same_bytes()
        .marks_end()
        .memory((4 << 20) + 64)
}
