//! The certificate authorities that one side trusts.

use crate::pem::{Pem, certificates};
use crate::verifier::Remembering;
use crate::{TlsError, words};
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use std::sync::Arc;
use wirestack_layer::Error;

/// Returns the system's verifier, which trusts these authorities too.
#[cfg(all(feature = "platform-verifier", not(target_os = "android")))]
pub(crate) fn system(
    more: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, Error> {
    use rustls_platform_verifier::Verifier;
    let verifier = Verifier::new_with_extra_roots(more, provider);
    let verifier = verifier.map_err(|error| roots_error(words::text(&error)))?;
    Ok(remembering(Arc::new(verifier)))
}

/// Returns the system's verifier, which on Android cannot trust other authorities too.
#[cfg(all(feature = "platform-verifier", target_os = "android"))]
pub(crate) fn system(
    more: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, Error> {
    use rustls_platform_verifier::Verifier;
    if !more.is_empty() {
        return Err(roots_error(
            "on Android, the system's roots cannot be combined with others",
        ));
    }
    let verifier = Verifier::new(provider);
    let verifier = verifier.map_err(|error| roots_error(words::text(&error)))?;
    Ok(remembering(Arc::new(verifier)))
}

/// Fails: without the feature, the system's roots cannot be read.
#[cfg(not(feature = "platform-verifier"))]
pub(crate) fn system(
    _more: Vec<CertificateDer<'static>>,
    _provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, Error> {
    let why = "those of the system need the feature `platform-verifier`";
    Err(roots_error(why))
}

/// Returns a verifier that trusts only these authorities, and those of a bundle that can be read.
/// Bundles of many have some that are too old to be read.
pub(crate) fn given_roots(
    authorities: Vec<CertificateDer<'static>>,
    bundle: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, Error> {
    let mut roots = store(authorities)?;
    roots.add_parsable_certificates(bundle);
    let builder = WebPkiServerVerifier::builder_with_provider(roots.into(), provider);
    Ok(remembering(builder.build().map_err(roots_error)?))
}

/// Makes errors name the authority that is not trusted.
fn remembering(verifier: Arc<dyn ServerCertVerifier>) -> Arc<dyn ServerCertVerifier> {
    Arc::new(Remembering(verifier))
}

/// A server's policy on client certificates.
#[derive(Clone, Debug)]
pub(crate) enum ClientCertificates {
    /// The server asks for none.
    NotRequested,
    /// The server asks for one from these authorities, and accepts clients without.
    Optional(Pem),
    /// The server accepts only clients with one from these authorities.
    Required(Pem),
}

impl ClientCertificates {
    pub(crate) fn verifier(
        &self,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Arc<dyn ClientCertVerifier>, Error> {
        let (pem, required) = match self {
            Self::NotRequested => return Ok(WebPkiClientVerifier::no_client_auth()),
            Self::Optional(pem) => (pem, false),
            Self::Required(pem) => (pem, true),
        };
        let authorities = certificates(std::slice::from_ref(pem), "CA certificate")?;
        let roots = store(authorities)?;
        let builder =
            WebPkiClientVerifier::builder_with_provider(roots.into(), Arc::clone(provider));
        let builder = if required {
            builder
        } else {
            builder.allow_unauthenticated()
        };
        let verifier = builder.build().map_err(roots_error)?;
        Ok(Arc::new(Remembering(verifier)))
    }
}

fn store(authorities: Vec<CertificateDer<'static>>) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    for authority in authorities {
        roots
            .add(authority)
            .map_err(|error| roots_error(words::text(&error)))?;
    }
    Ok(roots)
}

fn roots_error(why: impl ToString) -> Error {
    TlsError::Roots(why.to_string()).local()
}
