//! The server of SOCKS5, CONNECT.

use super::{Row, check};
use crate::kit::{self, Decision};
use wirestack_socks::{Reply, Server};

const SERVER_THAT_WAITS: &[Row] = &[
    [
        "nothing yet",
        "",
        "",
        "",
        "opening, waiting for the greeting",
    ],
    [
        "a greeting",
        "05 02 00 02",
        "",
        "05 00",
        "opening, waiting for the request",
    ],
    [
        "a request is parked, and what is behind it too",
        "05 01 00  05 01 00 03 0b 'example.org' 01bb 'hello'",
        "",
        "05 00",
        "waiting for a decision on the CONNECT request",
    ],
    [
        "half of the connection may end while the application decides",
        "05 01 00  05 01 00 03 0b 'example.org' 01bb 'hello'.",
        "",
        "05 00",
        "waiting for a decision on the CONNECT request",
    ],
    [
        "an abort is heeded while the application decides",
        "05 01 00  05 01 00 03 0b 'example.org' 01bb!",
        "",
        "05 00",
        "socket: reset",
    ],
];

const SERVER_THAT_ACCEPTS: &[Row] = &[
    [
        "a name",
        "05 01 00  05 01 00 03 0b 'example.org' 01bb 'hello'",
        "hello",
        "05 00  05 00 00 01 7f000001 1267 'early'",
        "open",
    ],
    [
        "IPv4",
        "05 02 00 01  05 01 00 01 7f000001 0050",
        "",
        "05 00  05 00 00 01 7f000001 1267 'early'",
        "open",
    ],
    [
        "IPv6, reserved bytes are not looked at",
        "05 02 00 01  05 01 01 04 00000000000000000000000000000001 0050 'hello'.",
        "hello",
        "05 00  05 00 00 01 7f000001 1267 'early'",
        "finished",
    ],
    [
        "SOCKS4",
        "04 01 0050 7f000001 00",
        "",
        "",
        "socks[0]: the greeting has version 0x04, wanted 0x05",
    ],
    [
        "no methods",
        "05 00",
        "",
        "05 ff",
        "socks[0]: the client does not offer method 0x00, which is required",
    ],
    [
        "other methods",
        "05 02 01 02",
        "",
        "05 ff",
        "socks[0]: the client does not offer method 0x00, which is required",
    ],
    [
        "BIND",
        "05 01 00  05 02 00 01 7f000001 0050",
        "",
        "05 00  05 07 00 01 00000000 0000",
        "socks[0]: the client sent command 0x02, which is not served",
    ],
    [
        "UDP ASSOCIATE",
        "05 01 00  05 03",
        "",
        "05 00  05 07 00 01 00000000 0000",
        "socks[0]: the client sent command 0x03, which is not served",
    ],
    [
        "an unknown address type",
        "05 01 00  05 01 00 05",
        "",
        "05 00  05 08 00 01 00000000 0000",
        "socks[0]: address type 0x05, wanted 0x01, 0x03 or 0x04",
    ],
    [
        "an empty name",
        "05 01 00  05 01 00 03 00 0050",
        "",
        "05 00  05 01 00 01 00000000 0000",
        "socks[0]: a host name of 0 bytes, wanted 1 to 255",
    ],
    [
        "a name that a resolver written in C would cut short",
        "05 01 00  05 01 00 03 06 'good' 00 'x' 0050",
        "",
        "05 00  05 01 00 01 00000000 0000",
        r"socks[0]: a host name with '\0', wanted ASCII without separators (IDNA: A-labels)",
    ],
    [
        "a name that is not UTF-8",
        "05 01 00  05 01 00 03 02 ff61 0050",
        "",
        "05 00  05 01 00 01 00000000 0000",
        "socks[0]: a host name with '\u{fffd}', wanted ASCII without separators (IDNA: A-labels)",
    ],
    [
        "a request of another version",
        "05 01 00  04",
        "",
        "05 00",
        "socks[0]: the request has version 0x04, wanted 0x05",
    ],
    [
        "finished in the request",
        "05 01 00  05 01 00.",
        "",
        "05 00",
        "socks[0]: the wire ended after 3 bytes of the request",
    ],
    ["aborted in the greeting", "05!", "", "", "socket: reset"],
];

const SERVER_THAT_REJECTS: &[Row] = &[[
    "not allowed",
    "05 01 00  05 01 00 03 0b 'example.org' 01bb",
    "",
    "05 00  05 02 00 01 00000000 0000",
    "socks[0]: the request was rejected: connection not allowed by ruleset (reply 2)",
]];

const SERVER_WITH_PASSWORD: &[Row] = &[
    [
        "the right password",
        "05 02 00 02  01 02 'me' 02 'pw'  05 01 00 01 7f000001 0050 'hello'",
        "hello",
        "05 02  01 00  05 00 00 01 7f000001 1267 'early'",
        "open",
    ],
    [
        "a wrong password",
        "05 01 02  01 02 'me' 02 'no'",
        "",
        "05 02  01 01",
        "socks[0]: the client sent a wrong user name or password",
    ],
    [
        "an empty user name",
        "05 01 02  01 00 02 'pw'",
        "",
        "05 02  01 01",
        "socks[0]: the client sent an empty user name or password, wanted 1 to 255 bytes",
    ],
    [
        "an empty password",
        "05 01 02  01 02 'me' 00",
        "",
        "05 02  01 01",
        "socks[0]: the client sent an empty user name or password, wanted 1 to 255 bytes",
    ],
    [
        "no password offered",
        "05 01 00",
        "",
        "05 ff",
        "socks[0]: the client does not offer method 0x02, which is required",
    ],
    [
        "the request instead of the password",
        "05 01 02  05 01 00 01",
        "",
        "05 02",
        "socks[0]: the password has version 0x05, wanted 0x01",
    ],
    [
        "finished in the password",
        "05 01 02  01 02 'me' 02.",
        "",
        "05 02",
        "socks[0]: the wire ended after 5 bytes of the password",
    ],
];

#[test]
fn a_server_whose_application_waits() {
    check(SERVER_THAT_WAITS, Decision::Wait, Server::new);
}

#[test]
fn a_server_whose_application_accepts() {
    check(SERVER_THAT_ACCEPTS, Decision::Accept, Server::new);
}

#[test]
fn a_server_whose_application_rejects() {
    let decision = Decision::Reject(Reply::NotAllowed);
    check(SERVER_THAT_REJECTS, decision, Server::new);
}

#[test]
fn a_server_with_a_password() {
    check(
        SERVER_WITH_PASSWORD,
        Decision::Accept,
        kit::server_with_password,
    );
}
