//! Mistakes that implementations of BIND and UDP ASSOCIATE make, one test each.

use crate::kit::{self, Side, address, bytes};
use wirestack_layer::{End, Error, Flow, Place, Progress};
use wirestack_socks::{Client, Command, Reply, Server, SocksError};

const METHOD: &str = "05 00";
const FIRST: &str = "05 00 00 01 7f000001 1267";
const SECOND: &str = "05 00 00 01 c0000207 0014";

#[test]
fn a_client_is_open_after_the_second_reply_and_not_before() {
    let mut side = Side::new(client());
    side.from_app.write(b"early");
    side.receive(&bytes(METHOD));
    side.sent();
    assert_eq!(side.client().bound(), None);

    side.receive(&bytes(FIRST));
    let waiting = Progress::Opening("the second reply to BIND");
    assert_eq!(side.layer.progress(), waiting);
    assert!(!side.layer.is_open() && !side.layer.is_transparent());
    assert_eq!(side.client().bound(), Some(&kit::bound()));
    assert_eq!(side.client().peer(), None);
    assert_eq!(
        side.layer.status().facts.to_string(),
        "bound 127.0.0.1:4711"
    );
    assert_eq!(side.sent(), b"");

    side.receive(&bytes(SECOND));
    assert!(side.layer.is_open() && side.layer.is_transparent());
    assert_eq!(side.client().bound(), Some(&kit::bound()));
    assert_eq!(side.client().peer(), Some(&kit::peer()));
    let facts = "bound 127.0.0.1:4711, peer 192.0.2.7:20";
    assert_eq!(side.layer.status().facts.to_string(), facts);
    assert_eq!(side.sent(), b"early");
}

#[test]
fn both_replies_and_bytes_of_the_peer_may_come_in_one_read() {
    let mut side = Side::new(client());
    side.receive(&bytes(&format!("{METHOD} {FIRST} {SECOND} 'hello'")));
    assert_eq!(side.client().peer(), Some(&kit::peer()));
    assert_eq!(side.delivered(), b"hello");

    let mut side = Side::new(client().socks4("me").unwrap());
    side.receive(&bytes("00 5a 1267 7f000001  00 5a 0014 c0000207 'hello'"));
    assert_eq!(side.client().peer(), Some(&kit::peer()));
    assert_eq!(side.delivered(), b"hello");
}

#[test]
fn a_second_reply_that_refuses_is_a_typed_error_and_closes() {
    let mut side = Side::new(client());
    side.receive(&bytes(&format!("{METHOD} {FIRST} 05 06 00 01")));
    let cause = side.error().unwrap().cause();
    let wanted = |reply: &Reply| *reply == Reply::TtlExpired;
    assert!(matches!(cause, Some(SocksError::Refused { reply, .. }) if wanted(reply)));
    assert!(side.to_wire.is_closed());
    assert_eq!(side.client().bound(), None);
}

#[test]
fn connect_and_associate_have_no_peer_and_no_second_reply() {
    for client in [kit::client(), Client::associate(address("0.0.0.0", 0))] {
        let mut side = Side::new(client);
        side.receive(&bytes(&format!("{METHOD} {FIRST} {SECOND}")));
        assert_eq!(side.client().peer(), None);
        assert_eq!(side.delivered(), bytes(SECOND)); // of the tunnel
    }
    for command in [Command::Connect, Command::UdpAssociate] {
        let mut side = requested(command);
        side.server().accept(kit::bound());
        assert_eq!(side.server().listening(), None);
        side.server().connected(kit::peer());
        side.server().reject(Reply::NotAllowed);
        side.process();
        assert_eq!(side.sent(), bytes(FIRST));
        assert!(side.layer.is_open());
    }
}

#[test]
fn a_server_decides_twice() {
    let mut side = requested(Command::Bind);
    let deciding = Progress::Deciding("the BIND request");
    assert_eq!(side.layer.progress(), deciding);
    assert!(!side.layer.is_transparent());
    side.server().connected(kit::peer()); // nobody listens yet
    assert_eq!(side.server().listening(), None);

    side.server().accept(kit::bound());
    assert_eq!(side.server().request(), None);
    assert_eq!(side.server().listening(), Some(&kit::bound()));
    side.process();
    assert_eq!(side.sent(), bytes(FIRST));
    let deciding = Progress::Deciding("the peer of BIND");
    assert_eq!(side.layer.progress(), deciding);
    assert!(!side.layer.is_open());

    side.server().accept(address("192.0.2.9", 9)); // once is enough
    assert_eq!(side.server().listening(), Some(&kit::bound()));
    side.server().connected(kit::peer());
    assert_eq!(side.server().listening(), None);
    side.server().connected(address("192.0.2.9", 9));
    side.server().reject(Reply::NotAllowed);
    side.process();
    assert_eq!(side.sent(), bytes(SECOND));
    assert!(side.layer.is_open() && side.layer.is_transparent());
    let facts = "connected from 192.0.2.7:20, bound 127.0.0.1:4711";
    assert_eq!(side.layer.status().facts.to_string(), facts);
}

#[test]
fn a_peer_that_comes_before_the_first_reply_has_left_is_not_lost() {
    let mut side = requested(Command::Bind);
    side.to_wire.set_limit(1);
    side.server().accept(kit::bound());
    side.server().connected(kit::peer());
    side.process();
    assert_eq!(side.sent(), bytes(FIRST));
    assert!(!side.layer.is_open());
    side.process();
    assert_eq!(side.sent(), bytes(SECOND));
    assert!(side.layer.is_open());
}

#[test]
fn bind_that_is_rejected_before_the_first_reply_has_left_has_one_reply() {
    let mut side = requested(Command::Bind);
    side.server().accept(kit::bound());
    side.server().reject(Reply::GeneralFailure);
    side.process();
    assert_eq!(side.sent(), bytes("05 01 00 01 00000000 0000"));
    assert!(side.to_wire.is_closed());
}

#[test]
fn an_abort_passes_while_the_peer_is_awaited() {
    let mut side = requested(Command::Bind);
    side.server().accept(kit::bound());
    side.process();
    let enough = Error::local("app", "enough").at(Place::App);
    side.from_app.abort(enough);
    side.process();
    assert_eq!(side.outcome(), "app: enough");
    assert!(matches!(side.to_wire.closed(), Some(End::Aborted(_))));
    assert_eq!(side.server().listening(), None);
    side.server().connected(kit::peer());
    side.process();
    assert_eq!(side.layer.progress(), Progress::Over);
}

#[test]
fn commands_are_served_only_if_they_are_allowed() {
    let all = [Command::Connect, Command::Bind, Command::UdpAssociate];
    for allowed in all {
        for (asked, code) in all.into_iter().zip(1..) {
            let mut side = Side::new(Server::new().serving(allowed));
            let request = format!("05 01 00  05 0{code} 00 01 00000000 0000");
            side.receive(&bytes(&request));
            let served = asked == Command::Connect || asked == allowed;
            assert_eq!(side.server().request().is_some(), served, "{asked}");
            let refused = SocksError::UnsupportedCommand(code);
            let cause = side.error().and_then(Error::cause);
            assert_eq!(cause, (!served).then_some(&refused), "{asked}");
        }
    }
}

#[test]
fn the_facts_of_an_association_name_both_ends() {
    let mut side = requested(Command::UdpAssociate);
    side.server().accept(kit::bound());
    side.process();
    let facts = "datagrams from 192.0.2.7:20, bound 127.0.0.1:4711";
    assert_eq!(side.layer.status().facts.to_string(), facts);
}

fn client() -> Client {
    Client::bind(kit::peer())
}

/// A server that has this request to decide on.
fn requested(command: Command) -> Side {
    let code = match command {
        Command::Connect => 1,
        Command::Bind => 2,
        Command::UdpAssociate => 3,
    };
    let mut side = Side::new(kit::server_of_all());
    side.receive(&bytes(&format!("05 01 00  05 0{code} 00 01 c0000207 0014")));
    side.sent();
    assert_eq!(side.server().request().unwrap().command(), command);
    side
}
