//! The requests of a finder of routes to its driver, and the answers.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;
use wirestack_layer::{Error, Instant};

/// A resource to get, for a finder of routes: with `GET`, and without any proxy.
///
/// ```
/// use wirestack_dial::find::Fetch;
///
/// let mut fetch = Fetch::new("http://wpad.test/proxy.pac", 1 << 20);
/// fetch.headers.insert("if-none-match", "\"v7\"".parse()?); // it is in a cache
/// # Ok::<(), http::header::InvalidHeaderValue>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fetch {
    /// The URL: `http`, `https`, `file` or `data`.
    pub url: String,
    /// The fields of the request, beside those of every request: `If-None-Match`, for example. A
    /// redirect to another origin takes `Authorization`, `Cookie` and values that are marked as
    /// sensitive away.
    pub headers: HeaderMap,
    /// The greatest length of the content, in bytes. A longer one is an error.
    pub limit: usize,
}

impl Fetch {
    /// Creates a request for this URL, for a content of at most `limit` bytes.
    pub fn new(url: impl Into<String>, limit: usize) -> Self {
        Self {
            url: url.into(),
            headers: HeaderMap::new(),
            limit,
        }
    }
}

/// The response to a [`Fetch`], behind all redirects.
///
/// ```
/// use http::{HeaderMap, StatusCode};
/// use wirestack_dial::find::Fetched;
///
/// // As a driver answers for a file.
/// let fetched = Fetched::new(StatusCode::OK, HeaderMap::new(), "function FindProxyForURL() {}");
/// assert_eq!(format!("{fetched:?}"), "Fetched(200 OK, 29 bytes)");
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fetched {
    /// The status; 200 for a file.
    pub status: StatusCode,
    /// The fields.
    pub headers: HeaderMap,
    /// The content.
    pub content: Bytes,
}

impl Fetched {
    /// Creates a response.
    pub fn new(status: StatusCode, headers: HeaderMap, content: impl Into<Bytes>) -> Self {
        Self {
            status,
            headers,
            content: content.into(),
        }
    }
}

/// Shows the length of the content only: it may be long.
impl fmt::Debug for Fetched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fetched({}, {} bytes)", self.status, self.content.len())
    }
}

/// The facts of the machine that a finder of routes may ask for.
///
/// ```
/// use std::time::Duration;
/// use wirestack_dial::find::Machine;
/// use wirestack_layer::Instant;
///
/// // A machine for a test: a Saturday, and a clock that stands still.
/// let addresses = vec!["192.0.2.7".parse()?];
/// let machine = Machine::new(Duration::from_secs(86_400 * 2), addresses, || Instant::ORIGIN);
/// assert_eq!(machine.addresses.len(), 1);
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Machine {
    /// The time since 1970-01-01 00:00 UTC.
    pub unix_time: Duration,
    /// The addresses from which this machine reaches others, the most useful first.
    pub addresses: Vec<IpAddr>,
    /// The clock, for work on a thread that has to stop in time.
    pub clock: fn() -> Instant,
}

impl Machine {
    /// Creates the facts.
    pub fn new(unix_time: Duration, addresses: Vec<IpAddr>, clock: fn() -> Instant) -> Self {
        Self {
            unix_time,
            addresses,
            clock,
        }
    }
}

/// A machine without addresses, whose clock stands still.
impl Default for Machine {
    fn default() -> Self {
        Self::new(Duration::ZERO, Vec::new(), || Instant::ORIGIN)
    }
}

/// The inputs of a finder of routes: the start, and the answers to its actions.
///
/// ```
/// use wirestack_dial::find::{FindAction, FindInput};
/// use wirestack_dial::Routes;
///
/// /// The first step of a finder that knows its answer.
/// fn step(input: FindInput) -> Option<FindAction> {
///     matches!(input, FindInput::Start).then(|| FindAction::Found(Routes::direct()))
/// }
/// assert!(step(FindInput::Start).is_some() && step(FindInput::Ran).is_none());
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum FindInput {
    /// The first input.
    Start,
    /// The facts of the machine.
    Machine(Machine),
    /// The resource that was to get, or the reason that there is none.
    Fetched(Result<Fetched, Error>),
    /// Each name with its addresses, in the order in which they were asked for. A name that was not
    /// found has none.
    Resolved(Vec<(String, Vec<IpAddr>)>),
    /// The work that may block has run.
    Ran,
}
