//! Mistakes that implementations of SOCKS4 and SOCKS4a make, one test each.

use crate::kit::{self, Decision, Side, address, bytes};
use wirestack_layer::{Blame, Flow};
use wirestack_socks::{
    Address, Client, Command, PasswordError, Reply, Server, Socks4Error, SocksError, Version,
};

const REQUEST: &[u8] = b"\x04\x01\x00\x50\xc0\x00\x02\x07me\0";
const REPLY: &[u8] = b"\0\x5a\x12\x67\x7f\0\0\x01";

#[test]
fn requests_that_socks4_cannot_make_are_errors_at_once() {
    let as_user = |client: Client, user_id: &str| client.socks4(user_id).map(|_| ());
    let to = |host| Client::new(address(host, 443));
    let longest = "n".repeat(255);
    assert_eq!(as_user(to("192.0.2.7"), "me"), Ok(()));
    assert_eq!(as_user(to("0.0.0.0"), "me"), Ok(()));
    assert_eq!(as_user(to("0.0.1.0"), "me"), Ok(()));
    assert_eq!(as_user(to(&longest), &longest), Ok(()));
    assert_eq!(as_user(Client::bind(kit::peer()), ""), Ok(()));

    let ipv6 = Err(Socks4Error::Ipv6);
    assert_eq!(as_user(to("2001:db8::7"), "me"), ipv6);
    assert_eq!(as_user(to("::ffff:192.0.2.7"), "me"), ipv6);
    for sign in ["0.0.0.1", "0.0.0.255"] {
        let error = Err(Socks4Error::AnnouncesName(sign.parse().unwrap()));
        assert_eq!(as_user(to(sign), "me"), error);
    }
    let associate = Client::associate(address("0.0.0.0", 0));
    assert_eq!(as_user(associate, "me"), Err(Socks4Error::UdpAssociate));
    let nul = Err(Socks4Error::UserIdNul);
    assert_eq!(as_user(to("192.0.2.7"), "m\0e"), nul);
    let too_long = Err(Socks4Error::UserIdLength(256));
    assert_eq!(as_user(to("192.0.2.7"), &"u".repeat(256)), too_long);

    let with_password = kit::client_with_password();
    assert_eq!(as_user(with_password, "me"), Err(Socks4Error::Password));
    let client = kit::client().socks4("me").unwrap();
    let error = client.with_password("me", "pw").unwrap_err();
    assert_eq!(error, PasswordError::Socks4);
}

#[test]
fn names_are_left_to_the_proxy_so_that_no_dns_query_leaks() {
    let mut side = Side::new(kit::client().socks4("").unwrap());
    side.process();
    assert_eq!(side.sent(), b"\x04\x01\x01\xbb\0\0\0\x01\0example.org\0");
}

#[test]
fn a_reply_has_8_bytes_and_what_is_behind_belongs_to_the_tunnel() {
    let mut side = Side::new(kit::client().socks4("").unwrap());
    side.receive(&REPLY[..7]);
    assert!(!side.layer.is_open());
    assert_eq!(side.from_wire.required(), 8);
    side.receive(&[&REPLY[7..], &[0]].concat());
    assert_eq!(side.delivered(), [0]);
    assert_eq!(side.client().bound(), Some(&kit::bound()));
}

#[test]
fn the_bytes_behind_a_request_belong_to_the_tunnel() {
    // The first NUL ends the name; more of them are data.
    for request in [REQUEST, b"\x04\x01\x00\x50\0\0\0\x01me\0example.org\0"] {
        let mut side = Side::new(kit::server_of_all());
        side.receive(&[request, b"\0\0hello"].concat());
        assert!(Decision::Accept.make(&mut side));
        side.process();
        assert_eq!(side.delivered(), b"\0\0hello");
        assert_eq!(side.sent(), REPLY);
    }
}

#[test]
fn the_first_byte_tells_the_version() {
    let mut side = Side::new(kit::server_of_all());
    side.process();
    assert_eq!(side.from_wire.required(), 1);
    side.receive(REQUEST);
    let request = side.server().request().unwrap();
    assert_eq!(request.version(), Version::Socks4);
    assert_eq!(request.command(), Command::Connect);
    assert_eq!(request.target(), &address("192.0.2.7", 80));
    assert_eq!(request.user(), Some(&b"me"[..]));

    let mut side = Side::new(kit::server_of_all());
    side.receive(&bytes("05 01 00  05 03 00 01 00000000 0000"));
    let request = side.server().request().unwrap();
    assert_eq!(request.version(), Version::Socks5);
    assert_eq!(request.command(), Command::UdpAssociate);
    assert_eq!(request.user(), None);

    // The version does not change behind it.
    let mut side = Side::new(kit::server_of_all());
    side.receive(&[&b"\x05\x01\0"[..], REQUEST].concat());
    let cause = side.error().unwrap().cause();
    assert!(matches!(
        cause,
        Some(SocksError::BadVersion { seen: 4, .. })
    ));
}

#[test]
fn socks4_is_no_way_around_a_password() {
    let mut side = Side::new(kit::server_with_password());
    side.receive(REQUEST);
    let cause = side.error().unwrap().cause();
    assert!(matches!(cause, Some(SocksError::NotSocks { .. })));
    assert_eq!(side.server().request(), None);
    // Its own version tells it that it was refused.
    assert_eq!(side.sent(), b"\0\x5b\0\0\0\0\0\0");
}

#[test]
fn a_request_names_its_user_in_every_version() {
    let mut side = Side::new(kit::server_with_password());
    side.receive(&bytes(
        "05 01 02  01 02 'me' 02 'pw'  05 01 00 01 7f000001 0050",
    ));
    let request = side.server().request().unwrap();
    assert_eq!(request.user(), Some(&b"me"[..]));
    let shown = format!("{request:?}");
    assert!(shown.contains("Connect") && !shown.contains("me\""));
}

#[test]
fn a_user_id_is_checked_once_and_shown_nowhere() {
    let mut checks = 0;
    let mut side = Side::new(Server::new().with_socks4(move |user| {
        checks += 1;
        assert_eq!((checks, user), (1, &b"us3r"[..]));
        false
    }));
    for byte in b"\x04\x01\x00\x50\xc0\x00\x02\x07us3r\0" {
        side.receive(&[*byte]);
    }
    let error = side.error().unwrap();
    assert_eq!(error.cause(), Some(&SocksError::WrongUserId));
    assert_eq!(error.blame(), Blame::Peer);
    assert!(!format!("{error} {error:?}").contains("us3r"));

    let client = kit::client().socks4("us3r").unwrap();
    assert!(!format!("{client:?}").contains("us3r"));
}

#[test]
fn fields_without_an_end_do_not_fill_the_memory() {
    let rows: [(&[u8], &str); 2] = [
        (b"\x04\x01\x00\x50\xc0\x00\x02\x07", "user id"),
        (b"\x04\x01\x00\x50\0\0\0\x01me\0", "host name"),
    ];
    for (head, field) in rows {
        let mut side = Side::new(kit::server_of_all());
        side.receive(&[head, &[b'n'; 255]].concat());
        assert!(side.error().is_none(), "{field}");
        assert_eq!(side.from_wire.required(), head.len() + 256);
        side.receive(b"n");
        let cause = side.error().unwrap().cause();
        assert_eq!(cause, Some(&SocksError::TooLong(field)));
        assert_eq!(side.sent(), b"\0\x5b\0\0\0\0\0\0");
        assert!(side.to_wire.is_closed());

        // The NUL is not searched for behind the limit, even if it is there.
        let mut side = Side::new(kit::server_of_all());
        side.receive(&[head, &[b'n'; 256], &[0; 2]].concat());
        let cause = side.error().unwrap().cause();
        assert_eq!(cause, Some(&SocksError::TooLong(field)));
    }
}

#[test]
fn fields_of_full_length_fit_one_behind_the_other() {
    let name = "n".repeat(255);
    let client = Client::new(address(&name, 443)).socks4(&name).unwrap();
    let mut client = Side::new(client);
    client.process();
    let user = name.clone();
    let server = Server::new().with_socks4(move |seen| seen == user.as_bytes());
    let mut server = Side::new(server);
    for byte in client.sent() {
        server.receive(&[byte]);
    }
    let request = server.server().request().unwrap();
    assert_eq!(request.target(), &address(&name, 443));
}

#[test]
fn a_name_of_socks4a_that_is_a_literal_is_an_address() {
    for literal in ["192.0.2.7", "2001:db8::7"] {
        let mut side = Side::new(kit::server_of_all());
        side.receive(&bytes(&format!(
            "04 01 0050 00000001 'me' 00 '{literal}' 00"
        )));
        let request = side.server().request().unwrap();
        assert_eq!(request.target(), &address(literal, 80));
    }
}

#[test]
fn a_bound_address_is_sent_as_far_as_socks4_can_express_it() {
    let rows = [
        ("192.0.2.1", [192, 0, 2, 1]),
        ("::ffff:192.0.2.1", [192, 0, 2, 1]),
        ("0.0.0.0", [0; 4]),
        ("::", [0; 4]),
        ("2001:db8::7", [0; 4]),
        ("example.org", [0; 4]),
    ];
    for (bound, ip) in rows {
        let mut side = Side::new(kit::server_of_all());
        side.receive(REQUEST);
        let bound: Address = address(bound, 4711);
        side.server().accept(bound);
        side.process();
        assert_eq!(side.sent(), [&b"\0\x5a\x12\x67"[..], &ip].concat());
    }
}

#[test]
fn no_refusal_reads_as_granted() {
    for code in 0..=255 {
        for reply in [Reply::from(code), Reply::Socks4(code)] {
            let mut side = Side::new(kit::server_of_all());
            side.receive(REQUEST);
            side.server().reject(reply);
            side.process();
            let sent = side.sent();
            assert_eq!((sent.len(), sent[0]), (8, 0));
            assert_ne!(sent[1], 90, "{reply}");
            assert!(side.to_wire.is_closed());
            let error = side.error().unwrap();
            assert_eq!(error.blame(), Blame::Local);
        }
    }
}

#[test]
fn every_refusal_is_a_typed_error() {
    for code in (0..=255).filter(|code| *code != 90) {
        let mut side = Side::new(kit::client().socks4("").unwrap());
        side.receive(&[0, code, 0, 0, 0, 0, 0, 0]);
        let error = side.error().unwrap();
        let wanted = |reply: &Reply| *reply == Reply::Socks4(code);
        let cause = error.cause();
        assert!(matches!(cause, Some(SocksError::Refused { reply, .. }) if wanted(reply)));
        assert_eq!(error.blame(), Blame::Peer);
    }
}
