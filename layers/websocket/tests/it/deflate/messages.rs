//! Compressed messages: sent, read, and refused.

use super::{Windows, answer, answered, forgets, keeps, offered, pair, settings};
use crate::kit::*;
use wirestack_layer::{Flow, Layer, Pipe};
use wirestack_websocket::{
    Accept, ClientRequest, Deflate, Message, Offer, Origins, Server, WebSocketError,
};

/// The examples of RFC 7692 §7.2.3.
#[test]
fn the_examples_of_the_rfc_are_read_however_they_are_cut() {
    let hello = &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00][..];
    struct Row<'a> {
        name: &'static str,
        frames: &'a [Frame],
        /// The number of messages, each of which is `Hello`.
        hellos: usize,
    }
    for row in [
        Row {
            name: "one frame",
            frames: &[frame(FIN | RSV1 | TEXT, hello)],
            hellos: 1,
        },
        Row {
            name: "two frames",
            frames: &[
                frame(RSV1 | TEXT, &hello[..3]),
                frame(FIN | CONTINUATION, &hello[3..]),
            ],
            hellos: 1,
        },
        Row {
            name: "a shared window",
            frames: &[
                frame(FIN | RSV1 | TEXT, hello),
                frame(FIN | RSV1 | TEXT, [0xf2, 0x00, 0x11, 0x00, 0x00]),
            ],
            hellos: 2,
        },
        Row {
            name: "a block without compression",
            frames: &[frame(
                FIN | RSV1 | TEXT,
                [0, 5, 0, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0],
            )],
            hellos: 1,
        },
        Row {
            name: "a block that says that it is the last",
            frames: &[
                frame(
                    FIN | RSV1 | TEXT,
                    [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00],
                ),
                frame(FIN | RSV1 | TEXT, hello),
            ],
            hellos: 2,
        },
        Row {
            name: "two blocks",
            frames: &[frame(
                FIN | RSV1 | TEXT,
                [
                    0xf2, 0x48, 0x05, 0, 0, 0, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0,
                ],
            )],
            hellos: 1,
        },
    ] {
        let name = row.name;
        let bytes = client_bytes(row.frames);
        for cut in 0..bytes.len() {
            let (_, mut server) = pair(Deflate::default(), Deflate::default());
            server.receive(&bytes[..cut]);
            server.receive(&bytes[cut..]);
            let wanted = vec![text("Hello"); row.hellos];
            assert_eq!(messages(&mut server.to_app), wanted, "{name}, cut {cut}");
            assert!(server.to_app.end().is_none());
        }
    }
}

/// npm's ws reads a message that ends with its final block, with and without the 0x00 of RFC 7692
/// §7.2.3.4.
#[test]
fn pitfall_74_a_message_that_ends_with_a_final_block_does_not_break_the_next_one() {
    const HELLO: &[u8] = &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    const FINAL: &[u8] = &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    const EMPTY: &[u8] = &[0x03, 0x00];
    const STORED: &[u8] = &[1, 5, 0, 0xfa, 0xff, b'H', b'e', b'l', b'l', b'o'];
    // A literal and a match of the one before it: a window that is kept is used.
    const AGAIN: &[u8] = &[0xf2, 0x00, 0x11, 0x00, 0x00];
    struct Row {
        name: &'static str,
        payload: Vec<u8>,
        /// The message, or `None` where it is refused.
        wanted: Option<&'static str>,
        /// `true` if the window ends with `Hello` behind it.
        keeps: bool,
    }
    let row = |name, pieces: &[&[u8]], wanted, keeps| Row {
        name,
        payload: pieces.concat(),
        wanted,
        keeps,
    };
    for row in [
        row("with the 0x00", &[FINAL, &[0]], Some("Hello"), false),
        row("without the 0x00", &[FINAL], Some("Hello"), false),
        row(
            "stored, with the 0x00",
            &[STORED, &[0]],
            Some("Hello"),
            false,
        ),
        row("stored, without the 0x00", &[STORED], Some("Hello"), false),
        row("empty, without the 0x00", &[EMPTY], Some(""), false),
        row(
            "two final blocks",
            &[FINAL, FINAL],
            Some("HelloHello"),
            false,
        ),
        row(
            "three, the last is empty",
            &[FINAL, STORED, EMPTY, &[0]],
            Some("HelloHello"),
            false,
        ),
        row(
            "a final block and another one",
            &[FINAL, HELLO],
            Some("HelloHello"),
            true,
        ),
        row(
            "garbage behind a final block",
            &[FINAL, &[0xff, 0xff]],
            None,
            false,
        ),
        row(
            "half a stored block behind it",
            &[FINAL, &[0, 9, 0, 0xf6, 0xff]],
            None,
            false,
        ),
        row("half a block behind it", &[FINAL, &HELLO[..4]], None, false),
    ] {
        for takes in [true, false] {
            let window = if takes { keeps(15) } else { forgets(15) };
            let windows = Windows {
                server: window,
                client: window,
            };
            let next = if takes && row.keeps { AGAIN } else { HELLO };
            let frames = [
                frame(FIN | RSV1 | TEXT, &row.payload),
                frame(FIN | RSV1 | TEXT, next),
                frame(FIN | RSV1 | TEXT, HELLO),
            ];
            let bytes = client_bytes(&frames);
            for cut in 0..bytes.len() {
                let (_, mut server) = pair(windows.deflate(), windows.deflate());
                server.receive(&bytes[..cut]);
                server.receive(&bytes[cut..]);
                let (name, seen) = (row.name, messages(&mut server.to_app));
                let Some(wanted) = row.wanted else {
                    assert_eq!(seen, [], "{name}, cut {cut}");
                    // What is missing is taken from the tail, which is no text.
                    use WebSocketError::{BadCompression, BadUtf8};
                    let cause = cause(&server.to_app);
                    let refused = matches!(cause, Some(Err(BadCompression | BadUtf8)));
                    assert!(refused, "{name}: {cause:?}");
                    continue;
                };
                let wanted = [text(wanted), text("Hello"), text("Hello")];
                assert_eq!(seen, wanted, "{name}, {takes}, cut {cut}");
                assert!(server.to_app.end().is_none());
            }
        }
    }
}

#[test]
fn every_combination_of_parameters_carries_messages_both_ways() {
    let text = "Sing, goddess, the anger of Peleus' son Achilleus. ".repeat(900);
    let noise: Vec<u8> = (0..50_000u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    for bits in 8..=15 {
        for takes in 0..4 {
            let window = |takes, bits| if takes { keeps(bits) } else { forgets(bits) };
            let windows = Windows {
                server: window(takes & 1 != 0, bits),
                client: window(takes & 2 != 0, 23 - bits),
            };
            let ours = windows.deflate();
            let (mut client, mut server) = pair(ours.clone(), ours);
            for size in [0, 63, 64, 4000, 45_000, 4000] {
                let sent = [
                    Message::text(text[..size].to_owned()),
                    Message::binary(noise[..size].to_vec()),
                ];
                for message in &sent {
                    client.from_app.push(message.clone());
                    server.from_app.push(message.clone());
                    client.process();
                    server.process();
                    let (up, down) = (client.sent(), server.sent());
                    let shrinks = message.is_text() && size >= 4000;
                    assert!(!shrinks || bits == 8 || down.len() < size / 4, "{bits}");
                    assert!(!shrinks || bits == 15 || up.len() < size / 4, "{bits}");
                    server.receive(&up);
                    client.receive(&down);
                    let message = std::slice::from_ref(message);
                    assert_eq!(messages(&mut server.to_app), message, "{bits} {takes}");
                    assert_eq!(messages(&mut client.to_app), message, "{bits} {takes}");
                }
            }
        }
    }
}

#[test]
fn a_context_that_is_kept_makes_a_repeated_message_short() {
    let sizes = |client| {
        let server = keeps(15);
        let ours = Windows { server, client }.deflate();
        let (mut client, _) = pair(ours.clone(), ours);
        [(); 2].map(|()| {
            let noise: String = (0..400u32)
                .map(|n| char::from(b'a' + (n.wrapping_mul(2_654_435_761) >> 27) as u8 % 26))
                .collect();
            client.from_app.push(Message::text(noise));
            client.process();
            client.sent().len()
        })
    };
    let [first, again] = sizes(keeps(15));
    assert!(again * 4 < first, "{again} after {first}");
    let [first, again] = sizes(forgets(15));
    assert_eq!(first, again);
}

#[test]
fn a_bomb_is_refused_at_the_limit_and_nothing_of_it_is_handed_on() {
    for fragment in [usize::MAX, 1000] {
        let ours = Deflate::default();
        let mut sender = settings(ours.clone());
        sender.largest_frame_sent = fragment;
        let mut receiver = settings(ours);
        receiver.max_message = 100_000;
        let (server, answer) = answer(&offered(&sender).unwrap(), receiver);
        let mut server = Side::new(server);
        let mut client = Side::new(answered(answer.as_deref(), sender).unwrap());
        let mut send = |client: &mut ClientSide, len| {
            client.from_app.push(Message::binary(vec![0; len]));
            client.process();
            let sent = client.sent();
            assert!(sent.len() < len / 100, "that is no bomb");
            server.receive(&sent);
            messages(&mut server.to_app)
        };
        let just = send(&mut client, 100_000);
        assert_eq!(just, [Message::binary(vec![0; 100_000])]);
        client.to_wire.set_limit(usize::MAX);
        assert_eq!(send(&mut client, 16 << 20), []);
        let (len, limit) = (100_001, 100_000);
        let too_long = WebSocketError::LongMessage { len, limit };
        assert_eq!(cause(&server.to_app), Some(Err(too_long)));
        assert_eq!(server_frames(&server.sent()), [close_frame(1009, "")]);
    }
}

#[test]
fn rsv1_stands_only_on_the_first_frame_of_a_compressed_message() {
    let hello = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    struct Row {
        frames: Vec<Frame>,
        reserved_bits: u8,
    }
    for row in [
        Row {
            frames: vec![
                frame(RSV1 | TEXT, hello),
                frame(FIN | RSV1 | CONTINUATION, ""),
            ],
            reserved_bits: 4,
        },
        Row {
            frames: vec![frame(FIN | RSV1 | PING, "")],
            reserved_bits: 4,
        },
        Row {
            frames: vec![frame(FIN | RSV1 | CLOSE, "")],
            reserved_bits: 4,
        },
        Row {
            frames: vec![frame(FIN | RSV1 | RSV2 | TEXT, hello)],
            reserved_bits: 2,
        },
        Row {
            frames: vec![frame(FIN | RSV3 | TEXT, "")],
            reserved_bits: 1,
        },
    ] {
        let frames = row.frames;
        let (_, mut server) = pair(Deflate::default(), Deflate::default());
        server.receive(&client_bytes(&frames));
        let wanted = Some(Err(WebSocketError::ReservedBits(row.reserved_bits)));
        assert_eq!(cause(&server.to_app), wanted, "{frames:?}");
    }
    // A message may go uncompressed among compressed ones.
    let (_, mut server) = pair(Deflate::default(), Deflate::default());
    server.receive(&client_bytes(&[
        frame(FIN | TEXT, "plain"),
        frame(FIN | RSV1 | TEXT, hello),
    ]));
    let wanted = [text("plain"), text("Hello")];
    assert_eq!(messages(&mut server.to_app), wanted);
}

#[test]
fn payloads_that_no_compressor_makes_are_refused() {
    struct Row {
        payload: &'static [u8],
        cause: WebSocketError,
        close_code: u16,
    }
    for row in [
        Row {
            payload: &[0xff, 0xff, 0xff],
            cause: WebSocketError::BadCompression,
            close_code: 1007,
        },
        // A distance that reaches before the beginning.
        Row {
            payload: &[0x4b, 0x04, 0x32, 0xff, 0xff],
            cause: WebSocketError::BadCompression,
            close_code: 1007,
        },
        // Text that is not UTF-8: ff in a block without compression.
        Row {
            payload: &[0, 1, 0, 0xfe, 0xff, 0xff, 0],
            cause: WebSocketError::BadUtf8,
            close_code: 1007,
        },
    ] {
        let payload = row.payload;
        let (_, mut server) = pair(Deflate::default(), Deflate::default());
        server.receive(&client_bytes(&[frame(FIN | RSV1 | TEXT, payload)]));
        assert_eq!(cause(&server.to_app), Some(Err(row.cause)), "{payload:x?}");
        assert_eq!(
            server_frames(&server.sent()),
            [close_frame(row.close_code, "")]
        );
        assert!(!server.layer.is_open() || server.to_wire.is_closed());
    }
}

/// A server that reads compressed messages as the bytes of a tunnel.
fn tunnel() -> impl Layer<In = Pipe, Out = Pipe> {
    let request = ClientRequest::new("ws://h/").unwrap();
    let asked = request.to_http2(&settings(Deflate::default()));
    let offer = Offer::of_http2(&asked, &Origins::same()).unwrap();
    let settings = settings(Deflate::default());
    let (server, _) = Server::from_request(&offer, Accept::new(), settings).unwrap();
    server.tunnel()
}

/// A tunnel of bytes refuses text at its first frame, before any fault inside of it shows.
#[test]
fn a_compressed_text_in_a_tunnel_is_refused_as_text_however_it_is_cut() {
    use flate2::{Compress, Compression, FlushCompress};
    let mut payload = vec![0; 200];
    let mut bad = b"some text, then a byte that is none: ".to_vec();
    bad.push(0xff);
    let mut zlib = Compress::new(Compression::default(), false);
    zlib.compress(&bad, &mut payload, FlushCompress::Sync)
        .unwrap();
    payload.truncate(zlib.total_out() as usize - 4); // without 00 00 ff ff
    let bytes = client_bytes(&[frame(FIN | RSV1 | TEXT, payload)]);
    for size in 1..=bytes.len() {
        let mut server = Side::new(tunnel());
        for piece in bytes.chunks(size) {
            if !server.to_wire.is_closed() {
                server.receive(piece);
            }
        }
        assert_eq!(
            cause(&server.to_app),
            Some(Err(WebSocketError::TextRefused)),
            "by {size}"
        );
        assert_eq!(server_frames(&server.sent()), [close_frame(1003, "")]);
    }
}

/// A block that is cut is found by the end that is put behind a message. How long that end is depends
/// on what the message brought, and not on what its last piece did.
#[test]
fn the_fate_of_a_doubtful_block_does_not_depend_on_how_its_message_arrives() {
    let data = [
        0x4a, 0x4c, 0x4c, 0x4a, 0x01, 0x10, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xc8, 0xcc,
        0xca, 0xc9, 0xcd, 0xcb, 0x2f, 0x28, 0x2c, 0x2a, 0x2e, 0x29, 0x2d, 0x2b, 0x50, 0xa7, 0x93,
        0x70,
    ];
    let mut outcomes = Vec::new();
    for cut in [data.len() - 2, data.len() - 1, data.len()] {
        let bytes = client_bytes(&[frame(FIN | RSV1 | BINARY, &data[..cut])]);
        for size in 1..=bytes.len() {
            let (mut server, mut read) = (Side::new(tunnel()), Vec::new());
            for piece in bytes.chunks(size) {
                if !server.to_wire.is_closed() {
                    server.receive(piece);
                    read.extend_from_slice(&server.to_app.take(server.to_app.len()));
                    server.process(); // a fault is told once all before it is read
                }
            }
            outcomes.push((cut, cause(&server.to_app), read));
        }
    }
    outcomes.dedup();
    assert_eq!(outcomes.len(), 3, "{outcomes:?}");
}
