//! Failures of HTTP proxies.

use super::*;

fn proxy() -> Dial {
    to("wss://example.org/chat").via("http://proxy.test:3128")
}

fn with_password() -> Dial {
    to("wss://example.org/chat").via("http://me:hunter2@proxy.test:3128")
}

const SQUID: &str = "<!DOCTYPE html PUBLIC \"-//W3C//DTD HTML 4.01//EN\"><html><head>\
    <title>ERROR: The requested URL could not be retrieved</title><style>p{}</style></head>\
    <body><p>Access Denied.</p></body></html>";

#[test]
fn refusals_of_http_proxies_read_well() {
    check(vec![
        Failure {
            peer: "squid",
            does: "refuses by its rules",
            dial: proxy(),
            moves: answer(
                "403 Forbidden\nServer: squid/5.7\nX-Squid-Error: ERR_ACCESS_DENIED 0\n\
                 Content-Type: text/html\nVia: 1.1 proxy (squid/5.7)",
                SQUID,
            ),
            text: "hop 1 (http://proxy.test:3128): connect[0]: refused CONNECT example.org:443: 403 Forbidden (X-Squid-Error: ERR_ACCESS_DENIED 0): \"ERROR: The requested URL could not be retrieved\": the rules of the proxy forbid it",
        },
        Failure {
            peer: "squid",
            does: "finds no such name",
            dial: proxy(),
            moves: answer(
                "503 Service Unavailable\nX-Squid-Error: ERR_DNS_FAIL 0",
                SQUID,
            ),
            text: "hop 1 (http://proxy.test:3128): connect[0]: refused CONNECT example.org:443: 503 Service Unavailable (X-Squid-Error: ERR_DNS_FAIL 0): \"ERROR: The requested URL could not be retrieved\": the proxy could not reach it",
        },
        Failure {
            peer: "an HTTP proxy",
            does: "does not reach the target",
            dial: proxy(),
            moves: answer("502 Bad Gateway", "upstream connect error\n"),
            text: "hop 1 (http://proxy.test:3128): connect[0]: refused CONNECT example.org:443: 502 Bad Gateway: \"upstream connect error\": the proxy could not reach it",
        },
        Failure {
            peer: "an HTTP proxy",
            does: "waits too long for the target",
            dial: proxy(),
            moves: answer("504 Gateway Timeout", ""),
            text: "hop 1 (http://proxy.test:3128): connect[0]: refused CONNECT example.org:443: 504 Gateway Timeout: the proxy could not reach it",
        },
        Failure {
            peer: "an HTTP proxy",
            does: "has a reason in Latin-1",
            dial: proxy(),
            moves: vec![says(
                b"HTTP/1.1 403 Zugriff gesch\xfctzt\r\nContent-Length: 0\r\n\r\n",
            )],
            text: "hop 1 (http://proxy.test:3128): connect[0]: refused CONNECT example.org:443: 403 Zugriff geschützt: the rules of the proxy forbid it",
        },
        Failure {
            peer: "a captive portal",
            does: "sends to its login page",
            dial: proxy(),
            moves: answer(
                "302 Found\nLocation: https://me:hunter2@login.corp/?t=hunter2",
                "",
            ),
            text: "hop 1 (http://proxy.test:3128): connect[0]: refused CONNECT example.org:443: 302 Found (Location: https://login.corp/): the proxy wants a login on that page first, or this is no proxy",
        },
        Failure {
            peer: "a web server",
            does: "is taken for a proxy",
            dial: proxy(),
            moves: answer("405 Method Not Allowed\nAllow: GET, HEAD", ""),
            text: "hop 1 (http://proxy.test:3128): connect[0]: refused CONNECT example.org:443: 405 Method Not Allowed (Allow: GET, HEAD): this server is no proxy for CONNECT",
        },
    ]);
}

#[test]
fn proxies_that_want_a_password_read_well() {
    let challenge = |schemes: &str| {
        let head = format!("407 Proxy Authentication Required\n{schemes}\nConnection: close");
        answer(&head, "")
    };
    let basic = "Proxy-Authenticate: Basic realm=\"corp\"";
    let digest = "Proxy-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\"";
    let twice =
        |schemes: &str| [challenge(schemes), vec![Move::Again], challenge(schemes)].concat();
    check(vec![
        Failure {
            peer: "an HTTP proxy",
            does: "wants a password, and there is none",
            dial: proxy(),
            moves: challenge(basic),
            text: "hop 1 (http://proxy.test:3128): connect[0]: refused CONNECT example.org:443: 407 Proxy Authentication Required: it offered Basic, and there is no user and no password: give them, as in http://user:password@proxy",
        },
        Failure {
            peer: "an HTTP proxy",
            does: "refuses the password",
            dial: with_password(),
            moves: challenge(basic),
            text: "hop 1 (http://proxy.test:3128): connect[0]: refused CONNECT example.org:443: 407 Proxy Authentication Required: it refused the user or the password (Basic)",
        },
        Failure {
            peer: "an HTTP proxy",
            does: "refuses the password by Digest",
            dial: with_password(),
            moves: twice(digest),
            text: "hop 1 (http://proxy.test:3128): connect[0]: refused CONNECT example.org:443: 407 Proxy Authentication Required: it refused the user or the password (Digest)",
        },
        Failure {
            peer: "an HTTP proxy",
            does: "offers Negotiate and a scheme of its own only",
            dial: with_password(),
            moves: challenge("Proxy-Authenticate: Negotiate\nProxy-Authenticate: Corp"),
            text: "hop 1 (http://proxy.test:3128): connect[0]: refused CONNECT example.org:443: 407 Proxy Authentication Required: it offers Negotiate and Corp: Negotiate is off: `Hop::default_credentials` sends the ticket of the user (feature `negotiate`), `Kerberos` gets one from a password (feature `kerberos`); Corp is not spoken here",
        },
        Failure {
            peer: "an HTTP proxy",
            does: "offers a scheme of its own only",
            dial: with_password(),
            moves: challenge("Proxy-Authenticate: Corp x=y"),
            text: "hop 1 (http://proxy.test:3128): connect[0]: refused CONNECT example.org:443: 407 Proxy Authentication Required: it offered Corp, and only Basic, Digest and NTLM are spoken here: `Hop::authenticator` takes others",
        },
        Failure {
            peer: "tinyproxy",
            does: "answers a wrong password with 401",
            dial: with_password(),
            moves: answer(
                "401 Unauthorized\nWWW-Authenticate: Basic realm=\"tinyproxy\"",
                "<html><title>401 Unauthorized</title>",
            ),
            text: "hop 1 (http://proxy.test:3128): connect[0]: refused CONNECT example.org:443: 401 Unauthorized (WWW-Authenticate: Basic): the proxy wants another user or password, as in http://user:password@proxy",
        },
    ]);
}

#[test]
fn other_protocols_where_an_http_proxy_was_wanted_read_well() {
    let row = |peer: &'static str, bytes: &[u8], text: &'static str| Failure {
        peer,
        does: "is taken for an HTTP proxy",
        dial: proxy(),
        moves: vec![says(bytes), Move::Ends],
        text,
    };
    check(vec![
        row(
            "a TLS server",
            b"\x15\x03\x03\x00\x02\x02\x0a",
            "hop 1 (http://proxy.test:3128): connect[0]: saw TLS where an HTTP/1 response was wanted: this port speaks TLS, use https:// or wss://",
        ),
        row(
            "a SOCKS5 proxy",
            b"\x05\xff",
            "hop 1 (http://proxy.test:3128): connect[0]: saw SOCKS5 where an HTTP/1 response was wanted: this is a SOCKS proxy, use socks5h:// or socks4a://",
        ),
        row(
            "a SOCKS4 proxy",
            b"\x00\x5b\0\0\0\0\0\0",
            "hop 1 (http://proxy.test:3128): connect[0]: saw a SOCKS4 reply where an HTTP/1 response was wanted: this is a SOCKS proxy, use socks5h:// or socks4a://",
        ),
        row(
            "an HTTP/2 server",
            b"\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0\x64",
            "hop 1 (http://proxy.test:3128): connect[0]: saw an HTTP/2 SETTINGS frame where an HTTP/1 response was wanted: this port speaks HTTP/2 only",
        ),
        row(
            "an SSH server",
            b"SSH-2.0-OpenSSH_9.6\r\n",
            "hop 1 (http://proxy.test:3128): connect[0]: saw the greeting of SSH where an HTTP/1 response was wanted: this is the port of another service",
        ),
        row(
            "a mail server",
            b"220 mail.test ESMTP\r\n",
            "hop 1 (http://proxy.test:3128): connect[0]: saw the greeting of a mail or FTP server (220) where an HTTP/1 response was wanted: this is the port of another service",
        ),
        row(
            "a client",
            b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
            "hop 1 (http://proxy.test:3128): connect[0]: saw an HTTP/1 request where an HTTP/1 response was wanted: the peer is a client too",
        ),
        row(
            "a load balancer",
            b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
            "hop 1 (http://proxy.test:3128): connect[0]: saw a PROXY header where an HTTP/1 response was wanted: the peer is a load balancer",
        ),
        row(
            "a web page",
            b"<!DOCTYPE html><title>Login</title>",
            "hop 1 (http://proxy.test:3128): connect[0]: saw the beginning of a web page (HTML or XML) where an HTTP/1 response was wanted: something between answers for the server",
        ),
        row(
            "junk",
            b"\x1b[2Jxyz",
            "hop 1 (http://proxy.test:3128): connect[0]: saw the byte 0x1b where an HTTP/1 response was wanted",
        ),
        row(
            "a host that closes",
            b"",
            "hop 1 (http://proxy.test:3128): connect[0]: the connection ended before the CONNECT response",
        ),
        row(
            "an HTTP/1.1 server of the future",
            b"HTTP/3.0 200 OK\r\n\r\n",
            "hop 1 (http://proxy.test:3128): connect[0]: not an HTTP/1 head: the version is not HTTP/1.0 or HTTP/1.1",
        ),
        row(
            "a cut head",
            b"HTTP/1.1 200 OK\r\nA: b",
            "hop 1 (http://proxy.test:3128): connect[0]: the connection ended after 21 bytes of the CONNECT response",
        ),
        row(
            "a switcher",
            b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
            "hop 1 (http://proxy.test:3128): connect[0]: CONNECT was answered with 101 where a 2xx was wanted",
        ),
    ]);
}

#[test]
fn a_portal_in_a_tunnel_reads_well() {
    check(vec![Failure {
        peer: "a captive portal",
        does: "answers CONNECT with 200 and a page",
        dial: proxy(),
        moves: vec![
            says(
                "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<!DOCTYPE html><title>Login</title>",
            ),
            Move::Ends,
        ],
        text: "target (wss://example.org:443/chat): tls[1]: saw the beginning of a web page (HTML or XML) where a TLS record was wanted: something between answers for the server",
    }]);
}

#[test]
fn the_samples_of_the_documents_are_texts_that_peers_produce() {
    let readme = include_str!("../../../../../README.md");
    let errors = include_str!("../../../../../docs/internals/errors.md");
    let opens = says(b"\x05\x00\x00\x01\0\0\0\0\0\0");
    let challenge = "407 Proxy Authentication Required\nProxy-Authenticate: Basic realm=\"corp\"";
    let moves = [vec![says(b"\x05\x00"), opens], answer(challenge, "")].concat();
    let gate = || to("wss://example.org/chat").via("socks5h://gate.test");
    for text in [
        gate().via("http://proxy.test:3128").run(moves),
        gate().run(vec![]),
    ] {
        let sample = format!("\n{text}\n");
        assert!(
            readme.contains(&sample) && errors.contains(&sample),
            "{text}"
        );
    }
}
