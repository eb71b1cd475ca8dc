//! Failures of HTTP/2: proxies that speak it, and WebSockets over it.

use super::*;

/// A frame.
fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap();
    let mut frame = vec![0, 0, length, kind, flags, 0, 0, 0, stream];
    frame.extend_from_slice(payload);
    frame
}

fn settings() -> Vec<u8> {
    frame(4, 0, 0, &[])
}

/// SETTINGS with ENABLE_CONNECT_PROTOCOL.
fn settings_with_connect() -> Vec<u8> {
    frame(4, 0, 0, &[0, 8, 0, 0, 0, 1])
}

/// A response without content, whose status has three digits.
fn response(status: &str) -> Vec<u8> {
    let mut block = vec![8, 3];
    block.extend_from_slice(status.as_bytes());
    frame(1, 0x5, 1, &block)
}

fn reset(reason: u8) -> Vec<u8> {
    frame(3, 0, 1, &[0, 0, 0, reason])
}

fn goaway(reason: u8) -> Vec<u8> {
    frame(7, 0, 0, &[0, 0, 0, 0, 0, 0, 0, reason])
}

#[test]
fn failures_of_http2_proxies_read_well() {
    let row = |does: &'static str, moves: Vec<Move>, text: &'static str| Failure {
        peer: "an HTTP/2 proxy",
        does,
        dial: to("ws://example.org/chat").via("h2c://proxy.test:8080"),
        moves,
        text,
    };
    let after_settings = |bytes: Vec<u8>| vec![says(settings()), says(bytes)];
    // A request that was not processed is made again, once.
    let twice = |moves: Vec<Move>| [moves.clone(), vec![Move::Again], moves].concat();
    check(vec![
        row(
            "refuses by its rules",
            after_settings(response("403")),
            "hop 1 (h2c://proxy.test:8080): http2[0]: refused CONNECT example.org:80: 403 Forbidden: the rules of the proxy forbid it",
        ),
        row(
            "does not reach the target",
            after_settings(response("502")),
            "hop 1 (h2c://proxy.test:8080): http2[0]: refused CONNECT example.org:80: 502 Bad Gateway: the proxy could not reach it",
        ),
        row(
            "resets the stream",
            twice(after_settings(reset(7))),
            "hop 1 (h2c://proxy.test:8080): http2[0]: the peer reset the stream with REFUSED_STREAM (refused stream before processing any application logic)",
        ),
        row(
            "is asked too much",
            after_settings(goaway(11)),
            "hop 1 (h2c://proxy.test:8080): http2[0]: the peer sent GOAWAY with ENHANCE_YOUR_CALM (detected excessive load generating behavior)",
        ),
        row(
            "sends no SETTINGS",
            vec![],
            "hop 1 (h2c://proxy.test:8080): http2[0]: no SETTINGS frame came within 10s: the peer may speak no HTTP/2",
        ),
        row(
            "sends a bad frame",
            after_settings(frame(4, 0, 0, &[1])),
            "hop 1 (h2c://proxy.test:8080): http2[0]: the peer broke the protocol: PROTOCOL_ERROR (unspecific protocol error detected)",
        ),
        row(
            "speaks HTTP/1",
            vec![says("HTTP/1.1 400 Bad Request\r\n\r\n"), Move::Ends],
            "hop 1 (h2c://proxy.test:8080): http2[0]: saw an HTTP/1 response where HTTP/2 was wanted: the server speaks HTTP/1 only, or refuses",
        ),
        row(
            "speaks TLS",
            vec![says(b"\x15\x03\x03\x00\x02\x02\x0a"), Move::Ends],
            "hop 1 (h2c://proxy.test:8080): http2[0]: saw TLS where HTTP/2 was wanted: the peer speaks TLS, use h2://, https:// or wss://",
        ),
        row(
            "speaks SOCKS",
            vec![says(b"\x05\xff"), Move::Ends],
            "hop 1 (h2c://proxy.test:8080): http2[0]: saw SOCKS5 where HTTP/2 was wanted: this is SOCKS, use socks5h://",
        ),
        row(
            "speaks SSH",
            vec![also("SSH-2.0-x\r\n")],
            "hop 1 (h2c://proxy.test:8080): http2[0]: saw the greeting of SSH where HTTP/2 was wanted: this is the port of another service",
        ),
        row(
            "closes",
            after_settings(vec![])
                .into_iter()
                .chain([Move::Ends])
                .collect(),
            "hop 1 (h2c://proxy.test:8080): http2[0]: the connection ended while streams were open",
        ),
    ]);
}

#[test]
fn failures_of_websockets_over_http2_read_well() {
    let secures = || {
        let settings = TLS.server("example.org", |_| {}).alpn(["h2"]);
        Move::Secures(settings.build().unwrap())
    };
    let row = |does: &'static str, moves: Vec<Move>, text: &'static str| Failure {
        peer: "an HTTP/2 server",
        does,
        dial: to("wss://example.org/chat").any_http(),
        // A request that was not processed is made again, once.
        moves: [
            vec![secures()],
            moves.clone(),
            vec![Move::Again, secures()],
            moves,
        ]
        .concat(),
        text,
    };
    let after_settings = |bytes: Vec<u8>| vec![says(settings_with_connect()), says(bytes)];
    check(vec![
        row(
            "has no such path",
            after_settings(response("404")),
            "target (wss://example.org:443/chat): http2[1]: refused the extended CONNECT for websocket: 404 Not Found: the path may be wrong",
        ),
        row(
            "resets the stream",
            after_settings(reset(8)),
            "target (wss://example.org:443/chat): http2[1]: the peer reset the stream with CANCEL (stream no longer needed)",
        ),
        row(
            "goes away",
            after_settings(goaway(2)),
            "target (wss://example.org:443/chat): http2[1]: the peer sent GOAWAY with INTERNAL_ERROR (unexpected internal error encountered)",
        ),
        row(
            "speaks HTTP/1 in spite of ALPN",
            vec![says("HTTP/1.1 200 OK\r\n\r\n")],
            "target (wss://example.org:443/chat): http2[1]: saw an HTTP/1 response where HTTP/2 was wanted: the server speaks HTTP/1 only, or refuses",
        ),
    ]);
}

#[test]
fn servers_without_websockets_over_http2_read_well() {
    let secures = |alpn: &'static str| {
        let settings = TLS.server("example.org", |_| {}).alpn([alpn]);
        Move::Secures(settings.build().unwrap())
    };
    let row = |does: &'static str, moves: Vec<Move>, text: &'static str| Failure {
        peer: "a server",
        does,
        dial: to("wss://example.org/chat").only_http2(),
        moves,
        text,
    };
    let again = vec![secures("h2"), says(settings()), Move::Again];
    check(vec![
        row(
            "offers no extended CONNECT",
            [again.clone(), again].concat(),
            "target (wss://example.org:443/chat): http2[1]: the server does not offer extended CONNECT, which a WebSocket over HTTP/2 needs (RFC 8441)",
        ),
        row(
            "speaks HTTP/1.1 only",
            vec![secures("http/1.1")],
            "target (wss://example.org:443/chat): tls[0]: the server does not speak HTTP/2: ALPN chose nothing (the alert no_application_protocol)",
        ),
    ]);
}

#[test]
fn frames_that_break_http2_read_well() {
    let row = |does: &'static str, bytes: &[u8], text: &'static str| Failure {
        peer: "an HTTP/2 proxy",
        does,
        dial: to("ws://example.org/chat").via("h2c://proxy.test:8080"),
        moves: vec![says(settings()), says(bytes)],
        text,
    };
    check(vec![
        row(
            "sends a frame that is too long",
            b"\xff\xff\xff\0\0\0\0\0\x01",
            "hop 1 (h2c://proxy.test:8080): http2[0]: the peer broke the protocol: FRAME_SIZE_ERROR (frame with invalid size)",
        ),
        row(
            "sends headers on a stream that nobody opened",
            &frame(1, 4, 9, b"\x88"),
            "hop 1 (h2c://proxy.test:8080): http2[0]: the peer broke the protocol: PROTOCOL_ERROR (unspecific protocol error detected)",
        ),
        row(
            "sends data before its response",
            &frame(0, 0, 1, b"x"),
            "hop 1 (h2c://proxy.test:8080): http2[0]: the peer broke the protocol: PROTOCOL_ERROR (unspecific protocol error detected)",
        ),
    ]);
}
