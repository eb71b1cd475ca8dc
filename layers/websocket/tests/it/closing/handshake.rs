//! The closing handshake (RFC 6455 §7).

use crate::kit::*;
use wirestack_layer::{Blame, Flow, Layer, Place, Progress};
use wirestack_websocket::{CloseCode, Closer, WebSocketConfig, WebSocketError};

#[test]
fn the_application_finishes_and_still_hears_until_the_peer_closes() {
    let mut side = client(WebSocketConfig::default());
    side.layer.close(1001, "bye").unwrap();
    side.from_app.push(text("last"));
    side.from_app.finish();
    side.process();
    let wanted = [frame(FIN | TEXT, "last"), close_frame(1001, "bye")];
    assert_eq!(client_frames(&side.sent()), wanted);
    let waits = Progress::Closing("the peer's close frame");
    assert_eq!(side.layer.progress(), waits);
    assert!(!side.to_wire.is_closed());

    // "unless it already received a Close frame", a ping is answered (RFC 6455 §5.5.2)
    side.receive(b"\x81\x05later\x89\x01p");
    assert_eq!(messages(&mut side.to_app), [text("later")]);
    assert_eq!(client_frames(&side.sent()), [frame(FIN | PONG, "p")]);

    side.receive(&server_bytes(&[close_frame(1001, "you too")]));
    assert_eq!(cause(&side.to_app), Some(Ok(())));
    let closed = side.layer.closed().unwrap();
    assert_eq!(closed.code, CloseCode::GOING_AWAY);
    assert_eq!(closed.reason, "you too");
    assert_eq!(side.layer.closed_by().unwrap(), Closer::Local);
    let waits = Progress::Closing("the end of the connection");
    assert_eq!(side.layer.progress(), waits);
    assert!(!side.to_wire.is_closed(), "a client waits for the server");

    side.from_wire.finish();
    side.process();
    assert!(side.to_wire.is_closed());
    assert_eq!(side.layer.progress(), Progress::Over);
    assert_eq!(side.sent(), b"");
}

#[test]
fn bytes_behind_the_peers_close_are_discarded_and_take_no_memory() {
    // "a peer discards any further data received" (RFC 6455 §1.4)
    let mut waiting = client(WebSocketConfig::default());
    waiting.receive(&server_bytes(&[close_frame(1000, "")]));
    waiting.receive(&[0x82; 10_000]);
    assert!(waiting.from_wire.is_empty());
    assert_eq!(messages(&mut waiting.to_app), []);

    // Also behind a fault that the application is not told before it has read what came first.
    let mut unread = client(WebSocketConfig::default());
    unread.receive(b"\x82\x01x\xf2\x01y");
    unread.receive(&[0x82; 10_000]);
    assert!(unread.from_wire.is_empty());
    assert_eq!(messages(&mut unread.to_app), [binary(b"x")]);
    unread.process();
    assert!(matches!(cause(&unread.to_app), Some(Err(_))));
}

#[test]
fn a_server_ends_the_connection_at_once_after_both_close_frames() {
    let mut side = server(WebSocketConfig::default());
    side.from_app.finish();
    side.process();
    assert_eq!(server_frames(&side.sent()), [close_frame(1000, "")]);
    side.receive(&client_bytes(&[close_frame(1000, "")]));
    assert!(side.to_wire.is_closed());
    assert_eq!(side.layer.progress(), Progress::Over);
    assert_eq!(side.layer.deadline(), None);

    let mut side = server(WebSocketConfig::default());
    side.receive(&client_bytes(&[close_frame(1000, "")]));
    assert_eq!(server_frames(&side.sent()), [close_frame(1000, "")]);
    assert!(side.to_wire.is_closed());
    assert_eq!(side.layer.closed_by().unwrap(), Closer::Peer);
}

#[test]
fn queued_messages_leave_before_the_answer_to_a_close_frame() {
    let mut side = server(WebSocketConfig::default());
    side.to_wire.set_limit(10);
    for _ in 0..3 {
        side.from_app.push(text("queued message"));
    }
    side.receive(&client_bytes(&[
        frame(FIN | TEXT, "a"),
        close_frame(1000, ""),
        frame(FIN | TEXT, "b"),
    ]));
    assert_eq!(messages(&mut side.to_app), [text("a")]);
    assert_eq!(cause(&side.to_app), Some(Ok(())));
    let mut sent = Vec::new();
    for _ in 0..5 {
        sent.extend(side.sent());
        side.process();
    }
    sent.extend(side.sent());
    let queued = frame(FIN | TEXT, "queued message");
    let wanted = [
        queued.clone(),
        queued.clone(),
        queued,
        close_frame(1000, ""),
    ];
    assert_eq!(server_frames(&sent), wanted);
    assert!(side.to_wire.is_closed());
}

/// A server's 1011 must not look like a clean end, nor hide the messages before it.
#[test]
fn a_close_code_that_is_not_clean_aborts_behind_the_messages_before_it() {
    let mut side = client(WebSocketConfig::default());
    let frames = [frame(FIN | TEXT, "a"), close_frame(1011, "out of\ncheese")];
    side.receive(&server_bytes(&frames));
    assert_eq!(messages(&mut side.to_app), [text("a")]);
    let error = end(&side.to_app).unwrap().unwrap_err();
    assert_eq!(error.blame(), Blame::Peer);
    assert_eq!(error.place(), Place::Layer(0));
    assert_eq!(
        error.to_string(),
        r#"websocket[0]: closed by the peer with code 1011 (internal error of the server): "out of\ncheese""#
    );
    // An echo of the side's own code is only an answer.
    let mut side = client(WebSocketConfig::default());
    side.layer.close(4000, "").unwrap();
    side.from_app.finish();
    side.process();
    side.receive(&server_bytes(&[close_frame(4000, "")]));
    assert_eq!(cause(&side.to_app), Some(Ok(())));
}

/// An application may give up waiting for the peer, and close again with another code.
#[test]
fn the_code_that_was_sent_is_answered_and_not_one_that_was_set_later() {
    let closed = |answer| {
        let mut side = client(WebSocketConfig::default());
        side.layer.close(4000, "").unwrap();
        side.from_app.finish();
        side.process();
        assert_eq!(client_frames(&side.sent()), [close_frame(4000, "")]);
        side.layer.close(4001, "").unwrap();
        side.receive(&server_bytes(&[close_frame(answer, "")]));
        cause(&side.to_app)
    };
    assert_eq!(closed(4000), Some(Ok(())));
    let (code, reason) = (CloseCode::new(4001), "".into());
    let wanted = Some(Err(WebSocketError::Closed { code, reason }));
    assert_eq!(closed(4001), wanted);
}

#[test]
fn a_reason_is_checked_before_it_is_set() {
    let mut side = server(WebSocketConfig::default());
    let long = "r".repeat(124);
    let error = side.layer.close(1000, &long).unwrap_err();
    assert_eq!(error.cause(), Some(&WebSocketError::LongReason(124)));
    assert_eq!(error.blame(), Blame::Local);
    side.from_app.finish();
    side.process();
    assert_eq!(server_frames(&side.sent()), [close_frame(1000, "")]);
}

#[test]
fn both_sides_close_at_the_same_time() {
    let (mut a, mut b) = (
        client(WebSocketConfig::default()),
        server(WebSocketConfig::default()),
    );
    a.layer.close(4001, "a").unwrap();
    b.layer.close(1000, "b").unwrap();
    a.from_app.finish();
    b.from_app.finish();
    a.process();
    b.process();
    let (from_a, from_b) = (a.sent(), b.sent());
    a.receive(&from_b);
    b.receive(&from_a);
    assert_eq!(cause(&a.to_app), Some(Ok(())));
    let (code, reason) = (CloseCode::new(4001), "a".into());
    assert_eq!(
        cause(&b.to_app),
        Some(Err(WebSocketError::Closed { code, reason }))
    );
    assert_eq!(a.layer.closed_by().unwrap(), Closer::Local);
    assert_eq!(b.layer.closed_by().unwrap(), Closer::Local);
    assert_eq!((a.sent(), b.sent()), (vec![], vec![]));
    assert!(b.to_wire.is_closed());
}

/// The writer learns at once that the peer closed, and why, even while its messages wait for room.
#[test]
fn a_writer_is_told_that_the_peer_closed() {
    let mut side = server(WebSocketConfig::default());
    side.to_wire.set_limit(10);
    side.from_app.push(text("queued message"));
    side.from_app.push(text("queued message"));
    side.process();
    assert!(side.from_app.stopped().is_none());
    side.receive(&client_bytes(&[close_frame(1001, "tab closed")]));
    let stop = side.from_app.stopped().unwrap();
    assert_eq!((stop.blame(), stop.place()), (Blame::Peer, Place::Layer(0)));
    let Some(WebSocketError::Closed { code, reason }) = stop.cause() else {
        panic!("{stop}")
    };
    assert_eq!((*code, &reason[..]), (CloseCode::GOING_AWAY, "tab closed"));
    assert_eq!(
        cause(&side.to_app),
        Some(Ok(())),
        "for a reader it is an end"
    );
    assert!(
        side.from_app.refused().is_none(),
        "queued messages still leave"
    );
    side.from_app.push(text("nobody reads this"));
    let mut sent = side.sent();
    for _ in 0..4 {
        side.process();
        sent.extend(side.sent());
    }
    let queued = frame(FIN | TEXT, "queued message");
    assert_eq!(
        server_frames(&sent),
        [queued.clone(), queued, close_frame(1001, "")]
    );
    assert!(side.to_wire.is_closed());
}

/// Nothing is lost of the messages that an application has finished.
#[test]
fn a_close_by_the_application_refuses_nothing() {
    let mut side = client(WebSocketConfig::default());
    side.from_app.push(text("last"));
    side.from_app.finish();
    side.process();
    side.receive(&server_bytes(&[close_frame(1000, "")]));
    assert_eq!(cause(&side.to_app), Some(Ok(())));
    assert!(side.from_app.refused().is_none());
}
