//! A whole connection as its neighbours see it: what it holds back, how it is cut, what it says about a
//! peer of another protocol.

use crate::kit::{
    CONTINUATION, DATA, EXTENDED, HEADERS, PREFACE, SETTINGS, Side, WINDOW_UPDATE, failure, frame,
    frames, greeted_client, headers, of_kind, open_client, settings, tunnel, window,
};
use wirestack_http2::{ConnectRequest, Connection, Http2Config};
use wirestack_layer::{End, Error, Flow, Layer};

fn client() -> Side<Connection> {
    Side::new(Connection::client(Http2Config::default()))
}

fn server() -> Side<Connection> {
    Side::new(Connection::server(Http2Config::server()))
}

#[test]
fn a_connection_is_open_once_the_settings_of_the_peer_are_in() {
    for (mut side, preface) in [(client(), &b""[..]), (server(), PREFACE)] {
        assert_eq!(side.layer.name(), "http2");
        side.sent();
        side.receive(preface);
        side.receive(&settings(&[])[..5]);
        assert!(!side.layer.is_open());
        side.receive(&settings(&[])[5..]);
        assert!(side.layer.is_open());
    }
}

#[test]
fn a_connection_is_flushed_once_the_wire_has_all_of_it() {
    let mut side = client();
    assert!(side.layer.is_flushed());
    side.to_wire.set_limit(10);
    side.process();
    assert!(!side.layer.is_flushed());
    side.sent();
    assert!(side.layer.is_flushed());
}

#[test]
fn an_abort_of_the_application_follows_what_was_written_before_it() {
    let mut side = client();
    side.to_wire.set_limit(10);
    side.process();
    side.from_app
        .abort(Error::local("app", std::io::Error::other("had enough")));
    side.process();
    let said = side.to_wire.take(side.to_wire.len());
    assert_eq!(of_kind(&said, SETTINGS).len(), 1, "whole, beyond the limit");
    for end in [side.to_wire.end(), side.to_app.closed()] {
        let Some(End::Aborted(error)) = end else {
            panic!("not aborted")
        };
        assert_eq!(error.to_string(), "app: had enough");
    }
    assert_eq!(side.layer.deadline(), None);
    // Nothing that comes later is heard.
    side.from_wire.write(&settings(&[]));
    side.process();
    assert!(!side.layer.is_open());
}

#[test]
fn what_is_written_before_the_settings_of_the_server_waits_for_them() {
    let mut side = client();
    let id = side.from_app.open(tunnel()).unwrap();
    side.write(id, b"early");
    let said = side.sent();
    assert!(of_kind(&said, HEADERS).is_empty());
    let said = side.receive(&settings(&[]));
    assert_eq!(of_kind(&said, HEADERS)[0].stream, 1);
    let said = [said, side.receive(&headers(1, 0, &[(":status", "200")]))].concat();
    assert_eq!(of_kind(&said, DATA)[0].payload, b"early");
    assert_eq!(side.end(id), None);
}

#[test]
fn credit_is_given_for_a_quarter_of_a_window_at_once() {
    let (mut side, id) = open_client(window(40_000), &[]);
    side.receive(&frame(DATA, 0, 1, &[7; 30_000]));
    let mut given = Vec::new();
    for _ in 0..3 {
        side.to_app.read(id).unwrap().consume(5_000);
        given.push(of_kind(&side.sent(), WINDOW_UPDATE).len());
    }
    assert_eq!(given[0], 0, "half of it");
    assert_ne!(given.iter().sum::<usize>(), 0);
}

#[test]
fn fields_that_fit_in_no_frame_leave_in_several() {
    let mut head = http::Request::new(());
    *head.uri_mut() = "https://example.org/chat".parse().unwrap();
    let value = http::HeaderValue::try_from("x".repeat(20_000)).unwrap();
    head.headers_mut().insert("cookie", value);
    let mut side = greeted_client(Http2Config::default(), &[(EXTENDED, 1)]);
    let large = ConnectRequest::extended("websocket", head).unwrap();
    let large = side.from_app.open(large).unwrap();
    side.from_app.open(tunnel()).unwrap();
    let said = side.sent();
    let kinds: Vec<_> = frames(&said)
        .iter()
        .map(|it| (it.kind, it.stream))
        .collect();
    assert_eq!(kinds, [(HEADERS, 1), (CONTINUATION, 1), (HEADERS, 3)]);
    assert_eq!(side.end(large), None);
}

#[test]
fn a_peer_of_another_protocol_is_named_with_what_to_do() {
    for (bytes, seen, advice) in [
        (
            &b"HTTP/1.1 400 Bad Request\r\n"[..],
            "an HTTP/1 response",
            ": the server speaks HTTP/1 only, or refuses",
        ),
        (
            b"GET / HTTP/1.1\r\n",
            "an HTTP/1 request",
            ": the client speaks HTTP/1",
        ),
        (
            b"\x16\x03\x01\x02\0\x01\0\x01\xfc",
            "TLS",
            ": the peer speaks TLS, use h2://, https:// or wss://",
        ),
        (b"\x05\x01\0", "SOCKS5", ": this is SOCKS, use socks5h://"),
        (
            b"\x04\x01\0\x50\x7f\0\0\x01\0",
            "a SOCKS4 request",
            ": this is SOCKS, use socks5h://",
        ),
        (
            b"\0\x5b\0\0\0\0\0\0",
            "a SOCKS4 reply",
            ": this is SOCKS, use socks5h://",
        ),
        (
            b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
            "a PROXY header",
            ": a load balancer sends it, and this port expects none",
        ),
        (
            b"<html><body>",
            "the beginning of a web page (HTML or XML)",
            ": something between answers for the server",
        ),
        (
            b"SSH-2.0-OpenSSH_9.2\r\n",
            "the greeting of SSH",
            ": this is the port of another service",
        ),
        (
            b"220 mail.test ESMTP\r\n",
            "the greeting of a mail or FTP server (220)",
            ": this is the port of another service",
        ),
        (
            b"* OK ready\r\n",
            "the greeting of an IMAP server",
            ": this is the port of another service",
        ),
        (
            b"+OK ready\r\n",
            "the greeting of a POP3 server",
            ": this is the port of another service",
        ),
    ] {
        for mut side in [client(), server()] {
            side.receive(bytes);
            let wanted = format!("http2[0]: saw {seen} where HTTP/2 was wanted{advice}");
            assert_eq!(failure(&side), wanted);
        }
    }
    // Each side may meet its own kind.
    let mut side = client();
    side.receive(PREFACE);
    assert_eq!(
        failure(&side),
        "http2[0]: saw the preface of an HTTP/2 client where HTTP/2 was wanted"
    );
    let mut side = server();
    side.receive(&settings(&[]));
    assert_eq!(
        failure(&side),
        "http2[0]: saw an HTTP/2 SETTINGS frame where HTTP/2 was wanted"
    );
}
