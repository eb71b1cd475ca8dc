//! Markdown tables, printed row by row as the results come.

use crate::contestant::Kind;
use crate::contestants::Contestant;
use crate::measure::quantile;

/// A table of times, with a column for each contestant, and one for ours beside the best peer.
pub(crate) struct Times<'a> {
    contestants: &'a [Contestant],
}

impl<'a> Times<'a> {
    /// Prints the head; `first` stands above the names of the rows.
    pub(crate) fn new(title: &str, first: &str, contestants: &'a [Contestant]) -> Self {
        let names = contestants.iter().map(|c| c.name);
        let best = compares(contestants).then_some("wirestack : best peer");
        head(title, first, names.chain(best));
        Self { contestants }
    }

    /// Prints a row, given each contestant's results by round.
    pub(crate) fn row(&self, name: &str, results: &[Vec<f64>]) {
        let cells = results.iter().map(|times| time(times, &results[0]));
        row(name, cells.chain(self.beside_best(results)));
    }

    /// Compares ours with the peer that is the fastest in this row.
    fn beside_best(&self, results: &[Vec<f64>]) -> Option<String> {
        let all = || self.contestants.iter().zip(results);
        let (_, ours) = all().find(|(c, _)| c.kind == Kind::Ours)?;
        let (best, theirs) = all()
            .filter(|(c, _)| c.kind == Kind::Peer)
            .min_by(|(_, a), (_, b)| quantile(a, 0.5).total_cmp(&quantile(b, 0.5)))?;
        Some(format!("{} {}", ratio(ours, theirs), best.name))
    }
}

/// Prints the head of a table.
pub(crate) fn head<N: ToString>(title: &str, first: &str, names: impl IntoIterator<Item = N>) {
    let names: Vec<String> = names.into_iter().map(|name| name.to_string()).collect();
    println!("\n### {title}\n");
    row(first, names.iter().cloned());
    row("---", names.iter().map(|_| "---:".to_owned()));
}

/// Prints a row of a table.
pub(crate) fn row(name: &str, cells: impl IntoIterator<Item = String>) {
    let cells: Vec<String> = cells.into_iter().collect();
    println!("| {name} | {} |", cells.join(" | "));
}

/// Writes times beside those that they are compared with: the ratio, and the median in
/// microseconds.
pub(crate) fn time(times: &[f64], base: &[f64]) -> String {
    let median = quantile(times, 0.5);
    let digits = if median < 1.0 { 3 } else { 1 };
    format!("{} ({median:.digits$} µs)", ratio(times, base))
}

/// Writes the median of the ratios round by round, and half the distance between their quartiles.
fn ratio(times: &[f64], base: &[f64]) -> String {
    let ratios: Vec<f64> = times.iter().zip(base).map(|(a, b)| a / b).collect();
    let [low, median, high] = [0.25, 0.5, 0.75].map(|share| quantile(&ratios, share));
    format!("**{median:.2}** ±{:.2}", (high - low) / 2.0)
}

fn compares(contestants: &[Contestant]) -> bool {
    let any = |kind| contestants.iter().any(|c| c.kind == kind);
    any(Kind::Ours) && any(Kind::Peer)
}
