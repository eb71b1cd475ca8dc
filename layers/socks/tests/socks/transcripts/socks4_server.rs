//! The server of SOCKS4 and SOCKS4a, CONNECT, which serves SOCKS5 too.

use super::{Row, check};
use crate::kit::{self, Decision, server_of_all};
use wirestack_socks::{Reply, Server};

const WAITS: &[Row] = &[
    [
        "the version is not known yet",
        "",
        "",
        "",
        "opening, waiting for the greeting",
    ],
    [
        "a version",
        "04",
        "",
        "",
        "opening, waiting for the SOCKS4 request",
    ],
    [
        "a user id without an end",
        "04 01 0050 c0000207 'me'",
        "",
        "",
        "opening, waiting for the SOCKS4 request",
    ],
    [
        "a name without an end",
        "04 01 0050 00000001 'me' 00 'example.org'",
        "",
        "",
        "opening, waiting for the SOCKS4 request",
    ],
    [
        "a request is parked, and what is behind it too",
        "04 01 0050 c0000207 'me' 00 'hello'",
        "",
        "",
        "waiting for a decision on the CONNECT request",
    ],
    [
        "an abort is heeded while the application decides",
        "04 01 0050 c0000207 'me' 00!",
        "",
        "",
        "socket: reset",
    ],
];

const ACCEPTS: &[Row] = &[
    [
        "SOCKS4",
        "04 01 0050 c0000207 'me' 00 'hello'",
        "hello",
        "00 5a 1267 7f000001 'early'",
        "open",
    ],
    [
        "SOCKS4a, whatever the last byte",
        "04 01 01bb 000000ff 'me' 00 'example.org' 00 'hello'.",
        "hello",
        "00 5a 1267 7f000001 'early'",
        "finished",
    ],
    [
        "zeros are no sign of a name",
        "04 01 0050 00000000 'me' 00 'hello'",
        "hello",
        "00 5a 1267 7f000001 'early'",
        "open",
    ],
    [
        "neither is 0.0.1.1",
        "04 01 0050 00000101 'me' 00 'hello'",
        "hello",
        "00 5a 1267 7f000001 'early'",
        "open",
    ],
    [
        "SOCKS5 at the same port",
        "05 01 00  05 01 00 03 0b 'example.org' 01bb 'hello'",
        "hello",
        "05 00  05 00 00 01 7f000001 1267 'early'",
        "open",
    ],
    [
        "another protocol",
        "'GET / HTTP/1.1'",
        "",
        "",
        "socks[0]: the greeting has version 0x47, wanted 0x05",
    ],
    [
        "another user id",
        "04 01 0050 c0000207 'you' 00",
        "",
        "00 5d 0000 00000000",
        "socks[0]: the client sent a user id that is not accepted",
    ],
    [
        "an empty user id",
        "04 01 0050 c0000207 00",
        "",
        "00 5d 0000 00000000",
        "socks[0]: the client sent a user id that is not accepted",
    ],
    [
        "an unknown command",
        "04 04",
        "",
        "00 5b 0000 00000000",
        "socks[0]: the client sent command 0x04, which is not served",
    ],
    [
        "UDP ASSOCIATE, which SOCKS4 does not have",
        "04 03",
        "",
        "00 5b 0000 00000000",
        "socks[0]: the client sent command 0x03, which is not served",
    ],
    [
        "an empty name",
        "04 01 0050 00000001 'me' 00 00",
        "",
        "00 5b 0000 00000000",
        "socks[0]: a host name of 0 bytes, wanted 1 to 255",
    ],
    [
        "a name that is none",
        "04 01 0050 00000001 'me' 00 'a b' 00",
        "",
        "00 5b 0000 00000000",
        "socks[0]: a host name with ' ', wanted ASCII without separators (IDNA: A-labels)",
    ],
    [
        "finished before the version",
        ".",
        "",
        "",
        "socks[0]: the wire ended after 0 bytes of the greeting",
    ],
    [
        "finished in the user id",
        "04 01 0050 c0000207 'me'.",
        "",
        "",
        "socks[0]: the wire ended after 10 bytes of the SOCKS4 request",
    ],
    [
        "finished in the name",
        "04 01 0050 00000001 'me' 00 'exam'.",
        "",
        "",
        "socks[0]: the wire ended after 15 bytes of the SOCKS4 request",
    ],
];

const REJECTS: &[Row] = &[[
    "not allowed",
    "04 01 0050 c0000207 'me' 00",
    "",
    "00 5b 0000 00000000",
    "socks[0]: the request was rejected: connection not allowed by ruleset (reply 2)",
]];

const REJECTS_THE_USER: &[Row] = &[
    [
        "identd says otherwise",
        "04 01 0050 c0000207 'me' 00",
        "",
        "00 5d 0000 00000000",
        "socks[0]: the request was rejected: the user has another id (SOCKS4 reply 93)",
    ],
    [
        "SOCKS5 has no word for that",
        "05 01 00  05 01 00 01 c0000207 0050",
        "",
        "05 00  05 01 00 01 00000000 0000",
        "socks[0]: the request was rejected: the user has another id (SOCKS4 reply 93)",
    ],
];

const CONNECT_ALONE: &[Row] = &[[
    "BIND, which is not served",
    "04 02 0050 c0000207 'me' 00",
    "",
    "00 5b 0000 00000000",
    "socks[0]: the client sent command 0x02, which is not served",
]];

const WITH_PASSWORD: &[Row] = &[
    [
        "SOCKS4 comes in by its user id",
        "04 01 0050 c0000207 'me' 00 'hello'",
        "hello",
        "00 5a 1267 7f000001 'early'",
        "open",
    ],
    [
        "SOCKS5 by its password",
        "05 01 02  01 02 'me' 02 'pw'  05 01 00 01 7f000001 0050 'hello'",
        "hello",
        "05 02  01 00  05 00 00 01 7f000001 1267 'early'",
        "open",
    ],
    [
        "and not without",
        "05 01 00",
        "",
        "05 ff",
        "socks[0]: the client does not offer method 0x02, which is required",
    ],
];

const PASSWORD_ALONE: &[Row] = &[[
    "SOCKS4 does not come in",
    "04 01 0050 c0000207 'me' 00 'hello'",
    "",
    "",
    "socks[0]: the greeting has version 0x04, wanted 0x05",
]];

#[test]
fn a_server_of_socks4_whose_application_waits() {
    check(WAITS, Decision::Wait, server_of_all);
}

#[test]
fn a_server_of_socks4_whose_application_accepts() {
    check(ACCEPTS, Decision::Accept, server_of_all);
}

#[test]
fn a_server_of_socks4_whose_application_rejects() {
    check(REJECTS, Decision::Reject(Reply::NotAllowed), server_of_all);
    let user = Decision::Reject(Reply::Socks4(93));
    check(REJECTS_THE_USER, user, server_of_all);
}

#[test]
fn a_server_of_socks4_that_serves_connect_alone() {
    let server = || Server::new().with_socks4(|_| true);
    check(CONNECT_ALONE, Decision::Accept, server);
}

#[test]
fn a_server_with_a_password_and_socks4() {
    let server = || kit::server_with_password().with_socks4(|user| user == b"me");
    check(WITH_PASSWORD, Decision::Accept, server);
    check(PASSWORD_ALONE, Decision::Accept, kit::server_with_password);
}
