//! TLS for every contestant alike: rustls with aws-lc-rs and its default suites, a self-signed
//! certificate, no resumption.

use std::sync::{Arc, OnceLock};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::rustls::client::Resumption;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// A byte stream of tokio's.
pub(crate) trait Io: AsyncRead + AsyncWrite + Unpin + Send + 'static {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send + 'static> Io for T {}

/// Opens the client's end with tokio-rustls.
pub(crate) async fn connect<S: Io>(io: S) -> tokio_rustls::client::TlsStream<S> {
    let opening = TlsConnector::from(client_config()).connect(server_name(), io);
    opening.await.expect("a TLS connection")
}

/// Opens the server's end with tokio-rustls.
pub(crate) async fn accept<S: Io>(io: S) -> tokio_rustls::server::TlsStream<S> {
    let opening = TlsAcceptor::from(server_config()).accept(io);
    opening.await.expect("a TLS connection")
}

/// Returns the name in the certificate.
pub(crate) fn server_name() -> ServerName<'static> {
    NAME.try_into().expect("a valid name")
}

/// Returns the settings of every client.
pub(crate) fn client_config() -> Arc<ClientConfig> {
    static CONFIG: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    let make = || {
        let certificate = CertificateDer::from_pem_slice(certificate().as_bytes());
        let mut roots = RootCertStore::empty();
        roots
            .add(certificate.expect("a certificate"))
            .expect("a root");
        let mut config = ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.resumption = Resumption::disabled();
        Arc::new(config)
    };
    CONFIG.get_or_init(make).clone()
}

/// Returns the settings of every server.
pub(crate) fn server_config() -> Arc<ServerConfig> {
    static CONFIG: OnceLock<Arc<ServerConfig>> = OnceLock::new();
    let make = || {
        let Identity { certificate, key } = identity();
        let certificate = CertificateDer::from_pem_slice(certificate.as_bytes());
        let key = key.as_deref().expect("this process is no server");
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes());
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.expect("a certificate")],
                key.expect("a key"),
            );
        Arc::new(config.expect("a certificate and its key"))
    };
    CONFIG.get_or_init(make).clone()
}

/// Returns the certificate as PEM, for a client in another process to [`trust`].
pub(crate) fn certificate() -> &'static str {
    &identity().certificate
}

/// Makes this process a client that trusts the certificate of another one.
pub(crate) fn trust(certificate: String) {
    let key = None;
    if IDENTITY.set(Identity { certificate, key }).is_err() {
        panic!("the certificate is chosen already");
    }
}

struct Identity {
    certificate: String,
    key: Option<String>,
}

fn identity() -> &'static Identity {
    IDENTITY.get_or_init(|| {
        let made = rcgen::generate_simple_self_signed([NAME.to_owned()]).expect("a certificate");
        Identity {
            certificate: made.cert.pem(),
            key: Some(made.signing_key.serialize_pem()),
        }
    })
}

static IDENTITY: OnceLock<Identity> = OnceLock::new();

const NAME: &str = "localhost";
