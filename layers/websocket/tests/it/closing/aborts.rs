//! Aborts and failures: they never look like a clean end.

use super::TIMEOUT;
use crate::kit::*;
use wirestack_layer::{Error, Flow, Place};
use wirestack_websocket::{WebSocketConfig, WebSocketError};

#[test]
fn an_abort_of_the_application_never_looks_like_a_clean_end() {
    let mut side = server(WebSocketConfig::default());
    side.from_app.push(text("a"));
    side.from_app.abort(broke());
    side.process();
    assert_eq!(server_frames(&side.sent()), [frame(FIN | TEXT, "a")]);
    assert_eq!(end(&side.to_wire).unwrap().unwrap_err().origin(), "test");
    assert_eq!(end(&side.to_app).unwrap().unwrap_err().origin(), "test");
    side.receive(b"junk");
    assert!(side.from_wire.is_empty());
}

#[test]
fn an_abort_of_the_wire_passes_up_behind_the_messages_before_it() {
    for half in [&b""[..], b"\x80", b"\x80\x05ha"] {
        let mut side = client(WebSocketConfig::default());
        side.from_app.push(text("unsent"));
        side.from_wire.write(b"\x81\x01a\x01\x01b");
        side.from_wire.write(half);
        side.from_wire.abort(broke());
        side.process();
        assert_eq!(messages(&mut side.to_app), [text("a")]);
        let error = end(&side.to_app).unwrap().unwrap_err();
        assert_eq!(error.origin(), "test", "its own cause");
        assert!(side.to_wire.is_closed() && side.from_app.is_empty());
        assert_eq!(side.sent(), b"");
    }
}

/// Good and bad bytes that arrive together are good, then bad.
#[test]
fn an_error_waits_behind_messages_that_were_not_taken_yet() {
    let mut side = server(WebSocketConfig::default());
    side.to_app.set_limit(1);
    let frames = [
        frame(FIN | TEXT, "a"),
        frame(FIN | TEXT, "b"),
        frame(FIN | UNKNOWN, "bad"),
    ];
    side.receive(&client_bytes(&frames));
    assert!(!side.to_app.is_closed());
    assert_eq!(messages(&mut side.to_app), [text("a")]);
    side.process();
    assert_eq!(messages(&mut side.to_app), [text("b")]);
    assert!(!side.to_wire.is_closed());
    side.process();
    assert_eq!(
        cause(&side.to_app),
        Some(Err(WebSocketError::UnknownOpcode(3)))
    );
    assert_eq!(
        server_frames(&side.sent()),
        [close_frame(PROTOCOL_ERROR, "")]
    );
}

#[test]
fn a_failure_after_our_close_frame_sends_no_second_one() {
    let mut side = server(WebSocketConfig::default());
    side.from_app.finish();
    side.process();
    side.receive(&client_bytes(&[frame(FIN | UNKNOWN, "bad")]));
    assert_eq!(server_frames(&side.sent()), [close_frame(1000, "")]);
    assert_eq!(
        cause(&side.to_app),
        Some(Err(WebSocketError::UnknownOpcode(3)))
    );
}

/// A broken wire refuses new messages; those that the peer sent before still arrive.
#[test]
fn a_wire_that_takes_no_more_stops_the_application() {
    let mut side = client(WebSocketConfig::default());
    side.from_wire.write(&server_bytes(&[
        frame(FIN | TEXT, "a"),
        frame(FIN | PING, "p"),
    ]));
    side.to_wire
        .lose(Error::peer("wire", "reset").at(Place::Wire));
    side.process();
    assert_eq!(side.from_app.stopped().unwrap().to_string(), "wire: reset");
    assert_eq!(messages(&mut side.to_app), [text("a")]);
    side.from_app.push(text("in vain"));
    side.process();
    assert_eq!(side.sent(), b"");
    side.receive(&server_bytes(&[frame(FIN | TEXT, "b")]));
    assert_eq!(messages(&mut side.to_app), [text("b")]);
}

/// A pong that waits for room is forgotten with the connection: nothing is written behind its end.
#[test]
fn a_pong_that_waits_does_not_follow_the_end() {
    for faulty in [true, false] {
        let mut side = server(WebSocketConfig::default());
        side.to_wire.set_limit(4);
        side.from_app.push(text("fills the wire"));
        side.process();
        assert_eq!(side.to_wire.room(), 0);
        side.receive(&[0x89, 0x81, 0, 0, 0, 0, b'p']); // a ping, masked with zeros
        if faulty {
            side.receive(b"\xff\xff"); // reserved bits and an unknown opcode
        } else {
            side.from_app.finish();
            side.process();
            side.now += TIMEOUT;
            side.process();
        }
        assert!(side.to_wire.is_closed());
        let said = side.sent();
        for _ in 0..3 {
            side.process(); // there is room again
            assert_eq!(side.sent(), b"", "behind {said:?}");
        }
    }
}

/// An error that a flow is aborted with.
fn broke() -> Error {
    Error::local("test", "it broke")
}
