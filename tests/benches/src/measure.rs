//! CPU time, rounds and medians.

use bytes::Bytes;
use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// Measures the CPU time that the process spends: the figure that other programs on the machine
/// disturb least.
pub(crate) struct Meter(Duration);

impl Meter {
    /// Starts.
    pub(crate) fn start() -> Self {
        Self(cpu_time())
    }

    /// Returns the CPU time since the start.
    pub(crate) fn elapsed(&self) -> Duration {
        cpu_time() - self.0
    }

    /// Returns the CPU time since the start, in microseconds for each of so many messages.
    pub(crate) fn per_message(&self, messages: usize) -> f64 {
        self.elapsed().as_secs_f64() * 1e6 / messages as f64
    }
}

fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Measures every contestant once a round, so that a slow minute of the machine strikes all of
/// them; each round starts with another one. Returns each contestant's results in order.
pub(crate) fn rounds<T>(
    contestants: &[T],
    rounds: usize,
    measure: impl Fn(&T) -> f64,
) -> Vec<Vec<f64>> {
    let mut results = vec![Vec::with_capacity(rounds); contestants.len()];
    for round in 0..rounds {
        for turn in 0..contestants.len() {
            let i = (round + turn) % contestants.len();
            results[i].push(measure(&contestants[i]));
        }
    }
    results
}

/// Returns the value below which this share of the others lies: 0.5 for the median.
pub(crate) fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = share * (sorted.len() - 1) as f64;
    let (low, high) = (
        sorted[place.floor() as usize],
        sorted[place.ceil() as usize],
    );
    low + (high - low) * place.fract()
}

/// Makes a message that is not all the same byte.
pub(crate) fn payload(size: usize) -> Bytes {
    (0..size).map(|i| (i * 31 + (i >> 8)) as u8).collect()
}
