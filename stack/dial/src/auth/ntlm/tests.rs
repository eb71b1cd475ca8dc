//! NTLM with a server that is written after the standard.

use super::*;
use crate::auth::{Action, Authenticator, Awaiting, Input, Login};
use chacha20::ChaCha12Rng;
use chacha20::rand_core::{Rng, SeedableRng};
use http::StatusCode;
use http::header::{HeaderMap, PROXY_AUTHENTICATE};
use wirestack_layer::Seed;

const TIME: u64 = 0x01db_0102_0304_0506;

/// The second message, with these attributes.
fn challenge(attributes: &[(u16, &[u8])]) -> Vec<u8> {
    let mut message = b"NTLMSSP\0\x02\0\0\0".to_vec();
    message.extend([4, 0, 4, 0, 56, 0, 0, 0]); // the name of the target
    message.extend(0x00a2_8205_u32.to_le_bytes());
    message.extend(*b"\x01\x23\x45\x67\x89\xab\xcd\xef");
    message.extend([0; 8]);
    let mut target = Vec::new();
    for (id, value) in attributes {
        target.extend(id.to_le_bytes());
        target.extend(u16::try_from(value.len()).unwrap().to_le_bytes());
        target.extend(*value);
    }
    let length = u16::try_from(target.len()).unwrap().to_le_bytes();
    message.extend([length[0], length[1], length[0], length[1], 60, 0, 0, 0]);
    message.extend([6, 1, 0, 0, 0, 0, 0, 15]); // the version
    message.extend(*b"D\0O\0");
    message.extend(target);
    message
}

fn with_time() -> Vec<u8> {
    challenge(&[
        (2, b"D\0O\0"),
        (7, &TIME.to_le_bytes()),
        (9, b"X\0"),
        (0, b""),
    ])
}

fn refusal(offered: &str, date: Option<&'static str>) -> Refusal {
    let mut fields = HeaderMap::new();
    fields.append(PROXY_AUTHENTICATE, offered.parse().unwrap());
    if let Some(date) = date {
        fields.append(DATE, HeaderValue::from_static(date));
    }
    Refusal::new(StatusCode::PROXY_AUTHENTICATION_REQUIRED, fields)
}

fn ntlm() -> Ntlm {
    Ntlm::new(SchemeContext {
        host: "proxy.test",
        port: 3128,
        target: "example.org:443",
        seed: Seed::new([0x5a; 32]),
    })
}

fn login(user: &str, password: &str) -> Login {
    let login = Login::new("example.org:443", Seed::new([1; 32]));
    let login = login.with_scheme(Box::new(ntlm()));
    login.with_credentials(Credentials::new(user, password))
}

fn told(login: &mut Login, refusal: Refusal, reusable: bool) -> Action {
    login.step(Input::Awaiting(&Awaiting::Challenge { refusal, reusable }))
}

/// Returns the message that goes to the proxy.
fn sent(action: Action) -> Vec<u8> {
    let Action::Authorize(Some(value)) = action else {
        panic!("wanted a message, saw {action:?}");
    };
    assert!(value.is_sensitive());
    let text = value.to_str().unwrap().strip_prefix("NTLM ").unwrap();
    BASE64.decode(text).unwrap()
}

/// Goes through all three messages, and returns the last one.
fn answer(login: &mut Login, challenge: &[u8], date: Option<&'static str>) -> Vec<u8> {
    assert_eq!(
        sent(told(login, refusal("NTLM", None), true)),
        message::NEGOTIATE
    );
    let offered = format!("NTLM {}", BASE64.encode(challenge));
    sent(told(login, refusal(&offered, date), true))
}

/// Returns the part of the third message with this number.
fn part(message: &[u8], number: usize) -> &[u8] {
    let field = &message[12 + 8 * number..][..8];
    let length = usize::from(u16::from_le_bytes([field[0], field[1]]));
    let place = u32::from_le_bytes(field[4..].try_into().unwrap()) as usize;
    &message[place..place + length]
}

/// Checks the third message as a server does. Returns `true` if the password is right.
fn is_right(challenge: &[u8], message: &[u8], account: &str, password: &str) -> bool {
    assert_eq!(message[..12], *b"NTLMSSP\0\x03\0\0\0");
    let nt = part(message, 1);
    let blob = &nt[16..];
    assert_eq!(blob[..8], [1, 1, 0, 0, 0, 0, 0, 0]);
    let time = u64::from_le_bytes(blob[8..16].try_into().unwrap());
    let client = blob[16..24].try_into().unwrap();
    let target = &blob[28..blob.len() - 4];
    let server = challenge[24..32].try_into().unwrap();
    let wanted = Response::new(
        &Account::new(account, password),
        server,
        client,
        time,
        target,
    );
    if wanted.nt != nt {
        return false;
    }
    let is_signed = target.windows(8).any(|it| it == [6, 0, 4, 0, 2, 0, 0, 0]);
    if is_signed {
        assert_eq!(part(message, 0), [0; 24]);
        let mut unsigned = message.to_vec();
        unsigned[72..88].fill(0);
        let code = wanted.sign(&[&message::NEGOTIATE, challenge, &unsigned]);
        assert_eq!(message[72..88], code);
    } else {
        assert_eq!(part(message, 0), wanted.lm);
        assert_eq!(message[72..88], [0; 16]);
    }
    true
}

#[test]
fn a_server_accepts_the_right_password_alone() {
    for challenge in [with_time(), challenge(&[(2, b"D\0O\0")]), challenge(&[])] {
        for (user, account, name, domain) in [
            ("CORP\\me", "CORP\\me", "m\0e\0", "C\0O\0R\0P\0"),
            ("me", "me", "m\0e\0", ""),
            ("m@x", "m@x", "m\0@\0x\0", ""),
        ] {
            let message = answer(&mut login(user, "hunter2"), &challenge, None);
            assert!(is_right(&challenge, &message, account, "hunter2"));
            assert!(!is_right(&challenge, &message, account, "hunter3"));
            assert_eq!(part(&message, 2), domain.as_bytes());
            assert_eq!(part(&message, 3), name.as_bytes());
            assert!(part(&message, 4).is_empty() && part(&message, 5).is_empty());
        }
    }
}

#[test]
fn the_answer_names_the_service_and_has_the_time_of_the_proxy() {
    let message = answer(&mut login("me", "hunter2"), &with_time(), None);
    let blob = &part(&message, 1)[16..];
    assert_eq!(blob[8..16], TIME.to_le_bytes());
    let service = keys::utf16("HTTP/proxy.test");
    assert!(blob.windows(service.len()).any(|it| it == &**service));
    assert!(!blob.windows(6).any(|it| it == [9, 0, 2, 0, b'X', 0]));
    // Without an attribute for it, the time is that of the response.
    for (date, time) in [
        (
            Some("Sun, 06 Nov 1994 08:49:37 GMT"),
            (784_111_777 + SECONDS_1601_TO_1970) * 10_000_000,
        ),
        (Some("yesterday"), 0),
        (None, 0),
    ] {
        let challenge = challenge(&[]);
        let message = answer(&mut login("me", "hunter2"), &challenge, date);
        let seen = u64::from_le_bytes(part(&message, 1)[24..32].try_into().unwrap());
        assert_eq!(seen, time, "{date:?}: {seen:#x}");
    }
    let login = Login::new("example.org:443", Seed::new([1; 32]));
    let mut login = login
        .with_scheme(Box::new(ntlm().with_workstation("PC7")))
        .with_credentials(Credentials::new("me", "hunter2"));
    let message = answer(&mut login, &with_time(), None);
    assert_eq!(part(&message, 4), b"P\0C\x007\0");
}

#[test]
fn a_challenge_has_16_kib_at_most() {
    for (characters, why) in [(16_384, "is not base64"), (16_385, "is longer than 16 KiB")] {
        let mut login = login("me", "hunter2");
        sent(told(&mut login, refusal("NTLM", None), true));
        let offered = format!("NTLM {}", "*".repeat(characters));
        let told = told(&mut login, refusal(&offered, None), true);
        assert!(
            matches!(&told, Action::GiveUp(it) if it.contains(why)),
            "{told:?}"
        );
    }
}

#[test]
fn a_proxy_that_closes_between_the_messages_is_asked_anew_and_then_given_up() {
    let offered = format!("NTLM {}", BASE64.encode(with_time()));
    let again = || refusal(&offered, None);
    // It says that it closes.
    let mut closing = login("me", "hunter2");
    sent(told(&mut closing, refusal("NTLM", None), false));
    for _ in 0..MOST_RESTARTS {
        assert_eq!(sent(told(&mut closing, again(), false)), message::NEGOTIATE);
    }
    let why = format!("it offers NTLM: {CLOSES}");
    assert_eq!(told(&mut closing, again(), false), Action::GiveUp(why));
    // It is gone without a word.
    let mut cut = login("me", "hunter2");
    sent(told(&mut cut, refusal("NTLM", None), true));
    for round in 0..MOST_RESTARTS {
        let begun = sent(cut.step(Input::Awaiting(&Awaiting::Request)));
        assert_eq!(begun, message::NEGOTIATE, "{round}");
        assert!(cut.is_connection_bound());
        sent(told(&mut cut, again(), true));
    }
    let last = cut.step(Input::Awaiting(&Awaiting::Request));
    assert_eq!(last, Action::GiveUp(CLOSES.into()));
    // One that opened the tunnel may be asked on as many connections as there are.
    let mut open = login("me", "hunter2");
    sent(told(&mut open, refusal("NTLM", None), true));
    for _ in 0..NONCES {
        sent(told(&mut open, again(), true));
        let done = Awaiting::Response(http::Response::new(()));
        assert_eq!(open.step(Input::Awaiting(&done)), Action::Authorize(None));
        sent(open.step(Input::Awaiting(&Awaiting::Request)));
    }
}

#[test]
fn wrong_passwords_and_odd_challenges_end_with_a_reason() {
    let refused = Action::GiveUp("it refused the user or the password (NTLM)".into());
    let offered = format!("NTLM {}", BASE64.encode(with_time()));
    for last in ["NTLM", &offered] {
        let mut login = login("me", "hunter2");
        answer(&mut login, &with_time(), None);
        assert_eq!(told(&mut login, refusal(last, None), true), refused);
    }
    let huge = "A".repeat(MOST_CHARACTERS + 1);
    let mut outside = with_time();
    outside[44] = 0xff;
    let mut oem = with_time();
    oem[20] = 0;
    let encoded = |bytes: &[u8]| BASE64.encode(bytes);
    for (token, why) in [
        (
            String::new(),
            "it answers the first message of NTLM with no challenge",
        ),
        ("\u{21}".into(), "its challenge of NTLM is not base64"),
        (huge, "its challenge of NTLM is longer than 16 KiB"),
        ("AAAA".into(), "its challenge of NTLM is cut"),
        (
            encoded(&[0; 40]),
            "its challenge of NTLM does not begin with NTLMSSP",
        ),
        (
            encoded(&message::NEGOTIATE),
            "its challenge of NTLM is another message",
        ),
        (
            encoded(&outside),
            "its challenge of NTLM has attributes outside of it",
        ),
        (
            encoded(&challenge(&[(2, b"D\0O\0")])[..66]),
            "its challenge of NTLM has attributes outside of it",
        ),
        (
            encoded(&oem),
            "its challenge of NTLM wants texts that are not in Unicode",
        ),
    ] {
        let mut login = login("me", "hunter2");
        sent(told(&mut login, refusal("NTLM", None), true));
        let seen = told(&mut login, refusal(&format!("NTLM {token}"), None), true);
        let why = format!("it offers NTLM: {why}");
        assert_eq!(seen, Action::GiveUp(why), "{token:.40}");
    }
    let mut http2 = refusal("NTLM", None);
    http2.version = Version::HTTP_2;
    let why = format!("it offers NTLM: {OVER_HTTP2}");
    assert_eq!(
        told(&mut login("me", "x"), http2, true),
        Action::GiveUp(why)
    );
    let mut latin1 = Login::new("example.org:443", Seed::new([1; 32]))
        .with_scheme(Box::new(ntlm()))
        .with_credentials(Credentials::new(*b"m\xfc", "x"));
    let why = "it offers NTLM: NTLM needs a user and a password in UTF-8, and they are not";
    assert_eq!(
        told(&mut latin1, refusal("NTLM", None), true),
        Action::GiveUp(why.into())
    );
}

#[test]
fn no_challenge_makes_it_panic_or_send_much() {
    for seed in 0..20_000_u64 {
        let mut random = ChaCha12Rng::seed_from_u64(seed);
        let mut message = with_time();
        for _ in 0..1 + random.next_u32() % 4 {
            let at = random.next_u32() as usize % message.len();
            match random.next_u32() % 4 {
                0 => message.truncate(at.max(1)),
                1 => message[at] = u8::try_from(random.next_u32() & 0xff).unwrap(),
                2 => message[at] = 0xff,
                _ => message[at] = 0,
            }
        }
        let mut login = login("me", "hunter2");
        sent(told(&mut login, refusal("NTLM", None), true));
        let offered = format!("NTLM {}", BASE64.encode(&message));
        match told(&mut login, refusal(&offered, None), true) {
            Action::GiveUp(why) => assert!(why.contains("NTLM: its challenge"), "{seed}: {why}"),
            action => assert!(sent(action).len() < 1000, "{seed}"),
        }
    }
    // The largest attributes that fit.
    let most = vec![0x41; 12_000];
    let large = challenge(&[(2, &most), (7, &TIME.to_le_bytes())]);
    assert!(answer(&mut login("me", "x"), &large, None).len() < 13_000);
}

#[test]
fn credentials_stay_out_of_every_text() {
    let mut login = login("me", "hunter2");
    let first = told(&mut login, refusal("NTLM", None), true);
    let offered = format!("NTLM {}", BASE64.encode(with_time()));
    let second = told(&mut login, refusal(&offered, None), true);
    let Action::Authorize(Some(value)) = &second else {
        panic!("{second:?}");
    };
    for text in [format!("{first:?}{second:?}"), format!("{value:?}")] {
        assert!(
            !text.contains("TlRM") && !text.contains("hunter2"),
            "{text}"
        );
    }
}
