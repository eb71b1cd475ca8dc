//! Logins that succeed.

use super::network::dial_by;
use super::{Kdc, Network, PASSWORD, USER, dial, kerberos};
use kerbcore::Enctype;
use wirestack_dial::Hop;
use wirestack_kerberos::Kerberos;

#[test]
fn a_password_opens_a_tunnel_in_three_exchanges_and_the_next_ones_in_one() {
    let (mut network, kerberos) = (Network::default(), kerberos());
    dial(&mut network, &kerberos).unwrap();
    assert_eq!(network.kdc.seen, ["login", "proof", "service"]);
    dial(&mut network, &kerberos).unwrap();
    assert_eq!(network.kdc.seen[3..], ["service"]);
    assert_eq!(network.asked[0], "tcp://kdc.test:88");
}

#[test]
fn each_encryption_of_aes_is_spoken() {
    for enctype in [
        Enctype::Aes128CtsHmacSha1_96,
        Enctype::Aes256CtsHmacSha1_96,
        Enctype::Aes128CtsHmacSha256_128,
        Enctype::Aes256CtsHmacSha384_192,
    ] {
        let kdc = Kdc {
            enctype,
            iterations: 5000,
            ..Kdc::default()
        };
        let mut network = Network {
            kdc,
            ..Network::default()
        };
        assert_eq!(dial(&mut network, &kerberos()), Ok(()), "{enctype:?}");
    }
}

#[test]
fn a_kdc_that_wants_no_proof_is_understood() {
    let mut network = Network::default();
    network.kdc.wants_proof = false;
    dial(&mut network, &kerberos()).unwrap();
    assert_eq!(network.kdc.seen, ["login without proof", "service"]);
}

#[test]
fn the_user_and_the_password_of_the_hop_serve_too() {
    let mut network = Network::default();
    let hop: Hop = "http://proxy.test:3128".parse().unwrap();
    let hop = hop.credentials(USER, PASSWORD).on_challenge();
    let kerberos = Kerberos::new().kdc("kdc.test");
    dial_by(&mut network, hop.scheme(kerberos.scheme())).unwrap();
}

#[test]
fn a_proxy_that_closes_with_its_challenge_gets_the_ticket_on_a_new_connection() {
    let mut network = Network {
        closes: true,
        ..Network::default()
    };
    dial(&mut network, &kerberos()).unwrap();
    assert_eq!(network.connections, 2);
}

/// The machine's clock is not asked; the KDC's is, and it may have moved since the last login.
#[test]
fn a_ticket_of_another_hour_is_used_with_the_time_of_the_kdc() {
    let (mut network, kerberos) = (Network::default(), kerberos());
    dial(&mut network, &kerberos).unwrap();
    network.kdc.clock += 7200;
    dial(&mut network, &kerberos).unwrap();
    assert_eq!(network.kdc.seen[3..], ["service", "service"]);
    dial(&mut network, &kerberos).unwrap();
    assert_eq!(network.kdc.seen[5..], ["service"]);
}

#[test]
fn a_ticket_that_the_kdc_takes_no_more_is_asked_for_anew() {
    let (mut network, kerberos) = (Network::default(), kerberos());
    dial(&mut network, &kerberos).unwrap();
    network.fakes = vec![network.kdc.refuse(32, None)];
    dial(&mut network, &kerberos).unwrap();
    assert_eq!(network.kdc.seen[3..], ["login", "proof", "service"]);
}

#[test]
fn a_ticket_of_one_password_is_not_used_with_another() {
    let (mut network, kerberos) = (Network::default(), kerberos());
    dial(&mut network, &kerberos).unwrap();
    let wrong = kerberos.credentials(USER, "another");
    assert!(
        dial(&mut network, &wrong)
            .unwrap_err()
            .contains("wrong password")
    );
}

#[test]
fn a_kdc_that_is_dead_is_passed_over_and_asked_last_from_then_on() {
    let mut network = Network {
        dead: vec!["tcp://dead.test:88"],
        ..Network::default()
    };
    let kerberos = Kerberos::new().credentials(USER, PASSWORD);
    let kerberos = kerberos.kdc("dead.test").kdc("kdc.test");
    dial(&mut network, &kerberos).unwrap();
    let (dead, good) = ("tcp://dead.test:88", "tcp://kdc.test:88");
    assert_eq!(network.asked, [dead, good, good, good]);
}

#[test]
fn the_realm_is_the_host_of_its_kdc_if_none_is_named() {
    let mut network = Network::default();
    let kerberos = Kerberos::new().credentials("me@corp.test", PASSWORD);
    dial(&mut network, &kerberos).unwrap();
    assert_eq!(network.asked[0], "tcp://corp.test:88");
}

/// The answer to the short name of a domain has its long one, which has no KDCs of its own here.
#[test]
fn the_kdcs_of_a_short_name_serve_for_the_long_one() {
    let mut network = Network::default();
    let kerberos = Kerberos::new().credentials("CORP\\me", PASSWORD);
    dial(&mut network, &kerberos.kdc("kdc.test")).unwrap();
    assert_eq!(network.asked, ["tcp://kdc.test:88"; 3]);
}

#[test]
fn a_realm_that_refers_to_another_is_followed() {
    let mut network = Network::default();
    network.kdc.services.clear();
    network.kdc.refers_to = Some("OTHER.TEST");
    network.other_kdc = Some(Kdc {
        realm: "OTHER.TEST",
        clock: 1_800_000_100,
        // The ticket of the first realm is for this one, which has its key.
        issued: vec![(b"C\x01".to_vec(), session_key(1))],
        ..Kdc::default()
    });
    dial(&mut network, &kerberos()).unwrap();
    let asked = network.asked.last().map(String::as_str);
    assert_eq!(asked, Some("tcp://other.test:88"));
}

#[test]
fn a_proxy_with_another_name_is_asked_for_by_it() {
    let mut network = Network::default();
    network.kdc.services = vec!["HTTP/gateway"];
    dial(&mut network, &kerberos().service("HTTP/gateway")).unwrap();
}

fn session_key(number: u8) -> kerbcore::KerberosKey {
    let key = vec![number + 65; 32];
    kerbcore::KerberosKey::new(Enctype::Aes256CtsHmacSha1_96, key).unwrap()
}
