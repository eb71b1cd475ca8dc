//! Counts the instructions that a message takes, and compares them with the written table.
//!
//! A count is the same on every run and on a busy machine, so a gate can hold it. It says nothing of
//! the kernel, of caches and of time: `tests/benches` measures those.

mod compressed;
mod counted;
mod end;
mod http2;
mod memory;
mod opening;
mod relayed;
mod rows;
mod sockets;
mod table;
mod tls;
mod valgrind;

use rows::Row;
use std::path::Path;
use std::process::ExitCode;
use table::Table;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["row", name] => match Row::named(name) {
            Some(row) => {
                (row.run)(row.messages);
                ExitCode::SUCCESS
            }
            None => usage(),
        },
        ["show", ref parts @ ..] => {
            let wanted =
                |row: &&Row| parts.is_empty() || parts.iter().any(|p| row.name.contains(p));
            for (row, count) in valgrind::count(Row::ALL.iter().filter(wanted)) {
                println!("{:32} {count}", row.name);
            }
            ExitCode::SUCCESS
        }
        ["write", path] => {
            let table = Table::new(valgrind::count(Row::ALL.iter()));
            table.write(Path::new(path)).expect("the table is written");
            ExitCode::SUCCESS
        }
        ["compare", path] => compare(Path::new(path)),
        _ => usage(),
    }
}

/// Compares this tree with the table, and fails where a message takes more instructions.
fn compare(path: &Path) -> ExitCode {
    let written = Table::read(path).expect("the table can be read");
    let counted = Table::new(valgrind::count(Row::ALL.iter()));
    let mut worse = false;
    for (name, now) in counted.rows() {
        let Some(before) = written.get(name) else {
            println!(
                "{name}: {now} instructions, not in {}: write the table",
                path.display()
            );
            worse = true;
            continue;
        };
        let change = now as f64 / before as f64 - 1.0;
        let word = if change > MARGIN {
            worse = true;
            "MORE"
        } else if change < -MARGIN {
            "fewer: write the table"
        } else {
            "as before"
        };
        println!("{name:32} {now:>8} {:>+6.1} %  {word}", change * 100.0);
    }
    if worse {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

fn usage() -> ExitCode {
    eprint!("{USAGE}");
    ExitCode::from(2)
}

/// The share by which a count may grow.
const MARGIN: f64 = 0.03;

const USAGE: &str = "\
usage: counts show [PART OF A NAME...]   counts, and prints
       counts write TABLE                counts all rows, and writes the table
       counts compare TABLE              counts all rows; fails where one takes 3 % more
       counts row NAME                   runs a row, to be profiled
";
