//! The certificate authorities that the environment names in place of the system's.

use crate::TlsError;
use crate::files::MAX_FILE;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use wirestack_layer::Error;

/// The variables of OpenSSL: a file, and a list of directories.
#[derive(Debug, Default)]
pub(crate) struct Variables {
    file: Option<OsString>,
    directories: Option<OsString>,
}

impl Variables {
    /// Reads the variables of this process. An empty one counts as not set.
    pub(crate) fn of_this_process() -> Self {
        let read = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        Self {
            file: read(FILE),
            directories: read(DIRECTORIES),
        }
    }

    /// Reads the authorities that the variables name; `None` if none is set.
    pub(crate) fn authorities(&self) -> Result<Option<Vec<CertificateDer<'static>>>, Error> {
        if self.file.is_none() && self.directories.is_none() {
            return Ok(None);
        }
        let mut all = Vec::new();
        if let Some(path) = &self.file {
            let path = Path::new(path);
            let found = read(path);
            let found = found.map_err(|why| unusable(&format!("{FILE} names {why}")))?;
            if found.is_empty() {
                let path = path.display();
                return Err(unusable(&format!(
                    "{FILE} names {path}, which holds no certificate as PEM"
                )));
            }
            all.extend(found);
        }
        for directory in self.directories.iter().flat_map(std::env::split_paths) {
            // As OpenSSL does, a directory that is not there is passed over, and so is a file that
            // cannot be read or holds no certificate.
            let Ok(entries) = std::fs::read_dir(&directory) else {
                continue;
            };
            let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
            paths.sort();
            for path in paths.iter().filter(|path| path.is_file()) {
                all.extend(read(path).unwrap_or_default());
            }
        }
        if all.is_empty() {
            return Err(unusable(&format!(
                "{DIRECTORIES} names no directory with certificates"
            )));
        }
        all.sort_unstable_by(|one, other| one.as_ref().cmp(other.as_ref()));
        all.dedup(); // a directory has links to the same files
        Ok(Some(all))
    }
}

/// Reads the certificates of a file.
fn read(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let shown = path.display();
    let mut pem = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut pem));
    read.map_err(|error| format!("{shown}, which cannot be read: {error}"))?;
    if pem.len() as u64 > MAX_FILE {
        return Err(format!("{shown}, which is larger than 16 MiB"));
    }
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    certificates.map_err(|_| format!("{shown}, which cannot be read as PEM"))
}

fn unusable(why: &str) -> Error {
    TlsError::Roots(why.to_owned()).local()
}

const FILE: &str = "SSL_CERT_FILE";
const DIRECTORIES: &str = "SSL_CERT_DIR";

#[cfg(test)]
mod tests {
    use super::*;

    fn of(file: Option<&str>, directories: Option<&str>) -> Variables {
        Variables {
            file: file.map(Into::into),
            directories: directories.map(Into::into),
        }
    }

    #[test]
    fn a_variable_that_names_nothing_usable_is_an_error_that_names_it() {
        assert!(of(None, None).authorities().unwrap().is_none());
        for (variables, wanted) in [
            (
                of(Some("/nowhere/ca.pem"), None),
                "SSL_CERT_FILE names /nowhere/ca.pem, which cannot be read: ",
            ),
            (
                of(Some("Cargo.toml"), None),
                "SSL_CERT_FILE names Cargo.toml, which holds no certificate",
            ),
            (
                of(Some("."), None),
                "SSL_CERT_FILE names ., which cannot be read: ",
            ),
            (
                of(None, Some("/nowhere")),
                "SSL_CERT_DIR names no directory with certificates",
            ),
            (
                of(None, Some("src")),
                "SSL_CERT_DIR names no directory with certificates",
            ),
            (
                of(Some("/nowhere/ca.pem"), Some("src")),
                "SSL_CERT_FILE names /nowhere/ca.pem",
            ),
            #[cfg(unix)]
            (
                of(Some("/dev/zero"), None),
                "SSL_CERT_FILE names /dev/zero, which is larger than 16 MiB",
            ),
        ] {
            let error = variables.authorities().unwrap_err();
            let text = error.to_string();
            assert!(
                text.contains(wanted) && matches!(error.cause(), Some(TlsError::Roots(_))),
                "{text}"
            );
        }
    }
}
