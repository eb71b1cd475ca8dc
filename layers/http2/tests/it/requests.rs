//! Requests: the kinds that a server tells apart, refusals, and requests that cannot be sent.

use crate::kit::{
    DATA, END_STREAM, HEADERS, Pair, RST_STREAM, WINDOW_UPDATE, extended, frame, greeted_server,
    headers, of_kind, streams, window,
};
use bytes::Bytes;
use http::{Response, StatusCode};
use wirestack_http2::{ConnectRequest, Http2Config, Http2Error, RequestKind, request_kind};
use wirestack_layer::Flow;

#[test]
fn an_ordinary_request_is_told_apart_and_answered_with_a_body() {
    let mut server = greeted_server(Http2Config::server());
    server.receive(&headers(1, END_STREAM, &ordinary("GET")));
    let (id, request) = server.request().unwrap();
    assert_eq!(request_kind(&request), RequestKind::Response);
    server
        .from_app
        .respond(id, Response::new(Bytes::from_static(b"a page")));
    let said = server.sent();
    let data = of_kind(&said, DATA);
    assert_eq!(
        (&data[0].payload[..], data[0].flags),
        (&b"a page"[..], END_STREAM)
    );
    assert_eq!(streams(&server), 0);
}

#[test]
fn a_refusal_has_its_status_its_fields_and_the_start_of_its_body() {
    let mut pair = Pair::usual();
    let c = pair.client.from_app.open(extended()).unwrap();
    pair.settle();
    let (s, request) = pair.server.request().unwrap();
    assert_eq!(request_kind(&request), RequestKind::Protocol("websocket"));
    let mut refusal = Response::new(Bytes::from(vec![b'x'; 5000]));
    *refusal.status_mut() = StatusCode::FORBIDDEN;
    let value = http::HeaderValue::from_static("because");
    refusal.headers_mut().insert("why", value);
    pair.server.from_app.respond(s, refusal);
    pair.settle();
    let end = pair.client.to_app.read(c).unwrap().end().cloned();
    let Some(wirestack_layer::End::Aborted(error)) = end else {
        panic!("not refused")
    };
    let Some(Http2Error::Refused(refusal)) = error.cause() else {
        panic!("{error}")
    };
    assert_eq!(refusal.status, StatusCode::FORBIDDEN);
    assert_eq!(refusal.headers["why"], "because");
    assert_eq!(refusal.body, vec![b'x'; 1024]);
    assert_eq!(streams(&pair.client) + streams(&pair.server), 0);
    pair.tunnel(); // and the connection goes on
}

#[test]
fn requests_that_cannot_be_sent_are_refused_before() {
    for host in [
        "",
        "a b",
        "user@host",
        "host/path",
        "a:80",
        "[a]",
        "a%20",
        "fe80::1%eth0",
        "[fe80::1%25eth0]",
        "b\u{fc}cher.example",
    ] {
        assert!(ConnectRequest::tunnel(host, 1).is_err(), "{host}");
    }
    assert!(ConnectRequest::tunnel("example.org", 0).is_err());
    for host in ["example.org", "::1", "[::1]", "192.0.2.1", "_a.b-c"] {
        assert!(ConnectRequest::tunnel(host, 1).is_ok(), "{host}");
    }
    let with = |uri: &str, field: Option<&'static str>| {
        let mut head = http::Request::new(());
        *head.uri_mut() = uri.parse().unwrap();
        if let Some(name) = field {
            let value = http::HeaderValue::from_static("x");
            head.headers_mut().insert(name, value);
        }
        ConnectRequest::extended("websocket", head)
    };
    assert!(with("https://example.org/", None).is_ok());
    for (uri, field) in [
        ("/relative", None),
        ("ws://example.org/", None),
        ("https://example.org/", Some("upgrade")),
        ("https://example.org/", Some("connection")),
        ("https://example.org/", Some("host")),
        ("https://example.org/", Some("keep-alive")),
        ("https://example.org/", Some("http2-settings")),
        ("https://example.org/\u{9b}", None),
        ("https://example.org/?\u{fc}", None),
        ("https://:443/", None),
    ] {
        assert!(with(uri, field).is_err(), "{uri} {field:?}");
    }
    assert!(ConnectRequest::extended("two words", http::Request::new(())).is_err());
}

#[test]
fn a_request_for_a_protocol_has_a_path_and_neither_user_nor_zone() {
    for (uri, authority, path) in [
        ("https://example.org", "example.org", "/"),
        ("https://example.org?a=b", "example.org", "/?a=b"),
        (
            "https://u:pw@example.org:8443/a?b",
            "example.org:8443",
            "/a?b",
        ),
        ("https://[fe80::1%25eth0]:8443/", "[fe80::1]:8443", "/"),
        ("https://[fe80::1%eth0]/", "[fe80::1]", "/"),
        ("https://[::1]/", "[::1]", "/"),
    ] {
        let mut head = http::Request::new(());
        *head.uri_mut() = uri.parse().unwrap();
        let request = ConnectRequest::extended("websocket", head).unwrap();
        let mut pair = Pair::usual();
        pair.settle();
        pair.client.from_app.open(request).unwrap();
        pair.settle();
        let (_, request) = pair.server.request().unwrap();
        let seen = request.uri();
        let seen_path = seen.path_and_query().unwrap().as_str();
        let seen = (seen.authority().unwrap().as_str(), seen_path);
        assert_eq!(seen, (authority, path), "{uri}");
    }
}

#[test]
fn a_response_whose_content_follows_is_sent_as_it_is_written_while_the_request_goes_on() {
    for trailers in [false, true] {
        let mut server = greeted_server(Http2Config::server());
        server.receive(&headers(1, 0, &ordinary("POST")));
        server.receive(&frame(DATA, 0, 1, b"before"));
        let (id, request) = server.request().unwrap();
        assert_eq!(request_kind(&request), RequestKind::Response);
        assert_eq!(server.read(id), b"before"); // although nobody has answered yet
        server.from_app.respond_streaming(id, Response::new(()));
        let said = server.sent();
        assert_eq!(of_kind(&said, HEADERS)[0].flags & END_STREAM, 0);
        assert!(of_kind(&said, DATA).is_empty());

        server.write(id, b"one");
        let said = server.sent();
        assert_eq!(of_kind(&said, DATA)[0].payload, b"one");
        let end = if trailers {
            server.receive(&frame(DATA, 0, 1, b"behind"));
            server.receive(&headers(1, END_STREAM, &[("trailer", "x")]))
        } else {
            server.receive(&frame(DATA, END_STREAM, 1, b"behind"))
        };
        assert!(of_kind(&end, RST_STREAM).is_empty(), "trailers {trailers}");
        assert_eq!(server.read(id), b"behind");
        assert_eq!(server.end(id).as_deref(), Some(""), "trailers {trailers}");

        server.write(id, b"two");
        server.finish(id);
        let said = server.sent();
        let data = of_kind(&said, DATA);
        let content: Vec<u8> = data.iter().flat_map(|it| it.payload.clone()).collect();
        assert_eq!(content, b"two");
        assert_eq!(data.last().unwrap().flags, END_STREAM);
        assert!(of_kind(&said, RST_STREAM).is_empty());
        assert_eq!(streams(&server), 0);
    }
}

#[test]
fn a_content_that_is_read_before_the_answer_gives_credit() {
    const CHUNK: usize = 10_000;
    let mut server = greeted_server(window(40_000));
    server.receive(&headers(1, 0, &ordinary("POST")));
    let (id, _) = server.request().unwrap();
    let mut credit = 40_000;
    for round in 0..20 {
        assert!(
            credit >= CHUNK,
            "round {round}: the client may send {credit} bytes"
        );
        let said = server.receive(&frame(DATA, 0, 1, &[7; CHUNK]));
        assert_eq!(server.read(id).len(), CHUNK);
        let said = [said, server.sent()].concat();
        let updates = of_kind(&said, WINDOW_UPDATE).into_iter();
        let given = updates
            .filter(|update| update.stream == 1)
            .map(|update| u32::from_be_bytes(update.payload[..4].try_into().unwrap()) as usize);
        credit = credit - CHUNK + given.sum::<usize>();
    }
}

#[test]
fn a_content_that_breaks_off_resets_its_stream() {
    let mut server = greeted_server(Http2Config::server());
    server.receive(&headers(1, END_STREAM, &ordinary("GET")));
    let (id, _) = server.request().unwrap();
    server.from_app.respond_streaming(id, Response::new(()));
    server.write(id, b"a part");
    server.sent();
    let error = wirestack_layer::Error::local("app", "the server has gone");
    server.from_app.write(id).unwrap().abort(error);
    let said = [server.sent(), server.sent()].concat();
    assert_eq!(of_kind(&said, RST_STREAM).len(), 1);
    assert_eq!(streams(&server), 0);
}

#[test]
fn a_streaming_refusal_of_a_tunnel_has_a_content_and_a_success_opens_it() {
    let mut pair = Pair::usual();
    let c = pair.client.from_app.open(extended()).unwrap();
    pair.settle();
    let (s, _) = pair.server.request().unwrap();
    let mut refusal = Response::new(());
    *refusal.status_mut() = StatusCode::FORBIDDEN;
    pair.server.from_app.respond_streaming(s, refusal);
    pair.server.write(s, b"not ");
    pair.settle();
    pair.server.write(s, b"here");
    pair.server.finish(s);
    pair.settle();
    let end = pair.client.to_app.read(c).unwrap().end().cloned();
    let Some(wirestack_layer::End::Aborted(error)) = end else {
        panic!("not refused")
    };
    let Some(Http2Error::Refused(refusal)) = error.cause() else {
        panic!("{error}")
    };
    assert_eq!(refusal.body, "not here");

    let c = pair.client.from_app.open(extended()).unwrap();
    pair.settle();
    let (s, _) = pair.server.request().unwrap();
    pair.server.from_app.respond_streaming(s, Response::new(()));
    pair.server.write(s, b"inside");
    pair.settle();
    assert_eq!(pair.client.read(c), b"inside");
}

/// Answers an extended CONNECT, and returns the refusal that the client gets.
pub(crate) fn ordinary(method: &str) -> [(&str, &str); 4] {
    [
        (":method", method),
        (":scheme", "https"),
        (":authority", "example.org"),
        (":path", "/"),
    ]
}

fn refused(response: Response<Bytes>) -> wirestack_http2::Refusal {
    let mut pair = Pair::usual();
    let c = pair.client.from_app.open(extended()).unwrap();
    pair.settle();
    let (s, _) = pair.server.request().unwrap();
    pair.server.from_app.respond(s, response);
    pair.settle();
    let end = pair.client.to_app.read(c).unwrap().end().cloned();
    let Some(wirestack_layer::End::Aborted(error)) = end else {
        panic!("not refused")
    };
    match error.cause() {
        Some(Http2Error::Refused(refusal)) => (**refusal).clone(),
        _ => panic!("{error}"),
    }
}

#[test]
fn a_response_that_is_right_over_http1_is_sent_without_what_http2_forbids() {
    let response = Response::builder()
        .status(426)
        .header("upgrade", "websocket")
        .header("connection", "close, upgrade")
        .header("keep-alive", "timeout=5")
        .header("proxy-connection", "close")
        .header("transfer-encoding", "chunked")
        .header("te", "gzip")
        .header("content-length", "99")
        .header("x-stays", "1");
    let refusal = refused(response.body("upgrade\n".into()).unwrap());
    assert_eq!(
        (refusal.status.as_u16(), &refusal.body[..]),
        (426, &b"upgrade\n"[..])
    );
    let mut names: Vec<_> = refusal.headers.keys().map(|name| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["content-length", "x-stays"]);
    assert_eq!(refusal.headers["content-length"], "8");
}

#[test]
fn a_status_without_content_has_none_and_an_interim_one_is_no_answer() {
    for (status, wanted) in [(304, 304), (101, 500), (100, 500)] {
        let response = Response::builder().status(status);
        let refusal = refused(response.body("content".into()).unwrap());
        assert_eq!((refusal.status.as_u16(), refusal.body.len()), (wanted, 0));
    }
    let interim = Response::builder()
        .status(101)
        .header("content-length", "7");
    let refusal = refused(interim.body("content".into()).unwrap());
    assert_eq!(refusal.status.as_u16(), 500, "with a length");
    let mut server = greeted_server(Http2Config::server());
    server.receive(&headers(1, END_STREAM, &ordinary("GET")));
    let (id, _) = server.request().unwrap();
    let response = Response::builder().status(204);
    let response = response.body("content".into()).unwrap();
    server.from_app.respond(id, response);
    let said = server.sent();
    assert!(of_kind(&said, DATA).is_empty() && of_kind(&said, RST_STREAM).is_empty());
    assert_eq!(of_kind(&said, HEADERS)[0].flags & END_STREAM, END_STREAM);
}

#[test]
fn a_refusal_without_content_announces_none() {
    let response = Response::builder()
        .status(403)
        .header("content-length", "7");
    let refusal = refused(response.body(Bytes::new()).unwrap());
    assert_eq!(refusal.status.as_u16(), 403);
    assert_eq!(refusal.headers["content-length"], "0");
}
