//! A relay between two connections, as a proxy has it.

use crate::contestant::Kind;
use crate::contestant::Peer;
use crate::contestants::Raw;
use crate::echo::{Asker, Echoer};
use crate::loopback::{Job, connected, runtime};
use crate::net::Direction;
use crate::row::Row;
use crate::stream::End;
use std::time::Duration;
use tokio::io::copy_bidirectional_with_sizes;
use tokio::net::TcpStream;
use tokio::time::timeout;
use wirestack::{Connection, Engine, Identity, relay};

/// Returns the rows.
pub(crate) fn rows() -> Vec<Row> {
    let row = |name, work: fn(Relay, usize)| {
        Row::new("relay", name)
            .case("copy_bidirectional", Kind::Peer, move |n| {
                work(Relay::Tokio, n)
            })
            .case("copy_bidirectional beside a timer", Kind::Peer, move |n| {
                work(Relay::TokioBesideTimer, n)
            })
            .case("wirestack", Kind::Ours, move |n| work(Relay::Ours, n))
    };
    vec![
        row("stream of 64 KiB", |relay, messages| {
            let [client, server] = End::both(Direction::Up, LARGE, messages);
            through(relay, LARGE, client, server);
        }),
        row("echo of 125 B", |relay, messages| {
            let size = SMALL;
            through(relay, size, Asker { size, messages }, Echoer);
        }),
    ]
}

#[derive(Clone, Copy)]
enum Relay {
    Tokio,
    /// As in every program that has a time-out: the runtime then looks at its clock more often.
    TokioBesideTimer,
    Ours,
}

impl Relay {
    async fn run(self, mut one: TcpStream, mut other: TcpStream) {
        match self {
            Self::Tokio => {
                let copied = copy_bidirectional_with_sizes(&mut one, &mut other, LARGE, LARGE);
                let _ = copied.await;
            }
            Self::TokioBesideTimer => {
                let copied = copy_bidirectional_with_sizes(&mut one, &mut other, LARGE, LARGE);
                let _ = timeout(LONG, copied).await;
            }
            Self::Ours => {
                let over = |io| Connection::from_transport(io, Engine::new(Identity));
                let _ = relay(over(one).expect("tokio"), over(other).expect("tokio")).await;
            }
        }
    }
}

fn through(relay: Relay, size: usize, client: impl Job, server: impl Job) {
    runtime().block_on(async {
        let ([opened, one], [other, accepted]) = tokio::join!(connected(), connected());
        for end in [&opened, &one, &other, &accepted] {
            end.set_nodelay(true).expect("no delay");
        }
        let relaying = tokio::spawn(relay.run(one, other));
        let serving = tokio::spawn(server.run(Raw::server(accepted, size)));
        client.run(Raw::client(opened, size)).await;
        serving.await.expect("a server that ended well");
        relaying.await.expect("a relay that ended well");
    });
}

/// A time that does not pass.
const LONG: Duration = Duration::from_secs(600);

const LARGE: usize = 64 * 1024;
const SMALL: usize = 125;
