//! BIND, both sides of all versions: two replies.

use super::{Row, check};
use crate::kit::{Decision, address, server_of_all};
use wirestack_socks::{Client, Reply};

const CLIENT: &[Row] = &[
    [
        "nothing yet",
        "05 00",
        "",
        "05 01 00  05 02 00 01 c0000207 0014",
        "opening, waiting for the reply to BIND",
    ],
    [
        "the first reply opens nothing",
        "05 00  05 00 00 01 7f000001 1267",
        "",
        "05 01 00  05 02 00 01 c0000207 0014",
        "opening, waiting for the second reply to BIND",
    ],
    [
        "the second one does, with bytes of the peer right behind",
        "05 00  05 00 00 01 7f000001 1267  05 00 00 01 c0000207 0014 'hello'",
        "hello",
        "05 01 00  05 02 00 01 c0000207 0014 'early'",
        "open",
    ],
    [
        "the replies may differ in length",
        "05 00  05 00 00 03 03 'a.b' 1267  05 00 00 04 00000000000000000000000000000001 0014 'bye'.",
        "bye",
        "05 01 00  05 02 00 01 c0000207 0014 'early'",
        "finished",
    ],
    [
        "the first reply is a refusal",
        "05 00  05 07",
        "",
        "05 01 00  05 02 00 01 c0000207 0014",
        "socks[0]: the proxy refused the request: command not supported (reply 7)",
    ],
    [
        "the second one is",
        "05 00  05 00 00 01 7f000001 1267  05 06 00 01 00000000 0000",
        "",
        "05 01 00  05 02 00 01 c0000207 0014",
        "socks[0]: the proxy refused the request: TTL expired (reply 6)",
    ],
    [
        "the second one has another version",
        "05 00  05 00 00 01 7f000001 1267  'hello'",
        "",
        "05 01 00  05 02 00 01 c0000207 0014",
        "socks[0]: the second reply to BIND has version 0x68, wanted 0x05",
    ],
    [
        "finished between the replies",
        "05 00  05 00 00 01 7f000001 1267.",
        "",
        "05 01 00  05 02 00 01 c0000207 0014",
        "socks[0]: the wire ended after 0 bytes of the second reply to BIND",
    ],
    [
        "aborted between the replies",
        "05 00  05 00 00 01 7f000001 1267!",
        "",
        "05 01 00  05 02 00 01 c0000207 0014",
        "socket: reset",
    ],
];

const SOCKS4_CLIENT: &[Row] = &[
    [
        "the first reply opens nothing",
        "00 5a 1267 00000000",
        "",
        "04 02 0014 c0000207 'me' 00",
        "opening, waiting for the second reply to BIND",
    ],
    [
        "the second one does",
        "00 5a 1267 00000000  00 5a 0014 c0000207 'hello'",
        "hello",
        "04 02 0014 c0000207 'me' 00 'early'",
        "open",
    ],
    [
        "the second one is a refusal",
        "00 5a 1267 00000000  00 5b",
        "",
        "04 02 0014 c0000207 'me' 00",
        "socks[0]: the proxy refused the request: request rejected or failed (SOCKS4 reply 91)",
    ],
];

const SERVER_THAT_LISTENS: &[Row] = &[
    [
        "the first reply, and what the client says before the second is parked",
        "05 01 00  05 02 00 01 c0000207 0014 'hello'",
        "",
        "05 00  05 00 00 01 7f000001 1267",
        "waiting for a decision on the peer of BIND",
    ],
    [
        "half of the connection may end meanwhile",
        "05 01 00  05 02 00 01 c0000207 0014 'hello'.",
        "",
        "05 00  05 00 00 01 7f000001 1267",
        "waiting for a decision on the peer of BIND",
    ],
    [
        "an abort is heeded meanwhile",
        "05 01 00  05 02 00 01 c0000207 0014!",
        "",
        "05 00  05 00 00 01 7f000001 1267",
        "socket: reset",
    ],
    [
        "SOCKS4",
        "04 02 0014 c0000207 'me' 00",
        "",
        "00 5a 1267 7f000001",
        "waiting for a decision on the peer of BIND",
    ],
];

const SERVER_THAT_ACCEPTS: &[Row] = &[
    [
        "both replies",
        "05 01 00  05 02 00 01 c0000207 0014 'hello'",
        "hello",
        "05 00  05 00 00 01 7f000001 1267  05 00 00 01 c0000207 0014 'early'",
        "open",
    ],
    [
        "SOCKS4",
        "04 02 0014 c0000207 'me' 00 'hello'.",
        "hello",
        "00 5a 1267 7f000001  00 5a 0014 c0000207 'early'",
        "finished",
    ],
    [
        "SOCKS4a",
        "04 02 0014 00000001 'me' 00 'example.org' 00 'hello'",
        "hello",
        "00 5a 1267 7f000001  00 5a 0014 c0000207 'early'",
        "open",
    ],
];

const SERVER_THAT_REJECTS: &[Row] = &[
    [
        "the request",
        "05 01 00  05 02 00 01 c0000207 0014",
        "",
        "05 00  05 02 00 01 00000000 0000",
        "socks[0]: the request was rejected: connection not allowed by ruleset (reply 2)",
    ],
    [
        "SOCKS4",
        "04 02 0014 c0000207 'me' 00",
        "",
        "00 5b 0000 00000000",
        "socks[0]: the request was rejected: connection not allowed by ruleset (reply 2)",
    ],
];

const SERVER_THAT_REJECTS_THE_PEER: &[Row] = &[
    [
        "nobody came",
        "05 01 00  05 02 00 01 c0000207 0014",
        "",
        "05 00  05 00 00 01 7f000001 1267  05 06 00 01 00000000 0000",
        "socks[0]: the request was rejected: TTL expired (reply 6)",
    ],
    [
        "SOCKS4",
        "04 02 0014 c0000207 'me' 00",
        "",
        "00 5a 1267 7f000001  00 5b 0000 00000000",
        "socks[0]: the request was rejected: TTL expired (reply 6)",
    ],
];

fn client() -> Client {
    Client::bind(address("192.0.2.7", 20))
}

#[test]
fn a_client_that_binds() {
    check(CLIENT, Decision::Wait, client);
    let socks4 = || client().socks4("me").unwrap();
    check(SOCKS4_CLIENT, Decision::Wait, socks4);
}

#[test]
fn a_server_that_listens_for_a_peer() {
    check(SERVER_THAT_LISTENS, Decision::Listen, server_of_all);
}

#[test]
fn a_server_whose_peer_connects() {
    check(SERVER_THAT_ACCEPTS, Decision::Accept, server_of_all);
}

#[test]
fn a_server_that_rejects_the_request_to_bind() {
    let decision = Decision::Reject(Reply::NotAllowed);
    check(SERVER_THAT_REJECTS, decision, server_of_all);
}

#[test]
fn a_server_that_rejects_the_peer() {
    let decision = Decision::RejectPeer(Reply::TtlExpired);
    check(SERVER_THAT_REJECTS_THE_PEER, decision, server_of_all);
}
