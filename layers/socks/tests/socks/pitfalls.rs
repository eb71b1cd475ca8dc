//! Mistakes that SOCKS implementations make, one test each, and promises of both sides that the
//! transcripts do not show.

use crate::kit::{self, Side, address, bytes};
use std::net::{Ipv6Addr, SocketAddr, SocketAddrV6};
use wirestack_layer::{Blame, End, Error, Flow, Place, Progress};
use wirestack_socks::{Address, AddressError, Client, PasswordError, Reply, Server, SocksError};

const NAME_255: [u8; 255] = [b'n'; 255];
const METHOD: &[u8] = b"\x05\x00";
const REPLY: &[u8] = b"\x05\x00\x00\x01\x7f\x00\x00\x01\x12\x67";
const GREETING: &[u8] = b"\x05\x01\x00";
const REQUEST: &[u8] = b"\x05\x01\x00\x03\x0bexample.org\x01\xbb";

#[test]
fn a_name_over_255_bytes_is_an_error_and_not_resolved_locally() {
    let error = Address::new(&"n".repeat(256), 443);
    assert_eq!(error, Err(AddressError::Length(256)));

    // The longest one goes out whole, however slowly the proxy answers.
    let name = str::from_utf8(&NAME_255).unwrap();
    let mut side = Side::new(Client::new(address(name, 443)));
    side.process();
    assert_eq!(side.sent(), GREETING);
    for byte in METHOD {
        side.receive(&[*byte]);
    }
    let request = [b"\x05\x01\x00\x03\xff", &NAME_255[..], b"\x01\xbb"].concat();
    assert_eq!(side.sent(), request);
}

#[test]
fn a_user_or_password_over_255_bytes_does_not_wrap_its_length() {
    let with = |user: usize, password: usize| {
        let (user, password) = ("u".repeat(user), "p".repeat(password));
        kit::client().with_password(&user, &password).map(|_| ())
    };
    assert_eq!(with(1, 1), Ok(()));
    assert_eq!(with(255, 255), Ok(()));
    for wrong in [256, 257, 65536 + 1] {
        assert_eq!(with(wrong, 1), Err(PasswordError::UserLength(wrong)));
        assert_eq!(with(1, wrong), Err(PasswordError::PasswordLength));
    }
}

#[test]
fn pitfall_72_a_user_without_a_password_and_a_password_without_a_user_are_sent() {
    for (user, password, wanted) in [
        ("me", "", "01 02 'me' 00"),
        ("", "pw", "01 00 02 'pw'"),
        ("", "", "01 00 00"),
    ] {
        let client = kit::client().with_password(user, password).unwrap();
        let mut side = Side::new(client);
        side.process();
        side.sent();
        side.receive(b"\x05\x02");
        assert_eq!(side.sent(), bytes(wanted), "{user}:{password}");
        side.receive(&bytes("01 00  05 00 00 01 7f000001 1267"));
        assert!(side.layer.is_open());
    }
}

#[test]
fn messages_of_full_length_fit_one_after_the_other() {
    let name = str::from_utf8(&NAME_255).unwrap();
    let client = Client::new(address(name, 443));
    let mut client = Side::new(client.with_password(name, name).unwrap());
    client.process();
    client.receive(b"\x05\x02\x01\x00");
    let bound = [b"\x05\x00\x00\x03\xff", &NAME_255[..], b"\x12\x67"].concat();
    client.receive(&bound);
    assert_eq!(client.client().bound(), Some(&address(name, 4711)));

    // Every method there is, and the longest of everything else.
    let mut server = Side::new(Server::with_password(|user, password| {
        (user, password) == (&NAME_255, &NAME_255)
    }));
    let methods: Vec<u8> = (0..255).rev().collect();
    server.receive(&[b"\x05\xff", &methods[..]].concat());
    let sent = client.sent();
    server.receive(&sent[4..]); // without the client's own greeting
    assert_eq!(
        server.server().request().unwrap().target(),
        &address(name, 443)
    );
    assert_eq!(server.sent(), b"\x05\x02\x01\x00");
}

#[test]
fn a_method_that_was_not_offered_is_an_error_and_no_panic() {
    for method in 1..=255 {
        let mut side = Side::new(kit::client());
        side.receive(&[5, method]);
        let wanted = match method {
            255 => SocksError::MethodsRefused { offered: &[0] },
            _ => SocksError::UnofferedMethod(method),
        };
        let error = side.error().unwrap();
        assert_eq!(error.cause(), Some(&wanted));
        assert_eq!(error.blame(), Blame::Peer);
    }
}

#[test]
fn no_acceptable_method_ends_the_connection() {
    let mut client = Side::new(kit::client());
    client.receive(b"\x05\xff");
    assert_eq!(client.sent(), GREETING);
    assert!(client.to_wire.is_closed());

    let mut server = Side::new(Server::new());
    server.receive(b"\x05\x01\x01");
    assert_eq!(server.sent(), b"\x05\xff");
    assert!(server.to_wire.is_closed());
}

#[test]
fn bytes_right_behind_a_reply_of_any_length_belong_to_the_tunnel() {
    for bound in [
        "01 7f000001",
        "03 03 'a.b'",
        "04 00000000000000000000000000000001",
    ] {
        let mut side = Side::new(kit::client());
        side.receive(&bytes(&format!("05 00  05 00 00 {bound} 1267 'hello'")));
        assert_eq!(side.delivered(), b"hello");
    }
}

#[test]
fn names_are_left_to_the_proxy_so_that_no_dns_query_leaks() {
    let mut side = Side::new(kit::client());
    side.process();
    side.sent();
    side.receive(METHOD);
    assert_eq!(side.sent(), REQUEST);
}

#[test]
fn internationalized_names_are_wanted_as_a_labels() {
    let error = Address::new("bücher.example", 443);
    assert_eq!(error, Err(AddressError::Character('ü')));
    assert!(Address::new("xn--bcher-kva.example", 443).is_ok());
}

#[test]
fn an_ipv6_zone_does_not_leave_the_host() {
    assert_eq!(Address::new("fe80::1%2", 443), Err(AddressError::Zone));
    let link_local: Ipv6Addr = "fe80::1".parse().unwrap();
    let zoned = Address::from(SocketAddr::from(SocketAddrV6::new(link_local, 443, 1, 2)));
    assert_eq!(zoned, address("fe80::1", 443));
    assert_eq!(zoned.to_string(), "[fe80::1]:443");
}

#[test]
fn every_refusal_is_a_typed_error() {
    for code in 1..=255 {
        let mut side = Side::new(kit::client());
        side.receive(METHOD);
        side.receive(&[5, code, 0, 1, 0, 0, 0, 0, 0, 0]);
        let cause = side.error().unwrap().cause();
        let wanted = |reply: &Reply| *reply == Reply::from(code);
        assert!(matches!(cause, Some(SocksError::Refused { reply, .. }) if wanted(reply)));
    }
}

#[test]
fn a_refusal_closes_right_behind_its_reply_as_the_server_must_within_10_seconds() {
    for code in 0..=255 {
        let mut side = requested();
        side.server().reject(Reply::from(code));
        side.process();
        let sent = match code {
            0 => 1, // success is no refusal
            code => code,
        };
        assert_eq!(side.sent(), [5, sent, 0, 1, 0, 0, 0, 0, 0, 0]);
        assert!(side.to_wire.is_closed());
        let error = side.error().unwrap();
        assert_eq!(
            error.cause(),
            Some(&SocksError::Rejected(Reply::from(sent)))
        );
        assert_eq!(error.blame(), Blame::Local);
    }
}

#[test]
fn the_application_decides_once() {
    let mut side = requested();
    assert_eq!(
        side.layer.progress(),
        Progress::Deciding("the CONNECT request")
    );
    side.server().accept(kit::bound());
    side.server().reject(Reply::NotAllowed);
    side.server().accept(address("192.0.2.1", 1));
    assert_eq!(side.server().request(), None);
    side.process();
    assert_eq!(side.sent(), REPLY);
    assert!(side.layer.is_transparent());
    let facts = "connected to example.org:443, bound 127.0.0.1:4711";
    assert_eq!(side.layer.status().facts.to_string(), facts);
}

#[test]
fn a_decision_before_the_request_does_nothing() {
    let mut server = Server::new();
    server.reject(Reply::NotAllowed);
    server.accept(kit::bound());
    let mut side = Side::new(server);
    side.receive(GREETING);
    assert_eq!(side.sent(), METHOD);
    assert_eq!(side.server().request(), None);
}

#[test]
fn an_open_client_shows_the_bound_address() {
    let mut side = Side::new(kit::client());
    assert_eq!(side.layer.status().facts.to_string(), "");
    side.receive(METHOD);
    side.receive(REPLY);
    assert_eq!(
        side.layer.status().facts.to_string(),
        "bound 127.0.0.1:4711"
    );
    assert!(side.layer.is_transparent());
}

#[test]
fn secrets_are_shown_nowhere() {
    let client = kit::client().with_password("us3r", "s3cret").unwrap();
    let server = Server::with_password(|_, password| password == b"s3cret");
    let shown = format!("{client:?} {server:?}");
    assert!(
        !shown.contains("us3r") && !shown.contains("s3cret"),
        "{shown}"
    );

    let mut side = Side::new(client);
    side.receive(b"\x05\x02\x01\x01");
    let error = side.error().unwrap();
    let shown = format!("{error} {error:?}");
    assert!(
        !shown.contains("us3r") && !shown.contains("s3cret"),
        "{shown}"
    );

    let mut side = Side::new(server);
    side.receive(b"\x05\x01\x02\x01\x04us3r\x05wr0ng");
    let error = side.error().unwrap();
    let shown = format!("{error} {error:?}");
    assert!(
        !shown.contains("us3r") && !shown.contains("wr0ng"),
        "{shown}"
    );
}

#[test]
fn a_password_is_forgotten_once_it_is_sent() {
    let mut client = kit::client().with_password("me", "s3cret").unwrap();
    assert!(format!("{client:?}").contains("Credentials"));
    let mut side = Side::new(kit::client());
    std::mem::swap(side.client(), &mut client);
    side.receive(b"\x05\x02");
    assert!(!format!("{:?}", side.client()).contains("Credentials"));
}

#[test]
fn an_end_of_the_application_waits_for_the_tunnel() {
    let mut side = Side::new(kit::client());
    side.from_app.write(b"all");
    side.from_app.finish();
    side.receive(METHOD);
    assert!(!side.to_wire.is_closed());
    side.sent();
    side.receive(REPLY);
    assert_eq!(side.sent(), b"all");
    assert!(matches!(side.to_wire.end(), Some(End::Finished)));
    side.receive(b"still heard");
    assert_eq!(side.delivered(), b"still heard");
}

#[test]
fn an_abort_of_the_application_is_carried_down_at_once() {
    for mut side in [Side::new(kit::client()), requested()] {
        side.from_app.write(b"never sent");
        let enough = Error::local("app", "enough").at(Place::App);
        side.from_app.abort(enough);
        side.process();
        assert_eq!(side.outcome(), "app: enough");
        assert!(matches!(side.to_wire.closed(), Some(End::Aborted(_))));
        assert_eq!(side.layer.progress(), Progress::Over);
        side.receive(b"discarded");
        assert!(side.from_wire.is_empty());
    }
}

#[test]
fn an_abort_of_the_wire_passes_up_even_without_room_to_answer() {
    let mut side = Side::new(kit::client());
    side.to_wire.set_limit(1);
    side.receive(METHOD); // it stays: the greeting has not left yet
    assert_eq!(side.from_wire.len(), 2);
    side.from_wire
        .abort(Error::peer("socket", "reset").at(Place::Wire));
    side.process();
    assert_eq!(side.outcome(), "socket: reset");
}

#[test]
fn no_step_is_begun_without_room_to_answer() {
    let mut side = Side::new(kit::client());
    side.to_wire.set_limit(0);
    side.process();
    assert!(side.to_wire.is_empty());
    side.to_wire.set_limit(1);
    side.receive(METHOD);
    assert_eq!(side.sent(), GREETING);
    side.process();
    assert_eq!(side.sent(), REQUEST);

    let mut side = Side::new(Server::new());
    side.to_wire.set_limit(1);
    side.receive(&[GREETING, REQUEST].concat());
    assert_eq!(side.server().request(), None);
    assert_eq!(side.sent(), METHOD);
    side.process();
    side.server().accept(kit::bound());
    side.to_wire.set_limit(0);
    side.process();
    assert!(!side.layer.is_open());
    side.to_wire.set_limit(1);
    side.process();
    assert_eq!(side.sent(), REPLY);
}

#[test]
fn a_side_requires_the_bytes_that_are_missing() {
    let mut side = Side::new(kit::client());
    side.from_wire.set_limit(1);
    side.receive(&[5]);
    assert_eq!(side.from_wire.wanted(), 1);
    side.receive(&[0, 5, 0, 0, 3, 200]);
    assert_eq!(side.from_wire.required(), 5 + 200);
}

#[test]
fn a_password_is_checked_once() {
    let mut checks = 0;
    let mut side = Side::new(Server::with_password(move |_, _| {
        checks += 1;
        assert_eq!(checks, 1);
        true
    }));
    side.receive(b"\x05\x01\x02");
    for byte in b"\x01\x02me\x02pw" {
        side.receive(&[*byte]);
    }
    assert_eq!(side.sent(), b"\x05\x02\x01\x00");
}

/// A server that has a request to decide on.
fn requested() -> Side {
    let mut side = Side::new(Server::new());
    side.receive(&[GREETING, REQUEST].concat());
    side.sent();
    assert!(side.server().request().is_some());
    side
}
