//! Sessions: a conversation in every split, and the facts about it.

use crate::kit::{
    AUTHORITY, BOTH, Link, TO_CLIENT, TO_SERVER, TlsWorld, World, client, client_of,
    client_settings, server, server_settings, with, world,
};
use wirestack_layer::{Flow, Layer, LayerExt, Progress};
use wirestack_tls::rustls::ProtocolVersion;
use wirestack_tls::{Client, TlsVersions};

#[test]
fn both_versions_carry_a_conversation_however_it_is_chopped() {
    for versions in BOTH {
        for link in [
            Link::Whole,
            Link::Chunks(1),
            Link::Chunks(7),
            Link::Chunks(1000),
        ] {
            let mut world = world(versions).linked(link, link);
            world.converse();
            world.assert_conversed((versions, link));
            assert!(matches!(world.client.layer.progress(), Progress::Over));
            assert!(matches!(world.server.layer.progress(), Progress::Over));
        }
    }
}

#[test]
fn every_split_gives_the_same() {
    for versions in BOTH {
        let mut whole = world(versions);
        whole.converse();
        for at in (1..whole.carried[TO_SERVER]).step_by(3) {
            let mut world = world(versions).linked(Link::Split(at), Link::Whole);
            world.converse();
            world.assert_conversed((versions, "to the server", at));
        }
        for at in (1..whole.carried[TO_CLIENT]).step_by(3) {
            let mut world = world(versions).linked(Link::Whole, Link::Split(at));
            world.converse();
            world.assert_conversed((versions, "to the client", at));
        }
    }
}

#[test]
fn both_sides_show_what_was_agreed() {
    struct Row {
        allowed: TlsVersions,
        version: ProtocolVersion,
        facts_begin: &'static str,
    }
    for row in [
        Row {
            allowed: TlsVersions::Tls12,
            version: ProtocolVersion::TLSv1_2,
            facts_begin: "TLSv1.2 TLS_ECDHE_ECDSA_WITH_",
        },
        Row {
            allowed: TlsVersions::Tls13,
            version: ProtocolVersion::TLSv1_3,
            facts_begin: "TLSv1.3 TLS13_",
        },
    ] {
        let protocols = ["h2", "http/1.1"];
        let mut world = with(
            client_settings().versions(row.allowed).alpn(protocols),
            server_settings().alpn(["http/1.1"]),
        );
        assert_eq!(world.client.layer.status().facts.to_string(), "");
        assert_eq!(world.client.layer.version(), None);
        assert!(!world.client.layer.is_open());
        world.settle();
        let (client, server) = (&world.client.layer, &world.server.layer);
        for facts in [
            client.status().facts.to_string(),
            server.status().facts.to_string(),
        ] {
            assert!(facts.starts_with(row.facts_begin), "{facts}");
            assert!(facts.ends_with(", alpn http/1.1"), "{facts}");
        }
        assert_eq!(client.alpn(), Some(&b"http/1.1"[..]));
        assert_eq!(server.alpn(), Some(&b"http/1.1"[..]));
        assert_eq!(client.version(), Some(row.version));
        assert_eq!(server.version(), Some(row.version));
        assert_eq!(client.suite(), server.suite());
        assert!(client.suite().is_some());
        assert_eq!(client.peer_certificates().map(<[_]>::len), Some(1));
        assert_eq!(server.peer_certificates(), None);
        assert_eq!(server.server_name(), Some("example.org"));
        assert!(client.is_open() && server.is_open());
    }
}

#[test]
fn the_newest_version_is_spoken_where_both_are_allowed() {
    let spoken = |client: TlsVersions, server: TlsVersions| {
        let mut world = with(
            client_settings().versions(client),
            server_settings().versions(server),
        );
        world.settle();
        world.client.layer.version().unwrap()
    };
    let (tls_1_2, tls_1_3) = (ProtocolVersion::TLSv1_2, ProtocolVersion::TLSv1_3);
    assert_eq!(spoken(TlsVersions::Both, TlsVersions::Both), tls_1_3);
    assert_eq!(spoken(TlsVersions::Both, TlsVersions::Tls12), tls_1_2);
    assert_eq!(spoken(TlsVersions::Tls13, TlsVersions::Both), tls_1_3);
    assert_eq!(TlsVersions::default(), TlsVersions::Both);
}

#[test]
fn progress_names_what_is_awaited() {
    let mut world = world(TlsVersions::Tls13);
    let progress = world.client.layer.progress();
    assert_eq!(progress, Progress::Opening("the peer's Hello"));
    world.settle();
    assert_eq!(world.client.layer.progress(), Progress::Open);
    world.client.from_app.finish();
    world.settle();
    let progress = world.client.layer.progress();
    assert_eq!(progress, Progress::Closing("the peer's close_notify"));
    assert_eq!(world.server.layer.progress(), Progress::Open);
}

#[test]
fn a_server_may_speak_first() {
    for versions in BOTH {
        let mut world = world(versions);
        world.server.from_app.write(b"220 ready");
        world.settle();
        assert_eq!(world.client.got, b"220 ready");
    }
}

#[test]
fn data_right_behind_the_handshake_are_delivered_in_the_same_call() {
    let mut world = world(TlsVersions::Tls13);
    let (client, server) = (&mut world.client, &mut world.server);
    client.from_app.write(b"hello");
    client.step();
    client.to_wire.transfer_to(&mut server.from_wire);
    server.step();
    server.to_wire.transfer_to(&mut client.from_wire);
    client.step(); // its Finished, and its data right behind
    client.to_wire.transfer_to(&mut server.from_wire);
    assert!(!server.layer.is_open());
    server.step();
    assert!(server.layer.is_open());
    assert_eq!(server.to_app.unread(), b"hello");

    let mut world = self::world(TlsVersions::Tls12);
    let (client, server) = (&mut world.client, &mut world.server);
    server.from_app.write(b"hello");
    for _ in 0..2 {
        client.step();
        client.to_wire.transfer_to(&mut server.from_wire);
        server.step();
        server.to_wire.transfer_to(&mut client.from_wire);
    }
    assert!(!client.layer.is_open());
    client.step();
    assert!(client.layer.is_open());
    assert_eq!(client.to_app.unread(), b"hello");
}

#[test]
fn a_client_of_an_address_checks_the_address_and_names_nobody() {
    let (chain, key) = AUTHORITY.issue(&["192.0.2.1", "2001:db8::1"], |_| {});
    let settings = wirestack_tls::ServerSettings::new(chain, key);
    for host in ["192.0.2.1", "[2001:db8::1]"] {
        let client = client_of(host, client_settings());
        let mut world = World::new(client, server(settings.clone()), 65536);
        world.converse();
        world.assert_conversed(host);
        assert_eq!(world.server.layer.server_name(), None);
    }
}

#[test]
fn megabytes_pass_through_small_pipes() {
    let data: Vec<u8> = (0..3 << 20).map(|i: usize| (i / 7) as u8).collect();
    for versions in BOTH {
        for limit in [1, 100, 65536] {
            let mut world: TlsWorld = World::new(
                client(client_settings().versions(versions)),
                server(server_settings()),
                limit,
            );
            world.client.from_app.push(data.clone().into());
            world.settle();
            assert!(world.server.got == data, "{versions:?} {limit}");
            world.server.from_app.push(data.clone().into());
            world.settle();
            assert!(world.client.got == data, "{versions:?} {limit}");
            for side in [world.client.peak, world.server.peak] {
                assert!(side[0] <= limit + RECORD, "{side:?}");
                assert!(side[1] <= limit + RECORD, "{side:?}");
            }
        }
    }
}

#[test]
fn a_layer_is_found_by_its_type() {
    let boxed: Box<dyn Layer<In = _, Out = _>> = Box::new(client(client_settings()));
    assert!(boxed.part::<Client>().is_some());
    assert!(boxed.part::<wirestack_tls::Server>().is_none());
    assert_eq!(boxed.name(), "tls");
}

#[test]
fn a_session_can_be_resumed() {
    for versions in BOTH {
        let trust = client_settings().versions(versions).build().unwrap();
        let settings = server_settings().build().unwrap();
        for resumed in [false, true] {
            let name = wirestack_tls::server_name("example.org").unwrap();
            let client = Client::new(trust.clone(), name).unwrap();
            let server = wirestack_tls::Server::new(settings.clone()).unwrap();
            let mut world = World::new(client, server, 65536);
            world.converse();
            world.assert_conversed((versions, resumed));
            let kind = world.client.layer.connection().handshake_kind().unwrap();
            let is_resumed = kind == wirestack_tls::rustls::HandshakeKind::Resumed;
            assert_eq!(is_resumed, resumed, "{versions:?}");
        }
    }
}

/// The largest record on the wire (RFC 8446 §5.2).
const RECORD: usize = 5 + 16384 + 256;

/// X25519MLKEM768 (0x11EC) and X25519 (0x001D): RFC 8446 §4.2.8, draft-ietf-tls-ecdhe-mlkem §4.
#[cfg(feature = "aws-lc-rs")]
#[test]
fn pitfall_77_the_first_key_share_resists_quantum_computers() {
    let mut side = crate::kit::Side::new(client(client_settings()), 65536);
    side.step();
    let shares = key_shares(side.to_wire.unread());
    assert_eq!(shares[0], (0x11ec, 1184 + 32));
    assert!(shares.contains(&(0x001d, 32)), "{shares:x?}"); // for servers that have no other
    let mut world = world(TlsVersions::Tls13);
    world.converse();
    world.assert_conversed("X25519MLKEM768");
}

/// Returns the group and the length of each key share of a ClientHello (RFC 8446 §4.1.2).
#[cfg(feature = "aws-lc-rs")]
fn key_shares(record: &[u8]) -> Vec<(u16, usize)> {
    let number = |bytes: &[u8]| bytes.iter().fold(0, |n, byte| n << 8 | usize::from(*byte));
    /// Takes a field behind its length.
    fn counted<'a>(bytes: &mut &'a [u8], width: usize) -> &'a [u8] {
        let (length, rest) = bytes.split_at(width);
        let length = length.iter().fold(0, |n, byte| n << 8 | usize::from(*byte));
        let (field, rest) = rest.split_at(length);
        *bytes = rest;
        field
    }
    let mut hello = &record[5 + 4 + 2 + 32..]; // record, message, version, random
    counted(&mut hello, 1); // session
    counted(&mut hello, 2); // cipher suites
    counted(&mut hello, 1); // compression methods
    let mut extensions = counted(&mut hello, 2);
    let mut shares = Vec::new();
    while !extensions.is_empty() {
        let (kind, rest) = extensions.split_at(2);
        extensions = rest;
        let mut body = counted(&mut extensions, 2);
        if number(kind) != 51 {
            continue;
        }
        let mut entries = counted(&mut body, 2);
        while !entries.is_empty() {
            let (group, rest) = entries.split_at(2);
            entries = rest;
            let key = counted(&mut entries, 2);
            shares.push((u16::try_from(number(group)).unwrap(), key.len()));
        }
    }
    shares
}
