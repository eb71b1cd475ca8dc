use super::*;
use rustls::{OtherError, PeerIncompatible, PeerMisbehaved};
use std::sync::Arc;
use std::time::Duration;

#[test]
fn alerts_have_the_names_of_the_rfc() {
    for (alert, name) in [
        (AlertDescription::BadRecordMac, "bad_record_mac"),
        (AlertDescription::UnknownCA, "unknown_ca"),
        (AlertDescription::UnrecognisedName, "unrecognized_name"),
        (AlertDescription::UnknownPSKIdentity, "unknown_psk_identity"),
        (AlertDescription::Unknown(200), "200"),
    ] {
        assert_eq!(alert_name(&alert), name);
    }
}

#[test]
fn times_show_as_dates() {
    for (seconds, shown) in [
        (0, "1970-01-01T00:00:00Z"),
        (951_782_399, "2000-02-28T23:59:59Z"),
        (951_782_400, "2000-02-29T00:00:00Z"),
        (951_868_800, "2000-03-01T00:00:00Z"),
        (1_709_164_800, "2024-02-29T00:00:00Z"),
        (4_102_444_799, "2099-12-31T23:59:59Z"),
        (4_107_542_400, "2100-03-01T00:00:00Z"),
        (45_296, "1970-01-01T12:34:56Z"),
    ] {
        let time = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        assert_eq!(date(time), shown);
    }
}

#[test]
fn no_text_shows_a_type() {
    #[derive(Debug)]
    struct Wrapped(#[expect(dead_code)] &'static str);
    impl std::fmt::Display for Wrapped {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("CaUsedAsEndEntity")
        }
    }
    impl std::error::Error for Wrapped {}
    let other = CertificateError::Other(OtherError(Arc::new(Wrapped("x"))));
    for (error, shown) in [
        (
            Error::PeerIncompatible(PeerIncompatible::NoCipherSuitesInCommon),
            "the peer is incompatible: no cipher suites in common",
        ),
        (
            Error::PeerMisbehaved(PeerMisbehaved::TooManyKeyUpdateRequests),
            "the peer broke the protocol: too many key update requests",
        ),
        (
            Error::InvalidCertificate(other),
            "a certificate is not accepted: it is that of an authority, wanted that of a \
             server or a client",
        ),
        (
            Error::InvalidCertificate(CertificateError::ExpiredRevocationList),
            "a certificate is not accepted: expired revocation list",
        ),
        (
            Error::InvalidMessage(rustls::InvalidMessage::HandshakePayloadTooLarge),
            "the peer sent a malformed message: handshake payload too large",
        ),
    ] {
        assert_eq!(text(&error), shown);
    }
}

#[test]
fn an_alert_says_what_the_peer_does_not_like() {
    use AlertDescription as A;
    let own = "it does not accept the certificate of this side";
    for (seen, meaning) in [
        (
            A::UnknownCA,
            "it does not trust the authority behind the certificate of this side",
        ),
        (A::BadCertificate, own),
        (A::CertificateUnknown, own),
        (A::UnsupportedCertificate, own),
        (
            A::CertificateExpired,
            "the certificate of this side has expired, or is not valid yet",
        ),
        (
            A::CertificateRequired,
            "it wants a certificate of this side, and there is none",
        ),
        (A::AccessDenied, "it does not let this side in"),
        (
            A::HandshakeFailure,
            "the two sides have no cipher suite or the like in common",
        ),
        (
            A::ProtocolVersion,
            "the two sides have no version of TLS in common",
        ),
        (
            A::NoApplicationProtocol,
            "the two sides have no protocol of ALPN in common",
        ),
        (
            A::UnrecognisedName,
            "it does not serve the name that was asked for",
        ),
    ] {
        assert_eq!(alert(&seen), format!("{}: {meaning}", alert_name(&seen)));
    }
    assert_eq!(alert(&A::DecodeError), "decode_error");
}

#[test]
fn the_fault_of_a_pem_text_is_told() {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;
    for (text, fault) in [
        (
            "-----BEGIN CERTIFICATE-----\nAAAA\n",
            "a section has no end (-----END)",
        ),
        (
            "-----BEGIN CERTIFICATE\nAAAA\n",
            "a section begins badly (-----BEGIN)",
        ),
        (
            "-----BEGIN CERTIFICATE-----\n?!\n-----END CERTIFICATE-----\n",
            "a section is no Base64",
        ),
        ("", "it has no section"),
    ] {
        let error = CertificateDer::from_pem_slice(text.as_bytes()).unwrap_err();
        assert_eq!(pem(&error), fault);
    }
}

#[test]
fn a_message_at_a_wrong_time_is_named_with_those_that_were_wanted() {
    use rustls::{ContentType, HandshakeType};
    let error = Error::InappropriateMessage {
        expect_types: vec![ContentType::Handshake],
        got_type: ContentType::ApplicationData,
    };
    assert_eq!(
        text(&error),
        "the peer sent the message ApplicationData, wanted Handshake"
    );
    let error = Error::InappropriateHandshakeMessage {
        expect_types: vec![HandshakeType::ServerHello, HandshakeType::HelloRetryRequest],
        got_type: HandshakeType::Finished,
    };
    assert_eq!(
        text(&error),
        "the peer sent the message Finished, wanted ServerHello or HelloRetryRequest"
    );
}

#[test]
fn an_unknown_issuer_is_named_with_the_place_where_it_could_be_trusted() {
    let issuer = |is_own, of_client| Issuer {
        name: "CN=somebody".into(),
        is_own,
        of_client,
    };
    for (issuer, begins, advice) in [
        (None, "it is issued by no authority trusted here: ", TRUST),
        (
            Some(issuer(false, false)),
            "it is issued by \"CN=somebody\", which is no authority trusted here: ",
            TRUST,
        ),
        (
            Some(issuer(true, false)),
            "it is issued by \"CN=somebody\" itself (self-signed), which is no authority trusted \
             here: ",
            TRUST,
        ),
        (
            Some(issuer(false, true)),
            "it is issued by \"CN=somebody\", which is no authority trusted here: ",
            TRUST_CLIENT,
        ),
    ] {
        let shown = certificate(&CertificateError::UnknownIssuer, issuer.as_ref());
        assert_eq!(shown, format!("{begins}{advice}"));
    }
}

#[test]
fn an_error_of_the_verifier_is_told_by_its_innermost_name() {
    #[derive(Debug)]
    struct Told(&'static str);
    impl std::fmt::Display for Told {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str(self.0)
        }
    }
    impl std::error::Error for Told {}
    let other = |text| {
        certificate(
            &CertificateError::Other(OtherError(Arc::new(Told(text)))),
            None,
        )
    };
    assert_eq!(
        other("UnsupportedCertVersion"),
        "it has another version than 3, and so no names"
    );
    assert_eq!(
        other("the policy of Example (2026)\tforbids it"),
        "the policy of Example (2026)\\tforbids it"
    );
    assert_eq!(other("EndEntityUsedAsCa"), "told"); // the name of a variant
    assert_eq!(other("Name(Inner { of: 1 })"), "told");

    assert_eq!(words(&Some(Some("no-name"))), "some");
    assert_eq!(words(&Some(None::<u8>)), "some");
    assert_eq!(
        words(&Ok::<_, ()>(PeerIncompatible::NoKxGroupsInCommon)),
        "no kx groups in common"
    );
    assert_eq!(words(&""), "unknown");
}

#[test]
fn another_protocol_is_named_with_what_to_do() {
    for (bytes, ending) in [
        (
            &b"HTTP/1.1 400 Bad Request\r\n"[..],
            ": this port has no TLS, use http:// or ws://",
        ),
        (
            b"GET / HTTP/1.1\r\n",
            ": the client begins without TLS, wanted https:// or wss://",
        ),
        (
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            ": the client begins HTTP/2 without TLS",
        ),
        (
            b"\0\0\0\x04\0\0\0\0\0",
            ": this port speaks HTTP/2 without TLS",
        ),
        (
            b"<!DOCTYPE html><html>",
            ": something between answers for the server",
        ),
        (b"\x05\x01\x00", ": SOCKS has no TLS, use socks5h://"),
        (
            b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
            ": a load balancer sends it, and this port expects none",
        ),
        (
            b"SSH-2.0-x\r\n",
            ": this is the port of another service, or of one that begins TLS later (STARTTLS)",
        ),
        (
            b"220 mail.example.org ESMTP\r\n",
            ": this is the port of another service, or of one that begins TLS later (STARTTLS)",
        ),
        (b"\xff\xff\xff\xff", " where a TLS record was wanted"),
    ] {
        let seen = FirstBytes::read(bytes, true).unwrap();
        let told = not_tls(&seen);
        assert!(told.starts_with("saw ") && told.ends_with(ending), "{told}");
    }
}
