//! The proof of the proxy in its 2xx.

use super::proxy::{Manner, spnego};
use super::{Network, dial, kerberos};
use kerbcore::spnego::{NegState, NegTokenResp};

fn dial_to(manner: Manner) -> Result<(), String> {
    let mut network = Network {
        manner,
        ..Network::default()
    };
    dial(&mut network, &kerberos())
}

#[test]
fn a_right_proof_is_taken_in_each_of_its_forms() {
    for field in ["Proxy-Authenticate", "Proxy-Authentication-Info"] {
        for in_spnego in [true, false] {
            let manner = Manner::Proves { field, in_spnego };
            assert_eq!(dial_to(manner.clone()), Ok(()), "{manner:?}");
        }
    }
}

#[test]
fn no_proof_is_taken_as_many_proxies_give_none() {
    assert_eq!(dial_to(Manner::Plain), Ok(()));
    let done = NegTokenResp {
        neg_state: Some(NegState::AcceptCompleted),
        ..NegTokenResp::default()
    };
    assert_eq!(dial_to(Manner::Says(done.encode())), Ok(()));
}

#[test]
fn a_proof_with_a_wrong_bit_is_refused() {
    let (mut network, kerberos) = (Network::default(), kerberos());
    for at in 0..160 {
        network.manner = Manner::Corrupted(at);
        let text = dial(&mut network, &kerberos).expect_err(&format!("octet {at}"));
        assert!(text.contains("is not taken"), "{text}");
    }
}

#[test]
fn other_answers_than_a_proof_are_refused_in_words() {
    let state = |neg_state| NegTokenResp {
        neg_state: Some(neg_state),
        ..NegTokenResp::default()
    };
    let other = NegTokenResp {
        supported_mech: Some(vec![6, 1, 42]),
        ..state(NegState::AcceptCompleted)
    };
    let unsigned = NegTokenResp {
        mech_list_mic: Some(vec![
            4, 4, 1, 255, 255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 9,
        ]),
        ..state(NegState::AcceptCompleted)
    };
    for (token, wanted) in [
        (Vec::from("junk"), "it is broken"),
        (spnego(Vec::from("junk")), "it is broken"),
        (state(NegState::Reject).encode(), "it rejects the login"),
        (
            state(NegState::AcceptIncomplete).encode(),
            "it wants another message",
        ),
        (
            state(NegState::RequestMic).encode(),
            "it wants another message",
        ),
        (other.encode(), "it chose another mechanism than Kerberos"),
        (unsigned.encode(), "it does not prove who the proxy is"),
    ] {
        let text = dial_to(Manner::Says(token)).unwrap_err();
        let start = "its answer to the ticket for HTTP/proxy.test is not taken: ";
        assert!(text.contains(&format!("{start}{wanted}")), "{text}");
    }
}
