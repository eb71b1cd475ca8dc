use crate::TlsError;
use crate::certificates::Certificates;
use crate::environment::Variables;
use crate::files::{self, ClientIdentity};
use crate::pem::{Identity, Pem, certificates};
use crate::roots::{self, ClientCertificates, given_roots};
use rustls::client::ClientConfig;
use rustls::crypto::CryptoProvider;
use rustls::server::ServerConfig;
use rustls::{KeyLog, KeyLogFile, NoKeyLog, SupportedProtocolVersion, version};
use std::sync::Arc;
use wirestack_layer::Error;

/// The settings of a client, which [`build`](ClientSettings::build) makes a [`ClientConfig`].
///
/// By default, a client trusts the system's roots, shows no certificate, offers no ALPN and speaks
/// both versions. Build one configuration for many connections: resumption works between those that
/// share it.
///
/// ```
/// use wirestack_tls::ClientSettings;
///
/// let made = rcgen::generate_simple_self_signed(["example.org".to_owned()]).unwrap();
/// let settings = ClientSettings::new()
///     .without_system_roots()
///     .ca_certificates(made.cert.pem()) // the only one that is trusted
///     .alpn(["http/1.1"]);
/// assert!(settings.build().is_ok());
/// ```
pub type ClientSettings = Settings<ClientRole>;

/// The settings of a server, which [`build`](ServerSettings::build) makes a [`ServerConfig`].
///
/// By default, a server asks for no client certificate, takes part in no ALPN and speaks both
/// versions.
///
/// ```
/// use wirestack_tls::ServerSettings;
///
/// let made = rcgen::generate_simple_self_signed(["example.org".to_owned()]).unwrap();
/// let settings = ServerSettings::new(made.cert.pem(), made.signing_key.serialize_pem());
/// assert!(settings.alpn(["h2", "http/1.1"]).build().is_ok());
/// assert!(ServerSettings::new("no certificate", "no key").build().is_err());
/// ```
pub type ServerSettings = Settings<ServerRole>;

/// TLS settings: those that [`ClientSettings`] and [`ServerSettings`] share, and those of one role.
///
/// ```
/// use wirestack_tls::{Certificates, ClientSettings, ServerSettings, TlsVersions};
///
/// let made = rcgen::generate_simple_self_signed(["example.org".to_owned()]).unwrap();
/// let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
/// let client = ClientSettings::new()
///     .without_system_roots()
///     .ca_certificates(&*chain)
///     .certificate(&*chain, &*key) // this client's own
///     .certificates(&Certificates::new()) // the same, as files or in memory
///     .alpn(["http/1.1"])
///     .versions(TlsVersions::Tls13)
///     .key_log() // to the file of SSLKEYLOGFILE, for Wireshark
///     .build()?;
/// assert_eq!(client.alpn_protocols, [b"http/1.1"]);
///
/// let server = ServerSettings::new(&*chain, &*key).require_client_certificates(&*chain);
/// assert!(server.build().is_ok());
/// let server = ServerSettings::new(&*chain, &*key).allow_client_certificates(&*chain);
/// assert!(server.build().is_ok());
/// # Ok::<(), wirestack_layer::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Settings<R> {
    role: R,
    alpn: Vec<Vec<u8>>,
    versions: TlsVersions,
    key_log: bool,
}

/// The settings that only a client has.
///
/// ```
/// use wirestack_tls::{ClientRole, ClientSettings, Settings};
///
/// fn settings() -> Settings<ClientRole> {
///     ClientSettings::new() // the same type
/// }
/// ```
#[derive(Clone, Debug)]
pub struct ClientRole {
    system_roots: bool,
    authorities: Vec<Pem>,
    identity: Option<Identity>,
    certificates: Certificates,
}

/// The settings that only a server has.
///
/// ```
/// use wirestack_tls::{ServerRole, ServerSettings, Settings};
///
/// fn settings(chain: &str, key: &str) -> Settings<ServerRole> {
///     ServerSettings::new(chain, key) // the same type
/// }
/// ```
#[derive(Clone, Debug)]
pub struct ServerRole {
    identity: Identity,
    clients: ClientCertificates,
}

impl<R> Settings<R> {
    fn of(role: R) -> Self {
        Self {
            role,
            alpn: Vec::new(),
            versions: TlsVersions::default(),
            key_log: false,
        }
    }

    /// Sets the protocols for ALPN (RFC 7301), the preferred first; each call replaces those
    /// before. A client offers them. A server chooses one of them, and refuses a client that offers
    /// only others.
    #[must_use]
    pub fn alpn<P: Into<Vec<u8>>>(mut self, protocols: impl IntoIterator<Item = P>) -> Self {
        self.alpn = protocols.into_iter().map(Into::into).collect();
        self
    }

    /// Speaks only these versions.
    #[must_use]
    pub fn versions(mut self, versions: TlsVersions) -> Self {
        self.versions = versions;
        self
    }

    /// Appends the session's secrets to the file that the environment variable `SSLKEYLOGFILE`
    /// names, if it is set. Anybody who reads that file can decrypt the connection.
    #[must_use]
    pub fn key_log(mut self) -> Self {
        self.key_log = true;
        self
    }

    /// Checks the settings that both roles share.
    fn checked(self) -> Result<Self, Error> {
        let mut lengths = self.alpn.iter().map(Vec::len);
        match lengths.find(|length| !(1..=255).contains(length)) {
            Some(length) => Err(TlsError::Alpn(length).local()),
            None => Ok(self),
        }
    }
}

impl ClientSettings {
    /// Creates settings that trust the system's roots.
    ///
    /// If `SSL_CERT_FILE` or `SSL_CERT_DIR` is set, their certificates take the place of the
    /// system's, on every system. The first names a file, the second directories, as with OpenSSL:
    /// of PEM text, whatever the files are called. A file that cannot be read is an error. The
    /// variables of other programs (`CURL_CA_BUNDLE`, `REQUESTS_CA_BUNDLE`, `NODE_EXTRA_CA_CERTS`,
    /// `GIT_SSL_CAINFO`) do not count.
    pub fn new() -> Self {
        Self::of(ClientRole {
            system_roots: true,
            authorities: Vec::new(),
            identity: None,
            certificates: Certificates::new(),
        })
    }

    /// Trusts the certificate authorities in this PEM text too. Each call adds to those before.
    #[must_use]
    pub fn ca_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.role.authorities.push(Pem(pem.into()));
        self
    }

    /// Trusts only the authorities that [`ca_certificates`](Self::ca_certificates) adds.
    #[must_use]
    pub fn without_system_roots(mut self) -> Self {
        self.role.system_roots = false;
        self
    }

    /// Sets the certificate chain that a server gets if it asks for one, and the private key of its
    /// first certificate (PKCS #8, PKCS #1 or SEC 1), both as PEM text.
    #[must_use]
    pub fn certificate(mut self, chain: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        self.role.identity = Some(Identity::new(chain, key));
        self
    }

    /// Trusts the authorities of these too, and shows their client certificate, if they have one,
    /// instead of that of [`certificate`](Self::certificate). Each call adds to those before.
    /// [`build`](Self::build) reads their files.
    #[must_use]
    pub fn certificates(mut self, certificates: &Certificates) -> Self {
        self.role.certificates = self.role.certificates.and(certificates);
        self
    }

    /// Makes the configuration.
    ///
    /// # Errors
    ///
    /// [`TlsError::Roots`], [`TlsError::Certificates`], [`TlsError::Identity`], [`TlsError::Pem`],
    /// [`TlsError::NoPem`], [`TlsError::Alpn`], or [`TlsError::Rustls`] for anything else that
    /// `rustls` refuses.
    pub fn build(self) -> Result<Arc<ClientConfig>, Error> {
        let settings = self.checked()?;
        let (role, provider) = (settings.role, provider());
        let mut authorities = certificates(&role.authorities, "CA certificate")?;
        authorities.extend(files::authorities(&role.certificates.authorities)?);
        let client = role.certificates.client.as_ref();
        let client = client.map(ClientIdentity::read).transpose()?;
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&settings.versions.supported())
            .map_err(|error| TlsError::Rustls(error).local())?;
        let named = if role.system_roots {
            Variables::of_this_process().authorities()?
        } else {
            Some(Vec::new())
        };
        let verifier = match named {
            None => roots::system(authorities, provider)?,
            Some(named) => given_roots(authorities, named, provider)?,
        };
        let builder = builder
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let mut config = match (client, role.identity) {
            (Some(client), _) => {
                let (chain, key, names) = client.into_parts();
                let made = builder.with_client_auth_cert(chain, key);
                made.map_err(|error| ClientIdentity::refused(&names, &error))?
            }
            (None, Some(identity)) => {
                let (chain, key) = identity.parse()?;
                let made = builder.with_client_auth_cert(chain, key);
                made.map_err(|error| TlsError::Identity(error).local())?
            }
            (None, None) => builder.with_no_client_auth(),
        };
        config.alpn_protocols = settings.alpn;
        config.key_log = key_log(settings.key_log);
        Ok(Arc::new(config))
    }
}

impl Default for ClientSettings {
    fn default() -> Self {
        Self::new()
    }
}

impl ServerSettings {
    /// Creates settings with this certificate chain and the private key of its first certificate
    /// (PKCS #8, PKCS #1 or SEC 1), both as PEM text.
    pub fn new(chain: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        Self::of(ServerRole {
            identity: Identity::new(chain, key),
            clients: ClientCertificates::NotRequested,
        })
    }

    /// Accepts only clients with a certificate from an authority in this PEM text.
    #[must_use]
    pub fn require_client_certificates(mut self, authorities: impl Into<Vec<u8>>) -> Self {
        self.role.clients = ClientCertificates::Required(Pem(authorities.into()));
        self
    }

    /// Asks clients for a certificate from an authority in this PEM text, and accepts those that
    /// have none.
    #[must_use]
    pub fn allow_client_certificates(mut self, authorities: impl Into<Vec<u8>>) -> Self {
        self.role.clients = ClientCertificates::Optional(Pem(authorities.into()));
        self
    }

    /// Makes the configuration.
    ///
    /// # Errors
    ///
    /// [`TlsError::Roots`], [`TlsError::Identity`], [`TlsError::Pem`], [`TlsError::NoPem`],
    /// [`TlsError::Alpn`], or [`TlsError::Rustls`] for anything else that `rustls` refuses.
    pub fn build(self) -> Result<Arc<ServerConfig>, Error> {
        let settings = self.checked()?;
        let (role, provider) = (settings.role, provider());
        let clients = role.clients.verifier(&provider)?;
        let (chain, key) = role.identity.parse()?;
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&settings.versions.supported())
            .map_err(|error| TlsError::Rustls(error).local())?
            .with_client_cert_verifier(clients)
            .with_single_cert(chain, key)
            .map_err(|error| TlsError::Identity(error).local())?;
        config.alpn_protocols = settings.alpn;
        config.key_log = key_log(settings.key_log);
        Ok(Arc::new(config))
    }
}

/// The versions of TLS that may be negotiated.
///
/// ```
/// use wirestack_tls::{ClientSettings, TlsVersions};
///
/// let made = rcgen::generate_simple_self_signed(["old.corp.test".to_owned()]).unwrap();
/// let settings = ClientSettings::new().without_system_roots().ca_certificates(made.cert.pem());
/// assert!(settings.versions(TlsVersions::Tls12).build().is_ok()); // for an old server
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsVersions {
    /// TLS 1.3 where the peer has it, TLS 1.2 otherwise.
    #[default]
    Both,
    /// TLS 1.2 only (RFC 5246).
    Tls12,
    /// TLS 1.3 only (RFC 8446).
    Tls13,
}

impl TlsVersions {
    fn supported(self) -> Vec<&'static SupportedProtocolVersion> {
        match self {
            Self::Both => vec![&version::TLS13, &version::TLS12],
            Self::Tls12 => vec![&version::TLS12],
            Self::Tls13 => vec![&version::TLS13],
        }
    }
}

fn key_log(wanted: bool) -> Arc<dyn KeyLog> {
    if wanted {
        Arc::new(KeyLogFile::new())
    } else {
        Arc::new(NoKeyLog)
    }
}

/// Returns the cryptography that the features choose, never the one that the process has installed.
fn provider() -> Arc<CryptoProvider> {
    #[cfg(feature = "aws-lc-rs")]
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    #[cfg(not(feature = "aws-lc-rs"))]
    let provider = rustls::crypto::ring::default_provider();
    Arc::new(provider)
}
