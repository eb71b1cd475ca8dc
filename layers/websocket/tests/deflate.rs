//! permessage-deflate (RFC 7692): what is agreed on, and what is made of it.

mod support;

use http::{HeaderValue, Request as HttpRequest, Response};
use support::*;
use wirestack_layer::{Flow, Layer, Seed};
use wirestack_websocket::{
    Accept, Client, Compression, Deflate, Message, Offer, Request, Server, Settings, WebSocketError,
};

fn settings(deflate: Deflate) -> Settings {
    let mut settings = Settings::default();
    settings.deflate = Some(deflate);
    settings
}

fn deflate(server: (bool, u8), client: (bool, u8)) -> Deflate {
    let mut deflate = Deflate::default();
    (
        deflate.server_no_context_takeover,
        deflate.server_max_window_bits,
    ) = server;
    (
        deflate.client_no_context_takeover,
        deflate.client_max_window_bits,
    ) = client;
    deflate
}

/// What a server makes of an offer, and what it answers.
fn answer(offer: &str, settings: Settings) -> (Server, Option<String>) {
    let mut request = HttpRequest::new(());
    let fields = [
        ("sec-websocket-version", "13"),
        ("sec-websocket-extensions", offer),
    ];
    for (name, value) in fields {
        let value = HeaderValue::from_str(value).unwrap();
        request.headers_mut().append(name, value);
    }
    let offer = Offer::of_http2(&request).unwrap();
    let (server, response) = Server::answered(&offer, Accept::new(), settings).unwrap();
    let answer = response.headers().get("sec-websocket-extensions");
    (
        server,
        answer.map(|value| value.to_str().unwrap().to_owned()),
    )
}

/// What a client offers.
fn offered(settings: &Settings) -> Option<String> {
    let request = Request::new("ws://h/").unwrap().to_http2(settings);
    let offer = request.headers().get("sec-websocket-extensions");
    offer.map(|value| value.to_str().unwrap().to_owned())
}

/// What a client makes of an answer.
fn answered(answer: Option<&str>, settings: Settings) -> Result<Client, WebSocketError> {
    let request = Request::new("ws://h/").unwrap();
    let mut response = Response::new(());
    if let Some(answer) = answer {
        let value = HeaderValue::from_str(answer).unwrap();
        let headers = response.headers_mut();
        headers.append("sec-websocket-extensions", value);
    }
    let client = Client::answered(&request, response, settings, Seed::new([7; 32]));
    client.map_err(|error| error.cause::<WebSocketError>().unwrap().clone())
}

/// A client and a server that agreed.
fn pair(client: Deflate, server: Deflate) -> (ClientPort, ServerPort) {
    let client = settings(client);
    let (server, answer) = answer(&offered(&client).unwrap(), settings(server));
    let client = answered(answer.as_deref(), client).unwrap();
    assert_eq!(client.compression(), server.compression());
    (Port::new(client), Port::new(server))
}

#[test]
fn a_server_answers_what_it_can_do_of_what_is_offered() {
    let usual = deflate((false, 15), (false, 15));
    let small = deflate((true, 10), (true, 11));
    for (offer, deflate, wanted) in [
        ("permessage-deflate", &usual, Some("permessage-deflate")),
        (
            "permessage-deflate; client_max_window_bits",
            &usual,
            Some("permessage-deflate"),
        ),
        (
            "permessage-deflate; client_max_window_bits=\"12\"",
            &usual,
            Some("permessage-deflate; client_max_window_bits=12"),
        ),
        (
            "permessage-deflate; server_max_window_bits=15",
            &usual,
            Some("permessage-deflate; server_max_window_bits=15"),
        ),
        (
            "permessage-deflate; server_max_window_bits=8; server_no_context_takeover",
            &usual,
            Some("permessage-deflate; server_no_context_takeover; server_max_window_bits=8"),
        ),
        (
            "permessage-deflate",
            &small,
            Some(
                "permessage-deflate; server_no_context_takeover; client_no_context_takeover; \
                 server_max_window_bits=10",
            ),
        ),
        (
            "permessage-deflate; client_max_window_bits=9; server_max_window_bits=12",
            &small,
            Some(
                "permessage-deflate; server_no_context_takeover; client_no_context_takeover; \
                 server_max_window_bits=10; client_max_window_bits=9",
            ),
        ),
        (
            "permessage-deflate; client_no_context_takeover; client_max_window_bits",
            &small,
            Some(
                "permessage-deflate; server_no_context_takeover; client_no_context_takeover; \
                 server_max_window_bits=10; client_max_window_bits=11",
            ),
        ),
        // The first offer that is good.
        (
            "x-other, permessage-deflate; x, permessage-deflate; server_max_window_bits=9",
            &usual,
            Some("permessage-deflate; server_max_window_bits=9"),
        ),
        // Declined: unknown, invalid, repeated.
        ("permessage-deflate; foo", &usual, None),
        ("permessage-deflate; server_max_window_bits", &usual, None),
        ("permessage-deflate; server_max_window_bits=7", &usual, None),
        (
            "permessage-deflate; server_max_window_bits=16",
            &usual,
            None,
        ),
        (
            "permessage-deflate; server_max_window_bits=09",
            &usual,
            None,
        ),
        (
            "permessage-deflate; server_max_window_bits=+9",
            &usual,
            None,
        ),
        (
            "permessage-deflate; client_max_window_bits=264",
            &usual,
            None,
        ),
        ("permessage-deflate; client_max_window_bits=x", &usual, None),
        (
            "permessage-deflate; server_no_context_takeover=1",
            &usual,
            None,
        ),
        (
            "permessage-deflate; client_max_window_bits; client_max_window_bits=9",
            &usual,
            None,
        ),
        (
            "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
            &usual,
            None,
        ),
        ("x-webkit-deflate-frame", &usual, None),
    ] {
        let (server, answer) = answer(offer, settings(deflate.clone()));
        assert_eq!(answer.as_deref(), wanted, "{offer}");
        assert_eq!(server.compression().is_some(), wanted.is_some(), "{offer}");
    }
    let (server, none) = answer("permessage-deflate", Settings::default());
    assert_eq!((server.compression(), none), (None, None));
}

#[test]
fn a_malformed_list_is_refused_with_400() {
    let mut request = HttpRequest::new(());
    let headers = request.headers_mut();
    headers.append("sec-websocket-version", HeaderValue::from_static("13"));
    let bad = HeaderValue::from_static("permessage-deflate; =");
    headers.append("sec-websocket-extensions", bad);
    let response = Offer::of_http2(&request).unwrap_err();
    assert_eq!(response.status(), 400);
}

#[test]
fn a_client_offers_what_it_wants_and_takes_no_other_answer() {
    let offers = |deflate| offered(&settings(deflate)).unwrap();
    let usual = || deflate((false, 15), (false, 15));
    let small = || deflate((true, 10), (false, 11));
    assert_eq!(offered(&Settings::default()), None);
    assert_eq!(
        offers(usual()),
        "permessage-deflate; client_max_window_bits"
    );
    assert_eq!(
        offers(small()),
        "permessage-deflate; server_no_context_takeover; server_max_window_bits=10; \
         client_max_window_bits=11"
    );
    let agreed = |answer, deflate| {
        let client = answered(Some(answer), settings(deflate))?;
        let Compression {
            server_no_context_takeover: server,
            client_no_context_takeover: client_no,
            server_max_window_bits: server_bits,
            client_max_window_bits: client_bits,
            ..
        } = *client.compression().unwrap();
        Ok::<_, WebSocketError>(((server, server_bits), (client_no, client_bits)))
    };
    let plain = "permessage-deflate";
    assert_eq!(agreed(plain, usual()), Ok(((false, 15), (false, 15))));
    assert_eq!(
        agreed(
            "permessage-deflate; client_max_window_bits=9; client_no_context_takeover; \
             server_max_window_bits=12; server_no_context_takeover",
            usual()
        ),
        Ok(((true, 12), (true, 9)))
    );
    let least = "permessage-deflate; server_no_context_takeover; server_max_window_bits=10";
    assert_eq!(agreed(least, small()), Ok(((true, 10), (false, 11))));

    for (answer, deflate) in [
        // less than was wanted
        (plain, small()),
        ("permessage-deflate; server_no_context_takeover", small()),
        (
            "permessage-deflate; server_no_context_takeover; server_max_window_bits=11",
            small(),
        ),
        ("permessage-deflate; server_max_window_bits=10", small()),
        // more than was offered
        (
            "permessage-deflate; server_no_context_takeover; server_max_window_bits=10; \
             client_max_window_bits=12",
            small(),
        ),
        // nothing that a server may say
        ("permessage-deflate; client_max_window_bits", usual()),
        ("permessage-deflate; server_max_window_bits", usual()),
        ("permessage-deflate; client_max_window_bits=7", usual()),
        ("permessage-deflate; x", usual()),
        (
            "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
            usual(),
        ),
        ("permessage-deflate, permessage-deflate", usual()),
        ("permessage-deflate; =", usual()),
    ] {
        let refused = agreed(answer, deflate);
        assert_eq!(
            refused,
            Err(WebSocketError::BadExtension(answer.to_owned()))
        );
    }
    let other = agreed("x-webkit-deflate-frame", usual());
    let cause = WebSocketError::UnofferedExtension("x-webkit-deflate-frame".to_owned());
    assert_eq!(other, Err(cause));
    let none = answered(None, settings(usual())).unwrap();
    assert_eq!(none.compression(), None);
}

/// The examples of RFC 7692 §7.2.3.
#[test]
fn the_examples_of_the_rfc_are_read_however_they_are_cut() {
    let hello = &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00][..];
    let rows: [(&str, &[Frame], usize); 6] = [
        ("one frame", &[frame(0xc1, hello)], 1),
        (
            "two frames",
            &[frame(0x41, &hello[..3]), frame(0x80, &hello[3..])],
            1,
        ),
        (
            "a shared window",
            &[
                frame(0xc1, hello),
                frame(0xc1, [0xf2, 0x00, 0x11, 0x00, 0x00]),
            ],
            2,
        ),
        (
            "a block without compression",
            &[frame(
                0xc1,
                [0, 5, 0, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0],
            )],
            1,
        ),
        (
            "a block that says that it is the last",
            &[
                frame(0xc1, [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00]),
                frame(0xc1, hello),
            ],
            2,
        ),
        (
            "two blocks",
            &[frame(
                0xc1,
                [
                    0xf2, 0x48, 0x05, 0, 0, 0, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0,
                ],
            )],
            1,
        ),
    ];
    for (name, frames, times) in rows {
        let bytes = encode(frames, true);
        for cut in 0..bytes.len() {
            let (_, mut server) = pair(Deflate::default(), Deflate::default());
            server.hear(&bytes[..cut]);
            server.hear(&bytes[cut..]);
            let wanted = vec![Message::text("Hello"); times];
            assert_eq!(messages(&mut server.to_app), wanted, "{name}, cut {cut}");
            assert!(server.to_app.end().is_none());
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
            let (one, two) = (takes & 1 == 0, takes & 2 == 0);
            let ours = deflate((one, bits), (two, 23 - bits));
            let (mut client, mut server) = pair(ours.clone(), ours);
            for (_, size) in [(0, 0), (1, 63), (2, 64), (3, 4000), (4, 45_000), (5, 4000)] {
                let sent = [
                    Message::text(text[..size].to_owned()),
                    Message::binary(noise[..size].to_vec()),
                ];
                for message in &sent {
                    client.from_app.push(message.clone());
                    server.from_app.push(message.clone());
                    client.turn();
                    server.turn();
                    let (up, down) = (client.sent(), server.sent());
                    let shrinks = message.is_text() && size >= 4000;
                    assert!(!shrinks || bits == 8 || down.len() < size / 4, "{bits}");
                    assert!(!shrinks || bits == 15 || up.len() < size / 4, "{bits}");
                    server.hear(&up);
                    client.hear(&down);
                    let message = std::slice::from_ref(message);
                    assert_eq!(messages(&mut server.to_app), message, "{bits} {takes}");
                    assert_eq!(messages(&mut client.to_app), message, "{bits} {takes}");
                }
            }
        }
    }
}

#[test]
fn a_context_that_is_kept_makes_what_repeats_short() {
    let sizes = |no_context| {
        let ours = deflate((false, 15), (no_context, 15));
        let (mut client, _) = pair(ours.clone(), ours);
        [(); 2].map(|()| {
            let noise: String = (0..400u32)
                .map(|n| char::from(b'a' + (n.wrapping_mul(2_654_435_761) >> 27) as u8 % 26))
                .collect();
            client.from_app.push(Message::text(noise));
            client.turn();
            client.sent().len()
        })
    };
    let [first, again] = sizes(false);
    assert!(again * 4 < first, "{again} after {first}");
    let [first, again] = sizes(true);
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
        let mut server = Port::new(server);
        let mut client = Port::new(answered(answer.as_deref(), sender).unwrap());
        let mut send = |client: &mut ClientPort, len| {
            client.from_app.push(Message::binary(vec![0; len]));
            client.turn();
            let sent = client.sent();
            assert!(sent.len() < len / 100, "it is none");
            server.hear(&sent);
            messages(&mut server.to_app)
        };
        let just = send(&mut client, 100_000);
        assert_eq!(just, [Message::binary(vec![0; 100_000])]);
        client.to_wire.set_limit(usize::MAX);
        assert_eq!(send(&mut client, 16 << 20), []);
        let (len, limit) = (100_001, 100_000);
        let cause = WebSocketError::LongMessage { len, limit };
        assert_eq!(support::cause(&server.to_app), Some(Err(cause)));
        assert_eq!(decode(&server.sent(), false), [close_frame(1009, "")]);
    }
}

#[test]
fn the_bit_of_compression_stands_only_where_it_belongs() {
    let hello = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    let cases = [
        (vec![frame(0x41, hello), frame(0xc0, "")], 4),
        (vec![frame(0xc9, "")], 4),
        (vec![frame(0xc8, "")], 4),
        (vec![frame(0xe1, hello)], 2),
        (vec![frame(0x91, "")], 1),
    ];
    for (frames, bits) in cases {
        let (_, mut server) = pair(Deflate::default(), Deflate::default());
        server.hear(&encode(&frames, true));
        let wanted = Some(Err(WebSocketError::ReservedBits(bits)));
        assert_eq!(cause(&server.to_app), wanted, "{frames:?}");
    }
    // Not compressed, among compressed ones.
    let (_, mut server) = pair(Deflate::default(), Deflate::default());
    server.hear(&encode(&[frame(0x81, "plain"), frame(0xc1, hello)], true));
    let wanted = [Message::text("plain"), Message::text("Hello")];
    assert_eq!(messages(&mut server.to_app), wanted);
}

#[test]
fn what_no_compressor_makes_is_refused() {
    let rows: [(&[u8], WebSocketError, u16); 3] = [
        (&[0xff, 0xff, 0xff], WebSocketError::BadCompression, 1007),
        // a distance before the beginning
        (
            &[0x4b, 0x04, 0x32, 0xff, 0xff],
            WebSocketError::BadCompression,
            1007,
        ),
        // text that is not UTF-8: ff in a block without compression
        (
            &[0, 1, 0, 0xfe, 0xff, 0xff, 0],
            WebSocketError::BadUtf8,
            1007,
        ),
    ];
    for (payload, wanted, code) in rows {
        let (_, mut server) = pair(Deflate::default(), Deflate::default());
        server.hear(&encode(&[frame(0xc1, payload)], true));
        assert_eq!(cause(&server.to_app), Some(Err(wanted)), "{payload:x?}");
        assert_eq!(decode(&server.sent(), false), [close_frame(code, "")]);
        assert!(!server.layer.is_open() || server.to_wire.is_closed());
    }
}

/// Bytes have no text: the first frame says so, before anything that is wrong inside of it.
#[test]
fn a_compressed_text_in_a_tunnel_is_refused_for_what_it_is_however_it_is_cut() {
    use flate2::{Compress, Compression, FlushCompress};
    let mut payload = vec![0; 200];
    let mut bad = b"some text, then a byte that is none: ".to_vec();
    bad.push(0xff);
    let mut zlib = Compress::new(Compression::default(), false);
    zlib.compress(&bad, &mut payload, FlushCompress::Sync)
        .unwrap();
    payload.truncate(zlib.total_out() as usize - 4); // without 00 00 ff ff
    let bytes = encode(&[frame(0xc1, payload)], true);
    for size in 1..=bytes.len() {
        let request = Request::new("ws://h/").unwrap();
        let asked = request.to_http2(&settings(Deflate::default()));
        let offer = Offer::of_http2(&asked).unwrap();
        let settings = settings(Deflate::default());
        let (server, _) = Server::answered(&offer, Accept::new(), settings).unwrap();
        let mut server = Port::new(server.tunnel());
        for piece in bytes.chunks(size) {
            if !server.to_wire.is_closed() {
                server.hear(piece);
            }
        }
        assert_eq!(
            cause(&server.to_app),
            Some(Err(WebSocketError::TextRefused)),
            "by {size}"
        );
        assert_eq!(decode(&server.sent(), false), [close_frame(1003, "")]);
    }
}
