//! Certificates and keys in PEM.

use super::{PASSWORD, error};
use std::sync::LazyLock;
use wirestack_tls::{ClientSettings, ServerSettings};

pub(crate) const PEMS: &[&str] = &[
    "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
    "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f\n-----END PRIVATE KEY-----\n",
    "-----BEGIN EC PRIVATE KEY-----\n-----END EC PRIVATE KEY-----",
    "0\u{1}",
    "",
];

/// A chain, a key, authorities: each of them may be anything.
pub(crate) fn certificates(text: &str) {
    if text.contains(PASSWORD) {
        return;
    }
    let (chain, key) = &*GOOD;
    let trust = || ClientSettings::new().without_system_roots();
    let results = [
        trust().ca_certificates(text).build().err(),
        trust()
            .ca_certificates(chain.clone())
            .certificate(text, key.clone())
            .build()
            .err(),
        ServerSettings::new(text, key.clone()).build().err(),
        ServerSettings::new(chain.clone(), text).build().err(),
        ServerSettings::new(chain.clone(), key.clone())
            .require_client_certificates(text)
            .build()
            .err(),
    ];
    for cause in results.iter().flatten() {
        error(cause);
    }
}

static GOOD: LazyLock<(String, String)> = LazyLock::new(|| {
    let made = rcgen::generate_simple_self_signed(vec!["example.org".into()]).unwrap();
    (made.cert.pem(), made.signing_key.serialize_pem())
});
