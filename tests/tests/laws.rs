//! Stacks keep the laws of every layer, and cannot be told apart by how they are grouped.

use wirestack::{
    BoxSocket, LayerExt, Nest, Pipe, Queue, Seed, Stack, http1, http2, socks, websocket,
};
use wirestack_laws::{
    Endpoint, Subject, Traffic, associativity, check, delivery, ordering, pattern,
};
use wirestack_tests::Kind::{
    Bind, Connect, Http2, ProxyHeader, Socks, Socks4, Tls, Tls12, WebSocket,
};
use wirestack_tests::{Kind, Role, SHAPES, Shape, http2_settings, nest};

const PAIRS: &[&[Kind]] = &[
    &[Socks, Connect],
    &[Connect, Tls],
    &[Tls, Connect],
    &[Tls, Tls],
    &[Tls, Tls12],
    &[Tls, WebSocket],
    &[Tls, Http2],
    &[Http2, Tls],
    &[ProxyHeader, Tls],
    &[Socks4, Connect],
    &[Connect, Bind],
];

const TRIPLES: &[&[Kind]] = &[
    &[Socks, Connect, Tls],
    &[Socks, Tls, Connect],
    &[Socks, Socks, Connect],
    &[Connect, Tls, WebSocket],
    &[Socks, Tls, Http2],
    &[Http2, Tls, Http2],
    &[ProxyHeader, Socks4, Bind],
];

#[test]
fn nestings_of_two_keep_the_laws() {
    for kinds in PAIRS {
        check(&tunnel(kinds, SHAPES[0]));
    }
}

#[test]
fn nestings_of_three_keep_the_laws() {
    for kinds in TRIPLES {
        check(&tunnel(kinds, SHAPES[1]));
    }
}

#[test]
fn groupings_of_tunnels_cannot_be_told_apart() {
    for kinds in [
        &[Socks, Connect][..],
        &[Connect, Socks],
        &[Socks, Connect, Socks],
        &[ProxyHeader, Socks4],
        &[Bind, ProxyHeader, Connect],
    ] {
        let subjects: Vec<_> = SHAPES.iter().map(|shape| tunnel(kinds, *shape)).collect();
        associativity(&subjects);
    }
}

/// Where TLS or a WebSocket cuts the bytes by what is there, the two directions are not in step, and
/// only what is delivered can be compared.
#[test]
fn every_grouping_delivers_the_same() {
    for kinds in PAIRS.iter().chain(TRIPLES) {
        for shape in SHAPES {
            let subject = tunnel(kinds, *shape);
            delivery(&subject);
            ordering(&subject.samples(6));
        }
    }
}

#[test]
fn a_websocket_over_tls_over_connect_over_socks_keeps_the_laws() {
    let kinds = &[Socks, Connect, Tls];
    check(&socket(kinds, SHAPES[0]));
    for shape in &SHAPES[1..] {
        delivery(&socket(kinds, *shape));
    }
}

#[test]
fn a_websocket_over_http2_over_tls_over_socks_keeps_the_laws() {
    let over = |role, top: BoxSocket| -> BoxSocket {
        Stack::new(nest(&[Socks, Tls], role, SHAPES[0]), top).boxed()
    };
    let client = move || {
        let request = websocket::Request::new("wss://example.org/chat").unwrap();
        let asked = http2::Request::extended(
            "websocket",
            request.to_http2(&websocket::Settings::default()),
        )
        .unwrap();
        let tunnel = http2::Client::new(asked, http2_settings()).unwrap();
        let socket = tunnel.then(move |tunnel| {
            let response = tunnel.response().cloned().unwrap();
            let settings = websocket::Settings::default();
            websocket::Client::answered(&request, response, settings, Seed::new([3; 32]))
        });
        over(Role::Client, socket.boxed())
    };
    let server = move || {
        let tunnel = http2::Server::new(http2_settings());
        let settings = websocket::Settings::default();
        let socket = websocket::Server::established(settings);
        over(Role::Server, socket.over(tunnel).boxed())
    };
    let sample = |size| websocket::Message::binary(pattern(size));
    let name = "WebSocket over extended CONNECT over TLS over SOCKS5";
    let subject = Subject::messages(name, client, server, sample);
    check(&stated(subject, &[Socks, Tls, Http2], SHAPES[0]).marks_end());
}

fn tunnel(kinds: &'static [Kind], shape: Shape) -> Subject<Pipe> {
    let side = move |role| move || nest(kinds, role, shape);
    let name = format!("{kinds:?} {shape:?}");
    let subject = Subject::tunnel(name, side(Role::Client), side(Role::Server));
    stated(subject, kinds, shape)
}

fn socket(kinds: &'static [Kind], shape: Shape) -> Subject<Queue<websocket::Message>> {
    let over = move |role, top: BoxSocket| -> BoxSocket {
        let joint = Stack::new(nest(kinds, role, shape), top).with_limit(shape.limit);
        joint.with_bypass(shape.bypass).boxed()
    };
    let client = move || {
        let request = websocket::Request::new("ws://example.org/").unwrap();
        let settings = websocket::Settings::default();
        let client = websocket::Client::new(request, settings, Seed::new([3; 32]));
        over(Role::Client, client.unwrap().boxed())
    };
    let server = move || {
        let server = websocket::Server::new(websocket::Settings::default());
        over(Role::Server, server.boxed())
    };
    let sample = |size| match size % 2 {
        0 => websocket::Message::text(String::from_utf8(pattern(size)).unwrap()),
        _ => websocket::Message::binary(pattern(size)),
    };
    let name = format!("WebSocket over {kinds:?} {shape:?}");
    let subject = Subject::messages(name, client, server, sample);
    stated(subject, kinds, shape).marks_end()
}

/// What a stack of these layers promises.
fn stated<F: Traffic>(subject: Subject<F>, kinds: &[Kind], shape: Shape) -> Subject<F> {
    let held = |kind: &Kind| match kind {
        Http2 => 90 << 10,
        Tls | Tls12 => 20 << 10,
        _ => 1 << 10,
    };
    let joints = (kinds.len() + 1) * (2 * shape.limit + (1 << 10));
    let unit = joints + kinds.iter().map(held).sum::<usize>() * 2;
    let subject = subject.deciding(decide).unit(unit).samples(20);
    let subject = subject.limits(&[100, 65536]).largest(300_000);
    // WebSocket and HTTP/2 cut what they carry by what is there, and TLS is random.
    let subject = match kinds
        .iter()
        .any(|k| matches!(k, Http2 | Tls | Tls12 | WebSocket))
    {
        true => subject.marks_end(),
        false => subject.same_bytes(),
    };
    subject.memory(17 << 20)
}

/// Accepts whatever a server of the stack waits with.
fn decide<F: Traffic>(layer: &mut Endpoint<F>) -> bool {
    let mut decided = false;
    for nth in 0.. {
        let Some(server) = layer.nth_part_mut::<socks::Server>(nth) else {
            break;
        };
        if server.request().is_some() {
            server.accept(socks::Address::new("192.0.2.1", 40000).unwrap());
            decided = true;
        } else if server.listening().is_some() {
            server.connected(socks::Address::new("192.0.2.7", 4711).unwrap());
            decided = true;
        }
    }
    for nth in 0.. {
        let Some(server) = layer.nth_part_mut::<http2::Server>(nth) else {
            break;
        };
        if server.request().is_some() {
            server.accept(http::HeaderMap::new());
            decided = true;
        }
    }
    if let Some(server) = layer.part_mut::<http1::connect::Server>()
        && server.request().is_some()
    {
        server.accept(http::HeaderMap::new());
        decided = true;
    }
    if let Some(server) = layer.part_mut::<websocket::Server>()
        && server.request().is_some()
    {
        server.accept(websocket::Accept::new()).unwrap();
        decided = true;
    }
    decided
}
