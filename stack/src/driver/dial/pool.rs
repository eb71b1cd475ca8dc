//! A pool of HTTP/2 connections, on which each dialing opens a stream.

use super::context::{DialContext, OpenedStream};
use super::stream::dial_http2;
use crate::driver::error::no_runtime_error;
use crate::driver::http2::{Driver, Http2, Http2Stream};
use crate::driver::runtime::{AsyncTimer, BoxFuture, Runtime};
use http::Response;
use std::collections::HashMap;
use std::fmt;
use std::future::poll_fn;
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use wirestack_dial::{Checkout, PoolConfig, PoolKey, PoolState, SharedConnection, Timeouts};
use wirestack_http2::Unprocessed;
use wirestack_layer::{Error, Flow};

/// A pool of shared HTTP/2 connections.
///
/// Two kinds of connections can be shared: to an HTTP/2 proxy, for all targets behind it, and to a
/// server that offers WebSockets over HTTP/2 (RFC 8441). Each call of `connect` with the pool opens
/// a stream of its own on the shared connection.
///
/// A connection is shared by calls with the same destination, route, credentials (or callback that is
/// asked for them), TLS settings and local address. The first of them makes it, by its own resolver: calls whose resolvers give
/// different answers want different pools.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use wirestack::dial::PoolConfig;
/// use wirestack::{Pool, connect};
///
/// let pool = Pool::new(PoolConfig::default());
/// let chat = connect("wss://example.org/chat").sharing(&pool).await?;
/// let news = connect("wss://example.org/news").sharing(&pool).await?; // on the same connection
/// # Ok(())
/// # }
/// ```
///
/// ```
/// use wirestack::Pool;
/// use wirestack::dial::PoolConfig;
///
/// let pool = Pool::new(PoolConfig::default().connections(4));
/// assert_eq!(pool.connections(), 0); // none is open yet
/// ```
#[derive(Clone)]
pub struct Pool(Arc<Mutex<Inner>>);

struct Inner {
    state: PoolState,
    kept: HashMap<PoolKey, Http2>,
    /// The wakers of tasks that wait until a connection is opened or closed.
    waiting: Vec<Waker>,
}

type Opened = Result<(Response<()>, Http2Stream), Error>;

/// The connection to open a stream on.
enum Source {
    /// A connection of the pool.
    Kept(Http2),
    /// A new connection, which the pool keeps.
    New,
    /// A new connection, which the pool does not keep as it is full.
    Unkept,
}

impl Pool {
    /// Creates an empty pool. Tasks of the runtime drive its connections.
    pub fn new(config: PoolConfig) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            state: PoolState::new(config),
            kept: HashMap::new(),
            waiting: Vec::new(),
        })))
    }

    /// Returns the number of open connections.
    pub fn connections(&self) -> usize {
        self.lock().kept.len()
    }

    /// Opens a stream, on a connection of the pool or on a new one.
    async fn open(
        &self,
        share: &SharedConnection,
        timeouts: Timeouts,
        context: &DialContext,
    ) -> Opened {
        let key = share.key().local_address(context.tcp_options.local_address);
        let key = key.asking(context.ask.as_ref());
        let runtime = context.find_runtime().map_err(no_runtime_error)?;
        let http2 = match poll_fn(|cx| self.poll_check_out(&key, &*runtime, cx)).await {
            Source::Kept(http2) => http2,
            Source::New => self.create(&key, share, timeouts, context).await?,
            Source::Unkept => {
                let http2 = dial_http2(share, timeouts, context).await?;
                http2.spawn();
                http2
            }
        };
        let opened = http2.open(share.request()).await;
        // A connection that processes no more requests must not get the next one.
        let is_leaving = match &opened {
            Err(error) => error.retry_hint::<Unprocessed>().is_some(),
            Ok(_) => false,
        };
        if is_leaving || http2.with(|connection| connection.engine().to_app().is_closed()) {
            self.remove_one(&key, |kept| kept.is_same(&http2));
        }
        opened
    }

    fn poll_check_out(
        &self,
        key: &PoolKey,
        runtime: &dyn Runtime,
        cx: &mut Context<'_>,
    ) -> Poll<Source> {
        loop {
            let mut inner = self.lock();
            match inner.check_out(key, runtime) {
                Checkout::Reuse => {
                    if let Some(http2) = inner.kept.get(key) {
                        return Poll::Ready(Source::Kept(http2.clone()));
                    }
                }
                Checkout::Wait => {
                    if !inner
                        .waiting
                        .iter()
                        .any(|waker| waker.will_wake(cx.waker()))
                    {
                        inner.waiting.push(cx.waker().clone());
                    }
                    return Poll::Pending;
                }
                Checkout::Evict(other) => {
                    drop(inner);
                    self.remove(&other);
                }
                Checkout::Create => return Poll::Ready(Source::New),
                Checkout::Overflow => return Poll::Ready(Source::Unkept),
            }
        }
    }

    async fn create(
        &self,
        key: &PoolKey,
        share: &SharedConnection,
        timeouts: Timeouts,
        context: &DialContext,
    ) -> Result<Http2, Error> {
        let mut creating = Creating {
            pool: self,
            key,
            created: None,
        };
        let http2 = dial_http2(share, timeouts, context).await?;
        creating.created = Some(http2.clone());
        drop(creating);
        let runtime = context.find_runtime().map_err(no_runtime_error)?;
        let kept = Kept {
            pool: self.clone(),
            key: key.clone(),
            driver: http2.driver(),
            check: None,
            runtime: runtime.clone(),
        };
        runtime.spawn(Box::pin(kept.drive()));
        Ok(http2)
    }

    /// Removes a connection, unless another one has taken its place.
    fn remove_one(&self, key: &PoolKey, is_it: impl FnOnce(&Http2) -> bool) {
        if self.keeps(key, is_it) {
            self.remove(key);
        }
    }

    fn keeps(&self, key: &PoolKey, is_it: impl FnOnce(&Http2) -> bool) -> bool {
        self.lock().kept.get(key).is_some_and(is_it)
    }

    fn remove(&self, key: &PoolKey) {
        let mut inner = self.lock();
        inner.state.remove(key);
        let removed = inner.kept.remove(key);
        let waiting = mem::take(&mut inner.waiting);
        drop(inner);
        drop(removed); // outside of the lock, as it may wake a task
        waiting.into_iter().for_each(Waker::wake);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("connections", &self.connections())
            .finish_non_exhaustive()
    }
}

impl DialContext {
    /// Sets the pool whose connections streams are opened on. Without a pool, each stream has a
    /// connection of its own.
    ///
    /// ```
    /// use wirestack::dial::PoolConfig;
    /// use wirestack::{DialContext, Pool};
    ///
    /// let pool = Pool::new(PoolConfig::default());
    /// let context = DialContext::new().pool(pool.clone());
    /// assert_eq!(pool.connections(), 0);
    /// drop(context);
    /// ```
    #[must_use]
    pub fn pool(self, pool: Pool) -> Self {
        self.streams(move |share, timeouts, context| -> BoxFuture<OpenedStream> {
            let pool = pool.clone();
            Box::pin(async move {
                let (response, stream) = pool.open(&share, timeouts, &context).await?;
                Ok((Box::new(stream) as _, response))
            })
        })
    }
}

impl Inner {
    fn check_out(&mut self, key: &PoolKey, runtime: &dyn Runtime) -> Checkout {
        let streams = |key: &PoolKey| self.kept.get(key).map_or(0, Http2::streams);
        let checkout = self.state.check_out(key, streams(key));
        if checkout != Checkout::Overflow || self.kept.contains_key(key) {
            return checkout;
        }
        // Each connection is looked at when it may have been idle for too long, which is not soon.
        self.state.note_idle(streams, runtime.now());
        self.state.check_out(key, streams(key))
    }
}

/// A guard for a connection that is being opened: when it is dropped, the waiting tasks go on, also
/// if there is no connection.
struct Creating<'a> {
    pool: &'a Pool,
    key: &'a PoolKey,
    created: Option<Http2>,
}

impl Drop for Creating<'_> {
    fn drop(&mut self) {
        let mut inner = self.pool.lock();
        inner.state.created(self.key, self.created.is_some());
        if let Some(http2) = self.created.take() {
            inner.kept.insert(self.key.clone(), http2);
        }
        let waiting = mem::take(&mut inner.waiting);
        drop(inner);
        waiting.into_iter().for_each(Waker::wake);
    }
}

/// A connection of the pool. Its task drives it, and closes it when it has been idle for too long.
struct Kept {
    pool: Pool,
    key: PoolKey,
    driver: Driver,
    /// The timer for the next look at whether it is idle.
    check: Option<Pin<Box<dyn AsyncTimer>>>,
    runtime: Arc<dyn Runtime>,
}

impl Kept {
    async fn drive(mut self) {
        poll_fn(|cx| {
            while !self.is_removed() {
                if Pin::new(&mut self.driver).poll(cx).is_ready() {
                    self.remove();
                    return Poll::Ready(());
                }
                if let Some(check) = &mut self.check
                    && ready!(check.as_mut().poll_expired(cx)).is_err()
                {
                    self.remove(); // the runtime has no timers any more
                    break;
                }
                let mut inner = self.pool.lock();
                let streams = inner.kept.get(&self.key).map_or(0, Http2::streams);
                let next = inner
                    .state
                    .check_idle(&self.key, streams, self.runtime.now());
                drop(inner);
                match next {
                    Some(at) => self.check = Some(self.runtime.new_timer(at)),
                    None => self.remove(),
                }
            }
            // Open streams go on, and the last one closes the connection.
            Pin::new(&mut self.driver).poll(cx)
        })
        .await;
    }

    fn is_removed(&self) -> bool {
        !self.pool.keeps(&self.key, |kept| self.driver.drives(kept))
    }

    fn remove(&self) {
        let is_it = |kept: &Http2| self.driver.drives(kept);
        self.pool.remove_one(&self.key, is_it);
    }
}
