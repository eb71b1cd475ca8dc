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
pub struct Share {
    /// What makes two of them the same connection. It holds credentials.
    pub(crate) key: String,
    pub(crate) name: String,
    pub(crate) routes: Routes,
    pub(crate) target: Target,
    pub(crate) tls: Option<Arc<ClientConfig>>,
    pub(crate) settings: http2::Settings,
    pub(crate) request: http2::Request,
    /// Whether it leads to the target itself, and not to a proxy.
    pub(crate) is_origin: bool,
}

impl Share {
    /// Returns what to ask for on the connection.
    pub fn request(&self) -> http2::Request {
        self.request.clone()
    }
    /// Returns what makes two of them the same connection.
    pub fn key(&self) -> ShareKey {
        ShareKey(self.key.clone())
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl fmt::Debug for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Share({self})")
    }
}

impl PartialEq for Share {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Share {}

/// Names a connection by where it leads and by whom it is made. It shows nothing of that.
#[derive(Clone, PartialEq, Eq)]
pub struct ShareKey(String);

impl Hash for ShareKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl fmt::Debug for ShareKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ShareKey(..)")
    }
}

/// How many connections are kept for others to use, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sharing {
    /// How many at most: 16.
    pub connections: usize,
    /// How many streams each carries at most: 100, which servers allow by custom.
    pub streams: usize,
    /// How long one is kept that carries none: 30 s.
    pub idle: Duration,
}

impl Default for Sharing {
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
pub struct Ledger {
    sharing: Sharing,
    kept: HashMap<ShareKey, Kept>,
}

#[derive(Debug)]
struct Kept {
    made: bool,
    idle: Option<Instant>,
}

/// What to do to get a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Take {
    /// Open it on the connection that is there.
    Use,
    /// Make the connection, then say [`Ledger::made`].
    Make,
    /// Make room by closing that one, then ask again.
    Close(ShareKey),
    /// Somebody is making it: ask again once that is done.
    Wait,
    /// There is no room: a connection for this stream alone is to be made.
    Full,
}

impl Ledger {
    /// creates a ledger that is empty.
    pub fn new(sharing: Sharing) -> Self {
        Self {
            sharing,
            kept: HashMap::new(),
        }
    }
    /// Says what to do for a stream; `streams` is how many the connection carries, if there is one.
    pub fn take(&mut self, key: &ShareKey, streams: usize) -> Take {
        let room = self.kept.len() < self.sharing.connections;
        match self.kept.get_mut(key) {
            Some(kept) if !kept.made => Take::Wait,
            Some(_) if streams >= self.sharing.streams => Take::Full,
            Some(kept) => {
                kept.idle = None;
                Take::Use
            }
            None if room => {
                let kept = Kept {
                    made: false,
                    idle: None,
                };
                self.kept.insert(key.clone(), kept);
                Take::Make
            }
            None => {
                let idle = self
                    .kept
                    .iter()
                    .filter_map(|(key, it)| Some((key, it.idle?)));
                let longest = idle.min_by_key(|(_, since)| *since);
                longest.map_or(Take::Full, |(key, _)| Take::Close(key.clone()))
            }
        }
    }
    /// Says that the connection is there, or could not be made.
    pub fn made(&mut self, key: &ShareKey, made: bool) {
        match (made, self.kept.get_mut(key)) {
            (true, Some(kept)) => kept.made = true,
            _ => self.gone(key),
        }
    }
    /// Says that a connection is no more.
    pub fn gone(&mut self, key: &ShareKey) {
        self.kept.remove(key);
    }
    /// Looks at a connection that carries so many streams: returns when to look again, or `None` if it
    /// is to be closed.
    pub fn look(&mut self, key: &ShareKey, streams: usize, now: Instant) -> Option<Instant> {
        let kept = self.kept.get_mut(key)?;
        if streams > 0 {
            kept.idle = None;
            return now.checked_add(self.sharing.idle);
        }
        let since = *kept.idle.get_or_insert(now);
        let until = since.checked_add(self.sharing.idle)?;
        if until <= now {
            self.gone(key);
            return None;
        }
        Some(until)
    }
}

#[cfg(test)]
mod tests {

    use super::*;

    fn key(name: &str) -> ShareKey {
        ShareKey(name.to_owned())
    }

    #[test]
    fn one_makes_a_connection_and_the_others_wait_for_it() {
        let mut ledger = Ledger::new(Sharing::default());
        assert_eq!(ledger.take(&key("a"), 0), Take::Make);
        assert_eq!(ledger.take(&key("a"), 0), Take::Wait);
        assert_eq!(ledger.take(&key("b"), 0), Take::Make);
        ledger.made(&key("a"), true);
        assert_eq!(ledger.take(&key("a"), 99), Take::Use);
        assert_eq!(ledger.take(&key("a"), 100), Take::Full);
        ledger.made(&key("b"), false);
        assert_eq!(ledger.take(&key("b"), 0), Take::Make);
        ledger.gone(&key("a"));
        assert_eq!(ledger.take(&key("a"), 0), Take::Make);
    }

    #[test]
    fn it_is_bounded_and_the_longest_idle_makes_room() {
        let start = Instant::ORIGIN;
        let sharing = Sharing {
            connections: 2,
            ..Sharing::default()
        };
        let mut ledger = Ledger::new(sharing);
        for name in ["a", "b"] {
            assert_eq!(ledger.take(&key(name), 0), Take::Make);
            ledger.made(&key(name), true);
        }
        assert_eq!(ledger.take(&key("c"), 0), Take::Full);
        let later = start + Duration::from_secs(1);
        assert!(ledger.look(&key("b"), 0, start).is_some());
        assert!(ledger.look(&key("a"), 0, later).is_some());
        assert_eq!(ledger.take(&key("c"), 0), Take::Close(key("b")));
        ledger.gone(&key("b"));
        assert_eq!(ledger.take(&key("c"), 0), Take::Make);
    }

    #[test]
    fn an_idle_connection_is_closed_in_time() {
        let start = Instant::ORIGIN;
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut ledger = Ledger::new(Sharing::default());
        assert_eq!(ledger.take(&key("a"), 0), Take::Make);
        ledger.made(&key("a"), true);
        assert_eq!(ledger.look(&key("a"), 1, start), Some(at(30)));
        assert_eq!(ledger.look(&key("a"), 0, at(30)), Some(at(60)));
        assert_eq!(ledger.take(&key("a"), 0), Take::Use); // which makes it busy again
        assert_eq!(ledger.look(&key("a"), 0, at(60)), Some(at(90)));
        assert_eq!(ledger.look(&key("a"), 0, at(90)), None);
        assert_eq!(ledger.take(&key("a"), 0), Take::Make);
    }
}
