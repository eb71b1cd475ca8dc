//! UDP ASSOCIATE, both sides.

use super::{Row, check};
use crate::kit::{Decision, address, server_of_all};
use wirestack_socks::{Client, Reply, Server};

const CLIENT: &[Row] = &[
    [
        "a method",
        "05 00",
        "",
        "05 01 00  05 03 00 01 00000000 0000",
        "opening, waiting for the reply to UDP ASSOCIATE",
    ],
    [
        "one reply opens it",
        "05 00  05 00 00 01 7f000001 1267",
        "",
        "05 01 00  05 03 00 01 00000000 0000 'early'",
        "open",
    ],
    [
        "the association ends with the connection",
        "05 00  05 00 00 01 7f000001 1267.",
        "",
        "05 01 00  05 03 00 01 00000000 0000 'early'",
        "finished",
    ],
    [
        "refused",
        "05 00  05 07",
        "",
        "05 01 00  05 03 00 01 00000000 0000",
        "socks[0]: the proxy refused the request: command not supported (reply 7)",
    ],
    [
        "finished in the reply",
        "05 00  05.",
        "",
        "05 01 00  05 03 00 01 00000000 0000",
        "socks[0]: the wire ended after 1 bytes of the reply to UDP ASSOCIATE",
    ],
];

const SERVER_THAT_WAITS: &[Row] = &[[
    "a request",
    "05 01 00  05 03 00 01 00000000 0000",
    "",
    "05 00",
    "waiting for a decision on the UDP ASSOCIATE request",
]];

const SERVER_THAT_ACCEPTS: &[Row] = &[
    [
        "zeros",
        "05 01 00  05 03 00 01 00000000 0000",
        "",
        "05 00  05 00 00 01 7f000001 1267 'early'",
        "open",
    ],
    [
        "the association ends with the connection",
        "05 01 00  05 03 00 01 c0000207 0035.",
        "",
        "05 00  05 00 00 01 7f000001 1267 'early'",
        "finished",
    ],
];

const SERVER_THAT_REJECTS: &[Row] = &[[
    "not allowed",
    "05 01 00  05 03 00 01 00000000 0000",
    "",
    "05 00  05 02 00 01 00000000 0000",
    "socks[0]: the request was rejected: connection not allowed by ruleset (reply 2)",
]];

const SERVER_THAT_DOES_NOT_SERVE_IT: &[Row] = &[[
    "UDP ASSOCIATE",
    "05 01 00  05 03 00 01 00000000 0000",
    "",
    "05 00  05 07 00 01 00000000 0000",
    "socks[0]: the client sent command 0x03, which is not served",
]];

#[test]
fn a_client_that_associates() {
    let client = || Client::associate(address("0.0.0.0", 0));
    check(CLIENT, Decision::Wait, client);
}

#[test]
fn a_server_of_datagrams() {
    check(SERVER_THAT_WAITS, Decision::Wait, server_of_all);
    check(SERVER_THAT_ACCEPTS, Decision::Accept, server_of_all);
    let decision = Decision::Reject(Reply::NotAllowed);
    check(SERVER_THAT_REJECTS, decision, server_of_all);
    let server = || Server::new().serving(wirestack_socks::Command::Bind);
    check(SERVER_THAT_DOES_NOT_SERVE_IT, Decision::Accept, server);
}
