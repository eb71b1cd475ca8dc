//! Certificates and private keys as PEM text (RFC 7468).

use crate::TlsError;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::fmt;
use wirestack_layer::Error;

/// A certificate chain and its private key, before they are parsed.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    chain: Pem,
    key: Pem,
}

impl Identity {
    pub(crate) fn new(chain: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        let (chain, key) = (Pem(chain.into()), Pem(key.into()));
        Self { chain, key }
    }

    pub(crate) fn parse(
        &self,
    ) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), Error> {
        let chain = certificates(std::slice::from_ref(&self.chain), "certificate chain")?;
        let what = "private key";
        let mut keys = PrivateKeyDer::pem_slice_iter(&self.key.0);
        let key = keys
            .next()
            .ok_or_else(|| no_pem(&self.key.0, what).local())?;
        let key = key.map_err(|source| {
            if is_encrypted_key(&self.key.0) {
                no_pem(&self.key.0, what).local()
            } else {
                TlsError::Pem { what, source }.local()
            }
        })?;
        Ok((chain, key))
    }
}

/// PEM text. It may hold a secret, so `Debug` shows only its length.
#[derive(Clone)]
pub(crate) struct Pem(pub(crate) Vec<u8>);

impl fmt::Debug for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pem({} bytes)", self.0.len())
    }
}

/// Reads every certificate in each text. Each text must hold at least one.
pub(crate) fn certificates(
    texts: &[Pem],
    what: &'static str,
) -> Result<Vec<CertificateDer<'static>>, Error> {
    let mut all = Vec::new();
    for text in texts {
        let before = all.len();
        for certificate in CertificateDer::pem_slice_iter(&text.0) {
            all.push(certificate.map_err(|source| TlsError::Pem { what, source }.local())?);
        }
        if all.len() == before {
            return Err(no_pem(&text.0, what).local());
        }
    }
    Ok(all)
}

/// Returns `true` for a key that is encrypted: by RFC 5958, or in the form before it (RFC 1421 §4.6.1.1),
/// which OpenSSL still writes.
pub(crate) fn is_encrypted_key(text: &[u8]) -> bool {
    let has = |wanted: &[u8]| text.windows(wanted.len()).any(|window| window == wanted);
    has(b"-----BEGIN ENCRYPTED PRIVATE KEY") || has(b"Proc-Type: 4,ENCRYPTED")
}

/// Returns the error of a text without what is wanted, which names the form that it has.
fn no_pem(bytes: &[u8], what: &'static str) -> TlsError {
    let is_key = what == "private key";
    let (seen, command) = match bytes {
        // A sequence that begins with the integer 3, as RFC 7292 §4 has it.
        [0x30, 0x80..=0xff, rest @ ..] if rest.windows(3).take(4).any(|it| it == [2, 1, 3]) => {
            ("PKCS #12", "openssl pkcs12 -in FILE -nodes")
        }
        [0x30, 0x80..=0xff, ..] if is_key => ("DER", "openssl pkey -inform der -in FILE"),
        [0x30, 0x80..=0xff, ..] => ("DER", "openssl x509 -inform der -in FILE"),
        _ if is_key && is_encrypted_key(bytes) => ("encrypted", "openssl pkey -in FILE"),
        _ => return TlsError::NoPem(what),
    };
    TlsError::NotPem {
        what,
        seen,
        command,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_no_pem_is_told_from_the_forms_that_can_be_converted() {
        let (key, chain) = ("private key", "certificate chain");
        let pkcs12 = &[0x30, 0x82, 0x0a, 0x1b, 2, 1, 3, 0x30][..];
        let der = &[0x30, 0x82, 0x0a, 0x1b, 0x30, 0x82, 1, 2, 1, 3][..];
        let small = &[0x30, 0x0a, 2, 1, 3, 0x30, 0, 0][..];
        let locked = b"-----BEGIN ENCRYPTED PRIVATE KEY-----";
        for (bytes, what, text) in [
            (
                pkcs12,
                key,
                "the private key is PKCS #12, wanted plain PEM: convert it with `openssl pkcs12 -in FILE -nodes`",
            ),
            (
                pkcs12,
                chain,
                "the certificate chain is PKCS #12, wanted plain PEM: convert it with `openssl pkcs12 -in FILE -nodes`",
            ),
            (
                der,
                key,
                "the private key is DER, wanted plain PEM: convert it with `openssl pkey -inform der -in FILE`",
            ),
            (
                der,
                chain,
                "the certificate chain is DER, wanted plain PEM: convert it with `openssl x509 -inform der -in FILE`",
            ),
            (
                locked,
                key,
                "the private key is encrypted, wanted plain PEM: convert it with `openssl pkey -in FILE`",
            ),
            (locked, chain, "the PEM text holds no certificate chain"),
            (small, key, "the PEM text holds no private key"),
            (b"", key, "the PEM text holds no private key"),
        ] {
            assert_eq!(no_pem(bytes, what).to_string(), text);
        }
    }
}
