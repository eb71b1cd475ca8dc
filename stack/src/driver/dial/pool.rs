//! HTTP/2 connections that many diallings use.

use super::context::{DialContext, OpenedStream};
use super::stream::dial_http2;
use crate::driver::error::none_here;
use crate::driver::http2::{Driver, Http2, Http2Stream};
use crate::driver::runtime::{AsyncTimer, BoxFuture, Runtime};
use http::Response;
use std::collections::HashMap;
use std::future::poll_fn;
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use wirestack_dial::{Checkout, PoolConfig, PoolKey, PoolState, SharedConnection, Timeouts};
use wirestack_layer::{Error, Flow};

/// HTTP/2 connections that are shared: those who connect with the same pool to targets behind one
/// HTTP/2 proxy, or to one server that offers WebSockets over HTTP/2, share a connection, each with a
/// stream of its own.
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
#[derive(Clone)]
pub struct Pool(Arc<Mutex<Inner>>);

struct Inner {
    state: PoolState,
    kept: HashMap<PoolKey, Http2>,
    /// Those who wait until a connection is made or closed.
    waiting: Vec<Waker>,
}

type Opened = Result<(Response<()>, Http2Stream), Error>;

/// A connection to open a stream on.
enum Source {
    Kept(Http2),
    New,
    Unkept,
}

impl Pool {
    /// Creates an empty pool. Its connections are driven by tasks of the runtime.
    pub fn new(config: PoolConfig) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            state: PoolState::new(config),
            kept: HashMap::new(),
            waiting: Vec::new(),
        })))
    }

    /// Returns how many connections there are.
    pub fn connections(&self) -> usize {
        self.lock().kept.len()
    }

    /// Opens a stream, on a connection that is there or on a new one.
    async fn open(
        &self,
        share: &SharedConnection,
        timeouts: Timeouts,
        context: &DialContext,
    ) -> Opened {
        let key = share.key();
        let http2 = match poll_fn(|cx| self.find(&key, cx)).await {
            Source::Kept(http2) => http2,
            Source::New => self.make(&key, share, timeouts, context).await?,
            Source::Unkept => {
                let http2 = dial_http2(share, timeouts, context).await?;
                http2.spawn();
                http2
            }
        };
        let opened = http2.open(share.request()).await;
        if http2.with(|it| it.engine().to_app().is_closed()) {
            self.forget(&key);
        }
        opened
    }

    fn find(&self, key: &PoolKey, cx: &mut Context<'_>) -> Poll<Source> {
        loop {
            let mut inner = self.lock();
            match inner.check_out(key) {
                Checkout::Reuse => {
                    if let Some(http2) = inner.kept.get(key) {
                        return Poll::Ready(Source::Kept(http2.clone()));
                    }
                }
                Checkout::Wait => {
                    if !inner.waiting.iter().any(|it| it.will_wake(cx.waker())) {
                        inner.waiting.push(cx.waker().clone());
                    }
                    return Poll::Pending;
                }
                Checkout::Evict(other) => {
                    drop(inner);
                    self.forget(&other);
                }
                Checkout::Create => return Poll::Ready(Source::New),
                Checkout::Overflow => return Poll::Ready(Source::Unkept),
            }
        }
    }

    async fn make(
        &self,
        key: &PoolKey,
        share: &SharedConnection,
        timeouts: Timeouts,
        context: &DialContext,
    ) -> Result<Http2, Error> {
        let mut making = Making {
            pool: self,
            key,
            made: None,
        };
        let http2 = dial_http2(share, timeouts, context).await?;
        making.made = Some(http2.clone());
        drop(making);
        let runtime = context.find_runtime().map_err(none_here)?;
        let keeping = Keeping {
            pool: self.clone(),
            key: key.clone(),
            driver: http2.driver(),
            check: None,
            runtime: runtime.clone(),
        };
        runtime.spawn(Box::pin(keeping.run()));
        Ok(http2)
    }

    fn forget(&self, key: &PoolKey) {
        let mut inner = self.lock();
        inner.state.remove(key);
        let gone = inner.kept.remove(key);
        let waiting = mem::take(&mut inner.waiting);
        drop(inner);
        drop(gone); // outside of the lock, as it may wake a task
        waiting.into_iter().for_each(Waker::wake);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl DialContext {
    /// Opens streams on the connections of this pool. Without a pool, each stream has a connection of
    /// its own.
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
    fn check_out(&mut self, key: &PoolKey) -> Checkout {
        let streams = self.kept.get(key).map_or(0, Http2::streams);
        self.state.check_out(key, streams)
    }
}

/// Tells the others what came of it, also when it is given up.
struct Making<'a> {
    pool: &'a Pool,
    key: &'a PoolKey,
    made: Option<Http2>,
}

impl Drop for Making<'_> {
    fn drop(&mut self) {
        let mut inner = self.pool.lock();
        inner.state.created(self.key, self.made.is_some());
        if let Some(http2) = self.made.take() {
            inner.kept.insert(self.key.clone(), http2);
        }
        let waiting = mem::take(&mut inner.waiting);
        drop(inner);
        waiting.into_iter().for_each(Waker::wake);
    }
}

/// Drives a connection that is kept, and closes it when the pool says so.
struct Keeping {
    pool: Pool,
    key: PoolKey,
    driver: Driver,
    check: Option<Pin<Box<dyn AsyncTimer>>>,
    runtime: Arc<dyn Runtime>,
}

impl Keeping {
    async fn run(mut self) {
        poll_fn(|cx| {
            while !self.is_forgotten() {
                if Pin::new(&mut self.driver).poll(cx).is_ready() {
                    self.pool.forget(&self.key);
                    return Poll::Ready(());
                }
                if let Some(check) = &mut self.check
                    && ready!(check.as_mut().poll_expired(cx)).is_err()
                {
                    self.pool.forget(&self.key); // the runtime has no time any more
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
                    None => self.pool.forget(&self.key),
                }
            }
            // Streams that are still open go on; the last one closes the connection.
            Pin::new(&mut self.driver).poll(cx)
        })
        .await;
    }

    fn is_forgotten(&self) -> bool {
        !self.pool.lock().kept.contains_key(&self.key)
    }
}
