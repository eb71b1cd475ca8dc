//! Nests of two layers.

use super::Case;
use wirestack_http1::connect;
use wirestack_http2 as http2;
use wirestack_laws::{Endpoint, Subject};
use wirestack_layer::{LayerExt, Pipe};
use wirestack_socks as socks;
use wirestack_tests::Kind::{
    self, Bind, Connect, Http2, ProxyHeader, Socks, Socks4, Tls, Tls12, WebSocket,
};
use wirestack_tests::{Role, SHAPES, nest};

pub(crate) const CASES: u8 = 24;

pub(crate) fn case(number: u8) -> Case {
    let kinds = NESTS[usize::from(number) % NESTS.len()];
    let shape = SHAPES[usize::from(number) / NESTS.len()];
    let side = move |role| move || nest(&kinds, role, shape);
    let name = format!("{kinds:?} {shape:?}");
    let subject = Subject::tunnel(name, side(Role::Client), side(Role::Server));
    let held = |kind: &Kind| match kind {
        Http2 => 90 << 10,
        Tls | Tls12 => 20 << 10,
        WebSocket => 70 << 10,
        _ => 1 << 10,
    };
    let joints = (kinds.len() + 1) * (2 * shape.limit + (1 << 10));
    let unit = joints + kinds.iter().map(held).sum::<usize>() * 2;
    let marked = kinds
        .iter()
        .any(|kind| matches!(kind, Http2 | Tls | Tls12 | WebSocket));
    let subject = subject.deciding(decide).unit(unit).limits(&[100, 65536]);
    let subject = if marked {
        subject.marks_end()
    } else {
        subject.same_bytes()
    };
    let case = Case::bytes(subject.memory(17 << 20));
    if kinds.contains(&Http2) {
        return case.compared_as_server();
    }
    case
}

/// Given from the wire up.
const NESTS: [[Kind; 2]; 12] = [
    [Socks, Connect],
    [Connect, Socks4],
    [Connect, Bind],
    [ProxyHeader, Connect],
    [Socks, WebSocket],
    [WebSocket, Socks],
    [Socks, Http2],
    [Http2, Socks],
    [Http2, WebSocket],
    [WebSocket, Http2],
    [Connect, Tls],
    [Tls12, Http2],
];

/// Accepts every request that a server of the nest waits with.
fn decide(layer: &mut Endpoint<Pipe>) -> bool {
    let address = || socks::Address::new("192.0.2.1", 40000).unwrap();
    if let Some(server) = layer.part_mut::<socks::Server>() {
        if server.request().is_some() {
            server.accept(address());
            return true;
        }
        if server.listening().is_some() {
            server.connected(address());
            return true;
        }
    }
    let server = layer.part_mut::<http2::Server>();
    if let Some(server) = server.filter(|server| server.request().is_some()) {
        server.accept(http::HeaderMap::new());
        return true;
    }
    let server = layer.part_mut::<connect::Server>();
    if let Some(server) = server.filter(|server| server.request().is_some()) {
        server.accept(http::HeaderMap::new());
        return true;
    }
    false
}
