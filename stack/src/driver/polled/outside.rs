//! What connecting needs besides sockets and a clock.

use super::runtime::{Opened, Pending, Runtime};
use super::{Found, Resolve};
use crate::Error;
use crate::auth::Credentials;
use crate::dial::{Asked, Plan, Share, Timeouts};
use bytes::Bytes;
use std::sync::Arc;

/// What connecting needs besides sockets and a clock: who looks names up, and who answers what
/// authenticators ask.
#[derive(Clone)]
pub struct Outside<R: Runtime> {
    pub(in crate::driver) runtime: R,
    resolver: Option<Arc<dyn Resolve>>,
    streams: Option<Arc<Streams<R>>>,
    pub(super) ask: Arc<dyn Fn(Asked) -> Pending<Option<Credentials>> + Send + Sync>,
    pub(super) exchange: Arc<Exchange>,
}

type Streams<R> = dyn Fn(Arc<Share>, Timeouts, Outside<R>) -> Pending<Opened<R>> + Send + Sync;
type Exchange = dyn Fn(String, Bytes) -> Pending<Result<Bytes, Error>> + Send + Sync;

impl<R: Runtime + Default> Default for Outside<R> {
    fn default() -> Self {
        Self::new(R::default())
    }
}

impl<R: Runtime> Outside<R> {
    /// Gets what it can from this runtime.
    pub fn new(runtime: R) -> Self {
        let nobody = || Error::local("dialer", NobodyExchanges);
        Self {
            runtime,
            resolver: None,
            streams: None,
            ask: Arc::new(|_| Box::pin(async { None })),
            exchange: Arc::new(move |_, _| Box::pin(async move { Err(nobody()) })),
        }
    }
    /// Looks names up with this resolver, instead of the system's.
    #[must_use]
    pub fn resolver(mut self, resolver: impl Resolve + 'static) -> Self {
        self.resolver = Some(Arc::new(resolver));
        self
    }
    /// Takes streams on connections that are shared from here.
    #[cfg_attr(not(feature = "tokio"), expect(dead_code))]
    pub(in crate::driver) fn streams(
        mut self,
        open: impl Fn(Arc<Share>, Timeouts, Self) -> Pending<Opened<R>> + Send + Sync + 'static,
    ) -> Self {
        self.streams = Some(Arc::new(open));
        self
    }
    /// Makes a plan use what is shared, if anything is.
    pub(in crate::driver) fn shared<L>(&self, plan: Plan<L>) -> Plan<L> {
        match self.streams {
            Some(_) => plan.sharing(),
            None => plan,
        }
    }
    pub(super) fn resolve(&self, host: String, port: u16) -> Found {
        match &self.resolver {
            Some(resolver) => resolver.resolve(host, port),
            None => self.runtime.resolve(host, port),
        }
    }
    pub(super) fn stream(&self, share: Arc<Share>, timeouts: Timeouts) -> Pending<Opened<R>> {
        let mut outside = self.clone();
        match outside.streams.take() {
            Some(open) => open(share, timeouts, outside),
            None => self.runtime.stream(share, timeouts, outside),
        }
    }
    /// Asks this for credentials, instead of nobody.
    #[must_use]
    pub fn credentials<F>(mut self, ask: impl Fn(Asked) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Option<Credentials>> + Send + 'static,
    {
        self.ask = Arc::new(move |asked| Box::pin(ask(asked)));
        self
    }
    /// Has this make the exchanges with other servers that authenticators want.
    #[must_use]
    pub fn exchange<F>(
        mut self,
        exchange: impl Fn(String, Bytes) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<Bytes, Error>> + Send + 'static,
    {
        self.exchange = Arc::new(move |url, data| Box::pin(exchange(url, data)));
        self
    }
}

#[derive(Debug, thiserror::Error)]
#[error("nobody exchanges anything with other servers here: see `Outside::exchange`")]
struct NobodyExchanges;
