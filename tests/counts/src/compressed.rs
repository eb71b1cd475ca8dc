//! Rows of compression.

use crate::counted::counted;
use crate::end::{answer, ask};
use crate::memory::{client_that_asks, records};
use crate::opening::accept;
use crate::sockets::{connected, runtime};
use wirestack::websocket::{Deflate, WebSocketConfig};
use wirestack::{Connection, Engine, Nest};

/// Echoes text over connections that compress it (RFC 7692), all of it different.
pub(crate) fn echo(messages: usize, size: usize, level: u8) {
    let runtime = runtime();
    let config = WebSocketConfig::default().deflate(Deflate::default().level(level));
    let [mut client, server] = runtime.block_on(async {
        let [opened, accepted] = connected().await;
        let engine = Engine::new(client_that_asks(config.clone()).boxed());
        let mut client = Connection::from_transport(opened, engine).expect("tokio");
        let (opened, server) =
            futures_util::future::join(client.open(), accept(accepted, config)).await;
        opened.expect("open");
        assert!(client.compression().is_some(), "compression is agreed");
        [client, server]
    });
    let text = records((WARM + messages) * size);
    runtime.spawn(answer(server));
    let mut texts = (0..).map(|nth| text.slice(nth * size..(nth + 1) * size));
    let mut round = |times| {
        runtime.block_on(async {
            for _ in 0..times {
                ask(&mut client, &texts.next().expect("a text"), 1).await;
            }
        });
    };
    round(WARM);
    counted(&mut || round(messages));
}

/// The messages before those that count.
const WARM: usize = 5;
