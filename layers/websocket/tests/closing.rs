//! How a WebSocket ends: the closing handshake, its deadline, aborts, and what is delivered before.

mod support;

use std::time::Duration;
use support::*;
use wirestack_layer::{Blame, Error, Flow, Layer, Place, Progress};
use wirestack_websocket::{CloseCode, Closer, Message, Settings, WebSocketError};

fn text(text: &'static str) -> Message {
    Message::text(text)
}

const TIMEOUT: Duration = Duration::from_secs(10);

#[test]
fn the_application_finishes_and_still_hears_until_the_peer_closes() {
    let mut port = client(Settings::default());
    port.layer.close(1001, "bye").unwrap();
    port.from_app.push(text("last"));
    port.from_app.finish();
    port.turn();
    let wanted = [frame(0x81, "last"), close_frame(1001, "bye")];
    assert_eq!(decode(&port.sent(), true), wanted);
    let waits = Progress::Closing("the peer's close frame");
    assert_eq!(port.layer.progress(), waits);
    assert!(!port.to_wire.is_closed());

    // "unless it already received a Close frame", a ping is answered (RFC 6455 §5.5.2)
    port.hear(b"\x81\x05later\x89\x01p");
    assert_eq!(messages(&mut port.to_app), [text("later")]);
    assert_eq!(decode(&port.sent(), true), [frame(0x8a, "p")]);

    port.hear(&encode(&[close_frame(1001, "you too")], false));
    assert_eq!(cause(&port.to_app), Some(Ok(())));
    let closed = port.layer.closed().unwrap();
    assert_eq!(closed.code, CloseCode::GOING_AWAY);
    assert_eq!(closed.reason, "you too");
    assert_eq!(closed.by, Closer::Local);
    let waits = Progress::Closing("the end of the connection");
    assert_eq!(port.layer.progress(), waits);
    assert!(!port.to_wire.is_closed(), "a client waits for the server");

    port.from_wire.finish();
    port.turn();
    assert!(port.to_wire.is_closed());
    assert_eq!(port.layer.progress(), Progress::Over);
    assert_eq!(port.sent(), b"");
}

#[test]
fn a_server_ends_the_connection_at_once_after_both_close_frames() {
    let mut port = server(Settings::default());
    port.from_app.finish();
    port.turn();
    assert_eq!(decode(&port.sent(), false), [close_frame(1000, "")]);
    port.hear(&encode(&[close_frame(1000, "")], true));
    assert!(port.to_wire.is_closed());
    assert_eq!(port.layer.progress(), Progress::Over);
    assert_eq!(port.layer.deadline(), None);

    let mut port = server(Settings::default());
    port.hear(&encode(&[close_frame(1000, "")], true));
    assert_eq!(decode(&port.sent(), false), [close_frame(1000, "")]);
    assert!(port.to_wire.is_closed());
    assert_eq!(port.layer.closed().unwrap().by, Closer::Peer);
}

#[test]
fn what_was_queued_goes_out_before_the_answer_to_a_close_frame() {
    let mut port = server(Settings::default());
    port.to_wire.set_limit(10);
    for _ in 0..3 {
        port.from_app.push(text("queued message"));
    }
    port.hear(&encode(
        &[frame(0x81, "a"), close_frame(1000, ""), frame(0x81, "b")],
        true,
    ));
    assert_eq!(messages(&mut port.to_app), [text("a")]);
    assert_eq!(cause(&port.to_app), Some(Ok(())));
    let mut sent = Vec::new();
    for _ in 0..5 {
        sent.extend(port.sent());
        port.turn();
    }
    sent.extend(port.sent());
    let queued = frame(0x81, "queued message");
    let wanted = [
        queued.clone(),
        queued.clone(),
        queued,
        close_frame(1000, ""),
    ];
    assert_eq!(decode(&sent, false), wanted);
    assert!(port.to_wire.is_closed());
}

/// A server's 1011 must not look like a clean end, nor hide what came before it.
#[test]
fn a_close_code_that_is_not_clean_aborts_behind_what_was_received() {
    let mut port = client(Settings::default());
    let frames = [frame(0x81, "a"), close_frame(1011, "out of\ncheese")];
    port.hear(&encode(&frames, false));
    assert_eq!(messages(&mut port.to_app), [text("a")]);
    let error = end(&port.to_app).unwrap().unwrap_err();
    assert_eq!(error.blame(), Blame::Peer);
    assert_eq!(error.place(), Place::Layer(0));
    assert_eq!(
        error.to_string(),
        r#"websocket[0]: closed by the peer with code 1011, reason "out of\ncheese""#
    );
    // An echo of our own code is only an answer.
    let mut port = client(Settings::default());
    port.layer.close(4000, "").unwrap();
    port.from_app.finish();
    port.turn();
    port.hear(&encode(&[close_frame(4000, "")], false));
    assert_eq!(cause(&port.to_app), Some(Ok(())));
}

#[test]
fn a_peer_that_never_closes_is_given_up() {
    for _ in 0..2 {
        let mut port = client(Settings::default());
        port.from_app.finish();
        port.turn();
        let until = port.now + TIMEOUT;
        assert_eq!(port.layer.deadline(), Some(until));
        port.now = until - Duration::from_millis(1);
        port.hear(b"\x81\x01a");
        assert_eq!(
            port.layer.deadline(),
            Some(until),
            "messages extend nothing"
        );
        port.now = until;
        port.hear(b"\x81\x01b");
        assert_eq!(messages(&mut port.to_app), [text("a"), text("b")]);
        assert_eq!(
            cause(&port.to_app),
            Some(Err(WebSocketError::CloseTimedOut(TIMEOUT)))
        );
        port.sent();
        assert_eq!(
            cause(&port.to_wire),
            Some(Err(WebSocketError::CloseTimedOut(TIMEOUT)))
        );
        assert_eq!(port.layer.deadline(), None);
    }
}

#[test]
fn a_server_that_never_ends_the_connection_is_left() {
    let mut port = client(Settings::default());
    port.hear(&encode(&[close_frame(1000, "")], false));
    let until = port.now + TIMEOUT;
    assert_eq!(port.layer.deadline(), Some(until));
    port.now = until;
    port.turn();
    port.sent();
    assert_eq!(cause(&port.to_wire), Some(Ok(())));
    assert_eq!(cause(&port.to_app), Some(Ok(())));
}

#[test]
fn a_peer_that_closes_but_does_not_read_is_given_up() {
    let mut port = server(Settings::default());
    port.to_wire.set_limit(10);
    for _ in 0..3 {
        port.from_app.push(text("queued message"));
    }
    port.hear(&encode(&[close_frame(1000, "")], true));
    port.now += TIMEOUT;
    port.turn();
    assert!(port.from_app.is_empty());
    port.sent();
    assert_eq!(
        cause(&port.to_wire),
        Some(Err(WebSocketError::CloseTimedOut(TIMEOUT)))
    );
}

#[test]
fn no_time_to_close_is_no_time() {
    let mut settings = Settings::default();
    settings.close_timeout = Duration::ZERO;
    let mut port = client(settings);
    port.from_app.finish();
    port.turn();
    assert_eq!(
        cause(&port.to_app),
        Some(Err(WebSocketError::CloseTimedOut(Duration::ZERO)))
    );
}

fn broke() -> Error {
    Error::local("test", "it broke")
}

#[test]
fn an_abort_of_the_application_never_looks_like_a_clean_end() {
    let mut port = server(Settings::default());
    port.from_app.push(text("a"));
    port.from_app.abort(broke());
    port.turn();
    assert_eq!(decode(&port.sent(), false), [frame(0x81, "a")]);
    assert_eq!(end(&port.to_wire).unwrap().unwrap_err().layer(), "test");
    assert_eq!(end(&port.to_app).unwrap().unwrap_err().layer(), "test");
    port.hear(b"junk");
    assert!(port.from_wire.is_empty());
}

#[test]
fn an_abort_of_the_wire_passes_up_behind_what_arrived() {
    for half in [&b""[..], b"\x80", b"\x80\x05ha"] {
        let mut port = client(Settings::default());
        port.from_app.push(text("unsent"));
        port.from_wire.write(b"\x81\x01a\x01\x01b");
        port.from_wire.write(half);
        port.from_wire.abort(broke());
        port.turn();
        assert_eq!(messages(&mut port.to_app), [text("a")]);
        let error = end(&port.to_app).unwrap().unwrap_err();
        assert_eq!(error.layer(), "test", "its own cause");
        assert!(port.to_wire.is_closed() && port.from_app.is_empty());
        assert_eq!(port.sent(), b"");
    }
}

/// Lesson 3 of Augustin's essay: good and bad bytes together are good, then bad.
#[test]
fn an_error_waits_behind_messages_that_were_not_taken_yet() {
    let mut port = server(Settings::default());
    port.to_app.set_limit(1);
    let frames = [frame(0x81, "a"), frame(0x81, "b"), frame(0x83, "bad")];
    port.hear(&encode(&frames, true));
    assert!(!port.to_app.is_closed());
    assert_eq!(messages(&mut port.to_app), [text("a")]);
    port.turn();
    assert_eq!(messages(&mut port.to_app), [text("b")]);
    assert!(!port.to_wire.is_closed());
    port.turn();
    assert_eq!(
        cause(&port.to_app),
        Some(Err(WebSocketError::UnknownOpcode(3)))
    );
    assert_eq!(decode(&port.sent(), false), [close_frame(1002, "")]);
}

#[test]
fn a_failure_after_our_close_frame_sends_no_second_one() {
    let mut port = server(Settings::default());
    port.from_app.finish();
    port.turn();
    port.hear(&encode(&[frame(0x83, "bad")], true));
    assert_eq!(decode(&port.sent(), false), [close_frame(1000, "")]);
    assert_eq!(
        cause(&port.to_app),
        Some(Err(WebSocketError::UnknownOpcode(3)))
    );
}

#[test]
fn a_reason_is_checked_before_it_is_set() {
    let mut port = server(Settings::default());
    let long = "r".repeat(124);
    let error = port.layer.close(1000, &long).unwrap_err();
    assert_eq!(error.cause(), Some(&WebSocketError::LongReason(124)));
    assert_eq!(error.blame(), Blame::Local);
    port.from_app.finish();
    port.turn();
    assert_eq!(decode(&port.sent(), false), [close_frame(1000, "")]);
}

#[test]
fn both_sides_close_at_the_same_time() {
    let (mut a, mut b) = (client(Settings::default()), server(Settings::default()));
    a.layer.close(4001, "a").unwrap();
    b.layer.close(1000, "b").unwrap();
    a.from_app.finish();
    b.from_app.finish();
    a.turn();
    b.turn();
    let (from_a, from_b) = (a.sent(), b.sent());
    a.hear(&from_b);
    b.hear(&from_a);
    assert_eq!(cause(&a.to_app), Some(Ok(())));
    let (code, reason) = (CloseCode::new(4001), "a".into());
    assert_eq!(
        cause(&b.to_app),
        Some(Err(WebSocketError::Closed { code, reason }))
    );
    assert_eq!(a.layer.closed().unwrap().by, Closer::Local);
    assert_eq!(b.layer.closed().unwrap().by, Closer::Local);
    assert_eq!((a.sent(), b.sent()), (vec![], vec![]));
    assert!(b.to_wire.is_closed());
}

/// The writer learns it at once, and why, even while what it had queued waits for room.
#[test]
fn a_writer_is_told_that_the_peer_closed() {
    let mut port = server(Settings::default());
    port.to_wire.set_limit(10);
    port.from_app.push(text("queued message"));
    port.from_app.push(text("queued message"));
    port.turn();
    assert!(port.from_app.stopped().is_none());
    port.hear(&encode(&[close_frame(1001, "tab closed")], true));
    let stop = port.from_app.stopped().unwrap();
    assert_eq!((stop.blame(), stop.place()), (Blame::Peer, Place::Layer(0)));
    let Some(WebSocketError::Closed { code, reason }) = stop.cause() else {
        panic!("{stop}")
    };
    assert_eq!((*code, &reason[..]), (CloseCode::GOING_AWAY, "tab closed"));
    assert_eq!(
        cause(&port.to_app),
        Some(Ok(())),
        "for a reader it is an end"
    );
    assert!(
        port.from_app.refused().is_none(),
        "what was queued still goes"
    );
    port.from_app.push(text("nobody reads this"));
    let mut sent = port.sent();
    for _ in 0..4 {
        port.turn();
        sent.extend(port.sent());
    }
    let queued = frame(0x81, "queued message");
    assert_eq!(
        decode(&sent, false),
        [queued.clone(), queued, close_frame(1001, "")]
    );
    assert!(port.to_wire.is_closed());
}

/// Nothing is lost of what an application has finished.
#[test]
fn a_close_of_our_own_refuses_nothing() {
    let mut port = client(Settings::default());
    port.from_app.push(text("last"));
    port.from_app.finish();
    port.turn();
    port.hear(&encode(&[close_frame(1000, "")], false));
    assert_eq!(cause(&port.to_app), Some(Ok(())));
    assert!(port.from_app.refused().is_none());
}

#[test]
fn closing_behind_what_the_peer_does_not_take_is_bounded() {
    for ping in [false, true] {
        let mut port = client(Settings::default());
        port.to_wire.set_limit(10);
        port.from_app.push(text("more than there is room for"));
        port.from_app.push(text("more"));
        port.turn();
        port.from_app.finish();
        port.turn();
        let until = port.now + TIMEOUT;
        assert_eq!(port.layer.deadline(), Some(until));
        if ping {
            // A peer that goes on speaking while it does not read gains nothing by it.
            port.now += TIMEOUT / 2;
            port.hear(b"\x89\x01p\x81\x01m");
            assert_eq!(messages(&mut port.to_app), [text("m")]);
            assert_eq!(port.layer.deadline(), Some(until));
        }
        port.now = until;
        port.turn();
        let error = cause(&port.to_app).unwrap().unwrap_err();
        assert!(
            matches!(error, WebSocketError::CloseTimedOut(TIMEOUT)),
            "{error}"
        );
        assert!(port.to_wire.is_closed() && port.layer.deadline().is_none());
    }
}

/// A broken wire refuses what is sent; what the peer said before still arrives.
#[test]
fn a_wire_that_takes_no_more_stops_the_application() {
    let mut port = client(Settings::default());
    port.from_wire
        .write(&encode(&[frame(0x81, "a"), frame(0x89, "p")], false));
    port.to_wire
        .lose(Error::peer("wire", "reset").at(Place::Wire));
    port.turn();
    assert_eq!(port.from_app.stopped().unwrap().to_string(), "wire: reset");
    assert_eq!(messages(&mut port.to_app), [text("a")]);
    port.from_app.push(text("in vain"));
    port.turn();
    assert_eq!(port.sent(), b"");
    port.hear(&encode(&[frame(0x81, "b")], false));
    assert_eq!(messages(&mut port.to_app), [text("b")]);
}

/// A pong that waits for room is forgotten with the connection: nothing is written behind its end.
#[test]
fn a_pong_that_waits_does_not_follow_the_end() {
    for faulty in [true, false] {
        let mut port = server(Settings::default());
        port.to_wire.set_limit(4);
        port.from_app.push(text("fills the wire"));
        port.turn();
        assert_eq!(port.to_wire.room(), 0);
        port.hear(&[0x89, 0x81, 0, 0, 0, 0, b'p']); // a ping, masked with zeros
        if faulty {
            port.hear(b"\xff\xff"); // reserved bits and an unknown opcode
        } else {
            port.from_app.finish();
            port.turn();
            port.now += TIMEOUT;
            port.turn();
        }
        assert!(port.to_wire.is_closed());
        let said = port.sent();
        for _ in 0..3 {
            port.turn(); // there is room again
            assert_eq!(port.sent(), b"", "behind {said:?}");
        }
    }
}
