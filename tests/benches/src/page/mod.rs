//! The page: conditions, bounds, tables, plots, and the prose that is kept beside the code.

mod bounds;
mod growth;
mod plot;
mod table;

use crate::machine;
use crate::results::Results;
use bounds::Bound;
use std::path::Path;
use std::{fs, io};

/// Writes the page and its plots into a folder.
pub(crate) fn write(folder: &Path, results: &Results) -> io::Result<()> {
    let plots = folder.join("plots");
    fs::create_dir_all(&plots)?;
    let mut page = String::from(HEAD);
    page += &conditions(results);
    page += "\n";
    page += &moved(include_str!("../../page/how-to-read.md"));
    page += &bounds(results);
    for (group, title, note) in TABLES {
        if !results.rows(group).is_empty() {
            page += &format!("\n## {title}\n\n");
            if !note.is_empty() {
                page += &format!("{note}\n\n");
            }
            page += &table::of_group(results, group);
        }
    }
    page += "\n## How cost grows\n";
    for growth in growth::ALL {
        if let Some(svg) = growth.plot(results) {
            fs::write(plots.join(format!("{}.svg", growth.file())), svg)?;
            page += &format!("\n![{}](plots/{}.svg)\n", growth.title, growth.file());
        }
    }
    for prose in [
        include_str!("../../page/behind.md"),
        include_str!("../../page/tried.md"),
    ] {
        page.push('\n');
        page += &moved(prose);
    }
    fs::write(folder.join("performance.md"), page)
}

/// Writes under which conditions each group was measured; once for groups that have them in common.
fn conditions(results: &Results) -> String {
    let mut text = format!("Contestants: {}.\n\n", machine::versions());
    let mut written: Vec<&str> = Vec::new();
    for (_, conditions) in &results.conditions {
        if written.contains(&conditions.as_str()) {
            continue;
        }
        written.push(conditions);
        let groups: Vec<&str> = results
            .conditions
            .iter()
            .filter(|(_, other)| other == conditions)
            .map(|(group, _)| group.as_str())
            .collect();
        let all = groups.len() == results.conditions.len();
        let groups = if all {
            "All rows".to_owned()
        } else {
            groups.join(", ")
        };
        text += &format!("* {groups}: {conditions}.\n");
    }
    text
}

/// Writes each bound and whether it is met.
fn bounds(results: &Results) -> String {
    let all = Bound::all();
    let measured: Vec<_> = all
        .iter()
        .filter_map(|bound| Some((bound, bound.measured(results)?)))
        .collect();
    let met = |(bound, (median, _)): &&(&Bound<'_>, (_, String))| bound.verdict(*median) == "met";
    let mut text = format!(
        "\n## Bounds\n\n{} of {} bounds are met; {} rows with bounds were not measured.\n\n\
         | row | wirestack | beside | is | at most | |\n| --- | --- | --- | ---: | ---: | --- |\n",
        measured.iter().filter(met).count(),
        measured.len(),
        all.len() - measured.len()
    );
    for (bound, (median, beside)) in measured {
        text += &format!(
            "| {}: {} | {} | {beside} | {} | {} | {} |\n",
            title(bound.group),
            bound.row,
            bound.name,
            table::interval(median),
            bound.at_most,
            bound.verdict(median)
        );
    }
    text
}

/// Changes the links of prose, which are those of its own folder, to links of the page's folder.
fn moved(prose: &str) -> String {
    prose
        .replace("](../../../docs/conformance/", "](")
        .replace("](../../../docs/", "](../")
        .replace("](../README.md", "](../../tests/benches/README.md")
}

fn title(group: &str) -> &str {
    let table = TABLES.iter().find(|(name, ..)| *name == group);
    table.map_or(group, |(_, title, _)| title)
}

const HEAD: &str = "\
# Performance

wirestack beside other libraries on tokio, in one run, on loopback. This page is written whole by one command, with its
plots; its prose is in `tests/benches/page`:

```console
$ tests/benches/run
```

It is recorded, and gates no time.

";

/// The tables: the group, its title, and a sentence.
const TABLES: &[(&str, &str, &str)] = &[
    ("echo", "Echo", ""),
    ("stream", "Stream", ""),
    (
        "http2",
        "WebSocket over HTTP/2",
        "A task drives each end, but for `undriven`, where the tasks that wait do it.",
    ),
    (
        "deflate",
        "Compression",
        "permessage-deflate with context takeover.",
    ),
    (
        "upgrade",
        "Upgrade",
        "`raw` sends one byte there and one back instead.",
    ),
    (
        "setup",
        "Connecting through a proxy",
        "The proxy is the same for all, in the same process.",
    ),
    (
        "relay",
        "Relay",
        "`copy_bidirectional` is that of tokio, with buffers of 64 KiB.",
    ),
    (
        "ways",
        "Halves and handles",
        "`plain` is a connection of wirestack's that one task uses.",
    ),
    (
        "runtimes",
        "Other runtimes",
        "`raw` is the socket of the runtime. Two threads share one processor here.",
    ),
    ("tunnels", "Above finished tunnels", ""),
    ("parse", "Parsing", "In memory."),
    (
        "memory",
        "Long messages in pieces",
        "A cost that is linear is the same for one long message and for many.",
    ),
    ("idle", "Memory of an idle connection", "1,000 connections."),
];
