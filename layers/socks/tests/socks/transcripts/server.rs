//! The server of SOCKS5, CONNECT.

use super::{Exchange, check_server};
use crate::kit::{self, Decision};
use wirestack_socks::{Reply, Server};

const SERVER_THAT_WAITS: &[Exchange] = &[
    Exchange {
        name: "nothing yet",
        client_sends: "",
        server_sends: "",
        app_reads: "",
        outcome: "opening, waiting for the greeting",
    },
    Exchange {
        name: "a greeting",
        client_sends: "05 02 00 02",
        server_sends: "05 00",
        app_reads: "",
        outcome: "opening, waiting for the request",
    },
    Exchange {
        name: "a request is parked, with the bytes behind it",
        client_sends: "05 01 00  05 01 00 03 0b 'example.org' 01bb 'hello'",
        server_sends: "05 00",
        app_reads: "",
        outcome: "waiting for a decision on the CONNECT request",
    },
    Exchange {
        name: "half of the connection may end while the application decides",
        client_sends: "05 01 00  05 01 00 03 0b 'example.org' 01bb 'hello'.",
        server_sends: "05 00",
        app_reads: "",
        outcome: "waiting for a decision on the CONNECT request",
    },
    Exchange {
        name: "an abort passes while the application decides",
        client_sends: "05 01 00  05 01 00 03 0b 'example.org' 01bb!",
        server_sends: "05 00",
        app_reads: "",
        outcome: "socket: reset",
    },
];

const SERVER_THAT_ACCEPTS: &[Exchange] = &[
    Exchange {
        name: "a name",
        client_sends: "05 01 00  05 01 00 03 0b 'example.org' 01bb 'hello'",
        server_sends: "05 00  05 00 00 01 7f000001 1267 'early'",
        app_reads: "hello",
        outcome: "open",
    },
    Exchange {
        name: "IPv4",
        client_sends: "05 02 00 01  05 01 00 01 7f000001 0050",
        server_sends: "05 00  05 00 00 01 7f000001 1267 'early'",
        app_reads: "",
        outcome: "open",
    },
    Exchange {
        name: "IPv6, reserved bytes are not looked at",
        client_sends: "05 02 00 01  05 01 01 04 00000000000000000000000000000001 0050 'hello'.",
        server_sends: "05 00  05 00 00 01 7f000001 1267 'early'",
        app_reads: "hello",
        outcome: "finished",
    },
    Exchange {
        name: "SOCKS4",
        client_sends: "04 01 0050 7f000001 00",
        server_sends: "00 5b 0000 00000000",
        app_reads: "",
        outcome: "socks[0]: saw a SOCKS4 request where the greeting of SOCKS5 was wanted: the client speaks SOCKS4, which is not served",
    },
    Exchange {
        name: "no methods",
        client_sends: "05 00",
        server_sends: "05 ff",
        app_reads: "",
        outcome: "socks[0]: the client does not offer to go without authentication (method 0x00), and there is none here",
    },
    Exchange {
        name: "other methods",
        client_sends: "05 02 01 02",
        server_sends: "05 ff",
        app_reads: "",
        outcome: "socks[0]: the client does not offer to go without authentication (method 0x00), and there is none here",
    },
    Exchange {
        name: "BIND",
        client_sends: "05 01 00  05 02 00 01 7f000001 0050",
        server_sends: "05 00  05 07 00 01 00000000 0000",
        app_reads: "",
        outcome: "socks[0]: the client sent command 0x02, which is not served",
    },
    Exchange {
        name: "UDP ASSOCIATE",
        client_sends: "05 01 00  05 03",
        server_sends: "05 00  05 07 00 01 00000000 0000",
        app_reads: "",
        outcome: "socks[0]: the client sent command 0x03, which is not served",
    },
    Exchange {
        name: "an unknown address type",
        client_sends: "05 01 00  05 01 00 05",
        server_sends: "05 00  05 08 00 01 00000000 0000",
        app_reads: "",
        outcome: "socks[0]: the peer sent the address type 0x05, wanted 0x01 (IPv4), 0x03 (a name) or 0x04 (IPv6)",
    },
    Exchange {
        name: "an empty name",
        client_sends: "05 01 00  05 01 00 03 00 0050",
        server_sends: "05 00  05 01 00 01 00000000 0000",
        app_reads: "",
        outcome: "socks[0]: a host name of 0 bytes, wanted 1 to 255",
    },
    Exchange {
        name: "a name that a resolver written in C would cut short",
        client_sends: "05 01 00  05 01 00 03 06 'good' 00 'x' 0050",
        server_sends: "05 00  05 01 00 01 00000000 0000",
        app_reads: "",
        outcome: r"socks[0]: a host name with '\0', wanted ASCII without separators (IDNA: A-labels)",
    },
    Exchange {
        name: "a name that is not UTF-8",
        client_sends: "05 01 00  05 01 00 03 02 ff61 0050",
        server_sends: "05 00  05 01 00 01 00000000 0000",
        app_reads: "",
        outcome: "socks[0]: a host name with '\u{fffd}', wanted ASCII without separators (IDNA: A-labels)",
    },
    Exchange {
        name: "a request of another version",
        client_sends: "05 01 00  04",
        server_sends: "05 00",
        app_reads: "",
        outcome: "socks[0]: the request has version 0x04, wanted 0x05",
    },
    Exchange {
        name: "finished in the request",
        client_sends: "05 01 00  05 01 00.",
        server_sends: "05 00",
        app_reads: "",
        outcome: "socks[0]: the connection ended after 3 bytes of the request",
    },
    Exchange {
        name: "aborted in the greeting",
        client_sends: "05!",
        server_sends: "",
        app_reads: "",
        outcome: "socket: reset",
    },
];

const SERVER_THAT_REJECTS: &[Exchange] = &[Exchange {
    name: "not allowed",
    client_sends: "05 01 00  05 01 00 03 0b 'example.org' 01bb",
    server_sends: "05 00  05 02 00 01 00000000 0000",
    app_reads: "",
    outcome: "socks[0]: the request was rejected: not allowed by the rules of the proxy (reply 2)",
}];

const SERVER_WITH_PASSWORD: &[Exchange] = &[
    Exchange {
        name: "the right password",
        client_sends: "05 02 00 02  01 02 'me' 02 'pw'  05 01 00 01 7f000001 0050 'hello'",
        server_sends: "05 02  01 00  05 00 00 01 7f000001 1267 'early'",
        app_reads: "hello",
        outcome: "open",
    },
    Exchange {
        name: "a wrong password",
        client_sends: "05 01 02  01 02 'me' 02 'no'",
        server_sends: "05 02  01 01",
        app_reads: "",
        outcome: "socks[0]: the client sent a wrong user name or password",
    },
    Exchange {
        name: "an empty user name",
        client_sends: "05 01 02  01 00 02 'pw'",
        server_sends: "05 02  01 01",
        app_reads: "",
        outcome: "socks[0]: the client sent an empty user name or password, wanted 1 to 255 bytes",
    },
    Exchange {
        name: "an empty password",
        client_sends: "05 01 02  01 02 'me' 00",
        server_sends: "05 02  01 01",
        app_reads: "",
        outcome: "socks[0]: the client sent an empty user name or password, wanted 1 to 255 bytes",
    },
    Exchange {
        name: "no password offered",
        client_sends: "05 01 00",
        server_sends: "05 ff",
        app_reads: "",
        outcome: "socks[0]: the client does not offer a user name and a password (method 0x02), which is required",
    },
    Exchange {
        name: "the request instead of the password",
        client_sends: "05 01 02  05 01 00 01",
        server_sends: "05 02 01 01",
        app_reads: "",
        outcome: "socks[0]: the password has version 0x05, wanted 0x01",
    },
    Exchange {
        name: "finished in the password",
        client_sends: "05 01 02  01 02 'me' 02.",
        server_sends: "05 02",
        app_reads: "",
        outcome: "socks[0]: the connection ended after 5 bytes of the password",
    },
];

#[test]
fn a_server_waits_for_its_application() {
    check_server(SERVER_THAT_WAITS, Decision::Wait, Server::new);
}

#[test]
fn a_server_is_open_when_its_application_accepts() {
    check_server(SERVER_THAT_ACCEPTS, Decision::Accept, Server::new);
}

#[test]
fn a_server_refuses_when_its_application_rejects() {
    let decision = Decision::Reject(Reply::NotAllowed);
    check_server(SERVER_THAT_REJECTS, decision, Server::new);
}

#[test]
fn a_server_checks_the_password() {
    check_server(
        SERVER_WITH_PASSWORD,
        Decision::Accept,
        kit::server_with_password,
    );
}
