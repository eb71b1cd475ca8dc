//! Pings of the application's, and their pongs.

mod support;

use std::time::Duration;
use support::*;
use wirestack_layer::Flow;
use wirestack_websocket::{Message, Settings, WebSocketError};

#[test]
fn a_pong_tells_which_ping_and_after_how_long() {
    let mut port = client(Settings::default());
    let token = port.layer.ping("one").unwrap();
    port.now += Duration::from_secs(5); // waits: it is the sending that counts
    port.turn();
    assert_eq!(decode(&port.sent(), true), [frame(0x89, "one")]);
    port.now += Duration::from_millis(30);
    port.hear(b"\x8a\x05other");
    assert_eq!(port.layer.pong(), None);
    assert!(!port.layer.is_answered(token));
    port.hear(b"\x8a\x03one");
    assert!(port.layer.is_answered(token));
    let pong = port.layer.pong().unwrap();
    assert_eq!(
        (pong.token, pong.elapsed),
        (token, Duration::from_millis(30))
    );
    port.hear(b"\x8a\x03one");
    assert_eq!(port.layer.pong(), None, "it was answered");
}

#[test]
fn a_pong_answers_the_pings_before_it_too() {
    let mut port = server(Settings::default());
    let mut tokens = Vec::new();
    for payload in ["a", "b", "", "", "c"] {
        tokens.push(port.layer.ping(payload).unwrap());
    }
    port.turn();
    port.hear(&encode(&[frame(0x8a, "b")], true));
    let answered = |port: &mut ServerPort| {
        std::iter::from_fn(|| port.layer.pong())
            .map(|pong| pong.token)
            .collect::<Vec<_>>()
    };
    assert_eq!(answered(&mut port), tokens[..2]);
    port.hear(&encode(&[frame(0x8a, "")], true));
    assert_eq!(answered(&mut port), tokens[2..3], "the earliest of equals");
    port.hear(&encode(&[frame(0x8a, "c")], true));
    assert_eq!(answered(&mut port), tokens[3..]);
}

#[test]
fn pings_have_limits() {
    let mut port = client(Settings::default());
    let error = port.layer.ping(vec![0; 126]).unwrap_err();
    assert_eq!(error.cause(), Some(&WebSocketError::LongPing(126)));
    for _ in 0..64 {
        port.layer.ping(vec![0; 125]).unwrap();
    }
    let error = port.layer.ping("one more").unwrap_err();
    assert_eq!(error.cause(), Some(&WebSocketError::TooManyPings(64)));
    // Pongs that the application does not read are kept up to a limit.
    for _ in 0..300 {
        port.turn();
        port.hear(&encode(&[frame(0x8a, [0; 125])], false));
        port.sent();
        let _ = port.layer.ping(vec![0; 125]);
    }
    let kept = std::iter::from_fn(|| port.layer.pong()).count();
    assert_eq!(kept, 64);
}

#[test]
fn a_ping_goes_between_the_fragments_of_a_message_and_not_behind_a_close_frame() {
    let mut settings = Settings::default();
    settings.largest_frame_sent = 4;
    let mut port = server(settings);
    port.to_wire.set_limit(1);
    port.from_app.push(Message::binary("fragment"));
    port.turn();
    port.layer.ping("p").unwrap();
    let mut sent = port.sent();
    port.from_app.finish();
    for _ in 0..4 {
        port.turn();
        sent.extend(port.sent());
    }
    port.layer.ping("late").unwrap();
    port.turn();
    sent.extend(port.sent());
    let wanted = [
        frame(0x02, "frag"),
        frame(0x89, "p"),
        frame(0x80, "ment"),
        close_frame(1000, ""),
    ];
    assert_eq!(decode(&sent, false), wanted);
}
