//! Compressed messages whose data are cut, and messages without data (RFC 7692 §7.2).

use super::{Windows, forgets, keeps, pair, settings};
use crate::kit::*;
use wirestack_layer::Flow;
use wirestack_websocket::{Deflate, Message, WebSocketError};

/// The example of RFC 7692 §7.2.3.1.
const HELLO: &[u8] = &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];

fn deflate(takes_over: bool) -> Deflate {
    let window = if takes_over { keeps(15) } else { forgets(15) };
    let (server, client) = (window, window);
    Windows { server, client }.deflate()
}

/// The compressed data of a message, in a block with codes of its own.
fn compressed(text: &str) -> Vec<u8> {
    let (mut client, _) = pair(Deflate::default(), Deflate::default());
    client.from_app.push(Message::text(text.to_owned()));
    client.process();
    client_frames(&client.sent()).remove(0).1
}

/// Lets a server hear a message with these data, and the example behind it. Returns what arrived.
fn hear(takes_over: bool, data: &[u8]) -> (ServerSide, Vec<Message>) {
    let (_, mut server) = pair(deflate(takes_over), deflate(takes_over));
    let frames = [
        frame(FIN | RSV1 | TEXT, data),
        frame(FIN | RSV1 | TEXT, HELLO),
    ];
    server.receive(&client_bytes(&frames));
    let arrived = messages(&mut server.to_app);
    server.process(); // the fault is told behind what came before
    (server, arrived)
}

fn is_refused(server: &ServerSide) -> bool {
    use WebSocketError::{BadCompression, BadUtf8};
    matches!(cause(&server.to_app), Some(Err(BadCompression | BadUtf8)))
}

#[test]
fn rfc7692_7_2_2_a_message_whose_data_are_cut_is_refused_and_nothing_of_it_is_handed_on() {
    let text = |size: u32| -> String {
        let letters = (0..size).map(|n| n.wrapping_mul(2_654_435_761) >> 28);
        letters.map(|n| char::from(b'a' + n as u8)).collect()
    };
    let (short, long) = (compressed(&text(400)), compressed(&text(3000)));
    let stored = [&[0, 9, 0, 0xf6, 0xff][..], b"too short", &[0]].concat();
    let rows = [
        ("fixed codes", HELLO),
        ("own codes", &short),
        ("own codes, long", &long),
        ("stored", &stored),
    ];
    for (name, data) in rows {
        for takes_over in [true, false] {
            let (server, arrived) = hear(takes_over, data);
            assert_eq!(arrived.len(), 2, "{name} is whole");
            assert!(server.to_app.end().is_none());
            // The 0x00 of the stored one is an empty message.
            let first = if data[0] == 0 { 2 } else { 1 };
            for cut in first..data.len() {
                let (server, arrived) = hear(takes_over, &data[..cut]);
                assert_eq!(arrived, [], "{name}, {cut} of {}", data.len());
                assert!(is_refused(&server), "{name}, {cut} of {}", data.len());
            }
        }
    }
}

/// The frame that ends it may have no data. What is cut is cut all the same.
#[test]
fn a_message_that_ends_with_an_empty_frame_is_checked_as_any_other() {
    for takes_over in [true, false] {
        for cut in 1..=HELLO.len() {
            let (_, mut server) = pair(deflate(takes_over), deflate(takes_over));
            server.receive(&client_bytes(&[
                frame(RSV1 | TEXT, &HELLO[..cut]),
                frame(FIN | CONTINUATION, []),
                frame(FIN | RSV1 | TEXT, HELLO),
            ]));
            let arrived = messages(&mut server.to_app);
            server.process();
            if cut == HELLO.len() {
                assert_eq!(arrived, [text("Hello"), text("Hello")]);
            } else {
                assert_eq!(arrived, [], "{cut}");
                assert!(is_refused(&server), "{cut}");
            }
        }
    }
}

/// The second message is that of RFC 7692 §7.2.3.2, which refers to the first one.
#[test]
fn a_message_refers_to_the_one_before_it_only_where_the_context_is_kept() {
    const AGAIN: &[u8] = &[0xf2, 0x00, 0x11, 0x00, 0x00];
    for takes_over in [true, false] {
        let (_, mut server) = pair(deflate(takes_over), deflate(takes_over));
        let frames = [HELLO, AGAIN, AGAIN].map(|data| frame(FIN | RSV1 | TEXT, data));
        server.receive(&client_bytes(&frames));
        let arrived = messages(&mut server.to_app);
        server.process();
        if takes_over {
            assert_eq!(arrived, vec![text("Hello"); 3]);
        } else {
            assert_eq!(arrived, [text("Hello")]);
            assert!(is_refused(&server));
        }
    }
}

#[test]
fn an_empty_message_has_a_byte_or_a_final_block_or_no_data_at_all() {
    for takes_over in [true, false] {
        for data in [
            &[][..],
            &[0],
            &[2, 0],
            &[3, 0],
            &[1, 0, 0, 0xff, 0xff],
            &[0, 0, 0, 0xff, 0xff, 0],
        ] {
            let (server, arrived) = hear(takes_over, data);
            assert_eq!(arrived, [text(""), text("Hello")], "{data:?}, {takes_over}");
            assert!(server.to_app.end().is_none());
        }
        // Frames without data around it change nothing.
        let (_, mut server) = pair(deflate(takes_over), deflate(takes_over));
        server.receive(&client_bytes(&[
            frame(RSV1 | TEXT, []),
            frame(CONTINUATION, HELLO),
            frame(FIN | CONTINUATION, []),
            frame(RSV1 | TEXT, []),
            frame(FIN | CONTINUATION, []),
        ]));
        assert_eq!(messages(&mut server.to_app), [text("Hello"), text("")]);
    }
}

#[test]
fn a_message_as_long_as_the_limit_is_whole_and_one_that_is_cut_at_it_is_not() {
    let mut limited = settings(deflate(true));
    limited.max_message = 5;
    for (data, is_whole) in [(HELLO, true), (&HELLO[..5], false)] {
        let (server, answer) = super::answer(&super::offered(&limited).unwrap(), limited.clone());
        assert!(answer.is_some());
        let mut server = Side::new(server);
        server.receive(&client_bytes(&[frame(FIN | RSV1 | TEXT, data)]));
        let arrived = messages(&mut server.to_app);
        assert_eq!(arrived.len(), usize::from(is_whole), "{data:?}");
        assert_eq!(server.to_app.end().is_none(), is_whole);
    }
}

/// The first byte beyond the limit decides. The bytes behind it change nothing, whether they have
/// arrived or not.
#[test]
fn a_message_is_too_long_from_the_first_byte_beyond_the_limit_on() {
    let mut limited = settings(deflate(true));
    limited.max_message = 5;
    let block = [&[6, 0, 0xf9, 0xff][..], b"Hello!"].concat();
    for (name, data) in [
        ("a final block", [&[1], &block[..]].concat()),
        ("a final block and 0x00", [&[1], &block[..], &[0]].concat()),
        (
            "a block and one of no kind",
            [&[0], &block[..], &[6]].concat(),
        ),
    ] {
        let bytes = client_bytes(&[frame(FIN | RSV1 | TEXT, data)]);
        for cut in 0..bytes.len() {
            let offer = super::offered(&limited).unwrap();
            let mut server = Side::new(super::answer(&offer, limited.clone()).0);
            server.receive(&bytes[..cut]);
            server.receive(&bytes[cut..]);
            let wanted = WebSocketError::LongMessage { len: 6, limit: 5 };
            let seen = cause(&server.to_app);
            assert_eq!(seen, Some(Err(wanted)), "{name}, cut at {cut}");
        }
    }
}

/// A block that is cut takes the tail for its own (RFC 7692 §7.2.2). A reader of bytes gets what the
/// peer has sent, and nothing that is made of the tail.
#[test]
fn nothing_that_is_made_of_the_tail_is_handed_on() {
    let text: String = (0..3000_u32)
        .map(|n| char::from(b'a' + (n.wrapping_mul(2_654_435_761) >> 28) as u8))
        .collect();
    let data = compressed(&text);
    for cut in 1..data.len() {
        let ours = settings(deflate(true));
        let (server, _) = super::answer(&super::offered(&ours).unwrap(), ours);
        let mut server = Side::new(server.tunnel());
        server.receive(&client_bytes(&[frame(FIN | RSV1 | BINARY, &data[..cut])]));
        let got = server.to_app.take(server.to_app.len());
        assert!(text.as_bytes().starts_with(&got), "{cut} of {}", data.len());
        server.process(); // the fault is told behind what came before
        let wanted = Some(Err(WebSocketError::BadCompression));
        assert_eq!(cause(&server.to_app), wanted);
    }
}

/// The first fault counts, and not that a character is cut where the data end.
#[test]
fn a_fault_in_a_character_is_told_as_what_it_is() {
    let hear_within = |most: usize, data: &[u8]| {
        let mut limited = settings(deflate(false));
        limited.max_message = most;
        let (server, _) = super::answer(&super::offered(&limited).unwrap(), limited);
        let mut server = Side::new(server);
        server.receive(&client_bytes(&[frame(FIN | RSV1 | TEXT, data)]));
        cause(&server.to_app).unwrap().unwrap_err()
    };
    // A stored block with the first byte of a character, and a block of no kind.
    let broken = [0, 1, 0, 0xfe, 0xff, 0xc3, 0xff];
    assert_eq!(hear_within(100, &broken), WebSocketError::BadCompression);
    // The limit is passed within a character.
    let long = compressed(&"a\u{e9}\u{e9}\u{e9}".repeat(20));
    let cause = hear_within(5, &long);
    assert!(
        matches!(cause, WebSocketError::LongMessage { limit: 5, .. }),
        "{cause}"
    );
}
