//! Peers that do not close, and connections that do not end.

use super::TIMEOUT;
use crate::kit::*;
use std::time::Duration;
use wirestack_layer::{Flow, Layer};
use wirestack_websocket::{WebSocketConfig, WebSocketError};

#[test]
fn a_peer_that_never_closes_is_given_up() {
    for _ in 0..2 {
        let mut side = client(WebSocketConfig::default());
        side.from_app.finish();
        side.process();
        let until = side.now + TIMEOUT;
        assert_eq!(side.layer.deadline(), Some(until));
        side.now = until - Duration::from_millis(1);
        side.receive(b"\x81\x01a");
        assert_eq!(
            side.layer.deadline(),
            Some(until),
            "messages extend nothing"
        );
        side.now = until;
        side.receive(b"\x81\x01b");
        assert_eq!(messages(&mut side.to_app), [text("a"), text("b")]);
        assert_eq!(
            cause(&side.to_app),
            Some(Err(WebSocketError::CloseTimedOut(TIMEOUT)))
        );
        side.sent();
        assert_eq!(
            cause(&side.to_wire),
            Some(Err(WebSocketError::CloseTimedOut(TIMEOUT)))
        );
        assert_eq!(side.layer.deadline(), None);
    }
}

#[test]
fn a_server_that_never_ends_the_connection_is_left() {
    let mut side = client(WebSocketConfig::default());
    side.receive(&server_bytes(&[close_frame(1000, "")]));
    let until = side.now + TIMEOUT;
    assert_eq!(side.layer.deadline(), Some(until));
    side.now = until;
    side.process();
    side.sent();
    assert_eq!(cause(&side.to_wire), Some(Ok(())));
    assert_eq!(cause(&side.to_app), Some(Ok(())));
}

#[test]
fn a_peer_that_closes_but_does_not_read_is_given_up() {
    let mut side = server(WebSocketConfig::default());
    side.to_wire.set_limit(10);
    for _ in 0..3 {
        side.from_app.push(text("queued message"));
    }
    side.receive(&client_bytes(&[close_frame(1000, "")]));
    side.now += TIMEOUT;
    side.process();
    assert!(side.from_app.is_empty());
    side.sent();
    assert_eq!(
        cause(&side.to_wire),
        Some(Err(WebSocketError::CloseTimedOut(TIMEOUT)))
    );
}

#[test]
fn a_close_timeout_of_zero_expires_at_once() {
    let mut settings = WebSocketConfig::default();
    settings.close_timeout = Duration::ZERO;
    let mut side = client(settings);
    side.from_app.finish();
    side.process();
    assert_eq!(
        cause(&side.to_app),
        Some(Err(WebSocketError::CloseTimedOut(Duration::ZERO)))
    );
}

#[test]
fn closing_behind_bytes_that_the_peer_does_not_take_has_a_deadline() {
    for ping in [false, true] {
        let mut side = client(WebSocketConfig::default());
        side.to_wire.set_limit(10);
        side.from_app.push(text("more than there is room for"));
        side.from_app.push(text("more"));
        side.process();
        side.from_app.finish();
        side.process();
        let until = side.now + TIMEOUT;
        assert_eq!(side.layer.deadline(), Some(until));
        if ping {
            // A peer that goes on sending while it does not read gains no time.
            side.now += TIMEOUT / 2;
            side.receive(b"\x89\x01p\x81\x01m");
            assert_eq!(messages(&mut side.to_app), [text("m")]);
            assert_eq!(side.layer.deadline(), Some(until));
        }
        side.now = until;
        side.process();
        let error = cause(&side.to_app).unwrap().unwrap_err();
        assert!(
            matches!(error, WebSocketError::CloseTimedOut(TIMEOUT)),
            "{error}"
        );
        assert!(side.to_wire.is_closed() && side.layer.deadline().is_none());
    }
}
