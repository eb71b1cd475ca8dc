//! Control frames: pings that are answered, and the codes of Close frames.

use crate::kit::*;
use wirestack_layer::{Flow, Layer};
use wirestack_websocket::{CloseCode, WebSocketConfig, WebSocketError};

#[test]
fn every_ping_is_answered_in_its_place() {
    let long = "p".repeat(125);
    let ten: Vec<Frame> = (0..10).map(|n| frame(FIN | PING, [n; 3])).collect();
    let mut rows = vec![
        Exchange::new("empty")
            .peer_sends([frame(FIN | PING, "")])
            .layer_sends([frame(FIN | PONG, "")]),
        Exchange::new("125 bytes, not text")
            .peer_sends([frame(FIN | PING, &long), frame(FIN | PING, b"\xff\xfe")])
            .layer_sends([frame(FIN | PONG, &long), frame(FIN | PONG, b"\xff\xfe")]),
        Exchange::new("unsolicited pongs mean nothing")
            .peer_sends([
                frame(FIN | PONG, ""),
                frame(FIN | PONG, "x"),
                frame(FIN | PING, "y"),
            ])
            .layer_sends([frame(FIN | PONG, "y")]),
        Exchange::new("126 bytes")
            .peer_sends([frame(FIN | TEXT, "a"), frame(FIN | PING, "p".repeat(126))])
            .app_reads([text("a")])
            .layer_sends([close_frame(PROTOCOL_ERROR, "")])
            .fails(WebSocketError::LongControl),
    ];
    let pongs: Vec<Frame> = ten.iter().map(|ping| frame(FIN | PONG, &ping.1)).collect();
    rows.push(
        Exchange::new("ten pings")
            .peer_sends(ten)
            .layer_sends(pongs),
    );
    check(&rows, &WebSocketConfig::default());
}

#[test]
fn a_close_frame_ends_the_connection_as_its_code_says() {
    let mut rows = vec![
        Exchange::new("no code")
            .peer_sends([frame(FIN | TEXT, "a"), frame(FIN | CLOSE, "")])
            .app_reads([text("a")])
            .layer_sends([frame(FIN | CLOSE, "")])
            .finishes(),
        Exchange::new("1 byte")
            .peer_sends([frame(FIN | CLOSE, "x")])
            .layer_sends([close_frame(PROTOCOL_ERROR, "")])
            .fails(WebSocketError::ShortClose),
        Exchange::new("a reason that is not text")
            .peer_sends([frame(FIN | CLOSE, b"\x03\xe8\xff")])
            .layer_sends([close_frame(1007, "")])
            .fails(WebSocketError::BadUtf8),
        Exchange::new("a reason of 123 bytes, and frames behind")
            .peer_sends([
                close_frame(1000, &"r".repeat(123)),
                frame(FIN | PING, "x"),
                frame(FIN | TEXT, "b"),
                close_frame(1000, ""),
            ])
            .layer_sends([close_frame(1000, "")])
            .finishes(),
        Exchange::new("a reason of 124 bytes")
            .peer_sends([close_frame(1000, &"r".repeat(124))])
            .layer_sends([close_frame(PROTOCOL_ERROR, "")])
            .fails(WebSocketError::LongControl),
    ];
    for code in [1000, 1001] {
        rows.push(
            Exchange::new("clean")
                .peer_sends([close_frame(code, "bye")])
                .layer_sends([close_frame(code, "")])
                .finishes(),
        );
    }
    for code in [
        1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999,
    ] {
        let reason = "why".into();
        rows.push(
            Exchange::new("not clean")
                .peer_sends([frame(FIN | BINARY, "a"), close_frame(code, "why")])
                .app_reads([binary(b"a")])
                .layer_sends([close_frame(code, "")])
                .fails(WebSocketError::Closed {
                    code: CloseCode::new(code),
                    reason,
                }),
        );
    }
    check(&rows, &WebSocketConfig::default());
}

#[test]
fn codes_1005_1006_and_1015_are_never_on_the_wire() {
    let bad = [
        0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535,
    ];
    let rows = bad.map(|code| {
        Exchange::new("invalid code")
            .peer_sends([frame(FIN | TEXT, "a"), close_frame(code, "")])
            .app_reads([text("a")])
            .layer_sends([close_frame(PROTOCOL_ERROR, "")])
            .fails(WebSocketError::BadCloseCode(CloseCode::new(code)))
    });
    check(&rows, &WebSocketConfig::default());
    for code in bad {
        let closed = client(WebSocketConfig::default()).layer.close(code, "");
        assert!(closed.is_err(), "{code}");
    }
}

#[test]
fn an_end_without_a_close_frame_is_an_abort() {
    let whole = server_bytes(&[frame(FIN | TEXT, "a"), frame(TEXT, "b")]);
    let half = server_bytes(&[frame(FIN | TEXT, "a"), frame(FIN | TEXT, "half")]);
    for bytes in [&whole, &half[..half.len() - 1], &half[..4], &half[..3]] {
        let mut side = client(WebSocketConfig::default());
        side.from_wire.write(bytes);
        side.from_wire.finish();
        side.process();
        assert_eq!(messages(&mut side.to_app), [text("a")]);
        assert_eq!(cause(&side.to_app), Some(Err(WebSocketError::Cut)));
        assert_eq!(side.sent(), b"", "1006 is never on the wire");
        assert!(side.to_wire.is_closed());
    }
}

#[test]
fn the_control_of_every_form_and_role_is_found_by_its_type() {
    use std::any::TypeId;
    use wirestack_websocket::Control;

    fn finds<L: Layer + 'static>(mut layer: L) {
        assert_eq!(layer.name(), "websocket");
        let is = |found: &dyn std::any::Any| (found.is::<L>(), found.is::<Control>());
        for (wanted, kind) in [
            (TypeId::of::<L>(), (true, false)),
            (TypeId::of::<Control>(), (false, true)),
        ] {
            let found = layer.find_part(&mut |id| id == wanted).map(is);
            assert_eq!(found, Some(kind));
            let found = layer.find_part_mut(&mut |id| id == wanted);
            assert_eq!(found.map(|found| is(found)), Some(kind));
        }
        assert!(layer.find_part(&mut |_| false).is_none());
        assert!(layer.find_part_mut(&mut |_| false).is_none());
    }

    finds(client(WebSocketConfig::default()).layer);
    finds(server(WebSocketConfig::default()).layer);
    finds(client(WebSocketConfig::default()).layer.parts());
    finds(server(WebSocketConfig::default()).layer.tunnel());
}
