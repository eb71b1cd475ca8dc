//! Verifiers that remember who has issued the certificate that they refuse.
//!
//! rustls keeps nothing of a certificate that is refused, and its error says only that the issuer
//! is unknown. The error must be the one of rustls, because the alert to the peer is made of it. So
//! the name waits beside it, on the thread that verifies, until the session takes it: it does so
//! when the call that verified returns.

use crate::certificate::{Issuer, last_issuer};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};
use std::cell::Cell;
use std::sync::Arc;

/// A verifier that remembers the issuer whom it does not know.
#[derive(Debug)]
pub(crate) struct Remembering<V: ?Sized>(pub(crate) Arc<V>);

thread_local! {
    static REFUSED: Cell<Option<Issuer>> = const { Cell::new(None) };
}

/// Takes the unknown issuer of the certificate that was refused last.
pub(crate) fn take_refused() -> Option<Issuer> {
    REFUSED.take()
}

fn remember<T>(
    verdict: Result<T, Error>,
    end_entity: &CertificateDer<'_>,
    chain: &[CertificateDer<'_>],
    of_client: bool,
) -> Result<T, Error> {
    let is_unknown = |error: &Error| {
        matches!(
            error,
            Error::InvalidCertificate(CertificateError::UnknownIssuer)
        )
    };
    let unknown = verdict.as_ref().is_err_and(is_unknown);
    let issuer = || {
        let issuer = last_issuer(end_entity, chain)?;
        Some(Issuer {
            of_client,
            ..issuer
        })
    };
    REFUSED.set(unknown.then(issuer).flatten());
    verdict
}

impl ServerCertVerifier for Remembering<dyn ServerCertVerifier> {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verdict =
            self.0
                .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        remember(verdict, end_entity, intermediates, false)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }

    fn requires_raw_public_keys(&self) -> bool {
        self.0.requires_raw_public_keys()
    }

    fn root_hint_subjects(&self) -> Option<&[DistinguishedName]> {
        self.0.root_hint_subjects()
    }
}

impl ClientCertVerifier for Remembering<dyn ClientCertVerifier> {
    fn offer_client_auth(&self) -> bool {
        self.0.offer_client_auth()
    }

    fn client_auth_mandatory(&self) -> bool {
        self.0.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.0.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verdict = self.0.verify_client_cert(end_entity, intermediates, now);
        remember(verdict, end_entity, intermediates, true)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }

    fn requires_raw_public_keys(&self) -> bool {
        self.0.requires_raw_public_keys()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::slice;

    /// A name without a part.
    const NAME: [u8; 2] = [0x30, 0];

    /// A verifier whose answers are not the default ones.
    #[derive(Debug)]
    struct Odd(DistinguishedName);

    impl ServerCertVerifier for Odd {
        fn verify_server_cert(
            &self,
            _: &CertificateDer<'_>,
            _: &[CertificateDer<'_>],
            _: &ServerName<'_>,
            _: &[u8],
            _: UnixTime,
        ) -> Result<ServerCertVerified, Error> {
            Err(CertificateError::Revoked.into())
        }

        fn verify_tls12_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            Err(CertificateError::BadSignature.into())
        }

        fn verify_tls13_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            Err(CertificateError::BadSignature.into())
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            vec![SignatureScheme::ED448]
        }

        fn requires_raw_public_keys(&self) -> bool {
            true
        }

        fn root_hint_subjects(&self) -> Option<&[DistinguishedName]> {
            Some(slice::from_ref(&self.0))
        }
    }

    impl ClientCertVerifier for Odd {
        fn root_hint_subjects(&self) -> &[DistinguishedName] {
            slice::from_ref(&self.0)
        }

        fn offer_client_auth(&self) -> bool {
            false
        }

        fn client_auth_mandatory(&self) -> bool {
            false
        }

        fn verify_client_cert(
            &self,
            _: &CertificateDer<'_>,
            _: &[CertificateDer<'_>],
            _: UnixTime,
        ) -> Result<ClientCertVerified, Error> {
            Err(CertificateError::UnknownIssuer.into())
        }

        fn verify_tls12_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            Err(CertificateError::BadSignature.into())
        }

        fn verify_tls13_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            Err(CertificateError::BadSignature.into())
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            vec![SignatureScheme::ED448]
        }

        fn requires_raw_public_keys(&self) -> bool {
            true
        }
    }

    #[test]
    fn a_verifier_that_remembers_answers_as_the_one_in_it_does() {
        let odd = || Arc::new(Odd(DistinguishedName::from(NAME.to_vec())));
        let server: Arc<dyn ServerCertVerifier> = odd();
        let server = Remembering(server);
        assert_eq!(server.supported_verify_schemes(), [SignatureScheme::ED448]);
        assert!(server.requires_raw_public_keys());
        let hints = server.root_hint_subjects().expect("hints");
        assert!(hints.iter().map(AsRef::as_ref).eq([&NAME[..]]));

        let client: Arc<dyn ClientCertVerifier> = odd();
        let client = Remembering(client);
        assert_eq!(client.supported_verify_schemes(), [SignatureScheme::ED448]);
        assert!(client.requires_raw_public_keys());
        assert!(!client.offer_client_auth() && !client.client_auth_mandatory());
        let hints = client.root_hint_subjects();
        assert!(hints.iter().map(AsRef::as_ref).eq([&NAME[..]]));
    }
}
