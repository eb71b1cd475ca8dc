//! Records: how bytes fill them, how they are held back, and when their keys are renewed.

use crate::kit::{
    ASKED, BOTH, Side, TlsWorld, World, client_settings, server, server_settings, world,
};
use std::sync::Arc;
use wirestack_layer::{Blame, Flow, Layer};
use wirestack_tls::rustls::crypto::CryptoProvider;
use wirestack_tls::rustls::{
    CipherSuiteCommon, ClientConfig, SupportedCipherSuite, Tls12CipherSuite, Tls13CipherSuite,
};
use wirestack_tls::{Client, TlsError, TlsVersions, server_name};

/// The lengths of the records that wait to be sent, without their headers.
fn records<L: Layer>(side: &mut Side<L>) -> Vec<usize> {
    let mut lengths = Vec::new();
    let mut rest = side.to_wire.unread();
    while let [_, _, _, high, low, ..] = *rest {
        let length = usize::from(u16::from_be_bytes([high, low]));
        lengths.push(length);
        rest = &rest[5 + length..];
    }
    lengths
}

#[test]
fn small_pieces_share_a_record_and_large_ones_are_filled_up() {
    let mut world = world(TlsVersions::Tls13);
    world.settle();
    let side = &mut world.client;
    side.from_app.write(&[1; 4]);
    side.from_app.push(vec![2; 20_000].into());
    side.from_app.write(&[3; 4]);
    side.step();
    // RFC 8446 §5.2: one byte of type, 16 of the tag.
    assert_eq!(records(side), [16384 + 17, 20_008 - 16384 + 17]);
    world.settle();
    let sent = [&[1; 4][..], &[2; 20_000], &[3; 4]].concat();
    assert!(world.server.got == sent);
}

#[test]
fn many_chunks_arrive_in_order() {
    let mut world = world(TlsVersions::Tls13);
    let mut sent = Vec::new();
    for i in 0..40_u8 {
        let chunk = vec![i; 4096 + usize::from(i)];
        sent.extend_from_slice(&chunk);
        world.client.from_app.push(chunk.into());
        world.client.from_app.write(&[i; 3]);
        sent.extend_from_slice(&[i; 3]);
    }
    world.settle();
    assert!(world.server.got == sent);
}

#[test]
fn without_room_nothing_is_encrypted_and_no_more_than_a_record_overshoots() {
    for versions in BOTH {
        let mut world = world(versions);
        world.settle();
        let side = &mut world.client;
        side.to_wire.set_limit(0);
        side.from_app.write(&[0; 50_000]);
        side.from_app.finish();
        side.step();
        assert!(side.to_wire.is_empty() && !side.to_wire.is_closed());
        assert_eq!(side.from_app.len(), 50_000);
        side.to_wire.set_limit(1);
        side.step();
        assert_eq!(records(side).len(), 1);
        assert_eq!(side.from_app.len(), 50_000 - 16384);
    }
}

#[test]
fn without_room_neither_a_handshake_nor_an_end_is_sent() {
    for versions in BOTH {
        let mut world = world(versions);
        world.client.to_wire.set_limit(0);
        world.client.step();
        assert!(world.client.to_wire.is_empty(), "no ClientHello");
        world.client.to_wire.set_limit(65536);
        world.settle();
        assert!(world.client.layer.is_open());
        world.client.to_wire.set_limit(0);
        world.client.from_app.finish();
        world.client.step();
        let to_wire = &world.client.to_wire;
        assert!(
            to_wire.is_empty() && !to_wire.is_closed(),
            "no close_notify"
        );
        world.client.to_wire.set_limit(65536);
        world.settle();
        assert!(world.server.finished());
    }
}

#[test]
fn without_room_nothing_is_decrypted() {
    for versions in BOTH {
        let mut world = world(versions);
        world.settle();
        world.server.to_app.set_limit(0);
        world.client.from_app.write(ASKED);
        world.settle();
        assert!(world.server.to_app.is_empty() && !world.server.from_wire.is_empty());
        world.server.to_app.set_limit(1);
        world.server.reads = false;
        world.client.from_app.write(ASKED);
        world.settle();
        assert_eq!(world.server.to_app.unread(), ASKED);
        world.server.reads = true;
        world.settle();
        assert_eq!(world.server.got, [ASKED, ASKED].concat());
    }
}

#[test]
fn a_buffer_for_a_long_unit_grows_seldom_and_never_far_beyond_what_has_arrived() {
    const UNIT: usize = 1 << 20;
    let mut world = world(TlsVersions::Tls13);
    world.settle();
    let (client, server) = (&mut world.client, &mut world.server);
    let (mut arrived, mut capacities) = (0, Vec::new());
    for _ in 0..UNIT / 4096 {
        client.from_app.write(&[7; 4096]);
        client.step();
        server.from_wire.write(client.to_wire.unread());
        client.to_wire.discard();
        server.to_app.require(UNIT);
        server.step();
        arrived += 4096;
        assert_eq!(server.to_app.len(), arrived);
        let capacity = server.to_app.capacity();
        assert!(
            capacity <= 8 * arrived + (1 << 16),
            "{capacity} bytes for {arrived}"
        );
        capacities.push(capacity);
    }
    capacities.dedup();
    assert!(capacities.len() <= 6, "it grew too often: {capacities:?}");
    assert!(capacities.last() <= Some(&(2 * UNIT)));
}

#[test]
fn a_partial_record_requires_the_rest_of_it() {
    let mut world = world(TlsVersions::Tls13);
    world.settle();
    world.client.from_app.write(&[7; 3000]);
    world.client.step();
    let record = world.client.to_wire.take(world.client.to_wire.len());
    let side = &mut world.server;
    assert_eq!(side.from_wire.required(), 5);
    side.from_wire.write(&record[..4]);
    side.step();
    assert_eq!(side.from_wire.required(), 5);
    side.from_wire.write(&record[4..100]);
    side.step();
    assert_eq!(side.from_wire.required(), record.len());
    side.from_wire.write(&record[100..]);
    side.step();
    assert_eq!(side.to_app.unread(), [7; 3000]);
}

#[test]
fn an_idle_session_holds_nothing_in_its_pipes() {
    for versions in BOTH {
        let mut world = world(versions);
        world.client.from_app.write(&[1; 100_000]);
        world.server.from_app.write(&[2; 100_000]);
        world.settle();
        let (c, s) = (&world.client, &world.server);
        for pipe in [
            &c.from_wire,
            &c.to_wire,
            &c.from_app,
            &s.from_wire,
            &s.to_wire,
            &s.from_app,
        ] {
            assert_eq!(pipe.capacity(), 0);
        }
    }
}

#[test]
fn keys_are_renewed_in_tls_1_3_both_ways() {
    let mut world = worn(TlsVersions::Tls13);
    let mut sent = Vec::new();
    for i in 0..60_u8 {
        world.client.from_app.write(&[i; 10]);
        world.server.from_app.write(&[i; 10]);
        sent.extend_from_slice(&[i; 10]);
        world.settle();
    }
    assert_eq!(world.server.got, sent);
    assert_eq!(world.client.got, sent);
    assert!(world.client.layer.is_open() && world.client.end().is_none());
}

/// TLS 1.2 cannot renew its keys: data that can no longer be sent must not look like the end.
#[test]
fn worn_out_keys_are_a_local_error_and_a_truncation_for_the_peer() {
    for size in [1, 10, 5000] {
        let mut world = worn(TlsVersions::Tls12);
        world.settle();
        let mut sent = Vec::new();
        for i in 0..60_u8 {
            if world.client.end().is_some() {
                break;
            }
            let data = vec![i; size];
            world.client.from_app.write(&data);
            sent.extend_from_slice(&data);
            world.settle();
        }
        assert!(matches!(world.client.cause(), TlsError::WornOut), "{size}");
        assert_eq!(world.client.error().unwrap().blame(), Blame::Local);
        assert!(
            matches!(world.server.cause(), TlsError::Truncated),
            "{size}"
        );
        assert_eq!(world.server.got, sent[..sent.len() - size]);
    }
}

/// A client whose keys last for few records.
fn worn(versions: TlsVersions) -> TlsWorld {
    let made = client_settings().versions(versions).build().unwrap();
    let mut provider = CryptoProvider::clone(made.crypto_provider());
    provider.cipher_suites = provider.cipher_suites.iter().map(short_lived).collect();
    let given = client_settings_roots();
    let builder = ClientConfig::builder_with_provider(Arc::new(provider));
    let version = match versions {
        TlsVersions::Tls12 => &wirestack_tls::rustls::version::TLS12,
        _ => &wirestack_tls::rustls::version::TLS13,
    };
    let config = builder.with_protocol_versions(&[version]).unwrap();
    let config = config.with_root_certificates(given).with_no_client_auth();
    let name = server_name("example.org").unwrap();
    let client = Client::new(Arc::new(config), name).unwrap();
    World::new(client, server(server_settings()), 65536)
}

fn client_settings_roots() -> wirestack_tls::rustls::RootCertStore {
    let mut roots = wirestack_tls::rustls::RootCertStore::empty();
    roots.add(crate::kit::AUTHORITY.der()).unwrap();
    roots
}

fn short_lived(suite: &SupportedCipherSuite) -> SupportedCipherSuite {
    let common = |common: &CipherSuiteCommon| CipherSuiteCommon {
        suite: common.suite,
        hash_provider: common.hash_provider,
        confidentiality_limit: 12,
    };
    match suite {
        SupportedCipherSuite::Tls12(suite) => {
            SupportedCipherSuite::Tls12(Box::leak(Box::new(Tls12CipherSuite {
                common: common(&suite.common),
                prf_provider: suite.prf_provider,
                kx: suite.kx,
                sign: suite.sign,
                aead_alg: suite.aead_alg,
            })))
        }
        SupportedCipherSuite::Tls13(suite) => {
            SupportedCipherSuite::Tls13(Box::leak(Box::new(Tls13CipherSuite {
                common: common(&suite.common),
                hkdf_provider: suite.hkdf_provider,
                aead_alg: suite.aead_alg,
                quic: None,
            })))
        }
    }
}
