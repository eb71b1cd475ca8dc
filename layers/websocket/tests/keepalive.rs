//! A silent peer is asked for a sign of life, and given up without one.

mod support;

use std::time::Duration;
use support::*;
use wirestack_layer::{Flow, Layer, Progress};
use wirestack_websocket::{Keepalive, Message, Settings, WebSocketError};

const INTERVAL: Duration = Duration::from_secs(30);
const TIMEOUT: Duration = Duration::from_secs(5);

fn settings() -> Settings {
    let mut settings = Settings::default();
    settings.keepalive = Some(Keepalive {
        interval: INTERVAL,
        timeout: TIMEOUT,
    });
    settings
}

#[test]
fn nothing_is_asked_unless_it_is_wanted() {
    let mut port = server(Settings::default());
    port.turn();
    assert_eq!(port.layer.deadline(), None);
}

#[test]
fn a_peer_that_answers_is_asked_again_an_interval_later() {
    let mut port = client(settings());
    port.turn();
    for _ in 0..3 {
        let due = port.layer.deadline().unwrap();
        assert_eq!(due - port.now, INTERVAL);
        port.now = due;
        port.turn();
        let sent = decode(&port.sent(), true);
        assert_eq!(sent.len(), 1);
        assert_eq!(sent[0].0, 0x89);
        assert_eq!(port.layer.deadline().unwrap() - port.now, TIMEOUT);
        port.now += TIMEOUT / 2;
        port.hear(&encode(&[frame(0x8a, &sent[0].1)], false));
        assert_eq!(port.layer.pong(), None, "nobody asked for it");
    }
}

#[test]
fn whatever_arrives_is_a_sign_of_life() {
    let mut port = server(settings());
    port.turn();
    for _ in 0..5 {
        port.now += INTERVAL - Duration::from_secs(1);
        port.hear(&encode(&[frame(0x82, "data")], true));
        assert_eq!(port.sent(), b"", "no ping");
    }
    port.now += INTERVAL;
    port.turn();
    assert_eq!(decode(&port.sent(), false).len(), 1);
    port.now += TIMEOUT / 2;
    port.hear(&encode(&[frame(0x82, "more")], true)[..3]); // half a frame is enough
    assert_eq!(port.layer.progress(), Progress::Open);
    assert_eq!(port.layer.deadline().unwrap() - port.now, INTERVAL);
}

#[test]
fn a_peer_without_a_sign_of_life_is_given_up_behind_what_it_said() {
    let mut port = server(settings());
    port.hear(&encode(&[frame(0x82, "the last")], true));
    port.now = port.layer.deadline().unwrap();
    port.turn();
    port.sent();
    port.now = port.layer.deadline().unwrap();
    port.turn();
    assert_eq!(decode(&port.sent(), false), [close_frame(1011, "")]);
    assert!(port.to_wire.is_closed());
    assert_eq!(messages(&mut port.to_app), [Message::binary("the last")]);
    let wanted = matches!(
        cause(&port.to_app),
        Some(Err(WebSocketError::Silent(TIMEOUT)))
    );
    assert!(wanted);
    assert_eq!(port.layer.deadline(), None);
}

#[test]
fn an_application_that_does_not_read_is_not_the_peers_silence() {
    let mut port = server(settings());
    port.to_app.set_limit(1);
    let said = encode(&[frame(0x82, "one"), frame(0x82, "two")], true);
    port.hear(&said);
    for _ in 0..10 {
        port.now = port.layer.deadline().unwrap();
        port.turn();
    }
    assert_eq!(port.layer.progress(), Progress::Open);
    let got = messages(&mut port.to_app);
    port.turn();
    assert_eq!(got.len() + messages(&mut port.to_app).len(), 2);
}
