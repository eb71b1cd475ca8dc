//! Credentials that are sent when the proxy asks for them.

use super::REQUEST;
use crate::kit::{Bench, OnChallenge, Then, proxy_client, run, with_basic};
use wirestack_http1::{Challenged, Limits};

/// A challenge without its framing fields and body.
pub(super) const ASKS: &str =
    "HTTP/1.1 407 Who\r\nProxy-Authenticate: Digest nonce=\"x\", Basic realm=\"r\"\r\n";

/// The request with the credentials of [`shy`].
const AGAIN: &str = "CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\
     Proxy-Authorization: Basic dTpw\r\n\r\n";

#[test]
fn a_challenge_is_answered_on_the_same_connection() {
    let mut limits = Limits::default();
    limits.excerpt = 2; // which does not stop it from reading the body to its end
    struct Row {
        name: &'static str,
        body: &'static str,
    }
    for Row { name, body } in [
        Row {
            name: "length",
            body: "Content-Length: 4\r\n\r\nwho?",
        },
        Row {
            name: "no content",
            body: "Content-Length: 0\r\n\r\n",
        },
        Row {
            name: "chunked",
            body: "Transfer-Encoding: chunked\r\n\r\n4\r\nwho?\r\n0\r\n\r\n",
        },
    ] {
        let client = || OnChallenge::new(proxy_client().with_limits(limits.clone()), "u", "p");
        let bytes = format!("{ASKS}{body}HTTP/1.1 200 OK\r\n\r\nx");
        let seen = run(name, bytes.as_bytes(), Then::StaysOpen, client, |_| {});
        assert_eq!(seen.wire, format!("{REQUEST}{AGAIN}"), "{name}");
        assert_eq!((&*seen.app, seen.open), ("x", true), "{name}");

        let bytes = format!("{ASKS}{body}{ASKS}{body}");
        let seen = run(name, bytes.as_bytes(), Then::StaysOpen, client, |_| {});
        assert_eq!(seen.wire, format!("{REQUEST}{AGAIN}"), "{name}");
        assert!(
            seen.app_end
                .starts_with("connect[0]: refused CONNECT example.org:443: 407 Who | "),
            "{name}"
        );
        assert!(!seen.app_end.ends_with("new connection"), "{name}");
    }
}

#[test]
fn pitfall_11_a_challenge_on_a_connection_that_ends_needs_a_new_one() {
    struct Row {
        name: &'static str,
        rest_of_response: &'static str,
    }
    for row in [
        Row {
            name: "close",
            rest_of_response: "Connection: close\r\nContent-Length: 0\r\n\r\n",
        },
        Row {
            name: "close in a list",
            rest_of_response: "Connection: x, Close\r\nContent-Length: 0\r\n\r\n",
        },
        Row {
            name: "proxy close",
            rest_of_response: "Proxy-Connection: close\r\nContent-Length: 0\r\n\r\n",
        },
        Row {
            name: "no length",
            rest_of_response: "\r\nbody",
        },
        Row {
            name: "an odd length",
            rest_of_response: "Content-Length: 4x\r\n\r\nbody",
        },
        Row {
            name: "a broken body",
            rest_of_response: "Transfer-Encoding: chunked\r\n\r\n4\r\nwho?0\r\n\r\n",
        },
        Row {
            name: "a body cut short",
            rest_of_response: "Content-Length: 9\r\n\r\nbody",
        },
        Row {
            name: "an end behind it",
            rest_of_response: "Content-Length: 0\r\n\r\n",
        },
    ] {
        let name = row.name;
        let bytes = format!("{ASKS}{}", row.rest_of_response);
        let seen = run(name, bytes.as_bytes(), Then::Finishes, shy, |_| {});
        assert!(
            seen.app_end.ends_with("| new connection"),
            "{name}: {}",
            seen.app_end
        );
    }
    let mut bench = Bench::new(shy());
    bench.receive(ASKS.replace("HTTP/1.1", "HTTP/1.0").as_bytes());
    bench.receive(b"Content-Length: 0\r\n\r\n");
    let error = bench.error();
    let challenged = error.retry_hint::<Challenged>().unwrap();
    assert_eq!(
        challenged.challenges,
        ["Digest nonce=\"x\"", "Basic realm=\"r\""]
    );
    let at_once = with_basic(proxy_client(), "u", "p");
    assert_eq!(Bench::new(at_once).seen().wire, AGAIN);
}

#[test]
fn a_connection_whose_body_has_a_chunk_without_a_size_is_not_used_again() {
    for (chunk, is_used) in [("0\r\n\r\n", true), ("\r\n\r\n", false)] {
        let mut bench = Bench::new(shy());
        let response = format!("{ASKS}Transfer-Encoding: chunked\r\n\r\n{chunk}");
        bench.receive(response.as_bytes());
        assert_eq!(bench.seen().wire.contains(AGAIN), is_used, "{chunk:?}");
    }
}

/// The proxy had promised to go on: an end instead of its answer is a reason to try again, an end in
/// the answer is not.
#[test]
fn an_end_behind_an_answered_challenge_needs_a_new_connection_unless_an_answer_has_begun() {
    for (begun, is_retried) in [("", true), ("HTTP/1.1 2", false)] {
        let bytes = format!("{ASKS}Content-Length: 0\r\n\r\n");
        let mut bench = Bench::new(shy());
        bench.receive(bytes.as_bytes());
        assert_eq!(bench.seen().wire, format!("{REQUEST}{AGAIN}"));
        bench.receive(begun.as_bytes());
        bench.finish_wire();
        let error = bench.error();
        assert_eq!(
            error.retry_hint::<Challenged>().is_some(),
            is_retried,
            "{error}"
        );
    }
}

/// The wire stays open and every body is whole, so the head alone tells.
#[test]
fn a_connection_that_the_proxy_ends_or_frames_in_two_ways_carries_no_second_request() {
    let chunks = "4\r\nwho?\r\n0\r\n\r\n";
    for (name, rest) in [
        (
            "close",
            "Connection: close\r\nContent-Length: 0\r\n\r\n".to_owned(),
        ),
        (
            "proxy close",
            "Proxy-Connection: close\r\nContent-Length: 0\r\n\r\n".to_owned(),
        ),
        (
            "proxy close, in any case",
            "proxy-connection: x, CLOSE\r\nContent-Length: 0\r\n\r\n".to_owned(),
        ),
        (
            "a coding and a length",
            format!("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n{chunks}"),
        ),
        (
            "a length and a coding",
            format!("Content-Length: 14\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}"),
        ),
        (
            "two lengths",
            "Content-Length: 4\r\nContent-Length: 5\r\n\r\nwho?".to_owned(),
        ),
    ] {
        let mut bench = Bench::new(shy());
        bench.receive(format!("{ASKS}{rest}").as_bytes());
        assert!(bench.error().can_retry(), "{name}");
        assert_eq!(bench.seen().wire, REQUEST, "{name}");
    }
}

#[test]
fn a_challenge_whose_body_does_not_end_needs_a_new_connection() {
    let mut bench = Bench::new(shy());
    bench.receive(format!("{ASKS}Content-Length: 9\r\n\r\nbody").as_bytes());
    bench.sleep(Limits::default().grace);
    let wanted = "connect[0]: refused CONNECT example.org:443: 407 Who | body | new connection";
    assert_eq!(bench.seen().app_end, wanted);
    let mut bench = Bench::new(shy());
    bench.receive(format!("{ASKS}Content-Length: 999999\r\n\r\n").as_bytes());
    bench.receive(&[b'x'; 64 * 1024]);
    assert!(bench.error().can_retry());
}

#[test]
fn a_challenge_that_cannot_be_met_is_a_refusal() {
    let other = "HTTP/1.1 407 Who\r\nProxy-Authenticate: Digest realm=\"Basic\"\r\nContent-Length: 0\r\n\r\n";
    let asks = format!("{ASKS}Content-Length: 0\r\n\r\n");
    let eager = || OnChallenge::never(with_basic(proxy_client(), "u", "p"));
    let without = || OnChallenge::never(proxy_client());
    struct Row<'a> {
        name: &'static str,
        client: &'a dyn Fn() -> OnChallenge,
        proxy_sends: &'a str,
        client_sends: &'static str,
    }
    for row in [
        Row {
            name: "no Basic",
            client: &shy,
            proxy_sends: other,
            client_sends: REQUEST,
        },
        Row {
            name: "no credentials",
            client: &without,
            proxy_sends: &asks,
            client_sends: REQUEST,
        },
        Row {
            name: "sent at once",
            client: &eager,
            proxy_sends: &asks,
            client_sends: AGAIN,
        },
        Row {
            name: "nothing to ask for",
            client: &shy,
            proxy_sends: "HTTP/1.1 403 Who\r\n\r\n",
            client_sends: REQUEST,
        },
    ] {
        let name = row.name;
        let seen = run(
            name,
            row.proxy_sends.as_bytes(),
            Then::Finishes,
            row.client,
            |_| {},
        );
        assert_eq!(seen.wire, row.client_sends, "{name}");
        assert!(seen.app_end.contains("Who | "), "{name}: {}", seen.app_end);
        assert!(!seen.app_end.ends_with("new connection"), "{name}");
    }
}

/// A client that sends its credentials only when it is asked.
fn shy() -> OnChallenge {
    OnChallenge::new(proxy_client(), "u", "p")
}
