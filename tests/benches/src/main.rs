//! Measures wirestack's WebSocket beside other WebSocket libraries on tokio, over loopback, in one
//! run: contestants take turns within each round, and what counts is the median of the ratios
//! round by round, in CPU time of both ends together.
//!
//! Two contestants are no libraries: `raw` is the transport without any framing, with which all
//! others are compared, and `floor` is a minimal data path written by hand. `README.md` has the
//! commands, `docs/conformance/performance.md` of the project the results.

mod conditions;
mod contestant;
mod contestants;
mod echo;
mod http2;
mod loopback;
mod measure;
mod memory;
mod stream;
mod table;
mod tls;
mod tunnels;

use conditions::{Direction, Net};
use contestants::Contestant;
use measure::rounds;
use std::process::ExitCode;
use table::Times;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let parts = |name: &str| Contestant::named(name).map(|it| (it.memory_server, it.memory_client));
    if memory::child(&arguments, parts).is_some() {
        return ExitCode::SUCCESS;
    }
    if http2::counted(&arguments).is_some() {
        return ExitCode::SUCCESS;
    }
    match Options::parse(&arguments) {
        Some((command, options)) => {
            command(&options);
            ExitCode::SUCCESS
        }
        None => {
            eprint!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

struct Options {
    contestants: Vec<Contestant>,
    rounds: usize,
    connections: usize,
}

type Run = fn(&Options);

impl Options {
    fn parse(arguments: &[&str]) -> Option<(Run, Self)> {
        let (command, options) = arguments.split_first()?;
        let command: Run = match *command {
            "echo" => Self::echo,
            "stream" => Self::stream,
            "memory" => Self::memory,
            "tunnels" => Self::tunnels,
            "http2" => Self::http2,
            "all" => Self::all,
            _ => return None,
        };
        let mut parsed = Self {
            contestants: Contestant::ALL.to_vec(),
            rounds: 15,
            connections: 2000,
        };
        let pairs = options.chunks_exact(2);
        if !pairs.remainder().is_empty() {
            return None;
        }
        for pair in pairs {
            match *pair {
                ["--only", names] => {
                    let named: Option<_> = names.split(',').map(Contestant::named).collect();
                    parsed.contestants = named?;
                }
                ["--rounds", n] => parsed.rounds = n.parse().ok().filter(|n| *n > 0)?,
                ["--connections", n] => parsed.connections = n.parse().ok().filter(|n| *n > 0)?,
                _ => return None,
            }
        }
        Some((command, parsed))
    }

    fn all(&self) {
        self.echo();
        self.stream();
        self.memory();
        self.tunnels();
        self.http2();
    }

    fn echo(&self) {
        let table = Times::new("Echo", "TCP", &self.contestants);
        for size in echo::SIZES {
            let results = rounds(&self.contestants, self.rounds, |c| (c.echo)(size));
            table.row(&bytes(size), &results);
        }
    }

    fn stream(&self) {
        for net in Net::ALL {
            let table = Times::new("Stream", net.name(), &self.contestants);
            for direction in Direction::ALL {
                for size in stream::SIZES {
                    let run = |c: &Contestant| (c.stream)(net, direction, size);
                    let results = rounds(&self.contestants, self.rounds, run);
                    table.row(&format!("{}, {}", bytes(size), direction.name()), &results);
                }
            }
        }
    }

    fn memory(&self) {
        let title = "Memory of an idle connection, KiB";
        table::head(title, "", self.contestants.iter().map(|c| c.name));
        for net in Net::ALL {
            let run = |c: &Contestant| memory::run(c.name, net, self.connections);
            let results: Vec<[f64; 2]> = self.contestants.iter().map(run).collect();
            for (end, name) in ["server", "client"].into_iter().enumerate() {
                let cells = results.iter().map(|r| format!("{:.1}", r[end] / 1024.0));
                table::row(&format!("{}, {name}", net.name()), cells);
            }
        }
    }

    fn tunnels(&self) {
        let names = tunnels::COUNTS.map(|n| format!("{n} tunnels"));
        table::head("wirestack's WebSocket above finished tunnels", "", names);
        let row = |name: &str, measure: &dyn Fn(&usize) -> f64| {
            let results = rounds(&tunnels::COUNTS, self.rounds, measure);
            table::row(
                name,
                results.iter().map(|times| table::time(times, &results[0])),
            );
        };
        for size in tunnels::SIZES {
            row(&format!("{}, in memory", bytes(size)), &|n| {
                tunnels::in_memory(*n, size)
            });
        }
        let name = format!("echo of {}, TCP", bytes(tunnels::ECHO_SIZE));
        row(&name, &|n| tunnels::over_loopback(*n));
    }

    fn http2(&self) {
        let names = http2::Contestant::ALL.map(http2::Contestant::name);
        table::head("WebSocket over HTTP/2", "", names);
        for work in http2::Work::ALL {
            for size in http2::SIZES {
                let run = |c: &http2::Contestant| http2::run(*c, work, size);
                let results = rounds(&http2::Contestant::ALL, self.rounds, run);
                table::row(
                    &format!("{}, {}", work.name(), bytes(size)),
                    results.iter().map(|times| table::time(times, &results[0])),
                );
            }
        }
        let kib = http2::idle_streams(self.connections.min(http2::MOST_STREAMS)) / 1024.0;
        println!("\nAn idle stream costs both ends together {kib:.1} KiB.");
    }
}

/// Writes a size as people say it.
fn bytes(size: usize) -> String {
    match size {
        0..1024 => format!("{size} B"),
        1024..0x10_0000 => format!("{} KiB", size / 1024),
        _ => format!("{} MiB", size / 0x10_0000),
    }
}

const USAGE: &str = "\
usage: benches <echo|stream|memory|tunnels|http2|all> [options]
  --only NAME,NAME…   these contestants, all compared with the first of them
  --rounds N          how often each is measured (default 15)
  --connections N     how many idle connections share the memory (default 2000)
";
