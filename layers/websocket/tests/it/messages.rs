//! Messages: their lengths, their fragments and their text, in both roles and in every split.

use crate::kit::*;
use wirestack_layer::{Flow, Pipe};
use wirestack_websocket::{Client, CloseCode, Server, WebSocketConfig, WebSocketError};

#[test]
fn messages_of_every_length_arrive() {
    let mut rows = Vec::new();
    for len in [0, 1, 125, 126, 127, 128, 65535, 65536, 70_000] {
        let payload = "x".repeat(len);
        rows.push(
            Exchange::new("text")
                .peer_sends([frame(FIN | TEXT, &payload)])
                .app_reads([text(&payload)]),
        );
        rows.push(
            Exchange::new("binary, then text")
                .peer_sends([frame(FIN | BINARY, &payload), frame(FIN | TEXT, "é")])
                .app_reads([binary(payload.as_bytes()), text("é")]),
        );
    }
    check(&rows, &WebSocketConfig::default());
}

#[test]
fn fragments_make_one_message_and_control_frames_go_between() {
    let refused = || [close_frame(PROTOCOL_ERROR, "")];
    let rows = [
        Exchange::new("two")
            .peer_sends([frame(TEXT, "frag"), frame(FIN | CONTINUATION, "ment")])
            .app_reads([text("fragment")]),
        Exchange::new("empty ones, and bytes")
            .peer_sends([
                frame(BINARY, ""),
                frame(CONTINUATION, ""),
                frame(CONTINUATION, b"\xff"),
                frame(FIN | CONTINUATION, ""),
            ])
            .app_reads([binary(b"\xff")]),
        Exchange::new("a ping is answered inside a fragmented message")
            .peer_sends([
                frame(TEXT, "a"),
                frame(FIN | PING, "1"),
                frame(CONTINUATION, "b"),
                frame(FIN | PONG, "x"),
                frame(FIN | PING, "2"),
                frame(FIN | CONTINUATION, "c"),
                frame(FIN | TEXT, "d"),
            ])
            .app_reads([text("abc"), text("d")])
            .layer_sends([frame(FIN | PONG, "1"), frame(FIN | PONG, "2")]),
        Exchange::new("a close frame inside a fragmented message")
            .peer_sends([frame(TEXT, "a"), close_frame(1000, "bye")])
            .layer_sends([close_frame(1000, "")])
            .fails(WebSocketError::UnfinishedMessage(CloseCode::NORMAL)),
        Exchange::new("a ping in fragments")
            .peer_sends([
                frame(FIN | TEXT, "a"),
                frame(PING, "x"),
                frame(FIN | CONTINUATION, "y"),
            ])
            .app_reads([text("a")])
            .layer_sends(refused())
            .fails(WebSocketError::FragmentedControl),
        Exchange::new("nothing to continue")
            .peer_sends([frame(FIN | CONTINUATION, "a")])
            .layer_sends(refused())
            .fails(WebSocketError::NothingToContinue),
        Exchange::new("nothing left to continue")
            .peer_sends([
                frame(TEXT, "a"),
                frame(FIN | CONTINUATION, "b"),
                frame(CONTINUATION, "c"),
            ])
            .app_reads([text("ab")])
            .layer_sends(refused())
            .fails(WebSocketError::NothingToContinue),
        Exchange::new("a message in a message")
            .peer_sends([
                frame(TEXT, "a"),
                frame(FIN | TEXT, "b"),
                frame(FIN | CONTINUATION, "c"),
            ])
            .layer_sends(refused())
            .fails(WebSocketError::NestedMessage),
    ];
    check(&rows, &WebSocketConfig::default());
}

#[test]
fn utf8_may_be_cut_in_a_character_and_is_checked_across_fragments() {
    let kosme = "κόσμε";
    let bytes = kosme.as_bytes();
    let mut rows = Vec::new();
    for cut in 0..=bytes.len() {
        let (first, second) = bytes.split_at(cut);
        rows.push(
            Exchange::new("cut in a character")
                .peer_sends([
                    frame(TEXT, first),
                    frame(CONTINUATION, ""),
                    frame(FIN | CONTINUATION, second),
                ])
                .app_reads([text(kosme)]),
        );
    }
    for bad in [
        &b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited"[..],
        b"\xf4\x90\x80\x80",
        b"\xc0\xaf",
        b"\xf8\x88\x80\x80\x80",
        b"\xff",
        b"\x80",
        b"\xf0\x9f\x98", // ends in the middle of a character
        b"\xed\xbf\xbf",
    ] {
        let (first, second) = bad.split_at(1);
        rows.push(
            Exchange::new("one frame")
                .peer_sends([frame(FIN | TEXT, "good"), frame(FIN | TEXT, bad)])
                .app_reads([text("good")])
                .layer_sends([close_frame(1007, "")])
                .fails(WebSocketError::BadUtf8),
        );
        rows.push(
            Exchange::new("fragments")
                .peer_sends([frame(TEXT, first), frame(FIN | CONTINUATION, second)])
                .layer_sends([close_frame(1007, "")])
                .fails(WebSocketError::BadUtf8),
        );
    }
    check(&rows, &WebSocketConfig::default());
}

/// Autobahn 6.4: the rest of the frame, or of the message, never comes.
#[test]
fn utf8_fails_at_the_first_bad_byte() {
    let good = "κόσμε".as_bytes();
    for first in [FIN | TEXT, TEXT] {
        for bad in [&b"\xf4\x90"[..], b"\xed\xa0", b"\xc0", b"\xf5", b"\xe0\x80"] {
            let mut payload = good.to_vec();
            payload.extend(bad);
            payload.extend([b'x'; 1000]);
            let frames = [frame(first, payload)];
            let failed = Some(Err(WebSocketError::BadUtf8));

            let bytes = client_bytes(&frames);
            let until_bad = bytes.len() - 1000;
            let bytewise = |n: usize| {
                let mut side = server(WebSocketConfig::default());
                bytes[..n].chunks(1).for_each(|byte| side.receive(byte));
                cause(&side.to_app)
            };
            assert_eq!(bytewise(until_bad - 1), None, "{bad:x?}");
            assert_eq!(bytewise(until_bad), failed, "{bad:x?}");

            let bytes = server_bytes(&frames);
            let until_bad = bytes.len() - 1000;
            let whole = |n: usize| {
                let mut side = client(WebSocketConfig::default());
                side.receive(&bytes[..n]);
                cause(&side.to_app)
            };
            assert_eq!(whole(until_bad - 1), None, "{bad:x?}");
            assert_eq!(whole(until_bad), failed, "{bad:x?}");
        }
    }
}

#[test]
fn a_message_before_a_fault_can_still_be_answered() {
    /// Checks one side, whose role is the second argument.
    macro_rules! check {
        ($side:expr, $role:expr) => {{
            let (mut side, role) = ($side, $role);
            let frames = [frame(FIN | TEXT, "said"), frame(FIN | RSV2 | TEXT, "bad")];
            side.receive(&role.peer().encode(&frames));
            assert!(side.to_app.end().is_none() && side.to_wire.is_empty());
            let after = frame(FIN | TEXT, "after");
            side.receive(&role.peer().encode(&[after]));
            assert_eq!(messages(&mut side.to_app), [text("said")]);
            side.from_app.push(text("answer"));
            side.process();
            let failed = Some(Err(WebSocketError::ReservedBits(2)));
            assert_eq!(cause(&side.to_app), failed);
            let answer = [frame(FIN | TEXT, "answer"), close_frame(PROTOCOL_ERROR, "")];
            assert_eq!(role.decode(&side.sent()), answer);
        }};
    }
    check!(server(WebSocketConfig::default()), Role::Server);
    check!(client(WebSocketConfig::default()), Role::Client);
}

/// A layer above reads the bytes. If it has required more than there is, nothing more will come.
#[test]
fn a_fault_waits_for_the_reader_of_bytes_unless_it_waits_for_more() {
    let frames = client_bytes(&[frame(FIN | BINARY, "a"), frame(FIN | 0xe, "")]);
    let unknown = Some(Err(WebSocketError::UnknownOpcode(0xe)));
    for waits_for_more in [false, true] {
        let mut server = Side::new(Server::established(WebSocketConfig::default()).tunnel());
        if waits_for_more {
            server.receive(&frames[..7]);
            server.to_app.require(2);
            server.receive(&frames[7..]);
            assert!(server.to_app.is_closed());
        } else {
            server.receive(&frames);
            assert!(!server.to_app.is_closed());
        }
        assert_eq!(server.to_app.take(1), "a");
        server.process();
        assert_eq!(cause(&server.to_app), unknown);
    }
}

#[test]
fn a_tunnel_carries_bytes_and_refuses_text() {
    let client = Client::established(WebSocketConfig::default(), [1; 32].into());
    let mut client = Side::new(client.tunnel());
    let mut server = Side::new(Server::established(WebSocketConfig::default()).tunnel());
    let bytes: Vec<u8> = (0..200_000u32).map(|n| n as u8).collect();
    let mut heard = Pipe::with_limit(usize::MAX);
    client.from_app.write(&bytes);
    client.from_app.finish();
    for _ in 0..20 {
        client.process();
        client.to_wire.transfer_to(&mut server.from_wire);
        server.process();
        let n = server.to_app.len();
        heard.push(server.to_app.take(n));
    }
    assert_eq!(heard.unread(), bytes);
    assert_eq!(cause(&server.to_app), Some(Ok(())));

    server = Side::new(Server::established(WebSocketConfig::default()).tunnel());
    server.receive(&client_bytes(&[
        frame(FIN | BINARY, "a"),
        frame(FIN | TEXT, "b"),
    ]));
    assert_eq!(server.to_app.take(1), "a");
    server.process();
    assert_eq!(
        cause(&server.to_app),
        Some(Err(WebSocketError::TextRefused))
    );
    assert_eq!(server_frames(&server.sent()), [close_frame(1003, "")]);
}
