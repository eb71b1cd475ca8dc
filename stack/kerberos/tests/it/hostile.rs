//! Answers that nobody should give: nothing panics, and every dialing ends.

use super::{Network, PASSWORD, USER, dial, kerberos};
use chacha20::ChaCha12Rng;
use chacha20::rand_core::SeedableRng;
use wirestack_kerberos::Kerberos;

#[test]
fn what_is_no_kerberos_is_named_and_the_next_kdc_is_asked() {
    for (fake, wanted) in [
        (Vec::new(), "nothing"),
        (Vec::from("HTTP/1.1 400 Bad Request"), "HTTP"),
        (vec![0; 70_000], "unknown bytes"),
        (
            vec![0x7e, 0x84, 0xff, 0xff, 0xff, 0xff, 0],
            "a broken message",
        ),
        (vec![0x6b, 0x80, 0, 0], "a broken message"),
    ] {
        let mut network = Network {
            fakes: vec![fake.clone()],
            ..Network::default()
        };
        let two = Kerberos::new().credentials(USER, PASSWORD);
        let two = two.kdc("a.test").kdc("b.test");
        assert_eq!(dial(&mut network, &two), Ok(()), "{wanted}");
        assert_eq!(network.asked[..2], ["tcp://a.test:88", "tcp://b.test:88"]);

        let mut network = Network {
            fakes: vec![fake],
            ..Network::default()
        };
        let text = dial(&mut network, &kerberos()).unwrap_err();
        let wanted = format!(
            "no KDC of CORP.TEST answered: tcp://kdc.test:88: it answers with {wanted}, which is no \
             Kerberos"
        );
        assert!(text.ends_with(&wanted), "{text}");
    }
}

/// An answer to another question, from the same KDC, opens nothing.
#[test]
fn an_old_answer_is_no_answer() {
    let kerberos = kerberos();
    let mut network = Network::default();
    network.kdc.wants_proof = false;
    let name = kerbcore::client::client_cname("me");
    let old =
        kerbcore::client::build_as_req("CORP.TEST", &name, 1, "20370913024805Z", &[18], Vec::new());
    network.fakes = vec![network.kdc.answer(&old)];
    let text = dial(&mut network, &kerberos).unwrap_err();
    assert!(text.contains("its answer cannot be decrypted"), "{text}");
}

#[test]
fn answers_with_wrong_octets_end_every_dialing() {
    // The three answers of a login are changed in turn.
    for stage in 0..3 {
        let mut opened = 0;
        for seed in 0..150 {
            println!("stage {stage}, seed {seed}");
            let mut network = Network {
                changes: Some((stage, ChaCha12Rng::seed_from_u64(seed))),
                ..Network::default()
            };
            match dial(&mut network, &kerberos()) {
                Ok(()) => opened += 1,
                Err(text) => assert!(!text.is_empty() && !text.contains('\n'), "{text}"),
            }
        }
        println!("stage {stage}: {opened} of 150 changes meant nothing");
        assert!(opened < 75, "stage {stage}: {opened}");
    }
}
