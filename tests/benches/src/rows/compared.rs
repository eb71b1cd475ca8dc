//! The rows in which all libraries take part.

use crate::contestants::Contestant;
use crate::net::{Direction, Net};
use crate::payload::bytes;
use crate::row::Row;
use crate::{files, idle};

/// Returns the rows of messages there and back, and one way.
pub(crate) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    let echoes = [
        (16, Net::Tcp),
        (1024, Net::Tcp),
        (16 << 10, Net::Tcp),
        (16 << 10, Net::Tls),
    ];
    for (size, net) in echoes {
        let row = Row::new("echo", format!("{}, {}", bytes(size), net.name()));
        rows.push(compared(row, move |it, messages| {
            (it.echo)(net, size, messages)
        }));
    }
    for net in Net::ALL {
        for direction in Direction::ALL {
            for size in [125, 16 << 10, 1 << 20] {
                let name = format!("{}, {}, {}", bytes(size), net.name(), direction.name());
                rows.push(compared(Row::new("stream", name), move |it, messages| {
                    (it.stream)(net, direction, size, messages);
                }));
            }
        }
    }
    rows
}

/// Returns the rows of idle connections.
pub(crate) fn idle() -> Vec<Row> {
    let row = |net: Net| {
        let row = Row::new("idle", format!("{}, the larger end", net.name()));
        let memory = |row: Row, it: &Contestant| {
            let name = it.name;
            row.memory(name, it.kind, 1000, move |n| idle::run(name, net, n))
        };
        Contestant::ALL.iter().fold(row, memory)
    };
    Net::ALL.map(row).into()
}

/// Returns the rows of the plots.
pub(crate) fn growth() -> Vec<Row> {
    let mut rows = Vec::new();
    for size in [0, 16, 256, 4 << 10, 64 << 10, 1 << 20, 16 << 20, 64 << 20] {
        let row = Row::new("growth-sizes", size.to_string());
        // Messages without any byte cannot be counted without framing.
        let all = Contestant::ALL
            .iter()
            .filter(|it| size > 0 || it.name != "raw");
        rows.push(all.fold(row, |row, it| {
            let stream = it.stream;
            row.case(it.name, it.kind, move |n| {
                stream(Net::Tcp, Direction::Up, size, n)
            })
        }));
    }
    let some = || {
        Contestant::ALL
            .iter()
            .filter(|it| PLOTTED.contains(&it.name))
    };
    for wanted in [1, 10, 100, 1000, 10_000] {
        let connections = files::connections(wanted);
        let row = Row::new("growth-connections", connections.to_string());
        rows.push(some().fold(row, |row, it| {
            let echo = it.connections;
            row.case(it.name, it.kind, move |n| echo(connections, n))
        }));
    }
    for connections in [10, 100, 1000, 10_000] {
        let row = Row::new("growth-connection-memory", connections.to_string());
        rows.push(some().fold(row, |row, it| {
            let name = it.name;
            row.memory(name, it.kind, connections, move |n| {
                idle::run(name, Net::Tcp, n)
            })
        }));
    }
    rows
}

fn compared(row: Row, work: impl Fn(&Contestant, usize) + Copy + 'static) -> Row {
    Contestant::ALL.iter().fold(row, |row, it| {
        row.case(it.name, it.kind, move |n| work(it, n))
    })
}

/// The contestants in the plots of connections: many of them take long to open.
const PLOTTED: [&str; 4] = ["raw", "wirestack", "fastwebsockets", "tokio-websockets"];
