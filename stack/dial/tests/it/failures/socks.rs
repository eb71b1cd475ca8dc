//! Failures of SOCKS proxies.

use super::*;

fn socks5() -> Dial {
    to("ws://example.org/chat").via("socks5h://gate.test")
}

fn with_password() -> Dial {
    to("ws://example.org/chat").via("socks5h://me:hunter2@gate.test")
}

fn socks4() -> Dial {
    to("ws://example.org/chat").via("socks4a://gate.test")
}

#[test]
fn refusals_of_socks5_proxies_read_well() {
    let refuses = |code: u8| vec![says(b"\x05\x00"), says([5, code, 0, 1, 0, 0, 0, 0, 0, 0])];
    let row = |code: u8, does: &'static str, text: &'static str| Failure {
        peer: "a SOCKS5 proxy",
        does,
        dial: socks5(),
        moves: refuses(code),
        text,
    };
    check(vec![
        row(
            1,
            "fails",
            "hop 1 (socks5h://gate.test:1080): socks[0]: the proxy refused CONNECT example.org:80: general failure of the proxy (reply 1)",
        ),
        row(
            2,
            "refuses by its rules",
            "hop 1 (socks5h://gate.test:1080): socks[0]: the proxy refused CONNECT example.org:80: not allowed by the rules of the proxy (reply 2)",
        ),
        row(
            3,
            "has no network",
            "hop 1 (socks5h://gate.test:1080): socks[0]: the proxy refused CONNECT example.org:80: network unreachable (reply 3)",
        ),
        row(
            4,
            "does not reach the host",
            "hop 1 (socks5h://gate.test:1080): socks[0]: the proxy refused CONNECT example.org:80: host unreachable (reply 4)",
        ),
        row(
            5,
            "is refused by the target",
            "hop 1 (socks5h://gate.test:1080): socks[0]: the proxy refused CONNECT example.org:80: connection refused (reply 5)",
        ),
        row(
            6,
            "has no time left",
            "hop 1 (socks5h://gate.test:1080): socks[0]: the proxy refused CONNECT example.org:80: TTL expired (reply 6)",
        ),
        row(
            7,
            "has no CONNECT",
            "hop 1 (socks5h://gate.test:1080): socks[0]: the proxy refused CONNECT example.org:80: command not supported (reply 7)",
        ),
        row(
            8,
            "takes no names",
            "hop 1 (socks5h://gate.test:1080): socks[0]: the proxy refused CONNECT example.org:80: address type not supported (reply 8)",
        ),
        row(
            99,
            "sends a code of its own",
            "hop 1 (socks5h://gate.test:1080): socks[0]: the proxy refused CONNECT example.org:80: a reason that no standard defines (reply 99)",
        ),
    ]);
}

#[test]
fn other_failures_of_socks5_proxies_read_well() {
    check(vec![
        Failure {
            peer: "a SOCKS5 proxy",
            does: "wants a password",
            dial: socks5(),
            moves: vec![says(b"\x05\xff")],
            text: "hop 1 (socks5h://gate.test:1080): socks[0]: the proxy accepts no client without a user name and a password, and there are none: give them, as in socks5h://user:password@proxy",
        },
        Failure {
            peer: "a SOCKS5 proxy",
            does: "wants GSSAPI",
            dial: with_password(),
            moves: vec![says(b"\x05\xff")],
            text: "hop 1 (socks5h://gate.test:1080): socks[0]: the proxy accepts no client by a user name and a password, nor without: it may want GSSAPI, which is not spoken here",
        },
        Failure {
            peer: "a SOCKS5 proxy",
            does: "chooses GSSAPI",
            dial: with_password(),
            moves: vec![says(b"\x05\x01")],
            text: "hop 1 (socks5h://gate.test:1080): socks[0]: the proxy chose GSSAPI (method 0x01), which was not offered",
        },
        Failure {
            peer: "a SOCKS5 proxy",
            does: "refuses the password",
            dial: with_password(),
            moves: vec![says(b"\x05\x02"), says(b"\x01\x01"), Move::Ends],
            text: "hop 1 (socks5h://gate.test:1080): socks[0]: the proxy refused the user name or the password (status 1)",
        },
        Failure {
            peer: "a SOCKS5 proxy",
            does: "closes at the greeting",
            dial: socks5(),
            moves: vec![says(b""), Move::Ends],
            text: "hop 1 (socks5h://gate.test:1080): socks[0]: the connection ended before the choice of a method: it may speak SOCKS4 only, or no SOCKS at all",
        },
        Failure {
            peer: "a SOCKS5 proxy",
            does: "closes in its reply",
            dial: socks5(),
            moves: vec![says(b"\x05\x00"), says(b"\x05\x00\x00\x01"), Move::Ends],
            text: "hop 1 (socks5h://gate.test:1080): socks[0]: the connection ended after 4 bytes of the reply to CONNECT",
        },
        Failure {
            peer: "a SOCKS5 proxy",
            does: "has an odd type of address",
            dial: socks5(),
            moves: vec![says(b"\x05\x00"), says(b"\x05\x00\x00\x09\x01\x02")],
            text: "hop 1 (socks5h://gate.test:1080): socks[0]: the peer sent the address type 0x09, wanted 0x01 (IPv4), 0x03 (a name) or 0x04 (IPv6)",
        },
        Failure {
            peer: "a SOCKS5 proxy",
            does: "changes the version",
            dial: socks5(),
            moves: vec![says(b"\x05\x00"), says(b"\x04\x00\x00\x01")],
            text: "hop 1 (socks5h://gate.test:1080): socks[0]: the reply to CONNECT has version 0x04, wanted 0x05",
        },
        Failure {
            peer: "a SOCKS4 proxy",
            does: "is asked in SOCKS5",
            dial: socks5(),
            moves: vec![says(b"\x00\x5b\0\0\0\0\0\0"), Move::Ends],
            text: "hop 1 (socks5h://gate.test:1080): socks[0]: saw a SOCKS4 reply where the choice of a method of SOCKS5 was wanted: the proxy speaks SOCKS4 only, use socks4a://",
        },
        Failure {
            peer: "an HTTP proxy",
            does: "is taken for a SOCKS proxy",
            dial: socks5(),
            moves: vec![says("HTTP/1.1 400 Bad Request\r\n\r\n"), Move::Ends],
            text: "hop 1 (socks5h://gate.test:1080): socks[0]: saw an HTTP/1 response where the choice of a method of SOCKS5 was wanted: this is an HTTP proxy or a web server, use http://",
        },
        Failure {
            peer: "a TLS server",
            does: "is taken for a SOCKS proxy",
            dial: socks5(),
            moves: vec![says(b"\x15\x03\x03\x00\x02\x02\x0a"), Move::Ends],
            text: "hop 1 (socks5h://gate.test:1080): socks[0]: saw TLS where the choice of a method of SOCKS5 was wanted: this port speaks TLS, and SOCKS has none",
        },
        Failure {
            peer: "an SSH server",
            does: "is taken for a SOCKS proxy",
            dial: socks5(),
            moves: vec![also("SSH-2.0-OpenSSH_9.6\r\n")],
            text: "hop 1 (socks5h://gate.test:1080): socks[0]: saw the greeting of SSH where the choice of a method of SOCKS5 was wanted: this is the port of another service",
        },
    ]);
}

#[test]
fn failures_of_socks4_proxies_read_well() {
    check(vec![
        Failure {
            peer: "a SOCKS4 proxy",
            does: "refuses",
            dial: socks4(),
            moves: vec![says(b"\x00\x5b\0\0\0\0\0\0")],
            text: "hop 1 (socks4a://gate.test:1080): socks[0]: the proxy refused CONNECT example.org:80: rejected or failed (SOCKS4 reply 91)",
        },
        Failure {
            peer: "a SOCKS4 proxy",
            does: "finds no identd",
            dial: socks4(),
            moves: vec![says(b"\x00\x5c\0\0\0\0\0\0")],
            text: "hop 1 (socks4a://gate.test:1080): socks[0]: the proxy refused CONNECT example.org:80: the proxy cannot reach identd at the client (SOCKS4 reply 92)",
        },
        Failure {
            peer: "a SOCKS4 proxy",
            does: "knows another user",
            dial: socks4(),
            moves: vec![says(b"\x00\x5d\0\0\0\0\0\0")],
            text: "hop 1 (socks4a://gate.test:1080): socks[0]: the proxy refused CONNECT example.org:80: identd or the proxy knows the user by another id (SOCKS4 reply 93)",
        },
        Failure {
            peer: "a SOCKS5 proxy",
            does: "is asked in SOCKS4",
            dial: socks4(),
            moves: vec![says(b"\x05\xff"), Move::Ends],
            text: "hop 1 (socks4a://gate.test:1080): socks[0]: saw SOCKS5 where the SOCKS4 reply was wanted: the proxy speaks SOCKS5 only, use socks5h://",
        },
        Failure {
            peer: "a SOCKS5 proxy",
            does: "closes at SOCKS4",
            dial: socks4(),
            moves: vec![says(b""), Move::Ends],
            text: "hop 1 (socks4a://gate.test:1080): socks[0]: the connection ended before the SOCKS4 reply: it may speak SOCKS5 only, use socks5h://",
        },
        Failure {
            peer: "a SOCKS4 proxy",
            does: "is asked for IPv6",
            dial: to("ws://[2001:db8::1]/").via("socks4a://gate.test"),
            moves: vec![],
            text: "route: hop 1 (socks4a://gate.test:1080): socks: SOCKS4 cannot ask for an IPv6 address, only for IPv4 or a name: use SOCKS5 (socks5h://)",
        },
    ]);
}
