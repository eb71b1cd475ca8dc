//! The application's pings, and their pongs.

use crate::kit::*;
use std::time::Duration;
use wirestack_layer::Flow;
use wirestack_websocket::{CloseCode, Control, Message, WebSocketConfig, WebSocketError};

#[test]
fn a_pong_names_its_ping_and_the_time_that_passed() {
    let mut side = client(WebSocketConfig::default());
    let token = side.layer.ping("one").unwrap();
    side.now += Duration::from_secs(5); // the ping waits; time counts from its sending
    side.process();
    assert_eq!(client_frames(&side.sent()), [frame(FIN | PING, "one")]);
    side.now += Duration::from_millis(30);
    side.receive(b"\x8a\x05other");
    assert_eq!(side.layer.pong(), None);
    assert!(!side.layer.is_answered(token));
    side.receive(b"\x8a\x03one");
    assert!(side.layer.is_answered(token));
    let pong = side.layer.pong().unwrap();
    assert_eq!(
        (pong.token, pong.elapsed),
        (token, Duration::from_millis(30))
    );
    side.receive(b"\x8a\x03one");
    assert_eq!(side.layer.pong(), None, "the ping was answered before");
}

#[test]
fn a_ping_waits_for_room_and_its_pong_can_be_taken_before_others() {
    let mut side = client(WebSocketConfig::default());
    side.to_wire.set_limit(10);
    side.from_app.push(Message::binary(vec![0; 100]));
    side.process();
    let tokens = ["one", "two"].map(|payload| side.layer.ping(payload).unwrap());
    side.process();
    assert_eq!(client_frames(&side.sent()).len(), 1, "the message alone");
    side.to_wire.set_limit(100);
    side.process();
    let pings = ["one", "two"].map(|payload| frame(FIN | PING, payload));
    assert_eq!(client_frames(&side.sent()), pings);
    side.receive(b"\x8a\x03two");
    let second = side.layer.pong_to(tokens[1]).unwrap();
    assert_eq!(second.token, tokens[1]);
    assert_eq!(side.layer.pong_to(tokens[1]), None, "it was taken");
    assert_eq!(side.layer.pong().unwrap().token, tokens[0]);
}

#[test]
fn a_pong_answers_the_pings_before_it_too() {
    let mut side = server(WebSocketConfig::default());
    let mut tokens = Vec::new();
    for payload in ["a", "b", "", "", "c"] {
        tokens.push(side.layer.ping(payload).unwrap());
    }
    side.process();
    side.receive(&client_bytes(&[frame(FIN | PONG, "b")]));
    let answered = |side: &mut ServerSide| {
        std::iter::from_fn(|| side.layer.pong())
            .map(|pong| pong.token)
            .collect::<Vec<_>>()
    };
    assert_eq!(answered(&mut side), tokens[..2]);
    side.receive(&client_bytes(&[frame(FIN | PONG, "")]));
    assert_eq!(answered(&mut side), tokens[2..3], "the earliest of equals");
    side.receive(&client_bytes(&[frame(FIN | PONG, "c")]));
    assert_eq!(answered(&mut side), tokens[3..]);
}

#[test]
fn pings_and_kept_pongs_have_limits() {
    let mut side = client(WebSocketConfig::default());
    let error = side.layer.ping(vec![0; 126]).unwrap_err();
    assert_eq!(error.cause(), Some(&WebSocketError::LongPing(126)));
    for _ in 0..64 {
        side.layer.ping(vec![0; 125]).unwrap();
    }
    let error = side.layer.ping("one more").unwrap_err();
    assert_eq!(error.cause(), Some(&WebSocketError::TooManyPings(64)));
    // Pongs that the application does not read are kept up to a limit.
    for _ in 0..300 {
        side.process();
        side.receive(&server_bytes(&[frame(FIN | PONG, [0; 125])]));
        side.sent();
        let _ = side.layer.ping(vec![0; 125]);
    }
    let kept = std::iter::from_fn(|| side.layer.pong()).count();
    assert_eq!(kept, 64);
}

#[test]
fn a_ping_goes_between_the_fragments_of_a_message_and_not_behind_a_close_frame() {
    let mut settings = WebSocketConfig::default();
    settings.largest_frame_sent = 4;
    let mut side = server(settings);
    side.to_wire.set_limit(1);
    side.from_app.push(Message::binary("fragment"));
    side.process();
    side.layer.ping("p").unwrap();
    let mut sent = side.sent();
    side.from_app.finish();
    for _ in 0..4 {
        side.process();
        sent.extend(side.sent());
    }
    side.layer.ping("late").unwrap();
    side.process();
    sent.extend(side.sent());
    let wanted = [
        frame(BINARY, "frag"),
        frame(FIN | PING, "p"),
        frame(FIN | CONTINUATION, "ment"),
        close_frame(1000, ""),
    ];
    assert_eq!(server_frames(&sent), wanted);
}

#[test]
fn a_debug_text_shows_no_payload_and_no_reason() {
    let mut side = server(WebSocketConfig::default());
    side.layer.ping("secret-1").unwrap();
    side.process();
    side.layer.ping("secret-2").unwrap();
    side.layer.close(CloseCode::NORMAL, "secret-3").unwrap();
    let control: &Control = &side.layer;
    let shown = format!("{control:?} {:?}", side.layer);
    assert!(!shown.contains("secret"), "{shown}");
    assert!(shown.starts_with("Control"), "{shown}");
}
