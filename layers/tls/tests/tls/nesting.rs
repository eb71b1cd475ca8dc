//! TLS in TLS.

use crate::kit::{
    Link, TO_CLIENT, TO_SERVER, World, client, client_settings, server, server_settings,
};
use std::any::{Any, TypeId};
use wirestack_layer::{End, Error, Flow, Flows, Instant, Layer, LayerExt, Pipe, Progress};
use wirestack_tls::{Client, Server, TlsError, TlsVersions};

/// One layer over another, and the joint between them.
struct Nested<L> {
    lower: L,
    upper: L,
    up: Pipe,
    down: Pipe,
}

impl<L> Nested<L> {
    fn new(lower: L, upper: L, limit: usize) -> Self {
        let [up, down] = [(); 2].map(|()| Pipe::with_limit(limit));
        Self {
            lower,
            upper,
            up,
            down,
        }
    }
}

impl<L: Layer<In = Pipe, Out = Pipe>> Layer for Nested<L> {
    type In = Pipe;
    type Out = Pipe;

    fn name(&self) -> &'static str {
        "nested"
    }

    fn process(&mut self, p: Flows<'_>, now: Instant) {
        loop {
            let before = (self.up.revision(), self.down.revision());
            let lower = Flows::new(p.from_wire, p.to_wire, &mut self.down, &mut self.up);
            self.lower.process(lower.at_index(p.index), now);
            let upper = Flows::new(&mut self.up, &mut self.down, p.from_app, p.to_app);
            self.upper.process(upper.at_index(p.index + 1), now);
            if before == (self.up.revision(), self.down.revision()) {
                return;
            }
        }
    }

    fn is_open(&self) -> bool {
        self.lower.is_open() && self.upper.is_open()
    }

    fn carries_half_close(&self) -> bool {
        self.lower.carries_half_close() && self.upper.carries_half_close()
    }

    fn progress(&self) -> Progress {
        self.upper.progress()
    }

    fn find_part(&self, wanted: &mut dyn FnMut(TypeId) -> bool) -> Option<&dyn Any>
    where
        Self: 'static,
    {
        let upper = self.upper.find_part(wanted);
        upper.or_else(|| self.lower.find_part(wanted))
    }

    fn find_part_mut(&mut self, wanted: &mut dyn FnMut(TypeId) -> bool) -> Option<&mut dyn Any>
    where
        Self: 'static,
    {
        match self.upper.find_part_mut(wanted) {
            Some(part) => Some(part),
            None => self.lower.find_part_mut(wanted),
        }
    }
}

type NestedWorld = World<Nested<Client>, Nested<Server>>;

fn nested(lower: TlsVersions, upper: TlsVersions, limit: usize) -> NestedWorld {
    let clients = [lower, upper].map(|v| client(client_settings().versions(v).alpn([NAMES[0]])));
    let servers = [lower, upper].map(|_| server(server_settings().alpn(NAMES)));
    let [lower, upper] = clients;
    let client = Nested::new(lower, upper, limit);
    let [lower, upper] = servers;
    World::new(client, Nested::new(lower, upper, limit), limit)
}

/// The versions of two nested sessions.
#[derive(Debug)]
struct Pair {
    lower: TlsVersions,
    upper: TlsVersions,
}

/// The pairs that carry a half-close; the other one has a test of its own.
const PAIRS: [Pair; 3] = [
    Pair {
        lower: TlsVersions::Tls12,
        upper: TlsVersions::Tls12,
    },
    Pair {
        lower: TlsVersions::Tls13,
        upper: TlsVersions::Tls12,
    },
    Pair {
        lower: TlsVersions::Tls13,
        upper: TlsVersions::Tls13,
    },
];

const NAMES: [&str; 2] = ["inner", "outer"];

#[test]
fn tls_runs_in_tls() {
    for Pair { lower, upper } in PAIRS {
        for (limit, link) in [
            (1, Link::Whole),
            (100, Link::Chunks(7)),
            (65536, Link::Whole),
            (65536, Link::Chunks(1)),
        ] {
            let mut world = nested(lower, upper, limit).linked(link, link);
            world.converse();
            world.assert_conversed((lower, upper, limit, link));
        }
    }
}

/// A session of TLS 1.2 ends both ways at once, so the data that a session of TLS 1.3 in it still
/// has to send are lost: the stack reports beforehand that it carries no half-close.
#[test]
fn tls_1_2_below_does_not_carry_the_half_close_of_tls_1_3() {
    let mut world = nested(TlsVersions::Tls12, TlsVersions::Tls13, 65536);
    world.settle();
    assert!(!world.client.layer.carries_half_close());
    world.client.from_app.finish();
    world.settle();
    assert!(world.server.finished());
    assert!(matches!(world.client.cause(), TlsError::Truncated));
}

#[test]
fn every_split_of_the_outer_records_gives_the_same() {
    let mut whole = nested(TlsVersions::Tls13, TlsVersions::Tls13, 65536);
    whole.converse();
    for at in (0..whole.carried[TO_SERVER].max(whole.carried[TO_CLIENT])).step_by(11) {
        let link = Link::Split(at);
        let mut world = nested(TlsVersions::Tls13, TlsVersions::Tls13, 65536).linked(link, link);
        world.converse();
        world.assert_conversed(at);
    }
}

#[test]
fn pitfall_31_the_inner_session_ends_before_the_outer_one_and_both_end_cleanly() {
    for Pair { lower, upper } in PAIRS {
        let mut world = nested(lower, upper, 65536);
        world.settle();
        world.client.from_app.finish();
        world.settle();
        // The inner close_notify arrived first, or the outer one had truncated the inner session.
        assert!(world.server.finished(), "{lower:?} {upper:?}");
        let inner = world.client.layer.down.end();
        assert!(matches!(inner, Some(End::Finished)));
        world.server.from_app.finish();
        world.settle();
        assert!(world.client.finished(), "{lower:?} {upper:?}");
        for wire in [&world.client.to_wire, &world.server.to_wire] {
            assert!(matches!(wire.end(), Some(End::Finished)));
        }
    }
}

#[test]
fn pitfall_28_junk_that_an_outer_session_ignores_does_not_reach_the_inner_one() {
    let mut world = nested(TlsVersions::Tls13, TlsVersions::Tls13, 65536);
    world.settle();
    world.client.from_app.finish();
    world.settle();
    world.server.from_wire = Pipe::new();
    world.server.from_wire.write(b"\x17\x03\x03\x00\x05 more");
    world.settle();
    assert!(world.server.from_wire.is_empty());
    assert!(world.server.finished() && world.server.got.is_empty());
}

#[test]
fn a_cut_of_the_outer_session_reaches_the_application_with_its_place() {
    let mut whole = nested(TlsVersions::Tls13, TlsVersions::Tls13, 65536);
    whole.settle();
    let handshakes = whole.carried[TO_SERVER];
    for at in (0..handshakes).step_by(7) {
        let mut world = nested(TlsVersions::Tls13, TlsVersions::Tls13, 65536);
        world.links[TO_SERVER] = Link::Cut(at);
        world.settle();
        let text = world.server.text();
        assert!(
            text.starts_with("tls[0]: the connection ended"),
            "{at}: {text}"
        );
        assert!(world.client.error().is_some(), "{at}");
    }
}

#[test]
fn an_abort_passes_through_both_sessions_and_stays_an_abort() {
    let mut world = nested(TlsVersions::Tls13, TlsVersions::Tls13, 65536);
    world.settle();
    world.client.from_app.write(b"unfinished");
    world
        .client
        .from_app
        .abort(Error::local("app", "had enough"));
    world.settle();
    assert_eq!(world.server.got, b"unfinished");
    assert_eq!(world.server.text(), "app[0]: had enough");
}

#[test]
fn each_session_of_a_stack_has_its_own_facts() {
    let mut world = nested(TlsVersions::Tls12, TlsVersions::Tls13, 65536);
    world.settle();
    let layer = &world.client.layer;
    let facts = |nth| {
        let session = layer.nth_part::<Client>(nth).unwrap();
        session.status().facts.to_string()
    };
    assert!(facts(0).starts_with("TLSv1.3"), "{}", facts(0));
    assert!(facts(1).starts_with("TLSv1.2"), "{}", facts(1));
    assert!(layer.nth_part::<Client>(2).is_none());
}
