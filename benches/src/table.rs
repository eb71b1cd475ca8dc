//! Markdown tables, printed row by row as the results come.

use crate::contestants::Contestant;
use crate::measure::quantile;

/// A table with a column for each contestant.
pub(crate) struct Table;

impl Table {
    /// Prints the head; `first` stands above the names of the rows.
    pub(crate) fn new(title: &str, first: &str, contestants: &[Contestant]) -> Self {
        let table = Self;
        println!("\n### {title}\n");
        table.row(first, contestants.iter().map(|c| c.name.to_owned()));
        table.row("---", contestants.iter().map(|_| "---:".to_owned()));
        table
    }
    /// Prints a row.
    pub(crate) fn row(&self, name: &str, cells: impl IntoIterator<Item = String>) {
        let cells: Vec<String> = cells.into_iter().collect();
        println!("| {name} | {} |", cells.join(" | "));
    }
    /// Prints a row of times, given each contestant's results by round: the median ratio to the
    /// first contestant of the same round, half of its middle spread, and the median time.
    pub(crate) fn times(&self, name: &str, results: &[Vec<f64>]) {
        let cell = |times: &Vec<f64>| {
            let Ratio { median, spread } = Ratio::of(times, &results[0]);
            let time = quantile(times, 0.5);
            let digits = if time < 1.0 { 3 } else { 1 };
            format!("**{median:.2}** ±{spread:.2} ({time:.digits$} µs)")
        };
        self.row(name, results.iter().map(cell));
    }
}

/// How two contestants compare, over the rounds.
struct Ratio {
    median: f64,
    /// Half the distance between the quartiles.
    spread: f64,
}

impl Ratio {
    fn of(times: &[f64], others: &[f64]) -> Self {
        let ratios: Vec<f64> = times.iter().zip(others).map(|(a, b)| a / b).collect();
        Self {
            median: quantile(&ratios, 0.5),
            spread: (quantile(&ratios, 0.75) - quantile(&ratios, 0.25)) / 2.0,
        }
    }
}
