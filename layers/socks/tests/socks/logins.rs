//! The ways to check the password of a client.

use crate::kit::{Side, bytes};
use wirestack_layer::Progress;
use wirestack_socks::{Server, SocksError};

const GREETING: &str = "05 01 02";
const PASSWORD: &str = "01 02 'me' 02 'pw'";
const REQUEST: &str = "05 01 00 01 c0000207 0014";

#[test]
fn an_application_may_take_its_time_to_let_a_client_in() {
    let mut side = asked();
    assert_eq!(side.server().login(), Some((&b"me"[..], &b"pw"[..])));
    side.server().authenticate(true);
    assert_eq!(side.server().login(), None);
    side.server().authenticate(false); // once is enough
    side.process();
    assert_eq!(side.sent(), bytes("01 00"));
    side.receive(&bytes(REQUEST));
    let request = side.server().request().expect("the request of the client");
    assert_eq!(request.user(), Some(&b"me"[..]));
    assert_eq!(side.server().login(), None);
}

#[test]
fn an_application_may_take_its_time_to_refuse_a_client() {
    let mut side = asked();
    side.server().authenticate(false);
    side.process();
    assert_eq!(side.sent(), bytes("01 01"));
    let cause = side.error().unwrap().cause();
    assert_eq!(cause, Some(&SocksError::WrongPassword));
    assert_eq!(side.server().login(), None);
}

#[test]
fn a_decision_that_nobody_awaits_is_no_decision() {
    let mut side = Side::new(Server::new().awaiting_login());
    side.server().authenticate(true);
    side.receive(&bytes(GREETING));
    side.server().authenticate(true);
    side.receive(&bytes(PASSWORD));
    assert!(side.server().login().is_some());
}

#[test]
fn one_user_with_one_password_is_let_in_and_no_other() {
    for (sent, is_right) in [
        ("02 'me' 02 'pw'", true),
        ("02 'me' 02 'pW'", false),
        ("02 'Me' 02 'pw'", false),
        ("02 'Me' 02 'pW'", false),
        ("02 'me' 03 'pw' 00", false),
        ("01 'm' 02 'pw'", false),
    ] {
        let mut side = Side::new(Server::with_credentials("me", "pw").unwrap());
        side.receive(&bytes(GREETING));
        assert_eq!(side.sent(), bytes("05 02"));
        side.receive(&bytes(&format!("01 {sent}")));
        assert_eq!(side.sent(), [1, u8::from(!is_right)], "{sent}");
    }
}

/// A server that has a login to decide on.
fn asked() -> Side {
    let mut side = Side::new(Server::new().awaiting_login());
    side.receive(&bytes(GREETING));
    assert_eq!(side.sent(), bytes("05 02"));
    assert_eq!(side.server().login(), None);
    side.receive(&bytes(PASSWORD));
    assert_eq!(side.sent(), b"");
    assert_eq!(side.layer.progress(), Progress::Deciding("the password"));
    side
}
