//! A client that asks its application before each request and at the response.

use super::challenge::ASKS;
use crate::kit::{Bench, broken, proxy_client};
use http::header::HeaderValue;
use wirestack_http1::{Awaiting, Challenge, Challenged, ProxyClient};
use wirestack_layer::{Flow, Layer, Progress};

#[test]
fn a_client_awaits_authorization_before_each_request_and_at_the_response() {
    let mut bench = Bench::new(proxy_client().awaiting_authorization());
    assert_eq!(bench.seen().wire, "");
    assert!(matches!(bench.layer.awaiting(), Some(Awaiting::Request)));
    bench.layer.authorize(Some(value("Legs one")));
    bench.process();
    let line = "Proxy-Authorization: Legs one\r\n";
    assert!(bench.seen().wire.contains(line));
    bench.receive(b"HTTP/1.1 407 Who\r\nProxy-Authenticate: Legs go-on\r\nContent-Le");
    assert!(bench.layer.awaiting().is_none(), "not before it is whole");
    bench.receive(b"ngth: 4\r\n\r\nwho");
    assert!(
        bench.layer.awaiting().is_none(),
        "not before its body is read"
    );
    bench.receive(b"?");
    let Some(Awaiting::Challenge { refusal, reusable }) = bench.layer.awaiting() else {
        panic!("not at the challenge");
    };
    assert_eq!(
        (refusal.proxy_challenges(), *reusable),
        (vec![Challenge::new("Legs go-on")], true)
    );
    bench.layer.authorize(Some(value("Legs two")));
    bench.process();
    bench.receive(b"HTTP/1.1 200 OK\r\nProxy-Authentication-Info: proof\r\n\r\nx");
    let Some(Awaiting::Response(response)) = bench.layer.awaiting() else {
        panic!("not at the response");
    };
    assert_eq!(response.headers()["proxy-authentication-info"], "proof");
    assert!(!bench.layer.is_open());
    bench.layer.authorize(None);
    bench.process();
    let seen = bench.seen();
    assert_eq!((&*seen.app, seen.open), ("x", true));
}

#[test]
fn a_client_that_awaits_its_first_authorization_notices_the_end_of_the_proxy() {
    let deciding = Progress::Deciding("credentials");
    let client = proxy_client().awaiting_authorization();
    assert_eq!(client.progress(), deciding);
    let response = Progress::Opening("the CONNECT response");
    assert_eq!(proxy_client().progress(), response);
    let mut bench = Bench::new(client);
    bench.process();
    assert_eq!(bench.layer.progress(), deciding);
    bench.finish_wire();
    let error = bench.error().to_string();
    assert_eq!(
        error,
        "connect[0]: the connection ended before the CONNECT response"
    );
}

/// A proxy may refuse a connection without a look at any request.
#[test]
fn a_proxy_that_refuses_before_the_first_authorization_and_leaves_is_heard() {
    for reset in [false, true] {
        let mut bench = Bench::new(proxy_client().awaiting_authorization());
        let refusal = b"HTTP/1.1 503 Busy\r\nContent-Length: 5\r\n\r\nlater";
        bench.from_wire.write(refusal);
        if reset {
            bench.from_wire.abort(broken());
        } else {
            bench.from_wire.finish();
        }
        bench.process();
        assert!(matches!(bench.layer.awaiting(), Some(Awaiting::Request)));
        bench.layer.authorize(None);
        bench.process();
        assert_eq!(
            bench.seen().app_end,
            "connect[0]: refused CONNECT example.org:443: 503 Busy | later",
            "reset: {reset}"
        );
    }
}

#[test]
fn pitfall_64_bytes_behind_a_response_are_delivered_however_soon_the_wire_breaks() {
    for breaks_at_once in [false, true] {
        let mut bench = Bench::new(proxy_client().awaiting_authorization());
        bench.layer.authorize(None);
        bench.process();
        bench.from_wire.write(b"HTTP/1.1 200 OK\r\n\r\nx");
        if breaks_at_once {
            bench.from_wire.abort(broken());
        }
        bench.process();
        assert!(matches!(
            bench.layer.awaiting(),
            Some(Awaiting::Response(_))
        ));
        bench.layer.authorize(None);
        bench.process();
        if !breaks_at_once {
            bench.from_wire.abort(broken());
            bench.process();
        }
        let seen = bench.seen();
        assert_eq!(
            (&*seen.app, seen.app_end),
            ("x", broken().to_string()),
            "at once: {breaks_at_once}"
        );
    }
}

#[test]
fn a_client_that_awaits_authorization_can_give_up_anywhere() {
    let refused = "connect[0]: refused CONNECT example.org:443: 407 Who | ";
    struct Row<'a> {
        proxy_sends: &'a str,
        error: &'a str,
    }
    for Row { proxy_sends, error } in [
        Row {
            proxy_sends: "",
            error: "connect[0]: given up on this side",
        },
        Row {
            proxy_sends: &format!("{ASKS}Content-Length: 0\r\n\r\n"),
            error: refused,
        },
        Row {
            proxy_sends: "HTTP/1.1 200 OK\r\n\r\n",
            error: "connect[0]: given up on this side",
        },
    ] {
        let mut bench = Bench::new(proxy_client().awaiting_authorization());
        bench.process();
        if !proxy_sends.is_empty() {
            bench.layer.authorize(None);
            bench.process();
            bench.receive(proxy_sends.as_bytes());
        }
        assert!(bench.layer.awaiting().is_some());
        bench.layer.give_up();
        bench.process();
        assert!(!bench.error().can_retry());
        let end = bench.seen().app_end;
        assert!(end.starts_with(error), "{proxy_sends}: {end}");
    }
}

#[test]
fn a_challenged_client_whose_proxy_leaves_needs_a_new_connection() {
    for reset in [false, true] {
        let mut bench = Bench::new(proxy_client().awaiting_authorization());
        bench.process();
        bench.layer.authorize(None);
        bench.process();
        bench.receive(format!("{ASKS}Content-Length: 0\r\n\r\n").as_bytes());
        if reset {
            bench.from_wire.abort(broken());
        } else {
            bench.from_wire.finish();
        }
        bench.process();
        let awaiting = bench.layer.awaiting();
        assert!(
            matches!(
                awaiting,
                Some(Awaiting::Challenge {
                    reusable: false,
                    ..
                })
            ),
            "{reset}"
        );
        bench.layer.authorize(Some(value("Basic dTpw")));
        bench.process();
        let error = bench.error();
        let hint = error.retry_hint::<Challenged>();
        assert_eq!(hint.unwrap().challenges.len(), 2);
    }
}

fn value(text: &'static str) -> HeaderValue {
    HeaderValue::from_static(text)
}
