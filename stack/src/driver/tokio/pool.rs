//! HTTP/2 connections that many diallings use.

use super::runtime::{Tokio, now};
use super::{Driver, Http2, Http2Stream, Outside, Transport, dial};
use crate::dial::{Dialer, Ledger, Share, ShareKey, Sharing, Take, Timeouts};
use crate::driver::polled::{self, Pending};
use crate::driver::seed;
use crate::{Error, Flow};
use http::Response;
use std::collections::HashMap;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, ready};
use tokio::sync::Notify;
use tokio::time::{Sleep, sleep_until};

/// HTTP/2 connections that are shared: those who connect with the same pool to targets behind one
/// HTTP/2 proxy, or to one server that offers WebSockets over HTTP/2, share a connection, each with a
/// stream of its own.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use wirestack::dial::Sharing;
/// use wirestack::tokio::{Pool, connect};
///
/// let pool = Pool::new(Sharing::default());
/// let chat = connect("wss://example.org/chat").sharing(&pool).await?;
/// let news = connect("wss://example.org/news").sharing(&pool).await?; // on the same connection
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Pool(Arc<Inner>);

struct Inner {
    state: Mutex<State>,
    changed: Notify,
}

struct State {
    ledger: Ledger,
    kept: HashMap<ShareKey, Http2>,
}

type Opened = Result<(Response<()>, Http2Stream), Error>;

impl Pool {
    /// Creates a pool that is empty. Its connections are driven by tasks of the runtime.
    pub fn new(sharing: Sharing) -> Self {
        let state = Mutex::new(State {
            ledger: Ledger::new(sharing),
            kept: HashMap::new(),
        });
        let changed = Notify::new();
        Self(Arc::new(Inner { state, changed }))
    }
    /// Returns how many connections there are.
    pub fn connections(&self) -> usize {
        self.lock().kept.len()
    }
    /// Opens a stream, on a connection that is there or on a new one.
    fn open(&self, share: Arc<Share>, timeouts: Timeouts, outside: Outside) -> Pending<Opened> {
        let pool = self.clone();
        Box::pin(async move {
            let key = share.key();
            let http2 = loop {
                let changed = pool.0.changed.notified();
                let take = pool.lock().take(&key);
                match take {
                    Take::Use => match pool.lock().kept.get(&key) {
                        Some(http2) => break http2.clone(),
                        None => continue,
                    },
                    Take::Wait => changed.await,
                    Take::Close(other) => pool.forget(&other),
                    Take::Make => break pool.make(&key, &share, timeouts, &outside).await?,
                    Take::Full => {
                        let http2 = made(&share, timeouts, &outside).await?;
                        http2.spawn();
                        break http2;
                    }
                }
            };
            let opened = http2.open(share.request()).await;
            let over = http2.with(|it| it.engine().to_app().is_closed());
            if over {
                pool.forget(&key);
            }
            opened
        })
    }
    pub(super) fn transport(
        &self,
        share: Arc<Share>,
        timeouts: Timeouts,
        outside: Outside,
    ) -> Pending<polled::Opened<Tokio>> {
        let opened = self.open(share, timeouts, outside);
        Box::pin(async {
            let (response, stream) = opened.await?;
            Ok((Transport::Http2(stream), Some(response)))
        })
    }
    async fn make(
        &self,
        key: &ShareKey,
        share: &Share,
        timeouts: Timeouts,
        outside: &Outside,
    ) -> Result<Http2, Error> {
        let mut making = Making {
            pool: self,
            key,
            made: None,
        };
        let http2 = made(share, timeouts, outside).await?;
        making.made = Some(http2.clone());
        drop(making);
        let keeping = Keeping {
            pool: self.clone(),
            key: key.clone(),
            driver: http2.driver(),
            look: None,
        };
        tokio::spawn(keeping.run());
        Ok(http2)
    }
    fn forget(&self, key: &ShareKey) {
        let mut state = self.lock();
        state.ledger.gone(key);
        let gone = state.kept.remove(key);
        drop(state);
        drop(gone); // outside of the lock: it may wake somebody
        self.0.changed.notify_waiters();
    }
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Outside {
    /// Takes streams on connections that are shared from this pool. Without one, each has a connection
    /// of its own.
    #[must_use]
    pub fn pool(self, pool: Pool) -> Self {
        self.streams(move |share, timeouts, outside| pool.transport(share, timeouts, outside))
    }
}

impl State {
    fn take(&mut self, key: &ShareKey) -> Take {
        let streams = self.kept.get(key).map_or(0, Http2::streams);
        self.ledger.take(key, streams)
    }
}

async fn made(share: &Share, timeouts: Timeouts, outside: &Outside) -> Result<Http2, Error> {
    let plan = share.plan().map_err(|error| Error::local("route", error))?;
    let dialer = Dialer::new(plan, timeouts, seed(), now());
    match dial(dialer, outside).await {
        Ok((connection, _)) => Ok(Http2::new(connection)),
        Err(error) => Err(match error.layer_error() {
            Some(error) => error.clone(),
            None => Error::peer("dialer", error),
        }),
    }
}

/// Tells the others what came of it, also when it is given up.
struct Making<'a> {
    pool: &'a Pool,
    key: &'a ShareKey,
    made: Option<Http2>,
}

impl Drop for Making<'_> {
    fn drop(&mut self) {
        let mut state = self.pool.lock();
        state.ledger.made(self.key, self.made.is_some());
        if let Some(http2) = self.made.take() {
            state.kept.insert(self.key.clone(), http2);
        }
        drop(state);
        self.pool.0.changed.notify_waiters();
    }
}

/// Drives a connection that is kept, and closes it when the pool says so.
struct Keeping {
    pool: Pool,
    key: ShareKey,
    driver: Driver<Transport>,
    look: Option<Pin<Box<Sleep>>>,
}

impl Keeping {
    async fn run(mut self) {
        poll_fn(|cx| {
            while !self.is_forgotten() {
                if Pin::new(&mut self.driver).poll(cx).is_ready() {
                    self.pool.forget(&self.key);
                    return Poll::Ready(());
                }
                if let Some(look) = &mut self.look {
                    ready!(look.as_mut().poll(cx));
                }
                let mut state = self.pool.lock();
                let streams = state.kept.get(&self.key).map_or(0, Http2::streams);
                let next = state.ledger.look(&self.key, streams, now());
                drop(state);
                match next {
                    Some(at) => self.look = Some(Box::pin(sleep_until(at.into()))),
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
