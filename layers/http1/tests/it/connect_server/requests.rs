//! Requests: the ones that open a tunnel, and the ones that are refused.

use super::{ESTABLISHED, accept, closing};
use crate::kit::{Then, run};
use wirestack_http1::Limits;
use wirestack_http1::connect::Server;

#[test]
fn a_request_opens_a_tunnel_and_the_bytes_behind_it_are_data() {
    struct Row {
        name: &'static str,
        client_sends: &'static str,
        /// The bytes behind the request.
        app_reads: &'static str,
    }
    for row in [
        Row {
            name: "curl",
            client_sends: "CONNECT a.test:80 HTTP/1.1\r\nHost: a.test:80\r\nProxy-Connection: Keep-Alive\r\n\r\n",
            app_reads: "",
        },
        Row {
            name: "no Host",
            client_sends: "CONNECT a.test:80 HTTP/1.1\r\n\r\n",
            app_reads: "GET",
        },
        Row {
            name: "another Host",
            client_sends: "CONNECT a.test:80 HTTP/1.1\r\nHost: b.test\r\n\r\n",
            app_reads: "\r\n\r\n",
        },
        Row {
            name: "HTTP/1.0",
            client_sends: "CONNECT a.test:80 HTTP/1.0\r\n\r\n",
            app_reads: "CONNECT x",
        },
        Row {
            name: "no content",
            client_sends: "CONNECT a.test:80 HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
            app_reads: "x",
        },
        Row {
            name: "empty lines",
            client_sends: "\r\n\nCONNECT a.test:80 HTTP/1.1\n\n",
            app_reads: "x",
        },
    ] {
        let (name, data) = (row.name, row.app_reads);
        let bytes = format!("{}{data}", row.client_sends);
        let seen = run(name, bytes.as_bytes(), Then::StaysOpen, Server::new, accept);
        assert_eq!((&*seen.wire, &*seen.app), (ESTABLISHED, data), "{name}");
        assert!(seen.open, "{name}");
    }
}

#[test]
fn must_9110_9_3_6_an_empty_or_invalid_port_is_rejected() {
    for target in [
        "a",
        "a:",
        "a:0",
        "a:65536",
        "a:99999999999",
        "a:+1",
        "a:-1",
        "a:1x",
        ":1",
        "::1:1",
        "[::1]",
        "[::1]1",
        "[a]:1",
        "u@a:1",
        "u:p@a:1",
        "http://a:1",
        "http://a:1/",
        "/",
        "*",
        "a:1/",
        "a%00:1",
    ] {
        let bytes = format!("CONNECT {target} HTTP/1.1\r\nHost: x\r\n\r\n");
        let seen = run(
            target,
            bytes.as_bytes(),
            Then::StaysOpen,
            Server::new,
            accept,
        );
        assert_eq!(seen.wire, closing("400 Bad Request"), "{target}");
        let wanted =
            format!("connect[0]: the target of the CONNECT is \"{target}\", wanted host:port");
        assert_eq!(seen.app_end, wanted, "{target}");
    }
}

#[test]
fn a_request_other_than_connect_is_answered_and_reported() {
    struct Row<'a> {
        name: &'static str,
        client_sends: &'static str,
        server_sends: &'a str,
        error: &'static str,
    }
    for row in [
        Row {
            name: "GET",
            client_sends: "GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n",
            server_sends: "HTTP/1.1 405 Method Not Allowed\r\nAllow: CONNECT\r\nContent-Length: 0\r\n\
             Connection: close\r\n\r\n",
            error: "connect[0]: the request is GET, wanted CONNECT: this proxy only opens tunnels",
        },
        Row {
            name: "connect",
            client_sends: "connect a:1 HTTP/1.1\r\n\r\n",
            server_sends: "HTTP/1.1 405 Method Not Allowed\r\nAllow: CONNECT\r\nContent-Length: 0\r\n\
             Connection: close\r\n\r\n",
            error: "connect[0]: the request is connect, wanted CONNECT: this proxy only opens tunnels",
        },
        Row {
            name: "http 2",
            client_sends: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            server_sends: &closing("400 Bad Request"),
            error: "connect[0]: saw the preface of an HTTP/2 client where an HTTP/1 request was wanted: the client speaks HTTP/2 without asking, and this port cannot",
        },
        Row {
            name: "tls",
            client_sends: "\x16\x03\x01",
            server_sends: &closing("400 Bad Request"),
            error: "connect[0]: saw TLS where an HTTP/1 request was wanted: the client begins TLS, and this port has none",
        },
        Row {
            name: "socks",
            client_sends: "\x05\x01\0",
            server_sends: &closing("400 Bad Request"),
            error: "connect[0]: saw SOCKS5 where an HTTP/1 request was wanted: the client takes this port for a SOCKS proxy",
        },
        Row {
            name: "a server",
            client_sends: "HTTP/1.1 200 OK\r\n\r\n",
            server_sends: &closing("400 Bad Request"),
            error: "connect[0]: saw an HTTP/1 response where an HTTP/1 request was wanted: the peer is a server too",
        },
        Row {
            name: "no method",
            client_sends: "\x1b[0m / HTTP/1.1\r\n\r\n",
            server_sends: &closing("400 Bad Request"),
            error: "connect[0]: not an HTTP/1 head: the request line is not a method, a target and a version",
        },
        Row {
            name: "a load balancer",
            client_sends: "PROXY TCP4 192.0.2.1 192.0.2.7 1 2\r\n",
            server_sends: &closing("400 Bad Request"),
            error: "connect[0]: saw a PROXY header where an HTTP/1 request was wanted: a load balancer sends it, and this port expects none",
        },
        Row {
            name: "two hosts",
            client_sends: "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nhost: a:1\r\n\r\n",
            server_sends: &closing("400 Bad Request"),
            error: "connect[0]: not an HTTP/1 head: more than one Host field",
        },
        Row {
            name: "a host that is none",
            client_sends: "CONNECT a:1 HTTP/1.1\r\nHost: a:1, b:1\r\n\r\n",
            server_sends: &closing("400 Bad Request"),
            error: "connect[0]: not an HTTP/1 head: the Host field is not a host",
        },
        Row {
            name: "folded",
            client_sends: "CONNECT a:1 HTTP/1.1\r\nA: b\r\n c\r\n\r\n",
            server_sends: &closing("400 Bad Request"),
            error: "connect[0]: not an HTTP/1 head: a header name is not a token",
        },
        Row {
            name: "content",
            client_sends: "CONNECT a:1 HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello",
            server_sends: &closing("400 Bad Request"),
            error: "connect[0]: the CONNECT announces content, which no CONNECT has",
        },
        Row {
            name: "chunked content",
            client_sends: "CONNECT a:1 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            server_sends: &closing("400 Bad Request"),
            error: "connect[0]: the CONNECT announces content, which no CONNECT has",
        },
    ] {
        let name = row.name;
        let seen = run(
            name,
            row.client_sends.as_bytes(),
            Then::StaysOpen,
            Server::new,
            accept,
        );
        assert_eq!(seen.wire, row.server_sends, "{name}");
        assert_eq!(seen.app_end, row.error, "{name}");
        assert_eq!((&*seen.wire_end, &*seen.app), ("finished", ""), "{name}");
    }
}

#[test]
fn pitfall_8_and_44_a_request_has_a_cap_in_bytes_and_in_fields() {
    let mut limits = Limits::default();
    (limits.head, limits.headers) = (50, 2);
    let server = || Server::new().with_limits(limits.clone());
    let long = format!("CONNECT a:1 HTTP/1.1\r\nA: {}", "x".repeat(50));
    struct Row<'a> {
        name: &'static str,
        client_sends: &'a str,
        error: &'static str,
    }
    for row in [
        Row {
            name: "bytes",
            client_sends: &long,
            error: "connect[0]: the head has more than 50 bytes, the limit",
        },
        Row {
            name: "fields",
            client_sends: "CONNECT a:1 HTTP/1.1\r\nA:\r\nB:\r\nC:\r\n\r\n",
            error: "connect[0]: the head has more than 2 header fields, the limit",
        },
    ] {
        let name = row.name;
        let seen = run(
            name,
            row.client_sends.as_bytes(),
            Then::StaysOpen,
            server,
            accept,
        );
        assert_eq!(
            seen.wire,
            closing("431 Request Header Fields Too Large"),
            "{name}"
        );
        assert_eq!(seen.app_end, row.error, "{name}");
    }
}

#[test]
fn a_client_that_leaves_is_an_error_with_what_was_awaited() {
    for (bytes, ended) in [("", "before"), ("CONNECT a:1 HTT", "after 15 bytes of")] {
        let found = run("cut", bytes.as_bytes(), Then::Finishes, Server::new, accept);
        let wanted = format!("connect[0]: the connection ended {ended} the CONNECT request");
        assert_eq!((&*found.wire, &*found.app_end), ("", &*wanted));
    }
}
