//! Upgrade, client and server: transcripts and decisions.

mod kit;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, LOCATION, UPGRADE};
use http::{Method, Request, Response, StatusCode};
use kit::{Bench, run, upgrade_client};
use wirestack_http1::Http1Error;
use wirestack_http1::upgrade::{Client, Server};
use wirestack_layer::{Blame, Flow, Layer, Progress};

const REQUEST: &str =
    "GET /chat HTTP/1.1\r\nHost: example.org\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n\r\n";

#[test]
fn pitfalls_1_2_4_an_upgrade_opens_and_what_is_behind_it_is_data() {
    for (name, bytes, data) in [
        (
            "plain",
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\x01",
            "\x01",
        ),
        (
            "lists",
            "HTTP/1.1 101\r\nUpgrade: h2c, WEBSOCKET\r\nConnection: keep-alive\r\nConnection: x ,UPGRADE\r\n\r\n",
            "",
        ),
        (
            "hints first",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n\
             HTTP/1.1 101 x\r\nConnection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 1\r\n\r\nabc",
            "abc",
        ),
    ] {
        let seen = run(name, bytes.as_bytes(), false, upgrade_client, |_| {});
        assert_eq!((&*seen.wire, &*seen.app), (REQUEST, data), "{name}");
        assert!(seen.open, "{name}");
    }
}

#[test]
fn any_other_answer_is_a_refusal_or_worse() {
    const ELSEWHERE: &str = "upgrade[0]: the 101 does not say that it upgrades to WebSocket";
    for (name, bytes, wanted) in [
        (
            "another token",
            "HTTP/1.1 101\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
            ELSEWHERE,
        ),
        (
            "no token",
            "HTTP/1.1 101\r\nConnection: Upgrade\r\n\r\n",
            ELSEWHERE,
        ),
        (
            "a longer token",
            "HTTP/1.1 101\r\nUpgrade: websockets\r\nConnection: Upgrade\r\n\r\n",
            ELSEWHERE,
        ),
        (
            "no connection",
            "HTTP/1.1 101\r\nUpgrade: websocket\r\n\r\n",
            ELSEWHERE,
        ),
        (
            "ignored",
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
            "upgrade[0]: refused: 200 OK | hello",
        ),
        (
            "426",
            "HTTP/1.1 426 Upgrade Required\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
            "upgrade[0]: refused: 426 Upgrade Required | x",
        ),
        (
            "cut",
            "HTTP/1.1 101 Sw",
            "upgrade[0]: the wire ended after 15 bytes of the Upgrade response",
        ),
    ] {
        let seen = run(name, bytes.as_bytes(), true, upgrade_client, |_| {});
        assert_eq!((&*seen.app, &*seen.app_end), ("", wanted), "{name}");
    }
}

#[test]
fn pitfall_15_a_redirect_is_not_followed_but_shown() {
    let mut bench = Bench::new(upgrade_client());
    bench.arrive(b"HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n");
    let error = bench.error();
    let Some(Http1Error::Refused(refusal)) = error.cause() else {
        panic!("{error}");
    };
    assert_eq!(refusal.status, 302);
    assert_eq!(refusal.headers[LOCATION], "/there");
}

#[test]
fn a_request_is_written_as_it_was_given() {
    let mut request = Request::get("http://[::1]:8080/a%20b?c=d#e");
    for (name, value) in [
        ("sec-websocket-key", "x"),
        ("www-x", "y"),
        ("content-length", "5"),
        ("upgrade", "other"),
        ("connection", "HTTP2-Settings"),
    ] {
        request = request.header(name, value);
    }
    let client = Client::new("tls/1.0", request.body(()).unwrap()).unwrap();
    assert_eq!(
        Bench::new(client).seen().wire,
        "GET /a%20b?c=d HTTP/1.1\r\nHost: [::1]:8080\r\nConnection: Upgrade\r\nUpgrade: tls/1.0\r\n\
         Sec-WebSocket-Key: x\r\nWWW-X: y\r\nConnection: HTTP2-Settings\r\n\r\n"
    );
    let request = Request::options("*").header("host", "a:1");
    let client = Client::new("x", request.body(()).unwrap()).unwrap();
    assert!(
        Bench::new(client)
            .seen()
            .wire
            .starts_with("OPTIONS * HTTP/1.1\r\nHost: a:1\r\n")
    );
}

#[test]
fn pitfall_16_user_and_password_of_a_uri_do_not_reach_the_wire() {
    let request = Request::get("http://user:secret@a.test").body(()).unwrap();
    let wire = Bench::new(Client::new("x", request).unwrap()).seen().wire;
    assert!(
        wire.starts_with("GET / HTTP/1.1\r\nHost: a.test\r\n"),
        "{wire}"
    );
    assert!(!wire.contains("secret"));
}

#[test]
fn a_request_that_cannot_be_sent_is_refused_at_once() {
    for (token, request) in [
        ("", Request::get("http://a/")),
        ("a b", Request::get("http://a/")),
        ("a\r\nX: y", Request::get("http://a/")),
        ("a/b/c", Request::get("http://a/")),
        ("a/", Request::get("http://a/")),
        ("a", Request::get("/")),
        ("a", Request::connect("a:1")),
    ] {
        let error = Client::new(token, request.body(()).unwrap()).err().unwrap();
        assert_eq!((error.layer(), error.blame()), ("upgrade", Blame::Local));
        assert!(error.cause::<Http1Error>().is_some());
    }
}

// --- server ---

fn parked(request: &str) -> Bench<Server> {
    let mut bench = Bench::new(Server::new());
    bench.arrive(request.as_bytes());
    assert!(bench.layer.request().is_some(), "{request}");
    assert_eq!(
        bench.layer.progress(),
        Progress::Deciding("the Upgrade request")
    );
    bench
}

#[test]
fn a_server_upgrades_and_what_is_behind_the_request_is_data() {
    let accept = |server: &mut Server| {
        let mut headers = HeaderMap::new();
        let name = HeaderName::from_static("sec-websocket-accept");
        headers.insert(name, HeaderValue::from_static("x"));
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        server.accept("websocket", headers);
    };
    let bytes = format!("{REQUEST}data");
    let seen = run("upgrade", bytes.as_bytes(), true, Server::new, accept);
    assert_eq!(
        seen.wire,
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Accept: x\r\n\r\n"
    );
    assert_eq!((&*seen.app, &*seen.app_end), ("data", "finished"));
}

#[test]
fn must_9110_7_8_only_what_is_offered_is_accepted() {
    for (name, request, offered) in [
        (
            "offered",
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: x, upgrade\r\nUpgrade: h2c, a/1\r\n\r\n",
            true,
        ),
        (
            "two fields",
            "POST / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\nUpgrade: A/1\r\n\r\n",
            true,
        ),
        (
            "another",
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: a/2\r\n\r\n",
            false,
        ),
        (
            "not for this hop",
            "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: a/1\r\n\r\n",
            false,
        ),
        ("none", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", false),
        (
            "HTTP/1.0",
            "GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: a/1\r\n\r\n",
            false,
        ),
        (
            "content",
            "PUT / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: a/1\r\nContent-Length: 1\r\n\r\n",
            false,
        ),
    ] {
        let mut bench = parked(request);
        assert_eq!(bench.layer.offers("a/1"), offered, "{name}");
        bench.layer.accept("a/1", HeaderMap::new());
        bench.process();
        assert_eq!(bench.layer.is_open(), offered, "{name}");
        if offered {
            assert_eq!(bench.layer.status().facts.to_string(), "upgraded to a/1");
            continue;
        }
        assert!(bench.seen().wire.starts_with("HTTP/1.1 500 "), "{name}");
        assert!(
            matches!(bench.error().cause(), Some(Http1Error::NotOffered)),
            "{name}"
        );
    }
}

#[test]
fn a_server_shows_any_request_and_rejects_it() {
    let mut bench = parked("GET /a?b HTTP/1.1\r\nHost: a\r\nCookie: secret\r\n\r\n");
    let request = bench.layer.request().unwrap();
    assert_eq!(request.uri().path(), "/a");
    assert!(!format!("{request:?}").contains("secret"));
    let mut response = Response::new(Bytes::from_static(b"upgrade!"));
    *response.status_mut() = StatusCode::UPGRADE_REQUIRED;
    let token = HeaderValue::from_static("websocket");
    response.headers_mut().insert(UPGRADE, token);
    bench.layer.reject(response);
    bench.process();
    assert_eq!(
        bench.seen().wire,
        "HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nContent-Length: 8\r\n\
         Connection: close, Upgrade\r\n\r\nupgrade!"
    );
    assert!(matches!(bench.error().cause(), Some(Http1Error::Rejected(status)) if *status == 426));
}

#[test]
fn a_rejection_has_a_body_only_where_it_may() {
    for (method, status, wanted) in [
        (
            Method::HEAD,
            404,
            "404 Not Found\r\nContent-Length: 2\r\nConnection: close\r\n\r\n",
        ),
        (
            Method::GET,
            204,
            "204 No Content\r\nConnection: close\r\n\r\n",
        ),
        (
            Method::GET,
            200,
            "200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno",
        ),
        (
            Method::GET,
            299,
            "299 \r\nContent-Length: 2\r\nConnection: close\r\n\r\nno",
        ),
        (
            Method::GET,
            101,
            "500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        ),
    ] {
        let mut bench = parked(&format!("{method} / HTTP/1.1\r\nHost: a\r\n\r\n"));
        let mut response = Response::new(Bytes::from_static(b"no"));
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        bench.layer.reject(response);
        bench.process();
        assert_eq!(bench.seen().wire, format!("HTTP/1.1 {wanted}"));
    }
}

#[test]
fn must_9112_3_2_a_request_has_one_host() {
    for (request, good) in [
        ("GET / HTTP/1.1\r\n\r\n", false),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", false),
        ("GET / HTTP/1.0\r\n\r\n", true),
        ("GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", true),
        ("OPTIONS * HTTP/1.1\r\nHost:\r\n\r\n", true),
        ("GET a\\b HTTP/1.1\r\nHost:\r\n\r\n", false),
    ] {
        let mut bench = Bench::new(Server::new());
        bench.arrive(request.as_bytes());
        assert_eq!(bench.layer.request().is_some(), good, "{request}");
        assert_eq!(
            bench.seen().wire.starts_with("HTTP/1.1 400 "),
            !good,
            "{request}"
        );
        assert_eq!(bench.to_wire.is_closed(), !good);
    }
}
