//! The TLS settings of a plan that was given none.

use crate::plan::hop_client::BadHop;
use crate::route::endpoint::Endpoint;
use crate::route::tls_choice::TlsSource;
use std::sync::Arc;
use wirestack_layer::{Error, origin};
use wirestack_tls::rustls::ClientConfig;
use wirestack_tls::{self as tls, Certificates};
use zeroize::Zeroizing;

/// The making of the TLS settings that a route needs, which reads the system's roots and the files
/// of certificates: work for a thread that may block.
///
/// ```
/// use wirestack_dial::{Dialer, TlsTask};
/// use wirestack_layer::Instant;
/// use wirestack_nest::BoxTunnel;
///
/// /// Carries `Step::MakeTls` out, on this thread.
/// fn make(dialer: &mut Dialer<BoxTunnel>, mut task: TlsTask, now: Instant) {
///     task.run();
///     dialer.made_tls(Some(task), now);
/// }
/// ```
#[derive(Debug)]
pub struct TlsTask {
    wanted: Vec<WantedTls>,
    made: Option<Result<Vec<MadeTls>, Error>>,
}

/// Settings of TLS to be made: with these certificates, for the hop or target of this name.
#[derive(Debug)]
pub(crate) struct WantedTls {
    pub(crate) part: String,
    pub(crate) certificates: Certificates,
}

/// Settings of TLS that were made, with the key of their certificates.
pub(crate) struct MadeTls {
    pub(crate) key: Zeroizing<String>,
    pub(crate) config: Arc<ClientConfig>,
}

impl std::fmt::Debug for MadeTls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MadeTls(..)") // the key has passwords
    }
}

impl TlsTask {
    pub(crate) fn new(wanted: Vec<WantedTls>) -> Self {
        Self { wanted, made: None }
    }

    /// Does the work.
    pub fn run(&mut self) {
        self.made = Some(self.wanted.iter().map(WantedTls::make).collect());
    }

    pub(crate) fn into_made(self) -> Option<Result<Vec<MadeTls>, Error>> {
        self.made
    }
}

impl WantedTls {
    pub(crate) fn make(&self) -> Result<MadeTls, Error> {
        let config = settings(&self.certificates).map_err(|error| {
            if self.certificates.is_empty() {
                return error; // it is the same for every hop and target
            }
            let name = self.part.clone();
            Error::local(origin::ROUTE, BadHop { name, error })
        })?;
        // aws-lc gathers entropy for 20 ms before its first random number. It does so here, where that
        // blocks nobody and the trace shows it; a failure comes again where numbers are needed.
        let _ = config.crypto_provider().secure_random.fill(&mut [0]);
        let key = self.certificates.key();
        Ok(MadeTls { key, config })
    }
}

/// Returns settings by their origin. If they are not made yet, they are made here: a driver has not
/// run the task for it.
pub(crate) fn config(source: &TlsSource, made: &[MadeTls]) -> Result<Arc<ClientConfig>, Error> {
    let certificates = match source {
        TlsSource::Given(config) => return Ok(config.clone()),
        TlsSource::Made(certificates) => certificates,
    };
    let key = certificates.key();
    if let Some(made) = made.iter().find(|made| made.key == key) {
        return Ok(made.config.clone());
    }
    let wanted = WantedTls {
        part: "TLS".to_owned(),
        certificates: certificates.clone(),
    };
    Ok(wanted.make()?.config)
}

#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
fn settings(certificates: &Certificates) -> Result<Arc<ClientConfig>, Error> {
    let settings = wirestack_tls::ClientSettings::new();
    settings.certificates(certificates).build()
}

/// Fails, because there are no default settings without a cryptography.
#[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
fn settings(_: &Certificates) -> Result<Arc<ClientConfig>, Error> {
    Err(Error::local(origin::ROUTE, NoTls))
}

#[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
#[derive(Debug, thiserror::Error)]
#[error(
    "the route needs TLS, but there are no TLS settings: pass them, or enable the feature \
     `aws-lc-rs` or `ring`"
)]
struct NoTls;

/// Builds the TLS to an endpoint, which may have another name there.
pub(crate) fn secure(
    mut config: Arc<ClientConfig>,
    alpn: Option<&[&[u8]]>,
    endpoint: &Endpoint,
    name: &Option<String>,
) -> Result<tls::Client, Error> {
    if let Some(alpn) = alpn {
        let wanted = alpn.iter().map(|protocol| protocol.to_vec());
        Arc::make_mut(&mut config).alpn_protocols = wanted.collect();
    }
    tls::Client::new(
        config,
        tls::server_name(name.as_ref().unwrap_or(&endpoint.host))?,
    )
}
