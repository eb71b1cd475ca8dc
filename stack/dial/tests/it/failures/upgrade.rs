//! Failures of the handshake of a WebSocket over HTTP/1.1.

use super::*;

fn chat() -> Dial {
    to("ws://example.org/chat?token=hunter2")
}

#[test]
fn refusals_of_a_websocket_read_well() {
    let row = |does: &'static str, head: &str, body: &str, text: &'static str| Failure {
        peer: "a server",
        does,
        dial: chat(),
        moves: answer(head, body),
        text,
    };
    check(vec![
        row(
            "knows no WebSocket",
            "200 OK",
            "<html><title>Welcome</title>",
            "target (ws://example.org:80/chat): upgrade[0]: refused the upgrade to websocket: 200 OK: \"Welcome\", an ordinary answer: the server has no such protocol at this path, or something between does not pass upgrades on",
        ),
        row(
            "is behind a cache",
            "200 OK\nVia: 1.1 varnish\nX-Cache: HIT",
            "hello",
            "target (ws://example.org:80/chat): upgrade[0]: refused the upgrade to websocket: 200 OK (Via: 1.1 varnish, X-Cache: HIT): \"hello\", an ordinary answer: something between answers for the server, or does not pass upgrades on",
        ),
        row(
            "redirects",
            "301 Moved Permanently\nLocation: wss://me:hunter2@example.org/chat?token=hunter2",
            "",
            "target (ws://example.org:80/chat): upgrade[0]: refused the upgrade to websocket: 301 Moved Permanently (Location: wss://example.org/chat): use that URL, or follow redirects (`redirects` of the builder)",
        ),
        row(
            "finds the request bad",
            "400 Bad Request",
            "Missing header\n",
            "target (ws://example.org:80/chat): upgrade[0]: refused the upgrade to websocket: 400 Bad Request: \"Missing header\"",
        ),
        row(
            "wants a password",
            "401 Unauthorized\nWWW-Authenticate: Basic realm=\"x\", Bearer",
            "",
            "target (ws://example.org:80/chat): upgrade[0]: refused the upgrade to websocket: 401 Unauthorized (WWW-Authenticate: Basic, Bearer): give a user and a password, as in wss://user:password@host",
        ),
        row(
            "forbids it",
            "403 Forbidden",
            "{\"error\":\"origin not allowed\"}",
            "target (ws://example.org:80/chat): upgrade[0]: refused the upgrade to websocket: 403 Forbidden: \"{\"error\":\"origin not allowed\"}\"",
        ),
        row(
            "has no such path",
            "404 Not Found",
            "<title>404 Not Found</title>",
            "target (ws://example.org:80/chat): upgrade[0]: refused the upgrade to websocket: 404 Not Found: the path may be wrong",
        ),
        row(
            "wants another version",
            "426 Upgrade Required\nSec-WebSocket-Version: 7, 8",
            "",
            "target (ws://example.org:80/chat): upgrade[0]: refused the upgrade to websocket: 426 Upgrade Required (Sec-WebSocket-Version: 7, 8): the server speaks another version of the protocol",
        ),
        row(
            "is asked too often",
            "429 Too Many Requests\nRetry-After: 30",
            "slow down",
            "target (ws://example.org:80/chat): upgrade[0]: refused the upgrade to websocket: 429 Too Many Requests (Retry-After: 30): \"slow down\": wait before you try again",
        ),
        row(
            "has a fault",
            "500 Internal Server Error",
            "",
            "target (ws://example.org:80/chat): upgrade[0]: refused the upgrade to websocket: 500 Internal Server Error",
        ),
        row(
            "is behind a gateway",
            "502 Bad Gateway",
            "<h1>502 Bad Gateway</h1>",
            "target (ws://example.org:80/chat): upgrade[0]: refused the upgrade to websocket: 502 Bad Gateway: a gateway could not reach the server behind it",
        ),
        row(
            "is overloaded",
            "503 Service Unavailable\nRetry-After: 120",
            "",
            "target (ws://example.org:80/chat): upgrade[0]: refused the upgrade to websocket: 503 Service Unavailable (Retry-After: 120): the server is overloaded or down",
        ),
    ]);
}

#[test]
fn wrong_answers_to_a_websocket_read_well() {
    let switch = |fields: &str| {
        let head =
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
        vec![says(format!("{head}{fields}\r\n"))]
    };
    check(vec![
        Failure {
            peer: "a server",
            does: "proves nothing",
            dial: chat(),
            moves: switch("Sec-WebSocket-Accept: aaaaaaaaaaaaaaaaaaaaaaaaaaa=\r\n"),
            text: "target (ws://example.org:80/chat): websocket[0]: the Sec-WebSocket-Accept of the 101 is missing, repeated or does not match the key: the server, or something between, speaks no WebSocket",
        },
        Failure {
            peer: "a server",
            does: "switches without a word",
            dial: chat(),
            moves: vec![says(
                "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\r\n",
            )],
            text: "target (ws://example.org:80/chat): upgrade[0]: the 101 does not say that it upgrades to websocket",
        },
        Failure {
            peer: "a server",
            does: "switches to h2c",
            dial: chat(),
            moves: vec![says(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
            )],
            text: "target (ws://example.org:80/chat): upgrade[0]: the 101 upgrades to h2c, wanted websocket with Connection: Upgrade",
        },
        Failure {
            peer: "a server",
            does: "closes without an answer",
            dial: chat(),
            moves: vec![says(""), Move::Ends],
            text: "target (ws://example.org:80/chat): upgrade[0]: the connection ended before the Upgrade response",
        },
        Failure {
            peer: "a TLS server",
            does: "gets no TLS",
            dial: chat(),
            moves: vec![says(b"\x15\x03\x03\x00\x02\x02\x0a"), Move::Ends],
            text: "target (ws://example.org:80/chat): upgrade[0]: saw TLS where an HTTP/1 response was wanted: this port speaks TLS, use https:// or wss://",
        },
        Failure {
            peer: "a server",
            does: "redirects to a page that is no WebSocket",
            dial: chat().follow(Redirects::Any),
            moves: answer(
                "302 Found\nLocation: ftp://me:hunter2@files.test/x?hunter2",
                "",
            ),
            text: "target (ws://example.org:80/chat): the redirect leads to a URL that is not ws://, wss://, http:// or https://: a 302 to ftp://files.test/x",
        },
    ]);
}
