//! The request: its target, its fields, and the wire and the application that end meanwhile.

use super::REQUEST;
use crate::kit::{Bench, broken, proxy_client, with_basic};
use http::header::{COOKIE, HOST, HeaderName, HeaderValue};
use wirestack_http1::connect::Client;
use wirestack_http1::{BadCredentials, Http1Error, basic_credentials};
use wirestack_layer::{Blame, End, Flow, Layer, Progress};

#[test]
fn pitfall_10_a_request_always_names_the_port_and_brackets_ipv6() {
    let request = |host, port| Bench::new(Client::new(host, port).unwrap()).seen().wire;
    let naming = |target| format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n");
    assert_eq!(request("example.org", 80), naming("example.org:80"));
    assert_eq!(request("::1", 443), naming("[::1]:443"));
    assert_eq!(request("[::1]", 443), naming("[::1]:443"));
    assert_eq!(request("192.0.2.1", 1), naming("192.0.2.1:1"));
}

#[test]
fn pitfall_12_nothing_can_be_injected() {
    let error = Client::new("a\r\nX: y", 1).err().unwrap();
    assert!(matches!(error.cause(), Some(Http1Error::BadHost)));
    assert_eq!(error.blame(), Blame::Local);
    let error = Client::new("a", 0).err().unwrap();
    assert!(matches!(error.cause(), Some(Http1Error::BadPort)));
    for (user, password) in [("a\r\n", "b"), ("a", "b\n"), ("a:b", "c")] {
        let error = basic_credentials(user, password).err().unwrap();
        assert!(error.cause::<BadCredentials>().is_some());
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
    let client = with_basic(proxy_client(), "user", "secret");
    let mut bench = Bench::new(client);
    assert!(
        bench
            .seen()
            .wire
            .contains("Proxy-Authorization: Basic dXNlcjpzZWNyZXQ=\r\n")
    );
    bench.to_wire.discard();
    bench.from_app.write(b"GET / HTTP/1.1\r\n\r\n");
    bench.receive(b"HTTP/1.1 200 OK\r\n\r\n");
    assert_eq!(bench.seen().wire, "GET / HTTP/1.1\r\n\r\n");
    assert_eq!(bench.layer.status().facts.to_string(), "200 OK");

    let client = with_basic(proxy_client(), "user", "secret");
    let mut bench = Bench::new(client.with_header(COOKIE, HeaderValue::from_static("secret")));
    bench.receive(b"HTTP/1.1 403 No\r\nContent-Length: 0\r\nSet-Cookie: secret\r\n\r\n");
    let text = format!("{0} {0:?}", bench.error());
    assert!(
        !text.contains("secret") && !text.contains("c2VjcmV0"),
        "{text}"
    );
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
    bench.receive(b"HTTP/1.1 200 OK\r\n\r\nx");
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
