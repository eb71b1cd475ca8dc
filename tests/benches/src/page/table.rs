//! Tables in Markdown.

use super::bounds::best_peer;
use crate::contestant::Kind;
use crate::results::{Cell, Results};
use crate::statistics::Median;

/// Writes the table of a group: a column for each contestant, and one for ours beside the best peer
/// where there are both.
pub(super) fn of_group(results: &Results, group: &str) -> String {
    let names = results.names(group);
    let has = |kind| {
        results
            .cells
            .iter()
            .any(|it| it.group == group && it.kind == kind)
    };
    let compares = has(Kind::Ours) && has(Kind::Peer);
    let mut text = format!("| | {} |", names.join(" | "));
    text += if compares {
        " wirestack : best peer |\n"
    } else {
        "\n"
    };
    text += &format!(
        "| --- |{}\n",
        " ---: |".repeat(names.len() + usize::from(compares))
    );
    for name in results.rows(group) {
        let row = results.row(group, name);
        text += &format!("| {name} |");
        for name in &names {
            let cell = row.iter().copied().find(|cell| cell.name == *name);
            text += &cell.map_or(" |".to_owned(), |it| format!(" {} |", written(it, row[0])));
        }
        if compares {
            let ours = row.iter().find(|cell| cell.kind == Kind::Ours);
            let beside = ours.zip(best_peer(&row)).and_then(|(ours, best)| {
                Some(format!(" {} {} |", interval(ours.beside(best)?), best.name))
            });
            text += &beside.unwrap_or(" |".to_owned());
        }
        text.push('\n');
    }
    text
}

/// Writes a median and its interval.
pub(super) fn interval(median: Median) -> String {
    let Median { value, low, high } = median;
    let digits = if value < 0.1 { 3 } else { 2 };
    if low == high {
        return format!("**{value:.digits$}**");
    }
    format!("**{value:.digits$}** [{low:.digits$}, {high:.digits$}]")
}

/// Writes the time of a message.
fn time(nanoseconds: f64) -> String {
    match nanoseconds {
        ..100.0 => format!("{nanoseconds:.1} ns"),
        ..1_000.0 => format!("{nanoseconds:.0} ns"),
        ..100_000.0 => format!("{:.2} µs", nanoseconds / 1e3),
        ..10_000_000.0 => format!("{:.0} µs", nanoseconds / 1e3),
        _ => format!("{:.1} ms", nanoseconds / 1e6),
    }
}

/// Writes the cell of a contestant beside the first one of its row.
fn written(cell: &Cell, first: &Cell) -> String {
    let Some(median) = cell.median() else {
        return String::new();
    };
    if cell.group == MEMORY {
        return format!("{:.1} KiB", median.value / 1024.0);
    }
    let mut text = match cell.beside(first) {
        Some(ratio) if cell != first => format!("{} ({})", interval(ratio), time(median.value)),
        _ => time(median.value),
    };
    if cell.faults > WORTH_A_WORD {
        text += &format!(", {:.1} faults", cell.faults);
    }
    text
}

/// The group whose values are bytes.
const MEMORY: &str = "idle";

/// Page faults of a message that are shown.
const WORTH_A_WORD: f64 = 0.1;
