//! NTLM on connections that end.

use super::*;

/// A challenge with the attributes and the time of a domain.
pub(crate) const CHALLENGE: &str = "NTLM TlRMTVNTUAACAAAABAAEADgAAAAFgqIAASNFZ4mrze8AAAAAAAAAABgAGAA8AAAABgEAAAAAAA9EAE8AAgAEAEQATwAHAAgABgUEAwIB2wEAAAAA";

fn known() -> Hop {
    let hop: Hop = "http://CORP%5Cme:hunter2@proxy.test:3128".parse().unwrap();
    hop.on_challenge().workstation("PC7")
}

/// Returns the number of the message in a field: 0 for none.
fn number(value: &str) -> u32 {
    match value.strip_prefix("NTLM TlRMTVNTUAA") {
        Some(rest) if rest.starts_with("BAAAA") => 1,
        Some(rest) if rest.starts_with("DAAAA") => 3,
        Some(_) => panic!("{value}"),
        None => 0,
    }
}

#[test]
fn all_messages_go_over_one_connection() {
    for (closes_first, wanted) in [
        (false, &["1:", "1:NTLM", "1:NTLM"][..]),
        (true, &["1:", "2:NTLM", "2:NTLM"]),
    ] {
        let mut proxy = |_: usize, value: &str| match number(value) {
            0 if closes_first => Reply::AsksAndCloses(vec!["NTLM".to_owned()]),
            0 => asks(&["Negotiate", "NTLM", "Basic realm=r"]),
            1 => asks(&[CHALLENGE]),
            _ => Reply::Opens(""),
        };
        let seen = dial(known(), &mut proxy);
        assert_eq!(seen.result, Ok(()));
        assert_eq!(seen.requests, wanted);
        for secret in ["hunter2", "TlRM"] {
            assert!(!seen.texts.contains(secret), "{secret}: {}", seen.texts);
        }
    }
}

#[test]
fn a_proxy_that_ends_the_connection_between_the_messages_is_given_up() {
    let closes = || Reply::AsksAndCloses(vec![CHALLENGE.to_owned()]);
    let mut connections = 0;
    let seen = dial(known(), &mut |connection, value| {
        connections = connection;
        match number(value) {
            0 => asks(&["NTLM"]),
            _ => closes(),
        }
    });
    let error = seen.result.unwrap_err();
    assert!(
        error.contains("it closes its connection between the messages of NTLM"),
        "{error}"
    );
    assert_eq!(connections, 3, "{:?}", seen.requests);
    // It announced that the connection would stay.
    let seen = dial(known(), &mut |_, value| match number(value) {
        0 => asks(&["NTLM"]),
        1 => asks(&[CHALLENGE]),
        _ => Reply::Cuts,
    });
    let error = seen.result.unwrap_err();
    assert!(
        error.contains("it closes its connection between the messages of NTLM"),
        "{error}"
    );
    assert!(seen.requests.len() < 12, "{:?}", seen.requests);
    // Once may happen to everybody.
    let seen = dial(
        known(),
        &mut |connection, value| match (connection, number(value)) {
            (_, 0) => asks(&["NTLM"]),
            (_, 1) => asks(&[CHALLENGE]),
            (1, _) => Reply::Cuts,
            _ => Reply::Opens(""),
        },
    );
    assert_eq!(seen.result, Ok(()));
    assert_eq!(
        seen.requests,
        ["1:", "1:NTLM", "1:NTLM", "2:NTLM", "2:NTLM"]
    );
}

#[test]
fn a_proxy_that_repeats_its_challenge_for_ever_has_refused() {
    for last in [CHALLENGE, "NTLM"] {
        let seen = dial(known(), &mut |_, value| match number(value) {
            0 => asks(&["NTLM"]),
            1 => asks(&[CHALLENGE]),
            _ => asks(&[last]),
        });
        let error = seen.result.unwrap_err();
        assert!(
            error.ends_with("it refused the user or the password (NTLM)"),
            "{error}"
        );
        assert_eq!(seen.requests.len(), 3);
        assert!(!seen.texts.contains("hunter2") && !seen.texts.contains("TlRM"));
    }
}
