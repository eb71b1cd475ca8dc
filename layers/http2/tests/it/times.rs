//! Peers that take too long, on a clock of the test's own: each phase of a connection has a time.

use crate::kit::{
    ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, PREFACE, RST_STREAM,
    SECOND, SETTINGS, START, STREAMS, Side, WINDOW, WINDOW_UPDATE, accept, connect, failure,
    fields, frame, frames, greeted_client, greeted_server, headers, of_kind, settings, streams,
    tunnel,
};
use bytes::Bytes;
use http::Response;
use std::time::Duration;
use wirestack_http2::{
    Awaiting, Client, ConnectRequest, Connection, Head, Http2Config, Http2Error, ProxyClient,
    Reason, StreamId,
};
use wirestack_layer::{End, Error, Flow, Layer};

/// Lets time pass, second by second. Returns what a side has sent in it.
fn pass(side: &mut Side<Connection>, seconds: u32) -> Vec<u8> {
    let mut sent = Vec::new();
    for _ in 0..seconds {
        side.now += SECOND;
        sent.extend(side.sent());
    }
    sent
}

/// Returns the reason and the debug data of the last frame, a GOAWAY.
fn farewell(sent: &[u8]) -> (Reason, String) {
    let frames = frames(sent);
    let last = frames.last().expect("a frame");
    assert_eq!((last.kind, last.stream), (GOAWAY, 0));
    let reason = u32::from_be_bytes(last.payload[4..8].try_into().unwrap());
    let said = String::from_utf8(last.payload[8..].to_vec()).unwrap();
    (reason.into(), said)
}

fn cause(side: &mut Side<Connection>, id: StreamId) -> Error {
    match side.to_app.read(id).expect("a stream").end() {
        Some(End::Aborted(error)) => error.clone(),
        other => panic!("not aborted: {other:?}"),
    }
}

#[test]
fn a_client_that_sends_a_preface_and_no_settings_is_given_up() {
    for first in [
        &b""[..],
        &PREFACE[..10],
        PREFACE,
        &[PREFACE, &[0, 0, 6, 4]].concat(),
    ] {
        let mut server = Side::new(Connection::server(Http2Config::server()));
        server.receive(first);
        assert!(!server.layer.is_open());
        pass(&mut server, 9);
        assert!(!server.to_app.is_closed());
        let sent = pass(&mut server, 1);
        let why = "no SETTINGS frame came within 10s: the peer may speak no HTTP/2";
        assert_eq!(farewell(&sent), (Reason::SETTINGS_TIMEOUT, why.to_owned()));
        let text = failure(&server);
        assert_eq!(
            text,
            "http2[0]: no SETTINGS frame came within 10s: the peer may speak no HTTP/2"
        );
    }
}

#[test]
fn a_client_whose_settings_come_byte_by_byte_gets_no_more_time() {
    let mut server = Side::new(Connection::server(Http2Config::server()));
    server.receive(PREFACE);
    let greeting = settings(&[(STREAMS, 5), (WINDOW, 70_000)]);
    for byte in &greeting[..10] {
        assert!(!server.to_app.is_closed());
        server.now += SECOND;
        server.receive(&[*byte]);
    }
    assert!(server.to_app.is_closed());
}

#[test]
fn a_server_ends_an_idle_connection_with_goaway() {
    let mut server = greeted_server(Http2Config::server());
    assert_eq!(server.layer.deadline(), Some(START + 60 * SECOND));
    // Pings are no use of a connection.
    let mut sent = Vec::new();
    for _ in 0..60 {
        sent.extend(pass(&mut server, 1));
        if !server.to_wire.is_closed() {
            sent.extend(server.receive(&frame(PING, 0, 0, &[7; 8])));
        }
    }
    let goaway = of_kind(&sent, GOAWAY);
    assert_eq!(goaway.len(), 1);
    assert_eq!(
        goaway[0].payload, [0; 8],
        "no stream was processed, NO_ERROR"
    );
    assert!(matches!(server.to_app.closed(), Some(End::Finished)));
    assert!(matches!(server.to_wire.end(), Some(End::Finished)));
    assert_eq!(server.layer.deadline(), None);
}

#[test]
fn a_connection_with_a_stream_is_not_idle_and_is_after_its_end() {
    let mut server = greeted_server(Http2Config::server());
    pass(&mut server, 30);
    server.receive(&connect(1));
    let (id, _) = server.request().expect("a request");
    assert_eq!(server.layer.deadline(), None, "the application decides");
    pass(&mut server, 100);
    let cancel = 8_u32.to_be_bytes();
    server.receive(&frame(RST_STREAM, 0, 1, &cancel));
    server.to_app.forget(id);
    pass(&mut server, 59);
    assert!(!server.to_app.is_closed());
    let goaway = of_kind(&pass(&mut server, 1), GOAWAY);
    assert_eq!(
        goaway[0].payload[..4],
        [0, 0, 0, 1],
        "stream 1 was processed"
    );
}

/// A request for a page, on stream 1.
fn get() -> Vec<u8> {
    let list = [
        (":method", "GET"),
        (":scheme", "https"),
        (":authority", "example.org"),
        (":path", "/"),
    ];
    headers(1, END_STREAM, &list)
}

fn content(sent: &[u8]) -> usize {
    let data = of_kind(sent, DATA).into_iter();
    data.map(|frame| frame.payload.len()).sum()
}

#[test]
fn a_connection_whose_client_still_reads_a_page_is_not_idle() {
    for finishes in [false, true] {
        let mut server = greeted_server(Http2Config::server());
        let mut sent = server.receive(&get());
        let (id, _) = server.request().expect("a request");
        let page = Response::new(Bytes::from(vec![7; 200_000]));
        server.from_app.respond(id, page);
        server.from_app.write(id).unwrap().finish();
        server.to_app.forget(id);
        if finishes {
            server.from_app.finish();
        }
        sent.extend(server.sent());
        for _ in 0..20 {
            sent.extend(pass(&mut server, 10));
            let more = 7000_u32.to_be_bytes();
            for stream in [0, 1] {
                sent.extend(server.receive(&frame(WINDOW_UPDATE, 0, stream, &more)));
            }
            // The client knows now that the server goes away.
            for ping in of_kind(&sent, PING) {
                if ping.flags == 0 {
                    server.receive(&frame(PING, ACK, 0, &ping.payload));
                }
            }
        }
        assert_eq!(content(&sent), 200_000);
        assert_eq!(of_kind(&sent, DATA).last().unwrap().flags, END_STREAM);
        assert!(of_kind(&sent, RST_STREAM).is_empty());
        sent.extend(pass(&mut server, 60));
        assert!(server.to_app.is_closed());
    }
}

#[test]
fn a_client_that_never_reads_its_page_is_given_up() {
    let mut server = greeted_server(Http2Config::server());
    server.receive(&get());
    let (id, _) = server.request().expect("a request");
    let page = Response::new(Bytes::from(vec![7; 200_000]));
    server.from_app.respond(id, page);
    server.to_app.forget(id);
    let sent = [server.sent(), pass(&mut server, 60)].concat();
    assert_eq!(content(&sent), 65_535);
    assert!(of_kind(&sent, RST_STREAM).is_empty());
    let sent = pass(&mut server, 1);
    assert_eq!(of_kind(&sent, RST_STREAM).len(), 1);
    assert_eq!(streams(&server), 0);
    assert_eq!(server.from_app.len(), 0);
}

#[test]
fn a_connection_whose_last_bytes_wait_for_the_wire_is_not_idle() {
    let mut server = Side::new(Connection::server(Http2Config::server()));
    server.receive(PREFACE);
    server.receive(&settings(&[(WINDOW, 1 << 20)]));
    server.receive(&frame(SETTINGS, ACK, 0, &[]));
    server.receive(&frame(WINDOW_UPDATE, 0, 0, &(1_u32 << 20).to_be_bytes()));
    server.receive(&get());
    let (id, _) = server.request().expect("a request");
    server.from_app.respond_streaming(id, Response::new(()));
    server.write(id, &[7; 250_000]);
    server.finish(id);
    server.to_app.forget(id);
    let mut sent = Vec::new();
    for _ in 0..260 {
        server.process();
        server.now += SECOND;
        let n = server.to_wire.len().min(1000);
        sent.extend(server.to_wire.take(n));
    }
    sent.extend(server.sent());
    assert_eq!(content(&sent), 250_000);
    assert_eq!(of_kind(&sent, DATA).last().unwrap().flags, END_STREAM);
}

#[test]
fn the_idle_time_is_a_setting_and_a_client_has_none() {
    let mut config = Http2Config::server();
    config.idle_timeout = None;
    let server = greeted_server(config);
    assert_eq!(server.layer.deadline(), None);
    assert_eq!(
        greeted_client(Http2Config::default(), &[]).layer.deadline(),
        None
    );
    let mut config = Http2Config::default();
    config.idle_timeout = Some(5 * SECOND);
    let mut client = greeted_client(config, &[]);
    let sent = pass(&mut client, 5);
    assert_eq!(of_kind(&sent, GOAWAY).len(), 1);
    assert!(matches!(client.to_app.closed(), Some(End::Finished)));
}

#[test]
fn fields_that_come_in_pieces_have_a_time_that_no_piece_prolongs() {
    let block = fields(&[(":method", "CONNECT"), (":authority", "example.org:22")]);
    let started = frame(HEADERS, 0, 3, &block[..5]);
    let continued = frame(CONTINUATION, END_HEADERS, 3, &block[5..]);
    let whole = frame(HEADERS, END_HEADERS, 3, &block);
    for (first, rest) in [(&started[..], &continued[..]), (&whole[..20], &whole[20..])] {
        let mut server = greeted_server(Http2Config::server());
        server.receive(&connect(1));
        accept(&mut server); // an open stream, so that the connection is not idle
        server.receive(first);
        for byte in &rest[..9] {
            pass(&mut server, 1);
            server.receive(&[*byte]);
        }
        assert!(!server.to_app.is_closed(), "{:?}", server.to_app.closed());
        let (reason, why) = farewell(&pass(&mut server, 1));
        assert_eq!(reason, Reason::ENHANCE_YOUR_CALM);
        assert_eq!(why, NOT_WHOLE);
        let text = failure(&server);
        assert!(text.contains("not whole within 10s"), "{text}");
    }
}

#[test]
fn the_fields_of_a_response_have_a_time_too() {
    let mut client = greeted_client(Http2Config::default(), &[]);
    client.from_app.open(tunnel()).unwrap();
    client.sent();
    let block = fields(&[(":status", "200")]);
    client.receive(&frame(HEADERS, 0, 1, &block[..5]));
    pass(&mut client, 9);
    assert!(!client.to_app.is_closed());
    let (reason, why) = farewell(&pass(&mut client, 1));
    assert_eq!((reason, &*why), (Reason::ENHANCE_YOUR_CALM, NOT_WHOLE));
}

/// The reason in the GOAWAY for a peer whose fields take too long.
const NOT_WHOLE: &str = "the fields of a request or a response were not whole within 10s";

#[test]
fn each_head_has_the_whole_time() {
    let mut server = greeted_server(Http2Config::server());
    let block = fields(&[(":method", "CONNECT"), (":authority", "example.org:22")]);
    for n in 0..10 {
        let stream = 2 * n + 1;
        let mut bytes = frame(CONTINUATION, END_HEADERS, stream, &block[5..]);
        if n == 0 {
            server.receive(&frame(HEADERS, 0, stream, &block[..5]));
        }
        pass(&mut server, 9);
        // The end of one head and the beginning of the next one arrive together.
        bytes.extend(frame(HEADERS, 0, stream + 2, &block[..5]));
        server.receive(&bytes);
        assert!(server.request().is_some(), "{n}");
    }
}

/// A server with an open stream whose client has given it a window of so many bytes.
fn with_window(bytes: u32) -> (Side<Connection>, StreamId) {
    let mut server = Side::new(Connection::server(Http2Config::server()));
    server.receive(PREFACE);
    server.receive(&settings(&[(WINDOW, bytes)]));
    server.receive(&connect(1));
    let id = accept(&mut server);
    server.sent();
    (server, id)
}

#[test]
fn a_stream_whose_peer_opens_no_window_is_reset_and_the_others_go_on() {
    let (mut server, id) = with_window(1000);
    server.receive(&connect(3));
    let other = accept(&mut server);
    server.write(id, &[7; 5000]);
    let mut sent = server.sent();
    sent.extend(pass(&mut server, 60));
    let data: usize = of_kind(&sent, DATA)
        .iter()
        .map(|data| data.payload.len())
        .sum();
    assert_eq!(data, 1000);
    assert!(of_kind(&sent, RST_STREAM).is_empty(), "the last try");
    let reset = of_kind(&pass(&mut server, 1), RST_STREAM);
    assert_eq!(reset.len(), 1);
    assert_eq!(reset[0].stream, 1);
    assert_eq!(reset[0].payload, u32::from(Reason::CANCEL).to_be_bytes());
    let error = cause(&mut server, id);
    assert!(
        matches!(error.cause(), Some(Http2Error::WriteTimedOut(time)) if *time == 60 * SECOND),
        "{error}"
    );
    assert!(server.from_app.write(id).is_none(), "its bytes are gone");
    server.write(other, b"still here");
    assert_eq!(of_kind(&server.sent(), DATA)[0].payload, b"still here");
    assert_eq!(streams(&server), 1);
}

#[test]
fn a_stream_whose_peer_takes_a_byte_now_and_then_goes_on() {
    let (mut server, id) = with_window(0);
    server.write(id, &[7; 20]);
    server.finish(id);
    for n in 0..20 {
        let sent = pass(&mut server, 59);
        assert!(of_kind(&sent, RST_STREAM).is_empty(), "{n}");
        let sent = server.receive(&frame(WINDOW_UPDATE, 0, 1, &1_u32.to_be_bytes()));
        assert_eq!(of_kind(&sent, DATA)[0].payload, [7], "{n}");
    }
    assert_eq!(
        server.end(id),
        None,
        "only the direction to the client has ended"
    );
}

/// The application is gone, so it cannot reset the stream any more.
#[test]
fn a_finished_stream_that_its_writer_has_left_is_reset_too() {
    let (mut server, id) = with_window(0);
    server.write(id, &[7; 20]);
    server.finish(id);
    server.to_app.forget(id);
    server.sent();
    let sent = pass(&mut server, 61);
    assert_eq!(of_kind(&sent, RST_STREAM).len(), 1, "{:?}", frames(&sent));
    assert_eq!(streams(&server), 0);
}

#[test]
fn a_client_gives_a_stream_up_whose_server_opens_no_window() {
    let mut client = greeted_client(Http2Config::default(), &[(WINDOW, 0)]);
    let id = client.from_app.open(tunnel()).unwrap();
    client.sent();
    client.receive(&headers(1, 0, &[(":status", "200")]));
    assert!(matches!(client.head(), Some((_, Head::Response(_)))));
    client.write(id, b"hello");
    client.sent();
    let sent = pass(&mut client, 61);
    assert_eq!(of_kind(&sent, RST_STREAM).len(), 1);
    let text = cause(&mut client, id).to_string();
    assert_eq!(
        text,
        "http2[0]: the peer took none of the bytes that wait on the stream within 60s"
    );
}

/// The program drove the connection only now. A window may have arrived long ago.
#[test]
fn a_program_that_was_away_finds_the_window_that_came_meanwhile() {
    let (mut server, id) = with_window(0);
    server.write(id, b"hello");
    server.sent();
    server.now += Duration::from_secs(5000);
    server.process();
    let sent = server.receive(&frame(WINDOW_UPDATE, 0, 1, &10_u32.to_be_bytes()));
    assert_eq!(of_kind(&sent, DATA)[0].payload, b"hello");
    assert!(of_kind(&pass(&mut server, 50), RST_STREAM).is_empty());
}

/// Its own settings are acknowledged, and no request ever comes.
#[test]
fn a_finished_connection_ends_although_the_peer_answers_no_ping() {
    let mut server = greeted_server(Http2Config::server());
    server.from_app.finish();
    let sent = server.sent();
    assert!(!of_kind(&sent, PING).is_empty(), "h2 asks for a round trip");
    assert!(!server.to_app.is_closed());
    pass(&mut server, 10);
    assert!(matches!(server.to_app.closed(), Some(End::Finished)));
    assert!(of_kind(&sent, SETTINGS).is_empty());
}

#[test]
fn a_refusal_is_reported_although_its_body_never_ends() {
    for body in [&b""[..], b"no"] {
        let mut client = greeted_client(Http2Config::default(), &[]);
        let id = client.from_app.open(tunnel()).unwrap();
        client.sent();
        client.receive(&headers(1, 0, &[(":status", "403")]));
        pass(&mut client, 1);
        client.receive(&frame(DATA, 0, 1, body)); // it does not prolong the time
        assert_eq!(client.end(id), None);
        let sent = pass(&mut client, 1);
        let error = cause(&mut client, id);
        let Some(Http2Error::Refused(refusal)) = error.cause() else {
            panic!("{error}")
        };
        assert_eq!((refusal.status.as_u16(), &refusal.body[..]), (403, body));
        let reset = &of_kind(&sent, RST_STREAM)[0];
        assert_eq!((reset.stream, &reset.payload[..]), (1, &[0, 0, 0, 8][..]));
        assert_eq!((streams(&client), client.layer.deadline()), (0, None));
    }
}

#[test]
fn a_challenge_is_shown_although_its_body_never_ends() {
    let request = ConnectRequest::tunnel("example.org", 22).unwrap();
    let client = Client::new(request, Http2Config::default());
    let mut side = Side::new(client.awaiting_authorization());
    side.layer.authorize(None);
    side.sent();
    side.receive(&settings(&[]));
    side.receive(&frame(SETTINGS, ACK, 0, &[]));
    let fields = [(":status", "407"), ("proxy-authenticate", "Basic realm=x")];
    side.receive(&headers(1, 0, &fields));
    assert!(side.layer.awaiting().is_none());
    side.now = side.layer.deadline().expect("a time for the body");
    side.sent();
    let Some(Awaiting::Challenge { refusal, reusable }) = side.layer.awaiting() else {
        panic!("no challenge")
    };
    assert_eq!((refusal.status.as_u16(), *reusable), (407, true));
}
