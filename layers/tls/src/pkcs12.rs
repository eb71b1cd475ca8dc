//! Reading PKCS #12 (RFC 7292), the form in which Windows and browsers export certificates with
//! their private keys.

use p12_keystore::error::Error;
use p12_keystore::{KeyStore, Pkcs12ImportPolicy};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use zeroize::Zeroizing;

/// Returns the chain of the first private key, and this key. An error is the end of a sentence that
/// begins with the name of the file.
pub(crate) fn read(
    content: &[u8],
    password: &str,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), String> {
    if content.first() != Some(&0x30) {
        return Err("is not PKCS #12: PEM is given with `client_certificate`".to_owned());
    }
    let store = KeyStore::from_pkcs12(content, password, Pkcs12ImportPolicy::Strict);
    let store = store.map_err(|error| why(&error).to_owned())?;
    let Some((_, found)) = store.private_key_chain() else {
        return Err("holds no private key with its certificate".to_owned());
    };
    let chain = found.certs().iter();
    let chain = chain.map(|one| CertificateDer::from(one.as_der().to_vec()));
    let key = Zeroizing::new(found.key().as_der().to_vec());
    let key = PrivateKeyDer::try_from(&**key).map(|key| key.clone_key());
    let key = key.map_err(|_| "holds a private key that is not known here".to_owned())?;
    Ok((chain.collect(), key))
}

fn why(error: &Error) -> &'static str {
    match error {
        Error::MacError(_) => "cannot be opened: the password is wrong",
        // A file without a check of its whole shows a wrong password only so.
        Error::UnpadError | Error::Pkcs5Error(_) => {
            "cannot be decrypted: the password is wrong, or the file is damaged"
        }
        Error::UnsupportedEncryptionScheme | Error::UnsupportedMacAlgorithm => {
            "is locked by an algorithm that is not known here: write it again with `openssl pkcs12 \
             -export`"
        }
        Error::InvalidPrivateKey => "holds a private key that is not known here",
        _ => "is not PKCS #12, or is damaged",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_what_is_wrong_with_the_file_or_the_password() {
        for (error, begins) in [
            (
                Error::UnpadError,
                "cannot be decrypted: the password is wrong",
            ),
            (
                Error::Pkcs5Error(String::new()),
                "cannot be decrypted: the password is wrong",
            ),
            (
                Error::UnsupportedEncryptionScheme,
                "is locked by an algorithm",
            ),
            (Error::UnsupportedMacAlgorithm, "is locked by an algorithm"),
            (
                Error::InvalidPrivateKey,
                "holds a private key that is not known here",
            ),
        ] {
            assert!(why(&error).starts_with(begins), "{error}: {}", why(&error));
        }
    }
}
