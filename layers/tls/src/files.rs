//! Reading the files of [`Certificates`](crate::Certificates), each in the forms that it may have.

use crate::certificate::is_certificate;
use crate::certificates::{ClientSource, Source};
use crate::pem::is_encrypted_key;
use crate::{TlsError, words};
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::fs::File;
use std::io::Read;
use wirestack_layer::{Error, Escaped};
use zeroize::Zeroizing;

/// Reads the authorities of all sources. Those that no root can be made of are passed over, if
/// their file has one that can.
pub(crate) fn authorities(sources: &[Source]) -> Result<Vec<CertificateDer<'static>>, Error> {
    let mut all = Vec::new();
    for source in sources {
        let name = Name::of("CA", source);
        let content = content(source, &name)?;
        let found = certificates(&content, &name)?;
        let is_root =
            |found: &CertificateDer<'static>| RootCertStore::empty().add(found.clone()).is_ok();
        let number = found.len();
        let roots: Vec<_> = found.into_iter().filter(is_root).collect();
        if roots.is_empty() {
            let them = if number == 1 { "it" } else { "them" };
            return Err(name.wrong(&format!(
                "holds {number} certificate{}, and no root can be made of {them}",
                if number == 1 { "" } else { "s" },
            )));
        }
        all.extend(roots);
    }
    Ok(all)
}

/// The certificate of the client, its key, and the names of their places for errors.
pub(crate) struct ClientIdentity {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key: PrivateKeyDer<'static>,
    names: [Name; 2],
}

impl ClientIdentity {
    /// Reads the certificate and its key.
    pub(crate) fn read(source: &ClientSource) -> Result<Self, Error> {
        match source {
            ClientSource::Pair { chain, key } => {
                let names = [
                    Name::of("client certificate", chain),
                    Name::of("private key", key),
                ];
                let chain = certificates(&content(chain, &names[0])?, &names[0])?;
                let key = private_key(&content(key, &names[1])?, &names[1])?;
                Ok(Self { chain, key, names })
            }
            #[cfg(feature = "pkcs12")]
            ClientSource::Pkcs12 { file, password } => {
                let name = Name::of("PKCS #12", file);
                let content = content(file, &name)?;
                let read = super::pkcs12::read(&content, password.as_str());
                let (chain, key) = read.map_err(|why| name.wrong(&why))?;
                let names = [name.clone(), name];
                Ok(Self { chain, key, names })
            }
        }
    }

    /// Returns the error for a certificate and a key that `rustls` does not take, with the names of
    /// their places.
    pub(crate) fn refused(names: &[Name; 2], error: &rustls::Error) -> Error {
        let [chain, key] = names;
        let text = match error {
            rustls::Error::InconsistentKeys(_) => {
                format!("{key} does not belong to the first certificate in {chain}")
            }
            other => format!("{chain} and {key} cannot be used: {}", words::text(other)),
        };
        TlsError::Certificates(text).local()
    }

    /// Takes the names of the places apart.
    pub(crate) fn into_parts(
        self,
    ) -> (
        Vec<CertificateDer<'static>>,
        PrivateKeyDer<'static>,
        [Name; 2],
    ) {
        (self.chain, self.key, self.names)
    }
}

/// The name of a source in errors: `the CA file /etc/corp/ca.pem`.
#[derive(Clone)]
pub(crate) struct Name(String);

impl Name {
    fn of(what: &str, source: &Source) -> Self {
        Self(match source.path() {
            Some(path) => {
                let path = path.to_string_lossy();
                format!("the {what} file {}", Escaped::new(path).at_most(PATH_SHOWN))
            }
            None => format!("the {what} in memory"),
        })
    }

    fn wrong(&self, why: &str) -> Error {
        TlsError::Certificates(format!("{self} {why}")).local()
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

fn content(source: &Source, name: &Name) -> Result<Zeroizing<Vec<u8>>, Error> {
    let path = match source {
        Source::Bytes(bytes) => return Ok(bytes.content.clone()),
        Source::File(path) => path,
    };
    let mut content = Zeroizing::new(Vec::new());
    let read = File::open(path).and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut content));
    match read {
        Ok(_) if content.len() as u64 > MAX_FILE => Err(name.wrong("is larger than 16 MiB")),
        Ok(_) => Ok(content),
        Err(error) => Err(name.wrong(&format!("cannot be read: {error}"))),
    }
}

/// Reads all certificates of a PEM text, or the one that is DER.
fn certificates(content: &[u8], name: &Name) -> Result<Vec<CertificateDer<'static>>, Error> {
    if is_certificate(content) {
        return Ok(vec![CertificateDer::from(content.to_vec())]);
    }
    let mut all = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(content) {
        let certificate = certificate.map_err(|error| {
            name.wrong(&format!("cannot be read as PEM: {}", words::pem(&error)))
        })?;
        all.push(certificate);
    }
    if all.is_empty() {
        return Err(name.wrong(&match Seen::in_content(content) {
            Seen::Key | Seen::EncryptedKey => {
                "holds a private key and no certificate, wanted a certificate as PEM or DER".into()
            }
            Seen::Pkcs12 => format!("is PKCS #12, wanted PEM or DER: {PKCS12_ADVICE}"),
            Seen::Pkcs7 => "is PKCS #7, wanted PEM or DER: convert it with `openssl pkcs7 \
                 -print_certs -in FILE`, or with `-inform der` too"
                .into(),
            Seen::Nothing => "is empty, wanted a certificate as PEM or DER".into(),
            Seen::Certificate | Seen::Other => {
                "holds no certificate, wanted one as PEM or DER".to_owned()
            }
        }));
    }
    Ok(all)
}

/// Reads the first private key of a PEM text, or the one that is DER.
fn private_key(content: &[u8], name: &Name) -> Result<PrivateKeyDer<'static>, Error> {
    let seen = Seen::in_content(content);
    if seen == Seen::EncryptedKey {
        return Err(name.wrong(
            "holds an encrypted private key, wanted a plain one: decrypt it with `openssl pkey -in \
             FILE`",
        ));
    }
    match PrivateKeyDer::pem_slice_iter(content).next() {
        Some(Ok(key)) => return Ok(key),
        Some(Err(error)) => {
            return Err(name.wrong(&format!("cannot be read as PEM: {}", words::pem(&error))));
        }
        None => {}
    }
    if seen == Seen::Other
        && content.first() == Some(&SEQUENCE)
        && let Ok(key) = PrivateKeyDer::try_from(content.to_vec())
    {
        return Ok(key);
    }
    Err(name.wrong(&match seen {
        Seen::Certificate => {
            "holds a certificate and no private key, wanted its key as PEM or DER".to_owned()
        }
        Seen::Pkcs12 => format!("is PKCS #12, wanted PEM or DER: {PKCS12_ADVICE}"),
        Seen::Nothing => "is empty, wanted a private key as PEM or DER".to_owned(),
        _ => "holds no private key, wanted one as PEM or DER".to_owned(),
    }))
}

/// The form of a content that is not what was wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    Nothing,
    Certificate,
    Key,
    EncryptedKey,
    Pkcs12,
    Pkcs7,
    Other,
}

impl Seen {
    fn in_content(content: &[u8]) -> Self {
        let has = |wanted: &[u8]| content.windows(wanted.len()).any(|window| window == wanted);
        match content {
            [] => Self::Nothing,
            // A sequence that begins with the integer 3 (RFC 7292 §4).
            [SEQUENCE, 0x80..=0xff, rest @ ..]
                if rest.windows(3).take(4).any(|it| it == [2, 1, 3]) =>
            {
                Self::Pkcs12
            }
            // A sequence that begins with the object identifier of signed data (RFC 2315 §14).
            [SEQUENCE, 0x80..=0xff, rest @ ..]
                if rest
                    .windows(SIGNED_DATA.len())
                    .take(6)
                    .any(|it| it == SIGNED_DATA) =>
            {
                Self::Pkcs7
            }
            _ if is_certificate(content) => Self::Certificate,
            _ if is_encrypted_key(content) => Self::EncryptedKey,
            _ if has(b"PRIVATE KEY-----") => Self::Key,
            _ if has(b"-----BEGIN CERTIFICATE-----") => Self::Certificate,
            _ if has(b"-----BEGIN PKCS7-----") => Self::Pkcs7,
            _ => Self::Other,
        }
    }
}

const SEQUENCE: u8 = 0x30;

/// The object identifier 1.2.840.113549.1.7.2, with its tag and length.
const SIGNED_DATA: [u8; 11] = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];

/// The number of bytes that a file may have.
pub(crate) const MAX_FILE: u64 = 16 << 20;

/// The number of characters of a path that an error shows.
const PATH_SHOWN: usize = 256;

#[cfg(feature = "pkcs12")]
const PKCS12_ADVICE: &str = "give it with `client_pkcs12`";
#[cfg(not(feature = "pkcs12"))]
const PKCS12_ADVICE: &str =
    "convert it with `openssl pkcs12 -in FILE -nodes`, or enable the feature `pkcs12`";

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    /// `/dev/zero` has no end.
    #[test]
    fn a_file_that_is_too_large_is_not_read_to_its_end() {
        let endless = Source::File("/dev/zero".into());
        let error = authorities(&[endless]).unwrap_err().to_string();
        assert_eq!(error, "tls: the CA file /dev/zero is larger than 16 MiB");
    }

    #[test]
    fn a_file_of_16_mib_is_read() {
        let path = std::env::temp_dir().join(format!("wirestack-large-{}", std::process::id()));
        let made = File::create(&path).and_then(|file| file.set_len(MAX_FILE));
        let read = content(&Source::File(path.clone()), &Name("x".to_owned()));
        std::fs::remove_file(&path).unwrap();
        made.unwrap();
        assert_eq!(read.unwrap().len() as u64, MAX_FILE);
    }
}
