//! The bits of a frame: transcripts in both roles and in every split, after the families of the
//! Autobahn test suite, and the examples of RFC 6455 §5.7.

use crate::kit::*;
use wirestack_websocket::{WebSocketConfig, WebSocketError};

#[test]
fn reserved_bits_need_an_extension() {
    let rows: Vec<Exchange> = [1, 2, 3, 4, 5, 6, 7]
        .into_iter()
        .flat_map(|rsv| {
            [TEXT, BINARY, CLOSE, PING, PONG].map(|opcode| {
                Exchange::new("reserved bits")
                    .peer_sends([
                        frame(FIN | BINARY, "good"),
                        frame(FIN | rsv << 4 | opcode, ""),
                    ])
                    .app_reads([binary(b"good")])
                    .layer_sends([close_frame(PROTOCOL_ERROR, "")])
                    .fails(WebSocketError::ReservedBits(rsv))
            })
        })
        .collect();
    check(&rows, &WebSocketConfig::default());
}

#[test]
fn unknown_opcodes_are_refused() {
    let rows: Vec<Exchange> = [3, 4, 5, 6, 7, 11, 12, 13, 14, 15]
        .into_iter()
        .map(|opcode| {
            Exchange::new("unknown opcode")
                .peer_sends([frame(FIN | TEXT, "good"), frame(FIN | opcode, "x")])
                .app_reads([text("good")])
                .layer_sends([close_frame(PROTOCOL_ERROR, "")])
                .fails(WebSocketError::UnknownOpcode(opcode))
        })
        .collect();
    check(&rows, &WebSocketConfig::default());
}

#[test]
fn lengths_are_minimal_and_have_no_top_bit() {
    struct Row {
        /// The 7 bits of the payload length.
        length: u8,
        extended_length: &'static [u8],
        cause: WebSocketError,
    }
    for row in [
        Row {
            length: 126,
            extended_length: &[0, 0],
            cause: WebSocketError::LongLength(0),
        },
        Row {
            length: 126,
            extended_length: &[0, 125],
            cause: WebSocketError::LongLength(125),
        },
        Row {
            length: 127,
            extended_length: &[0, 0, 0, 0, 0, 0, 0, 5],
            cause: WebSocketError::LongLength(5),
        },
        Row {
            length: 127,
            extended_length: &[0, 0, 0, 0, 0, 0, 255, 255],
            cause: WebSocketError::LongLength(65535),
        },
        Row {
            length: 127,
            extended_length: &[0x80, 0, 0, 0, 0, 0, 0, 0],
            cause: WebSocketError::HugeLength,
        },
    ] {
        for role in [Role::Server, Role::Client] {
            let mut bytes = role.peer().encode(&[frame(FIN | TEXT, "a")]);
            let mask = if role == Role::Server { 0x80 } else { 0 };
            bytes.extend([FIN | BINARY, mask | row.length]);
            bytes.extend(row.extended_length);
            bytes.extend([0; 16]);
            let exchange = Exchange::new("length")
                .app_reads([text("a")])
                .layer_sends([close_frame(PROTOCOL_ERROR, "")])
                .fails(row.cause.clone());
            check_bytes(&exchange, &bytes, role, &WebSocketConfig::default());
        }
    }
}

#[test]
fn a_mask_by_the_wrong_side_is_refused() {
    for (role, cause) in [
        (Role::Server, WebSocketError::Unmasked),
        (Role::Client, WebSocketError::Masked),
    ] {
        for wrong in [
            frame(FIN | TEXT, "b"),
            frame(FIN | PING, ""),
            close_frame(1000, ""),
        ] {
            let mut bytes = role.peer().encode(&[frame(FIN | TEXT, "a")]);
            bytes.extend(role.encode(&[wrong]));
            let exchange = Exchange::new("mask")
                .app_reads([text("a")])
                .layer_sends([close_frame(PROTOCOL_ERROR, "")])
                .fails(cause.clone());
            check_bytes(&exchange, &bytes, role, &WebSocketConfig::default());
        }
    }
}

#[test]
fn masks_are_fresh_for_each_frame_and_undone_by_the_peer() {
    let mut side = client(WebSocketConfig::default());
    side.to_wire.set_limit(usize::MAX);
    let sizes = [0, 1, 5, 125, 126, 4096, 65535, 65536, 100_003];
    let mut wanted = Vec::new();
    for shared in [false, true] {
        for len in sizes {
            let message = || binary(&(0..len).map(|n| n as u8).collect::<Vec<_>>());
            if shared {
                wanted.push(message());
                side.from_app.push(wanted[wanted.len() - 1].clone());
                side.process(); // while there is a second handle to the payload
            } else {
                side.from_app.push(message());
                wanted.push(message());
            }
        }
    }
    side.process();
    let bytes = side.sent();
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

    let mut peer = server(WebSocketConfig::default());
    peer.to_app.set_limit(usize::MAX);
    peer.receive(&bytes);
    assert_eq!(messages(&mut peer.to_app), wanted);
}

#[test]
fn limits_are_refused_with_1009() {
    let mut settings = WebSocketConfig::default();
    settings.max_frame = 200;
    settings.max_message = 300;
    settings.max_fragments = 3;
    let too_big = || [close_frame(1009, "")];
    let rows = [
        Exchange::new("up to the limits")
            .peer_sends([
                frame(FIN | BINARY, [1; 200]),
                frame(BINARY, [2; 200]),
                frame(CONTINUATION, [2; 100]),
                frame(FIN | CONTINUATION, ""),
            ])
            .app_reads([binary(&[1; 200]), binary(&[2; 300])]),
        Exchange::new("frame")
            .peer_sends([frame(FIN | TEXT, "a"), frame(FIN | BINARY, [0; 201])])
            .app_reads([text("a")])
            .layer_sends(too_big())
            .fails(WebSocketError::LongFrame {
                len: 201,
                limit: 200,
            }),
        Exchange::new("message")
            .peer_sends([frame(BINARY, [0; 200]), frame(FIN | CONTINUATION, [0; 101])])
            .layer_sends(too_big())
            .fails(WebSocketError::LongMessage {
                len: 301,
                limit: 300,
            }),
        Exchange::new("fragments")
            .peer_sends([
                frame(TEXT, ""),
                frame(CONTINUATION, ""),
                frame(CONTINUATION, ""),
                frame(FIN | CONTINUATION, ""),
            ])
            .layer_sends(too_big())
            .fails(WebSocketError::TooManyFragments(3)),
    ];
    check(&rows, &settings);

    // The header is refused, before any byte of the payload arrives.
    let mut side = server(WebSocketConfig::default());
    side.receive(b"\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00");
    let limit = WebSocketConfig::default().max_frame;
    let len = u64::MAX >> 1;
    assert_eq!(
        cause(&side.to_app),
        Some(Err(WebSocketError::LongFrame { len, limit }))
    );
}

#[test]
fn the_examples_of_rfc_6455_5_7_are_sent_and_read() {
    let mut side = server(WebSocketConfig::default());
    side.from_app.push(text("Hello"));
    side.from_app.push(binary(&[0; 256]));
    side.from_app.push(binary(&[0; 65536]));
    side.process();
    let sent = side.sent();
    assert_eq!(sent[..7], *b"\x81\x05Hello");
    assert_eq!(sent[7..11], [0x82, 0x7e, 0x01, 0x00]);
    assert_eq!(sent[267..277], [0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0]);

    side.receive(b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
    side.receive(b"\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
    assert_eq!(messages(&mut side.to_app), [text("Hello")]);

    let mut side = client(WebSocketConfig::default());
    side.receive(b"\x01\x03Hel\x80\x02lo\x89\x05Hello");
    assert_eq!(messages(&mut side.to_app), [text("Hello")]);
    assert_eq!(client_frames(&side.sent()), [frame(FIN | PONG, "Hello")]);

    let mut settings = WebSocketConfig::default();
    settings.largest_frame_sent = 3;
    let mut side = server(settings);
    side.from_app.push(text("Hello"));
    side.process();
    assert_eq!(side.sent(), b"\x01\x03Hel\x80\x02lo");
}
