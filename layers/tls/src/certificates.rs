//! The certificates that a caller adds to those of the system.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use zeroize::Zeroizing;

/// Certificates of a company: authorities that are trusted beside those of the system, and a
/// certificate that the client shows if a server asks for one.
///
/// The files are read when TLS settings are made of them, so a file that changes counts from the
/// next connection on. A file has at most 16 MiB.
///
/// ```
/// use wirestack_tls::Certificates;
///
/// let certificates = Certificates::new()
///     .ca_file("/etc/corp/ca.pem")
///     .client_certificate("me.pem", "me.key");
/// # assert!(!certificates.is_empty());
/// ```
///
/// ```
/// use wirestack_tls::Certificates;
///
/// let all = Certificates::new().ca_file("ca.pem").client_certificate("me.pem", "me.key");
/// let authorities = all.without_client_certificate(); // for a proxy on the way
/// let others = Certificates::new().ca_file("other-ca.pem");
/// assert!(!others.and(&authorities).is_empty());
/// ```
#[derive(Clone, Debug, Default)]
pub struct Certificates {
    pub(crate) authorities: Vec<Source>,
    pub(crate) client: Option<ClientSource>,
}

impl Certificates {
    /// Creates an empty set: the system's authorities are trusted, and no certificate is shown.
    pub fn new() -> Self {
        Self::default()
    }

    /// Trusts the authorities in this file too: many certificates as PEM, or one as DER. Each call
    /// adds to those before.
    ///
    /// Certificates of a long list that cannot be used are passed over, as bundles have some that
    /// are too old. A file without one that can be used is an error.
    #[must_use]
    pub fn ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.authorities.push(Source::File(path.into()));
        self
    }

    /// Trusts these authorities too: the content of a file as [`ca_file`](Self::ca_file) reads it.
    ///
    /// ```
    /// use wirestack_tls::Certificates;
    ///
    /// let made = rcgen::generate_simple_self_signed(["example.org".to_owned()]).unwrap();
    /// let trusted = Certificates::new().ca_certificates(made.cert.pem());
    /// assert!(!trusted.is_empty());
    /// ```
    #[must_use]
    pub fn ca_certificates(mut self, content: impl Into<Vec<u8>>) -> Self {
        self.authorities.push(Source::bytes(content));
        self
    }

    /// Shows the certificate in the first file, with its chain, to a server that asks for one. The
    /// second file has the private key of the first certificate. Both are PEM or DER; a PEM file
    /// may have both.
    #[must_use]
    pub fn client_certificate(
        mut self,
        chain: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
    ) -> Self {
        let (chain, key) = (Source::File(chain.into()), Source::File(key.into()));
        self.client = Some(ClientSource::Pair { chain, key });
        self
    }

    /// Shows this certificate: the contents of two files as
    /// [`client_certificate`](Self::client_certificate) reads them.
    ///
    /// ```
    /// use wirestack_tls::Certificates;
    ///
    /// let made = rcgen::generate_simple_self_signed(["client".to_owned()]).unwrap();
    /// let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    /// assert!(Certificates::new().client_certificate_bytes(chain, key).has_client_certificate());
    /// ```
    #[must_use]
    pub fn client_certificate_bytes(
        mut self,
        chain: impl Into<Vec<u8>>,
        key: impl Into<Vec<u8>>,
    ) -> Self {
        let (chain, key) = (Source::bytes(chain), Source::bytes(key));
        self.client = Some(ClientSource::Pair { chain, key });
        self
    }

    /// Shows the certificate in this PKCS #12 file (`.p12`, `.pfx`), which has its chain and its
    /// private key, locked with a password.
    ///
    /// ```
    /// use wirestack_tls::Certificates;
    ///
    /// let ours = Certificates::new().client_pkcs12("client.p12", "the password of the file");
    /// assert!(ours.has_client_certificate());
    /// ```
    #[cfg(feature = "pkcs12")]
    #[must_use]
    pub fn client_pkcs12(mut self, path: impl Into<PathBuf>, password: impl Into<String>) -> Self {
        let (file, password) = (Source::File(path.into()), Secret::new(password.into()));
        self.client = Some(ClientSource::Pkcs12 { file, password });
        self
    }

    /// Shows the certificate in this content of a PKCS #12 file.
    ///
    /// ```
    /// use wirestack_tls::Certificates;
    ///
    /// let content = b"what the file has".to_vec();
    /// assert!(Certificates::new().client_pkcs12_bytes(content, "password").has_client_certificate());
    /// ```
    #[cfg(feature = "pkcs12")]
    #[must_use]
    pub fn client_pkcs12_bytes(
        mut self,
        content: impl Into<Vec<u8>>,
        password: impl Into<String>,
    ) -> Self {
        let (file, password) = (Source::bytes(content), Secret::new(password.into()));
        self.client = Some(ClientSource::Pkcs12 { file, password });
        self
    }

    /// Returns `true` if nothing is added to what the system has.
    pub fn is_empty(&self) -> bool {
        self.authorities.is_empty() && self.client.is_none()
    }

    /// Returns `true` if there is a certificate that the client shows.
    ///
    /// ```
    /// use wirestack_tls::Certificates;
    ///
    /// let all = Certificates::new()
    ///     .ca_file("company.pem") // read when a connection is made
    ///     .client_certificate("client.pem", "client.key");
    /// assert!(all.has_client_certificate() && !all.is_empty());
    /// let shared = all.without_client_certificate();
    /// assert!(!shared.has_client_certificate() && shared.and(&all).has_client_certificate());
    /// ```
    pub fn has_client_certificate(&self) -> bool {
        self.client.is_some()
    }

    /// Returns the authorities alone: a certificate of the client is for one peer, authorities are
    /// for all.
    #[must_use]
    pub fn without_client_certificate(&self) -> Self {
        let authorities = self.authorities.clone();
        Self {
            authorities,
            client: None,
        }
    }

    /// Adds the authorities of another set, and takes its client certificate if it has one.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        self.authorities.extend(other.authorities.iter().cloned());
        self.client = other.client.clone().or(self.client);
        self
    }

    /// Returns a text that is equal for the same certificates: the same paths, and the same bytes
    /// in memory. It is a secret, as it has passwords.
    pub fn key(&self) -> Zeroizing<String> {
        let mut key = String::new();
        for source in &self.authorities {
            source.write_key(&mut key);
        }
        match &self.client {
            None => {}
            Some(ClientSource::Pair { chain, key: own }) => {
                key.push_str(" client");
                chain.write_key(&mut key);
                own.write_key(&mut key);
            }
            #[cfg(feature = "pkcs12")]
            Some(ClientSource::Pkcs12 { file, password }) => {
                key.push_str(" pkcs12");
                file.write_key(&mut key);
                key.push_str(&format!(" {:?}", password.as_str()));
            }
        }
        Zeroizing::new(key)
    }
}

/// The place of a certificate of the client and of its private key.
#[derive(Clone, Debug)]
pub(crate) enum ClientSource {
    /// The chain, and the key of its first certificate.
    Pair { chain: Source, key: Source },
    /// Both in one, with the password.
    #[cfg(feature = "pkcs12")]
    Pkcs12 { file: Source, password: Secret },
}

/// The place of certificates or of a key.
#[derive(Clone)]
pub(crate) enum Source {
    File(PathBuf),
    Bytes(Arc<InMemory>),
}

/// A content in memory.
pub(crate) struct InMemory {
    /// A number of its own. An address would be used again by a later content.
    id: u64,
    pub(crate) content: Zeroizing<Vec<u8>>,
}

impl InMemory {
    fn new(content: Vec<u8>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            content: Zeroizing::new(content),
        }
    }
}

impl Source {
    fn bytes(content: impl Into<Vec<u8>>) -> Self {
        Self::Bytes(Arc::new(InMemory::new(content.into())))
    }

    /// Returns the path, if it is a file.
    #[cfg_attr(
        not(any(feature = "aws-lc-rs", feature = "ring")),
        allow(dead_code, reason = "only the settings read files")
    )]
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Bytes(_) => None,
        }
    }

    /// Appends a text that no other source has. The owner of the key keeps the bytes alive, so that
    /// their address names them.
    fn write_key(&self, key: &mut String) {
        key.push_str(&match self {
            Self::File(path) => format!(" {path:?}"),
            Self::Bytes(bytes) => format!(" {}", bytes.id),
        });
    }
}

/// Shows a path, and of bytes their number: they may be a private key.
impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.fmt(f),
            Self::Bytes(bytes) => write!(f, "{} bytes", bytes.content.len()),
        }
    }
}

/// A password, which `Debug` does not show.
#[cfg(feature = "pkcs12")]
#[derive(Clone)]
pub(crate) struct Secret(Zeroizing<String>);

#[cfg(feature = "pkcs12")]
impl Secret {
    fn new(password: String) -> Self {
        Self(Zeroizing::new(password))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(feature = "pkcs12")]
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("..")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_tells_what_is_in_it() {
        let (empty, ca) = (Certificates::new(), Certificates::new().ca_file("ca.pem"));
        let client = Certificates::new().client_certificate("me.pem", "me.key");
        assert!(empty.is_empty() && !ca.is_empty() && !client.is_empty());
        assert!(!empty.has_client_certificate() && !ca.has_client_certificate());
        assert!(client.has_client_certificate());
        let both = ca.clone().and(&client);
        assert!(both.has_client_certificate());
        let authorities = both.without_client_certificate();
        assert_eq!(*authorities.key(), *ca.key());
    }

    #[test]
    fn the_same_certificates_have_the_same_key_and_others_another() {
        let new = Certificates::new;
        let in_memory = new().ca_certificates("a");
        let sets = [
            new(),
            new().ca_file("a"),
            new().ca_file("b"),
            new().ca_file("a").ca_file("b"),
            new().client_certificate("a", "b"),
            new().client_certificate("b", "a"),
            in_memory.clone(),
            new().ca_certificates("a"), // other bytes that happen to be equal
            new().client_certificate_bytes("a", "b"),
            #[cfg(feature = "pkcs12")]
            new().client_pkcs12("a", "one"),
            #[cfg(feature = "pkcs12")]
            new().client_pkcs12("a", "two"),
            #[cfg(feature = "pkcs12")]
            new().client_pkcs12_bytes("a", "two"),
        ];
        for (n, set) in sets.iter().enumerate() {
            assert_eq!(*set.key(), *set.clone().key());
            for other in &sets[..n] {
                assert_ne!(*set.key(), *other.key(), "{set:?} and {other:?}");
            }
        }
        assert_eq!(*in_memory.key(), *sets[6].key());
    }

    /// An address in memory would be used again, and the certificate of one user would stand for that
    /// of another.
    #[test]
    fn the_key_of_bytes_that_are_freed_is_used_for_no_others() {
        let key = || Certificates::new().client_certificate_bytes("a", "b").key();
        let keys: std::collections::HashSet<_> = (0..1000).map(|_| key().to_string()).collect();
        assert_eq!(keys.len(), 1000);
    }
}
