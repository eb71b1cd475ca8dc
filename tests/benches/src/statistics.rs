//! The median and its interval.

/// A median with its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Median {
    /// The median.
    pub(crate) value: f64,
    /// The lower end of the interval.
    pub(crate) low: f64,
    /// The upper end of the interval.
    pub(crate) high: f64,
}

impl Median {
    /// Returns the median of some values, with the interval that holds the true median in 95 of 100
    /// cases, or with the whole range if there are too few values for that.
    ///
    /// The interval reaches from one of the sorted values to another one, so nothing is supposed
    /// about how the values are distributed: the number of values below the true median is that of
    /// heads in as many tosses of a coin.
    pub(crate) fn of(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let count = sorted.len();
        let last = count.checked_sub(1)?;
        let skipped = skipped(count);
        Some(Self {
            value: f64::midpoint(sorted[last / 2], sorted[count / 2]),
            low: sorted[skipped],
            high: sorted[last - skipped],
        })
    }

    /// Returns the median of the ratios, round by round; nothing if a value is not above zero, as
    /// where two runs differ by chance alone.
    pub(crate) fn of_ratios(values: &[f64], base: &[f64]) -> Option<Self> {
        if values.iter().chain(base).any(|value| *value <= 0.0) {
            return None;
        }
        let ratios: Vec<f64> = values.iter().zip(base).map(|(a, b)| a / b).collect();
        Self::of(&ratios)
    }
}

/// Returns how many values at each end are outside of the interval.
fn skipped(count: usize) -> usize {
    let mut tosses = 0.5_f64.powi(count as i32);
    let mut outside = 0.0;
    let mut skipped = 0;
    for heads in 0..count / 2 {
        outside += 2.0 * tosses;
        if outside > 1.0 - CONFIDENCE {
            break;
        }
        skipped = heads;
        tosses *= (count - heads) as f64 / (heads + 1) as f64;
    }
    skipped
}

const CONFIDENCE: f64 = 0.95;

#[cfg(test)]
mod tests {
    use super::{Median, skipped};

    #[test]
    fn the_interval_of_nine_values_leaves_out_one_at_each_end() {
        // 2 · (1 + 9) / 2^9 = 3.9 % are outside; 2 · (1 + 9 + 36) / 2^9 would be 18 %.
        assert_eq!(skipped(9), 1);
        let values = [9.0, 1.0, 2.0, 8.0, 3.0, 7.0, 4.0, 6.0, 5.0];
        let median = Median::of(&values).expect("values");
        assert_eq!((median.low, median.value, median.high), (2.0, 5.0, 8.0));
    }

    #[test]
    fn the_skipped_values_are_those_of_the_tables_of_the_sign_test() {
        let table = [
            (5, 0),
            (6, 0),
            (8, 0),
            (9, 1),
            (12, 2),
            (15, 3),
            (20, 5),
            (30, 9),
        ];
        for (count, expected) in table {
            assert_eq!(skipped(count), expected, "{count} values");
        }
    }

    #[test]
    fn a_ratio_is_taken_round_by_round() {
        let median = Median::of_ratios(&[2.0, 40.0, 6.0], &[1.0, 10.0, 2.0]);
        assert_eq!(median.map(|it| it.value), Some(3.0));
        assert_eq!(Median::of(&[]), None);
        assert_eq!(Median::of_ratios(&[2.0, 40.0], &[1.0, -3.0]), None);
    }
}
