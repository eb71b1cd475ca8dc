//! The texts of errors, and the other words that users read.

use crate::kit::{self, Side, address, bytes_and_end};
use wirestack_layer::{Flow, Layer, Pipe};
use wirestack_socks::{Client, Server, Version};

/// The first bytes of a peer, and the error of a side that reads them.
const OTHERS_OF_A_PROXY: &[(&str, &str)] = &[
    (
        "16 03",
        "saw TLS where the choice of a method of SOCKS5 was wanted: this port speaks TLS, and SOCKS has none",
    ),
    (
        "00 00 12 04 00 00 00 00 00",
        "saw an HTTP/2 SETTINGS frame where the choice of a method of SOCKS5 was wanted: this port speaks HTTP/2, use h2c://",
    ),
    (
        "00 5b",
        "saw a SOCKS4 reply where the choice of a method of SOCKS5 was wanted: the proxy speaks SOCKS4 only, use socks4a://",
    ),
    (
        "'SSH-'",
        "saw the greeting of SSH where the choice of a method of SOCKS5 was wanted: this is the port of another service",
    ),
    (
        "'220 '",
        "saw the greeting of a mail or FTP server (220) where the choice of a method of SOCKS5 was wanted: this is the port of another service",
    ),
    (
        "'* OK'",
        "saw the greeting of an IMAP server where the choice of a method of SOCKS5 was wanted: this is the port of another service",
    ),
    (
        "'+OK'",
        "saw the greeting of a POP3 server where the choice of a method of SOCKS5 was wanted: this is the port of another service",
    ),
    (
        "'<!'",
        "saw the beginning of a web page (HTML or XML) where the choice of a method of SOCKS5 was wanted",
    ),
    (
        ".",
        "the connection ended before the choice of a method: it may speak SOCKS4 only, or no SOCKS at all",
    ),
    (
        "05.",
        "the connection ended after 1 bytes of the choice of a method",
    ),
];

const OTHERS_OF_A_SOCKS4_PROXY: &[(&str, &str)] = &[
    (
        ".",
        "the connection ended before the SOCKS4 reply: it may speak SOCKS5 only, use socks5h://",
    ),
    (
        "00.",
        "the connection ended after 1 bytes of the SOCKS4 reply",
    ),
];

const OTHERS_OF_A_CLIENT: &[(&str, &str)] = &[
    (
        "16 03",
        "saw TLS where the greeting of SOCKS5 was wanted: the client begins TLS, and this port has none",
    ),
    (
        "'PRI * HTTP/2'",
        "saw the preface of an HTTP/2 client where the greeting of SOCKS5 was wanted: the client speaks HTTP/2",
    ),
    (
        "'PROXY '",
        "saw a PROXY header where the greeting of SOCKS5 was wanted: a load balancer sends it, and this port expects none",
    ),
    (".", "the connection ended before the greeting"),
];

#[test]
fn a_peer_that_speaks_another_protocol_is_named_with_advice() {
    check(OTHERS_OF_A_PROXY, kit::client);
    check(OTHERS_OF_A_SOCKS4_PROXY, || {
        kit::client().socks4("me").unwrap()
    });
    check(OTHERS_OF_A_CLIENT, Server::new);
}

fn check<L>(rows: &[(&str, &str)], layer: impl Fn() -> L)
where
    L: Layer<In = Pipe, Out = Pipe> + 'static,
{
    for (sent, text) in rows {
        let mut side = Side::new(layer());
        let (sent, end) = bytes_and_end(sent);
        side.process();
        side.receive(&sent);
        if end.is_some() {
            side.from_wire.finish();
            side.process();
        }
        assert_eq!(side.outcome(), format!("socks[0]: {text}"));
    }
}

#[test]
fn both_sides_have_the_name_of_the_layer_in_traces() {
    assert_eq!(kit::client().name(), "socks");
    assert_eq!(Server::new().name(), "socks");
}

#[test]
fn hosts_and_versions_show_as_users_write_them() {
    for (host, shown) in [
        ("[::1]", "::1"),
        ("192.0.2.7", "192.0.2.7"),
        ("a.test", "a.test"),
    ] {
        assert_eq!(address(host, 80).host().to_string(), shown);
    }
    assert_eq!(Version::Socks4.to_string(), "SOCKS4");
    assert_eq!(Version::Socks5.to_string(), "SOCKS5");
}

#[test]
fn what_a_client_cannot_send_is_said_before_anything_is_sent() {
    let long = "x".repeat(256);
    let name = || Client::new(address("example.org", 443));
    let password = |user: &str, password: &str| name().with_password(user, password).unwrap_err();
    for (error, text) in [
        (
            password(&long, "p"),
            "a user name of 256 bytes, wanted at most 255",
        ),
        (
            password("u", &long),
            "a password that is too long, wanted at most 255 bytes",
        ),
        (
            name()
                .socks4("me")
                .unwrap()
                .with_password("u", "p")
                .unwrap_err(),
            "a password for SOCKS4, which cannot send one: use SOCKS5 (socks5h://)",
        ),
    ] {
        assert_eq!(error.to_string(), text);
    }
    let socks4 = |client: Client, user: &str| client.socks4(user).unwrap_err();
    for (error, text) in [
        (
            socks4(Client::new(address("::1", 443)), ""),
            "SOCKS4 cannot ask for an IPv6 address, only for IPv4 or a name: use SOCKS5 (socks5h://)",
        ),
        (
            socks4(Client::new(address("0.0.0.1", 443)), ""),
            "SOCKS4 cannot ask for the IPv4 address 0.0.0.1, which announces a name in SOCKS4a: use \
             SOCKS5 (socks5h://)",
        ),
        (
            socks4(Client::associate(address("0.0.0.0", 0)), ""),
            "SOCKS4 has no UDP ASSOCIATE, only CONNECT and BIND: use SOCKS5 (socks5h://)",
        ),
        (
            socks4(name(), "m\0e"),
            "a user id with a NUL, wanted one without",
        ),
        (
            socks4(name(), &long),
            "a user id of 256 bytes, wanted at most 255",
        ),
        (
            socks4(name().with_password("u", "p").unwrap(), ""),
            "a password, which SOCKS4 cannot send: use SOCKS5 (socks5h://)",
        ),
    ] {
        assert_eq!(error.to_string(), text);
    }
    let longest = "x".repeat(255);
    assert!(name().with_password(&longest, &longest).is_ok());
    assert!(name().socks4(&longest).is_ok());
}
