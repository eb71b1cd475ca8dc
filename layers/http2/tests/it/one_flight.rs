//! Frames of a server that arrive in one read, and the same frames in pieces.

use crate::kit::{
    DATA, END_STREAM, GOAWAY, PREFACE, RST_STREAM, SETTINGS, Side, WINDOW_UPDATE, accept, connect,
    failure, frame, greeted_client, greeted_server, headers, settings, tunnel,
};
use wirestack_http2::{
    Awaiting, Client, ConnectRequest, Connection, Head, Http2Config, Http2Error, ProxyClient,
    Server, Unprocessed,
};
use wirestack_layer::{End, Error, Flow, Layer};

/// A client of a proxy that has sent its request.
fn asking(is_authorized: bool) -> Side<Client> {
    let request = ConnectRequest::tunnel("example.org", 22).unwrap();
    let client = Client::new(request, Http2Config::default());
    let mut side = Side::new(if is_authorized {
        client.awaiting_authorization()
    } else {
        client
    });
    if is_authorized {
        side.layer.authorize(None);
    }
    side.sent();
    side.receive(&settings(&[]));
    side.receive(&frame(SETTINGS, 1, 0, &[]));
    side
}

fn reset(reason: u32) -> Vec<u8> {
    frame(RST_STREAM, 0, 1, &reason.to_be_bytes())
}

fn goaway(last: u32, reason: u32) -> Vec<u8> {
    let payload = [last.to_be_bytes(), reason.to_be_bytes()].concat();
    frame(GOAWAY, 0, 0, &payload)
}

/// Lets the application of a proxy's client take the response, as the dialer does.
fn take_response(side: &mut Side<Client>) {
    if let Some(Awaiting::Response(_)) = side.layer.awaiting() {
        side.layer.authorize(None);
        side.process();
    }
}

fn answer(side: &mut Side<Client>) -> (Vec<u8>, String) {
    let end = match side.to_app.closed() {
        None => "open".to_owned(),
        Some(End::Finished) => "finished".to_owned(),
        Some(End::Aborted(error)) => error.to_string(),
    };
    (side.to_app.unread().to_vec(), end)
}

#[test]
fn pitfall_65_a_response_its_data_its_end_and_a_reset_in_one_flight_are_all_delivered() {
    let ok = headers(1, 0, &[(":status", "200")]);
    let data = || frame(DATA, 0, 1, b"all ");
    let last = || frame(DATA, END_STREAM, 1, b"of it");
    let window = frame(WINDOW_UPDATE, 0, 1, &[0, 0, 1, 0]);
    let flights = [
        ("NO_ERROR", [ok.clone(), data(), last(), reset(0)].concat()),
        ("CANCEL", [ok.clone(), data(), last(), reset(8)].concat()),
        ("no reset", [ok.clone(), data(), last()].concat()),
        (
            "a window between",
            [ok.clone(), window, data(), last(), reset(0)].concat(),
        ),
        (
            "an end without data",
            [
                ok.clone(),
                data(),
                frame(DATA, 0, 1, b"of it"),
                frame(DATA, END_STREAM, 1, b""),
                reset(0),
            ]
            .concat(),
        ),
        (
            "GOAWAY behind",
            [ok.clone(), data(), last(), reset(0), goaway(1, 0)].concat(),
        ),
        (
            "GOAWAY before",
            [goaway(1, 0), ok, data(), last(), reset(0)].concat(),
        ),
    ];
    for (name, flight) in &flights {
        for (is_authorized, ends) in [(true, false), (true, true), (false, false), (false, true)] {
            for cut in 0..=flight.len() {
                let mut side = asking(is_authorized);
                side.receive(&flight[..cut]);
                side.receive(&flight[cut..]);
                if ends {
                    side.from_wire.finish();
                    side.sent();
                }
                take_response(&mut side);
                let seen = answer(&mut side);
                let wanted = (b"all of it".to_vec(), "finished".to_owned());
                assert_eq!(seen, wanted, "{name}, cut at {cut}, {is_authorized} {ends}");
                assert!(side.layer.is_open());
                assert_eq!(side.layer.response().unwrap().status(), 200);
            }
        }
    }
}

#[test]
fn a_response_that_ends_its_stream_at_once_opens_a_tunnel_without_data() {
    let head = headers(1, END_STREAM, &[(":status", "200")]);
    for tail in [vec![], reset(0), [reset(0), goaway(1, 0)].concat()] {
        let mut side = asking(true);
        side.receive(&[head.clone(), tail].concat());
        side.from_wire.finish();
        side.sent();
        take_response(&mut side);
        assert_eq!(answer(&mut side), (vec![], "finished".to_owned()));
        assert!(side.layer.is_open());
    }
}

#[test]
fn a_refusal_its_body_its_end_and_a_reset_in_one_flight_are_one_refusal() {
    for status in ["403", "407", "503"] {
        for reason in [None, Some(0), Some(8)] {
            let flight = [
                headers(
                    1,
                    0,
                    &[(":status", status), ("proxy-authenticate", "Basic")],
                ),
                frame(DATA, 0, 1, b"not "),
                frame(DATA, END_STREAM, 1, b"you"),
                reason.map(reset).unwrap_or_default(),
            ]
            .concat();
            for (is_authorized, cut) in (0..=flight.len()).flat_map(|at| [(true, at), (false, at)])
            {
                let mut side = asking(is_authorized);
                side.receive(&flight[..cut]);
                side.receive(&flight[cut..]);
                if let Some(Awaiting::Challenge { refusal, reusable }) = side.layer.awaiting() {
                    assert_eq!((status, &refusal.body[..]), ("407", &b"not you"[..]));
                    assert_eq!(refusal.version, http::Version::HTTP_2);
                    assert!(reusable);
                    continue;
                }
                assert!(!is_authorized || status != "407");
                let Some(End::Aborted(error)) = side.to_app.closed() else {
                    panic!("not refused, cut at {cut}")
                };
                let Some(Http2Error::Refused(refusal)) = error.cause() else {
                    panic!("{error}, cut at {cut}")
                };
                assert_eq!(refusal.status.as_str(), status);
                assert_eq!(&refusal.body[..], b"not you", "cut at {cut}");
            }
        }
    }
}

#[test]
fn pitfall_64_data_behind_a_response_is_delivered_however_soon_the_stream_or_the_wire_breaks() {
    let broken = || Error::peer("test", "broken");
    for (resets, breaks) in [(true, false), (false, true), (true, true), (false, false)] {
        for at_once in [true, false] {
            let mut side = asking(true);
            let flight = [
                headers(1, 0, &[(":status", "200")]),
                frame(DATA, 0, 1, b"some"),
            ];
            let reset = if resets { reset(2) } else { vec![] };
            if at_once {
                side.from_wire
                    .write([flight.concat(), reset].concat().as_slice());
            } else {
                side.receive(&flight.concat());
                take_response(&mut side);
                side.from_wire.write(&reset);
            }
            if breaks {
                side.from_wire.abort(broken());
            } else if !resets {
                side.from_wire.finish();
            }
            side.sent();
            take_response(&mut side);
            let (data, end) = answer(&mut side);
            let wanted = match (resets, breaks) {
                (true, _) => "reset the stream",
                (_, true) => "broken",
                _ => "the connection ended",
            };
            let case = format!("resets {resets}, breaks {breaks}, at once {at_once}: {end}");
            assert_eq!(data, b"some", "{case}");
            assert!(end.contains(wanted), "{case}");
            assert!(side.layer.is_open(), "{case}");
            assert_eq!(side.layer.response().unwrap().status(), 200);
        }
    }
}

#[test]
fn an_application_that_aborts_before_it_takes_the_response_ends_the_client() {
    let mut side = asking(true);
    side.receive(&headers(1, 0, &[(":status", "200")]));
    side.from_app.abort(Error::local("test", "enough"));
    side.sent();
    assert!(side.layer.awaiting().is_none());
    let (_, end) = answer(&mut side);
    assert!(end.contains("enough"), "{end}");
}

#[test]
fn the_goaway_of_a_proxy_that_left_before_the_first_authorization_is_heard() {
    for is_authorized in [true, false] {
        for ends in [true, false] {
            let request = ConnectRequest::tunnel("example.org", 22).unwrap();
            let mut client = Client::new(request, Http2Config::default());
            if is_authorized {
                client = client.awaiting_authorization();
            }
            let mut side = Side::new(client);
            let bytes = [settings(&[]), goaway(0, 0)].concat();
            side.from_wire.write(&bytes);
            if ends {
                side.from_wire.finish();
            }
            side.sent();
            side.layer.authorize(None);
            side.sent();
            let Some(End::Aborted(error)) = side.to_app.closed() else {
                panic!("not failed: {is_authorized} {ends}")
            };
            let text = error.to_string();
            assert!(text.contains("GOAWAY"), "{is_authorized} {ends}: {text}");
            assert!(error.retry_hint::<Unprocessed>().is_some(), "{text}");
        }
    }
}

/// The faults of a connection, each with a frame that shows it.
fn faults() -> [(&'static str, Vec<u8>); 5] {
    [
        ("DATA on stream 0", frame(DATA, 0, 0, b"x")),
        ("SETTINGS of 5 bytes", frame(SETTINGS, 0, 0, &[0; 5])),
        ("PING of 7 bytes", frame(6, 0, 0, &[0; 7])),
        (
            "a frame of 16 MiB",
            vec![0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1],
        ),
        ("a field block that is none", frame(1, 4, 5, &[0xff; 12])),
    ]
}

#[test]
fn pitfall_64_a_fault_behind_a_request_and_its_data_gives_the_same_however_it_is_cut() {
    for (name, fault) in faults() {
        let bytes = [
            connect(1),
            frame(DATA, 0, 1, b"early"),
            connect(3),
            frame(DATA, END_STREAM, 3, b"whole"),
            fault,
        ]
        .concat();
        let verdict = |sizes: &mut dyn FnMut(usize) -> usize| {
            let mut server = greeted_server(Http2Config::server());
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                let (piece, more) = rest.split_at(sizes(rest.len()));
                server.receive(piece);
                rest = more;
            }
            let mut seen = Vec::new();
            while let Some((id, request)) = server.request() {
                let data = server.read(id);
                seen.push((format!("{request:?}"), data, server.end(id)));
            }
            seen
        };
        let whole = verdict(&mut |len| len);
        assert_eq!(whole.len(), 2, "{name}");
        assert_eq!(
            (&whole[0].1[..], &whole[1].1[..]),
            (&b"early"[..], &b"whole"[..])
        );
        assert_eq!(whole[1].2.as_deref(), Some(""), "{name}");
        for size in 1..bytes.len() {
            assert_eq!(
                verdict(&mut |len| len.min(size)),
                whole,
                "{name}, by {size}"
            );
            let mut first = Some(size);
            let cut = verdict(&mut |len| first.take().unwrap_or(len));
            assert_eq!(cut, whole, "{name}, cut at {size}");
        }
    }
}

#[test]
fn pitfall_64_a_fault_behind_a_response_and_its_data_gives_the_same_however_it_is_cut() {
    for (name, fault) in faults() {
        let bytes = [
            headers(1, 0, &[(":status", "200")]),
            frame(DATA, 0, 1, b"early"),
            headers(3, 0, &[(":status", "403")]),
            frame(DATA, END_STREAM, 3, b"whole"),
            headers(5, 0, &[(":status", "204")]),
            frame(DATA, END_STREAM, 5, b"whole"),
            fault,
        ]
        .concat();
        let verdict = |cut: usize, size: usize| {
            let mut client = greeted_client(Http2Config::default(), &[]);
            let ids = [(); 3].map(|()| client.from_app.open(tunnel()).unwrap());
            client.sent();
            client.receive(&bytes[..cut]);
            for piece in bytes[cut..].chunks(size) {
                client.receive(piece);
            }
            let head = client.head().map(|(id, head)| match head {
                Head::Response(response) => (id, response.status()),
                Head::Request(_) => panic!("a request"),
            });
            let streams = ids.map(|id| (client.read(id), client.end(id)));
            (head, streams)
        };
        let whole = verdict(0, bytes.len());
        assert!(whole.0.is_some(), "{name}");
        assert_eq!(whole.1[0].0, b"early", "{name}");
        assert!(whole.1[1].1.as_ref().unwrap().contains("403"), "{name}");
        assert_eq!(
            whole.1[2],
            (b"whole".to_vec(), Some(String::new())),
            "{name}"
        );
        for size in 1..bytes.len() {
            assert_eq!(verdict(0, size), whole, "{name}, by {size}");
            assert_eq!(verdict(size, bytes.len()), whole, "{name}, cut at {size}");
        }
    }
}

#[test]
fn pitfall_64_one_tunnel_shows_its_request_before_a_fault_however_it_is_cut() {
    for (name, fault) in faults() {
        let hello = [PREFACE.to_vec(), settings(&[]), connect(1)].concat();
        let bytes = [hello, frame(DATA, 0, 1, b"early"), fault].concat();
        let verdict = |size: usize| {
            let mut server = Side::new(Server::new(Http2Config::server()));
            let mut request = None;
            for piece in bytes.chunks(size) {
                server.receive(piece);
                request = request.or(server.layer.request().map(|request| request.uri().clone()));
            }
            let Some(End::Aborted(error)) = server.to_app.closed() else {
                panic!("{name} is no error")
            };
            let error = error.to_string();
            (error, server.to_app.unread().to_vec())
        };
        let whole = verdict(bytes.len());
        assert_eq!(whole.1, b"early", "{name}");
        for size in 1..bytes.len() {
            assert_eq!(verdict(size), whole, "{name}, by {size}");
        }
    }
}

/// Returns the error of a side that hears these bytes, in one piece or cut in different ways.
fn error_however_cut(is_server: bool, bytes: &[u8]) -> String {
    let verdict = |cut: usize, size: usize, speaks_first: bool| {
        let mut side = Side::new(if is_server {
            Connection::server(Http2Config::server())
        } else {
            Connection::client(Http2Config::default())
        });
        if speaks_first {
            side.sent();
        }
        side.receive(&bytes[..cut]);
        for piece in bytes[cut..].chunks(size) {
            side.receive(piece);
        }
        side.from_wire.finish();
        side.sent();
        failure(&side)
    };
    let whole = verdict(0, bytes.len(), false);
    for size in 1..bytes.len() {
        for speaks_first in [false, true] {
            let case = format!("{bytes:?} by {size}, {is_server} {speaks_first}");
            assert_eq!(verdict(0, size, speaks_first), whole, "{case}");
            assert_eq!(verdict(size, 1000, speaks_first), whole, "{case}");
        }
    }
    whole
}

#[test]
fn pitfall_64_a_first_frame_that_is_no_settings_frame_gives_the_same_however_it_is_cut() {
    let large = |kind, flags| [0xff, 0xff, 0xff, kind, flags, 0, 0, 0, 1];
    for (first, is_named) in [
        (&large(SETTINGS, 0)[..], false),
        (&large(SETTINGS, 1), true),
        (&large(0x17, 0xb7), true),
        (&[&large(0x17, 0xb7)[..], &[7; 40]].concat(), true),
        (&frame(0x17, 0xb7, 1, &[7; 40]), true),
        (&large(0x17, 0xb7)[..5], false),
    ] {
        let errors = [
            error_however_cut(false, first),
            error_however_cut(true, &[PREFACE, first].concat()),
        ];
        for error in errors {
            let is_other = error.contains("where HTTP/2 was wanted");
            assert_eq!(is_other, is_named, "{error}");
        }
    }
}

#[test]
fn pitfall_64_a_preface_with_a_wrong_end_gives_the_same_however_it_is_cut() {
    for wrong in 12..PREFACE.len() {
        let mut preface = PREFACE.to_vec();
        preface[wrong] ^= 1;
        for first in [&settings(&[])[..], &frame(0x17, 0xb7, 1, &[7; 40])] {
            let error = error_however_cut(true, &[&preface, first].concat());
            assert!(error.contains("PROTOCOL_ERROR"), "{error}");
        }
    }
}

#[test]
fn a_request_in_the_same_read_as_the_greeting_arrives() {
    let mut server = Side::new(Connection::server(Http2Config::server()));
    server.receive(&[PREFACE.to_vec(), settings(&[]), connect(1)].concat());
    accept(&mut server);
}
