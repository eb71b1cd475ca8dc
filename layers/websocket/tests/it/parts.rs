//! Messages in parts, sent before they are whole and received as they come.

use crate::kit::*;
use wirestack_layer::{Flow, Layer, Queue, Seed};
use wirestack_websocket::{
    Accept, Client, ClientRequest, CloseCode, Deflate, Message, Offer, Origins, Part, Server,
    WebSocketConfig, WebSocketError,
};

type Parts = Queue<Part>;

/// A client and a server whose messages come in parts.
fn sides(settings: WebSocketConfig) -> (Side<Client<Parts>>, Side<Server<Parts>>) {
    let (client, server) = agreed(settings);
    (Side::new(client.parts()), Side::new(server.parts()))
}

fn agreed(settings: WebSocketConfig) -> (Client, Server) {
    let request = ClientRequest::new("ws://h/").unwrap();
    let asked = request.to_http2(&settings);
    let offer = Offer::of_http2(&asked, &Origins::same()).unwrap();
    let (server, response) = Server::from_request(&offer, Accept::new(), settings.clone()).unwrap();
    let client = Client::from_response(&request, response, settings, Seed::new([7; 32]));
    (client.unwrap(), server)
}

fn compressed() -> WebSocketConfig {
    let mut settings = WebSocketConfig::default();
    settings.deflate = Some(Deflate::default());
    settings
}

fn parts(queue: &mut Parts) -> Vec<Part> {
    std::iter::from_fn(|| queue.pop()).collect()
}

#[test]
fn pitfall_74_a_final_block_ends_a_message_in_parts_and_in_a_tunnel_too() {
    let hello = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    let last = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    let bytes = client_bytes(&[
        frame(RSV1 | BINARY, &last[..3]),
        frame(FIN | CONTINUATION, &last[3..]),
        frame(FIN | RSV1 | BINARY, hello),
    ]);
    for cut in 0..bytes.len() {
        let (_, mut server) = sides(compressed());
        server.receive(&bytes[..cut]);
        server.receive(&bytes[cut..]);
        let heard = parts(&mut server.to_app);
        let data: Vec<_> = heard.iter().map(|part| part.payload.as_bytes()).collect();
        assert_eq!(data.concat(), b"HelloHello", "cut {cut}");
        assert_eq!(
            heard.iter().filter(|part| part.last).count(),
            2,
            "cut {cut}"
        );
        let mut server = Side::new(agreed(compressed()).1.tunnel());
        server.receive(&bytes[..cut]);
        server.receive(&bytes[cut..]);
        assert_eq!(server.to_app.unread(), b"HelloHello", "cut {cut}");
    }
}

#[test]
fn parts_leave_as_fragments_at_once() {
    let (mut client, _) = sides(WebSocketConfig::default());
    for (part, wanted) in [
        (Part::more("one "), frame(TEXT, "one ")),
        (Part::more(""), frame(CONTINUATION, "")),
        (Part::more("two "), frame(CONTINUATION, "two ")),
        (Part::last("three"), frame(FIN | CONTINUATION, "three")),
        (Part::last("four"), frame(FIN | TEXT, "four")),
        (Part::more(Message::binary("five")), frame(BINARY, "five")),
    ] {
        client.from_app.push(part);
        client.process();
        assert_eq!(client_frames(&client.sent()), [wanted]);
    }
    client.from_app.push(Part::last("text"));
    client.process();
    assert_eq!(cause(&client.to_app), Some(Err(WebSocketError::MixedParts)));
}

#[test]
fn a_message_beyond_every_limit_comes_through_in_parts_within_the_room() {
    for mut settings in [WebSocketConfig::default(), compressed()] {
        settings.max_message = 1000;
        settings.max_frame = 1000;
        settings.max_fragments = 2;
        let (mut client, mut server) = sides(settings);
        let piece: Vec<u8> = (0..50_000u32).map(|n| (n / 100) as u8).collect();
        let (mut sent, mut heard, mut ended) = (0, Vec::new(), false);
        for _ in 0..10_000 {
            if client.from_app.room() > 0 && sent < 40 {
                sent += 1;
                let payload = Message::binary(piece.clone());
                let last = sent == 40;
                client.from_app.push(Part { payload, last });
            }
            client.process();
            let n = client.to_wire.len().min(7000).min(server.from_wire.room());
            let bytes = client.to_wire.take(n);
            server.from_wire.push(bytes);
            server.process();
            let held = server.to_app.byte_size();
            assert!(held < 330_000, "{held}"); // the room of 256 KiB, and one part
            if let Some(part) = server.to_app.pop() {
                assert!(!ended && !part.payload.is_text());
                heard.extend_from_slice(part.payload.as_bytes());
                ended = part.last;
            }
        }
        assert!(ended && heard == piece.repeat(40), "{} bytes", heard.len());
    }
}

#[test]
fn text_is_cut_between_characters_and_fails_at_the_first_bad_byte() {
    let text = "é😀x".repeat(5);
    for mut settings in [WebSocketConfig::default(), compressed()] {
        if let Some(deflate) = &mut settings.deflate {
            deflate.threshold = 1;
        }
        let (mut client, mut server) = sides(settings);
        client.from_app.push(Part::last(text.clone()));
        client.process();
        for byte in client.sent() {
            server.receive(&[byte]);
        }
        let heard = parts(&mut server.to_app);
        let (last, before) = heard.split_last().unwrap();
        assert!(
            last.last
                && before
                    .iter()
                    .all(|part| !part.last && !part.payload.is_empty())
        );
        let together: Vec<u8> = heard
            .iter()
            .flat_map(|part| part.payload.as_bytes().to_vec())
            .collect();
        assert_eq!(String::from_utf8(together).unwrap(), text);
        for part in &heard {
            assert!(std::str::from_utf8(part.payload.as_bytes()).is_ok());
        }
    }
    let (_, mut server) = sides(WebSocketConfig::default());
    server.receive(&client_bytes(&[
        frame(TEXT, "ab\u{e9}"),
        frame(CONTINUATION, [0xc3, 0x28, 0x29]),
    ]));
    let wanted = [Part::more("abé")];
    assert_eq!(parts(&mut server.to_app), wanted);
    server.process();
    assert_eq!(cause(&server.to_app), Some(Err(WebSocketError::BadUtf8)));
}

#[test]
fn compressed_parts_leave_at_once_and_end_where_they_say() {
    for last in ["", "end"] {
        let (mut client, mut server) = sides(compressed());
        for part in [
            Part::more("first "),
            Part::more(""),
            Part::more("second "),
            Part::last(last),
            Part::last("whole"),
        ] {
            let (now, is_last) = (part.payload.clone(), part.last);
            client.from_app.push(part);
            client.process();
            server.receive(&client.sent());
            let heard = parts(&mut server.to_app);
            let text: Vec<u8> = heard
                .iter()
                .flat_map(|part| part.payload.as_bytes().to_vec())
                .collect();
            assert_eq!(text, now.as_bytes());
            let ends = heard.iter().filter(|part| part.last).count();
            assert_eq!(ends, usize::from(is_last), "{now:?}");
        }
        assert!(server.to_app.end().is_none());
    }
}

#[test]
fn the_text_before_a_fault_arrives_wherever_the_input_is_cut() {
    let text = "abc \u{e4} def";
    for settings in [WebSocketConfig::default(), compressed()] {
        for bad in [&b"\xff"[..], b"\xc4v", b"\xe2\x82"] {
            let payload = [text.as_bytes(), bad].concat();
            let bytes = server_bytes(&[frame(FIN | TEXT, &payload)]);
            for cut in 0..=bytes.len() {
                let (mut client, _) = sides(settings.clone());
                for piece in [&bytes[..cut], &bytes[cut..]] {
                    client.from_wire.write(piece);
                    client.process();
                }
                let got = parts(&mut client.to_app);
                let got: Vec<u8> = got
                    .iter()
                    .flat_map(|it| it.payload.as_bytes())
                    .copied()
                    .collect();
                assert_eq!(got, text.as_bytes(), "{bad:x?} cut at {cut}");
                client.process();
                assert_eq!(cause(&client.to_app), Some(Err(WebSocketError::BadUtf8)));
            }
        }
    }
}

/// Without the error, the application would take a part of the message for all of it.
#[test]
fn a_close_in_the_middle_of_a_message_is_no_clean_end() {
    let begun = [frame(TEXT, "half "), close_frame(1000, "")];
    let (_, mut in_parts) = sides(WebSocketConfig::default());
    in_parts.receive(&client_bytes(&begun));
    let heard = parts(&mut in_parts.to_app);
    assert_eq!(heard, [Part::more("half ")]);
    let wanted = WebSocketError::UnfinishedMessage(CloseCode::NORMAL);
    assert_eq!(cause(&in_parts.to_app), Some(Err(wanted.clone())));
    assert_eq!(
        server_frames(&in_parts.sent()),
        [close_frame(1000, "")],
        "the peer gets its answer"
    );
    let mut whole = Side::new(agreed(WebSocketConfig::default()).1);
    whole.receive(&client_bytes(&begun));
    assert_eq!(cause(&whole.to_app), Some(Err(wanted.clone())));
    let mut tunnel = Side::new(agreed(WebSocketConfig::default()).1.tunnel());
    let begun = [frame(BINARY, "half "), close_frame(1000, "")];
    tunnel.receive(&client_bytes(&begun));
    assert_eq!(tunnel.to_app.unread(), b"half ");
    tunnel.to_app.consume(5);
    assert_eq!(cause(&tunnel.to_app), Some(Err(wanted)));
}

/// "An endpoint MAY delay sending a Close frame until its current message is sent".
#[test]
fn rfc6455_5_5_1_a_peer_that_answers_our_close_may_leave_its_message_unfinished() {
    let (_, mut server) = sides(WebSocketConfig::default());
    server.receive(&client_bytes(&[frame(TEXT, "half ")]));
    server.from_app.finish();
    server.process();
    server.receive(&client_bytes(&[close_frame(1000, "")]));
    assert_eq!(parts(&mut server.to_app), [Part::more("half ")]);
    assert_eq!(cause(&server.to_app), Some(Ok(())));
}

#[test]
fn a_websocket_carries_no_half_close_and_a_text_is_what_it_is_made_of() {
    assert!(
        !client(WebSocketConfig::default())
            .layer
            .carries_half_close()
    );
    assert!(
        !server(WebSocketConfig::default())
            .layer
            .carries_half_close()
    );
    let owned = String::from("hello");
    assert_eq!(Message::text(&owned), Message::text("hello"));
}
