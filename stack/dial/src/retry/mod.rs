//! The decision to connect again after a connection was lost, and the time to wait before.

mod retry_after;
mod temporary;

use crate::report::error::DialError;
use chacha20::ChaCha12Rng;
use chacha20::rand_core::{Rng, SeedableRng};
use std::fmt;
use std::time::Duration;
use wirestack_layer::{Instant, Seed};
use wirestack_websocket::CloseCode;

/// The time to wait before connecting again (RFC 6455 §7.2.3).
///
/// The first wait is a random time, so that the clients of a server that failed do not all come
/// back at once. Each later wait is between half and all of a time that doubles with each failure.
///
/// ```
/// use std::time::Duration;
/// use wirestack_dial::Backoff;
///
/// let backoff = Backoff::default().first(Duration::from_secs(1)).failures(10);
/// assert_eq!(backoff.failures, Some(10));
/// ```
///
/// ```
/// use std::time::Duration;
/// use wirestack_dial::Backoff;
///
/// let backoff = Backoff::default()
///     .first(Duration::from_millis(500))
///     .most(Duration::from_secs(30))
///     .failures(10) // then it gives up; without it, never
///     .stable(Duration::from_secs(60)) // an hour later, it begins anew
///     .retry_after(Duration::from_secs(300)); // what a server may ask for, at most
/// assert_eq!(backoff.most, Duration::from_secs(30));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Backoff {
    /// The longest first wait: 5 s.
    pub first: Duration,
    /// The longest wait of all: 60 s.
    pub most: Duration,
    /// The number of failures in a row after which to give up: no limit, unless set.
    pub failures: Option<u32>,
    /// The time that a connection must last until earlier failures no longer count: 60 s.
    pub stable: Duration,
    /// The longest wait that a server can ask for with `Retry-After`: 1 hour.
    pub retry_after: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(5),
            most: Duration::from_secs(60),
            failures: None,
            stable: Duration::from_secs(60),
            retry_after: Duration::from_secs(3600),
        }
    }
}

impl Backoff {
    /// Sets the longest first wait.
    #[must_use]
    pub fn first(mut self, first: Duration) -> Self {
        self.first = first;
        self
    }

    /// Sets the longest wait of all.
    #[must_use]
    pub fn most(mut self, most: Duration) -> Self {
        self.most = most;
        self
    }

    /// Sets the number of failures in a row after which to give up.
    #[must_use]
    pub fn failures(mut self, failures: impl Into<Option<u32>>) -> Self {
        self.failures = failures.into();
        self
    }

    /// Sets the time that a connection must last until earlier failures no longer count.
    #[must_use]
    pub fn stable(mut self, stable: Duration) -> Self {
        self.stable = stable;
        self
    }

    /// Sets the longest wait that a server can ask for with `Retry-After`.
    #[must_use]
    pub fn retry_after(mut self, retry_after: Duration) -> Self {
        self.retry_after = retry_after;
        self
    }
}

/// The state machine that decides if and when to connect again. It has no clock.
///
/// ```
/// use wirestack_dial::{Backoff, Next, Reconnect};
/// use wirestack_layer::{Instant, Seed};
/// use wirestack_websocket::CloseCode;
///
/// let mut reconnect = Reconnect::new(Backoff::default(), Seed::new([7; 32]));
/// reconnect.connected(Instant::ORIGIN);
/// assert!(matches!(reconnect.broke(Instant::ORIGIN), Next::At(_)));
/// reconnect.connected(Instant::ORIGIN);
/// assert!(matches!(reconnect.closed(CloseCode::NORMAL, Instant::ORIGIN), Next::Done));
/// ```
pub struct Reconnect {
    backoff: Backoff,
    random: ChaCha12Rng,
    failures: u32,
    connected_since: Option<Instant>,
}

/// The decision after a connection failed, broke or was closed.
///
/// ```
/// use std::time::Duration;
/// use wirestack_dial::Next;
/// use wirestack_layer::Instant;
///
/// /// Returns the time to sleep before the next connection; `None` if there is none.
/// fn wait(next: Next, now: Instant) -> Option<Duration> {
///     match next {
///         Next::At(at) => Some(at.saturating_duration_since(now)),
///         Next::Done | Next::GiveUp => None,
///     }
/// }
/// assert_eq!(wait(Next::Done, Instant::ORIGIN), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Connect again at this time.
    At(Instant),
    /// Do not connect again: the peer closed the connection normally.
    Done,
    /// Do not connect again: there were too many failures, or this failure is permanent.
    GiveUp,
}

impl Reconnect {
    /// Creates a state machine without failures. The random waits come from the seed.
    pub fn new(backoff: Backoff, seed: Seed) -> Self {
        Self {
            backoff,
            random: ChaCha12Rng::from_seed(seed.into_bytes()),
            failures: 0,
            connected_since: None,
        }
    }

    /// Records that there is a connection.
    pub fn connected(&mut self, now: Instant) {
        self.connected_since = Some(now);
    }

    /// Records that connecting failed, and returns the decision: to give up, unless the error is
    /// [temporary](DialError::is_temporary).
    ///
    /// It waits at least as long as the server wants ([`DialError::retry_after`]), up to
    /// [`Backoff::retry_after`].
    ///
    /// ```
    /// use wirestack_dial::{Backoff, DialError, Next, Reconnect};
    /// use wirestack_layer::{Error, Instant, Seed};
    ///
    /// let mut reconnect = Reconnect::new(Backoff::default(), Seed::new([7; 32]));
    /// let error = DialError::invalid(Error::local("route", "no such proxy"), Instant::ORIGIN);
    /// // A person has to mend it.
    /// assert_eq!(reconnect.failed(&error, Instant::ORIGIN), Next::GiveUp);
    /// ```
    pub fn failed(&mut self, error: &DialError, now: Instant) -> Next {
        if !error.is_temporary() {
            return Next::GiveUp;
        }
        let wanted = error.retry_after().unwrap_or_default();
        match (
            self.wait(now),
            now.checked_add(wanted.min(self.backoff.retry_after)),
        ) {
            (Next::At(at), Some(earliest)) => Next::At(at.max(earliest)),
            (Next::At(_), None) => Next::GiveUp, // that time never comes
            (other, _) => other,
        }
    }

    /// Records that the connection broke, and returns the decision.
    pub fn broke(&mut self, now: Instant) -> Next {
        self.wait(now)
    }

    /// Records that the peer closed the WebSocket with this code, and returns the decision.
    ///
    /// If the server goes away, restarts or fails, the client connects again. 1000 is a normal end,
    /// and every other code is a refusal.
    pub fn closed(&mut self, code: CloseCode, now: Instant) -> Next {
        match code {
            CloseCode::NORMAL => Next::Done,
            CloseCode::GOING_AWAY
            | CloseCode::NO_STATUS
            | CloseCode::INTERNAL_ERROR
            | CloseCode::SERVICE_RESTART
            | CloseCode::TRY_AGAIN_LATER
            | CloseCode::BAD_GATEWAY => self.wait(now),
            _ => Next::GiveUp,
        }
    }

    fn wait(&mut self, now: Instant) -> Next {
        let since = self.connected_since.take();
        let lived = since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since));
        if lived >= self.backoff.stable {
            self.failures = 0;
        }
        self.failures = self.failures.saturating_add(1);
        if self
            .backoff
            .failures
            .is_some_and(|most| self.failures >= most)
        {
            return Next::GiveUp;
        }
        let Backoff { first, most, .. } = self.backoff;
        let doubled = first.saturating_mul(1u32.checked_shl(self.failures - 1).unwrap_or(u32::MAX));
        let longest = doubled.min(most);
        let shortest = if self.failures == 1 {
            Duration::ZERO
        } else {
            longest / 2
        };
        let fraction = f64::from(self.random.next_u32()) / f64::from(u32::MAX);
        let wait = shortest + (longest - shortest).mul_f64(fraction);
        now.checked_add(wait).map_or(Next::GiveUp, Next::At)
    }
}

impl fmt::Debug for Reconnect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reconnect")
            .field("backoff", &self.backoff)
            .field("failures", &self.failures)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::error::Reason;
    use crate::report::trace::Trace;
    use http::header::{HeaderMap, RETRY_AFTER};
    use http::{HeaderValue, StatusCode};
    use wirestack_http::Refusal;
    use wirestack_http1::Http1Error;
    use wirestack_layer::{Error, origin};

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    fn waits(backoff: Backoff, seed: u8, n: usize) -> Vec<Duration> {
        let mut reconnect = Reconnect::new(backoff, Seed::new([seed; 32]));
        let now = Instant::ORIGIN;
        let mut waits = Vec::new();
        for _ in 0..n {
            match reconnect.broke(now) {
                Next::At(at) => waits.push(at - now),
                other => panic!("{other:?}"),
            }
        }
        waits
    }

    #[test]
    fn rfc6455_7_2_3_waits_are_random_and_double_up_to_a_limit() {
        let mut firsts = Vec::new();
        for seed in 0..100 {
            let waits = waits(Backoff::default(), seed, 40);
            for (n, wait) in waits.iter().enumerate() {
                let longest = seconds(5 << n.min(4)).min(seconds(60));
                let shortest = if n == 0 { Duration::ZERO } else { longest / 2 };
                assert!((shortest..=longest).contains(wait), "{n}: {wait:?}");
            }
            firsts.push(waits[0]);
        }
        assert!(firsts.iter().any(|wait| *wait < seconds(1)));
        assert!(firsts.iter().any(|wait| *wait > seconds(4)));
        assert_eq!(
            waits(Backoff::default(), 7, 9),
            waits(Backoff::default(), 7, 9)
        );
        assert_ne!(
            waits(Backoff::default(), 7, 9),
            waits(Backoff::default(), 8, 9)
        );
    }

    #[test]
    fn failures_are_forgotten_after_a_stable_connection_and_not_before() {
        let backoff = Backoff {
            failures: Some(3),
            ..Backoff::default()
        };
        let start = Instant::ORIGIN;
        for (lived, ends) in [(59, true), (60, false)] {
            let mut reconnect = Reconnect::new(backoff, Seed::new([1; 32]));
            let mut now = start;
            for _ in 0..2 {
                assert!(matches!(reconnect.broke(now), Next::At(_)));
            }
            reconnect.connected(now);
            now += seconds(lived);
            let next = reconnect.broke(now);
            assert_eq!(next == Next::GiveUp, ends, "{lived}: {next:?}");
        }
    }

    #[test]
    fn some_ends_are_for_good() {
        let now = Instant::ORIGIN;
        let mut reconnect = Reconnect::new(Backoff::default(), Seed::new([1; 32]));
        assert_eq!(reconnect.closed(CloseCode::NORMAL, now), Next::Done);
        for code in [1001, 1005, 1011, 1012, 1013, 1014] {
            let next = reconnect.closed(CloseCode::new(code), now);
            assert!(matches!(next, Next::At(_)), "{code}");
        }
        for code in [1002, 1003, 1007, 1008, 1009, 1010, 3000, 4001] {
            let next = reconnect.closed(CloseCode::new(code), now);
            assert_eq!(next, Next::GiveUp, "{code}");
        }
        let error = |reason| DialError::new(reason, Trace::new(now));
        let invalid = error(Reason::Invalid(Error::local(origin::ROUTE, "no")));
        assert_eq!(reconnect.failed(&invalid, now), Next::GiveUp);
        let lost = Reason::Unreached {
            part: "target".into(),
            tried: Vec::new(),
        };
        assert!(matches!(reconnect.failed(&error(lost), now), Next::At(_)));
    }

    #[test]
    fn a_server_is_not_asked_before_the_time_that_it_wants() {
        let now = Instant::ORIGIN;
        let refused = |after: &'static str| {
            let mut fields = HeaderMap::new();
            fields.insert(RETRY_AFTER, HeaderValue::from_static(after));
            let refusal = Refusal::new(StatusCode::TOO_MANY_REQUESTS, fields);
            let error = Error::peer("connect", Http1Error::Refused(Box::new(refusal)));
            let reason = Reason::Layer {
                part: "target".into(),
                error,
            };
            DialError::new(reason, Trace::new(now))
        };
        for (after, least) in [("30", 30), ("7200", 3600), ("0", 0)] {
            let mut reconnect = Reconnect::new(Backoff::default(), Seed::new([1; 32]));
            let Next::At(at) = reconnect.failed(&refused(after), now) else {
                panic!("{after}: given up");
            };
            let most = seconds(least).max(seconds(5));
            assert!((seconds(least)..=most).contains(&(at - now)), "{after}");
        }
        // A client that accepts any time does not come back soon after a time without end.
        let patient = Backoff::default().retry_after(Duration::MAX);
        let mut reconnect = Reconnect::new(patient, Seed::new([1; 32]));
        let next = reconnect.failed(&refused("18446744073709551615"), now);
        assert_eq!(next, Next::GiveUp);
    }
}
