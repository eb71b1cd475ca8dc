//! The head of a response: where it ends, the statuses that open, and its limits.

use super::challenge::ASKS;
use super::{Fails, Opens, fails, opens};
use crate::kit::{Bench, OnChallenge, Then, proxy_client, run};
use wirestack_http1::{Http1Error, Limits};
use wirestack_layer::Layer;

#[test]
fn pitfall_1_bytes_behind_the_head_are_tunnel_data() {
    opens(&[
        Opens {
            name: "none",
            proxy_sends: "HTTP/1.1 200 OK\r\n\r\n",
            app_reads: "",
        },
        Opens {
            name: "some",
            proxy_sends: "HTTP/1.1 200 OK\r\n\r\nSSH-2.0-x\r\n",
            app_reads: "SSH-2.0-x\r\n",
        },
        Opens {
            name: "a line end",
            proxy_sends: "HTTP/1.1 200 OK\r\n\r\n\r\n\r\n",
            app_reads: "\r\n\r\n",
        },
        Opens {
            name: "another head",
            proxy_sends: "HTTP/1.1 200\r\n\r\nHTTP/1.1 407 x\r\n\r\n",
            app_reads: "HTTP/1.1 407 x\r\n\r\n",
        },
    ]);
}

#[test]
fn pitfall_2_a_head_is_cut_anywhere() {
    // Every row of these tests is cut; this one has a bit of everything.
    opens(&[Opens {
        name: "all",
        proxy_sends: "\r\nHTTP/1.0 200 Connection established\r\nVia: x\r\nA:\r\nB: \"\tb \"\r\n\r\ny",
        app_reads: "y",
    }]);
}

#[test]
fn pitfall_3_any_2xx_opens_and_a_status_has_three_digits() {
    const THREE: &str =
        "connect[0]: not an HTTP/1 head: the status is not three digits and a reason";
    opens(&[
        Opens {
            name: "201",
            proxy_sends: "HTTP/1.1 201 Created\r\n\r\nx",
            app_reads: "x",
        },
        Opens {
            name: "204",
            proxy_sends: "HTTP/1.1 204 No Content\r\n\r\nx",
            app_reads: "x",
        },
        Opens {
            name: "299",
            proxy_sends: "HTTP/1.1 299\r\n\r\nx",
            app_reads: "x",
        },
    ]);
    fails(&[
        Fails {
            name: "2000",
            proxy_sends: "HTTP/1.1 2000 OK\r\n\r\n",
            error: THREE,
        },
        Fails {
            name: "20",
            proxy_sends: "HTTP/1.1 20 OK\r\n\r\n",
            error: THREE,
        },
        Fails {
            name: "2xx",
            proxy_sends: "HTTP/1.1 2xx OK\r\n\r\n",
            error: THREE,
        },
        Fails {
            name: "-20",
            proxy_sends: "HTTP/1.1 -20 OK\r\n\r\n",
            error: THREE,
        },
        Fails {
            name: "020",
            proxy_sends: "HTTP/1.1 020 OK\r\n\r\n",
            error: "connect[0]: not an HTTP/1 head: the status code is below 100",
        },
        Fails {
            name: "300",
            proxy_sends: "HTTP/1.1 300\r\nContent-Length: 0\r\n\r\n",
            error: "connect[0]: refused CONNECT example.org:443: 300 Multiple Choices | ",
        },
    ]);
}

#[test]
fn pitfall_4_interim_responses_are_skipped() {
    opens(&[
        Opens {
            name: "one",
            proxy_sends: "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\nx",
            app_reads: "x",
        },
        Opens {
            name: "three",
            proxy_sends: "HTTP/1.1 102\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n\
             HTTP/1.1 199 x\r\nContent-Length: 9\r\n\r\nHTTP/1.1 200 OK\r\n\r\nx",
            app_reads: "x",
        },
    ]);
    fails(&[
        Fails {
            name: "101",
            proxy_sends: "HTTP/1.1 101 Switching Protocols\r\n\r\n",
            error: "connect[0]: CONNECT was answered with 101 where a 2xx was wanted",
        },
        Fails {
            name: "then a refusal",
            proxy_sends: "HTTP/1.1 100\r\n\r\nHTTP/1.1 502 Bad Gateway\r\nContent-Length: 2\r\n\r\nno",
            error: "connect[0]: refused CONNECT example.org:443: 502 Bad Gateway | no",
        },
    ]);
    let flood = "HTTP/1.1 100 Continue\r\n\r\n".repeat(1000);
    let mut bench = Bench::new(proxy_client());
    bench.receive(flood.as_bytes());
    assert!(matches!(
        bench.error().cause(),
        Some(Http1Error::HeadTooLarge(16384))
    ));
}

#[test]
fn pitfall_8_and_44_a_head_has_a_cap_in_bytes_and_in_fields() {
    let mut limits = Limits::default();
    (limits.head, limits.headers) = (64, 3);
    let client = || proxy_client().with_limits(limits.clone());
    struct Row {
        name: &'static str,
        proxy_sends: &'static str,
        app_end: &'static str,
    }
    for row in [
        Row {
            name: "fits",
            proxy_sends: "HTTP/1.1 200 OK\r\nA: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n\r\n",
            app_end: "",
        },
        Row {
            name: "a byte too long",
            proxy_sends: "HTTP/1.1 200 OK\r\nA: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n\r\n",
            app_end: "connect[0]: the head has more than 64 bytes, the limit",
        },
        Row {
            name: "a line without end",
            proxy_sends: "HTTP/1.1 200 OKOKOKOKOKOKOKOKOKOKOKOKOKOKOKOKOKOKOKOKOKOKOKOKOKOK",
            app_end: "connect[0]: the head has more than 64 bytes, the limit",
        },
        Row {
            name: "empty lines",
            proxy_sends: "\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\
             \r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n",
            app_end: "connect[0]: the head has more than 64 bytes, the limit",
        },
        Row {
            name: "three fields",
            proxy_sends: "HTTP/1.1 200 OK\r\nA:\r\nB:\r\nB:\r\n\r\n",
            app_end: "",
        },
        Row {
            name: "four fields",
            proxy_sends: "HTTP/1.1 200 OK\r\nA:\r\nB:\r\nB:\r\nD:\r\n\r\n",
            app_end: "connect[0]: the head has more than 3 header fields, the limit",
        },
    ] {
        let seen = run(
            row.name,
            row.proxy_sends.as_bytes(),
            Then::StaysOpen,
            client,
            |_| {},
        );
        assert_eq!(seen.app_end, row.app_end, "{}", row.name);
    }
}

#[test]
fn a_slow_head_costs_no_more_than_a_fast_one() {
    let mut limits = Limits::default();
    limits.head = 1 << 20;
    let mut bench = Bench::new(proxy_client().with_limits(limits));
    let head = format!("HTTP/1.1 200 OK\r\nA: {}\r\n\r\n", "x".repeat(500_000));
    bench.receive_bytewise(head.as_bytes()); // minutes, if it were parsed anew each time
    assert!(bench.layer.is_open());
}

#[test]
fn pitfall_9_folded_fields_and_bare_line_feeds_are_read() {
    let bytes = b"HTTP/1.1 200 OK\nA: one\r\n two\n\tthree\r\nB: b\n\nx";
    let seen = run("folded", bytes, Then::StaysOpen, proxy_client, |_| {});
    assert_eq!((&*seen.app, seen.open), ("x", true));
    let mut bench = Bench::new(proxy_client());
    bench.receive(bytes);
    let response = bench.layer.response().unwrap();
    let words = response.headers()["a"]
        .to_str()
        .unwrap()
        .split_ascii_whitespace();
    assert!(words.eq(["one", "two", "three"]));
    assert_eq!(response.headers()["b"], "b");
}

#[test]
fn bytes_that_are_not_http_fail_at_once() {
    const VERSION: &str = "connect[0]: not an HTTP/1 head: the version is not HTTP/1.0 or HTTP/1.1";
    fails(&[
        Fails {
            name: "ssh",
            proxy_sends: "SSH-2.0-OpenSSH",
            error: "connect[0]: saw the greeting of SSH where an HTTP/1 response was wanted: this \
                    is the port of another service",
        },
        Fails {
            name: "socks",
            proxy_sends: "\x05",
            error: "connect[0]: saw SOCKS5 where an HTTP/1 response was wanted: this is a SOCKS \
                    proxy, use socks5h:// or socks4a://",
        },
        Fails {
            name: "an HTTP/2 server",
            proxy_sends: "\0\0\x12\x04\0\0\0\0\0",
            error: "connect[0]: saw an HTTP/2 SETTINGS frame where an HTTP/1 response was wanted: \
                    this port speaks HTTP/2 only",
        },
        Fails {
            name: "a client",
            proxy_sends: "GET / HTTP/1.1\r\n",
            error: "connect[0]: saw an HTTP/1 request where an HTTP/1 response was wanted: the \
                    peer is a client too",
        },
        Fails {
            name: "a load balancer",
            proxy_sends: "PROXY UNKNOWN\r\n",
            error: "connect[0]: saw a PROXY header where an HTTP/1 response was wanted: the peer \
                    is a load balancer",
        },
        Fails {
            name: "a page",
            proxy_sends: "<html>",
            error: "connect[0]: saw the beginning of a web page (HTML or XML) where an HTTP/1 \
                    response was wanted: something between answers for the server",
        },
        Fails {
            name: "no protocol",
            proxy_sends: "\x1b[0m",
            error: "connect[0]: saw the byte 0x1b where an HTTP/1 response was wanted",
        },
        Fails {
            name: "another protocol behind an interim response",
            proxy_sends: "HTTP/1.1 100 Continue\r\n\r\nSSH-2.0-OpenSSH",
            error: VERSION,
        },
        Fails {
            name: "a TLS alert",
            proxy_sends: "\x15\x03\x03\0\x02",
            error: "connect[0]: saw TLS where an HTTP/1 response was wanted: this port speaks \
                    TLS, use https:// or wss://",
        },
        Fails {
            name: "http 2",
            proxy_sends: "HTTP/2 200\r\n",
            error: VERSION,
        },
        Fails {
            name: "http 1.2",
            proxy_sends: "HTTP/1.2 200 OK\r\n",
            error: VERSION,
        },
        Fails {
            name: "a name with a space",
            proxy_sends: "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
            error: "connect[0]: not an HTTP/1 head: a header name is not a token",
        },
        Fails {
            name: "a NUL",
            proxy_sends: "HTTP/1.1 200 OK\r\nA: \0\r\n\r\n",
            error: "connect[0]: not an HTTP/1 head: a header value has a control character",
        },
    ]);
}

#[test]
fn pitfall_76_a_lenient_client_takes_heads_that_are_not_quite_right() {
    let lenient = || proxy_client().lenient();
    for (name, proxy_sends) in [
        ("blanks in the status line", "HTTP/1.1  200  OK\r\n\r\nx"),
        ("a name with a blank", "HTTP/1.1 200 OK\r\nA : b\r\n\r\nx"),
        (
            "a field that is none",
            "HTTP/1.1 200 OK\r\nno field at all\r\nA: b\r\n\r\nx",
        ),
        ("a name that is none", "HTTP/1.1 200 OK\r\nA[0]: b\r\n\r\nx"),
        (
            "a control character",
            "HTTP/1.1 200 OK\r\nA: \u{1}\r\n\r\nx",
        ),
        (
            "a blank before the first",
            "HTTP/1.1 200 OK\r\n A: b\r\n\r\nx",
        ),
    ] {
        let seen = run(
            name,
            proxy_sends.as_bytes(),
            Then::StaysOpen,
            lenient,
            |_| {},
        );
        assert_eq!((&*seen.app, &*seen.app_end), ("x", ""), "{name}");
        let strict = run(
            name,
            proxy_sends.as_bytes(),
            Then::StaysOpen,
            proxy_client,
            |_| {},
        );
        assert!(strict.app_end.contains("not an HTTP/1 head"), "{name}");
    }
    // The limits stay, and so does the refusal of what is no HTTP at all.
    let mut limits = Limits::default();
    limits.headers = 1;
    let small = || lenient().with_limits(limits.clone());
    for (bytes, wanted) in [
        (
            "HTTP/1.1 200 OK\r\nA: b\r\nC: d\r\n\r\n",
            "more than 1 header fields",
        ),
        ("SSH-2.0-x\r\n", "saw the greeting of SSH"),
        ("HTTP/1.1 2000 OK\r\n\r\n", "not an HTTP/1 head"),
    ] {
        let seen = run(bytes, bytes.as_bytes(), Then::StaysOpen, small, |_| {});
        assert!(seen.app_end.contains(wanted), "{}", seen.app_end);
    }
    // What was passed over could have framed the body.
    let mut bench = Bench::new(OnChallenge::new(lenient(), "u", "p"));
    bench.receive(format!("{ASKS}Content-Length: 0\r\n\r\n").as_bytes());
    assert!(bench.error().can_retry());
}

#[test]
fn a_limit_of_fields_may_be_any_number() {
    for most in [3, 100, 128, 129, 1 << 20, usize::MAX] {
        let limits = Limits::default().headers(most);
        let mut bench = Bench::new(proxy_client().with_limits(limits));
        bench.receive(b"HTTP/1.1 200 OK\nA:\nB:\nC:\n\n");
        assert!(bench.layer.is_open(), "{most}");
    }
}

#[test]
fn an_end_of_the_wire_names_what_was_awaited_and_how_much_of_it_came() {
    struct Row {
        proxy_sends: &'static str,
        app_end: &'static str,
    }
    for Row {
        proxy_sends,
        app_end,
    } in [
        Row {
            proxy_sends: "",
            app_end: "connect[0]: the connection ended before the CONNECT response",
        },
        Row {
            proxy_sends: "HTTP/1.1 20",
            app_end: "connect[0]: the connection ended after 11 bytes of the CONNECT response",
        },
        Row {
            proxy_sends: "HTTP/1.1 100\r\n\r\nHTTP",
            app_end: "connect[0]: the connection ended after 4 bytes of the CONNECT response",
        },
        Row {
            proxy_sends: "HTTP/1.1 403 No\r\nContent-Length: 9\r\n\r\ncut",
            app_end: "connect[0]: refused CONNECT example.org:443: 403 No | cut",
        },
        Row {
            proxy_sends: "HTTP/1.1 200 OK\r\n\r\n",
            app_end: "finished",
        },
    ] {
        let seen = run(
            proxy_sends,
            proxy_sends.as_bytes(),
            Then::Finishes,
            proxy_client,
            |_| {},
        );
        assert_eq!(seen.app_end, app_end);
    }
}
