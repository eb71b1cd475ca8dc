//! The TLS settings of a plan that was given none.

use std::sync::Arc;
use wirestack_layer::Error;
use wirestack_tls::rustls::ClientConfig;

/// The making of the TLS settings with the system's roots, which reads many files: work for a
/// thread that may block.
#[derive(Debug, Default)]
pub struct TlsTask {
    made: Option<Result<Arc<ClientConfig>, Error>>,
}

impl TlsTask {
    /// Does the work.
    pub fn run(&mut self) {
        self.made = Some(default_tls());
    }

    pub(crate) fn into_made(self) -> Option<Result<Arc<ClientConfig>, Error>> {
        self.made
    }
}

#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
pub(crate) fn default_tls() -> Result<Arc<ClientConfig>, Error> {
    wirestack_tls::ClientSettings::new().build()
}

/// Fails, because there are no default settings without a cryptography.
#[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
pub(crate) fn default_tls() -> Result<Arc<ClientConfig>, Error> {
    Err(Error::local(wirestack_layer::origin::ROUTE, NoTls))
}

#[derive(Debug, thiserror::Error)]
#[error(
    "the route needs TLS, but there are no TLS settings: pass them, or enable the feature \
     `aws-lc-rs` or `ring`"
)]
pub(crate) struct NoTls;
