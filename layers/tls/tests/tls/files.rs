//! Certificates from files: each form that OpenSSL writes, and each mistake.

use crate::kit::{AUTHORITY, Authority, World, server, server_settings};
use std::path::PathBuf;
use wirestack_tls::rustls::ClientConfig;
use wirestack_tls::{Certificates, Client, ClientSettings, TlsError, server_name};

/// Returns the path of a file that OpenSSL wrote.
fn data(name: &str) -> PathBuf {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tls/data");
    [folder, name].iter().collect()
}

fn read(name: &str) -> Vec<u8> {
    std::fs::read(data(name)).unwrap()
}

fn build(
    certificates: &Certificates,
) -> Result<std::sync::Arc<ClientConfig>, wirestack_layer::Error> {
    let settings = ClientSettings::new().without_system_roots();
    let settings = settings.ca_certificates(AUTHORITY.pem());
    settings.certificates(certificates).build()
}

/// Connects with these certificates to a server that asks for one of the authority of the files.
fn meet(certificates: &Certificates) -> World<Client, wirestack_tls::Server> {
    let config = build(certificates).unwrap();
    let client = Client::new(config, server_name("example.org").unwrap()).unwrap();
    let settings = server_settings().require_client_certificates(read("ca.pem"));
    let mut world = World::new(client, server(settings), 65536);
    world.converse();
    world
}

#[test]
fn a_client_certificate_is_read_in_every_form() {
    let new = Certificates::new;
    let mut all = vec![
        (
            "pem",
            new().client_certificate(data("me.pem"), data("me.key")),
        ),
        (
            "one file",
            new().client_certificate(data("both.pem"), data("both.pem")),
        ),
        (
            "der",
            new().client_certificate(data("me.pem"), data("me-key.der")),
        ),
        (
            "sec1 der",
            new().client_certificate(data("me.pem"), data("me-sec1.der")),
        ),
        (
            "memory",
            new().client_certificate_bytes(read("me.pem"), read("me.key")),
        ),
    ];
    #[cfg(feature = "pkcs12")]
    all.extend([
        ("pkcs12", new().client_pkcs12(data("modern.p12"), "hunter2")),
        (
            "old pkcs12",
            new().client_pkcs12(data("legacy.p12"), "hunter2"),
        ),
        (
            "open pkcs12",
            new().client_pkcs12(data("without-password.p12"), ""),
        ),
        (
            "pkcs12 memory",
            new().client_pkcs12_bytes(read("modern.p12"), "hunter2"),
        ),
    ]);
    for (form, certificates) in all.drain(..) {
        let world = meet(&certificates);
        world.assert_conversed(form);
        let shown = world
            .server
            .layer
            .peer_certificates()
            .expect("a certificate");
        let text = read("me.pem");
        let me = String::from_utf8(text).unwrap();
        let me: String = me.lines().filter(|line| !line.starts_with('-')).collect();
        assert_eq!(base64(&shown[0]), me, "{form}");
    }
}

/// Encodes as PEM does, without line breaks.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let mut group = [0; 4];
        group[1..=chunk.len()].copy_from_slice(chunk);
        let group = u32::from_be_bytes(group);
        for at in 0..4 {
            let letter = LETTERS[(group >> (18 - 6 * at) & 63) as usize];
            text.push(if at > chunk.len() { '=' } else { letter.into() });
        }
    }
    text
}

#[test]
fn authorities_are_read_in_every_form_and_add_up() {
    let new = Certificates::new;
    let many = format!(
        "{}{}",
        Authority::new("other").pem(),
        String::from_utf8(read("ca.pem")).unwrap()
    );
    let text = |from: &str| String::from_utf8(read(from)).unwrap();
    let bad = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for (form, certificates) in [
        ("pem", new().ca_file(data("ca.pem"))),
        ("der", new().ca_file(data("ca.der"))),
        ("memory", new().ca_certificates(read("ca.pem"))),
        ("memory der", new().ca_certificates(read("ca.der"))),
        ("many", new().ca_certificates(many)),
        (
            "a bundle with one that is no certificate",
            new().ca_certificates(bad.to_owned() + &text("ca.pem")),
        ),
        (
            "two calls",
            new()
                .ca_certificates(Authority::new("x").pem())
                .ca_file(data("ca.pem")),
        ),
    ] {
        // The certificate of the client is one that its authority issued: it serves here.
        let settings = ClientSettings::new().without_system_roots();
        let config = settings.certificates(&certificates).build().unwrap();
        let client = Client::new(config, server_name("me.test").unwrap()).unwrap();
        let settings = wirestack_tls::ServerSettings::new(read("me.pem"), read("me.key"));
        let mut world = World::new(client, server(settings), 65536);
        world.converse();
        // It is not for servers, which is seen only after its authority is known.
        let text = world.client.text();
        assert!(text.contains("extended key usage"), "{form}: {text}");
    }
}

#[test]
fn a_key_or_an_authority_of_another_form_is_told_what_it_is() {
    let new = Certificates::new;
    let key = |content: Vec<u8>| new().client_certificate_bytes(read("me.pem"), content);
    let bad = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for (certificates, wanted) in [
        (
            key(read("modern.p12")),
            "the private key in memory is PKCS #12, wanted PEM or DER: ",
        ),
        (
            key(Vec::new()),
            "the private key in memory is empty, wanted a private key as PEM or DER",
        ),
        (
            key(read("ca.der")),
            "the private key in memory holds a certificate and no private key, wanted its key as PEM or DER",
        ),
        (
            new().ca_certificates(read("modern.p12")),
            "the CA in memory is PKCS #12, wanted PEM or DER: ",
        ),
        (
            new().ca_certificates(bad),
            "the CA in memory holds 1 certificate, and no root can be made of it",
        ),
        (
            new().ca_certificates(bad.repeat(2)),
            "the CA in memory holds 2 certificates, and no root can be made of them",
        ),
    ] {
        let error = build(&certificates).unwrap_err().to_string();
        assert!(error.starts_with(&format!("tls: {wanted}")), "{error}");
    }
}

#[test]
fn a_mistake_in_a_file_names_the_file_and_the_way_out() {
    let new = Certificates::new;
    let ca = |name: &str| new().ca_file(data(name));
    let client = |chain: &str, key: &str| new().client_certificate(data(chain), data(key));
    let empty = new().ca_certificates("");
    let rows = vec![
        (
            ca("nowhere.pem"),
            "the CA file DATA/nowhere.pem cannot be read: No such file or directory (os error 2)",
        ),
        (
            ca("me.key"),
            "the CA file DATA/me.key holds a private key and no certificate, wanted a certificate as PEM or DER",
        ),
        (
            ca("README.md"),
            "the CA file DATA/README.md holds no certificate, wanted one as PEM or DER",
        ),
        (
            ca("ca.p7b"),
            "the CA file DATA/ca.p7b is PKCS #7, wanted PEM or DER: convert it with `openssl pkcs7 -print_certs -in FILE`, or with `-inform der` too",
        ),
        (
            ca("ca-der.p7b"),
            "the CA file DATA/ca-der.p7b is PKCS #7, wanted PEM or DER: convert it with `openssl pkcs7 -print_certs -in FILE`, or with `-inform der` too",
        ),
        (
            empty,
            "the CA in memory is empty, wanted a certificate as PEM or DER",
        ),
        (
            client("nowhere.pem", "me.key"),
            "the client certificate file DATA/nowhere.pem cannot be read: No such file or directory (os error 2)",
        ),
        (
            client("me.key", "me.key"),
            "the client certificate file DATA/me.key holds a private key and no certificate, wanted a certificate as PEM or DER",
        ),
        (
            client("me.pem", "me.pem"),
            "the private key file DATA/me.pem holds a certificate and no private key, wanted its key as PEM or DER",
        ),
        (
            client("me.pem", "encrypted.key"),
            "the private key file DATA/encrypted.key holds an encrypted private key, wanted a plain one: decrypt it with `openssl pkey -in FILE`",
        ),
        (
            client("me.pem", "encrypted-old.key"),
            "the private key file DATA/encrypted-old.key holds an encrypted private key, wanted a plain one: decrypt it with `openssl pkey -in FILE`",
        ),
        (
            client("ca.pem", "me.key"),
            "the private key file DATA/me.key does not belong to the first certificate in the client certificate file DATA/ca.pem",
        ),
    ];
    #[cfg(not(feature = "pkcs12"))]
    let more = [];
    #[cfg(feature = "pkcs12")]
    let more = [
        (
            ca("modern.p12"),
            "the CA file DATA/modern.p12 is PKCS #12, wanted PEM or DER: give it with `client_pkcs12`",
        ),
        (
            new().client_pkcs12(data("modern.p12"), "wrong"),
            "the PKCS #12 file DATA/modern.p12 cannot be opened: the password is wrong",
        ),
        (
            new().client_pkcs12(data("legacy.p12"), "wrong"),
            "the PKCS #12 file DATA/legacy.p12 cannot be opened: the password is wrong",
        ),
        (
            new().client_pkcs12(data("me.pem"), "hunter2"),
            "the PKCS #12 file DATA/me.pem is not PKCS #12: PEM is given with `client_certificate`",
        ),
        (
            new().client_pkcs12(data("ca.der"), "hunter2"),
            "the PKCS #12 file DATA/ca.der is not PKCS #12, or is damaged",
        ),
        (
            new().client_pkcs12(data("without-key.p12"), "hunter2"),
            "the PKCS #12 file DATA/without-key.p12 holds no private key with its certificate",
        ),
    ];
    let folder = data("");
    let folder = folder.to_str().unwrap().trim_end_matches('/');
    for (certificates, wanted) in rows.into_iter().chain(more) {
        let error = build(&certificates).expect_err(wanted);
        assert!(
            matches!(error.cause(), Some(TlsError::Certificates(_))),
            "{error}"
        );
        let text = error.to_string().replace(folder, "DATA");
        assert_eq!(text, format!("tls: {wanted}"));
    }
}

/// Whatever a file holds, reading it ends, and without a panic.
#[test]
fn no_damaged_file_makes_a_panic() {
    for name in ["me.pem", "me.key", "ca.der", "me-key.der", "ca.p7b"] {
        let whole = read(name);
        for cut in 0..whole.len() {
            let cut = whole[..cut].to_vec();
            let _ = build(&Certificates::new().ca_certificates(cut.clone()));
            let _ = build(&Certificates::new().client_certificate_bytes(cut.clone(), cut));
        }
    }
    #[cfg(feature = "pkcs12")]
    for name in ["modern.p12", "legacy.p12"] {
        let whole = read(name);
        for at in 0..whole.len().min(96) {
            let cut = whole[..at * 7 % whole.len()].to_vec();
            let mut flipped = whole.clone();
            flipped[at] ^= 1 << (at % 8);
            let _ = build(&Certificates::new().client_pkcs12_bytes(cut, "hunter2"));
            let _ = build(&Certificates::new().client_pkcs12_bytes(flipped, "hunter2"));
        }
    }
}

#[test]
fn secrets_of_certificates_are_not_shown() {
    let certificates = Certificates::new()
        .ca_file("/etc/ca.pem")
        .client_certificate_bytes(read("me.pem"), read("me.key"));
    let shown = format!("{certificates:?}");
    assert!(
        shown.contains("/etc/ca.pem") && !shown.contains("BEGIN"),
        "{shown}"
    );
    #[cfg(feature = "pkcs12")]
    {
        let shown = format!("{:?}", certificates.client_pkcs12("me.p12", "hunter2"));
        assert!(
            shown.contains("me.p12") && !shown.contains("hunter2"),
            "{shown}"
        );
    }
}
