//! Identifiers of what is under way, and where connections lead.

use crate::pool::SharedConnection;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

/// Where a connection leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// An address of the internet.
    Tcp(SocketAddr),
    /// A Unix socket.
    Unix(PathBuf),
    /// A stream on an HTTP/2 connection that others use too: by [`Dialer::opened_stream`]. Which
    /// connection, and whether it has to be made, a [`PoolState`](crate::PoolState) says.
    ///
    /// [`Dialer::opened_stream`]: crate::Dialer::opened_stream
    Stream(Arc<SharedConnection>),
}

impl Destination {
    /// Returns the address of the internet, if it is one.
    pub fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(address) => Some(*address),
            Self::Unix(_) | Self::Stream(_) => None,
        }
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => path.display().fmt(f),
            Self::Stream(share) => write!(f, "a stream to {share}"),
        }
    }
}

/// Names a look-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LookupId(pub(crate) u32);

/// Names an attempt to connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AttemptId(pub(crate) u32);

/// Names a question of an authenticator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct QuestionId {
    pub(crate) id: u32,
    pub(crate) attempt: AttemptId,
}

impl QuestionId {
    /// Returns the attempt whose connection waits for the answer.
    pub fn attempt(self) -> AttemptId {
        self.attempt
    }
}
