//! The TLS settings of a plan: given whole, or to be made with certificates.

use crate::route::endpoint::RouteError;
use crate::route::hop::Hop;
use std::sync::Arc;
use wirestack_tls::Certificates;
use wirestack_tls::rustls::ClientConfig;
use zeroize::Zeroizing;

/// The TLS settings of the target, and those of each hop that has none of its own.
#[derive(Clone)]
pub(crate) struct TlsChoice {
    pub(crate) target: TlsSource,
    pub(crate) hops: TlsSource,
}

/// The origin of TLS settings.
#[derive(Clone)]
pub(crate) enum TlsSource {
    /// They are given whole.
    Given(Arc<ClientConfig>),
    /// They are the default ones, with these certificates.
    Made(Certificates),
}

impl TlsChoice {
    pub(crate) fn new(given: Option<Arc<ClientConfig>>) -> Self {
        let source = match given {
            Some(config) => TlsSource::Given(config),
            None => TlsSource::Made(Certificates::new()),
        };
        Self {
            target: source.clone(),
            hops: source,
        }
    }

    /// Adds certificates: the authorities for all, the certificate of the client for the target.
    pub(crate) fn add(&mut self, certificates: &Certificates) -> Result<(), RouteError> {
        if certificates.is_empty() {
            return Ok(());
        }
        let (TlsSource::Made(target), TlsSource::Made(hops)) = (&self.target, &self.hops) else {
            return Err(RouteError::TlsTwice("the target".to_owned()));
        };
        *self = Self {
            target: TlsSource::Made(target.clone().and(certificates)),
            hops: TlsSource::Made(hops.clone().and(&certificates.without_client_certificate())),
        };
        Ok(())
    }

    /// Takes the certificate of the client away from the target, which is another server now. Whole
    /// settings stay as they were given.
    pub(crate) fn leave_client_certificate(&mut self) {
        if let TlsSource::Made(certificates) = &mut self.target {
            *certificates = certificates.without_client_certificate();
        }
    }

    /// Returns the origin of the settings of a hop.
    pub(crate) fn of_hop(&self, hop: &Hop) -> TlsSource {
        if let Some(own) = &hop.tls {
            return TlsSource::Given(own.clone());
        }
        match &self.hops {
            _ if hop.certificates.is_empty() => self.hops.clone(),
            TlsSource::Given(_) => TlsSource::Made(hop.certificates.clone()),
            TlsSource::Made(more) => TlsSource::Made(more.clone().and(&hop.certificates)),
        }
    }
}

impl TlsSource {
    /// Returns a text that is equal for the same settings. It is a secret.
    pub(crate) fn key(&self) -> Zeroizing<String> {
        match self {
            Self::Given(config) => format!("{:p}", Arc::as_ptr(config)).into(),
            Self::Made(certificates) => certificates.key(),
        }
    }
}
