//! Time without a clock.

use core::fmt;
use core::ops::{Add, AddAssign, Sub};
use core::time::Duration;

/// A point in time, as the time that has passed since an origin. The driver chooses the origin.
///
/// A layer reads no clock: time comes in with each call. So it runs where there is no clock, and
/// tests and replays make their own time.
///
/// ```
/// use std::time::Duration;
/// use wirestack_layer::Instant;
///
/// let now = Instant::ORIGIN;
/// let later = now + Duration::from_secs(2);
/// assert_eq!(later - now, Duration::from_secs(2));
/// assert!(later > now);
/// ```
///
/// ```
/// use std::time::Duration;
/// use wirestack_layer::Instant;
///
/// let start = Instant::after_origin(Duration::from_secs(5)); // a test's own clock
/// let later = start + Duration::from_secs(2);
/// assert_eq!(later.since_origin(), Duration::from_secs(7));
/// assert_eq!(later.saturating_duration_since(start), Duration::from_secs(2));
/// assert_eq!(start.saturating_duration_since(later), Duration::ZERO);
/// assert_eq!(start.checked_add(Duration::MAX), None); // a time that never comes
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(Duration);

impl Instant {
    /// The origin itself. Tests and examples begin there.
    pub const ORIGIN: Self = Self(Duration::ZERO);

    /// Creates the point in time that is `time` after the origin.
    pub const fn after_origin(time: Duration) -> Self {
        Self(time)
    }

    /// Returns the time since the origin.
    pub const fn since_origin(self) -> Duration {
        self.0
    }

    /// Returns the point in time that is `time` after this one. Returns `None` if that is more than
    /// `i64::MAX` seconds after the origin.
    pub fn checked_add(self, time: Duration) -> Option<Self> {
        let sum = self.0.checked_add(time)?;
        (sum.as_secs() <= i64::MAX as u64).then_some(Self(sum))
    }

    /// Returns the time since `earlier`, or zero if that is later.
    pub fn saturating_duration_since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, time: Duration) -> Self {
        Self(self.0 + time)
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, time: Duration) {
        self.0 += time;
    }
}

impl Sub<Duration> for Instant {
    type Output = Self;

    fn sub(self, time: Duration) -> Self {
        Self(self.0 - time)
    }
}

/// Returns the time between two points, or zero if the second one is later.
impl Sub for Instant {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        self.saturating_duration_since(earlier)
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
