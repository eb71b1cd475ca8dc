//! Reading a command line: options with values, and words without an option.

use crate::AnyError;
use crate::servers::Login;
use std::collections::HashMap;
use std::sync::Arc;
use wirestack::tls::rustls::{ClientConfig, ServerConfig};
use wirestack::tls::{Certificates, ClientSettings, ServerSettings, TlsVersions};

/// A parsed command line.
#[derive(Debug, Default)]
pub struct Arguments {
    /// The words that are not options, in order.
    pub plain: Vec<String>,
    options: HashMap<String, Vec<String>>,
}

impl Arguments {
    /// Reads the command line of this program. `known` has the name of each option and the number
    /// of its values.
    ///
    /// # Errors
    ///
    /// An option is unknown, or a value is missing.
    pub fn read(known: &[(&str, usize)]) -> Result<Self, AnyError> {
        let mut read = Self::default();
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            if !word.starts_with("--") {
                read.plain.push(word);
                continue;
            }
            let Some((_, values)) = known.iter().find(|(name, _)| *name == word) else {
                return Err(format!("{word} is not an option of this program").into());
            };
            let found = read.options.entry(word.clone()).or_default();
            for _ in 0..*values {
                found.push(words.next().ok_or(format!("{word} needs a value"))?);
            }
        }
        Ok(read)
    }

    /// Reads the command line as [`read`](Self::read) does. At `--help` or `-h`, it prints the
    /// comment at the top of `source`, the text of the program, and ends the program.
    ///
    /// # Errors
    ///
    /// The same as those of [`read`](Self::read).
    pub fn read_or_help(source: &str, known: &[(&str, usize)]) -> Result<Self, AnyError> {
        if std::env::args()
            .skip(1)
            .any(|word| matches!(word.as_str(), "--help" | "-h"))
        {
            let lines = source.lines().map_while(|line| line.strip_prefix("//!"));
            lines.for_each(|line| println!("{}", line.strip_prefix(' ').unwrap_or(line)));
            std::process::exit(0);
        }
        Self::read(known)
    }

    /// Returns all values of an option, in order.
    pub fn all(&self, name: &str) -> &[String] {
        self.options.get(name).map_or(&[], Vec::as_slice)
    }

    /// Returns `true` if an option was given.
    pub fn has(&self, name: &str) -> bool {
        self.options.contains_key(name)
    }

    /// Returns the last value of an option.
    pub fn last(&self, name: &str) -> Option<&str> {
        self.all(name).last().map(String::as_str)
    }

    /// Reads `--auth user:password`.
    ///
    /// # Errors
    ///
    /// The value has no colon.
    pub fn login(&self) -> Result<Option<Login>, AnyError> {
        let Some(auth) = self.last("--auth") else {
            return Ok(None);
        };
        let (user, password) = auth.split_once(':').ok_or("--auth takes user:password")?;
        Ok(Some((user.to_owned(), password.to_owned())))
    }

    /// Reads `--cacert FILE`, `--cert FILE --key FILE`, `--tls12` and `--tls13`, for a client.
    ///
    /// # Errors
    ///
    /// A file cannot be read, or has no valid certificates or key.
    pub fn client_tls(&self) -> Result<Arc<ClientConfig>, AnyError> {
        let settings = ClientSettings::new().versions(self.versions());
        let mut certificates = Certificates::new();
        for file in self.all("--cacert") {
            certificates = certificates.ca_file(file);
        }
        if let (Some(chain), Some(key)) = (self.last("--cert"), self.last("--key")) {
            certificates = certificates.client_certificate(chain, key);
        }
        Ok(settings.certificates(&certificates).build()?)
    }

    fn versions(&self) -> TlsVersions {
        match (self.has("--tls12"), self.has("--tls13")) {
            (true, false) => TlsVersions::Tls12,
            (false, true) => TlsVersions::Tls13,
            _ => TlsVersions::Both,
        }
    }

    /// Reads `--tls CHAIN KEY`, for a server.
    ///
    /// # Errors
    ///
    /// A file cannot be read, or has no valid certificates or key.
    pub fn server_tls(&self) -> Result<Option<Arc<ServerConfig>>, AnyError> {
        match self.all("--tls") {
            [] => Ok(None),
            [chain, key, ..] => {
                let settings = ServerSettings::new(read(chain)?, read(key)?);
                Ok(Some(settings.build()?))
            }
            _ => Err("--tls takes a chain and a key".into()),
        }
    }
}

fn read(file: &str) -> Result<Vec<u8>, AnyError> {
    std::fs::read(file).map_err(|error| format!("{file}: {error}").into())
}
