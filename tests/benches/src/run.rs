//! Measuring: each measurement is a process of its own, and the contestants of a row take turns.

use crate::cost::Cost;
use crate::results::Cell;
use crate::row::{Case, Row, Work};
use crate::statistics::Median;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use std::env::current_exe;
use std::process::{Command, Stdio};

/// The effort of a measurement.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effort {
    /// Each case once, with few messages: does it still run?
    Quick,
    /// So many rounds.
    Rounds(usize),
}

/// Measures a row, and returns the results of its contestants.
pub(crate) fn row(row: &Row, effort: Effort) -> Vec<Cell> {
    let counts: Vec<usize> = row
        .cases
        .iter()
        .map(|case| count(row, case, effort))
        .collect();
    let mut costs: Vec<Vec<Cost>> = vec![Vec::new(); row.cases.len()];
    for round in 0..rounds(row, effort) {
        for turn in 0..row.cases.len() {
            let at = (round + turn) % row.cases.len();
            costs[at].push(measure(row, &row.cases[at], counts[at]));
        }
    }
    let cell = |((case, count), costs): ((&Case, usize), Vec<Cost>)| Cell {
        group: row.group.to_owned(),
        row: row.name.clone(),
        name: case.name.to_owned(),
        kind: case.kind,
        count,
        faults: Median::of(&costs.iter().map(|cost| cost.faults).collect::<Vec<_>>())
            .map_or(0.0, |median| median.value.max(0.0)),
        values: costs.iter().map(|cost| cost.nanoseconds).collect(),
    };
    row.cases.iter().zip(counts).zip(costs).map(cell).collect()
}

/// Does the work of a case in this process, and prints its cost: `case GROUP ROW NAME COUNT`.
pub(crate) fn child(rows: &[Row], arguments: &[&str]) -> Option<()> {
    let ["case", group, name, case, count] = arguments else {
        return None;
    };
    let row = rows
        .iter()
        .find(|row| row.group == *group && row.name == *name)?;
    let case = row.cases.iter().find(|it| it.name == *case)?;
    let count = count.parse().ok()?;
    match &case.work {
        Work::Messages(work) => {
            stay_on_one_processor();
            work(count);
            let Cost {
                nanoseconds,
                faults,
            } = Cost::now();
            println!("{nanoseconds} {faults}");
        }
        Work::Memory(_, work) => println!("{} 0", work(count)),
    }
    Some(())
}

/// Returns the number of messages that take long enough to be measured, with two digits.
fn count(row: &Row, case: &Case, effort: Effort) -> usize {
    match (&case.work, effort) {
        (Work::Memory(connections, _), Effort::Quick) => QUICK_CONNECTIONS.min(*connections),
        (Work::Memory(connections, _), Effort::Rounds(_)) => *connections,
        (Work::Messages(_), Effort::Quick) => 1,
        (Work::Messages(_), Effort::Rounds(_)) => {
            let spent = |count| {
                let [once, twice] = run_twice(row, case, count).map(|cost| cost.nanoseconds);
                (twice - once, twice)
            };
            let mut count = 1;
            loop {
                let (taken, all) = spent(count);
                let is_known = taken >= ENOUGH_TO_ESTIMATE && taken >= all * ENOUGH_OF_A_RUN;
                let is_most = count >= MOST_MESSAGES;
                if is_known || is_most {
                    let each = (taken / count as f64).max(1.0);
                    let chosen = two_digits((LONG_ENOUGH / each) as usize);
                    // A pause of the machine can look like the cost of a few messages.
                    if is_most || spent(chosen).0 >= LONG_ENOUGH / 2.0 {
                        return chosen;
                    }
                }
                count *= 8;
            }
        }
    }
}

/// Measures a case once: by the difference of two runs, from which the set-up falls out.
fn measure(row: &Row, case: &Case, count: usize) -> Cost {
    match case.work {
        Work::Messages(_) => {
            let [once, twice] = run_twice(row, case, count);
            twice.of_each(once, count)
        }
        Work::Memory(..) => run(row, case, count),
    }
}

/// Runs a case with so many messages, and with twice as many.
fn run_twice(row: &Row, case: &Case, count: usize) -> [Cost; 2] {
    [count, 2 * count].map(|count| run(row, case, count))
}

/// Does a case in a process of its own: a used heap would hide what is used next.
fn run(row: &Row, case: &Case, count: usize) -> Cost {
    let output = Command::new(current_exe().expect("this program"))
        .args(["case", row.group, &row.name, case.name, &count.to_string()])
        .stderr(Stdio::inherit())
        .output()
        .expect("a process");
    let text = String::from_utf8_lossy(&output.stdout);
    let mut numbers = text.split_whitespace().map(|number| number.parse().ok());
    match (output.status.success(), numbers.next(), numbers.next()) {
        (true, Some(Some(nanoseconds)), Some(Some(faults))) => Cost {
            nanoseconds,
            faults,
        },
        _ => panic!(
            "{} / {} / {}: {count} messages failed",
            row.group, row.name, case.name
        ),
    }
}

fn rounds(row: &Row, effort: Effort) -> usize {
    let memory = |case: &Case| matches!(case.work, Work::Memory(..));
    match effort {
        Effort::Quick => 1,
        Effort::Rounds(rounds) if row.cases.iter().any(memory) => rounds.div_ceil(3),
        Effort::Rounds(rounds) if row.group.starts_with(GROWTH) => rounds.div_ceil(2),
        Effort::Rounds(rounds) => rounds,
    }
}

/// Both ends are on one processor, also where they are two threads: what is measured is work, and
/// not what a second processor gains.
fn stay_on_one_processor() {
    let Ok(allowed) = sched_getaffinity(None) else {
        return;
    };
    if let Some(last) = (0..CpuSet::MAX_CPU).rev().find(|cpu| allowed.is_set(*cpu)) {
        let mut one = CpuSet::new();
        one.set(last);
        // Where the system does not allow it, the measurement is only less calm.
        let _ = sched_setaffinity(None, &one);
    }
}

fn two_digits(count: usize) -> usize {
    let mut scale = 1;
    while count / scale >= 100 {
        scale *= 10;
    }
    (count / scale * scale).max(1)
}

/// The groups whose names begin so are plotted.
pub(crate) const GROWTH: &str = "growth-";

/// Nanoseconds of the messages of one measurement.
const LONG_ENOUGH: f64 = 50e6;

/// Nanoseconds after which the cost of a message is known well enough to choose the count.
const ENOUGH_TO_ESTIMATE: f64 = 4e6;

/// The share of a run that its messages have to take: behind a long set-up, a short run tells nothing.
const ENOUGH_OF_A_RUN: f64 = 0.25;

/// No row has more messages in the first estimate.
const MOST_MESSAGES: usize = 1 << 18;

/// The connections of a quick measurement of memory.
const QUICK_CONNECTIONS: usize = 20;

#[cfg(test)]
mod tests {
    use super::two_digits;

    #[test]
    fn a_count_has_two_digits_and_is_never_zero() {
        let counts = [(0, 1), (7, 7), (99, 99), (4867, 4800), (123_456, 120_000)];
        for (count, expected) in counts {
            assert_eq!(two_digits(count), expected);
        }
    }
}
