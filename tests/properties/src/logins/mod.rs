//! The messages of logins to a proxy: NTLM, and Kerberos in SPNEGO, whose proxy and KDC are those of
//! the tests of `wirestack-kerberos`.

#[path = "../../../../stack/kerberos/tests/it/kdc.rs"]
#[allow(dead_code)] // the tests there set more of it
mod kdc;
#[path = "../../../../stack/kerberos/tests/it/network.rs"]
#[allow(dead_code)]
mod network;
#[path = "../../../../stack/kerberos/tests/it/proxy.rs"]
#[allow(dead_code)]
mod proxy;

use chacha20::ChaCha12Rng;
use chacha20::rand_core::SeedableRng;
use kerbcore::spnego::NegTokenResp;
use network::{Network, dial, dial_by};
use proxy::{Manner, rejection, spnego};
use wirestack_dial::Hop;
use wirestack_kerberos::{Kerberos, SpnegoNtlm};

const USER: &str = "me@CORP.TEST";
const PASSWORD: &str = "the-secret-of-me";

/// Dials through a proxy that answers the first message of NTLM with these bytes, in SPNEGO if the
/// first of them is even. The dialing ends, and shows no password.
pub(crate) fn ntlm(data: &[u8]) {
    let (in_spnego, message) = match data.split_first() {
        Some((first, message)) => (first % 2 == 0, message.to_vec()),
        None => (false, Vec::new()),
    };
    let token = NegTokenResp {
        response_token: Some(message.clone()),
        ..NegTokenResp::default()
    };
    let answer = if in_spnego { token.encode() } else { message };
    let mut network = Network {
        manner: Manner::WantsNtlm(answer),
        ..Network::default()
    };
    let hop: Hop = "http://proxy.test:3128".parse().expect("a hop");
    let hop = hop.credentials(USER, PASSWORD).on_challenge();
    let hop = hop.scheme(|context| Box::new(SpnegoNtlm::new(context)));
    let outcome = dial_by(&mut network, hop);
    ended(&network, outcome);
}

/// Dials with Kerberos, where the first byte chooses who says what stands behind it.
pub(crate) fn negotiate(data: &[u8]) {
    let Some((who, said)) = data.split_first() else {
        return;
    };
    let mut network = Network::default();
    match who % 6 {
        // The KDC, first or second.
        0 => network.fakes = vec![said.to_vec()],
        1 => {
            let half = said.len() / 2;
            network.fakes = vec![said[..half].to_vec(), said[half..].to_vec()];
        }
        // The proxy, behind its 200 or its 407.
        2 => network.manner = Manner::Says(said.to_vec()),
        3 => network.manner = Manner::Refuses(Some(said.to_vec())),
        // The KDC, whose answer is changed; the proxy, whose proof is.
        4 => {
            let mut seed = [0; 8];
            let n = said.len().min(8);
            seed[..n].copy_from_slice(&said[..n]);
            let random = ChaCha12Rng::seed_from_u64(u64::from_le_bytes(seed));
            network.changes = Some((usize::from(seed[0] % 3), random));
        }
        _ => network.manner = Manner::Corrupted(said.iter().map(|it| usize::from(*it)).sum()),
    }
    let kerberos = Kerberos::new().credentials(USER, PASSWORD).kdc("kdc.test");
    let outcome = dial(&mut network, &kerberos);
    if who % 6 == 5 {
        assert!(outcome.is_err(), "a wrong proof passes");
    }
    ended(&network, outcome);
}

/// A dialing makes a bounded number of connections and questions, and its error is one line.
fn ended(network: &Network, outcome: Result<(), String>) {
    assert!(network.connections < 20, "{}", network.connections);
    assert!(network.asked.len() < 40, "{}", network.asked.len());
    if let Err(text) = outcome {
        assert!(!text.chars().any(char::is_control), "{text:?}");
        assert!(text.len() < 10_000, "{text}");
    }
}

pub(crate) fn challenges_of_ntlm() -> Vec<Vec<u8>> {
    let time = 0x01db_0102_0304_0506_u64.to_le_bytes();
    let plain = challenge(&[]);
    let signed = challenge(&[(2, b"D\0O\0"), (7, &time), (9, b"X\0"), (0, b"")]);
    [(1, &plain), (0, &plain), (1, &signed), (0, &signed)]
        .map(|(first, message)| [&[first], &message[..]].concat())
        .to_vec()
}

/// The second message of NTLM (MS-NLMP §2.2.1.2), with these attributes.
fn challenge(attributes: &[(u16, &[u8])]) -> Vec<u8> {
    let mut message = b"NTLMSSP\0\x02\0\0\0".to_vec();
    message.extend([4, 0, 4, 0, 56, 0, 0, 0]); // the name of the target
    message.extend(0x00a2_8205_u32.to_le_bytes());
    message.extend(*b"\x01\x23\x45\x67\x89\xab\xcd\xef");
    message.extend([0; 8]);
    let mut target = Vec::new();
    for (id, value) in attributes {
        target.extend(id.to_le_bytes());
        target.extend((value.len() as u16).to_le_bytes());
        target.extend(*value);
    }
    let length = (target.len() as u16).to_le_bytes();
    message.extend([length[0], length[1], length[0], length[1], 60, 0, 0, 0]);
    message.extend([6, 1, 0, 0, 0, 0, 0, 15]); // the version
    message.extend(*b"D\0O\0");
    message.extend(target);
    message
}

pub(crate) fn words_of_kerberos() -> Vec<Vec<u8>> {
    let error =
        b"\x7e\x1b\x30\x19\xa0\x03\x02\x01\x05\xa1\x03\x02\x01\x1e\xa6\x03\x02\x01\x06\xa9\x06\
                  \x1b\x04CORP\xaa\x00";
    let proof = spnego(b"\x60\x03\x06\x01\x2a".to_vec());
    vec![
        [&[0], &error[..]].concat(),
        [&[1], &error[..], error].concat(),
        [&[2], &proof[..]].concat(),
        [&[3], &rejection(error)[..]].concat(),
        b"\x04\x00seeds".to_vec(),
        b"\x05\x07".to_vec(),
    ]
}
