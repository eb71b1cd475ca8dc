//! The choice between schemes, and what is asked for.

use super::*;
use http::header::{HeaderMap, PROXY_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use wirestack_http::Refusal;

fn login() -> Login {
    let login = Login::new("example.org:443", Seed::new([1; 32]));
    login.with_credentials(Credentials::new("me", "secret"))
}

fn digest(nonce: &str, stale: bool) -> Challenge {
    let stale = if stale { ", stale=TRUE" } else { "" };
    let text = format!("Digest realm=\"r\", nonce=\"{nonce}\", qop=\"auth\"{stale}");
    Challenge::new(text)
}

fn told(login: &mut Login, challenges: &[Challenge]) -> Action {
    let mut fields = HeaderMap::new();
    for challenge in challenges {
        let value = HeaderValue::from_str(challenge.as_str()).unwrap();
        fields.append(PROXY_AUTHENTICATE, value);
    }
    let refusal = Refusal::new(StatusCode::PROXY_AUTHENTICATION_REQUIRED, fields);
    login.step(Input::Awaiting(&Awaiting::Challenge {
        refusal,
        reusable: true,
    }))
}

const START: Input<'_> = Input::Awaiting(&Awaiting::Request);

fn sent(action: Action) -> String {
    match action {
        Action::Authorize(value) => value.map_or_else(String::new, |value| {
            assert!(value.is_sensitive());
            value.to_str().unwrap().to_owned()
        }),
        other => panic!("wanted Authorize, saw {other:?}"),
    }
}

#[test]
fn a_stale_nonce_is_no_wrong_password() {
    let mut login = login();
    assert_eq!(sent(login.step(START)), "");
    assert!(sent(told(&mut login, &[digest("one", false)])).contains("nonce=\"one\""));
    let again = sent(told(&mut login, &[digest("two", true)]));
    assert!(
        again.contains("nonce=\"two\"") && again.contains("nc=00000001"),
        "{again}"
    );
    let refused = Action::GiveUp("it refused the user or the password (Digest)".into());
    assert_eq!(told(&mut login, &[digest("three", false)]), refused);
}

#[test]
fn a_user_that_digest_cannot_carry_goes_by_basic() {
    let login = || {
        let login = Login::new("example.org:443", Seed::new([1; 32]));
        let mut login = login.with_credentials(Credentials::new(*b"m\xfc", "secret"));
        assert_eq!(sent(login.step(START)), "");
        login
    };
    let basic = Challenge::new("Basic realm=\"r\"");
    let value = sent(told(&mut login(), &[digest("one", false), basic]));
    assert_eq!(value, "Basic bfw6c2VjcmV0");
    let why = "it offers Digest: Digest needs a user and a password in UTF-8, and they are not";
    let told = told(&mut login(), &[digest("one", false)]);
    assert_eq!(told, Action::GiveUp(why.to_owned()));
}

#[test]
fn a_proxy_that_refuses_every_answer_is_given_up() {
    let basic = Challenge::new("Basic realm=\"r\"");
    let stale = [digest("one", true)];
    for rounds in [[&stale[..], &stale], [&stale, std::slice::from_ref(&basic)]] {
        let mut login = login();
        assert_eq!(sent(login.step(START)), "");
        let mut actions = (0..20).map(|round| told(&mut login, rounds[round % 2]));
        let last = actions.find(|action| matches!(action, Action::GiveUp(_)));
        assert!(last.is_some(), "{rounds:?}");
    }
}

#[test]
fn eight_challenges_are_answered_and_no_more() {
    let mut login = login();
    assert_eq!(sent(login.step(START)), "");
    for round in 0..8 {
        let nonce = format!("nonce{round}");
        let answer = sent(told(&mut login, &[digest(&nonce, round > 0)]));
        assert!(answer.contains(&nonce), "{answer}");
    }
    let ninth = told(&mut login, &[digest("nonce8", true)]);
    assert!(matches!(ninth, Action::GiveUp(_)), "{ninth:?}");
}

#[test]
fn the_last_nonce_is_used_on_a_new_connection() {
    let mut login = login();
    login.step(START);
    told(&mut login, &[digest("one", false)]);
    let again = sent(login.step(START));
    assert!(
        again.contains("nonce=\"one\"") && again.contains("nc=00000002"),
        "{again}"
    );
}

#[test]
fn basic_at_once_and_then_what_is_stronger() {
    let basic = Challenge::new("Basic realm=\"r\"");
    let mut login = login().at_once();
    assert_eq!(sent(login.step(START)), "Basic bWU6c2VjcmV0");
    let offered = [basic.clone(), digest("one", false)];
    assert!(sent(told(&mut login, &offered)).starts_with("Digest "));
    let mut login = self::login().at_once();
    login.step(START);
    let refused = Action::GiveUp("it refused the user or the password (Basic)".into());
    assert_eq!(told(&mut login, &[basic]), refused);
}

#[test]
fn pitfall_73_a_407_without_a_challenge_says_so_and_odd_challenges_are_read() {
    for mut login in [login(), login().at_once(), login().asking()] {
        login.step(START);
        let wanted =
            "407 without Proxy-Authenticate: the proxy does not say which credentials it wants";
        assert_eq!(told(&mut login, &[]), Action::GiveUp(wanted.into()));
        let mut again = self::login();
        assert_eq!(
            told(&mut again, &[Challenge::new(" , ")]),
            Action::GiveUp(wanted.into())
        );
    }
    for (offered, scheme) in [
        (&["Basic, realm=\"x\""][..], "Basic "),
        (&["BASIC realm=x"], "Basic "),
        (
            &["Negotiate, NTLM, basic realm=\"x\", charset=utf-8"],
            "Basic ",
        ),
        (
            &[
                "NTLM TlRM==",
                "digest realm=r, nonce=n, algorithm=sha-256, qop=auth",
            ],
            "Digest ",
        ),
        (
            &["Digest realm=r, nonce=n, algorithm=SHA-9, Basic realm=x"],
            "Basic ",
        ),
        (
            &["Basic realm=x, Digest realm=r, nonce=n, algorithm=md5"],
            "Digest ",
        ),
    ] {
        let mut login = login();
        login.step(START);
        let offered: Vec<_> = offered.iter().map(|text| Challenge::new(*text)).collect();
        let sent = sent(told(&mut login, &offered));
        assert!(sent.starts_with(scheme), "{offered:?}: {sent}");
    }
}

#[test]
fn others_are_asked_until_they_give_up() {
    let mut login = Login::new("example.org:443", Seed::new([1; 32])).asking();
    login.step(START);
    for again in [false, true] {
        let asked = told(&mut login, &[digest("one", false)]);
        let wanted = Action::Ask {
            scheme: "Digest".into(),
            realm: "r".into(),
            again,
        };
        assert_eq!(asked, wanted);
        let given = Some(Credentials::new("me", "guess"));
        assert!(sent(login.step(Input::Credentials(given))).starts_with("Digest "));
    }
    told(&mut login, &[digest("one", false)]);
    let nobody = login.step(Input::Credentials(None));
    let wanted = "it offered Digest, and nobody gave a user and a password";
    assert_eq!(nobody, Action::GiveUp(wanted.into()));
}

#[test]
fn a_new_password_is_tried_behind_too_many_challenges_with_the_old_one() {
    let basic = Challenge::new("Basic realm=\"r\"");
    let stale = digest("one", true);
    for rounds in [[&stale, &stale], [&stale, &basic], [&basic, &stale]] {
        let mut login = login().asking();
        login.step(START);
        let mut actions = (0..20).map(|round| told(&mut login, &[rounds[round % 2].clone()]));
        let asked = actions.find(|action| !matches!(action, Action::Authorize(_)));
        assert!(
            matches!(asked, Some(Action::Ask { again: true, .. })),
            "{asked:?}"
        );
        let given = Some(Credentials::new("me", "right"));
        assert_ne!(
            sent(login.step(Input::Credentials(given))),
            "",
            "{rounds:?}"
        );
        let next = told(&mut login, std::slice::from_ref(&stale));
        assert!(sent(next).starts_with("Digest "), "{rounds:?}");
    }
}
