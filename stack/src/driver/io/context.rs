//! What dialing needs besides a dialer.

use super::connect::dial_http2;
use crate::Error;
use crate::auth::Credentials;
use crate::dial::{Asked, Plan, Share, Timeouts};
use crate::driver::runtime::{
    AddressStream, BoxFuture, NoRuntime, Resolve, Runtime, Transport, current,
};
use bytes::Bytes;
use http::Response;
use std::sync::Arc;

/// The runtime, the resolver, the pool and the callbacks for credentials of a dialing.
///
/// [`connect`](fn@crate::connect) and its relatives have one, whose parts their own methods set. With a
/// [`Dialer`](crate::Dialer) of one's own, [`dial`](Self::dial) carries out its steps.
#[derive(Clone)]
pub struct DialContext {
    runtime: Option<Arc<dyn Runtime>>,
    resolver: Option<Arc<dyn Resolve>>,
    streams: Option<Arc<OpenStream>>,
    pub(super) ask: Arc<dyn Fn(Asked) -> BoxFuture<Option<Credentials>> + Send + Sync>,
    pub(super) exchange: Arc<Exchange>,
}

/// A stream of a shared connection, and the response that opened it.
pub(in crate::driver) type OpenedStream = Result<(Box<dyn Transport>, Response<()>), Error>;

type OpenStream =
    dyn Fn(Arc<Share>, Timeouts, DialContext) -> BoxFuture<OpenedStream> + Send + Sync;
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
        let nobody = || Error::local("dialer", NobodyExchanges);
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
    pub(in crate::driver) fn runtime_or(mut self, runtime: Arc<dyn Runtime>) -> Self {
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
    pub fn credentials<F>(mut self, ask: impl Fn(Asked) -> F + Send + Sync + 'static) -> Self
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
    pub(in crate::driver) fn streams(
        mut self,
        open: impl Fn(Arc<Share>, Timeouts, Self) -> BoxFuture<OpenedStream> + Send + Sync + 'static,
    ) -> Self {
        self.streams = Some(Arc::new(open));
        self
    }

    /// Returns the runtime that was named, or the one that this is called in.
    pub(in crate::driver) fn find_runtime(&self) -> Result<Arc<dyn Runtime>, NoRuntime> {
        match &self.runtime {
            Some(runtime) => Ok(runtime.clone()),
            None => current(),
        }
    }

    /// Finds the runtime as [`find_runtime`](Self::find_runtime), and stays with it.
    pub(super) fn keep_runtime(&mut self) -> Result<Arc<dyn Runtime>, NoRuntime> {
        let runtime = self.find_runtime()?;
        self.runtime.get_or_insert_with(|| runtime.clone());
        Ok(runtime)
    }

    /// Makes a plan use shared connections, if there are any.
    pub(super) fn share<L>(&self, plan: Plan<L>) -> Plan<L> {
        match self.streams {
            Some(_) => plan.sharing(),
            None => plan,
        }
    }

    pub(super) fn resolve(&self, runtime: &dyn Runtime, host: String, port: u16) -> AddressStream {
        match &self.resolver {
            Some(resolver) => resolver.resolve(host, port),
            None => runtime.lookup(host, port),
        }
    }

    /// Opens a stream, on a connection of the pool or on one of its own.
    pub(super) fn open_stream(
        &self,
        share: Arc<Share>,
        timeouts: Timeouts,
    ) -> BoxFuture<OpenedStream> {
        let mut context = self.clone();
        match context.streams.take() {
            Some(open) => open(share, timeouts, context),
            None => Box::pin(async move {
                let http2 = dial_http2(&share, timeouts, &context).await?;
                http2.spawn();
                let (response, stream) = http2.open(share.request()).await?;
                Ok((Box::new(stream) as _, response))
            }),
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("nobody exchanges anything with other servers here: see `DialContext::exchange`")]
struct NobodyExchanges;
