//! The client of SOCKS4 and SOCKS4a, CONNECT.

use super::{Row, check};
use crate::kit::{self, Decision};
use wirestack_socks::Client;

const SOCKS4: &[Row] = &[
    [
        "the request is all there is to say",
        "",
        "",
        "04 01 0050 c0000207 'me' 00",
        "opening, waiting for the reply to CONNECT",
    ],
    [
        "opened",
        "00 5a 1267 7f000001",
        "",
        "04 01 0050 c0000207 'me' 00 'early'",
        "open",
    ],
    [
        "opened, with bytes right behind",
        "00 5a 0000 00000000 'hello'",
        "hello",
        "04 01 0050 c0000207 'me' 00 'early'",
        "open",
    ],
    [
        "the end right behind the reply is the tunnel's",
        "00 5a 0000 00000000 'bye'.",
        "bye",
        "04 01 0050 c0000207 'me' 00 'early'",
        "finished",
    ],
    [
        "rejected or failed",
        "00 5b 0000 00000000",
        "",
        "04 01 0050 c0000207 'me' 00",
        "socks[0]: the proxy refused the request: request rejected or failed (SOCKS4 reply 91)",
    ],
    [
        "no identd, and cut short",
        "00 5c.",
        "",
        "04 01 0050 c0000207 'me' 00",
        "socks[0]: the proxy refused the request: \
         the proxy cannot reach identd at the client (SOCKS4 reply 92)",
    ],
    [
        "another user",
        "00 5d 0000 00000000",
        "",
        "04 01 0050 c0000207 'me' 00",
        "socks[0]: the proxy refused the request: the user has another id (SOCKS4 reply 93)",
    ],
    [
        "what SOCKS5 would call a success is none",
        "00 00",
        "",
        "04 01 0050 c0000207 'me' 00",
        "socks[0]: the proxy refused the request: unassigned (SOCKS4 reply 0)",
    ],
    [
        "the version of a reply is 0, and not 4",
        "04 5a 0000 00000000",
        "",
        "04 01 0050 c0000207 'me' 00",
        "socks[0]: the reply to CONNECT has version 0x04, wanted 0x00",
    ],
    [
        "a proxy of SOCKS5",
        "05 ff",
        "",
        "04 01 0050 c0000207 'me' 00",
        "socks[0]: the reply to CONNECT has version 0x05, wanted 0x00",
    ],
    [
        "finished in the reply",
        "00 5a 1267 7f00.",
        "",
        "04 01 0050 c0000207 'me' 00",
        "socks[0]: the wire ended after 6 bytes of the reply to CONNECT",
    ],
    [
        "aborted in the reply",
        "00 5a!",
        "",
        "04 01 0050 c0000207 'me' 00",
        "socket: reset",
    ],
];

const SOCKS4A: &[Row] = &[
    [
        "the name is behind the user id",
        "",
        "",
        "04 01 01bb 00000001 'me' 00 'example.org' 00",
        "opening, waiting for the reply to CONNECT",
    ],
    [
        "opened",
        "00 5a 1267 7f000001 'hello'",
        "hello",
        "04 01 01bb 00000001 'me' 00 'example.org' 00 'early'",
        "open",
    ],
    [
        "refused",
        "00 5b 0000 00000000",
        "",
        "04 01 01bb 00000001 'me' 00 'example.org' 00",
        "socks[0]: the proxy refused the request: request rejected or failed (SOCKS4 reply 91)",
    ],
];

const NOBODY: &[Row] = &[[
    "an empty user id",
    "00 5a 1267 7f000001 'hello'",
    "hello",
    "04 01 01bb 00000001 00 'example.org' 00 'early'",
    "open",
]];

#[test]
fn a_client_of_socks4() {
    let client = || Client::new(kit::address("192.0.2.7", 80)).socks4("me");
    check(SOCKS4, Decision::Wait, || client().unwrap());
}

#[test]
fn a_client_of_socks4a() {
    let client = || kit::client().socks4("me").unwrap();
    check(SOCKS4A, Decision::Wait, client);
}

#[test]
fn a_client_of_socks4a_that_is_nobody() {
    check(NOBODY, Decision::Wait, || kit::client().socks4("").unwrap());
}
