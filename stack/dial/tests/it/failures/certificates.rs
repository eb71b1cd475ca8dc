//! Certificates of a company: authorities in files, and a proxy that decrypts.

use super::*;

fn secure() -> Dial {
    to("wss://example.org/chat")
}

/// Returns certificates that trust the authority of the test's servers.
fn trusting() -> Certificates {
    Certificates::new().ca_certificates(TLS.root.clone())
}

#[test]
fn mistakes_in_files_of_certificates_read_well() {
    let row = |does: &'static str, dial: Dial, text: &'static str| Failure {
        peer: "a user",
        does,
        dial,
        moves: vec![],
        text,
    };
    let nowhere = || Certificates::new().ca_file("/nowhere/ca.pem");
    let pair = |chain: &'static str, key: &str| {
        trusting().client_certificate_bytes(chain.as_bytes(), key.as_bytes())
    };
    let encrypted =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    check(vec![
        row(
            "names a file of authorities that is not there",
            secure().certificates(nowhere()),
            "route: target (wss://example.org:443/chat): tls: the CA file /nowhere/ca.pem cannot be read: No such file or directory (os error 2)",
        ),
        row(
            "names one for a hop",
            secure()
                .via("https://proxy.corp:3129")
                .hop_certificates(nowhere()),
            "route: hop 1 (https://proxy.corp:3129): tls: the CA file /nowhere/ca.pem cannot be read: No such file or directory (os error 2)",
        ),
        row(
            "gives the key twice",
            secure().certificates(pair(encrypted, encrypted)),
            "route: target (wss://example.org:443/chat): tls: the client certificate in memory holds a private key and no certificate, wanted a certificate as PEM or DER",
        ),
        row(
            "gives an encrypted key",
            secure().certificates(pair(&TLS.root, encrypted)),
            "route: target (wss://example.org:443/chat): tls: the private key in memory holds an encrypted private key, wanted a plain one: decrypt it with `openssl pkey -in FILE`",
        ),
        row(
            "gives whole settings and a file",
            secure().tls(TLS.trusting.clone()).certificates(nowhere()),
            "route: the target has whole TLS settings (`tls`), and certificates beside them (such as `ca_file`): leave one of them out, or build the settings with the certificates",
        ),
    ]);
}

/// A proxy that decrypts shows a certificate of its own authority for every name.
#[test]
fn a_proxy_that_decrypts_is_trusted_by_its_file_and_no_further() {
    let secures =
        |settings: wirestack_tls::ServerSettings| vec![Move::Secures(settings.build().unwrap())];
    let inspected = |name: &'static str| secures(TLS.server(name, |_| {}));
    // Its certificate is trusted: the dialing goes on, to a server that never answers.
    let text = secure()
        .certificates(trusting())
        .run(inspected("example.org"));
    assert!(!text.contains("certificate"), "{text}");
    check(vec![
        Failure {
            peer: "a proxy that decrypts",
            does: "is not the one that is trusted",
            dial: secure().certificates(trusting()),
            moves: secures(TLS.rogue("example.org")),
            text: "target (wss://example.org:443/chat): tls[0]: the peer's certificate is not accepted: it is issued by \"Corp Proxy CA\", which is no authority trusted here: if you trust it, give its certificate with `ca_file`, or add it to the roots of the system, or to the file that SSL_CERT_FILE names",
        },
        Failure {
            peer: "a proxy that decrypts",
            does: "shows the name of another server",
            dial: secure().certificates(trusting()),
            moves: inspected("other.test"),
            text: "target (wss://example.org:443/chat): tls[0]: the peer's certificate is not accepted: it is for other.test, wanted example.org",
        },
        Failure {
            peer: "a proxy over TLS",
            does: "is trusted by the file of another hop only",
            dial: secure()
                .via("https://example.org:3129")
                .hop_certificates(Certificates::new().ca_certificates(rogue_root())),
            moves: inspected("example.org"),
            text: "hop 1 (https://example.org:3129): tls[0]: the peer's certificate is not accepted: it is issued by \"Example Root\", which is no authority trusted here: if you trust it, give its certificate with `ca_file`, or add it to the roots of the system, or to the file that SSL_CERT_FILE names",
        },
    ]);
}

/// Returns an authority that has issued nothing.
fn rogue_root() -> String {
    let mut params = rcgen::CertificateParams::default();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let key = rcgen::KeyPair::generate().unwrap();
    params.self_signed(&key).unwrap().pem()
}
