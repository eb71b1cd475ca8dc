//! The bounds of the rows, and whether they are met.

use crate::contestant::Kind;
use crate::results::{Cell, Results};
use crate::statistics::Median;

/// A bound that a contestant of a row has to meet.
#[derive(Debug, PartialEq)]
pub(super) struct Bound<'a> {
    pub(super) group: &'a str,
    pub(super) row: &'a str,
    pub(super) name: &'a str,
    pub(super) beside: &'a str,
    pub(super) at_most: f64,
}

impl<'a> Bound<'a> {
    /// Returns all bounds.
    pub(super) fn all() -> Vec<Bound<'static>> {
        let lines = include_str!("../../bounds.tsv").lines();
        lines
            .filter(|line| !line.starts_with('#'))
            .map(|line| Bound::parse(line).unwrap_or_else(|| panic!("not a bound: {line}")))
            .collect()
    }

    fn parse(line: &'a str) -> Option<Self> {
        let mut fields = line.split('\t');
        let mut next = || fields.next();
        Some(Self {
            group: next()?,
            row: next()?,
            name: next()?,
            beside: next()?,
            at_most: next()?.parse().ok()?,
        })
    }

    /// Returns what was measured, and beside whom; nothing if the row was not measured.
    pub(super) fn measured(&self, results: &Results) -> Option<(Median, String)> {
        let row = results.row(self.group, self.row);
        let named = |name: &str| row.iter().copied().find(|cell| cell.name == name);
        let ours = named(self.name)?;
        let scaled = |scale: f64| {
            let values: Vec<f64> = ours.values.iter().map(|value| value / scale).collect();
            Median::of(&values)
        };
        let measured = match self.beside {
            "µs" => scaled(1e3)?,
            "KiB" => scaled(1024.0)?,
            "faults" => Median::of(&[ours.faults])?,
            "best peer" => {
                let best = best_peer(&row)?;
                return Some((ours.beside(best)?, best.name.clone()));
            }
            other => ours.beside(named(other)?)?,
        };
        Some((measured, self.beside.to_owned()))
    }

    /// Returns the word for a measurement beside the bound.
    pub(super) fn verdict(&self, measured: Median) -> &'static str {
        if measured.value <= self.at_most {
            "met"
        } else if measured.low <= self.at_most {
            "not met, within the interval"
        } else {
            "**not met**"
        }
    }
}

/// Returns the peer with the smallest median.
pub(super) fn best_peer<'a>(row: &[&'a Cell]) -> Option<&'a Cell> {
    let median = |cell: &Cell| cell.median().map_or(f64::INFINITY, |median| median.value);
    row.iter()
        .copied()
        .filter(|cell| cell.kind == Kind::Peer)
        .min_by(|a, b| median(a).total_cmp(&median(b)))
}

#[cfg(test)]
mod tests {
    use super::Bound;
    use crate::rows;

    #[test]
    fn each_bound_is_that_of_a_contestant_in_a_row() {
        let rows = rows::all();
        for bound in Bound::all() {
            let row = rows
                .iter()
                .find(|row| row.group == bound.group && row.name == bound.row);
            let row = row.unwrap_or_else(|| panic!("no such row: {bound:?}"));
            let names: Vec<&str> = row.cases.iter().map(|case| case.name).collect();
            assert!(names.contains(&bound.name), "no such contestant: {bound:?}");
            let words = ["best peer", "µs", "KiB", "faults"];
            assert!(
                words.contains(&bound.beside) || names.contains(&bound.beside),
                "nobody to compare with: {bound:?}"
            );
        }
    }
}
