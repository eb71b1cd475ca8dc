//! Keepalive: a silent peer is pinged, and given up without a sign of life.

use crate::kit::*;
use std::time::Duration;
use wirestack_layer::{Error, Flow, Layer, Progress};
use wirestack_websocket::{Keepalive, Message, WebSocketConfig, WebSocketError};

const INTERVAL: Duration = Duration::from_secs(30);
const TIMEOUT: Duration = Duration::from_secs(5);

fn settings() -> WebSocketConfig {
    let mut settings = WebSocketConfig::default();
    settings.keepalive = Some(Keepalive {
        interval: INTERVAL,
        timeout: TIMEOUT,
    });
    settings
}

#[test]
fn no_ping_is_sent_unless_keepalive_is_set() {
    let mut side = server(WebSocketConfig::default());
    side.process();
    assert_eq!(side.layer.deadline(), None);
}

#[test]
fn a_peer_that_answers_is_asked_again_an_interval_later() {
    let mut side = client(settings());
    side.process();
    for _ in 0..3 {
        let due = side.layer.deadline().unwrap();
        assert_eq!(due - side.now, INTERVAL);
        side.now = due;
        side.process();
        let sent = client_frames(&side.sent());
        assert_eq!(sent.len(), 1);
        assert_eq!(sent[0].0, FIN | PING);
        assert_eq!(side.layer.deadline().unwrap() - side.now, TIMEOUT);
        side.now += TIMEOUT / 2;
        side.receive(&server_bytes(&[frame(FIN | PONG, &sent[0].1)]));
        assert_eq!(side.layer.pong(), None, "the application sent no ping");
    }
}

#[test]
fn any_bytes_are_a_sign_of_life() {
    let mut side = server(settings());
    side.process();
    for _ in 0..5 {
        side.now += INTERVAL - Duration::from_secs(1);
        side.receive(&client_bytes(&[frame(FIN | BINARY, "data")]));
        assert_eq!(side.sent(), b"", "no ping");
    }
    side.now += INTERVAL;
    side.process();
    assert_eq!(server_frames(&side.sent()).len(), 1);
    side.now += TIMEOUT / 2;
    side.receive(&client_bytes(&[frame(FIN | BINARY, "more")])[..3]); // half a frame is enough
    assert_eq!(side.layer.progress(), Progress::Open);
    assert_eq!(side.layer.deadline().unwrap() - side.now, INTERVAL);
}

#[test]
fn a_peer_without_a_sign_of_life_is_given_up_behind_its_messages() {
    let mut side = server(settings());
    side.receive(&client_bytes(&[frame(FIN | BINARY, "the last")]));
    side.now = side.layer.deadline().unwrap();
    side.process();
    side.sent();
    side.now = side.layer.deadline().unwrap();
    side.process();
    assert_eq!(server_frames(&side.sent()), [close_frame(1011, "")]);
    assert!(side.to_wire.is_closed());
    assert_eq!(messages(&mut side.to_app), [Message::binary("the last")]);
    let wanted = matches!(
        cause(&side.to_app),
        Some(Err(WebSocketError::Silent(TIMEOUT)))
    );
    assert!(wanted);
    assert_eq!(side.layer.deadline(), None);
}

#[test]
fn a_peer_that_takes_nothing_is_given_up_without_a_ping() {
    let mut side = server(settings());
    side.to_wire.set_limit(10);
    side.from_app.push(Message::binary(vec![0; 100]));
    side.process();
    side.now = side.layer.deadline().unwrap();
    side.process();
    assert_eq!(side.layer.deadline().unwrap() - side.now, TIMEOUT);
    side.now = side.layer.deadline().unwrap();
    side.process();
    let sent = server_frames(&side.sent());
    assert_eq!(sent[1..], [close_frame(1011, "")], "and no ping");
}

/// The application sends more than the wire takes, and the peer says nothing but what it has to.
#[test]
fn a_peer_that_takes_what_it_is_sent_is_asked_before_it_is_given_up() {
    let mut side = server(settings());
    side.to_wire.set_limit(10);
    let mut pings = 0;
    for _ in 0..200 {
        while side.from_app.room() > 0 {
            side.from_app.push(Message::binary(vec![0; 1000]));
        }
        side.process();
        assert_eq!(side.layer.progress(), Progress::Open);
        let asked: Vec<_> = server_frames(&side.sent())
            .into_iter()
            .filter(|sent| sent.0 == FIN | PING)
            .collect();
        pings += asked.len();
        side.now += Duration::from_secs(1);
        for ping in asked {
            side.receive(&client_bytes(&[frame(FIN | PONG, &ping.1)]));
        }
    }
    assert_eq!(pings, 6, "one each 30 s");
}

#[test]
fn the_time_of_a_ping_begins_when_the_bytes_before_it_have_left() {
    let mut side = server(settings());
    side.to_wire.set_limit(2000);
    side.from_app.push(Message::binary(vec![0; 1000]));
    side.process();
    side.now = side.layer.deadline().unwrap();
    side.process(); // the ping stands behind the message
    for _ in 0..9 {
        side.now += TIMEOUT - Duration::from_secs(1);
        side.to_wire.consume(100);
        side.process();
        assert_eq!(side.layer.progress(), Progress::Open);
    }
    side.now += TIMEOUT;
    side.process();
    assert!(side.to_wire.is_closed());
    let wanted = Some(Err(WebSocketError::Silent(TIMEOUT)));
    assert_eq!(cause(&side.to_app), wanted);
}

#[test]
fn an_application_that_does_not_read_is_not_the_peers_silence() {
    let mut side = server(settings());
    side.to_app.set_limit(1);
    let said = client_bytes(&[frame(FIN | BINARY, "one"), frame(FIN | BINARY, "two")]);
    side.receive(&said);
    for _ in 0..10 {
        side.now = side.layer.deadline().unwrap();
        side.process();
    }
    assert_eq!(side.layer.progress(), Progress::Open);
    let got = messages(&mut side.to_app);
    side.process();
    assert_eq!(got.len() + messages(&mut side.to_app).len(), 2);
}

/// A part of a frame stays on the wire until the rest of it has come: it is the peer that waits then,
/// and not this side.
#[test]
fn a_peer_that_falls_silent_within_a_frame_is_given_up_too() {
    let bytes = client_bytes(&[frame(FIN | BINARY, "a message")]);
    for cut in 1..bytes.len() {
        let mut side = server(settings());
        side.receive(&bytes[..cut]);
        side.now = side.layer.deadline().unwrap();
        side.process();
        let sent = server_frames(&side.sent());
        assert_eq!(sent.len(), 1, "cut at {cut}");
        assert_eq!(sent[0].0, FIN | PING);
        side.now = side.layer.deadline().unwrap();
        side.process();
        let wanted = Some(Err(WebSocketError::Silent(TIMEOUT)));
        assert_eq!(cause(&side.to_app), wanted, "cut at {cut}");
    }
}

#[test]
fn a_deadline_is_later_than_now_with_any_interval() {
    for interval in [Duration::ZERO, Duration::from_nanos(1), Duration::MAX] {
        let mut settings = settings();
        settings.keepalive = Some(Keepalive::new(interval, TIMEOUT));
        let mut side = server(settings);
        side.to_app.set_limit(1);
        for _ in 0..3 {
            side.receive(&client_bytes(&[frame(FIN | BINARY, "one")])); // and nobody reads
            let due = side.layer.deadline();
            assert!(due.is_none_or(|due| due > side.now), "{interval:?}");
            side.now += Duration::from_secs(1);
        }
    }
}

/// A fault, or the end of the wire, waits until the application has read what came before.
#[test]
fn what_has_ended_the_connection_is_told_and_not_the_silence_behind_it() {
    let wait = |side: &mut ServerSide| {
        for _ in 0..10 {
            side.now = side.layer.deadline().unwrap();
            side.process();
        }
        assert_eq!(messages(&mut side.to_app), [binary(b"one")]);
        side.process();
    };
    let one = frame(FIN | BINARY, "one");

    let mut faulty = server(settings());
    faulty.receive(&client_bytes(&[one.clone(), frame(FIN | UNKNOWN, "")]));
    wait(&mut faulty);
    let wanted = Some(Err(WebSocketError::UnknownOpcode(UNKNOWN)));
    assert_eq!(cause(&faulty.to_app), wanted);
    let close = close_frame(PROTOCOL_ERROR, "");
    assert_eq!(server_frames(&faulty.sent()), [close]);

    let mut broken = server(settings());
    broken.to_app.set_limit(1);
    broken.receive(&client_bytes(&[one]));
    let reset = Error::peer("wire", "reset");
    broken.from_wire.abort(reset);
    wait(&mut broken);
    let error = end(&broken.to_app).unwrap().unwrap_err();
    assert_eq!(error.origin(), "wire", "{error}");
}

/// A payload that others share is masked while it is sent. A ping must wait until its frame is whole.
#[test]
fn a_ping_never_stands_in_the_middle_of_a_frame() {
    const LEN: usize = 300_000;
    let mut side = client(settings());
    let shared = bytes::Bytes::from(vec![7; LEN]);
    side.from_app.push(Message::Binary(shared.clone()));
    side.process();
    let mut sent = side.sent();
    assert!(sent.len() < LEN, "a part of the frame");
    side.now = side.layer.deadline().unwrap();
    while sent.len() < LEN {
        side.process();
        sent.extend(side.sent());
    }
    side.process();
    sent.extend(side.sent());
    let kinds: Vec<_> = client_frames(&sent)
        .iter()
        .map(|it| (it.0, it.1.len()))
        .collect();
    assert_eq!(kinds[0], (FIN | BINARY, LEN));
    assert_eq!(kinds[1].0, FIN | PING);
}
