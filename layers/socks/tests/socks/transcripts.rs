//! Whole conversations as tables, each run whole, byte by byte, at every two-way split, through
//! narrow pipes, and with bytes behind its end.

use crate::kit::{self, Decision, Side, bytes};
use wirestack_layer::{Error, Flow, Layer, LayerExt, Pipe, Place};
use wirestack_socks::{Reply, Server};

/// What the application has to say from the start: it must not be heard before the tunnel is open.
const EARLY: &str = "early";

/// A conversation: its name, what comes from the wire, what goes to the application, what goes to
/// the wire, the outcome. Behind what comes from the wire, `.` is its end, and `!` an abort.
type Row = [&'static str; 5];

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

fn check<L: Layer<In = Pipe, Out = Pipe> + 'static>(
    rows: &[Row],
    decision: Decision,
    layer: impl Fn() -> L,
) {
    for [name, from_wire, to_app, to_wire, outcome] in rows {
        let (notation, end) = match from_wire.strip_suffix(['.', '!']) {
            Some(notation) => (notation, from_wire.chars().last()),
            None => (*from_wire, None),
        };
        let input = bytes(notation);
        let wanted = ((*to_app).to_owned(), bytes(to_wire), (*outcome).to_owned());

        let whole: Vec<&[u8]> = vec![&input];
        let single: Vec<&[u8]> = input.chunks(1).collect();
        let halves = (0..=input.len()).map(|at| vec![&input[..at], &input[at..]]);
        for pieces in [whole, single].into_iter().chain(halves) {
            for limit in [1, 64 * 1024] {
                let mut side = Side::new(layer());
                let got = run(&mut side, &pieces, end, decision, limit);
                assert_eq!(got, wanted, "{name}: {pieces:02x?}, limit {limit}");
            }
        }

        if end.is_none() && !outcome.contains("waiting") {
            let mut wanted = wanted;
            if *outcome == "open" {
                wanted.0 += "trailing";
            }
            let mut side = Side::new(layer());
            let longer = [&input[..], b"trailing"].concat();
            let got = run(&mut side, &[&longer], end, decision, 64 * 1024);
            assert_eq!(got, wanted, "{name}, trailing");
        }
    }
}

/// Returns what the application received, what went to the wire, and the outcome.
fn run(
    side: &mut Side,
    pieces: &[&[u8]],
    end: Option<char>,
    decision: Decision,
    limit: usize,
) -> (String, Vec<u8>, String) {
    side.from_app.write(EARLY.as_bytes());
    side.to_wire.set_limit(limit);
    side.to_app.set_limit(limit);
    let (mut to_app, mut to_wire) = (vec![], vec![]);
    let mut settle = |side: &mut Side| {
        loop {
            side.process();
            let moved = side.to_wire.len() + side.to_app.len();
            to_wire.extend(side.sent());
            to_app.extend(side.delivered());
            if moved == 0 && !decide(side, decision) {
                return;
            }
        }
    };
    settle(side);
    for piece in pieces {
        side.from_wire.write(piece);
        settle(side);
    }
    match end {
        Some('.') => side.from_wire.finish(),
        Some(_) => side
            .from_wire
            .abort(Error::peer("socket", "reset").at(Place::Wire)),
        None => {}
    }
    settle(side);
    if side.error().is_some() {
        assert!(side.from_wire.is_empty() && side.from_app.is_empty());
        assert!(side.to_wire.is_closed() || side.layer.is_open());
    }
    (String::from_utf8(to_app).unwrap(), to_wire, side.outcome())
}

/// Decides on the request, if there is one, and returns whether it did.
fn decide(side: &mut Side, decision: Decision) -> bool {
    let Some(server) = side.layer.part::<Server>() else {
        return false;
    };
    if server.request().is_none() {
        return false;
    }
    match decision {
        Decision::Wait => return false,
        Decision::Accept => server.accept(kit::bound()),
        Decision::Reject(reply) => server.reject(reply),
    }
    true
}
