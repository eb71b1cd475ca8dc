//! Clients that speak another protocol than a server does.

use super::*;
use wirestack_http1::{connect, upgrade};
use wirestack_http2 as http2;
use wirestack_layer::Layer;
use wirestack_nest::{BoxTunnel, Nest};
use wirestack_proxy_header as proxy_header;
use wirestack_tls as tls;
use wirestack_websocket::Server;

/// Returns the text of the error with which a server ends.
fn seen_by(layer: BoxTunnel, bytes: &[u8]) -> String {
    let mut engine = Engine::new(layer);
    engine.from_wire().write(bytes);
    engine.process(START);
    match engine.to_app().closed() {
        Some(End::Aborted(error)) => error.to_string(),
        other => panic!("wanted an error, saw {other:?}"),
    }
}

#[test]
fn clients_of_other_protocols_are_named_by_every_server() {
    let tls = || tls::Server::new(TLS.server("a.test", |_| {}).build().unwrap()).unwrap();
    let rows: &[(&str, &[u8])] = &[
        ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
        ("SOCKS5", b"\x05\x01\x00"),
        ("a SOCKS4 request", b"\x04\x01\x00\x50\x7f\0\0\x01\0"),
        ("an HTTP/1 request", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("an HTTP/1 response", b"HTTP/1.1 200 OK\r\n\r\n"),
        (
            "the preface of an HTTP/2 client",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        ),
        ("an HTTP/2 SETTINGS frame", b"\0\0\0\x04\0\0\0\0\0"),
        ("the greeting of SSH", b"SSH-2.0-PuTTY\r\n"),
        (
            "the greeting of a mail or FTP server (220)",
            b"220 ftp.test ready\r\n",
        ),
        ("a PROXY header", b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n"),
        ("a PROXY header", b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c"),
    ];
    for (name, bytes) in rows {
        let servers: [(BoxTunnel, &[&str]); 6] = [
            (wirestack_socks::Server::new().boxed(), &["SOCKS5"]),
            (connect::Server::new().boxed(), &["an HTTP/1 request"]),
            (upgrade::Server::new().boxed(), &["an HTTP/1 request"]),
            (
                http2::Server::new(http2::Http2Config::default()).boxed(),
                &["the preface of an HTTP/2 client"],
            ),
            (tls().boxed(), &["TLS"]),
            (proxy_header::Server::default().boxed(), &["a PROXY header"]),
        ];
        for (server, own) in servers {
            if own.contains(name) {
                continue;
            }
            let layer = server.name();
            let text = seen_by(server, bytes);
            is_well_formed(&text);
            assert!(text.contains(name), "{layer}: no {name:?} in {text:?}");
        }
    }
}

#[test]
fn bad_proxy_headers_read_well() {
    let block = |rest: &[u8]| [b"\r\n\r\n\0\r\nQUIT\n", rest].concat();
    let rows = [
        (
            b"GET / HTTP/1.1\r\n".to_vec(),
            "proxy-header[0]: the connection begins with an HTTP/1 request, wanted a PROXY header: the peer is no load balancer, or one that is not told to send it",
        ),
        (
            b"PROXY TCP4 192.0.2.1 192.0.2.7 1\r\n".to_vec(),
            "proxy-header[0]: malformed PROXY line \"PROXY TCP4 192.0.2.1 192.0.2.7 1\", wanted TCP4, TCP6 or UNKNOWN, its fields, and CRLF",
        ),
        (
            b"PROXY UDP4 ".to_vec(),
            "proxy-header[0]: malformed PROXY line \"PROXY UD\", wanted TCP4, TCP6 or UNKNOWN, its fields, and CRLF",
        ),
        (
            [&b"PROXY UNKNOWN "[..], &[b'x'; 200]].concat(),
            "proxy-header[0]: the PROXY line has no CRLF in its first 107 bytes",
        ),
        (
            block(b"\x31"),
            "proxy-header[0]: the PROXY header has the version 3, wanted 2",
        ),
        (
            block(b"\x22"),
            "proxy-header[0]: the PROXY header has the command 0x2, wanted 0x0 (LOCAL) or 0x1 (PROXY)",
        ),
        (
            block(b"\x21\x77"),
            "proxy-header[0]: the PROXY header has the address family and transport 0x77, wanted the digits 0 to 3 and 0 to 2",
        ),
        (
            block(b"\x21\x11\xff\xff"),
            "proxy-header[0]: the header has 65551 bytes, wanted at most 4096; `Server::with_limit` sets that",
        ),
        (
            block(b"\x21\x11\0\x04abcd"),
            "proxy-header[0]: the header has 4 bytes for its addresses, wanted 12",
        ),
    ];
    check_texts(rows.map(|(bytes, text)| {
        let server = proxy_header::Server::default().boxed();
        (seen_by(server, &bytes), text)
    }));
}

#[test]
fn requests_that_are_no_handshake_of_a_websocket_read_well() {
    const FIELDS: &str = "Host: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let seen = |line: &str, fields: &str| {
        let mut engine = Engine::new(Server::new(WebSocketConfig::default()));
        let request = format!("{line}\r\n{fields}\r\n");
        engine.from_wire().write(request.as_bytes());
        engine.process(START);
        match engine.to_app().closed() {
            Some(End::Aborted(error)) => error.to_string(),
            other => panic!("{request}: wanted an error, saw {other:?}"),
        }
    };
    let get = "GET / HTTP/1.1";
    let with = |field: &str| format!("{FIELDS}{field}\r\n");
    check_texts([
        (
            seen(get, &with("Content-Length: 5")),
            "websocket[0]: the request announces content, which a WebSocket handshake cannot have",
        ),
        (
            seen(get, &with("Transfer-Encoding: chunked")),
            "websocket[0]: the request announces content, which a WebSocket handshake cannot have",
        ),
        (
            seen(get, "Host: a\r\n"),
            "websocket[0]: the request does not ask for an upgrade to websocket",
        ),
        (
            seen("POST / HTTP/1.1", FIELDS),
            "websocket[0]: saw a request with the method POST, wanted GET",
        ),
        (
            seen("GET / HTTP/1.0", FIELDS),
            "websocket[0]: saw a request in HTTP/1.0, wanted HTTP/1.1",
        ),
        (
            seen(get, &FIELDS.replace("13", "8")),
            "websocket[0]: Sec-WebSocket-Version is missing, repeated or not 13, the one that is spoken here",
        ),
        (
            seen(get, &FIELDS.replace("25jZQ==", "")),
            "websocket[0]: the field sec-websocket-key is missing, repeated or malformed",
        ),
        (
            seen(get, &FIELDS.replace("Host: a\r\n", "")),
            "upgrade[0]: not an HTTP/1 head: not exactly one Host field",
        ),
    ]);
}
