//! The CONNECT server: transcripts, decisions, and the pitfalls that are its own.

mod kit;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue, TRANSFER_ENCODING, VIA};
use http::{Response, StatusCode};
use kit::{Bench, broken, run};
use wirestack_http1::connect::Server;
use wirestack_http1::{Http1Error, Limits};
use wirestack_layer::{Blame, Flow, Layer, Progress};

const ESTABLISHED: &str = "HTTP/1.1 200 Connection established\r\n\r\n";

fn accept(server: &mut Server) {
    server.accept(HeaderMap::new());
}

fn parked(request: &str) -> Bench<Server> {
    let mut bench = Bench::new(Server::new());
    bench.arrive(request.as_bytes());
    assert!(bench.layer.request().is_some(), "{request}");
    bench
}

fn closing(status: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}

#[test]
fn a_request_opens_a_tunnel_and_what_is_behind_it_is_data() {
    for (name, request, data) in [
        (
            "curl",
            "CONNECT a.test:80 HTTP/1.1\r\nHost: a.test:80\r\nProxy-Connection: Keep-Alive\r\n\r\n",
            "",
        ),
        ("no Host", "CONNECT a.test:80 HTTP/1.1\r\n\r\n", "GET"),
        (
            "another Host",
            "CONNECT a.test:80 HTTP/1.1\r\nHost: b.test\r\n\r\n",
            "\r\n\r\n",
        ),
        (
            "HTTP/1.0",
            "CONNECT a.test:80 HTTP/1.0\r\n\r\n",
            "CONNECT x",
        ),
        (
            "no content",
            "CONNECT a.test:80 HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
            "x",
        ),
        ("empty lines", "\r\n\nCONNECT a.test:80 HTTP/1.1\n\n", "x"),
    ] {
        let bytes = format!("{request}{data}");
        let seen = run(name, bytes.as_bytes(), false, Server::new, accept);
        assert_eq!((&*seen.wire, &*seen.app), (ESTABLISHED, data), "{name}");
        assert!(seen.open, "{name}");
    }
}

#[test]
fn a_server_parks_until_its_application_decides() {
    let mut bench = parked("CONNECT [::1]:443 HTTP/1.1\r\nX: y\r\n\r\ndata");
    let request = bench.layer.request().unwrap();
    assert_eq!((&*request.host, request.port), ("::1", 443));
    assert_eq!(request.headers["x"], "y");
    assert_eq!(request.to_string(), "[::1]:443");
    assert_eq!(
        bench.layer.progress(),
        Progress::Deciding("the CONNECT request")
    );
    bench.from_wire.finish(); // half-closed already, which is fine
    bench.process();
    assert!(!bench.to_app.is_closed());
    accept(&mut bench.layer);
    assert!(!bench.layer.is_open());
    assert!(bench.layer.request().is_none());
    bench.process();
    assert_eq!(
        bench.layer.status().facts.to_string(),
        "tunnel to [::1]:443"
    );
    let seen = bench.seen();
    assert_eq!((&*seen.app, &*seen.app_end), ("data", "finished"));
    bench.layer.reject(Response::new(Bytes::new())); // too late, and nothing happens
    bench.process();
    assert!(bench.layer.is_open());
}

#[test]
fn a_parked_server_heeds_aborts() {
    let mut bench = parked("CONNECT a:1 HTTP/1.1\r\n\r\nx");
    bench.from_wire.abort(broken());
    bench.process();
    assert_eq!(bench.seen().app_end, "test: the connection broke");
    assert!(bench.layer.request().is_none());
    let mut bench = parked("CONNECT a:1 HTTP/1.1\r\n\r\nx");
    bench.from_app.abort(broken());
    bench.process();
    assert_eq!(bench.seen().wire_end, "test: the connection broke");
}

#[test]
fn must_9110_9_3_6_a_2xx_has_no_framing_fields() {
    let mut bench = parked("CONNECT a:1 HTTP/1.1\r\n\r\n");
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    headers.insert(VIA, HeaderValue::from_static("1.1 x"));
    bench.layer.accept(headers);
    bench.process();
    let wanted = "HTTP/1.1 200 Connection established\r\nVia: 1.1 x\r\n\r\n";
    assert_eq!(bench.seen().wire, wanted);
}

#[test]
fn must_9110_9_3_6_an_empty_or_invalid_port_is_rejected() {
    for target in [
        "a",
        "a:",
        "a:0",
        "a:65536",
        "a:99999999999",
        "a:+1",
        "a:-1",
        "a:1x",
        ":1",
        "::1:1",
        "[::1]",
        "[::1]1",
        "[a]:1",
        "u@a:1",
        "u:p@a:1",
        "http://a:1",
        "http://a:1/",
        "/",
        "*",
        "a:1/",
        "a%00:1",
    ] {
        let bytes = format!("CONNECT {target} HTTP/1.1\r\nHost: x\r\n\r\n");
        let seen = run(target, bytes.as_bytes(), false, Server::new, accept);
        assert_eq!(seen.wire, closing("400 Bad Request"), "{target}");
        let wanted = "connect[0]: the target of the CONNECT is not host:port";
        assert_eq!(seen.app_end, wanted, "{target}");
    }
}

#[test]
fn a_request_that_is_no_connect_is_answered_and_told() {
    for (name, bytes, answer, wanted) in [
        (
            "GET",
            "GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n",
            "HTTP/1.1 405 Method Not Allowed\r\nAllow: CONNECT\r\nContent-Length: 0\r\n\
             Connection: close\r\n\r\n",
            "connect[0]: the request is GET where CONNECT was wanted",
        ),
        (
            "connect",
            "connect a:1 HTTP/1.1\r\n\r\n",
            "HTTP/1.1 405 Method Not Allowed\r\nAllow: CONNECT\r\nContent-Length: 0\r\n\
             Connection: close\r\n\r\n",
            "connect[0]: the request is connect where CONNECT was wanted",
        ),
        (
            "http 2",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            &closing("400 Bad Request"),
            "connect[0]: not an HTTP/1 head: the version is not HTTP/1.0 or HTTP/1.1",
        ),
        (
            "tls",
            "\x16\x03\x01",
            &closing("400 Bad Request"),
            "connect[0]: not an HTTP/1 head: the request line is not a method, a target and a version",
        ),
        (
            "socks",
            "\x05\x01\0",
            &closing("400 Bad Request"),
            "connect[0]: not an HTTP/1 head: the request line is not a method, a target and a version",
        ),
        (
            "two hosts",
            "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nhost: a:1\r\n\r\n",
            &closing("400 Bad Request"),
            "connect[0]: not an HTTP/1 head: more than one Host field",
        ),
        (
            "folded",
            "CONNECT a:1 HTTP/1.1\r\nA: b\r\n c\r\n\r\n",
            &closing("400 Bad Request"),
            "connect[0]: not an HTTP/1 head: a header name is not a token",
        ),
        (
            "content",
            "CONNECT a:1 HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello",
            &closing("400 Bad Request"),
            "connect[0]: the CONNECT announces content",
        ),
        (
            "chunked content",
            "CONNECT a:1 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            &closing("400 Bad Request"),
            "connect[0]: the CONNECT announces content",
        ),
    ] {
        let seen = run(name, bytes.as_bytes(), false, Server::new, accept);
        assert_eq!((&*seen.wire, &*seen.app_end), (answer, wanted), "{name}");
        assert_eq!((&*seen.wire_end, &*seen.app), ("finished", ""), "{name}");
    }
}

#[test]
fn pitfall_8_and_44_a_request_has_a_cap_in_bytes_and_in_fields() {
    let mut limits = Limits::default();
    (limits.head, limits.headers) = (50, 2);
    let server = || Server::new().with_limits(limits.clone());
    let long = format!("CONNECT a:1 HTTP/1.1\r\nA: {}", "x".repeat(50));
    for (name, bytes, wanted) in [
        ("bytes", &*long, "connect[0]: a head of more than 50 bytes"),
        (
            "fields",
            "CONNECT a:1 HTTP/1.1\r\nA:\r\nB:\r\nC:\r\n\r\n",
            "connect[0]: a head of more than 2 header fields",
        ),
    ] {
        let seen = run(name, bytes.as_bytes(), false, server, accept);
        assert_eq!(
            seen.wire,
            closing("431 Request Header Fields Too Large"),
            "{name}"
        );
        assert_eq!(seen.app_end, wanted, "{name}");
    }
}

#[test]
fn a_client_that_leaves_is_told_with_what_was_awaited() {
    for (bytes, seen) in [("", 0), ("CONNECT a:1 HTT", 15)] {
        let found = run("cut", bytes.as_bytes(), true, Server::new, accept);
        let wanted =
            format!("connect[0]: the wire ended after {seen} bytes of the CONNECT request");
        assert_eq!((&*found.wire, &*found.app_end), ("", &*wanted));
    }
}

#[test]
fn a_rejection_is_sent_whole_and_ends_both_directions() {
    let mut response = Response::new(Bytes::from_static(b"only port 443"));
    *response.status_mut() = StatusCode::FORBIDDEN;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    headers.insert(CONTENT_LENGTH, HeaderValue::from_static("999"));
    let mut bench = parked("CONNECT a:25 HTTP/1.1\r\n\r\ndata");
    bench.layer.reject(response);
    bench.process();
    let seen = bench.seen();
    assert_eq!(
        seen.wire,
        "HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\
         Connection: close\r\n\r\nonly port 443"
    );
    assert_eq!(seen.wire_end, "finished");
    assert_eq!(
        seen.app_end,
        "connect[0]: rejected by the application with 403 Forbidden"
    );
    assert_eq!(bench.error().blame(), Blame::Local);
    bench.arrive(b"more"); // discarded: nobody waits for it
    assert!(bench.from_wire.is_empty());
}

#[test]
fn a_rejection_that_would_open_a_tunnel_is_not_sent() {
    for status in [100, 101, 200, 299] {
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        let mut bench = parked("CONNECT a:1 HTTP/1.1\r\n\r\n");
        bench.layer.reject(response);
        bench.process();
        assert_eq!(bench.seen().wire, closing("500 Internal Server Error"));
        assert!(matches!(
            bench.error().cause(),
            Some(Http1Error::NotARejection(_))
        ));
    }
}

#[test]
fn an_answer_waits_for_room() {
    let mut bench = parked("CONNECT a:1 HTTP/1.1\r\n\r\n");
    bench.to_wire.set_limit(0);
    accept(&mut bench.layer);
    bench.process();
    assert!(bench.to_wire.is_empty() && !bench.layer.is_open());
    assert_eq!(
        bench.layer.progress(),
        Progress::Opening("room for the answer")
    );
    bench.to_wire.set_limit(1);
    bench.process();
    assert!(bench.layer.is_open());

    let mut bench = parked("CONNECT a:1 HTTP/1.1\r\n\r\n");
    bench.to_wire.set_limit(0);
    accept(&mut bench.layer);
    bench.from_wire.abort(broken()); // but not for ever
    bench.process();
    assert_eq!(bench.seen().app_end, "test: the connection broke");
}

// --- Basic ---

const CHALLENGE: &str = "HTTP/1.1 407 Proxy Authentication Required\r\n\
     Proxy-Authenticate: Basic realm=\"the \\\"realm\\\"\", charset=\"UTF-8\"\r\nContent-Length: 0\r\n";

fn guard(server: &mut Server) {
    match server.request().map(|request| request.basic()) {
        Some(Some((user, password))) if (&*user, &*password) == ("ü", "p:w") => accept(server),
        Some(_) => server.challenge("the \"realm\""),
        None => {}
    }
}

#[test]
fn must_9110_15_5_8_a_407_carries_a_challenge_and_the_connection_goes_on() {
    let bare = "CONNECT a:1 HTTP/1.1\r\n\r\n";
    let wrong = "CONNECT a:1 HTTP/1.1\r\nProxy-Authorization: Basic dTpw\r\n\r\n";
    let right = "CONNECT a:1 HTTP/1.1\r\nproxy-authorization: basic w7w6cDp3\r\n\r\n";
    let bytes = format!("{bare}{wrong}{right}data");
    let seen = run("challenged", bytes.as_bytes(), false, Server::new, guard);
    assert_eq!(
        seen.wire,
        format!("{CHALLENGE}\r\n{CHALLENGE}\r\n{ESTABLISHED}")
    );
    assert_eq!((&*seen.app, seen.open), ("data", true));

    let bytes = wrong.repeat(9);
    let seen = run("guessing", bytes.as_bytes(), false, Server::new, guard);
    let last = format!("{CHALLENGE}Connection: close\r\n\r\n");
    assert_eq!(seen.wire, format!("{CHALLENGE}\r\n").repeat(3) + &last);
    let wanted = "connect[0]: rejected by the application with 407 Proxy Authentication Required";
    assert_eq!((&*seen.app_end, &*seen.wire_end), (wanted, "finished"));

    for closing in [
        "CONNECT a:1 HTTP/1.1\r\nConnection: close\r\n\r\n",
        "CONNECT a:1 HTTP/1.0\r\n\r\n",
    ] {
        let seen = run(closing, closing.as_bytes(), false, Server::new, guard);
        assert_eq!((&*seen.wire, &*seen.app_end), (&*last, wanted));
    }
}

#[test]
fn pitfall_14_credentials_show_in_no_debug() {
    let bench = parked("CONNECT a:1 HTTP/1.1\r\nProxy-Authorization: Basic dTpw\r\n\r\n");
    let request = bench.layer.request().unwrap();
    assert_eq!(request.basic(), Some(("u".to_owned(), "p".to_owned())));
    assert!(!format!("{request:?} {request}").contains("dTpw"));
}
