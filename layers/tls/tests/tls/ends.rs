//! Ends: close_notify, truncation, resets and aborts.

use crate::kit::{ANSWERED, ASKED, BOTH, Link, Side, TO_CLIENT, TO_SERVER, world};
use wirestack_layer::{Blame, End, Error, Flow, Layer, Pipe, Place};
use wirestack_tls::{TlsError, TlsVersions};

#[test]
fn tls_1_3_carries_half_close_both_ways() {
    let mut world = world(TlsVersions::Tls13);
    assert!(!world.client.layer.carries_half_close());
    world.client.from_app.write(ASKED);
    world.client.from_app.finish();
    world.settle();
    assert!(world.client.layer.carries_half_close());
    assert!(world.server.finished() && world.client.end().is_none());
    assert!(world.server.from_app.stopped().is_none());
    world.server.from_app.write(ANSWERED);
    world.server.from_app.finish();
    world.settle();
    world.assert_conversed("the client finished first");

    let mut world = self::world(TlsVersions::Tls13);
    world.server.from_app.write(ANSWERED);
    world.server.from_app.finish();
    world.settle();
    assert!(world.client.finished() && world.server.end().is_none());
    world.client.from_app.write(ASKED);
    world.client.from_app.finish();
    world.settle();
    world.assert_conversed("the server finished first");
}

/// RFC 5246 §7.2.1
#[test]
fn tls_1_2_answers_close_notify_at_once_and_ends_both_ways() {
    let mut world = world(TlsVersions::Tls12);
    world.settle();
    assert!(!world.client.layer.carries_half_close());
    world.client.from_app.write(ASKED);
    world.client.from_app.finish();
    world.settle();
    assert_eq!(world.server.got, ASKED);
    assert!(world.server.finished() && world.client.finished());
    assert!(matches!(world.server.to_wire.end(), Some(End::Finished)));
    let stop = world.server.from_app.stopped().expect("the writer is told");
    assert!(matches!(stop.cause(), Some(TlsError::Closed)), "{stop}");
    assert!(world.server.from_app.refused().is_none(), "nothing is lost");
    assert!(world.client.from_app.refused().is_none());
    world.server.from_app.write(ANSWERED);
    world.settle();
    assert!(
        world.server.from_app.is_empty(),
        "nobody waits for a session that is over"
    );
    assert_eq!(world.client.got, b"");
}

#[test]
fn pitfall_27_a_wire_that_ends_without_close_notify_is_a_truncation_at_every_byte() {
    for versions in BOTH {
        let mut whole = world(versions);
        whole.converse();
        for way in [TO_SERVER, TO_CLIENT] {
            for at in 0..whole.carried[way] {
                let mut world = world(versions);
                world.links[way] = Link::Cut(at);
                world.converse();
                let (client, server) = (&world.client, &world.server);
                let (ended, error, got, all) = if way == TO_SERVER {
                    (server.finished(), server.error(), &server.got, ASKED)
                } else {
                    (client.finished(), client.error(), &client.got, ANSWERED)
                };
                let what = format!("{versions:?} way {way} at {at}");
                if ended {
                    // Signatures differ in length: a cut behind the last byte cuts nothing.
                    assert_eq!(got, all, "{what}");
                    continue;
                }
                let error = error.expect(&what);
                assert_eq!(error.blame(), Blame::Peer, "{what}");
                assert_eq!(error.place(), Place::Layer(0), "{what}");
                let cause = error.cause::<TlsError>();
                let typed = matches!(cause, Some(TlsError::Truncated | TlsError::CutHandshake(_)));
                assert!(typed, "{what}: {error}");
                assert!(all.starts_with(got), "{what}");
            }
        }
    }
}

/// RFC 5246 §7.2.1: "It is not required for the initiator of the close to wait for the responding
/// close_notify alert before closing the read side of the connection."
#[test]
fn a_wire_that_ends_behind_our_close_notify_is_an_end_in_tls_1_2_and_a_truncation_in_1_3() {
    for versions in BOTH {
        let mut world = world(versions);
        world.settle();
        world.links[TO_CLIENT] = Link::Cut(world.carried[TO_CLIENT]);
        world.client.from_app.finish();
        world.settle();
        if versions == TlsVersions::Tls12 {
            assert!(world.client.finished());
        } else {
            assert!(matches!(world.client.cause(), TlsError::Truncated));
        }
    }
}

#[test]
fn data_behind_our_close_notify_are_held_to_a_close_notify_in_both_versions() {
    for versions in BOTH {
        let mut world = world(versions);
        world.settle();
        // The server's data are on their way when it hears the client's close_notify.
        world.server.from_app.write(ASKED);
        world.server.step();
        world.client.from_app.finish();
        world.client.step();
        world
            .server
            .to_wire
            .transfer_to(&mut world.client.from_wire);
        world.client.from_wire.finish();
        world.settle();
        assert_eq!(world.client.got, ASKED);
        assert!(matches!(world.client.cause(), TlsError::Truncated));
    }
}

#[test]
fn a_reset_of_the_wire_keeps_its_own_cause() {
    for versions in BOTH {
        for at in [0, 3, 100] {
            let mut world = world(versions).linked(Link::Reset(at), Link::Whole);
            world.converse();
            assert_eq!(world.server.text(), "link[0]: connection reset");
            assert!(world.server.to_wire.is_closed());
        }
        let mut world = world(versions);
        world.settle();
        world.links[TO_CLIENT] = Link::Reset(world.carried[TO_CLIENT]);
        world.settle();
        assert_eq!(world.client.text(), "link[0]: connection reset");
    }
}

#[test]
fn data_before_a_truncation_stay_delivered() {
    let mut world = world(TlsVersions::Tls13);
    world.client.from_app.write(ASKED);
    world.settle();
    world.server.reads = false;
    world.client.from_app.write(ASKED);
    world.settle();
    world.server.from_wire.finish();
    world.settle();
    assert!(
        world.server.end().is_none(),
        "the error comes behind the data"
    );
    world.server.reads = true;
    world.settle();
    assert_eq!(world.server.got, [ASKED, ASKED].concat());
    assert!(matches!(world.server.cause(), TlsError::Truncated));
    assert_eq!(
        world.server.text(),
        "tls[0]: the connection ended without close_notify: what came before may be incomplete"
    );
}

#[test]
fn an_abort_of_the_application_is_a_truncation_for_the_peer() {
    for versions in BOTH {
        let mut world = world(versions);
        world.settle();
        world.client.from_app.write(ASKED);
        world
            .client
            .from_app
            .abort(Error::local("app", "had enough"));
        world.settle();
        assert!(matches!(world.client.to_wire.end(), Some(End::Aborted(_))));
        assert_eq!(world.server.got, ASKED);
        assert_eq!(world.server.text(), "app[0]: had enough");
        assert_eq!(world.client.text(), "app[0]: had enough");
    }
}

#[test]
fn an_abort_of_the_application_in_the_handshake_ends_everything() {
    let mut world = world(TlsVersions::Tls13).linked(Link::Whole, Link::Cut(usize::MAX));
    world
        .client
        .from_app
        .abort(Error::local("app", "had enough"));
    world.settle();
    assert!(matches!(world.client.to_wire.end(), Some(End::Aborted(_))));
    assert_eq!(world.client.text(), "app[0]: had enough");
    assert!(world.server.error().is_some());
}

#[test]
fn an_abort_behind_data_does_not_wait_for_a_handshake_that_never_ends() {
    fn give_up<L: Layer<In = Pipe, Out = Pipe>>(mut side: Side<L>) {
        side.from_app.write(ASKED);
        side.step();
        side.from_app.abort(Error::local("app", "had enough"));
        side.step();
        side.to_wire.discard();
        assert!(matches!(side.to_wire.end(), Some(End::Aborted(_))));
        assert_eq!(side.text(), "app[0]: had enough");
        let stop = side.from_app.refused().expect("the data are lost");
        assert_eq!(stop.to_string(), "app[0]: had enough");
    }
    for versions in BOTH {
        let world = world(versions);
        give_up(world.client);
        give_up(world.server);
    }
}

#[test]
fn pitfall_28_data_after_close_notify_is_ignored_and_never_handed_up() {
    for junk in [
        &b"HTTP/1.1 200 OK\r\n"[..],
        &[23, 3, 3, 0, 40, 1, 2, 3],
        &[0xff; 70_000],
    ] {
        let mut world = world(TlsVersions::Tls13);
        world.client.from_app.write(ASKED);
        world.client.from_app.finish();
        world.client.reads = false;
        world.settle();
        assert!(world.server.finished());
        // The server's `from_wire` has ended: the test puts one there that goes on.
        world.server.from_wire = wirestack_layer::Pipe::with_limit(100_000);
        world.server.from_wire.write(junk);
        world.settle();
        assert!(world.server.from_wire.is_empty());
        assert_eq!(world.server.got, ASKED);
        world.server.from_app.write(ANSWERED);
        world.server.from_app.finish();
        world.client.reads = true;
        world.settle();
        world.assert_conversed("junk behind close_notify");
    }
}

#[test]
fn close_notify_and_junk_in_one_lump_is_a_clean_end() {
    for versions in BOTH {
        let mut world = world(versions);
        world.settle();
        world.links[TO_SERVER] = Link::Cut(world.carried[TO_SERVER]);
        world.client.from_app.write(ASKED);
        world.client.from_app.finish();
        let mut lump = wirestack_layer::Pipe::new();
        world.client.step();
        world.client.to_wire.transfer_to(&mut lump);
        let lump = [lump.unread(), b"junk"].concat();
        world.server.from_wire.write(&lump);
        world.server.step();
        assert_eq!(world.server.to_app.unread(), ASKED);
        world.server.to_app.discard();
        assert!(world.server.finished());
    }
}

#[test]
fn an_end_said_in_the_handshake_comes_after_it() {
    let mut world = world(TlsVersions::Tls13);
    world.client.from_app.finish();
    world.server.from_app.write(ANSWERED);
    world.server.from_app.finish();
    world.settle();
    assert_eq!(world.client.got, ANSWERED);
    assert!(world.client.finished() && world.server.finished());
}

/// A wire may turn an abort into a plain end: the bytes before it must not look complete.
#[test]
fn the_bytes_before_an_abort_hold_no_close_notify() {
    for versions in BOTH {
        let mut world = world(versions);
        world.settle();
        world.client.from_app.write(ASKED);
        world
            .client
            .from_app
            .abort(Error::local("app", "had enough"));
        world.client.step();
        world.server.from_wire.write(world.client.to_wire.unread());
        world.server.from_wire.finish();
        world.server.step();
        assert_eq!(world.server.to_app.unread(), ASKED);
        world.server.to_app.discard();
        assert!(matches!(world.server.cause(), TlsError::Truncated));
    }
}
