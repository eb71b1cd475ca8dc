//! The handshake's fields over HTTP/2 (RFC 8441 §5): built and checked as over HTTP/1.1, without a
//! key.

use http::{Request as HttpRequest, Response};
use std::time::{Duration, Instant};
use wirestack_layer::{Layer, Seed};
use wirestack_websocket::{
    Accept, Client, ClientRequest, Offer, Origins, Server, WebSocketConfig, WebSocketError,
};

#[test]
fn a_request_has_scheme_authority_path_and_the_offers_but_no_key() {
    struct Row {
        url: &'static str,
        sent_uri: &'static str,
    }
    for Row { url, sent_uri } in [
        Row {
            url: "wss://example.org/chat?room=1",
            sent_uri: "https://example.org/chat?room=1",
        },
        Row {
            url: "ws://example.org:8080",
            sent_uri: "http://example.org:8080/",
        },
        Row {
            url: "wss://[::1]:443/",
            sent_uri: "https://[::1]/",
        },
        Row {
            url: "ws://example.org?q",
            sent_uri: "http://example.org/?q",
        },
    ] {
        let request = ClientRequest::new(url).unwrap();
        let request = request
            .subprotocol("v2")
            .unwrap()
            .subprotocol("v1")
            .unwrap();
        let sent = request
            .header("origin", "https://o.test")
            .unwrap()
            .to_http2(&WebSocketConfig::default());
        assert_eq!(sent.uri(), sent_uri);
        let mut fields: Vec<_> = sent
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
            .collect();
        fields.sort_unstable();
        let wanted = [
            ("origin", "https://o.test"),
            ("sec-websocket-protocol", "v2, v1"),
            ("sec-websocket-version", "13"),
        ];
        assert_eq!(fields, wanted, "{url}");
    }
}

#[test]
fn the_choice_of_the_server_is_checked_and_an_accept_is_ignored() {
    let request = ClientRequest::new("wss://example.org/").unwrap();
    let request = request.subprotocol("v1").unwrap();
    let answered = |fields: &[(&'static str, &'static str)]| {
        let mut response = Response::new(());
        for (name, value) in fields {
            let value = http::HeaderValue::from_static(value);
            response.headers_mut().append(*name, value);
        }
        Client::from_response(
            &request,
            response,
            WebSocketConfig::default(),
            Seed::new([1; 32]),
        )
    };
    let plain = answered(&[("sec-websocket-accept", "wrong")]).unwrap();
    assert!(plain.is_open());
    assert_eq!(plain.subprotocol(), None);
    let chosen = answered(&[("sec-websocket-protocol", "v1")]).unwrap();
    assert_eq!(chosen.subprotocol(), Some("v1"));
    assert_eq!(chosen.status().facts.to_string(), "200, subprotocol v1");
    for (name, value) in [
        ("sec-websocket-protocol", "v2"),
        ("sec-websocket-extensions", "permessage-deflate"),
    ] {
        let Err(error) = answered(&[(name, value)]) else {
            panic!("{name}: {value} was accepted")
        };
        assert!(error.cause::<WebSocketError>().is_some(), "{error}");
    }
}

#[test]
fn a_server_reads_the_offer_and_refuses_a_bad_one_without_connection_fields() {
    let asked = |fields: &[(&'static str, &'static str)]| {
        let mut request = HttpRequest::new(());
        for (name, value) in fields {
            let value = http::HeaderValue::from_static(value);
            request.headers_mut().append(*name, value);
        }
        request
    };
    let good = asked(&[
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "not a key, and none belongs here"),
        ("sec-websocket-protocol", "a, b"),
    ]);
    let offer = Offer::of_http2(&good, &Origins::same()).unwrap();
    assert_eq!(offer.subprotocols().collect::<Vec<_>>(), ["a", "b"]);
    let accept = Accept::new().subprotocol("b");
    let answered = |accept| Server::from_request(&offer, accept, WebSocketConfig::default());
    let (server, response) = answered(accept).unwrap();
    assert_eq!(
        (response.status(), response.headers().len()),
        (http::StatusCode::OK, 1)
    );
    assert_eq!(response.headers()["sec-websocket-protocol"], "b");
    assert_eq!(server.subprotocol(), Some("b"));
    assert!(answered(Accept::new().subprotocol("c")).is_err());

    for fields in [
        &[][..],
        &[("sec-websocket-version", "8")],
        &[
            ("sec-websocket-version", "13"),
            ("sec-websocket-protocol", "a b"),
        ],
    ] {
        let request = asked(fields);
        let response = Offer::of_http2(&request, &Origins::same()).unwrap_err();
        assert_eq!(response.status(), 400);
        assert_eq!(response.headers()["sec-websocket-version"], "13");
        assert!(!response.headers().contains_key("upgrade"));
    }
}

#[test]
fn pitfall_59_a_page_of_another_origin_is_refused_over_http2_too() {
    let asked = |uri: &'static str, origin: &'static str| {
        let request = HttpRequest::builder().uri(uri);
        let request = request.header("sec-websocket-version", "13");
        request.header("origin", origin).body(()).unwrap()
    };
    let ours = asked("https://example.org/", "https://example.org");
    assert!(Offer::of_http2(&ours, &Origins::same()).is_ok());
    let foreign = asked("https://example.org/", "https://evil.example");
    let response = Offer::of_http2(&foreign, &Origins::same()).unwrap_err();
    assert_eq!(response.status(), 403);
    assert!(Offer::of_http2(&foreign, &Origins::any()).is_ok());
    let named = Origins::only("https://evil.example").unwrap();
    assert!(Offer::of_http2(&foreign, &named).is_ok());
    assert!(Offer::of_http2(&ours, &named).is_err());
}

/// A client may send a list as long as the limit of a head, at no cost for itself.
#[test]
#[expect(clippy::disallowed_methods, reason = "it measures the time")]
fn a_long_list_of_subprotocols_is_checked_in_no_more_time_than_it_takes_to_read() {
    let time = |count: u32| {
        let names: Vec<_> = (0..count).map(|n| format!("p{n:05}")).collect();
        let request = HttpRequest::builder()
            .header("sec-websocket-version", "13")
            .header("sec-websocket-protocol", names.join(","));
        let request = request.body(()).unwrap();
        let begun = Instant::now();
        assert!(Offer::of_http2(&request, &Origins::same()).is_ok());
        begun.elapsed()
    };
    // The fastest of some, as the machine may be busy with something else.
    let fastest = |count| (0..5).map(|_| time(count)).min().unwrap();
    let (one, eight) = (fastest(2000), fastest(16_000));
    let bound = 20 * one + Duration::from_millis(100);
    assert!(eight < bound, "{one:?} for 2,000, {eight:?} for 16,000");
}
