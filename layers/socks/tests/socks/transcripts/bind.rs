//! BIND, both sides of all versions: two replies.

use super::{Exchange, check_client, check_server};
use crate::kit::{Decision, address, server_of_all};
use wirestack_socks::{Client, Reply};

const CLIENT: &[Exchange] = &[
    Exchange {
        name: "nothing yet",
        client_sends: "05 01 00  05 02 00 01 c0000207 0014",
        server_sends: "05 00",
        app_reads: "",
        outcome: "opening, waiting for the reply to BIND",
    },
    Exchange {
        name: "the first reply opens nothing",
        client_sends: "05 01 00  05 02 00 01 c0000207 0014",
        server_sends: "05 00  05 00 00 01 7f000001 1267",
        app_reads: "",
        outcome: "opening, waiting for the second reply to BIND",
    },
    Exchange {
        name: "the second reply opens the tunnel, with bytes of the peer right behind it",
        client_sends: "05 01 00  05 02 00 01 c0000207 0014 'early'",
        server_sends: "05 00  05 00 00 01 7f000001 1267  05 00 00 01 c0000207 0014 'hello'",
        app_reads: "hello",
        outcome: "open",
    },
    Exchange {
        name: "the replies may differ in length",
        client_sends: "05 01 00  05 02 00 01 c0000207 0014 'early'",
        server_sends: "05 00  05 00 00 03 03 'a.b' 1267  05 00 00 04 00000000000000000000000000000001 0014 'bye'.",
        app_reads: "bye",
        outcome: "finished",
    },
    Exchange {
        name: "the address of the peer is no address",
        client_sends: "05 01 00  05 02 00 01 c0000207 0014 'early'",
        server_sends: "05 00  05 00 00 01 7f000001 1267  05 00 00 03 00 0000 'hello'",
        app_reads: "hello",
        outcome: "open",
    },
    Exchange {
        name: "the address to connect to is no address",
        client_sends: "05 01 00  05 02 00 01 c0000207 0014",
        server_sends: "05 00  05 00 00 03 00 0000",
        app_reads: "",
        outcome: "socks[0]: a host name of 0 bytes, wanted 1 to 255",
    },
    Exchange {
        name: "the first reply is a refusal",
        client_sends: "05 01 00  05 02 00 01 c0000207 0014",
        server_sends: "05 00  05 07",
        app_reads: "",
        outcome: "socks[0]: the proxy refused BIND 192.0.2.7:20: command not supported (reply 7)",
    },
    Exchange {
        name: "the second reply is a refusal",
        client_sends: "05 01 00  05 02 00 01 c0000207 0014",
        server_sends: "05 00  05 00 00 01 7f000001 1267  05 06 00 01 00000000 0000",
        app_reads: "",
        outcome: "socks[0]: the proxy refused BIND 192.0.2.7:20: TTL expired (reply 6)",
    },
    Exchange {
        name: "the second reply has another version",
        client_sends: "05 01 00  05 02 00 01 c0000207 0014",
        server_sends: "05 00  05 00 00 01 7f000001 1267  'hello'",
        app_reads: "",
        outcome: "socks[0]: the second reply to BIND has version 0x68, wanted 0x05",
    },
    Exchange {
        name: "finished between the replies",
        client_sends: "05 01 00  05 02 00 01 c0000207 0014",
        server_sends: "05 00  05 00 00 01 7f000001 1267.",
        app_reads: "",
        outcome: "socks[0]: the connection ended before the second reply to BIND",
    },
    Exchange {
        name: "aborted between the replies",
        client_sends: "05 01 00  05 02 00 01 c0000207 0014",
        server_sends: "05 00  05 00 00 01 7f000001 1267!",
        app_reads: "",
        outcome: "socket: reset",
    },
];

const SOCKS4_CLIENT: &[Exchange] = &[
    Exchange {
        name: "the first reply opens nothing",
        client_sends: "04 02 0014 c0000207 'me' 00",
        server_sends: "00 5a 1267 00000000",
        app_reads: "",
        outcome: "opening, waiting for the second reply to BIND",
    },
    Exchange {
        name: "the second reply opens the tunnel",
        client_sends: "04 02 0014 c0000207 'me' 00 'early'",
        server_sends: "00 5a 1267 00000000  00 5a 0014 c0000207 'hello'",
        app_reads: "hello",
        outcome: "open",
    },
    Exchange {
        name: "the second reply is a refusal",
        client_sends: "04 02 0014 c0000207 'me' 00",
        server_sends: "00 5a 1267 00000000  00 5b",
        app_reads: "",
        outcome: "socks[0]: the proxy refused BIND 192.0.2.7:20: rejected or failed (SOCKS4 reply 91)",
    },
];

const SERVER_THAT_LISTENS: &[Exchange] = &[
    Exchange {
        name: "the first reply; bytes that the client sends before the second one are parked",
        client_sends: "05 01 00  05 02 00 01 c0000207 0014 'hello'",
        server_sends: "05 00  05 00 00 01 7f000001 1267",
        app_reads: "",
        outcome: "waiting for a decision on the peer of BIND",
    },
    Exchange {
        name: "half of the connection may end meanwhile",
        client_sends: "05 01 00  05 02 00 01 c0000207 0014 'hello'.",
        server_sends: "05 00  05 00 00 01 7f000001 1267",
        app_reads: "",
        outcome: "waiting for a decision on the peer of BIND",
    },
    Exchange {
        name: "an abort passes meanwhile",
        client_sends: "05 01 00  05 02 00 01 c0000207 0014!",
        server_sends: "05 00  05 00 00 01 7f000001 1267",
        app_reads: "",
        outcome: "socket: reset",
    },
    Exchange {
        name: "SOCKS4",
        client_sends: "04 02 0014 c0000207 'me' 00",
        server_sends: "00 5a 1267 7f000001",
        app_reads: "",
        outcome: "waiting for a decision on the peer of BIND",
    },
];

const SERVER_THAT_ACCEPTS: &[Exchange] = &[
    Exchange {
        name: "both replies",
        client_sends: "05 01 00  05 02 00 01 c0000207 0014 'hello'",
        server_sends: "05 00  05 00 00 01 7f000001 1267  05 00 00 01 c0000207 0014 'early'",
        app_reads: "hello",
        outcome: "open",
    },
    Exchange {
        name: "SOCKS4",
        client_sends: "04 02 0014 c0000207 'me' 00 'hello'.",
        server_sends: "00 5a 1267 7f000001  00 5a 0014 c0000207 'early'",
        app_reads: "hello",
        outcome: "finished",
    },
    Exchange {
        name: "SOCKS4a",
        client_sends: "04 02 0014 00000001 'me' 00 'example.org' 00 'hello'",
        server_sends: "00 5a 1267 7f000001  00 5a 0014 c0000207 'early'",
        app_reads: "hello",
        outcome: "open",
    },
];

const SERVER_THAT_REJECTS: &[Exchange] = &[
    Exchange {
        name: "the request",
        client_sends: "05 01 00  05 02 00 01 c0000207 0014",
        server_sends: "05 00  05 02 00 01 00000000 0000",
        app_reads: "",
        outcome: "socks[0]: the request was rejected: not allowed by the rules of the proxy (reply 2)",
    },
    Exchange {
        name: "SOCKS4",
        client_sends: "04 02 0014 c0000207 'me' 00",
        server_sends: "00 5b 0000 00000000",
        app_reads: "",
        outcome: "socks[0]: the request was rejected: not allowed by the rules of the proxy (reply 2)",
    },
];

const SERVER_THAT_REJECTS_THE_PEER: &[Exchange] = &[
    Exchange {
        name: "no peer connected",
        client_sends: "05 01 00  05 02 00 01 c0000207 0014",
        server_sends: "05 00  05 00 00 01 7f000001 1267  05 06 00 01 00000000 0000",
        app_reads: "",
        outcome: "socks[0]: the request was rejected: TTL expired (reply 6)",
    },
    Exchange {
        name: "SOCKS4",
        client_sends: "04 02 0014 c0000207 'me' 00",
        server_sends: "00 5a 1267 7f000001  00 5b 0000 00000000",
        app_reads: "",
        outcome: "socks[0]: the request was rejected: TTL expired (reply 6)",
    },
];

fn client() -> Client {
    Client::bind(address("192.0.2.7", 20))
}

#[test]
fn a_client_is_open_after_two_replies() {
    check_client(CLIENT, client);
    let socks4 = || client().socks4("me").unwrap();
    check_client(SOCKS4_CLIENT, socks4);
}

#[test]
fn a_server_listens_for_a_peer() {
    check_server(SERVER_THAT_LISTENS, Decision::Listen, server_of_all);
}

#[test]
fn a_server_is_open_when_its_peer_connects() {
    check_server(SERVER_THAT_ACCEPTS, Decision::Accept, server_of_all);
}

#[test]
fn a_server_rejects_the_request_to_bind() {
    let decision = Decision::Reject(Reply::NotAllowed);
    check_server(SERVER_THAT_REJECTS, decision, server_of_all);
}

#[test]
fn a_server_rejects_the_peer() {
    let decision = Decision::RejectPeer(Reply::TtlExpired);
    check_server(SERVER_THAT_REJECTS_THE_PEER, decision, server_of_all);
}
