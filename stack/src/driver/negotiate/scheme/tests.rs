//! Negotiate with conversations that follow a script.

use super::*;
use http::StatusCode;
use wirestack_http::Refusal;

/// The word of a script for each step: a token for the proxy, the end, or an error.
struct Script(Vec<Result<Leg, Failure>>, Vec<Vec<u8>>);

impl SecurityContext for Script {
    fn step(&mut self, token: Option<&[u8]>) -> Result<Leg, Failure> {
        assert_eq!(token.unwrap_or_default(), self.1.remove(0));
        self.0.remove(0)
    }
}

fn failure(words: &str, advice: &'static str) -> Failure {
    let words = words.to_owned();
    Failure { words, advice }
}

fn leg(token: &str, is_complete: bool) -> Result<Leg, Failure> {
    let token = Some(token.as_bytes().to_vec()).filter(|token| !token.is_empty());
    Ok(Leg { token, is_complete })
}

/// A ticket that the proxy takes at once, and whose proof is `proof`.
fn one(host: &str) -> Result<Box<dyn SecurityContext>, Failure> {
    assert_eq!(host, "proxy.test");
    let steps = vec![leg("first", false), leg("", true)];
    Ok(Box::new(Script(steps, vec![b"".into(), b"proof".into()])))
}

fn two(_: &str) -> Result<Box<dyn SecurityContext>, Failure> {
    let steps = vec![leg("first", false), leg("second", true)];
    Ok(Box::new(Script(steps, vec![b"".into(), b"next".into()])))
}

fn wrong(_: &str) -> Result<Box<dyn SecurityContext>, Failure> {
    let steps = vec![leg("first", false), Err(failure("it is\ncorrupt", ""))];
    Ok(Box::new(Script(steps, vec![b"".into(), b"proof".into()])))
}

fn halfway(_: &str) -> Result<Box<dyn SecurityContext>, Failure> {
    let steps = vec![leg("first", false), leg("more", false)];
    Ok(Box::new(Script(steps, vec![b"".into(), b"proof".into()])))
}

fn none(_: &str) -> Result<Box<dyn SecurityContext>, Failure> {
    Err(failure(&"x".repeat(1000), "get one with `kinit`"))
}

fn challenge(text: &str, version: Version, reusable: bool, scheme: &mut Negotiate) -> SchemeAction {
    let fields = [(PROXY_AUTHENTICATE, text.parse().unwrap())];
    let status = StatusCode::PROXY_AUTHENTICATION_REQUIRED;
    let mut refusal = Refusal::new(status, fields.into_iter().collect());
    refusal.version = version;
    let offered = refusal.proxy_challenges();
    let action = scheme.step(SchemeInput::Challenge {
        offered: &offered,
        credentials: None,
        refusal: &refusal,
        reusable,
    });
    run(action, scheme)
}

/// Does the work that a step asks for.
fn run(action: SchemeAction, scheme: &mut Negotiate) -> SchemeAction {
    if action != SchemeAction::RunBlocking {
        return action;
    }
    scheme.run_blocking();
    scheme.step(SchemeInput::Ran)
}

fn asked(text: &str, scheme: &mut Negotiate) -> SchemeAction {
    challenge(text, Version::HTTP_11, true, scheme)
}

fn opened(field: Option<(&'static str, String)>, scheme: &mut Negotiate) -> SchemeAction {
    let mut response = Response::new(());
    if let Some((name, value)) = field {
        let value = HeaderValue::try_from(value).unwrap();
        response.headers_mut().insert(name, value);
    }
    let action = scheme.step(SchemeInput::Response(&response));
    run(action, scheme)
}

fn sends(token: &str) -> SchemeAction {
    send(token.as_bytes())
}

fn base64(text: &str) -> String {
    format!("Negotiate {}", BASE64.encode(text))
}

const OPEN: SchemeAction = SchemeAction::Authorize(None);

#[test]
fn a_proof_is_checked_if_it_comes_and_not_missed_if_it_does_not() {
    let fields = ["proxy-authenticate", "proxy-authentication-info"];
    let proof = |name| Some((name, base64("proof")));
    for (field, begin, wanted) in [
        (None, one as Begin, OPEN),
        (Some((fields[0], "Negotiate".to_owned())), one, OPEN),
        (proof(fields[0]), one, OPEN),
        (proof(fields[1]), one, OPEN),
        (
            proof(fields[0]),
            wrong,
            SchemeAction::GiveUp(
                "its proof of Negotiate that it is HTTP/proxy.test is wrong: it is\\ncorrupt"
                    .to_owned(),
            ),
        ),
        (
            proof(fields[1]),
            halfway,
            SchemeAction::GiveUp(
                "its proof of Negotiate that it is HTTP/proxy.test is not complete".to_owned(),
            ),
        ),
        (
            Some((fields[0], "Negotiate \u{21}".to_owned())),
            one,
            SchemeAction::GiveUp("its proof of Negotiate is not base64".to_owned()),
        ),
        (
            Some((fields[0], format!("Negotiate {}", "A".repeat(70_000)))),
            one,
            SchemeAction::GiveUp("its proof of Negotiate is longer than 64 KiB".to_owned()),
        ),
    ] {
        let mut scheme = Negotiate::new("proxy.test", begin);
        assert_eq!(asked("Negotiate", &mut scheme), sends("first"));
        assert!(!scheme.is_connection_bound());
        assert_eq!(opened(field.clone(), &mut scheme), wanted, "{field:.60?}");
    }
}

#[test]
fn a_ticket_that_is_not_there_or_not_taken_says_so() {
    let mut scheme = Negotiate::new("proxy.test", none);
    let SchemeAction::Unusable(why) = asked("Negotiate", &mut scheme) else {
        panic!("it goes on");
    };
    let whole = why.starts_with("no ticket for HTTP/proxy.test: xxx")
        && why.ends_with("…: get one with `kinit`");
    assert!(whole && why.len() < 500, "{why}");
    let mut scheme = Negotiate::new("proxy.test", one);
    asked("Negotiate", &mut scheme);
    assert_eq!(asked("Negotiate", &mut scheme), SchemeAction::Refused);
}

#[test]
fn a_conversation_of_several_messages_stays_on_its_connection() {
    let mut scheme = Negotiate::new("proxy.test", two);
    assert_eq!(asked("Negotiate", &mut scheme), sends("first"));
    assert_eq!(asked(&base64("next"), &mut scheme), sends("second"));
    assert!(scheme.is_connection_bound());
    // The connection ended: it begins anew, twice.
    for _ in 0..MOST_RESTARTS {
        let action = scheme.step(SchemeInput::Request { credentials: None });
        assert_eq!(run(action, &mut scheme), sends("first"));
        assert!(!scheme.is_connection_bound());
    }
    assert_eq!(
        scheme.step(SchemeInput::Request { credentials: None }),
        SchemeAction::GiveUp(CLOSES.to_owned())
    );
    let mut scheme = Negotiate::new("proxy.test", two);
    asked("Negotiate", &mut scheme);
    for _ in 0..MOST_RESTARTS {
        let next = challenge(&base64("next"), Version::HTTP_11, false, &mut scheme);
        assert_eq!(next, sends("first"));
    }
    let next = challenge(&base64("next"), Version::HTTP_11, false, &mut scheme);
    assert_eq!(next, SchemeAction::GiveUp(CLOSES.to_owned()));
    // One message may go over HTTP/2, and more may not.
    let mut scheme = Negotiate::new("proxy.test", two);
    let first = challenge("Negotiate", Version::HTTP_2, true, &mut scheme);
    assert_eq!(first, sends("first"));
    let next = challenge(&base64("next"), Version::HTTP_2, true, &mut scheme);
    assert_eq!(next, SchemeAction::GiveUp(OVER_HTTP2.to_owned()));
    // The next connection of the same dialing begins at once.
    let mut scheme = Negotiate::new("proxy.test", one);
    asked("Negotiate", &mut scheme);
    opened(None, &mut scheme);
    let action = scheme.step(SchemeInput::Request { credentials: None });
    assert_eq!(run(action, &mut scheme), sends("first"));
}

#[test]
fn a_token_has_64_kib_at_most_and_two_connections_may_be_closed() {
    for (characters, why) in [(65_536, "is not base64"), (65_537, "is longer than 64 KiB")] {
        let mut scheme = Negotiate::new("proxy.test", two);
        assert_eq!(asked("Negotiate", &mut scheme), sends("first"));
        let token = format!("Negotiate {}", "*".repeat(characters));
        let why = format!("its token of Negotiate {why}");
        assert_eq!(asked(&token, &mut scheme), SchemeAction::GiveUp(why));
    }
    let mut scheme = Negotiate::new("proxy.test", two);
    asked("Negotiate", &mut scheme);
    let closed =
        |scheme: &mut Negotiate| challenge(&base64("next"), Version::HTTP_11, false, scheme);
    for _ in 0..2 {
        assert_eq!(closed(&mut scheme), sends("first"));
    }
    assert_eq!(closed(&mut scheme), SchemeAction::GiveUp(CLOSES.to_owned()));
}

#[test]
fn tokens_are_in_no_text() {
    let mut scheme = Negotiate::new("proxy.test", one);
    let SchemeAction::Authorize(Some(value)) = asked("Negotiate", &mut scheme) else {
        panic!("no token");
    };
    assert!(value.is_sensitive());
    let action = SchemeAction::Authorize(Some(value));
    assert!(!format!("{action:?}").contains("Zmlyc3"));
}
