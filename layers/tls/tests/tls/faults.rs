//! Bytes that are wrong: flipped bits, other protocols, junk, and parameters without a match.

use crate::kit::{
    ASKED, BOTH, Link, TO_CLIENT, TO_SERVER, client_settings, server_settings, with, world,
};
use wirestack_layer::{Blame, End, Flow};
use wirestack_tls::rustls::{self, AlertDescription};
use wirestack_tls::{TlsError, TlsVersions};

#[test]
fn pitfall_29_a_flipped_bit_is_answered_by_an_alert_that_the_peer_hears() {
    for versions in BOTH {
        let mut whole = world(versions);
        whole.client.from_app.write(ASKED);
        whole.settle();
        for way in [TO_SERVER, TO_CLIENT] {
            let mut alerts = 0;
            for at in (0..whole.carried[way]).step_by(3) {
                let mut world = world(versions);
                world.links[way] = Link::Flip(at);
                world.client.from_app.write(ASKED);
                world.settle();
                let what = format!("{versions:?} way {way} at {at}");
                assert!(ASKED.starts_with(&world.server.got), "{what}");
                let (found, heard) = if way == TO_SERVER {
                    (world.server.error(), world.client.error())
                } else {
                    (world.client.error(), world.server.error())
                };
                // A header that promises too many bytes makes its reader wait for them, and only a
                // timeout helps.
                let Some(found) = found else { continue };
                if let Some(TlsError::Alert(_)) = found.cause() {
                    continue; // the other side was the first to see it
                }
                if SILENT.iter().any(|text| found.to_string().contains(text)) {
                    continue;
                }
                assert_eq!(found.blame(), Blame::Peer, "{what}: {found}");
                let heard = heard.unwrap_or_else(|| panic!("{what}: {found}, nothing heard"));
                let heard = heard.cause::<TlsError>();
                // A peer that has keys already does not understand an alert in plaintext.
                if matches!(heard, Some(TlsError::Alert(_))) {
                    alerts += 1;
                } else {
                    assert!(
                        !matches!(heard, Some(TlsError::Truncated)),
                        "{what}: {found}"
                    );
                }
            }
            assert!(alerts > 50, "{versions:?} way {way}: {alerts}");
        }
    }
}

/// Errors for which rustls 0.23 has no alert; it takes the last one for a fault of its own.
const SILENT: [&str; 3] = [
    "HandshakePayloadTooLarge",
    "MessageInterleavedWithHandshakeMessage",
    "incompatible signing key",
];

#[test]
fn plaintext_before_a_bad_record_is_delivered_before_the_error() {
    for versions in BOTH {
        let mut world = world(versions);
        world.settle();
        let at = world.carried[TO_SERVER];
        world.client.from_app.write(ASKED);
        world.settle();
        let record = world.carried[TO_SERVER] - at;
        world.links[TO_SERVER] = Link::Flip(world.carried[TO_SERVER] + record + 7);
        world.server.reads = false;
        world.client.from_app.write(ASKED);
        world.client.step();
        world.client.from_app.write(ASKED);
        world.client.step();
        world.settle();
        assert!(world.server.to_app.is_closed() && world.server.end().is_none());
        world.server.reads = true;
        world.settle();
        assert_eq!(world.server.got, [ASKED, ASKED].concat());
        let bad = matches!(
            world.server.cause(),
            TlsError::Rustls(rustls::Error::DecryptError)
        );
        assert!(bad, "{}", world.server.text());
        let text = "tls[0]: the peer sent the fatal alert bad_record_mac";
        assert_eq!(world.client.text(), text);
    }
}

#[test]
fn a_side_that_failed_discards_both_inputs() {
    let mut world = world(TlsVersions::Tls13);
    world.settle();
    let side = &mut world.server;
    for _ in 0..2 {
        side.from_wire.write(b"junk");
        side.from_app.write(b"for nobody");
        side.step();
        assert!(side.from_wire.is_empty() && side.from_app.is_empty());
    }
    side.to_wire.discard();
    assert!(matches!(side.to_wire.end(), Some(End::Finished)));
    assert!(side.text().contains("the byte \"j\""), "{}", side.text());
}

#[test]
fn other_protocols_are_recognised_by_their_first_bytes_however_cut() {
    struct Row {
        bytes: &'static [u8],
        error: &'static str,
    }
    for Row { bytes, error } in [
        Row {
            bytes: b"HTTP/1.1 400 Bad Request\r\n\r\n",
            error: "tls[0]: saw an HTTP/1 response where a TLS record was wanted: this port has no TLS, \
                    use http:// or ws://",
        },
        Row {
            bytes: b"GET / HTTP/1.1\r\n",
            error: "tls[0]: saw an HTTP/1 request where a TLS record was wanted: the client begins \
                    without TLS, wanted https:// or wss://",
        },
        Row {
            bytes: b"HEXAGON",
            error: "tls[0]: saw the bytes \"HEX\" where a TLS record was wanted",
        },
        Row {
            bytes: b"\x05\x00",
            error: "tls[0]: saw SOCKS5 where a TLS record was wanted: SOCKS has no TLS, use socks5h://",
        },
        Row {
            bytes: b"\x16SSH-2.0",
            error: "tls[0]: the peer sent a malformed message: unknown protocol version",
        },
        Row {
            bytes: b"\x16\x03\x03\xff\xff",
            error: "tls[0]: the peer sent a malformed message: message too large",
        },
        Row {
            bytes: b"\x16\x03\x03\x00\x00",
            error: "tls[0]: the peer sent a malformed message: invalid empty payload",
        },
    ] {
        for at in 0..bytes.len() {
            for server in [false, true] {
                let mut world = world(TlsVersions::Both);
                macro_rules! feed {
                    ($side:expr) => {{
                        let side = $side;
                        side.step();
                        side.to_wire.discard();
                        side.from_wire.write(&bytes[..at]);
                        side.step();
                        side.from_wire.write(&bytes[at..]);
                        side.step();
                        assert_eq!(side.text(), error, "split at {at}");
                        assert_eq!(side.error().unwrap().blame(), Blame::Peer);
                        // RFC 8446 §6.2: decode_error or record_overflow
                        let alert = side.to_wire.unread();
                        assert_eq!(alert[..6], [21, 3, 3, 0, 2, 2], "{error}");
                        assert!([22, 50].contains(&alert[6]), "{error}: {alert:?}");
                        side.to_wire.discard();
                        assert!(matches!(side.to_wire.end(), Some(End::Finished)));
                    }};
                }
                if server {
                    feed!(&mut world.server)
                } else {
                    feed!(&mut world.client)
                }
            }
        }
    }
}

#[test]
fn junk_is_never_a_panic() {
    let seed = 0x2545_f491_4f6c_dd1d_u64;
    println!("seed {seed}");
    let mut state = seed;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    for round in 0..300 {
        let mut world = world(BOTH[round % 2]);
        if round % 3 > 0 {
            world.settle();
        }
        for _ in 0..4 {
            let length = random();
            let header = [20 + random() % 5, 3, random() % 5, 0, length];
            world.server.from_wire.write(&header);
            world.client.from_wire.write(&header);
            for _ in 0..length {
                world.server.from_wire.write(&[random()]);
                world.client.from_wire.write(&[random()]);
            }
            if round % 5 == 0 {
                world.client.from_app.finish();
            }
            world.client.step();
            world.server.step();
        }
        world.settle();
        assert!(world.server.error().is_some() || world.client.error().is_some());
    }
}

#[test]
fn no_common_version_is_named_on_both_sides() {
    let mut world = with(
        client_settings().versions(TlsVersions::Tls12),
        server_settings().versions(TlsVersions::Tls13),
    );
    world.converse();
    assert!(
        world.server.text().contains("peer is incompatible"),
        "{}",
        world.server.text()
    );
    let cause = world.client.cause();
    assert!(matches!(
        cause,
        TlsError::Alert(AlertDescription::ProtocolVersion)
    ));
}

/// RFC 7301 §3.2
#[test]
fn pitfall_30_no_common_alpn_is_a_fatal_alert_on_the_hop_that_offered_it() {
    for versions in BOTH {
        let mut world = with(
            client_settings().versions(versions).alpn(["h2"]),
            server_settings().alpn(["http/1.1"]),
        );
        world.converse();
        let text = "tls[0]: the peer sent the fatal alert no_application_protocol: the two sides have \
                    no protocol of ALPN in common";
        assert_eq!(world.client.text(), text);
        let error = world.server.error().unwrap();
        assert_eq!(error.blame(), Blame::Peer);
        let cause = error.cause::<TlsError>();
        let named = matches!(
            cause,
            Some(TlsError::Rustls(rustls::Error::NoApplicationProtocol))
        );
        assert!(named, "{error}");
    }
}
