use crate::TlsError;
use rustls::client::{ClientConfig, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{ServerConfig, WebPkiClientVerifier};
use rustls::{KeyLogFile, RootCertStore, SupportedProtocolVersion, version};
use std::fmt;
use std::sync::Arc;
use wirestack_layer::Error;

/// What a client wants of its sessions: a [`ClientConfig`] in the making.
///
/// As it is created, it trusts the system's roots, shows no certificate, offers no ALPN and speaks
/// both versions. Build it once for many connections: resumption works between those that share a
/// configuration.
#[derive(Clone, Debug)]
pub struct ClientSettings {
    system_roots: bool,
    authorities: Vec<Pem>,
    identity: Option<Identity>,
    session: Session,
}

impl ClientSettings {
    /// Creates settings that trust the system's roots.
    pub fn new() -> Self {
        Self {
            system_roots: true,
            authorities: Vec::new(),
            identity: None,
            session: Session::default(),
        }
    }

    /// Trusts the certificate authorities in this PEM text too.
    #[must_use]
    pub fn ca_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.authorities.push(Pem(pem.into()));
        self
    }

    /// Trusts only what was given to [`ca_certificates`](Self::ca_certificates).
    #[must_use]
    pub fn without_system_roots(mut self) -> Self {
        self.system_roots = false;
        self
    }

    /// Shows this certificate chain, its own certificate first, to a server that asks for one, and
    /// proves it with the private key (PKCS #8, PKCS #1 or SEC 1), both as PEM text.
    #[must_use]
    pub fn certificate(mut self, chain: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        self.identity = Some(Identity::new(chain, key));
        self
    }

    /// Offers these protocols by ALPN (RFC 7301), the preferred first. Each call replaces what
    /// was set before.
    #[must_use]
    pub fn alpn<P: Into<Vec<u8>>>(mut self, protocols: impl IntoIterator<Item = P>) -> Self {
        self.session.alpn = protocols.into_iter().map(Into::into).collect();
        self
    }

    /// Speaks only these versions.
    #[must_use]
    pub fn versions(mut self, versions: Versions) -> Self {
        self.session.versions = versions;
        self
    }

    /// Appends the session's secrets to the file that the environment variable `SSLKEYLOGFILE`
    /// names, if it is set: whoever reads it can decrypt the connection.
    #[must_use]
    pub fn key_log(mut self) -> Self {
        self.session.key_log = true;
        self
    }

    /// Makes the configuration.
    ///
    /// # Errors
    ///
    /// [`TlsError::Roots`], [`TlsError::Identity`], [`TlsError::Pem`], [`TlsError::NoPem`], [`TlsError::Alpn`], or
    /// [`TlsError::Rustls`] for whatever else `rustls` refuses.
    pub fn build(self) -> Result<Arc<ClientConfig>, Error> {
        let provider = provider();
        let alpn = self.session.alpn()?;
        let versions = self.session.versions.supported();
        let authorities = certificates(&self.authorities, "CA certificate")?;
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&versions)
            .map_err(|error| TlsError::Rustls(error).local())?;
        let builder = match self.system_roots {
            true => builder
                .dangerous()
                .with_custom_certificate_verifier(system::verifier(authorities, provider)?),
            false => builder.with_webpki_verifier(given_roots(authorities, provider)?),
        };
        let mut config = match self.identity {
            Some(identity) => {
                let (chain, key) = identity.parse()?;
                let made = builder.with_client_auth_cert(chain, key);
                made.map_err(|error| TlsError::Identity(error).local())?
            }
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = alpn;
        if self.session.key_log {
            config.key_log = Arc::new(KeyLogFile::new());
        }
        Ok(Arc::new(config))
    }
}

impl Default for ClientSettings {
    fn default() -> Self {
        Self::new()
    }
}

/// What a server wants of its sessions: a [`ServerConfig`] in the making.
///
/// As it is created, it asks for no client certificates, takes part in no ALPN and speaks both
/// versions.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    identity: Identity,
    clients: Clients,
    session: Session,
}

impl ServerSettings {
    /// Creates settings that show this certificate chain, its own certificate first, and prove it
    /// with the private key (PKCS #8, PKCS #1 or SEC 1), both as PEM text.
    pub fn new(chain: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        Self {
            identity: Identity::new(chain, key),
            clients: Clients::Anonymous,
            session: Session::default(),
        }
    }

    /// Accepts only clients with a certificate from an authority in this PEM text.
    #[must_use]
    pub fn require_client_certificates(mut self, authorities: impl Into<Vec<u8>>) -> Self {
        self.clients = Clients::Required(Pem(authorities.into()));
        self
    }

    /// Asks clients for a certificate from an authority in this PEM text, and accepts those that
    /// have none.
    #[must_use]
    pub fn allow_client_certificates(mut self, authorities: impl Into<Vec<u8>>) -> Self {
        self.clients = Clients::Allowed(Pem(authorities.into()));
        self
    }

    /// Agrees to these protocols by ALPN (RFC 7301), the preferred first; a client that offers only
    /// others is refused. Each call replaces what was set before.
    #[must_use]
    pub fn alpn<P: Into<Vec<u8>>>(mut self, protocols: impl IntoIterator<Item = P>) -> Self {
        self.session.alpn = protocols.into_iter().map(Into::into).collect();
        self
    }

    /// Speaks only these versions.
    #[must_use]
    pub fn versions(mut self, versions: Versions) -> Self {
        self.session.versions = versions;
        self
    }

    /// Appends the session's secrets to the file that the environment variable `SSLKEYLOGFILE`
    /// names, if it is set: whoever reads it can decrypt the connection.
    #[must_use]
    pub fn key_log(mut self) -> Self {
        self.session.key_log = true;
        self
    }

    /// Makes the configuration.
    ///
    /// # Errors
    ///
    /// [`TlsError::Roots`], [`TlsError::Identity`], [`TlsError::Pem`], [`TlsError::NoPem`], [`TlsError::Alpn`], or
    /// [`TlsError::Rustls`] for whatever else `rustls` refuses.
    pub fn build(self) -> Result<Arc<ServerConfig>, Error> {
        let provider = provider();
        let alpn = self.session.alpn()?;
        let versions = self.session.versions.supported();
        let clients = self.clients.verifier(&provider)?;
        let (chain, key) = self.identity.parse()?;
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&versions)
            .map_err(|error| TlsError::Rustls(error).local())?
            .with_client_cert_verifier(clients)
            .with_single_cert(chain, key)
            .map_err(|error| TlsError::Identity(error).local())?;
        config.alpn_protocols = alpn;
        if self.session.key_log {
            config.key_log = Arc::new(KeyLogFile::new());
        }
        Ok(Arc::new(config))
    }
}

/// Which versions of TLS may be spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Versions {
    /// TLS 1.3 where the peer has it, TLS 1.2 otherwise.
    #[default]
    Both,
    /// TLS 1.2 only (RFC 5246).
    Tls12,
    /// TLS 1.3 only (RFC 8446).
    Tls13,
}

impl Versions {
    fn supported(self) -> Vec<&'static SupportedProtocolVersion> {
        match self {
            Self::Both => vec![&version::TLS13, &version::TLS12],
            Self::Tls12 => vec![&version::TLS12],
            Self::Tls13 => vec![&version::TLS13],
        }
    }
}

/// What both roles set alike.
#[derive(Clone, Debug, Default)]
struct Session {
    alpn: Vec<Vec<u8>>,
    versions: Versions,
    key_log: bool,
}

impl Session {
    fn alpn(&self) -> Result<Vec<Vec<u8>>, Error> {
        let mut lengths = self.alpn.iter().map(Vec::len);
        match lengths.find(|length| !(1..=255).contains(length)) {
            Some(length) => Err(TlsError::Alpn(length).local()),
            None => Ok(self.alpn.clone()),
        }
    }
}

/// What a server thinks of client certificates.
#[derive(Clone, Debug)]
enum Clients {
    Anonymous,
    Allowed(Pem),
    Required(Pem),
}

impl Clients {
    fn verifier(&self, p: &Arc<CryptoProvider>) -> Result<Arc<dyn ClientCertVerifier>, Error> {
        let (pem, required) = match self {
            Self::Anonymous => return Ok(WebPkiClientVerifier::no_client_auth()),
            Self::Allowed(pem) => (pem, false),
            Self::Required(pem) => (pem, true),
        };
        let authorities = certificates(std::slice::from_ref(pem), "CA certificate")?;
        let roots = store(authorities)?;
        let builder = WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(p));
        let builder = match required {
            true => builder,
            false => builder.allow_unauthenticated(),
        };
        builder.build().map_err(roots_error)
    }
}

/// A certificate chain and its private key, not parsed yet.
#[derive(Clone, Debug)]
struct Identity {
    chain: Pem,
    key: Pem,
}

impl Identity {
    fn new(chain: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        let (chain, key) = (Pem(chain.into()), Pem(key.into()));
        Self { chain, key }
    }

    fn parse(&self) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), Error> {
        let chain = certificates(std::slice::from_ref(&self.chain), "certificate chain")?;
        let what = "private key";
        let mut keys = PrivateKeyDer::pem_slice_iter(&self.key.0);
        let key = keys.next().ok_or(TlsError::NoPem(what).local())?;
        let key = key.map_err(|source| TlsError::Pem { what, source }.local())?;
        Ok((chain, key))
    }
}

/// PEM text, which may hold a secret and so is not shown.
#[derive(Clone)]
struct Pem(Vec<u8>);

impl fmt::Debug for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pem({} bytes)", self.0.len())
    }
}

/// The roots that the system trusts, and its way to judge.
#[cfg(feature = "platform-verifier")]
mod system {
    use super::{Arc, CertificateDer, CryptoProvider, Error, roots_error};
    use rustls::client::danger::ServerCertVerifier;
    use rustls_platform_verifier::Verifier;

    #[cfg(not(target_os = "android"))]
    pub(super) fn verifier(
        more: Vec<CertificateDer<'static>>,
        provider: Arc<CryptoProvider>,
    ) -> Result<Arc<dyn ServerCertVerifier>, Error> {
        let verifier = Verifier::new_with_extra_roots(more, provider).map_err(roots_error)?;
        Ok(Arc::new(verifier))
    }

    #[cfg(target_os = "android")]
    pub(super) fn verifier(
        more: Vec<CertificateDer<'static>>,
        provider: Arc<CryptoProvider>,
    ) -> Result<Arc<dyn ServerCertVerifier>, Error> {
        if !more.is_empty() {
            return Err(roots_error("Android's verifier takes none beside its own"));
        }
        let verifier = Verifier::new(provider).map_err(roots_error)?;
        Ok(Arc::new(verifier))
    }
}

/// Without the feature there is no way to the system's roots.
#[cfg(not(feature = "platform-verifier"))]
mod system {
    use super::{Arc, CertificateDer, CryptoProvider, Error, roots_error};
    use rustls::client::danger::ServerCertVerifier;

    pub(super) fn verifier(
        _more: Vec<CertificateDer<'static>>,
        _provider: Arc<CryptoProvider>,
    ) -> Result<Arc<dyn ServerCertVerifier>, Error> {
        let why = "the system's are out of reach without the feature `platform-verifier`";
        Err(roots_error(why))
    }
}

fn given_roots(
    authorities: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>, Error> {
    let roots = store(authorities)?;
    let builder = WebPkiServerVerifier::builder_with_provider(roots, provider);
    builder.build().map_err(roots_error)
}

fn store(authorities: Vec<CertificateDer<'static>>) -> Result<Arc<RootCertStore>, Error> {
    let mut roots = RootCertStore::empty();
    for authority in authorities {
        roots.add(authority).map_err(roots_error)?;
    }
    Ok(Arc::new(roots))
}

fn roots_error(why: impl ToString) -> Error {
    TlsError::Roots(why.to_string()).local()
}

/// Reads every certificate in each text, of which none may be without.
fn certificates(texts: &[Pem], what: &'static str) -> Result<Vec<CertificateDer<'static>>, Error> {
    let mut all = Vec::new();
    for text in texts {
        let before = all.len();
        for certificate in CertificateDer::pem_slice_iter(&text.0) {
            all.push(certificate.map_err(|source| TlsError::Pem { what, source }.local())?);
        }
        if all.len() == before {
            return Err(TlsError::NoPem(what).local());
        }
    }
    Ok(all)
}

/// The cryptography that the features name, never what the process has installed.
fn provider() -> Arc<CryptoProvider> {
    #[cfg(feature = "aws-lc-rs")]
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    #[cfg(not(feature = "aws-lc-rs"))]
    let provider = rustls::crypto::ring::default_provider();
    Arc::new(provider)
}
