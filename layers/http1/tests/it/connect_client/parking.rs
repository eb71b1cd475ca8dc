//! A client that asks its application before each request and at the response.

use super::challenge::ASKS;
use crate::kit::{Bench, broken, proxy_client};
use http::header::HeaderValue;
use wirestack_http1::connect::{Challenged, Parked};
use wirestack_layer::{Flow, Layer};

#[test]
fn a_parking_client_asks_before_each_request_and_at_the_response() {
    let mut bench = Bench::new(proxy_client().parking());
    assert_eq!(bench.seen().wire, "");
    assert!(matches!(bench.layer.parked(), Some(Parked::Request)));
    bench.layer.authorize(Some(value("Legs one")));
    bench.process();
    let line = "Proxy-Authorization: Legs one\r\n";
    assert!(bench.seen().wire.contains(line));
    bench.receive(b"HTTP/1.1 407 Who\r\nProxy-Authenticate: Legs go-on\r\nContent-Le");
    assert!(bench.layer.parked().is_none(), "not before it is whole");
    bench.receive(b"ngth: 4\r\n\r\nwho");
    assert!(
        bench.layer.parked().is_none(),
        "not before its body is read"
    );
    bench.receive(b"?");
    let Some(Parked::Challenge { refusal, stays }) = bench.layer.parked() else {
        panic!("not parked at the challenge");
    };
    assert_eq!(
        (refusal.proxy_challenges(), stays),
        (vec!["Legs go-on".to_owned()], true)
    );
    bench.layer.authorize(Some(value("Legs two")));
    bench.process();
    bench.receive(b"HTTP/1.1 200 OK\r\nProxy-Authentication-Info: proof\r\n\r\nx");
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
        let mut bench = Bench::new(proxy_client().parking());
        bench.process();
        if !proxy_sends.is_empty() {
            bench.layer.authorize(None);
            bench.process();
            bench.receive(proxy_sends.as_bytes());
        }
        assert!(bench.layer.parked().is_some());
        bench.layer.give_up();
        bench.process();
        assert!(bench.error().new_connection().is_none());
        let end = bench.seen().app_end;
        assert!(end.starts_with(error), "{proxy_sends}: {end}");
    }
}

#[test]
fn a_parked_client_whose_proxy_leaves_needs_a_new_connection() {
    for reset in [false, true] {
        let mut bench = Bench::new(proxy_client().parking());
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

fn value(text: &'static str) -> HeaderValue {
    HeaderValue::from_static(text)
}
