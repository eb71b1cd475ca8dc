//! The server of an Upgrade.

use super::REQUEST;
use crate::kit::{Bench, Then, run};
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, UPGRADE};
use http::{Method, Response, StatusCode};
use wirestack_http1::upgrade::{Server, has_content};
use wirestack_http1::{Http1Error, Limits};
use wirestack_layer::{Flow, Layer, Progress};

#[test]
fn a_server_upgrades_and_the_bytes_behind_the_request_are_data() {
    let accept = |server: &mut Server| {
        let mut headers = HeaderMap::new();
        let name = HeaderName::from_static("sec-websocket-accept");
        headers.insert(name, HeaderValue::from_static("x"));
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        server.accept("websocket", &headers);
    };
    let bytes = format!("{REQUEST}data");
    let seen = run(
        "upgrade",
        bytes.as_bytes(),
        Then::Finishes,
        Server::new,
        accept,
    );
    assert_eq!(
        seen.wire,
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Accept: x\r\n\r\n"
    );
    assert_eq!((&*seen.app, &*seen.app_end), ("data", "finished"));
}

#[test]
fn a_head_beyond_the_limit_of_the_server_is_refused() {
    let limits = Limits::default().head(REQUEST.len() - 1);
    let mut bench = Bench::new(Server::new().with_limits(limits));
    bench.receive(REQUEST.as_bytes());
    assert!(bench.layer.request().is_none());
    assert!(bench.seen().wire.starts_with("HTTP/1.1 431 "));
    let limits = Limits::default().head(REQUEST.len());
    let mut bench = Bench::new(Server::new().with_limits(limits));
    bench.receive(REQUEST.as_bytes());
    assert!(bench.layer.request().is_some());
}

#[test]
fn an_accepted_request_is_returned_with_what_the_application_added() {
    let mut bench = Bench::new(Server::new());
    assert!(bench.layer.request_mut().is_none());
    bench.receive(REQUEST.as_bytes());
    let request = bench.layer.request_mut().expect("the request");
    request.extensions_mut().insert("a note");
    let accepted = bench.layer.accept("websocket", &HeaderMap::new());
    let accepted = accepted.expect("the request");
    assert_eq!(accepted.extensions().get(), Some(&"a note"));
    assert!(bench.layer.request_mut().is_none());
    assert!(bench.layer.accept("websocket", &HeaderMap::new()).is_none());
}

#[test]
fn must_9110_7_8_only_an_offered_protocol_is_accepted() {
    struct Row {
        name: &'static str,
        request: &'static str,
        /// `true` if the request offers the protocol `a/1`.
        offers: bool,
    }
    for row in [
        Row {
            name: "offered",
            request: "GET / HTTP/1.1\r\nHost: a\r\nConnection: x, upgrade\r\nUpgrade: h2c, a/1\r\n\r\n",
            offers: true,
        },
        Row {
            name: "two fields",
            request: "POST / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\nUpgrade: A/1\r\n\r\n",
            offers: true,
        },
        Row {
            name: "another",
            request: "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: a/2\r\n\r\n",
            offers: false,
        },
        Row {
            name: "not for this hop",
            request: "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: a/1\r\n\r\n",
            offers: false,
        },
        Row {
            name: "none",
            request: "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            offers: false,
        },
        Row {
            name: "HTTP/1.0",
            request: "GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: a/1\r\n\r\n",
            offers: false,
        },
        Row {
            name: "content",
            request: "PUT / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: a/1\r\nContent-Length: 1\r\n\r\n",
            offers: false,
        },
    ] {
        let Row { name, offers, .. } = row;
        let mut bench = parked(row.request);
        assert_eq!(bench.layer.offers("a/1"), offers, "{name}");
        bench.layer.accept("a/1", &HeaderMap::new());
        bench.process();
        assert_eq!(bench.layer.is_open(), offers, "{name}");
        if offers {
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
fn pitfall_56_the_bytes_behind_a_refused_upgrade_are_no_second_request() {
    let first = "GET /a HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: a/1\r\n\r\n";
    let bytes = format!("{first}POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    for status in [200, 302, 401, 403, 426, 503] {
        let seen = run(
            "refused",
            bytes.as_bytes(),
            Then::StaysOpen,
            Server::new,
            |server| {
                let path = server
                    .request()
                    .map(|request| request.uri().path().to_owned());
                assert!(path.is_none_or(|path| path == "/a"), "the second is parked");
                let mut response = Response::new(Bytes::new());
                *response.status_mut() = StatusCode::from_u16(status).unwrap();
                server.reject(response);
            },
        );
        let answers = seen.wire.matches("HTTP/1.1 ").count();
        assert_eq!(
            (answers, &*seen.wire_end, &*seen.app),
            (1, "finished", ""),
            "{status}"
        );
    }
}

#[test]
fn a_rejection_has_a_body_only_where_it_may() {
    struct Row {
        method: Method,
        status: u16,
        /// The answer behind `HTTP/1.1`.
        server_sends: &'static str,
    }
    for row in [
        Row {
            method: Method::HEAD,
            status: 404,
            server_sends: "404 Not Found\r\nContent-Length: 2\r\nConnection: close\r\n\r\n",
        },
        Row {
            method: Method::GET,
            status: 204,
            server_sends: "204 No Content\r\nConnection: close\r\n\r\n",
        },
        Row {
            method: Method::GET,
            status: 200,
            server_sends: "200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno",
        },
        Row {
            method: Method::GET,
            status: 299,
            server_sends: "299 \r\nContent-Length: 2\r\nConnection: close\r\n\r\nno",
        },
        Row {
            method: Method::GET,
            status: 101,
            server_sends: "500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        },
    ] {
        let mut bench = parked(&format!("{} / HTTP/1.1\r\nHost: a\r\n\r\n", row.method));
        let mut response = Response::new(Bytes::from_static(b"no"));
        *response.status_mut() = StatusCode::from_u16(row.status).unwrap();
        bench.layer.reject(response);
        bench.process();
        assert_eq!(bench.seen().wire, format!("HTTP/1.1 {}", row.server_sends));
    }
}

#[test]
fn must_9112_3_2_a_request_has_one_host() {
    let accepts = |request: &str| {
        let mut bench = Bench::new(Server::new());
        bench.receive(request.as_bytes());
        let accepts = bench.layer.request().is_some();
        let refused = bench.seen().wire.starts_with("HTTP/1.1 400 ");
        assert_eq!(refused, !accepts, "{request}");
        assert_eq!(bench.to_wire.is_closed(), !accepts, "{request}");
        accepts
    };
    assert!(!accepts("GET / HTTP/1.1\r\n\r\n"));
    assert!(!accepts("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"));
    assert!(accepts("GET / HTTP/1.0\r\n\r\n"));
    assert!(accepts("GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n"));
    assert!(accepts("OPTIONS * HTTP/1.1\r\nHost:\r\n\r\n"));
    assert!(!accepts("GET a\\b HTTP/1.1\r\nHost:\r\n\r\n"));
}

/// "A server MUST respond with a 400 (Bad Request) status code [...] to any request message that
/// contains more than one Host header field line or a Host header field with an invalid field
/// value." (RFC 9112 §3.2)
#[test]
fn must_9112_3_2_the_host_of_a_request_is_a_host() {
    for (host, is_host) in [
        ("", true),
        ("a", true),
        ("a.test:80", true),
        ("a.test:", true),
        ("_a.b-c~", true),
        ("a%2D!b", true),
        ("192.0.2.7:8080", true),
        ("[2001:db8::7]", true),
        ("[2001:db8::7]:80", true),
        ("[fe80::1%25eth0]:80", true),
        ("[v1.a:b]", true),
        ("a b", false),
        ("a, b", false),
        ("a/b", false),
        ("http://a", false),
        ("me:secret@a", false),
        ("a:80:90", false),
        ("a:80x", false),
        ("a:+80", false),
        ("a%2", false),
        ("a%zz", false),
        ("2001:db8::7", false),
        ("[2001:db8::7", false),
        ("[]", false),
        ("[::1]x", false),
        ("a[::1]", false),
        ("a\"b", false),
        ("b\u{fc}cher.example", false),
    ] {
        for version in ["1.0", "1.1"] {
            let mut bench = Bench::new(Server::new());
            bench.receive(format!("GET / HTTP/{version}\r\nHost: {host}\r\n\r\n").as_bytes());
            assert_eq!(bench.layer.request().is_some(), is_host, "{host:?}");
            let refused = bench.seen().wire.starts_with("HTTP/1.1 400 ");
            assert_eq!(refused, !is_host, "{host:?}");
        }
    }
}

/// A server that has this request to decide on.
fn parked(request: &str) -> Bench<Server> {
    let mut bench = Bench::new(Server::new());
    bench.receive(request.as_bytes());
    assert!(bench.layer.request().is_some(), "{request}");
    assert_eq!(
        bench.layer.progress(),
        Progress::Deciding("the Upgrade request")
    );
    bench
}

#[test]
fn a_request_that_announces_content_is_known_by_its_fields() {
    for (field, announces) in [
        (None, false),
        (Some(("content-length", "5")), true),
        (Some(("transfer-encoding", "chunked")), true),
    ] {
        let mut request = http::Request::get("/");
        if let Some((name, value)) = field {
            request = request.header(name, value);
        }
        let request = request.body(()).unwrap();
        assert_eq!(has_content(&request), announces, "{field:?}");
    }
}

#[test]
fn rfc9112_3_2_a_target_that_is_a_host_is_for_connect_alone() {
    for (line, is_read) in [
        ("GET /chat", true),
        ("GET http://a.test/chat", true),
        ("OPTIONS *", true),
        ("CONNECT a.test:80", true),
        ("GET chat", false),
        ("GET a.test:80", false),
        ("GET ?chat", false),
        ("GET", false),
    ] {
        let mut bench = Bench::new(Server::new());
        bench.receive(format!("{line} HTTP/1.1\r\nHost: a.test\r\n\r\n").as_bytes());
        assert_eq!(bench.layer.request().is_some(), is_read, "{line}");
        let refused = bench.seen().wire.starts_with("HTTP/1.1 400 ");
        assert_eq!(refused, !is_read, "{line}");
    }
}
