//! The errors that a user meets, with their whole texts.

use super::proxy::{Manner, rejection};
use super::{Network, PASSWORD, USER, dial, kerberos};
use kerbcore::Enctype;
use wirestack_kerberos::Kerberos;

/// The text behind the words about the 407.
fn error(network: &mut Network, kerberos: &Kerberos) -> String {
    let text = dial(network, kerberos).unwrap_err();
    let (_, reason) = text.split_once("407 No: ").expect(&text);
    let offers = "it offers Negotiate: ";
    reason.strip_prefix(offers).unwrap_or(reason).to_owned()
}

#[test]
fn each_refusal_of_a_kdc_says_what_to_do() {
    let me = "me@CORP.TEST";
    for (code, wanted) in [
        (
            6,
            format!("CORP.TEST knows no user {me} (KDC_ERR_C_PRINCIPAL_UNKNOWN)"),
        ),
        (
            14,
            format!(
                "{me} has no key that is spoken here, which are those of AES: change the password \
                 once (KDC_ERR_ETYPE_NOSUPP)"
            ),
        ),
        (
            18,
            format!(
                "{me} may not log in: the account is locked, disabled or over \
                 (KDC_ERR_CLIENT_REVOKED)"
            ),
        ),
        (
            23,
            format!("the password of {me} has expired: change it first (KDC_ERR_KEY_EXPIRED)"),
        ),
        (
            24,
            format!("wrong password of {me} (KDC_ERR_PREAUTH_FAILED)"),
        ),
        (
            31,
            format!("wrong password of {me} (KRB_AP_ERR_BAD_INTEGRITY)"),
        ),
        (
            12,
            "CORP.TEST refused: KDC_ERR_POLICY, \"a\\u{7}text\"".to_owned(),
        ),
        (
            99,
            "CORP.TEST refused: error 99, \"a\\u{7}text\"".to_owned(),
        ),
        (
            37,
            "CORP.TEST finds the time 2027-01-15 08:00:00 UTC wrong, and says that it is \
             2027-01-15 08:00:00 UTC (KRB_AP_ERR_SKEW): do the clocks of its KDCs differ?"
                .to_owned(),
        ),
    ] {
        let mut network = Network::default();
        network.kdc.error = Some(code);
        let wanted = format!("no ticket for HTTP/proxy.test: {wanted}");
        assert_eq!(error(&mut network, &kerberos()), wanted);
    }
}

#[test]
fn a_wrong_password_is_said_with_and_without_a_proof() {
    let wrong = kerberos().credentials(USER, "wrong");
    for (wants_proof, code) in [
        (true, "KDC_ERR_PREAUTH_FAILED"),
        (false, "its answer cannot be decrypted"),
    ] {
        let mut network = Network::default();
        network.kdc.wants_proof = wants_proof;
        let wanted =
            format!("no ticket for HTTP/proxy.test: wrong password of me@CORP.TEST ({code})");
        assert_eq!(error(&mut network, &wrong), wanted);
    }
}

#[test]
fn an_unknown_service_is_named() {
    let mut network = Network::default();
    network.kdc.services.clear();
    assert_eq!(
        error(&mut network, &kerberos()),
        "no ticket for HTTP/proxy.test: CORP.TEST knows no service HTTP/proxy.test \
         (KDC_ERR_S_PRINCIPAL_UNKNOWN): name the proxy as it is registered there, or set \
         `Kerberos::service`"
    );
}

#[test]
fn kdcs_that_are_not_reached_are_all_named() {
    let mut network = Network {
        dead: vec!["tcp://a.test:88", "tcp://b.test:88"],
        ..Network::default()
    };
    let kerberos = Kerberos::new().credentials(USER, PASSWORD);
    assert_eq!(
        error(&mut network, &kerberos.kdc("a.test").kdc("b.test")),
        "no ticket for HTTP/proxy.test: no KDC of CORP.TEST answered: tcp://a.test:88: nobody \
         there; tcp://b.test:88: nobody there"
    );
}

#[test]
fn a_user_without_a_realm_or_a_name_is_told_how_to_write_it() {
    for (user, wanted) in [
        (
            "me",
            "the user has no realm: write user@REALM, or set `Kerberos::realm`",
        ),
        (
            "@CORP.TEST",
            "the user or the realm is empty: write user@REALM",
        ),
    ] {
        let kerberos = Kerberos::new().credentials(user, PASSWORD);
        let wanted = format!("no ticket for HTTP/proxy.test: {wanted}");
        assert_eq!(error(&mut Network::default(), &kerberos), wanted);
    }
    let latin = Kerberos::new().credentials(USER, [0xfc]);
    let wanted = "no ticket for HTTP/proxy.test: the user and the password have to be UTF-8";
    assert_eq!(error(&mut Network::default(), &latin), wanted);
}

#[test]
fn a_kdc_that_wants_more_than_a_password_is_named() {
    let mut network = Network::default();
    network.fakes = vec![network.kdc.refuse(25, Some(vec![0x30, 0]))];
    assert_eq!(
        error(&mut network, &kerberos()),
        "no ticket for HTTP/proxy.test: CORP.TEST wants more than a password of me@CORP.TEST: a \
         smart card or a code"
    );
}

#[test]
fn an_account_with_other_keys_than_those_of_aes_is_told_to_change_its_password() {
    let mut network = Network::default();
    network.kdc.enctype = Enctype::Rc4Hmac;
    let text = error(&mut network, &kerberos());
    assert!(text.contains("has no key that is spoken here"), "{text}");
}

#[test]
fn rounds_of_a_key_are_bounded_on_both_sides() {
    for iterations in [1, 4095, 1_000_001, 0] {
        let mut network = Network::default();
        // The KDC itself does not compute them.
        network.kdc.iterations = iterations.clamp(1, 5000);
        let mut hints = network.kdc.answer(&first_request());
        let at = hints
            .windows(4)
            .rposition(|it| it == network.kdc.iterations.to_be_bytes());
        hints[at.unwrap()..][..4].copy_from_slice(&u32::to_be_bytes(iterations));
        network.fakes = vec![hints];
        let shown = if iterations == 0 {
            u32::MAX
        } else {
            iterations
        };
        let wanted = format!(
            "no ticket for HTTP/proxy.test: tcp://kdc.test:88 asks for {shown} rounds of a \
             password's key, and 4096 to 1000000 are taken"
        );
        assert_eq!(error(&mut network, &kerberos()), wanted);
    }
}

#[test]
fn realms_that_refer_to_one_another_for_ever_are_left() {
    let mut network = Network::default();
    network.kdc.services.clear();
    network.kdc.refers_to = Some("CORP.TEST");
    assert_eq!(
        error(&mut network, &kerberos()),
        "no ticket for HTTP/proxy.test: CORP.TEST refers to other realms without an end: 5 were \
         asked"
    );
}

/// The 407 of the test's proxy is dated 2027-01-15 08:00:00.
#[test]
fn a_proxy_that_refuses_a_ticket_is_asked_for_its_reason() {
    let refuses = Manner::Refuses;
    let (late, on_time) = (1_800_000_000 - 7200, 1_800_000_000);
    let (mut other, clock) = (Network::default().kdc, "2027-01-15 08:00:00 UTC");
    other.clock = on_time;
    let skew = rejection(&other.refuse(37, None));
    let modified = rejection(&other.refuse(41, None));
    let late_clock = "2027-01-15 06:00:00 UTC";
    let question = ": may this user use it, and has it the key of this service?";
    for (manner, clock_of_kdc, wanted) in [
        (refuses(None), on_time, question.to_owned()),
        (
            refuses(None),
            late,
            format!(": its clock says {clock}, and that of the KDC says {late_clock}"),
        ),
        (
            refuses(Some(skew)),
            late,
            format!(
                " (KRB_AP_ERR_SKEW, \"a\\u{{7}}text\"): its clock says {clock}, and that of the KDC \
                 says {late_clock}"
            ),
        ),
        (
            refuses(Some(modified)),
            on_time,
            format!(" (KRB_AP_ERR_MODIFIED, \"a\\u{{7}}text\"){question}"),
        ),
        (
            refuses(Some(Vec::from("junk"))),
            on_time,
            question.to_owned(),
        ),
    ] {
        let mut network = Network {
            manner,
            ..Network::default()
        };
        network.kdc.clock = clock_of_kdc;
        let wanted = format!("it refused the ticket of me@CORP.TEST for HTTP/proxy.test{wanted}");
        assert_eq!(error(&mut network, &kerberos()), wanted);
    }
}

/// The first message of a client, to look at the answer.
fn first_request() -> Vec<u8> {
    let name = kerbcore::client::client_cname("me");
    kerbcore::client::build_as_req("CORP.TEST", &name, 1, "20370913024805Z", &[18], Vec::new())
}
