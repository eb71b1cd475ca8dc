//! The body of a response: none behind a 2xx, and an excerpt of a refusal.

use super::{CHUNKED, Fails, Opens, fails, opens};
use crate::kit::{Bench, Then, proxy_client, run};
use std::time::Duration;
use wirestack_http1::{Http1Error, Limits};
use wirestack_layer::{Blame, Flow, Layer, Progress};

#[test]
fn pitfall_5_and_7_a_2xx_has_no_body_so_the_first_flight_belongs_to_the_tunnel() {
    opens(&[
        Opens {
            name: "length",
            proxy_sends: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabc",
            app_reads: "abc",
        },
        Opens {
            name: "no length",
            proxy_sends: "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nabc",
            app_reads: "abc",
        },
        Opens {
            name: "chunked",
            proxy_sends: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
            app_reads: "3\r\nabc\r\n",
        },
        Opens {
            name: "both",
            proxy_sends: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nabc",
            app_reads: "abc",
        },
        Opens {
            name: "close",
            proxy_sends: "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc",
            app_reads: "abc",
        },
    ]);
}

#[test]
fn pitfall_6_the_body_of_a_refusal_is_from_the_proxy_and_never_data() {
    fails(&[
        Fails {
            name: "length",
            proxy_sends: "HTTP/1.1 403 Forbidden\r\nContent-Length: 9\r\n\r\n<b>no</b>",
            error: "connect[0]: refused CONNECT example.org:443: 403 Forbidden | <b>no</b>",
        },
        Fails {
            name: "lengths that agree",
            proxy_sends: "HTTP/1.1 403 No\r\nContent-Length: 2, 2\r\nContent-Length: 2\r\n\r\nno",
            error: "connect[0]: refused CONNECT example.org:443: 403 No | no",
        },
        Fails {
            name: "chunked",
            proxy_sends: "HTTP/1.1 503 \r\nTransfer-Encoding: Chunked\r\n\r\n\
             2;a=\"b\"\r\nno\r\n003\r\npe.\r\n0\r\nTrailer: x\r\n\r\n",
            error: "connect[0]: refused CONNECT example.org:443: 503 Service Unavailable | nope.",
        },
        Fails {
            name: "a chunk whose size has two digits",
            proxy_sends: "HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n\
             1A\r\n0123456789abcdefghijklmnop\r\n0\r\n\r\n",
            error: "connect[0]: refused CONNECT example.org:443: 403 No | 0123456789abcdefghijklmnop",
        },
        Fails {
            name: "no body",
            proxy_sends: "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
            error: "connect[0]: refused CONNECT example.org:443: 304 Not Modified | ",
        },
    ]);
    let bytes = b"HTTP/1.0 500 Oh no\r\n\r\nuntil the end";
    let seen = run("until close", bytes, Then::Finishes, proxy_client, |_| {});
    let wanted = "connect[0]: refused CONNECT example.org:443: 500 Oh no | until the end";
    assert_eq!((&*seen.app, &*seen.app_end), ("", wanted));
}

#[test]
fn pitfall_45_a_body_is_framed_as_the_grammar_has_it_or_ends_there() {
    struct Row {
        name: &'static str,
        fields: &'static str,
        body: &'static str,
        excerpt: &'static str,
    }
    for row in [
        Row {
            name: "a bare LF behind the size",
            fields: CHUNKED,
            body: "2\nno\r\n0\r\n\r\n",
            excerpt: "",
        },
        Row {
            name: "no size",
            fields: CHUNKED,
            body: "\r\nno\r\n0\r\n\r\n",
            excerpt: "",
        },
        Row {
            name: "a sign",
            fields: CHUNKED,
            body: "+2\r\nno\r\n0\r\n\r\n",
            excerpt: "",
        },
        Row {
            name: "0x",
            fields: CHUNKED,
            body: "0x2\r\nno\r\n0\r\n\r\n",
            excerpt: "",
        },
        Row {
            name: "an underscore",
            fields: CHUNKED,
            body: "1_0\r\nno",
            excerpt: "",
        },
        Row {
            name: "a huge size",
            fields: CHUNKED,
            body: "ffffffffffffffff0\r\nno",
            excerpt: "",
        },
        Row {
            name: "17 digits",
            fields: CHUNKED,
            body: "00000000000000002\r\nno",
            excerpt: "",
        },
        Row {
            name: "two other bytes behind the data",
            fields: CHUNKED,
            body: "2\r\nnoXX0\r\n\r\n",
            excerpt: "no",
        },
        Row {
            name: "a bare LF behind the data",
            fields: CHUNKED,
            body: "2\r\nno\n0\r\n\r\n",
            excerpt: "no",
        },
        Row {
            name: "a bare LF in the trailer",
            fields: CHUNKED,
            body: "2\r\nno\r\n0\r\nA: b\n\r\n",
            excerpt: "no",
        },
        Row {
            name: "a NUL in an extension",
            fields: CHUNKED,
            body: "2;\0\r\nno\r\n0\r\n\r\n",
            excerpt: "",
        },
        Row {
            name: "both framings",
            fields: "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
            body: "no",
            excerpt: "",
        },
        Row {
            name: "lengths that differ",
            fields: "Content-Length: 2\r\nContent-Length: 3\r\n",
            body: "no.",
            excerpt: "",
        },
        Row {
            name: "a signed length",
            fields: "Content-Length: +2\r\n",
            body: "no",
            excerpt: "",
        },
        Row {
            name: "an empty length",
            fields: "Content-Length: ,2\r\n",
            body: "no",
            excerpt: "",
        },
        Row {
            name: "a length beyond u64",
            fields: "Content-Length: 18446744073709551616\r\n",
            body: "no",
            excerpt: "",
        },
    ] {
        let name = row.name;
        let bytes = format!("HTTP/1.1 403 No\r\n{}\r\n{}", row.fields, row.body);
        let seen = run(
            name,
            bytes.as_bytes(),
            Then::StaysOpen,
            proxy_client,
            |_| {},
        );
        let wanted = format!(
            "connect[0]: refused CONNECT example.org:443: 403 No | {}",
            row.excerpt
        );
        assert_eq!(seen.app_end, wanted, "{name}");
    }
}

#[test]
fn a_body_that_never_comes_does_not_hide_the_refusal() {
    let mut bench = Bench::new(proxy_client());
    bench.receive(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 100\r\n\r\nslow");
    assert!(!bench.to_app.is_closed());
    assert_eq!(
        bench.layer.progress(),
        Progress::Opening("the rest of a refusal")
    );
    let grace = bench.layer.deadline().unwrap() - bench.now;
    assert_eq!(grace, Limits::default().grace);
    bench.sleep(grace / 2);
    bench.receive(b"ly");
    bench.sleep(grace / 2 - Duration::from_nanos(1));
    assert!(!bench.to_app.is_closed());
    bench.sleep(Duration::from_nanos(1));
    assert_eq!(
        bench.seen().app_end,
        "connect[0]: refused CONNECT example.org:443: 403 Forbidden | slowly"
    );
    assert_eq!(bench.layer.deadline(), None);

    let mut limits = Limits::default();
    limits.grace = Duration::ZERO;
    let mut bench = Bench::new(proxy_client().with_limits(limits.clone()));
    bench.receive(b"HTTP/1.1 403 Forbidden\r\n\r\n");
    assert_eq!(
        bench.seen().app_end,
        "connect[0]: refused CONNECT example.org:443: 403 Forbidden | "
    );
    limits.grace = Duration::MAX;
    let mut bench = Bench::new(proxy_client().with_limits(limits));
    bench.receive(b"HTTP/1.1 403 Forbidden\r\n\r\n");
    assert_eq!(bench.layer.deadline(), None);
}

#[test]
fn a_body_without_end_is_read_no_further_than_the_excerpt() {
    let mut limits = Limits::default();
    (limits.excerpt, limits.body) = (4, 20);
    let client = || proxy_client().with_limits(limits.clone());
    let chatter = format!("HTTP/1.1 403 No\r\n{CHUNKED}\r\n2;{}\r\nno", "x".repeat(20));
    struct Row<'a> {
        name: &'static str,
        proxy_sends: &'a str,
        excerpt: &'static str,
    }
    for row in [
        Row {
            name: "until close",
            proxy_sends: "HTTP/1.1 403 No\r\n\r\nabcdefgh",
            excerpt: "abcd",
        },
        Row {
            name: "length",
            proxy_sends: "HTTP/1.1 403 No\r\nContent-Length: 999\r\n\r\nabcdefgh",
            excerpt: "abcd",
        },
        Row {
            name: "chunked",
            proxy_sends: &format!("HTTP/1.1 403 No\r\n{CHUNKED}\r\n6\r\nabcdefgh"),
            excerpt: "abcd",
        },
        Row {
            name: "framing",
            proxy_sends: &chatter,
            excerpt: "",
        },
    ] {
        let seen = run(
            row.name,
            row.proxy_sends.as_bytes(),
            Then::StaysOpen,
            client,
            |_| {},
        );
        assert_eq!(
            seen.app_end,
            format!(
                "connect[0]: refused CONNECT example.org:443: 403 No | {}",
                row.excerpt
            ),
            "{}",
            row.name
        );
    }
}

#[test]
fn a_refusal_shows_status_reason_fields_and_every_challenge() {
    let mut bench = Bench::new(proxy_client());
    bench.receive(
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
        ["Negotiate", "NTLM", "Basic realm=\"café, open\""]
    );
    assert!(refusal.challenges().is_empty());
    assert_eq!((error.blame(), error.origin()), (Blame::Peer, "connect"));
    assert!(!error.can_retry());
}
