//! The client of SOCKS4 and SOCKS4a, CONNECT.

use super::{Exchange, check_client};
use crate::kit;
use wirestack_socks::Client;

const SOCKS4: &[Exchange] = &[
    Exchange {
        name: "the request is all that the client sends",
        client_sends: "04 01 0050 c0000207 'me' 00",
        server_sends: "",
        app_reads: "",
        outcome: "opening, waiting for the SOCKS4 reply",
    },
    Exchange {
        name: "opened",
        client_sends: "04 01 0050 c0000207 'me' 00 'early'",
        server_sends: "00 5a 1267 7f000001",
        app_reads: "",
        outcome: "open",
    },
    Exchange {
        name: "opened, with bytes right behind",
        client_sends: "04 01 0050 c0000207 'me' 00 'early'",
        server_sends: "00 5a 0000 00000000 'hello'",
        app_reads: "hello",
        outcome: "open",
    },
    Exchange {
        name: "the end right behind the reply is the tunnel's",
        client_sends: "04 01 0050 c0000207 'me' 00 'early'",
        server_sends: "00 5a 0000 00000000 'bye'.",
        app_reads: "bye",
        outcome: "finished",
    },
    Exchange {
        name: "rejected or failed",
        client_sends: "04 01 0050 c0000207 'me' 00",
        server_sends: "00 5b 0000 00000000",
        app_reads: "",
        outcome: "socks[0]: the proxy refused CONNECT 192.0.2.7:80: rejected or failed (SOCKS4 reply 91)",
    },
    Exchange {
        name: "no identd, and cut short",
        client_sends: "04 01 0050 c0000207 'me' 00",
        server_sends: "00 5c.",
        app_reads: "",
        outcome: "socks[0]: the proxy refused CONNECT 192.0.2.7:80: \
         the proxy cannot reach identd at the client (SOCKS4 reply 92)",
    },
    Exchange {
        name: "another user",
        client_sends: "04 01 0050 c0000207 'me' 00",
        server_sends: "00 5d 0000 00000000",
        app_reads: "",
        outcome: "socks[0]: the proxy refused CONNECT 192.0.2.7:80: identd or the proxy knows the user by another id (SOCKS4 reply 93)",
    },
    Exchange {
        name: "the success code of SOCKS5 is a refusal",
        client_sends: "04 01 0050 c0000207 'me' 00",
        server_sends: "00 00",
        app_reads: "",
        outcome: "socks[0]: the proxy refused CONNECT 192.0.2.7:80: a reason that no standard defines (SOCKS4 reply 0)",
    },
    Exchange {
        name: "the version of a reply is 0, and not 4",
        client_sends: "04 01 0050 c0000207 'me' 00",
        server_sends: "04 5a 0000 00000000",
        app_reads: "",
        outcome: "socks[0]: saw the bytes 0x04 0x5a where the SOCKS4 reply was wanted",
    },
    Exchange {
        name: "a proxy of SOCKS5",
        client_sends: "04 01 0050 c0000207 'me' 00",
        server_sends: "05 ff",
        app_reads: "",
        outcome: "socks[0]: saw SOCKS5 where the SOCKS4 reply was wanted: the proxy speaks SOCKS5 only, use socks5h://",
    },
    Exchange {
        name: "finished in the reply",
        client_sends: "04 01 0050 c0000207 'me' 00",
        server_sends: "00 5a 1267 7f00.",
        app_reads: "",
        outcome: "socks[0]: the connection ended after 6 bytes of the SOCKS4 reply",
    },
    Exchange {
        name: "aborted in the reply",
        client_sends: "04 01 0050 c0000207 'me' 00",
        server_sends: "00 5a!",
        app_reads: "",
        outcome: "socket: reset",
    },
];

const SOCKS4A: &[Exchange] = &[
    Exchange {
        name: "the name is behind the user id",
        client_sends: "04 01 01bb 00000001 'me' 00 'example.org' 00",
        server_sends: "",
        app_reads: "",
        outcome: "opening, waiting for the SOCKS4 reply",
    },
    Exchange {
        name: "opened",
        client_sends: "04 01 01bb 00000001 'me' 00 'example.org' 00 'early'",
        server_sends: "00 5a 1267 7f000001 'hello'",
        app_reads: "hello",
        outcome: "open",
    },
    Exchange {
        name: "refused",
        client_sends: "04 01 01bb 00000001 'me' 00 'example.org' 00",
        server_sends: "00 5b 0000 00000000",
        app_reads: "",
        outcome: "socks[0]: the proxy refused CONNECT example.org:443: rejected or failed (SOCKS4 reply 91)",
    },
];

const WITHOUT_USER_ID: &[Exchange] = &[Exchange {
    name: "an empty user id",
    client_sends: "04 01 01bb 00000001 00 'example.org' 00 'early'",
    server_sends: "00 5a 1267 7f000001 'hello'",
    app_reads: "hello",
    outcome: "open",
}];

#[test]
fn a_client_connects_over_socks4() {
    let client = || Client::new(kit::address("192.0.2.7", 80)).socks4("me");
    check_client(SOCKS4, || client().unwrap());
}

#[test]
fn a_client_connects_over_socks4a() {
    let client = || kit::client().socks4("me").unwrap();
    check_client(SOCKS4A, client);
}

#[test]
fn a_client_needs_no_user_id() {
    check_client(WITHOUT_USER_ID, || kit::client().socks4("").unwrap());
}
