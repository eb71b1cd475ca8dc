//! The time that the driver brings.

#![allow(clippy::disallowed_methods)] // the clock is the subject

use std::time::Duration;
use wirestack_layer::Instant;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn time_is_counted_from_the_origin() {
    let later = Instant::after_origin(3 * SECOND);
    assert_eq!(later.since_origin(), 3 * SECOND);
    assert_eq!(later - Instant::ORIGIN, 3 * SECOND);
    assert_eq!(later - 2 * SECOND, Instant::ORIGIN + SECOND);
    assert!(later > Instant::ORIGIN);
    let mut moved = later;
    moved += SECOND;
    assert_eq!(moved, Instant::after_origin(4 * SECOND));
    assert_eq!(format!("{later:?}"), "3s");
}

#[test]
fn nothing_overflows_and_nothing_is_negative() {
    assert_eq!(
        Instant::ORIGIN - Instant::after_origin(SECOND),
        Duration::ZERO
    );
    assert_eq!(
        Instant::after_origin(SECOND).checked_add(Duration::MAX),
        None
    );
    assert_eq!(Instant::ORIGIN.checked_add(Duration::MAX), None, "never");
    let last = Instant::ORIGIN + Duration::from_secs(i64::MAX as u64);
    assert_eq!((last - SECOND).checked_add(SECOND), Some(last));
    assert_eq!(last.checked_add(SECOND), None);
}

#[cfg(feature = "std")]
#[test]
fn a_time_of_the_standard_library_converts_without_loss() {
    let before = Instant::now().into_std();
    assert_eq!(Instant::from_std(before).into_std(), before);
    let later = Instant::from_std(before + 5 * SECOND);
    assert_eq!(later - Instant::from_std(before), 5 * SECOND);
    // A time from before the first conversion is not lost.
    let earlier = before - SECOND;
    assert_eq!(Instant::from_std(earlier).into_std(), earlier);
    let far = Instant::after_origin(Duration::MAX);
    assert!(far.into_std() > Instant::ORIGIN.into_std() + 1000 * SECOND);
}
