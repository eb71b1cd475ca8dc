//! The methods that need the standard library.

use crate::{Instant, Pipe};
use core::time::Duration;
use std::io::IoSlice;
use std::sync::LazyLock;

/// With the feature `std`: the clock of the system, and conversions.
impl Instant {
    /// Returns the current time of the system's clock. The origin is one of this process. Drivers
    /// that have no clock of their own use it. Needs the feature `std`.
    pub fn now() -> Self {
        #[allow(clippy::disallowed_methods)] // drivers call this
        Self::from_std(std::time::Instant::now())
    }

    /// Converts a time of the standard library. A time long before this process becomes the origin.
    /// Needs the feature `std`.
    ///
    /// ```
    /// use wirestack_layer::Instant;
    ///
    /// let now = std::time::Instant::now();
    /// assert_eq!(Instant::from_std(now).into_std(), now);
    /// ```
    #[inline]
    pub fn from_std(time: std::time::Instant) -> Self {
        Self::after_origin(time.saturating_duration_since(*ORIGIN))
    }

    /// Converts to a time of the standard library. A time that is too late for it becomes one many
    /// years from now. Needs the feature `std`.
    #[inline]
    pub fn into_std(self) -> std::time::Instant {
        ORIGIN
            .checked_add(self.since_origin())
            .unwrap_or_else(|| *ORIGIN + FAR_AWAY)
    }
}

/// With the feature `std`: vectored writes.
impl Pipe {
    /// Fills `slices` for a vectored write, and returns the number of slices that it filled. Needs
    /// the feature `std`.
    ///
    /// ```
    /// use std::io::{IoSlice, Write};
    /// use wirestack_layer::Pipe;
    ///
    /// let mut to_wire = Pipe::new();
    /// to_wire.push(bytes::Bytes::from(vec![7; 100_000]));
    /// to_wire.write(b"and the rest");
    /// let mut slices = [IoSlice::new(&[]); 8];
    /// let filled = to_wire.io_slices(&mut slices);
    /// let mut socket = Vec::new();
    /// let sent = socket.write_vectored(&slices[..filled])?; // one call for all pieces
    /// to_wire.consume(sent);
    /// assert_eq!(socket.len(), 100_012);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn io_slices<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let filled = slices.iter_mut().zip(self.chunks());
        filled
            .map(|(slice, chunk)| *slice = IoSlice::new(chunk))
            .count()
    }
}

/// The origin of converted times. It lies a while back, for times before the first conversion.
#[allow(clippy::disallowed_methods)] // drivers convert
static ORIGIN: LazyLock<std::time::Instant> = LazyLock::new(|| {
    let now = std::time::Instant::now();
    now.checked_sub(A_WHILE).unwrap_or(now)
});

const A_WHILE: Duration = Duration::from_secs(60 * 60);

const FAR_AWAY: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);
