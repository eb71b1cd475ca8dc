//! The choice between schemes.

use super::*;

const BASIC: &str = "Basic realm=\"r\"";
const DIGEST: &str = "Digest realm=\"r\", nonce=\"n\", qop=\"auth\"";

fn known() -> Hop {
    let hop: Hop = "http://me:hunter2@proxy.test:3128".parse().unwrap();
    hop.on_challenge()
}

fn nobody() -> Hop {
    "http://proxy.test:3128".parse().unwrap()
}

/// Returns what is behind the constant beginning of an error.
fn why(seen: &Seen) -> &str {
    let error = seen.result.as_ref().expect_err("a failure");
    let begin = "hop 1 (http://proxy.test:3128): connect[0]: refused CONNECT example.org:22: \
                 407 Who are you: ";
    error.strip_prefix(begin).unwrap_or(error)
}

#[test]
fn the_strongest_scheme_that_can_be_used_is_chosen() {
    let no_ticket = || SchemeAction::Unusable("no ticket for HTTP/proxy.test".to_owned());
    let ticket = || Scripted::new("Negotiate", [says("Negotiate abc"), AUTHORIZED]);
    let none = || Scripted::new("Negotiate", [no_ticket()]);
    for (offered, hop, wanted) in [
        (
            &[BASIC, DIGEST, "NTLM", "Negotiate"][..],
            with(known(), ticket()),
            "Negotiate",
        ),
        (
            &[BASIC, DIGEST, "NTLM", "Negotiate"],
            with(known(), none()),
            "NTLM",
        ),
        (
            &[BASIC, DIGEST, "Negotiate"],
            with(known(), none()),
            "Digest",
        ),
        (
            &["Negotiate, Basic realm=r, NTLM"],
            with(known(), none()),
            "NTLM",
        ),
        (&[BASIC, "Negotiate"], with(known(), none()), "Basic"),
        (&[DIGEST, BASIC], with(known(), ticket()), "Digest"),
        (&["NEGOTIATE", BASIC], with(nobody(), ticket()), "Negotiate"),
    ] {
        let mut proxy = |_: usize, value: &str| match value.split(' ').next() {
            Some("") => asks(offered),
            Some("NTLM") if value.len() < 100 => asks(&[super::ntlm::CHALLENGE]),
            _ => Reply::Opens(""),
        };
        let seen = dial(hop, &mut proxy);
        assert_eq!(seen.result, Ok(()), "{offered:?}");
        let last = seen.requests.last().unwrap();
        assert_eq!(
            *last,
            format!("1:{wanted}"),
            "{offered:?}: {:?}",
            seen.requests
        );
        assert!(
            !seen.texts.contains("hunter2") && !seen.texts.contains("abc"),
            "{}",
            seen.texts
        );
    }
}

const AUTHORIZED: SchemeAction = SchemeAction::Authorize(None);

#[test]
fn an_error_tells_why_each_scheme_was_not_used() {
    let no_ticket = "no ticket for HTTP/proxy.test (it is expired): get one with `kinit`";
    let unusable = || Scripted::new("Negotiate", [SchemeAction::Unusable(no_ticket.to_owned())]);
    let mut unchecked = Scripted::new("Negotiate", []);
    unchecked.check = Err("Negotiate is not for this proxy".to_owned());
    for (hop, offered, wanted) in [
        (
            with(nobody(), unusable()),
            &["Negotiate", "NTLM"][..],
            "it offers Negotiate and NTLM: no ticket for HTTP/proxy.test (it is expired): get one \
             with `kinit`; NTLM wants a user and a password",
        ),
        (
            with(nobody(), unusable()),
            &[BASIC, DIGEST, "NTLM", "Negotiate"],
            "it offers Basic, Digest, NTLM and Negotiate: no ticket for HTTP/proxy.test (it is \
             expired): get one with `kinit`; Basic, Digest and NTLM want a user and a password",
        ),
        (
            with(known(), unchecked),
            &["Negotiate, Corp x=y"],
            "it offers Negotiate and Corp: Negotiate is not for this proxy; Corp is not spoken here",
        ),
        (
            nobody().default_credentials(),
            &["Negotiate"],
            "it offers Negotiate: Negotiate is off: enable the feature `negotiate`",
        ),
        (
            known(),
            &["Digest realm=r, nonce=n, algorithm=SHA-9"],
            "it offers Digest: Digest comes with an algorithm or a qop that is not spoken here, or \
             without a realm or a nonce",
        ),
        (
            nobody(),
            &["NTLM", BASIC],
            "it offered NTLM, Basic, and there is no user and no password: give them, as in \
             http://user:password@proxy",
        ),
        (
            with(known(), unusable()),
            &["Negotiate", BASIC],
            "it refused the user or the password (Basic); no ticket for HTTP/proxy.test (it is \
             expired): get one with `kinit`",
        ),
    ] {
        let seen = dial(hop, &mut |_, _| asks(offered));
        assert_eq!(why(&seen), wanted);
    }
}

#[test]
fn what_was_refused_is_not_sent_by_a_weaker_scheme() {
    // A password that Basic sent at once may be right for what is stronger.
    let at_once: Hop = "http://me:hunter2@proxy.test:3128".parse().unwrap();
    let seen = dial(at_once, &mut |_, value| match value.split(' ').next() {
        Some("Digest") => Reply::Opens(""),
        _ => asks(&[BASIC, DIGEST]),
    });
    assert_eq!(
        (seen.result, seen.requests.join(" ")),
        (Ok(()), "1:Basic 1:Digest".into())
    );
    // The other way round it is not.
    let seen = dial(known(), &mut |_, _| asks(&[BASIC, DIGEST]));
    assert_eq!(why(&seen), "it refused the user or the password (Digest)");
    assert_eq!(seen.requests, ["1:", "1:Digest"]);
    // A ticket and a password are not the same.
    let ticket = || Scripted::new("Negotiate", [says("Negotiate abc"), SchemeAction::Refused]);
    let seen = dial(
        with(known(), ticket()),
        &mut |_, value| match value.split(' ').next() {
            Some("Digest") => Reply::Opens(""),
            _ => asks(&["Negotiate", BASIC, DIGEST]),
        },
    );
    assert_eq!(
        (seen.result, seen.requests.join(" ")),
        (Ok(()), "1: 1:Negotiate 1:Digest".into())
    );
    let seen = dial(with(nobody(), ticket()), &mut |_, _| asks(&["Negotiate"]));
    assert_eq!(why(&seen), "it refused the ticket (Negotiate)");
}

#[test]
fn a_user_is_asked_for_the_scheme_that_wants_a_password() {
    let none = Scripted::new(
        "Negotiate",
        [SchemeAction::Unusable("no ticket".to_owned())],
    );
    let hop = with(nobody().asking(), none);
    let driver = Driver {
        credentials: vec![
            Credentials::new("me", "hunter2"),
            Credentials::new("me", "guess"),
        ],
        ..Driver::default()
    };
    let mut asked = 0;
    let seen = dial_with(
        hop,
        &mut |_, value| {
            asked += usize::from(!value.is_empty());
            if asked == 2 {
                Reply::Opens("")
            } else {
                asks(&["Negotiate", BASIC])
            }
        },
        driver,
        None,
    );
    assert_eq!(seen.result, Ok(()));
    assert_eq!(seen.requests, ["1:", "1:Basic", "1:Basic"]);
    assert!(
        seen.texts
            .contains("wants a user and a password again (Basic, \"r\")")
    );
    assert!(!seen.texts.contains("hunter2") && !seen.texts.contains("guess"));
}

#[test]
fn a_scheme_sees_the_response_and_may_refuse_it() {
    let fields = "Proxy-Authentication-Info: Negotiate xyz\r\n";
    for (last, wanted) in [
        (AUTHORIZED, Ok(())),
        (
            SchemeAction::GiveUp("its proof is wrong".to_owned()),
            Err("its proof is wrong"),
        ),
    ] {
        let actions = [says("Negotiate abc"), SchemeAction::RunBlocking, last];
        let scheme = Scripted::new("Negotiate", actions);
        let told = scheme.told.clone();
        let mut proxy = |_: usize, value: &str| match value {
            "" => asks(&["Negotiate"]),
            _ => Reply::Opens(fields),
        };
        let seen = dial(with(nobody(), scheme), &mut proxy);
        let begin = "Challenge(reusable: true)";
        let told = told.lock().unwrap().clone();
        assert_eq!(told, [begin, "Response(200 OK)", "run_blocking", "Ran"]);
        match wanted {
            Ok(()) => assert_eq!(seen.result, Ok(())),
            Err(wanted) => assert!(seen.result.unwrap_err().ends_with(wanted)),
        }
    }
}

#[test]
fn work_that_never_ends_is_given_up_in_time() {
    let scheme = Scripted::new("Negotiate", [SchemeAction::RunBlocking]);
    let driver = Driver {
        runs: false,
        ..Driver::default()
    };
    let mut proxy = |_: usize, _: &str| asks(&["Negotiate", BASIC]);
    let seen = dial_with(with(known(), scheme), &mut proxy, driver, None);
    let error = seen.result.unwrap_err();
    assert_eq!(seen.took, Timeouts::default().layer, "{error}");
    let wanted = "hop 1 (http://proxy.test:3128): timed out after 10 s while waiting for what the \
                  login needs: a key distribution centre (KDC) may not answer";
    assert_eq!(error, wanted);
}

#[test]
fn the_next_message_of_a_bound_scheme_never_goes_to_another_connection() {
    let mut scheme = Scripted::new(
        "Negotiate",
        [
            says("Negotiate one"),
            says("Negotiate two"),
            says("Negotiate anew"),
            AUTHORIZED,
        ],
    );
    scheme.bound = true;
    let told = scheme.told.clone();
    let mut proxy = |connection: usize, value: &str| match (connection, value) {
        (_, "") => asks(&["Negotiate"]),
        (_, "Negotiate one") => asks(&["Negotiate abc"]),
        (1, _) => Reply::Cuts,
        (_, value) => {
            assert_eq!(value, "Negotiate anew");
            Reply::Opens("")
        }
    };
    let seen = dial(with(nobody(), scheme), &mut proxy);
    assert_eq!(seen.result, Ok(()));
    let told = told.lock().unwrap().clone();
    assert_eq!(
        told,
        [
            "Challenge(reusable: true)",
            "Challenge(reusable: true)",
            "Request",
            "Response(200 OK)"
        ]
    );
}

#[test]
fn the_ticket_of_the_user_goes_only_where_it_is_asked_for() {
    fn ticket(context: SchemeContext<'_>) -> Box<dyn Scheme> {
        assert_eq!((context.host, context.port), ("proxy.test", 3128));
        assert_eq!(context.target, "example.org:22");
        Box::new(Scripted::new(
            "Negotiate",
            [says("Negotiate abc"), AUTHORIZED],
        ))
    }
    let mut proxy = |_: usize, value: &str| match value {
        "" => asks(&["Negotiate"]),
        _ => Reply::Opens(""),
    };
    let driver = Driver::default;
    let seen = dial_with(
        nobody().default_credentials(),
        &mut proxy,
        driver(),
        Some(ticket),
    );
    assert_eq!(seen.result, Ok(()));
    let seen = dial_with(nobody(), &mut proxy, driver(), Some(ticket));
    assert_eq!(
        why(&seen),
        "it offers Negotiate: Negotiate is off: `Hop::default_credentials` sends the ticket of the \
         user (feature `negotiate`), `Kerberos` gets one from a password (feature `kerberos`)"
    );
    assert_eq!(seen.requests, ["1:"]);
}
