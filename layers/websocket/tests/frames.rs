//! Transcripts of frames, in both roles and in every split: the families of the Autobahn test suite
//! and the examples of RFC 6455 §5.7.

mod support;

use support::*;
use wirestack_layer::{Flow, Pipe};
use wirestack_websocket::{CloseCode, Message, Settings, WebSocketError};

fn text(text: &str) -> Message {
    Message::text(text.to_owned())
}

fn binary(bytes: &[u8]) -> Message {
    Message::binary(bytes.to_vec())
}

const REFUSED: u16 = 1002;

#[test]
fn messages_of_every_size_of_length() {
    let mut rows = Vec::new();
    for len in [0, 1, 125, 126, 127, 128, 65535, 65536, 70_000] {
        let payload = "x".repeat(len);
        rows.push(row(
            "text",
            [frame(0x81, &payload)],
            [text(&payload)],
            [],
            None,
        ));
        rows.push(row(
            "binary, then text",
            [frame(0x82, &payload), frame(0x81, "é")],
            [binary(payload.as_bytes()), text("é")],
            [],
            None,
        ));
    }
    check(&rows, &Settings::default());
}

#[test]
fn every_ping_is_answered_in_its_place() {
    let long = "p".repeat(125);
    let ten: Vec<Frame> = (0..10).map(|n| frame(0x89, [n; 3])).collect();
    let mut rows = vec![
        row("empty", [frame(0x89, "")], [], [frame(0x8a, "")], None),
        row(
            "125 bytes, not text",
            [frame(0x89, &long), frame(0x89, b"\xff\xfe")],
            [],
            [frame(0x8a, &long), frame(0x8a, b"\xff\xfe")],
            None,
        ),
        row(
            "unsolicited pongs mean nothing",
            [frame(0x8a, ""), frame(0x8a, "x"), frame(0x89, "y")],
            [],
            [frame(0x8a, "y")],
            None,
        ),
        row(
            "126 bytes",
            [frame(0x81, "a"), frame(0x89, "p".repeat(126))],
            [text("a")],
            [close_frame(REFUSED, "")],
            Some(Err(WebSocketError::LongControl)),
        ),
    ];
    rows.push(Row {
        name: "ten pings",
        output: ten.iter().map(|f| frame(0x8a, &f.1)).collect(),
        input: ten,
        messages: vec![],
        end: None,
    });
    check(&rows, &Settings::default());
}

#[test]
fn reserved_bits_need_an_extension() {
    let rows: Vec<Row> = [1, 2, 3, 4, 5, 6, 7]
        .into_iter()
        .flat_map(|rsv| {
            [0x81, 0x82, 0x88, 0x89, 0x8a].map(|first| {
                row(
                    "reserved bits",
                    [frame(0x82, "good"), frame(first | rsv << 4, "")],
                    [binary(b"good")],
                    [close_frame(REFUSED, "")],
                    Some(Err(WebSocketError::ReservedBits(rsv))),
                )
            })
        })
        .collect();
    check(&rows, &Settings::default());
}

#[test]
fn unknown_opcodes() {
    let rows: Vec<Row> = [3, 4, 5, 6, 7, 11, 12, 13, 14, 15]
        .into_iter()
        .map(|opcode| {
            row(
                "unknown opcode",
                [frame(0x81, "good"), frame(0x80 | opcode, "x")],
                [text("good")],
                [close_frame(REFUSED, "")],
                Some(Err(WebSocketError::UnknownOpcode(opcode))),
            )
        })
        .collect();
    check(&rows, &Settings::default());
}

#[test]
fn fragments() {
    let refused = [close_frame(REFUSED, "")];
    let rows = [
        row(
            "two",
            [frame(0x01, "frag"), frame(0x80, "ment")],
            [text("fragment")],
            [],
            None,
        ),
        row(
            "empty ones, and bytes",
            [
                frame(0x02, ""),
                frame(0x00, ""),
                frame(0x00, b"\xff"),
                frame(0x80, ""),
            ],
            [binary(b"\xff")],
            [],
            None,
        ),
        row(
            "a ping is answered inside a fragmented message",
            [
                frame(0x01, "a"),
                frame(0x89, "1"),
                frame(0x00, "b"),
                frame(0x8a, "x"),
                frame(0x89, "2"),
                frame(0x80, "c"),
                frame(0x81, "d"),
            ],
            [text("abc"), text("d")],
            [frame(0x8a, "1"), frame(0x8a, "2")],
            None,
        ),
        row(
            "a close frame inside a fragmented message",
            [frame(0x01, "a"), close_frame(1000, "bye")],
            [],
            [close_frame(1000, "")],
            Some(Ok(())),
        ),
        row(
            "a ping in fragments",
            [frame(0x81, "a"), frame(0x09, "x"), frame(0x80, "y")],
            [text("a")],
            refused.clone(),
            Some(Err(WebSocketError::FragmentedControl)),
        ),
        row(
            "nothing to continue",
            [frame(0x80, "a")],
            [],
            refused.clone(),
            Some(Err(WebSocketError::NothingToContinue)),
        ),
        row(
            "nothing left to continue",
            [frame(0x01, "a"), frame(0x80, "b"), frame(0x00, "c")],
            [text("ab")],
            refused.clone(),
            Some(Err(WebSocketError::NothingToContinue)),
        ),
        row(
            "a message in a message",
            [frame(0x01, "a"), frame(0x81, "b"), frame(0x80, "c")],
            [],
            refused.clone(),
            Some(Err(WebSocketError::NestedMessage)),
        ),
    ];
    check(&rows, &Settings::default());
}

#[test]
fn utf8_across_fragments() {
    let kosme = "κόσμε";
    let bytes = kosme.as_bytes();
    let mut rows = Vec::new();
    for cut in 0..=bytes.len() {
        let (first, second) = bytes.split_at(cut);
        rows.push(row(
            "cut in a character",
            [frame(0x01, first), frame(0x00, ""), frame(0x80, second)],
            [text(kosme)],
            [],
            None,
        ));
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
        let failed = Some(Err(WebSocketError::BadUtf8));
        let (first, second) = bad.split_at(1);
        rows.push(row(
            "one frame",
            [frame(0x81, "good"), frame(0x81, bad)],
            [text("good")],
            [close_frame(1007, "")],
            failed.clone(),
        ));
        rows.push(row(
            "fragments",
            [frame(0x01, first), frame(0x80, second)],
            [],
            [close_frame(1007, "")],
            failed,
        ));
    }
    check(&rows, &Settings::default());
}

/// Autobahn 6.4: the rest of the frame, or of the message, never comes.
#[test]
fn utf8_fails_at_the_first_bad_byte() {
    let good = "κόσμε".as_bytes();
    for (as_server, first) in [(true, 0x81), (true, 0x01), (false, 0x81), (false, 0x01)] {
        for bad in [&b"\xf4\x90"[..], b"\xed\xa0", b"\xc0", b"\xf5", b"\xe0\x80"] {
            let mut payload = good.to_vec();
            payload.extend(bad);
            let until = payload.len();
            payload.extend([b'x'; 1000]);
            let bytes = encode(&[frame(first, payload)], as_server);
            let until = bytes.len() - 1000 - good.len() - bad.len() + until;
            let run = |n: usize| match as_server {
                true => {
                    let mut port = server(Settings::default());
                    bytes[..n].chunks(1).for_each(|byte| port.hear(byte));
                    cause(&port.to_app)
                }
                false => {
                    let mut port = client(Settings::default());
                    port.hear(&bytes[..n]);
                    cause(&port.to_app)
                }
            };
            assert_eq!(run(until - 1), None, "{bad:x?}");
            assert_eq!(run(until), Some(Err(WebSocketError::BadUtf8)), "{bad:x?}");
        }
    }
}

#[test]
fn close_codes() {
    let mut rows = vec![
        row(
            "no code",
            [frame(0x81, "a"), frame(0x88, "")],
            [text("a")],
            [frame(0x88, "")],
            Some(Ok(())),
        ),
        row(
            "1 byte",
            [frame(0x88, "x")],
            [],
            [close_frame(REFUSED, "")],
            Some(Err(WebSocketError::ShortClose)),
        ),
        row(
            "a reason that is not text",
            [frame(0x88, b"\x03\xe8\xff")],
            [],
            [close_frame(1007, "")],
            Some(Err(WebSocketError::BadUtf8)),
        ),
        row(
            "a reason of 123 bytes, and frames behind",
            [
                close_frame(1000, &"r".repeat(123)),
                frame(0x89, "x"),
                frame(0x81, "b"),
                close_frame(1000, ""),
            ],
            [],
            [close_frame(1000, "")],
            Some(Ok(())),
        ),
        row(
            "a reason of 124 bytes",
            [close_frame(1000, &"r".repeat(124))],
            [],
            [close_frame(REFUSED, "")],
            Some(Err(WebSocketError::LongControl)),
        ),
    ];
    for code in [1000, 1001] {
        rows.push(row(
            "clean",
            [close_frame(code, "bye")],
            [],
            [close_frame(code, "")],
            Some(Ok(())),
        ));
    }
    for code in [
        1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999,
    ] {
        let reason = "why".into();
        rows.push(row(
            "not clean",
            [frame(0x82, "a"), close_frame(code, "why")],
            [binary(b"a")],
            [close_frame(code, "")],
            Some(Err(WebSocketError::Closed {
                code: CloseCode::new(code),
                reason,
            })),
        ));
    }
    check(&rows, &Settings::default());
}

#[test]
fn codes_1005_1006_1015_never_on_the_wire() {
    let bad = [
        0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535,
    ];
    let rows = bad.map(|code| {
        row(
            "invalid code",
            [frame(0x81, "a"), close_frame(code, "")],
            [text("a")],
            [close_frame(REFUSED, "")],
            Some(Err(WebSocketError::BadCloseCode(CloseCode::new(code)))),
        )
    });
    check(&rows, &Settings::default());
    for code in bad {
        let closed = client(Settings::default()).layer.close(code, "");
        assert!(closed.is_err(), "{code}");
    }
}

#[test]
fn lengths_are_minimal_and_have_no_top_bit() {
    let huge = [0x80, 0, 0, 0, 0, 0, 0, 0];
    for (second, long, cause) in [
        (126, &[0, 0][..], WebSocketError::LongLength(0)),
        (126, &[0, 125], WebSocketError::LongLength(125)),
        (
            127,
            &[0, 0, 0, 0, 0, 0, 0, 5],
            WebSocketError::LongLength(5),
        ),
        (
            127,
            &[0, 0, 0, 0, 0, 0, 255, 255],
            WebSocketError::LongLength(65535),
        ),
        (127, &huge, WebSocketError::HugeLength),
    ] {
        for as_server in [true, false] {
            let mut bytes = encode(&[frame(0x81, "a")], as_server);
            bytes.extend([0x82, second | if as_server { 0x80 } else { 0 }]);
            bytes.extend(long);
            bytes.extend([0; 16]);
            let row = row(
                "length",
                [],
                [text("a")],
                [close_frame(REFUSED, "")],
                Some(Err(cause.clone())),
            );
            check_bytes(&row, &bytes, as_server, &Settings::default());
        }
    }
}

#[test]
fn masked_by_the_wrong_side() {
    for (as_server, cause) in [
        (true, WebSocketError::Unmasked),
        (false, WebSocketError::Masked),
    ] {
        for wrong in [frame(0x81, "b"), frame(0x89, ""), close_frame(1000, "")] {
            let mut bytes = encode(&[frame(0x81, "a")], as_server);
            bytes.extend(encode(&[wrong], !as_server));
            let row = row(
                "mask",
                [],
                [text("a")],
                [close_frame(REFUSED, "")],
                Some(Err(cause.clone())),
            );
            check_bytes(&row, &bytes, as_server, &Settings::default());
        }
    }
}

#[test]
fn limits_are_refused_with_1009() {
    let mut settings = Settings::default();
    settings.max_frame = 200;
    settings.max_message = 300;
    settings.max_fragments = 3;
    let big = [close_frame(1009, "")];
    let rows = [
        row(
            "up to the limits",
            [
                frame(0x82, [1; 200]),
                frame(0x02, [2; 200]),
                frame(0x00, [2; 100]),
                frame(0x80, ""),
            ],
            [binary(&[1; 200]), binary(&[2; 300])],
            [],
            None,
        ),
        row(
            "frame",
            [frame(0x81, "a"), frame(0x82, [0; 201])],
            [text("a")],
            big.clone(),
            Some(Err(WebSocketError::LongFrame {
                len: 201,
                limit: 200,
            })),
        ),
        row(
            "message",
            [frame(0x02, [0; 200]), frame(0x80, [0; 101])],
            [],
            big.clone(),
            Some(Err(WebSocketError::LongMessage {
                len: 301,
                limit: 300,
            })),
        ),
        row(
            "fragments",
            [
                frame(0x01, ""),
                frame(0x00, ""),
                frame(0x00, ""),
                frame(0x80, ""),
            ],
            [],
            big.clone(),
            Some(Err(WebSocketError::TooManyFragments(3))),
        ),
    ];
    check(&rows, &settings);

    // It is the header that is refused: nothing of the payload is waited for.
    let mut port = server(Settings::default());
    port.hear(b"\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00");
    let limit = Settings::default().max_frame;
    let len = u64::MAX >> 1;
    assert_eq!(
        cause(&port.to_app),
        Some(Err(WebSocketError::LongFrame { len, limit }))
    );
}

#[test]
fn an_end_without_a_close_frame_is_an_abort() {
    let whole = encode(&[frame(0x81, "a"), frame(0x01, "b")], false);
    let half = encode(&[frame(0x81, "a"), frame(0x81, "half")], false);
    for bytes in [&whole, &half[..half.len() - 1], &half[..4], &half[..3]] {
        let mut port = client(Settings::default());
        port.from_wire.write(bytes);
        port.from_wire.finish();
        port.turn();
        assert_eq!(messages(&mut port.to_app), [text("a")]);
        assert_eq!(cause(&port.to_app), Some(Err(WebSocketError::Cut)));
        assert_eq!(port.sent(), b"", "1006 is never on the wire");
        assert!(port.to_wire.is_closed());
    }
}

#[test]
fn the_examples_of_rfc_6455_5_7() {
    let mut port = server(Settings::default());
    port.from_app.push(text("Hello"));
    port.from_app.push(binary(&[0; 256]));
    port.from_app.push(binary(&[0; 65536]));
    port.turn();
    let sent = port.sent();
    assert_eq!(sent[..7], *b"\x81\x05Hello");
    assert_eq!(sent[7..11], [0x82, 0x7e, 0x01, 0x00]);
    assert_eq!(sent[267..277], [0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0]);

    port.hear(b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
    port.hear(b"\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
    assert_eq!(messages(&mut port.to_app), [text("Hello")]);

    let mut port = client(Settings::default());
    port.hear(b"\x01\x03Hel\x80\x02lo\x89\x05Hello");
    assert_eq!(messages(&mut port.to_app), [text("Hello")]);
    assert_eq!(decode(&port.sent(), true), [frame(0x8a, "Hello")]);

    let mut settings = Settings::default();
    settings.largest_frame_sent = 3;
    let mut port = server(settings);
    port.from_app.push(text("Hello"));
    port.turn();
    assert_eq!(port.sent(), b"\x01\x03Hel\x80\x02lo");
}

#[test]
fn pings_cannot_fill_the_memory_of_a_side_whose_pongs_are_not_read() {
    let mut port = server(Settings::default());
    port.to_wire.set_limit(100);
    let pings: Vec<Frame> = (0..10_000u32)
        .map(|n| frame(0x89, n.to_be_bytes()))
        .collect();
    port.hear(&encode(&pings, true));
    assert!(port.from_wire.is_empty(), "pings do not hold up messages");
    assert!(port.to_wire.len() < 110, "{}", port.to_wire.len());
    port.sent();
    port.turn();
    let last = 9999u32.to_be_bytes();
    assert_eq!(decode(&port.sent(), false), [frame(0x8a, last)]);
}

#[test]
fn no_room_no_new_unit() {
    let mut settings = Settings::default();
    settings.largest_frame_sent = 1000;
    let mut port = server(settings);
    port.to_wire.set_limit(1500);
    port.to_app.set_limit(50);
    for _ in 0..3 {
        port.from_app.push(binary(&[0; 2500]));
    }
    port.layer.ping("between fragments").unwrap();
    port.from_wire
        .write(&encode(&vec![frame(0x81, "twenty"); 20], true));
    let (mut sent, mut heard) = (Vec::new(), 0);
    for _ in 0..30 {
        port.turn();
        assert!(port.to_wire.len() <= 1500 + 1000 + 4);
        assert!(port.to_app.len() <= 2);
        sent.extend(port.sent());
        heard += messages(&mut port.to_app).len();
    }
    assert_eq!(heard, 20);
    let firsts: Vec<u8> = decode(&sent, false).iter().map(|frame| frame.0).collect();
    assert_eq!(firsts[..4], [0x89, 0x02, 0x00, 0x80]);
    assert_eq!(firsts.len(), 10);
}

#[test]
fn a_large_frame_is_required_as_a_whole() {
    let mut port = server(Settings::default());
    let bytes = encode(&[frame(0x82, vec![1; 1 << 20])], true);
    port.hear(&bytes[..100]);
    assert_eq!(port.from_wire.wanted(), (1 << 20) - 100 + 14);
    assert!(port.from_wire.room() > 1 << 19);
    port.hear(&bytes[100..]);
    assert_eq!(messages(&mut port.to_app), [binary(&vec![1; 1 << 20])]);
    assert_eq!(port.from_wire.capacity(), 0, "an empty pipe holds nothing");
}

#[test]
fn masks_are_fresh_for_each_frame_and_undone_by_the_peer() {
    let mut port = client(Settings::default());
    port.to_wire.set_limit(usize::MAX);
    let sizes = [0, 1, 5, 125, 126, 4096, 65535, 65536, 100_003];
    let mut wanted = Vec::new();
    for shared in [false, true] {
        for len in sizes {
            let message = binary(&(0..len).map(|n| n as u8).collect::<Vec<_>>());
            wanted.push(message.clone());
            if shared {
                port.from_app.push(message.clone());
                port.turn(); // while there is a second handle to the payload
            } else {
                port.from_app.push(message);
                wanted.pop();
                wanted.push(binary(&(0..len).map(|n| n as u8).collect::<Vec<_>>()));
            }
        }
    }
    port.turn();
    let bytes = port.sent();
    let mut keys = Vec::new();
    let mut rest = &bytes[..];
    for _ in 0..2 {
        for len in sizes {
            let head = match len {
                0..=125 => 2,
                126..=65535 => 4,
                _ => 10,
            };
            keys.push(rest[head..head + 4].to_vec());
            rest = &rest[head + 4 + len..];
        }
    }
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 2 * sizes.len());

    let mut peer = server(Settings::default());
    peer.to_app.set_limit(usize::MAX);
    peer.hear(&bytes);
    assert_eq!(messages(&mut peer.to_app), wanted);
}

#[test]
fn a_tunnel_carries_bytes_and_refuses_text() {
    let client = wirestack_websocket::Client::established(Settings::default(), [1; 32].into());
    let mut client = Port::new(client.tunnel());
    let mut server =
        Port::new(wirestack_websocket::Server::established(Settings::default()).tunnel());
    let bytes: Vec<u8> = (0..200_000u32).map(|n| n as u8).collect();
    let mut heard = Pipe::with_limit(usize::MAX);
    client.from_app.write(&bytes);
    client.from_app.finish();
    for _ in 0..20 {
        client.turn();
        client.to_wire.transfer_to(&mut server.from_wire);
        server.turn();
        let n = server.to_app.len();
        heard.push(server.to_app.take(n));
    }
    assert_eq!(heard.unread(), bytes);
    assert_eq!(cause(&server.to_app), Some(Ok(())));

    server = Port::new(wirestack_websocket::Server::established(Settings::default()).tunnel());
    server.hear(&encode(&[frame(0x82, "a"), frame(0x81, "b")], true));
    assert_eq!(server.to_app.take(1), "a");
    server.turn();
    assert_eq!(
        cause(&server.to_app),
        Some(Err(WebSocketError::TextRefused))
    );
    assert_eq!(decode(&server.sent(), false), [close_frame(1003, "")]);
}

#[test]
fn what_was_said_before_a_fault_can_still_be_answered() {
    for as_server in [true, false] {
        let bytes = encode(&[frame(0x81, "said"), frame(0xa1, "bad")], as_server);
        let answer = [frame(0x81, "answer"), close_frame(1002, "")];
        let wanted = Some(Err(WebSocketError::ReservedBits(2)));
        let after = frame(0x81, "after");
        macro_rules! check {
            ($port:expr) => {{
                let mut port = $port;
                port.hear(&bytes);
                assert!(port.to_app.end().is_none() && port.to_wire.is_empty());
                port.hear(&encode(&[after], as_server));
                assert_eq!(messages(&mut port.to_app), [Message::text("said")]);
                port.from_app.push(Message::text("answer"));
                port.turn();
                assert_eq!(cause(&port.to_app), wanted);
                assert_eq!(decode(&port.sent(), !as_server), answer);
            }};
        }
        match as_server {
            true => check!(server(Settings::default())),
            false => check!(client(Settings::default())),
        }
    }
}
