//! The client of SOCKS5, CONNECT.

use super::{Exchange, check_client};
use crate::kit;

const CLIENT: &[Exchange] = &[
    Exchange {
        name: "nothing yet",
        client_sends: "05 01 00",
        server_sends: "",
        app_reads: "",
        outcome: "opening, waiting for the choice of a method",
    },
    Exchange {
        name: "a method",
        client_sends: "05 01 00  05 01 00 03 0b 'example.org' 01bb",
        server_sends: "05 00",
        app_reads: "",
        outcome: "opening, waiting for the reply to CONNECT",
    },
    Exchange {
        name: "opened, IPv4",
        client_sends: "05 01 00  05 01 00 03 0b 'example.org' 01bb 'early'",
        server_sends: "05 00  05 00 00 01 7f000001 1267",
        app_reads: "",
        outcome: "open",
    },
    Exchange {
        name: "opened, IPv6, with bytes right behind",
        client_sends: "05 01 00  05 01 00 03 0b 'example.org' 01bb 'early'",
        server_sends: "05 00  05 00 00 04 00000000000000000000000000000001 1267 'hello'",
        app_reads: "hello",
        outcome: "open",
    },
    Exchange {
        name: "opened, a name",
        client_sends: "05 01 00  05 01 00 03 0b 'example.org' 01bb 'early'",
        server_sends: "05 00  05 00 00 03 03 'a.b' 1267 'hello'",
        app_reads: "hello",
        outcome: "open",
    },
    Exchange {
        name: "reserved bytes are not looked at",
        client_sends: "05 01 00  05 01 00 03 0b 'example.org' 01bb 'early'",
        server_sends: "05 00  05 00 ff 01 7f000001 1267",
        app_reads: "",
        outcome: "open",
    },
    Exchange {
        name: "the end right behind the reply is the tunnel's",
        client_sends: "05 01 00  05 01 00 03 0b 'example.org' 01bb 'early'",
        server_sends: "05 00  05 00 00 01 7f000001 1267 'bye'.",
        app_reads: "bye",
        outcome: "finished",
    },
    Exchange {
        name: "an abort right behind the reply is the tunnel's",
        client_sends: "05 01 00  05 01 00 03 0b 'example.org' 01bb 'early'",
        server_sends: "05 00  05 00 00 01 7f000001 1267 'bye'!",
        app_reads: "bye",
        outcome: "socket: reset",
    },
    Exchange {
        name: "another protocol",
        client_sends: "05 01 00",
        server_sends: "'HTTP/1.1 400 Bad Request'",
        app_reads: "",
        outcome: "socks[0]: saw an HTTP/1 response where the choice of a method of SOCKS5 was wanted: this is an HTTP proxy or a web server, use http://",
    },
    Exchange {
        name: "no method is acceptable",
        client_sends: "05 01 00",
        server_sends: "05 ff",
        app_reads: "",
        outcome: "socks[0]: the proxy accepts no client without a user name and a password, and there are none: give them, as in socks5h://user:password@proxy",
    },
    Exchange {
        name: "a password that was not offered",
        client_sends: "05 01 00",
        server_sends: "05 02",
        app_reads: "",
        outcome: "socks[0]: the proxy chose a user name and a password (method 0x02), which was not offered",
    },
    Exchange {
        name: "GSSAPI",
        client_sends: "05 01 00",
        server_sends: "05 01",
        app_reads: "",
        outcome: "socks[0]: the proxy chose GSSAPI (method 0x01), which was not offered",
    },
    Exchange {
        name: "refused",
        client_sends: "05 01 00  05 01 00 03 0b 'example.org' 01bb",
        server_sends: "05 00  05 05 00 01 00000000 0000",
        app_reads: "",
        outcome: "socks[0]: the proxy refused CONNECT example.org:443: connection refused (reply 5)",
    },
    Exchange {
        name: "refused, and cut short",
        client_sends: "05 01 00  05 01 00 03 0b 'example.org' 01bb",
        server_sends: "05 00  05 02.",
        app_reads: "",
        outcome: "socks[0]: the proxy refused CONNECT example.org:443: not allowed by the rules of the proxy (reply 2)",
    },
    Exchange {
        name: "refused, unassigned",
        client_sends: "05 01 00  05 01 00 03 0b 'example.org' 01bb",
        server_sends: "05 00  05 f0 00 01 00000000 0000",
        app_reads: "",
        outcome: "socks[0]: the proxy refused CONNECT example.org:443: a reason that no standard defines (reply 240)",
    },
    Exchange {
        name: "a reply of another version",
        client_sends: "05 01 00  05 01 00 03 0b 'example.org' 01bb",
        server_sends: "05 00  04 00",
        app_reads: "",
        outcome: "socks[0]: the reply to CONNECT has version 0x04, wanted 0x05",
    },
    Exchange {
        name: "a reply with an unknown address type",
        client_sends: "05 01 00  05 01 00 03 0b 'example.org' 01bb",
        server_sends: "05 00  05 00 00 02",
        app_reads: "",
        outcome: "socks[0]: the peer sent the address type 0x02, wanted 0x01 (IPv4), 0x03 (a name) or 0x04 (IPv6)",
    },
    Exchange {
        name: "opened, a name that is none",
        client_sends: "05 01 00  05 01 00 03 0b 'example.org' 01bb 'early'",
        server_sends: "05 00  05 00 00 03 02 0d0a 1267 'hello'",
        app_reads: "hello",
        outcome: "open",
    },
    Exchange {
        name: "opened, an empty name",
        client_sends: "05 01 00  05 01 00 03 0b 'example.org' 01bb 'early'",
        server_sends: "05 00  05 00 00 03 00 0000 'hello'",
        app_reads: "hello",
        outcome: "open",
    },
    Exchange {
        name: "opened, a name that is not UTF-8",
        client_sends: "05 01 00  05 01 00 03 0b 'example.org' 01bb 'early'",
        server_sends: "05 00  05 00 00 03 03 ff00e9 0000 'hello'",
        app_reads: "hello",
        outcome: "open",
    },
    Exchange {
        name: "finished before the method",
        client_sends: "05 01 00",
        server_sends: ".",
        app_reads: "",
        outcome: "socks[0]: the connection ended before the choice of a method: it may speak SOCKS4 only, or no SOCKS at all",
    },
    Exchange {
        name: "finished in the reply",
        client_sends: "05 01 00  05 01 00 03 0b 'example.org' 01bb",
        server_sends: "05 00  05 00 00 01 7f00.",
        app_reads: "",
        outcome: "socks[0]: the connection ended after 6 bytes of the reply to CONNECT",
    },
    Exchange {
        name: "aborted in the reply",
        client_sends: "05 01 00  05 01 00 03 0b 'example.org' 01bb",
        server_sends: "05 00  05 00 00 01 7f00!",
        app_reads: "",
        outcome: "socket: reset",
    },
];

const CLIENT_WITH_PASSWORD: &[Exchange] = &[
    Exchange {
        name: "asked for the password",
        client_sends: "05 02 02 00  01 02 'me' 02 'pw'",
        server_sends: "05 02",
        app_reads: "",
        outcome: "opening, waiting for the answer to the password",
    },
    Exchange {
        name: "opened",
        client_sends: "05 02 02 00  01 02 'me' 02 'pw'  05 01 00 03 0b 'example.org' 01bb 'early'",
        server_sends: "05 02  01 00  05 00 00 01 7f000001 1267 'hello'",
        app_reads: "hello",
        outcome: "open",
    },
    Exchange {
        name: "not asked for the password",
        client_sends: "05 02 02 00  05 01 00 03 0b 'example.org' 01bb 'early'",
        server_sends: "05 00  05 00 00 01 7f000001 1267 'hello'",
        app_reads: "hello",
        outcome: "open",
    },
    Exchange {
        name: "the password is refused",
        client_sends: "05 02 02 00  01 02 'me' 02 'pw'",
        server_sends: "05 02  01 01",
        app_reads: "",
        outcome: "socks[0]: the proxy refused the user name or the password (status 1)",
    },
    Exchange {
        name: "opened, the answer to the password has another version",
        client_sends: "05 02 02 00  01 02 'me' 02 'pw'  05 01 00 03 0b 'example.org' 01bb 'early'",
        server_sends: "05 02  05 00  05 00 00 01 7f000001 1267",
        app_reads: "",
        outcome: "open",
    },
    Exchange {
        name: "the password is refused in another version",
        client_sends: "05 02 02 00  01 02 'me' 02 'pw'",
        server_sends: "05 02  00 ff",
        app_reads: "",
        outcome: "socks[0]: the proxy refused the user name or the password (status 255)",
    },
    Exchange {
        name: "no method is acceptable",
        client_sends: "05 02 02 00",
        server_sends: "05 ff",
        app_reads: "",
        outcome: "socks[0]: the proxy accepts no client by a user name and a password, nor without: it may want GSSAPI, which is not spoken here",
    },
    Exchange {
        name: "finished before the status",
        client_sends: "05 02 02 00  01 02 'me' 02 'pw'",
        server_sends: "05 02  01.",
        app_reads: "",
        outcome: "socks[0]: the connection ended after 1 bytes of the answer to the password",
    },
];

#[test]
fn a_client_connects_without_a_password() {
    check_client(CLIENT, kit::client);
}

#[test]
fn a_client_connects_with_a_password() {
    check_client(CLIENT_WITH_PASSWORD, kit::client_with_password);
}
