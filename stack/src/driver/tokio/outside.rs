//! What connecting needs besides sockets and a clock.

use super::pool::Pool;
use super::resolve::{Resolve, System};
use crate::Error;
use crate::auth::Credentials;
use crate::dial::{Asked, Plan};
use bytes::Bytes;
use std::pin::Pin;
use std::sync::Arc;

/// What connecting needs besides sockets and a clock: who looks names up, and who answers what
/// authenticators ask.
#[derive(Clone)]
pub struct Outside {
    pub(super) resolver: Arc<dyn Resolve>,
    pub(super) pool: Option<Pool>,
    pub(super) ask: Arc<dyn Fn(Asked) -> Pending<Option<Credentials>> + Send + Sync>,
    pub(super) exchange: Arc<Exchange>,
}

type Exchange = dyn Fn(String, Bytes) -> Pending<Result<Bytes, Error>> + Send + Sync;
pub(super) type Pending<T> = Pin<Box<dyn Future<Output = T> + Send>>;

impl Default for Outside {
    fn default() -> Self {
        let nobody = || Error::local("dialer", NobodyExchanges);
        Self {
            resolver: Arc::new(System),
            pool: None,
            ask: Arc::new(|_| Box::pin(async { None })),
            exchange: Arc::new(move |_, _| Box::pin(async move { Err(nobody()) })),
        }
    }
}

impl Outside {
    /// Looks names up with this resolver, instead of the system's.
    #[must_use]
    pub fn resolver(mut self, resolver: impl Resolve + 'static) -> Self {
        self.resolver = Arc::new(resolver);
        self
    }
    /// Takes streams on connections that are shared from this pool. Without one, each has a connection
    /// of its own.
    #[must_use]
    pub fn pool(mut self, pool: Pool) -> Self {
        self.pool = Some(pool);
        self
    }
    /// Makes a plan use the pool, if there is one.
    pub(super) fn shared<L>(&self, plan: Plan<L>) -> Plan<L> {
        match self.pool {
            Some(_) => plan.sharing(),
            None => plan,
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
