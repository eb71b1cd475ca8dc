//! NTLM inside of Negotiate.

use super::network::dial_by;
use super::proxy::Manner;
use super::{Network, PASSWORD, USER, kerberos};
use kerbcore::spnego::NegTokenResp;
use wirestack_dial::Hop;
use wirestack_kerberos::{Kerberos, SpnegoNtlm};

fn hop(kerberos: Kerberos) -> Hop {
    let hop: Hop = "http://proxy.test:3128".parse().unwrap();
    let hop = hop.credentials(USER, PASSWORD).on_challenge();
    let hop = hop.scheme(|context| Box::new(SpnegoNtlm::new(context)));
    hop.scheme(kerberos.scheme())
}

fn dial_to(answer: Vec<u8>) -> Result<(), String> {
    let mut network = Network {
        manner: Manner::WantsNtlm(answer),
        dead: vec!["tcp://corp.test:88"],
        ..Network::default()
    };
    dial_by(&mut network, hop(Kerberos::new()))
}

#[test]
fn where_no_kdc_is_reached_ntlm_is_spoken_inside_of_negotiate() {
    assert_eq!(dial_to(in_spnego(Some(OID), challenge())), Ok(()));
    assert_eq!(dial_to(in_spnego(None, challenge())), Ok(()));
}

#[test]
fn a_proxy_that_leaves_spnego_out_of_its_challenge_is_understood() {
    assert_eq!(dial_to(challenge()), Ok(()));
}

#[test]
fn a_ticket_goes_first() {
    let mut network = Network::default();
    dial_by(&mut network, hop(kerberos())).unwrap();
    assert_eq!(network.kdc.seen.last(), Some(&"service"));
}

#[test]
fn other_answers_are_refused_in_words() {
    for (answer, wanted) in [
        (Vec::from("junk"), "its token of Negotiate is broken"),
        (
            in_spnego(Some(&[6, 1, 42]), challenge()),
            "its token of Negotiate is for another mechanism than NTLM",
        ),
        (
            in_spnego(Some(OID), vec![0; 64]),
            "its challenge of NTLM does not begin with NTLMSSP",
        ),
    ] {
        let text = dial_to(answer).unwrap_err();
        let wanted = format!(
            "it offers Negotiate: no ticket for HTTP/proxy.test: no KDC of CORP.TEST answered: \
             tcp://corp.test:88: nobody there; {wanted}"
        );
        assert!(text.ends_with(&wanted), "{text}");
    }
}

fn in_spnego(oid: Option<&[u8]>, message: Vec<u8>) -> Vec<u8> {
    let token = NegTokenResp {
        supported_mech: oid.map(<[u8]>::to_vec),
        response_token: Some(message),
        ..NegTokenResp::default()
    };
    token.encode()
}

/// The second message of NTLM, without attributes.
fn challenge() -> Vec<u8> {
    let mut message = b"NTLMSSP\0\x02\0\0\0".to_vec();
    message.extend([0, 0, 0, 0, 56, 0, 0, 0]); // no name of the target
    message.extend(0x00a2_8205_u32.to_le_bytes());
    message.extend(b"\x01\x23\x45\x67\x89\xab\xcd\xef");
    message.extend([0; 8]);
    message.extend([4, 0, 4, 0, 56, 0, 0, 0]);
    message.extend([6, 1, 0, 0, 0, 0, 0, 15]); // the version
    message.extend([0; 4]); // the end of the attributes
    message
}

/// `1.3.6.1.4.1.311.2.2.10`
const OID: &[u8] = b"\x06\x0a\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x0a";
