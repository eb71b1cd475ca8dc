//! The server of SOCKS4 and SOCKS4a, CONNECT, which serves SOCKS5 too.

use super::{Exchange, check_server};
use crate::kit::{self, Decision, server_of_all};
use wirestack_socks::{Reply, Server};

const WAITS: &[Exchange] = &[
    Exchange {
        name: "the version is not known yet",
        client_sends: "",
        server_sends: "",
        app_reads: "",
        outcome: "opening, waiting for the greeting",
    },
    Exchange {
        name: "a version",
        client_sends: "04",
        server_sends: "",
        app_reads: "",
        outcome: "opening, waiting for the SOCKS4 request",
    },
    Exchange {
        name: "a user id without an end",
        client_sends: "04 01 0050 c0000207 'me'",
        server_sends: "",
        app_reads: "",
        outcome: "opening, waiting for the SOCKS4 request",
    },
    Exchange {
        name: "a name without an end",
        client_sends: "04 01 0050 00000001 'me' 00 'example.org'",
        server_sends: "",
        app_reads: "",
        outcome: "opening, waiting for the SOCKS4 request",
    },
    Exchange {
        name: "a request is parked, with the bytes behind it",
        client_sends: "04 01 0050 c0000207 'me' 00 'hello'",
        server_sends: "",
        app_reads: "",
        outcome: "waiting for a decision on the CONNECT request",
    },
    Exchange {
        name: "an abort passes while the application decides",
        client_sends: "04 01 0050 c0000207 'me' 00!",
        server_sends: "",
        app_reads: "",
        outcome: "socket: reset",
    },
];

const ACCEPTS: &[Exchange] = &[
    Exchange {
        name: "SOCKS4",
        client_sends: "04 01 0050 c0000207 'me' 00 'hello'",
        server_sends: "00 5a 1267 7f000001 'early'",
        app_reads: "hello",
        outcome: "open",
    },
    Exchange {
        name: "SOCKS4a, whatever the last byte",
        client_sends: "04 01 01bb 000000ff 'me' 00 'example.org' 00 'hello'.",
        server_sends: "00 5a 1267 7f000001 'early'",
        app_reads: "hello",
        outcome: "finished",
    },
    Exchange {
        name: "0.0.0.0 is no sign of a name",
        client_sends: "04 01 0050 00000000 'me' 00 'hello'",
        server_sends: "00 5a 1267 7f000001 'early'",
        app_reads: "hello",
        outcome: "open",
    },
    Exchange {
        name: "0.0.1.1 is no sign of a name",
        client_sends: "04 01 0050 00000101 'me' 00 'hello'",
        server_sends: "00 5a 1267 7f000001 'early'",
        app_reads: "hello",
        outcome: "open",
    },
    Exchange {
        name: "SOCKS5 at the same port",
        client_sends: "05 01 00  05 01 00 03 0b 'example.org' 01bb 'hello'",
        server_sends: "05 00  05 00 00 01 7f000001 1267 'early'",
        app_reads: "hello",
        outcome: "open",
    },
    Exchange {
        name: "another protocol",
        client_sends: "'GET / HTTP/1.1'",
        server_sends: "",
        app_reads: "",
        outcome: "socks[0]: saw an HTTP/1 request where the greeting of SOCKS5 was wanted: the client takes this port for an HTTP proxy",
    },
    Exchange {
        name: "another user id",
        client_sends: "04 01 0050 c0000207 'you' 00",
        server_sends: "00 5d 0000 00000000",
        app_reads: "",
        outcome: "socks[0]: the client sent a user id that is not accepted",
    },
    Exchange {
        name: "an empty user id",
        client_sends: "04 01 0050 c0000207 00",
        server_sends: "00 5d 0000 00000000",
        app_reads: "",
        outcome: "socks[0]: the client sent a user id that is not accepted",
    },
    Exchange {
        name: "an unknown command",
        client_sends: "04 04",
        server_sends: "00 5b 0000 00000000",
        app_reads: "",
        outcome: "socks[0]: the client sent command 0x04, which is not served",
    },
    Exchange {
        name: "UDP ASSOCIATE, which SOCKS4 does not have",
        client_sends: "04 03",
        server_sends: "00 5b 0000 00000000",
        app_reads: "",
        outcome: "socks[0]: the client sent command 0x03, which is not served",
    },
    Exchange {
        name: "an empty name",
        client_sends: "04 01 0050 00000001 'me' 00 00",
        server_sends: "00 5b 0000 00000000",
        app_reads: "",
        outcome: "socks[0]: a host name of 0 bytes, wanted 1 to 255",
    },
    Exchange {
        name: "an invalid name",
        client_sends: "04 01 0050 00000001 'me' 00 'a b' 00",
        server_sends: "00 5b 0000 00000000",
        app_reads: "",
        outcome: "socks[0]: a host name with ' ', wanted ASCII without separators (IDNA: A-labels)",
    },
    Exchange {
        name: "finished before the version",
        client_sends: ".",
        server_sends: "",
        app_reads: "",
        outcome: "socks[0]: the connection ended before the greeting",
    },
    Exchange {
        name: "finished in the user id",
        client_sends: "04 01 0050 c0000207 'me'.",
        server_sends: "",
        app_reads: "",
        outcome: "socks[0]: the connection ended after 10 bytes of the SOCKS4 request",
    },
    Exchange {
        name: "finished in the name",
        client_sends: "04 01 0050 00000001 'me' 00 'exam'.",
        server_sends: "",
        app_reads: "",
        outcome: "socks[0]: the connection ended after 15 bytes of the SOCKS4 request",
    },
];

const REJECTS: &[Exchange] = &[Exchange {
    name: "not allowed",
    client_sends: "04 01 0050 c0000207 'me' 00",
    server_sends: "00 5b 0000 00000000",
    app_reads: "",
    outcome: "socks[0]: the request was rejected: not allowed by the rules of the proxy (reply 2)",
}];

const REJECTS_THE_USER: &[Exchange] = &[
    Exchange {
        name: "identd says otherwise",
        client_sends: "04 01 0050 c0000207 'me' 00",
        server_sends: "00 5d 0000 00000000",
        app_reads: "",
        outcome: "socks[0]: the request was rejected: identd or the proxy knows the user by another id (SOCKS4 reply 93)",
    },
    Exchange {
        name: "SOCKS5 has no reply code for it",
        client_sends: "05 01 00  05 01 00 01 c0000207 0050",
        server_sends: "05 00  05 01 00 01 00000000 0000",
        app_reads: "",
        outcome: "socks[0]: the request was rejected: identd or the proxy knows the user by another id (SOCKS4 reply 93)",
    },
];

const CONNECT_ALONE: &[Exchange] = &[Exchange {
    name: "BIND, which is not served",
    client_sends: "04 02 0050 c0000207 'me' 00",
    server_sends: "00 5b 0000 00000000",
    app_reads: "",
    outcome: "socks[0]: the client sent command 0x02, which is not served",
}];

const WITH_PASSWORD: &[Exchange] = &[
    Exchange {
        name: "SOCKS4 comes in by its user id",
        client_sends: "04 01 0050 c0000207 'me' 00 'hello'",
        server_sends: "00 5a 1267 7f000001 'early'",
        app_reads: "hello",
        outcome: "open",
    },
    Exchange {
        name: "SOCKS5 comes in by its password",
        client_sends: "05 01 02  01 02 'me' 02 'pw'  05 01 00 01 7f000001 0050 'hello'",
        server_sends: "05 02  01 00  05 00 00 01 7f000001 1267 'early'",
        app_reads: "hello",
        outcome: "open",
    },
    Exchange {
        name: "SOCKS5 does not come in without its password",
        client_sends: "05 01 00",
        server_sends: "05 ff",
        app_reads: "",
        outcome: "socks[0]: the client does not offer a user name and a password (method 0x02), which is required",
    },
];

const PASSWORD_ALONE: &[Exchange] = &[Exchange {
    name: "SOCKS4 does not come in",
    client_sends: "04 01 0050 c0000207 'me' 00 'hello'",
    server_sends: "00 5b 0000 00000000",
    app_reads: "",
    outcome: "socks[0]: saw a SOCKS4 request where the greeting of SOCKS5 was wanted: the client speaks SOCKS4, which is not served",
}];

#[test]
fn a_server_of_socks4_waits_for_its_application() {
    check_server(WAITS, Decision::Wait, server_of_all);
}

#[test]
fn a_server_of_socks4_is_open_when_its_application_accepts() {
    check_server(ACCEPTS, Decision::Accept, server_of_all);
}

#[test]
fn a_server_of_socks4_refuses_when_its_application_rejects() {
    check_server(REJECTS, Decision::Reject(Reply::NotAllowed), server_of_all);
    let user = Decision::Reject(Reply::Socks4(93));
    check_server(REJECTS_THE_USER, user, server_of_all);
}

#[test]
fn a_server_of_socks4_may_serve_connect_alone() {
    let server = || Server::new().with_socks4(|_| true);
    check_server(CONNECT_ALONE, Decision::Accept, server);
}

#[test]
fn a_server_lets_each_version_in_by_its_own_credentials() {
    let server = || kit::server_with_password().with_socks4(|user| user == b"me");
    check_server(WITH_PASSWORD, Decision::Accept, server);
    check_server(PASSWORD_ALONE, Decision::Accept, kit::server_with_password);
}
