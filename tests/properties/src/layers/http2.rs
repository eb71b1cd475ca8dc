//! HTTP/2: CONNECT and extended CONNECT, refused, authorized; and many streams.

use super::{Case, streams};
use bytes::Bytes;
use http::HeaderMap;
use std::time::Duration;
use wirestack_http2::{
    Awaiting, Client, ConnectRequest, Http2Config, Keepalive, ProxyClient, Server,
};
use wirestack_laws::{Endpoint, Subject};
use wirestack_layer::{LayerExt, Pipe};

pub(crate) const CASES: u8 = 8;

pub(crate) fn case(number: u8) -> Case {
    let case = match number % 4 {
        0 => tunnel(number, false),
        1 => tunnel(number, true),
        2 => {
            let subject = Subject::tunnel(
                format!("http2 {number}"),
                || Client::new(request(false), config()).awaiting_authorization(),
                || Server::new(config()),
            );
            Case::bytes(bounded(subject).deciding(authorize))
        }
        _ => Case::bytes(bounded(streams::subject(config()))),
    };
    // The stranger of the other half begins as it should. A response that stands behind the SETTINGS
    // in the same read would come before its request, and one in the next read behind it.
    match number {
        4 | 5 | 7 => case.speaking(frames).greeting(SETTINGS.len()),
        6 => case.speaking(frames).compared_as_server(), // it has a second request to answer
        _ => case.compared_as_server(),
    }
}

fn tunnel(number: u8, extended: bool) -> Case {
    let subject = Subject::tunnel(
        format!("http2 {number}"),
        move || Client::new(request(extended), config()),
        || Server::new(config()),
    );
    let subject = bounded(subject).deciding(move |layer| decide(layer, number));
    Case::bytes(if number == 5 {
        subject.refused()
    } else {
        subject
    })
}

fn request(extended: bool) -> ConnectRequest {
    if !extended {
        return ConnectRequest::tunnel("example.org", 22).unwrap();
    }
    let mut head = http::Request::new(());
    *head.uri_mut() = "https://example.org/chat?room=1".parse().unwrap();
    ConnectRequest::extended("websocket", head).unwrap()
}

fn config() -> Http2Config {
    let mut config = Http2Config::default();
    // Small, so that windows close and open, and that limits are met.
    (config.stream_window, config.connection_window) = (20_000, 100_000);
    (config.send_buffer, config.streams, config.fields) = (10_000, 8, 2_000);
    config.keepalive = Some(Keepalive {
        interval: Duration::from_secs(20),
        timeout: Duration::from_secs(5),
    });
    config
}

fn bounded(subject: Subject<Pipe>) -> Subject<Pipe> {
    let subject = subject.marks_end().unit(90 << 10).memory(100_000);
    subject.limits(&[100, 65536])
}

fn authorize(layer: &mut Endpoint<Pipe>) -> bool {
    let Some(client) = layer.part_mut::<Client>() else {
        return decide(layer, 0);
    };
    let value = match client.awaiting() {
        None => return false,
        Some(Awaiting::Challenge { .. }) => Some(http::HeaderValue::from_static("Basic dTpw")),
        Some(_) => None,
    };
    client.authorize(value);
    true
}

fn decide(layer: &mut Endpoint<Pipe>, number: u8) -> bool {
    let server = layer.part_mut::<Server>();
    let Some(server) = server.filter(|server| server.request().is_some()) else {
        return false;
    };
    if number == 5 {
        let mut response = http::Response::new(Bytes::from_static(b"not for you"));
        *response.status_mut() = http::StatusCode::FORBIDDEN;
        server.reject(response);
    } else {
        server.accept(HeaderMap::new());
    }
    true
}

/// Writes the preface and SETTINGS, and then a frame for each three bytes of a head, with the
/// payload behind it.
fn frames(mut script: &[u8], server: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    if !server {
        bytes.extend_from_slice(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    }
    bytes.extend_from_slice(SETTINGS);
    while let [kind, flags, length, rest @ ..] = script {
        let (kind, stream) = (kind & 0xf, kind >> 4 & 7);
        let (payload, rest) = rest.split_at(usize::from(*length).min(rest.len()));
        bytes.extend_from_slice(&(payload.len() as u32).to_be_bytes()[1..]);
        bytes.extend_from_slice(&[kind, *flags, 0, 0, 0, stream]);
        bytes.extend_from_slice(payload);
        script = rest;
    }
    bytes
}

/// SETTINGS with ENABLE_CONNECT_PROTOCOL.
const SETTINGS: &[u8] = b"\0\0\x06\x04\0\0\0\0\0\0\x08\0\0\0\x01";
