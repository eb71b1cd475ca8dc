//! What dialing needs besides a dialer.

use crate::driver::runtime::{
    AddressStream, BoxFuture, NoRuntime, Resolve, Runtime, Transport, current,
};
use bytes::Bytes;
use http::Response;
use std::sync::Arc;
use wirestack_dial::auth::Credentials;
use wirestack_dial::{CredentialsRequest, Plan, SharedConnection, Timeouts};
use wirestack_layer::{Error, origin};

/// The runtime, the resolver, the pool and the callbacks for credentials of a dialing.
///
/// [`connect`](fn@crate::connect) and its relatives have one, whose parts their own methods set. With a
/// [`Dialer`](crate::Dialer) of one's own, [`dial`](Self::dial) carries out its steps.
#[derive(Clone)]
pub struct DialContext {
    runtime: Option<Arc<dyn Runtime>>,
    resolver: Option<Arc<dyn Resolve>>,
    pub(super) streams: Option<Arc<OpenStream>>,
    pub(super) ask: Arc<dyn Fn(CredentialsRequest) -> BoxFuture<Option<Credentials>> + Send + Sync>,
    pub(super) exchange: Arc<Exchange>,
}

/// A stream of a shared connection, and the response that opened it.
pub(crate) type OpenedStream = Result<(Box<dyn Transport>, Response<()>), Error>;

type OpenStream =
    dyn Fn(Arc<SharedConnection>, Timeouts, DialContext) -> BoxFuture<OpenedStream> + Send + Sync;
type Exchange = dyn Fn(String, Bytes) -> BoxFuture<Result<Bytes, Error>> + Send + Sync;

impl Default for DialContext {
    fn default() -> Self {
        Self::new()
    }
}

impl DialContext {
    /// Creates a context that uses the runtime where it is awaited, the resolver of that runtime, no
    /// pool, and no credentials.
    pub fn new() -> Self {
        let nobody = || Error::local(origin::DIALER, NobodyExchanges);
        Self {
            runtime: None,
            resolver: None,
            streams: None,
            ask: Arc::new(|_| Box::pin(async { None })),
            exchange: Arc::new(move |_, _| Box::pin(async move { Err(nobody()) })),
        }
    }

    /// Uses this runtime, instead of the one where it is awaited.
    #[must_use]
    pub fn runtime(mut self, runtime: Arc<dyn Runtime>) -> Self {
        self.runtime = Some(runtime);
        self
    }

    /// Uses this runtime, unless one was named.
    #[cfg(feature = "blocking")]
    pub(crate) fn runtime_or(mut self, runtime: Arc<dyn Runtime>) -> Self {
        self.runtime.get_or_insert(runtime);
        self
    }

    /// Looks names up with this resolver, instead of that of the runtime.
    #[must_use]
    pub fn resolver(mut self, resolver: impl Resolve + 'static) -> Self {
        self.resolver = Some(Arc::new(resolver));
        self
    }

    /// Asks this for credentials when an HTTP proxy that is [`asking`](crate::dial::Hop::asking) wants
    /// some.
    #[must_use]
    pub fn credentials<F>(
        mut self,
        ask: impl Fn(CredentialsRequest) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Option<Credentials>> + Send + 'static,
    {
        self.ask = Arc::new(move |asked| Box::pin(ask(asked)));
        self
    }

    /// Makes the exchanges with other servers that authenticators want.
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

    /// Opens streams of shared connections by this.
    pub(crate) fn streams(
        mut self,
        open: impl Fn(Arc<SharedConnection>, Timeouts, Self) -> BoxFuture<OpenedStream>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        self.streams = Some(Arc::new(open));
        self
    }

    /// Returns the runtime that was named, or the one that this is called in.
    pub(crate) fn find_runtime(&self) -> Result<Arc<dyn Runtime>, NoRuntime> {
        match &self.runtime {
            Some(runtime) => Ok(runtime.clone()),
            None => current(),
        }
    }

    /// Finds the runtime as [`find_runtime`](Self::find_runtime), and stays with it.
    pub(crate) fn keep_runtime(&mut self) -> Result<Arc<dyn Runtime>, NoRuntime> {
        let runtime = self.find_runtime()?;
        self.runtime.get_or_insert_with(|| runtime.clone());
        Ok(runtime)
    }

    /// Makes a plan use shared connections, if there are any.
    pub(crate) fn share<L>(&self, plan: Plan<L>) -> Plan<L> {
        match self.streams {
            Some(_) => plan.sharing(),
            None => plan,
        }
    }

    pub(crate) fn resolve(&self, runtime: &dyn Runtime, host: String, port: u16) -> AddressStream {
        match &self.resolver {
            Some(resolver) => resolver.resolve(host, port),
            None => runtime.lookup(host, port),
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("nobody exchanges anything with other servers here: see `DialContext::exchange`")]
struct NobodyExchanges;
