//! The destinations of connections, and the identifiers of look-ups, attempts and questions.

use crate::pool::SharedConnection;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

/// The other end of one connection: an address, a Unix socket, or a shared HTTP/2 connection.
///
/// ```
/// use wirestack_dial::Destination;
///
/// let server = Destination::Tcp("192.0.2.7:443".parse()?);
/// assert_eq!(server.to_string(), "192.0.2.7:443");
/// assert_eq!(server.address(), "192.0.2.7:443".parse().ok());
/// assert!(Destination::Unix("/run/proxy.sock".into()).address().is_none());
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// An IP address and a port.
    Tcp(SocketAddr),
    /// A Unix socket.
    Unix(PathBuf),
    /// A stream on a shared HTTP/2 connection. A [`PoolState`](crate::PoolState) decides if that
    /// connection is reused or created; [`Dialer::opened_stream`] takes the stream.
    ///
    /// [`Dialer::opened_stream`]: crate::Dialer::opened_stream
    Stream(Arc<SharedConnection>),
}

impl Destination {
    /// Returns the IP address and the port, if the destination is one.
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

/// The identifier of a look-up.
///
/// ```
/// use std::collections::HashMap;
/// use wirestack_dial::LookupId;
///
/// /// The look-ups of a driver that are under way.
/// struct Lookups<T>(HashMap<LookupId, T>);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LookupId(pub(crate) u32);

/// The identifier of an attempt to connect.
///
/// ```
/// use std::collections::HashMap;
/// use std::net::TcpStream;
/// use wirestack_dial::AttemptId;
///
/// /// The sockets of a driver that are being opened.
/// struct Attempts(HashMap<AttemptId, TcpStream>);
///
/// impl Attempts {
///     /// Carries `Step::Close` out.
///     fn close(&mut self, attempt: AttemptId) {
///         self.0.remove(&attempt);
///     }
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AttemptId(pub(crate) u32);

/// The identifier of a question of an authenticator.
///
/// ```
/// use wirestack_dial::{AttemptId, QuestionId};
///
/// /// Returns `true` if the answer is for this connection.
/// fn is_for(question: QuestionId, connection: AttemptId) -> bool {
///     question.attempt() == connection
/// }
/// ```
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
