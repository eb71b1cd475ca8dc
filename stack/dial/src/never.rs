//! The end of a time that has none.

use std::time::Duration;
use wirestack_layer::Instant;

/// A time that no clock reaches: the end of a delay such as [`Duration::MAX`].
pub(crate) const NEVER: Instant = Instant::after_origin(Duration::from_secs(i64::MAX as u64));
