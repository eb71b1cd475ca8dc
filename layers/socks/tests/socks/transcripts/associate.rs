//! UDP ASSOCIATE, both sides.

use super::{Exchange, check_client, check_server};
use crate::kit::{Decision, address, server_of_all};
use wirestack_socks::{Client, Reply, Server};

const CLIENT: &[Exchange] = &[
    Exchange {
        name: "a method",
        client_sends: "05 01 00  05 03 00 01 00000000 0000",
        server_sends: "05 00",
        app_reads: "",
        outcome: "opening, waiting for the reply to UDP ASSOCIATE",
    },
    Exchange {
        name: "one reply opens it",
        client_sends: "05 01 00  05 03 00 01 00000000 0000 'early'",
        server_sends: "05 00  05 00 00 01 7f000001 1267",
        app_reads: "",
        outcome: "open",
    },
    Exchange {
        name: "the association ends with the connection",
        client_sends: "05 01 00  05 03 00 01 00000000 0000 'early'",
        server_sends: "05 00  05 00 00 01 7f000001 1267.",
        app_reads: "",
        outcome: "finished",
    },
    Exchange {
        name: "refused",
        client_sends: "05 01 00  05 03 00 01 00000000 0000",
        server_sends: "05 00  05 07",
        app_reads: "",
        outcome: "socks[0]: the proxy refused UDP ASSOCIATE 0.0.0.0:0: command not supported (reply 7)",
    },
    Exchange {
        name: "finished in the reply",
        client_sends: "05 01 00  05 03 00 01 00000000 0000",
        server_sends: "05 00  05.",
        app_reads: "",
        outcome: "socks[0]: the connection ended after 1 bytes of the reply to UDP ASSOCIATE",
    },
];

const SERVER_THAT_WAITS: &[Exchange] = &[Exchange {
    name: "a request",
    client_sends: "05 01 00  05 03 00 01 00000000 0000",
    server_sends: "05 00",
    app_reads: "",
    outcome: "waiting for a decision on the UDP ASSOCIATE request",
}];

const SERVER_THAT_ACCEPTS: &[Exchange] = &[
    Exchange {
        name: "zeros",
        client_sends: "05 01 00  05 03 00 01 00000000 0000",
        server_sends: "05 00  05 00 00 01 7f000001 1267 'early'",
        app_reads: "",
        outcome: "open",
    },
    Exchange {
        name: "the association ends with the connection",
        client_sends: "05 01 00  05 03 00 01 c0000207 0035.",
        server_sends: "05 00  05 00 00 01 7f000001 1267 'early'",
        app_reads: "",
        outcome: "finished",
    },
];

const SERVER_THAT_REJECTS: &[Exchange] = &[Exchange {
    name: "not allowed",
    client_sends: "05 01 00  05 03 00 01 00000000 0000",
    server_sends: "05 00  05 02 00 01 00000000 0000",
    app_reads: "",
    outcome: "socks[0]: the request was rejected: not allowed by the rules of the proxy (reply 2)",
}];

const SERVER_THAT_DOES_NOT_SERVE_IT: &[Exchange] = &[Exchange {
    name: "UDP ASSOCIATE",
    client_sends: "05 01 00  05 03 00 01 00000000 0000",
    server_sends: "05 00  05 07 00 01 00000000 0000",
    app_reads: "",
    outcome: "socks[0]: the client sent command 0x03, which is not served",
}];

#[test]
fn a_client_asks_for_an_association() {
    let client = || Client::associate(address("0.0.0.0", 0));
    check_client(CLIENT, client);
}

#[test]
fn a_server_grants_or_refuses_an_association() {
    check_server(SERVER_THAT_WAITS, Decision::Wait, server_of_all);
    check_server(SERVER_THAT_ACCEPTS, Decision::Accept, server_of_all);
    let decision = Decision::Reject(Reply::NotAllowed);
    check_server(SERVER_THAT_REJECTS, decision, server_of_all);
    let server = || Server::new().serving(wirestack_socks::Command::Bind);
    check_server(SERVER_THAT_DOES_NOT_SERVE_IT, Decision::Accept, server);
}
