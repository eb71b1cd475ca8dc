//! Connections that many have in common.

use crate::route::routes::Routes;
use crate::route::target::Target;
use std::collections::HashMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;
use wirestack_http2 as http2;
use wirestack_layer::Instant;
use wirestack_tls::rustls::ClientConfig;

/// An HTTP/2 connection that others may use too, and the stream that is wanted on it.
pub struct SharedConnection {
    /// What makes two of them the same connection. It holds credentials.
    pub(crate) key: String,
    pub(crate) name: String,
    pub(crate) routes: Routes,
    pub(crate) target: Target,
    pub(crate) tls: Option<Arc<ClientConfig>>,
    pub(crate) settings: http2::Settings,
    pub(crate) request: http2::ConnectRequest,
    /// Whether it leads to the target itself, and not to a proxy.
    pub(crate) is_origin: bool,
}

impl SharedConnection {
    /// Returns what to ask for on the connection.
    pub fn request(&self) -> http2::ConnectRequest {
        self.request.clone()
    }

    /// Returns what makes two of them the same connection.
    pub fn key(&self) -> PoolKey {
        PoolKey(self.key.clone())
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

/// Names a connection by where it leads and by whom it is made. It shows nothing of that.
#[derive(Clone, PartialEq, Eq)]
pub struct PoolKey(String);

impl Hash for PoolKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl fmt::Debug for PoolKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PoolKey(..)")
    }
}

/// How many connections are kept for others to use, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolConfig {
    /// How many at most: 16.
    pub connections: usize,
    /// How many streams each carries at most: 100, which servers allow by custom.
    pub streams: usize,
    /// How long one is kept that carries none: 30 s.
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

/// The books about connections that are shared, without the connections: what is to be done when a stream is
/// wanted, and which connection is to be closed when.
#[derive(Debug, Default)]
pub struct PoolState {
    sharing: PoolConfig,
    kept: HashMap<PoolKey, Kept>,
}

#[derive(Debug)]
struct Kept {
    made: bool,
    idle: Option<Instant>,
}

/// What to do to get a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checkout {
    /// Open it on the connection that is there.
    Reuse,
    /// Make the connection, then say [`PoolState::created`].
    Create,
    /// Make room by closing that one, then ask again.
    Evict(PoolKey),
    /// Somebody is making it: ask again once that is done.
    Wait,
    /// There is no room: a connection for this stream alone is to be made.
    Overflow,
}

impl PoolState {
    /// creates a state that is empty.
    pub fn new(sharing: PoolConfig) -> Self {
        Self {
            sharing,
            kept: HashMap::new(),
        }
    }

    /// Says what to do for a stream; `streams` is how many the connection carries, if there is one.
    pub fn check_out(&mut self, key: &PoolKey, streams: usize) -> Checkout {
        let room = self.kept.len() < self.sharing.connections;
        match self.kept.get_mut(key) {
            Some(kept) if !kept.made => Checkout::Wait,
            Some(_) if streams >= self.sharing.streams => Checkout::Overflow,
            Some(kept) => {
                kept.idle = None;
                Checkout::Reuse
            }
            None if room => {
                let kept = Kept {
                    made: false,
                    idle: None,
                };
                self.kept.insert(key.clone(), kept);
                Checkout::Create
            }
            None => {
                let idle = self
                    .kept
                    .iter()
                    .filter_map(|(key, it)| Some((key, it.idle?)));
                let longest = idle.min_by_key(|(_, since)| *since);
                longest.map_or(Checkout::Overflow, |(key, _)| Checkout::Evict(key.clone()))
            }
        }
    }

    /// Says that the connection is there, or could not be made.
    pub fn created(&mut self, key: &PoolKey, made: bool) {
        match (made, self.kept.get_mut(key)) {
            (true, Some(kept)) => kept.made = true,
            _ => self.remove(key),
        }
    }

    /// Says that a connection is no more.
    pub fn remove(&mut self, key: &PoolKey) {
        self.kept.remove(key);
    }

    /// Looks at a connection that carries so many streams: returns when to look again, or `None` if it
    /// is to be closed.
    pub fn check_idle(&mut self, key: &PoolKey, streams: usize, now: Instant) -> Option<Instant> {
        let kept = self.kept.get_mut(key)?;
        if streams > 0 {
            kept.idle = None;
            return now.checked_add(self.sharing.idle);
        }
        let since = *kept.idle.get_or_insert(now);
        let until = since.checked_add(self.sharing.idle)?;
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
        PoolKey(name.to_owned())
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
        let sharing = PoolConfig {
            connections: 2,
            ..PoolConfig::default()
        };
        let mut state = PoolState::new(sharing);
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
}
