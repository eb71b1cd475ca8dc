//! Certificates: the ones that are refused, those of clients, chains, and how settings are built.

use crate::kit::{
    AUTHORITY, Authority, BOTH, World, client, client_of, client_settings, server, server_settings,
    with,
};
use std::sync::Arc;
use wirestack_layer::{Blame, Error};
use wirestack_tls::rustls::{AlertDescription, ServerConfig};
use wirestack_tls::{ClientSettings, Server, ServerSettings, TlsError, TlsVersions};

#[test]
fn a_bad_certificate_is_named_to_the_application_and_by_alert_to_the_peer() {
    let (wrong, expired, early, rogue) = (
        AUTHORITY.issue(&["other.example", "*.example.net"], |_| {}),
        AUTHORITY.issue(&["example.org"], |params| {
            params.not_before = rcgen::date_time_ymd(2019, 1, 1);
            params.not_after = rcgen::date_time_ymd(2020, 1, 1);
        }),
        AUTHORITY.issue(&["example.org"], |params| {
            params.not_before = rcgen::date_time_ymd(3000, 1, 1);
            params.not_after = rcgen::date_time_ymd(3001, 1, 1);
        }),
        Authority::new("another authority").issue(&["example.org"], |_| {}),
    );
    for versions in BOTH {
        struct Row<'a> {
            certificate: &'a (String, String),
            alert: AlertDescription,
            error_names: &'a [&'a str],
        }
        for row in [
            Row {
                certificate: &wrong,
                alert: AlertDescription::BadCertificate,
                error_names: &["example.org", "other.example", "*.example.net"],
            },
            Row {
                certificate: &expired,
                alert: AlertDescription::CertificateExpired,
                error_names: &["it expired at 2020-01-01T00:00:00Z", "Z"],
            },
            Row {
                certificate: &early,
                alert: AlertDescription::CertificateExpired,
                error_names: &["it is not valid before 3000-01-01T00:00:00Z"],
            },
            Row {
                certificate: &rogue,
                alert: AlertDescription::UnknownCA,
                error_names: &[
                    "it is issued by \"another authority\", which is no authority trusted here",
                    "ca_file",
                ],
            },
        ] {
            let (chain, key) = row.certificate;
            let server = ServerSettings::new(&**chain, &**key).versions(versions);
            let mut world = with(client_settings(), server);
            world.converse();
            assert!(matches!(world.client.cause(), TlsError::Certificate(_)));
            let error = world.client.error().unwrap();
            assert_eq!(error.blame(), Blame::Peer);
            for name in row.error_names {
                assert!(error.to_string().contains(name), "{error}");
            }
            let heard = world.server.cause();
            assert!(
                matches!(heard, TlsError::Alert(alert) if *alert == row.alert),
                "{heard}"
            );
            assert!(world.server.got.is_empty() && world.client.got.is_empty());
        }
    }
}

#[test]
fn a_client_can_be_asked_for_its_certificate() {
    let (chain, key) = AUTHORITY.issue(&["client.example"], |_| {});
    let rogue = Authority::new("another authority").issue(&["client.example"], |_| {});
    for versions in BOTH {
        let required = server_settings().require_client_certificates(AUTHORITY.pem());
        let allowed = server_settings().allow_client_certificates(AUTHORITY.pem());
        let anonymous = client_settings().versions(versions);
        let known = anonymous.clone().certificate(&*chain, &*key);
        let unknown = anonymous.clone().certificate(&*rogue.0, &*rogue.1);

        for server in [&required, &allowed] {
            let mut world = with(known.clone(), server.clone());
            world.converse();
            world.assert_conversed(versions);
            let shown = world.server.layer.peer_certificates().map(<[_]>::len);
            assert_eq!(shown, Some(1));
        }
        let mut world = with(anonymous.clone(), allowed);
        world.converse();
        world.assert_conversed(versions);
        assert!(world.server.layer.peer_certificates().is_none());

        let mut world = with(anonymous, required.clone());
        world.converse();
        assert_eq!(
            world.server.text(),
            "tls[0]: the peer sent no certificate, and one is wanted"
        );
        assert!(matches!(world.client.cause(), TlsError::Alert(_)));

        let mut world = with(unknown, required);
        world.converse();
        assert!(matches!(world.server.cause(), TlsError::Certificate(_)));
        let told = world.server.text();
        let advice = "if you trust it, add its certificate to the authorities of clients";
        assert!(
            told.contains("another authority") && told.ends_with(advice),
            "{told}"
        );
        let heard = world.client.cause();
        assert!(
            matches!(heard, TlsError::Alert(AlertDescription::UnknownCA)),
            "{heard}"
        );
    }
}

#[test]
fn a_chain_may_have_several_certificates_and_roots_several_texts() {
    let other = Authority::new("another authority");
    let roots = client_settings().ca_certificates(other.pem());
    let (leaf, key) = other.issue(&["example.org"], |_| {});
    let chain = format!("a comment\n{leaf}{}", other.pem());
    let mut world = with(roots.clone(), ServerSettings::new(chain, key));
    world.converse();
    world.assert_conversed("the second authority");
    assert_eq!(
        world.client.layer.peer_certificates().map(<[_]>::len),
        Some(2)
    );
    let mut world = with(roots, server_settings());
    world.converse();
    world.assert_conversed("the first authority");
}

#[cfg(feature = "platform-verifier")]
#[test]
fn given_authorities_join_those_of_the_system() {
    let settings = ClientSettings::new().ca_certificates(AUTHORITY.pem());
    let mut world = with(settings.clone(), server_settings());
    world.converse();
    world.assert_conversed("the system's and ours");

    let rogue = Authority::new("another authority").issue(&["example.org"], |_| {});
    let mut world = with(settings, ServerSettings::new(rogue.0, rogue.1));
    world.converse();
    assert!(matches!(world.client.cause(), TlsError::Certificate(_)));
}

#[test]
fn settings_that_cannot_be_used_are_errors_when_they_are_built() {
    let (chain, key) = AUTHORITY.issue(&["example.org"], |_| {});
    let (_, other_key) = AUTHORITY.issue(&["example.org"], |_| {});
    let good = || ServerSettings::new(&*chain, &*key);
    let alone = || ClientSettings::new().without_system_roots();
    let broken = chain.replace("-----END", "-----FIN");
    struct Row {
        error: Error,
        text: &'static str,
    }
    for Row { error, text } in [
        Row {
            error: alone().build().unwrap_err(),
            text: "tls: the trusted roots cannot be used: no root trust anchors were provided",
        },
        Row {
            error: alone().ca_certificates("").build().unwrap_err(),
            text: "tls: the PEM text holds no CA certificate",
        },
        Row {
            error: alone().ca_certificates(&*broken).build().unwrap_err(),
            text: "tls: the CA certificate cannot be read as PEM: a section has no end (-----END)",
        },
        Row {
            error: client_settings()
                .certificate(&*chain, "")
                .build()
                .unwrap_err(),
            text: "tls: the PEM text holds no private key",
        },
        Row {
            error: ServerSettings::new(&*chain, include_str!("data/encrypted-old.key"))
                .build()
                .unwrap_err(),
            text: "tls: the private key is encrypted, wanted plain PEM: convert it with `openssl pkey -in FILE`",
        },
        Row {
            error: ServerSettings::new(&*chain, include_str!("data/encrypted.key"))
                .build()
                .unwrap_err(),
            text: "tls: the private key is encrypted, wanted plain PEM: convert it with `openssl pkey -in FILE`",
        },
        Row {
            error: client_settings().alpn([""]).build().unwrap_err(),
            text: "tls: saw an ALPN protocol of 0 bytes, wanted 1 to 255",
        },
        Row {
            error: ServerSettings::new(&*key, &*key).build().unwrap_err(),
            text: "tls: the PEM text holds no certificate chain",
        },
        Row {
            error: ServerSettings::new(&*chain, &*other_key)
                .build()
                .unwrap_err(),
            text: "tls: the certificate chain and private key cannot be used: \
                   the private key is not that of the certificate",
        },
        Row {
            error: good().alpn([[b'a'; 256]]).build().unwrap_err(),
            text: "tls: saw an ALPN protocol of 256 bytes, wanted 1 to 255",
        },
        Row {
            error: good().require_client_certificates("").build().unwrap_err(),
            text: "tls: the PEM text holds no CA certificate",
        },
    ] {
        assert_eq!(error.to_string(), text);
        assert_eq!(error.blame(), Blame::Local);
        assert!(error.cause::<TlsError>().is_some());
    }
}

#[test]
fn settings_show_no_secrets() {
    let (chain, key) = AUTHORITY.issue(&["example.org"], |_| {});
    let shown = format!("{:?}", ServerSettings::new(&*chain, &*key));
    assert!(!shown.contains("KEY") && !shown.contains("MI"), "{shown}");
    assert!(shown.contains("Pem("), "{shown}");
}

#[test]
fn a_configuration_that_accepts_early_data_is_refused() {
    let mut config = ServerConfig::clone(&server_settings().build().unwrap());
    config.max_early_data_size = 1;
    let error = Server::new(Arc::new(config)).unwrap_err();
    assert!(matches!(error.cause(), Some(TlsError::EarlyData)));
}

#[test]
fn a_wrong_address_is_a_wrong_name() {
    let (chain, key) = AUTHORITY.issue(&["192.0.2.1"], |_| {});
    let client = client_of("192.0.2.2", client_settings());
    let mut world = World::new(client, server(ServerSettings::new(chain, key)), 65536);
    world.converse();
    assert!(
        world.client.text().contains("192.0.2.2"),
        "{}",
        world.client.text()
    );
}

#[test]
fn secrets_are_logged_only_when_asked_for_and_wanted() {
    let quiet = client_settings().build().unwrap();
    assert!(!quiet.key_log.will_log("CLIENT_RANDOM"));
    // Without the variable in the environment, asking changes nothing.
    let mut world = World::new(
        client(client_settings().key_log().versions(TlsVersions::Tls12)),
        server(server_settings().key_log()),
        65536,
    );
    world.converse();
    world.assert_conversed("with a key log");
}
