//! The plots: how cost grows.

use super::plot::{Axis, Line, Plot, Scale};
use crate::payload::bytes;
use crate::results::Results;

/// A plot of a group whose rows are named by their number on the horizontal axis.
pub(super) struct Growth {
    group: &'static str,
    pub(super) title: &'static str,
    across: &'static str,
    word: fn(f64) -> String,
    across_scale: Scale,
    up: Unit,
    up_scale: Scale,
}

/// The unit of the values.
#[derive(Clone, Copy)]
enum Unit {
    Time,
    Memory,
}

impl Growth {
    /// Returns the name of its file, without the ending.
    pub(super) fn file(&self) -> &'static str {
        self.group.trim_start_matches("growth-")
    }

    /// Draws the plot; nothing if the group was not measured.
    pub(super) fn plot(&self, results: &Results) -> Option<String> {
        let names = results.names(self.group);
        let lines = names.iter().map(|name| Line {
            name,
            points: self.points(results, name),
        });
        let lines = lines.collect();
        let (label, word): (_, fn(f64) -> String) = match self.up {
            Unit::Time => ("CPU time of a message, both ends", tick),
            Unit::Memory => ("KiB", |value| format!("{:.0}", value / 1024.0)),
        };
        let (scale, across) = (self.up_scale, self.across_scale);
        Plot {
            title: self.title,
            x: Axis {
                label: self.across,
                scale: across,
                word: self.word,
            },
            y: Axis { label, scale, word },
            lines,
        }
        .svg()
    }

    fn points(&self, results: &Results, name: &str) -> Vec<(f64, f64)> {
        results
            .cells
            .iter()
            .filter(|cell| cell.group == self.group && cell.name == name)
            .filter_map(|cell| Some((cell.row.parse().ok()?, cell.median()?.value.max(0.0))))
            .collect()
    }
}

/// All plots.
pub(super) const ALL: [Growth; 6] = [
    Growth {
        group: "growth-sizes",
        title: "Messages to the server over TCP, by their size",
        across: "bytes of a message",
        word: |value| bytes(value as usize),
        across_scale: Scale::Logarithmic,
        up: Unit::Time,
        up_scale: Scale::Logarithmic,
    },
    Growth {
        group: "growth-connections",
        title: "Echo of 125 B on each connection in turn",
        across: "connections",
        word: count,
        across_scale: Scale::Logarithmic,
        up: Unit::Time,
        up_scale: Scale::Linear,
    },
    Growth {
        group: "growth-connection-memory",
        title: "Memory of an idle TCP connection, the larger end",
        across: "connections",
        word: count,
        across_scale: Scale::Logarithmic,
        up: Unit::Memory,
        up_scale: Scale::Linear,
    },
    Growth {
        group: "growth-streams",
        title: "Echo of 125 B on each stream of one HTTP/2 connection in turn",
        across: "streams",
        word: count,
        across_scale: Scale::Logarithmic,
        up: Unit::Time,
        up_scale: Scale::Linear,
    },
    Growth {
        group: "growth-stream-memory",
        title: "Memory of an idle WebSocket over HTTP/2, both ends",
        across: "streams",
        word: count,
        across_scale: Scale::Logarithmic,
        up: Unit::Memory,
        up_scale: Scale::Linear,
    },
    Growth {
        group: "growth-tunnels",
        title: "A message above finished tunnels",
        across: "tunnels",
        word: count,
        across_scale: Scale::Linear,
        up: Unit::Time,
        up_scale: Scale::Logarithmic,
    },
];

/// Writes a time beside an axis, without the digits of a measurement.
fn tick(nanoseconds: f64) -> String {
    let (value, unit) = match nanoseconds {
        ..1e-9 => return "0".to_owned(),
        ..999.0 => (nanoseconds, "ns"),
        ..999_999.0 => (nanoseconds / 1e3, "µs"),
        _ => (nanoseconds / 1e6, "ms"),
    };
    format!("{} {unit}", (value * 1e3).round() / 1e3)
}

fn count(value: f64) -> String {
    format!("{value:.0}")
}
