//! The client of an Upgrade.

use super::REQUEST;
use crate::kit::{Bench, Then, run, upgrade_client};
use http::Request;
use http::header::{
    CONTENT_LENGTH, HOST, HeaderValue, LOCATION, ORIGIN, TRANSFER_ENCODING, UPGRADE,
};
use wirestack_http1::upgrade::Client;
use wirestack_http1::{Http1Error, Limits};
use wirestack_layer::{Blame, Flows, Instant, Layer, Pipe};

#[test]
fn pitfalls_1_2_4_an_upgrade_opens_and_the_bytes_behind_it_are_data() {
    struct Row {
        name: &'static str,
        server_sends: &'static str,
        app_reads: &'static str,
    }
    for row in [
        Row {
            name: "plain",
            server_sends: "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\x01",
            app_reads: "\x01",
        },
        Row {
            name: "lists",
            server_sends: "HTTP/1.1 101\r\nUpgrade: , WEBSOCKET,\r\nUpgrade: websocket\r\nConnection: keep-alive\r\nConnection: x ,UPGRADE\r\n\r\n",
            app_reads: "",
        },
        Row {
            name: "hints first",
            server_sends: "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n\
             HTTP/1.1 101 x\r\nConnection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 1\r\n\r\nabc",
            app_reads: "abc",
        },
    ] {
        let name = row.name;
        let seen = run(
            name,
            row.server_sends.as_bytes(),
            Then::StaysOpen,
            upgrade_client,
            |_| {},
        );
        assert_eq!(
            (&*seen.wire, &*seen.app),
            (REQUEST, row.app_reads),
            "{name}"
        );
        assert!(seen.open, "{name}");
    }
}

#[test]
fn any_other_answer_is_an_error() {
    const ELSEWHERE: &str = "upgrade[0]: the 101 does not say that it upgrades to WebSocket";
    struct Row {
        name: &'static str,
        server_sends: &'static str,
        /// Behind a refusal stand ` | ` and the excerpt of its body.
        error: &'static str,
    }
    for row in [
        Row {
            name: "another token",
            server_sends: "HTTP/1.1 101\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
            error: "upgrade[0]: the 101 upgrades to h2c, wanted WebSocket with Connection: Upgrade",
        },
        Row {
            name: "no token",
            server_sends: "HTTP/1.1 101\r\nConnection: Upgrade\r\n\r\n",
            error: ELSEWHERE,
        },
        Row {
            name: "a longer token",
            server_sends: "HTTP/1.1 101\r\nUpgrade: websockets\r\nConnection: Upgrade\r\n\r\n",
            error: "upgrade[0]: the 101 upgrades to websockets, wanted WebSocket with Connection: Upgrade",
        },
        // "If multiple protocol layers are being switched, the sender MUST list the protocols in
        // layer-ascending order." (RFC 9110 §7.8)
        Row {
            name: "two layers",
            server_sends: "HTTP/1.1 101\r\nUpgrade: h2c, websocket\r\nConnection: Upgrade\r\n\r\n",
            error: "upgrade[0]: the 101 upgrades to h2c, websocket, wanted WebSocket with Connection: Upgrade",
        },
        Row {
            name: "two layers in two fields",
            server_sends: "HTTP/1.1 101\r\nUpgrade: websocket\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
            error: "upgrade[0]: the 101 upgrades to websocket, x, wanted WebSocket with Connection: Upgrade",
        },
        Row {
            name: "an empty token",
            server_sends: "HTTP/1.1 101\r\nUpgrade:\r\nConnection: Upgrade\r\n\r\n",
            error: ELSEWHERE,
        },
        Row {
            name: "no connection",
            server_sends: "HTTP/1.1 101\r\nUpgrade: websocket\r\n\r\n",
            error: "upgrade[0]: the 101 upgrades to websocket, wanted WebSocket with Connection: Upgrade",
        },
        Row {
            name: "ignored",
            server_sends: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
            error: "upgrade[0]: refused the upgrade to WebSocket: 200 OK | hello",
        },
        Row {
            name: "426",
            server_sends: "HTTP/1.1 426 Upgrade Required\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
            error: "upgrade[0]: refused the upgrade to WebSocket: 426 Upgrade Required | x",
        },
        Row {
            name: "cut",
            server_sends: "HTTP/1.1 101 Sw",
            error: "upgrade[0]: the connection ended after 15 bytes of the Upgrade response",
        },
    ] {
        let name = row.name;
        let seen = run(
            name,
            row.server_sends.as_bytes(),
            Then::Finishes,
            upgrade_client,
            |_| {},
        );
        assert_eq!((&*seen.app, &*seen.app_end), ("", row.error), "{name}");
    }
}

/// "Any response to a HEAD request [...] is always terminated by the first empty line after the
/// header fields, regardless of the header fields present in the message" (RFC 9112 §6.3).
#[test]
fn rfc9112_6_3_an_answer_to_a_head_is_reported_without_a_wait_for_a_body() {
    for framing in ["Content-Length: 9", "Transfer-Encoding: chunked", "X: y"] {
        let request = Request::head("http://example.org/").body(()).unwrap();
        let mut bench = Bench::new(Client::new("x", request).unwrap());
        bench.receive(format!("HTTP/1.1 404 Not Found\r\n{framing}\r\n\r\n").as_bytes());
        assert_eq!(
            bench.seen().app_end,
            "upgrade[0]: refused the upgrade to x: 404 Not Found | ",
            "{framing}"
        );
    }
}

#[test]
fn the_response_that_opened_the_tunnel_is_kept() {
    let mut bench = Bench::new(upgrade_client());
    assert!(bench.layer.response().is_none());
    bench.receive(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\n");
    assert!(bench.layer.response().is_none());
    bench.receive(b"Connection: Upgrade\r\nX-Note: here\r\n\r\n");
    let response = bench.layer.response().expect("the response");
    assert_eq!(response.status(), 101);
    assert_eq!(response.headers()["x-note"], "here");
}

/// The fields that tell it are no secret, so the error can say who may have answered.
#[test]
fn an_ordinary_answer_says_if_something_between_may_have_given_it() {
    for (fields, advice) in [
        (
            "",
            "the server has no such protocol at this path, or something between does not pass upgrades on",
        ),
        (
            "Via: 1.1 proxy\r\n",
            "something between answers for the server, or does not pass upgrades on",
        ),
        (
            "X-Cache: MISS\r\n",
            "something between answers for the server, or does not pass upgrades on",
        ),
    ] {
        let mut bench = Bench::new(upgrade_client());
        let response = format!("HTTP/1.1 200 OK\r\n{fields}Content-Length: 0\r\n\r\n");
        bench.receive(response.as_bytes());
        let error = bench.error().to_string();
        let wanted = format!(", an ordinary answer: {advice}");
        assert!(error.ends_with(&wanted), "{error}");
    }
}

#[test]
fn pitfall_15_a_redirect_is_not_followed_but_shown() {
    let mut bench = Bench::new(upgrade_client());
    bench.receive(b"HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n");
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

/// "An HTTP client, proxy, or other intermediary MUST remove any ZoneID attached to an outgoing URI"
/// (RFC 6874 §4).
#[test]
fn pitfall_26_the_zone_of_an_address_does_not_leave_the_host() {
    for (host, sent) in [
        ("[fe80::1%25eth0]", "[fe80::1]"),
        ("[fe80::1%eth0]:8080", "[fe80::1]:8080"),
        ("[fe80::1]:8080", "[fe80::1]:8080"),
        ("a.test", "a.test"),
    ] {
        let request = Request::get(format!("http://{host}/")).body(()).unwrap();
        let given = Request::get("/").header(HOST, host).body(()).unwrap();
        for client in [
            Client::new("x", request),
            Client::new("x", given),
            Client::get("x", &"/".parse().unwrap(), host),
        ] {
            let wire = Bench::new(client.unwrap()).seen().wire;
            assert!(wire.contains(&format!("\r\nHost: {sent}\r\n")), "{wire}");
        }
    }
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
        ("a", Request::get("http://a/\u{e4}")),
        ("a", Request::get("http://a/?\u{85}")),
        ("a", Request::connect("a:1")),
    ] {
        let error = Client::new(token, request.body(()).unwrap()).err().unwrap();
        assert_eq!((error.origin(), error.blame()), ("upgrade", Blame::Local));
        assert!(error.cause::<Http1Error>().is_some());
    }
}

#[test]
fn a_get_sends_its_fields_but_those_that_frame_it() {
    let value = HeaderValue::from_static("1");
    let mut client = Client::get("x-test", &"/a?b".parse().unwrap(), "[2001:db8::1]:8080").unwrap();
    for name in [HOST, UPGRADE, CONTENT_LENGTH, TRANSFER_ENCODING, ORIGIN] {
        client = client.with_header(&name, &value);
    }
    let mut bench = Bench::new(client);
    bench.receive(b"");
    assert_eq!(
        bench.seen().wire,
        "GET /a?b HTTP/1.1\r\nHost: [2001:db8::1]:8080\r\nConnection: Upgrade\r\n\
         Upgrade: x-test\r\nOrigin: 1\r\n\r\n"
    );
}

#[test]
fn a_get_needs_a_host_and_a_token() {
    let target = "/".parse().unwrap();
    for host in ["", "a b", "a\r\nx: y", "\u{e4}.test", "a\0"] {
        let error = Client::get("x", &target, host).unwrap_err();
        assert!(
            matches!(error.cause(), Some(Http1Error::BadHost)),
            "{host:?}"
        );
    }
    let text = Client::get("x", &"/\u{e4}".parse().unwrap(), "a.test").unwrap_err();
    assert!(matches!(text.cause(), Some(Http1Error::BadPath)));
    let error = Client::get("x y", &target, "a.test").unwrap_err();
    assert!(matches!(error.cause(), Some(Http1Error::BadToken)));
}

#[test]
fn a_handshake_needs_no_time_until_it_is_refused() {
    let [mut from_wire, mut to_wire, mut from_app, mut to_app] = <[Pipe; 4]>::default();
    let mut turn = |client: &mut Client, received: &[u8], now: Option<Instant>| {
        from_wire.write(received);
        let flows = Flows::new(&mut from_wire, &mut to_wire, &mut from_app, &mut to_app);
        match now {
            Some(now) => {
                client.process(flows, now);
                true
            }
            None => client.process_untimed(flows),
        }
    };
    let mut opens = upgrade_client();
    assert!(turn(&mut opens, b"", None));
    assert!(turn(
        &mut opens,
        b"HTTP/1.1 101\r\nUpgrade: websocket\r\n",
        None
    ));
    assert!(turn(&mut opens, b"Connection: upgrade\r\n\r\n", None));
    assert!(opens.is_open());

    let mut refused = upgrade_client();
    assert!(turn(&mut refused, b"", None));
    let refusal = b"HTTP/1.1 403 No\r\nContent-Length: 5\r\n\r\nhe";
    assert!(!turn(&mut refused, refusal, None), "it waits for the body");
    assert_eq!(refused.deadline(), None);
    let now = Instant::ORIGIN;
    assert!(turn(&mut refused, b"", Some(now)));
    let grace = Limits::default().grace;
    assert_eq!(refused.deadline(), now.checked_add(grace));
    assert!(turn(&mut refused, b"", now.checked_add(grace)));
    assert!(refused.deadline().is_none() && !refused.is_open());
}
