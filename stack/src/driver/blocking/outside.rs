//! What connecting needs besides sockets and a clock.

use crate::Error;
use crate::auth::Credentials;
use crate::dial::Asked;
use bytes::Bytes;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;

/// What connecting needs besides sockets and a clock: who looks names up, and who answers what
/// authenticators ask. Each is called on a thread of its own.
#[derive(Clone)]
pub struct Outside {
    pub(super) resolve: Arc<Resolve>,
    pub(super) ask: Arc<Ask>,
    pub(super) exchange: Arc<Exchange>,
}

type Resolve = dyn Fn(&str, u16) -> io::Result<Vec<SocketAddr>> + Send + Sync;
type Ask = dyn Fn(Asked) -> Option<Credentials> + Send + Sync;
type Exchange = dyn Fn(String, Bytes) -> Result<Bytes, Error> + Send + Sync;

impl Default for Outside {
    fn default() -> Self {
        let nobody = || Error::local("dialer", NobodyExchanges);
        Self {
            resolve: Arc::new(|host, port| Ok((host, port).to_socket_addrs()?.collect())),
            ask: Arc::new(|_| None),
            exchange: Arc::new(move |_, _| Err(nobody())),
        }
    }
}

impl Outside {
    /// Looks names up by this, instead of the system; each address shall have the port.
    #[must_use]
    pub fn resolver(
        mut self,
        resolve: impl Fn(&str, u16) -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static,
    ) -> Self {
        self.resolve = Arc::new(resolve);
        self
    }
    /// Asks this for credentials, instead of nobody.
    #[must_use]
    pub fn credentials(
        mut self,
        ask: impl Fn(Asked) -> Option<Credentials> + Send + Sync + 'static,
    ) -> Self {
        self.ask = Arc::new(ask);
        self
    }
    /// Has this make the exchanges with other servers that authenticators want.
    #[must_use]
    pub fn exchange(
        mut self,
        exchange: impl Fn(String, Bytes) -> Result<Bytes, Error> + Send + Sync + 'static,
    ) -> Self {
        self.exchange = Arc::new(exchange);
        self
    }
}

#[derive(Debug, thiserror::Error)]
#[error("nobody exchanges anything with other servers here: see `Outside::exchange`")]
struct NobodyExchanges;
