//! WebSocket: messages, parts and bytes; with and without compression, fragments, pings of its own.

use super::Case;
use bytes::Bytes;
use std::cell::Cell;
use std::time::Duration;
use wirestack_laws::{Endpoint, Subject, Traffic, pattern};
use wirestack_layer::{Keepalive, LayerExt, Queue, Seed};
use wirestack_websocket::{
    Accept, Client, ClientRequest, Deflate, Message, Offer, Origins, Part, Server, WebSocketConfig,
};

pub(crate) const CASES: u8 = 3 * VARIANTS;

/// WebSockets that are open from the start.
pub(crate) fn case(number: u8) -> Case {
    let (form, variant) = (number / VARIANTS, number % VARIANTS);
    let client = move || established_client(variant);
    let server = move || established_server(variant);
    let name = format!("websocket {number}");
    let case = match form {
        0 => Case::messages(bounded(
            variant,
            Subject::messages(name, client, server, message),
        )),
        1 => Case::parts(bounded(variant, parts(name, client, server))),
        _ => {
            let (client, server) = (move || client().tunnel(), move || server().tunnel());
            Case::bytes(bounded(variant, Subject::tunnel(name, client, server)))
        }
    };
    if variant % 2 == 0 {
        case.speaking(frames)
    } else {
        case
    }
}

pub(crate) const OPENINGS: u8 = 4;

/// WebSockets with their handshake.
pub(crate) fn opening(number: u8) -> Case {
    let client = move || {
        let request = ClientRequest::new("ws://example.org/chat").unwrap();
        let request = request.subprotocol("a").unwrap().subprotocol("b").unwrap();
        Client::new(request, config(2 * number), Seed::new([7; 32])).unwrap()
    };
    let server = move || Server::new(config(2 * number));
    let subject = Subject::messages(format!("opening {number}"), client, server, message);
    let subject = bounded(0, subject).deciding(move |layer| {
        let Some(server) = layer.part_mut::<Server>() else {
            return false;
        };
        let Some(offer) = server.request() else {
            return false;
        };
        if number == 3 {
            let response = http::Response::builder().status(403);
            let response = response.body(Bytes::from_static(b"not for you")).unwrap();
            server.reject(response).unwrap();
            return true;
        }
        let subprotocol = offer.subprotocols().next().map(str::to_owned);
        let accept = subprotocol.map(|name| Accept::new().subprotocol(name));
        server.accept(accept.unwrap_or_default()).unwrap();
        true
    });
    Case::messages(if number == 3 {
        subject.refused()
    } else {
        subject
    })
}

/// The variants of each form. Every second one gets frames from its stranger, the others bytes.
const VARIANTS: u8 = 10;

fn config(variant: u8) -> WebSocketConfig {
    let mut config = WebSocketConfig::default();
    (config.max_frame, config.max_message) = (400_000, 400_000);
    config.max_fragments = 64;
    match variant / 2 {
        1 | 2 => config.deflate = Some(deflate(variant)),
        3 => (config.largest_frame_sent, config.max_fragments) = (100, 10_000),
        4 => {
            let (interval, timeout) = (Duration::from_secs(5), Duration::from_secs(3));
            config.keepalive = Some(Keepalive { interval, timeout });
        }
        _ => {}
    }
    config
}

fn deflate(variant: u8) -> Deflate {
    let mut deflate = Deflate::default();
    (deflate.threshold, deflate.level) = (1, 1);
    if variant / 2 == 2 {
        (
            deflate.server_no_context_takeover,
            deflate.client_no_context_takeover,
        ) = (true, true);
        (
            deflate.server_max_window_bits,
            deflate.client_max_window_bits,
        ) = (9, 9);
    }
    deflate
}

fn established_server(variant: u8) -> Server {
    let config = config(variant);
    if config.deflate.is_none() {
        return Server::established(config);
    }
    let mut request = request().to_http2(&config);
    *request.method_mut() = http::Method::CONNECT;
    let offer = Offer::of_http2(&request, &Origins::same()).unwrap();
    Server::from_request(&offer, Accept::new(), config)
        .unwrap()
        .0
}

fn established_client(variant: u8) -> Client {
    let (config, seed) = (config(variant), Seed::new([7; 32]));
    if config.deflate.is_none() {
        return Client::established(config, seed);
    }
    let mut asked = request().to_http2(&config);
    *asked.method_mut() = http::Method::CONNECT;
    let offer = Offer::of_http2(&asked, &Origins::same()).unwrap();
    let (_, response) = Server::from_request(&offer, Accept::new(), config.clone()).unwrap();
    Client::from_response(&request(), response, config, seed).unwrap()
}

fn request() -> ClientRequest {
    ClientRequest::new("ws://example.org/chat").unwrap()
}

fn message(size: usize) -> Message {
    if size.is_multiple_of(2) {
        Message::text(String::from_utf8(pattern(size)).unwrap())
    } else {
        Message::binary(pattern(size))
    }
}

fn parts(
    name: String,
    client: impl Fn() -> Client + 'static,
    server: impl Fn() -> Server + 'static,
) -> Subject<Queue<Part>> {
    let (client, server) = (move || client().parts(), move || server().parts());
    Subject::messages(name, client, server, |size| Part::last(message(size))).joining(|parts| {
        let mut whole: Vec<Part> = Vec::new();
        for part in parts {
            match whole.last_mut().filter(|open| !open.last) {
                Some(open) => {
                    let bytes = [open.payload.as_bytes(), part.payload.as_bytes()].concat();
                    let text = part.payload.is_text();
                    open.payload = if text {
                        Message::text(String::from_utf8(bytes).expect("whole characters"))
                    } else {
                        Message::binary(bytes)
                    };
                    open.last = part.last;
                }
                None => whole.push(part.clone()),
            }
        }
        // The last message may be cut anywhere.
        whole
    })
}

/// Adds the promises, and an application that pings, and closes at its fourth word.
fn bounded<F: Traffic>(variant: u8, subject: Subject<F>) -> Subject<F> {
    let words = Cell::new(0_u8);
    let subject = subject
        .marks_end()
        .unit(70 << 10)
        .memory(500_000)
        .poking(move |layer| {
            words.set(words.get().wrapping_add(1));
            poke(layer, words.get());
        });
    // A ping of its own, or compression, makes bytes that depend on time and on pieces.
    if variant / 2 == 0 {
        subject.same_bytes()
    } else {
        subject
    }
}

fn poke<F: Traffic>(layer: &mut Endpoint<F>, word: u8) {
    // Too many pings without an answer are refused, which is fine.
    if let Some(control) = layer.part_mut::<wirestack_websocket::Control>() {
        if word % 16 == 15 {
            let _ = control.close(1000, "enough");
        } else {
            let _ = control.ping(vec![word; usize::from(word % 126)]);
        }
        while control.pong().is_some() {}
    }
}

/// Makes a frame of each two bytes of a head, with the payload behind it.
fn frames(mut script: &[u8], server: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let [first, length, rest @ ..] = script {
        let n = match length {
            255 => rest.len(),
            254 => 126.min(rest.len()),
            n => usize::from(*n).min(rest.len()),
        };
        let (payload, rest) = rest.split_at(n);
        script = rest;
        let mask = if server { 0 } else { 0x80 };
        bytes.push(*first);
        if n < 126 {
            bytes.push(mask | n as u8);
        } else if let Ok(n) = u16::try_from(n) {
            bytes.push(mask | 126);
            bytes.extend_from_slice(&n.to_be_bytes());
        } else {
            bytes.push(mask | 127);
            bytes.extend_from_slice(&(n as u64).to_be_bytes());
        }
        if server {
            bytes.extend_from_slice(payload);
        } else {
            let key = [1, 2, 3, 4];
            bytes.extend_from_slice(&key);
            bytes.extend(
                payload
                    .iter()
                    .zip(key.iter().cycle())
                    .map(|(byte, key)| byte ^ key),
            );
        }
    }
    bytes
}
