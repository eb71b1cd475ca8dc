//! Rows of a relay between two TCP connections, whose ends are bytes of tokio.

use crate::counted::counted;
use crate::memory::payload;
use crate::sockets::{connected, runtime};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional_with_sizes};
use tokio::net::TcpStream;
use wirestack::{Connection, Engine, Identity, relay};

/// What relays.
#[derive(Clone, Copy)]
pub(crate) enum By {
    Wirestack,
    Tokio,
}

/// Sends bytes there and back through a relay.
pub(crate) fn echo(messages: usize, size: usize, by: By) {
    let runtime = runtime();
    let [mut client, mut server] = runtime.block_on(relayed(by));
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
async fn relayed(by: By) -> [TcpStream; 2] {
    let [client, mut one] = connected().await;
    let [mut other, server] = connected().await;
    match by {
        By::Wirestack => {
            let over = |io| Connection::from_transport(io, Engine::new(Identity)).expect("tokio");
            let (one, other) = (over(one), over(other));
            tokio::spawn(async move {
                let _ = relay(one, other).await;
            });
        }
        By::Tokio => {
            tokio::spawn(async move {
                let _ = copy_bidirectional_with_sizes(&mut one, &mut other, SIZE, SIZE).await;
            });
        }
    }
    [client, server]
}

/// The size of a buffer of tokio's, in bytes.
const SIZE: usize = 64 * 1024;

/// The messages before those that count.
const WARM: usize = 60;
