//! WebSockets over one HTTP/2 connection (RFC 8441): wirestack with and without a task that drives
//! the connection, and sockudo-ws over `h2`.

use crate::connections;
use crate::contestant::{Conn, Kind};
use crate::echo::{Asker, Echoer};
use crate::idle::resident;
use crate::loopback::{Job, runtime};
use crate::net::Direction;
use crate::payload::{bytes, payload};
use crate::row::Row;
use crate::rows::streams::{self, Pairs};
use crate::stream::End;

/// Returns the rows of the table.
pub(crate) fn rows() -> Vec<Row> {
    let sizes = [125, 16 * 1024];
    let echo = sizes.map(|size| {
        row(
            format!("echo, {}", bytes(size)),
            move |contestant, messages| {
                both_ends(contestant, size, Asker { size, messages }, Echoer);
            },
        )
    });
    let stream = [Direction::Up, Direction::Down].map(|direction| {
        sizes.map(|size| {
            let name = format!("stream, {}, {}", bytes(size), direction.name());
            row(name, move |contestant, messages| {
                let [client, server] = End::both(direction, size, messages);
                both_ends(contestant, size, client, server);
            })
        })
    });
    echo.into_iter()
        .chain(stream.into_iter().flatten())
        .collect()
}

/// Returns the rows of the plots: the cost of a message, and the memory of an idle stream.
pub(crate) fn growth() -> Vec<Row> {
    let mut rows = Vec::new();
    for streams in [1, 10, 100, 1000] {
        let row = Row::new("growth-streams", streams.to_string());
        rows.push(CONTESTANTS.into_iter().fold(row, |row, contestant| {
            row.case(contestant.name(), contestant.kind(), move |messages| {
                in_turn(contestant, streams, messages);
            })
        }));
    }
    for streams in [10, 100, 1000] {
        rows.push(
            Row::new("growth-stream-memory", streams.to_string()).memory(
                "wirestack",
                Kind::Ours,
                streams,
                idle_streams,
            ),
        );
    }
    rows
}

/// Returns the row of an idle stream.
pub(crate) fn idle() -> Row {
    let name = "a stream of HTTP/2, both ends";
    Row::new("idle", name).memory("wirestack", Kind::Ours, 1000, idle_streams)
}

fn row(name: String, work: impl Fn(Contestant, usize) + Copy + 'static) -> Row {
    CONTESTANTS
        .into_iter()
        .fold(Row::new("http2", name), |row, contestant| {
            row.case(contestant.name(), contestant.kind(), move |n| {
                work(contestant, n)
            })
        })
}

/// A library with its way to drive the connection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Contestant {
    /// The library `h2` alone, whose connections are driven by tasks: messages of one length, without
    /// any framing.
    Raw,
    /// wirestack; a task drives each end.
    Driven,
    /// wirestack; the tasks that wait drive the connection.
    Undriven,
    /// sockudo-ws over `h2`, whose connections are driven by tasks.
    Sockudo,
}

impl Contestant {
    fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw h2",
            Self::Driven => "wirestack",
            Self::Undriven => "wirestack, undriven",
            Self::Sockudo => "sockudo-ws",
        }
    }

    fn kind(self) -> Kind {
        match self {
            Self::Raw => Kind::Baseline,
            Self::Driven | Self::Undriven => Kind::Ours,
            Self::Sockudo => Kind::Peer,
        }
    }
}

/// Runs a client and a server against each other, on a stream of their own.
fn both_ends<C: Job, S: Job>(contestant: Contestant, size: usize, client: C, server: S) {
    runtime().block_on(async {
        match contestant {
            Contestant::Raw => on_a_stream(streams::raw(1, size).await, client, server).await,
            Contestant::Sockudo => on_a_stream(streams::sockudo(1).await, client, server).await,
            Contestant::Driven => {
                on_a_stream(streams::wirestack(1, true).await, client, server).await;
            }
            Contestant::Undriven => {
                on_a_stream(streams::wirestack(1, false).await, client, server).await;
            }
        }
    });
}

async fn on_a_stream<C: Conn, S: Conn>(mut pairs: Pairs<C, S>, client: impl Job, server: impl Job) {
    let (client_end, server_end) = pairs.ends.pop().expect("a stream");
    let serving = tokio::spawn(server.run(server_end));
    client.run(client_end).await;
    drop(pairs.client);
    serving.await.expect("a server that ended well");
}

/// Echoes so many messages, on each of so many streams in turn.
fn in_turn(contestant: Contestant, count: usize, messages: usize) {
    runtime().block_on(async {
        match contestant {
            Contestant::Raw => turns(streams::raw(count, SMALL).await, messages).await,
            Contestant::Sockudo => turns(streams::sockudo(count).await, messages).await,
            Contestant::Driven => turns(streams::wirestack(count, true).await, messages).await,
            Contestant::Undriven => turns(streams::wirestack(count, false).await, messages).await,
        }
    });
}

async fn turns<C: Conn, S: Conn>(pairs: Pairs<C, S>, messages: usize) {
    let mut clients = Vec::new();
    for (client, server) in pairs.ends {
        tokio::spawn(Echoer.run(server));
        clients.push(client);
    }
    connections::take_turns(&mut clients, messages).await;
}

/// Returns the bytes that an idle WebSocket on a connection costs both ends together.
fn idle_streams(count: usize) -> f64 {
    runtime().block_on(async {
        let mut pairs = streams::wirestack(WARM_UP, true).await;
        exchange(&mut pairs.ends).await;
        let before = resident();
        let mut more = Vec::with_capacity(count);
        for _ in 0..count {
            let mut pair = [pairs.open().await];
            exchange(&mut pair).await;
            more.extend(pair);
        }
        resident().saturating_sub(before) as f64 / count as f64
    })
}

/// Sends a message there and another one back, on each stream.
async fn exchange<C: Conn, S: Conn>(ends: &mut [(C, S)]) {
    for (client, server) in ends {
        client.send(payload(SMALL)).await;
        server.receive().await;
        server.send(payload(SMALL)).await;
        client.receive().await;
    }
}

/// All contestants. The first is the one that the others are compared with.
const CONTESTANTS: [Contestant; 4] = [
    Contestant::Raw,
    Contestant::Driven,
    Contestant::Undriven,
    Contestant::Sockudo,
];

/// The size of a small message, in bytes.
const SMALL: usize = 125;

/// The number of streams that do not count.
const WARM_UP: usize = 50;
