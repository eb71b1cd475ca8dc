//! Servers that allow no streams, that process none, and that never open a window.

use crate::kit::{
    DATA, END_STREAM, EXTENDED, GOAWAY, HEADERS, PREFACE, RST_STREAM, SECOND, STREAMS, Side,
    WINDOW, extended, failure, frame, greeted_client, headers, of_kind, open_client, settings,
    streams, tunnel,
};
use std::time::Duration;
use wirestack_http2::{
    Client, ConnectRequest, Connection, Http2Config, Http2Error, ProxyClient, Reason, StreamId,
    Unprocessed, UseHttp1,
};
use wirestack_layer::{End, Error, Flow, Layer};

fn error_of(side: &mut Side<Connection>, id: StreamId) -> Error {
    match side.to_app.read(id).unwrap().end() {
        Some(End::Aborted(error)) => error.clone(),
        other => panic!("not aborted: {other:?}"),
    }
}

// --- SETTINGS_MAX_CONCURRENT_STREAMS ---

#[test]
fn pitfall_69_a_server_that_allows_no_streams_is_told_apart_from_one_without_settings() {
    let request = ConnectRequest::tunnel("example.org", 22).unwrap();
    let mut side = Side::new(Client::new(request, Http2Config::default()));
    side.sent();
    assert_eq!(
        side.layer.progress().to_string(),
        "opening, waiting for the peer's SETTINGS"
    );
    side.receive(&settings(&[(STREAMS, 0)]));
    assert_eq!(
        side.layer.progress().to_string(),
        "opening, waiting for the server to allow a stream \
         (SETTINGS_MAX_CONCURRENT_STREAMS is 0)"
    );
    let due = side.layer.deadline().unwrap();
    assert_eq!(due - side.now, 10 * SECOND);
    side.now = due;
    let said = side.sent();
    assert!(of_kind(&said, HEADERS).is_empty());
    let Some(End::Aborted(error)) = side.to_app.closed() else {
        panic!("not given up")
    };
    assert_eq!(
        error.to_string(),
        "http2[0]: the server allowed no streams within 10s \
         (SETTINGS_MAX_CONCURRENT_STREAMS is 0)"
    );
}

#[test]
fn a_client_that_gives_up_while_it_opens_waits_for_nothing() {
    let request = ConnectRequest::tunnel("example.org", 22).unwrap();
    let client = Client::new(request, Http2Config::default());
    let mut side = Side::new(client.awaiting_authorization());
    side.sent();
    assert!(side.layer.deadline().is_some(), "for the SETTINGS");
    side.layer.give_up();
    side.sent();
    assert!(side.to_app.is_closed());
    assert_eq!(side.layer.deadline(), None, "nothing runs any more");
}

#[test]
fn a_server_that_allows_streams_later_is_asked_then() {
    for limits in [&[0, 1][..], &[0, 0, 2], &[0, 7]] {
        let mut client = greeted_client(Http2Config::default(), &[(STREAMS, limits[0])]);
        assert_eq!(client.layer.offers_extended_connect(), Some(false));
        let id = client.from_app.open(tunnel()).unwrap();
        assert!(of_kind(&client.sent(), HEADERS).is_empty());
        client.now += 9 * SECOND;
        let mut said = Vec::new();
        for limit in &limits[1..] {
            said.extend(client.receive(&settings(&[(STREAMS, *limit)])));
        }
        assert_eq!(of_kind(&said, HEADERS).len(), 1, "{limits:?}");
        assert_eq!(client.layer.deadline(), None);
        client.receive(&headers(1, 0, &[(":status", "200")]));
        assert!(client.head().is_some());
        assert_eq!(client.end(id), None);
    }
}

#[test]
fn a_server_that_allows_no_more_streams_keeps_those_that_are_open() {
    let (mut client, first) = open_client(Http2Config::default(), &[(STREAMS, 5)]);
    client.receive(&settings(&[(STREAMS, 0)]));
    let second = client.from_app.open(tunnel()).unwrap();
    assert!(of_kind(&client.sent(), HEADERS).is_empty());
    client.receive(&frame(DATA, 0, 1, b"still here"));
    assert_eq!(client.read(first), b"still here");
    client.now = client.layer.deadline().unwrap();
    client.process();
    assert!(client.end(second).unwrap().contains("allowed no streams"));
    assert_eq!(client.end(first), None);
    assert!(client.to_app.closed().is_none());
}

// --- requests that were not processed ---

#[test]
fn pitfall_66_errors_tell_if_the_request_may_be_sent_again() {
    let reset = |reason: u32| frame(RST_STREAM, 0, 1, &reason.to_be_bytes());
    let goaway = |last: u32, reason: u32| {
        let payload = [last.to_be_bytes(), reason.to_be_bytes()].concat();
        frame(GOAWAY, 0, 0, &payload)
    };
    let (none, again, http1) = ((false, false), (true, false), (false, true));
    for (name, frames, ends, wanted) in [
        ("REFUSED_STREAM", reset(7), false, again),
        ("HTTP_1_1_REQUIRED", reset(13), false, http1),
        ("CANCEL", reset(8), false, none),
        ("INTERNAL_ERROR", reset(2), false, none),
        ("NO_ERROR", reset(0), false, none),
        ("GOAWAY before it", goaway(0, 0), false, again),
        ("GOAWAY before it, the end", goaway(0, 0), true, again),
        ("GOAWAY before it, an error", goaway(0, 2), true, again),
        ("GOAWAY behind it, the end", goaway(1, 0), true, none),
        ("GOAWAY behind it, an error", goaway(1, 2), true, none),
        ("GOAWAY, HTTP_1_1_REQUIRED", goaway(0, 13), true, http1),
        ("GOAWAY behind it, HTTP/1.1", goaway(1, 13), true, http1),
        ("the end", vec![], true, none),
    ] {
        let mut client = greeted_client(Http2Config::default(), &[(EXTENDED, 1)]);
        let id = client.from_app.open(extended()).unwrap();
        client.sent();
        client.receive(&frames);
        if ends {
            client.from_wire.finish();
            client.sent();
        }
        let error = error_of(&mut client, id);
        let seen = (
            error.retry_hint::<Unprocessed>().is_some(),
            error.retry_hint::<UseHttp1>().is_some(),
        );
        assert_eq!(seen, wanted, "{name}: {error}");
    }
}

#[test]
fn the_words_of_a_goaway_are_in_the_error_escaped_and_bounded() {
    let long = "x".repeat(60_000);
    for (words, shown) in [
        (&b""[..], String::new()),
        (b"too_many_pings", ": \"too_many_pings\"".into()),
        ("h\u{e9}llo \"w\\\u{202e}\n\0".as_bytes(), {
            let shown = "h\u{e9}llo \"w\\\\u{202e}\\n\\u{0}";
            format!(": \"{shown}\"")
        }),
        (b"\xff(b\"x\")", ": \"\u{fffd}(b\"x\")\"".into()),
        (long.as_bytes(), "".into()),
    ] {
        let (mut client, id) = open_client(Http2Config::default(), &[]);
        let calm = Reason::ENHANCE_YOUR_CALM;
        let payload = [&[0; 4], &u32::from(calm).to_be_bytes()[..], words].concat();
        client.receive(&frame(GOAWAY, 0, 0, &payload));
        let error = error_of(&mut client, id);
        let Some(Http2Error::GoAway { reason, debug_data }) = error.cause() else {
            panic!("{error}");
        };
        assert_eq!(*reason, calm);
        if words.len() > 1000 {
            assert_eq!(debug_data.len(), 1000);
            assert!(error.to_string().len() < 500, "{error}");
            continue;
        }
        assert_eq!(*debug_data, String::from_utf8_lossy(words));
        assert_eq!(
            error.to_string(),
            format!(
                "http2[0]: the peer sent GOAWAY with ENHANCE_YOUR_CALM (detected excessive load \
                 generating behavior){shown}"
            )
        );
    }
}

#[test]
fn a_request_that_was_never_sent_may_be_sent_again() {
    let goaway = |reason: u32| frame(GOAWAY, 0, 0, &[[0; 4], reason.to_be_bytes()].concat());
    for (ends, reason) in [(false, 0), (true, 0), (true, 11)] {
        // The greeting and the farewell in one flight.
        let mut client = Side::new(Connection::client(Http2Config::default()));
        let id = client.from_app.open(tunnel()).unwrap();
        client.sent();
        client
            .from_wire
            .write(&[settings(&[]), goaway(reason)].concat());
        if ends {
            client.from_wire.finish();
        }
        assert!(of_kind(&client.sent(), HEADERS).is_empty());
        let error = error_of(&mut client, id);
        assert_eq!(error.retry_hint(), Some(&Unprocessed), "{error}");
        let goes = matches!(
            error.cause(),
            Some(Http2Error::GoAway { reason: why, .. }) if *why == Reason::from(reason)
        );
        assert!(goes, "{error}");
    }
    let (mut client, _) = open_client(Http2Config::default(), &[]);
    client.from_wire.finish();
    client.sent();
    let error = client.from_app.open(tunnel()).unwrap_err();
    assert_eq!(error.retry_hint(), Some(&Unprocessed), "{error}");
    // A server that says nothing at all is no server that refuses.
    let mut client = Side::new(Connection::client(Http2Config::default()));
    let id = client.from_app.open(tunnel()).unwrap();
    client.sent();
    client.from_wire.finish();
    client.sent();
    assert!(!error_of(&mut client, id).can_retry());
}

#[test]
fn a_peer_whose_first_frame_is_no_settings_frame_is_refused() {
    let ping = frame(6, 0, 0, b"12345678");
    let ack = frame(4, 1, 0, &[]);
    for first in [ping, ack] {
        let mut client = Side::new(Connection::client(Http2Config::default()));
        let mut server = Side::new(Connection::server(Http2Config::server()));
        client.receive(&first);
        server.receive(&[PREFACE, &first].concat());
        for side in [&client, &server] {
            let text = failure(side);
            assert!(text.contains("where HTTP/2 was wanted"), "{text}");
            assert!(side.to_wire.is_closed());
        }
    }
}

#[test]
fn a_server_that_is_none_is_shown_by_its_first_bytes() {
    let mut client = Side::new(Connection::client(Http2Config::default()));
    client.receive(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    assert_eq!(
        failure(&client),
        "http2[0]: saw an HTTP/1 response where HTTP/2 was wanted: the server speaks HTTP/1 only, or refuses"
    );
}

// --- ends ---

#[test]
fn a_finished_stream_whose_window_never_opens_can_be_reset() {
    let (mut client, id) = open_client(Http2Config::default(), &[(WINDOW, 10)]);
    client.write(id, &[7; 100]);
    client.finish(id);
    let said = client.sent();
    assert_eq!(of_kind(&said, DATA)[0].payload.len(), 10);
    client.from_app.reset(id, Error::local("app", "had enough"));
    let said = client.sent();
    assert_eq!(of_kind(&said, RST_STREAM)[0].payload, 8_u32.to_be_bytes());
    assert!(of_kind(&said, DATA).is_empty());
    assert_eq!(streams(&client), 0);
    assert!(client.end(id).unwrap().contains("closed on this side"));
}

#[test]
fn a_finished_stream_can_be_reset_until_the_peer_has_ended_it() {
    let (mut client, id) = open_client(Http2Config::default(), &[]);
    client.write(id, b"all of it");
    client.finish(id);
    let said = client.sent();
    assert_eq!(of_kind(&said, DATA).last().unwrap().flags, END_STREAM);
    client.from_app.reset(id, Error::local("app", "had enough"));
    assert_eq!(of_kind(&client.sent(), RST_STREAM).len(), 1);
    assert_eq!(streams(&client), 0);
    let (mut client, id) = open_client(Http2Config::default(), &[]);
    client.finish(id);
    client.receive(&frame(DATA, END_STREAM, 1, b"and all of ours"));
    client.from_app.reset(id, Error::local("app", "had enough"));
    assert!(of_kind(&client.sent(), RST_STREAM).is_empty());
    assert_eq!(client.read(id), b"and all of ours");
}

#[test]
fn pitfall_67_a_stream_that_is_finished_and_forgotten_is_reset_after_a_short_time() {
    for (window, bytes) in [(65_535, 0), (65_535, 100), (10, 100)] {
        let (mut client, id) = open_client(Http2Config::default(), &[(WINDOW, window)]);
        client.write(id, &vec![7; bytes]);
        client.finish(id);
        client.sent();
        client.to_app.forget(id);
        let said = client.receive(&frame(DATA, 0, 1, &[7; 16_384]));
        assert!(of_kind(&said, RST_STREAM).is_empty());
        let due = client.layer.deadline().expect("a deadline");
        assert_eq!(due - client.now, SECOND);
        client.now = due;
        let said = client.sent();
        assert_eq!(of_kind(&said, RST_STREAM)[0].payload, 8_u32.to_be_bytes());
        assert_eq!(streams(&client), 0);
        let later = client.now + 30 * SECOND;
        assert!(client.layer.deadline().is_none_or(|due| due > later));
    }
    // A peer that ends it, or that still takes bytes, is not hurried.
    let (mut client, id) = open_client(Http2Config::default(), &[(WINDOW, 10)]);
    client.write(id, &[7; 100]);
    client.finish(id);
    client.sent();
    client.to_app.forget(id);
    for _ in 0..9 {
        client.now += Duration::from_millis(900);
        let said = client.receive(&frame(8, 0, 1, &10_u32.to_be_bytes()));
        assert_eq!(of_kind(&said, DATA)[0].payload.len(), 10);
    }
    let said = client.receive(&frame(DATA, END_STREAM, 1, b"bye"));
    assert!(of_kind(&said, RST_STREAM).is_empty());
    assert_eq!(streams(&client), 0);
}

#[test]
fn pitfall_67_a_tunnel_whose_application_reads_no_more_ends_after_a_short_time() {
    for ends in [false, true] {
        let request = ConnectRequest::tunnel("example.org", 22).unwrap();
        let mut side = Side::new(Client::new(request, Http2Config::default()));
        side.sent();
        side.receive(&settings(&[]));
        side.receive(&headers(1, 0, &[(":status", "200")]));
        side.from_app.write(b"all of it");
        side.from_app.finish();
        let said = side.sent();
        assert_eq!(of_kind(&said, DATA).last().unwrap().flags, END_STREAM);
        side.to_app.stop(Error::local("app", "had enough").into());
        assert!(of_kind(&side.sent(), RST_STREAM).is_empty());
        let mut said = Vec::new();
        if ends {
            said.extend(side.receive(&frame(DATA, END_STREAM, 1, b"bye")));
        } else {
            side.now = side.layer.deadline().expect("a deadline");
            said.extend(side.sent());
        }
        assert_eq!(of_kind(&said, RST_STREAM).len(), usize::from(!ends));
        assert_eq!(of_kind(&said, GOAWAY).len(), 1);
        assert!(matches!(side.to_wire.closed(), Some(End::Finished)));
        assert_eq!(side.layer.deadline(), None);
    }
}
