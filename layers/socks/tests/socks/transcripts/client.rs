//! The client of SOCKS5, CONNECT.

use super::{Row, check};
use crate::kit::{self, Decision};

const CLIENT: &[Row] = &[
    [
        "nothing yet",
        "",
        "",
        "05 01 00",
        "opening, waiting for the choice of a method",
    ],
    [
        "a method",
        "05 00",
        "",
        "05 01 00  05 01 00 03 0b 'example.org' 01bb",
        "opening, waiting for the reply to CONNECT",
    ],
    [
        "opened, IPv4",
        "05 00  05 00 00 01 7f000001 1267",
        "",
        "05 01 00  05 01 00 03 0b 'example.org' 01bb 'early'",
        "open",
    ],
    [
        "opened, IPv6, with bytes right behind",
        "05 00  05 00 00 04 00000000000000000000000000000001 1267 'hello'",
        "hello",
        "05 01 00  05 01 00 03 0b 'example.org' 01bb 'early'",
        "open",
    ],
    [
        "opened, a name",
        "05 00  05 00 00 03 03 'a.b' 1267 'hello'",
        "hello",
        "05 01 00  05 01 00 03 0b 'example.org' 01bb 'early'",
        "open",
    ],
    [
        "reserved bytes are not looked at",
        "05 00  05 00 ff 01 7f000001 1267",
        "",
        "05 01 00  05 01 00 03 0b 'example.org' 01bb 'early'",
        "open",
    ],
    [
        "the end right behind the reply is the tunnel's",
        "05 00  05 00 00 01 7f000001 1267 'bye'.",
        "bye",
        "05 01 00  05 01 00 03 0b 'example.org' 01bb 'early'",
        "finished",
    ],
    [
        "an abort right behind the reply is the tunnel's",
        "05 00  05 00 00 01 7f000001 1267 'bye'!",
        "bye",
        "05 01 00  05 01 00 03 0b 'example.org' 01bb 'early'",
        "socket: reset",
    ],
    [
        "another protocol",
        "'HTTP/1.1 400 Bad Request'",
        "",
        "05 01 00",
        "socks[0]: the choice of a method has version 0x48, wanted 0x05",
    ],
    [
        "no method is acceptable",
        "05 ff",
        "",
        "05 01 00",
        "socks[0]: the proxy accepts none of the methods offered: [00]",
    ],
    [
        "a password that was not offered",
        "05 02",
        "",
        "05 01 00",
        "socks[0]: the proxy chose method 0x02, which was not offered",
    ],
    [
        "GSSAPI",
        "05 01",
        "",
        "05 01 00",
        "socks[0]: the proxy chose method 0x01, which was not offered",
    ],
    [
        "refused",
        "05 00  05 05 00 01 00000000 0000",
        "",
        "05 01 00  05 01 00 03 0b 'example.org' 01bb",
        "socks[0]: the proxy refused the request: connection refused (reply 5)",
    ],
    [
        "refused, and cut short",
        "05 00  05 02.",
        "",
        "05 01 00  05 01 00 03 0b 'example.org' 01bb",
        "socks[0]: the proxy refused the request: connection not allowed by ruleset (reply 2)",
    ],
    [
        "refused, unassigned",
        "05 00  05 f0 00 01 00000000 0000",
        "",
        "05 01 00  05 01 00 03 0b 'example.org' 01bb",
        "socks[0]: the proxy refused the request: unassigned (reply 240)",
    ],
    [
        "a reply of another version",
        "05 00  04 00",
        "",
        "05 01 00  05 01 00 03 0b 'example.org' 01bb",
        "socks[0]: the reply to CONNECT has version 0x04, wanted 0x05",
    ],
    [
        "a reply with an unknown address type",
        "05 00  05 00 00 02",
        "",
        "05 01 00  05 01 00 03 0b 'example.org' 01bb",
        "socks[0]: address type 0x02, wanted 0x01, 0x03 or 0x04",
    ],
    [
        "a reply with a name that is none",
        "05 00  05 00 00 03 02 0d0a 1267",
        "",
        "05 01 00  05 01 00 03 0b 'example.org' 01bb",
        r"socks[0]: a host name with '\r', wanted ASCII without separators (IDNA: A-labels)",
    ],
    [
        "finished before the method",
        ".",
        "",
        "05 01 00",
        "socks[0]: the wire ended after 0 bytes of the choice of a method",
    ],
    [
        "finished in the reply",
        "05 00  05 00 00 01 7f00.",
        "",
        "05 01 00  05 01 00 03 0b 'example.org' 01bb",
        "socks[0]: the wire ended after 6 bytes of the reply to CONNECT",
    ],
    [
        "aborted in the reply",
        "05 00  05 00 00 01 7f00!",
        "",
        "05 01 00  05 01 00 03 0b 'example.org' 01bb",
        "socket: reset",
    ],
];

const CLIENT_WITH_PASSWORD: &[Row] = &[
    [
        "asked for the password",
        "05 02",
        "",
        "05 02 02 00  01 02 'me' 02 'pw'",
        "opening, waiting for the answer to the password",
    ],
    [
        "opened",
        "05 02  01 00  05 00 00 01 7f000001 1267 'hello'",
        "hello",
        "05 02 02 00  01 02 'me' 02 'pw'  05 01 00 03 0b 'example.org' 01bb 'early'",
        "open",
    ],
    [
        "not asked for the password",
        "05 00  05 00 00 01 7f000001 1267 'hello'",
        "hello",
        "05 02 02 00  05 01 00 03 0b 'example.org' 01bb 'early'",
        "open",
    ],
    [
        "the password is refused",
        "05 02  01 01",
        "",
        "05 02 02 00  01 02 'me' 02 'pw'",
        "socks[0]: the proxy refused the password with status 0x01",
    ],
    [
        "the exchange of the password has a version of its own",
        "05 02  05 00",
        "",
        "05 02 02 00  01 02 'me' 02 'pw'",
        "socks[0]: the answer to the password has version 0x05, wanted 0x01",
    ],
    [
        "no method is acceptable",
        "05 ff",
        "",
        "05 02 02 00",
        "socks[0]: the proxy accepts none of the methods offered: [02, 00]",
    ],
    [
        "finished before the status",
        "05 02  01.",
        "",
        "05 02 02 00  01 02 'me' 02 'pw'",
        "socks[0]: the wire ended after 1 bytes of the answer to the password",
    ],
];

#[test]
fn a_client_without_a_password() {
    check(CLIENT, Decision::Wait, kit::client);
}

#[test]
fn a_client_with_a_password() {
    check(
        CLIENT_WITH_PASSWORD,
        Decision::Wait,
        kit::client_with_password,
    );
}
