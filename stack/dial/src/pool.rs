//! Shared HTTP/2 connections: their limits and their bookkeeping.

mod key;

use crate::never::NEVER;
use crate::route::routes::Routes;
use crate::route::target::Target;
use crate::route::tls_choice::TlsChoice;
pub use key::PoolKey;
use std::collections::HashMap;
use std::fmt;
use std::time::Duration;
use wirestack_http2 as http2;
use wirestack_layer::Instant;

/// A shared HTTP/2 connection, and the request that opens a stream on it.
///
/// ```
/// use wirestack_dial::{Checkout, PoolState, SharedConnection};
///
/// /// Gets a stream on the connection, or returns what has to be done before.
/// fn stream(pool: &mut PoolState, share: &SharedConnection, streams: usize) -> Checkout {
///     println!("{share} for {:?}", share.request());
///     pool.check_out(&share.key(), streams)
/// }
/// ```
pub struct SharedConnection {
    /// The key of the connection. It contains credentials.
    pub(crate) key: PoolKey,
    pub(crate) name: String,
    pub(crate) routes: Routes,
    pub(crate) target: Target,
    pub(crate) tls: TlsChoice,
    pub(crate) config: http2::Http2Config,
    pub(crate) request: http2::ConnectRequest,
    /// `true` if the connection leads to the target, `false` if it leads to a proxy.
    pub(crate) is_origin: bool,
}

impl SharedConnection {
    /// Returns the request that opens the stream.
    pub fn request(&self) -> http2::ConnectRequest {
        self.request.clone()
    }

    /// Returns the key of the connection.
    pub fn key(&self) -> PoolKey {
        self.key.clone()
    }
}

impl fmt::Display for SharedConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl fmt::Debug for SharedConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SharedConnection({self})")
    }
}

impl PartialEq for SharedConnection {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for SharedConnection {}

/// The limits of a pool.
///
/// ```
/// let config = wirestack_dial::PoolConfig::default().connections(4);
/// assert_eq!(config.connections, 4);
/// ```
///
/// ```
/// use std::time::Duration;
/// use wirestack_dial::PoolConfig;
///
/// let config = PoolConfig::default()
///     .connections(4) // to one server or proxy
///     .streams(100) // on each
///     .idle(Duration::from_secs(60));
/// assert_eq!(config.streams, 100);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolConfig {
    /// The maximum number of connections: 16.
    pub connections: usize,
    /// The maximum number of streams on each connection: 100, which most servers allow.
    pub streams: usize,
    /// The time that a connection without streams stays open: 30 s.
    pub idle: Duration,
}

impl Default for PoolConfig {
    fn default() -> Self {
        Self {
            connections: 16,
            streams: 100,
            idle: Duration::from_secs(30),
        }
    }
}

impl PoolConfig {
    /// Sets the maximum number of connections.
    #[must_use]
    pub fn connections(mut self, connections: usize) -> Self {
        self.connections = connections;
        self
    }

    /// Sets the maximum number of streams on each connection.
    #[must_use]
    pub fn streams(mut self, streams: usize) -> Self {
        self.streams = streams;
        self
    }

    /// Sets the time that a connection without streams stays open.
    #[must_use]
    pub fn idle(mut self, idle: Duration) -> Self {
        self.idle = idle;
        self
    }
}

/// The bookkeeping of a pool, without the connections: it decides to reuse, create or close one.
///
/// ```
/// use wirestack_dial::{Checkout, PoolConfig, PoolKey, PoolState};
/// use wirestack_layer::Instant;
///
/// /// The first stream to a server, and the end of its connection.
/// fn use_once(key: &PoolKey, now: Instant) {
///     let mut pool = PoolState::new(PoolConfig::default());
///     assert_eq!(pool.check_out(key, 0), Checkout::Create);
///     assert_eq!(pool.check_out(key, 0), Checkout::Wait); // another task creates it
///     pool.created(key, true);
///     assert_eq!(pool.check_out(key, 1), Checkout::Reuse);
///     let close_at = pool.check_idle(key, 0, now).expect("it stays open for a while");
///     assert!(pool.check_idle(key, 0, close_at).is_none()); // close it
///     pool.remove(key);
/// }
/// ```
#[derive(Debug, Default)]
pub struct PoolState {
    config: PoolConfig,
    connections: HashMap<PoolKey, Entry>,
}

#[derive(Debug)]
struct Entry {
    is_open: bool,
    idle_since: Option<Instant>,
}

/// The decision about how to get a stream.
///
/// ```
/// use wirestack_dial::Checkout;
///
/// /// Returns `true` if a driver has to open a connection.
/// fn opens(checkout: &Checkout) -> bool {
///     matches!(checkout, Checkout::Create | Checkout::Overflow)
/// }
/// assert!(!opens(&Checkout::Reuse));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checkout {
    /// Open the stream on the connection that is open.
    Reuse,
    /// Create the connection, then call [`PoolState::created`].
    Create,
    /// Close that connection to make room, then call [`PoolState::check_out`] again.
    Evict(PoolKey),
    /// Wait until the connection is created, then call [`PoolState::check_out`] again.
    Wait,
    /// Create a connection for this stream alone: there is no room for a shared one.
    Overflow,
}

impl PoolState {
    /// Creates an empty pool state.
    pub fn new(config: PoolConfig) -> Self {
        Self {
            config,
            connections: HashMap::new(),
        }
    }

    /// Notes which connections have no streams, before one is closed to make room for another:
    /// `streams` returns the number of those on a connection.
    ///
    /// ```
    /// use wirestack_dial::{Checkout, PoolKey, PoolState};
    /// use wirestack_layer::Instant;
    ///
    /// /// Decides again, if the pool seems to be full.
    /// fn check_out(pool: &mut PoolState, key: &PoolKey, now: Instant) -> Checkout {
    ///     match pool.check_out(key, 0) {
    ///         Checkout::Overflow => {
    ///             pool.note_idle(|_key| 1, now); // those on each connection
    ///             pool.check_out(key, 0)
    ///         }
    ///         decided => decided,
    ///     }
    /// }
    /// ```
    pub fn note_idle(&mut self, mut streams: impl FnMut(&PoolKey) -> usize, now: Instant) {
        for (key, entry) in &mut self.connections {
            if !entry.is_open || streams(key) > 0 {
                entry.idle_since = None;
            } else {
                entry.idle_since.get_or_insert(now);
            }
        }
    }

    /// Decides how to get a stream. `streams` is the number of streams on the connection, or 0 if
    /// there is no connection.
    pub fn check_out(&mut self, key: &PoolKey, streams: usize) -> Checkout {
        let has_room = self.connections.len() < self.config.connections;
        match self.connections.get_mut(key) {
            Some(entry) if !entry.is_open => Checkout::Wait,
            Some(_) if streams >= self.config.streams => Checkout::Overflow,
            Some(entry) => {
                entry.idle_since = None;
                Checkout::Reuse
            }
            None if has_room => {
                let entry = Entry {
                    is_open: false,
                    idle_since: None,
                };
                self.connections.insert(key.clone(), entry);
                Checkout::Create
            }
            None => {
                let connections = self.connections.iter();
                let idle = connections.filter_map(|(key, entry)| Some((key, entry.idle_since?)));
                let longest = idle.min_by_key(|(_, since)| *since);
                longest.map_or(Checkout::Overflow, |(key, _)| Checkout::Evict(key.clone()))
            }
        }
    }

    /// Records that a connection is open, or that it could not be created.
    pub fn created(&mut self, key: &PoolKey, is_open: bool) {
        match self.connections.get_mut(key) {
            Some(entry) if is_open => entry.is_open = true,
            _ => self.remove(key),
        }
    }

    /// Records that a connection is closed.
    pub fn remove(&mut self, key: &PoolKey) {
        self.connections.remove(key);
    }

    /// Checks if a connection with this number of streams has been idle for too long. Returns the
    /// time of the next check, or `None` if the connection is to be closed.
    pub fn check_idle(&mut self, key: &PoolKey, streams: usize, now: Instant) -> Option<Instant> {
        let entry = self.connections.get_mut(key)?;
        // Beyond all times, a connection is never idle for too long.
        let until = |since: Instant| since.checked_add(self.config.idle).unwrap_or(NEVER);
        if streams > 0 {
            entry.idle_since = None;
            return Some(until(now));
        }
        let until = until(*entry.idle_since.get_or_insert(now));
        if until <= now {
            self.remove(key);
            return None;
        }
        Some(until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> PoolKey {
        PoolKey::new(name.to_owned().into(), &[], &TlsChoice::new(None))
    }

    #[test]
    fn one_makes_a_connection_and_the_others_wait_for_it() {
        let mut state = PoolState::new(PoolConfig::default());
        assert_eq!(state.check_out(&key("a"), 0), Checkout::Create);
        assert_eq!(state.check_out(&key("a"), 0), Checkout::Wait);
        assert_eq!(state.check_out(&key("b"), 0), Checkout::Create);
        state.created(&key("a"), true);
        assert_eq!(state.check_out(&key("a"), 99), Checkout::Reuse);
        assert_eq!(state.check_out(&key("a"), 100), Checkout::Overflow);
        state.created(&key("b"), false);
        assert_eq!(state.check_out(&key("b"), 0), Checkout::Create);
        state.remove(&key("a"));
        assert_eq!(state.check_out(&key("a"), 0), Checkout::Create);
    }

    #[test]
    fn it_is_bounded_and_the_longest_idle_makes_room() {
        let start = Instant::ORIGIN;
        let config = PoolConfig {
            connections: 2,
            ..PoolConfig::default()
        };
        let mut state = PoolState::new(config);
        for name in ["a", "b"] {
            assert_eq!(state.check_out(&key(name), 0), Checkout::Create);
            state.created(&key(name), true);
        }
        assert_eq!(state.check_out(&key("c"), 0), Checkout::Overflow);
        let later = start + Duration::from_secs(1);
        assert!(state.check_idle(&key("b"), 0, start).is_some());
        assert!(state.check_idle(&key("a"), 0, later).is_some());
        assert_eq!(state.check_out(&key("c"), 0), Checkout::Evict(key("b")));
        state.remove(&key("b"));
        assert_eq!(state.check_out(&key("c"), 0), Checkout::Create);
    }

    #[test]
    fn an_idle_connection_is_closed_in_time() {
        let start = Instant::ORIGIN;
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut state = PoolState::new(PoolConfig::default());
        assert_eq!(state.check_out(&key("a"), 0), Checkout::Create);
        state.created(&key("a"), true);
        assert_eq!(state.check_idle(&key("a"), 1, start), Some(at(30)));
        assert_eq!(state.check_idle(&key("a"), 0, at(30)), Some(at(60)));
        assert_eq!(state.check_out(&key("a"), 0), Checkout::Reuse); // which makes it busy again
        assert_eq!(state.check_idle(&key("a"), 0, at(60)), Some(at(90)));
        assert_eq!(state.check_idle(&key("a"), 0, at(90)), None);
        assert_eq!(state.check_out(&key("a"), 0), Checkout::Create);
    }

    #[test]
    fn a_connection_without_streams_makes_room_although_its_idle_time_is_long() {
        let now = Instant::ORIGIN;
        let config = PoolConfig::default().connections(2).idle(Duration::MAX);
        let mut state = PoolState::new(config);
        for name in ["a", "b"] {
            assert_eq!(state.check_out(&key(name), 0), Checkout::Create);
            state.created(&key(name), true);
            assert!(state.check_idle(&key(name), 1, now).is_some()); // and not again for long
        }
        assert_eq!(state.check_out(&key("c"), 0), Checkout::Overflow);
        state.note_idle(|other| usize::from(*other == key("a")), now);
        assert_eq!(state.check_out(&key("c"), 0), Checkout::Evict(key("b")));
        state.remove(&key("b"));
        assert_eq!(state.check_out(&key("c"), 0), Checkout::Create);
        state.note_idle(|_| 0, now); // one that is being made is not idle
        assert_eq!(state.check_out(&key("d"), 0), Checkout::Evict(key("a")));
    }

    #[test]
    fn a_connection_that_may_be_idle_for_ever_is_kept() {
        let start = Instant::ORIGIN + Duration::from_secs(1);
        let config = PoolConfig::default().idle(Duration::MAX);
        let mut state = PoolState::new(config);
        assert_eq!(state.check_out(&key("a"), 0), Checkout::Create);
        state.created(&key("a"), true);
        for streams in [1, 0, 0] {
            let next = state.check_idle(&key("a"), streams, start);
            assert!(next.is_some_and(|next| next > start), "{streams} streams");
        }
        assert_eq!(state.check_out(&key("a"), 0), Checkout::Reuse);
    }
}
