//! Peers that are only frames written by hand: unusual ones and hostile ones.

use crate::kit::{
    DATA, END_STREAM, EXTENDED, GOAWAY, HEADERS, PADDED, RST_STREAM, SECOND, Side, WINDOW,
    WINDOW_UPDATE, accept, connect, extended, failure, frame, greeted_client, greeted_server,
    headers, of_kind, open_client, settings, streams, tunnel, websocket, window,
};
use wirestack_http2::{Connection, Http2Config, Http2Error, RequestKind, UseHttp1, request_kind};
use wirestack_layer::{End, Flow, Layer};

// --- SETTINGS ---

#[test]
fn nothing_is_asked_before_the_servers_settings_are_in() {
    let mut client = Side::new(Connection::client(Http2Config::default()));
    let plain = client.from_app.open(tunnel()).unwrap();
    client.from_app.open(extended()).unwrap();
    assert!(of_kind(&client.sent(), HEADERS).is_empty());
    assert_eq!(client.layer.offers_extended_connect(), None);
    let said = client.receive(&settings(&[(EXTENDED, 1)]));
    assert_eq!(of_kind(&said, HEADERS).len(), 2);
    assert_eq!(client.layer.offers_extended_connect(), Some(true));
    assert_eq!(client.end(plain), None);
}

#[test]
fn extended_connect_that_is_not_offered_is_not_asked_for() {
    for pairs in [&[][..], &[(EXTENDED, 0)]] {
        let mut client = greeted_client(Http2Config::default(), pairs);
        let id = client.from_app.open(extended()).unwrap();
        assert!(of_kind(&client.sent(), HEADERS).is_empty());
        let end = client.to_app.read(id).unwrap().end().cloned();
        let Some(End::Aborted(error)) = end else {
            panic!("not refused")
        };
        assert!(
            matches!(error.cause(), Some(Http2Error::NotOffered)),
            "{error}"
        );
        assert_eq!(error.retry_hint(), Some(&UseHttp1));
        // A plain CONNECT needs no such offer.
        client.from_app.open(tunnel()).unwrap();
        assert_eq!(of_kind(&client.sent(), HEADERS).len(), 1);
    }
}

#[test]
fn an_offer_that_is_taken_back_harms_no_open_stream() {
    let mut client = greeted_client(Http2Config::default(), &[(EXTENDED, 1)]);
    let first = client.from_app.open(extended()).unwrap();
    client.sent();
    client.receive(&headers(1, 0, &[(":status", "200")]));
    client.receive(&settings(&[(EXTENDED, 0)])); // RFC 8441 §3 forbids it
    let second = client.from_app.open(extended()).unwrap();
    assert!(of_kind(&client.sent(), HEADERS).is_empty());
    assert!(client.end(second).unwrap().contains("does not offer"));
    client.receive(&frame(DATA, 0, 1, b"still here"));
    assert_eq!(client.read(first), b"still here");
}

#[test]
fn a_peer_that_does_not_introduce_itself_is_given_up() {
    for (name, layer) in [
        ("client", Connection::client(Http2Config::default())),
        ("server", Connection::server(Http2Config::default())),
    ] {
        let mut side = Side::new(layer);
        side.sent();
        let due = side.layer.deadline().expect("a deadline");
        assert_eq!(due - side.now, 10 * SECOND);
        side.now = due;
        side.process();
        let text = "http2[0]: no SETTINGS frame came within 10s: the peer may speak no HTTP/2";
        assert_eq!(failure(&side), text, "{name}");
        assert!(side.to_wire.is_closed());
        assert_eq!(side.layer.deadline(), None);
    }
}

#[test]
fn a_peer_that_speaks_something_else_is_an_error() {
    struct Row {
        layer: Connection,
        peer_sends: &'static [u8],
    }
    for Row { layer, peer_sends } in [
        Row {
            layer: Connection::client(Http2Config::default()),
            peer_sends: b"HTTP/1.1 400 Bad Request\r\n\r\n",
        },
        Row {
            layer: Connection::server(Http2Config::default()),
            peer_sends: b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n",
        },
        Row {
            layer: Connection::server(Http2Config::default()),
            peer_sends: &[0; 100],
        },
    ] {
        let mut side = Side::new(layer);
        side.receive(peer_sends);
        assert!(
            failure(&side).starts_with("http2[0]: "),
            "{}",
            failure(&side)
        );
    }
}

#[test]
fn protocol_is_refused_by_a_server_that_does_not_offer_it() {
    let mut limits = Http2Config::server();
    limits.extended_connect = false;
    let mut server = greeted_server(limits);
    let said = server.receive(&websocket(1, "websocket"));
    assert_eq!(of_kind(&said, RST_STREAM).len(), 1);
    assert!(server.request().is_none());
    server.receive(&connect(3));
    assert!(server.request().is_some(), "and the connection goes on");
}

#[test]
fn tokens_of_any_case_and_fields_that_do_not_belong_there_are_read() {
    let mut server = greeted_server(Http2Config::server());
    for (stream, protocol) in [(1, "websocket"), (3, "WebSocket"), (5, "WEBSOCKET")] {
        server.receive(&websocket(stream, protocol)); // with a key, and with `https` but no TLS
        let (_, request) = server.request().unwrap();
        assert_eq!(request_kind(&request), RequestKind::Protocol(protocol));
    }
    let mut client = greeted_client(Http2Config::default(), &[(EXTENDED, 1)]);
    client.from_app.open(extended()).unwrap();
    client.sent();
    let list = [
        (":status", "200"),
        ("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
    ];
    client.receive(&headers(1, 0, &list));
    assert!(client.head().is_some());
}

#[test]
fn a_connect_without_a_port_is_no_tunnel() {
    for authority in [
        "example.org",
        "example.org:0",
        "user:pw@example.org:22",
        "[fe80::1%25eth0]:22",
        "[a]:22",
    ] {
        let mut server = greeted_server(Http2Config::server());
        let list = [(":method", "CONNECT"), (":authority", authority)];
        server.receive(&headers(1, 0, &list));
        let (_, request) = server.request().expect(authority);
        let kind = request_kind(&request);
        assert_eq!(kind, RequestKind::Response, "{authority}");
    }
}

/// A request and its data, then a fault of the connection, give the same in one read and in pieces.
#[test]
fn a_request_before_a_fault_arrives_however_the_bytes_are_cut() {
    let request = connect(1);
    let data = frame(DATA, 0, 1, b"early");
    let fault = frame(DATA, 0, 0, b"DATA on stream 0 is a connection error");
    let bytes = [request, data, fault].concat();
    for size in (1..=bytes.len()).rev() {
        let mut server = greeted_server(Http2Config::server());
        for piece in bytes.chunks(size) {
            server.receive(piece);
        }
        let Some((id, _)) = server.request() else {
            panic!("the request is lost in pieces of {size}");
        };
        assert_eq!(server.read(id), b"early", "in pieces of {size}");
        let end = server.end(id).unwrap();
        assert!(
            end.contains("PROTOCOL_ERROR") || end.contains("protocol"),
            "{end}"
        );
    }
}

// --- windows ---

#[test]
fn a_window_that_opens_byte_by_byte_is_used_byte_by_byte() {
    let (mut client, id) = open_client(Http2Config::default(), &[(WINDOW, 0)]);
    client.write(id, b"one at a time");
    client.finish(id);
    let mut sent = Vec::new();
    let mut ended = false;
    let mut said = client.sent();
    for _ in 0..20 {
        for data in of_kind(&said, DATA) {
            assert!(data.payload.len() <= 1);
            sent.extend(data.payload);
            ended |= data.flags & END_STREAM != 0;
        }
        said = client.receive(&frame(WINDOW_UPDATE, 0, 1, &1_u32.to_be_bytes()));
    }
    assert_eq!(sent, b"one at a time");
    assert!(ended);
}

#[test]
fn padding_gives_its_credit_back() {
    let mut limits = window(1000);
    limits.connection_window = 65_535;
    let mut server = greeted_server(limits);
    server.receive(&connect(1));
    let id = accept(&mut server);
    server.sent();
    let mut padded = vec![200];
    padded.extend([b'x'; 10]);
    padded.extend([0; 200]);
    let mut credit = [1000, 65_535];
    for _ in 0..2000 {
        // Each frame costs 211 bytes of both windows, and 10 of them are data.
        for window in &mut credit {
            *window -= 211;
            assert!(*window >= 0, "a peer that pads is starved");
        }
        let said = server.receive(&frame(DATA, PADDED, 1, &padded));
        assert_eq!(server.read(id), [b'x'; 10]);
        for update in of_kind(&[said, server.sent()].concat(), WINDOW_UPDATE) {
            let by = u32::from_be_bytes(update.payload.try_into().unwrap());
            credit[usize::from(update.stream == 0)] += i32::try_from(by).unwrap();
        }
    }
}

#[test]
fn a_peer_that_overruns_its_window_is_told_so() {
    let mut server = greeted_server(window(1000));
    server.receive(&connect(1));
    let id = accept(&mut server);
    server.sent();
    let said = server.receive(&frame(DATA, 0, 1, &[0; 1001]));
    let ended = !of_kind(&said, RST_STREAM).is_empty() || !of_kind(&said, GOAWAY).is_empty();
    assert!(ended);
    assert!(server.end(id).is_some());
}

// --- ends ---

#[test]
fn data_behind_a_reset_of_ours_harm_no_other_stream() {
    let mut server = greeted_server(Http2Config::server());
    server.receive(&[connect(1), connect(3)].concat());
    let [first, second] = [(); 2].map(|()| accept(&mut server));
    server.sent();
    let error = wirestack_layer::Error::local("app", "had enough");
    server.from_app.write(first).unwrap().abort(error);
    assert_eq!(of_kind(&server.sent(), RST_STREAM)[0].stream, 1);
    server.receive(&frame(DATA, 0, 1, b"it was on its way"));
    server.receive(&frame(DATA, 0, 3, b"fine"));
    assert_eq!(server.read(second), b"fine");
    assert!(server.to_app.closed().is_none());
}

#[test]
fn data_behind_an_end_are_an_error_behind_all_that_came_before() {
    let mut server = greeted_server(Http2Config::server());
    server.receive(&[connect(1), connect(3)].concat());
    let [first, second] = [(); 2].map(|()| accept(&mut server));
    server.sent();
    server.receive(&frame(DATA, 0, 3, b"before"));
    server.receive(&frame(DATA, END_STREAM, 1, b"the last"));
    // It is a stream error at least (RFC 9113 §5.1), and may be treated as a connection error
    // (§5.4.1).
    let said = server.receive(&frame(DATA, 0, 1, b"behind the last"));
    assert_eq!(of_kind(&said, GOAWAY).len(), 1);
    assert_eq!(server.read(first), b"the last");
    assert_eq!(server.end(first).as_deref(), Some(""));
    assert_eq!(server.read(second), b"before");
    assert!(server.end(second).unwrap().contains("protocol"));
}

#[test]
fn a_reset_right_behind_the_end_does_not_undo_it() {
    // NO_ERROR, as nghttpx sends it, and CANCEL, as haproxy does.
    let ends = [0_u32, 8].map(|reason| {
        [
            frame(DATA, 0, 1, b"all "),
            frame(DATA, END_STREAM, 1, b"of it"),
            frame(RST_STREAM, 0, 1, &reason.to_be_bytes()),
        ]
        .concat()
    });
    for (frames, split) in ends
        .iter()
        .flat_map(|f| (0..f.len()).map(move |at| (f, at)))
    {
        let (mut client, id) = open_client(Http2Config::default(), &[]);
        let (first, second) = frames.split_at(split);
        client.receive(first);
        client.receive(second);
        assert_eq!(client.read(id), b"all of it", "split at {split}");
        assert_eq!(client.end(id).as_deref(), Some(""), "split at {split}");
        assert_eq!(streams(&client), 0);
    }
}

#[test]
fn a_reset_comes_behind_the_data_that_came_before_it() {
    for reason in [0_u32, 8] {
        let (mut client, id) = open_client(Http2Config::default(), &[]);
        let frames = [
            frame(DATA, 0, 1, b"some of it"),
            frame(RST_STREAM, 0, 1, &reason.to_be_bytes()),
        ];
        client.receive(&frames.concat());
        assert_eq!(client.read(id), b"some of it");
        assert!(client.end(id).unwrap().contains("reset the stream"));
    }
}

#[test]
fn fields_behind_the_data_of_a_tunnel_are_a_stream_error() {
    let (mut client, id) = open_client(Http2Config::default(), &[]);
    client.receive(&frame(DATA, 0, 1, b"data"));
    let said = client.receive(&headers(1, END_STREAM, &[("trailer", "x")]));
    assert_eq!(client.read(id), b"data");
    assert_eq!(
        client.end(id).unwrap(),
        "http2[0]: fields after the data of a tunnel"
    );
    let reset = &of_kind(&said, RST_STREAM)[0];
    assert_eq!((reset.stream, &reset.payload[..]), (1, &[0, 0, 0, 1][..])); // PROTOCOL_ERROR
}

#[test]
fn a_goaway_with_an_error_ends_every_stream_with_it() {
    let (mut client, id) = open_client(Http2Config::default(), &[]);
    let payload = [
        &0_u32.to_be_bytes()[..],
        &11_u32.to_be_bytes(),
        b"slow down",
    ]
    .concat();
    client.receive(&frame(GOAWAY, 0, 0, &payload));
    client.from_wire.finish();
    client.process();
    let end = client.end(id).unwrap();
    assert!(end.contains("GOAWAY with "), "{end}");
}

#[test]
fn interim_responses_are_skipped_and_other_2xx_open() {
    let mut client = greeted_client(Http2Config::default(), &[]);
    let id = client.from_app.open(tunnel()).unwrap();
    client.sent();
    client.receive(&headers(1, 0, &[(":status", "103"), ("link", "</x>")]));
    assert!(client.head().is_none());
    client.receive(&headers(1, 0, &[(":status", "204")]));
    assert!(client.head().is_some());
    client.receive(&frame(DATA, 0, 1, b"open"));
    assert_eq!(client.read(id), b"open");
}

#[test]
fn work_that_h2_leaves_for_its_next_turn_is_done_in_the_same_call() {
    let (mut client, id) = open_client(Http2Config::default(), &[]);
    // h2 yields after so many frames, and wakes its own task.
    let small = frame(DATA, 0, 1, b"0123456789");
    let frames = small.repeat(64 * 1024 / small.len());
    client.from_wire.write(&frames);
    client.process();
    assert_eq!(client.read(id).len(), frames.len() / small.len() * 10);
}

#[test]
fn fields_behind_the_data_are_an_error_of_a_tunnel_that_waits_and_the_end_of_a_request() {
    let mut server = greeted_server(Http2Config::server());
    server.receive(&connect(1));
    let (id, _) = server.request().unwrap();
    let said = server.receive(&headers(1, END_STREAM, &[("trailer", "x")]));
    assert_eq!(of_kind(&said, RST_STREAM)[0].payload, 1_u32.to_be_bytes());
    assert!(server.end(id).unwrap().contains("fields after the data"));
    let post = [
        (":method", "POST"),
        (":scheme", "https"),
        (":authority", "example.org"),
        (":path", "/"),
    ];
    server.receive(&headers(3, 0, &post));
    let (id, _) = server.request().unwrap();
    server.receive(&headers(3, END_STREAM, &[("trailer", "x")]));
    assert_eq!(server.end(id).as_deref(), Some(""));
    let response = http::Response::new(bytes::Bytes::from_static(b"fine"));
    server.from_app.respond(id, response);
    assert_eq!(of_kind(&server.sent(), DATA)[0].payload, b"fine");
}
