//! Stacks keep the laws of every layer, and no grouping differs from another.

use wirestack::{
    BoxLayer, BoxSocket, End, Engine, Flow, Instant, Layer, LayerExt, Nest, Pipe, Queue, Seed,
    Stack, http1, http2, socks, websocket,
};
use wirestack_laws::{
    Endpoint, Subject, Traffic, associativity, check, delivery, ordering, pattern,
};
use wirestack_tests::Kind::{
    Bind, Connect, Http2, ProxyHeader, Socks, Socks4, Tls, Tls12, WebSocket,
};
use wirestack_tests::{Kind, Role, SHAPES, Shape, http2_config, nest};

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
        associativity(&each(SHAPES, |shape| tunnel(kinds, shape)));
    }
}

/// The layer that makes the frames is on top. The layers below it become transparent, so the joints
/// may have any limit.
#[test]
fn groupings_under_frames_write_the_same_bytes() {
    for kinds in [
        &[Socks, WebSocket][..],
        &[Socks, Connect, WebSocket],
        &[Socks, Http2],
        &[Connect, Socks, Http2],
    ] {
        associativity(&each(SHAPES, |shape| tunnel(kinds, shape)));
    }
    associativity(&each(SHAPES, |shape| socket(&[Socks, Connect], shape)));
}

/// A frame carries no more than the joint above it holds, so the joints have one limit.
#[test]
fn groupings_over_frames_write_the_same_bytes() {
    for limit in [100, 1000, 65536] {
        for kinds in [
            &[WebSocket, Socks][..],
            &[Http2, Socks],
            &[Http2, WebSocket],
            &[Socks, Http2, WebSocket],
        ] {
            associativity(&each(&groupings(limit), |shape| tunnel(kinds, shape)));
        }
    }
    // A smaller joint holds back the error of a broken wire, and HTTP/2 then stops its application
    // with another reason.
    for limit in [1000, 65536] {
        associativity(&each(&groupings(limit), |shape| extended(&[Socks], shape)));
    }
}

/// Two layers over HTTP/2 make each grouping cut its frames in its own way. Within one grouping,
/// bypassing changes nothing.
#[test]
fn bypassed_or_not_two_layers_over_frames_write_the_same_bytes() {
    for halves in groupings(1000).chunks(2) {
        let kinds = &[Http2, Connect, Http2];
        associativity(&each(halves, |shape| tunnel(kinds, shape)));
    }
}

/// TLS draws its keys from the randomness of the system: the key exchange of `aws-lc-rs` takes no
/// seed. Its bytes differ each time, so only the deliveries can be compared.
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
    check(&extended(&[Socks, Tls], SHAPES[0]));
}

/// The upper layer waits for the rest of its unit, which will never come: the lower one must not
/// wait until it takes the beginning.
#[test]
fn a_fault_is_reported_although_the_layer_above_has_a_part_of_a_unit() {
    for shape in SHAPES {
        let mut engine = Engine::new(nest(&[WebSocket, Socks], Role::Server, *shape));
        engine
            .from_wire()
            .write(b"\x82\x81\0\0\0\0\x05\x8e\x80\0\0\0\0");
        engine.process(Instant::ORIGIN);
        let Some(End::Aborted(error)) = engine.to_app().closed() else {
            panic!("it goes on: {}", engine.progress());
        };
        let wanted = websocket::WebSocketError::UnknownOpcode(14);
        assert_eq!(error.cause(), Some(&wanted), "{error}");
    }
}

fn tunnel(kinds: &'static [Kind], shape: Shape) -> Subject<Pipe> {
    let side = move |role| move || nest(kinds, role, shape);
    let name = format!("{kinds:?} {shape:?}");
    let subject = Subject::tunnel(name, side(Role::Client), side(Role::Server));
    promising(subject, kinds, shape)
}

fn socket(kinds: &'static [Kind], shape: Shape) -> Subject<Queue<websocket::Message>> {
    let over = move |role, top: BoxSocket| -> BoxSocket {
        let joint = Stack::new(nest(kinds, role, shape), top).with_limit(shape.limit);
        joint.with_bypass(shape.bypass).boxed()
    };
    let client = move || {
        let request = websocket::ClientRequest::new("ws://example.org/").unwrap();
        let settings = websocket::WebSocketConfig::default();
        let client = websocket::Client::new(request, settings, Seed::new([3; 32]));
        over(Role::Client, client.unwrap().boxed())
    };
    let server = move || {
        let server = websocket::Server::new(websocket::WebSocketConfig::default());
        over(Role::Server, server.boxed())
    };
    let sample = |size| match size % 2 {
        0 => websocket::Message::text(String::from_utf8(pattern(size)).unwrap()),
        _ => websocket::Message::binary(pattern(size)),
    };
    let name = format!("WebSocket over {kinds:?} {shape:?}");
    let subject = Subject::messages(name, client, server, sample);
    promising(subject, kinds, shape).marks_end()
}

/// A WebSocket over extended CONNECT over these tunnels.
fn extended(kinds: &'static [Kind], shape: Shape) -> Subject<Queue<websocket::Message>> {
    let client = move || {
        let settings = websocket::WebSocketConfig::default();
        let request = websocket::ClientRequest::new("wss://example.org/chat").unwrap();
        let asked =
            http2::ConnectRequest::extended("websocket", request.to_http2(&settings)).unwrap();
        let tunnel = http2::Client::new(asked, http2_config());
        let answered = move |response| {
            websocket::Client::from_response(&request, response, settings, Seed::new([3; 32]))
        };
        let below = nest(kinds, Role::Client, shape);
        if shape.right {
            let socket = tunnel.then(|tunnel| answered(tunnel.response().cloned().unwrap()));
            joined(shape, Stack::new(below, joined(shape, socket)))
        } else {
            let tunnel = joined(shape, Stack::new(below, tunnel));
            let socket = tunnel.then(|below| {
                // A part of the box: the reference does not live long enough to be searched.
                let tunnel = (*below).part::<http2::Client>().unwrap();
                answered(tunnel.response().cloned().unwrap())
            });
            joined(shape, socket)
        }
    };
    let server = move || {
        let tunnel = http2::Server::new(http2_config());
        let socket = websocket::Server::established(websocket::WebSocketConfig::default());
        let below = nest(kinds, Role::Server, shape);
        if shape.right {
            let socket = joined(shape, Stack::new(tunnel, socket));
            joined(shape, Stack::new(below, socket))
        } else {
            let tunnel = joined(shape, Stack::new(below, tunnel));
            joined(shape, Stack::new(tunnel, socket))
        }
    };
    let sample = |size| websocket::Message::binary(pattern(size));
    let name = format!("WebSocket over extended CONNECT over {kinds:?} {shape:?}");
    let subject = Subject::messages(name, client, server, sample);
    promising(subject, &[kinds, &[Http2]].concat(), shape).marks_end()
}

fn joined<L, U>(shape: Shape, stack: Stack<L, U>) -> BoxLayer<U::In, U::Out>
where
    L: Layer<In = Pipe, Out = Pipe> + Send + 'static,
    U: Layer + Send + 'static,
{
    let stack = stack.with_limit(shape.limit);
    stack.with_bypass(shape.bypass).boxed()
}

/// Every grouping over joints of one limit, bypassed and not.
fn groupings(limit: usize) -> [Shape; 4] {
    let all = [(true, true), (true, false), (false, true), (false, false)];
    all.map(|(right, bypass)| Shape {
        right,
        bypass,
        limit,
    })
}

fn each<F: Traffic>(shapes: &[Shape], make: impl Fn(Shape) -> Subject<F>) -> Vec<Subject<F>> {
    shapes.iter().copied().map(make).collect()
}

/// Adds the promises of a stack of these layers.
fn promising<F: Traffic>(subject: Subject<F>, kinds: &[Kind], shape: Shape) -> Subject<F> {
    let held = |kind: &Kind| match kind {
        Http2 => 90 << 10,
        Tls | Tls12 => 20 << 10,
        _ => 1 << 10,
    };
    let joints = (kinds.len() + 1) * (2 * shape.limit + (1 << 10));
    let unit = joints + kinds.iter().map(held).sum::<usize>() * 2;
    let subject = subject.deciding(decide).unit(unit).samples(20);
    let subject = subject.limits(&[100, 65536]).largest(300_000);
    let any = |some: &[Kind]| kinds.iter().any(|kind| some.contains(kind));
    // WebSocket and HTTP/2 fill their frames with the bytes that wait, and TLS is random.
    let subject = if any(&[Tls, Tls12]) {
        subject.marks_end()
    } else if any(&[Http2, WebSocket]) {
        subject.marks_end().repeatable()
    } else {
        subject.same_bytes()
    };
    subject.memory(17 << 20)
}

/// Accepts every request that a server of the stack waits with.
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
