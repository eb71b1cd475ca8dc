//! The cost of a piece of work: CPU time and page faults of the process.

use nix::sys::resource::{Usage, UsageWho, getrusage};

/// CPU time and page faults.
#[derive(Clone, Copy)]
pub(crate) struct Cost {
    /// The time in the program and in the kernel, in nanoseconds.
    pub(crate) nanoseconds: f64,
    /// The page faults that needed no disk.
    pub(crate) faults: f64,
}

impl Cost {
    /// Returns the cost of this process until now, all threads together.
    pub(crate) fn now() -> Self {
        let usage = getrusage(UsageWho::RUSAGE_SELF).expect("the usage of this process");
        Self {
            nanoseconds: nanoseconds(&usage),
            faults: usage.minor_page_faults() as f64,
        }
    }

    /// Returns the cost of each of so many messages, by which two runs differ.
    pub(crate) fn of_each(self, less: Self, messages: usize) -> Self {
        Self {
            nanoseconds: (self.nanoseconds - less.nanoseconds) / messages as f64,
            faults: (self.faults - less.faults) / messages as f64,
        }
    }
}

fn nanoseconds(usage: &Usage) -> f64 {
    [usage.user_time(), usage.system_time()]
        .iter()
        .map(|time| time.tv_sec() as f64 * 1e9 + time.tv_usec() as f64 * 1e3)
        .sum()
}
