//! Measures wirestack beside other libraries on tokio, over loopback, and writes the page of the
//! results. `README.md` has the commands, `docs/conformance/performance.md` of the project the page.

mod connections;
mod contestant;
mod contestants;
mod cost;
mod echo;
mod files;
mod idle;
mod loopback;
mod machine;
mod net;
mod page;
mod payload;
mod results;
mod row;
mod rows;
mod run;
mod statistics;
mod stream;
mod tls;

use contestants::Contestant;
use results::Results;
use row::Row;
use run::Effort;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let parts = |name: &str| Contestant::named(name).map(|it| (it.memory_server, it.memory_client));
    if idle::child(&arguments, parts).is_some() {
        return ExitCode::SUCCESS;
    }
    let rows = rows::all();
    if run::child(&rows, &arguments).is_some() {
        return ExitCode::SUCCESS;
    }
    let groups = groups(&rows);
    match Command::parse(&arguments, &groups) {
        Some(command) => {
            command.run(&rows, &groups);
            ExitCode::SUCCESS
        }
        None => {
            eprintln!("{USAGE}\nGROUPS: {}", groups.join(", "));
            ExitCode::from(2)
        }
    }
}

/// A command of the program.
struct Command<'a> {
    /// The groups that are measured.
    groups: Vec<&'a str>,
    effort: Effort,
}

impl<'a> Command<'a> {
    fn parse(arguments: &[&'a str], groups: &[&'a str]) -> Option<Self> {
        let mut effort = Effort::Rounds(ROUNDS);
        let mut chosen = Vec::new();
        let mut arguments = arguments.iter().copied();
        match arguments.next()? {
            "measure" => {}
            "page" => {
                let groups = Vec::new();
                return arguments
                    .next()
                    .is_none()
                    .then_some(Self { groups, effort });
            }
            _ => return None,
        }
        while let Some(argument) = arguments.next() {
            match argument {
                "--quick" => effort = Effort::Quick,
                "--rounds" => {
                    let rounds = arguments
                        .next()?
                        .parse()
                        .ok()
                        .filter(|rounds| *rounds > 0)?;
                    effort = Effort::Rounds(rounds);
                }
                group if groups.contains(&group) => chosen.push(group),
                _ => return None,
            }
        }
        if chosen.is_empty() {
            chosen = groups.to_vec();
        }
        Some(Self {
            groups: chosen,
            effort,
        })
    }

    fn run(&self, rows: &[Row], groups: &[&str]) {
        let folder = folder(self.effort);
        let conditions = machine::conditions();
        let began = Instant::now();
        for group in &self.groups {
            let mut cells = Vec::new();
            for row in rows.iter().filter(|row| row.group == *group) {
                eprintln!(
                    "{:6.1} s  {group}: {}",
                    began.elapsed().as_secs_f64(),
                    row.name
                );
                cells.extend(run::row(row, self.effort));
            }
            Results::write(&folder, group, &conditions, &cells).expect("the results are written");
        }
        let results = Results::read(&folder, groups).expect("the results are read");
        let page = match self.effort {
            Effort::Quick => folder,
            Effort::Rounds(_) => root().join("docs/conformance"),
        };
        page::write(&page, &results).expect("the page is written");
        let page = page.join("performance.md");
        eprintln!(
            "{:6.1} s  {} is written",
            began.elapsed().as_secs_f64(),
            page.display()
        );
    }
}

/// Returns the groups, in the order of the rows.
fn groups(rows: &[Row]) -> Vec<&'static str> {
    let mut groups: Vec<&str> = rows.iter().map(|row| row.group).collect();
    groups.dedup();
    let mut seen = Vec::new();
    groups.retain(|group| {
        !seen.contains(group) && {
            seen.push(*group);
            true
        }
    });
    groups
}

/// Returns the folder of the results. Those of a quick run are no results.
fn folder(effort: Effort) -> PathBuf {
    let name = if effort == Effort::Quick {
        "quick"
    } else {
        "results"
    };
    root().join("target/benches").join(name)
}

/// Returns the root of the repository.
fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// The rounds of a row.
const ROUNDS: usize = 9;

const USAGE: &str = "\
usage: benches measure [--quick] [--rounds N] [GROUP...]   measures, and writes the page
       benches page                                        writes the page of what was measured
       benches case GROUP ROW NAME COUNT                   does the work of a case, to be profiled
";
