//! The ways to use a connection of wirestack's: itself, two halves, the handle of a task.

use crate::contestant::{Conn, Kind};
use crate::contestants::{open_client, open_server};
use crate::echo::{Asker, Echoer};
use crate::loopback::{Job, connected, runtime};
use crate::net::Direction;
use crate::row::Row;
use crate::stream::End;
use bytes::Bytes;
use wirestack::websocket::Message;
use wirestack::{BoxSocket, Connection, Engine, Handle, Nest, Reader, Writer};

/// Returns the rows.
pub(crate) fn rows() -> Vec<Row> {
    vec![
        Row::new("ways", "echo of 16 B, TCP")
            .case("plain", Kind::Baseline, |n| echo(n, Plain))
            .case("split", Kind::Ours, |n| echo(n, Halves::of))
            .case("spawned", Kind::Ours, |n| echo(n, |it| Spawned(it.spawn()))),
        Row::new("ways", "stream of 125 B to the server, TCP")
            .case("plain", Kind::Baseline, |n| stream(n, Plain))
            .case("split", Kind::Ours, |n| stream(n, Halves::of))
            .case("spawned", Kind::Ours, |n| {
                stream(n, |it| Spawned(it.spawn()))
            }),
    ]
}

fn echo<C: Conn>(messages: usize, way: fn(Connection<BoxSocket>) -> C) {
    both_ends(way, Asker { size: 16, messages }, Echoer);
}

fn stream<C: Conn>(messages: usize, way: fn(Connection<BoxSocket>) -> C) {
    let [client, server] = End::both(Direction::Up, 125, messages);
    both_ends(way, client, server);
}

fn both_ends<C: Conn>(way: fn(Connection<BoxSocket>) -> C, client: impl Job, server: impl Job) {
    runtime().block_on(async {
        let ends = connected().await;
        for end in &ends {
            end.set_nodelay(true).expect("no delay");
        }
        let [opened, accepted] = ends;
        let over = |io, engine| way(Connection::from_transport(io, engine).expect("tokio"));
        let server_end = over(accepted, Engine::new(open_server().boxed()));
        let serving = tokio::spawn(server.run(server_end));
        client
            .run(over(opened, Engine::new(open_client().boxed())))
            .await;
        serving.await.expect("a server that ended well");
    });
}

struct Plain(Connection<BoxSocket>);

struct Halves(Reader<BoxSocket>, Writer<BoxSocket>);

impl Halves {
    fn of(connection: Connection<BoxSocket>) -> Self {
        let (writer, reader) = connection.split();
        Self(reader, writer)
    }
}

struct Spawned(Handle<BoxSocket>);

macro_rules! conn {
    ($way:ident, $it:ident => $reader:expr, $writer:expr) => {
        impl Conn for $way {
            async fn feed(&mut self, message: Bytes) {
                let $it = self;
                $writer
                    .feed(Message::Binary(message))
                    .await
                    .expect("accepted");
            }

            async fn flush(&mut self) {
                let $it = self;
                $writer.flushed().await.expect("sent");
            }

            async fn receive(&mut self) -> usize {
                let $it = self;
                $reader
                    .next()
                    .await
                    .expect("no end")
                    .expect("a message")
                    .len()
            }

            async fn echo(&mut self) -> bool {
                let $it = self;
                match $reader.next().await {
                    Some(Ok(message)) => $writer.send(message).await.is_ok(),
                    _ => false,
                }
            }

            async fn send(&mut self, message: Bytes) {
                let $it = self;
                $writer.send(Message::Binary(message)).await.expect("sent");
            }
        }
    };
}
conn!(Plain, it => it.0, it.0);
conn!(Halves, it => it.0, it.1);
conn!(Spawned, it => it.0, it.0);
