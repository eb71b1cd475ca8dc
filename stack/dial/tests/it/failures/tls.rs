//! Failures of TLS, with real servers of rustls.

use super::*;
use wirestack_tls::{ClientSettings, TlsVersions};

fn secure() -> Dial {
    to("wss://example.org/chat")
}

#[test]
fn refused_certificates_read_well() {
    let secures =
        |settings: wirestack_tls::ServerSettings| vec![Move::Secures(settings.build().unwrap())];
    check(vec![
        Failure {
            peer: "a proxy that decrypts",
            does: "shows the certificate of its own authority",
            dial: secure(),
            moves: secures(TLS.rogue("example.org")),
            text: "target (wss://example.org:443/chat): tls[0]: the peer's certificate is not accepted: it is issued by \"Corp Proxy CA\", which is no authority trusted here: if you trust it, give its certificate with `ca_file`, or add it to the roots of the system, or to the file that SSL_CERT_FILE names",
        },
        Failure {
            peer: "a server",
            does: "has a certificate for another name",
            dial: secure(),
            moves: secures(TLS.server("other.test", |_| {})),
            text: "target (wss://example.org:443/chat): tls[0]: the peer's certificate is not accepted: it is for other.test, wanted example.org",
        },
        Failure {
            peer: "an authority",
            does: "is a server itself",
            dial: secure(),
            moves: secures(TLS.server("example.org", |params| {
                params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
            })),
            text: "target (wss://example.org:443/chat): tls[0]: the peer's certificate is not accepted: it is that of an authority, wanted that of a server or a client",
        },
    ]);
}

#[test]
fn certificates_out_of_time_read_well() {
    for (from, until, wanted) in [
        (
            2019,
            2020,
            "target (wss://example.org:443/chat): tls[0]: the peer's certificate is not accepted: it expired at 2020-01-01T00:00:00Z, and the clock here says ",
        ),
        (
            3000,
            3001,
            "target (wss://example.org:443/chat): tls[0]: the peer's certificate is not accepted: it is not valid before 3000-01-01T00:00:00Z, and the clock here says ",
        ),
    ] {
        let settings = TLS.server("example.org", |params| {
            params.not_before = rcgen::date_time_ymd(from, 1, 1);
            params.not_after = rcgen::date_time_ymd(until, 1, 1);
        });
        let seen = secure().run(vec![Move::Secures(settings.build().unwrap())]);
        is_well_formed(&seen);
        let clock = seen
            .strip_prefix(wanted)
            .unwrap_or_else(|| panic!("{seen}"));
        assert_eq!(
            (clock.len(), &clock[10..11], &clock[19..]),
            (20, "T", "Z"),
            "{seen}"
        );
    }
}

#[test]
fn other_failures_of_tls_read_well() {
    let only_1_2 = ClientSettings::new()
        .without_system_roots()
        .ca_certificates(TLS.root.clone())
        .versions(TlsVersions::Tls12);
    let server = || TLS.server("example.org", |_| {});
    check(vec![
        Failure {
            peer: "a server of TLS 1.3",
            does: "meets a client of TLS 1.2",
            dial: secure().tls(only_1_2.build().unwrap()),
            moves: vec![Move::Secures(
                server().versions(TlsVersions::Tls13).build().unwrap(),
            )],
            text: "target (wss://example.org:443/chat): tls[0]: the peer sent the fatal alert protocol_version: the two sides have no version of TLS in common",
        },
        Failure {
            peer: "a server of HTTP/2 alone",
            does: "meets a client of HTTP/1.1",
            dial: secure(),
            moves: vec![Move::Secures(server().alpn(["h2"]).build().unwrap())],
            text: "target (wss://example.org:443/chat): tls[0]: the peer sent the fatal alert no_application_protocol: the two sides have no protocol of ALPN in common",
        },
        Failure {
            peer: "a server",
            does: "wants a certificate of the client",
            dial: secure().tls(TLS.trusting_only_1_2.clone()),
            moves: vec![Move::Secures(
                server()
                    .require_client_certificates(TLS.root.clone())
                    .build()
                    .unwrap(),
            )],
            text: "target (wss://example.org:443/chat): tls[0]: the peer sent the fatal alert certificate_required: it wants a certificate of this side, and there is none",
        },
        Failure {
            peer: "a server",
            does: "does not serve the name",
            dial: secure(),
            moves: vec![says(b"\x15\x03\x03\x00\x02\x02\x70"), Move::Ends],
            text: "target (wss://example.org:443/chat): tls[0]: the peer sent the fatal alert unrecognized_name: it does not serve the name that was asked for",
        },
        Failure {
            peer: "a web server without TLS",
            does: "answers in HTTP",
            dial: secure(),
            moves: vec![says("HTTP/1.1 400 Bad Request\r\n\r\n"), Move::Ends],
            text: "target (wss://example.org:443/chat): tls[0]: saw an HTTP/1 response where a TLS record was wanted: this port has no TLS, use http:// or ws://",
        },
        Failure {
            peer: "an SSH server",
            does: "greets",
            dial: secure(),
            moves: vec![also("SSH-2.0-OpenSSH_9.6\r\n")],
            text: "target (wss://example.org:443/chat): tls[0]: saw the greeting of SSH where a TLS record was wanted: this is the port of another service, or of one that begins TLS later (STARTTLS)",
        },
        Failure {
            peer: "a mail server",
            does: "greets",
            dial: secure(),
            moves: vec![also("220 mail.test ESMTP Postfix\r\n")],
            text: "target (wss://example.org:443/chat): tls[0]: saw the greeting of a mail or FTP server (220) where a TLS record was wanted: this is the port of another service, or of one that begins TLS later (STARTTLS)",
        },
        Failure {
            peer: "a server",
            does: "sends junk",
            dial: secure(),
            moves: vec![says("\u{1b}]0;owned\u{7}")],
            text: "target (wss://example.org:443/chat): tls[0]: saw the byte 0x1b where a TLS record was wanted",
        },
        Failure {
            peer: "a server",
            does: "closes at once",
            dial: secure(),
            moves: vec![says(""), Move::Ends],
            text: "target (wss://example.org:443/chat): tls[0]: the connection ended in the handshake of TLS, wanted the peer's Hello",
        },
    ]);
}
