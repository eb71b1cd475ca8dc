//! Time without a clock.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};
use std::sync::LazyLock;
use std::time::Duration;

/// A point in time, as the time that has passed since an origin. The driver chooses the origin.
///
/// A layer reads no clock: time comes in with each call. So it runs where there is no clock, and tests
/// and replays make their own time.
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
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(Duration);

impl Instant {
    /// The origin itself: where time begins in tests and in examples.
    pub const ORIGIN: Self = Self(Duration::ZERO);

    /// Creates the point in time that is so long after the origin.
    pub const fn after_origin(time: Duration) -> Self {
        Self(time)
    }

    /// Returns the time since the origin.
    pub const fn since_origin(self) -> Duration {
        self.0
    }

    /// Returns the point in time that is so long after this one; `None` if that is never: more than
    /// `i64::MAX` seconds after the origin.
    pub fn checked_add(self, time: Duration) -> Option<Self> {
        let sum = self.0.checked_add(time)?;
        (sum.as_secs() <= i64::MAX as u64).then_some(Self(sum))
    }

    /// Returns the time since `earlier`, or zero if that is later.
    pub fn saturating_duration_since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }

    /// Returns the current time of the system's clock, with an origin of this process. Drivers that have
    /// no clock of their own use it.
    pub fn now() -> Self {
        #[allow(clippy::disallowed_methods)] // drivers call this
        Self::from_std(std::time::Instant::now())
    }

    /// Converts a time of the standard library. A time long before this process is the origin.
    #[inline]
    pub fn from_std(time: std::time::Instant) -> Self {
        Self(time.saturating_duration_since(*ORIGIN))
    }

    /// Converts it to a time of the standard library. A time too far away for that is many years from
    /// now.
    #[inline]
    pub fn into_std(self) -> std::time::Instant {
        ORIGIN
            .checked_add(self.0)
            .unwrap_or_else(|| *ORIGIN + FAR_AWAY)
    }
}

/// The origin of times that were converted. It lies a while ago, for times before the first conversion.
#[allow(clippy::disallowed_methods)] // drivers convert
static ORIGIN: LazyLock<std::time::Instant> = LazyLock::new(|| {
    let now = std::time::Instant::now();
    now.checked_sub(A_WHILE).unwrap_or(now)
});

const A_WHILE: Duration = Duration::from_secs(60 * 60);

const FAR_AWAY: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

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

/// The time between two points; zero if the second one is later.
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
