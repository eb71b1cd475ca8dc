//! Tunnels over HTTP/2 keep the laws of every layer.

use bytes::Bytes;
use wirestack_http2::{Client, ConnectRequest, Http2Config, ProxyClient, Server};
use wirestack_laws::{Endpoint, Subject, check};
use wirestack_layer::{LayerExt, Pipe};

#[test]
fn a_tunnel_to_a_host_keeps_the_laws() {
    check(
        &tunnel("http2 CONNECT", || {
            ConnectRequest::tunnel("example.org", 22).unwrap()
        })
        .deciding(accept),
    );
}

#[test]
fn another_protocol_on_a_stream_keeps_the_laws() {
    check(&tunnel("http2 extended CONNECT", extended).deciding(accept));
}

#[test]
fn a_refusal_keeps_the_laws() {
    check(
        &tunnel("http2, refused", extended)
            .refused()
            .deciding(refuse),
    );
}

#[test]
fn a_client_that_awaits_authorization_keeps_the_laws() {
    let request = || ConnectRequest::tunnel("example.org", 22).unwrap();
    let subject = Subject::tunnel(
        "http2 CONNECT, authorized",
        move || Client::new(request(), settings()).awaiting_authorization(),
        move || Server::new(settings()),
    );
    check(&bounded(subject).deciding(|layer| {
        if let Some(client) = layer.part_mut::<Client>() {
            let awaits = client.awaiting().is_some();
            client.authorize(None);
            return awaits;
        }
        accept(layer)
    }));
}

fn settings() -> Http2Config {
    let mut settings = Http2Config::default();
    // Smaller than the largest message, so that windows close and open.
    settings.stream_window = 20_000;
    settings.send_buffer = 10_000;
    settings
}

fn tunnel(name: &str, request: fn() -> ConnectRequest) -> Subject<Pipe> {
    bounded(Subject::tunnel(
        name,
        move || Client::new(request(), settings()),
        move || Server::new(settings()),
    ))
}

fn bounded(subject: Subject<Pipe>) -> Subject<Pipe> {
    subject
        .marks_end()
        .unit(90 << 10)
        .memory(100_000)
        .largest(300_000)
        .limits(&[100, 65536])
        .samples(40)
}

fn extended() -> ConnectRequest {
    let mut head = http::Request::new(());
    *head.uri_mut() = "https://example.org/chat?room=1".parse().unwrap();
    ConnectRequest::extended("websocket", head).unwrap()
}

fn accept(server: &mut Endpoint<Pipe>) -> bool {
    decide(server, |server| server.accept(http::HeaderMap::new()))
}

fn refuse(server: &mut Endpoint<Pipe>) -> bool {
    let mut response = http::Response::new(Bytes::from_static(b"not for you"));
    *response.status_mut() = http::StatusCode::FORBIDDEN;
    decide(server, |server| server.reject(response))
}

fn decide(server: &mut Endpoint<Pipe>, decision: impl FnOnce(&mut Server)) -> bool {
    let server = server.part_mut::<Server>();
    let waiting = server.filter(|server| server.request().is_some());
    waiting.map(decision).is_some()
}
