//! Decisions of the application: to accept, to reject, and to ask for credentials.

use super::{ESTABLISHED, accept, closing, parked};
use crate::kit::{Bench, Then, broken, run};
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue, TRANSFER_ENCODING, VIA};
use http::{Response, StatusCode};
use wirestack_http1::Http1Error;
use wirestack_http1::connect::Server;
use wirestack_layer::{Blame, Flow, Layer, Progress};

#[test]
fn a_server_parks_until_its_application_decides() {
    let mut bench = parked("CONNECT [::1]:443 HTTP/1.1\r\nX: y\r\n\r\ndata");
    let request = bench.layer.request().unwrap();
    assert_eq!((&*request.host, request.port), ("::1", 443));
    assert_eq!(request.headers["x"], "y");
    assert_eq!(request.to_string(), "[::1]:443");
    assert_eq!(
        bench.layer.progress(),
        Progress::Deciding("the CONNECT request")
    );
    bench.from_wire.finish(); // a client may half-close before the answer
    bench.process();
    assert!(!bench.to_app.is_closed());
    accept(&mut bench.layer);
    assert!(!bench.layer.is_open());
    assert!(bench.layer.request().is_none());
    bench.process();
    assert_eq!(
        bench.layer.status().facts.to_string(),
        "tunnel to [::1]:443"
    );
    let seen = bench.seen();
    assert_eq!((&*seen.app, &*seen.app_end), ("data", "finished"));
    bench.layer.reject(Response::new(Bytes::new())); // too late: nothing happens
    bench.process();
    assert!(bench.layer.is_open());
}

#[test]
fn a_parked_server_passes_aborts_on() {
    let mut bench = parked("CONNECT a:1 HTTP/1.1\r\n\r\nx");
    bench.from_wire.abort(broken());
    bench.process();
    assert_eq!(bench.seen().app_end, "test: the connection broke");
    assert!(bench.layer.request().is_none());
    let mut bench = parked("CONNECT a:1 HTTP/1.1\r\n\r\nx");
    bench.from_app.abort(broken());
    bench.process();
    assert_eq!(bench.seen().wire_end, "test: the connection broke");
}

#[test]
fn must_9110_9_3_6_a_2xx_has_no_framing_fields() {
    let mut bench = parked("CONNECT a:1 HTTP/1.1\r\n\r\n");
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    headers.insert(VIA, HeaderValue::from_static("1.1 x"));
    bench.layer.accept(headers);
    bench.process();
    let wanted = "HTTP/1.1 200 Connection established\r\nVia: 1.1 x\r\n\r\n";
    assert_eq!(bench.seen().wire, wanted);
}

#[test]
fn a_rejection_is_sent_whole_and_ends_both_directions() {
    let mut response = Response::new(Bytes::from_static(b"only port 443"));
    *response.status_mut() = StatusCode::FORBIDDEN;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    headers.insert(CONTENT_LENGTH, HeaderValue::from_static("999"));
    let mut bench = parked("CONNECT a:25 HTTP/1.1\r\n\r\ndata");
    bench.layer.reject(response);
    bench.process();
    let seen = bench.seen();
    assert_eq!(
        seen.wire,
        "HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\
         Connection: close\r\n\r\nonly port 443"
    );
    assert_eq!(seen.wire_end, "finished");
    assert_eq!(
        seen.app_end,
        "connect[0]: rejected by the application with 403 Forbidden"
    );
    assert_eq!(bench.error().blame(), Blame::Local);
    bench.receive(b"more"); // discarded: the server is over
    assert!(bench.from_wire.is_empty());
}

#[test]
fn a_rejection_that_would_open_a_tunnel_is_not_sent() {
    for status in [100, 101, 200, 299] {
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        let mut bench = parked("CONNECT a:1 HTTP/1.1\r\n\r\n");
        bench.layer.reject(response);
        bench.process();
        assert_eq!(bench.seen().wire, closing("500 Internal Server Error"));
        assert!(matches!(
            bench.error().cause(),
            Some(Http1Error::NotARejection(_))
        ));
    }
}

#[test]
fn an_answer_waits_for_room() {
    let mut bench = parked("CONNECT a:1 HTTP/1.1\r\n\r\n");
    bench.to_wire.set_limit(0);
    accept(&mut bench.layer);
    bench.process();
    assert!(bench.to_wire.is_empty() && !bench.layer.is_open());
    assert_eq!(
        bench.layer.progress(),
        Progress::Opening("room for the answer")
    );
    bench.to_wire.set_limit(1);
    bench.process();
    assert!(bench.layer.is_open());

    let mut bench = parked("CONNECT a:1 HTTP/1.1\r\n\r\n");
    bench.to_wire.set_limit(0);
    accept(&mut bench.layer);
    bench.from_wire.abort(broken()); // it waits no longer than the wire
    bench.process();
    assert_eq!(bench.seen().app_end, "test: the connection broke");
}

#[test]
fn pitfall_56_every_answer_but_a_2xx_ends_the_connection_and_what_stands_behind_is_dropped() {
    let bare = "CONNECT a:1 HTTP/1.1\r\n\r\n";
    let bytes = format!("{bare}CONNECT b:1 HTTP/1.1\r\n\r\ndata");
    let last = format!("{CHALLENGE}Connection: close\r\n\r\n");
    let seen = run(
        "challenged",
        bytes.as_bytes(),
        Then::StaysOpen,
        Server::new,
        |server| {
            let host = server.request().map(|request| request.host.clone());
            assert!(host.is_none_or(|host| host == "a"), "the second is parked");
            guard(server);
        },
    );
    assert_eq!((&*seen.wire, &*seen.wire_end), (&*last, "finished"));
    assert_eq!((&*seen.app_end, &*seen.app), (REJECTED, ""));
    for status in [300, 400, 403, 404, 407, 500, 502, 599] {
        let seen = run(
            "rejected",
            bytes.as_bytes(),
            Then::StaysOpen,
            Server::new,
            |server| {
                let mut response = Response::new(Bytes::new());
                *response.status_mut() = StatusCode::from_u16(status).unwrap();
                server.reject(response);
            },
        );
        let answers = seen.wire.matches("HTTP/1.1 ").count();
        assert_eq!((answers, &*seen.wire_end), (1, "finished"), "{status}");
        assert!(seen.wire.ends_with("Connection: close\r\n\r\n"), "{status}");
    }
}

#[test]
fn must_9110_15_5_8_a_407_carries_a_challenge_and_the_connection_goes_on() {
    let bare = "CONNECT a:1 HTTP/1.1\r\n\r\n";
    let wrong = "CONNECT a:1 HTTP/1.1\r\nProxy-Authorization: Basic dTpw\r\n\r\n";
    let right = "CONNECT a:1 HTTP/1.1\r\nproxy-authorization: basic w7w6cDp3\r\n\r\n";
    let waiting = || Server::new().with_waiting_clients();
    let mut bench = Bench::new(waiting());
    for request in [bare, wrong, right] {
        bench.receive(request.as_bytes());
        guard(&mut bench.layer);
        bench.process();
    }
    bench.receive(b"data");
    let seen = bench.seen();
    let wanted = format!("{CHALLENGE}\r\n{CHALLENGE}\r\n{ESTABLISHED}");
    assert_eq!((seen.wire, &*seen.app, seen.open), (wanted, "data", true));

    let last = format!("{CHALLENGE}Connection: close\r\n\r\n");
    let mut bench = Bench::new(waiting());
    for _ in 0..9 {
        bench.receive(wrong.as_bytes());
        guard(&mut bench.layer);
        bench.process();
    }
    let seen = bench.seen();
    assert_eq!(seen.wire, format!("{CHALLENGE}\r\n").repeat(3) + &last);
    assert_eq!((&*seen.app_end, &*seen.wire_end), (REJECTED, "finished"));

    for closing in [
        "CONNECT a:1 HTTP/1.1\r\nConnection: close\r\n\r\n",
        "CONNECT a:1 HTTP/1.0\r\n\r\n",
    ] {
        let bytes = closing.as_bytes();
        let seen = run(closing, bytes, Then::StaysOpen, waiting, guard);
        assert_eq!((&*seen.wire, &*seen.app_end), (&*last, REJECTED));
    }
}

#[test]
fn pitfall_56_a_client_that_does_not_wait_loses_its_connection_although_others_keep_theirs() {
    let mut bench = Bench::new(Server::new().with_waiting_clients());
    bench.receive(b"CONNECT a:1 HTTP/1.1\r\n\r\nCONNECT b:1 HTTP/1.1\r\n\r\n");
    guard(&mut bench.layer);
    bench.process();
    assert!(bench.layer.request().is_none(), "the second is parked");
    let seen = bench.seen();
    assert_eq!(seen.wire, format!("{CHALLENGE}Connection: close\r\n\r\n"));
    assert_eq!((&*seen.app_end, &*seen.wire_end), (REJECTED, "finished"));
}

#[test]
fn pitfall_14_credentials_show_in_no_debug() {
    let bench = parked("CONNECT a:1 HTTP/1.1\r\nProxy-Authorization: Basic dTpw\r\n\r\n");
    let request = bench.layer.request().unwrap();
    assert_eq!(request.basic(), Some(("u".to_owned(), "p".to_owned())));
    assert!(!format!("{request:?} {request}").contains("dTpw"));
}

/// The end of a connection with a challenge.
const REJECTED: &str =
    "connect[0]: rejected by the application with 407 Proxy Authentication Required";

/// The challenge of [`guard`], without the end of its head.
const CHALLENGE: &str = "HTTP/1.1 407 Proxy Authentication Required\r\n\
     Proxy-Authenticate: Basic realm=\"the \\\"realm\\\"\", charset=\"UTF-8\"\r\nContent-Length: 0\r\n";

/// Accepts one user, and challenges the others.
fn guard(server: &mut Server) {
    match server.request().map(|request| request.basic()) {
        Some(Some((user, password))) if (&*user, &*password) == ("ü", "p:w") => accept(server),
        Some(_) => server.challenge("the \"realm\""),
        None => {}
    }
}
