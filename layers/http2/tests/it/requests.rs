//! Requests: the kinds that a server tells apart, refusals, and requests that cannot be sent.

use crate::kit::{DATA, END_STREAM, Pair, extended, greeted_server, headers, of_kind, streams};
use bytes::Bytes;
use http::{Response, StatusCode};
use wirestack_http2::{ConnectRequest, Http2Config, Http2Error, RequestKind, request_kind};
use wirestack_layer::Flow;

#[test]
fn an_ordinary_request_is_told_apart_and_answered_with_a_body() {
    let mut server = greeted_server(Http2Config::server());
    let get = [
        (":method", "GET"),
        (":scheme", "https"),
        (":authority", "example.org"),
        (":path", "/"),
    ];
    server.receive(&headers(1, END_STREAM, &get));
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
    for host in ["", "a b", "user@host", "host/path"] {
        assert!(ConnectRequest::tunnel(host, 1).is_err(), "{host}");
    }
    for host in ["example.org", "::1", "[::1]", "192.0.2.1"] {
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
    ] {
        assert!(with(uri, field).is_err(), "{uri} {field:?}");
    }
    assert!(ConnectRequest::extended("two words", http::Request::new(())).is_err());
}
