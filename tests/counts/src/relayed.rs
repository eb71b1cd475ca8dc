//! Rows of a relay between two TCP connections, whose ends are bytes of tokio.

use crate::counted::counted;
use crate::memory::payload;
use crate::sockets::{connected, runtime};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use wirestack::{Connection, Engine, Identity, relay};

/// Sends bytes there and back through a relay.
pub(crate) fn echo(messages: usize, size: usize) {
    let runtime = runtime();
    let [mut client, mut server] = runtime.block_on(relayed());
    let message = payload(size);
    runtime.spawn(async move {
        let mut buffer = vec![0; size];
        while server.read_exact(&mut buffer).await.is_ok() {
            server.write_all(&buffer).await.expect("sent");
        }
    });
    let mut buffer = vec![0; size];
    let mut round = |times| {
        runtime.block_on(async {
            for _ in 0..times {
                client.write_all(&message).await.expect("sent");
                client.read_exact(&mut buffer).await.expect("received");
            }
        });
    };
    round(WARM);
    counted(&mut || round(messages));
}

/// Returns the two outer ends of two connections with a relay between them.
async fn relayed() -> [TcpStream; 2] {
    let [client, one] = connected().await;
    let [other, server] = connected().await;
    let over = |io| Connection::from_transport(io, Engine::new(Identity)).expect("tokio");
    let (one, other) = (over(one), over(other));
    tokio::spawn(async move {
        let _ = relay(one, other).await;
    });
    [client, server]
}

/// The messages before those that count.
const WARM: usize = 60;
