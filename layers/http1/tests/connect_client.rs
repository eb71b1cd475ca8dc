//! The CONNECT client: transcripts, and the pitfalls that are its own.

mod kit;

use http::header::{COOKIE, HOST, HeaderName, HeaderValue};
use kit::{Bench, broken, proxy_client, run};
use std::time::Duration;
use wirestack_http1::connect::{Challenged, Client, Parked};
use wirestack_http1::{Http1Error, Limits};
use wirestack_layer::{Blame, End, Flow, Layer, Progress};

const REQUEST: &str = "CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n";

/// `(name, bytes in, bytes to the application, how its flow ends)`; an empty end is an open tunnel.
type Row = (&'static str, &'static str, &'static str, &'static str);

fn check(rows: &[Row]) {
    for &(name, bytes, app, app_end) in rows {
        let seen = run(name, bytes.as_bytes(), false, proxy_client, |_| {});
        assert_eq!(seen.wire, REQUEST, "{name}");
        assert_eq!((&*seen.app, &*seen.app_end), (app, app_end), "{name}");
        assert_eq!(seen.open, app_end.is_empty(), "{name}");
        assert_eq!(seen.wire_end.is_empty(), app_end.is_empty(), "{name}");
    }
}

fn refuse(rows: &[(&'static str, &'static str, &'static str)]) {
    for &(name, bytes, app_end) in rows {
        check(&[(name, bytes, "", app_end)]);
    }
}

#[test]
fn pitfall_1_bytes_behind_the_head_are_tunnel_data() {
    check(&[
        ("none", "HTTP/1.1 200 OK\r\n\r\n", "", ""),
        (
            "some",
            "HTTP/1.1 200 OK\r\n\r\nSSH-2.0-x\r\n",
            "SSH-2.0-x\r\n",
            "",
        ),
        (
            "a line end",
            "HTTP/1.1 200 OK\r\n\r\n\r\n\r\n",
            "\r\n\r\n",
            "",
        ),
        (
            "another head",
            "HTTP/1.1 200\r\n\r\nHTTP/1.1 407 x\r\n\r\n",
            "HTTP/1.1 407 x\r\n\r\n",
            "",
        ),
    ]);
}

#[test]
fn pitfall_2_a_head_is_cut_anywhere() {
    // Every row of these files is; this one has a bit of everything.
    check(&[(
        "all",
        "\r\nHTTP/1.0 200 Connection established\r\nVia: x\r\nA:\r\nB: \"\tb \"\r\n\r\ny",
        "y",
        "",
    )]);
}

#[test]
fn pitfall_3_any_2xx_opens_and_a_status_has_three_digits() {
    const THREE: &str =
        "connect[0]: not an HTTP/1 head: the status is not three digits and a reason";
    check(&[
        ("201", "HTTP/1.1 201 Created\r\n\r\nx", "x", ""),
        ("204", "HTTP/1.1 204 No Content\r\n\r\nx", "x", ""),
        ("299", "HTTP/1.1 299\r\n\r\nx", "x", ""),
    ]);
    refuse(&[
        ("2000", "HTTP/1.1 2000 OK\r\n\r\n", THREE),
        ("20", "HTTP/1.1 20 OK\r\n\r\n", THREE),
        ("2xx", "HTTP/1.1 2xx OK\r\n\r\n", THREE),
        ("-20", "HTTP/1.1 -20 OK\r\n\r\n", THREE),
        (
            "020",
            "HTTP/1.1 020 OK\r\n\r\n",
            "connect[0]: not an HTTP/1 head: the status code is below 100",
        ),
        (
            "300",
            "HTTP/1.1 300\r\nContent-Length: 0\r\n\r\n",
            "connect[0]: refused: 300 Multiple Choices | ",
        ),
    ]);
}

#[test]
fn pitfall_4_interim_responses_are_skipped() {
    check(&[
        (
            "one",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\nx",
            "x",
            "",
        ),
        (
            "three",
            "HTTP/1.1 102\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n\
             HTTP/1.1 199 x\r\nContent-Length: 9\r\n\r\nHTTP/1.1 200 OK\r\n\r\nx",
            "x",
            "",
        ),
    ]);
    refuse(&[
        (
            "101",
            "HTTP/1.1 101 Switching Protocols\r\n\r\n",
            "connect[0]: CONNECT was answered with 101 where a 2xx was wanted",
        ),
        (
            "then a refusal",
            "HTTP/1.1 100\r\n\r\nHTTP/1.1 502 Bad Gateway\r\nContent-Length: 2\r\n\r\nno",
            "connect[0]: refused: 502 Bad Gateway | no",
        ),
    ]);
    let flood = "HTTP/1.1 100 Continue\r\n\r\n".repeat(1000);
    let mut bench = Bench::new(proxy_client());
    bench.arrive(flood.as_bytes());
    assert!(matches!(
        bench.error().cause(),
        Some(Http1Error::HeadTooLarge(16384))
    ));
}

#[test]
fn pitfall_5_and_7_a_2xx_has_no_body_whatever_it_says_so_the_first_flight_is_the_tunnels() {
    check(&[
        (
            "length",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabc",
            "abc",
            "",
        ),
        (
            "no length",
            "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nabc",
            "abc",
            "",
        ),
        (
            "chunked",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
            "3\r\nabc\r\n",
            "",
        ),
        (
            "both",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nabc",
            "abc",
            "",
        ),
        (
            "close",
            "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc",
            "abc",
            "",
        ),
    ]);
}

#[test]
fn pitfall_6_the_body_of_a_refusal_is_the_proxys_word_and_never_data() {
    refuse(&[
        (
            "length",
            "HTTP/1.1 403 Forbidden\r\nContent-Length: 9\r\n\r\n<b>no</b>",
            "connect[0]: refused: 403 Forbidden | <b>no</b>",
        ),
        (
            "lengths that agree",
            "HTTP/1.1 403 No\r\nContent-Length: 2, 2\r\nContent-Length: 2\r\n\r\nno",
            "connect[0]: refused: 403 No | no",
        ),
        (
            "chunked",
            "HTTP/1.1 503 \r\nTransfer-Encoding: Chunked\r\n\r\n\
             2;a=\"b\"\r\nno\r\n003\r\npe.\r\n0\r\nTrailer: x\r\n\r\n",
            "connect[0]: refused: 503 Service Unavailable | nope.",
        ),
        (
            "no body",
            "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
            "connect[0]: refused: 304 Not Modified | ",
        ),
    ]);
    let bytes = b"HTTP/1.0 500 Oh no\r\n\r\nuntil the end";
    let seen = run("until close", bytes, true, proxy_client, |_| {});
    let wanted = "connect[0]: refused: 500 Oh no | until the end";
    assert_eq!((&*seen.app, &*seen.app_end), ("", wanted));
}

#[test]
fn pitfall_45_a_body_is_framed_as_the_grammar_has_it_or_ends_there() {
    for (name, fields, body, excerpt) in [
        (
            "a bare LF behind the size",
            CHUNKED,
            "2\nno\r\n0\r\n\r\n",
            "",
        ),
        ("no size", CHUNKED, "\r\nno\r\n0\r\n\r\n", ""),
        ("a sign", CHUNKED, "+2\r\nno\r\n0\r\n\r\n", ""),
        ("0x", CHUNKED, "0x2\r\nno\r\n0\r\n\r\n", ""),
        ("an underscore", CHUNKED, "1_0\r\nno", ""),
        ("a huge size", CHUNKED, "ffffffffffffffff0\r\nno", ""),
        ("17 digits", CHUNKED, "00000000000000002\r\nno", ""),
        (
            "two other bytes behind the data",
            CHUNKED,
            "2\r\nnoXX0\r\n\r\n",
            "no",
        ),
        (
            "a bare LF behind the data",
            CHUNKED,
            "2\r\nno\n0\r\n\r\n",
            "no",
        ),
        (
            "a bare LF in the trailer",
            CHUNKED,
            "2\r\nno\r\n0\r\nA: b\n\r\n",
            "no",
        ),
        (
            "a NUL in an extension",
            CHUNKED,
            "2;\0\r\nno\r\n0\r\n\r\n",
            "",
        ),
        (
            "both framings",
            "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
            "no",
            "",
        ),
        (
            "lengths that differ",
            "Content-Length: 2\r\nContent-Length: 3\r\n",
            "no.",
            "",
        ),
        ("a signed length", "Content-Length: +2\r\n", "no", ""),
        ("an empty length", "Content-Length: ,2\r\n", "no", ""),
        (
            "a length beyond u64",
            "Content-Length: 18446744073709551616\r\n",
            "no",
            "",
        ),
    ] {
        let bytes = format!("HTTP/1.1 403 No\r\n{fields}\r\n{body}");
        let seen = run(name, bytes.as_bytes(), false, proxy_client, |_| {});
        let wanted = format!("connect[0]: refused: 403 No | {excerpt}");
        assert_eq!(seen.app_end, wanted, "{name}");
    }
}

const CHUNKED: &str = "Transfer-Encoding: chunked\r\n";

#[test]
fn pitfall_8_and_44_a_head_has_a_cap_in_bytes_and_in_fields() {
    let mut limits = Limits::default();
    (limits.head, limits.headers) = (64, 3);
    let client = || proxy_client().with_limits(limits.clone());
    for (name, bytes, wanted) in [
        (
            "fits",
            "HTTP/1.1 200 OK\r\nA: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n\r\n",
            "",
        ),
        (
            "a byte too long",
            "HTTP/1.1 200 OK\r\nA: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n\r\n",
            "connect[0]: a head of more than 64 bytes",
        ),
        (
            "a line without end",
            "HTTP/1.1 200 OKOKOKOKOKOKOKOKOKOKOKOKOKOKOKOKOKOKOKOKOKOKOKOKOKOK",
            "connect[0]: a head of more than 64 bytes",
        ),
        (
            "empty lines",
            "\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\
             \r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n",
            "connect[0]: a head of more than 64 bytes",
        ),
        (
            "three fields",
            "HTTP/1.1 200 OK\r\nA:\r\nB:\r\nB:\r\n\r\n",
            "",
        ),
        (
            "four fields",
            "HTTP/1.1 200 OK\r\nA:\r\nB:\r\nB:\r\nD:\r\n\r\n",
            "connect[0]: a head of more than 3 header fields",
        ),
    ] {
        let seen = run(name, bytes.as_bytes(), false, client, |_| {});
        assert_eq!(seen.app_end, wanted, "{name}");
    }
}

#[test]
fn a_slow_head_costs_no_more_than_a_fast_one() {
    let mut limits = Limits::default();
    limits.head = 1 << 20;
    let mut bench = Bench::new(proxy_client().with_limits(limits));
    let head = format!("HTTP/1.1 200 OK\r\nA: {}\r\n\r\n", "x".repeat(500_000));
    bench.arrive_bytewise(head.as_bytes()); // takes minutes if it is looked at again each time
    assert!(bench.layer.is_open());
}

#[test]
fn pitfall_9_folded_fields_and_bare_line_feeds_are_read() {
    let bytes = b"HTTP/1.1 200 OK\nA: one\r\n two\n\tthree\r\nB: b\n\nx";
    let seen = run("folded", bytes, false, proxy_client, |_| {});
    assert_eq!((&*seen.app, seen.open), ("x", true));
    let mut bench = Bench::new(proxy_client());
    bench.arrive(bytes);
    let response = bench.layer.response().unwrap();
    let words = response.headers()["a"]
        .to_str()
        .unwrap()
        .split_ascii_whitespace();
    assert!(words.eq(["one", "two", "three"]));
    assert_eq!(response.headers()["b"], "b");
}

#[test]
fn pitfall_10_a_request_always_names_the_port_and_brackets_ipv6() {
    for (host, port, wanted) in [
        ("example.org", 80, "example.org:80"),
        ("::1", 443, "[::1]:443"),
        ("[::1]", 443, "[::1]:443"),
        ("192.0.2.1", 1, "192.0.2.1:1"),
    ] {
        let mut bench = Bench::new(Client::new(host, port).unwrap());
        let wanted = format!("CONNECT {wanted} HTTP/1.1\r\nHost: {wanted}\r\n\r\n");
        assert_eq!(bench.seen().wire, wanted);
    }
}

#[test]
fn pitfall_12_nothing_can_be_injected() {
    let error = Client::new("a\r\nX: y", 1).err().unwrap();
    assert!(matches!(error.cause(), Some(Http1Error::BadHost)));
    assert_eq!(error.blame(), Blame::Local);
    let error = Client::new("a", 0).err().unwrap();
    assert!(matches!(error.cause(), Some(Http1Error::BadPort)));
    for (user, password) in [("a\r\n", "b"), ("a", "b\n"), ("a:b", "c")] {
        let error = proxy_client().with_basic(user, password).err().unwrap();
        assert!(matches!(error.cause(), Some(Http1Error::BadCredentials(_))));
    }
    assert!(HeaderValue::from_str("a\r\nX: y").is_err()); // so a field cannot bring it in
    let client = proxy_client()
        .with_header(HOST, HeaderValue::from_static("other"))
        .with_header(
            HeaderName::from_static("content-length"),
            HeaderValue::from_static("5"),
        )
        .with_header(
            HeaderName::from_static("x-sec-websocket-a"),
            HeaderValue::from_static("b"),
        );
    let wire = Bench::new(client).seen().wire;
    assert_eq!(
        wire,
        "CONNECT example.org:443 HTTP/1.1\r\nHost: other\r\nX-Sec-WebSocket-A: b\r\n\r\n"
    );
}

#[test]
fn pitfall_14_credentials_stay_in_the_request_and_out_of_the_tunnel_and_of_texts() {
    let client = proxy_client().with_basic("user", "secret").unwrap();
    let mut bench = Bench::new(client);
    assert!(
        bench
            .seen()
            .wire
            .contains("Proxy-Authorization: Basic dXNlcjpzZWNyZXQ=\r\n")
    );
    bench.to_wire.discard();
    bench.from_app.write(b"GET / HTTP/1.1\r\n\r\n");
    bench.arrive(b"HTTP/1.1 200 OK\r\n\r\n");
    assert_eq!(bench.seen().wire, "GET / HTTP/1.1\r\n\r\n");
    assert_eq!(bench.layer.status().facts.to_string(), "200 OK");

    let client = proxy_client().with_basic("user", "secret").unwrap();
    let mut bench = Bench::new(client.with_header(COOKIE, HeaderValue::from_static("secret")));
    bench.arrive(b"HTTP/1.1 403 No\r\nContent-Length: 0\r\nSet-Cookie: secret\r\n\r\n");
    let text = format!("{0} {0:?}", bench.error());
    assert!(
        !text.contains("secret") && !text.contains("c2VjcmV0"),
        "{text}"
    );
}

#[test]
fn what_is_no_http_fails_at_once() {
    const VERSION: &str = "connect[0]: not an HTTP/1 head: the version is not HTTP/1.0 or HTTP/1.1";
    refuse(&[
        ("ssh", "SSH-2.0-OpenSSH", VERSION),
        ("a TLS alert", "\x15\x03\x03\0\x02", VERSION),
        ("http 2", "HTTP/2 200\r\n", VERSION),
        ("http 1.2", "HTTP/1.2 200 OK\r\n", VERSION),
        (
            "a name with a space",
            "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
            "connect[0]: not an HTTP/1 head: a header name is not a token",
        ),
        (
            "a NUL",
            "HTTP/1.1 200 OK\r\nA: \0\r\n\r\n",
            "connect[0]: not an HTTP/1 head: a header value has a control character",
        ),
    ]);
}

#[test]
fn a_wire_that_ends_says_what_was_awaited_and_how_much_of_it_had_come() {
    for (bytes, wanted) in [
        (
            "",
            "connect[0]: the wire ended after 0 bytes of the CONNECT response",
        ),
        (
            "HTTP/1.1 20",
            "connect[0]: the wire ended after 11 bytes of the CONNECT response",
        ),
        (
            "HTTP/1.1 100\r\n\r\nHTTP",
            "connect[0]: the wire ended after 4 bytes of the CONNECT response",
        ),
        (
            "HTTP/1.1 403 No\r\nContent-Length: 9\r\n\r\ncut",
            "connect[0]: refused: 403 No | cut",
        ),
        ("HTTP/1.1 200 OK\r\n\r\n", "finished"),
    ] {
        let seen = run(bytes, bytes.as_bytes(), true, proxy_client, |_| {});
        assert_eq!(seen.app_end, wanted);
    }
}

#[test]
fn aborts_pass_in_both_directions_and_half_close_is_carried() {
    let mut bench = Bench::new(proxy_client());
    bench.from_wire.write(b"HTTP/1.1");
    bench.from_wire.abort(broken());
    bench.process();
    assert_eq!(bench.error().to_string(), "test: the connection broke");

    let mut bench = Bench::new(proxy_client());
    bench.from_app.write(b"x");
    bench.from_app.abort(broken());
    bench.process();
    assert_eq!(bench.error().to_string(), "test: the connection broke");
    assert!(matches!(bench.to_wire.closed(), Some(End::Aborted(_))));
    assert!(bench.from_app.is_empty());
    assert_eq!(bench.layer.progress(), Progress::Over);

    let mut bench = Bench::new(proxy_client());
    bench.from_app.write(b"all");
    bench.from_app.finish();
    bench.process();
    assert!(!bench.to_wire.is_closed());
    bench.to_wire.discard();
    bench.arrive(b"HTTP/1.1 200 OK\r\n\r\nx");
    let seen = bench.seen();
    assert_eq!((&*seen.wire, &*seen.wire_end), ("all", "finished"));
    assert_eq!((&*seen.app, &*seen.app_end), ("x", ""));
    assert!(bench.layer.carries_half_close());
}

#[test]
fn a_full_wire_begins_no_request() {
    let mut bench = Bench::new(proxy_client());
    bench.to_wire.discard();
    bench.layer = proxy_client();
    bench.to_wire.set_limit(0);
    bench.process();
    assert!(bench.to_wire.is_empty());
    bench.to_wire.set_limit(1);
    bench.process();
    assert_eq!(bench.seen().wire, REQUEST);

    bench.to_wire.discard();
    bench.layer = proxy_client();
    bench.to_wire.set_limit(0);
    bench.from_wire.abort(broken());
    bench.process();
    assert_eq!(bench.seen().app_end, "test: the connection broke");
}

#[test]
fn a_body_that_never_comes_does_not_hide_the_refusal() {
    let mut bench = Bench::new(proxy_client());
    bench.arrive(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 100\r\n\r\nslow");
    assert!(!bench.to_app.is_closed());
    assert_eq!(
        bench.layer.progress(),
        Progress::Opening("the rest of a refusal")
    );
    let grace = bench.layer.deadline().unwrap() - bench.now;
    assert_eq!(grace, Limits::default().grace);
    bench.sleep(grace / 2);
    bench.arrive(b"ly");
    bench.sleep(grace / 2 - Duration::from_nanos(1));
    assert!(!bench.to_app.is_closed());
    bench.sleep(Duration::from_nanos(1));
    assert_eq!(
        bench.seen().app_end,
        "connect[0]: refused: 403 Forbidden | slowly"
    );
    assert_eq!(bench.layer.deadline(), None);

    let mut limits = Limits::default();
    limits.grace = Duration::ZERO;
    let mut bench = Bench::new(proxy_client().with_limits(limits.clone()));
    bench.arrive(b"HTTP/1.1 403 Forbidden\r\n\r\n");
    assert_eq!(
        bench.seen().app_end,
        "connect[0]: refused: 403 Forbidden | "
    );
    limits.grace = Duration::MAX;
    let mut bench = Bench::new(proxy_client().with_limits(limits));
    bench.arrive(b"HTTP/1.1 403 Forbidden\r\n\r\n");
    assert_eq!(bench.layer.deadline(), None);
}

#[test]
fn a_body_without_end_is_read_no_further_than_the_excerpt() {
    let mut limits = Limits::default();
    (limits.excerpt, limits.body) = (4, 20);
    let client = || proxy_client().with_limits(limits.clone());
    let chatter = format!("HTTP/1.1 403 No\r\n{CHUNKED}\r\n2;{}\r\nno", "x".repeat(20));
    for (name, bytes, wanted) in [
        ("until close", "HTTP/1.1 403 No\r\n\r\nabcdefgh", "abcd"),
        (
            "length",
            "HTTP/1.1 403 No\r\nContent-Length: 999\r\n\r\nabcdefgh",
            "abcd",
        ),
        (
            "chunked",
            &*format!("HTTP/1.1 403 No\r\n{CHUNKED}\r\n6\r\nabcdefgh"),
            "abcd",
        ),
        ("framing", &*chatter, ""),
    ] {
        let seen = run(name, bytes.as_bytes(), false, client, |_| {});
        assert_eq!(
            seen.app_end,
            format!("connect[0]: refused: 403 No | {wanted}"),
            "{name}"
        );
    }
}

#[test]
fn a_refusal_shows_status_reason_fields_and_every_challenge() {
    let mut bench = Bench::new(proxy_client());
    bench.arrive(
        b"HTTP/1.1 407 Who\tare you\r\nProxy-Authenticate: Negotiate, NTLM\r\n\
          Proxy-Authenticate: Basic realm=\"caf\xe9, open\"\r\nContent-Length: 0\r\n\r\n",
    );
    let error = bench.error();
    let Some(Http1Error::Refused(refusal)) = error.cause() else {
        panic!("{error}");
    };
    assert_eq!(refusal.status, 407);
    assert_eq!(refusal.reason, "Who\u{fffd}are you");
    assert_eq!(refusal.headers.len(), 3);
    let challenges = refusal.proxy_challenges();
    assert_eq!(
        challenges,
        ["Negotiate", "NTLM", "Basic realm=\"caf\u{fffd}, open\""]
    );
    assert!(refusal.challenges().is_empty());
    assert_eq!((error.blame(), error.layer()), (Blame::Peer, "connect"));
    assert!(error.new_connection().is_none());
}

// --- credentials when they are asked for ---

const ASKS: &str =
    "HTTP/1.1 407 Who\r\nProxy-Authenticate: Digest nonce=\"x\", Basic realm=\"r\"\r\n";
const AGAIN: &str = "CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\
     Proxy-Authorization: Basic dTpw\r\n\r\n";

fn shy() -> Client {
    let client = proxy_client().with_basic("u", "p").unwrap();
    client.on_challenge()
}

#[test]
fn a_challenge_is_answered_on_the_same_connection() {
    let mut limits = Limits::default();
    limits.excerpt = 2; // which does not stop it from reading the body to its end
    for (name, body) in [
        ("length", "Content-Length: 4\r\n\r\nwho?"),
        ("no content", "Content-Length: 0\r\n\r\n"),
        (
            "chunked",
            "Transfer-Encoding: chunked\r\n\r\n4\r\nwho?\r\n0\r\n\r\n",
        ),
    ] {
        let client = || shy().with_limits(limits.clone());
        let bytes = format!("{ASKS}{body}HTTP/1.1 200 OK\r\n\r\nx");
        let seen = run(name, bytes.as_bytes(), false, client, |_| {});
        assert_eq!(seen.wire, format!("{REQUEST}{AGAIN}"), "{name}");
        assert_eq!((&*seen.app, seen.open), ("x", true), "{name}");

        let bytes = format!("{ASKS}{body}{ASKS}{body}");
        let seen = run(name, bytes.as_bytes(), false, client, |_| {});
        assert_eq!(seen.wire, format!("{REQUEST}{AGAIN}"), "{name}");
        assert!(
            seen.app_end.starts_with("connect[0]: refused: 407 Who | "),
            "{name}"
        );
        assert!(!seen.app_end.ends_with("new connection"), "{name}");
    }
}

#[test]
fn pitfall_11_a_challenge_on_a_connection_that_ends_needs_a_new_one() {
    for (name, rest) in [
        ("close", "Connection: close\r\nContent-Length: 0\r\n\r\n"),
        (
            "close in a list",
            "Connection: x, Close\r\nContent-Length: 0\r\n\r\n",
        ),
        (
            "proxy close",
            "Proxy-Connection: close\r\nContent-Length: 0\r\n\r\n",
        ),
        ("no length", "\r\nbody"),
        ("an odd length", "Content-Length: 4x\r\n\r\nbody"),
        (
            "a broken body",
            "Transfer-Encoding: chunked\r\n\r\n4\r\nwho?0\r\n\r\n",
        ),
        ("a body cut short", "Content-Length: 9\r\n\r\nbody"),
        ("an end behind it", "Content-Length: 0\r\n\r\n"),
    ] {
        let bytes = format!("{ASKS}{rest}");
        let seen = run(name, bytes.as_bytes(), true, shy, |_| {});
        assert!(
            seen.app_end.ends_with("| new connection"),
            "{name}: {}",
            seen.app_end
        );
    }
    let mut bench = Bench::new(shy());
    bench.arrive(ASKS.replace("HTTP/1.1", "HTTP/1.0").as_bytes());
    bench.arrive(b"Content-Length: 0\r\n\r\n");
    let error = bench.error();
    let challenged = error
        .new_connection()
        .unwrap()
        .learnt::<Challenged>()
        .unwrap();
    assert_eq!(
        challenged.challenges(),
        ["Digest nonce=\"x\"", "Basic realm=\"r\""]
    );
    assert_eq!(Bench::new(shy().after(challenged)).seen().wire, AGAIN);
}

#[test]
fn a_challenge_whose_body_does_not_end_needs_a_new_connection() {
    let mut bench = Bench::new(shy());
    bench.arrive(format!("{ASKS}Content-Length: 9\r\n\r\nbody").as_bytes());
    bench.sleep(Limits::default().grace);
    let wanted = "connect[0]: refused: 407 Who | body | new connection";
    assert_eq!(bench.seen().app_end, wanted);
    let mut bench = Bench::new(shy());
    bench.arrive(format!("{ASKS}Content-Length: 999999\r\n\r\n").as_bytes());
    bench.arrive(&[b'x'; 64 * 1024]);
    assert!(bench.error().new_connection().is_some());
}

#[test]
fn a_challenge_that_cannot_be_met_is_a_refusal() {
    let other = "HTTP/1.1 407 Who\r\nProxy-Authenticate: Digest realm=\"Basic\"\r\nContent-Length: 0\r\n\r\n";
    let asks = format!("{ASKS}Content-Length: 0\r\n\r\n");
    let eager = || proxy_client().with_basic("u", "p").unwrap();
    for (name, client, bytes, wire) in [
        ("no Basic", &shy as &dyn Fn() -> Client, other, REQUEST),
        ("no credentials", &proxy_client, &*asks, REQUEST),
        ("sent at once", &eager, &*asks, AGAIN),
        (
            "nothing to ask for",
            &shy,
            "HTTP/1.1 403 Who\r\n\r\n",
            REQUEST,
        ),
    ] {
        let seen = run(name, bytes.as_bytes(), true, client, |_| {});
        assert_eq!(seen.wire, wire, "{name}");
        assert!(seen.app_end.contains("Who | "), "{name}: {}", seen.app_end);
        assert!(!seen.app_end.ends_with("new connection"), "{name}");
    }
}

// --- parking ---

fn value(text: &'static str) -> HeaderValue {
    HeaderValue::from_static(text)
}

#[test]
fn a_parking_client_asks_before_each_request_and_at_the_response() {
    let mut bench = Bench::new(proxy_client().parking());
    assert_eq!(bench.seen().wire, "");
    assert!(matches!(bench.layer.parked(), Some(Parked::Request)));
    bench.layer.authorize(Some(value("Legs one")));
    bench.process();
    let line = "Proxy-Authorization: Legs one\r\n";
    assert!(bench.seen().wire.contains(line));
    bench.arrive(b"HTTP/1.1 407 Who\r\nProxy-Authenticate: Legs go-on\r\nContent-Le");
    assert!(bench.layer.parked().is_none(), "not before it is whole");
    bench.arrive(b"ngth: 4\r\n\r\nwho");
    assert!(
        bench.layer.parked().is_none(),
        "not before its body is read"
    );
    bench.arrive(b"?");
    let Some(Parked::Challenge { refusal, stays }) = bench.layer.parked() else {
        panic!("not parked at the challenge");
    };
    assert_eq!(
        (refusal.proxy_challenges(), stays),
        (vec!["Legs go-on".to_owned()], true)
    );
    bench.layer.authorize(Some(value("Legs two")));
    bench.process();
    bench.arrive(b"HTTP/1.1 200 OK\r\nProxy-Authentication-Info: proof\r\n\r\nx");
    let Some(Parked::Response(response)) = bench.layer.parked() else {
        panic!("not parked at the response");
    };
    assert_eq!(response.headers()["proxy-authentication-info"], "proof");
    assert!(!bench.layer.is_open());
    bench.layer.authorize(None);
    bench.process();
    let seen = bench.seen();
    assert_eq!((&*seen.app, seen.open), ("x", true));
}

#[test]
fn a_parking_client_can_give_up_anywhere() {
    let refused = "connect[0]: refused: 407 Who | ";
    for (bytes, wanted) in [
        ("", "connect[0]: given up on this side"),
        (&*format!("{ASKS}Content-Length: 0\r\n\r\n"), refused),
        (
            "HTTP/1.1 200 OK\r\n\r\n",
            "connect[0]: given up on this side",
        ),
    ] {
        let mut bench = Bench::new(proxy_client().parking());
        bench.process();
        if !bytes.is_empty() {
            bench.layer.authorize(None);
            bench.process();
            bench.arrive(bytes.as_bytes());
        }
        assert!(bench.layer.parked().is_some());
        bench.layer.give_up();
        bench.process();
        assert!(bench.error().new_connection().is_none());
        let end = bench.seen().app_end;
        assert!(end.starts_with(wanted), "{bytes}: {end}");
    }
}

#[test]
fn a_parked_client_whose_proxy_leaves_needs_a_new_connection() {
    for reset in [false, true] {
        let mut bench = Bench::new(proxy_client().parking());
        bench.process();
        bench.layer.authorize(None);
        bench.process();
        bench.arrive(format!("{ASKS}Content-Length: 0\r\n\r\n").as_bytes());
        match reset {
            true => bench.from_wire.abort(broken()),
            false => bench.from_wire.finish(),
        }
        bench.process();
        let parked = bench.layer.parked();
        assert!(
            matches!(parked, Some(Parked::Challenge { stays: false, .. })),
            "{reset}"
        );
        bench.layer.authorize(Some(value("Basic dTpw")));
        bench.process();
        let error = bench.error();
        let learnt = error
            .new_connection()
            .and_then(|new| new.learnt::<Challenged>());
        assert_eq!(learnt.unwrap().challenges().len(), 2);
    }
}
