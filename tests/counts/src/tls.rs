//! TLS for the rows that have it: a self-signed certificate, no resumption.

use rustls::client::Resumption;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use std::sync::{Arc, LazyLock};
use wirestack::tls::{Client, Server};

/// Makes the client's end.
pub(crate) fn client() -> Client {
    let mut roots = RootCertStore::empty();
    roots.add(CERTIFICATE.certificate.clone()).expect("a root");
    let mut config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    let name = ServerName::try_from(NAME).expect("a valid name");
    Client::new(Arc::new(config), name).expect("a TLS client")
}

/// Makes the server's end.
pub(crate) fn server() -> Server {
    let Certificate { certificate, key } = &*CERTIFICATE;
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key.clone_key());
    Server::new(Arc::new(config.expect("a certificate and its key"))).expect("a TLS server")
}

struct Certificate {
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

static CERTIFICATE: LazyLock<Certificate> = LazyLock::new(|| {
    let made = rcgen::generate_simple_self_signed([NAME.to_owned()]).expect("a certificate");
    let key = made.signing_key.serialize_pem();
    Certificate {
        certificate: made.cert.der().clone(),
        key: PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("a key"),
    }
});

const NAME: &str = "localhost";
