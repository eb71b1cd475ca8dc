//! The limits of a proxy auto-config file and its script.

use std::time::Duration;

/// The limits of a proxy auto-config file and its script.
///
/// ```
/// use wirestack_pac::{Pac, PacLimits};
///
/// let limits = PacLimits::default().names(4);
/// let pac = Pac::url("http://wpad.test/proxy.pac")?.limits(limits);
/// # drop(pac);
/// # Ok::<(), wirestack_pac::PacError>(())
/// ```
///
/// ```
/// use std::time::Duration;
/// use wirestack_pac::PacLimits;
///
/// let limits = PacLimits::default()
///     .file(256 * 1024)
///     .time(Duration::from_secs(1)) // of the script, for one URL
///     .memory(16 << 20)
///     .names(10)
///     .result(4096)
///     .least_age(Duration::from_secs(60))
///     .most_age(Duration::from_secs(3600))
///     .dead(Duration::from_secs(300)); // a proxy that has failed is tried last for so long
/// assert_eq!(limits.names, 10);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PacLimits {
    /// The length of the file, in bytes: 1 MiB.
    pub file: usize,
    /// The time of one run of the script: 2 s. It runs once more after each look-up of names.
    pub time: Duration,
    /// The memory of one run, in bytes, beside ten times the length of the file: 8 MiB.
    pub memory: usize,
    /// The names that one dialing looks up for the script: 20.
    pub names: usize,
    /// The length of the result, in bytes: 8 KiB.
    pub result: usize,
    /// The time for which a file is used at least, whatever its server says: 1 min. It bounds the
    /// requests.
    pub least_age: Duration,
    /// The time for which a file is used at most before its server is asked again: 12 h.
    pub most_age: Duration,
    /// The time for which a proxy that was not reached goes behind the others: 5 min.
    pub dead: Duration,
}

impl Default for PacLimits {
    fn default() -> Self {
        Self {
            file: 1024 * 1024,
            time: Duration::from_secs(2),
            memory: 8 * 1024 * 1024,
            names: 20,
            result: 8 * 1024,
            least_age: Duration::from_secs(60),
            most_age: Duration::from_secs(12 * 60 * 60),
            dead: Duration::from_secs(5 * 60),
        }
    }
}

impl PacLimits {
    /// Sets the length of the file, in bytes.
    #[must_use]
    pub fn file(mut self, file: usize) -> Self {
        self.file = file;
        self
    }

    /// Sets the time of one run of the script.
    #[must_use]
    pub fn time(mut self, time: Duration) -> Self {
        self.time = time;
        self
    }

    /// Sets the memory of one run, in bytes, beside ten times the length of the file.
    #[must_use]
    pub fn memory(mut self, memory: usize) -> Self {
        self.memory = memory;
        self
    }

    /// Sets the names that one dialing looks up for the script.
    #[must_use]
    pub fn names(mut self, names: usize) -> Self {
        self.names = names;
        self
    }

    /// Sets the length of the result, in bytes.
    #[must_use]
    pub fn result(mut self, result: usize) -> Self {
        self.result = result;
        self
    }

    /// Sets the time for which a file is used at least, whatever its server says.
    #[must_use]
    pub fn least_age(mut self, least_age: Duration) -> Self {
        self.least_age = least_age;
        self
    }

    /// Sets the time for which a file is used at most before its server is asked again.
    #[must_use]
    pub fn most_age(mut self, most_age: Duration) -> Self {
        self.most_age = most_age;
        self
    }

    /// Sets the time for which a proxy that was not reached goes behind the others.
    #[must_use]
    pub fn dead(mut self, dead: Duration) -> Self {
        self.dead = dead;
        self
    }
}
